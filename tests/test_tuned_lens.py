"""The tuned lens: identity at the start, nearer to the last word after training, same from its seed."""

import re
from random import Random

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from interp import models
from interp.__main__ import app
from interp.methods import lens, tuned_lens
from interp.prompts import Prompts
from interp.studies.facts import lenses
from interp.words import world


@pytest.fixture(scope="module")
def batch(tiny):
    answers = [{"answer": " Mary"}, {"answer": " Lucy"}]
    texts = ("Then, Mary and John went to the store", "After the lunch, Tom and Lucy had a long argument")
    return Prompts.write(tiny.tokenizer, [[(None, text)] for text in texts], answers=answers)


@pytest.fixture(scope="module")
def trained(tiny):
    return lenses.make(tiny, steps=40, seed=3, progress=False)


def test_untrained_it_is_the_logit_lens(tiny, batch):
    plain = lens.trace(tiny, batch)
    made = tuned_lens.untrained(tiny)
    assert made.steps == 0
    np.testing.assert_array_equal(lens.trace(tiny, batch, through=made).values, plain.values)


def test_training_brings_every_place_nearer_and_leaves_the_last_alone(tiny, trained):
    chooser = Random("texts that training did not draw")
    texts = [[(None, world.document(chooser)[:60])] for _ in range(30)]
    fresh = Prompts.write(tiny.tokenizer, texts)
    before = tuned_lens.divergence(tiny, fresh).mean("prompt").values
    after = tuned_lens.divergence(tiny, fresh, through=trained).mean("prompt").values
    np.testing.assert_allclose([before[-1, -1], after[-1, -1]], 0, atol=1e-6)
    assert (after.ravel()[:-1] < before.ravel()[:-1]).all(), (before, after)
    assert not trained.weight[-1, -1].any()
    assert not trained.bias[-1, -1].any()


def test_the_divergence_equals_its_definition(tiny, batch):
    measured = tuned_lens.divergence(tiny, batch)
    held = lens.states(tiny, batch, spot=None).values
    length = int(batch.length[0])
    total = 0.0
    for position in range(length):
        last, early = (
            (lens.normalised(tiny, state) @ tiny.W_U + tiny.b_U).double().softmax(-1)
            for state in (held[1, 2, 0, position], held[0, 1, 0, position])
        )
        total += sum(float(p * (p / q).log()) for p, q in zip(last, early, strict=True))
    assert float(measured.at(part="mid", layer=1, prompt=0)) == pytest.approx(total / length, abs=1e-4)


@pytest.mark.slow
def test_the_seed_decides_the_lens(tiny, trained):
    again = lenses.make(tiny, steps=40, seed=3, progress=False)
    other = lenses.make(tiny, steps=40, seed=4, progress=False)
    assert torch.equal(again.weight, trained.weight)
    assert not torch.equal(other.weight, trained.weight)


def test_it_leaves_the_model_alone(tiny):
    before = {name: tensor.clone() for name, tensor in tiny.state_dict().items()}
    lenses.make(tiny, steps=2, progress=False)
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny.state_dict().items())
    assert tiny.W_U.grad is None


def test_what_is_saved_is_loaded(tiny, trained, batch, tmp_path):
    path = tuned_lens.save(trained, tmp_path / "folder" / "lens.safetensors")
    back = tuned_lens.load(tiny, path)
    assert back.about == trained.about
    expected = lens.trace(tiny, batch, through=trained).at(measure="probability")
    found = lens.trace(tiny, batch, through=back).at(measure="probability")
    np.testing.assert_allclose(found.values, expected.values, atol=2e-3)


def test_a_lens_of_other_weights_and_a_broken_file_are_refused(tiny, pocket, trained, tmp_path):
    path = tuned_lens.save(trained, tmp_path / "lens.safetensors")
    message = (
        f"The lens of {path} was tuned for tiny with other weights than those of pocket."
        " Make one for this model with `python -m interp tune-lens`."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tuned_lens.load(pocket, path)
    path.write_text("nothing")
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} is no tuned lens \(.*\)\. Make one with"):
        tuned_lens.load(pocket, path)


def test_texts_that_hold_nothing_and_texts_that_run_out_are_refused(tiny):
    message = "The texts to tune the lens on are empty. Give a file with some pages of plain text."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        lenses.make(tiny, [" ", ""], steps=1, progress=False)
    message = "The texts ran out after 1 of 3 steps. Give one batch per step."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tuned_lens.tuned(tiny, [torch.ones(4, 8, dtype=torch.long)], steps=3, progress=False)


@pytest.mark.slow
def test_the_command_makes_the_same_lens_again(tiny_folder, tiny, trained, tmp_path):
    path = tmp_path / "made" / "lens.safetensors"
    asked = ["tune-lens", "--model", str(tiny_folder), "--steps", "40", "--seed", "3", "--out", str(path)]
    outcome = CliRunner().invoke(app, asked)
    assert outcome.exit_code == 0, outcome.output
    assert torch.equal(tuned_lens.load(tiny, path).weight, trained.weight.half().float())
    (tmp_path / "empty.txt").write_text("\n\n")
    outcome = CliRunner().invoke(app, [*asked, "--text", str(tmp_path / "empty.txt")])
    assert outcome.exit_code == 2


def test_pocket_ships_its_lens_and_other_models_begin_with_the_identity(tiny, pocket):
    assert lenses.find(tiny).steps == 0
    shipped = lenses.find(pocket)
    assert shipped.steps == lenses.STEPS
    assert shipped.about["weights_sha256"] == models.describe(pocket).weights_sha256
    chooser = Random("fresh")
    texts = [[(None, world.document(chooser)[:150])] for _ in range(20)]
    fresh = Prompts.write(pocket.tokenizer, texts, context=96)
    before, after = (
        tuned_lens.divergence(pocket, fresh, through=through).mean("prompt").values.ravel()[:-1]
        for through in (None, shipped)
    )
    assert (after < before).all(), (before, after)
