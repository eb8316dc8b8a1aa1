"""Which (head, position) pairs stay when only a circuit works, and what the model then prefers."""

from collections.abc import Collection, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.ablation import Mask, masked_ablation
from interp.methods.circuits import Node
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.published import Part, circuit
from interp.sites import Head
from interp.studies.names import ioi
from interp.studies.replications.ioi.reading import differences

Working = Mapping[Head, str]  # head -> the spot at which it works
WEAK_INDUCTION = (Head(5, 8), Head(5, 9))


def published_circuit(telling: str = "paper") -> Mapping[str, Part]:
    """The circuit that is published for GPT-2 small."""
    found = circuit("gpt2", telling)
    assert found is not None
    return found


def working(parts: Mapping[str, Part]) -> dict[Head, str]:
    """Every head of a circuit with its spot."""
    return {head: part.spot for part in parts.values() for head in part.heads}


def nodes(telling: str = "paper") -> tuple[Node, ...]:
    """The published circuit as nodes."""
    return tuple(Node(head, spot) for head, spot in working(published_circuit(telling)).items())


def without(whole: Working, heads: Collection[Head]) -> dict[Head, str]:
    """The circuit less these heads."""
    return {head: spot for head, spot in whole.items() if head not in heads}


def removed_before(
    circuit: Mapping[str, Part], backups: Sequence[Head], last: Mapping[Head, Collection[Head]]
) -> dict[Head, frozenset[Head]]:
    """By head, the set K that leaves the circuit before it: the rest of its class, with these exceptions.

    Name movers leave in order of importance, and after them these `backups`; the weak induction heads leave
    after the negative name movers, and the heads of `last` after those named there.
    """
    movers, negatives = circuit["name mover"].heads, circuit["negative name mover"].heads
    found = _earlier(movers, ())
    for name in ("negative name mover", "S-inhibition", "induction", "duplicate token", "previous token"):
        heads = circuit[name].heads
        found |= {head: frozenset(heads) - {head} for head in heads}
    found |= {head: frozenset(negatives) for head in WEAK_INDUCTION}
    found |= _earlier(backups, movers)
    return found | {head: frozenset(before) - {head} for head, before in last.items()}


def only(model: Bridge, prompts: Prompts, replaced: Working) -> Mask:
    """True at one position per prompt for each of these heads, False elsewhere."""
    shape = (*prompts.tokens.shape, sizes(model).n_heads)
    mask = {layer: torch.zeros(shape, dtype=torch.bool) for layer in range(sizes(model).n_layers)}
    for head, spot in replaced.items():
        mask[head.layer][:, :, head.head] |= prompts.mask(spot)
    return mask


def all_but(model: Bridge, prompts: Prompts, kept: Working) -> Mask:
    """True wherever a head is not at its spot of the circuit: what a circuit on its own does without."""
    return {layer: ~where for layer, where in only(model, prompts, kept).items()}


def all_but_anywhere(model: Bridge, prompts: Prompts, kept: Working) -> Mask:
    """As `all_but`, but a head is kept at the positions of all prompts in every prompt: a published slip."""
    own = only(model, prompts, kept)
    return {layer: ~where.any(dim=0, keepdim=True).expand_as(where) for layer, where in own.items()}


def scores(
    model: Bridge, prompts: Prompts, reference: Prompts, masks: Sequence[Mask]
) -> Float[Tensor, "mask"]:
    """Mean logit difference under each mask, what is masked being replaced by the reference's template means.

    The reference is given twice: its means are the same, and a template with one prompt has the two that
    `ablation.head_values` asks for. A mean over one prompt is a resample; the sources do not mind.
    """
    twice = reference.take([*range(len(reference))] * 2)
    metric = ioi.logit_difference(prompts)
    changes = masked_ablation(model, prompts, metric, masks, reference=twice, progress=False)
    untouched = differences(model, prompts).mean()
    return untouched + torch.from_numpy(changes.values.mean(axis=1))


def _earlier(heads: Sequence[Head], before: Sequence[Head]) -> dict[Head, frozenset[Head]]:
    """By head, `before` and all heads that come earlier in the order."""
    return {head: frozenset({*before, *heads[:number]}) for number, head in enumerate(heads)}
