"""Direct attribution is an exact split: it sums to the logit difference, heads sum to their layer."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from reference import Reference

from interp import hooks
from interp.methods.attribution import component_attribution, head_attribution
from interp.sites import Head, Site
from interp.studies.names import ioi


@pytest.fixture(scope="module", params=[False, True], ids=["without bos", "with bos"])
def batch(tiny, request):
    return ioi.prompts(tiny, 6, templates=(0, 4), seed=2, bos=request.param)


def _logit_difference(model, prompts, *edits):
    return ioi.logit_difference(prompts)(prompts.at(hooks.run(model, prompts, *edits)[0], "end")).numpy()


def _contributions(loops, ids, io, s):
    run = loops.forward(ids)
    heads = [
        [loops.contribution(run, layer, head, io, s) for head in range(loops.heads)]
        for layer in range(loops.layers)
    ]
    return torch.tensor(heads, dtype=torch.float64)


def test_components_sum_to_the_logit_difference(tiny, batch):
    parts = component_attribution(tiny, batch)
    np.testing.assert_allclose(parts.values.sum(axis=0), _logit_difference(tiny, batch), atol=1e-5)


def test_the_parts_of_an_edited_run_sum_to_its_own_logit_difference(tiny, batch):
    edits = (hooks.Zero(Head(0, 1)), hooks.Zero(Head(2, 3)))
    edited = _logit_difference(tiny, batch, *edits)
    parts = component_attribution(tiny, batch, edits=edits)
    np.testing.assert_allclose(parts.values.sum(axis=0), edited, atol=1e-5)
    assert np.abs(edited - _logit_difference(tiny, batch)).max() > 1e-3
    assert np.abs(head_attribution(tiny, batch, edits=edits).at(layer=2, head=3).values).max() < 1e-12


def test_the_bias_matters_and_is_the_unembeddings_own(tiny, batch):
    bias = component_attribution(tiny, batch).at(component="bias").values
    expected = tiny.b_U[batch.answers["io"]] - tiny.b_U[batch.answers["s"]]
    np.testing.assert_allclose(bias, expected.numpy(), atol=1e-6)
    assert np.abs(bias).max() > 1e-3


def test_components_are_named_in_the_order_of_the_model(tiny, batch):
    layers = [f"{kind}{layer}" for layer in range(tiny.cfg.n_layers) for kind in ("attn_out", "mlp_out")]
    assert component_attribution(tiny, batch).axes["component"] == ("embed", "pos_embed", *layers, "bias")


def test_heads_and_the_output_bias_sum_to_their_layer(tiny, batch):
    heads, components = head_attribution(tiny, batch), component_attribution(tiny, batch)
    _, recorded = hooks.run(tiny, batch, record=[Site("ln_final_scale")])
    scale = batch.at(recorded[Site("ln_final_scale")], "end")
    direction = tiny.W_U.T[batch.answers["io"]] - tiny.W_U.T[batch.answers["s"]]
    centred = direction - direction.mean(dim=-1, keepdim=True)
    for layer in range(tiny.cfg.n_layers):
        output_bias = (centred / scale @ tiny.b_O[layer]).numpy()
        total = heads.at(layer=layer).values.sum(axis=0) + output_bias
        np.testing.assert_allclose(total, components.at(component=f"attn_out{layer}").values, atol=1e-5)


def test_every_head_equals_the_loop_written_model(tiny, tiny_folder, batch):
    measured, loops = head_attribution(tiny, batch), Reference(tiny_folder)
    for number in range(len(batch)):
        ids = batch.tokens[number, : int(batch.length[number])]
        io, s = int(batch.answers["io"][number]), int(batch.answers["s"][number])
        expected = _contributions(loops, ids, io, s)
        np.testing.assert_allclose(measured.at(prompt=number).values, expected.numpy(), atol=1e-4)


def test_exchanging_the_answers_changes_the_sign(tiny, batch):
    there, back = head_attribution(tiny, batch), head_attribution(tiny, batch, answer="s", against="io")
    np.testing.assert_allclose(there.values, -back.values, atol=1e-9)


def test_reordering_prompts_reorders_results(tiny, batch):
    order = [5, 2, 0, 1, 4, 3]
    for measure in (head_attribution, component_attribution):
        shuffled = measure(tiny, batch.take(order)).values
        np.testing.assert_allclose(shuffled, measure(tiny, batch).values[..., order], atol=1e-5)


def test_padding_changes_nothing(tiny, batch):
    wider = replace(
        batch, tokens=torch.nn.functional.pad(batch.tokens, (0, 3), value=tiny.tokenizer.eos_token_id)
    )
    for measure in (head_attribution, component_attribution):
        np.testing.assert_allclose(measure(tiny, wider).values, measure(tiny, batch).values, atol=1e-5)


def test_an_unknown_answer_is_told(tiny, batch):
    message = (
        "The prompts have no answer called 'who', only ['io', 's']. "
        "Choose one of these, or write the prompts with that answer."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        head_attribution(tiny, batch, answer="who")
