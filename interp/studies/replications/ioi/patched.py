"""TransformerLens' patching demos measured again: clean states in the corrupted run, and their estimates."""

from collections.abc import Callable

import numpy as np
import torch

from interp.methods.estimates import component_estimates, head_estimates
from interp.methods.patching import activation_patching, head_patching, head_position_patching
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.studies.names import ioi
from interp.studies.replications.ioi import sentences
from interp.studies.replications.ioi.reading import differences, result

PARTS = {"output": "z", "query": "q", "key": "k", "value": "v", "pattern": "pattern"}
KINDS = ("resid_pre", "attn_out", "mlp_out")


def layers(model: Bridge) -> dict[str, Result]:
    """Residual stream, attention and feed-forward outputs, by layer and position."""
    clean, corrupted = sentences.eight(model), sentences.eight_corrupted(model)
    return {f"eight/patched/{kind}": share_by_layer(model, clean, corrupted, kind) for kind in KINDS}


def pair(model: Bridge) -> dict[str, Result]:
    """The Main Demo's pair: both logit differences, and the residual stream by layer and position."""
    clean, corrupted = sentences.pair(model)
    leads = torch.cat([differences(model, prompts) for prompts in (clean, corrupted)])
    return {
        "pair/logit_difference": result(model, leads, run=("clean", "corrupted")),
        "pair/resid_pre": share_by_layer(model, clean, corrupted, "resid_pre"),
    }


def heads(model: Bridge) -> dict[str, Result]:
    """Every part of every head at all positions."""
    return {"eight/patched/heads": _shares_of_parts(model, head_patching)}


def positions(model: Bridge) -> dict[str, Result]:
    """Every part of every head at one position."""
    return {"eight/patched/positions": _shares_of_parts(model, head_position_patching)}


def estimates(model: Bridge) -> dict[str, Result]:
    """The same by a straight line from the corrupted run: everything that writes, and parts of heads."""
    clean, corrupted = sentences.eight(model), sentences.eight_corrupted(model)
    metric = ioi.logit_difference(corrupted)
    components = component_estimates(model, corrupted, clean, metric).mean("prompt")
    parts = head_estimates(model, corrupted, clean, metric).mean("prompt")
    swing = _swing(model, clean, corrupted)
    over_positions = {name: labels for name, labels in parts.axes.items() if name != "position"}
    summed = parts.values.sum(axis=-1) / swing
    return {
        "eight/linear/layers": result(model, components.values / swing, **components.axes),
        "eight/linear/heads": result(model, summed, **over_positions),
    }


def share_by_layer(model: Bridge, clean: Prompts, corrupted: Prompts, kind: str) -> Result:
    """Share of the mean logit difference that the clean state restores, by layer and position."""
    metric = ioi.logit_difference(corrupted)
    change = activation_patching(model, corrupted, clean, metric, kind=kind, progress=False).mean("prompt")
    return result(model, change.values / _swing(model, clean, corrupted), **change.axes)


def _shares_of_parts(model: Bridge, patching: Callable[..., Result]) -> Result:
    clean, corrupted = sentences.eight(model), sentences.eight_corrupted(model)
    metric = ioi.logit_difference(corrupted)
    found = [
        patching(model, corrupted, clean, metric, part=part, progress=False).mean("prompt")
        for part in PARTS.values()
    ]
    values = np.stack([one.values for one in found]) / _swing(model, clean, corrupted)
    return result(model, values, part=PARTS, **found[0].axes)


def _swing(model: Bridge, clean: Prompts, corrupted: Prompts) -> float:
    return float(differences(model, clean).mean() - differences(model, corrupted).mean())


MEASURES: dict[str, Callable] = {
    "eight/patched/layers": layers,
    "eight/patched/heads": heads,
    "eight/patched/positions": positions,
    "eight/linear": estimates,
    "pair": pair,
}
