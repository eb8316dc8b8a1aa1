"""Tasks for the reader of the laboratory, checked by measuring this model on this sentence. No answer is
written down anywhere.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from interp import models
from interp.models import Bridge
from interp.screens.lab import Exercise, LabState, Verdict
from interp.sites import Head
from interp.studies.heads.one_sentence import leads

LEAST_LEAD = 0.2  # nats; with less there is nothing to lose
LEAST_LOSS = 0.05  # nats; less is no loss
LEAST_SURPLUS = 0.05  # nats by which a pair must cost more than its heads alone
LEAST_GAIN = 0.1  # nats by which the lead must grow
SPARE_SHARE = 0.25  # of all heads
SPARE_CHANGE = 0.10  # of the lead


Step = tuple[float, Verdict | None]  # the share that is done, and the verdict when it is

EXERCISES = (
    Exercise(
        "The one that matters most",
        "Switch off exactly one head: the one without which the lead of ● falls most.",
        "The number in a cell is only what the head writes itself. A head that informs others may write "
        "nothing.",
    ),
    Exercise(
        "More than the sum",
        "Switch off exactly two heads that together cost more than the sum of what each costs alone.",
        "Look for two heads that can do the same job: while one is there, the other is hardly missed.",
    ),
    Exercise(
        "In the way",
        f"Switch off exactly one head so that the lead grows by at least {LEAST_GAIN} nats.",
        "Start with the blue cells, and do not trust them: measure.",
    ),
    Exercise(
        "Not needed here",
        f"Switch off at least {100 * SPARE_SHARE:.0f} % of all heads so that the lead changes by at most "
        f"{100 * SPARE_CHANGE:.0f} %.",
        "Switch off pale cells one by one, and undo what costs too much. Losses and gains may cancel.",
    ),
)


def check(model: Bridge, exercise: int, state: LabState, **kept: Any) -> Iterator[Step]:
    """Whether the state's heads solve this exercise on the state's sentence: steps of (share done, Verdict
    or None).

    Everything is measured with the state's way of switching off. Raises ValueError for an unknown exercise,
    and as `compute` does. `kept` as in `leads`.
    """
    if not 0 <= exercise < len(EXERCISES):
        raise ValueError(f"There is no exercise {exercise}: choose from 0 to {len(EXERCISES) - 1}.")
    heads = tuple(sorted(set(state.heads)))
    state = replace(state, heads=heads)
    wanted = {0: 1, 1: 2, 2: 1}.get(exercise)
    if wanted is not None and len(heads) != wanted:
        number = "one head" if wanted == 1 else "two heads"
        yield 1.0, Verdict(False, f"Not yet: exactly {number} must be off, and {_count(heads)} off.")
        return
    (whole,) = leads(model, state, [()], **kept)
    if whole < LEAST_LEAD:
        yield (
            1.0,
            Verdict(
                False,
                f"In this sentence ● leads by {whole:.2f} nats, so there is nothing to lose: take another.",
            ),
        )
        return
    checks = (_most, _surplus, _gain, _spare)
    yield from checks[exercise](model, state, whole, kept)


def _most(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    heads = models.every_head(model)
    losses: dict[Head, float] = {}
    for head, lead in zip(heads, leads(model, state, [[h] for h in heads], **kept), strict=True):
        losses[head] = whole - lead
        yield min(len(losses) / len(heads), 0.99), None
    (own,) = state.heads
    most = max(losses.values())
    if most < LEAST_LOSS:
        yield 1.0, Verdict(False, "In this sentence no head alone costs anything: take another sentence.")
    elif losses[own] == most:
        others = max(loss for head, loss in losses.items() if head != own)
        text = f"Right: without {own} the lead falls by {most:.2f} nats; the next most costs {others:.2f}."
        yield 1.0, Verdict(True, text)
    else:
        better = sum(loss > losses[own] for loss in losses.values())
        start = f"Not yet: without {own} the lead {_moves(-losses[own])}."
        text = f"{start} {better} of {len(heads)} heads cost more."
        yield 1.0, Verdict(False, text)


def _surplus(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    first, second = state.heads
    sets = [[first], [second], [first, second]]
    one, two, both = (whole - lead for lead in leads(model, state, sets, **kept))
    numbers = f"alone {one:.2f} and {two:.2f} nats, together {both:.2f}"
    right = both - (one + two) >= LEAST_SURPLUS and both >= LEAST_LOSS
    yield 1.0, Verdict(right, f"Right: they cost {numbers}." if right else f"Not yet: they cost {numbers}.")


def _gain(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    (own,) = state.heads
    (lead,) = leads(model, state, [[own]], **kept)
    if lead - whole >= LEAST_GAIN:
        yield 1.0, Verdict(True, f"Right: without {own} the lead {_moves(lead - whole)}.")
        return
    heads, found = models.every_head(model), 0
    sweep = leads(model, state, [[head] for head in heads], **kept)
    for done, other in enumerate(sweep, start=1):
        found += other - whole >= LEAST_GAIN
        yield min(done / len(heads), 0.99), None
    there = (
        f"{found} of {len(heads)} heads would do."
        if found
        else "No head does it here: take another sentence."
    )
    yield 1.0, Verdict(False, f"Not yet: without {own} the lead {_moves(lead - whole)}. {there}")


def _spare(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    number = len(models.every_head(model))
    (lead,) = leads(model, state, [state.heads], **kept)
    share, change = len(state.heads) / number, abs(lead - whole) / whole
    right = share >= SPARE_SHARE and change <= SPARE_CHANGE
    text = f"{100 * share:.0f} % of the heads are off, and the lead changes by {100 * change:.0f} %."
    yield 1.0, Verdict(right, f"{'Right' if right else 'Not yet'}: {text}")


def _count(heads) -> str:
    return "1 is" if len(heads) == 1 else f"{len(heads) or 'none'} are"


def _moves(change: float) -> str:
    return f"{'grows' if change > 0 else 'falls'} by {abs(change):.2f} nats"
