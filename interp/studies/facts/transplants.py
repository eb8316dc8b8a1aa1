"""Is the step a vector? Taken from one question and put into sentences that ask nothing (C14).

As in Merullo, Eickhoff and Pavlick 2023 (arXiv:2305.16130v1), section 4: the update that one feed-forward
layer wrote at the last word of a question is put, at every position, in the place of the whole feed-forward
output of the last layers, in a list of words that would go on with an argument. If the vector *is* the step,
the list now goes on with that argument's answer. Every argument gets the vector of another one, its source.

Judged is a forced choice among all answers of the relation: a vector that says "Warsaw", or one that lifts
every capital alike, has not turned China into Beijing. So the right answer must be chosen more often than the
source's own, and more often than with nothing in those layers, with no change at all, with another relation's
vectors, and with every one of `RANDOM` random vectors of the same length. The mean of all other arguments'
vectors is shown, as "the function": what they have in common, without what belongs to one argument. The rank
of the answer, on which the source reports, is shown beside it; random vectors and nothing at all improve it,
too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.claims import SENTENCES, Again, Claim, decide
from interp.languages import message
from interp.methods import lens, updates
from interp.methods.readout import logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.studies.facts import facts
from interp.words.relations import RELATIONS

# The test of C14, fixed before looking at any model
LEAST_BY_LAYER = 0.5  # share of the answered questions whose answer a feed-forward layer puts first
LEAST_CHOSEN = 0.5  # share of the lists in which the right answer must be chosen among all answers
RANDOM = 20  # random vectors per list; none of them may do as well
OTHER = {"capital": "past tense", "upper case": "past tense", "past tense": "capital"}  # the wrong relation
LAYERS_BEFORE = 1  # the vector also replaces the layer before its own, as published: 18 to 23 for 19
DISTANCE = 7  # an argument gets the vector of the one so many places further on in the list

OTHER_ANSWER = 11  # the answer of the control: that of the argument so many places before

VECTORS = ("untouched", "its relation's vector", "random vector", "another relation's vector")
WORDS = ("its answer", "another answer")
CHOICES = (
    "untouched",
    "its relation's vector",
    "mean vector (the function)",
    "nothing",
    "another relation's vector",
)
CHOSEN = ("its answer", "the source's answer")
AT_ONCE = 8  # vectors put in by one run
RANDOMS = tuple(f"random vector {number + 1}" for number in range(RANDOM))
C14_TEXT = message(
    "One feed-forward layer turns the country into its capital by adding a vector; the same vector works for "
    "another country. Others turn lower case to upper and present to past."
)


@dataclass(frozen=True)
class Moved:
    """What a transplant did for one relation: `ranks` is Result[vector, word, layer, prompt], see `VECTORS`.

    Words: the answer that belongs to the list's argument, and another argument's answer. `chosen` is the
    forced choice, Result[vector, answer, prompt] with `CHOICES` and `RANDOMS`, and `CHOSEN`: 1 where this
    answer is the likeliest of all answers. `source` is the layer the vectors came from, `replaced` the
    layers they were put into.
    """

    name: str
    arguments: tuple[str, ...]
    source: int
    replaced: tuple[int, ...]
    ranks: Result
    chosen: Result


def step_layer(model: Bridge, name: str) -> int:
    """The feed-forward layer that adds most to the answer's probability, on average over all questions."""
    traced = lens.trace(model, facts.prompts(model, name))
    return _adds_most(traced)


def _adds_most(traced: Result) -> int:
    (layer,), _ = updates.written(traced).mean("prompt").top(1)[0]
    return int(layer)


def _replaced(model: Bridge, layer: int) -> tuple[int, ...]:
    return tuple(range(max(0, layer - LAYERS_BEFORE), sizes(model).n_layers))


def _in_turn(vectors: Float[Tensor, "argument d_model"], count: int) -> Float[Tensor, "prompt d_model"]:
    """One vector for each of so many prompts, over and over."""
    return vectors[torch.arange(count, device=vectors.device) % len(vectors)]


def vectors(
    model: Bridge, name: str, layer: int, *, example: int | None = None
) -> Float[Tensor, "argument d_model"]:
    """The update of this layer at the last word of every question with one example."""
    return updates.captured(model, facts.prompts(model, name, example=example), [layer])[0]


