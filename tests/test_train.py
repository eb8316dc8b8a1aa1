"""Training the pocket model: from a seed, resumable, interruptible."""

import json
import signal

import pytest
import torch
from safetensors.torch import load_file

from interp import models
from interp.pocket import train as training
from interp.pocket.run import has_bf16, save_state

SMALL = training.Recipe(blocks=1, heads=2, d_model=16, context=24, rows=4, steps=6, warm_up=2)


@pytest.fixture(autouse=True)
def quick_tokenizer(monkeypatch):
    """The same tokenizer from fewer documents: what is tested here is the training."""
    monkeypatch.setattr(training, "tokenizer", lambda whole=training.tokenizer: whole(documents=300))


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_one_seed_is_one_model_and_another_seed_another(tmp_path):
    first = weights(training.train(tmp_path / "first", SMALL))
    assert same(first, weights(training.train(tmp_path / "again", SMALL)))
    other = training.Recipe(**{**SMALL.__dict__, "seed": 21})
    assert not same(first, weights(training.train(tmp_path / "other", other)))


def test_a_stopped_run_resumes_to_the_same_weights(tmp_path, monkeypatch):
    whole = weights(training.train(tmp_path / "whole", SMALL))
    step, taken = training._step, []

    def interrupted(work, run, at):
        taken.append(at)
        if taken.count(3) == 1 and at == 3:
            signal.raise_signal(signal.SIGINT)  # heard when the step is done
        return step(work, run, at)

    monkeypatch.setattr(training, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.train(tmp_path / "stopped", SMALL)
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    assert same(whole, weights(training.train(tmp_path / "stopped", SMALL)))
    assert taken == list(range(SMALL.steps))


def test_a_damaged_state_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "state.pt").write_bytes(b"PK\3\4 half")
    with pytest.raises(ValueError, match=r"state\.pt is damaged and cannot be read \(\w+\): delete it"):
        training.train(tmp_path, SMALL)


def test_the_state_of_another_recipe_is_refused(tmp_path):
    training.train(tmp_path, SMALL)
    save_state(tmp_path / "training" / "state.pt", training._begin(SMALL, torch.device("cpu")))
    other = training.Recipe(**{**SMALL.__dict__, "steps": 7})
    with pytest.raises(ValueError, match=r"belongs to another recipe.*Choose another output folder"):
        training.train(tmp_path, other)


def test_checkpoints_stand_at_log_spaced_steps(tmp_path):
    training.train(tmp_path, SMALL)
    kept = sorted(
        int(folder.name.removeprefix("step-")) for folder in (tmp_path / "training" / "checkpoints").iterdir()
    )
    assert kept == [0, 1, 2, 4, 6] == list(training.checkpoint_steps(SMALL))


def test_rows_are_full_and_half_of_them_begin_with_end_of_text():
    encode = training.tokenizer()
    ids = torch.cat([training.rows(encode, SMALL, step) for step in range(40)])
    assert ids.shape == (160, SMALL.context)
    begins = (ids[:, 0] == encode.bos_token_id).float().mean().item()
    assert 0.35 < begins < 0.65


def test_the_schedule_warms_up_and_cools_down():
    recipe = training.Recipe()
    rates = [training.learning_rate(recipe, step) for step in range(recipe.steps)]
    assert max(rates) == pytest.approx(recipe.learning_rate)
    assert rates.index(max(rates)) in (recipe.warm_up - 1, recipe.warm_up)
    assert rates[-1] < 0.03 * recipe.learning_rate


def test_the_words_seen_are_those_of_the_rows_each_with_its_space():
    encode = training.tokenizer()
    recipe = training.Recipe(**{**SMALL.__dict__, "steps": 8})
    words = training.seen_words(encode, recipe)
    assert words == sorted(set(words))
    rows = [row for step in range(8) for row in training.rows(encode, recipe, step).tolist()]
    text = "".join(map(encode.decode, rows))
    assert all(word in text for word in words)
    assert set(text) == set("".join(words))
    again = {
        word for row in rows for word in encode.decode(row).replace(training.world.END_OF_TEXT, " ").split()
    }
    assert {word for word in again if word.isalpha()} <= {word.strip() for word in words}


def test_training_leaves_the_words_seen_beside_the_weights(tmp_path):
    folder = training.train(tmp_path, SMALL)
    kept = json.loads((folder / "seen_words.json").read_text(encoding="utf-8"))
    assert kept == training.seen_words(training.tokenizer(), SMALL)
    assert models.seen_words(models.load(folder)) == frozenset(kept)


@pytest.mark.parametrize("real", [True, False])
def test_an_x86_that_only_imitates_bf16_takes_single_precision(monkeypatch, real):
    """Imitated, it is three times slower than what it stands for."""
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: real)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert has_bf16(torch.device("cpu")) == real
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "SVE256")
    assert has_bf16(torch.device("cpu"))  # elsewhere the first question is answered by the processor
