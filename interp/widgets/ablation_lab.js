// The Ablation Lab's controls. It asks (`question`), shows the newest reply (`reply`), and computes nothing.
// One question is under way at a time; while it is, only the latest of the newer ones is kept.

const TYPING_PAUSE = 350;
const CLICK_PAUSE = 60;
const BUSY_AFTER = 300;
const SLOW_AFTER = 8000;
const ROOMY = 8; // with more heads in a row, headings and cells are narrower
const WAYS = [
  ["mean", "its average", "what it does on average in other sentences"],
  ["zero", "nothing", "silence: it writes nothing at all"],
  ["resample", "another sentence", "what it does in another sentence"],
];
let labs = 0;

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function field(id, label, control) {
  const error = make("p", { className: "error", id: `${id}-error`, hidden: true });
  error.setAttribute("role", "alert");
  control.id = id;
  control.setAttribute("aria-describedby", error.id);
  return { box: make("div", { className: "field" }, make("label", { htmlFor: id }, label), control, error), error };
}

function textField(id, label, size) {
  const control = make("input", { type: "text", autocomplete: "off", spellcheck: false });
  if (size) control.size = size;
  return { control, ...field(id, label, control) };
}

function headGrid(layers, heads, toggle) {
  const cells = new Map();
  const grid = make("table", { className: "grid" });
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-label", "Heads by layer. Arrow keys move, space switches a head off and on.");
  const top = make("tr", { role: "row" }, make("td", { role: "presentation" }));
  for (let head = 0; head < heads; head++) top.append(make("th", { scope: "col", role: "columnheader", "aria-label": `head ${head}` }, heads > ROOMY ? `H${head}` : `head ${head}`));
  grid.append(make("thead", { role: "rowgroup" }, top));
  const body = make("tbody", { role: "rowgroup" });
  for (let layer = 0; layer < layers; layer++) {
    const row = make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader", "aria-label": `layer ${layer}` }, heads > ROOMY ? `L${layer}` : `layer ${layer}`));
    for (let head = 0; head < heads; head++) {
      const name = `L${layer}H${head}`;
      const button = make("button", { type: "button", tabIndex: layer + head ? -1 : 0, title: name });
      button.dataset.head = name;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => toggle(name));
      cells.set(name, button);
      row.append(make("td", { role: "gridcell" }, button));
    }
    body.append(row);
  }
  grid.append(body);
  const focusOn = (button) => {
    for (const other of cells.values()) other.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  };
  grid.addEventListener("focusin", (event) => {
    if (!cells.has(event.target.dataset.head)) return;
    for (const other of cells.values()) other.tabIndex = -1;
    event.target.tabIndex = 0;
  });
  grid.addEventListener("keydown", (event) => {
    const place = (event.target.dataset.head || "").match(/^L(\d+)H(\d+)$/);
    const steps = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -heads], End: [0, heads], PageUp: [-layers, 0], PageDown: [layers, 0],
    };
    if (!place || !(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    const [down, across] = steps[event.key];
    const layer = Math.min(layers - 1, Math.max(0, Number(place[1]) + down));
    const head = Math.min(heads - 1, Math.max(0, Number(place[2]) + across));
    focusOn(cells.get(`L${layer}H${head}`));
  });
  return { grid, cells };
}

function paint(cells, effects, off) {
  effects.forEach((row, layer) => row.forEach((effect, head) => {
    const button = cells.get(`L${layer}H${head}`);
    const isOff = off.has(button.dataset.head);
    button.style.setProperty("--tint", `${Math.round(Math.abs(effect.tint) * 100)}%`);
    button.className = `head ${effect.tint < 0 ? "against" : "towards"}`;
    button.setAttribute("aria-pressed", String(isOff));
    button.setAttribute("aria-label", `${button.dataset.head}, writes ${effect.text}, ${isOff ? "off" : "on"}`);
    button.title = `${button.dataset.head}: writes ${effect.text}. Click to switch ${isOff ? "on" : "off"}.`;
    button.replaceChildren(make("span", { className: "number" }, effect.text));
    if (isOff) button.append(make("span", { className: "off" }, "off"));
  }));
}

