// The Margin Notes' controls, on top of conversation.js.

function render({ model, el }) {
  speak(model);
  const id = freshId("margin");
  const layers = model.get("layers");
  const slider = (name, label, range, tell) => {
    const one = field(`${id}-${name}`, label, make("input", { type: "range", ...range }));
    const told = make("output", { htmlFor: one.control.id });
    one.box.insertBefore(told, one.said);
    one.tell = () => { told.textContent = tell(Number(one.control.value)); one.control.setAttribute("aria-valuetext", told.textContent); };
    one.control.addEventListener("input", () => { one.tell(); talk.ask(CLICK_PAUSE); });
    quietKeys(one.control);
    return one;
  };
  const after = (number) => (number ? say("after {number} of {layers} blocks", { number, layers }) : say("before the first block"));
  const named = { "-1": say("−1: turned round"), 0: say("0: taken out"), 1: say("1: as it is") };

  const word = choiceField(`${id}-word`, say("A word with two senses"), model.get("known").map((one) => [one, one]));
  const depth = slider("depth", say("Blocks it went through"), { min: 0, max: layers, step: 1 }, after);
  const text = sentenceField(`${id}-text`, say("A sentence that ends before its verb"));
  const edited = slider("edited", say("Where the note on time is edited"), { min: 1, max: layers, step: 1 }, after);
  const strength = slider("strength", say("How strong the note is"), { min: -2, max: 2, step: 0.5 },
    (number) => named[number] ?? String(number).replace("-", "−"));
  const [uses, note] = [0, 1].map(() => make("div", { className: "result" }));
  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const saved = saveAndLoad(model, id, () => talk);
  const root = make("div", { className: "interp-widget interp-margin" }, busy,
    make("div", { className: "both" },
      make("section", { "aria-label": say("Senses") }, make("h3", {}, say("One word, block by block")),
        make("div", { className: "asked" }, word.box, depth.box), uses),
      make("section", { "aria-label": say("A note") }, make("h3", {}, say("A note, edited")),
        make("div", { className: "asked" }, text.box, edited.box, strength.box), note)),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("Save and load"), saved.box)), status);
  el.append(root);

  const controls = { text, edited, strength, word, depth };
  const talk = conversation({
    model, id, root, busy, status,
    compose: () => ({
      text: text.control.value, word: word.control.value, depth: Number(depth.control.value),
      edited: Number(edited.control.value), strength: Number(strength.control.value),
    }),
    fill(state) {
      for (const [name, { control, tell }] of Object.entries(controls)) { control.value = state[name]; tell?.(); }
    },
    show(reply) {
      placeErrors(reply, { ...controls, load: saved.field });
      for (const place of [uses, note]) place.classList.toggle("stale", Boolean(reply.error));
      setHtml(uses, reply.uses);
      setHtml(note, reply.note);
      saved.show(reply);
    },
  });
  word.control.addEventListener("change", () => talk.ask(CLICK_PAUSE));
  quietKeys(text.control, () => talk.ask(0));
  text.control.addEventListener("input", () => talk.ask(TYPING_PAUSE));
  talk.begin();
  return () => { talk.end(); saved.end(); };
}

export default { render };
