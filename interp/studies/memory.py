"""Who remembers and who looks it up: layers removed, the answer stated or not (C15); early facts (C16).

Removed means: the layer's whole output is zero at every word, its bias included. Two versions of the
article's experiment are made. The paper (Merullo, Eickhoff and Pavlick 2023, arXiv:2305.16130v1, section 5)
removes the last sixth, two sixths, ... of the feed-forward layers and states both countries; the article
speaks of one layer and states one country.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interp import hooks, models
from interp.claims import Claim, decide
from interp.methods import updates
from interp.prompts import Prompts
from interp.result import Result
from interp.studies import facts, transplants
from interp.words.relations import FOLLOWERS, SURNAMES

# The test of C15, fixed before looking at any model
SIXTHS = 6
TESTED = 2  # sixths of the layers that are removed in the test: the last third, as in the published figure
LEAST_GAP = 0.2  # by so much more must the answer be lost when it has to be remembered
# The test of C16, likewise
LEAST_ITEMS = 6  # known to the model, of each kind
LEAST_EARLIER = 0.1  # by so much more of the loss must fall into the first half of the layers
REGROUPINGS = 500

GONE = "sixths of the layers gone"
FORMS = {
    "must be remembered": "example first",
    "stated before": "answer stated",
    "both stated": "both stated",
}
C15_TEXT = (
    "Disable the layer and the capital is gone; state it in the prompt and it is back. Attention retrieves "
    "from the prompt, feed-forward layers remember."
)
C16_TEXT = "Early feed-forward layers hold simple facts (a word and the next), late ones complex relations."


def stack(model, sixths: int) -> tuple[int, ...]:
    """The last so many sixths of the layers, rounded. Raises ValueError beyond 0 to 6."""
    if not 0 <= sixths <= SIXTHS:
        raise ValueError(f"{sixths} sixths of the layers cannot be removed: choose from 0 to {SIXTHS}.")
    count = model.cfg.n_layers
    return tuple(range(count - round(sixths * count / SIXTHS), count))


def removals(model) -> Result:
    """Share of capitals found when layers go: Result[removed, sixths, form, score, prompt], 1 = right.

    `removed` is the feed-forward or the attention half of the last `sixths` of the layers; `form` how the
    question is asked, see `FORMS`; `score` first piece or whole answer. One prompt is one country in all.
    """
    answers = _capitals(model)
    asked = {form: facts.prompts(model, form=words) for form, words in FORMS.items()}
    values = [
        [
            [
                _right(model, prompts, answers, *updates.removal(model, kind, stack(model, k)))
                for prompts in asked.values()
            ]
            for k in range(SIXTHS + 1)
        ]
        for kind in updates.KINDS
    ]
    axes = {
        "removed": tuple(updates.KINDS), "sixths": tuple(range(SIXTHS + 1)), "form": tuple(FORMS),
        "score": facts.SCORES[:2], "prompt": tuple(range(len(answers))),
    }  # fmt: skip
    return Result(np.array(values), axes, "share of capitals found", "share", _about(model, len(answers)))


def curves(measured: Result) -> Result:
    """The removals as four lines: Result[removed, GONE, prompt], by first piece, remembered and stated."""
    scored = measured.at(score=facts.SCORES[0])
    chosen = {
        f"{kind} gone, {form}": scored.at(removed=kind, form=form)
        for kind in updates.KINDS
        for form in list(FORMS)[:2]
    }
    axes = {"removed": tuple(chosen), GONE: scored.axes["sixths"], "prompt": scored.axes["prompt"]}
    values = np.stack([one.values for one in chosen.values()])
    return Result(values, axes, measured.quantity, measured.unit, measured.about)


def one_layer(model) -> Result:
    """The same with one layer removed, the one that does the step: Result[removed, form, score, prompt].

    `removed` is nothing, this feed-forward layer, or this attention layer.
    """
    answers, layer = _capitals(model), transplants.step_layer(model, "capital")
    cases = {"nothing": ()} | {kind: updates.removal(model, kind, [layer]) for kind in updates.KINDS}
    asked = {form: facts.prompts(model, form=words) for form, words in FORMS.items()}
    values = [
        [_right(model, prompts, answers, *edits) for prompts in asked.values()] for edits in cases.values()
    ]
    axes = {
        "removed": tuple(cases), "form": tuple(FORMS), "score": facts.SCORES[:2],
        "prompt": tuple(range(len(answers))),
    }  # fmt: skip
    about = {**_about(model, len(answers)), "layer": layer}
    return Result(np.array(values), axes, "share of capitals found", "share", about)


def _capitals(model) -> list[str]:
    return [facts.capital_of(country) for country in facts.arguments(model)]


def _right(model, prompts: Prompts, answers: Sequence[str], *edits: hooks.Edit) -> np.ndarray:
    return facts.scores(model, prompts, answers, *edits).values[:2]  # score prompt


def gap(measured: Result, removed: str) -> Result:
    """By how much more the answer is lost when it must be remembered: Result[prompt], by first piece.

    (Found before - found after) when it must be remembered, minus the same when it is stated before. From
    `removals` with the tested sixths, or from `one_layer`.
    """
    scored = measured.at(score=facts.SCORES[0])
    if "sixths" in scored.axes:
        before, after = scored.at(sixths=0, removed=removed), scored.at(sixths=TESTED, removed=removed)
    else:
        before, after = scored.at(removed="nothing"), scored.at(removed=removed)
    remembered, stated = (
        before.at(form=form).values - after.at(form=form).values for form in list(FORMS)[:2]
    )
    return Result(
        remembered - stated, {"prompt": scored.axes["prompt"]}, "lost more when remembered", "share"
    )


def c15(measured: Result, single: Result) -> Claim:
    """Is a fact lost with the feed-forward layers but kept where the prompt states it?

    Supported if it holds for the stack and for the single layer, partly if for one of them.
    """
    right = float(
        measured.at(score=facts.SCORES[0], sixths=0, removed="attention", form="must be remembered").mean(
            "prompt"
        )
    )
    testable = right >= facts.LEAST_RIGHT
    outcomes = [_held(one) for one in (measured, single)]
    (share, interval, control), (alone, _, alone_control) = (outcome[:3] for outcome in outcomes)
    held = [verdict for *_, verdict in outcomes]
    verdict = "supported" if all(held) else "partly" if any(held) else "not supported"
    return Claim(
        id="C15",
        text=C15_TEXT,
        test=(
            f"The last {TESTED} sixths of the feed-forward layers removed: share of capitals lost when they "
            "must be remembered, minus share lost when the prompt states them. The same for the one layer "
            f"that does the step (layer {single.about['layer']}): {alone:+.2f}."
        ),
        measured=share if testable else None,
        interval=interval if testable else None,
        control=f"attention removed instead: {control:+.2f} (stack), {alone_control:+.2f} (one layer)",
        threshold=f"at least {LEAST_GAP:.0%} more lost, interval above zero, more than with attention",
        verdict=verdict if testable else "cannot be tested on this model",
        model=str(measured.about["model"]),
        published=(
            "BLOOM, colours, 24 feed-forward layers removed: stated -17 points, remembered -73 (Merullo et "
            "al. 2023)"
        ),
    )


def _held(measured: Result) -> tuple[float, tuple[float, float], float, bool]:
    lost, other = gap(measured, "feed-forward"), gap(measured, "attention")
    low, high = lost.interval("prompt").values
    share, control = float(lost.mean("prompt")), float(other.mean("prompt"))
    holds = decide(share, (low, high), LEAST_GAP, [control]) == "supported"
    return share, (float(low), float(high)), control, holds


@dataclass(frozen=True)
class Depths:
    """What every feed-forward layer alone is worth: Result[layer, prompt], nats of log-probability lost.

    `simple` over words that follow a word, `relations` over capitals; only items the whole model gets right,
    or all of them if those are not `enough`. `surnames`: the simple facts are first name and surname; else
    their stand-in from the pocket world.
    """

    simple: Result
    relations: Result
    surnames: bool
    enough: bool = True


def depths(model) -> Depths:
    """Each layer's worth for simple facts and for relations."""
    questions = [facts.relation("capital").text(country) for country in facts.arguments(model)]
    capitals = _known(model, questions, _capitals(model))
    for pairs in (SURNAMES, FOLLOWERS):
        simple = _known(model, *map(list, zip(*pairs, strict=True)))
        if min(len(simple), len(capitals)) >= LEAST_ITEMS:
            return Depths(_worth(model, simple), _worth(model, capitals), pairs is SURNAMES)
    everything = list(zip(questions, _capitals(model), strict=True))
    return Depths(_worth(model, list(FOLLOWERS)), _worth(model, everything), False, enough=False)


