// The Surprise Reader's controls, on top of conversation.js.

function render({ model, el }) {
  speak(model);
  const id = freshId("surprise");
  const text = sentenceField(`${id}-text`, say("Your text: which words surprise the model?"));
  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const [result, twin] = [0, 1].map(() => make("div", { className: "result" }));
  const reading = make("p", { className: "reading" });
  const saved = saveAndLoad(model, id, () => talk);
  const root = make("div", { className: "interp-widget interp-surprise" }, text.box,
    make("section", { className: "outcome", "aria-label": say("The text") }, busy, result,
      make("p", { className: "note" }, say("Darker: more surprising. Point at a token, or move with the arrow keys, to read what was expected there.")),
      reading, twin),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("Save and load"), saved.box)), status);
  el.append(root);

  const talk = conversation({
    model, id, root, busy, status,
    compose: () => ({ text: text.control.value }),
    fill(state) { text.control.value = state.text; },
    show(reply) {
      placeErrors(reply, { text, load: saved.field });
      for (const place of [result, twin]) place.classList.toggle("stale", Boolean(reply.error));
      if (result.shownHtml !== reply.html) reading.textContent = "";
      setHtml(result, reply.html);
      setHtml(twin, reply.twin);
      saved.show(reply);
    },
  });

  const token = (event) => event.target.closest(".strip button");
  const read = (button) => { if (button) reading.textContent = button.title; };
  root.addEventListener("pointerover", (event) => read(token(event)));
  root.addEventListener("focusin", (event) => read(token(event)));
  root.addEventListener("click", (event) => read(token(event)));
  result.addEventListener("keydown", (event) => {
    const at = token(event);
    if (!at) return;
    const all = [...at.parentElement.children], now = all.indexOf(at);
    const next = { ArrowLeft: now - 1, ArrowUp: now - 1, ArrowRight: now + 1, ArrowDown: now + 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!all[next]) return;
    at.tabIndex = -1;
    all[next].tabIndex = 0;
    all[next].focus();
  });
  quietKeys(text.control, () => talk.ask(0));
  text.control.addEventListener("input", () => talk.ask(TYPING_PAUSE));
  talk.begin();
  return () => { talk.end(); saved.end(); };
}

export default { render };
