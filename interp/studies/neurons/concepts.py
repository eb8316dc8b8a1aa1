"""Which concepts can be read off the neurons and off the residual stream, layer by layer, and off one neuron.

Tokens come from texts of the pocket world that hold the concepts. They are cut in three parts: to fit, to
choose (a layer, a neuron), to test. A concept of a word is tested on words that were never fitted, a
concept of a passage on texts that were never fitted. Controls: the same probe after the labels of the
fitted tokens were shuffled, and a probe on random vectors, one per word, which knows the word and nothing
else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from interp import hooks, models
from interp.methods import probes
from interp.methods.scan import world_texts
from interp.models import Bridge
from interp.result import Result
from interp.sites import Neuron, Site
from interp.words.concepts import CONCEPTS, Concept
from interp.words.letters import whole

TEXTS_DRAWN = 4000
TEXTS_PER_CONCEPT = 40
POSITIVES = 160  # tokens of each concept at most
OTHERS = 1600  # further tokens
BATCH = 32
SIZES = (1, 2, 4, 8, 16, 32)
KINDS = ("neurons", "residual")
SOURCES = (*KINDS, "shuffled", "word-only")
FIT, CHOOSE, TEST = 0, 1, 2
RANDOM_NEURONS = 4
ABLATED_TEXTS = 8


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens with their labels, and where they stand: text, position, word; two ways of cutting in three."""

    texts: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]  # of each text, the beginning-of-text token first
    labels: Bool[np.ndarray, "concept token"]
    counted: Bool[np.ndarray, "concept token"]  # where a fair test of the concept decides
    text: Int[np.ndarray, "token"]
    position: Int[np.ndarray, "token"]
    word: Int[np.ndarray, "token"]
    by_word: Int[np.ndarray, "token"]
    by_text: Int[np.ndarray, "token"]

    def part(self, concept: Concept) -> Int[np.ndarray, "token"]:
        """FIT, CHOOSE or TEST for every token, cut as this concept needs it; -1 where no fair test
        decides.
        """
        cut = self.by_word if concept.of_a_word else self.by_text
        return np.where(self.counted[CONCEPTS.index(concept)] | (cut == FIT), cut, -1)

    def groups(self, concept: Concept) -> Int[np.ndarray, "token"]:
        """What the tokens of one draw of the bootstrap share: the word or the text."""
        return self.word if concept.of_a_word else self.text


@dataclass(frozen=True)
class Best:
    """The one neuron that tells a concept best: AUC on the test tokens with its interval, and a control's."""

    concept: str
    neuron: Neuron
    auc: float
    interval: tuple[float, float]
    control: float


@dataclass(frozen=True)
class Probed:
    """What the probes found, all on test tokens.

    `by_layer` is Result[kind, layer, concept]; `best` is Result[source, concept] at the layer that was
    chosen, `bounds` its Result[source, concept, bound]; `sparse` is Result[neurons, concept]; `single` the
    best neurons.
    """

    by_layer: Result
    best: Result
    bounds: Result
    sparse: Result
    single: tuple[Best, ...]

    def beating(self) -> tuple[str, ...]:
        """The concepts whose neurons' probe beats both controls: its interval lies above both of theirs."""
        low, high = self.bounds.at(bound="low"), self.bounds.at(bound="high")
        return tuple(
            concept
            for concept in self.best.axes["concept"]
            if float(low.at(concept=concept, source="neurons"))
            > max(float(high.at(concept=concept, source=control)) for control in SOURCES[2:])
        )


def tokens(model: Bridge, *, seed: int = 0) -> Tokens:
    """Tokens of world texts that hold the concepts, with their labels. The same seed gives the same
    tokens.
    """
    texts = _texts(seed)
    rows = [_labelled(model, text) for text in texts]
    labels = np.concatenate([labels for _, labels, _ in rows], axis=1)
    counted = np.concatenate([counted for _, _, counted in rows], axis=1)
    text = np.repeat(np.arange(len(texts)), [len(ids) for ids, _, _ in rows])
    position = np.concatenate([np.arange(len(ids)) + 1 for ids, _, _ in rows])  # after the start mark
    word = np.concatenate([ids for ids, _, _ in rows])
    kept = _kept(labels, seed)
    start = model.tokenizer.bos_token_id
    return Tokens(
        texts=texts,
        ids=tuple((start, *map(int, ids)) for ids, _, _ in rows),
        labels=labels[:, kept],
        counted=counted[:, kept],
        text=text[kept],
        position=position[kept],
        word=word[kept],
        by_word=_thirds(word, seed)[kept],
        by_text=_thirds(text, seed + 1)[kept],
    )


