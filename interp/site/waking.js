// Every figure marked as living comes alive when it is about to be seen. Whatever fails is told in one sentence, and
// the still picture stays.

function provenance({ name, weights_sha256, parameters, words }) {
  const read = words ? ` It has read ${words} different words; any other is marked, and means nothing to it.` : "";
  return make("p", { className: "where" }, "The model ", make("strong", {}, name), ` (${(parameters / 1e6).toFixed(1)} million weights, ${weights_sha256.slice(0, 8)}, in half precision) runs in this page, in your browser. What you type never leaves it: the page is not allowed to send anything.${read}`);
}

async function wake(place) {
  const packs = JSON.parse(place.dataset.packs), view = place.dataset.view, still = [...place.children];
  const told = make("p", { className: "waking", role: "status" }, "Waking the model …");
  place.append(told);
  const stage = make("div"), id = freshId("model");
  const chooser = choiceField(id, "Model", packs.map(({ name }) => [name, name]));

  async function put(pack) {
    place.setAttribute("aria-busy", "true");
    try {
      const model = await modelOf(pack);
      stage.replaceChildren(living(view, model, {}), provenance(model.about));
      for (const part of still) part.hidden = true;
      told.remove();
      place.dataset.alive = pack.name;
    } catch (error) {
      awake.delete(pack.name);
      told.textContent = error.message;
      told.className = "asleep";
      place.append(told);
    }
    place.removeAttribute("aria-busy");
  }

  chooser.control.addEventListener("change", () => put(packs.find(({ name }) => name === chooser.control.value)));
  if (packs.length > 1) place.append(make("div", { className: "interp-widget choose" }, chooser.box));
  place.append(stage);
  await put(packs[0]);
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) { seen.unobserve(target); wake(target); }
}, { rootMargin: "300px" });
document.querySelectorAll(".living[data-packs]").forEach((place) => seen.observe(place));