def _known(model, texts: list[str], answers: list[str]) -> list[tuple[str, str]]:
    """The pairs whose answer's first piece is the model's first guess."""
    right = facts.scores(model, facts.plain(model, texts), answers).values[0] == 1
    return [pair for pair, knows in zip(zip(texts, answers, strict=True), right, strict=True) if knows]


def _worth(model, items: list[tuple[str, str]]) -> Result:
    texts, answers = map(list, zip(*items, strict=True))
    prompts, layers = facts.plain(model, texts), tuple(range(model.cfg.n_layers))

    def score(*edits: hooks.Edit) -> np.ndarray:
        return facts.scores(model, prompts, answers, *edits).at(score=facts.SCORES[2]).values

    whole = score()
    lost = np.stack([whole - score(*updates.removal(model, "feed-forward", [layer])) for layer in layers])
    axes = {"layer": layers, "prompt": tuple(range(len(items)))}
    return Result(
        lost, axes, "log-probability lost without the feed-forward layer", "nats", _about(model, len(items))
    )


def by_layer(found: Depths) -> Result:
    """What each feed-forward layer is worth on average: Result[fact, layer], nats."""
    kinds = {"simple facts": found.simple, "capitals": found.relations}
    values = np.stack([one.mean("prompt").values for one in kinds.values()])
    axes = {"fact": tuple(kinds), "layer": found.simple.axes["layer"]}
    one = found.simple
    return Result(values, axes, one.quantity, one.unit, {**one.about, "n": None})