def move(model: Bridge, name: str = "capital", *, seed: int = 0) -> Moved:
    """The answer's rank in every list, and the answer chosen among all, untouched and with vectors put in.

    Raises ValueError for an unknown relation.
    """
    into, layer = _with_another_answer(facts.lists(model, name)), step_layer(model, name)
    replaced = _replaced(model, layer)
    own = vectors(model, name, layer).roll(-DISTANCE, dims=0)
    wrong = _in_turn(vectors(model, OTHER[name], step_layer(model, OTHER[name])), len(into))
    put = (updates.transplant(model, one, replaced) for one in (own, _random_like(own, seed), wrong))
    ranks = [_ranks(model, into, *edits) for edits in ((), *put)]
    about = {**models.about(model), "bos": False, "seed": seed, "n": len(into)}
    axes = {
        "vector": VECTORS, "word": WORDS, "layer": tuple(range(sizes(model).n_layers)),
        "prompt": tuple(range(len(into))),
    }  # fmt: skip
    result = Result(np.stack(ranks), axes, "rank of the answer", "rank", about)
    chosen = _chosen(model, into, _candidates(own, wrong, seed), replaced, about)
    return Moved(name, facts.arguments(model, name), layer, replaced, result, chosen)


def _candidates(own: Tensor, wrong: Tensor, seed: int) -> dict[str, Tensor]:
    """What is put into the lists, but for "untouched"; `own` stands at the list that gets it."""
    mean = (own.sum(dim=0) - own.roll(DISTANCE, dims=0)) / (len(own) - 1)  # of all arguments but the list's
    named = {CHOICES[1]: own, CHOICES[2]: mean, CHOICES[3]: torch.zeros_like(own), CHOICES[4]: wrong}
    return named | {label: _random_like(own, seed + number) for number, label in enumerate(RANDOMS)}


def _chosen(
    model: Bridge, into: Prompts, put: Mapping[str, Tensor], replaced: Sequence[int], about: Mapping
) -> Result:
    """Which of all answers the model likes best, untouched and with these vectors put in."""
    right = into.answers[WORDS[0]]
    every, vectors_ = right.unique(), list(put.values())
    logits = [logits_at_end(model, into).cpu()[:, every]]
    for start in range(0, len(vectors_), AT_ONCE):  # a few vectors in one run: each is small
        some = vectors_[start : start + AT_ONCE]
        lists = into.take(list(range(len(into))) * len(some))
        edits = updates.transplant(model, torch.cat(some), replaced)
        logits += logits_at_end(model, lists, *edits).cpu()[:, every].split(len(into))
    best = [every[one.argmax(dim=1)] for one in logits]
    rows = [torch.stack([one == right, one == right.roll(-DISTANCE)]) for one in best]
    axes = {"vector": (CHOICES[0], *put), "answer": CHOSEN, "prompt": tuple(range(len(into)))}
    values = torch.stack(rows).double().numpy()
    return Result(values, axes, f"chosen among {len(every)} answers", "share", dict(about))


def _with_another_answer(into: Prompts) -> Prompts:
    answer = into.answers["answer"]
    return replace(into, answers={WORDS[0]: answer, WORDS[1]: answer.roll(OTHER_ANSWER)})


def _ranks(model: Bridge, into: Prompts, *edits: hooks.Edit) -> Float[np.ndarray, "word layer prompt"]:
    traced = lens.trace(model, into, *edits, parts=("post",)).at(measure="rank", part="post")
    return np.moveaxis(traced.values, 1, 0)


def _random_like(vectors: Float[Tensor, "prompt d_model"], seed: int) -> Float[Tensor, "prompt d_model"]:
    """Random directions, each as long as the vector it stands for."""
    drawn = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(seed)).to(vectors)
    return drawn * (vectors.norm(dim=-1, keepdim=True) / drawn.norm(dim=-1, keepdim=True))


def better(moved: Moved) -> Result:
    """1 where an answer ranks better at the end than untouched, else 0: Result[case, prompt].

    Cases: the right answer with its relation's vector, and the three controls.
    """
    last = moved.ranks.at(layer=moved.ranks.axes["layer"][-1])
    up = last.values[1:] < last.values[0]  # vector word prompt
    cases = {
        VECTORS[1]: up[0, 0],
        f"{VECTORS[2]} (control)": up[1, 0],
        f"{VECTORS[3]} (control)": up[2, 0],
        f"{VECTORS[1]}, {WORDS[1]} (control)": up[0, 1],
    }
    axes = {"case": tuple(cases), "prompt": last.axes["prompt"]}
    return Result(np.array(list(cases.values()), dtype=float), axes, "answer moved up", "share", last.about)


