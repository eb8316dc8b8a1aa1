"""Heads of one layer put out something else: all heads of the layer at once, one variant per head."""

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.engine.base import BaseRun
from interp.methods.engine.block import attend, patterns
from interp.methods.engine.suffix import Span, from_feed_forward
from interp.methods.engine.sweep import in_pieces

PARTS = ("z", "q", "k", "v", "pattern")  # of a head, that another run can give
Ends = Float[Tensor, "variant prompt d_model"]


@torch.no_grad()
def shifted(
    base: BaseRun, layer: int, shift: Float[Tensor, "prompt position head d_head"], start: int
) -> Float[Tensor, "head prompt d_model"]:
    """The last states when one head's output is shifted from `start` on, for every head of the layer."""
    if layer == base.last:
        shift, start = shift[:, -1:], base.length - 1
    known = base.after_attention(layer, start)

    def ends_of(piece: slice) -> Ends:
        x = known + _written(base, layer, shift[:, -known.shape[1] :, piece], piece)
        return from_feed_forward(base, x.flatten(0, 2), layer, [Span(start, len(x))])

    return in_pieces(shift.shape[2], known[..., 0].numel(), known.device, ends_of)


@torch.no_grad()
def shifted_at_each_position(
    base: BaseRun, layer: int, shift: Float[Tensor, "prompt position head d_head"], start: int
) -> Float[Tensor, "head position prompt d_model"]:
    """The last states when one head's output is shifted at one position, for every head and every position;
    before `start` nothing is."""
    ends = base.end.expand(shift.shape[2], base.length, *base.end.shape).clone()
    first = base.length - 1 if layer == base.last else start
    known = base.after_attention(layer, first)
    x = (known + _written(base, layer, shift[:, first:], slice(None))).transpose(1, 2)  # head position prompt
    positions = range(first, base.length)

    def ends_of(heads: slice) -> Float[Tensor, "head position prompt d_model"]:
        number = heads.stop - heads.start
        rows = torch.cat([x[heads, position - first].flatten(0, 1) for position in positions])
        found = from_feed_forward(base, rows, layer, [Span(at, number) for at in positions], narrow=True)
        return found.unflatten(0, (len(positions), number)).transpose(0, 1)

    rows_of_one = len(base.tokens) * sum(base.length - position for position in positions)
    if positions:
        ends[:, first:] = in_pieces(len(x), rows_of_one, x.device, ends_of)
    return ends


def _written(
    base: BaseRun, layer: int, shift: Float[Tensor, "prompt position head d_head"], heads: slice
) -> Float[Tensor, "head prompt position d_model"]:
    """What these shifts add to the residual stream."""
    return torch.einsum("pthd,hdm->hptm", shift, base.weights.layers[layer].W_O[heads])


@torch.no_grad()
def given(
    base: BaseRun, donor: BaseRun, layer: int, part: str
) -> Float[Tensor, "prompt position head d_head"]:
    """What the heads of a layer put out when this part of them comes from the donor's run."""
    if part == "z":
        return donor.z[layer]
    if part == "pattern":
        pattern = patterns(donor.q[layer], donor.k[layer])
        return (pattern @ base.v[layer].transpose(1, 2)).transpose(1, 2)
    q, k, v = (getattr(donor if part == name else base, name)[layer] for name in "qkv")
    return attend(q[None], k[None], v[None], k[:, :0], v[:, :0])[0]


@torch.no_grad()
def given_at(
    base: BaseRun, donor: BaseRun, layer: int, part: str, position: int
) -> Float[Tensor, "prompt kept head d_head"]:
    """As `given`, for a key or value of one position only; what is put out from that position on."""
    kept = {name: getattr(base, name)[layer] for name in "qkv"}
    own = {name: tensor[:, position:] for name, tensor in kept.items()}
    own[part] = torch.cat([getattr(donor, part)[layer][:, position, None], own[part][:, 1:]], dim=1)
    past = kept["k"][:, :position], kept["v"][:, :position]
    return attend(own["q"][None], own["k"][None], own["v"][None], *past)[0]
