"""Any heads at any positions replaced, all others computed live; several such sets at once."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.methods.engine.base import BaseRun
from interp.methods.engine.suffix import Edit, Span, from_feed_forward
from interp.methods.engine.sweep import pieces

Masks = Mapping[int, Bool[Tensor, "set prompt position head"]]  # by layer; True = replaced
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


@torch.no_grad()
def replaced(base: BaseRun, masks: Masks, outputs: Outputs) -> Float[Tensor, "set prompt d_model"]:
    """The last states of every set, for sets that begin in the same layer: the first of `masks`."""
    first = min(masks)
    touched = torch.stack([mask.any(dim=-1).any(dim=0).any(dim=0) for mask in masks.values()]).any(dim=0)
    if not touched.any():
        return base.end.expand(len(masks[first]), *base.end.shape)
    start = base.length - 1 if first == base.last else int(touched.nonzero()[0])
    ends = []
    for piece in pieces(len(masks[first]), len(base.tokens) * (base.length - start), base.tokens.device):
        edit = _Replaced({layer: mask[piece] for layer, mask in masks.items()}, outputs)
        span = Span(start, piece.stop - piece.start)
        x = _after_first(base, first, span, edit)
        ends.append(from_feed_forward(base, x, first, [span], edit=edit))
    return torch.cat(ends)


def _after_first(base: BaseRun, first: int, span: Span, edit: Edit) -> Float[Tensor, "row d_model"]:
    """The stream after the attention of the first layer with its heads replaced."""
    z = base.z[first][:, span.start :]
    z = edit.heads(first, span, z.expand(span.variants, *z.shape))
    x = base.pre[first][:, span.start :] + base.weights.layers[first].out(z.flatten(-2))
    return x.flatten(0, 2)
