"""Self-repair is an exact account: what the silent lose and what the others change add up."""

import numpy as np
import pytest

from interp.methods import ablation
from interp.methods.circuits import Node, nodes_removed
from interp.sites import Head
from interp.studies import ioi, self_repair

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


def test_a_head_in_the_last_layer_has_nobody_after_it_but_the_norm(tiny, batch):
    last = tiny.cfg.n_layers - 1
    alone = self_repair.repair(tiny, batch, [Head(last, 0)], reference=ioi.reference(tiny, batch))
    earlier = alone.heads.values[:last]
    before = np.abs(earlier).max()
    assert (
        before < np.abs(alone.heads.at(layer=last, head=0).values).max()
    )  # only the last layer norm's scale moved


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
