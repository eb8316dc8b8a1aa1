"""Circuits as masks: everything kept is the model, everything removed ablates all, one True per node."""

import re

import numpy as np
import pytest
from naive import Pair, Replaced, circuit_leads, template_means
from reference import Reference

from interp import models
from interp.methods import ablation
from interp.methods.circuits import (
    EVERYWHERE,
    Knockouts,
    Node,
    circuits_isolated,
    inside,
    nodes_patched,
    nodes_removed,
    outside,
)  # fmt: skip
from interp.sites import Head
from interp.studies.names import circuit, ioi

SOME = (Node(Head(0, 1), "S2"), Node(Head(2, 3), "end"), Node(Head(2, 0), "end"))


@pytest.fixture(scope="module")
def batch(tiny):
    return ioi.prompts(tiny, 6, templates=(0, 4), seed=2)


@pytest.fixture(scope="module")
def baseline(tiny, batch):
    return ioi.reference(tiny, batch, seed=1)


@pytest.fixture(scope="module")
def loops(tiny_folder):
    return Reference(tiny_folder)


def every_node(model):
    return [
        Node(Head(layer, head), EVERYWHERE)
        for layer in range(model.cfg.n_layers)
        for head in range(model.cfg.n_heads)
    ]


def test_a_node_is_one_head_at_one_word_of_every_prompt(tiny, batch):
    masks = inside(tiny, batch, SOME)
    total = sum(mask.sum(dim=(1, 2)) for mask in masks.values())
    assert total.tolist() == [len(SOME)] * len(batch)
    for number in range(len(batch)):
        assert masks[0][number, batch.spots["S2"][number], 1]
        assert masks[2][number, batch.spots["end"][number]].tolist() == [True, False, False, True]


def test_inside_and_outside_share_out_the_real_words(tiny, batch):
    within, beyond = inside(tiny, batch, SOME), outside(tiny, batch, SOME)
    for layer, mask in within.items():
        real = batch.real()[..., None].expand_as(mask)
        assert not (mask & beyond[layer]).any()
        assert ((mask | beyond[layer]) == real).all()


def test_a_circuit_of_everything_is_the_model(tiny, batch, baseline):
    metric = ioi.logit_difference(batch)
    change = circuits_isolated(tiny, batch, metric, [every_node(tiny)], reference=baseline, progress=False)
    np.testing.assert_allclose(change.values, 0.0, atol=1e-6)


def test_removing_everything_equals_ablating_every_head(tiny, batch, baseline):
    metric, every = ioi.logit_difference(batch), every_node(tiny)
    removed = nodes_removed(tiny, batch, metric, [every], reference=baseline, progress=False).at(set=0)
    ablated = ablation.set_ablation(tiny, batch, metric, [node.head for node in every], reference=baseline)
    np.testing.assert_allclose(removed.values, ablated.values, atol=1e-5)


def test_leaving_a_circuit_alone_is_removing_the_rest(tiny, batch, baseline):
    metric = ioi.logit_difference(batch)
    kept = [node for node in every_node(tiny) if node.head.layer != 1]
    rest = [node for node in every_node(tiny) if node.head.layer == 1]
    alone = circuits_isolated(tiny, batch, metric, [kept], reference=baseline, progress=False)
    removed = nodes_removed(tiny, batch, metric, [rest], reference=baseline, progress=False)
    np.testing.assert_allclose(alone.values, removed.values, atol=1e-6)
    assert np.abs(alone.values).max() > 1e-3


def test_circuits_and_knock_outs_equal_loops(tiny, loops, batch, baseline):
    bench = Knockouts(tiny, batch, ioi.logit_difference(batch), reference=baseline)
    removed = [SOME[:1], SOME[:2], SOME[1:], ()]
    kept = [[node for node in SOME if node not in gone] for gone in removed]
    before = ioi.behaviour(tiny, batch).at(measure="logit_difference").values
    alone, without = bench.isolated(kept) + before, bench.removed(removed) + before
    for number in range(len(batch)):
        means = template_means(loops, baseline, int(batch.template[number]))
        for row, gone in enumerate(removed):
            expected = circuit_leads(loops, batch, means, number, kept[row], gone)
            assert [alone[row, number], without[row, number]] == pytest.approx(expected, abs=1e-4)


def test_heads_from_a_donor_equal_loops(tiny, loops, batch):
    donors = [ioi.reference(tiny, batch, seed=seed).take(range(len(batch))) for seed in (3, 4)]
    patched = nodes_patched(tiny, batch, donors, ioi.logit_difference(batch), SOME)
    assert list(patched.axes) == ["donor", "prompt"]
    for row, donor in enumerate(donors):
        for number in range(len(batch)):
            pair, replaced = Pair(loops, batch, donor, number), {}
            for layer, head, spot in ((0, 1, "S2"), (2, 3, "end"), (2, 0, "end")):
                given = pair.donor.z[layer, head], [int(batch.spots[spot][number])]
                replaced[layer, head] = given
            expected = pair.change(replaced=Replaced(replaced))
            assert float(patched.at(donor=row, prompt=number)) == pytest.approx(expected, abs=1e-4)
    assert np.abs(patched.values).min(axis=0).max() > 1e-3


def test_heads_from_the_same_prompts_change_nothing(tiny, batch):
    same = nodes_patched(tiny, batch, [batch], ioi.logit_difference(batch), SOME)
    np.testing.assert_allclose(same.values, 0.0, atol=1e-6)


def test_no_heads_from_a_donor_and_donors_of_another_length_are_refused(tiny, batch):
    metric = ioi.logit_difference(batch)
    with pytest.raises(ValueError) as error:
        nodes_patched(tiny, batch, [batch], metric, ())
    assert str(error.value) == "There is no head to take from the donors: name at least one."
    other = ioi.prompts(tiny, 6, templates=(1,), seed=2)
    with pytest.raises(ValueError, match=r"^Prompt 0 has \d+ tokens and its donor \d+: patching puts"):
        nodes_patched(tiny, batch, [other], metric, SOME)


def test_a_circuit_with_no_heads_is_refused(tiny, batch):
    message = "A circuit with no heads leaves nothing running: name at least one head."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        circuits_isolated(tiny, batch, ioi.logit_difference(batch), [()], progress=False)


def test_a_head_that_is_not_there_is_named(tiny, batch):
    with pytest.raises(ValueError, match=r"^L12H0 is not in this model"):
        inside(tiny, batch, [Node(Head(12, 0), "end")])


def test_controls_are_as_large_as_the_set_and_share_no_head_with_it(tiny):
    heads = [Head(0, 0), Head(1, 1)]
    drawn = circuit.random_sets(tiny, heads, 20)
    assert len(drawn) == 20
    for chosen in drawn:
        assert len(set(chosen)) == 2
        assert not set(chosen) & set(heads)
    assert drawn == circuit.random_sets(tiny, heads, 20)
    total = tiny.cfg.n_layers * tiny.cfg.n_heads
    message = f"A control for {total} heads needs as many others, but only 0 remain: choose fewer heads."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        circuit.random_sets(tiny, models.every_head(tiny), 1)
