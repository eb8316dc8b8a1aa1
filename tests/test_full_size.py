"""A full-size GPT-2 with the real vocabulary and random weights goes the same way as every other model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

from interp import models, verification
from interp.hooks import Zero, resume, run
from interp.prompts import Prompts
from interp.published import published
from interp.sites import Head, Site
from interp.words import ioi

TOKENIZER = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not TOKENIZER.is_dir(), reason="GPT-2's own tokenizer does not stand beside this project"
    ),
]


@pytest.fixture(scope="module")
def tokenizer():
    return GPT2TokenizerFast.from_pretrained(TOKENIZER)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """GPT-2 small's shape, written with random weights; removed after the tests (half a gigabyte)."""
    folder = tmp_path_factory.mktemp("models") / "random-gpt2"
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
    for file in TOKENIZER.iterdir():
        if file.name != "README.md":
            shutil.copyfile(file, folder / file.name)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("words", [ioi.NAMES, ioi.PLACES, ioi.OBJECTS], ids=["names", "places", "objects"])
def test_the_words_of_the_ioi_task_are_single_tokens(tokenizer, words):
    assert [word for word in words if len(tokenizer(f" {word}")["input_ids"]) != 1] == []


def test_the_full_size_model_loads_runs_and_resumes(folder):
    model = models.load(folder)
    card = models.describe(model)
    assert (card.name, card.layers, card.heads, card.d_model, card.context) == (
        f"random-gpt2-{models.locate(folder).sha256[:8]}",
        12,
        12,
        768,
        1024,
    )
    assert card.vocabulary == json.loads((folder / "config.json").read_text())["vocab_size"] == 50257
    sentence = [(None, "When"), ("IO", " Mary"), (None, " and"), ("S1", " John"),
                (None, " went to the store,"),
                ("S2", " John"), (None, " gave a drink to")]  # fmt: skip
    prompts = Prompts.write(model.tokenizer, [sentence], answers=[{"io": " Mary", "s": " John"}])
    stream = Site("resid_pre", 9)
    clean, recorded = run(model, prompts, record=[stream])
    edited = run(model, prompts, Zero(Head(9, 6)))[0]
    assert clean.shape == (1, prompts.tokens.shape[1], 50257)
    assert not torch.equal(edited, clean)
    resumed = resume(model, recorded[stream], 9, Zero(Head(9, 6)), position=prompts.spots["end"])
    assert torch.allclose(resumed, prompts.at(edited, "end"), atol=1e-4)


SAMPLED = ("eight/behaviour", "eight/first", "eight/attention", "milk", "claire", "loss", "arena/behaviour",
           "arena/scatter")  # fmt: skip


def test_published_figures_are_measured_on_a_model_of_this_shape(folder):
    """A sample of what `verify` does; everything is measured on a narrow model in test_replications_ioi."""
    model = models.load(folder)
    assert verification.listed_model(model) == "gpt2"
    measures = verification.all_measures()
    for group, records in verification.groups(published("gpt2", "ioi")).items():
        measured = measures[group](model) if group in SAMPLED else {}
        compared = [verification.Comparison(one, measured[one.id]) for one in records if one.id in measured]
        assert len(compared) == len(measured)
        assert all(np.isfinite(one.gap) and not one.passed for one in compared), group
