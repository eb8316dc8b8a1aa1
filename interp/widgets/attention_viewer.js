// The Attention Viewer's controls, on top of conversation.js.

function thumbnail(canvas, bytes, start, size) {
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  const picture = pen.createImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    const share = bytes[start + i] / 255;
    picture.data.set([255 - 255 * share, 255 - 141 * share, 255 - 77 * share, 255], 4 * i); // white to #0072b2
  }
  pen.putImageData(picture, 0, 0);
}

function overview(layers, heads, choose) {
  const canvases = [];
  const { grid, places, reach } = placeGrid({
    label: say("All heads of this sentence. Arrow keys move, Enter shows a head large."),
    rows: Array.from({ length: layers }, (_, i) => ({ text: `L${i}`, name: say("layer {number}", { number: i }) })),
    columns: Array.from({ length: heads }, (_, i) => ({ text: `H${i}`, name: say("head {number}", { number: i }) })),
    cell(layer, head) {
      const canvas = make("canvas", { "aria-hidden": "true" });
      canvases.push(canvas);
      const name = `L${layer}H${head}`;
      const button = make("button", { type: "button", className: "thumb", title: name, "aria-label": name }, canvas);
      button.dataset.head = name;
      button.addEventListener("click", () => choose(name));
      return button;
    },
  });
  return {
    grid,
    paint(base64, size) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      canvases.forEach((canvas, i) => thumbnail(canvas, bytes, i * size * size, size));
    },
    mark(name) {
      for (const button of places.flat()) {
        button.setAttribute("aria-pressed", String(button.dataset.head === name));
        if (button.dataset.head === name && !grid.contains(document.activeElement)) reach(button);
      }
    },
  };
}

