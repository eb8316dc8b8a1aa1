"""Which heads does an answer hang on? The few that flip one sentence, and the head that many sentences need.

The smallest group that flips the sentence is found by trying, and every other group of its size is its
control there; whether it matters elsewhere is asked in other sentences. The head that costs most over many
sentences is chosen on one set of them and shown on another: the largest of many numbers is partly luck. A
head that is silenced puts out its mean over sentences with three different names (per template and place;
in the reader's one sentence, over all words, as in the laboratory), so a head that everybody needs only for
its average costs nothing. Zero ablation stands beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from random import Random

import numpy as np

from interp import models
from interp.finding import Finding, told
from interp.methods import ablation
from interp.methods.attribution import head_attribution
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.screens.lab import LabState
from interp.sites import Head
from interp.studies.heads.one_sentence import Change, changed, guesses, leads
from interp.studies.names import ioi

Group = tuple[Head, ...]
N = 40
CHOSEN_ON, SHOWN_ON = 0, 1  # seeds of the two sets of sentences
MOST = 4  # heads of a group
EVERY = 1000  # groups of one size, up to which all are tried; beyond, those of the CANDIDATES
CANDIDATES = 8  # heads, the costliest alone in this sentence
CONTROLS = 20  # random groups
SIZES = {1: ("head", "heads"), 2: ("pair", "pairs"), 3: ("group of three", "groups of three")}
SIZES |= {4: ("group of four", "groups of four")}
LEAST = 0.01  # nats; what pushes or costs less does nothing
FIRST = 5  # of a ranking, to compare two rankings


@dataclass(frozen=True)
class Sample:
    """One set of sentences, every head alone: `removal` and `push` are Result[layer, head, prompt], nats.

    `lead` is Result[prompt], with every head on; `removal` its change without the head, by mean ablation;
    `push` what the head writes towards the right name and away from the wrong one.
    """

    prompts: Prompts
    reference: Prompts
    lead: Result
    removal: Result
    push: Result

    def lost(self, head: Head) -> Result:
        """Change in the lead without this head: Result[prompt], nats."""
        return self.removal.at(layer=head.layer, head=head.head)

    def costliest(self, k: int) -> list[Head]:
        """Up to `k` heads without which the mean lead falls, the costliest first; one if there is none."""
        return _first(self._by_loss(), k)

    def pushers(self, k: int) -> list[Head]:
        """Up to `k` heads that push, mean over the sentences, the strongest first; one if there is none."""
        return _first(self._by_push(), k)

    def ranks(self, head: Head) -> tuple[int, int]:
        """Place of a head by push and by what its loss costs; 1 is the strongest, the costliest."""
        by_push, by_loss = ([own for own, _ in ranked] for ranked in (self._by_push(), self._by_loss()))
        return by_push.index(head) + 1, by_loss.index(head) + 1

    def rival(self, head: Head) -> Head:
        """The costliest of all other heads."""
        return next(own for own, _ in self._by_loss() if own != head)

    def _by_push(self) -> list[tuple[Head, float]]:
        mean = self.push.mean("prompt")
        return [(Head(*labels), push) for labels, push in mean.top(mean.values.size)]

    def _by_loss(self) -> list[tuple[Head, float]]:
        mean = self.removal.mean("prompt")
        cost = replace(mean, values=-mean.values)
        return [(Head(*labels), fall) for labels, fall in cost.top(cost.values.size)]


@dataclass(frozen=True)
class Flip:
    """What was found. `state` is the reader's sentence without the group; `answer` what the model says to it,
    `guesses` the likeliest next tokens, before and after: Result[token, run].

    `alone` is the lead of this sentence without each head, Result[layer, head]; `others` without every other
    group of the same size, or without `CONTROLS` random ones where there are too many: Result[group], whose
    `about` says so ("drawn": "all", "random"). `held` is the lead in the fresh sentences,
    Result[removed, prompt]: "nothing", "the group", and random groups. `zero` is the change without the
    costliest head, by zero ablation. All in nats.
    """

    state: LabState
    answer: Change
    guesses: Result
    alone: Result
    others: Result
    chosen_on: Sample
    fresh: Sample
    held: Result
    zero: Result

    @property
    def head(self) -> Head:
        """The head that costs most in the sentences on which it was chosen."""
        return self.chosen_on.costliest(1)[0]

    @property
    def flips(self) -> bool:
        """Whether the right name led in the reader's sentence, and the wrong one leads without the group."""
        before, after = self.answer.logit_difference
        return before > 0 > after

    def told(self) -> str:
        """What happens in the reader's sentence, with both probabilities, before and after."""
        right, wrong = self.state.answer.strip(), self.state.against.strip()
        if self.answer.logit_difference[0] <= 0:
            return f"The model prefers {wrong} to {right} with every head on: there is nothing to flip"
        pairs = (right, self.answer.answer_probability), (wrong, self.answer.against_probability)
        change = ", ".join(f"{name} {before:.0%} to {after:.0%}" for name, (before, after) in pairs)
        if self.flips:
            return f"Without {_listed(self.state.heads)} the answer flips: {change}"
        return (
            f"No group of up to {MOST} heads flips the answer. Without {_listed(self.state.heads)}: {change}"
        )

    def controls_told(self) -> Finding:
        """How many other groups of the same size flip the reader's sentence, and how often the right name
        leads in the fresh ones."""
        here = self._here_told() if self.answer.logit_difference[0] > 0 else []
        right = replace(self.held, values=(self.held.values > 0).astype(float))
        share, bounds = right.mean("prompt").values, right.interval("prompt").at(removed="the group").values
        return told(
            here,
            f"In {len(self.fresh.prompts)} other sentences the right name leads in {share[0]:.0%}; without"
            f" {_listed(self.state.heads)} in {share[1]:.0%}"
            f" (95 % interval {bounds[0]:.0%} to {bounds[1]:.0%}), without a random other"
            f" {SIZES[len(self.state.heads)][0]} in {share[2:].mean():.0%}.",
        )

    def _here_told(self) -> list[str]:
        size, number = len(self.state.heads), len(self.others.values)
        flipping = [row["group"] for row in self.others.rows() if row["value"] < 0]
        which = f": {', '.join(flipping)}" if size == 1 and 0 < len(flipping) <= FIRST else ""
        drawn = "random" if self.others.about["drawn"] == "random" else "other"
        group = f"Of {number} {drawn} {SIZES[size][1]} silenced, {_flip(len(flipping))} the answer{which}."
        alone = f"Of {self.alone.values.size} heads silenced alone, none flips the answer."
        return [alone, group] if size > 1 else [group.replace("silenced", "silenced alone")]

    def removal_told(self) -> str:
        """What the head's loss costs in the fresh sentences, and its place among all heads."""
        change, lead = float(self.fresh.lost(self.head).mean("prompt")), float(self.fresh.lead.mean("prompt"))
        place, every = self.fresh.ranks(self.head)[1], self.alone.values.size
        return (
            f"Without {self.head} the lead of {lead:.1f} nats {_moves(change)}: rank {place} of {every} heads"
        )

    def interval_told(self) -> str:
        """The intervals of the head and of the strongest control, the same by zero ablation, and the
        sentences."""
        rival = self.fresh.rival(self.head)
        zero = float(self.zero.mean("prompt"))
        return (
            f"{self.head} was chosen in other sentences than these. 95 % interval of {self.head}:"
            f" {_bounds(self.fresh.lost(self.head))}; of {rival}, the strongest other head:"
            f" {_bounds(self.fresh.lost(rival))}. With nothing in its place (zero ablation): {zero:+.2f}"
        )

    def stands_out_told(self) -> Finding:
        """Whether the head's loss costs more than that of the costliest other head, with the interval; and
        what the group of the first sentence costs in these."""
        rival, own = self.fresh.rival(self.head), self.fresh.lost(self.head)
        more = replace(own, values=self.fresh.lost(rival).values - own.values)
        mean, (low, high) = float(more.mean("prompt")), more.interval("prompt").values
        verdict = "stands out" if low > 0 else "does not stand out"
        beside = f"{abs(mean):.2f} nats {'more' if mean > 0 else 'less'}"
        return told(
            f"{self.head} {verdict}: its loss costs {beside} than that of {rival}, the strongest control"
            f" (95 % interval {low:+.2f} to {high:+.2f}).",
            self._elsewhere_told() if self.flips else (),
        )

    def _elsewhere_told(self) -> tuple[str, ...]:
        """What the group that flips the first sentence costs in the fresh ones."""
        group = self.state.heads
        if group == (self.head,):
            return (f"{self.head} is also the head that flips the first sentence.",)
        nothing, without = (self.held.at(removed=one) for one in ("nothing", "the group"))
        lost = replace(without, values=without.values - nothing.values)
        rank, verb = "", "flip"
        if len(group) == 1:
            rank, verb = f" (rank {self.fresh.ranks(*group)[1]} of {self.alone.values.size})", "flips"
        return (
            f"Without {_listed(group)}, which {verb} the first sentence, the lead"
            f" {_moves(float(lost.mean('prompt')), 2)}{rank}; 95 % interval {_bounds(lost)}.",
        )

    def push_told(self) -> Finding:
        """Push beside loss, in the fresh sentences: the strongest pusher; of the strongest pushers the one
        whose loss costs least; of the costliest losses the one that pushes least; and how many first places
        the two rankings share. All heads were chosen on the other sentences."""
        pushers, costliest = self.chosen_on.pushers(FIRST), self.chosen_on.costliest(FIRST)
        least = max(pushers, key=lambda head: self.chosen_on.ranks(head)[1])
        hidden = max(costliest, key=lambda head: self.chosen_on.ranks(head)[0])
        first, second = set(self.fresh.pushers(FIRST)), set(self.fresh.costliest(FIRST))
        agree = "here the two go together" if first == second else "push is not what a loss costs"
        return told(
            [f"{self._both_told(head)}." for head in dict.fromkeys((pushers[0], least, hidden))],
            f"The first {len(first)} by push and the first {len(second)} by loss share {len(first & second)}:"
            f" {agree}.",
        )

    def _both_told(self, head: Head) -> str:
        push, change = (
            float(one.at(layer=head.layer, head=head.head).mean("prompt"))
            for one in (self.fresh.push, self.fresh.removal)
        )
        push = round(push, 2) + 0.0  # no minus before a zero
        by_push, by_loss = self.fresh.ranks(head)
        return (
            f"{head} pushes {push:+.2f} nats (rank {by_push} of {self.alone.values.size}); without it the"
            f" lead {_moves(change, 2)} (rank {by_loss}; 95 % interval {_bounds(self.fresh.lost(head))})"
        )

    @property
    def pusher(self) -> Head:
        """The head that pushes most in the sentences on which heads were chosen."""
        return self.chosen_on.pushers(1)[0]

    def presets(self) -> dict[str, tuple[Head, ...]]:
        """What was found, as named choices for the laboratory."""
        found = {
            "costs most, over many sentences": (self.head,),
            "pushes most, over many sentences": (self.pusher,),
        }
        return {**found, "flips the first sentence": self.state.heads} if self.flips else found


