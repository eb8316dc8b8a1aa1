"""Paths from one head to others, or to the end.

All other heads are frozen, so nothing moves between positions. First the senders' change is carried upwards
along the residual stream, a wave over the layers that gathers the senders of each layer when it comes to
them. Then, if there are receivers, their queries, keys or values are overwritten with what the wave brings,
and the rest of the model runs freely.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.engine.base import BaseRun
from interp.methods.engine.block import attend, feed_forward
from interp.methods.engine.suffix import Edit, Span, from_feed_forward
from interp.methods.engine.sweep import in_pieces
from interp.methods.engine.weights import Layer
from interp.sites import Head

Wave = Float[Tensor, "sender prompt position d_model"]
Ends = Float[Tensor, "sender prompt d_model"]
Part = tuple[int, int, str]  # layer, head, and q, k or v


@dataclass(frozen=True)
class Window:
    """The positions that a path may run along: from `start` to before `stop`."""

    start: int
    stop: int


@torch.no_grad()
def patched_residuals(
    base: BaseRun, donor: BaseRun, senders: Sequence[Head], window: Window, *, freeze_mlps: bool
) -> Iterator[tuple[int, Wave]]:
    """For every block, and after the last: its number, and the stream that enters it in the window for every
    sender below it (they are in layer order), all other heads frozen at the base run."""
    rows = slice(window.start, window.stop)
    x = base.pre[0][:, rows].new_empty(0, *base.pre[0][:, rows].shape)
    for number, layer in enumerate(base.weights.layers):
        yield number, x
        if number == base.last and window.start < base.length - 1:
            return  # the last block is known at the end only
        known, entered = _mid(base, number, rows), base.pre[number][:, rows]
        heads = [sender.head for sender in senders if sender.layer == number]
        shift = (donor.z[number] - base.z[number])[:, rows, heads]
        begun = known + torch.einsum("pthd,hdm->hptm", shift, layer.W_O[heads])
        x = torch.cat([x + (known - entered), begun])
        if freeze_mlps:
            x = x + (_post(base, number, rows) - known)
        else:
            x = feed_forward(layer, x.flatten(0, 2)).view(x.shape)
    yield len(base.weights.layers), x


def _mid(base: BaseRun, number: int, rows: slice) -> Float[Tensor, "prompt kept d_model"]:
    return base.end_mid[:, None] if number == base.last else base.mid[number][:, rows]


def _post(base: BaseRun, number: int, rows: slice) -> Float[Tensor, "prompt kept d_model"]:
    return base.end[:, None] if number == base.last else base.pre[number + 1][:, rows]


@torch.no_grad()
def to_the_end(base: BaseRun, donor: BaseRun, senders: Sequence[Head], *, freeze_mlps: bool) -> Ends:
    """The last states when each sender alone comes from the donor and acts along the residual stream only."""
    window = Window(base.length - 1, base.length)
    ((_, ends),) = deque(patched_residuals(base, donor, senders, window, freeze_mlps=freeze_mlps), maxlen=1)
    return ends[:, :, 0]


@torch.no_grad()
def to_receivers(
    base: BaseRun,
    donor: BaseRun,
    senders: Sequence[Head],
    receivers: Sequence[Part],
    window: Window,
    *,
    whole: bool,
    freeze_mlps: bool,
) -> Ends:
    """The last states when the receivers' parts are what each sender alone makes of them.

    Senders are in layer order. Parts are overwritten within the window; with `whole` they are held at the
    base run after it. A sender at or above every receiver leaves the end untouched.
    """
    layers = sorted({layer for layer, _, _ in receivers})
    brought: dict[Part, Tensor] = {}
    for number, wave in patched_residuals(base, donor, senders, window, freeze_mlps=freeze_mlps):
        for part in (part for part in receivers if part[0] == number):
            brought[part] = _part(base.weights.layers[number], wave, part)
        if number == layers[-1]:
            break
    ends = base.end.expand(len(senders), *base.end.shape).clone()
    for first, above in zip(layers, [-1, *layers[:-1]], strict=True):
        begun = [n for n, sender in enumerate(senders) if above <= sender.layer < first]
        if begun:
            group = slice(begun[0], begun[-1] + 1)
            ends[group] = _free_run(base, first, group, receivers, brought, window, whole)
    return ends


def _part(layer: Layer, wave: Wave, part: Part) -> Float[Tensor, "sender prompt position d_head"]:
    _, head, kind = part
    matrix, bias = getattr(layer, f"W_{kind.upper()}"), getattr(layer, f"b_{kind.upper()}")
    return layer.norm1(wave) @ matrix[head] + bias[head]


class _Overwritten(Edit):
    """Receivers' queries, keys and values overwritten in a window at the front of the span."""

    def __init__(self, base: BaseRun, brought: Mapping[Part, Tensor], whole: bool):
        self.base, self.brought, self.whole = base, brought, whole

    def rewires(self, layer: int) -> bool:
        """Whether a receiver stands in this layer."""
        return any(part[0] == layer for part in self.brought)

    def queries_keys_values(self, layer: int, span: Span, q: Tensor, k: Tensor, v: Tensor):
        """The receivers' parts as the senders make them."""
        own = {"q": q.clone(), "k": k.clone(), "v": v.clone()}
        for (number, head, kind), value in self.brought.items():
            if number == layer:
                if self.whole:
                    own[kind][..., head, :] = getattr(self.base, kind)[layer][:, span.start :, head]
                own[kind][:, :, : value.shape[2], head] = value
        return own["q"], own["k"], own["v"]


def _free_run(
    base: BaseRun,
    first: int,
    group: slice,
    receivers: Sequence[Part],
    brought: Mapping[Part, Tensor],
    window: Window,
    whole: bool,
) -> Ends:
    """The last states for a group of senders whose lowest receivers stand in layer `first`."""
    rows = len(base.tokens) * (base.length - window.start)
    heads = sorted({head for layer, head, _ in receivers if layer == first})

    def ends_of(piece: slice) -> Ends:
        chosen = slice(group.start + piece.start, group.start + piece.stop)
        edit = _Overwritten(
            base, {part: brought[part][chosen] for part in receivers if part[0] >= first}, whole
        )
        span = Span(window.start, chosen.stop - chosen.start)
        x = _after_receivers(base, first, span, edit, heads)
        return from_feed_forward(base, x.flatten(0, 2), first, [span], edit=edit)

    return in_pieces(group.stop - group.start, rows, base.tokens.device, ends_of)


def _after_receivers(
    base: BaseRun, layer: int, span: Span, edit: Edit, heads: Sequence[int]
) -> Float[Tensor, "sender prompt kept d_model"]:
    """The stream after the attention of a layer where only these heads change."""
    own = (getattr(base, name)[layer][:, span.start :] for name in "qkv")
    q, k, v = (part.expand(span.variants, *part.shape) for part in own)
    q, k, v = (part[..., heads, :] for part in edit.queries_keys_values(layer, span, q, k, v))
    past = (getattr(base, name)[layer][:, : span.start, heads] for name in "kv")
    known = base.after_attention(layer, span.start)
    shift = (attend(q, k, v, *past) - base.z[layer][:, span.start :, heads])[:, :, -known.shape[1] :]
    return known + torch.einsum("vpthd,hdm->vptm", shift, base.weights.layers[layer].W_O[heads])
