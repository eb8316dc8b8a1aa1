"""Who remembers and who looks it up: layers silenced, the answer stated or not (C15); early facts (C16).

Silenced means: the layer writes, at every word, what it writes on average in texts that ask for no capital.
This decides. Beside it stands removal, as published: the output is zero, its bias included, which also breaks
what has nothing to do with the question. (An average over the questions themselves was tried first, and
nothing was lost. But if the step is one vector for all countries, as the article says, that average *is* the
step, so such a test could not find it.)

Two versions of the article's experiment are made. The paper (Merullo, Eickhoff and Pavlick 2023,
arXiv:2305.16130v1, section 5) removes the last sixth, two sixths, ... of the feed-forward layers and states
both countries; the article speaks of one layer and states one country.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from interp import hooks, models
from interp.claims import SENTENCES, ZERO, Again, Claim, decide
from interp.languages import message
from interp.methods import updates
from interp.methods.readout import logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.studies.facts import facts, transplants
from interp.words.relations import FOLLOWERS, RELATIONS, SURNAMES

WAYS = ("writes its average", "writes nothing")  # what a silent layer does: the first decides
# The test of C15, fixed before looking at any model
SIXTHS = 6
TESTED = 2  # sixths of the layers that are silenced in the test: the last third, as in the published figure
LEAST_GAP = 0.2  # by so much more must be lost of what the silent half is said to do than of the other
# The test of C16, likewise
LEAST_ITEMS = 6  # known to the model, of each kind
LEAST_LATER = 0.1  # by so much of the depth must the relations' centre of mass lie later
REGROUPINGS = 500

GONE = "sixths of the layers gone"
FORMS = {
    "must be remembered": "example first",
    "stated before": "answer stated",
    "both stated": "both stated",
}
C15_TEXT = message(
    "Disable the layer and the capital is gone; state it in the prompt and it is back. Attention retrieves "
    "from the prompt, feed-forward layers remember."
)
C16_TEXT = message(
    "Early feed-forward layers hold simple facts (a word and the next), late ones complex relations."
)


Averages = Mapping[str, dict[int, hooks.Put]]  # by half of the block and layer, from `elsewhere`


def stack(model: Bridge, sixths: int) -> tuple[int, ...]:
    """The last so many sixths of the layers, rounded. Raises ValueError beyond 0 to 6."""
    if not 0 <= sixths <= SIXTHS:
        raise ValueError(f"{sixths} sixths of the layers cannot be removed: choose from 0 to {SIXTHS}.")
    count = sizes(model).n_layers
    return tuple(range(count - round(sixths * count / SIXTHS), count))


def removals(model: Bridge) -> Result:
    """Share of capitals found with silent layers: Result[way, removed, sixths, form, score, prompt].

    1 = right. `way` is one of `WAYS`; `removed` is the feed-forward or the attention half of the last
    `sixths` of the layers; `form` how the question is asked, see `FORMS`; `score` first piece or whole
    answer. One prompt is one country in all.
    """
    groups = [stack(model, k) for k in range(SIXTHS + 1)]
    values, answers = _found(model, groups)
    axes = {
        "way": WAYS, "removed": tuple(updates.KINDS), "sixths": tuple(range(SIXTHS + 1)),
        "form": tuple(FORMS), "score": facts.SCORES[:2], "prompt": tuple(range(len(answers))),
    }  # fmt: skip
    return Result(values, axes, "share of capitals found", "share", _about(model, len(answers)))


def _found(
    model: Bridge,
    groups: Sequence[Sequence[int]],
    *,
    forms: Sequence[str] = tuple(FORMS),
    ways: Sequence[str] = WAYS,
    example: int | None = None,
    averages: Averages | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Whether each capital is found without these layers: [way, removed, group, form, score, prompt]."""
    answers = _capitals(model)
    found = np.zeros((len(ways), len(updates.KINDS), len(groups), len(forms), 2, len(answers)))
    averages = averages or _averages(model)
    for form, words in enumerate(forms):
        asked = facts.prompts(model, form=FORMS[words], example=example)
        whole = _right(model, asked, answers)
        for half, (kind, average) in enumerate(averages.items()):
            for number, layers in enumerate(groups):
                edits = [average[layer] for layer in layers], updates.removal(model, kind, layers)
                for way, silent in zip(range(len(ways)), edits, strict=False):
                    right = _right(model, asked, answers, *silent) if layers else whole
                    found[way, half, number, form] = right
    return found, answers