def early(worth: Result) -> Result:
    """The share of what the layers are worth that falls into their first half: Result[prompt]."""
    gains = worth.values.clip(min=0)
    half = len(worth.axes["layer"]) // 2
    total = gains.sum(axis=0)
    shares = np.divide(gains[:half].sum(axis=0), total, out=np.full(total.shape, 0.5), where=total > 0)
    return Result(shares, {"prompt": worth.axes["prompt"]}, "share in the first half", "share", worth.about)


def c16(model, found: Depths) -> Claim:
    """Does more of a simple fact's worth fall into the early layers than of a relation's?

    With the stand-in for surnames the verdict is `partly` at best.
    """
    difference, interval, chance = _difference(found)
    kind = "first name and surname" if found.surnames else "words that leave no choice, a stand-in"
    verdict = decide(
        difference, interval, LEAST_EARLIER, [chance], testable=found.enough, complete=found.surnames
    )
    return Claim(
        id="C16",
        text=C16_TEXT,
        test=(
            "Every feed-forward layer removed alone: share of the lost log-probability that falls into the "
            f"first half of the layers, simple facts ({kind}) minus capitals."
        ),
        measured=difference if found.enough else None,
        interval=interval if found.enough else None,
        control=f"items grouped at random, 97.5 % of {REGROUPINGS} regroupings stay below {chance:+.2f}"
        if found.enough
        else f"the model knows fewer than {LEAST_ITEMS} items of one kind",
        threshold=f"at least {LEAST_EARLIER:+.0%}, interval above zero, more than the control",
        verdict=verdict,
        model=str(models.about(model)["model"]),
        published="said of gpt2 and gpt2-medium without a figure (Lee and Trott 2023)",
    )


def _difference(found: Depths, seed: int = 0) -> tuple[float, tuple[float, float], float]:
    """Difference of the mean shares, its bootstrap interval, and the 97.5 % point under random grouping."""
    simple, relations = (early(one).values for one in (found.simple, found.relations))
    chooser = np.random.default_rng(seed)
    drawn = [
        chooser.choice(simple, len(simple)).mean() - chooser.choice(relations, len(relations)).mean()
        for _ in range(2000)
    ]
    everything = np.concatenate([simple, relations])
    mixed = []
    for _ in range(REGROUPINGS):
        order = chooser.permutation(everything)
        mixed.append(order[: len(simple)].mean() - order[len(simple) :].mean())
    low, high = np.quantile(drawn, (0.025, 0.975))
    return (
        float(simple.mean() - relations.mean()),
        (float(low), float(high)),
        float(np.quantile(mixed, 0.975)),
    )


def _about(model, n: int) -> dict:
    return {**models.about(model), "bos": False, "n": n}
