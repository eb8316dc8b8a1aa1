// The Neuron Browser's controls, on top of conversation.js.

function render({ model, el }) {
  speak(model);
  const id = freshId("neurons");
  const [layers, neurons] = model.get("shape");
  const concepts = model.get("concepts");
  let on = true, by = "nothing", search = "";

  const name = textField(`${id}-neuron`, say("Neuron (layer and number)"), 10);
  const random = make("button", { type: "button", className: "plain" }, say("⚄ Random neuron"));
  const step = (by, sign) => {
    const button = make("button", { type: "button", className: "plain", title: by > 0 ? say("next neuron of the layer") : say("previous neuron of the layer") }, sign);
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", () => move(by));
    return button;
  };
  const word = textField(`${id}-word`, say("Find by the word it speaks for"), 14);
  word.control.placeholder = say("for example Paris");
  const concept = choiceField(`${id}-concept`, say("or by concept"), [["", say("choose …")], ...concepts.map((one) => [one, one])]);
  const hits = make("div", { className: "hits-place" });
  const text = sentenceField(`${id}-text`, say("Your own text"));
  const off = make("input", { type: "checkbox", id: `${id}-off` });
  const switched = make("span", { className: "way" }, off, make("label", { htmlFor: off.id }, say("Switch this neuron off: it writes nothing")));
  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const outcome = make("div", { className: "result" });
  const own = make("div", { className: "result" });
  const saved = saveAndLoad(model, id, () => talk);
  const legend = make("p", { className: "legend" }, make("span", { className: "swatch shade" }), ` ${say("the darker, the more excited")}  `,
    make("span", { className: "swatch peak" }), ` ${say("the token in question")}`);

  const root = make("div", { className: "interp-widget interp-neurons" },
    make("div", { className: "finder" },
      make("div", {}, name.box, make("div", { className: "row" }, step(-1, "◀"), step(1, "▶"), random)),
      make("div", {}, word.box), ...(concepts.length ? [concept.box] : []), hits),
    make("div", { className: "bench" },
      make("section", { className: "outcome", "aria-label": say("The neuron") }, busy, outcome, legend),
      make("section", { className: "own", "aria-label": say("On your own text") }, text.box, switched, own)),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("Save and load"), saved.box)), status);
  if (!model.get("reads_text")) { text.control.disabled = true; off.disabled = true; }
  el.append(root);

  function open(neuron) {
    name.control.value = neuron;
    talk.ask(CLICK_PAUSE);
  }

  function move(by) {
    const found = name.control.value.trim().match(/^L(\d+)N(\d+)$/i);
    if (!found) { talk.ask(0); return; }
    const at = Math.min(layers * neurons - 1, Math.max(0, Number(found[1]) * neurons + Number(found[2]) + by));
    open(`L${Math.floor(at / neurons)}N${at % neurons}`);
  }

  function find(way, what) {
    by = what ? way : "nothing";
    search = what;
  }

  function fill(state) {
    name.control.value = state.neuron;
    text.control.value = state.text;
    ({ on, by, search } = state);
    off.checked = !on;
    word.control.value = by === "word" ? search : "";
    concept.control.value = by === "concept" ? search : "";
  }

  function present(reply) {
    placeErrors(reply, { neuron: name, text, search: word, load: saved.field });
    if (!reply.error) on = reply.state.on;
    for (const place of [outcome, own]) place.classList.toggle("stale", Boolean(reply.error));
    setHtml(outcome, reply.outcome);
    setHtml(own, reply.text);
    setHtml(hits, reply.hits);
    saved.show(reply);
  }

  const talk = conversation({
    model, id, root, busy, status, show: present, fill,
    compose: () => ({ neuron: name.control.value, text: text.control.value, on: !off.checked, by, search }),
  });
  for (const one of [name, text, word]) quietKeys(one.control, () => talk.ask(0));
  name.control.addEventListener("input", () => talk.ask(TYPING_PAUSE));
  text.control.addEventListener("input", () => talk.ask(TYPING_PAUSE));
  word.control.addEventListener("input", () => {
    concept.control.value = "";
    find("word", word.control.value);
    talk.ask(TYPING_PAUSE);
  });
  concept.control.addEventListener("change", () => {
    word.control.value = "";
    find("concept", concept.control.value);
    talk.ask(CLICK_PAUSE);
  });
  off.addEventListener("change", () => talk.ask(CLICK_PAUSE));
  random.addEventListener("click", () => open(`L${Math.floor(Math.random() * layers)}N${Math.floor(Math.random() * neurons)}`));
  hits.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-neuron]");
    if (button) open(button.dataset.neuron);
  });
  talk.begin();
  return () => { talk.end(); saved.end(); };
}

export default { render };
