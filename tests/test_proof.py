"""A model is proven when it is loaded: run beside the reference, whole, and known by its weights."""

import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
from conftest import disturbed, tokenizer_of
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from interp import doctor, hooks, models
from interp.models import ModelNotFound
from interp.models.proof import Proof

ACTIVATIONS = ("gelu_new", "gelu", "relu", "silu", "quick_gelu", "tanh", "gelu_fast", "gelu_pytorch_tanh",
               "relu2", "mish", "sigmoid", "gelu_python")  # fmt: skip


@pytest.fixture
def folder(tiny_folder, tmp_path, monkeypatch):
    """A copy of the tiny model's folder, to be damaged, on a machine where nothing was proven yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


@pytest.fixture
def proofs(monkeypatch):
    """How often a model was run to prove it."""
    runs, run = [], Proof.run
    monkeypatch.setattr(Proof, "run", lambda proof, model: runs.append(model) or run(proof, model))
    return runs


def refusal(source, **options):
    """Why the source is refused, without what every refusal says."""
    with pytest.raises(ModelNotFound) as error:
        models.load(source, **options)
    said = str(error.value).removeprefix(f"The model {str(source)!r} cannot be loaded: ")
    return said.partition(" There are three ways out:")[0]


def change_config(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def change_weight(folder, name, change):
    weights = load_file(folder / "model.safetensors")
    change(weights[name])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


# What disagrees with the reference


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_switch_that_the_bridge_ignores_is_refused_by_its_name(folder, dtype):
    change_config(folder, scale_attn_weights=False)
    said = refusal(folder, dtype=dtype)
    assert said.startswith("TransformerLens and transformers disagree about it by ")
    assert said.endswith(
        " nats on the same words (at most 0.001 is rounding). Likely reason: config.json says"
        " scale_attn_weights: false, which TransformerLens ignores."
    )


def test_cross_attention_is_refused_before_anything_is_read(folder):
    change_config(folder, add_cross_attention=True)
    assert refusal(folder) == (
        "config.json asks for cross-attention (add_cross_attention), and these notebooks read one text alone."
        " Take a GPT-2 without it."
    )


def test_a_square_matrix_that_the_bridge_may_turn_round_is_refused(tmp_path):
    """A few words cannot show it in every such model: one of two hundred slipped through."""
    made = random_model(tmp_path / "square", n_embd=8, n_head=2, n_inner=8)[0]
    assert refusal(made) == (
        "config.json says that n_inner equals n_embd (8). TransformerLens tells such a matrix from its"
        " transpose by its shape and may run this one the wrong way round."
    )


def test_whatever_else_disagrees_is_refused_without_a_guess(folder, monkeypatch):
    run = Proof.run
    wrong = iter([0.0, 0.5])
    monkeypatch.setattr(Proof, "run", lambda proof, model: run(proof, model) + next(wrong))
    assert refusal(folder).endswith("The reason is not known; a number measured on it could not be trusted.")


# What is not in the files, or no number


def test_an_output_matrix_of_its_own_must_be_in_the_file(folder):
    """Else the libraries make a random one, another at each load."""
    change_config(folder, tie_word_embeddings=False)
    shape = tuple(load_file(folder / "model.safetensors")["transformer.wte.weight"].shape)
    assert refusal(folder) == (
        f"its weights are damaged: lm_head.weight should have the shape {shape}, but it is missing."
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_no_number_is_refused_with_its_tensor(folder, value):
    change_weight(folder, "transformer.h.1.mlp.c_fc.weight", lambda weight: weight[3].fill_(value))
    said = "its weights are damaged: h.1.mlp.c_fc.weight holds 128 values that are not finite numbers."
    assert refusal(folder) == said
    assert said in str(doctor.examine(str(folder)))


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.97])
def test_a_download_whose_end_is_blank_is_refused(folder, kept):
    """The file has its full length, so that only its content tells."""
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    cut = int(kept * len(whole))
    file.write_bytes(whole[:cut] + bytes(len(whole) - cut))
    assert refusal(folder) == (
        f"its weights are damaged: the last {1 - kept:.0%} of model.safetensors are zeros, as in a download"
        " that was cut off."
    )
    assert not doctor.examine(str(folder)).ready


def test_weights_that_are_zero_on_purpose_are_fine(folder):
    change_weight(folder, "transformer.wte.weight", lambda weight: weight[-2:].zero_())
    change_weight(folder, "transformer.h.0.mlp.c_fc.bias", lambda bias: bias.zero_())
    models.load(folder)


def test_weights_that_are_not_those_the_hub_sent_are_refused(folder, tmp_path, monkeypatch):
    """The hub's cache names a file after its hash."""
    home = tmp_path / "hub" / "models--gpt2"
    snapshot = home / "snapshots" / "607a30d"
    shutil.copytree(folder, snapshot)
    (home / "blobs").mkdir()
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("607a30d")
    blob, came = home / "blobs" / ("ab" * 32), models.locate(folder).weights_sha256
    shutil.move(snapshot / "model.safetensors", blob)
    (snapshot / "model.safetensors").symlink_to(blob)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert refusal("gpt2") == (
        f"its weights are damaged: their hash begins with {came[:8]}, and the hub sent a file with abababab."
        f" Delete {blob}; the next load fetches it again."
    )


# Once, and remembered


