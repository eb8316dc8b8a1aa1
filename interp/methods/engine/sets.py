"""Any heads at any positions replaced, all others computed live; several such sets at once."""

from collections.abc import Collection, Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.methods.engine.base import BaseRun, changed_run
from interp.methods.engine.suffix import Edit, Ends, Span, from_feed_forward
from interp.methods.engine.sweep import in_pieces

Mask = Mapping[int, Bool[Tensor, "prompt position head"]]  # by layer; True = replaced
Masks = Mapping[int, Bool[Tensor, "set prompt position head"]]
Outputs = Mapping[int, Float[Tensor, "prompt position head d_head"]]  # by layer


class _Replaced(Edit):
    """Heads replaced on the way. What a span leaves out at its front, masks and outputs leave out too."""

    def __init__(self, masks: Masks, outputs: Outputs):
        self.masks, self.outputs = masks, outputs

    def heads(self, layer: int, span: Span, z: Tensor) -> Tensor:
        """The outputs, replaced where the mask says so."""
        if layer not in self.masks:
            return z
        width = z.shape[2]
        mask = self.masks[layer][:, :, -width:, :, None]
        return torch.where(mask, self.outputs[layer][:, -width:], z)


def with_shared(base: BaseRun, shared: Mask, outputs: Outputs) -> BaseRun:
    """The run with the heads replaced that every set replaces: what the sets then branch off from."""
    if not shared or not (touched := _touched(shared.values())).any():
        return base
    start = int(touched.nonzero()[0])

    def of_heads(layer: int, z: Tensor) -> Tensor:
        if layer not in shared:
            return z
        return torch.where(shared[layer][:, start:, :, None], outputs[layer][:, start:], z)

    return changed_run(base, start, of_heads)


@torch.no_grad()
def replaced(
    base: BaseRun, masks: Masks, outputs: Outputs, shared: Mask | None = None
) -> Float[Tensor, "set prompt d_model"]:
    """The last states of every set, for sets that begin in about the same layer.

    `shared` is what the base run has replaced already (`with_shared`); the masks of the sets include it.
    """
    shared = shared or {}
    new = {layer: mask & ~shared[layer] if layer in shared else mask for layer, mask in masks.items()}
    begun = sorted(layer for layer, mask in new.items() if mask.any())
    if not begun:
        return base.end.expand(len(next(iter(masks.values()))), *base.end.shape)
    first = begun[0]
    start = base.length - 1 if first == base.last else int(_touched(new.values()).nonzero()[0])

    def ends_of(piece: slice) -> Ends:
        edit = _Replaced({layer: mask[piece] for layer, mask in masks.items()}, outputs)
        span = Span(start, piece.stop - piece.start)
        x = _after_first(base, first, span, edit)
        return from_feed_forward(base, x, first, [span], edit=edit)

    rows_of_one = len(base.tokens) * (base.length - start)
    return in_pieces(len(masks[first]), rows_of_one, base.tokens.device, ends_of)


def _touched(masks: Collection[Bool[Tensor, "*axes position head"]]) -> Bool[Tensor, "position"]:
    """The positions at which any of these masks replaces anything."""
    return torch.stack([mask.any(dim=-1).flatten(0, -2).any(dim=0) for mask in masks]).any(dim=0)


def _after_first(base: BaseRun, first: int, span: Span, edit: Edit) -> Float[Tensor, "row d_model"]:
    """The stream after the attention of the first layer with its heads replaced."""
    z = base.z[first][:, span.start :]
    z = edit.heads(first, span, z.expand(span.variants, *z.shape))
    x = base.pre[first][:, span.start :] + base.weights.layers[first].out(z.flatten(-2))
    return x.flatten(0, 2)
