"""The laboratory's bench: everything that the Ablation Lab can ask of one model. Pure; the widget draws
it.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from interp import hooks, models
from interp.benches.lab import exercises as tasks
from interp.benches.lab import measurements
from interp.benches.lab.answering import NOTES, compute
from interp.benches.lab.head_groups import groups
from interp.benches.untouched import answers, steps
from interp.models import Bridge
from interp.screens.lab import LabBench
from interp.sites import Head
from interp.studies.heads.one_sentence import (
    REFERENCES,
    Sentence,
    examples,
    reference_outputs,
)
from interp.studies.own_words.own_sentences import pair

__all__ = ["NOTES", "REFERENCES", "bench", "compute", "examples"]


def bench(model: Bridge, *, presets: Mapping[str, Sequence[Head]] | None = None) -> LabBench:
    """This model's bench. It remembers the last answers, so that going back is instant, and what every head
    does in the reference sentences, so that a click runs one sentence only.

    `presets` names heads found in this model, such as its name movers; by default its strongest writers.
    Raises ValueError, as all its answers do, while a hook is in force on the model.
    """
    hooks.check_untouched(model)
    card = models.describe(model)
    kept = {
        "outputs_of": answers(reference_outputs, model, keep=2),
        "sentence_of": answers(Sentence, model, keep=4),
    }
    return LabBench(
        name=card.name,
        shape=(card.layers, card.heads),
        examples=examples(model),
        presets=groups(model, presets),
        compute=answers(partial(compute, **kept), model, keep=64),
        pair=lambda state: pair(model, state.prompt, state.twin, state.answer, state.against),
        ways=answers(partial(measurements.ways, **kept), model, keep=64),
        spread=steps(measurements.spread, model),
        exercises=tasks.exercises(),
        check=steps(partial(tasks.check, **kept), model),
    )
