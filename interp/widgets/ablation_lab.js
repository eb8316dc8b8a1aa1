// The Ablation Lab's controls, on top of conversation.js.

const ROOMY = 8; // with more heads in a row, headings and cells are narrower
const WAYS = () => [
  ["mean", say("its average"), say("what it does on average in other sentences")],
  ["zero", say("nothing"), say("silence: it writes nothing at all")],
  ["resample", say("another sentence"), say("what it does in another sentence")],
  ["twin", say("my second sentence"), say("what it does in the second sentence of your pair")],
];

function headGrid(layers, heads, toggle) {
  const cells = new Map();
  const names = (count, long, short) => Array.from({ length: count }, (_, i) => ({ name: long(i), text: heads > ROOMY ? `${short}${i}` : long(i) }));
  const { grid } = placeGrid({
    label: say("Heads by layer. Arrow keys move, space switches a head off and on, Ctrl+Z undoes."),
    rows: names(layers, (number) => say("layer {number}", { number }), "L"),
    columns: names(heads, (number) => say("head {number}", { number }), "H"),
    cell(layer, head) {
      const button = make("button", { type: "button" });
      button.dataset.head = `L${layer}H${head}`;
      button.addEventListener("click", () => toggle(button.dataset.head));
      cells.set(button.dataset.head, button);
      return button;
    },
  });
  return { grid, cells };
}

function paint(cells, effects, off) {
  effects.forEach((row, layer) => row.forEach((effect, head) => {
    const button = cells.get(`L${layer}H${head}`);
    const isOff = off.has(button.dataset.head), told = { head: button.dataset.head, amount: effect.text };
    button.style.setProperty("--tint", `${Math.round(Math.abs(effect.tint) * 100)}%`);
    button.className = `cell head ${effect.tint < 0 ? "against" : "towards"}`;
    button.setAttribute("aria-pressed", String(isOff));
    button.setAttribute("aria-label", isOff ? say("{head}, writes {amount}, off", told) : say("{head}, writes {amount}, on", told));
    button.title = isOff ? say("{head}: writes {amount}. Click to switch on.", told) : say("{head}: writes {amount}. Click to switch off.", told);
    button.replaceChildren(make("span", { className: "number" }, effect.text));
    if (isOff) button.append(make("span", { className: "off" }, say("off")));
  }));
}

function presetChooser(id, groups, choose) {
  const chooser = choiceField(id, say("Switch off a group"), [["", say("choose …")]]);
  const known = [];
  for (const [group, choices] of Object.entries(groups)) {
    const part = make("optgroup", { label: group });
    for (const [label, names] of Object.entries(choices)) {
      known.push(names);
      part.append(make("option", { value: String(known.length - 1), title: names.join(", ") }, `${label}: ${names.join(", ")}`));
    }
    chooser.control.append(part);
  }
  chooser.control.addEventListener("change", () => { if (chooser.control.value) choose(known[Number(chooser.control.value)]); });
  return {
    ...chooser,
    follow(off) {
      const at = known.findIndex((names) => names.length === off.size && names.every((name) => off.has(name)));
      chooser.control.value = at < 0 ? "" : String(at);
    },
  };
}

function exerciseCards(cards, leave, check) {
  const boxes = cards.map(({ name, task, hint }, number) => {
    const errand = errandButton({ label: say("Check"), leave, start: (receive) => check(number, (delivery) => {
      receive(delivery);
      if (delivery?.right !== undefined) card.classList.toggle("solved", delivery.right);
    }) });
    const card = make("section", { className: "card" }, make("h4", {}, name), make("p", {}, task), errand.box,
      make("details", {}, make("summary", {}, say("Hint")), make("p", {}, hint)));
    return card;
  });
  return make("div", { className: "cards" }, ...boxes);
}

function withoutKept({ kept, ...own }) {
  return own;
}