def features(model: Bridge, chosen: Tokens) -> dict[str, list[Float[np.ndarray, "token feature"]]]:
    """Kind of feature -> per layer what stands at these tokens: neurons' activations, and the residual stream
    after the layer.
    """
    layers = range(models.describe(model).layers)
    sites = {
        KINDS[0]: [Site("mlp_post", n) for n in layers],
        KINDS[1]: [Site("resid_post", n) for n in layers],
    }
    found: dict[str, list[list[np.ndarray]]] = {kind: [[] for _ in layers] for kind in KINDS}
    order = np.argsort(chosen.text, kind="stable")
    for first in range(0, len(chosen.texts), BATCH):
        here = order[(chosen.text[order] >= first) & (chosen.text[order] < first + BATCH)]
        seen = hooks.record(
            model, _padded(chosen.ids[first : first + BATCH]), [s for k in KINDS for s in sites[k]]
        )
        for kind in KINDS:
            for layer, site in enumerate(sites[kind]):
                values = seen[site][chosen.text[here] - first, chosen.position[here]]
                found[kind][layer].append(values.float().cpu().numpy())
    back = np.argsort(order, kind="stable")
    return {kind: [np.concatenate(parts)[back] for parts in found[kind]] for kind in KINDS}


def probe(model: Bridge, *, seed: int = 0) -> Probed:
    """Probes on every layer, their controls, sparse probes and best single neurons, for every concept.

    AUC on tokens that were neither fitted nor chosen on. A concept needs positives in every part, else
    ValueError.
    """
    chosen = tokens(model, seed=seed)
    seen = features(model, chosen)
    about = {**models.about(model), "bos": True, "seed": seed, "n": len(chosen.text)}
    scores = {kind: [_scores(part, chosen, chosen.labels) for part in seen[kind]] for kind in KINDS}
    aucs = {part: {k: _aucs(scores[k], chosen, part) for k in KINDS} for part in (CHOOSE, TEST)}
    layer = aucs[CHOOSE][KINDS[0]].argmax(axis=1)
    controls = [
        _control_scores(seen[KINDS[0]], chosen, layer, seed),
        _scores(
            probes.word_vectors(chosen.word, seen[KINDS[0]][0].shape[1], seed=seed), chosen, chosen.labels
        ),
    ]
    stream = aucs[CHOOSE][KINDS[1]].argmax(axis=1)
    best = [
        np.stack([scores[KINDS[0]][n][row] for row, n in enumerate(layer)]),
        np.stack([scores[KINDS[1]][n][row] for row, n in enumerate(stream)]),
        *controls,
    ]
    names = tuple(concept.name for concept in CONCEPTS)
    layers = tuple(range(len(seen[KINDS[0]])))
    values, bounds = _with_bounds(best, chosen)
    by_layer = np.stack([aucs[TEST][kind].T for kind in KINDS])
    sizes = {"neurons": SIZES, "concept": names}
    return Probed(
        by_layer=_auc_result(by_layer, {"kind": KINDS, "layer": layers, "concept": names}, about),
        best=_auc_result(values.T, {"source": SOURCES, "concept": names}, about),
        bounds=_auc_result(
            bounds.transpose(1, 0, 2), {"source": SOURCES, "concept": names, "bound": ("low", "high")}, about
        ),
        sparse=_auc_result(_sparse(seen[KINDS[0]], chosen, layer).T, sizes, about),
        single=_single(seen[KINDS[0]], chosen, seed),
    )


def switched_off(model: Bridge, single: tuple[Best, ...], *, seed: int = 0) -> Result:
    """How far the next-word prediction moves at a concept's words when its best neuron writes nothing:
    Result[concept, neuron], "best" and the mean of `RANDOM_NEURONS` others of its layer, mean KL in nats.

    The texts are not those of the probes.
    """
    texts = _texts(seed + 1)
    held = [_labelled(model, text) for text in texts]
    rows = []
    for row, best in enumerate(single):
        some = [(ids, labels[row]) for ids, labels, _ in held if labels[row].any()][:ABLATED_TEXTS]
        others = [n for n in range(models.describe(model).d_mlp) if n != best.neuron.neuron]
        drawn = Random(seed).sample(others, RANDOM_NEURONS)
        neurons = [best.neuron, *(Neuron(best.neuron.layer, n) for n in drawn)]
        moved = _moved(model, some, neurons)
        rows.append([moved[0], float(np.mean(moved[1:]))])
    axes = {"concept": tuple(one.concept for one in single), "neuron": ("best", "random others")}
    about = {**models.about(model), "baseline": "zero", "seed": seed, "n": ABLATED_TEXTS}
    return Result(np.array(rows), axes, "shift of the prediction when the neuron is off", "nats", about)


