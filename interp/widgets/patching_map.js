// The Patching Map's controls, on top of conversation.js.

function heatMap(columns, cells, choose, read, leave) {
  const { grid, places, reach } = placeGrid({
    label: "Layers in rows. Arrow keys move, Enter locks a cell.",
    rows: cells.map((_, i) => ({ text: `L${i}`, name: `layer ${i}` })),
    columns,
    cell(row, column) {
      const button = make("button", { type: "button", className: "cell" }, "");
      button.addEventListener("click", () => choose(row, column));
      for (const event of ["mouseenter", "focus"]) button.addEventListener(event, () => read(row, column));
      return button;
    },
  });
  grid.addEventListener("mouseleave", leave);
  return { grid, places, reach };
}

function render({ model, el }) {
  const id = freshId("map");
  const examples = model.get("examples");
  let state = model.get("reply").state, drawn = null, map = null, latest = null, measured = "";

  const chooser = exampleField(`${id}-example`, examples), example = chooser.control;
  const prompt = sentenceField(`${id}-prompt`, "First sentence");
  const twin = sentenceField(`${id}-twin`, "Second sentence: a word exchanged");
  const answer = textField(`${id}-answer`, "● Lead of", 10);
  const against = textField(`${id}-against`, "◆ over", 10);
  const kind = choiceField(`${id}-kind`, "What comes from the second sentence", Object.entries(model.get("kinds")));
  const raw = make("input", { type: "checkbox", id: `${id}-raw` });
  const texts = { prompt, twin, answer, against };
  for (const { control } of [prompt, twin]) control.rows = 1;

  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const found = make("p", { className: "finding" });
  const reading = make("p", { className: "reading" });
  const place = make("div", { className: "scroll" });
  const bar = make("progress", { max: 1, value: 0, "aria-label": "Layers done" });
  const stop = make("button", { type: "button", className: "plain" }, "Stop");
  const again = make("button", { type: "button", className: "plain" }, "Measure the rest");
  const progress = make("div", { className: "row" }, bar, stop, again);
  const legend = make("p", { className: "legend" },
    make("span", { className: "swatch towards" }), " towards the second sentence  ",
    make("span", { className: "swatch against" }), " away from it");
  const scale = make("p", { className: "note" });
  const pair = make("div"), cell = make("div"), text = make("div");
  const work = errands(model, id);
  const saved = saveAndLoad(id, (json) => talk.load(json));
  const root = make("div", { className: "interp-widget interp-map" },
    make("div", { className: "top" }, chooser.box, prompt.box, make("div", { className: "words" }, answer.box, against.box), twin.box),
    pair,
    make("div", { className: "choice" }, kind.box,
      make("span", { className: "way" }, raw, make("label", { htmlFor: raw.id }, "show nats, not shares"))),
    busy, found, reading,
    make("div", { className: "bench" },
      make("section", { className: "controls", "aria-label": "Map" }, progress, place, legend, scale),
      make("section", { className: "outcome", "aria-label": "One cell" }, cell)),
    make("section", { className: "tools", "aria-label": "More" }, unfolding("The map as a table", text), unfolding("Save and load", saved.box)),
    status);
  el.append(root);

  function ask(change) {
    state = { ...state, ...change };
    talk.ask(0);
  }

  function readLocked() {
    reading.textContent = state.cell ? latest.cells[state.cell[0]][state.cell[1]].say : "Hover over a cell, or move with the arrow keys, to read it.";
  }

  function draw(news) {
    latest = news;
    const shape = JSON.stringify([news.columns, news.cells.length]);
    if (shape !== drawn) {
      map = heatMap(news.columns, news.cells,
        (row, column) => ask({ cell: state.cell?.[0] === row && state.cell?.[1] === column ? null : [row, column] }),
        (row, column) => { reading.textContent = latest.cells[row][column].say; }, readLocked);
      place.replaceChildren(map.grid);
      place.style.setProperty("--columns", news.columns.length);
      place.classList.toggle("by-word", news.columns[0].text !== "H0");
      drawn = shape;
    }
    news.cells.forEach((row, layer) => row.forEach(({ text: number, shade, say }, column) => {
      const button = map.places[layer][column];
      button.textContent = number;
      button.style.setProperty("--tint", `${Math.round(100 * Math.abs(shade))}%`);
      button.classList.toggle("against", shade < 0);
      button.classList.toggle("towards", shade >= 0);
      button.setAttribute("aria-label", say);
      button.setAttribute("aria-pressed", String(state.cell?.[0] === layer && state.cell?.[1] === column));
    }));
    found.textContent = news.finding;
    scale.textContent = news.shares ? "0: nothing changes. 1: the lead moves all the way to the second sentence's." : "Change of the lead in nats.";
    setHtml(text, news.text);
  }

  function measure() {
    bar.value = 0;
    bar.hidden = stop.hidden = false;
    again.hidden = true;
    work.send("map", {}, (delivery) => {
      if (delivery === null || delivery.error) {
        bar.hidden = stop.hidden = true;
        again.hidden = false;
        if (delivery) found.textContent = delivery.error;
        return;
      }
      bar.value = delivery.share;
      draw(delivery);
      if (delivery.share >= 1) { bar.hidden = stop.hidden = true; status.textContent = delivery.status; }
    });
  }
  stop.addEventListener("click", () => work.stop());
  again.addEventListener("click", measure);

  function fill(whole) {
    state = whole;
    for (const [name, { control }] of Object.entries(texts)) control.value = whole[name];
    kind.control.value = whole.kind;
    raw.checked = whole.raw;
    const known = examples.findIndex(({ state: own }) => own.prompt === whole.prompt && own.twin === whole.twin);
    example.value = known < 0 ? "own" : String(known);
  }

  function show(reply) {
    placeErrors(reply, { ...texts, load: saved.field });
    setHtml(pair, reply.pair);
    place.classList.toggle("stale", Boolean(reply.error));
    if (reply.error) return;
    state = reply.state;
    draw(reply);
    readLocked();
    setHtml(cell, reply.cell);
    saved.show(reply.json);
    const { cell: _, raw: __, ...mapped } = reply.state;
    const other = JSON.stringify(mapped) !== measured; // another map than the one measured, or stopped, last
    measured = JSON.stringify(mapped);
    if (reply.done) { work.stop(); bar.hidden = stop.hidden = again.hidden = true; }
    else if (other) measure();
  }

  const talk = conversation({
    model, id, root, busy, status, show, fill,
    compose: () => ({
      ...state, prompt: prompt.control.value, twin: twin.control.value, answer: answer.control.value,
      against: against.control.value, kind: kind.control.value, raw: raw.checked,
    }),
  });
  for (const { control } of Object.values(texts)) {
    control.addEventListener("input", () => { example.value = "own"; talk.ask(TYPING_PAUSE); });
    quietKeys(control, () => talk.ask(0));
  }
  for (const control of [kind.control, raw]) control.addEventListener("change", () => talk.ask(0));
  example.addEventListener("change", () => {
    if (example.value === "own") return;
    fill({ ...examples[Number(example.value)].state, kind: kind.control.value, raw: raw.checked });
    talk.ask(0);
  });
  talk.begin();
  return () => { talk.end(); work.end(); };
}

export default { render };
