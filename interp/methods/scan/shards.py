"""A scan's work in pieces: `scan_shard` reads some windows, `merged` puts pieces together.

Both are pure: the same windows give the same piece on the same machine, so a piece may be made anywhere, and
made again. Within a shard the windows are read in batches that depend on the shard alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from interp import models
from interp.methods.engine.linear import Packed, Plain
from interp.methods.engine.walk import walk
from interp.methods.engine.weights import weights_of
from interp.methods.scan import ranking
from interp.methods.scan.corpus import Corpus
from interp.models import Bridge

BEFORE, AFTER = 17, 6  # tokens kept around the token that excites a neuron most
SHADED = BEFORE + 1 + AFTER
MANY = 3  # candidates are many from one in so many on
PRODUCTS = MappingProxyType({"plain": Plain, "packed": Packed})


@dataclass(frozen=True)
class Plan:
    """How a scan is cut and what it keeps: `k` contexts per neuron, a uniform sample of so many tokens.

    `products` says how matrix products are computed: one of `PRODUCTS`, or "" for what is faster here. A scan
    that goes on, and every worker, must use the same, or last bits differ.
    """

    k: int = 10
    sample: int = 2000
    windows_per_shard: int = 1000
    tokens_per_batch: int = 1024
    seed: int = 0
    products: str = ""

    def shards(self, corpus: Corpus) -> int:
        """How many shards this corpus makes."""
        return -(-len(corpus) // self.windows_per_shard)

    def sampled(self, corpus: Corpus) -> np.ndarray:
        """The tokens of the sample, in the order in which they were drawn; no beginning-of-text token."""
        first = np.zeros(len(corpus.ids), dtype=bool)
        first[corpus.starts[:-1]] = corpus.bos
        counted = np.flatnonzero(~first)
        size = min(self.sample, len(counted))
        return np.random.default_rng(self.seed).choice(counted, size=size, replace=False)


@dataclass(frozen=True)
class Piece:
    """What a scan knows so far: the best contexts (keys and shades around them), sums, and sampled tokens."""

    keys: Int[Tensor, "layer k neuron"]
    shades: Float[Tensor, "layer k neuron shaded"]  # half precision; nan outside the window
    total: Float[Tensor, "layer neuron"]  # of activations, double precision
    tokens: int
    sampled: Int[Tensor, "sample"]  # token numbers, ascending
    sample: Float[Tensor, "sample layer neuron"]  # half precision


@dataclass
class _Batch:
    """Windows read together, right padded: their ids, where each begins in the corpus, what counts."""

    ids: Int[Tensor, "window position"]
    starts: Int[Tensor, "window"]
    counted: Bool[Tensor, "window position"]
    whole: bool  # nothing but counted tokens from position `first` on
    first: int


def faster_products(model: Bridge) -> str:
    """Which of `PRODUCTS` the engine finds exact and faster on this machine, for this model."""
    kind = type(weights_of(model).layers[0].mlp_in)
    return next(name for name, known in PRODUCTS.items() if known is kind)


def scan_shard(
    model: Bridge,
    corpus: Corpus,
    plan: Plan,
    number: int,
    *,
    floor: Float[Tensor, "layer neuron"] | None = None,
) -> Piece:
    """The piece of one shard: for every neuron its `k` strongest windows, one context per window.

    The context is the window's strongest token, the first of equals; the beginning-of-text token never
    counts. `floor` is what a context must reach to count in the end, as `floor_of` tells it from other
    shards: less is left out, and a merge comes out the same.
    """
    card = models.describe(model)
    piece = _nothing(plan, card.layers, card.d_mlp, card.device)
    start = torch.full((card.layers, card.d_mlp), -torch.inf) if floor is None else floor
    floor = start.to(card.device, copy=True)
    chosen = torch.from_numpy(np.sort(plan.sampled(corpus)))
    kept: list[tuple[Tensor, Tensor]] = []
    tokens, weights = 0, weights_of(model, PRODUCTS.get(plan.products))
    for batch in _batches(corpus, plan, number, card.device):
        tokens += int(batch.counted.sum())
        rows, places, ids = _chosen_here(batch, chosen)
        sample = []
        for layer, hidden in walk(weights, batch.ids):
            _take(piece, floor, layer, hidden, batch)
            piece.total[layer] += batch.counted.flatten().to(hidden.dtype) @ hidden.flatten(0, 1)
            if len(rows):
                sample.append(hidden[rows, places].half().cpu())
        if len(rows):
            kept.append((ids.cpu(), torch.stack(sample, dim=1)))
    return _sealed(piece, tokens, kept)


def merged(pieces: Sequence[Piece]) -> Piece:
    """All pieces as one. Give them in the order of their shards: sums of floats depend on it, nothing
    else.
    """
    keys, which = torch.cat([piece.keys for piece in pieces], dim=1).topk(pieces[0].keys.shape[1], dim=1)
    shades = torch.cat([piece.shades for piece in pieces], dim=1)
    sampled, order = torch.cat([piece.sampled for piece in pieces]).sort()
    return Piece(
        keys=keys,
        shades=_rows(shades, which),
        total=torch.stack([piece.total for piece in pieces]).sum(dim=0),
        tokens=sum(piece.tokens for piece in pieces),
        sampled=sampled,
        sample=torch.cat([piece.sample for piece in pieces])[order],
    )


def floor_of(pieces: Sequence[Int[Tensor, "layer k neuron"]]) -> Float[Tensor, "layer neuron"]:
    """The activation of each neuron's last context in the keys of several pieces: no lesser one can count."""
    together = torch.cat(list(pieces), dim=1)
    return ranking.activation_of(together.topk(pieces[0].shape[1], dim=1).values[:, -1])