function render({ model, el }) {
  speak(model);
  const id = freshId("lab");
  const [layers, heads] = model.get("shape");
  const examples = model.get("examples");
  let off = new Set(), bos = false, kept = null, current = withoutKept(model.get("reply").state);

  const chooser = exampleField(`${id}-example`, examples), example = chooser.control;
  const prompt = sentenceField(`${id}-prompt`, say("Sentence: the model guesses the next word"));
  const answer = textField(`${id}-answer`, say("● It should say"), 10);
  const against = textField(`${id}-against`, say("◆ rather than"), 10);
  const list = textField(`${id}-heads`, say("Heads that are off"));
  const twin = sentenceField(`${id}-twin`, say("Second sentence: the same number of tokens"));
  list.control.placeholder = say("none; write for example L5H2, L6H1");
  twin.control.placeholder = say("the first sentence with a word exchanged");
  const texts = { prompt, answer, against, twin };

  const { grid, cells } = headGrid(layers, heads, (name) => {
    if (!off.delete(name)) off.add(name);
    chosen();
  });
  const preset = presetChooser(`${id}-preset`, model.get("presets"), (names) => { off = new Set(names); chosen(); });
  const past = history((state) => { fill(state); paint(cells, model.get("reply").effects, off); talk.ask(CLICK_PAUSE); });
  grid.addEventListener("keydown", past.keys);
  const reset = make("button", { type: "button", className: "plain" }, say("↺ All heads on"));
  reset.addEventListener("click", () => { off = new Set(); chosen(); });

  const ways = make("fieldset", { className: "ways" }, make("legend", {}, say("A head that is off puts out")));
  const wayError = make("p", { className: "error", hidden: true, role: "alert" });
  for (const [value, label, title] of WAYS()) {
    const radio = make("input", { type: "radio", name: `${id}-how`, value, id: `${id}-how-${value}` });
    radio.addEventListener("change", () => talk.ask(CLICK_PAUSE));
    ways.append(make("span", { className: "way", title }, radio, make("label", { htmlFor: radio.id }, label)));
  }
  ways.append(wayError);

  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const result = make("div", { className: "result" });
  const legend = make("p", { className: "legend" },
    make("span", { className: "swatch towards" }), ` ${say("pushes towards ●")}  `,
    make("span", { className: "swatch against" }), ` ${say("pushes towards ◆")}  `,
    make("span", { className: "swatch off" }), ` ${say("off")}`);

  const work = errands(model, id);
  const sideBySide = make("div");
  const waysPanel = unfolding(say("Average, nothing, another sentence: side by side"), sideBySide);
  waysPanel.addEventListener("toggle", () => { if (waysPanel.open) talk.ask(0); });
  const comparison = make("div");
  const [keep, back, forget] = [say("Keep this state as A"), say("Go back to A"), say("Forget A")].map((text) => make("button", { type: "button", className: "plain" }, text));
  keep.addEventListener("click", () => talk.whenSettled(() => { kept = current; talk.ask(0); }));
  back.addEventListener("click", () => { fill(kept); talk.ask(0); });
  forget.addEventListener("click", () => { kept = null; talk.ask(0); });
  const many = errandButton({ label: say("Measure"), leave: () => work.stop(), start: (receive) => talk.whenSettled(() => work.send("spread", { state: current }, receive)) });
  const pairPlace = make("div");
  const copyFirst = make("button", { type: "button", className: "plain" }, say("Copy the first sentence"));
  copyFirst.addEventListener("click", () => { twin.control.value = prompt.control.value; twin.control.focus(); talk.ask(0); });
  const pairPanel = unfolding(say("A pair of sentences of your own"),
    make("p", {}, say("Write a second sentence that differs in a word. Then a head that is off can put out what it does there.")),
    twin.box, make("div", { className: "row" }, copyFirst), pairPlace);
  const saved = saveAndLoad(model, id, () => talk);
  const tools = make("section", { className: "tools", "aria-label": say("More") },
    waysPanel,
    unfolding(say("Compare two choices of heads"), make("div", { className: "row" }, keep, back, forget), comparison),
    unfolding(say("The same heads in many sentences"),
      make("p", {}, say("One sentence is an anecdote. Switch the same heads off in 60 sentences about a gift.")), many.box),
    pairPanel,
    unfolding(say("Exercises"), exerciseCards(model.get("exercises"), () => work.stop(), (exercise, receive) => talk.whenSettled(() => work.send("check", { exercise, state: current }, receive)))),
    unfolding(say("Save and load"), saved.box));

  const lab = make("div", { className: "interp-widget interp-lab" },
    make("div", { className: "top" }, chooser.box, prompt.box,
      make("div", { className: "words" }, answer.box, against.box)),
    make("div", { className: "bench" },
      make("section", { className: "controls" },
        make("h3", {}, say("Click a head to switch it off")), grid, legend,
        make("div", { className: "row" }, ...past.buttons, reset), preset.box, list.box, ways),
      make("section", { className: "outcome", "aria-label": say("Result") }, make("h3", {}, say("What the model says next")), busy, result)),
    tools, status,
  );
  lab.style.setProperty("--heads", heads);
  if (heads > ROOMY) lab.classList.add("many");
  el.append(lab);

  const wayRadio = (how) => lab.querySelector(`input[name="${id}-how"][value="${how}"]`);
  const way = () => lab.querySelector(`input[name="${id}-how"]:checked`)?.value ?? "mean";
  const inOrder = () => [...cells.keys()].filter((name) => off.has(name));

  function chosen() {
    list.control.value = inOrder().join(", ");
    preset.follow(off);
    paint(cells, model.get("reply").effects, off);
    talk.ask(CLICK_PAUSE);
  }

  function fill(state) {
    for (const [name, { control }] of Object.entries(texts)) control.value = state[name] ?? "";
    list.control.value = state.heads.join(", ");
    off = new Set(state.heads);
    preset.follow(off);
    bos = Boolean(state.bos);
    if (state.kept !== undefined) kept = state.kept;
    const radio = wayRadio(state.how);
    if (radio) radio.checked = true;
    followExample();
  }

  function followExample() {
    const known = examples.findIndex(({ state }) => ["prompt", "answer", "against"].every((name) => state[name] === texts[name].control.value));
    example.value = known < 0 ? "own" : String(known);
  }

  function show(reply, followed) {
    if (followed && waysPanel.open && !reply.ways) talk.ask(0); // the other view did not ask for them
    placeErrors(reply, { ...texts, heads: list, how: { error: wayError }, load: saved.field });
    if (reply.error?.control === "twin") pairPanel.open = true;
    setHtml(result, reply.html);
    result.classList.toggle("stale", Boolean(reply.error));
    legend.title = reply.effect_name;
    setHtml(sideBySide, reply.ways);
    setHtml(comparison, reply.comparison);
    setHtml(pairPlace, reply.pair);
    wayRadio("twin").parentElement.hidden = !reply.twin_fits && way() !== "twin";
    back.hidden = forget.hidden = !reply.state.kept;
    saved.show(reply);
    if (!reply.error) {
      if (document.activeElement !== list.control) list.control.value = reply.heads.join(", ");
      off = new Set(reply.heads);
      preset.follow(off);
      const own = withoutKept(reply.state);
      if (JSON.stringify(current) !== JSON.stringify(own)) {
        work.stop();
        tools.querySelectorAll(".errand").forEach((errand) => errand.classList.add("outdated"));
      }
      current = own;
      past.note(own);
    }
    paint(cells, reply.effects, off);
  }

  const talk = conversation({
    model, id, root: lab, busy, status, show, fill,
    compose: () => ({
      prompt: prompt.control.value, answer: answer.control.value, against: against.control.value, twin: twin.control.value,
      heads_text: list.control.value, how: way(), bos, kept, side_by_side: waysPanel.open,
    }),
  });

  for (const { control } of Object.values(texts)) {
    control.addEventListener("input", () => { followExample(); talk.ask(TYPING_PAUSE); });
  }
  list.control.addEventListener("input", () => talk.ask(TYPING_PAUSE));
  for (const { control } of [...Object.values(texts), list]) quietKeys(control, () => talk.ask(0));
  example.addEventListener("change", () => {
    if (example.value === "own") return;
    const { state } = examples[Number(example.value)];
    fill({ ...state, heads: inOrder(), how: way() });
    talk.ask(CLICK_PAUSE);
  });
  talk.begin();
  return () => { talk.end(); work.end(); saved.end(); };
}

export default { render };
