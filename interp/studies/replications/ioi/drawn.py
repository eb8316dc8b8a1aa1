"""Figures whose prompts cannot be recovered, measured on a seeded draw of our own: hence
orders and ratios beside wide tolerances."""

from collections.abc import Callable, Mapping

import numpy as np

from interp.methods import attention, copying
from interp.methods.circuits import Knockouts
from interp.methods.paths import path_patching
from interp.methods.readout import logits_at_end
from interp.models import Bridge
from interp.prompts import Prompts
from interp.published import Part
from interp.result import Result
from interp.sites import Head
from interp.studies.names import ioi
from interp.studies.names import signals as blocking
from interp.studies.names.circuit import Task
from interp.studies.replications.ioi import circuits, sentences
from interp.studies.replications.ioi.circuits import published_circuit
from interp.studies.replications.ioi.reading import of_head, result, writing

MANY, SOME, FEW = 100, 60, 25  # prompts: for behaviour, for circuits, for copy scores
PYVENE, PRINTED = 50, range(8, 12)  # prompts and layers of pyvene's table
SEED = 0


def behaviour(model: Bridge) -> dict[str, Result]:
    """What the model does on indirect objects."""
    does = ioi.behaviour(model, sentences.drawn(model, MANY, SEED)).mean("prompt")
    return {f"paper/{name}": does.at(measure=name) for name in does.axes["measure"]}


def looking(model: Bridge) -> dict[str, Result]:
    """Where name movers and S-inhibition heads look from the end; whether they write what they look at."""
    prompts, circuit = sentences.drawn(model, MANY, SEED), published_circuit()
    movers, inhibitors = circuit["name mover"].heads, circuit["S-inhibition"].heads
    layers = sorted({head.layer for head in (*movers, *inhibitors)})
    seen = attention.patterns(model, prompts, layers=layers)
    means = [
        np.mean([looks(seen, prompts, head, spot) for head in heads])
        for heads, spot in ((movers, "IO"), (inhibitors, "S2"))
    ]
    looked = [
        np.concatenate(
            [
                looks(seen, prompts, head, "IO"),
                looks(seen, prompts, head, "S1") + looks(seen, prompts, head, "S2"),
            ]
        )
        for head in movers
    ]
    written = writing(model, prompts, movers).flatten(1).numpy()
    correlations = [np.corrcoef(*both)[0, 1] for both in zip(looked, written, strict=True)]
    return {
        "paper/attention": result(model, means, heads=("name movers to IO", "S-inhibition to S2")),
        "paper/correlation": result(model, correlations, head=map(str, movers)),
    }


def looks(seen: Result, prompts: Prompts, head: Head, spot: str) -> np.ndarray:
    """How much a head looks from the end at a spot, prompt by prompt."""
    end, key = (prompts.spots[name].numpy() for name in ("end", spot))
    return of_head(seen, head)[np.arange(len(prompts)), end, key]


def copies(model: Bridge) -> dict[str, Result]:
    """Which heads copy, and which hold down, the names of real prompts, beside all heads on average."""
    prompts, circuit, of = sentences.drawn(model, FEW, SEED), published_circuit(), {}
    for name, sign, told in (("name mover", 1, ""), ("negative name mover", -1, ", held down")):
        scores = copying.copy_scores_in_prompts(model, prompts, sign=sign)
        of |= {f"{head}{told}": of_head(scores, head) for head in circuit[name].heads}
        of |= {f"all heads{told}": scores.values.mean()}
    return {"paper/copy_scores": result(model, of.values(), of=of)}


def completeness(model: Bridge) -> dict[str, Result]:
    """The circuit and the model without one class of heads at a time; the same for the naive circuit."""
    own, found = task(model, SOME), {}
    bench = Knockouts(model, own.prompts, ioi.logit_difference(own.prompts), reference=own.reference)
    for name, telling in (("paper/completeness", "paper"), ("paper/naive_completeness", "naive")):
        nodes, removed = circuits.nodes(telling), classes(published_circuit(telling))
        left = [[node for node in nodes if node.head not in gone] for gone in removed.values()]
        taken = [[node for node in nodes if node.head in gone] for gone in removed.values()]
        leads = np.stack([bench.isolated(left), bench.removed(taken)]) + own.lead.values
        found[name] = result(model, leads.mean(axis=-1), of=("circuit", "model"), without=removed)
    return found


def classes(circuit: Mapping[str, Part]) -> dict[str, tuple[Head, ...]]:
    """What is removed together: nothing, or one class; the backups go with the name movers they back up."""
    removed: dict[str, tuple[Head, ...]] = {"none": ()}
    for name, part in circuit.items():
        together = name.removeprefix("backup ")
        removed[together] = (*removed.get(together, ()), *part.heads)
    return removed


def paths(model: Bridge) -> dict[str, Result]:
    """Path patching from heads to the logits with feed-forward layers frozen, as pyvene prints it."""
    prompts = sentences.drawn(model, PYVENE, SEED)
    reference = ioi.reference(model, prompts, seed=SEED).take(range(PYVENE))
    metric = ioi.logit_difference(prompts)
    logits = logits_at_end(model, prompts)
    answers = (logits.argmax(dim=-1).cpu() == prompts.answers["io"]).double().mean()
    changes = path_patching(model, prompts, reference, metric, freeze_mlps=True, progress=False).mean(
        "prompt"
    )
    printed = changes.values[PRINTED[0] :]
    return {
        "pyvene/logit_difference": result(model, metric(logits).mean()),
        "pyvene/answers_io": result(model, answers),
        "pyvene/paths": result(model, printed, layer=PRINTED, head=changes.axes["head"]),
    }


def signals(model: Bridge) -> dict[str, Result]:
    """The lead with the S-inhibition heads' outputs from six other sentences, and the two signals' worth."""
    measured = blocking.measure(
        model, task(model, SOME), published_circuit()["S-inhibition"].heads, seed=SEED
    )
    return {
        "paper/signals": measured.mean("prompt"),
        "paper/signals_fit": blocking.fit(measured).mean("prompt"),
        "paper/signals_misfit": result(model, np.array(blocking.misfit(measured))),
    }


def task(model: Bridge, n: int) -> Task:
    """The draw with its ABC twins and its leads."""
    prompts = sentences.drawn(model, n, SEED)
    does = ioi.behaviour(model, prompts)
    return Task(
        prompts,
        ioi.reference(model, prompts, seed=SEED),
        does.at(measure="logit_difference"),
        float(does.at(measure="prefers_io").values.mean()),
    )


MEASURES: dict[str, Callable] = {
    "paper/behaviour": behaviour,
    "paper/attention": looking,
    "paper/copy_scores": copies,
    "paper/completeness": completeness,
    "paper/signals": signals,
    "pyvene/paths": paths,
}
