"""Circuits: a few heads, each at one named word, with everything outside them replaced by its mean.

A `Node` is a head at a spot. A circuit is a set of nodes. Feed-forward layers, embeddings and layer norms
are never replaced: they run on whatever the heads leave. Source: Wang et al. 2022 (arXiv:2211.00593),
sections 2.1 and 4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from interp import models
from interp.methods.ablation import masked_ablation
from interp.methods.readout import Metric
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, check_place

EVERYWHERE = "every word"  # the spot of a node that acts at all words
Masks = dict[int, Bool[Tensor, "prompt position head"]]


@dataclass(frozen=True, order=True)
class Node:
    """A head at one named word, or at `EVERYWHERE`: what it writes there, and nowhere else."""

    head: Head
    spot: str

    def __str__(self) -> str:
        return f"{self.head} at {self.spot}"


def inside(model, prompts: Prompts, nodes: Iterable[Node]) -> Masks:
    """True at each node of every prompt, by layer: one True per prompt and node at a named word.

    Raises ValueError for a head the model does not have or a spot the prompts do not have.
    """
    shape = (*prompts.tokens.shape, model.cfg.n_heads)
    masks = {layer: torch.zeros(shape, dtype=torch.bool) for layer in range(model.cfg.n_layers)}
    for node in nodes:
        check_place(node.head, models.describe(model))
        where = prompts.real() if node.spot == EVERYWHERE else prompts.mask(node.spot)
        masks[node.head.layer][..., node.head.head] |= where
    return masks


def outside(model, prompts: Prompts, nodes: Iterable[Node]) -> Masks:
    """True wherever a head is not a node, at every real word: what is replaced to leave the circuit alone."""
    real = prompts.real()[..., None]
    return {layer: real & ~kept for layer, kept in inside(model, prompts, nodes).items()}


def circuits_alone(
    model,
    prompts: Prompts,
    metric: Metric,
    circuits: Sequence[Sequence[Node]],
    *,
    reference: Prompts | None = None,
    progress: bool = True,
) -> Result:
    """Change in the metric when all heads outside a circuit are replaced by their mean: Result[set, prompt].

    The mean is taken over `reference`, per template and position. A circuit of all heads at all words changes
    nothing. Raises ValueError for a circuit with no heads.
    """
    for circuit in circuits:
        if not circuit:
            raise ValueError("A circuit with no heads leaves nothing running: name at least one head.")
    masks = [outside(model, prompts, circuit) for circuit in circuits]
    return masked_ablation(model, prompts, metric, masks, reference=reference, progress=progress)


def nodes_removed(
    model,
    prompts: Prompts,
    metric: Metric,
    sets: Sequence[Sequence[Node]],
    *,
    reference: Prompts | None = None,
    progress: bool = True,
) -> Result:
    """Change in the metric when only these nodes are replaced by their mean: Result[set, prompt].

    A set without nodes changes nothing.
    """
    masks = [inside(model, prompts, nodes) for nodes in sets]
    return masked_ablation(model, prompts, metric, masks, reference=reference, progress=progress)