def first(moved: Moved) -> Result:
    """1 where the answer is the first guess at the end, else 0: Result[vector, prompt]."""
    last = moved.ranks.at(layer=moved.ranks.axes["layer"][-1], word=WORDS[0])
    return Result(last.values == 1, last.axes, "answer is the first guess", "share", last.about)


def closeness(moved: Moved) -> Result:
    """1 / rank of the answer after every block: Result[vector, layer, prompt]; 1 = first, 0.1 = tenth."""
    ranks = moved.ranks.at(word=WORDS[0])
    return Result(1 / ranks.values, ranks.axes, "closeness of the answer (1 / rank)", "", ranks.about)


def take_out(model: Bridge, name: str = "capital") -> Result:
    """The answer's rank at the step layer's output, with that layer's own update and without it.

    Result[update, prompt], update "in" and "taken out", in the lens alone: nothing is run again.
    """
    asked, layer = facts.prompts(model, name), step_layer(model, name)
    held = lens.states(model, asked, parts=("post",))
    own = updates.captured(model, asked, [layer])[0]
    without = updates.shifted(model, held, own, {layer: -1.0})
    ranks = [
        lens.follow(model, asked, one).at(measure="rank", part="post", layer=layer, word="answer")
        for one in (held, without)
    ]
    axes = {"update": ("in", "taken out"), "prompt": tuple(range(len(asked)))}
    values = np.stack([one.values for one in ranks])
    return Result(values, axes, "rank of the answer", "rank", {**ranks[0].about, "layer": layer})


def choices(moved: Moved) -> Result:
    """The forced choice as a picture: Result[vector, answer, prompt], of the random vectors only the one that
    chooses right most often."""
    return _with_best(moved.chosen)


def _with_best(chosen: Result) -> Result:
    right = chosen.at(answer=CHOSEN[0]).mean("prompt").values
    best = len(CHOICES) + int(np.argmax(right[len(CHOICES) :]))
    kept = [*range(len(CHOICES)), best]
    axes = {**chosen.axes, "vector": (*CHOICES, f"random vector, best of {RANDOM}")}
    return replace(chosen, values=chosen.values[kept], axes=axes)


@dataclass(frozen=True)
class Step:
    """The two tests of one relation: who does the step, and whether the vector carries it.

    `share`: lists in which the right answer is chosen with another argument's vector; `controls`: the share
    of the source's answer, and of the right one by every control; `beyond`: by how much more often than by
    the strongest of them, as an interval. `function`: the share with the mean vector, shown only; `better`:
    lists in which the answer's rank improves, shown only.
    """

    name: str
    right: float
    by_layer: float
    share: float
    interval: tuple[float, float]
    beyond: tuple[float, float]
    controls: Mapping[str, float]
    function: float
    better: float

    def carries(self, strict: float = 1.0) -> bool:
        """Whether its vector turns another argument into that one's answer, beyond every control."""
        passed = decide(self.share, self.beyond, strict * LEAST_CHOSEN, list(self.controls.values()))
        return passed == "supported"

    def holds(self, strict: float = 1.0) -> bool:
        """Whether a feed-forward layer does the step and its vector carries it."""
        return self.by_layer >= strict * LEAST_BY_LAYER and self.carries(strict)


def step(watched: facts.Watched, moved: Moved) -> Step:
    """Both tests of one relation."""
    return _step(watched, moved.chosen, float(better(moved).at(case=VECTORS[1]).mean("prompt")))


def _step(watched: facts.Watched, chosen: Result, up: float) -> Step:
    chosen = _with_best(chosen)
    own = chosen.at(vector=CHOICES[1], answer=CHOSEN[0])
    apart = {CHOSEN[1]: chosen.at(vector=CHOICES[1], answer=CHOSEN[1])}
    apart |= {
        vector: chosen.at(vector=vector, answer=CHOSEN[0])
        for vector in chosen.axes["vector"]
        if vector not in CHOICES[1:3]
    }
    controls = {name: float(one.mean("prompt")) for name, one in apart.items()}
    stronger = apart[max(controls, key=lambda name: controls[name])]
    beyond = replace(own, values=own.values - stronger.values)
    right = float(watched.marks.at(mark=facts.MARKS[0]).mean("prompt"))
    by_layer = float(facts.among_right(watched, facts.MARKS[3]).mean("prompt")) if right else 0.0
    function = float(chosen.at(vector=CHOICES[2], answer=CHOSEN[0]).mean("prompt"))
    return Step(
        watched.name, right, by_layer, float(own.mean("prompt")), _bounds(own), _bounds(beyond), controls,
        function, up,
    )  # fmt: skip


