"""Which (head, position) pairs stay when only a circuit works, and what the model then prefers."""

from collections.abc import Collection, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.ablation import Mask, masked_ablation
from interp.prompts import Prompts
from interp.published import Part, circuit
from interp.sites import Head
from interp.studies import ioi
from interp.studies.replications.ioi.reading import differences

Working = Mapping[Head, str]  # head -> the spot at which it works


def published_circuit(telling: str = "paper") -> Mapping[str, Part]:
    """The circuit that is published for GPT-2 small."""
    found = circuit("gpt2", telling)
    assert found is not None
    return found


def working(parts: Mapping[str, Part]) -> dict[Head, str]:
    """Every head of a circuit with its spot."""
    return {head: part.spot for part in parts.values() for head in part.heads}


def without(whole: Working, heads: Collection[Head]) -> dict[Head, str]:
    """The circuit less these heads."""
    return {head: spot for head, spot in whole.items() if head not in heads}


def only(model, prompts: Prompts, replaced: Working) -> Mask:
    """True at one position per prompt for each of these heads, False elsewhere."""
    shape = (*prompts.tokens.shape, model.cfg.n_heads)
    mask = {layer: torch.zeros(shape, dtype=torch.bool) for layer in range(model.cfg.n_layers)}
    for head, spot in replaced.items():
        mask[head.layer][:, :, head.head] |= prompts.mask(spot)
    return mask


def all_but(model, prompts: Prompts, kept: Working) -> Mask:
    """True wherever a head is not at its spot of the circuit: what a circuit on its own does without."""
    return {layer: ~where for layer, where in only(model, prompts, kept).items()}


def all_but_anywhere(model, prompts: Prompts, kept: Working) -> Mask:
    """As `all_but`, but a head is kept at the positions of all prompts in every prompt: a published slip."""
    own = only(model, prompts, kept)
    return {layer: ~where.any(dim=0, keepdim=True).expand_as(where) for layer, where in own.items()}


def scores(model, prompts: Prompts, reference: Prompts, masks: Sequence[Mask]) -> Float[Tensor, "mask"]:
    """Mean logit difference under each mask, what is masked being replaced by the reference's template means.

    The reference is given twice: its means are the same, and a template with one prompt has the two that
    `ablation.head_values` asks for. A mean over one prompt is a resample; the sources do not mind.
    """
    twice = reference.take([*range(len(reference))] * 2)
    metric = ioi.logit_difference(prompts)
    changes = masked_ablation(model, prompts, metric, masks, reference=twice, progress=False)
    untouched = differences(model, prompts).mean()
    return untouched + torch.from_numpy(changes.values.mean(axis=1))