def _moved(model: Bridge, some: list, neurons: list[Neuron]) -> list[float]:
    start = model.tokenizer.bos_token_id
    ids = _padded([(start, *map(int, row)) for row, _ in some])
    where = np.zeros(tuple(ids.shape), dtype=bool)
    for row, (_, labels) in enumerate(some):
        where[row, 1 : len(labels) + 1] = labels
    before = _log_probabilities(model, ids, where)
    moved = []
    for neuron in neurons:
        after = _log_probabilities(model, ids, where, hooks.Zero(neuron))
        moved.append(float((before.exp() * (before - after)).sum(-1).mean()))
    return moved


def _log_probabilities(
    model: Bridge, ids: torch.Tensor, where: np.ndarray, *edits: hooks.Edit
) -> torch.Tensor:
    logits, _ = hooks.run(model, ids, *edits)
    return logits[torch.from_numpy(where).to(logits.device)].double().log_softmax(-1)


def _texts(seed: int) -> tuple[str, ...]:
    """World texts, in their order, so many that hold each concept."""
    drawn = world_texts(TEXTS_DRAWN, seed=1000 + seed)
    wanted: set[int] = set()
    for concept in CONCEPTS:
        holding = [number for number, text in enumerate(drawn) if concept.find(text)]
        wanted |= set(holding[:TEXTS_PER_CONCEPT])
    return tuple(drawn[number] for number in sorted(wanted))


