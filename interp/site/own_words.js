// A reader's own words: which token is asked, how the model reads a sentence, what must be said before any finding.
// Rules and sentences are those of the notebooks (`prompts`, `studies/own_words`); a test
// lays both beside each other.

const QUOTES = "\"“”", MOST_LISTED = 6, HARDLY = 0.01;

class Trouble extends Error { // what a reader can mend: one sentence, and the control it belongs beneath
  constructor(control, text) { super(text); this.control = control; }
}

function quoted(text) { // as Python's repr
  const sign = text.includes("'") && !text.includes('"') ? '"' : "'";
  return sign + text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\t/g, "\\t").replace(/\r/g, "\\r").replaceAll(sign, `\\${sign}`) + sign;
}

function meant(typed) {
  let text = typed.replaceAll("\\n", "\n").replaceAll("↵", "\n");
  if (text.length > 2 && QUOTES.includes(text[0]) && QUOTES.includes(text.at(-1))) return text.slice(1, -1);
  text = text.replace(/ +$/, "");
  if (text[0] === "·" && text.length > 1) return ` ${text.slice(1)}`;
  return /^[\p{L}\p{N}]/u.test(text) ? ` ${text}` : text;
}

function typedAs(text) {
  const word = text.replace(/^ /, "");
  return (meant(word) === text ? word : `"${text}"`).replaceAll("\n", "\\n");
}

function asked(tokens, typed, control, what) {
  const text = meant(typed);
  if (!text) throw new Trouble(control, `${what} is missing: write one word, such as Mary.`);
  const other = text.startsWith(" ") ? text.slice(1) : ` ${text}`, ids = tokens.encode(text);
  const instead = tokens.encode(other).length === 1 ? typedAs(other) : "";
  if (ids.length !== 1) {
    const pieces = ids.map((id) => quoted(tokens.decode([id]))).join(", ") || "none";
    const way = instead ? `${quoted(other)} is one: write "${other.replaceAll("\n", "\\n")}", in quotes` : "Choose another word";
    throw new Trouble(control, `${what} ${quoted(text)} is ${ids.length} tokens (${pieces}); it must be one token. ${way}.`);
  }
  return { text, token: ids[0], other: instead ? other : "", instead };
}

function askedPair(tokens, answer, against) {
  const pair = [asked(tokens, answer, "answer", "The answer"), asked(tokens, against, "against", "The word to weigh it against")];
  if (pair[0].token === pair[1].token) {
    const word = pair[0].text.replace(/^ +| +$/g, "") || pair[0].text;
    throw new Trouble("against", `The answer and the word to weigh it against are both ${quoted(word)}: choose two words.`);
  }
  return pair;
}

// The tokens of a sentence, a last space left out.
function written(tokens, prompt, most) {
  const text = prompt.trimEnd();
  if (!text) throw new Trouble("prompt", "The prompt is empty: write the beginning of a sentence, up to the word to be guessed.");
  const ids = tokens.encode(text);
  if (ids.length > most) {
    throw new Trouble("prompt", `The prompt has ${ids.length} tokens, but the model reads at most ${most}. Make it shorter by ${ids.length - most}.`);
  }
  return { text, ids };
}

function readWords(model, tokens, text) {
  return tokens.words(text).map((word) => ({
    text: word.text, pieces: word.ids.map(tokens.string), seen: model.seen ? model.seen.has(word.text) : null,
  }));
}

function listed(words) {
  const shown = words.slice(0, MOST_LISTED).map(({ text, pieces }) => {
    if (pieces.length === 1) return `“${visible(text)}”`;
    return `“${visible(text)}” (${pieces.join("") === text ? pieces.map(visible).join("|") : `${pieces.length} pieces`})`;
  });
  return shown.join(", ") + (words.length > MOST_LISTED ? ` and ${words.length - MOST_LISTED} more` : "");
}

function neverSeen(model, tokens, texts) {
  const unseen = new Map(texts.flatMap((text) => readWords(model, tokens, text)).filter((word) => word.seen === false).map((word) => [word.text, word]));
  if (!unseen.size) return [];
  const known = [...unseen.keys()].filter((text) => model.seen.has(` ${text}`)).map((text) => `“·${text}”`);
  const spaced = known.length ? ` With a space before it, it knows ${known.join(", ")}.` : "";
  const [what, about] = unseen.size === 1 ? ["this word", "it"] : ["these words", "them"];
  return [`${model.name} never saw ${what} in training: ${listed([...unseen.values()])}.${spaced} What follows is not about ${about}.`];
}

const NAME_LIKE = /(?!_)(?:\p{L}|\p{M})+(?:['’-](?:\p{L}|\p{M})+)*/gu;

function namesIn(text) { // capitals that begin no sentence
  const names = [...text.matchAll(NAME_LIKE)].filter(({ 0: word, index }) => {
    const before = text.slice(0, index).replace(/[ "'“‘]+$/, "");
    return before && !/[.!?\n]$/.test(before) && word !== "I" && /^\p{Lu}/u.test(word);
  });
  return [...new Set(names.map(([word]) => word))];
}

function chance(share) {
  return share >= 0.001 ? `${(100 * share).toFixed(1)} %` : "less than 0.1 %";
}

// A sentence on asked names that a sentence with other names does not say.
function absentNames(model, tokens, prompt, pair, shares) {
  const said = [...new Set([...prompt.matchAll(NAME_LIKE)].map(([word]) => word))];
  const missing = pair.filter(({ text }) => model.names.has(text.replace(/^ /, "")) && !said.some((word) => word.split(/['’-]/).includes(text.trim())));
  const known = said.filter((word) => model.names.has(word));
  const offered = (known.length ? known : namesIn(prompt)).filter((name) => tokens.encode(` ${name}`).length === 1);
  if (!missing.length || !offered.length) return [];
  const several = missing.length > 1;
  const total = shares && missing.reduce((sum, { token }) => sum + shares[token], 0);
  const given = shares ? `; the model gives ${several ? "the two together" : "it"} ${chance(total)}` : "";
  return [`${missing.map(({ text }) => text.trim()).join(" and ")} ${several ? "are" : "is"} not in your sentence${given}. ${several ? "Choose names" : "Choose a name"} from it: ${offered.slice(0, MOST_LISTED).join(", ")}.`];
}

function hardlyGiven(tokens, pair, shares) {
  const total = pair.reduce((sum, { token }) => sum + shares[token], 0), first = shares.indexOf(Math.max(...shares));
  if (total >= HARDLY) return [];
  const words = pair.map(({ text }) => `“${visible(text)}”`).join(" and ");
  return [`The model hardly says ${words} here: together ${chance(total)}. Its first guess is “${visible(tokens.string(first))}”, ${chance(shares[first])}.`];
}

function beforeFinding(model, tokens, text, pair, shares) {
  const absent = absentNames(model, tokens, text, pair, shares);
  const likely = absent.length ? absent : hardlyGiven(tokens, pair, shares);
  return [...neverSeen(model, tokens, [text, ...pair.map((one) => one.text)]), ...likely];
}