function render({ model, el }) {
  const id = `interp-lab-${++labs}-${Math.random().toString(36).slice(2, 8)}`;
  const [layers, heads] = model.get("shape");
  let off = new Set();
  let bos = false;
  let asked = 0, underWay = null, waiting = false, timer = null, busyTimer = null, slowTimer = null;

  const prompt = { control: make("textarea", { rows: 2, spellcheck: false }) };
  Object.assign(prompt, field(`${id}-prompt`, "Sentence: the model guesses the next word", prompt.control));
  const answer = textField(`${id}-answer`, "● It should say", 10);
  const against = textField(`${id}-against`, "◆ rather than", 10);
  const list = textField(`${id}-heads`, "Heads that are off");
  list.control.placeholder = "none; write for example L5H2, L6H1";
  const example = make("select");
  const chooser = field(`${id}-example`, "Example", example);
  const examples = model.get("examples");
  example.append(...examples.map(({ label }, i) => make("option", { value: String(i) }, label)));
  example.append(make("option", { value: "own", hidden: true }, "your own"));

  const { grid, cells } = headGrid(layers, heads, (name) => {
    if (!off.delete(name)) off.add(name);
    chosen();
  });
  const presets = make("div", { className: "presets", role: "group" });
  presets.setAttribute("aria-label", "Switch off at once");
  for (const [label, names] of Object.entries(model.get("presets"))) {
    if (!names.length) continue;
    const button = make("button", { type: "button", title: names.join(", ") }, label);
    button.addEventListener("click", () => { off = new Set(names); chosen(); });
    presets.append(button);
  }
  const reset = make("button", { type: "button", className: "reset" }, "↺ All heads on");
  reset.addEventListener("click", () => { off = new Set(); chosen(); });
  presets.append(reset);

  const ways = make("fieldset", { className: "ways" }, make("legend", {}, "A head that is off puts out"));
  const wayError = make("p", { className: "error", hidden: true, role: "alert" });
  for (const [value, label, title] of WAYS) {
    const radio = make("input", { type: "radio", name: `${id}-how`, value, id: `${id}-${value}` });
    radio.addEventListener("change", () => ask(CLICK_PAUSE));
    ways.append(make("span", { className: "way", title }, radio, make("label", { htmlFor: radio.id }, label)));
  }
  ways.append(wayError);

  const status = make("p", { className: "status", role: "status" });
  status.setAttribute("aria-live", "polite");
  const busy = make("p", { className: "busy" });
  busy.setAttribute("aria-hidden", "true");
  const result = make("div", { className: "result" });
  const legend = make("p", { className: "legend" });
  legend.append(
    make("span", { className: "swatch towards" }), " pushes towards ●  ",
    make("span", { className: "swatch against" }), " pushes towards ◆  ",
    make("span", { className: "swatch off" }), " off",
  );
  const errors = {
    prompt: prompt.error, answer: answer.error, against: against.error, heads: list.error, how: wayError,
  };
  const inputs = { prompt: prompt.control, answer: answer.control, against: against.control, heads: list.control };

  const lab = make("div", { className: "interp-lab" },
    make("div", { className: "top" }, chooser.box, prompt.box,
      make("div", { className: "words" }, answer.box, against.box)),
    make("div", { className: "bench" },
      make("section", { className: "controls" },
        make("h3", {}, "Click a head to switch it off"), grid, legend, presets, list.box, ways),
      make("section", { className: "outcome" }, make("h3", {}, "What the model says next"), busy, result)),
    status,
  );
  lab.querySelector(".outcome").setAttribute("aria-label", "Result");
  lab.style.setProperty("--heads", heads);
  if (heads > ROOMY) lab.classList.add("many");
  el.append(lab);

  function way() {
    return lab.querySelector(`input[name="${id}-how"]:checked`)?.value ?? "mean";
  }

  function inOrder() {
    return [...cells.keys()].filter((name) => off.has(name));
  }

  function chosen() {
    list.control.value = inOrder().join(", ");
    paint(cells, model.get("reply").effects, off);
    ask(CLICK_PAUSE);
  }

  function ask(pause) {
    clearTimeout(timer);
    timer = setTimeout(() => { timer = null; waiting = true; send(); }, pause);
  }

  function send() {
    if (underWay !== null || !waiting) return;
    waiting = false;
    underWay = ++asked;
    busyTimer = setTimeout(() => { busy.textContent = "Computing …"; lab.setAttribute("aria-busy", "true"); }, BUSY_AFTER);
    slowTimer = setTimeout(() => {
      busy.textContent = "Still waiting for Python. Is another cell running, or has the kernel stopped?";
      status.textContent = busy.textContent;
    }, SLOW_AFTER);
    model.set("question", {
      request: underWay, prompt: prompt.control.value, answer: answer.control.value, against: against.control.value,
      heads_text: list.control.value, how: way(), bos, view: id,
    });
    model.save_changes();
  }

  function settle() {
    underWay = null;
    clearTimeout(busyTimer);
    clearTimeout(slowTimer);
    busy.textContent = "";
    lab.removeAttribute("aria-busy");
  }

  function fill(state) {
    for (const name of ["prompt", "answer", "against"]) inputs[name].value = state[name];
    list.control.value = state.heads.join(", ");
    off = new Set(state.heads);
    bos = Boolean(state.bos);
    const radio = lab.querySelector(`input[name="${id}-how"][value="${state.how}"]`);
    if (radio) radio.checked = true;
    const known = examples.findIndex(({ state: own }) => own.prompt === state.prompt);
    example.value = known < 0 ? "own" : String(known);
  }

  function show(reply) {
    for (const [name, place] of Object.entries(errors)) {
      const text = reply.error?.control === name ? reply.error.text : "";
      place.textContent = text;
      place.hidden = !text;
      inputs[name]?.setAttribute("aria-invalid", String(Boolean(text)));
    }
    if (!reply.error && document.activeElement !== list.control) list.control.value = reply.heads.join(", ");
    if (!reply.error) off = new Set(reply.heads);
    const open = [...result.querySelectorAll("details")].map((part) => part.open);
    if (result.dataset.html !== reply.html) {
      result.innerHTML = reply.html;
      result.dataset.html = reply.html;
    }
    result.querySelectorAll("details").forEach((part, i) => { part.open = Boolean(open[i]); });
    result.classList.toggle("stale", Boolean(reply.error));
    if (reply.error) busy.textContent = "Below: the last good result.";
    legend.title = reply.effect_name;
    paint(cells, reply.effects, off);
    status.textContent = reply.status;
    lab.dataset.request = String(reply.request);
  }

  function answered() {
    const reply = model.get("reply");
    if (reply.request < 0) {
      settle();
      fill(reply.state);
      show(reply);
    } else if (reply.view === id && reply.request === underWay) {
      settle();
      if (waiting) send();
      else if (timer === null) show(reply); // else a newer question is about to be asked
    }
  }

  for (const { control } of [prompt, answer, against]) {
    control.addEventListener("input", () => { example.value = "own"; ask(TYPING_PAUSE); });
  }
  list.control.addEventListener("input", () => ask(TYPING_PAUSE));
  for (const control of [prompt.control, list.control, answer.control, against.control]) {
    control.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); ask(0); }
    });
  }
  example.addEventListener("change", () => {
    if (example.value === "own") return;
    const { state } = examples[Number(example.value)];
    fill({ ...state, heads: inOrder(), how: way() });
    ask(CLICK_PAUSE);
  });
  model.on("change:reply", answered);
  const first = model.get("reply");
  fill(first.state);
  show(first);
  return () => { model.off("change:reply", answered); clearTimeout(timer); settle(); };
}

export default { render };
