"""Patching estimated by a straight line: two runs and one backward pass instead of a run per place.

The change that a donor's state would make is estimated as (donor's state - own state) times the slope of the
metric at the own state. That misses everything curved: a softmax that is already settled hides large effects.
Source: Nanda 2023, "Attribution patching"; Syed et al. 2023 (arXiv:2310.10348).
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.methods.patching import check_pairs
from interp.methods.readout import Metric
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site

PARTS = {"output": "z", "query": "q", "key": "k", "value": "v", "pattern": "pattern"}
QUANTITY = "change if the donor's state were put there, linear estimate"


def head_estimates(model: Bridge, prompts: Prompts, donor: Prompts, metric: Metric) -> Result:
    """The estimated change of the metric for every part of every head: Result[part, layer, head, prompt,
    position], in the metric's unit.

    `PARTS` names the parts; the position of a pattern is its query. Raises
    ValueError for pairs of unequal length.
    """
    layers = range(sizes(model).n_layers)
    sites = [Site(kind, layer) for kind in PARTS.values() for layer in layers]
    found = _estimates(model, prompts, donor, metric, sites)
    by_head = [found[site] if site.kind == "pattern" else found[site].transpose(1, 2) for site in sites]
    values = torch.stack([one.sum(dim=-1).transpose(0, 1) for one in by_head])
    axes = {
        "part": tuple(PARTS), "layer": tuple(layers), "head": tuple(range(sizes(model).n_heads)),
        **_places(prompts),
    }  # fmt: skip
    return _result(model, prompts, values.unflatten(0, (len(PARTS), len(layers))), axes)


def component_estimates(model: Bridge, prompts: Prompts, donor: Prompts, metric: Metric) -> Result:
    """The estimated change of the metric for everything that writes: Result[component, prompt, position].

    Components: embed, pos_embed, then attn_out and mlp_out of every layer, in the metric's unit.
    """
    sites = [Site("embed"), Site("pos_embed")]
    sites += [Site(kind, layer) for layer in range(sizes(model).n_layers) for kind in ("attn_out", "mlp_out")]
    found = _estimates(model, prompts, donor, metric, sites)
    values = torch.stack([found[site].sum(dim=-1).expand(prompts.tokens.shape) for site in sites])
    return _result(model, prompts, values, {"component": tuple(map(str, sites)), **_places(prompts)})


def _estimates(
    model: Bridge, prompts: Prompts, donor: Prompts, metric: Metric, sites: list[Site]
) -> dict[Site, Tensor]:
    """By site: what is there with the donor, minus what is there, times the slope."""
    check_pairs(prompts, donor)

    def total(logits: Float[Tensor, "prompt position token"]) -> Float[Tensor, ""]:
        return metric(prompts.at(logits, "end")).sum()

    slopes = hooks.gradients(model, prompts, total, sites)
    own, other = (hooks.record(model, these, sites) for these in (prompts, donor))
    return {site: (other[site] - own[site]).double() * slopes[site].double() for site in sites}


def _places(prompts: Prompts) -> dict[str, tuple[int, ...]]:
    return {"prompt": tuple(range(len(prompts))), "position": tuple(range(prompts.tokens.shape[1]))}


def _result(model: Bridge, prompts: Prompts, values: Tensor, axes: dict[str, tuple]) -> Result:
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(np.asarray(values.cpu()), axes, QUANTITY, "nats", about)
