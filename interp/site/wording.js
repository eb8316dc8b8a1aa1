// How tokens and numbers are written, and findings in one sentence: the words of the notebooks' widgets
// (`widgets/wording`, `ablation_view`, `lens_words`, `attention_words`); a test lays both beside each other.

const STEADY = 0.01;

const LEFTWARDS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

function isolated(text) { return LEFTWARDS.test(text) ? `\u2068${text}\u2069` : text; }
function word(token) { return isolated(token.replace(/^ +| +$/g, "").replaceAll("\n", "↵")) || "·"; }
function visible(token) { return isolated(token.replaceAll(" ", "·").replaceAll("\n", "↵")); }

function fixed(value, places) { // a true minus, and no "-0"
  const text = value.toFixed(places);
  return (Number(text) ? text : (0).toFixed(places)).replace("-", "−");
}

function signed(value, places = 2) {
  const text = fixed(value, places);
  return value > 0 && Number(text) ? `+${text}` : text;
}

function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return share >= 0.0995 || share === 0 ? `${(100 * share).toFixed(0)} %` : `${(100 * share).toFixed(1)} %`;
}

function times(difference) {
  const ratio = Math.exp(Math.min(Math.abs(difference), 20));
  const shown = ratio >= 10 ? ratio.toFixed(0).replace(/\B(?=(\d{3})+$)/g, " ") : ratio.toFixed(1);
  return Math.abs(difference) > 20 ? `over ${shown} times` : `${shown} times`;
}

function headsText(names) {
  if (names.length > 4) return `${names.length} heads`;
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join("");
}

function askedNames(asked) {
  const plain = asked.map(({ text }) => word(text));
  return new Set(plain).size === plain.length ? plain : asked.map(({ text }) => visible(text));
}

function favourite(asked, difference, verb = "is") {
  const [first, second] = askedNames(asked), [likelier, other] = difference >= 0 ? [first, second] : [second, first];
  if (Math.abs(difference) <= STEADY) return `“${first}” and “${second}” are equally likely`;
  return `“${likelier}” ${verb} ${times(difference)} as likely as “${other}”`;
}

function labFinding(heads, { asked, difference: [before, after] }) {
  if (!heads.length) return `Every head is on: ${favourite(asked, before)}.`;
  const without = `Without ${headsText(heads)}`;
  if (before * after < 0 && Math.abs(after) > STEADY) {
    return `${without} the model changes its mind: now ${favourite(asked, after)} (before, ${favourite(asked, before, "was")}).`;
  }
  if (Math.abs(after - before) <= STEADY) return `${without} nothing changes: ${favourite(asked, before)}.`;
  const way = Math.abs(after) > Math.abs(before) ? "stronger" : "weaker";
  return `${without} the preference gets ${way}: ${favourite(asked, after)}; before it was ${times(before)}.`;
}

function arrives(answer, trace) {
  let start = trace.length;
  while (start && trace[start - 1].rank === 1) start--;
  return start < trace.length ? `“${answer}” stays first from layer ${start} on` : `“${answer}” ends at rank ${trace.at(-1).rank}`;
}

function lensFinding(heads, { asked, traces: [before, after] }) {
  const [followed] = askedNames(asked), first = arrives(followed, before), then = arrives(followed, after);
  if (!heads.length) return `${first}.`;
  return `${first}; without ${headsText(heads)}, ${then === first ? "the same" : then[0].toLowerCase() + then.slice(1)}.`;
}

// The largest weights of one looking word: "to → Mary 0.62, John 0.11".
function rowSentence(tokens, pattern, query) {
  const n = tokens.length, keys = [...Array(query + 1).keys()].sort((a, b) => pattern[query * n + b] - pattern[query * n + a]).slice(0, 4);
  return `${word(tokens[query])} → ${keys.map((key) => `${word(tokens[key])} ${fixed(pattern[query * n + key], 2)}`).join(", ")}`;
}