def _averages(model: Bridge) -> Averages:
    return {kind: elsewhere(model, kind) for kind in updates.KINDS}


def elsewhere(model: Bridge, kind: str, *, where: Tensor | None = None) -> dict[int, hooks.Put]:
    """By layer: an edit that makes one half of it write its average over questions and lists of the other
    relations, which ask for no capital."""
    texts = [
        text
        for name in RELATIONS
        if name != "capital"
        for asked in (facts.prompts(model, name), facts.lists(model, name))
        for text in asked.texts
    ]
    layers = range(sizes(model).n_layers)
    return updates.averaged(model, facts.plain(model, texts), kind, layers, where=where)


def curves(measured: Result) -> Result:
    """The removals as four lines: Result[removed, GONE, prompt], by first piece, remembered and stated, every
    silent layer at its average."""
    scored = measured.at(score=facts.SCORES[0], way=WAYS[0])
    chosen = {
        f"{kind} gone, {form}": scored.at(removed=kind, form=form)
        for kind in updates.KINDS
        for form in list(FORMS)[:2]
    }
    axes = {"removed": tuple(chosen), GONE: scored.axes["sixths"], "prompt": scored.axes["prompt"]}
    values = np.stack([one.values for one in chosen.values()])
    return Result(values, axes, measured.quantity, measured.unit, measured.about)


def one_layer(model: Bridge) -> Result:
    """The same with one silent layer, the one that does the step: Result[way, removed, form, score, prompt].

    `removed` is nothing, this feed-forward layer, or this attention layer.
    """
    layer = transplants.step_layer(model, "capital")
    found, answers = _found(model, [(), (layer,)])
    values = np.concatenate([found[:, :1, 0], found[:, :, 1]], axis=1)
    axes = {
        "way": WAYS, "removed": ("nothing", *updates.KINDS), "form": tuple(FORMS), "score": facts.SCORES[:2],
        "prompt": tuple(range(len(answers))),
    }  # fmt: skip
    about = {**_about(model, len(answers)), "layer": layer}
    return Result(values, axes, "share of capitals found", "share", about)


def _capitals(model: Bridge) -> list[str]:
    return [facts.capital_of(country) for country in facts.arguments(model)]


def _right(model: Bridge, prompts: Prompts, answers: Sequence[str], *edits: hooks.Edit) -> np.ndarray:
    return facts.scores(model, prompts, answers, *edits).values[:2]  # score prompt


def gap(measured: Result, removed: str, *, way: str = WAYS[0]) -> Result:
    """By how much more the answer is lost when it must be remembered: Result[prompt], by first piece.

    (Found before - found after) when it must be remembered, minus the same when it is stated before. From
    `removals` with the tested sixths, or from `one_layer`.
    """
    scored = measured.at(score=facts.SCORES[0], way=way)
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


