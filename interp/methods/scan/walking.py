"""The blocks of a model, one layer's neurons after the other: what a scan listens to. No unembedding."""

from collections.abc import Iterator

from jaxtyping import Float, Int
from torch import Tensor

from interp import hooks, models
from interp.sites import Site


def walk(
    model, tokens: Int[Tensor, "window position"]
) -> Iterator[tuple[int, Float[Tensor, "window position neuron"]]]:
    """Layer by layer, the neurons' activations after the activation function."""
    sites = [Site("mlp_post", layer) for layer in range(models.describe(model).layers)]
    recorded = hooks.record(model, tokens, sites)
    for layer, site in enumerate(sites):
        yield layer, recorded[site]