def find(model: Bridge, state: LabState, *, n: int = N, progress: bool = True) -> Flip:
    """The smallest group of heads that flips this sentence, and what many sentences say of it.

    Tried are all heads alone, then all pairs, threes, up to `MOST`; where these are more than `EVERY`, those
    of the `CANDIDATES` heads that cost this sentence most alone. Of the groups that flip it, the one without
    which the wrong name leads most; if none does, the head that costs the sentence most. Heads already in
    `state` do not count. Raises ValueError as `lab.compute` does.
    """
    chosen_on, fresh = (_sample(model, n, seed, progress) for seed in (CHOSEN_ON, SHOWN_ON))
    state = replace(state, how="mean", heads=())
    every = _heads_of(fresh.removal)
    alone = _led(model, state, [(head,) for head in every])
    found = next(_flipping(model, state, alone), alone)
    group = min(found, key=lambda group: found[group])
    apart = _random_groups([head for head in every if head not in group], len(group))
    state = replace(state, heads=group)
    axes = {name: labels for name, labels in fresh.removal.axes.items() if name != "prompt"}
    shape = [len(labels) for labels in axes.values()]
    return Flip(
        state,
        changed(model, state),
        guesses(model, state),
        _told_here(model, np.reshape(list(alone.values()), shape), axes),
        _others(model, state, found, apart, comb(len(every), len(group))),
        chosen_on,
        fresh,
        _held(model, fresh, group, apart),
        _lost(model, fresh, [chosen_on.costliest(1)], "zero").at(set=0),
    )