function render({ model, el }) {
  speak(model);
  const id = freshId("attention");
  const [layers, heads] = model.get("shape");
  const examples = model.get("examples");
  let state = model.get("reply").state, large = null, painted = "";

  const chooser = exampleField(`${id}-example`, examples), example = chooser.control;
  const prompt = sentenceField(`${id}-prompt`, say("Sentence"));
  const show = choiceField(`${id}-show`, say("Show"), Object.entries(model.get("modes")));
  const map = overview(layers, heads, (name) => ask({ head: name }));
  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const title = make("h3");
  const bigPlace = make("div", { className: "scroll" });
  const reading = make("p", { className: "reading" });
  const hint = make("p", { className: "note" }, say("Row: the word that looks. Column: where it looks. Hover or move with the arrow keys to read; click or Enter to lock, Escape to let go."));
  const pair = make("div", { className: "pair-place" });
  const text = make("div");
  const saved = saveAndLoad(model, id, () => talk);
  const root = make("div", { className: "interp-widget interp-attention" },
    make("div", { className: "top" }, chooser.box, prompt.box, show.box),
    make("div", { className: "bench" },
      make("section", { className: "controls" }, make("h3", {}, say("All heads: click one")), map.grid),
      make("section", { className: "outcome", "aria-label": say("One head") }, title, busy, reading,
        make("div", { className: "look-and-pair" }, bigPlace, pair), hint, text)),
    make("p", { className: "warning" }, model.get("warning")),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("Save and load"), saved.box)), status);
  root.style.setProperty("--heads", heads);
  el.append(root);

  function ask(change, pause = 0) {
    state = { ...state, ...change };
    talk.ask(pause);
  }

  function read(reply, query, key) {
    const name = (at) => reply.tokens[at].replace(/^·/, "") || "·";
    const list = reply.rows[query];
    reading.textContent = key === null ? list : `${name(query)} → ${name(key)}: ${reply.cells[query][key].text}   (${list})`;
    large.querySelectorAll("[data-here]").forEach((cell) => delete cell.dataset.here);
    large.querySelectorAll(`[data-row="${query}"]`).forEach((cell) => { cell.dataset.here = "row"; });
  }

  function readLocked(reply) {
    read(reply, state.query ?? reply.tokens.length - 1, state.key ?? null);
  }

  function draw(reply) {
    const spoken = reply.tokens.map((token) => token.replace(/^·/, "") || "·");
    const { grid, places, reach } = placeGrid({
      label: say("{head}: words that look in rows, words looked at in columns. Enter locks a pair.", { head: reply.state.head }),
      rows: reply.tokens.map((token, i) => ({ text: token, name: say("{word}, word {number} looks", { word: spoken[i], number: i }) })),
      columns: reply.tokens.map((token, i) => ({ text: token, name: say("{word}, word {number}", { word: spoken[i], number: i }) })),
      cell(query, key) {
        const cell = reply.cells[query][key];
        if (!cell) return null;
        const button = make("button", { type: "button", className: "look", "aria-label": say("{query} to {key}: {number}", { query: spoken[query], key: spoken[key], number: cell.text }) });
        button.style.setProperty("--shade", `${Math.round(100 * cell.shade)}%`);
        button.setAttribute("aria-pressed", String(query === state.query && key === state.key));
        return button;
      },
    });
    const at = (event) => {
      const button = event.target.closest("button[data-row]");
      return button && [Number(button.dataset.row), Number(button.dataset.column)];
    };
    grid.addEventListener("mouseover", (event) => { const place = at(event); if (place) read(reply, ...place); });
    grid.addEventListener("focusin", (event) => { const place = at(event); if (place) read(reply, ...place); });
    grid.addEventListener("mouseleave", () => readLocked(reply));
    grid.addEventListener("click", (event) => {
      const place = at(event);
      if (!place) return;
      const again = place[0] === state.query && place[1] === state.key;
      ask(again ? { key: null } : { query: place[0], key: place[1] });
    });
    grid.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || state.key === null) return;
      event.preventDefault();
      event.stopPropagation();
      ask({ key: null });
    });
    const focused = large?.contains(document.activeElement) ? document.activeElement.dataset : null;
    const place = focused ? [focused.row, focused.column].map(Number) : [state.query ?? reply.tokens.length - 1, state.key ?? 0];
    large = grid;
    bigPlace.replaceChildren(grid);
    const next = places[place[0]]?.[place[1]];
    if (next) { reach(next); if (focused) next.focus({ preventScroll: true }); }
    large.style.setProperty("--tokens", reply.tokens.length);
  }

  function fill(saved) {
    state = saved;
    prompt.control.value = saved.prompt;
    show.control.value = saved.show;
    const known = examples.findIndex(({ state: own }) => own.prompt === saved.prompt);
    example.value = known < 0 ? "own" : String(known);
  }

  function present(reply) {
    placeErrors(reply, { prompt, load: saved.field });
    bigPlace.classList.toggle("stale", Boolean(reply.error));
    if (!reply.error) state = { ...reply.state, prompt: state.prompt };
    const bytes = model.get("thumbnails");
    if (bytes !== painted) { map.paint(bytes, reply.tokens.length); painted = bytes; }
    map.mark(reply.state.head);
    title.textContent = `${reply.state.head}: ${model.get("modes")[reply.state.show]}`;
    draw(reply);
    readLocked(reply);
    setHtml(pair, reply.pair);
    setHtml(text, reply.text);
    saved.show(reply);
  }

  const talk = conversation({
    model, id, root, busy, status, show: present, fill,
    compose: () => ({ ...state, prompt: prompt.control.value, show: show.control.value }),
  });
  prompt.control.addEventListener("input", () => { example.value = "own"; talk.ask(TYPING_PAUSE); });
  quietKeys(prompt.control, () => talk.ask(0));
  show.control.addEventListener("change", () => talk.ask(0));
  example.addEventListener("change", () => {
    if (example.value === "own") return;
    fill({ ...examples[Number(example.value)].state, show: show.control.value });
    talk.ask(0);
  });
  talk.begin();
  return () => { talk.end(); saved.end(); };
}

export default { render };
