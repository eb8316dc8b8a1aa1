"""The measurements that `verify` takes of GPT-2's name task, run on a model that does it: pocket-taught.

Its taught heads stand in for the published circuit, its own names for ARENA's. Nothing published is about it,
so one draw of sentences stands in for the published table and another is compared with it: what is only luck
of the draw must agree, what is measured wrongly must not.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from interp import models
from interp.pocket_taught.key import ACTS_AT, HEADS
from interp.published import Part, Published, published
from interp.published.mutations import mistakes
from interp.result import Result
from interp.studies.names import ioi
from interp.studies.replications.ioi import arena, circuits, drawn, sentences, taken_apart

pytestmark = pytest.mark.slow
CLASSES = tuple(circuits.published_circuit())
NOT_IN_NAIVE = ("negative name mover", "backup name mover")
MEASURES: Sequence[Callable] = (
    drawn.behaviour, drawn.looking, drawn.copies, drawn.completeness, drawn.signals, drawn.paths,
    taken_apart.found, taken_apart.minimality, taken_apart.greedy,
)  # fmt: skip
PUBLISHED_LEAD = 3.56  # nats (Wang et al. 2022, section 2)
FIXED_BOUNDS = ("paper/copy_scores", "paper/correlation")  # their bounds are GPT-2's own


def taught_circuit(telling="paper"):
    """The taught heads under the paper's names; the classes that nobody was taught are empty."""
    names = [name for name in CLASSES if telling == "paper" or name not in NOT_IN_NAIVE]
    return {name: Part(HEADS.get(name, ()), ACTS_AT.get(name, "end")) for name in names}


@pytest.fixture(scope="module")
def twin():
    return models.load("pocket-taught")


@pytest.fixture(scope="module")
def draws(twin):
    """Everything measured on two draws: seed -> id -> Result."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (arena, circuits, drawn, taken_apart):
            patch.setattr(module, "published_circuit", taught_circuit)
        patch.setattr(circuits, "WEAK_INDUCTION", ())
        patch.setattr(taken_apart, "BACKUPS", ())
        patch.setattr(drawn, "PRINTED", range(4, 8))
        patch.setattr(sentences, "drawn", lambda model, n, seed: ioi.prompts(model, n, seed=seed))
        found = {}
        for seed in (0, 1):
            patch.setattr(drawn, "SEED", seed)
            patch.setattr(taken_apart, "SEED", seed)
            found[seed] = {id: one for measure in MEASURES for id, one in measure(twin).items()}
        return found


@pytest.fixture(scope="module")
def scaled(draws):
    """Nats on the scale of GPT-2's lead, on which the tolerances were fixed: seed -> id -> Result."""
    factor = PUBLISHED_LEAD / float(draws[1]["paper/logit_difference"])
    nats = {record.id for record in published("gpt2", "ioi") if record.result.unit == "nats"}
    return {
        seed: {id: _times(one, factor if id in nats else 1.0) for id, one in found.items()}
        for seed, found in draws.items()
    }


def _times(measured: Result, factor: float) -> Result:
    return replace(measured, values=np.asarray(measured.values * factor))


@pytest.fixture(scope="module")
def records(scaled) -> list[Published]:
    """The draw of seed 1 as if it were published, with the comparisons of the real records."""
    listed = {record.id: record for record in published("gpt2", "ioi")}
    as_listed = {id: replace(one, unit=listed[id].result.unit) for id, one in scaled[1].items()}
    return [replace(listed[id], result=one) for id, one in as_listed.items() if id not in FIXED_BOUNDS]


def test_every_drawn_measurement_runs_end_to_end_with_finite_numbers(draws):
    listed = {record.id for record in published("gpt2", "ioi") if record.id.startswith(("paper/", "pyvene/"))}
    assert set(draws[0]) == set(draws[1]) == listed
    assert all(np.isfinite(one.values).all() for found in draws.values() for one in found.values())


def test_another_draw_of_sentences_agrees(records, scaled):
    assert [record.id for record in records if not record.agrees(scaled[0][record.id].values)] == []


def test_a_wrong_measurement_of_the_other_draw_does_not(records, scaled):
    units = {record.id: record.result.unit for record in records}
    other = [replace(one, result=replace(scaled[0][one.id], unit=units[one.id])) for one in records]
    caught = [
        not record.agrees(values)
        for record, drawn_again in zip(records, other, strict=True)
        for _, values in mistakes(drawn_again, other)
    ]
    assert len(caught) > 100
    assert np.mean(caught) >= 0.9  # some slip because this model's tokens hardly matter, GPT-2's do