def steps_again(model: Bridge, seed: int | None) -> list[Step]:
    """Both tests of every relation behind other examples, with other random vectors; with the usual
    ones where there is no seed. The ranks, which are shown only, are left out (`better` is NaN)."""
    seen = {name: facts.watch(model, name, example=seed) for name in RELATIONS}
    layers = {name: _adds_most(one.trace) for name, one in seen.items()}
    written = {name: vectors(model, name, layer, example=seed) for name, layer in layers.items()}
    steps = []
    for name, watched in seen.items():
        into = _with_another_answer(facts.lists(model, name))
        own = written[name].roll(-DISTANCE, dims=0)
        wrong = _in_turn(written[OTHER[name]], len(into))
        put = _candidates(own, wrong, (seed or 0) * RANDOM)
        chosen = _chosen(model, into, put, _replaced(model, layers[name]), watched.trace.about)
        steps.append(_step(watched, chosen, float("nan")))
    return steps


def _bounds(values: Result) -> tuple[float, float]:
    low, high = (float(bound) for bound in values.interval("prompt").values)
    return low, high


def table(steps: Sequence[Step]) -> Result:
    """The tests side by side: Result[test, relation], shares."""
    tests = {
        "answered": [one.right for one in steps],
        "put first by a feed-forward layer": [one.by_layer for one in steps],
        "chosen with its relation's vector": [one.share for one in steps],
        "chosen with the mean vector": [one.function for one in steps],
        "the source's answer instead": [one.controls[CHOSEN[1]] for one in steps],
        "chosen with nothing": [one.controls[CHOICES[3]] for one in steps],
    }
    axes = {"test": tuple(tests), "relation": tuple(one.name for one in steps)}
    return Result(np.array(list(tests.values())), axes, "share", "share")


def c14(model: Bridge, steps: Sequence[Step], *, strict: float = 1.0) -> Claim:
    """Does one feed-forward layer do the step, and does its vector do it elsewhere, beyond every control?

    Supported if capitals and the other relations hold, partly if only some of them do. `strict` multiplies
    the thresholds.
    """
    capital = next(one for one in steps if one.name == "capital")
    holding = [one.name for one in steps if one.holds(strict)]
    testable = capital.right >= facts.LEAST_RIGHT
    verdict = "supported" if len(holding) == len(RELATIONS) else "partly" if holding else "not supported"
    return Claim(
        id="C14",
        text=C14_TEXT,
        test=(
            "Who puts the answer first, and: the vector of another country's question replaces the late "
            "feed-forward outputs of a list with the country in it: share of lists in which its capital is "
            "then the likeliest of all capitals. The same for the other relations. Holds "
            f"for: {', '.join(holding) or 'none'}."
        ),
        measured=capital.share if testable else None,
        interval=capital.interval if testable else None,
        control=(
            ", ".join(f"{name} {share:.2f}" for name, share in capital.controls.items())
            + f"; beyond the strongest of these {capital.beyond[0]:+.2f} to {capital.beyond[1]:+.2f}; shown "
            f"only: mean vector (the function) {capital.function:.2f}, capital ranks better with the vector "
            f"in {capital.better:.2f}; put first by a feed-forward layer: "
            + ", ".join(f"{one.name} {one.by_layer:.0%}" for one in steps)
        ),
        threshold=(
            f"chosen in at least {LEAST_CHOSEN:.0%}, beyond the source's answer and every other control with "
            "an interval above zero, and a feed-forward layer puts the answer first in at least "
            f"{LEAST_BY_LAYER:.0%}"
        ),
        verdict=verdict if testable else "cannot be tested on this model",
        model=str(models.about(model)["model"]),
        published="gpt2-medium: no effect in 37 % of the capitals (Merullo et al. 2023)",
        because=(
            f"With another country's vector the right capital is chosen in {capital.share:.0%} of the lists,"
            f" the other country's in {capital.controls[CHOSEN[1]]:.0%}; in GPT-2 medium Poland's vector"
            " brings Beijing first after China."
            if testable
            else f"The model knows only {capital.right:.0%} of the capitals, so there is no step to move."
        ),
    )


def c14_again(model: Bridge) -> Again:
    """C14 asked again, for `claims.firm`: the steps behind the examples of each seed of `facts.AGAIN`."""
    return {SENTENCES: lambda: (c14(model, steps_again(model, seed)) for seed in facts.AGAIN)}