def c15(measured: Result, single: Result, *, strict: float = 1.0, way: str = WAYS[0]) -> Claim:
    """A double dissociation: without feed-forward layers the remembered answer is lost and the stated one is
    kept; without attention the stated one is lost and the remembered one is kept.

    Supported if both halves hold for the stack and the first for the single layer, partly if some of them do.
    `strict` multiplies the threshold; `way` is what silent layers do, the first of `WAYS` decides.
    """
    whole = measured.at(score=facts.SCORES[0], way=WAYS[0], sixths=0, removed="attention")
    right = float(whole.at(form="must be remembered").mean("prompt"))
    testable = right >= facts.LEAST_RIGHT
    tests = {
        "feed-forward layers remember": gap(measured, "feed-forward", way=way),
        "attention looks up": _turned(gap(measured, "attention", way=way)),
        "the one layer remembers": gap(single, "feed-forward", way=way),
    }
    held = [name for name, more in tests.items() if _holds(more, strict)]
    verdict = "supported" if len(held) == len(tests) else "partly" if held else "not supported"
    shares = {name: float(more.mean("prompt")) for name, more in tests.items()}
    low, high = (float(bound) for bound in next(iter(tests.values())).interval("prompt").values)
    tried = WAYS[1] in measured.axes["way"]
    zero = [
        float(gap(measured, kind, way=WAYS[1]).mean("prompt")) if tried else np.nan for kind in updates.KINDS
    ]
    return Claim(
        id="C15",
        text=C15_TEXT,
        test=(
            f"The last {TESTED} sixths of the feed-forward layers write what they write on average "
            "elsewhere: share of capitals lost when they must be remembered, minus share lost when the "
            "prompt states them (measured). Attention instead: lost when stated, minus lost when remembered: "
            f"{shares['attention looks up']:+.2f}. The one feed-forward layer that does the step (layer "
            f"{single.about['layer']}): {shares['the one layer remembers']:+.2f}. Holds: "
            f"{', '.join(held) or 'nothing'}."
        ),
        measured=shares["feed-forward layers remember"] if testable else None,
        interval=(low, high) if testable else None,
        control=(
            "each half is the other's control; with nothing in the layers' place (zero, not judged): "
            f"feed-forward {zero[0]:+.2f}, attention {-zero[1]:+.2f}; answered: {right:.0%}"
        ),
        threshold=(
            f"each at least {LEAST_GAP:.0%} more lost, interval above zero; all three: supported; some: "
            "partly"
        ),
        verdict=verdict if testable else "cannot be tested on this model",
        model=str(measured.about["model"]),
        published=(
            "BLOOM, colours, 24 feed-forward layers removed: stated -17 points, remembered -73 (Merullo et "
            "al. 2023)"
        ),
        because=(
            f"{len(held)} of 3 tests hold here ({', '.join(held) or 'none'}); of GPT-2 medium the article"
            " tells the one layer, and in print the stacks were removed in BLOOM."
            if testable
            else f"The model remembers only {right:.0%} of the capitals, so there is little to lose."
        ),
    )


def c15_again(model: Bridge, measured: Result, single: Result) -> Again:
    """C15 asked again, for `claims.firm`: behind the examples of each seed of `facts.AGAIN`, and with nothing
    in the place of silent layers."""
    by_zero, averages = {ZERO: lambda: [c15(measured, single, way=WAYS[1])]}, cache(_averages)
    return {SENTENCES: lambda: (c15(*_behind(model, seed, averages)) for seed in facts.AGAIN), **by_zero}


def _behind(
    model: Bridge, example: int | None, averages: Callable[..., Averages] = _averages
) -> tuple[Result, Result]:
    """What `c15` needs of `removals` and `one_layer`, behind another example."""
    forms, layer = tuple(FORMS)[:2], transplants.step_layer(model, "capital")
    groups = [(), stack(model, TESTED), (layer,)]
    found, answers = _found(
        model, groups, forms=forms, ways=WAYS[:1], example=example, averages=averages(model)
    )
    last = {"form": forms, "score": facts.SCORES[:2], "prompt": tuple(range(len(answers)))}
    axes = {"way": WAYS[:1], "removed": tuple(updates.KINDS), "sixths": (0, TESTED), **last}
    quantity, about = "share of capitals found", _about(model, len(answers))
    whole = Result(found[:, :, :2], axes, quantity, "share", about)
    silent = np.concatenate([found[:, :1, 0], found[:, :, 2]], axis=1)
    axes = {"way": WAYS[:1], "removed": ("nothing", *updates.KINDS), **last}
    return whole, Result(silent, axes, quantity, "share", {**about, "layer": layer})


def _turned(more: Result) -> Result:
    return replace(more, values=-more.values, quantity="lost more when stated")


def _holds(more: Result, strict: float) -> bool:
    low, high = more.interval("prompt").values
    return decide(float(more.mean("prompt")), (float(low), float(high)), strict * LEAST_GAP) == "supported"


