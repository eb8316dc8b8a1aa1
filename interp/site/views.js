// The living figures: the notebooks' lab, lens and attention viewer, on the model in the page.

const WAYS = [["mean", "its average", "what it does on average in other sentences"], ["zero", "nothing", "silence: it writes nothing at all"]];

function waysField(id, changed) {
  const box = make("fieldset", { className: "ways" }, make("legend", {}, "A head that is off puts out"));
  for (const [value, label, title] of WAYS) {
    const radio = make("input", { type: "radio", name: `${id}-how`, value, id: `${id}-${value}`, checked: value === "mean" });
    radio.addEventListener("change", changed);
    box.append(make("span", { className: "way", title }, radio, make("label", { htmlFor: radio.id }, label)));
  }
  return { box, get value() { return box.querySelector("input:checked").value; } };
}

function headsPart(about, id, changed) {
  const off = new Set();
  const { grid, cells } = headGrid(about.layers, about.heads, (name) => { if (!off.delete(name)) off.add(name); draw(); changed(); });
  const put = (names) => { off.clear(); names.forEach((name) => off.add(name)); draw(); };
  const preset = presetChooser(`${id}-preset`, about.groups, (names) => { put(names); changed(); });
  const past = history((names) => { put(names); changed(); });
  grid.addEventListener("keydown", past.keys);
  const reset = make("button", { type: "button", className: "plain" }, "↺ All heads on");
  reset.addEventListener("click", () => { put([]); changed(); });
  const ways = waysField(id, changed), names = () => [...cells.keys()].filter((name) => off.has(name));
  let effects = null;

  function draw() {
    if (effects) paint(cells, effects, off);
    else for (const [name, button] of cells) {
      button.className = "cell head";
      button.setAttribute("aria-pressed", String(off.has(name)));
      button.setAttribute("aria-label", `${name}, ${off.has(name) ? "off" : "on"}`);
      button.replaceChildren(off.has(name) ? make("span", { className: "off" }, "off") : make("span", { className: "number" }, "on"));
    }
    preset.follow(off);
  }

  function paintEffects(values) {
    const size = Math.max(...values.flat().map(Math.abs)) || 1;
    effects = values.map((row) => row.map((value) => ({ tint: value / size, text: signed(value, size >= 10 ? 1 : 2) })));
    draw();
  }

  draw();
  return { grid, preset, ways, names, paintEffects, past, row: make("div", { className: "row" }, ...past.buttons, reset) };
}

const lookOf = ({ patterns }, head) => { const [, layer, number] = /^L(\d+)H(\d+)$/.exec(head); return patterns[layer][number]; };

// What each view asks for, finds in one sentence, and draws.
const VIEWS = {
  lab: {
    className: "interp-lab", heads: true, fields: ["answer", "against"], lines: 2, title: "What the model says next",
    finding: (answer, off) => labFinding(off, answer),
    drawn: (answer, off) => [numberCards(answer, off.length > 0), panes(answer, off, 6)],
  },
  lens: {
    className: "interp-lab interp-lens", heads: true, fields: ["answer"], lines: 4, title: "What the model would say if it stopped here",
    finding: (answer, off) => lensFinding(off, answer),
    drawn: (answer, off) => [lensTable(answer, off)],
  },
  attention: {
    className: "interp-attention", heads: false, fields: [], lines: 2, title: "Where one head looks",
    finding: (answer, _, head) => `${head}: ${rowSentence(answer.tokens, lookOf(answer, head), answer.tokens.length - 1)}.`,
    drawn: (answer, _, head) => [patternTable(answer.tokens, lookOf(answer, head), head), rowsAsText(answer.tokens, lookOf(answer, head), head),
      make("p", { className: "warning" }, "A look is not a reason. To learn whether a head matters, switch it off in the lab.")],
  },
};

const LABELS = { answer: "● It should say", against: "◆ rather than" };

