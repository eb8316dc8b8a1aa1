"""Where the work happens: putting one state of another run in the place of this run's.

The prompts and their corrupted twins differ in a word but agree in shape. Where the twin's state, put
into the clean run, carries the whole change of the answer, the work that differs has been done before and
stands there.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from interp import models
from interp.methods.readout import Metric, measure, streams
from interp.prompts import Prompts
from interp.result import Result

LEAST_SWING = 1e-6  # nats; below this a share of the swing means nothing


def residual_patching(
    model, prompts: Prompts, corrupted: Prompts, metric: Metric, *, spots: Sequence[str] = ("end", "S2")
) -> Result:
    """Share of the clean-to-corrupted swing that one residual state carries: Result[layer, spot].

    For each layer and spot, the corrupted run's `resid_pre` at that spot is put into the clean run. 0 =
    nothing changes, 1 = the metric moves all the way to the corrupted run; a ratio of means over prompts.
    Raises ValueError if the two do not match word for word in position, or if the swing is nil.
    """
    return residual_shares(model, prompts, corrupted, metric, spots=spots).mean("prompt")


def residual_shares(
    model, prompts: Prompts, corrupted: Prompts, metric: Metric, *, spots: Sequence[str] = ("end", "S2")
) -> Result:
    """As `residual_patching`, prompt by prompt: Result[layer, spot, prompt]; for intervals.

    Each prompt's change is divided by the mean swing, so that the mean over prompts is the ratio of means.
    """
    _check_twins(prompts, corrupted, spots)
    layers = range(model.cfg.n_layers)
    clean_streams, twin_streams = streams(model, prompts, layers), streams(model, corrupted, layers)
    clean = measure(model, prompts, metric, clean_streams[0], 0)
    swing = (clean - measure(model, prompts, metric, twin_streams[0], 0)).mean()
    if abs(swing.item()) < LEAST_SWING:
        raise ValueError(
            f"The corrupted prompts change the metric by {swing.item():.2g} on average, so there is no "
            "swing to share out. Choose corrupted prompts that change the answer."
        )
    shares = torch.zeros(model.cfg.n_layers, len(spots), len(prompts), dtype=torch.float64)
    for layer in layers:
        for column, spot in enumerate(spots):
            where = prompts.mask(spot)[..., None].to(clean_streams[layer].device)
            mixed = torch.where(where, twin_streams[layer], clean_streams[layer])
            shares[layer, column] = (clean - measure(model, prompts, metric, mixed, layer)) / swing
    return _result(model, prompts, shares, spots)


def _check_twins(prompts: Prompts, corrupted: Prompts, spots: Sequence[str]) -> None:
    if prompts.tokens.shape != corrupted.tokens.shape:
        raise ValueError(
            f"The prompts have shape {tuple(prompts.tokens.shape)} and the corrupted prompts "
            f"{tuple(corrupted.tokens.shape)}: write one corrupted prompt per prompt, of the same length."
        )
    for spot in dict.fromkeys((*spots, "end")):
        if spot not in prompts.spots:
            raise ValueError(f"The prompts have no spot called {spot!r}, only {sorted(prompts.spots)}.")
        if not torch.equal(prompts.spots[spot], corrupted.spots[spot]):
            raise ValueError(
                f"The spot {spot!r} stands at different positions in the prompts and the corrupted prompts: "
                "corrupt them by exchanging single tokens."
            )


def _result(model, prompts: Prompts, shares: Tensor, spots: Sequence[str]) -> Result:
    axes = {
        "layer": tuple(range(model.cfg.n_layers)),
        "spot": tuple(spots),
        "prompt": tuple(range(len(prompts))),
    }
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(np.asarray(shares), axes, "share of the swing carried", "share", about)
