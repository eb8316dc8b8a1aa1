"""What the laboratory measures on request: three ways of switching off side by side, and the same heads in
many sentences.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from interp import models
from interp.methods.ablation import WAYS, set_ablation
from interp.methods.readout import logits_at_end
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.screens.lab import LabState
from interp.studies.heads.one_sentence import SEED, TWIN, check_state, leads
from interp.studies.names import ioi
from interp.studies.own_words.own_sentences import pair

SENTENCES = 60
SPREAD_TEMPLATES = range(0, 15, 3)  # five of the fifteen, each in both orders
Step = tuple[float, Result | None]  # the share that is done, and the whole when it is


def ways(model: Bridge, state: LabState, **kept: Any) -> Result:
    """The lead of this sentence without the state's heads, by way of switching off: Result[how, measure],
    nats.

    Measures: "logit difference" and its "change" against the whole model. The ways are mean, zero and
    resample, and twin where the state has a second sentence that fits. `kept` as in `leads`. Raises
    ValueError as `compute` does.
    """
    names = [*WAYS, TWIN] if _has_twin(model, state) else list(WAYS)
    values = np.zeros((len(names), 2))
    for row, how in enumerate(names):
        before, after = leads(model, replace(state, how=how), [(), state.heads], **kept)
        values[row] = after, after - before
    axes = {"how": tuple(names), "measure": ("logit difference", "change")}
    return Result(values, axes, "lead without the heads", "nats", models.about(model))


def spread(model: Bridge, state: LabState) -> Iterator[Step]:
    """The lead in `SENTENCES` IOI sentences with all heads on and without the state's: steps of (share done,
    Result or None).

    The last step holds Result[heads, prompt], nats, with heads "on" and "off". Here sentences have templates,
    so the baselines are those of `methods.ablation`: per template and position, over sentences with three
    different names. A twin fits one sentence only, so `twin` becomes `mean`. Raises ValueError for an unknown
    head or way.
    """
    how = "mean" if state.how == TWIN else state.how
    check_state(model, replace(state, how=how))
    prompts = ioi.prompts(model, SENTENCES, seed=SEED, bos=state.bos, templates=SPREAD_TEMPLATES)
    values = np.zeros((2, SENTENCES))
    kinds = prompts.template.unique().tolist()
    for done, template in enumerate(kinds, start=1):
        rows = (prompts.template == template).nonzero().flatten()
        values[:, rows.numpy()] = _on_and_off(model, prompts.take(rows), state, how)
        if done < len(kinds):
            yield done / len(kinds), None
    about = {**models.about(model), "baseline": how, "bos": state.bos, "seed": SEED, "n": SENTENCES}
    axes = {"heads": ("on", "off"), "prompt": tuple(range(SENTENCES))}
    yield 1.0, Result(values, axes, "logit difference", "nats", about)


def _on_and_off(model: Bridge, prompts: Prompts, state: LabState, how: str) -> np.ndarray:
    metric = ioi.logit_difference(prompts)
    on = metric(logits_at_end(model, prompts).double()).cpu().numpy()
    reference = ioi.reference(model, prompts, seed=SEED)
    change = set_ablation(model, prompts, metric, state.heads, reference=reference, how=how, seed=SEED)
    return np.stack([on, on + change.values])


def _has_twin(model: Bridge, state: LabState) -> bool:
    found = pair(model, state.prompt, state.twin, state.answer, state.against)
    return found.twin is not None and not found.problem