// One living figure on one model. `begin` are the texts and heads it starts with.
function living(view, model, begin) {
  const kind = VIEWS[view], id = freshId(view), { about } = model, examples = about.examples[view];
  const root = make("div", { className: `interp-widget ${kind.className}` });
  const headline = make("p", { className: "headline", "aria-hidden": "true" }); // stays in sight on a phone
  const chooser = exampleField(`${id}-example`, examples), prompt = sentenceField(`${id}-prompt`, "Sentence: the model guesses the next word");
  const texts = Object.fromEntries(kind.fields.map((name) => [name, textField(`${id}-${name}`, kind.fields.length > 1 ? LABELS[name] : "Follow this answer", 10)]));
  const controls = { prompt, ...texts }, result = make("div", { className: "result" }), status = visually(make("p", { className: "status" }));
  prompt.control.rows = kind.lines;
  const changed = () => { past?.note(part.names()); ask(); };
  const part = kind.heads ? headsPart(about, id, changed) : null, past = part?.past;
  const heads = part ? null : choiceField(`${id}-head`, "Head", Array.from({ length: about.layers * about.heads }, (_, i) => { const name = `L${Math.floor(i / about.heads)}H${i % about.heads}`; return [name, name]; }));
  past?.note([]);

  const ask = asking(model, () => ({
    view, how: part?.ways.value ?? "mean", heads: part?.names() ?? [], ...Object.fromEntries(Object.entries(controls).map(([name, { control }]) => [name, control.value])),
  }), show);

  function show(answer, question) {
    for (const [name, { error, control }] of Object.entries(controls)) {
      const text = answer.error && (answer.error.control === name || (name === "prompt" && !controls[answer.error.control])) ? answer.error.text : "";
      error.textContent = text;
      error.hidden = !text;
      control.setAttribute("aria-invalid", String(Boolean(text)));
    }
    result.classList.toggle("stale", Boolean(answer.error));
    if (answer.error) { status.textContent = answer.error.text; return; }
    prompt.said.replaceChildren(...wordsRow(answer.words, answer.number));
    kind.fields.forEach((name, i) => texts[name].said.replaceChildren(...askedRow(answer.asked[i])));
    if (answer.effects) part.paintEffects(answer.effects);
    const shown = [answer, question.heads, heads?.control.value], finding = kind.finding(...shown);
    result.replaceChildren(...findingParts(answer.cautions, finding), ...kind.drawn(...shown));
    headline.textContent = answer.cautions.length ? "" : finding;
    status.textContent = [...answer.cautions, finding].join(" ");
    root.dataset.answered = String(Number(root.dataset.answered ?? 0) + 1);
  }

  function fill(state) {
    for (const [name, { control }] of Object.entries(controls)) control.value = (state[name] ?? "").trim();
    if (state.prompt) prompt.control.value = state.prompt;
    if (heads && state.head) heads.control.value = state.head;
  }

  chooser.control.addEventListener("change", () => { if (chooser.control.value !== "own") { fill(examples[Number(chooser.control.value)]); ask(); } });
  heads?.control.addEventListener("change", () => ask());
  for (const { control } of Object.values(controls)) {
    quietKeys(control, () => ask());
    control.addEventListener("input", () => { chooser.control.value = "own"; ask(PATIENCE); });
  }
  root.append(
    make("div", { className: "top" }, chooser.box, prompt.box, make("div", { className: "words" }, ...Object.values(texts).map(({ box }) => box), ...(heads ? [heads.box] : []))),
    headline,
    make("div", { className: "bench" },
      ...(part ? [make("section", { className: "controls" }, make("h3", {}, "Click a head to switch it off"), part.grid, ...(view === "lab" ? [legend()] : []), part.row, part.preset.box, part.ways.box)] : []),
      make("section", { className: "outcome", "aria-label": "Result" }, make("h3", {}, kind.title), result)),
    ...(kind.fields.length ? [make("details", {}, make("summary", {}, "Which token is asked?"), make("p", {}, RULE))] : []),
    status,
  );
  root.style.setProperty("--heads", about.heads);
  fill({ ...examples[0], ...begin });
  ask();
  return root;
}

function legend() {
  const key = (kind, text) => make("span", { className: "key" }, make("span", { className: `swatch ${kind}` }), ` ${text}`);
  return make("p", { className: "legend" }, key("towards", "pushes towards ●"), key("against", "pushes towards ◆"), key("off", "off"));
}
