"""The frame of every sweep: from the last layer down, run by run, with progress, and results as they come."""

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from interp.methods.engine.base import BaseRun
from interp.methods.engine.ends import Reader

ROWS = {"cpu": 2048, "cuda": 65536}  # rows of the residual stream in flight at once
Ends = Float[Tensor, "variant prompt d_model"]
OnLayer = Callable[[int, np.ndarray], None]  # layer, values [..., prompt]; what it raises ends the sweep


def sweep(
    runs: Sequence[BaseRun],
    reader: Reader,
    layers: Sequence[int],
    shape: tuple[int, ...],
    ends_of: Callable[[BaseRun, int], Ends],
    *,
    words: str,
    progress: bool = True,
    on_layer: OnLayer | None = None,
) -> Float[np.ndarray, "layer *shape prompt"]:
    """Change of the metric for every layer and variant: [layer, *shape, prompt].

    `ends_of(run, layer)` gives the last states of all variants, in the order of `shape`. The sweep begins at
    the last layer, where least is to be done, and hands `on_layer` each layer's values when they are there.
    """
    untouched = whole(runs, lambda run: run.end[None])
    before = reader(untouched)
    values = np.zeros((len(layers), *shape, untouched.shape[1]))
    downward = sorted(enumerate(layers), key=lambda numbered: -numbered[1])
    for row, layer in tqdm(downward, desc=words, disable=not progress, leave=False):
        ends = whole(runs, lambda run, layer=layer: ends_of(run, layer))
        values[row] = changes(reader, ends, untouched, before).reshape(values[row].shape)
        if on_layer is not None:
            on_layer(layer, values[row].copy())
    return values


def changes(
    reader: Reader,
    ends: Ends,
    untouched: Float[Tensor, "one prompt d_model"],
    before: Float[Tensor, "one prompt"],
) -> Float[Tensor, "variant prompt"]:
    """What the metric changes by; exactly zero where the last state is the untouched one."""
    return (reader(ends) - before).masked_fill((ends == untouched).all(-1).cpu(), 0.0)


def whole(runs: Iterable[BaseRun], ends_of: Callable[[BaseRun], Ends]) -> Ends:
    """The last states of all runs, back in the order of the prompts."""
    found = [(run.index, ends_of(run)) for run in runs]
    order = torch.cat([index for index, _ in found]).argsort()
    return torch.cat([ends for _, ends in found], dim=1)[:, order]


def in_pieces(
    variants: int, rows_of_one: int, device: torch.device, ends_of: Callable[[slice], Tensor]
) -> Tensor:
    """What `ends_of` gives for all variants, one after another, when one of them takes so many rows: computed
    in pieces that are in flight together.

    Where a device's memory runs out, the piece and all that follow are halved, and a warning says so. Raises
    what the device raised where one variant alone is too much.
    """
    size = max(1, ROWS.get(device.type, ROWS["cuda"]) // max(1, rows_of_one))
    found, first = [], 0
    while first < variants:
        piece = slice(first, min(first + size, variants))
        try:
            found.append(ends_of(piece))
        except torch.OutOfMemoryError:
            if piece.stop - piece.start == 1:
                raise
            size = (piece.stop - piece.start) // 2
        else:
            first = piece.stop
            continue
        _make_room(size, device)  # out of the handler, which holds what was under way
    return torch.cat(found)


def _make_room(size: int, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
    warnings.warn(
        f"The memory of {device} ran out: from here on {size} variants at a time. The numbers are the same,"
        " it takes longer.",
        stacklevel=4,
    )
