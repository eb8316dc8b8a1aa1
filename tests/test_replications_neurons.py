"""The published neurons: what is listed can be read with GPT-2's own tokenizer and measured on a model of its
shape.
"""

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from interp import models
from interp.methods.neurons import NORMED, output_tokens
from interp.published import published
from interp.sites import Neuron
from interp.studies.replications import neurons

TOKENIZER = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"


@pytest.fixture(scope="module")
def tokenizer():
    if not (TOKENIZER / "vocab.json").is_file():
        pytest.skip("GPT-2's tokenizer is not here")
    return AutoTokenizer.from_pretrained(TOKENIZER)


@pytest.fixture(scope="module")
def random_gpt2(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "random-gpt2"
    tokenizer.save_pretrained(folder)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
    return models.load(folder)


def records(model, group):
    return [record for record in published(model, "neurons") if record.group == group]


def test_ten_value_vectors_are_listed_with_probabilities_in_falling_order():
    found = records("gpt2-medium", "value vectors")
    assert len(found) == 10
    for record in found:
        values = record.result.values
        assert (np.diff(values) < 0).all()
        assert 0 < values.sum() <= 1


def test_every_listed_token_is_one_token_and_every_text_has_a_number_per_token(tokenizer):
    for record in records("gpt2-medium", "value vectors"):
        assert all(len(tokenizer(token)["input_ids"]) == 1 for token in record.result.axes["token"])
    for record in records("gpt2", "activations"):
        text = record.result.quantity.split(" on: ")[1]
        assert len(tokenizer(text)["input_ids"]) + 1 == len(record.result.axes["position"])


def test_texts_that_begin_alike_are_listed_with_the_same_beginning():
    by_neuron = {}
    for record in records("gpt2", "activations"):
        name = record.result.quantity.split(" on: ")[0]
        by_neuron.setdefault(name, []).append(record.result.values[:2].tolist())
    assert all(len(set(map(tuple, starts))) == 1 for starts in by_neuron.values())


def test_every_group_is_measured_by_a_function():
    listed = {record.group for model in ("gpt2", "gpt2-medium") for record in published(model, "neurons")}
    assert listed == set(neurons.MEASURES)


@pytest.mark.slow
def test_a_model_of_gpt2s_shape_is_measured_with_the_listed_axes(random_gpt2):
    for group in ("activations", "gender neurons"):
        measured = neurons.MEASURES[group](random_gpt2)
        for record in records("gpt2", group):
            assert measured[record.id].axes == record.result.axes
            assert np.isfinite(measured[record.id].values).all()
            assert not record.agrees(measured[record.id].values), record.id  # random weights


def test_a_value_vector_is_read_through_the_final_norm(tiny, monkeypatch):

    spoken = output_tokens(tiny, Neuron(1, 5), convention=NORMED, k=3)
    record = records("gpt2-medium", "value vectors")[0]
    listed = type(record.result)(spoken.values, spoken.axes, "probability", "probability", {})
    made = type(record)("value_vector.L1N5", record.group, record.model, listed, record.agreements, "", "")
    monkeypatch.setattr(neurons, "_records", lambda group: [made])
    measured = neurons.value_vectors(tiny)["value_vector.L1N5"]
    assert np.allclose(measured.values, spoken.values)
    assert measured.axes == spoken.axes


@pytest.mark.slow
def test_value_vectors_of_random_weights_are_none_of_the_listed(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path / "medium")
    config = GPT2Config(n_layer=24, n_head=16, n_embd=48, n_inner=4096, n_positions=64)
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "medium")
    measured = neurons.value_vectors(models.load(tmp_path / "medium"))
    found = records("gpt2-medium", "value vectors")
    assert set(measured) == {record.id for record in found}
    assert [record.id for record in found if record.agrees(measured[record.id].values)] == []