def test_a_model_is_proven_once_and_again_when_its_weights_or_its_configuration_change(folder, proofs):
    models.load(folder)
    assert len(proofs) == 2  # the reference and the bridge
    models.load(folder)
    models.load(folder, dtype="float16")
    assert len(proofs) == 2
    change_config(folder, layer_norm_epsilon=1e-4)
    models.load(folder)
    change_weight(folder, "transformer.ln_f.bias", lambda bias: bias.add_(1))
    models.load(folder)
    assert len(proofs) == 6


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_where_nothing_can_be_noted_it_is_proven_each_time(folder, proofs, monkeypatch, dtype):
    (folder / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "file"))
    models.load(folder, dtype=dtype)
    models.load(folder, dtype=dtype)
    assert len(proofs) == 4


def test_a_refused_model_is_not_remembered(folder):
    change_config(folder, scale_attn_weights=False)
    assert refusal(folder) == refusal(folder)


# A name is not a model


def test_two_folders_of_one_name_are_two_models(tiny_folder, tmp_path):
    first, second = (Path(shutil.copytree(tiny_folder, tmp_path / at / "checkpoint-500")) for at in "ab")
    change_weight(second, "transformer.ln_f.bias", lambda bias: bias.add_(1))
    names = [models.describe(models.load(folder)).name for folder in (first, second)]
    assert names == [f"checkpoint-500-{models.locate(at).sha256[:8]}" for at in (first, second)]
    assert len(set(names)) == 2


def test_a_folder_of_ones_own_called_pocket_is_not_the_shipped_one(tiny_folder, tmp_path, monkeypatch):
    shutil.copytree(tiny_folder, tmp_path / "pocket")
    monkeypatch.chdir(tmp_path)
    place = models.locate("./pocket")
    assert place.name == f"pocket-{place.sha256[:8]}"
    assert place.asked == str(tmp_path / "pocket")
    assert models.locate("pocket").folder == models.EMBEDDED["pocket"]


# Any small GPT-2


def random_config(seed):
    """Settings of a small GPT-2, drawn at random."""
    chance = random.Random(seed)
    heads = chance.choice((1, 2, 3, 4))
    width = heads * chance.choice((1, 2, 4, 8))
    return {
        "n_layer": chance.choice((1, 2, 3)), "n_head": heads, "n_embd": width,
        "n_positions": chance.choice((1, 4, 16, 32)),
        "n_inner": chance.choice((None, width, 3 * width + 1)),
        "activation_function": chance.choice(ACTIVATIONS),
        "layer_norm_epsilon": chance.choice((1e-5, 1e-3, 1e-8)),
        "scale_attn_weights": chance.random() > 0.1,
        "scale_attn_by_inverse_layer_idx": chance.random() < 0.3,
        "reorder_and_upcast_attn": chance.random() < 0.3,
        "tie_word_embeddings": chance.random() > 0.3,
        "add_cross_attention": chance.random() < 0.05,
        "resid_pdrop": chance.choice((0, 0.5)),
    }  # fmt: skip


def random_model(folder, *, seed=0, **settings):
    """A folder with a random GPT-2 of these settings, and the model that `transformers` made."""
    tokenizer = tokenizer_of(["one two three"] * 20)
    torch.manual_seed(seed)
    config = {"vocab_size": len(tokenizer), "n_positions": 16, "n_layer": 2, **settings}
    model = disturbed(GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0, **config)).eval())
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder, model


def in_another_form(folder, reference, seed):
    """The same model as people have it: short numbers, shards, an old configuration; and what it then is."""
    chance = random.Random(-seed)
    if chance.random() < 0.3:
        kind = chance.choice((torch.float16, torch.bfloat16))
        reference.to(kind)
    shards = chance.random() < 0.3
    if shards:
        (folder / "model.safetensors").unlink()
    reference.save_pretrained(folder, max_shard_size="5KB" if shards else "1GB")
    if chance.random() < 0.2:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({"n_ctx": config.pop("n_positions"), **config}))
    return reference.float()


MANY = int(os.environ.get("INTERP_RANDOM_MODELS", "100"))  # 500 before a release


@pytest.mark.slow
def test_random_models_in_any_form_are_loaded_and_equal_the_reference_or_are_refused(tmp_path):
    """The judge is `transformers`, on other words than the proof's; every refusal names its reason."""
    outcomes = Counter()
    for seed in range(MANY):
        settings = random_config(seed)
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        made, reference = random_model(tmp_path / "model", seed=seed, **settings)
        reference = in_another_form(made, reference, seed)
        try:
            model = models.load(made)
        except ModelNotFound as error:
            assert any(reason in str(error) for reason in at_fault(settings)), (settings, str(error))  # noqa: PT017
            outcomes["refused"] += 1
            continue
        tokens = torch.randint(200, (3, min(9, settings["n_positions"])))
        with torch.no_grad():
            expected = reference(tokens).logits.log_softmax(-1)
        assert torch.allclose(hooks.run(model, tokens)[0].log_softmax(-1), expected, atol=1e-4), settings
        outcomes["equal"] += 1
    assert min(outcomes["equal"], outcomes["refused"]) > MANY // 5, outcomes


def at_fault(settings):
    """What a refusal of these settings may name."""
    reasons = {
        "add_cross_attention": settings["add_cross_attention"],
        "n_inner equals n_embd": settings["n_inner"] == settings["n_embd"],
        "scale_attn_weights: false": not settings["scale_attn_weights"],
    }
    return [reason for reason, given in reasons.items() if given]
