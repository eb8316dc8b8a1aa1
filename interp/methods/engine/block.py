"""The pieces of one transformer block on plain tensors: attention with a kept past, and feed-forward.

Rows are positions of prompts of equal length. Where earlier positions did not change, their keys and
values are given as `past` and not computed again.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.engine.weights import Layer

ROWS_AT_ONCE = 512  # rows whose hidden layer still fits a CPU's cache
PerHead = Float[Tensor, "variant prompt position head d_head"]
Past = Float[Tensor, "prompt past head d_head"]
Rows = Float[Tensor, "row d_model"]


def queries_keys_values(layer: Layer, x: Rows) -> Float[Tensor, "row three head d_head"]:
    """Queries (divided by the root of their width), keys and values of these rows."""
    return layer.qkv(layer.norm1(x)).unflatten(-1, (3, *layer.b_Q.shape))


def attend(q: PerHead, k: PerHead, v: PerHead, past_k: Past, past_v: Past) -> PerHead:
    """What the heads put out: every position looks at the past and at the given positions up to its own."""
    q, k, v = (part.permute(1, 3, 0, 2, 4) for part in (q, k, v))  # prompt head variant position d_head
    own = _causal(q @ k.transpose(-1, -2))
    if not past_k.shape[1]:
        return (own.softmax(-1) @ v).permute(2, 0, 3, 1, 4)
    before = q.flatten(2, 3) @ past_k.permute(0, 2, 3, 1)
    pattern = torch.cat([before.view(*q.shape[:-1], -1), own], dim=-1).softmax(-1)
    seen, own = pattern.split([past_k.shape[1], own.shape[-1]], dim=-1)
    z = (seen.flatten(2, 3) @ past_v.transpose(1, 2)).view(q.shape) + own @ v
    return z.permute(2, 0, 3, 1, 4)


def patterns(
    q: Float[Tensor, "prompt position head d_head"], k: Float[Tensor, "prompt position head d_head"]
) -> Float[Tensor, "prompt head query key"]:
    """How much every position looks at every earlier one, by head."""
    return _causal(q.transpose(1, 2) @ k.permute(0, 2, 3, 1)).softmax(-1)


def feed_forward(layer: Layer, x: Rows) -> Rows:
    """The residual stream after the feed-forward layer, given the stream before it."""
    return torch.cat([part + _mlp_out(layer, part) for part in x.split(ROWS_AT_ONCE)])


def _mlp_out(layer: Layer, x: Rows) -> Rows:
    return layer.mlp_out(layer.mlp_in(layer.norm2(x), layer.activation))


def _causal(scores: Float[Tensor, "*axes query key"]) -> Float[Tensor, "*axes query key"]:
    """The scores with minus infinity where a query would see what comes after it. Written in place."""
    if scores.shape[-1] == 1:
        return scores
    future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    return scores.masked_fill_(future, float("-inf"))


def end_heads(
    layer: Layer,
    end: Float[Tensor, "variant prompt d_model"],
    own: Float[Tensor, "variant prompt position d_model"],
    past: Float[Tensor, "prompt past d_model"],
) -> Float[Tensor, "variant prompt head d_head"]:
    """What the heads put out at the end only, from normalised rows: no key or value is computed.

    A query times a key is the query, carried back through W_K, times the key's own row; the bias of the
    keys adds the same to every score and drops out. A mean of values is the value of the mean row.
    """
    q = torch.einsum("vpm,hmd->vphd", end, layer.W_Q) + layer.b_Q
    looking = torch.einsum("vphd,hmd->vphm", q, layer.W_K)
    scores = looking @ own.transpose(-1, -2)  # variant prompt head position
    if past.shape[1]:
        before = looking.transpose(0, 1).flatten(1, 2) @ past.transpose(-1, -2)
        scores = torch.cat([before.unflatten(1, (len(end), -1)).transpose(0, 1), scores], dim=-1)
    seen, pattern = scores.softmax(-1).split([past.shape[1], own.shape[2]], dim=-1)
    rows = pattern @ own
    if past.shape[1]:
        far = seen.transpose(0, 1).flatten(1, 2) @ past
        rows = rows + far.unflatten(1, (len(end), -1)).transpose(0, 1)
    return torch.einsum("vphm,hmd->vphd", rows, layer.W_V) + layer.b_V
