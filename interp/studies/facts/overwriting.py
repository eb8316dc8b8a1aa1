"""Later layers overwrite notes: how much of what a layer wrote still stands at the end.

Each feed-forward half adds a vector to the word's state: its note. Later halves add theirs, some of them
against it. What is left at the end is read along the note: 1 all of it, 0 nothing, below 0 the opposite.
"""

import numpy as np
import torch

from interp import hooks, models
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site

OWN, OTHERS = "its own sentence", "another sentence"


def left(model: Bridge, prompts: Prompts) -> Result:
    """What is left at the last word of the note of every layer but the last: Result[later, layer, prompt].

    The control adds what the later layers write in *another* prompt: if they push as much against the note
    there, they erase by habit, not because they have read it. Raises ValueError for fewer than two prompts.
    """
    if len(prompts) < 2:
        raise ValueError("The control needs another prompt: give at least two.")
    layers = range(sizes(model).n_layers - 1)
    last = Site("resid_post", sizes(model).n_layers - 1)
    sites = [*(Site("mlp_out", at) for at in layers), *(Site("resid_post", at) for at in layers), last]
    seen = hooks.record(model, prompts, sites)
    rows, end = torch.arange(len(prompts)), prompts.spots["end"].cpu()
    at_end = {site: seen[site].cpu().double()[rows, end] for site in sites}
    shares = np.zeros((2, len(layers), len(prompts)))
    for layer in layers:
        note = at_end[Site("mlp_out", layer)]
        later = at_end[last] - at_end[Site("resid_post", layer)]
        for which, added in enumerate((later, later.roll(1, dims=0))):
            shares[which, layer] = 1 + ((added * note).sum(dim=1) / (note * note).sum(dim=1)).numpy()
    axes = {"later": (OWN, OTHERS), "layer": tuple(layers), "prompt": tuple(range(len(prompts)))}
    about = {**models.about(model), "n": len(prompts)}
    return Result(shares, axes, "share of the note left at the end", "share", about)


def told(shares: Result) -> str:
    """How many layers' notes are surely taken back in part, and which one most, in one sentence."""
    own, other = shares.at(later=OWN), shares.at(later=OTHERS)
    high = own.interval("prompt").at(bound="high").values
    gone = [layer for layer, bound in zip(own.axes["layer"], high, strict=True) if bound < 1]
    if not gone:
        return "No layer's note is surely taken back: later layers add to them."
    least = min(gone, key=lambda layer: float(own.at(layer=layer).mean("prompt")))
    here, there = (float(one.at(layer=least).mean("prompt")) for one in (own, other))
    return (
        f"Of {len(high)} layers, {len(gone)} have part of their note taken back by later ones. Most is gone"
        f" of layer {least}'s: {here:.0%} of it stands at the end ({there:.0%} if the later layers come from"
        " another sentence)."
    )
