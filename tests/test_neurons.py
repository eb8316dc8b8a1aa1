"""Single neurons: sums that must come out, weights against the checkpoint's own, edits against the
loop-written judge.
"""

import numpy as np
import pytest
import torch
from reference import Reference

from interp import hooks, models
from interp.methods import neurons
from interp.methods.attribution import component_attribution
from interp.methods.readout import logits_at_end
from interp.prompts import Prompts
from interp.sites import Neuron, Site
from interp.studies.names import ioi

FEW = (Neuron(0, 3), Neuron(1, 100), Neuron(2, 0))


@pytest.fixture(scope="module")
def judge(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture(scope="module")
def sentences(tiny):
    return ioi.prompts(tiny, 4)


@pytest.fixture(scope="module")
def metric(sentences):
    return ioi.logit_difference(sentences)


def test_the_neurons_and_the_bias_are_the_layers_output(tiny, tokens):
    for layer in range(3):
        post, out = Site("mlp_post", layer), Site("mlp_out", layer)
        seen = hooks.record(tiny, tokens, [post, out])
        summed = seen[post] @ tiny.W_out[layer] + tiny.b_out[layer]
        assert torch.allclose(summed, seen[out], atol=1e-5)


def test_an_activation_is_what_the_judge_computes(tiny, judge):
    text = "When Mary and John went to the store"
    read = neurons.reading(tiny, text, FEW)
    ids = [tiny.tokenizer.bos_token_id, *models.encode(tiny, text)]
    run = judge.forward(ids)
    for neuron in FEW:
        expected = run.neurons[neuron.layer][1:, neuron.neuron].numpy()
        assert np.allclose(read.activations.at(neuron=str(neuron)).values, expected, atol=1e-4)
    assert read.tokens == tuple(models.token_strings(tiny, ids[1:]))


def test_a_text_longer_than_the_context_is_read_window_by_window_and_says_so(tiny):
    text = " Mary gave" * 70
    read = neurons.reading(tiny, text, FEW[:1])
    assert (len(read.tokens), read.windows, read.activations.about["windows"]) == (140, 3, 3)
    second = neurons.reading(tiny, text[len(" Mary gave") * 31 + len(" Mary") :], FEW[:1])
    assert np.allclose(read.activations.values[0, 63:126], second.activations.values[0, :63])


def test_an_empty_text_is_refused(tiny):
    with pytest.raises(ValueError) as error:
        neurons.reading(tiny, "", FEW)
    assert str(error.value) == "The text is empty: write at least one word for the neurons to read."


def test_a_neuron_that_does_not_exist_is_refused(tiny):
    with pytest.raises(ValueError) as error:
        neurons.output_tokens(tiny, Neuron(1, 999))
    assert str(error.value) == (
        "L1N999 is not in this model: tiny has layers 0-2 and neurons 0-127. Choose a neuron such as L2N127."
    )


def test_what_a_neuron_reads_is_its_input_weight_with_the_norms_gain(tiny, judge):
    weights = judge.weights
    gained = weights["h.1.ln_2.weight"] * (
        weights["wte.weight"] - weights["wte.weight"].mean(1, keepdim=True)
    )
    expected = gained @ weights["h.1.mlp.c_fc.weight"][:, 100]
    read = neurons.input_tokens(tiny, Neuron(1, 100), k=5)
    assert np.allclose(read.values, expected.topk(5).values, atol=1e-4)


def test_what_a_neuron_writes_under_both_conventions(tiny, judge):
    weights, vector = judge.weights, judge.weights["h.2.mlp.c_proj.weight"][7]
    logits = (vector - vector.mean()) * weights["ln_f.weight"] @ weights["wte.weight"].T
    raw = neurons.output_tokens(tiny, Neuron(2, 7), k=4)
    assert np.allclose(raw.values, (logits - logits.mean()).topk(4).values, atol=1e-4)
    through = judge._norm("ln_f", vector) @ weights["wte.weight"].T
    normed = neurons.output_tokens(tiny, Neuron(2, 7), convention=neurons.NORMED, k=4)
    assert np.allclose(normed.values, through.softmax(-1).topk(4).values, atol=1e-5)
    assert (raw.about["convention"], normed.about["convention"]) == neurons.CONVENTIONS


def test_an_unknown_convention_is_refused(tiny):
    with pytest.raises(ValueError) as error:
        neurons.output_tokens(tiny, Neuron(0, 0), convention="cosine")
    expected = "convention='cosine' is unknown: choose 'raw product' or 'through the final norm'."
    assert str(error.value) == expected


def test_written_tokens_are_writes_for_a_whole_layer(tiny):
    values, ids = neurons.written_tokens(tiny, 1, k=3)
    one = neurons.output_tokens(tiny, Neuron(1, 42), k=3)
    assert one.axes["token"] == neurons.token_labels(tiny, ids[42].tolist())
    assert np.allclose(values[42], one.values)
    lowest, _ = neurons.written_tokens(tiny, 1, k=1, least=True)
    assert (lowest < values[:, :1]).all()


def test_contributions_and_bias_are_what_the_feed_forward_part_writes(tiny, sentences):
    written = neurons.neuron_attribution(tiny, sentences)
    whole = component_attribution(tiny, sentences)
    states = hooks.record(tiny, sentences, [Site("ln_final_scale")])
    scale = sentences.at(states[Site("ln_final_scale")], "end")[:, 0]
    difference = tiny.W_U[:, sentences.answers["io"]] - tiny.W_U[:, sentences.answers["s"]]
    difference = difference - difference.mean(0)
    for layer in range(3):
        bias = (tiny.b_out[layer] @ difference) / scale
        summed = written.values[layer].sum(0) + bias.numpy()
        assert np.allclose(summed, whole.at(component=f"mlp_out{layer}").values, atol=1e-4)


def test_switching_a_neuron_off_is_what_the_judge_says(tiny, judge, sentences, metric):
    change = neurons.neuron_ablation(tiny, sentences, metric, FEW)
    for row, length in enumerate(sentences.length.tolist()):
        ids, (io, s) = sentences.tokens[row, :length], (sentences.answers[k][row] for k in ("io", "s"))
        for neuron in FEW:
            cut = judge.forward(ids, removed_neurons=[(neuron.layer, neuron.neuron)]).logits[-1]
            whole = judge.forward(ids).logits[-1]
            expected = float((cut[io] - cut[s]) - (whole[io] - whole[s]))
            assert abs(change.at(neuron=str(neuron), prompt=row).values - expected) < 1e-4


def test_the_mean_is_over_real_words_only(tiny, sentences, metric):
    means = neurons.neuron_means(tiny, sentences, FEW)
    seen = hooks.record(tiny, sentences, [FEW[1]])[FEW[1]]
    words = [seen[row, :length] for row, length in enumerate(sentences.length.tolist())]
    assert abs(float(means[1]) - float(torch.cat(words).mean())) < 1e-6
    edit = hooks.Put(FEW[1], means[1].float(), where=sentences.real())
    expected = metric(logits_at_end(tiny, sentences, edit)) - metric(logits_at_end(tiny, sentences))
    change = neurons.neuron_ablation(tiny, sentences, metric, [FEW[1]], how="mean")
    assert np.allclose(change.values[0], expected.numpy(), atol=1e-5)


def test_another_way_of_switching_off_is_refused(tiny, sentences, metric):
    with pytest.raises(ValueError) as error:
        neurons.neuron_ablation(tiny, sentences, metric, FEW, how="loudly")
    assert str(error.value) == "how='loudly' is not a way to switch a neuron off: choose zero or mean."


def test_holding_a_neuron_where_it_stands_changes_nothing(tiny, sentences, metric):
    one = sentences.take([0])
    stands = hooks.record(tiny, one, [FEW[1]])[FEW[1]][0, int(one.length[0]) - 1]
    read = ioi.logit_difference(one)
    held = neurons.clamped(tiny, one, read, FEW[1], [float(stands), float(stands) + 3])
    untouched = float(read(logits_at_end(tiny, one)))
    assert abs(held.values[0, 0] - untouched) < 1e-5
    assert abs(held.values[1, 0] - untouched) > 1e-3


def test_patching_wins_back_nothing_from_a_twin_and_all_from_the_last_layers_neurons(tiny, sentences, metric):
    twins = ioi.swapped(tiny, sentences)
    share = neurons.neuron_patching(tiny, sentences, twins, metric, FEW)
    clean = hooks.record(tiny, sentences, [FEW[2]])[FEW[2]]
    edit = hooks.Put(FEW[2], clean, where=twins.mask("end"))
    corrupt = metric(logits_at_end(tiny, twins)).double()
    swing = (metric(logits_at_end(tiny, sentences)).double() - corrupt).mean()
    expected = (metric(logits_at_end(tiny, twins, edit)).double() - corrupt) / swing
    assert np.allclose(share.values[2], expected.numpy(), atol=1e-4)


def test_patching_between_prompts_that_answer_alike_is_refused(tiny, sentences, metric):
    with pytest.raises(ValueError) as error:
        neurons.neuron_patching(tiny, sentences, sentences, metric, FEW)
    assert str(error.value) == (
        "The corrupted prompts answer as the clean ones do: there is no swing to win back."
    )


def test_patching_needs_prompts_of_one_shape(tiny, sentences, metric):
    other = Prompts.write(tiny.tokenizer, [[(None, "Mary gave")]])
    with pytest.raises(ValueError) as error:
        neurons.neuron_patching(tiny, sentences, other, metric, FEW)
    shape = tuple(sentences.tokens.shape)
    assert str(error.value) == (
        f"The prompts have shape {shape} and the corrupted prompts (1, {other.tokens.shape[1]}):"
        " write one corrupted prompt per prompt, of the same length."
    )
