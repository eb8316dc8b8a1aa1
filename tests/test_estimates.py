"""Linear estimates equal the slope of real patching, one small step along the way to the donor's state."""

import numpy as np
import pytest

from interp import hooks, models
from interp.hooks import Put
from interp.methods import estimates
from interp.methods.readout import logits_at_end
from interp.sites import Site
from interp.studies.names import ioi

STEP = 1e-5


@pytest.fixture(scope="module")
def exact(tiny_folder):
    return models.load(tiny_folder, dtype="float64")


@pytest.fixture(scope="module")
def prompts(exact):
    return ioi.prompts(exact, 3, seed=1, templates=[0])


@pytest.fixture(scope="module")
def donor(exact, prompts):
    return ioi.swapped(exact, prompts)


def slope(model, prompts, donor, metric, site, cut):
    """Change per step when the part `cut` of the activation moves a small step towards the donor's."""
    own, other = (hooks.record(model, these, [site])[site] for these in (prompts, donor))
    moved = own.clone()
    moved[cut] += STEP * (other - own)[cut]
    after, before = (metric(logits_at_end(model, prompts, Put(site, state))) for state in (moved, own))
    return (after - before).numpy() / STEP


@pytest.mark.parametrize("part", estimates.PARTS)
def test_a_heads_estimate_is_the_slope_of_patching(exact, prompts, donor, part):
    metric = ioi.logit_difference(prompts)
    found = estimates.head_estimates(exact, prompts, donor, metric)
    assert list(found.axes) == ["part", "layer", "head", "prompt", "position"]
    kind = estimates.PARTS[part]
    for layer, head, position in ((0, 1, -1), (1, 3, -4), (2, 0, -1)):
        at = slice(None), slice(None)
        cut = (at[0], head, position) if kind == "pattern" else (at[0], position, head)
        expected = slope(exact, prompts, donor, metric, Site(kind, layer), cut)
        measured = found.at(part=part, layer=layer, head=head).values[:, position]
        assert np.allclose(measured, expected, rtol=1e-3, atol=1e-6)
    assert np.abs(found.at(part=part).values).max() > 1e-4


def test_a_components_estimate_is_the_slope_of_patching(exact, prompts, donor):
    metric = ioi.logit_difference(prompts)
    found = estimates.component_estimates(exact, prompts, donor, metric)
    for name, site in (
        ("embed", Site("embed")),
        ("attn_out1", Site("attn_out", 1)),
        ("mlp_out0", Site("mlp_out", 0)),
    ):
        for position in (-5, -1):
            expected = slope(exact, prompts, donor, metric, site, (slice(None), position))
            measured = found.at(component=name).values[:, position]
            assert np.allclose(measured, expected, rtol=1e-3, atol=1e-6)
    assert (found.at(component="pos_embed").values == 0).all()


def test_a_donor_that_is_the_prompt_changes_nothing(exact, prompts):
    found = estimates.head_estimates(exact, prompts, prompts, ioi.logit_difference(prompts))
    assert (found.values == 0).all()


def test_a_donor_of_another_length_is_refused(exact, prompts):
    other = ioi.prompts(exact, 3, seed=1, templates=[3])
    with pytest.raises(ValueError) as error:
        estimates.component_estimates(exact, prompts, other, ioi.logit_difference(prompts))
    own, theirs = int(prompts.length[0]), int(other.length[0])
    assert str(error.value).startswith(f"Prompt 0 has {own} tokens and its donor {theirs}: patching puts")


def test_a_batch_of_equal_shape_and_unequal_pairs_is_refused(exact):
    first, second = (ioi.prompts(exact, 2, seed=1, templates=order) for order in ([0, 3], [3, 0]))
    assert first.tokens.shape == second.tokens.shape
    with pytest.raises(ValueError, match=r"^Prompt 0 has \d+ tokens and its donor \d+:"):
        estimates.head_estimates(exact, first, second, ioi.logit_difference(first))
