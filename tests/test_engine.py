"""The engine equals the bridge, follows its weights, and leaves out nothing that matters."""

import copy
import re

import numpy as np
import pytest
import torch

from interp import hooks
from interp.methods.engine import linear
from interp.methods.engine.base import base_run, base_runs, donor_run
from interp.methods.engine.ends import Reader, logits
from interp.methods.engine.sweep import in_pieces, whole
from interp.methods.engine.toggles import Toggles
from interp.methods.engine.weights import weights_of
from interp.sites import Head, Site
from interp.studies.names import ioi


@pytest.fixture(scope="module")
def batch(tiny):
    """Prompts of unequal length."""
    prompts = ioi.prompts(tiny, 6, templates=(0, 5, 4), seed=3)
    assert len(set(prompts.length.tolist())) > 1
    return prompts


def end_logits(model, prompts, *edits):
    return prompts.at(hooks.run(model, prompts, *edits)[0], "end")


def whole_logits(model, prompts):
    weights = weights_of(model)
    return logits(weights, whole(base_runs(weights, prompts), lambda run: run.end[None])[0])


@pytest.mark.parametrize("name", ["tiny", "pocket"])
@pytest.mark.parametrize("bos", [False, True])
def test_the_base_run_equals_the_bridge(request, name, bos):
    model = request.getfixturevalue(name)
    prompts = ioi.prompts(model, 5, seed=1, bos=bos)
    torch.testing.assert_close(whole_logits(model, prompts), end_logits(model, prompts), atol=2e-5, rtol=1e-5)
    scale = model.cfg.d_head**-0.5
    kinds = {"pre": "resid_pre", "mid": "resid_mid", "q": "q", "k": "k", "v": "v", "z": "z"}
    sites = [Site(kind, layer) for kind in kinds.values() for layer in range(model.cfg.n_layers)]
    recorded = hooks.record(model, prompts, sites)
    for run in base_runs(weights_of(model), prompts):
        for own, kind in kinds.items():
            for layer, found in enumerate(getattr(run, own)):
                expected = recorded[Site(kind, layer)][run.index, : run.length] * (scale if own == "q" else 1)
                torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def test_a_donor_run_equals_a_run_of_its_own(tiny, tokens):
    weights, index = weights_of(tiny), torch.arange(2)
    other = tokens.clone()
    other[:, 3:] = other[:, 3:].flip(0)
    short, full = donor_run(base_run(weights, index, tokens), other, 3), base_run(weights, index, other)
    for name in ("pre", "mid", "q", "k", "v", "z"):
        for found, expected in zip(getattr(short, name), getattr(full, name), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(short.end, full.end, atol=1e-5, rtol=1e-5)


def test_the_metric_read_from_two_tokens_equals_the_metric_of_all_logits(tiny, batch):
    weights, difference = weights_of(tiny), ioi.logit_difference(batch)
    ends = torch.randn(3, len(batch), tiny.cfg.d_model, generator=torch.Generator().manual_seed(0))
    two, every = Reader(weights, difference)(ends), Reader(weights, lambda logits: difference(logits))(ends)
    assert two.dtype == every.dtype == torch.float64
    torch.testing.assert_close(two, every, atol=1e-5, rtol=1e-5)


def test_weights_are_kept_and_changed_ones_refused(tiny, batch):
    model = copy.deepcopy(tiny)
    kept = weights_of(model)
    assert weights_of(model) is kept
    assert weights_of(tiny) is not kept
    torch.testing.assert_close(whole_logits(model, batch), end_logits(model, batch), atol=2e-5, rtol=1e-5)
    with torch.no_grad():
        next(p for name, p in model.named_parameters() if "mlp" in name and p.ndim == 2).mul_(1.5)
    with pytest.raises(ValueError, match=r"^The weights of this model were changed after it was loaded"):
        whole_logits(model, batch)


def test_toggles_equal_whole_runs_whatever_the_order(tiny, batch):
    generator = torch.Generator().manual_seed(0)
    width, d_head = batch.tokens.shape[1], tiny.cfg.d_head
    values = [torch.randn(*shape, generator=generator)
              for shape in ((len(batch), width, d_head), (width, d_head), (d_head,))]  # fmt: skip
    toggles, in_force = Toggles(tiny, batch), {}
    steps = [(Head(2, 1), values[0]), (Head(0, 3), values[1]), (Head(2, 1), None), (Head(1, 0), "remove"),
             (Head(1, 0), values[2]), (Head(0, 3), "remove"), (Head(2, 2), values[1]), (Head(2, 1), "remove"),
             (Head(1, 0), "remove"), (Head(2, 2), "remove")]  # fmt: skip
    for head, value in steps:
        if isinstance(value, str):
            if head not in in_force:
                continue
            toggles.remove(head)
            del in_force[head]
        else:
            toggles.put(head, value)
            in_force[head] = hooks.Zero(head) if value is None else hooks.Put(head, value)
        assert toggles.heads == tuple(sorted(in_force))
        expected = end_logits(tiny, batch, *in_force.values())
        torch.testing.assert_close(toggles.logits(), expected, atol=2e-5, rtol=1e-5)
        metric = ioi.logit_difference(batch)
        torch.testing.assert_close(toggles.measure(metric), metric(expected).double(), atol=2e-5, rtol=1e-5)


def test_toggles_read_late_equal_toggles_read_at_every_step(tiny, batch):
    late, often = Toggles(tiny, batch), Toggles(tiny, batch)
    for head in (Head(2, 0), Head(0, 1), Head(1, 1)):
        late.put(head)
        often.put(head)
        often.logits()
    late.remove(Head(0, 1))
    often.remove(Head(0, 1))
    torch.testing.assert_close(late.logits(), often.logits(), atol=1e-5, rtol=1e-5)


def test_what_cannot_be_toggled_is_refused(tiny, batch):
    toggles = Toggles(tiny, batch)
    message = "Nothing was put at L1H1; what is in force: nothing."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        toggles.remove(Head(1, 1))
    message = "L5H1 is not in this model: tiny has layers 0-2 and heads 0-3. Choose a head such as L2H3."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        toggles.put(Head(5, 1))
    wanted = (*batch.tokens.shape, tiny.cfg.d_head)
    message = (
        f"The value for L1H1 has the shape (3,), which does not fit {wanted}. Give one that broadcasts to it."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        toggles.put(Head(1, 1), torch.zeros(3))


def matrices():
    generator = torch.Generator().manual_seed(0)
    shapes = (48, 16), (48,), (5, 16)
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("activation", [None, *linear.FUSED.values(), torch.nn.functional.silu])
def test_both_kinds_of_layer_agree(activation):
    weight, bias, x = matrices()
    kept = x.clone()
    plain = linear.Plain(weight, bias)(x, activation)
    try:
        packed = linear.Packed(weight, bias)(x, activation)
    except (AttributeError, RuntimeError):
        pytest.skip("this torch has no private linear layer")
    torch.testing.assert_close(packed, plain, atol=1e-5, rtol=1e-5)
    expected = x @ weight.T + bias
    if callable(activation):
        expected = activation(expected)
    elif activation is not None:
        kind, form = activation
        torch_name = getattr(torch.nn.functional, kind)
        expected = torch_name(expected, approximate=form) if form else torch_name(expected)
    torch.testing.assert_close(plain, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(x, kept)


class Inexact(linear.Packed):
    def __call__(self, x, activation=None):
        return super().__call__(x.bfloat16().float(), activation)


@pytest.mark.parametrize("trouble", ["missing", "inexact", "slow", "half precision"])
def test_torchs_own_layer_is_used_where_the_private_one_fails(monkeypatch, trouble):
    weight, bias, _ = matrices()
    seconds = {linear.Plain: 2.0, linear.Packed: 1.0, Inexact: 1.0}
    monkeypatch.setattr(linear, "_seconds", lambda layers, *_: [seconds[type(layer)] for layer in layers])
    if trouble == "missing":
        monkeypatch.setattr(linear, "_operation", lambda name: getattr(object(), name))
    if trouble == "inexact":
        monkeypatch.setattr(linear, "Packed", Inexact)
    if trouble == "slow":
        seconds[linear.Packed] = 1.9  # too little to be sure
    if trouble == "half precision":
        weight, bias = weight.bfloat16(), bias.bfloat16()
    assert linear.choose(weight, bias) is linear.Plain


def test_the_private_layer_is_used_where_it_is_right_and_faster(monkeypatch):
    weight, bias, _ = matrices()
    try:
        linear.Packed(weight, bias)
    except (AttributeError, RuntimeError):
        pytest.skip("this torch has no private linear layer")
    monkeypatch.setattr(linear, "_seconds", lambda layers, *_: [2.0, 1.0])
    assert linear.choose(weight, bias) is linear.Packed


@pytest.mark.parametrize(("variants", "rows"), [(7, 1), (7, 10**6), (5000, 3)])
def test_pieces_cover_every_variant_once(variants, rows):
    covered = in_pieces(variants, rows, torch.device("cpu"), torch.arange(variants).__getitem__)
    assert covered.tolist() == list(range(variants))


def test_nothing_of_the_model_is_written(tiny, batch):
    before = {name: tensor.clone() for name, tensor in tiny.state_dict().items()}
    toggles = Toggles(tiny, batch)
    toggles.put(Head(0, 0))
    toggles.logits()
    assert all(torch.equal(tensor, before[name]) for name, tensor in tiny.state_dict().items())
    np.testing.assert_allclose(
        end_logits(tiny, batch)[0, :3], hooks.run(tiny, batch)[0][0, batch.length[0] - 1, :3]
    )
