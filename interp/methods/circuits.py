"""Circuits: a few heads, each at one named word, with everything outside them replaced by its mean.

A `Node` is a head at a spot. A circuit is a set of nodes. Feed-forward layers, embeddings and layer norms
are never replaced: they run on whatever the heads leave. Source: Wang et al. 2022 (arXiv:2211.00593),
sections 2.1 and 4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp import models
from interp.methods.ablation import Replacements, masked_ablation
from interp.methods.engine.base import BaseRun, base_run, base_runs
from interp.methods.engine.ends import Reader
from interp.methods.engine.sets import replaced
from interp.methods.engine.sweep import changes, whole
from interp.methods.engine.weights import weights_of
from interp.methods.patching import check_pairs
from interp.methods.readout import Metric
from interp.models import Bridge, sizes
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


def inside(model: Bridge, prompts: Prompts, nodes: Iterable[Node]) -> Masks:
    """True at each node of every prompt, by layer: one True per prompt and node at a named word.

    Raises ValueError for a head the model does not have or a spot the prompts do not have.
    """
    shape = (*prompts.tokens.shape, sizes(model).n_heads)
    masks = {layer: torch.zeros(shape, dtype=torch.bool) for layer in range(sizes(model).n_layers)}
    for node in nodes:
        check_place(node.head, models.describe(model))
        where = prompts.real() if node.spot == EVERYWHERE else prompts.mask(node.spot)
        masks[node.head.layer][..., node.head.head] |= where
    return masks


def outside(model: Bridge, prompts: Prompts, nodes: Iterable[Node]) -> Masks:
    """True wherever a head is not a node, at every real word: what is replaced to leave the circuit alone."""
    real = prompts.real()[..., None]
    return {layer: real & ~kept for layer, kept in inside(model, prompts, nodes).items()}


def circuits_isolated(
    model: Bridge,
    prompts: Prompts,
    metric: Metric,
    circuits: Sequence[Sequence[Node]],
    *,
    reference: Prompts | None = None,
    how: str = "mean",
    progress: bool = True,
) -> Result:
    """Change in the metric when all heads outside a circuit are replaced by their mean: Result[set, prompt].

    The mean is taken over `reference`, per template and position; `how` may be another of `ablation.WAYS`.
    A circuit of all heads at all words changes nothing. Raises ValueError for a circuit with no heads.
    """
    masks = [outside(model, prompts, _some(circuit)) for circuit in circuits]
    return masked_ablation(model, prompts, metric, masks, reference=reference, how=how, progress=progress)


def nodes_removed(
    model: Bridge,
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


class Knockouts:
    """What `circuits_isolated` and `nodes_removed` measure, for many calls on the same prompts: all that the
    calls share is prepared once."""

    def __init__(self, model: Bridge, prompts: Prompts, metric: Metric, *, reference: Prompts | None = None):
        """Raises ValueError as `ablation.head_values` does."""
        self._model, self._prompts = model, prompts
        self._bench = Replacements(model, prompts, metric, reference=reference)

    def isolated(self, circuits: Sequence[Sequence[Node]]) -> Float[np.ndarray, "set prompt"]:
        """As `circuits_isolated`, the numbers alone."""
        return self._bench.changes([outside(self._model, self._prompts, _some(nodes)) for nodes in circuits])

    def removed(self, sets: Sequence[Sequence[Node]]) -> Float[np.ndarray, "set prompt"]:
        """As `nodes_removed`, the numbers alone."""
        return self._bench.changes([inside(self._model, self._prompts, nodes) for nodes in sets])


def nodes_patched(
    model: Bridge, prompts: Prompts, donors: Sequence[Prompts], metric: Metric, nodes: Sequence[Node]
) -> Result:
    """Change in the metric when these nodes put out what they do on a donor: Result[donor, prompt], nats.

    All nodes together, one donor after another; what follows is computed live. The donors are laid beside
    the prompts token by token, and the spots are those of the prompts. Raises ValueError for no nodes, for
    a donor of another length and as `inside` does.
    """
    if not nodes:
        raise ValueError("There is no head to take from the donors: name at least one.")
    weights, masks = weights_of(model), inside(model, prompts, nodes)
    masks = {layer: where for layer, where in masks.items() if where.any()}
    runs, reader = base_runs(weights, prompts), Reader(weights, metric)
    untouched = whole(runs, lambda run: run.end[None])
    found = np.zeros((len(donors), len(prompts)))
    for number, donor in enumerate(donors):
        check_pairs(prompts, donor)
        ends = whole(runs, lambda run, donor=donor: _patched(run, donor, masks))
        found[number] = changes(reader, ends, untouched, reader(untouched))[0]
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    axes = {"donor": tuple(range(len(donors))), "prompt": tuple(range(len(prompts)))}
    return Result(found, axes, "change with heads from the donor", "nats", about)


def _patched(run: BaseRun, donor: Prompts, masks: Masks) -> Float[Tensor, "set same_length d_model"]:
    """The last states of the prompts of one run."""
    index = run.index.cpu()
    other = base_run(run.weights, run.index, donor.tokens[index, : run.length].to(run.end.device))
    here = {layer: where[None, index, : run.length].to(run.end.device) for layer, where in masks.items()}
    return replaced(run, here, {layer: other.z[layer] for layer in masks})


def _some(circuit: Sequence[Node]) -> Sequence[Node]:
    if not circuit:
        raise ValueError("A circuit with no heads leaves nothing running: name at least one head.")
    return circuit
