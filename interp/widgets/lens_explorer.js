// The Lens Explorer's controls, on top of conversation.js.

const KINDS = () => [["attn", say("attention")], ["mlp", say("feed-forward")]];

function halfGrid(layers, toggle) {
  const { grid, places } = placeGrid({
    label: say("Halves of the layers. Arrow keys move, space switches one off and on."),
    rows: KINDS().map(([, name]) => ({ text: name, name })),
    columns: Array.from({ length: layers }, (_, i) => ({ text: `L${i}`, name: say("layer {number}", { number: i }) })),
    cell(row, layer) {
      const name = `${KINDS()[row][0]}${layer}`;
      const button = make("button", { type: "button", className: "half", title: name, "aria-label": name });
      button.dataset.half = name;
      button.addEventListener("click", () => toggle(name));
      return button;
    },
  });
  return {
    grid,
    paint(off) {
      for (const button of places.flat()) {
        const isOff = off.has(button.dataset.half);
        button.setAttribute("aria-pressed", String(isOff));
        button.textContent = isOff ? say("off") : say("on");
      }
    },
  };
}

function guessGrid(reply, which, read) {
  const spoken = reply.tokens.map((token) => token.replace(/^·/, "") || "·");
  const { grid } = placeGrid({
    label: say("{title}: the first guess after every layer at every word. Arrow keys move and read.", { title: reply.titles[which] }),
    rows: reply.rows,
    columns: reply.tokens.map((token, i) => ({ text: token, name: say("{word}, word {number}", { word: spoken[i], number: i }) })),
    cell(row, column) {
      const cell = reply.grids[which][row][column];
      const button = make("button", {
        type: "button", className: "guess", title: cell.list,
        "aria-label": say("{row}, at {word}: {guesses}", { row: reply.rows[row].name, word: spoken[column], guesses: cell.list }),
      }, cell.text);
      button.style.setProperty("--shade", `${Math.round(70 * cell.shade)}%`); // black stays readable on it
      return button;
    },
  });
  const at = (event) => {
    const button = event.target.closest("button[data-row]");
    if (button) read(which, Number(button.dataset.row), Number(button.dataset.column));
  };
  for (const name of ["mouseover", "focusin", "click"]) grid.addEventListener(name, at);
  return grid;
}

function tick(id, label, title, changed) {
  const control = make("input", { type: "checkbox", id });
  control.addEventListener("change", changed);
  return { control, box: make("span", { className: "tick", title }, control, make("label", { htmlFor: id }, label)) };
}

