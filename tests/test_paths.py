"""Path patching: equal to its four steps written out in loops, and zero where nothing can arrive."""

import re
from dataclasses import replace

import numpy as np
import pytest
from naive import Pair
from reference import Reference

from interp import hooks
from interp.methods.paths import Receiver, path_patching
from interp.sites import Head, Site
from interp.studies.names import ioi

RECEIVERS = {
    "queries": [Receiver(Head(1, 2), "q"), Receiver(Head(2, 0), "q"), Receiver(Head(2, 3), "q")],
    "keys": [Receiver(Head(1, 0), "k"), Receiver(Head(2, 1), "k")],
    "values": [Receiver(Head(1, 1), "v"), Receiver(Head(2, 2), "v")],
    "mixed": [Receiver(Head(1, 0), "q"), Receiver(Head(1, 3), "v"), Receiver(Head(2, 1), "k")],
}


@pytest.fixture(scope="module")
def loops(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "bos"])
def pairs(request, tiny):
    """Prompts of unequal length and their donors."""
    prompts = ioi.prompts(tiny, 2, templates=(0, 5), order="ABBA", seed=3, bos=request.param)
    donor = ioi.reference(tiny, prompts, seed=1).take(range(2))
    assert len(set(prompts.length.tolist())) > 1
    return prompts, donor


def measured(model, pairs, **options):
    prompts, donor = pairs
    return path_patching(model, prompts, donor, ioi.logit_difference(prompts), progress=False, **options)


def every_head(model):
    return [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]


def assert_equal_loops(model, loops, pairs, found, **options):
    prompts, donor = pairs
    spots = {name: options.pop(name, None) for name in ("sender_at", "receiver_at")}
    moved = 0.0
    for number in range(len(prompts)):
        at = {name: int(prompts.spots[spot][number]) for name, spot in spots.items() if spot}
        pair = Pair(loops, prompts, donor, number)
        for layer, head in every_head(model):
            expected = pair.path((layer, head), **options, **at)
            moved = max(moved, abs(expected))
            assert float(found.at(layer=layer, head=head, prompt=number)) == pytest.approx(expected, abs=2e-5)
    assert moved > 5e-4


@pytest.mark.parametrize("freeze_mlps", [False, True])
def test_paths_to_the_last_state_equal_loops(tiny, loops, pairs, freeze_mlps):
    found = measured(tiny, pairs, freeze_mlps=freeze_mlps)
    assert_equal_loops(tiny, loops, pairs, found, freeze_mlps=freeze_mlps)
    ends = measured(tiny, pairs, freeze_mlps=freeze_mlps, sender_at="end")
    assert np.array_equal(found.values, ends.values)  # nothing moves between positions


@pytest.mark.parametrize("freeze_mlps", [False, True])
@pytest.mark.parametrize("kind", RECEIVERS)
def test_paths_to_receivers_equal_loops(tiny, loops, pairs, kind, freeze_mlps):
    receivers = RECEIVERS[kind]
    found = measured(tiny, pairs, receivers=receivers, freeze_mlps=freeze_mlps)
    parts = [(one.head.layer, one.head.head, one.part) for one in receivers]
    assert_equal_loops(tiny, loops, pairs, found, receivers=parts, freeze_mlps=freeze_mlps)


