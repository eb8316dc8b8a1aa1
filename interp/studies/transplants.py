"""Is the step a vector? Taken from one question and put into sentences that ask nothing (C14).

As in Merullo, Eickhoff and Pavlick 2023 (arXiv:2305.16130v1), section 4: the update that one feed-forward
layer wrote at the last word of a question is put, at every position, in the place of the whole feed-forward
output of the last layers, in a list of words that would go on with an argument. If the vector *is* the step,
the list now goes on with that argument's answer. Every argument gets the vector of another one. Controls: a
random vector of the same length, and the vectors of another relation. A third is shown but not judged,
because it was added after the first look: the rank of *another* argument's answer. A vector that lifts every
capital alike has not turned China into Beijing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.claims import Claim, decide
from interp.methods import lens, updates
from interp.prompts import Prompts
from interp.result import Result
from interp.studies import facts
from interp.words.relations import RELATIONS

# The test of C14, fixed before looking at any model
LEAST_BY_LAYER = 0.5  # share of the answered questions whose answer a feed-forward layer puts first
LEAST_BETTER = 0.5  # share of the lists in which the answer must move up
OTHER = {"capital": "past tense", "upper case": "past tense", "past tense": "capital"}  # the wrong relation
LAYERS_BEFORE = 1  # the vector also replaces the layer before its own, as published: 18 to 23 for 19
DISTANCE = 7  # an argument gets the vector of the one so many places further on in the list

JUDGED = 2  # of the controls: the random vector and the other relation's
OTHER_ANSWER = 11  # the answer of the control: that of the argument so many places before

VECTORS = ("untouched", "its relation's vector", "random vector", "another relation's vector")
WORDS = ("its answer", "another answer")
C14_TEXT = (
    "One feed-forward layer turns the country into its capital by adding a vector; the same vector works for "
    "another country. Others turn lower case to upper and present to past."
)


@dataclass(frozen=True)
class Moved:
    """What a transplant did for one relation: `ranks` is Result[vector, word, layer, prompt], see `VECTORS`.

    Words: the answer that belongs to the list's argument, and another argument's answer. `source` is the
    layer the vectors came from, `replaced` the layers they were put into.
    """

    name: str
    arguments: tuple[str, ...]
    source: int
    replaced: tuple[int, ...]
    ranks: Result


def step_layer(model, name: str) -> int:
    """The feed-forward layer that adds most to the answer's probability, on average over all questions."""
    traced = lens.trace(model, facts.prompts(model, name))
    (layer,), _ = updates.written(traced).mean("prompt").top(1)[0]
    return int(layer)


def vectors(model, name: str, layer: int) -> Float[Tensor, "argument d_model"]:
    """The update of this layer at the last word of every question with one example."""
    return updates.captured(model, facts.prompts(model, name), [layer])[0]


def move(model, name: str = "capital", *, seed: int = 0) -> Moved:
    """The answer's rank in every list, untouched and with the three kinds of vectors put in.

    Raises ValueError for an unknown relation.
    """
    into, layer = _with_another_answer(facts.lists(model, name)), step_layer(model, name)
    replaced = tuple(range(max(0, layer - LAYERS_BEFORE), model.cfg.n_layers))
    own = vectors(model, name, layer).roll(-DISTANCE, dims=0)
    other = vectors(model, OTHER[name], step_layer(model, OTHER[name]))
    wrong = other[torch.arange(len(into), device=other.device) % len(other)]
    put = (updates.transplant(model, one, replaced) for one in (own, _random_like(own, seed), wrong))
    ranks = [_ranks(model, into, *edits) for edits in ((), *put)]
    about = {**models.about(model), "bos": False, "seed": seed, "n": len(into)}
    axes = {
        "vector": VECTORS, "word": WORDS, "layer": tuple(range(model.cfg.n_layers)),
        "prompt": tuple(range(len(into))),
    }  # fmt: skip
    result = Result(np.stack(ranks), axes, "rank of the answer", "rank", about)
    return Moved(name, facts.arguments(model, name), layer, replaced, result)


def _with_another_answer(into: Prompts) -> Prompts:
    answer = into.answers["answer"]
    return replace(into, answers={WORDS[0]: answer, WORDS[1]: answer.roll(OTHER_ANSWER)})


