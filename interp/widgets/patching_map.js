// The Patching Map's controls, on top of conversation.js.

const HOW = () => say("One head at a time, the sender, does what it does in the second sentence; all other heads stay as they are. What reaches the receiver on this path is put in there, and the lead is read again. Press a sender to see who sends to it.");

function heatMap(columns, cells, choose, read, leave) {
  const { grid, places, reach } = placeGrid({
    label: say("Layers in rows. Arrow keys move, Enter locks a cell."),
    rows: cells.map((_, i) => ({ text: `L${i}`, name: say("layer {number}", { number: i }) })),
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

// Progress of a sweep, with "Stop", and "Measure the rest" after it.
function meter(label, { stop, again }) {
  const bar = make("progress", { max: 1, value: 0, "aria-label": label });
  const [leave, rest] = [say("Stop"), say("Measure the rest")].map((text) => make("button", { type: "button", className: "plain" }, text));
  leave.addEventListener("click", stop);
  rest.addEventListener("click", again);
  const box = make("div", { className: "row" }, bar, leave, rest);
  const show = (running, unfinished) => { bar.hidden = leave.hidden = !running; rest.hidden = !unfinished; box.hidden = !running && !unfinished; };
  return {
    box,
    at(share) { bar.value = share; show(true, false); },
    done() { show(false, false); },
    stopped() { show(false, true); },
  };
}

// Sweeps take turns: the one asked for last goes first. `receive(name, delivery)` gets what they bring. Views of
// one map share their sweeps: the view that asked last measures, the others look on.
function turns(work, meters, receive) {
  let queue = [], lookedOn = new Set();
  function next() {
    const [name] = queue;
    if (!name) return;
    work.send(name, {}, (delivery) => {
      if (delivery === null) return; // it waits, or was left
      bring(name, delivery);
      if (delivery.share >= 1) { queue = queue.filter((other) => other !== name); next(); }
    });
  }
  function bring(name, delivery) {
    meters[name].at(delivery.share);
    if (delivery.error) meters[name].stopped();
    else if (delivery.share >= 1) meters[name].done();
    receive(name, delivery);
  }
  function leave(name, told = {}) {
    const running = queue[0] === name;
    queue = queue.filter((other) => other !== name);
    lookedOn.delete(name);
    if (running) { work.stop(told); next(); }
  }
  function forget(name) {
    queue = queue.filter((other) => other !== name);
    lookedOn.delete(name);
  }
  function stop(name) {
    const others = lookedOn.has(name);
    leave(name, { left: name });
    if (others) work.send("stop", { left: name }, null);
  }
  function lookOn(name) {
    queue = queue.filter((other) => other !== name);
    lookedOn.add(name);
    meters[name].at(0);
  }
  return {
    measure(name) {
      queue = [name, ...queue.filter((other) => other !== name)];
      lookedOn.delete(name);
      meters[name].at(0);
      next();
    },
    leave,
    forget,
    stop,
    lookOn,
    isLookedOn: (name) => lookedOn.has(name),
    isMeasured: (name) => queue.includes(name),
    begun({ part, left }) { // by another view, which measures from now on, or left
      if (part !== "stop") for (const name of [...queue, part]) lookOn(name);
      if (!left) return;
      forget(left);
      meters[left].stopped();
      next();
    },
    delivered(delivery) {
      const name = delivery.part;
      if (!lookedOn.has(name)) return;
      if (delivery.share >= 1) lookedOn.delete(name);
      bring(name, delivery);
    },
  };
}

// The controls of the table of paths: what the receiver is, which head, at which word.
function receiverFields(id, receivers, [layers, heads]) {
  const part = choiceField(`${id}-part`, say("Receiver"), Object.entries(receivers));
  const head = choiceField(`${id}-head`, say("Head"), []);
  const place = choiceField(`${id}-place`, say("At word"), []);
  let chosen = false, offered = "";
  for (let layer = 0; layer < layers; layer++) {
    const names = Array.from({ length: heads }, (_, i) => `L${layer}H${i}`);
    head.control.append(make("optgroup", { label: say("layer {number}", { number: layer }) }, ...names.map((name) => make("option", { value: name }, name))));
  }
  head.control.addEventListener("change", () => { chosen = true; });
  const refresh = () => { head.box.hidden = place.box.hidden = !part.control.value; };
  return {
    part, head, place, refresh,
    begin(first) { if (!chosen && first) head.control.value = first; refresh(); },
    choose(name) { chosen = true; head.control.value = name; part.control.value ||= "q"; refresh(); },
    value() { return part.control.value ? { part: part.control.value, head: head.control.value, word: Number(place.control.value) } : null; },
    fill(receiver) {
      part.control.value = receiver?.part ?? "";
      if (receiver) { head.control.value = receiver.head; chosen = true; }
      refresh();
    },
    offer(words, receiver) {
      if (offered !== JSON.stringify(words)) {
        offered = JSON.stringify(words);
        place.control.replaceChildren(...words.map((text, i) => make("option", { value: String(i) }, text)));
        place.control.value = String(words.length - 1);
      }
      if (receiver) place.control.value = String(receiver.word);
    },
  };
}

function render({ model, el }) {
  speak(model);
  const id = freshId("map");
  const examples = model.get("examples");
  const measured = { map: "", paths: "" };
  let state = model.get("reply").state, drawn = null, map = null, latest = null;

  const chooser = exampleField(`${id}-example`, examples), example = chooser.control;
  const prompt = sentenceField(`${id}-prompt`, say("First sentence"));
  const twin = sentenceField(`${id}-twin`, say("Second sentence: a word exchanged"));
  const answer = textField(`${id}-answer`, say("● Lead of"), 10);
  const against = textField(`${id}-against`, say("◆ over"), 10);
  const kind = choiceField(`${id}-kind`, say("What comes from the second sentence"), Object.entries(model.get("kinds")));
  const raw = make("input", { type: "checkbox", id: `${id}-raw` });
  const texts = { prompt, twin, answer, against };
  for (const { control } of [prompt, twin]) control.rows = 1;

  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const cautions = make("div");
  const found = make("p", { className: "finding" });
  const reading = make("p", { className: "reading" });
  const place = make("div", { className: "scroll" });
  const legend = make("p", { className: "legend" },
    make("span", { className: "swatch towards" }), ` ${say("towards the second sentence")}  `,
    make("span", { className: "swatch against" }), ` ${say("away from it")}`);
  const scale = make("p", { className: "note" });
  const pair = make("div"), cell = make("div"), text = make("div"), table = make("div");
  const receiver = receiverFields(id, model.get("receivers"), model.get("shape"));
  const work = errands(model, id, { begun: (errand) => sweeps.begun(errand), delivered: (delivery) => sweeps.delivered(delivery) });
  const steps = (name) => ({ stop() { meters[name].stopped(); sweeps.stop(name); }, again() { sweeps.measure(name); } });
  const meters = { map: meter(say("Layers done"), steps("map")), paths: meter(say("Layers of senders done"), steps("paths")) };
  const sweeps = turns(work, meters, (name, delivery) => {
    if (delivery.silence || busy.textContent === SILENT()) busy.textContent = delivery.silence ?? "";
    if (delivery.silence) return;
    if (delivery.error) {
      table.shownHtml = name === "paths" ? null : table.shownHtml; // what stands there now is no table
      (name === "paths" ? table : found).textContent = delivery.error;
      return;
    }
    draw(delivery);
    if (delivery.share >= 1) status.textContent = delivery.status;
  });
  const saved = saveAndLoad(model, id, () => talk);
  const root = make("div", { className: "interp-widget interp-map" },
    make("div", { className: "top" }, chooser.box, prompt.box, make("div", { className: "words" }, answer.box, against.box), twin.box),
    pair,
    make("div", { className: "choice" }, kind.box,
      make("span", { className: "way" }, raw, make("label", { htmlFor: raw.id }, say("show nats, not shares")))),
    busy, cautions, found, reading,
    make("div", { className: "bench" },
      make("section", { className: "controls", "aria-label": say("Map") }, meters.map.box, place, legend, scale),
      make("section", { className: "outcome", "aria-label": say("One cell") }, cell)),
    make("section", { className: "paths", "aria-label": say("Paths") }, make("h3", {}, say("Who sends to a receiver?")),
      make("p", { className: "note" }, HOW()),
      make("div", { className: "choice" }, receiver.part.box, receiver.head.box, receiver.place.box),
      meters.paths.box, table),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("The map as a table"), text), unfolding(say("Save and load"), saved.box)),
    status);
  el.append(root);

  function ask(change) {
    state = { ...state, ...change };
    talk.ask(0);
  }

  function readLocked() {
    reading.textContent = state.cell ? latest.cells[state.cell[0]][state.cell[1]].say : say("Hover over a cell, or move with the arrow keys, to read it.");
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
    news.cells.forEach((row, layer) => row.forEach(({ text: number, shade, say: spoken }, column) => {
      const button = map.places[layer][column];
      button.textContent = number;
      button.style.setProperty("--tint", `${Math.round(100 * Math.abs(shade))}%`);
      button.classList.toggle("against", shade < 0);
      button.classList.toggle("towards", shade >= 0);
      button.setAttribute("aria-label", spoken);
      button.setAttribute("aria-pressed", String(state.cell?.[0] === layer && state.cell?.[1] === column));
    }));
    found.textContent = news.finding;
    scale.textContent = news.shares ? say("0: nothing changes. 1: the lead moves all the way to the second sentence's.") : say("Change of the lead in nats.");
    setHtml(text, news.text);
    drawPaths(news.paths);
  }

  function drawPaths(html) {
    const focused = document.activeElement?.closest(".sender")?.textContent;
    setHtml(table, html);
    for (const name of table.querySelectorAll("span[data-head]")) {
      const button = make("button", { type: "button", className: "plain sender", title: say("Who sends to this head?") }, name.textContent);
      button.setAttribute("aria-label", say("{head}: make it the receiver", { head: name.textContent }));
      button.addEventListener("click", () => { receiver.choose(name.textContent); receiver.head.control.focus(); talk.ask(0); });
      name.replaceWith(button);
      if (focused === name.textContent) button.focus();
    }
  }

  function fill(whole) {
    state = whole;
    for (const [name, { control }] of Object.entries(texts)) control.value = whole[name];
    kind.control.value = whole.kind;
    raw.checked = whole.raw;
    receiver.fill(whole.receiver);
    const known = examples.findIndex(({ state: own }) => own.prompt === whole.prompt && own.twin === whole.twin);
    example.value = known < 0 ? "own" : String(known);
  }

  function show(reply, followed) {
    setHtml(cautions, reply.cautions);
    found.classList.toggle("doubtful", Boolean(reply.cautions));
    placeErrors(reply, { ...texts, receiver: receiver.place, load: saved.field });
    setHtml(pair, reply.pair);
    place.classList.toggle("stale", Boolean(reply.error));
    if (reply.error) return;
    state = reply.state;
    receiver.offer(reply.words, state.receiver);
    draw(reply);
    readLocked();
    setHtml(cell, reply.cell);
    saved.show(reply);
    const { prompt: own, twin: other, answer: lead, against: over, bos, kind: put, receiver: end } = reply.state;
    const needs = { paths: [own, other, lead, over, bos, end], map: [own, other, lead, over, bos, put] };
    for (const [name, all] of Object.entries(needs)) {
      const now = JSON.stringify(all), news = now !== measured[name]; // not the one measured, or stopped, last
      measured[name] = now;
      if (reply.done[name]) { sweeps[followed ? "forget" : "leave"](name); meters[name].done(); }
      else if (followed && (news || sweeps.isMeasured(name))) sweeps.lookOn(name);
      else if (!followed && (news || sweeps.isLookedOn(name))) sweeps.measure(name);
    }
  }

  const talk = conversation({
    model, id, root, busy, status, show, fill,
    compose: () => ({
      ...state, prompt: prompt.control.value, twin: twin.control.value, answer: answer.control.value,
      against: against.control.value, kind: kind.control.value, raw: raw.checked, receiver: receiver.value(),
    }),
  });
  for (const { control } of Object.values(texts)) {
    control.addEventListener("input", () => { example.value = "own"; talk.ask(TYPING_PAUSE); });
    quietKeys(control, () => talk.ask(0));
  }
  receiver.part.control.addEventListener("change", () => receiver.begin(table.querySelector(".sender")?.textContent));
  for (const control of [kind.control, raw, receiver.part.control, receiver.head.control, receiver.place.control]) control.addEventListener("change", () => talk.ask(0));
  example.addEventListener("change", () => {
    if (example.value === "own") return;
    fill({ ...examples[Number(example.value)].state, kind: kind.control.value, raw: raw.checked, receiver: receiver.value() });
    talk.ask(0);
  });
  talk.begin();
  return () => { talk.end(); work.end(); saved.end(); };
}

export default { render };