@pytest.mark.parametrize("spots", [
    {"sender_at": "end"}, {"receiver_at": "end"}, {"sender_at": "S2"}, {"receiver_at": "S2"},
    {"sender_at": "S2", "receiver_at": "S2"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", RECEIVERS)
def test_paths_along_one_position_equal_loops(tiny, loops, pairs, kind, spots):
    receivers = RECEIVERS[kind]
    parts = [(one.head.layer, one.head.head, one.part) for one in receivers]
    found = measured(tiny, pairs, receivers=receivers, **spots)
    assert_equal_loops(tiny, loops, pairs, found, receivers=parts, **spots)


def test_paths_to_the_last_state_equal_a_whole_run(tiny, pairs):
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    sites = [Site("z", layer) for layer in range(tiny.cfg.n_layers)]
    own, other = hooks.record(tiny, prompts, sites), hooks.record(tiny, donor, sites)
    clean = metric(prompts.at(hooks.run(tiny, prompts)[0], "end"))
    found = measured(tiny, pairs)
    for layer, head in every_head(tiny):
        frozen = [hooks.Put(site, own[site]) for site in sites]
        sent = hooks.Put(Head(layer, head), other[Site("z", layer)][:, : prompts.tokens.shape[1], head])
        logits = prompts.at(hooks.run(tiny, prompts, *frozen, sent)[0], "end")
        expected = (metric(logits) - clean).numpy()
        np.testing.assert_allclose(found.at(layer=layer, head=head).values, expected, atol=1e-5)


def test_a_donor_that_is_the_same_prompt_changes_nothing(tiny, pairs):
    prompts, donor = pairs
    mixed = replace(donor, tokens=donor.tokens.clone())
    mixed.tokens[1] = prompts.tokens[1]
    for receivers in (None, RECEIVERS["mixed"]):
        assert (measured(tiny, (prompts, prompts), receivers=receivers).values == 0).all()
        found = measured(tiny, (prompts, mixed), receivers=receivers)
        assert (found.at(prompt=1).values == 0).all()
        assert (found.at(prompt=0).values != 0).any()


def test_a_sender_at_or_above_every_receiver_changes_nothing_and_this_is_said(tiny, pairs):
    receivers = [Receiver(Head(1, 2), "q"), Receiver(Head(1, 0), "v")]
    found = measured(tiny, pairs, receivers=receivers)
    assert (found.values[1:] == 0).all()
    assert (found.values[0] != 0).any()
    message = (
        "These senders (L2H1, L1H2) do not stand below the highest receiver, L1H2.q: what a head writes is"
        " read in later layers only, so their change is exactly 0."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$"):
        found = measured(tiny, pairs, receivers=receivers[:1], senders=[Head(2, 1), Head(1, 2)])
    assert (found.at(layer=1, head=2).values == 0).all()
    assert np.isnan(found.at(layer=0, head=0).values).all()


def test_a_path_between_different_positions_changes_nothing(tiny, pairs):
    assert (measured(tiny, pairs, sender_at="S2").values == 0).all()
    found = measured(tiny, pairs, receivers=RECEIVERS["keys"], sender_at="S2", receiver_at="IO")
    assert (found.values == 0).all()


def test_chosen_senders_equal_all_of_them(tiny, pairs):
    receivers = RECEIVERS["mixed"]
    every = measured(tiny, pairs, receivers=receivers)
    some = measured(tiny, pairs, receivers=receivers, senders=[Head(1, 3), Head(0, 2), Head(0, 0)])
    for layer, head in ((0, 0), (0, 2), (1, 3)):
        expected = every.at(layer=layer, head=head).values
        np.testing.assert_allclose(some.at(layer=layer, head=head).values, expected, atol=1e-5)
    assert np.isfinite(some.values).sum() == 3 * len(pairs[0])


@pytest.mark.parametrize("kind", [None, "mixed"])
def test_layer_by_layer_from_the_last_down_equals_all_at_once(tiny, pairs, kind):
    seen = []
    options = {"receivers": RECEIVERS.get(kind), "senders": [Head(2, 1), Head(1, 3), Head(0, 2), Head(0, 0)]}
    found = measured(tiny, pairs, **options, on_layer=lambda *layer: seen.append(layer))
    np.testing.assert_allclose(found.values, measured(tiny, pairs, **options).values, atol=1e-5)
    assert [layer for layer, _ in seen] == [2, 1, 0]
    for layer, values in seen:
        assert np.array_equal(values, found.at(layer=layer).values, equal_nan=True)


def test_a_watcher_can_end_the_work(tiny, pairs):
    def left(layer, values):
        raise InterruptedError(f"left at {layer}")

    with pytest.raises(InterruptedError, match=r"^left at 2$"):
        measured(tiny, pairs, on_layer=left)


def test_any_metric_of_the_logits_is_measured(tiny, pairs):
    prompts, donor = pairs
    difference = ioi.logit_difference(prompts)
    plain = path_patching(tiny, prompts, donor, lambda logits: difference(logits), progress=False)
    np.testing.assert_allclose(plain.values, measured(tiny, pairs).values, atol=1e-5)


def test_what_cannot_be_a_path_is_refused(tiny, pairs):
    message = "'z' is not a part of a head that receives: choose q, k or v."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Receiver(Head(1, 0), "z")
    message = "There is no receiver: give at least one, or None for the last state."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        measured(tiny, pairs, receivers=[])
    message = "L9H0 is not in this model: tiny has layers 0-2 and heads 0-3. Choose a head such as L2H3."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        measured(tiny, pairs, receivers=[Receiver(Head(9, 0), "q")])
    prompts, donor = pairs
    shorter = replace(donor, length=donor.length - 1)
    first = int(prompts.length[0])
    message = (
        f"Prompt 0 has {first} tokens and its donor {first - 1}: patching puts position on position, so "
        "write pairs of the same length by exchanging single tokens."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        measured(tiny, (prompts, shorter))
