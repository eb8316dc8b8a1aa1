"""Tasks for the reader of the laboratory, checked by measuring this model on this sentence. No answer is
written down anywhere.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from interp import models
from interp.languages import message, say
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

COST = message("Right: they cost alone {one:.2f} and {two:.2f} nats, together {both:.2f}.")
COST_NOT_YET = message("Not yet: they cost alone {one:.2f} and {two:.2f} nats, together {both:.2f}.")
SPARED = message("Right: {share:.0f} % of the heads are off, and the lead changes by {change:.0f} %.")
SPARED_NOT_YET = message(
    "Not yet: {share:.0f} % of the heads are off, and the lead changes by {change:.0f} %."
)
NUMBERS = {"gain": LEAST_GAIN, "spare": 100 * SPARE_SHARE, "change": 100 * SPARE_CHANGE}
EXERCISES = (  # name, task, hint
    (
        message("The one that matters most"),
        message("Switch off exactly one head: the one without which the lead of ● falls most."),
        message(
            "The number in a cell is only what the head writes itself. A head that informs others may write "
            "nothing."
        ),
    ),
    (
        message("More than the sum"),
        message(
            "Switch off exactly two heads that together cost more than the sum of what each costs alone."
        ),
        message(
            "Look for two heads that can do the same job: while one is there, the other is hardly missed."
        ),
    ),
    (
        message("In the way"),
        message("Switch off exactly one head so that the lead grows by at least {gain} nats."),
        message("Start with the blue cells, and do not trust them: measure."),
    ),
    (
        message("Not needed here"),
        message(
            "Switch off at least {spare:.0f} % of all heads so that the lead changes by at most "
            "{change:.0f} %."
        ),
        message(
            "Switch off pale cells one by one, and undo what costs too much. Losses and gains may cancel."
        ),
    ),
)


def exercises() -> tuple[Exercise, ...]:
    """The tasks, in the order of their checks."""
    return tuple(Exercise(*(say(text, **NUMBERS) for text in texts)) for texts in EXERCISES)


def check(model: Bridge, exercise: int, state: LabState, **kept: Any) -> Iterator[Step]:
    """Whether the state's heads solve this exercise on the state's sentence: steps of (share done, Verdict
    or None).

    Everything is measured with the state's way of switching off. Raises ValueError for an unknown exercise,
    and as `compute` does. `kept` as in `leads`.
    """
    if not 0 <= exercise < len(EXERCISES):
        raise ValueError(
            say(
                "There is no exercise {number}: choose from 0 to {last}.",
                number=exercise,
                last=len(EXERCISES) - 1,
            )
        )
    heads = tuple(sorted(set(state.heads)))
    state = replace(state, heads=heads)
    wanted = {0: 1, 1: 2, 2: 1}.get(exercise)
    if wanted is not None and len(heads) != wanted:
        now = _off_now(len(heads))
        text = (
            say("Not yet: exactly one head must be off, and {now}.", now=now)
            if wanted == 1
            else say("Not yet: exactly two heads must be off, and {now}.", now=now)
        )
        yield 1.0, Verdict(False, text)
        return
    (whole,) = leads(model, state, [()], **kept)
    if whole < LEAST_LEAD:
        yield (
            1.0,
            Verdict(
                False,
                say(
                    "In this sentence ● leads by {lead:.2f} nats, so there is nothing to lose: take another.",
                    lead=whole,
                ),
            ),
        )
        return
    checks = (_most, _surplus, _gain, _spare)
    yield from checks[exercise](model, state, whole, kept)


def _off_now(number: int) -> str:
    if number > 1:
        return say("{number} are off", number=number)
    return say("1 is off") if number else say("none are off")


def _most(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    heads = models.every_head(model)
    losses: dict[Head, float] = {}
    for head, lead in zip(heads, leads(model, state, [[h] for h in heads], **kept), strict=True):
        losses[head] = whole - lead
        yield min(len(losses) / len(heads), 0.99), None
    (own,) = state.heads
    most = max(losses.values())
    if most < LEAST_LOSS:
        yield (
            1.0,
            Verdict(False, say("In this sentence no head alone costs anything: take another sentence.")),
        )
    elif losses[own] == most:
        others = max(loss for head, loss in losses.items() if head != own)
        text = say(
            "Right: without {head} the lead falls by {most:.2f} nats; the next most costs {others:.2f}.",
            head=own,
            most=most,
            others=others,
        )
        yield 1.0, Verdict(True, text)
    else:
        better = sum(loss > losses[own] for loss in losses.values())
        start = say("Not yet: without {head} the lead {moves}.", head=own, moves=_moves(-losses[own]))
        more = say("{better} of {number} heads cost more.", better=better, number=len(heads))
        text = f"{start} {more}"
        yield 1.0, Verdict(False, text)


def _surplus(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    first, second = state.heads
    sets = [[first], [second], [first, second]]
    one, two, both = (whole - lead for lead in leads(model, state, sets, **kept))
    told = {"one": one, "two": two, "both": both}
    right = both - (one + two) >= LEAST_SURPLUS and both >= LEAST_LOSS
    yield 1.0, Verdict(right, say(COST if right else COST_NOT_YET, **told))


def _gain(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    (own,) = state.heads
    (lead,) = leads(model, state, [[own]], **kept)
    if lead - whole >= LEAST_GAIN:
        yield (
            1.0,
            Verdict(
                True, say("Right: without {head} the lead {moves}.", head=own, moves=_moves(lead - whole))
            ),
        )
        return
    heads, found = models.every_head(model), 0
    sweep = leads(model, state, [[head] for head in heads], **kept)
    for done, other in enumerate(sweep, start=1):
        found += other - whole >= LEAST_GAIN
        yield min(done / len(heads), 0.99), None
    there = (
        say("{found} of {number} heads would do.", found=found, number=len(heads))
        if found
        else say("No head does it here: take another sentence.")
    )
    start = say("Not yet: without {head} the lead {moves}.", head=own, moves=_moves(lead - whole))
    yield 1.0, Verdict(False, f"{start} {there}")


def _spare(model: Bridge, state: LabState, whole: float, kept) -> Iterator[Step]:
    number = len(models.every_head(model))
    (lead,) = leads(model, state, [state.heads], **kept)
    share, change = len(state.heads) / number, abs(lead - whole) / whole
    right = share >= SPARE_SHARE and change <= SPARE_CHANGE
    told = {"share": 100 * share, "change": 100 * change}
    yield 1.0, Verdict(right, say(SPARED if right else SPARED_NOT_YET, **told))


def _moves(change: float) -> str:
    size = abs(change)
    return (
        say("grows by {size:.2f} nats", size=size)
        if change > 0
        else say("falls by {size:.2f} nats", size=size)
    )