@dataclass(frozen=True)
class Depths:
    """What every feed-forward layer is worth at the subject's word: Result[way, layer, prompt], nats of
    log-probability lost when this layer alone is silent there.

    `simple` over words that follow a word, `relations` over capitals; only items the whole model gets right,
    or all of them if those are not `enough`. `surnames`: the simple facts are first name and surname; else
    their stand-in from the pocket world.
    """

    simple: Result
    relations: Result
    surnames: bool
    enough: bool = True


def depths(model: Bridge, *, example: int | None = None) -> Depths:
    """Each layer's worth for simple facts, at their last word, and for relations, at the country's. `example`
    is a seed that draws another example before the questions of these."""
    relation = facts.relation("capital")
    questions = [relation.text(country, example=example) for country in facts.arguments(model)]
    after = len(models.encode(model, relation.question.split("{x}")[1]))  # from the country to the end
    capitals = _known(model, questions, _capitals(model))
    for pairs in (SURNAMES, FOLLOWERS):
        simple = _known(model, *map(list, zip(*pairs, strict=True)))
        if min(len(simple), len(capitals)) >= LEAST_ITEMS:
            worths = _worth(model, simple), _worth(model, capitals, after)
            return Depths(*worths, pairs is SURNAMES)
    everything = list(zip(questions, _capitals(model), strict=True))
    worths = _worth(model, list(FOLLOWERS)), _worth(model, everything, after)
    return Depths(*worths, False, enough=False)


def _known(model: Bridge, texts: list[str], answers: list[str]) -> list[tuple[str, str]]:
    """The pairs whose answer's first piece is the model's first guess."""
    right = facts.scores(model, facts.plain(model, texts), answers).values[0] == 1
    return [pair for pair, knows in zip(zip(texts, answers, strict=True), right, strict=True) if knows]


def _worth(model: Bridge, items: list[tuple[str, str]], after: int = 0) -> Result:
    """The log-probability of the answers' first pieces lost without each layer at the subject's word, which
    stands so many tokens before the last."""
    texts, answers = map(list, zip(*items, strict=True))
    prompts, layers = facts.plain(model, texts), tuple(range(sizes(model).n_layers))
    subject = prompts.length - 1 - after
    where = torch.arange(prompts.tokens.shape[1])[None] == subject[:, None]
    average = elsewhere(model, "feed-forward", where=where)
    first = torch.tensor([models.encode(model, f" {answer}")[0] for answer in answers])

    def score(*edits: hooks.Edit) -> np.ndarray:
        logs = logits_at_end(model, prompts, *edits).double().cpu().log_softmax(dim=-1)
        return np.asarray(logs.gather(1, first[:, None])[:, 0])

    whole = score()
    removed = {layer: updates.removal(model, "feed-forward", [layer], where=where)[0] for layer in layers}
    lost = [np.stack([whole - score(way[layer]) for layer in layers]) for way in (average, removed)]
    axes = {"way": WAYS, "layer": layers, "prompt": tuple(range(len(items)))}
    quantity = "log-probability lost without the feed-forward layer at the subject's word"
    return Result(np.stack(lost), axes, quantity, "nats", _about(model, len(items)))


def by_layer(found: Depths) -> Result:
    """What each feed-forward layer is worth on average, silent at its average: Result[fact, layer], nats."""
    kinds = {"simple facts": found.simple, "capitals": found.relations}
    values = np.stack([one.at(way=WAYS[0]).mean("prompt").values for one in kinds.values()])
    axes = {"fact": tuple(kinds), "layer": found.simple.axes["layer"]}
    one = found.simple
    return Result(values, axes, one.quantity, one.unit, {**one.about, "n": None})


def centre(worth: Result, *, way: str = WAYS[0]) -> Result:
    """Where the layers' worth lies, as a share of the depth: Result[prompt]; 0 = layer 1, 1 = the last.

    The centre of mass of what is lost; gains count as nothing. Layer 0 is left out: it prepares every word
    for the rest, whatever is asked. Raises ValueError for a model of fewer than three layers.
    """
    layers = worth.axes["layer"][1:]
    if len(layers) < 2:
        raise ValueError(
            f"Early and late need at least two layers after layer 0; this model has {len(layers)}. Choose a"
            " deeper model."
        )
    gains = worth.at(way=way).values[1:].clip(min=0)
    total, depth = gains.sum(axis=0), np.linspace(0, 1, len(layers))
    shares = np.divide(depth @ gains, total, out=np.full(total.shape, 0.5), where=total > 0)
    axes = {"prompt": worth.axes["prompt"]}
    return Result(shares, axes, "centre of mass", "share of the depth", worth.about)


