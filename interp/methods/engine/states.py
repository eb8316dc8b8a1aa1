"""A state of the residual stream, or what a layer adds to it, comes from another run at one position."""

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.engine.base import BaseRun
from interp.methods.engine.block import feed_forward
from interp.methods.engine.suffix import Ends, Span, from_block
from interp.methods.engine.sweep import in_pieces

KINDS = ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")


@torch.no_grad()
def put_at_each_position(
    base: BaseRun, donor: BaseRun, layer: int, kind: str, start: int
) -> Float[Tensor, "position prompt d_model"]:
    """The last states when the donor's `kind` stands at one position, for every position from `start` on."""
    ends = base.end.expand(base.length, *base.end.shape).clone()
    states, block = _entering(
        base, donor, layer, kind, start
    )  # the positions from `start` on, or the end only
    first = base.length - states.shape[1]
    positions = range(max(first, start), base.length)

    def ends_of(piece: slice) -> Ends:
        chosen = positions[piece]
        rows = torch.cat([states[:, position - first] for position in chosen])
        return from_block(base, rows, block, [Span(position, 1) for position in chosen], narrow=True)

    rows_of_one = len(base.tokens) * (base.length - start)
    if positions:
        ends[positions.start :] = in_pieces(len(positions), rows_of_one, states.device, ends_of)
    return ends


def _entering(
    base: BaseRun, donor: BaseRun, layer: int, kind: str, start: int
) -> tuple[Float[Tensor, "prompt kept d_model"], int]:
    """The state that enters a block, and the block, when the donor's `kind` has been put in."""
    if kind == "resid_pre":
        return donor.pre[layer][:, start:], layer
    if kind == "resid_post":
        return _after(donor, layer, start), layer + 1
    if kind == "mlp_out":
        wrote = _after(donor, layer, start) - donor.after_attention(layer, start)
        return base.after_attention(layer, start) + wrote, layer + 1
    mid = donor.after_attention(layer, start)
    if kind == "attn_out":
        kept = slice(base.length - mid.shape[1], None)
        mid = base.pre[layer][:, kept] + (mid - donor.pre[layer][:, kept])
    return feed_forward(base.weights.layers[layer], mid.flatten(0, 1)).view(mid.shape), layer + 1


def _after(run: BaseRun, layer: int, start: int) -> Float[Tensor, "prompt kept d_model"]:
    """The stream after a block, from `start` on; after the last at the end only."""
    return run.end[:, None] if layer == run.last else run.pre[layer + 1][:, start:]
