// A threshold to move: does the number reach it, and would it in other samples? The verdict asks for more (a control).

function thresholdSentence(threshold, number, low, high) {
  const at = `A threshold of ${fixed(threshold, 2)}: the number`, reached = number >= threshold;
  if (low === null) return `${at} ${reached ? "reaches" : "misses"} it. It is a count, without an interval.`;
  if (low >= threshold || high < threshold) return `${at} ${reached ? "reaches" : "misses"} it, wherever in its interval it lies.`;
  return reached ? `${at} reaches it, but its interval begins below: another sample might have missed it.` : `${at} misses it, but its interval ends above: another sample might have reached it.`;
}

function thresholdSlider(place) {
  const [number, low, high] = ["number", "low", "high"].map((name) => (place.dataset[name] === undefined ? null : Number(place.dataset[name])));
  const id = freshId("threshold"), told = visually(make("p", { className: "note" }));
  const slider = make("input", { type: "range", id, min: Math.min(0, low ?? number), max: Math.max(1, 1.2 * (high ?? number)), step: "0.01" });
  slider.value = String(Math.floor(100 * number) / 100);
  const tell = () => { told.textContent = thresholdSentence(Number(slider.value), number, low, high); };
  slider.addEventListener("input", tell);
  place.replaceChildren(make("label", { htmlFor: id }, "Move the threshold"), slider, told);
  tell();
}

document.querySelectorAll(".threshold[data-number]").forEach(thresholdSlider);