def c16(model: Bridge, found: Depths, *, strict: float = 1.0, way: str = WAYS[0]) -> Claim:
    """Does a relation's worth lie later than a simple fact's?

    Words that leave no choice are no facts: with this stand-in for surnames the claim cannot be tested.
    `strict` multiplies the threshold; `way` is what silent layers do, the first of `WAYS` decides.
    """
    difference, interval, chance = _difference(found, way=way)
    kind = "first name and surname" if found.surnames else "words that leave no choice, a stand-in"
    testable = found.enough and found.surnames
    zero = _difference(found, way=WAYS[1])[0]
    numbers = (
        f"items grouped at random, 97.5 % of {REGROUPINGS} regroupings stay below {chance:+.2f}; with nothing"
        f" in the layer's place (zero, not judged) {zero:+.2f}"
    )
    if not found.enough:
        numbers = f"the model knows fewer than {LEAST_ITEMS} items of one kind"
    elif not testable:
        numbers = (
            f"no first names and surnames are known to this model; with the stand-in {difference:+.2f}"
            f" ({interval[0]:+.2f} to {interval[1]:+.2f}); {numbers}"
        )
    return Claim(
        id="C16",
        text=C16_TEXT,
        test=(
            "Every feed-forward layer but the first writes its average at the subject's word: where the lost "
            "log-probability lies in the depth of the model (centre of mass, 0 to 1), capitals minus simple "
            f"facts ({kind})."
        ),
        measured=difference if testable else None,
        interval=interval if testable else None,
        control=numbers,
        threshold=(
            f"at least {LEAST_LATER:+.2f} of the depth, interval above zero, more than the control; first "
            "names and surnames that the model knows, else it cannot be tested"
        ),
        verdict=decide(difference, interval, strict * LEAST_LATER, [chance], testable=testable),
        model=str(models.about(model)["model"]),
        published="said of gpt2 and gpt2-medium without a figure (Lee and Trott 2023)",
        because=(
            f"Relations lie {difference:+.2f} of the depth later than simple facts here; of GPT-2 the"
            " article gives no number."
            if testable
            else "No first name and surname, or too few capitals, are known to this model; of GPT-2 the "
            "article gives no number."
        ),
    )


def c16_again(model: Bridge, found: Depths) -> Again:
    """C16 asked again, for `claims.firm`: the capitals behind the examples of each seed of `facts.AGAIN`, and
    with nothing in the place of silent layers."""
    return {
        SENTENCES: lambda: (c16(model, depths(model, example=seed)) for seed in facts.AGAIN),
        ZERO: lambda: [c16(model, found, way=WAYS[1])],
    }


def _difference(
    found: Depths, seed: int = 0, *, way: str = WAYS[0]
) -> tuple[float, tuple[float, float], float]:
    """How much later the relations lie, its interval, and the 97.5 % point under random grouping."""
    simple, relations = (centre(one, way=way).values for one in (found.simple, found.relations))
    chooser = np.random.default_rng(seed)
    drawn = [
        chooser.choice(relations, len(relations)).mean() - chooser.choice(simple, len(simple)).mean()
        for _ in range(2000)
    ]
    everything = np.concatenate([simple, relations])
    mixed = []
    for _ in range(REGROUPINGS):
        order = chooser.permutation(everything)
        mixed.append(order[len(simple) :].mean() - order[: len(simple)].mean())
    low, high = np.quantile(drawn, (0.025, 0.975))
    return (
        float(relations.mean() - simple.mean()),
        (float(low), float(high)),
        float(np.quantile(mixed, 0.975)),
    )


def _about(model: Bridge, n: int) -> dict:
    return {**models.about(model), "bos": False, "n": n}
