"""Where the work happens: putting one state of another run in the place of this run's.

The prompts and their corrupted twins differ in a word but agree in shape. Where the twin's state, put
into the clean run, carries the whole change of the answer, the work that differs has been done before and
stands there.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp import models
from interp.methods.engine.base import BaseRun, base_runs, donor_run
from interp.methods.engine.ends import Reader
from interp.methods.engine.heads import PARTS, given, given_at, shifted, shifted_at_each_position
from interp.methods.engine.states import KINDS, put_at_each_position
from interp.methods.engine.sweep import OnLayer, sweep
from interp.methods.engine.weights import weights_of
from interp.methods.readout import Metric, measure, streams
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result

LEAST_SWING = 1e-6  # nats; below this a share of the swing means nothing


def residual_patching(
    model: Bridge,
    prompts: Prompts,
    corrupted: Prompts,
    metric: Metric,
    *,
    spots: Sequence[str] = ("end", "S2"),
) -> Result:
    """Share of the clean-to-corrupted swing that one residual state carries: Result[layer, spot].

    For each layer and spot, the corrupted run's `resid_pre` at that spot is put into the clean run. 0 =
    nothing changes, 1 = the metric moves all the way to the corrupted run; a ratio of means over prompts.
    Raises ValueError if the two do not match word for word in position, or if the swing is nil.
    """
    return residual_shares(model, prompts, corrupted, metric, spots=spots).mean("prompt")


def residual_shares(
    model: Bridge,
    prompts: Prompts,
    corrupted: Prompts,
    metric: Metric,
    *,
    spots: Sequence[str] = ("end", "S2"),
) -> Result:
    """As `residual_patching`, prompt by prompt: Result[layer, spot, prompt]; for intervals.

    Each prompt's change is divided by the mean swing, so that the mean over prompts is the ratio of means.
    """
    _check_twins(prompts, corrupted, spots)
    layers = range(sizes(model).n_layers)
    clean_streams, twin_streams = streams(model, prompts, layers), streams(model, corrupted, layers)
    clean = measure(model, prompts, metric, clean_streams[0], 0)
    swing = (clean - measure(model, prompts, metric, twin_streams[0], 0)).mean()
    if abs(swing.item()) < LEAST_SWING:
        raise ValueError(
            f"The corrupted prompts change the metric by {swing.item():.2g} on average, so there is no "
            "swing to share out. Choose corrupted prompts that change the answer."
        )
    shares = torch.zeros(sizes(model).n_layers, len(spots), len(prompts), dtype=torch.float64)
    for layer in layers:
        for column, spot in enumerate(spots):
            where = prompts.mask(spot)[..., None].to(clean_streams[layer].device)
            mixed = torch.where(where, twin_streams[layer], clean_streams[layer])
            shares[layer, column] = (clean - measure(model, prompts, metric, mixed, layer)) / swing
    return _result(model, prompts, shares, spots)


def activation_patching(
    model: Bridge,
    prompts: Prompts,
    donor: Prompts,
    metric: Metric,
    *,
    kind: str = "resid_pre",
    progress: bool = True,
    on_layer: OnLayer | None = None,
) -> Result:
    """Change in the metric with the donor's state at one layer and position: Result[layer, position, prompt],
    nats.

    `prompts` is the run that is edited, `donor` the run whose state is put in, prompt by prompt; patched
    minus untouched. `kind` is one of `KINDS`. Positions before the first token that differs,
    and beyond a prompt's end, change nothing, exactly. It runs from the last layer down; `on_layer(layer,
    values [position, prompt])` is called after each, and whatever it raises ends the sweep. Raises
    ValueError for another kind, for a pair of unequal length and for a pair that is the same. Source: Meng
    et al. 2022 (arXiv:2202.05262); Heimersheim and Nanda 2024 (arXiv:2404.15255).
    """
    _check_choice(kind, KINDS, "a kind of state")
    width = prompts.tokens.shape[1]

    def ends_of(base: BaseRun, other: BaseRun, start: int, layer: int) -> Tensor:
        return _padded(base, put_at_each_position(base, other, layer, kind, start)[None], width)[0]

    return _patched(model, prompts, donor, metric, {"position": range(width)}, ends_of,
                    f"{kind} from the donor", progress, on_layer)  # fmt: skip


def head_patching(
    model: Bridge,
    prompts: Prompts,
    donor: Prompts,
    metric: Metric,
    *,
    part: str = "z",
    progress: bool = True,
    on_layer: OnLayer | None = None,
) -> Result:
    """Change in the metric with one part of a head from the donor, at all positions: Result[layer, head,
    prompt], nats.

    `part` is z (what the head puts out), q, k, v or pattern. Conventions and errors as in
    `activation_patching`.
    """
    _check_choice(part, PARTS, "a part of a head")

    def ends_of(base: BaseRun, other: BaseRun, start: int, layer: int) -> Tensor:
        return shifted(base, layer, given(base, other, layer, part) - base.z[layer], start)

    return _patched(model, prompts, donor, metric, {"head": range(sizes(model).n_heads)}, ends_of,
                    f"{part} of a head from the donor", progress, on_layer)  # fmt: skip


def head_position_patching(
    model: Bridge,
    prompts: Prompts,
    donor: Prompts,
    metric: Metric,
    *,
    part: str = "z",
    progress: bool = True,
    on_layer: OnLayer | None = None,
) -> Result:
    """Change in the metric with one part of a head from the donor, at one position: Result[layer, head,
    position, prompt], nats.

    As `head_patching`; the position is the query of a pattern. Conventions and errors as in
    `activation_patching`.
    """
    _check_choice(part, PARTS, "a part of a head")
    width = prompts.tokens.shape[1]

    def ends_of(base: BaseRun, other: BaseRun, start: int, layer: int) -> Tensor:
        ends = _padded(base, _at_each_position(base, other, start, layer, part), width)
        return ends.flatten(0, 1)

    axes = {"head": range(sizes(model).n_heads), "position": range(width)}
    return _patched(model, prompts, donor, metric, axes, ends_of,
                    f"{part} of a head from the donor", progress, on_layer)  # fmt: skip


def normalised(result: Result, clean: Result | float, corrupted: Result | float) -> Result:
    """The changes of a patching result as shares of the swing: 0 = as corrupted, 1 = as clean.

    For a run on corrupted prompts with a clean donor; `clean` and `corrupted` are the metric on either, as
    numbers or Result[prompt]. Every change is divided by the mean swing, so that a mean over prompts is a
    ratio of means. This is the scale of TransformerLens' demonstrations. Raises ValueError if the swing is
    nil.
    """
    swing = _mean(clean) - _mean(corrupted)
    if abs(swing) < LEAST_SWING:
        raise ValueError(
            f"The clean and the corrupted prompts differ by {swing:.2g} in the metric, so there is no swing"
            " to share out. Choose corrupted prompts that change the answer."
        )
    return replace(
        result, values=result.values / swing, quantity=f"{result.quantity}: share of the swing", unit="share"
    )


def _mean(metric: Result | float) -> float:
    return float(metric.values.mean()) if isinstance(metric, Result) else float(metric)


def _patched(
    model: Bridge,
    prompts: Prompts,
    donor: Prompts,
    metric: Metric,
    axes: dict[str, range],
    ends_of: Callable[[BaseRun, BaseRun, int, int], Tensor],
    quantity: str,
    progress: bool,
    on_layer: OnLayer | None,
) -> Result:
    """What all patching has in common. `ends_of(base, donor, first position that differs, layer)`."""
    check_pairs(prompts, donor)
    first = first_difference(prompts, donor)
    _refuse_same(prompts, first)
    weights = weights_of(model)
    runs = base_runs(weights, prompts, split=[first])
    donors = {id(run): donated(run, donor, first) for run in runs}
    shape = tuple(len(labels) for labels in axes.values())
    layers = range(sizes(model).n_layers)
    values = sweep(
        runs, Reader(weights, metric), layers, shape,
        lambda run, layer: ends_of(run, *donors[id(run)], layer),
        words=f"putting in {quantity}", progress=progress, on_layer=on_layer,
    )  # fmt: skip
    labels = {"layer": layers, **axes, "prompt": range(len(prompts))}
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(
        values, {axis: tuple(one) for axis, one in labels.items()}, f"change with {quantity}", "nats", about
    )


def _at_each_position(base: BaseRun, other: BaseRun, start: int, layer: int, part: str) -> Tensor:
    """Last states [head, position, prompt, d_model], one part of one head at one position from the donor."""
    if part not in ("k", "v"):  # one position of z changes
        shift = given(base, other, layer, part) - base.z[layer]
        return shifted_at_each_position(base, layer, shift, start)
    ends = base.end.expand(base.z[layer].shape[2], base.length, *base.end.shape).clone()
    for position in range(start, base.length):  # z changes from the position on
        shift = given_at(base, other, layer, part, position) - base.z[layer][:, position:]
        ends[:, position] = shifted(base, layer, shift, position)
    return ends


def _padded(base: BaseRun, ends: Float[Tensor, "variant position prompt d_model"], width: int) -> Tensor:
    """The same for all positions of the batch: beyond a prompt's end nothing changes."""
    beyond = base.end.expand(len(ends), width - base.length, *base.end.shape)
    return torch.cat([ends, beyond], dim=1)


def first_difference(prompts: Prompts, donor: Prompts) -> Int[Tensor, "prompt"]:
    """The first position at which each prompt and its donor differ; its length where they do not."""
    width = min(prompts.tokens.shape[1], donor.tokens.shape[1])
    differ = (prompts.tokens[:, :width] != donor.tokens[:, :width]) & prompts.real()[:, :width]
    return torch.where(differ.any(dim=1), differ.int().argmax(dim=1), prompts.length)


def donated(base: BaseRun, donor: Prompts, first: Int[Tensor, "prompt"]) -> tuple[BaseRun, int]:
    """The donor's run beside a base run of prompts with one first difference, and that position."""
    start = int(first[base.index[0].cpu()])
    tokens = donor.tokens.to(base.index.device)[base.index, : base.length]
    return (donor_run(base, tokens, start) if start < base.length else base), start


def check_pairs(prompts: Prompts, donor: Prompts) -> None:
    """Nothing, if the two can be laid side by side token by token; else ValueError."""
    if len(prompts) != len(donor):
        raise ValueError(
            f"There are {len(prompts)} prompts and {len(donor)} donors: write one donor per prompt."
        )
    for number, (own, other) in enumerate(zip(prompts.length.tolist(), donor.length.tolist(), strict=True)):
        if own != other:
            raise ValueError(
                f"Prompt {number} has {own} tokens and its donor {other}: patching puts position on position,"
                " so write pairs of the same length by exchanging single tokens."
            )


def _refuse_same(prompts: Prompts, first: Int[Tensor, "prompt"]) -> None:
    for number in (first == prompts.length).nonzero().flatten().tolist():
        raise ValueError(
            f"Prompt {number} and its donor are the same, {prompts.texts[number]!r}: putting one into the"
            " other can change nothing. Exchange a word in one of them."
        )


def _check_choice(chosen: str, known: Sequence[str], what: str) -> None:
    if chosen not in known:
        raise ValueError(f"{chosen!r} is not {what} that can be patched. Choose one of: {', '.join(known)}.")


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


def _result(model: Bridge, prompts: Prompts, shares: Tensor, spots: Sequence[str]) -> Result:
    axes = {
        "layer": tuple(range(sizes(model).n_layers)),
        "spot": tuple(spots),
        "prompt": tuple(range(len(prompts))),
    }
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(np.asarray(shares), axes, "share of the swing carried", "share", about)
