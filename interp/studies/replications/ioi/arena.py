"""ARENA's exercise measured again: 25 prompts without `<|endoftext|>`, path patching, the circuit alone."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from interp import models
from interp.methods import attention, copying
from interp.methods.paths import Receiver, path_patching
from interp.models import Bridge, sizes
from interp.published import Part
from interp.result import Result
from interp.sites import Head
from interp.studies.names import ioi
from interp.studies.replications.ioi import circuits, sentences
from interp.studies.replications.ioi.circuits import published_circuit
from interp.studies.replications.ioi.exploratory import ZEROED
from interp.studies.replications.ioi.reading import (
    by_head,
    differences,
    of_head,
    result,
    writing,
    written_by_heads,
    zero,
)
from interp.words.replications import ARENA_NAMES

SHOWN = 5  # prompts whose logit differences the page shows
SCATTERED = (Head(9, 9), Head(11, 10))
FIRST_BACKUPS = tuple(map(Head.parse, ("L11H2", "L10H6", "L10H10", "L10H2", "L9H7", "L10H1")))
LAST_BACKUPS = (Head(11, 9), Head(9, 0))
ROWS = LENGTH = 50  # of the exercise's random tokens; its seed is unknown


def behaviour(model: Bridge) -> dict[str, Result]:
    """Logit differences of the IOI and the ABC prompts, both with the original names."""
    both = [differences(model, told(model)) for told in (sentences.arena, sentences.arena_reference)]
    kinds = ("IOI", "ABC")
    means, shown = torch.stack([one.mean() for one in both]), torch.stack([one[:SHOWN] for one in both])
    return {
        "arena/mean_logit_difference": result(model, means, prompts=kinds),
        "arena/logit_difference": result(model, shown, prompts=kinds, prompt=range(SHOWN)),
    }


def paths_to_logits(model: Bridge) -> dict[str, Result]:
    """Path patching from every head to the logits, in percent of the way to the ABC prompts."""
    return {"arena/paths/logits": _paths(model, None)}


def paths_to_values(model: Bridge) -> dict[str, Result]:
    """Path patching from every head to the values of the S-inhibition heads, in percent likewise."""
    receivers = [Receiver(head, "v") for head in published_circuit()["S-inhibition"].heads]
    return {"arena/paths/inhibition_values": _paths(model, receivers)}


def faithfulness_and_minimality(model: Bridge) -> dict[str, Result]:
    """The circuit on its own, and what each of its heads is worth in it."""
    prompts, reference = sentences.arena(model), sentences.arena_reference(model)
    whole, removed = circuits.working(published_circuit()), removed_before(published_circuit())
    ways = [way(model, prompts, whole) for way in (circuits.all_but, circuits.all_but_anywhere)]
    sets = {frozenset(heads) for head, first in removed.items() for heads in (first, {*first, head})}
    masks = [circuits.all_but(model, prompts, circuits.without(whole, heads)) for heads in sets]
    found = circuits.scores(model, prompts, reference, [*ways, *masks])
    score = dict(zip(sets, found[len(ways) :], strict=True))
    model_score = differences(model, prompts).mean()
    worth = [abs(score[first | {head}] - score[first]) / model_score for head, first in removed.items()]
    kept = ("one position per prompt", "positions of all prompts")
    return {
        "arena/circuit": result(model, found[: len(ways)], kept=kept),
        "arena/minimality": result(model, worth, head=map(str, removed)),
    }


def removed_before(circuit: Mapping[str, Part]) -> dict[Head, frozenset[Head]]:
    """By head, the set K that leaves the circuit before it, as the exercise chooses it (after figure 20)."""
    last = frozenset({*circuit["name mover"].heads, *LAST_BACKUPS})
    return circuits.removed_before(circuit, FIRST_BACKUPS, dict.fromkeys(LAST_BACKUPS, last))


def copies(model: Bridge) -> dict[str, Result]:
    """Which heads copy names and which hold them down, asked without a sentence; layer 0 left out."""
    ids = torch.tensor([sentences.token(model, name) for name in ARENA_NAMES])
    scores = [copying.copy_scores(model, ids, sign=sign).values[1:] for sign in (1, -1)]
    layers = range(1, sizes(model).n_layers)
    axes = {"sign": (1, -1), "layer": layers, "head": range(sizes(model).n_heads)}
    return {"arena/copy_scores": result(model, np.stack(scores), **axes)}


def scatter(model: Bridge) -> dict[str, Result]:
    """Attention from the end to a name, and writing along the name's unembedding without any scaling."""
    prompts = sentences.arena(model)
    seen = [attention.attention_to(model, prompts, key=spot) for spot in ("IO", "S1")]
    looks = [[of_head(one, head) for one in seen] for head in SCATTERED]
    axes = {"head": list(map(str, SCATTERED)), "name": ("IO", "S1"), "prompt": range(len(prompts))}
    return {
        "arena/attention": result(model, np.array(looks), **axes),
        "arena/writing": result(model, writing(model, prompts, SCATTERED), **axes),
    }


def roles(model: Bridge) -> dict[str, Result]:
    """Role scores on random tokens of the whole vocabulary, divided by 50 as the exercise divides them."""
    vocabulary = models.describe(model).vocabulary
    once = torch.randint(0, vocabulary, (ROWS, LENGTH), generator=torch.Generator().manual_seed(0))
    scores = attention.role_scores(model, once)
    entries = np.array([2 * LENGTH - 1, LENGTH, LENGTH + 1])  # of the three diagonals
    values = scores.values * entries[:, None, None] / LENGTH
    return {"arena/roles": result(model, values, **scores.axes)}


def zeroed(model: Bridge) -> dict[str, Result]:
    """The 25 prompts with one name mover zeroed at the end, and what its direct contribution had promised."""
    prompts = sentences.arena(model)
    after = differences(model, prompts, zero(model, prompts, ZEROED)).mean()
    promised = written_by_heads(model, prompts)[ZEROED.layer, ZEROED.head].mean()
    found = [after, differences(model, prompts).mean() - promised]
    return {"arena/zeroed": result(model, found, prediction=("measured", "naive"))}


def _paths(model: Bridge, receivers: Sequence[Receiver] | None) -> Result:
    prompts, reference = sentences.arena(model), sentences.arena_reference(model)
    swing = (differences(model, prompts) - differences(model, reference)).mean()
    metric = ioi.logit_difference(prompts)
    changes = path_patching(model, prompts, reference, metric, receivers=receivers, progress=False)
    return by_head(model, 100 * changes.values.mean(axis=-1) / float(swing))


MEASURES: dict[str, Callable] = {
    "arena/behaviour": behaviour,
    "arena/paths/logits": paths_to_logits,
    "arena/paths/inhibition_values": paths_to_values,
    "arena/circuit": faithfulness_and_minimality,
    "arena/copy_scores": copies,
    "arena/scatter": scatter,
    "arena/roles": roles,
    "arena/zeroed": zeroed,
}
