"""Patching finds where the difference stands: at S2 before the first block, equal to a whole run after."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from naive import Pair
from reference import Reference

from interp import hooks
from interp.methods.patching import (
    activation_patching,
    head_patching,
    head_position_patching,
    normalised,
    residual_patching,
    residual_shares,
)
from interp.methods.readout import logits_at_end
from interp.result import Result
from interp.sites import Head, Site
from interp.studies.names import ioi


@pytest.fixture(scope="module")
def batch(tiny):
    return ioi.prompts(tiny, 6, templates=(0, 4), seed=2)


@pytest.fixture(scope="module")
def corrupted(tiny, batch):
    return ioi.swapped(tiny, batch)


def test_before_the_first_block_the_whole_difference_stands_at_the_changed_word(tiny, batch, corrupted):
    shares = residual_patching(tiny, batch, corrupted, ioi.logit_difference(batch), spots=("end", "S2", "IO"))
    assert shares.axes == {"layer": tuple(range(tiny.cfg.n_layers)), "spot": ("end", "S2", "IO")}
    assert float(shares.at(layer=0, spot="S2")) == pytest.approx(1, abs=1e-4)
    assert float(shares.at(layer=0, spot="end")) == 0
    assert (shares.at(spot="IO").values == 0).all()  # the past does not see the change


def test_every_state_equals_a_whole_run_with_that_state_put(tiny, batch, corrupted):
    metric = ioi.logit_difference(batch)
    shares = residual_shares(tiny, batch, corrupted, metric)
    clean = metric(batch.at(hooks.run(tiny, batch)[0], "end"))
    swing = (clean - metric(batch.at(hooks.run(tiny, corrupted)[0], "end"))).mean()
    for layer in range(tiny.cfg.n_layers):
        site = Site("resid_pre", layer)
        _, recorded = hooks.run(tiny, corrupted, record=[site])
        for spot in ("end", "S2"):
            put = hooks.Put(site, recorded[site], where=batch.mask(spot))
            patched = metric(batch.at(hooks.run(tiny, batch, put)[0], "end"))
            expected = ((clean - patched) / swing).numpy()
            np.testing.assert_allclose(shares.at(layer=layer, spot=spot).values, expected, atol=1e-3)


def test_the_share_is_the_ratio_of_means(tiny, batch, corrupted):
    metric = ioi.logit_difference(batch)
    shares = residual_shares(tiny, batch, corrupted, metric).mean("prompt")
    assert shares == residual_patching(tiny, batch, corrupted, metric)


def test_reordering_prompts_reorders_results(tiny, batch, corrupted):
    order = [5, 2, 0, 1, 4, 3]
    again = batch.take(order)
    shuffled = residual_shares(tiny, again, corrupted.take(order), ioi.logit_difference(again))
    straight = residual_shares(tiny, batch, corrupted, ioi.logit_difference(batch))
    np.testing.assert_allclose(shuffled.values, straight.values[:, :, order], atol=1e-3)


def test_twins_that_do_not_fit_are_refused(tiny, batch, corrupted):
    metric = ioi.logit_difference(batch)
    shape = tuple(batch.tokens.shape)
    message = (
        f"The prompts have shape {shape} and the corrupted prompts {(5, shape[1])}: write one corrupted "
        "prompt per prompt, of the same length."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        residual_patching(tiny, batch, corrupted.take([0, 1, 2, 3, 4]), metric)
    moved = replace(corrupted, spots={**corrupted.spots, "S2": corrupted.spots["S2"] - 1})
    message = (
        "The spot 'S2' stands at different positions in the prompts and the corrupted prompts: "
        "corrupt them by exchanging single tokens."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        residual_patching(tiny, batch, moved, metric)
    message = "The prompts have no spot called 'S9', only ['IO', 'S1', 'S1+1', 'S2', 'end']."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        residual_patching(tiny, batch, corrupted, metric, spots=("S9",))


def test_prompts_that_change_nothing_have_no_swing(tiny, batch):
    message = (
        "The corrupted prompts change the metric by 0 on average, so there is no swing to share out. "
        "Choose corrupted prompts that change the answer."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        residual_patching(tiny, batch, batch, ioi.logit_difference(batch))


@pytest.fixture(scope="module")
def loops(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "bos"])
def pairs(request, tiny):
    """Corrupted prompts of unequal length, to be edited, and their clean donors."""
    clean = ioi.prompts(tiny, 2, templates=(0, 5), order="ABBA", seed=3, bos=request.param)
    assert len(set(clean.length.tolist())) > 1
    return ioi.reference(tiny, clean, seed=1).take(range(2)), clean


def assert_equal_loops(found, loops, pairs, expected_of, axes, every=1):
    """`expected_of(pair, *labels)` is the loop-written change; positions are compared in steps of `every`."""
    prompts, donor = pairs
    moved = 0.0
    for number in range(len(prompts)):
        pair = Pair(loops, prompts, donor, number)
        for labels in itertools.product(*(found.axes[axis] for axis in axes)):
            value = float(found.at(prompt=number, **dict(zip(axes, labels, strict=True))))
            position = labels[axes.index("position")] if "position" in axes else 0
            if (pair.positions[-1] - position) % every:
                continue
            expected = expected_of(pair, *labels) if position in pair.positions else 0
            assert value == pytest.approx(expected, abs=2e-5)
            moved = max(moved, abs(expected))
    assert moved > 1e-2


@pytest.mark.parametrize("kind", ["resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out"])
def test_states_from_the_donor_equal_loops(tiny, loops, pairs, kind):
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    found = activation_patching(tiny, prompts, donor, metric, kind=kind, progress=False)
    assert list(found.axes) == ["layer", "position", "prompt"]
    assert_equal_loops(
        found, loops, pairs, lambda pair, layer, at: pair.state(layer, kind, at), ["layer", "position"]
    )


@pytest.mark.parametrize("part", ["z", "q", "k", "v", "pattern"])
def test_parts_of_heads_from_the_donor_equal_loops(tiny, loops, pairs, part):
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    found = head_patching(tiny, prompts, donor, metric, part=part, progress=False)
    assert list(found.axes) == ["layer", "head", "prompt"]
    assert_equal_loops(
        found, loops, pairs, lambda pair, layer, head: pair.head(layer, head, part), ["layer", "head"]
    )


@pytest.mark.parametrize("part", ["z", "q", "k", "v", "pattern"])
def test_parts_of_heads_at_one_position_equal_loops(tiny, loops, pairs, part):
    """Every fourth position, counted from the last word."""
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    found = head_position_patching(tiny, prompts, donor, metric, part=part, progress=False)
    assert list(found.axes) == ["layer", "head", "position", "prompt"]
    assert_equal_loops(
        found, loops, pairs, lambda pair, layer, head, at: pair.head(layer, head, part, at),
        ["layer", "head", "position"], every=4,
    )  # fmt: skip


def test_head_patching_equals_a_whole_run(tiny, pairs):
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    found = head_patching(tiny, prompts, donor, metric, progress=False)
    clean = metric(prompts.at(hooks.run(tiny, prompts)[0], "end"))
    width = prompts.tokens.shape[1]
    for layer, head in itertools.product(range(tiny.cfg.n_layers), range(tiny.cfg.n_heads)):
        given = hooks.record(tiny, donor, [Head(layer, head)])[Head(layer, head)][:, :width]
        logits = hooks.run(tiny, prompts, hooks.Put(Head(layer, head), given))[0]
        expected = (metric(prompts.at(logits, "end")) - clean).numpy()
        np.testing.assert_allclose(found.at(layer=layer, head=head).values, expected, atol=1e-5)


def test_before_the_first_word_that_differs_nothing_changes(tiny, pairs):
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    found = head_position_patching(tiny, prompts, donor, metric, progress=False)
    states = activation_patching(tiny, prompts, donor, metric, progress=False)
    for number in range(len(prompts)):
        own, other = prompts.tokens[number], donor.tokens[number, : prompts.tokens.shape[1]]
        first = int((own != other).int().argmax())
        assert first > 0
        assert (found.at(prompt=number).values[:, :, :first] == 0).all()
        assert (states.at(prompt=number).values[:, :first] == 0).all()
        assert float(states.at(layer=0, position=first, prompt=number)) != 0


def test_the_scale_runs_from_corrupted_to_clean(tiny, pairs):
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    clean, corrupted = (metric(logits_at_end(tiny, one)).double().numpy() for one in (donor, prompts))
    changes = activation_patching(tiny, prompts, donor, metric, kind="resid_pre", progress=False)
    shares = normalised(changes, float(clean.mean()), float(corrupted.mean()))
    assert shares.unit == "share"
    np.testing.assert_allclose(shares.values, changes.values / (clean - corrupted).mean(), rtol=1e-5)
    axes = {"prompt": (0, 1)}
    as_results = [Result(values, axes, "logit difference", "nats") for values in (clean, corrupted)]
    np.testing.assert_allclose(normalised(changes, *as_results).values, shares.values)
    message = (
        "The clean and the corrupted prompts differ by 0 in the metric, so there is no swing to share out. "
        "Choose corrupted prompts that change the answer."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        normalised(changes, 1.0, 1.0)


def test_layers_arrive_from_the_last_down_and_may_stop_the_sweep(tiny, pairs):
    prompts, donor = pairs
    metric, arrived = ioi.logit_difference(prompts), {}
    found = head_patching(
        tiny, prompts, donor, metric, progress=False, on_layer=lambda *layer: arrived.update([layer])
    )
    assert list(arrived) == [2, 1, 0]
    for layer, values in arrived.items():
        assert np.array_equal(values, found.at(layer=layer).values)

    def stop(layer, values):
        arrived[layer] = None
        if layer == 1:
            raise KeyboardInterrupt

    arrived.clear()
    with pytest.raises(KeyboardInterrupt):
        head_patching(tiny, prompts, donor, metric, progress=False, on_layer=stop)
    assert list(arrived) == [2, 1]


def test_any_metric_of_the_logits_is_measured(tiny, pairs):
    prompts, donor = pairs
    difference = ioi.logit_difference(prompts)
    fast, plain = (
        head_patching(tiny, prompts, donor, metric, progress=False)
        for metric in (difference, lambda logits: difference(logits))
    )
    np.testing.assert_allclose(plain.values, fast.values, atol=1e-5)


def test_pairs_that_cannot_be_patched_are_refused(tiny, pairs):
    prompts, donor = pairs
    metric = ioi.logit_difference(prompts)
    shorter = replace(donor, length=donor.length - 1)
    first = int(prompts.length[0])
    message = (
        f"Prompt 0 has {first} tokens and its donor {first - 1}: patching puts position on position, so "
        "write pairs of the same length by exchanging single tokens."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        head_patching(tiny, prompts, shorter, metric)
    message = "There are 2 prompts and 1 donors: write one donor per prompt."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        head_patching(tiny, prompts, donor.take([0]), metric)
    same = replace(donor, tokens=donor.tokens.clone())
    same.tokens[1] = prompts.tokens[1]
    message = (
        f"Prompt 1 and its donor are the same, {prompts.texts[1]!r}: putting one into the other can change "
        "nothing. Exchange a word in one of them."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        activation_patching(tiny, prompts, same, metric)
    message = (
        "'mlp_in' is not a kind of state that can be patched. Choose one of: resid_pre, resid_mid, "
        "resid_post, attn_out, mlp_out."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        activation_patching(tiny, prompts, donor, metric, kind="mlp_in")
    message = "'x' is not a part of a head that can be patched. Choose one of: z, q, k, v, pattern."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        head_position_patching(tiny, prompts, donor, metric, part="x")
