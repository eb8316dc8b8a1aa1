"""Paths: what one head does to the answer, or to chosen receivers, by itself and through no other head.

Path patching (Wang et al. 2022, appendix B): run the prompts with every head frozen at what it does there,
except one, the sender, which does what it does on the donor prompt; feed-forward layers and layer norms are
computed anew. What then arrives at the receivers is put into a last run that is otherwise free.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from interp import models
from interp.methods.engine.base import BaseRun, base_runs
from interp.methods.engine.ends import Reader
from interp.methods.engine.paths import Window, to_receivers, to_the_end
from interp.methods.engine.sweep import OnLayer, changes, whole
from interp.methods.engine.weights import weights_of
from interp.methods.patching import check_pairs, donated, first_difference
from interp.methods.readout import Metric
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, check_place

PARTS = ("q", "k", "v")
MOST_ROWS = 65536  # rows of the residual stream that the wave of all senders may hold


@dataclass(frozen=True, order=True)
class Receiver:
    """Where a path ends: the queries, keys or values of one head."""

    head: Head
    part: str

    def __post_init__(self):
        if self.part not in PARTS:
            raise ValueError(f"{self.part!r} is not a part of a head that receives: choose q, k or v.")

    def __str__(self) -> str:
        return f"{self.head}.{self.part}"


def path_patching(
    model: Bridge,
    prompts: Prompts,
    donor: Prompts,
    metric: Metric,
    *,
    receivers: Sequence[Receiver] | None = None,
    senders: Sequence[Head] | None = None,
    sender_at: str | None = None,
    receiver_at: str | None = None,
    freeze_mlps: bool = False,
    progress: bool = True,
    on_layer: OnLayer | None = None,
) -> Result:
    """Change in the metric when one head alone, on one path, does what it does on the donor: Result[layer,
    head, prompt], nats.

    The path goes from every head (or from `senders` only; the others are then not a number) to the
    `receivers`, all patched together, or without receivers along the residual stream to the last state. All
    other heads are frozen at their outputs on `prompts`; feed-forward layers (unless `freeze_mlps`) and
    layer norms are computed anew. `sender_at` and `receiver_at` name the spot where the sender changes and
    where the receivers are overwritten, None = at all positions. As no other head moves anything, a sender
    reaches receivers at its own position only: elsewhere the change is exactly 0. So it is for a sender at
    or above every receiver, and for a donor that is the same prompt. With `on_layer` the senders are taken
    layer by layer from the last down, and `on_layer(layer, values [head, prompt])` is called after each;
    whatever it raises ends the work. Warns of named `senders` that can reach no receiver. Raises ValueError
    for pairs of unequal length, unknown heads and no receivers. Source: Wang et al. 2022
    (arXiv:2211.00593), appendix B.
    """
    check_pairs(prompts, donor)
    chosen, parts = _senders(model, senders), _parts(model, receivers)
    route = _route(prompts, donor, receivers is None, sender_at, receiver_at)
    _warn_if_out_of_reach(senders, receivers)
    weights = weights_of(model)
    runs = base_runs(
        weights,
        prompts,
        split=[route.first, route.where, route.open.long()],
        most_rows=MOST_ROWS // len(chosen),
    )
    donor_of = lru_cache(maxsize=1)(lambda run: donated(run, donor, route.first))

    def ends_of(run: BaseRun, group: Sequence[Head]) -> Tensor:
        if not route.open[run.index[0].cpu()]:
            return run.end.expand(len(group), *run.end.shape)
        other, start = donor_of(run)
        if parts is None:
            return to_the_end(run, other, group, freeze_mlps=freeze_mlps)
        window = route.window(run, start)
        return to_receivers(
            run, other, group, parts, window, whole=receiver_at is None, freeze_mlps=freeze_mlps
        )

    values = np.full((sizes(model).n_layers, sizes(model).n_heads, len(prompts)), np.nan)
    for group, found in _by_group(runs, chosen, ends_of, Reader(weights, metric), progress, on_layer):
        values[[head.layer for head in group], [head.head for head in group]] = found
        if on_layer is not None:
            on_layer(group[0].layer, values[group[0].layer].copy())
    return _result(model, prompts, values, receivers, freeze_mlps)


def _by_group(
    runs: Sequence[BaseRun],
    senders: list[Head],
    ends_of: Callable[[BaseRun, Sequence[Head]], Tensor],
    reader: Reader,
    progress: bool,
    on_layer: OnLayer | None,
) -> Iterator[tuple[list[Head], Float[np.ndarray, "sender prompt"]]]:
    """The changes of the senders that are taken together: of all, or if somebody watches, layer by layer."""
    layers = sorted({head.layer for head in senders}, reverse=True)
    groups = [[head for head in senders if head.layer == layer] for layer in layers]
    untouched = whole(runs, lambda run: run.end[None])
    before = reader(untouched)
    for group in [senders] if on_layer is None else groups:
        bar = tqdm(runs, desc="patching paths", disable=not progress, leave=False)
        ends = whole(bar, lambda run, group=group: ends_of(run, group))
        yield group, changes(reader, ends, untouched, before).numpy()


@dataclass(frozen=True, eq=False)
class _Route:
    """Along which positions each prompt's paths run: `where` is one position, or -1 for all from the `first`
    that differs. Not `open`: nothing can arrive."""

    first: Int[Tensor, "prompt"]
    where: Int[Tensor, "prompt"]
    open: Bool[Tensor, "prompt"]

    def window(self, run: BaseRun, start: int) -> Window:
        """The window of one run, whose prompts agree in all columns."""
        where = int(self.where[run.index[0].cpu()])
        return Window(start, run.length) if where < 0 else Window(where, where + 1)


def _route(
    prompts: Prompts, donor: Prompts, to_end: bool, sender_at: str | None, receiver_at: str | None
) -> _Route:
    first = first_difference(prompts, donor)
    spots = [
        prompts.at(_places(prompts), spot) for spot in (sender_at, "end" if to_end else receiver_at) if spot
    ]
    where = spots[0] if spots else torch.full_like(first, -1)
    changed = first < prompts.length
    for spot in spots:
        changed = changed & (spot == where) & (first <= spot)
    return _Route(first, where, changed)


def _places(prompts: Prompts) -> Int[Tensor, "prompt position"]:
    return torch.arange(prompts.tokens.shape[1]).expand(prompts.tokens.shape)


def _senders(model: Bridge, senders: Sequence[Head] | None) -> list[Head]:
    for head in senders or ():
        check_place(head, models.describe(model))
    if senders is not None and not senders:
        raise ValueError("There is no sender: give at least one head, or None for all of them.")
    return models.every_head(model) if senders is None else sorted(set(senders))


def _parts(model: Bridge, receivers: Sequence[Receiver] | None) -> list[tuple[int, int, str]] | None:
    if receivers is None:
        return None
    if not receivers:
        raise ValueError("There is no receiver: give at least one, or None for the last state.")
    for receiver in receivers:
        check_place(receiver.head, models.describe(model))
    return [(one.head.layer, one.head.head, one.part) for one in sorted(set(receivers))]


def _warn_if_out_of_reach(senders: Sequence[Head] | None, receivers: Sequence[Receiver] | None) -> None:
    highest = max(receivers, key=lambda one: one.head.layer) if receivers else None
    if not senders or highest is None:
        return
    lost = [sender for sender in senders if sender.layer >= highest.head.layer]
    if lost:
        warnings.warn(
            f"These senders ({', '.join(map(str, lost))}) do not stand below the highest receiver, {highest}:"
            " what a head writes is read in later layers only, so their change is exactly 0.",
            stacklevel=3,
        )


def _result(
    model: Bridge,
    prompts: Prompts,
    values: Float[np.ndarray, "layer head prompt"],
    receivers: Sequence[Receiver] | None,
    freeze_mlps: bool,
) -> Result:
    axes = {
        "layer": tuple(range(sizes(model).n_layers)),
        "head": tuple(range(sizes(model).n_heads)),
        "prompt": tuple(range(len(prompts))),
    }
    about = {
        **models.about(model), "bos": prompts.bos, "n": len(prompts), "freeze_mlps": freeze_mlps,
        "receivers": "last state" if receivers is None else ", ".join(map(str, receivers)),
    }  # fmt: skip
    return Result(values, axes, "change along the paths from each head", "nats", about)
