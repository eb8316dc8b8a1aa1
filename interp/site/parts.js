// Parts of the living figures, drawn from plain values: every word goes in as text, never as markup.

const RULE = "A word is asked with a space before it, as words follow words. A sign, or what stands in “quotes”, is asked as it is typed. \\n is a line break.";

function piecesOf({ text, pieces }) {
  if (pieces.join("") === text) return pieces.map((piece) => make("span", {}, visible(piece)));
  return [make("span", {}, visible(text)), make("span", {}, `${pieces.length} pieces`)];
}

function wordsRow(words, number) {
  const row = make("span", { className: "pieces" }, ...words.map((one) => make("span", { className: one.seen === false ? "read unseen" : "read" }, ...piecesOf(one))));
  const small = make("small", {}, `${number} token${number === 1 ? "" : "s"}; “·” is a space`);
  if (words.some((one) => one.seen === false)) small.append(" · ", make("span", { className: "unseen" }, "never seen in training"));
  return [row, small];
}

function askedRow({ text, instead, other }) {
  const told = ["asked: ", make("b", { className: "token" }, visible(text))];
  if (!instead) return told;
  const way = text.startsWith(" ") ? "without space" : "with a space";
  const button = make("button", { type: "button", className: "other", title: `ask “${visible(other)}”, ${way} in front` }, way);
  button.dataset.ask = instead;
  return [...told, " ", button];
}

function findingParts(cautions, finding) {
  if (!cautions.length) return [make("p", { className: "finding" }, finding)];
  return [make("div", { className: "caution", role: "note" }, ...cautions.map((one) => make("p", {}, one))), make("p", { className: "finding doubtful" }, `Measured all the same: ${finding}`)];
}

function numberCard(name, before, after, change, off) {
  if (!off) return make("div", {}, make("dt", {}, name), make("dd", {}, make("strong", {}, after)));
  const [arrow, way] = change.size > 0.005 ? ["▲", "up"] : change.size < -0.005 ? ["▼", "down"] : ["=", "same"];
  return make("div", {}, make("dt", {}, name), make("dd", {}, make("span", { className: "before" }, before), make("span", { "aria-hidden": "true" }, " → "),
    make("strong", {}, after), make("span", { className: `change ${way}` }, `${arrow} ${way === "same" ? "no change" : change.text}`)));
}

function numberCards({ asked, difference: [before, after], chances: shares }, off) {
  const names = askedNames(asked), cards = [numberCard("Logit difference", signed(before), signed(after), { size: after - before, text: `${signed(after - before)} nats` }, off)];
  shares.forEach(([from, to], i) => {
    const step = to - from, points = `${signed(100 * step, Math.abs(step) >= 0.0995 ? 0 : 1)} points`;
    cards.push(numberCard(`Chance of ${"●◆"[i]} ${names[i]}`, percent(from), percent(to), { size: step, text: points }, off));
  });
  return make("dl", { className: "numbers" }, ...cards);
}

function moved(earlier, rank) {
  if (earlier === undefined) return make("b", { title: "not in the top 10 before" }, "new");
  if (earlier === rank) return make("span", { title: "same rank" }, "=");
  return make("b", { title: `rank ${earlier} before` }, `${rank < earlier ? "▲" : "▼"} ${Math.abs(earlier - rank)}`);
}

function pane(title, label, kind, likeliest, top, marks, earlier) {
  const rows = likeliest.map(([token, share], i) => {
    const mark = marks.get(token), bar = make("span");
    bar.style.width = `${Math.max(0.4, 100 * share / top).toFixed(1)}%`;
    return make("li", { className: mark ? "named" : "" }, make("span", { className: "rank" }, String(i + 1)),
      make("span", { className: "token" }, `${mark ? `${mark} ` : ""}${visible(token)}`), make("span", { className: "bar" }, bar),
      make("span", { className: "share" }, percent(share)), make("span", { className: "move" }, ...(earlier ? [moved(earlier.get(token), i + 1)] : [])));
  });
  return make("section", { className: `pane ${kind}`, "aria-label": `${title}: next word` }, make("h4", {}, `${title} `, make("small", {}, label)), make("ol", { role: "list" }, ...rows));
}

function panes({ asked, likeliest: [before, after] }, heads, most) {
  const top = Math.max(before[0][1], after[0][1]), marks = new Map(asked.map(({ text }, i) => [text, "●◆"[i]]));
  const earlier = new Map(before.map(([token], i) => [token, i + 1]));
  return make("div", { className: "panes" }, pane("Baseline", "whole model", "clean", before.slice(0, most), top, marks, null),
    pane("Ablated", heads.length ? `without ${headsText(heads)}` : "nothing off yet", "ablated", after.slice(0, most), top, marks, earlier));
}

function table(caption, head, rows, className) {
  const cell = (tag, scope) => (text) => (text instanceof Node ? text : make(tag, scope ? { scope } : {}, String(text)));
  return make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption }, make("table", { className }, make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head.map(cell("th", "col")))),
    make("tbody", {}, ...rows.map(([first, ...others]) => make("tr", {}, cell("th", "row")(first), ...others.map(cell("td")))))));
}

function lensTable({ asked: [followed], traces: [before, after] }, heads) {
  const guess = ({ guesses: [[token, share]] }) => {
    const cell = make("td", { className: "cell" }, visible(token), " ", make("small", {}, percent(share)));
    cell.style.setProperty("--shade", `${Math.round(100 * share)}%`);
    return cell;
  };
  const rank = ({ rank: at }) => make("td", { className: at === 1 ? "first" : "" }, String(at));
  const name = visible(followed.text), off = heads.length > 0;
  return table("The first guess for the next word after every layer, and the rank of the answer; rank 1: it is the first guess",
    ["after layer", "first guess", `rank of ${name}`, ...(off ? ["guess, heads off", `rank of ${name}, heads off`] : [])],
    before.map((one, layer) => [layer, guess(one), rank(one), ...(off ? [guess(after[layer]), rank(after[layer])] : [])]), "still ranks");
}

function patternTable(tokens, pattern, name) {
  const shown = tokens.map(visible), n = tokens.length;
  const rows = shown.map((token, query) => [token, ...shown.map((_, key) => {
    const share = pattern[query * n + key], cell = make("td", { className: key > query ? "none" : "look" });
    if (key > query) return cell;
    cell.style.setProperty("--shade", `${Math.round(100 * share)}%`);
    cell.title = `${word(tokens[query])} → ${word(tokens[key])}: ${fixed(share, 2)}`;
    return cell;
  })]);
  return table(`${name}: row, the word that looks; column, where it looks; the darker, the more`, ["", ...shown], rows, "looks");
}

function rowsAsText(tokens, pattern, name) {
  return make("details", {}, make("summary", {}, `The same as text: ${name}`), make("ol", { className: "rows" }, ...tokens.map((_, query) => make("li", {}, rowSentence(tokens, pattern, query)))));
}