def _ranks(model, into: Prompts, *edits: hooks.Edit) -> Float[np.ndarray, "word layer prompt"]:
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


def take_out(model, name: str = "capital") -> Result:
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


@dataclass(frozen=True)
class Step:
    """The two tests of one relation: who does the step, and whether the vector carries it."""

    name: str
    right: float
    by_layer: float
    share: float
    interval: tuple[float, float]
    beyond: tuple[float, float]
    controls: tuple[float, ...]

    @property
    def holds(self) -> bool:
        """Whether a feed-forward layer does the step and its vector carries it, beyond both controls."""
        passed = decide(self.share, self.beyond, LEAST_BETTER, self.controls[:JUDGED]) == "supported"
        return self.by_layer >= LEAST_BY_LAYER and passed


def step(watched: facts.Watched, moved: Moved) -> Step:
    """Both tests of one relation; `interval` is that of the share, `beyond` of its lead over the stronger
    control.
    """
    up = better(moved)
    share, *controls = (float(up.at(case=case).mean("prompt")) for case in up.axes["case"])
    stronger = int(np.argmax(controls[:JUDGED]))
    beyond = Result(
        up.values[0] - up.values[1 + stronger], {"prompt": up.axes["prompt"]}, "beyond the control", "share"
    )
    low, high = (float(bound) for bound in up.at(case=VECTORS[1]).interval("prompt").values)
    more = tuple(float(bound) for bound in beyond.interval("prompt").values)
    right = float(watched.marks.at(mark=facts.MARKS[0]).mean("prompt"))
    by_layer = float(facts.among_right(watched, facts.MARKS[3]).mean("prompt")) if right else 0.0
    return Step(moved.name, right, by_layer, share, (low, high), (more[0], more[1]), tuple(controls))


def table(steps: Sequence[Step]) -> Result:
    """The tests side by side: Result[test, relation], shares."""
    tests = {
        "answered": [one.right for one in steps],
        "put first by a feed-forward layer": [one.by_layer for one in steps],
        "moved up by its relation's vector": [one.share for one in steps],
        "moved up by a random vector": [one.controls[0] for one in steps],
        "moved up by another relation's": [one.controls[1] for one in steps],
        "another answer moved up": [one.controls[2] for one in steps],
    }
    axes = {"test": tuple(tests), "relation": tuple(one.name for one in steps)}
    return Result(np.array(list(tests.values())), axes, "share", "share")


def c14(model, steps: Sequence[Step]) -> Claim:
    """Does one feed-forward layer do the step, and does its vector do it elsewhere, beyond both controls?

    Supported if capitals and the other relations hold, partly if only some of them do.
    """
    capital = next(one for one in steps if one.name == "capital")
    holding = [one.name for one in steps if one.holds]
    testable = capital.right >= facts.LEAST_RIGHT
    verdict = "supported" if len(holding) == len(RELATIONS) else "partly" if holding else "not supported"
    return Claim(
        id="C14",
        text=C14_TEXT,
        test=(
            "Who puts the answer first, and: the vector of another country's question replaces the late "
            "feed-forward outputs of a list with the country in it: share of lists in which the capital then "
            "ranks better. The same for the other relations. Holds "
            f"for: {', '.join(holding) or 'none'}."
        ),
        measured=capital.share if testable else None,
        interval=capital.interval if testable else None,
        control=(
            f"random vector {capital.controls[0]:.2f}, another relation's {capital.controls[1]:.2f}; beyond "
            f"the stronger {capital.beyond[0]:.2f} to {capital.beyond[1]:.2f}; shown "
            f"only: another capital {capital.controls[2]:.2f}; put first by a feed-forward layer: "
            + ", ".join(f"{one.name} {one.by_layer:.0%}" for one in steps)
        ),
        threshold=(
            f"at least {LEAST_BETTER:.0%} better, beyond both controls with an interval above zero, and a "
            f"feed-forward layer puts the answer first in at least {LEAST_BY_LAYER:.0%}"
        ),
        verdict=verdict if testable else "cannot be tested on this model",
        model=str(models.about(model)["model"]),
        published=(
            "gpt2-medium: capitals improve in 63 %, upper case 96 %, past tense 81 % (Merullo et al. 2023)"
        ),
    )
