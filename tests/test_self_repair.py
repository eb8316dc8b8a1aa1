"""Self-repair is an exact account: what the silent lose and what the others change add up."""

from dataclasses import replace

import numpy as np
import pytest

from interp.methods import ablation
from interp.methods.attribution import final_scale
from interp.methods.circuits import Node, nodes_removed
from interp.methods.readout import logits_at_end
from interp.sites import Head
from interp.studies.names import ioi, self_repair

SILENT = (Head(1, 2), Head(2, 0))


@pytest.fixture(scope="module")
def batch(tiny):
    return ioi.prompts(tiny, 8, templates=(0, 4), seed=2)


@pytest.fixture(scope="module")
def mended(tiny, batch):
    return self_repair.repair(tiny, batch, SILENT, reference=ioi.reference(tiny, batch))


def test_the_parts_add_up_to_the_change_in_the_lead(tiny, batch, mended):
    nodes = [Node(head, "end") for head in SILENT]
    change = nodes_removed(
        tiny,
        batch,
        ioi.logit_difference(batch),
        [nodes],
        reference=ioi.reference(tiny, batch),
        progress=False,
    ).at(set=0)
    np.testing.assert_allclose(mended.parts.values.sum(axis=0), change.values, atol=1e-4)
    assert mended.actual == pytest.approx(float(change.mean("prompt")), abs=1e-4)


def test_the_share_mended_is_what_did_not_happen(mended):
    assert mended.repaired == pytest.approx(1 - mended.actual / mended.expected)


def test_heads_before_the_silent_ones_write_the_same(tiny, batch):
    last = tiny.cfg.n_layers - 1
    alone = self_repair.repair(tiny, batch, [Head(last, 0)], reference=ioi.reference(tiny, batch))
    assert np.abs(alone.heads.values[:last]).max() < 1e-5
    others = np.delete(alone.heads.values[last], 0, axis=0)
    assert np.abs(others).max() < 1e-5  # its own layer cannot hear it either
    assert alone.norm != pytest.approx(1, abs=1e-6)


def test_what_the_norm_does_is_the_same_states_divided_by_another_number(tiny, batch, mended):
    edits = [
        replace(edit, where=batch.mask("end"))
        for edit in ablation.edits(tiny, batch, SILENT, reference=ioi.reference(tiny, batch))
    ]
    lead = ioi.logit_difference(batch)(logits_at_end(tiny, batch, *edits)).double().numpy()
    bias = tiny.b_U[batch.answers["io"]] - tiny.b_U[batch.answers["s"]]
    scales = [final_scale(tiny, batch, edits=these).numpy() for these in ((), edits)]
    expected = (lead - bias.detach().double().numpy()) * (1 - scales[1] / scales[0])
    np.testing.assert_allclose(mended.parts.at(part="last layer norm").values, expected, atol=1e-4)


def test_those_who_step_in_are_not_the_silent_ones(mended):
    assert not {head for head, _ in mended.stepping_in(20)} & set(SILENT)


def test_silencing_nobody_is_refused(tiny, batch):
    with pytest.raises(ValueError) as error:
        self_repair.repair(tiny, batch, ())
    assert str(error.value).startswith("There is no head to silence: name at least one")


def test_the_edits_are_those_of_mean_ablation_at_the_last_word(tiny, batch, mended):
    whole = ablation.set_ablation(
        tiny, batch, ioi.logit_difference(batch), SILENT, reference=ioi.reference(tiny, batch)
    )
    assert np.abs(whole.values - mended.parts.values.sum(axis=0)).max() > 1e-4  # other words still speak
