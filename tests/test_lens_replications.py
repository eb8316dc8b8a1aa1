"""The published traces and transplants: the data says what the source prints, the measures follow it.

Run on a random model of 24 blocks, because the weights of GPT-2 medium are not here.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import disturbed
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from interp import hooks, models
from interp.methods import updates
from interp.published import published, traces
from interp.sites import Site
from interp.studies.replications import lens as replication

VOCABULARY = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer" / "vocab.json"


@pytest.fixture(scope="module")
def deep(tiny_folder, tmp_path_factory):
    """A random model with as many blocks as GPT-2 medium, narrow, with the tiny model's tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "deep"
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.save_pretrained(folder)
    sizes = {"n_layer": 24, "n_head": 2, "n_embd": 16, "n_positions": 512}
    config = GPT2Config(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=0, **sizes)
    torch.manual_seed(5)
    disturbed(GPT2LMHeadModel(config)).save_pretrained(folder)
    return models.load(folder)


def records():
    return {record.id: record for record in published("gpt2-medium", "lens")}


def test_the_published_trace_has_the_published_stages():
    result, words = traces.trace("poland")
    found = updates.find_stages([w == " Poland" for w in words], [w == " Warsaw" for w in words])
    assert result.axes["layer"] == tuple(range(24))
    assert (found.argument, found.application, found.saturation) == ((15, 16, 17, 18), 19, (20, 21, 22, 23))


def test_an_unknown_trace_is_refused():
    with pytest.raises(ValueError) as error:
        traces.trace("china")
    assert str(error.value) == (
        "No trace is published under 'china': choose from poland, poland, one question, poland, both stated,"
        " brown, list with china."
    )


def test_every_word_of_a_trace_is_its_token_id():
    if not VOCABULARY.is_file():
        pytest.skip("GPT-2's vocabulary is not on this machine")
    vocabulary = json.loads(VOCABULARY.read_text(encoding="utf-8"))
    for name in traces.traces():
        result, words = traces.trace(name)
        record = records()[f"lens.{name}"].result
        assert record.axes == result.axes
        spelled = [word.replace(" ", "Ġ").replace("\n", "Ċ") for word in words]
        assert record.values.tolist() == [vocabulary[word] for word in spelled]


def test_every_record_is_measured_with_its_axes(deep):
    measured = {
        key: value for measure in replication.MEASURES.values() for key, value in measure(deep).items()
    }
    assert set(measured) == set(records())
    for name, record in records().items():
        assert measured[name].axes == record.result.axes, name
        assert np.isfinite(measured[name].values).all(), name
        assert not record.agrees(measured[name].values), name  # random weights


def test_the_last_guess_of_a_trace_is_the_models_own(deep):
    ids = torch.tensor([models.encode(deep, replication.PROMPTS["poland"])])
    found = replication.traces(deep)["lens.poland"]
    assert int(float(found.at(layer=23))) == int(hooks.run(deep, ids)[0][0, -1].argmax())


def test_a_transplant_replaces_blocks_18_to_23_everywhere(deep):
    text, answer, source = replication.TRANSPLANTS["turkey"]
    ids = torch.tensor([models.encode(deep, text)])
    start, layer = replication.SOURCES[source]
    question = torch.tensor([models.encode(deep, start)])
    vector = hooks.record(deep, question, [Site("mlp_out", layer)])[Site("mlp_out", layer)][0, -1]
    edits = [hooks.Put(Site("mlp_out", block), vector) for block in range(18, 24)]
    logits = hooks.run(deep, ids, *edits)[0][0, -1]
    rank = 1 + int((logits > logits[models.encode(deep, answer)[0]]).sum())
    assert float(replication.transplants(deep)["transplant.turkey"].at(case="with", layer=23)) == 1 / rank