def _nothing(plan: Plan, layers: int, neurons: int, device: str) -> Piece:
    return Piece(
        keys=torch.full((layers, plan.k, neurons), ranking.NOTHING, device=device),
        shades=torch.full((layers, plan.k, neurons, SHADED), torch.nan, dtype=torch.float16, device=device),
        total=torch.zeros(layers, neurons, dtype=torch.float64, device=device),
        tokens=0,
        sampled=torch.zeros(0, dtype=torch.int64),
        sample=torch.zeros(0, layers, neurons, dtype=torch.float16),
    )


def _sealed(piece: Piece, tokens: int, kept: list[tuple[Tensor, Tensor]]) -> Piece:
    """The finished piece on the CPU, its sample in ascending order."""
    sampled = torch.cat([piece.sampled, *(ids for ids, _ in kept)])
    sample = torch.cat([piece.sample, *(values for _, values in kept)])
    sampled, order = sampled.sort()
    keys, shades, total = piece.keys.cpu(), piece.shades.cpu(), piece.total.cpu()
    return replace(
        piece, keys=keys, shades=shades, total=total, tokens=tokens, sampled=sampled, sample=sample[order]
    )


def _batches(corpus: Corpus, plan: Plan, number: int, device: str) -> Iterator[_Batch]:
    """The shard's windows, shortest first, as many at a time as fit `tokens_per_batch`."""
    first = number * plan.windows_per_shard
    windows = np.arange(first, min(first + plan.windows_per_shard, len(corpus)))
    lengths = np.diff(corpus.starts)[windows]
    order = np.argsort(lengths, kind="stable")
    windows, lengths = windows[order], lengths[order]
    while len(windows):
        fit = max(1, int((np.arange(1, len(windows) + 1) * lengths <= plan.tokens_per_batch).sum()))
        yield _batch(corpus, windows[:fit], device)
        windows, lengths = windows[fit:], lengths[fit:]


def _batch(corpus: Corpus, windows: np.ndarray, device: str) -> _Batch:
    rows = [corpus.window(int(window)) for window in windows]
    width = max(map(len, rows))
    ids = np.stack([np.pad(row, (0, width - len(row)), mode="edge") for row in rows])
    counted = np.arange(width) < np.array([len(row) for row in rows])[:, None]
    whole = bool(counted.all())
    counted = counted & (np.arange(width) >= corpus.bos)
    return _Batch(
        ids=torch.from_numpy(ids).to(device),
        starts=torch.from_numpy(corpus.starts[windows]).to(device),
        counted=torch.from_numpy(counted).to(device),
        whole=whole,
        first=int(corpus.bos),
    )


