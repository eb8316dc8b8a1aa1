// What all widgets share. A widget asks (`question`), shows the newest reply (`reply`), and computes nothing.
// One question is under way at a time; while it is, only the latest of the newer ones is kept. Long work is an
// errand (`errand`, `delivery`): a newer one ends the older, and late deliveries are dropped. Python says first
// that it has `heard`, so that silence is told from computing. Views of one widget follow one another.

const TYPING_PAUSE = 350;
const CLICK_PAUSE = 60;
const BUSY_AFTER = 300;
const GONE_AFTER = 1500;
const SILENT_AFTER = 4000;
const SLOW_AFTER = 8000;
const COMPUTING = () => say("Computing …");
const GONE = () => say("Python was restarted or has stopped: what you chose and the last result stay; to go on, run the notebook again.");
const SILENT = () => say("Python does not answer: wait if another cell is running; if it has stopped, run the notebook again (what you chose and the last result stay).");
let views = 0;
let catalogue = {};

// The sentences of these scripts in the reader's language, as Python knows them; what it does not know is English.
function speak(model) {
  catalogue = model.get("catalogue");
}

function say(text, fields = {}) {
  return (catalogue[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
}

// Whether Python is there. Jupyter triggers `comm_live_update` when it loses a kernel, and when it finds one again,
// but does not say which. So Python is asked, and is gone if it says nothing; whatever it says later, it is back.
function presence(model, { heard, left, back }) {
  let gone = false, timer = null;

  function probe() {
    clearTimeout(timer);
    timer = setTimeout(() => { if (!gone) { gone = true; left(); } }, GONE_AFTER);
    model.set("ping", freshId("ping"));
    model.save_changes();
  }

  function spoken() {
    clearTimeout(timer);
    heard(model.get("heard"));
    if (!gone) return;
    gone = false;
    back();
  }

  model.on("comm_live_update", probe);
  model.on("change:heard", spoken);
  return {
    isGone: () => gone,
    probe,
    end() { model.off("comm_live_update", probe); model.off("change:heard", spoken); clearTimeout(timer); },
  };
}

function freshId(name) {
  return `interp-${name}-${++views}-${Math.random().toString(36).slice(2, 8)}`;
}

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
  const said = make("div", { className: "said", id: `${id}-said` }); // how the model reads what is typed
  error.setAttribute("role", "alert");
  said.addEventListener("click", (event) => {
    const other = event.target.closest("button[data-ask]");
    if (!other) return;
    control.value = other.dataset.ask;
    control.dispatchEvent(new Event("input", { bubbles: true }));
    control.focus();
  });
  control.id = id;
  control.setAttribute("aria-describedby", `${error.id} ${said.id}`);
  return { box: make("div", { className: "field" }, make("label", { htmlFor: id }, label), control, said, error), error, said, control };
}

function textField(id, label, size) {
  const control = make("input", { type: "text", autocomplete: "off", spellcheck: false });
  if (size) control.size = size;
  return field(id, label, control);
}

function sentenceField(id, label) {
  return field(id, label, make("textarea", { rows: 2, spellcheck: false }));
}

function choiceField(id, label, options) {
  const control = make("select");
  control.append(...options.map(([value, text]) => make("option", { value }, text)));
  quietKeys(control); // letters choose an option here; the notebook would take them for its own
  return field(id, label, control);
}

function exampleField(id, examples) {
  const chooser = choiceField(id, say("Example"), examples.map(({ label }, i) => [String(i), label]));
  chooser.control.append(make("option", { value: "own", hidden: true }, say("your own")));
  return chooser;
}

// Keys in a text field are the field's: the notebook must not hear them. Enter asks at once.
function quietKeys(control, enter) {
  control.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (enter && event.key === "Enter" && !event.shiftKey) { event.preventDefault(); enter(); }
  });
}

function visually(status) {
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  return status;
}

