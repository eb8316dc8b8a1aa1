"""Patching finds where the difference stands: at S2 before the first block, equal to a whole run after."""

import re
from dataclasses import replace

import numpy as np
import pytest

from interp import hooks
from interp.methods.patching import residual_patching, residual_shares
from interp.sites import Site
from interp.studies import ioi


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
