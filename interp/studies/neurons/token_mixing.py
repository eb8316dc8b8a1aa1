"""What a word can know alone: the unit is the word, and news of other words comes through attention only.

The article's *archived* and NBC: a neuron can know that a passage is about television only because heads
brought that to its word. With every head at its average, a topic's neuron should fall, a word's should not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from interp import hooks, models
from interp.methods.scan import Corpus, Table
from interp.models import Bridge, sizes
from interp.result import Result
from interp.sites import Site
from interp.studies.neurons.neurons import CONTEXTS_PER_NEURON, PATTERNS, at_the_end

WORD = "base"
LEAST_NEURONS = 10  # of either kind; with fewer nothing is said
MOST_NEURONS = 120  # of either kind, evenly through the layers
MOST_TEXTS = 64  # to average over
SENTENCE = "The army sent soldiers to the base."


@dataclass(frozen=True)
class Shared:
    """Another state put at the first word of a text, in one layer: by how much at most that changes what is
    written at the *other* words, by this layer's feed-forward half and by the next layer's attention.
    """

    feed_forward: float
    attention: float

    def told(self) -> str:
        """Both in one sentence."""
        return (
            "We put another state at the first word, in one layer after the other. What that layer's"
            f" feed-forward half writes at the other words changes by {self.feed_forward:g} at most; what the"
            f" next layer's attention brings them, by up to {self.attention:.2g}."
        )


def words_told(model: Bridge, word: str = WORD) -> str:
    """How the model's vocabulary cuts one word without a space, with one, and with a capital."""
    ways = (word, f" {word}", f" {word.capitalize()}")
    cut = [models.token_strings(model, models.encode(model, way)) for way in ways]
    known = {tuple(pieces) for pieces in cut}
    shown = "; ".join(" + ".join(f"“{piece}”" for piece in pieces) for pieces in cut)
    return f"One word written in three ways is {len(known)} different things to this model: {shown}."


def shared(model: Bridge, text: str = SENTENCE, *, seed: int = 0) -> Shared:
    """Does a feed-forward half pass anything from word to word? Nothing; attention stands beside it."""
    ids = torch.tensor([models.encode(model, text)])
    first = torch.zeros(ids.shape, dtype=torch.bool)
    first[0, 0] = True
    other = torch.from_numpy(np.random.default_rng(seed).standard_normal(sizes(model).d_model)).float()
    moved = {"mlp_out": 0.0, "attn_out": 0.0}
    for layer in range(sizes(model).n_layers - 1):
        sites = [Site("mlp_out", layer), Site("attn_out", layer + 1)]
        edit = hooks.Put(Site("resid_mid", layer), other, first)
        before, after = hooks.record(model, ids, sites), hooks.record(model, ids, sites, edit)
        for site in sites:
            change = (after[site] - before[site])[0, 1:].abs().max()
            moved[site.kind] = max(moved[site.kind], float(change))
    return Shared(moved["mlp_out"], moved["attn_out"])


def without_attention(model: Bridge, table: Table, corpus: Corpus, matched: Result) -> Result:
    """What is left of the activation with all attention at its average: Result[pattern, neuron], shares, for
    neurons of one word and of one kind of text. `matched` comes from `patterns`.

    As many neurons of each, from the same layers, at their strongest places. Raises as `evenly_matched`.
    """
    found = evenly_matched(matched)
    edits = _averages(model, corpus)
    kept = [_kept(model, table, corpus, own, edits) for own in found.values()]
    count = len(kept[0])
    axes = {"pattern": tuple(found), "neuron": tuple(range(count))}
    return Result(
        np.stack(kept), axes, "share of the activation left", "share", {**models.about(model), "n": count}
    )


def evenly_matched(matched: Result) -> dict[str, list]:
    """By pattern, as many (layer, neuron) of one word as of one kind of text, from every layer alike: late
    neurons have more heads beneath them.

    Raises ValueError if fewer than `LEAST_NEURONS` of each stand in the same layers.
    """
    names, layers = (PATTERNS[0], PATTERNS[2]), range(len(matched.axes["layer"]))
    found: dict[str, list] = {name: [] for name in names}
    for layer in layers:
        own = {name: np.flatnonzero(matched.at(pattern=name).values[layer]) for name in names}
        count = min(max(1, MOST_NEURONS // len(layers)), *map(len, own.values()))
        for name, neurons in own.items():
            found[name] += [(layer, int(neurons[at])) for at in _evenly(len(neurons), count)]
    if len(found[names[0]]) < LEAST_NEURONS:
        raise ValueError(
            f"Only {len(found[names[0]])} neurons of one word and of one kind of text stand in the same"
            f" layers, but {LEAST_NEURONS} of each are needed: scan more texts, or take another model."
        )
    return found


def difference(left: Result) -> tuple[float, float]:
    """How much more is left of neurons for one word than of those for a kind of text: the interval's ends."""
    gap = left.at(pattern=PATTERNS[0]).values - left.at(pattern=PATTERNS[2]).values
    low, high = Result(gap, {"neuron": left.axes["neuron"]}, "", "").interval("neuron").values.tolist()
    return low, high


def told(left: Result) -> str:
    """What is left of either kind, in one sentence."""
    words, texts = (float(left.at(pattern=one).mean("neuron")) for one in left.axes["pattern"])
    low, high = difference(left)
    verdict = "no sure difference"
    if low > 0 or high < 0:
        verdict = "topics need the heads more" if low > 0 else "words need them more"
    return (
        f"With every head at its average, neurons for one word keep {words:.0%} of their activation, those"
        f" for one kind of text {texts:.0%} (difference {low:+.0%} to {high:+.0%}): {verdict}."
    )


def _evenly(whole: int, count: int) -> Sequence[int]:
    return np.linspace(0, whole - 1, count).round().astype(int).tolist()


def _kept(
    model: Bridge, table: Table, corpus: Corpus, chosen: Sequence, edits: Sequence[hooks.Edit]
) -> np.ndarray:
    """By neuron: activation under the edits over that without, mean over its strongest places; 0 at least."""
    peaks, rows, places, before = table.peaks(), [], [], []
    for layer, neuron in chosen:
        for context in range(CONTEXTS_PER_NEURON):
            window, at = peaks.window[layer, neuron, context], peaks.position[layer, neuron, context]
            rows.append(corpus.window(int(window))[: at + 1].tolist())
            places.append((int(layer), int(neuron)))
            before.append(float(peaks.activation[layer, neuron, context]))
    after = at_the_end(model, rows, places, *edits)
    shares = np.clip(after, 0, None) / np.maximum(before, 1e-6)
    return shares.reshape(len(chosen), CONTEXTS_PER_NEURON).mean(axis=1)


def _averages(model: Bridge, corpus: Corpus) -> tuple[hooks.Put, ...]:
    """Edits that make every layer's attention write its average over some of the texts."""
    sites = [Site("attn_out", layer) for layer in range(sizes(model).n_layers)]
    whole = [torch.zeros(sizes(model).d_model) for _ in sites]
    chosen = _evenly(len(corpus), min(MOST_TEXTS, len(corpus)))
    words = 0
    for window in chosen:
        seen = hooks.record(model, torch.tensor([corpus.window(window).tolist()]), sites)
        words += len(corpus.window(window))
        whole = [
            total + seen[site][0].cpu().float().sum(dim=0) for total, site in zip(whole, sites, strict=True)
        ]
    return tuple(hooks.Put(site, total / words) for site, total in zip(sites, whole, strict=True))