def _led(model: Bridge, state: LabState, groups: Sequence[Group]) -> dict[Group, float]:
    """The lead of this sentence without each group, in nats."""
    return dict(zip(groups, leads(model, state, groups), strict=True))


def _flipping(
    model: Bridge, state: LabState, alone: Mapping[Group, float]
) -> Iterator[Mapping[Group, float]]:
    """The leads without all groups of a size at which at least one flips the sentence, smallest size first;
    nothing where the wrong name leads from the start."""
    (before,) = leads(model, state, [()])
    costliest = [head for (head,) in sorted(alone, key=lambda group: alone[group])]
    for size in range(1, (MOST if before > 0 else 0) + 1):
        heads = costliest if comb(len(costliest), size) <= EVERY else costliest[:CANDIDATES]
        groups = [tuple(sorted(group)) for group in combinations(heads, size)]
        found = alone if size == 1 else _led(model, state, groups)
        if min(found.values()) < 0:
            yield found


def _others(
    model: Bridge, state: LabState, found: Mapping[Group, float], apart: Sequence[Group], number: int
) -> Result:
    """The lead without every other group, or, where not all `number` were tried, without these apart."""
    whole = len(found) == number
    led = found if whole else _led(model, state, apart)
    led = {_listed(group): lead for group, lead in led.items() if group != state.heads}
    result = _told_here(model, np.array(list(led.values())), {"group": tuple(led)})
    return replace(result, about={**result.about, "drawn": "all" if whole else "random"})


