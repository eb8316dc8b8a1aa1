"""The run that everything is compared with: one forward pass of prompts of equal length, kept whole.

A batch of prompts is split by length, so that no row is padding and the last row is always the end. The
last block is computed at the end only, save for its queries, keys and values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.methods.engine.block import attend, feed_forward, queries_keys_values
from interp.methods.engine.weights import Weights
from interp.prompts import Prompts

Stream = Float[Tensor, "prompt position d_model"]
PerHead = Float[Tensor, "prompt position head d_head"]
OfHeads = Callable[[int, PerHead], PerHead]  # layer, what its heads put out -> what they shall put out


@dataclass(frozen=True, eq=False)
class BaseRun:
    """What one forward pass left behind, by layer. `index` says which prompts of the batch these are."""

    weights: Weights
    index: Int[Tensor, "prompt"]
    tokens: Int[Tensor, "prompt position"]
    pre: tuple[Stream, ...]  # the residual stream that enters each block
    mid: tuple[Stream, ...]  # between attention and feed-forward; not of the last block
    q: tuple[PerHead, ...]
    k: tuple[PerHead, ...]
    v: tuple[PerHead, ...]
    z: tuple[PerHead, ...]
    end_mid: Float[Tensor, "prompt d_model"]  # of the last block
    end: Float[Tensor, "prompt d_model"]  # after the last block

    @property
    def length(self) -> int:
        """The number of positions."""
        return self.tokens.shape[1]

    @property
    def last(self) -> int:
        """The number of the last block."""
        return len(self.weights.layers) - 1

    @property
    def normed(self) -> Stream:
        """What the attention of the last block reads."""
        return self.weights.layers[-1].norm1(self.pre[-1])

    def after_attention(self, layer: int, start: int) -> Float[Tensor, "prompt kept d_model"]:
        """The stream after a block's attention, from `start` on; of the last block at the end only."""
        return self.end_mid[:, None] if layer == self.last else self.mid[layer][:, start:]


def base_runs(
    weights: Weights,
    prompts: Prompts,
    *,
    split: Sequence[Int[Tensor, "prompt"]] = (),
    most_rows: int | None = None,
) -> list[BaseRun]:
    """One run per length among the prompts, in order of length.

    `split` holds further columns; prompts that differ in one are run apart. No run has more than
    `most_rows` rows, unless one prompt has.
    """
    keys = torch.stack([prompts.length, *split])
    runs = []
    for key in keys.unique(dim=1).T:
        same = (keys == key[:, None]).all(dim=0).nonzero().flatten()
        for index in same.split(max(1, (most_rows or len(same) * int(key[0])) // int(key[0]))):
            tokens = prompts.tokens[index, : int(key[0])].to(weights.device)
            runs.append(base_run(weights, index.to(weights.device), tokens))
    return runs


def base_run(
    weights: Weights, index: Int[Tensor, "prompt"], tokens: Int[Tensor, "prompt position"]
) -> BaseRun:
    """The run on these tokens."""
    return _go(weights, index, tokens, start=0, known=None)


def donor_run(base: BaseRun, tokens: Int[Tensor, "prompt position"], start: int) -> BaseRun:
    """The run on other tokens that agree with those of `base` before `start`; nothing before is run again."""
    return _go(base.weights, base.index, tokens, start=start, known=base)


def changed_run(base: BaseRun, start: int, of_heads: OfHeads) -> BaseRun:
    """The same run with heads' outputs changed from `start` on; nothing before is run again."""
    return _go(base.weights, base.index, base.tokens, start=start, known=base, of_heads=of_heads)


@torch.no_grad()
def _go(
    weights: Weights,
    index: Tensor,
    tokens: Tensor,
    *,
    start: int,
    known: BaseRun | None,
    of_heads: OfHeads = lambda layer, z: z,
) -> BaseRun:
    kept: dict[str, list[Tensor]] = {name: [] for name in ("pre", "mid", "q", "k", "v", "z")}
    places = torch.arange(start, tokens.shape[1], device=tokens.device)
    x = weights.embedding[tokens[:, start:]] + weights.positions[places]
    end_mid = end = x[:, -1]
    for number, layer in enumerate(weights.layers):
        past = _past(known, number, start) or (x.new_zeros(len(x), 0, *layer.b_K.shape),) * 2
        q, k, v = queries_keys_values(layer, x.flatten(0, 1)).unflatten(0, x.shape[:2]).unbind(2)
        z = of_heads(number, attend(q[None], k[None], v[None], *past)[0])
        for name, part in zip(("pre", "q", "k", "v", "z"), (x, q, k, v, z), strict=True):
            kept[name].append(part)
        if number == len(weights.layers) - 1:
            end_mid = x[:, -1] + layer.out(z[:, -1].flatten(-2))
            end = feed_forward(layer, end_mid)
            break
        mid = x + layer.out(z.flatten(0, 1).flatten(-2)).view(x.shape)
        kept["mid"].append(mid)
        x = feed_forward(layer, mid.flatten(0, 1)).view(x.shape)
    whole = {name: tuple(_joined(known, name, parts, start)) for name, parts in kept.items()}
    return BaseRun(weights, index, tokens, **whole, end_mid=end_mid, end=end)


def _past(known: BaseRun | None, number: int, start: int) -> tuple[Tensor, Tensor] | None:
    return None if known is None else (known.k[number][:, :start], known.v[number][:, :start])


def _joined(known: BaseRun | None, name: str, parts: list[Tensor], start: int) -> list[Tensor]:
    if known is None or start == 0:
        return parts
    return [
        torch.cat([old[:, :start], new], dim=1) for old, new in zip(getattr(known, name), parts, strict=True)
    ]
