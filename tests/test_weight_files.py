"""Every form in which GPT-2's weights come: shards, other number types, old configurations, padded tables."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, GPT2LMHeadModel

from interp import doctor, hooks, models
from interp.models import ModelNotFound

ONE, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture
def folder(tiny_folder, tmp_path, monkeypatch):
    """A copy of the tiny model's folder, on a machine where nothing was proven yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


@pytest.fixture
def shards(folder):
    """The same folder, its weights in several shards as `transformers` cuts them."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    whole = GPT2LMHeadModel.from_pretrained(folder)
    shutil.rmtree(folder)
    whole.save_pretrained(folder, max_shard_size="60KB")
    tokenizer.save_pretrained(folder)
    assert len(list(folder.glob("model-*.safetensors"))) > 2
    assert not (folder / ONE).exists()
    return folder


def refusal(source):
    """Why the source is refused, without what every refusal says."""
    with pytest.raises(ModelNotFound) as error:
        models.load(source)
    said = str(error.value).removeprefix(f"The model {str(source)!r} cannot be loaded: ")
    return said.partition(" There are three ways out:")[0]


def answer(source, tokens):
    return hooks.run(models.load(source), tokens)[0].log_softmax(-1)


def change_config(folder, drop=(), **changes):
    file = folder / "config.json"
    config = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({name: value for name, value in config.items() if name not in drop}))


def rewritten(file, change):
    tensors = load_file(file)
    change(tensors)
    save_file({name: values.contiguous() for name, values in tensors.items()}, file, {"format": "pt"})


# Shards


def test_shards_give_the_model_that_one_file_gives(shards, tiny_folder, tokens):
    assert torch.equal(answer(shards, tokens), answer(tiny_folder, tokens))
    assert [check.state for check in doctor.examine(str(shards)).checks if check.name == "model"] == ["ok"]


def test_the_hash_is_over_all_shards_and_each_may_change_it(shards):
    seen = {models.locate(shards).weights_sha256}
    files = models.locate(shards).weight_files
    for file in files:
        rewritten(file, lambda tensors: next(iter(tensors.values())).add_(1))
        seen.add(models.locate(shards).weights_sha256)
    assert len(seen) == 1 + len(files)


def test_one_shard_alone_has_the_hash_of_its_file(folder):
    before = models.locate(folder).weights_sha256
    (folder / ONE).rename(folder / "model-00001-of-00001.safetensors")
    named = dict.fromkeys(
        load_file(folder / "model-00001-of-00001.safetensors"), "model-00001-of-00001.safetensors"
    )
    (folder / INDEX).write_text(json.dumps({"weight_map": named}))
    assert models.locate(folder).weights_sha256 == before


def test_a_missing_shard_is_refused_by_its_name(shards):
    lost = models.locate(shards).weight_files[1]
    lost.unlink()
    assert refusal(shards) == f"the folder has no {lost.name}, which {INDEX} names."


def test_a_damaged_shard_is_refused_by_its_name(shards):
    shard = models.locate(shards).weight_files[-1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    assert refusal(shards) == f"{shard.name} is damaged: it is cut short or is no safetensors file."
    shard.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    assert refusal(shards) == (
        f"its weights are damaged: the last 50% of {shard.name} are zeros, as in a download that was cut off."
    )


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"wte.weight": 3}}',
             '{"weight_map": {"wte.weight": "../other.safetensors"}}',
             '{"weight_map": {"wte.weight": "pytorch_model.bin"}}'],
)  # fmt: skip
def test_an_index_that_names_no_shards_beside_it_is_refused(shards, text):
    (shards / INDEX).write_text(text)
    assert refusal(shards) == f"the folder has no readable {INDEX}."


def test_a_tensor_in_two_shards_or_in_none_is_refused(shards):
    first, second, *_ = models.locate(shards).weight_files
    name, values = next(iter(load_file(first).items()))
    rewritten(second, lambda tensors: tensors.update({name: values}))
    assert refusal(shards) == (
        f"its weights are damaged: {first.name} and {second.name} both hold {name}. Keep the shards that"
        f" {INDEX} belongs to."
    )
    rewritten(second, lambda tensors: tensors.pop(name))
    rewritten(first, lambda tensors: tensors.pop(name))
    assert f"{name.removeprefix('transformer.')} should have the shape" in refusal(shards)


# Number types


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_number_type_are_run_in_float32(folder, tokens, kind):
    GPT2LMHeadModel.from_pretrained(folder).to(kind).save_pretrained(folder)
    model = models.load(folder)
    with torch.no_grad():
        expected = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()(tokens).logits
    came = hooks.run(model, tokens)[0]
    assert came.dtype == torch.float32
    assert torch.allclose(came.log_softmax(-1), expected.log_softmax(-1), atol=1e-4)


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.int8])
def test_weights_that_are_packed_are_refused(folder, kind):
    name = "transformer.h.1.attn.c_attn.weight"
    rewritten(folder / ONE, lambda tensors: tensors.update({name: tensors[name].to(kind)}))
    told = str(kind).removeprefix("torch.")
    assert (
        refusal(folder)
        == f"its weights are damaged: h.1.attn.c_attn.weight holds {told} instead of real numbers."
    )


# Configurations


def test_an_old_configuration_that_says_only_n_ctx_is_read(folder, tiny_folder, tokens):
    change_config(folder, drop=("n_positions",), n_ctx=64)
    assert torch.equal(answer(folder, tokens), answer(tiny_folder, tokens))
    assert models.describe(models.load(folder)).context == 64


def test_a_configuration_without_a_length_is_refused(folder):
    change_config(folder, drop=("n_positions", "n_ctx"))
    assert refusal(folder) == "its config.json is damaged: n_positions should be a whole number."


def pad(folder, rows, *, zeros):
    """The model with a table of so many rows more than its tokenizer has tokens."""
    model = GPT2LMHeadModel.from_pretrained(folder)
    before = model.config.vocab_size
    model.resize_token_embeddings(before + rows, mean_resizing=False)
    if zeros:
        model.transformer.wte.weight.data[before:] = 0
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize(("rows", "zeros"), [(3, True), (500, True), (500, False)])
def test_a_padded_vocabulary_is_no_damage(folder, tokens, rows, zeros):
    with torch.no_grad():
        expected = pad(folder, rows, zeros=zeros).eval()(tokens).logits
    assert torch.allclose(answer(folder, tokens), expected.log_softmax(-1), atol=1e-4)
    last = models.describe(models.load(folder)).vocabulary - 1
    assert models.token_strings(models.load(folder), [last]) == [f"[{last}]"]


def test_zeros_at_real_words_of_a_padded_vocabulary_are_damage(folder):
    pad(folder, 500, zeros=True)
    rewritten(folder / ONE, lambda tensors: tensors["transformer.wte.weight"][-600:].zero_())
    assert refusal(folder).startswith("its weights are damaged: wte.weight holds zeros alone in 100 of its ")


# Other forms


@pytest.mark.parametrize("other", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "tf_model.h5"])
def test_weights_in_another_form_are_refused_with_what_to_do(folder, other):
    (folder / ONE).rename(folder / other)
    assert refusal(folder) == (
        f"it has {other} but no model.safetensors; only safetensors are read, because loading the other form"
        " can run foreign code. If you trust its maker, convert it once: transformers.GPT2LMHeadModel"
        ".from_pretrained(it).save_pretrained('a/new/folder'), with its tokenizer's files beside."
    )


def test_the_tokenizer_of_another_kind_of_model_is_said(folder):
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("[PAD]\nthe\n")
    assert refusal(folder) == (
        "its vocab.txt belongs to another kind of tokenizer than GPT-2's. Put GPT-2's files beside it"
        " (tokenizer.json, or vocab.json and merges.txt), if the model was trained with them."
    )
