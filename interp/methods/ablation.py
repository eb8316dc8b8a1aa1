"""Switching heads off and measuring what changes. It refuses to know what the task is: a `Metric` says that.

A head that is switched off is silenced at every real position of a prompt (padding is left alone) by putting
something else in the place of its output `z`:

- `mean`: its mean over the reference prompts of the same template, position by position (Wang et al. 2022);
- `zero`: nothing at all. Value biases are not folded by `models.load`, so this head then writes exactly
  nothing;
- `resample`: its output on one reference prompt of the same template, drawn anew for every prompt.

In `mean` and `resample` the reference is a second set of `Prompts`; without one the prompts themselves serve.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from interp import hooks, models
from interp.methods.engine.base import BaseRun, base_runs
from interp.methods.engine.ends import Reader
from interp.methods.engine.heads import shifted
from interp.methods.engine.sets import replaced, with_shared
from interp.methods.engine.sweep import OnLayer, changes, sweep, whole
from interp.methods.engine.weights import weights_of
from interp.methods.readout import Metric
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site, check_place

WAYS = ("mean", "zero", "resample")  # what `how` may be
SETS_AT_ONCE = 64
Mask = Mapping[int, Bool[Tensor, "prompt position head"]]  # by layer; True = replaced
LEAST_PER_TEMPLATE = 2  # a mean over one prompt is a resample in disguise


def head_ablation(
    model: Bridge,
    prompts: Prompts,
    metric: Metric,
    *,
    reference: Prompts | None = None,
    how: str = "mean",
    layers: Sequence[int] | None = None,
    seed: int = 0,
    progress: bool = True,
    on_layer: OnLayer | None = None,
) -> Result:
    """Change in the metric when each head alone is switched off: Result[layer, head, prompt].

    Switched off minus untouched: negative means that the head helped. `layers` limits the sweep (default:
    all). It runs from the last layer down; `on_layer(layer, values [head, prompt])` is called after each, and
    whatever it raises ends the sweep. Raises ValueError for an unknown `how`, or where the reference does
    not fit (see `head_values`). Source: Wang et al. 2022 (arXiv:2211.00593), section 2.1.
    """
    layers = list(range(sizes(model).n_layers)) if layers is None else list(layers)
    values = head_values(model, prompts, layers, how=how, reference=reference, seed=seed)
    weights = weights_of(model)

    def ends_of(run: BaseRun, layer: int) -> Tensor:
        outputs = _of_run(run, values[layer])
        return shifted(run, layer, outputs - run.z[layer], 0)

    found = sweep(
        base_runs(weights, prompts), Reader(weights, metric), layers, (sizes(model).n_heads,), ends_of,
        words="switching off heads", progress=progress, on_layer=on_layer,
    )  # fmt: skip
    axes = {"layer": layers, "head": range(sizes(model).n_heads), "prompt": range(len(prompts))}
    return _result(model, prompts, found, axes, how, seed, "change when the head is switched off")


def set_ablation(
    model: Bridge,
    prompts: Prompts,
    metric: Metric,
    heads: Sequence[Head],
    *,
    reference: Prompts | None = None,
    how: str = "mean",
    seed: int = 0,
) -> Result:
    """Change in the metric when all these heads are switched off together: Result[prompt].

    Same convention as `head_ablation`; no heads means no change, exactly.
    """
    sets = [tuple(heads)]
    return sets_ablation(
        model, prompts, metric, sets, reference=reference, how=how, seed=seed, progress=False
    ).at(set=0)


def sets_ablation(
    model: Bridge,
    prompts: Prompts,
    metric: Metric,
    sets: Sequence[Sequence[Head]],
    *,
    reference: Prompts | None = None,
    how: str = "mean",
    seed: int = 0,
    progress: bool = True,
) -> Result:
    """As `set_ablation` for several sets of heads: Result[set, prompt].

    What the sets share is computed once, and sets that begin in the same layer go through the rest together.
    """
    for head in (head for heads in sets for head in heads):
        check_place(head, models.describe(model))
    masks = [_mask(prompts, heads, sizes(model).n_heads) for heads in sets]
    return masked_ablation(
        model, prompts, metric, masks, reference=reference, how=how, seed=seed, progress=progress
    )


def masked_ablation(
    model: Bridge,
    prompts: Prompts,
    metric: Metric,
    masks: Sequence[Mask],
    *,
    reference: Prompts | None = None,
    how: str = "mean",
    seed: int = 0,
    progress: bool = True,
) -> Result:
    """Change in the metric when heads are replaced at chosen positions: Result[set, prompt].

    A mask maps a layer to Bool[prompt position head], True = replaced by its baseline; padding never is, and
    layers that it does not name are left alone. Heads that are not replaced see what the replaced ones did.
    With every head outside a circuit masked this is the knockout of Wang et al. 2022, section 2.1. Raises
    ValueError for a mask of another shape or layer, and as `head_values` does.
    """
    axes = {"set": range(len(masks)), "prompt": range(len(prompts))}
    bench = Replacements(model, prompts, metric, reference=reference, how=how, seed=seed)
    found = bench.changes(masks, progress=progress)
    return _result(model, prompts, found, axes, how, seed, "change when the heads are switched off")


class Replacements:
    """One batch of prompts with all that `masked_ablation` needs, for many calls: baselines and base runs."""

    def __init__(
        self,
        model: Bridge,
        prompts: Prompts,
        metric: Metric,
        *,
        reference: Prompts | None = None,
        how: str = "mean",
        seed: int = 0,
    ):
        """Raises ValueError as `head_values` does."""
        self._model, self._prompts = model, prompts
        layers = range(sizes(model).n_layers)
        self._values = head_values(model, prompts, layers, how=how, reference=reference, seed=seed)
        weights = weights_of(model)
        self._runs, self._reader = base_runs(weights, prompts), Reader(weights, metric)

    def changes(self, masks: Sequence[Mask], *, progress: bool = False) -> Float[np.ndarray, "set prompt"]:
        """As `masked_ablation`, the numbers alone. What all masks share is computed once."""
        hooks.check_untouched(self._model)
        for mask in masks:
            _check_mask(self._model, self._prompts, mask)
        real = self._prompts.real()[:, :, None]
        masks = [{layer: where.cpu() & real for layer, where in mask.items()} for mask in masks]
        return _sets_changes(self._runs, self._reader, masks, self._values, progress=progress)


def _sets_changes(
    runs: Sequence[BaseRun],
    reader: Reader,
    masks: Sequence[Mask],
    values: dict[int, Tensor],
    *,
    progress: bool,
) -> Float[np.ndarray, "set prompt"]:
    untouched = whole(runs, lambda run: run.end[None])
    before, shared = reader(untouched), _shared(masks)
    begun = {
        id(run): with_shared(run, _mask_of_run(run, shared), _values_of_run(run, values, shared))
        for run in runs
    }
    alike = whole(runs, lambda run: begun[id(run)].end[None])
    found = np.repeat(np.asarray(changes(reader, alike, untouched, before)), len(masks), axis=0)
    differing = list(_together(masks, shared))
    steps = sum(map(len, differing))
    with tqdm(total=steps, desc="switching off sets", disable=not progress, leave=False) as bar:
        for sets in differing:
            layers = sorted({layer for number in sets for layer in masks[number]})
            stacked = {layer: _stacked(masks, sets, layer) for layer in layers}
            ends = whole(
                runs, lambda run, stacked=stacked: _replaced(begun[id(run)], stacked, values, shared)
            )
            found[sets] = changes(reader, ends, untouched, before)
            bar.update(len(sets))
    return found


def _shared(masks: Sequence[Mask]) -> Mask:
    """What every one of several masks replaces, by layer; layers without such heads are left out."""
    layers = set.intersection(*(set(mask) for mask in masks)) if len(masks) > 1 else set()
    both = {layer: torch.stack([mask[layer] for mask in masks]).all(dim=0) for layer in sorted(layers)}
    return {layer: where for layer, where in both.items() if where.any()}


def _replaced(run: BaseRun, masks: dict[int, Tensor], values: dict[int, Tensor], shared: Mask) -> Tensor:
    """The last states of these sets for the prompts of one run, in which what they share is replaced."""
    here = {layer: mask[:, run.index.cpu(), : run.length].to(run.end.device) for layer, mask in masks.items()}
    return replaced(run, here, _values_of_run(run, values, masks), _mask_of_run(run, shared))


def _mask_of_run(run: BaseRun, mask: Mask) -> dict[int, Tensor]:
    return {layer: where[run.index.cpu(), : run.length].to(run.end.device) for layer, where in mask.items()}


def _values_of_run(run: BaseRun, values: dict[int, Tensor], layers: Iterable[int]) -> dict[int, Tensor]:
    return {layer: _of_run(run, values[layer]) for layer in layers}


def _together(masks: Sequence[Mask], shared: Mask) -> Iterator[list[int]]:
    """Sets that begin in the same layer, a few at a time, last layer first; those that replace nothing but
    what all share are left out."""
    begun = [
        min((layer for layer, where in mask.items() if _more(where, shared.get(layer)).any()), default=None)
        for mask in masks
    ]
    for layer in sorted({layer for layer in begun if layer is not None}, reverse=True):
        numbers = [number for number, first in enumerate(begun) if first == layer]
        for start in range(0, len(numbers), SETS_AT_ONCE):
            yield numbers[start : start + SETS_AT_ONCE]


def _more(where: Tensor, shared: Tensor | None) -> Tensor:
    return where if shared is None else where & ~shared


def _stacked(
    masks: Sequence[Mask], sets: Sequence[int], layer: int
) -> Bool[Tensor, "set prompt position head"]:
    like = next(iter(masks[sets[0]].values()))
    return torch.stack([masks[number].get(layer, torch.zeros_like(like)) for number in sets])


def _of_run(run: BaseRun, values: Float[Tensor, "prompt position head d_head"]) -> Tensor:
    """The part of the baselines that belongs to the prompts of one run."""
    return values[run.index.to(values.device), : run.length].to(run.end)


def _mask(prompts: Prompts, heads: Sequence[Head], width: int) -> Mask:
    """These heads at every position."""
    mask = {}
    for head in heads:
        where = mask.setdefault(head.layer, torch.zeros(*prompts.tokens.shape, width, dtype=torch.bool))
        where[:, :, head.head] = True
    return mask


def _check_mask(model: Bridge, prompts: Prompts, mask: Mask) -> None:
    wanted = (*prompts.tokens.shape, sizes(model).n_heads)
    for layer, where in mask.items():
        if not 0 <= layer < sizes(model).n_layers:
            raise ValueError(
                f"A mask names layer {layer}, but the model has layers 0-{sizes(model).n_layers - 1}: "
                "choose one of these."
            )
        if tuple(where.shape) != wanted:
            raise ValueError(
                f"The mask of layer {layer} has the shape {tuple(where.shape)}; these prompts need {wanted} "
                "(prompt, position, head)."
            )


def edits(
    model: Bridge,
    prompts: Prompts,
    heads: Sequence[Head],
    *,
    how: str = "mean",
    reference: Prompts | None = None,
    seed: int = 0,
) -> list[hooks.Put]:
    """The edits that switch these heads off on these prompts, in layer order; give them to `hooks.run`.

    Raises ValueError for a head that the model does not have, and as `head_values` does.
    """
    for head in heads:
        check_place(head, models.describe(model))
    ordered = sorted(set(heads))
    layers = sorted({head.layer for head in ordered})
    values = head_values(model, prompts, layers, how=how, reference=reference, seed=seed)
    return [_edit(prompts, head, values[head.layer]) for head in ordered]


def head_values(
    model: Bridge,
    prompts: Prompts,
    layers: Sequence[int],
    *,
    how: str = "mean",
    reference: Prompts | None = None,
    seed: int = 0,
) -> dict[int, Float[Tensor, "prompt position head d_head"]]:
    """What is put in the place of every head's output, by layer: one value per prompt and position.

    Raises ValueError if `how` is unknown, or if the reference and the prompts do not fit: a template without
    `LEAST_PER_TEMPLATE` reference prompts, another length within a template, another use of `<|endoftext|>`.
    """
    check_how(how)
    if how == "zero":
        like = (*prompts.tokens.shape, sizes(model).n_heads, sizes(model).d_head)
        return {layer: prompts.tokens.new_zeros(like, dtype=torch.float32) for layer in layers}
    reference = prompts if reference is None else reference
    _check_fit(prompts, reference)
    recorded = hooks.record(model, reference, [Site("z", layer) for layer in layers])
    width = prompts.tokens.shape[1]
    outputs = {layer: _to_width(recorded[Site("z", layer)], width) for layer in layers}
    if how == "mean":
        return {layer: _template_means(prompts, reference, outputs[layer]) for layer in layers}
    partners = _partners(prompts, reference, seed)
    return {layer: outputs[layer][partners] for layer in layers}


def _template_means(
    prompts: Prompts, reference: Prompts, outputs: Float[Tensor, "reference position head d_head"]
) -> Float[Tensor, "prompt position head d_head"]:
    means = outputs.new_zeros(len(prompts), *outputs.shape[1:])
    for template in prompts.template.unique():
        means[prompts.template == template] = outputs[reference.template == template].mean(dim=0)
    return means


def _partners(prompts: Prompts, reference: Prompts, seed: int) -> Int[Tensor, "prompt"]:
    """For every prompt the index of one reference prompt of its template, drawn with this seed."""
    generator = torch.Generator().manual_seed(seed)
    partners = []
    for template in prompts.template:
        candidates = (reference.template == template).nonzero().flatten()
        partners.append(candidates[torch.randint(len(candidates), (1,), generator=generator)[0]])
    return torch.stack(partners)


def _to_width(outputs: Float[Tensor, "reference position head d_head"], width: int) -> Tensor:
    """Cut or zero-pad at the right. Only padding is touched: lengths are equal within a template."""
    missing = width - outputs.shape[1]
    return torch.nn.functional.pad(outputs, (0, 0, 0, 0, 0, missing)) if missing > 0 else outputs[:, :width]


def check_how(how: str) -> None:
    """Nothing, if `how` is a way to switch a head off; else ValueError that names the ways."""
    if how not in WAYS:
        raise ValueError(f"how={how!r} is not a way to switch a head off: choose mean, zero or resample.")


def _check_fit(prompts: Prompts, reference: Prompts) -> None:
    if prompts.bos != reference.bos:
        raise ValueError(
            f"The prompts have bos={prompts.bos} and the reference prompts bos={reference.bos}: "
            "write both with the same bos."
        )
    for template in prompts.template.unique():
        lengths = reference.length[reference.template == template]
        if len(lengths) < LEAST_PER_TEMPLATE:
            raise ValueError(
                f"Template {template.item()} has {len(lengths)} reference prompts, but at least "
                f"{LEAST_PER_TEMPLATE} are needed: a mean over fewer is no mean. Write more reference "
                "prompts, or use fewer templates."
            )
        _check_lengths(template.item(), prompts.length[prompts.template == template], lengths)


def _check_lengths(template: int, own: Int[Tensor, "prompt"], others: Int[Tensor, "reference"]) -> None:
    found = sorted({*own.tolist(), *others.tolist()})
    if len(found) > 1:
        raise ValueError(
            f"Prompts of template {template} have lengths {found}, but position-by-position replacement "
            "needs one length per template. Give each length its own template number."
        )


def _edit(prompts: Prompts, head: Head, values: Float[Tensor, "prompt position head d_head"]) -> hooks.Put:
    return hooks.Put(head, values[:, :, head.head], where=prompts.real())


def _result(
    model: Bridge, prompts: Prompts, values: np.ndarray, axes: dict, how: str, seed: int, quantity: str
) -> Result:
    about = {**models.about(model), "baseline": how, "bos": prompts.bos, "seed": seed, "n": len(prompts)}
    labels = {axis: tuple(names) for axis, names in axes.items()}
    return Result(values, labels, quantity, "nats", about)