// A table of buttons, one of which is in the tab order. `cell(row, column)` gives a button, or null for none.
function placeGrid({ label, rows, columns, corner = "", cell }) {
  const places = [];
  const grid = make("table", { className: "grid" });
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-label", label);
  const top = make("tr", { role: "row" }, make("td", { role: "presentation" }, corner));
  for (const { text, name } of columns) top.append(make("th", { scope: "col", role: "columnheader", title: name, "aria-label": name }, text));
  const body = make("tbody", { role: "rowgroup" });
  rows.forEach(({ text, name }, r) => {
    const row = make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader", title: name, "aria-label": name }, text));
    places.push(columns.map((_, c) => {
      const button = cell(r, c);
      if (button) { button.tabIndex = -1; button.dataset.row = r; button.dataset.column = c; }
      row.append(button ? make("td", { role: "gridcell" }, button) : make("td", { role: "gridcell", className: "none" }));
      return button;
    }));
    body.append(row);
  });
  grid.append(make("thead", { role: "rowgroup" }, top), body);
  const all = places.flat().filter(Boolean);
  const reach = (button) => {
    for (const other of all) other.tabIndex = -1;
    button.tabIndex = 0;
  };
  if (all.length) all[0].tabIndex = 0;
  grid.addEventListener("focusin", (event) => {
    const button = event.target.closest("button[data-row]");
    if (button) reach(button);
  });
  grid.addEventListener("keydown", (event) => {
    const at = event.target.closest("button[data-row]");
    const [height, width] = [rows.length, columns.length];
    const steps = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -width], End: [0, width], PageUp: [-height, 0], PageDown: [height, 0],
    };
    if (!at || !(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    const [down, across] = steps[event.key];
    const row = Math.min(height - 1, Math.max(0, Number(at.dataset.row) + down));
    let column = Math.min(width - 1, Math.max(0, Number(at.dataset.column) + across));
    while (column > 0 && !places[row][column]) column--;
    const next = places[row][column];
    if (next) { reach(next); next.focus(); }
  });
  return { grid, places, reach };
}

// Questions and replies. `compose` gives the question, `show(reply, followed)` draws it, `fill(state, followed)` sets
// the controls. What another view was answered is followed, unless a question of one's own is about to be answered.
function conversation({ model, id, root, busy, status, compose, show, fill }) {
  let asked = 0, underWay = null, waiting = false, timer = null, busyTimer = null, silenceTimer = null, saved = null;
  const later = [];
  if (model.get("language")) root.lang = model.get("language");

  function ask(pause) {
    clearTimeout(timer);
    timer = setTimeout(() => { timer = null; waiting = true; send(); }, pause);
  }

  function send() {
    if (underWay !== null || !waiting) return;
    if (python.isGone()) { stay(); python.probe(); return; }
    waiting = false;
    underWay = ++asked;
    busyTimer = setTimeout(() => { tell(COMPUTING()); root.setAttribute("aria-busy", "true"); }, BUSY_AFTER);
    silenceTimer = setTimeout(() => tell(SILENT()), SILENT_AFTER);
    model.set("question", { request: underWay, view: id, ...(saved === null ? compose() : { load: saved }) });
    saved = null;
    model.save_changes();
  }

  function tell(text) {
    busy.textContent = text;
    root.classList.toggle("silent", text === GONE() || text === SILENT());
    if (text !== COMPUTING()) status.textContent = text;
  }

  function heard({ view, question }) {
    if (view !== id || question !== underWay) return;
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(() => tell(say("Python is still computing.")), SLOW_AFTER);
    if (busy.textContent === SILENT()) tell(COMPUTING());
  }

  function settle() {
    underWay = null;
    clearTimeout(busyTimer);
    clearTimeout(silenceTimer);
    busy.textContent = "";
    root.classList.remove("silent");
    root.removeAttribute("aria-busy");
  }

  // Without Python everything stays as it is; what was asked last is asked again if it comes back.
  function stay() {
    waiting ||= underWay !== null;
    settle();
    tell(GONE());
    for (const action of later.splice(0)) action();
  }

  function present(reply, followed) {
    show(reply, followed);
    if (reply.error) busy.textContent = say("Below: the last good result.");
    status.textContent = reply.status;
    root.dataset.request = String(reply.request);
    for (const action of later.splice(0)) action();
  }

  function answered() {
    const reply = model.get("reply");
    if (reply.request < 0) {
      settle();
      fill(reply.state);
      present(reply, false);
    } else if (reply.view !== id) {
      if (reply.error || underWay !== null || timer !== null) return;
      fill(reply.state, true);
      present(reply, true);
    } else if (reply.request === underWay) {
      settle();
      if (waiting) send();
      else if (timer === null) present(reply, false); // else a newer question is about to be asked
    }
  }

  const python = presence(model, { heard, left: stay, back() { settle(); send(); } });
  const still = make("style", {}, `.${model.get("twin")} { display: none; }`); // its picture is for when it is gone
  document.head.append(still);
  model.on("change:reply", answered);
  return {
    ask,
    whenSettled(action) {
      if (python.isGone() || (timer === null && underWay === null && !waiting)) action();
      else later.push(action);
    },
    load(text) { saved = text; ask(0); },
    begin() {
      const first = model.get("reply");
      fill(first.state);
      present(first, false);
    },
    end() {
      model.off("change:reply", answered);
      still.remove();
      python.end();
      clearTimeout(timer);
      settle();
    },
  };
}

