"""Which parts must be missing for the circuit and the model to differ most: a greedy search.

A circuit is complete if it loses what the model loses, whatever part K is taken out of both. There are too
many parts to try them all, so K grows node by node: of a few nodes drawn at random, the one that opens the
widest gap |F(C without K) - F(M without K)| is taken. `F` is the mean lead. Source: Wang et al. 2022
(arXiv:2211.00593), section 4.1 and appendix M.
"""

from collections.abc import Iterator, Sequence
from random import Random

import numpy as np
from tqdm.auto import tqdm

from interp.methods.circuits import Knockouts, Node
from interp.models import Bridge
from interp.result import Result
from interp.studies.names import ioi
from interp.studies.names.circuit import Task

# As in the paper; of its naive circuit of thirteen nodes it draws 5
RUNS, STEPS, DRAWN, KEPT = 10, 10, 10, 5
CONTROLS = 10
LEAST_NODES = 2  # one must stay in the circuit
Part = frozenset[Node]


def greedy(
    model: Bridge,
    task: Task,
    nodes: Sequence[Node],
    *,
    fresh: Task | None = None,
    runs: int = RUNS,
    steps: int = STEPS,
    drawn: int = DRAWN,
    keep: int = KEPT,
    controls: int = CONTROLS,
    seed: int = 0,
    progress: bool = True,
) -> Result:
    """The lead of circuit and model without the worst parts found: Result[removed, run, prompt], nats.

    `removed` is "nothing", the `keep` parts with the widest gap among all steps of all runs, widest first,
    as "L5H5 at S2, L9H9 at end", and `controls` random parts as large as the first. `run` is "circuit" or
    "model". The widest of many gaps is partly luck: with `fresh`, the parts found on `task` are measured on
    these other prompts. `about["parts"]` lists the nodes of every part. Raises ValueError for fewer than
    `LEAST_NODES` nodes, and where `runs`, `steps` or `drawn` is less than 1.
    """
    _check(nodes, runs=runs, steps=steps, drawn=drawn)
    chooser, search, grown = Random(seed), _Leads(model, task, nodes), set()
    with tqdm(total=runs * steps, desc="searching for gaps", disable=not progress, leave=False) as bar:
        for _ in range(runs):
            grown |= set(_grow(search, chooser, steps, drawn, bar))
    found = sorted(grown, key=lambda part: (-search.gap(part), _told(part)))[:keep]
    parts = {"nothing": frozenset(), **{_told(part): part for part in found}}
    parts |= _random_parts(search.nodes, len(found[0]), controls, chooser)
    measured = search if fresh is None else _Leads(model, fresh, nodes)
    about = {"seed": seed, "runs": runs, "steps": steps, "drawn": drawn, "searched": len(task.prompts)}
    return _result(measured, parts, task if fresh is None else fresh, about)


def gaps(found: Result) -> Result:
    """Lead of the circuit minus lead of the model without each part: Result[removed, prompt], nats.

    Its mean over prompts is the gap, with a sign; `interval("prompt")` gives the interval of that mean.
    """
    values = found.at(run="circuit").values - found.at(run="model").values
    axes = {name: labels for name, labels in found.axes.items() if name != "run"}
    return Result(values, axes, "lead of the circuit minus lead of the model", "nats", found.about)


class _Leads:
    """The lead without every part that was asked for, of circuit and model: each is measured once."""

    def __init__(self, model: Bridge, task: Task, nodes: Sequence[Node]):
        self.nodes = tuple(sorted(set(nodes)))
        self.about, self._lead = task.lead.about, task.lead.values
        metric = ioi.logit_difference(task.prompts)
        self._bench = Knockouts(model, task.prompts, metric, reference=task.reference)
        self._known: dict[Part, np.ndarray] = {}

    def of(self, parts: Sequence[Part]) -> np.ndarray:
        """[part, run, prompt]; parts that share nodes are cheap together."""
        new = [part for part in dict.fromkeys(parts) if part not in self._known]
        if new:
            left = [[node for node in self.nodes if node not in part] for part in new]
            both = self._bench.isolated(left), self._bench.removed([sorted(part) for part in new])
            self._known |= dict(zip(new, self._lead + np.stack(both, axis=1), strict=True))
        return np.stack([self._known[part] for part in parts])

    def gap(self, part: Part) -> float:
        """|F(C without K) - F(M without K)|, in nats."""
        circuit, model = self.of([part])[0].mean(axis=-1)
        return abs(float(circuit - model))


def _check(nodes: Sequence[Node], **numbers: int) -> None:
    if len(set(nodes)) < LEAST_NODES:
        raise ValueError(
            f"A greedy search takes nodes out of a circuit, so it needs at least {LEAST_NODES}; it was given"
            f" {len(set(nodes))}. Name more heads."
        )
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name}={number} leaves nothing to search: give at least 1.")


def _grow(search: _Leads, chooser: Random, steps: int, drawn: int, bar: tqdm) -> Iterator[Part]:
    """The parts of one run, each a node larger, until `steps` are out or one is left."""
    part: Part = frozenset()
    for _ in range(steps):
        others = [node for node in search.nodes if node not in part]
        if len(others) >= LEAST_NODES:
            larger = [part | {node} for node in chooser.sample(others, min(drawn, len(others)))]
            search.of(larger)  # together
            part = max(larger, key=lambda one: (search.gap(one), _told(one)))
            yield part
        bar.update()


def _random_parts(nodes: Sequence[Node], size: int, number: int, chooser: Random) -> dict[str, Part]:
    return {f"random {at + 1}": frozenset(chooser.sample(nodes, size)) for at in range(number)}


def _told(part: Part) -> str:
    return ", ".join(map(str, sorted(part)))


def _result(search: _Leads, parts: dict[str, Part], task: Task, about: dict) -> Result:
    listed = {name: [str(node) for node in sorted(part)] for name, part in parts.items()}
    axes = {"removed": tuple(parts), "run": ("circuit", "model"), "prompt": task.lead.axes["prompt"]}
    about = {**search.about, "baseline": "mean", **about, "parts": listed}
    return Result(search.of(list(parts.values())), axes, "lead", "nats", about)
