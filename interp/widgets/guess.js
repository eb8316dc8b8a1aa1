// The Guess: choices, or a field; what was guessed beside what came out. On top of conversation.js.

function render({ model, el }) {
  const id = freshId("guess");
  const { question, choices, said, longest } = model.get("asks");
  let request = 0, timer = null;
  const told = visually(make("p", { className: "told" }));
  const trouble = make("p", { className: "error", role: "alert", hidden: true });
  const counted = make("span");
  const forget = make("button", { type: "button" }, said.forget);
  const [yes, no] = [said.yes, said.no].map((text) => make("button", { type: "button", className: "plain" }, text));
  const sure = make("div", { className: "row sure", hidden: true, role: "group", "aria-label": said.forget }, make("span", {}, said.sure), yes, no);
  const buttons = Object.entries(choices).map(([letter, text]) => {
    const button = make("button", { type: "button", className: "choice", "aria-pressed": "false" }, make("b", {}, letter), make("span", {}, text));
    button.dataset.letter = letter;
    button.addEventListener("click", () => send({ guess: letter }));
    return button;
  });
  const own = textField(`${id}-own`, said.own);
  own.control.maxLength = longest;
  const keep = make("button", { type: "button", className: "plain" }, said.keep);
  const write = () => { if (own.control.value.trim()) send({ guess: own.control.value }); };
  quietKeys(own.control, write);
  keep.addEventListener("click", write);
  const asked = buttons.length
    ? make("div", { className: "choices" }, ...buttons)
    : make("div", { className: "own" }, own.box, keep);
  asked.setAttribute("role", "group");
  asked.setAttribute("aria-label", question);
  const root = make("div", { className: "interp-widget interp-guess" }, asked, told, trouble,
    make("div", { className: "row foot" }, counted, forget), sure);
  el.append(root);

  const ask = (open) => {
    sure.hidden = !open;
    forget.hidden = open || !model.get("shown").any;
    (open ? no : forget.hidden ? asked.querySelector("button, input") : forget).focus();
  };
  forget.addEventListener("click", () => ask(true));
  no.addEventListener("click", () => ask(false));
  yes.addEventListener("click", () => { send({ forget: true }); ask(false); });
  sure.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    ask(false);
  });

  function say(text, silent) {
    told.textContent = text;
    root.classList.toggle("silent", silent);
    told.classList.toggle("busy", silent);
  }

  function send(wish) {
    if (python.isGone()) { say(said.gone, true); python.probe(); return; }
    clearTimeout(timer);
    timer = setTimeout(() => say(said.silent, true), SILENT_AFTER);
    if (wish.guess) press(wish.guess);
    model.set("wish", { request: `${id}-${++request}`, ...wish });
    model.save_changes();
  }

  function press(guess) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.letter === guess));
  }

  function show() {
    const now = model.get("shown");
    if (now.request === `${id}-${request}`) clearTimeout(timer);
    press(now.guess);
    if (document.activeElement !== own.control || now.request.startsWith?.(id)) own.control.value = now.guess;
    say(now.told, false);
    counted.textContent = now.counted;
    forget.hidden = !now.any || !sure.hidden;
    trouble.textContent = now.trouble;
    trouble.hidden = !now.trouble;
  }

  const python = presence(model, { heard() {}, left() { clearTimeout(timer); say(said.gone, true); }, back: show });
  const still = make("style", {}, `.${model.get("twin")} { display: none; }`);
  document.head.append(still);
  model.on("change:shown", show);
  show();
  return () => { model.off("change:shown", show); python.end(); still.remove(); clearTimeout(timer); };
}

export default { render };
