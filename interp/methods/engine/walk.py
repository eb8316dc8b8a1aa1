"""All blocks once, layer by layer, for whoever listens to the neurons or reads the residual stream: nothing
is kept, nothing unembedded.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from interp.methods.engine.block import ROWS_AT_ONCE, feed_forward, queries_keys_values
from interp.methods.engine.weights import Layer, Weights


@torch.no_grad()
def walk(
    weights: Weights, tokens: Int[Tensor, "prompt position"]
) -> Iterator[tuple[int, Float[Tensor, "prompt position neuron"]]]:
    """Number of each layer and its neurons after the activation function. The last layer's output, which
    nobody hears, is not computed.
    """
    tokens = tokens.to(weights.device)
    x = weights.embedding[tokens] + weights.positions[: tokens.shape[1]]
    for number, layer in enumerate(weights.layers):
        x = x + _attention(layer, x)
        parts = x.flatten(0, 1).split(ROWS_AT_ONCE)
        hidden = torch.cat([layer.mlp_in(layer.norm2(part), layer.activation) for part in parts])
        yield number, hidden.unflatten(0, x.shape[:2])
        if number < len(weights.layers) - 1:
            x = x + torch.cat([layer.mlp_out(part) for part in hidden.split(ROWS_AT_ONCE)]).view(x.shape)


@torch.no_grad()
def streams(
    weights: Weights, tokens: Int[Tensor, "prompt position"]
) -> Iterator[dict[str, Float[Tensor, "prompt position d_model"]]]:
    """The residual stream of each layer: `resid_mid`, after its attention, and `resid_post`, at its end."""
    tokens = tokens.to(weights.device)
    x = weights.embedding[tokens] + weights.positions[: tokens.shape[1]]
    for layer in weights.layers:
        mid = x + _attention(layer, x)
        x = feed_forward(layer, mid.flatten(0, 1)).view(mid.shape)
        yield {"resid_mid": mid, "resid_post": x}


def bare_blocks(weights: Weights, tokens: Int[Tensor, "prompt position"]) -> None:
    """Run the same blocks and listen to nothing: what a scan cannot be faster than."""
    for _ in walk(weights, tokens):
        pass


def _attention(layer: Layer, x: Float[Tensor, "prompt position d_model"]) -> Tensor:
    q, k, v = queries_keys_values(layer, x.flatten(0, 1)).unflatten(0, x.shape[:2]).unbind(2)
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))  # prompt head position d_head
    z = functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=1.0)
    return layer.out(z.transpose(1, 2).flatten(0, 1).flatten(-2)).view(x.shape)