function render({ model, el }) {
  speak(model);
  const id = freshId("lens");
  const layers = model.get("layers"), examples = model.get("examples");
  let off = new Set(), current = null;

  const chooser = exampleField(`${id}-example`, examples), example = chooser.control;
  const prompt = field(`${id}-prompt`, say("Prompt: what would each layer say next?"), make("textarea", { rows: 4, spellcheck: false }));
  const answer = textField(`${id}-answer`, say("Follow this answer"), 10);
  const halves = halfGrid(layers, (name) => { if (!off.delete(name)) off.add(name); chosen(); });
  const list = textField(`${id}-off`, say("Switched off"));
  list.control.placeholder = say("nothing; write for example mlp5, attn4");
  const update = choiceField(`${id}-update`, say("Put in a vector"), [["", say("none")], ...model.get("updates").map((name) => [name, name])]);
  const into = textField(`${id}-into`, say("in place of layers"), 6);
  const now = () => talk.ask(CLICK_PAUSE);
  const ticks = {
    mids: tick(`${id}-mids`, say("between the halves too"), say("also the state between attention and feed-forward (rows marked ½)"), now),
    tuned: tick(`${id}-tuned`, say("tuned lens"), say("read every state through its learned translation"), now),
    bos: tick(`${id}-bos`, say("start mark"), say("put <|endoftext|> in front"), now),
  };
  const reset = make("button", { type: "button", className: "plain" }, say("↺ No change"));
  reset.addEventListener("click", () => { off = new Set(); update.control.value = ""; chosen(); });

  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const result = make("div", { className: "result" });
  const reading = make("p", { className: "reading" });
  const grids = make("div", { className: "grids" });
  const saved = saveAndLoad(model, id, () => talk);
  const root = make("div", { className: "interp-widget interp-lens" },
    make("div", { className: "top" }, chooser.box, prompt.box, make("div", { className: "beside" }, answer.box,
      make("div", { className: "ticks", role: "group", "aria-label": say("How to read") }, ...Object.values(ticks).map(({ box }) => box)))),
    make("section", { className: "change", "aria-label": say("Change the model") },
      make("h3", {}, say("Click a half to switch it off")),
      make("div", { className: "scroll" }, halves.grid),
      make("div", { className: "row" }, list.box, update.box, into.box, reset)),
    make("section", { className: "outcome", "aria-label": say("Result") }, busy, result, reading, grids),
    make("p", { className: "note" }, say("Darker: surer. Point at a cell, or move with the arrow keys, to read its five first guesses.")),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("Save and load"), saved.box)), status);
  root.style.setProperty("--layers", layers);
  el.append(root);

  function inOrder() {
    const all = Array.from({ length: layers }, (_, layer) => KINDS().map(([kind]) => `${kind}${layer}`)).flat();
    return all.filter((name) => off.has(name));
  }

  function chosen() {
    list.control.value = inOrder().join(", ");
    halves.paint(off);
    talk.ask(CLICK_PAUSE);
  }

  function read(which, row, column) {
    const cell = current.grids[which][row][column];
    const name = current.tokens[column].replace(/^·/, "") || "·";
    const title = current.grids.length > 1 ? `${current.titles[which]}, ` : "";
    reading.textContent = title + say("{row}, at “{word}”: {guesses}", { row: current.rows[row].name, word: name, guesses: cell.list });
  }

  function fill(state) {
    prompt.control.value = state.prompt;
    answer.control.value = state.answer;
    off = new Set(state.off);
    list.control.value = state.off.join(", ");
    update.control.value = state.update;
    into.control.value = state.into;
    for (const [name, { control }] of Object.entries(ticks)) control.checked = Boolean(state[name]);
    halves.paint(off);
    const known = examples.findIndex(({ state: own }) => own.prompt === state.prompt);
    example.value = known < 0 ? "own" : String(known);
  }

  function draw(reply) {
    const text = JSON.stringify([reply.tokens, reply.rows, reply.grids, reply.titles]);
    if (grids.shownText === text) return;
    grids.shownText = text;
    grids.replaceChildren(...reply.grids.map((_, which) => {
      const place = make("div", { className: "scroll" }, guessGrid(reply, which, read));
      place.style.setProperty("--tokens", reply.tokens.length);
      return make("section", { className: `pane ${which ? "ablated" : "clean"}` }, make("h4", {}, reply.titles[which]), place);
    }));
    requestAnimationFrame(() => {
      for (const place of grids.querySelectorAll(".scroll")) place.scrollLeft = place.scrollWidth;
    });
    read(0, reply.rows.length - 1, reply.tokens.length - 1);
  }

  function present(reply) {
    placeErrors(reply, { prompt, answer, off: list, update, into, load: saved.field });
    current = reply;
    if (!reply.error && document.activeElement !== list.control) list.control.value = reply.state.off.join(", ");
    if (!reply.error) { off = new Set(reply.state.off); halves.paint(off); }
    for (const place of [result, grids]) place.classList.toggle("stale", Boolean(reply.error));
    setHtml(result, reply.html);
    draw(reply);
    saved.show(reply);
  }

  const talk = conversation({
    model, id, root, busy, status, show: present, fill,
    compose: () => ({
      prompt: prompt.control.value, answer: answer.control.value, off_text: list.control.value,
      update: update.control.value, into: into.control.value,
      ...Object.fromEntries(Object.entries(ticks).map(([name, { control }]) => [name, control.checked])),
    }),
  });
  for (const { control } of [prompt, answer, list, into]) {
    control.addEventListener("input", () => {
      if (control === prompt.control) example.value = "own";
      if (control === list.control) { off = new Set(control.value.toLowerCase().split(/[\s,;]+/).filter(Boolean)); halves.paint(off); }
      talk.ask(TYPING_PAUSE);
    });
  }
  for (const { control } of [answer, list, into]) quietKeys(control, () => talk.ask(0));
  quietKeys(prompt.control);
  update.control.addEventListener("change", () => {
    if (update.control.value && !into.control.value) into.control.value = `${Math.max(0, layers - 4)}-${layers - 1}`;
    talk.ask(0);
  });
  example.addEventListener("change", () => {
    if (example.value === "own") return;
    fill(examples[Number(example.value)].state);
    talk.ask(CLICK_PAUSE);
  });
  talk.begin();
  return () => { talk.end(); saved.end(); };
}

export default { render };