def _sample(model: Bridge, n: int, seed: int, progress: bool) -> Sample:
    prompts = ioi.prompts(model, n, seed=seed)
    reference, metric = ioi.reference(model, prompts, seed=seed), ioi.logit_difference(prompts)
    lead = ioi.behaviour(model, prompts).at(measure="logit_difference")
    removal = ablation.head_ablation(model, prompts, metric, reference=reference, progress=progress)
    about = {**removal.about, "seed": seed}
    removal = replace(removal, quantity="change in the lead without the head", about=about)
    return Sample(prompts, reference, lead, removal, head_attribution(model, prompts))


def _lost(model: Bridge, sample: Sample, sets: Sequence[Sequence[Head]], how: str) -> Result:
    metric = ioi.logit_difference(sample.prompts)
    return ablation.sets_ablation(
        model, sample.prompts, metric, sets, reference=sample.reference, how=how, progress=False
    )


def _random_groups(heads: Sequence[Head], size: int) -> list[Group]:
    """`CONTROLS` different groups, or all there are."""
    chooser, drawn = Random(SHOWN_ON), {}
    wanted = min(CONTROLS, comb(len(heads), size))
    while len(drawn) < wanted:
        drawn[tuple(sorted(chooser.sample(heads, size)))] = True
    return list(drawn)


def _held(model: Bridge, fresh: Sample, group: Group, apart: Sequence[Group]) -> Result:
    lost = _lost(model, fresh, [(), group, *apart], "mean")
    names = ("nothing", "the group", *(f"random: {_listed(one)}" for one in apart))
    axes = {"removed": names, "prompt": lost.axes["prompt"]}
    return Result(fresh.lead.values + lost.values, axes, "lead", "nats", {**lost.about, "seed": SHOWN_ON})


def _told_here(model: Bridge, values: np.ndarray, axes: dict[str, tuple]) -> Result:
    return Result(values, axes, "lead in this sentence", "nats", {**models.about(model), "baseline": "mean"})


def _first(ranked: Sequence[tuple[Head, float]], k: int) -> list[Head]:
    """Up to `k` of these that reach `LEAST`, and one in any case."""
    return [head for place, (head, value) in enumerate(ranked[:k]) if place == 0 or value >= LEAST]


def _heads_of(result: Result) -> list[Head]:
    return [Head(layer, head) for layer in result.axes["layer"] for head in result.axes["head"]]


def _listed(heads: Sequence[Head]) -> str:
    *most, last = map(str, heads)
    return f"{', '.join(most)} and {last}" if most else last


def _flip(number: int) -> str:
    return f"{number or 'none'} {'flip' if number > 1 else 'flips'}"


def _moves(change: float, places: int = 1) -> str:
    return f"{'rises' if change > 0 else 'falls'} by {abs(change):.{places}f}"


def _bounds(lost: Result) -> str:
    low, high = lost.interval("prompt").values
    return f"{low:+.2f} to {high:+.2f}"
