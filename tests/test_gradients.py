"""Gradients equal finite differences of full runs, at every kind of place."""

import pytest
import torch
from torch.nn.modules.module import register_module_full_backward_hook

from interp import models
from interp.hooks import Add, Zero, gradients, record, run
from interp.sites import KINDS, Head, Neuron, Site

LAYER = 1
STEP = 1e-4
IN_NO_LAYER = ("embed", "pos_embed", "ln_final_scale")
PLACES = [Site(kind, None if kind in IN_NO_LAYER else LAYER) for kind in KINDS if kind != "ln_final_scale"]


@pytest.fixture(scope="module")
def exact(tiny_folder):
    """The tiny model in double precision, so that small steps mean something."""
    return models.load(tiny_folder, dtype="float64")


def metric(logits):
    return (logits[:, -1, 5] - 2 * logits[:, 2, 7]).sum()


@pytest.mark.parametrize("place", [*PLACES, Head(1, 2), Neuron(1, 7)], ids=str)
def test_a_gradient_is_the_slope_of_full_runs(exact, tokens, place):
    gradient = gradients(exact, tokens, metric, [place])[place]
    recorded = record(exact, tokens, [place])[place]
    assert gradient.shape == recorded.shape
    direction = torch.randn(recorded.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    up, down = (metric(run(exact, tokens, Add(place, direction, step))[0]) for step in (STEP, -STEP))
    slope = float(up - down) / (2 * STEP)
    assert abs(slope) > 1e-3
    assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-3)


def test_gradients_of_several_places_are_those_of_each(exact, tokens):
    places = [Site("z", 0), Site("resid_mid", 1), Head(2, 1)]
    together = gradients(exact, tokens, metric, places)
    assert list(together) == places
    for place in places:
        assert torch.allclose(together[place], gradients(exact, tokens, metric, [place])[place])


def test_gradients_are_taken_under_the_edits(exact, tokens):
    place, off = Site("resid_pre", 2), Zero(Head(2, 0))
    edited = gradients(exact, tokens, metric, [place], off)[place]
    assert not torch.allclose(edited, gradients(exact, tokens, metric, [place])[place])


def test_a_place_that_the_metric_does_not_reach_has_no_slope(exact, tokens):
    place = Site("attn_out", 0)
    found = gradients(exact, tokens, lambda logits: logits[:, 0].sum() * 0 + logits[:, 2, 3].sum(), [place])
    assert (found[place][:, 3:] == 0).all()
    assert (found[place][:, :3] != 0).any()


def test_the_model_is_left_as_it_was(exact, tokens):
    before = run(exact, tokens)[0]
    gradients(exact, tokens, metric, [Site("z", 0)])
    assert torch.equal(run(exact, tokens)[0], before)
    assert not any(parameter.requires_grad for parameter in exact.parameters())


def test_a_metric_of_several_numbers_is_refused(exact, tokens):
    with pytest.raises(ValueError) as error:
        gradients(exact, tokens, lambda logits: logits[:, -1, 5], [Site("z", 0)])
    assert str(error.value) == "The metric must give one number; it gave the shape (2,)."


@pytest.mark.parametrize(
    ("hang", "where"),
    [
        (
            lambda m: m.add_hook("blocks.1.hook_in", lambda grad, hook: grad * 0, dir="bwd"),
            "blocks.1.hook_in",
        ),
        (lambda m: m.blocks[1].register_full_backward_hook(lambda *_: None), "blocks.1"),
        (lambda m: m.blocks[1].register_full_backward_pre_hook(lambda *_: None), "blocks.1"),
        (lambda _: register_module_full_backward_hook(lambda *_: None), "every module"),
    ],
    ids=["hook point", "module", "before a module", "everywhere"],
)
def test_a_hook_left_on_the_way_back_is_refused(exact, tokens, hang, where):
    place = Site("resid_pre", 1)
    clean = gradients(exact, tokens, metric, [place])[place]
    handle = hang(exact)
    try:
        with pytest.raises(
            ValueError, match=f"^Hooks that change gradients are in force on this model .at {where}"
        ):
            gradients(exact, tokens, metric, [place])
    finally:
        exact.reset_hooks()
        if handle is not None:
            handle.remove()
    assert torch.equal(gradients(exact, tokens, metric, [place])[place], clean)
