"""The rest of a forward pass for many variants of a run at once: only what changed, only what is read.

A variant differs from the base run from some position on. `Span(start, variants)` are the rows of all
variants that change from `start`: variants x prompts x positions from `start` to the end. Spans are packed
into one matrix of rows, so that every product is large; only attention takes them one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.engine.base import BaseRun
from interp.methods.engine.block import attend, end_heads, feed_forward, queries_keys_values

Rows = Float[Tensor, "row d_model"]
Whole = Float[Tensor, "whole d_model"]  # the rows of whole spans
PerHead = Float[Tensor, "variant prompt position head d_head"]
Ends = Float[Tensor, "variant prompt d_model"]


@dataclass(frozen=True)
class Span:
    """The rows of so many variants that change from position `start` on."""

    start: int
    variants: int


class Edit:
    """What happens to a variant on its way, beyond what it starts with: nothing, unless a subclass says so.

    Both receive the positions from the span's start on (`heads` of the last block: the end only) and may
    return new tensors or write into those they were given.
    """

    def rewires(self, layer: int) -> bool:
        """Whether `queries_keys_values` changes anything in this layer."""
        return False

    def queries_keys_values(
        self, layer: int, span: Span, q: PerHead, k: PerHead, v: PerHead
    ) -> tuple[PerHead, PerHead, PerHead]:
        """Queries, keys and values as the variant shall have them."""
        return q, k, v

    def heads(self, layer: int, span: Span, z: PerHead) -> PerHead:
        """The heads' outputs as the variant shall have them."""
        return z


UNCHANGED = Edit()


@torch.no_grad()
def from_feed_forward(
    base: BaseRun, x: Rows, layer: int, spans: Sequence[Span], *, edit: Edit = UNCHANGED, narrow: bool = False
) -> Ends:
    """The last states [variant prompt d_model], spans one after another, of rows that enter the feed-forward
    layer of `layer`. In the last layer rows hold the end only. `narrow` as in `from_block`."""
    x = feed_forward(base.weights.layers[layer], x)
    return from_block(base, x, layer + 1, spans, edit=edit, narrow=narrow)


@torch.no_grad()
def from_block(
    base: BaseRun, x: Rows, layer: int, spans: Sequence[Span], *, edit: Edit = UNCHANGED, narrow: bool = False
) -> Ends:
    """The last states [variant prompt d_model], spans one after another, of rows that enter block `layer`.

    `narrow`: the rows hold only each span's first position; later ones enter as in the base run.
    """
    if layer > base.last:
        return x.unflatten(0, (-1, len(base.tokens)))
    for number in range(layer, base.last):
        x = _block(base, x, number, spans, edit, narrow)
        narrow = False
    return _last_block(base, x, spans, edit, narrow)


def _block(base: BaseRun, x: Rows, number: int, spans: Sequence[Span], edit: Edit, narrow: bool) -> Whole:
    layer = base.weights.layers[number]
    z = _heads(base, x, number, spans, edit, narrow)
    z = torch.cat([edit.heads(number, span, one).flatten(0, 2) for span, one in zip(spans, z, strict=True)])
    return feed_forward(layer, _streams(base, x, number, spans, narrow) + layer.out(z.flatten(-2)))


def _last_block(base: BaseRun, x: Rows, spans: Sequence[Span], edit: Edit, narrow: bool) -> Ends:
    layer, number = base.weights.layers[-1], base.last
    x = _streams(base, x, number, spans, narrow)
    if edit.rewires(number):
        z = [one[:, :, -1:] for one in _heads(base, x, number, spans, edit, False)]
    else:
        z = _end_heads(base, x, spans)
    z = torch.cat([edit.heads(number, span, one).flatten(0, 2) for span, one in zip(spans, z, strict=True)])
    ends = torch.cat([one[:, :, -1].flatten(0, 1) for one in _split(base, x, spans)])
    return feed_forward(layer, ends + layer.out(z.flatten(-2))).unflatten(0, (-1, len(base.tokens)))


def _heads(
    base: BaseRun, x: Rows, number: int, spans: Sequence[Span], edit: Edit, narrow: bool
) -> list[PerHead]:
    """What the heads of a block put out, span by span."""
    own = queries_keys_values(base.weights.layers[number], x)
    found = []
    for span, rows in zip(spans, _split(base, own, spans, 1 if narrow else None), strict=True):
        q, k, v = rows.unbind(3)
        if narrow:
            kept = (base.q[number], base.k[number], base.v[number])
            q, k, v = (_widened(one, old, span) for one, old in zip((q, k, v), kept, strict=True))
        if edit.rewires(number):
            q, k, v = edit.queries_keys_values(number, span, q, k, v)
        found.append(attend(q, k, v, base.k[number][:, : span.start], base.v[number][:, : span.start]))
    return found


def _end_heads(base: BaseRun, x: Rows, spans: Sequence[Span]) -> list[PerHead]:
    """What the heads of the last block put out at the end, span by span."""
    layer, known = base.weights.layers[-1], base.normed
    return [
        end_heads(layer, own[:, :, -1], own, known[:, : span.start])[:, :, None]
        for span, own in zip(spans, _split(base, layer.norm1(x), spans), strict=True)
    ]


def _streams(base: BaseRun, x: Rows, number: int, spans: Sequence[Span], narrow: bool) -> Whole:
    """The rows of whole spans, when `x` holds their first positions only."""
    if not narrow:
        return x
    parts = zip(spans, _split(base, x, spans, 1), strict=True)
    return torch.cat([_widened(one, base.pre[number], span).flatten(0, 2) for span, one in parts])


def _widened(
    first: Float[Tensor, "variant prompt one *rest"],
    known: Float[Tensor, "prompt position *rest"],
    span: Span,
) -> Float[Tensor, "variant prompt kept *rest"]:
    """The span's first position, followed by the base run's later ones."""
    later = known[:, span.start + 1 :]
    return torch.cat([first, later.expand(len(first), *later.shape)], dim=2)


def _split(
    base: BaseRun, rows: Float[Tensor, "row *rest"], spans: Sequence[Span], width: int | None = None
) -> list[Float[Tensor, "variant prompt position *rest"]]:
    """Packed rows, span by span; `width` is the number of positions, by default all from the start on."""
    prompts = len(base.tokens)
    widths = [base.length - span.start if width is None else width for span in spans]
    counts = [span.variants * prompts * wide for span, wide in zip(spans, widths, strict=True)]
    return [
        part.unflatten(0, (span.variants, prompts, wide))
        for part, span, wide in zip(rows.split(counts), spans, widths, strict=True)
    ]