// Errands: `send(part, details, receive)` starts one; `receive(delivery)` gets its deliveries while it is the
// newest; null tells that a newer one, or `stop`, ended it. `others` hears the errands of other views of the
// widget (`begun`) and what is delivered to them (`delivered`).
function errands(model, id, others = {}) {
  let number = 0, receive = null, silenceTimer = null;

  function give(delivery) {
    const receiver = receive;
    if (delivery === null || delivery.share >= 1) receive = null;
    clearTimeout(silenceTimer);
    receiver?.(delivery);
  }

  function delivered() {
    const delivery = model.get("delivery");
    if (delivery.view !== id) others.delivered?.(delivery);
    else if (delivery.request === number && receive) give(delivery);
  }

  function begun() {
    const errand = model.get("errand");
    if (errand.view === id) return;
    give(null);
    others.begun?.(errand);
  }

  function heard({ view, errand }) {
    if (view === id && errand === number) clearTimeout(silenceTimer);
  }

  function left() {
    if (receive) give({ share: 1, error: GONE() });
  }

  function send(part, details, receiver) {
    give(null);
    receive = receiver;
    if (python.isGone()) { left(); return; }
    if (receive) silenceTimer = setTimeout(() => receive?.({ share: 0, silence: SILENT() }), SILENT_AFTER);
    model.set("errand", { part, request: ++number, view: id, ...details });
    model.save_changes();
  }

  const python = presence(model, { heard, left, back() {} });
  model.on("change:delivery", delivered);
  model.on("change:errand", begun);
  return {
    send,
    stop(details = {}) { if (receive) send("stop", details, null); },
    end() { model.off("change:delivery", delivered); model.off("change:errand", begun); python.end(); clearTimeout(silenceTimer); },
  };
}

// A button that starts an errand, its progress with "Stop", and the place where what it brings is shown.
function errandButton({ label, start, leave }) {
  const button = make("button", { type: "button", className: "plain" }, label);
  const bar = make("progress", { max: 1, value: 0, hidden: true, "aria-label": say("{what}: progress", { what: label }) });
  const stop = make("button", { type: "button", className: "plain", hidden: true }, say("Stop"));
  const told = visually(make("p", { className: "told" }));
  const place = make("div", { className: "brought" });
  const box = make("div", { className: "errand" }, make("div", { className: "row" }, button, bar, stop), told, place);
  const idle = () => { bar.hidden = stop.hidden = true; button.disabled = false; };
  const receive = (delivery) => {
    if (delivery === null) { idle(); told.textContent = say("Stopped."); return; }
    if (delivery.error) { idle(); told.textContent = delivery.error; return; }
    if (delivery.silence) { told.textContent = delivery.silence; return; }
    bar.value = delivery.share;
    if (delivery.html !== undefined) place.innerHTML = delivery.html;
    told.textContent = delivery.share >= 1 ? delivery.text ?? "" : "";
    if (delivery.share >= 1) idle();
  };
  stop.addEventListener("click", leave);
  button.addEventListener("click", () => {
    bar.hidden = stop.hidden = false;
    bar.value = 0;
    button.disabled = true;
    told.textContent = "";
    box.classList.remove("outdated");
    start(receive);
  });
  return { box };
}