def _take(piece: Piece, floor: Tensor, layer: int, hidden: Tensor, batch: _Batch) -> None:
    """Put the batch's best into the piece. Only a neuron in a window that excites it enough is looked at
    closely, and the further the scan, the fewer they are.
    """
    peaks = hidden[:, batch.first :].amax(1) if batch.whole else _counted(hidden, batch).amax(1)
    neurons, windows = (peaks >= floor[layer]).T.nonzero(as_tuple=True)  # neuron by neuron
    if not len(neurons):
        return
    lines = _lines(hidden, windows, neurons)
    counted = None if batch.whole and not batch.first else batch.counted[windows]
    values, at = _only(lines, counted, -torch.inf).max(1)  # the first of equals
    offered = ranking.sort_keys(values, batch.starts[windows] + at)
    touched, which, slots = _slots(neurons)
    kept, shades = piece.keys[layer][:, touched], piece.shades[layer][:, touched]
    new = offered.new_full((int(slots.max()) + 1, len(touched)), ranking.NOTHING)
    new[slots, which] = offered
    new_shades = shades.new_full((*new.shape, SHADED), torch.nan)
    new_shades[slots, which] = _shades(_only(lines, counted, torch.nan), at)
    best, order = torch.cat([kept, new]).topk(len(kept), dim=0)
    piece.keys[layer][:, touched] = best
    piece.shades[layer][:, touched] = _rows(torch.cat([shades, new_shades]), order)
    floor[layer, touched] = torch.maximum(floor[layer, touched], ranking.activation_of(best[-1]))


def _slots(neurons: Int[Tensor, "candidate"]) -> tuple[Tensor, Tensor, Tensor]:
    """The neurons that have candidates, for each candidate which of them it is, and how many came before
    it.
    """
    touched, which, counts = neurons.unique_consecutive(return_inverse=True, return_counts=True)
    begins = counts.cumsum(0) - counts
    return touched, which, torch.arange(len(neurons), device=neurons.device) - begins[which]


def _counted(hidden: Tensor, batch: _Batch) -> Tensor:
    """The activations with those that do not count at minus infinity."""
    return hidden.masked_fill(~batch.counted[:, :, None], -torch.inf)


def _lines(
    hidden: Float[Tensor, "window position neuron"],
    windows: Int[Tensor, "candidate"],
    neurons: Int[Tensor, "candidate"],
) -> Float[Tensor, "candidate position"]:
    """Every candidate's activations along its window; where they are many, the batch is turned once for
    all.
    """
    if len(neurons) * MANY < hidden.shape[0] * hidden.shape[2]:
        return hidden[windows, :, neurons]
    return hidden.transpose(1, 2).contiguous()[windows, neurons]


def _only(
    lines: Float[Tensor, "candidate position"],
    counted: Bool[Tensor, "candidate position"] | None,
    instead: float,
) -> Float[Tensor, "candidate position"]:
    """The activations, with something else in the place of those that do not count (None: all do)."""
    return lines if counted is None else lines.masked_fill(~counted, instead)


def _shades(
    lines: Float[Tensor, "candidate position"], at: Int[Tensor, "candidate"]
) -> Float[Tensor, "candidate shaded"]:
    """The activations around each candidate's strongest token; nan beyond the window."""
    room = functional.pad(lines, (BEFORE, AFTER), value=torch.nan)
    return room.unfold(1, SHADED, 1)[torch.arange(len(at), device=at.device), at].half()


def _rows(
    shades: Float[Tensor, "*layer context neuron shaded"], which: Int[Tensor, "*layer k neuron"]
) -> Float[Tensor, "*layer k neuron shaded"]:
    """The shades of the chosen contexts: `which` indexes the axis before the neurons."""
    neuron = torch.arange(which.shape[-1], device=which.device)
    if which.ndim == 2:
        return shades[which, neuron]
    return shades[torch.arange(len(which), device=which.device)[:, None, None], which, neuron]


def _chosen_here(batch: _Batch, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Window, position and token number of the sampled tokens that are in this batch."""
    numbers = batch.starts[:, None] + torch.arange(batch.ids.shape[1], device=batch.ids.device)
    here = torch.isin(numbers, chosen.to(numbers.device)) & batch.counted
    rows, places = here.nonzero(as_tuple=True)
    return rows, places, numbers[rows, places]
