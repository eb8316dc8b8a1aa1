"""Groups of heads to switch off at once: found in this model, named in the paper, and drawn at random."""

from collections.abc import Mapping, Sequence
from random import Random

from interp import models
from interp.languages import message, say
from interp.models import Bridge
from interp.published import circuits, model_of_shape
from interp.sites import Head
from interp.studies.heads.one_sentence import REFERENCES, SEED
from interp.studies.names import ioi

FOUND, CONTROLS = message("found here"), message("controls")
PAPER = message("from the paper, for GPT-2 small")
CONTROL_SEEDS = (0, 1, 2)
CONTROL_SIZE = 3


def groups(
    model: Bridge, found: Mapping[str, Sequence[Head]] | None = None
) -> dict[str, dict[str, tuple[Head, ...]]]:
    """Named choices by group: found here, from the paper (where the model has GPT-2 small's shape), controls.

    `found` names what a study found in this model; by default the heads that write most towards IO and away
    from S, mean over `REFERENCES` sentences. Groups without heads are left out, and so are roles without
    heads. The controls share no head with what was found.
    """
    if found is None:
        strongest = ioi.strongest_writers(model, ioi.prompts(model, REFERENCES, seed=SEED), 3)
        found = {
            message("strongest writer, over many sentences"): strongest[:1],
            message("three strongest writers, over many sentences"): strongest,
        }
    own = {name: tuple(sorted(set(heads))) for name, heads in found.items() if heads}
    taken = {head for heads in own.values() for head in heads}
    controls = {
        say("three random heads, draw {number}", number=number): _random_heads(model, taken, seed)
        for number, seed in enumerate(CONTROL_SEEDS, start=1)
    }
    whole = {FOUND: own, PAPER: _paper(model), CONTROLS: controls}
    return {group: choices for group, choices in whole.items() if choices}


def _paper(model: Bridge) -> dict[str, tuple[Head, ...]]:
    listed = model_of_shape(*models.describe(model).shape)
    circuit, nine = circuits.circuit(listed) or {}, circuits.circuit(listed, "article") or {}
    roles = {role: tuple(sorted(part.heads)) for role, part in circuit.items()}
    every = tuple(sorted(head for part in nine.values() for head in part.heads))
    return {**roles, message("the article's nine"): every} if every else roles


def _random_heads(model: Bridge, taken, seed: int) -> tuple[Head, ...]:
    others = [head for head in models.every_head(model) if head not in taken]
    return tuple(sorted(Random(seed).sample(others, min(CONTROL_SIZE, len(others)))))