// Errors beneath their controls, and how the model reads what was typed, as long as that is what is shown.
function placeErrors(reply, fields) {
  for (const [name, { error, said, control }] of Object.entries(fields)) {
    if (said) setHtml(said, (!reply.error && reply.said?.[name]) || "");
    const text = reply.error?.control === name ? reply.error.text : "";
    error.textContent = text;
    error.hidden = !text;
    control?.setAttribute("aria-invalid", String(Boolean(text)));
  }
}

// New HTML in a place, only if it changed; what was unfolded stays unfolded.
function setHtml(place, html) {
  if (place.shownHtml === html) return;
  const open = [...place.querySelectorAll("details")].map((part) => part.open);
  place.innerHTML = html;
  place.shownHtml = html;
  place.querySelectorAll("details").forEach((part, i) => { part.open = Boolean(open[i]); });
}

// States before and after, for undo and redo.
function history(restore) {
  const past = [], future = [];
  let now = null;
  const buttons = [
    make("button", { type: "button", className: "plain", title: say("Undo (Ctrl+Z in the grid)") }, say("↶ Undo")),
    make("button", { type: "button", className: "plain", title: say("Redo (Ctrl+Y in the grid)") }, say("↷ Redo")),
  ];
  const refresh = () => { buttons[0].disabled = !past.length; buttons[1].disabled = !future.length; };
  const move = (from, to) => () => {
    if (!from.length) return;
    to.push(now);
    now = from.pop();
    refresh();
    restore(JSON.parse(now));
  };
  const [undo, redo] = [move(past, future), move(future, past)];
  buttons[0].addEventListener("click", undo);
  buttons[1].addEventListener("click", redo);
  refresh();
  return {
    buttons, undo, redo,
    note(state) {
      const text = JSON.stringify(state);
      if (text === now) return;
      if (now !== null) { past.push(now); future.length = 0; }
      now = text;
      refresh();
    },
    keys(event) {
      if (!(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      event.stopPropagation();
      (key === "y" || event.shiftKey ? redo : undo)();
    },
  };
}

// What is on the screen, to take along: a picture, a table, a slide. Python draws it (`take`, by messages of its own, so
// that no question waits and no errand ends), and the page saves or copies what comes.
function takeAlong({ model, id, settled }) {
  let request = 0, timer = null;
  const told = visually(make("p", { className: "told" }));
  const error = make("p", { className: "error", id: `${id}-take-error`, hidden: true, role: "alert" });
  const shape = choiceField(`${id}-shape`, say("Shape"), [["16:9", "16:9"], ["4:3", "4:3"], ["1:1", say("square")]]);
  const larger = make("input", { type: "checkbox", id: `${id}-larger` });
  const copied = make("textarea", { rows: 4, readOnly: true, hidden: true, "aria-label": say("The table") });
  quietKeys(copied);
  const tell = (text, wrong = "") => {
    clearTimeout(timer);
    told.textContent = text;
    error.textContent = wrong;
    error.hidden = !wrong;
  };
  const button = (as, text) => {
    const made = make("button", { type: "button", className: "plain", "aria-describedby": error.id }, text);
    made.dataset.as = as;
    made.addEventListener("click", () => settled(() => {
      tell(say("Drawing …"));
      copied.hidden = true;
      timer = setTimeout(() => tell("", SILENT()), SILENT_AFTER);
      model.send({ as, view: id, request: ++request, shape: shape.control.value, larger: larger.checked });
    }));
    return made;
  };
  async function taken(parcel, contents) {
    if (parcel.view !== id || parcel.request !== request) return;
    clearTimeout(timer);
    if (parcel.heard) return;
    tell(parcel.error ? "" : parcel.told, parcel.error ?? "");
    if (parcel.error || !contents[0].byteLength) return;
    if (parcel.file) download(parcel.file, contents[0]);
    else await copy(new TextDecoder().decode(contents[0]));
  }
  async function copy(text) {
    try { await navigator.clipboard.writeText(text); } catch {
      copied.value = text;
      copied.hidden = false;
      copied.select();
      tell(say("Selected: copy it with Ctrl+C."));
    }
  }
  model.on("msg:custom", taken);
  const box = make("div", { className: "take" },
    make("div", { className: "row" }, button("png", say("Save as PNG")), button("svg", say("Save as SVG")),
      button("table", say("Copy as a table")), button("slides", say("Keep for the slides"))),
    make("div", { className: "row" }, shape.box, make("span", { className: "way" }, larger, make("label", { htmlFor: larger.id }, say("larger type")))),
    told, error, copied);
  return { box, end() { model.off("msg:custom", taken); clearTimeout(timer); } };
}

function download(name, content) {
  const kind = name.endsWith("svg") ? "image/svg+xml" : "image/png";
  const address = URL.createObjectURL(new Blob([content], { type: kind }));
  const link = make("a", { href: address, download: name });
  document.body.append(link); // some browsers follow only what is on the page
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

// The widget alone and large, for a room: its controls folded away, its sentence above. Escape brings them back.
function presenterView(box) {
  const caption = make("p", { className: "presented", hidden: true });
  const leave = make("button", { type: "button", className: "plain leave", hidden: true }, say("Leave the presenter view"));
  const enter = make("button", { type: "button", className: "plain" }, say("Presenter view"));
  const show = (on) => {
    const root = box.closest(".interp-widget");
    if (!leave.isConnected) {
      root.prepend(leave, caption);
      root.addEventListener("keydown", left);
    }
    root.classList.toggle("presenter", on);
    leave.hidden = caption.hidden = !on;
    (on ? leave : enter).focus();
    root.scrollIntoView({ block: "start" });
  };
  const left = (event) => {
    if (event.key !== "Escape" || leave.hidden) return;
    event.stopPropagation();
    show(false);
  };
  leave.addEventListener("click", () => show(false));
  enter.addEventListener("click", () => show(true));
  return { enter, say(text) { caption.textContent = text; } };
}

// What is on the screen to take along, the state as JSON to copy, and a field to load one from.
function saveAndLoad(model, id, talk) {
  const taking = takeAlong({ model, id, settled: (action) => talk().whenSettled(action) });
  const own = field(`${id}-own`, say("This state as JSON"), make("textarea", { rows: 2, readOnly: true, spellcheck: false }));
  const copy = make("button", { type: "button", className: "plain" }, say("Copy"));
  const paste = field(`${id}-load`, say("A saved state"), make("textarea", { rows: 2, spellcheck: false, placeholder: say("paste it here") }));
  const button = make("button", { type: "button", className: "plain" }, say("Load"));
  const told = visually(make("span", { className: "told" }));
  copy.addEventListener("click", async () => {
    own.control.select();
    try {
      await navigator.clipboard.writeText(own.control.value);
      told.textContent = say("Copied.");
    } catch { told.textContent = say("Selected: copy it with Ctrl+C."); }
  });
  button.addEventListener("click", () => talk().load(paste.control.value));
  for (const { control } of [own, paste]) quietKeys(control);
  const presenter = presenterView(taking.box);
  taking.box.firstChild.append(presenter.enter);
  const box = make("div", {}, taking.box, make("div", { className: "saved" },
    make("div", {}, own.box, make("div", { className: "row" }, copy, told)),
    make("div", {}, paste.box, make("div", { className: "row" }, button))));
  return {
    box, field: paste, end: taking.end,
    show(reply) { own.control.value = reply.json; told.textContent = ""; presenter.say(reply.caption); },
  };
}

function unfolding(summary, ...children) {
  return make("details", { className: "tool" }, make("summary", {}, summary), ...children);
}
