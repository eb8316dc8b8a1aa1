"""What the Training Bench shows: runs of `trainings`, stored or under way, look by look.

Pure but for the training it hands on; the widget draws it.
"""

from functools import cache
from typing import Any

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.refusals import Refused
from interp.screens.training import RunsBench, TrainingAnswer, TrainingState
from interp.studies.learning import belief, scale
from interp.studies.learning import taps as learning
from interp.trainings import belief as belief_training
from interp.trainings import stored, taps
from interp.trainings.live import Live

LIVE = "live"
TAPS = {
    "taps-0": message("stored, seed 0"), "taps-1": message("stored, seed 1"),
    "taps-2": message("stored, seed 2"), "taps-adamw-0": message("stored, AdamW alone, seed 0"),
    "taps-adamw-1": message("stored, AdamW alone, seed 1"),
    "taps-adamw-2": message("stored, AdamW alone, seed 2"),
    "taps-one-block-0": message("stored, one block only, seed 0"),
    "taps-one-block-1": message("stored, one block only, seed 1"),
    "taps-one-block-2": message("stored, one block only, seed 2"),
    "taps-shuffled": message("stored, words shuffled"),
}  # fmt: skip
ASKED = {"exam": "X left (the exam)", "the mover is asked": "the mover is asked"}


def of_taps(training: Live) -> RunsBench:
    """The live training of notebook 07 and its stored runs. It opens on the live one if that has begun."""
    runs = {LIVE: message("trained here"), **TAPS}
    first = TrainingState(LIVE if training.looks else "taps-0")

    def compute(state: TrainingState) -> TrainingAnswer:
        label = _label(runs, state.run)
        if state.run != LIVE:
            return _of_taps(stored.noted(state.run)["looks"], taps.RECIPE.steps, label, state.place)
        if not training.looks:
            raise Refused(
                say("Nothing has been trained here yet: press Start, or choose a stored run."), "run"
            )
        far = training.progress
        return _of_taps(
            training.looks, far.steps, say("{run}, seed {seed}", run=label, seed=far.seed), state.place
        )

    return RunsBench("taps", tuple(runs.items()), message("step"), first, compute, training=training)


def of_family() -> RunsBench:
    """The stored family of notebook 08: the excess of each size; every amount of text is a run of its own."""
    seeds = {f"seed {seed}": say("seed {number}", number=seed) for seed in (0, 1, 2)}
    runs = {"mean": message("mean of three seeds"), **seeds}

    def compute(state: TrainingState) -> TrainingAnswer:
        label, whole = _label(runs, state.run), scale.runs()
        one = whole.mean("seed") if state.run == "mean" else whole.at(seed=int(state.run[-1]))
        sizes = tuple(say("{number:,} weights", number=weights) for weights in one.axes["weights"])
        curves = Result(
            one.values, {"curve": sizes, "place": one.axes["tokens"]}, one.quantity, one.unit, one.about
        )
        places = one.axes["tokens"]
        note = say("Every point is a training of its own, from its first step to its last.")
        return TrainingAnswer(label, curves, None, _place(places, state.place), places[-1], notes=(note,))

    return RunsBench(
        "family", tuple(runs.items()), message("words read"), TrainingState("mean"), compute, doublings=True
    )


def of_belief() -> RunsBench:
    """The stored runs of notebook 09, their exams on the way, and all runs beside one another at the end."""
    runs = {run: run for run in belief.RUNS}

    def compute(state: TrainingState) -> TrainingAnswer:
        label = _label(runs, state.run)
        looks, followed = _noted(state.run)["looks"], belief_training.FOLLOWED[:-1]
        places = tuple(look["step"] for look in looks)
        at = _place(places, state.place)
        values = np.array([[look[exam] for look in looks] for exam in followed])
        curves = Result(
            values,
            {"curve": followed, "place": places},
            message("right answers"),
            message("share"),
            belief.about(),
        )
        samples = _answers(state.run) if at == len(places) - 1 else ()
        return TrainingAnswer(
            label, curves, None, at, places[-1], samples, _side_by_side(), _stages(state.run)
        )

    first = TrainingState("who 1")
    return RunsBench(
        "belief", tuple(runs.items()), message("step"), first, compute, guide=(message("guessing"), 0.5)
    )


def _of_taps(looks: list[dict[str, Any]], end: int, label: str, place: int | None) -> TrainingAnswer:
    places = tuple(look["step"] for look in looks)
    at = _place(places, place)
    found = learning.curve({"looks": looks}, label)
    axes = {"curve": found.axes["skill"], "place": places}
    curves = Result(found.values.T, axes, found.quantity, found.unit, found.about)
    loss = Result(np.array([look["loss"] for look in looks]), {"place": places},
                  message("surprise on held-out text"), message("nats per word"), found.about)  # fmt: skip
    return TrainingAnswer(label, curves, loss, at, end, tuple(looks[at]["samples"]))


def _side_by_side() -> Result:
    """Every story and every run at its end: Result[story, run]."""
    found = belief.scores()
    axes = {"story": found.axes["story"], "run": found.axes["run"]}
    return Result(found.values.T, axes, found.quantity, found.unit, found.about)


@cache
def _answers(run: str) -> tuple[str, ...]:
    """Two questions and what the run answers; nothing where its weights were not kept."""
    kind, seed = run.rsplit(" ", 1)
    if (kind, int(seed)) not in belief_training.SHIPPED:
        return ()
    network, told = belief_training.load(kind, int(seed)), []
    for exam in ASKED.values():
        asked = belief_training.questions(exam)[:1]
        ((text, good, bad),) = asked
        right = bool(belief_training.right(network, asked)[0])
        verdict = say("right") if right else say("wrong: {answer}", answer=good)
        told.append(f"{text.strip()} … {good if right else bad} ({verdict})")
    return tuple(told)


def _stages(run: str) -> tuple[str, ...]:
    noted = _noted(run)
    steps = [f"{step}" for step, _ in noted.get("opened", [])]
    return (say("New lessons opened at steps {steps}.", steps=", ".join(steps)),) if steps else ()


def _noted(run: str) -> dict[str, Any]:
    return stored.noted(f"belief-{run.replace(' ', '-')}")


def _label(runs: dict[str, str], key: str) -> str:
    if key not in runs:
        raise Refused(
            say("There is no run {run!r} here: choose one of {known}.", run=key, known=", ".join(runs)), "run"
        )
    return say(runs[key])


def _place(places: tuple[int, ...], place: int | None) -> int:
    """The index of the place that was asked for, or of the last."""
    if place is None:
        return len(places) - 1
    if place not in places:
        raise Refused(
            say(
                "Nobody looked at {place:,}: choose one of {known}.",
                place=place,
                known=", ".join(map("{:,}".format, places)),
            ),
            "place",
        )
    return places.index(place)
