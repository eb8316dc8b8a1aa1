// The Training Bench's controls, on top of conversation.js.

const NEXT = () => ({ nothing: ["start", say("Start")], training: ["pause", say("Pause")], paused: ["resume", say("Resume")], stopped: ["start", say("Start")], finished: ["start", say("Start again")] });

function far({ step, steps, loss }) {
  return { step: step.toLocaleString("en-US"), steps: steps.toLocaleString("en-US"), loss: loss?.toFixed(2) };
}

function render({ model, el }) {
  speak(model);
  const id = freshId("training");
  const along = model.get("along"), live = model.get("can_train");
  let places = [], wish = null, said = "";
  let following = false; // the live run's newest look is on show, and so is the next one

  const run = choiceField(`${id}-run`, say("Run"), model.get("runs"));
  const slider = make("input", { type: "range", min: 0, max: 0, step: 1 });
  const place = field(`${id}-place`, say("Look at {place}", { place: along }), slider);
  const told = make("output", { htmlFor: slider.id });
  place.box.insertBefore(told, place.said);
  const seed = textField(`${id}-seed`, say("Seed"), 4);
  const seconds = textField(`${id}-seconds`, say("Seconds at most"), 4);
  const go = make("button", { type: "button", className: "plain go" }, say("Start"));
  const stop = make("button", { type: "button", className: "plain" }, say("Stop"));
  const bar = make("progress", { max: 1, value: 0, "aria-label": say("Steps done") });
  const done = make("span", { className: "done" });
  const news = visually(make("p", { className: "news" }));
  const status = visually(make("p", { className: "status" }));
  const busy = make("p", { className: "busy", "aria-hidden": "true" });
  const [picture, samples, table] = ["picture", "written", "table"].map((name) => make("div", { className: `result ${name}` }));
  const saved = saveAndLoad(model, id, () => talk);
  seed.control.value = "3";
  seconds.control.value = "60";

  const train = make("section", { className: "train", "aria-label": say("Train now"), hidden: !live },
    make("div", { className: "row" }, seed.box, seconds.box, make("div", { className: "buttons" }, go, stop), bar, done), news);
  const root = make("div", { className: "interp-widget interp-training" }, train,
    make("div", { className: "chosen" }, run.box, place.box),
    make("section", { className: "outcome", "aria-label": say("The run") }, busy, make("div", { className: "look" }, picture, samples), table),
    make("section", { className: "tools", "aria-label": say("More") }, unfolding(say("Save and load"), saved.box)), status);
  el.append(root);

  function tellPlace() {
    const shown = (places[Number(slider.value)] ?? 0).toLocaleString("en-US");
    told.textContent = shown;
    slider.setAttribute("aria-valuetext", `${along} ${shown}`);
  }

  function fill(state) {
    run.control.value = state.run;
    following = state.run === "live" && state.place === null;
  }

  function present(reply) {
    placeErrors(reply, { run, place, seed, seconds, load: saved.field });
    for (const part of [picture, samples, table]) part.classList.toggle("stale", Boolean(reply.error));
    places = reply.places;
    slider.max = places.length - 1;
    slider.value = reply.at;
    slider.disabled = places.length < 2;
    run.control.value = following ? "live" : reply.state.run;
    tellPlace();
    setHtml(picture, reply.picture);
    setHtml(samples, reply.samples);
    setHtml(table, reply.table);
    saved.show(reply);
  }

  const talk = conversation({
    model, id, root, busy, status, show: present, fill,
    compose() {
      const last = Number(slider.value) >= places.length - 1;
      const question = { run: following ? "live" : run.control.value, place: following || last ? null : places[Number(slider.value)] };
      if (wish) Object.assign(question, { do: wish, seed: seed.control.value, seconds: seconds.control.value });
      wish = null;
      return question;
    },
  });

  function press(what) {
    wish = what;
    following = true;
    talk.ask(0);
  }

  // News of the training: the bar at once, a sentence when something ends.
  function hear() {
    const now = model.get("progress");
    go.textContent = NEXT()[now.status][1];
    stop.disabled = !["training", "paused"].includes(now.status);
    seed.control.disabled = ["training", "paused"].includes(now.status);
    if (stop.disabled && document.activeElement === stop) go.focus();
    bar.max = now.steps;
    bar.value = now.step;
    done.textContent = now.status === "nothing" ? "" : now.loss === null ? say("step {step} of {steps}", far(now)) : say("step {step} of {steps}, loss {loss}", far(now));
    root.dataset.training = now.status;
    if (now.text !== said) news.textContent = said = now.text;
    if (!now.looks) following = following && now.status === "training";
  }

  // A new look at the live run comes by itself; it is no reply, so nothing is asked while a page is opening.
  function follow() {
    const newest = model.get("newest");
    if (following && newest.places) present({ ...newest, error: null });
  }

  run.control.addEventListener("change", () => {
    following = false;
    slider.value = slider.max; // another run is seen at its end
    if (run.control.value === "live") following = true;
    talk.ask(CLICK_PAUSE);
  });
  quietKeys(slider);
  slider.addEventListener("input", () => {
    following = run.control.value === "live" && Number(slider.value) === places.length - 1;
    tellPlace();
    talk.ask(CLICK_PAUSE);
  });
  for (const one of [seed, seconds]) quietKeys(one.control, () => go.click());
  go.addEventListener("click", () => press(NEXT()[model.get("progress").status][0]));
  stop.addEventListener("click", () => press("stop"));
  talk.begin();
  if (live) {
    model.on("change:progress", hear);
    model.on("change:newest", follow);
    const { status: now, seed: mine, followed } = model.get("progress");
    if (now !== "nothing") seed.control.value = mine;
    following = followed;
    hear();
    follow();
  }
  return () => { model.off("change:progress", hear); model.off("change:newest", follow); talk.end(); saved.end(); };
}

export default { render };
