"""The circuit found again by our own search, and taken apart as in the paper's section 4: the pairs of figure
20, and the greedy search.

The prompts are a seeded draw of our own, as in `drawn`.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from interp.methods.circuits import Knockouts
from interp.models import Bridge, sizes
from interp.published import Part
from interp.result import Result
from interp.sites import Head
from interp.studies.names import incompleteness, ioi, roles
from interp.studies.names.circuit import largest_gap
from interp.studies.replications.ioi import circuits, drawn
from interp.studies.replications.ioi.circuits import published_circuit
from interp.studies.replications.ioi.drawn import FEW, SEED, SOME
from interp.studies.replications.ioi.reading import result

PAIRS = ("without K and the head", "without K")
# Figure 20 says of the backups only "all previous": their order follows from its values, in which each head
# begins where another ends
BACKUPS = tuple(map(Head.parse, ("L10H10", "L10H6", "L10H2", "L10H1", "L11H2", "L9H7")))
RUNS, STEPS = 1, 7  # the authors: 10 runs; their longest printed set has 7 heads
DRAWN = {"paper": 10, "naive": 5}  # nodes per step
CONTROLS = 20  # random sets
WRITERS = ("name mover", "negative name mover", "S-inhibition")  # the heads at the last word, but for backups


def minimality(model: Bridge) -> dict[str, Result]:
    """What the circuit keeps without the sets of figure 20, with and without the head itself."""
    task, before = drawn.task(model, SOME), removed_before(published_circuit())
    sets = {gone for head, first in before.items() for gone in (first | {head}, first)}
    bench = Knockouts(model, task.prompts, ioi.logit_difference(task.prompts), reference=task.reference)
    left = [[node for node in circuits.nodes() if node.head not in gone] for gone in sets]
    kept = dict(zip(sets, (bench.isolated(left) + task.lead.values).mean(axis=1), strict=True))
    pairs = [[kept[first | {head}] for head, first in before.items()], [kept[k] for k in before.values()]]
    return {"paper/minimality": result(model, np.array(pairs), left=PAIRS, head=map(str, before))}


def found(model: Bridge) -> dict[str, Result]:
    """Which heads our search gives which of the paper's parts: 1 or 0 by role, layer and head."""
    own = drawn.task(model, SOME)
    played = roles.find_on(model, own.prompts, own.reference).heads
    others = tuple(name for name in published_circuit() if name not in WRITERS)
    axes = {"layer": range(sizes(model).n_layers), "head": range(sizes(model).n_heads)}
    return {
        f"paper/roles/{kind}": result(
            model, np.stack([_marked(model, played[name]) for name in names]), role=names, **axes
        )
        for kind, names in (("writers", WRITERS), ("others", others))
    }


def _marked(model: Bridge, heads: Sequence[Head]) -> Float[np.ndarray, "layer head"]:
    marks = np.zeros((sizes(model).n_layers, sizes(model).n_heads))
    for head in heads:
        marks[head.layer, head.head] = 1
    return marks


def removed_before(circuit: Mapping[str, Part]) -> dict[Head, frozenset[Head]]:
    """By head, the set K of figure 20, in its order of classes.

    "All name movers and negative heads", for the last two, holds the backups too: a row's set holds its head.
    """
    names = ("name mover", "backup name mover", "negative name mover")
    last = frozenset(head for name in names for head in circuit[name].heads)
    rest = [head for head in circuit["backup name mover"].heads if head not in BACKUPS]
    return circuits.removed_before(circuit, BACKUPS, dict.fromkeys(rest, last))


def greedy(model: Bridge) -> dict[str, Result]:
    """The widest gap between circuit and model that a greedy search finds, and the mean gap without random
    sets as large; full and naive circuit."""
    task, widest = drawn.task(model, FEW), {}
    for telling, at_once in DRAWN.items():
        found = incompleteness.greedy(
            model, task, circuits.nodes(telling), runs=RUNS, steps=STEPS, drawn=at_once, controls=CONTROLS,
            seed=SEED, progress=False,
        )  # fmt: skip
        gaps = np.abs(incompleteness.gaps(found).mean("prompt").values)
        widest[telling] = largest_gap(found)[1], gaps[-CONTROLS:].mean()
    axes = {"circuit": widest, "search": ("greedy, widest", "random, mean")}
    return {
        "paper/greedy": result(model, np.array(widest["paper"][0])),
        "paper/greedy_files": result(model, np.array(list(widest.values())), **axes),
    }


MEASURES: dict[str, Callable] = {
    "paper/roles": found, "paper/minimality": minimality, "paper/greedy": greedy,
}  # fmt: skip