def _labelled(model: Bridge, text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ids of a text, as many as the model reads; for every concept which of them are in its spans, and
    which of them a fair test decides about.
    """
    encoded = model.tokenizer(whole(text), add_special_tokens=False, return_offsets_mapping=True)
    room = models.describe(model).context - 1
    ends = np.array([end for _, end in encoded["offset_mapping"]])[:room]
    labels = [_inside(ends, concept.find(text)) for concept in CONCEPTS]
    everything = [(0, len(text))]
    counted = [_inside(ends, one.among(text) if one.among else everything) for one in CONCEPTS]
    return np.array(encoded["input_ids"])[:room], np.stack(labels), np.stack(counted)


def _inside(ends: Int[np.ndarray, "token"], spans: list[tuple[int, int]]) -> Bool[np.ndarray, "token"]:
    """Which tokens end within one of the spans."""
    found = np.zeros(len(ends), dtype=bool)
    for first, end in spans:
        found |= (ends > first) & (ends <= end)
    return found


def _kept(labels: Bool[np.ndarray, "concept token"], seed: int) -> Int[np.ndarray, "kept"]:
    generator = np.random.default_rng(seed)
    kept = set(generator.choice(labels.shape[1], size=min(OTHERS, labels.shape[1]), replace=False).tolist())
    for row in labels:
        there = np.flatnonzero(row)
        kept |= set(generator.choice(there, size=min(POSITIVES, len(there)), replace=False).tolist())
    return np.array(sorted(kept))


def _thirds(what: Int[np.ndarray, "token"], seed: int) -> Int[np.ndarray, "token"]:
    """FIT for half of the different values, CHOOSE for a fifth, TEST for the rest, at random."""
    _, kind = np.unique(what, return_inverse=True)
    return np.random.default_rng(seed).choice(3, size=kind.max() + 1, p=(0.5, 0.2, 0.3))[kind]


def _padded(rows) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[row[-1]] * (width - len(row))] for row in rows])


def _splits(chosen: Tokens) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of concepts that are cut alike, and how."""
    of_a_word = np.array([concept.of_a_word for concept in CONCEPTS])
    return [(np.flatnonzero(of_a_word), chosen.by_word), (np.flatnonzero(~of_a_word), chosen.by_text)]


def _fair_splits(chosen: Tokens) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """As `_splits`, with the tokens that a fair test decides about; a concept with tokens of its own stands
    alone.
    """
    for rows, cut in _splits(chosen):
        whole = chosen.counted[rows].all(axis=1)
        yield rows[whole], cut, np.ones(len(cut), dtype=bool)
        for row in rows[~whole]:
            yield np.array([row]), cut, chosen.counted[row]


def _scores(
    part: Float[np.ndarray, "token feature"], chosen: Tokens, labels: Bool[np.ndarray, "concept token"]
) -> Float[np.ndarray, "concept token"]:
    scores = np.zeros(labels.shape)
    for rows, cut in _splits(chosen):
        scores[rows] = probes.fitted(part, labels[rows], cut == FIT)
    return scores


def _control_scores(layers: list, chosen: Tokens, layer: np.ndarray, seed: int) -> np.ndarray:
    """Each concept's probe at its chosen layer, fitted on shuffled labels."""
    mixed = chosen.labels.copy()
    for rows, cut in _splits(chosen):
        mixed[rows] = probes.shuffled(chosen.labels[rows], cut == FIT, seed=seed)
    fitted = {number: _scores(layers[number], chosen, mixed) for number in set(layer.tolist())}
    return np.stack([fitted[number][row] for row, number in enumerate(layer.tolist())])


def _aucs(scores: list, chosen: Tokens, part: int) -> Float[np.ndarray, "concept layer"]:
    rows = []
    for row, concept in enumerate(CONCEPTS):
        here = chosen.part(concept) == part
        rows.append([probes.auc(layer[row, here], chosen.labels[row, here]) for layer in scores])
    return np.array(rows)


def _with_bounds(best: list, chosen: Tokens) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros((len(CONCEPTS), len(best)))
    bounds = np.zeros((*values.shape, 2))
    for row, concept in enumerate(CONCEPTS):
        here = chosen.part(concept) == TEST
        for column, scores in enumerate(best):
            seen, labels = scores[row, here], chosen.labels[row, here]
            values[row, column] = probes.auc(seen, labels)
            bounds[row, column] = probes.auc_interval(seen, labels, chosen.groups(concept)[here])
    return values, bounds


def _sparse(layers: list, chosen: Tokens, layer: np.ndarray) -> Float[np.ndarray, "concept size"]:
    rows = []
    for row, concept in enumerate(CONCEPTS):
        part, labels = chosen.part(concept), chosen.labels[row]
        scores = probes.sparse(layers[layer[row]], labels, part == FIT, SIZES)
        here = part == TEST
        rows.append([probes.auc(one[here], labels[here]) for one in scores])
    return np.array(rows)


def _single(layers: list, chosen: Tokens, seed: int) -> tuple[Best, ...]:
    """For each concept the neuron with the highest AUC on the tokens to fit and choose, judged on the test
    tokens; and as a control the one that looks best when the labels are shuffled.
    """
    found: dict[int, Best] = {}
    for rows, cut, counted in _fair_splits(chosen):
        known = (cut != TEST) & counted
        labels = chosen.labels[rows]
        mixed = probes.shuffled(labels, known, seed=seed)
        ranked = [probes.ranks(part[known]) for part in layers]
        real, control = (
            np.stack([probes.aucs(part, given[:, known]) for part in ranked]) for given in (labels, mixed)
        )
        for at, row in enumerate(rows):
            neuron, scores = _strongest(layers, real[:, at])
            _, other = _strongest(layers, control[:, at])
            here = chosen.part(CONCEPTS[row]) == TEST
            seen, groups = chosen.labels[row, here], chosen.groups(CONCEPTS[row])[here]
            found[int(row)] = Best(
                concept=CONCEPTS[row].name,
                neuron=neuron,
                auc=probes.auc(scores[here], seen),
                interval=probes.auc_interval(scores[here], seen, groups),
                control=probes.auc(other[here], seen),
            )
    return tuple(found[row] for row in sorted(found))


def _strongest(layers: list, best: Float[np.ndarray, "layer neuron"]) -> tuple[Neuron, np.ndarray]:
    """The neuron with the highest of these AUCs, and its activation on every token."""
    layer, neuron = np.unravel_index(best.argmax(), best.shape)
    return Neuron(int(layer), int(neuron)), layers[layer][:, neuron]


def _auc_result(values: np.ndarray, axes: dict[str, tuple], about: dict) -> Result:
    return Result(values, axes, "AUC on unseen tokens", "", about)
