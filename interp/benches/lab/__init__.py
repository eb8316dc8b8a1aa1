"""The laboratory's bench: everything that the Ablation Lab can ask of one model. Pure; the widget draws
it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from interp import hooks, models
from interp.benches.lab import exercises as tasks
from interp.benches.lab import measurements
from interp.benches.lab.head_groups import groups
from interp.benches.untouched import answers, steps
from interp.result import Result
from interp.sites import Head
from interp.studies.heads.one_sentence import (
    NOTES,
    REFERENCES,
    LabAnswer,
    LabState,
    Sentence,
    compute,
    examples,
    reference_outputs,
)
from interp.studies.own_words.own_sentences import Pair, pair

__all__ = ["NOTES", "REFERENCES", "Bench", "LabAnswer", "LabState", "bench", "compute", "examples"]


@dataclass(frozen=True)
class Bench:
    """A model on the bench, all that a widget needs of it: shape is (layers, heads); `parse` reads JSON.

    `presets` are heads by group and name. `spread` and `check` give steps (share done, value or None), so
    that they can be watched and left.
    """

    name: str
    shape: tuple[int, int]
    examples: tuple[tuple[str, LabState], ...]
    presets: Mapping[str, Mapping[str, tuple[Head, ...]]]
    compute: Callable[[LabState], LabAnswer]
    pair: Callable[[LabState], Pair]
    ways: Callable[[LabState], Result]
    spread: Callable[[LabState], Iterator[tuple[float, Result | None]]]
    exercises: tuple[tasks.Exercise, ...]
    check: Callable[[int, LabState], Iterator[tuple[float, tasks.Verdict | None]]]
    parse: Callable[[str], LabState] = LabState.from_json


def bench(model: Any, *, presets: Mapping[str, Sequence[Head]] | None = None) -> Bench:
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
    return Bench(
        name=card.name,
        shape=(card.layers, card.heads),
        examples=examples(model),
        presets=groups(model, presets),
        compute=answers(partial(compute, **kept), model, keep=64),
        pair=lambda state: pair(model, state.prompt, state.twin, state.answer, state.against),
        ways=answers(partial(measurements.ways, **kept), model, keep=64),
        spread=steps(measurements.spread, model),
        exercises=tasks.EXERCISES,
        check=steps(partial(tasks.check, **kept), model),
    )
