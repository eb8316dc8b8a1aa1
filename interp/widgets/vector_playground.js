// The Vector Playground's controls, on top of conversation.js.

function render({ model, el }) {
  speak(model);
  const id = freshId("vectors");
  let marked = "";

  const examples = exampleField(`${id}-example`, model.get("examples"));
  const words = textField(`${id}-words`, say("Words (spaces between them)"));
  const chips = make("div", { className: "chips", "aria-label": say("Your words: click to mark one, or drag it into the sum") });
  const [a, b, c] = ["a", "b", "c"].map((name) => textField(`${id}-${name}`, name, 10));
  const sign = (text) => make("span", { className: "sign", "aria-hidden": "true" }, text);
  const allowed = make("input", { type: "checkbox", id: `${id}-allowed` });
  const way = make("span", { className: "way" }, allowed, make("label", { htmlFor: allowed.id }, say("The answer may be one of my words")));
  const slider = make("input", { type: "range", min: 0, max: 100, step: 10 });
  const share = field(`${id}-share`, say("Take the direction between women's and men's words out"), slider);
  const told = make("output", { htmlFor: slider.id });
  const sum = make("div", { className: "result" });
  const near = make("div", { className: "result" });
  const plane = make("div", { className: "result" });
  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const saved = saveAndLoad(model, id, () => talk);
  share.box.insertBefore(told, share.said);

  const root = make("div", { className: "interp-widget interp-vectors" },
    make("div", { className: "asked" }, words.box, examples.box, chips),
    make("div", { className: "bench" },
      make("section", { className: "sum", "aria-label": say("Arithmetic") },
        make("h3", {}, "a − b + c"),
        make("div", { className: "fields" }, a.box, sign("−"), b.box, sign("+"), c.box), way, busy, sum, near),
      make("section", { className: "picture", "aria-label": say("Words as points") }, plane, share.box)),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("Save and load"), saved.box)), status);
  slider.disabled = !model.get("can_remove");
  el.append(root);

  function tellShare() {
    told.textContent = `${slider.value} %`;
    slider.setAttribute("aria-valuetext", say("{share} per cent taken out", { share: slider.value }));
  }

  function fill(state) {
    words.control.value = state.words.join(" ");
    for (const [name, one] of [["a", a], ["b", b], ["c", c]]) one.control.value = state[name];
    allowed.checked = state.allowed;
    slider.value = Math.round(100 * state.share);
    marked = state.marked;
    const known = model.get("examples").findIndex(({ state: own }) => ["a", "b", "c"].every((name) => own[name] === state[name]));
    examples.control.value = known < 0 ? "own" : String(known);
    tellShare();
  }

  function present(reply) {
    placeErrors(reply, { words, a, b, c, share, load: saved.field });
    if (!reply.error) marked = reply.state.marked;
    for (const place of [sum, near, plane]) place.classList.toggle("stale", Boolean(reply.error));
    const chip = root.contains(document.activeElement) && document.activeElement.closest(".chips .chip")?.dataset.word;
    setHtml(chips, reply.chips);
    if (chip) [...chips.children].find((one) => one.dataset.word === chip)?.focus();
    setHtml(sum, reply.sum);
    setHtml(near, reply.near);
    setHtml(plane, reply.plane);
    saved.show(reply);
  }

  const own = () => { examples.control.value = "own"; };
  const talk = conversation({
    model, id, root, busy, status, show: present, fill,
    compose: () => ({
      words: words.control.value, marked, a: a.control.value, b: b.control.value, c: c.control.value,
      allowed: allowed.checked, share: Number(slider.value) / 100,
    }),
  });

  function mark(word) {
    marked = word;
    const there = words.control.value.split(/[\s,;]+/).filter(Boolean);
    if (!there.some((one) => one.toLowerCase() === word.toLowerCase())) words.control.value = [...there, word].join(" ");
    talk.ask(CLICK_PAUSE);
  }

  for (const one of [words, a, b, c]) {
    quietKeys(one.control, () => talk.ask(0));
    one.control.addEventListener("input", () => { own(); talk.ask(TYPING_PAUSE); });
  }
  for (const one of [a, b, c]) {
    one.control.addEventListener("dragover", (event) => event.preventDefault());
    one.control.addEventListener("drop", (event) => {
      event.preventDefault();
      one.control.value = event.dataTransfer.getData("text/plain").trim();
      own();
      talk.ask(CLICK_PAUSE);
    });
  }
  examples.control.addEventListener("change", () => {
    const { state } = model.get("examples")[Number(examples.control.value)];
    for (const [name, one] of [["a", a], ["b", b], ["c", c]]) one.control.value = state[name];
    talk.ask(CLICK_PAUSE);
  });
  allowed.addEventListener("change", () => talk.ask(CLICK_PAUSE));
  quietKeys(slider);
  slider.addEventListener("input", () => { tellShare(); talk.ask(CLICK_PAUSE); });
  root.addEventListener("dragstart", (event) => {
    const chip = event.target.closest?.(".chip");
    if (chip) event.dataTransfer.setData("text/plain", chip.dataset.word);
  });
  root.addEventListener("click", (event) => {
    const chip = event.target.closest(".chip, .plane .point");
    if (chip && !chip.dataset.word.includes(" ")) mark(chip.dataset.word);
  });
  root.addEventListener("keydown", (event) => {
    const chip = event.target.closest(".chip");
    if (!chip || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation();
    mark(chip.dataset.word);
  });
  talk.begin();
  return () => { talk.end(); saved.end(); };
}

export default { render };
