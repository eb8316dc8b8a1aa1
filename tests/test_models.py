"""Loading: one path for every source, no network, clear refusals."""

import ast
import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import CONTEXT
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel, GPT2TokenizerFast

from interp import hooks, models
from interp.models import ModelNotFound, bridge
from interp.prompts import Prompts
from interp.sites import Head
from interp.studies.own_words import own_sentences

ROOT = Path(__file__).parents[1]
THREE_WAYS_OUT = (
    " There are three ways out: load('pocket') takes the small model that ships with this project;"
    " load('path/to/folder') takes a folder in Hugging Face form (config.json, model.safetensors, tokenizer)"
    " that holds a GPT-2; load('gpt2') with an internet connection fetches GPT-2 once."
)


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy of the tiny model's folder, to be damaged."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


@pytest.fixture
def hub_cache(tiny_folder, tmp_path, monkeypatch):
    """A cache of the hub that holds the tiny model under the name openai-community/gpt2."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    shutil.copytree(tiny_folder, tmp_path / "models--openai-community--gpt2" / "snapshots" / "607a30d")
    name_main(tmp_path / "models--openai-community--gpt2", "607a30d")


def name_main(home, snapshot):
    (home / "refs").mkdir(exist_ok=True)
    (home / "refs" / "main").write_text(snapshot)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("INTERP_MODEL", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def refusal(source):
    with pytest.raises(ModelNotFound) as error:
        models.load(source)
    return str(error.value)


# What loading gives


def test_log_probabilities_equal_hugging_faces_and_logits_differ_by_one_constant_per_position(
    tiny, tiny_folder, tokens
):
    logits = hooks.run(tiny, tokens)[0]
    with torch.no_grad():
        expected = GPT2LMHeadModel.from_pretrained(tiny_folder).eval()(tokens).logits
    assert torch.allclose(logits.log_softmax(-1), expected.log_softmax(-1), atol=1e-5)
    assert torch.allclose(logits, expected - expected.mean(-1, keepdim=True), atol=1e-5)
    assert not torch.allclose(logits, expected, atol=1e-3)


def test_a_loaded_model_has_no_gradients_and_is_in_evaluation_mode(tiny):
    assert [name for name, parameter in tiny.named_parameters() if parameter.requires_grad] == []
    assert not tiny.training


def test_value_biases_are_not_folded(tiny):
    assert all(float(block.attn.b_V.abs().max()) > 0.1 for block in tiny.blocks)


def test_the_sizes_are_those_of_the_card_and_of_the_tensors(tiny):
    card, told = models.describe(tiny), models.sizes(tiny)
    assert (told.n_layers, told.n_heads, told.n_ctx) == (card.layers, card.heads, card.context)
    assert (told.d_vocab, told.d_model) == tuple(tiny.W_E.shape) == (card.vocabulary, card.d_model)
    assert (told.d_head, told.d_mlp) == (tiny.W_Q.shape[-1], tiny.W_in.shape[-1])


def test_the_card_says_what_was_loaded(tiny, tiny_folder):
    card = models.describe(tiny)
    assert card.name == "tiny"
    assert card.weights_sha256 == hashlib.sha256((tiny_folder / "model.safetensors").read_bytes()).hexdigest()
    assert (card.layers, card.heads, card.d_model, card.d_mlp, card.context) == (3, 4, 32, 128, 64)
    assert card.folding == "fold_ln, centred, value biases kept"
    assert models.about(tiny) == {
        "model": card.name,
        "weights_sha256": card.weights_sha256,
        "model_sha256": models.locate(tiny_folder).sha256,
        "folding": card.folding,
    }


def test_encoding_and_decoding_are_inverse(tiny):
    text = "When Mary and John went to the store, É said 'no' – twice."
    assert models.decode(tiny, models.encode(tiny, text)) == text


def test_every_token_has_a_name_of_its_own(tiny):
    names = models.token_strings(tiny, range(len(tiny.tokenizer)))
    assert len(set(names)) == len(names)
    assert models.token_strings(tiny, models.encode(tiny, " Mary gave"))[0] == " Mary"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [("“", ["\\xe2", "\\x80", "\\x9c"]), ("é", ["\\xc3", "\\xa9"]), ("日", ["\\xe6", "\\x97", "\\xa5"]),
     ("😀", ["\\xf0", "\\x9f", "\\x98", "\\x80"]),
     ("ش", ["\\xd8", "\\xb4"]), ("e\u0301", ["e", "\\xcc", "\\x81"])],
)  # fmt: skip
def test_a_part_of_a_character_is_shown_as_its_bytes(tiny, text, pieces):
    assert models.token_strings(tiny, models.encode(tiny, text)) == pieces


def test_a_token_of_whole_and_half_characters_shows_both():
    bpe = SimpleNamespace(decode=lambda ids, **more: " \ufffd", convert_ids_to_tokens=lambda i: "Ġâ\u0122")
    assert models.pieces.token_string(bpe, 0) == " \\xe2\\x80"
    other = SimpleNamespace(decode=lambda ids, **more: "", convert_ids_to_tokens=lambda i: "▁日")
    assert models.pieces.token_string(other, 0) == "▁日"


ODD = {
    "one token": " Mary", "quotes": "“Mary” said: don’t",
    "emoji": "👍 👩‍👩‍👧 🇩🇪",
    "chinese": "模型和语言",
    "right to left": "ذهب يوسف إلى",
    "both ways": "Mary قال שלום John",
    "combining": "Jose\u0301 a\u0308\u0323", "line ends": "Mary\r\nJohn\r\n",
    "byte order mark": "\ufeffMary", "mark between texts": "Mary<|endoftext|>John",
    "nothing visible": "\u200b\u200d\u00a0",
    "a null": "Mary\0John", "context-long": " Mary" * CONTEXT,
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_odd_text_is_read_run_and_shown_byte_by_byte(tiny, kind):
    text = ODD[kind]
    ids = models.encode(tiny, text)
    assert models.decode(tiny, ids) == text
    assert hooks.run(tiny, torch.tensor([ids[:CONTEXT]]))[0].isfinite().all()
    said = "".join(models.token_strings(tiny, ids)).encode()
    shown = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), said)
    assert shown == text.encode()


def test_a_text_longer_than_the_context_is_refused_by_its_length(tiny):
    with pytest.raises(ValueError, match="has 65 tokens, but the model reads at most 64"):
        Prompts.write(tiny.tokenizer, [[(None, " Mary" * 65)]], context=CONTEXT)


@pytest.mark.parametrize("half", [chr(0xD83D), chr(0xDE00), f"a{chr(0xDC80)}b"])
def test_half_a_character_is_refused_in_one_sentence_wherever_text_is_read(tiny, half):
    readers = (
        lambda: models.encode(tiny, half),
        lambda: Prompts.write(tiny.tokenizer, [[(None, half)]]),
        lambda: own_sentences.mark(tiny, half, " Mary", " John"),
    )
    for read in readers:
        with pytest.raises(ValueError, match="holds half a character") as error:
            read()
        assert str(error.value).startswith(f"The text {half!r} holds half a character (")
        assert str(error.value).endswith("Delete it, or write the whole character.")


def test_the_number_type_and_the_device_can_be_chosen(tiny_folder, tokens):
    model = models.load(tiny_folder, device="cpu", dtype="float64")
    assert hooks.run(model, tokens, hooks.Zero(Head(0, 0)))[0].dtype == torch.float64
    assert models.describe(model).device == "cpu"


@pytest.mark.parametrize(
    ("choice", "message"),
    [({"dtype": "int8"}, "'int8' is not a number type for weights. Choose one of: float32, float64, bfloat16,"
                         " float16."),
     ({"device": "tpu"}, "The device 'tpu' is not on this machine. Choose one of: ")],
)  # fmt: skip
def test_an_impossible_choice_is_refused(tiny_folder, choice, message):
    with pytest.raises(ValueError) as error:
        models.load(tiny_folder, **choice)
    assert str(error.value).startswith(message)


# Where it looks


def test_loading_a_folder_never_touches_the_network(tiny_folder, network_attempts):
    models.load(tiny_folder)
    assert network_attempts == []


@pytest.mark.slow
def test_a_fresh_process_is_told_to_stay_offline_before_the_libraries_are_imported(tiny_folder):
    """Otherwise a cached model takes minutes to load where there is no network."""
    program = f"""
import socket, sys
attempts = []
def refuse(*args, **kwargs):
    attempts.append(args)
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = refuse
from interp import models, hooks
assert not {{"transformers", "transformer_lens", "huggingface_hub"}} & set(sys.modules)
models.load({str(tiny_folder)!r})
import huggingface_hub
assert huggingface_hub.constants.HF_HUB_OFFLINE
assert attempts == [], attempts
"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("hub_cache")
@pytest.mark.parametrize("source", ["gpt2", "openai-community/gpt2"])
def test_a_cached_hub_id_is_read_from_the_cache_under_either_spelling(source, network_attempts):
    assert models.describe(models.load(source)).name == "gpt2"
    assert network_attempts == []


@pytest.mark.usefixtures("hub_cache")
def test_without_a_source_the_environment_decides_and_else_gpt2(tiny_folder, monkeypatch):
    monkeypatch.setenv("INTERP_MODEL", str(tiny_folder))
    assert models.locate().folder == tiny_folder
    monkeypatch.delenv("INTERP_MODEL")
    assert models.locate().name == "gpt2"


@pytest.mark.usefixtures("hub_cache")
def test_another_model_goes_before_gpt2_only_where_it_is_cached(
    tiny_folder, tmp_path, monkeypatch, network_attempts
):
    monkeypatch.delenv("INTERP_MODEL", raising=False)
    assert models.locate(rather="gpt2-medium").name == "gpt2"
    home = tmp_path / "models--gpt2-medium"
    shutil.copytree(tiny_folder, home / "snapshots" / "1234567")
    name_main(home, "1234567")
    assert models.locate(rather="gpt2-medium").name == "gpt2-medium"
    assert models.locate("gpt2", rather="gpt2-medium").name == "gpt2"
    (home / "snapshots" / "1234567" / "model.safetensors").unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert models.locate(rather="gpt2-medium").name == "gpt2"
    monkeypatch.setenv("INTERP_MODEL", str(tiny_folder))
    assert models.locate(rather="gpt2-medium").folder == tiny_folder
    assert network_attempts == []


@pytest.mark.usefixtures("empty_cache")
def test_without_any_source_pocket_is_taken_with_one_plain_sentence(monkeypatch, tiny_folder):
    monkeypatch.setitem(models.EMBEDDED, "pocket", tiny_folder)
    with pytest.warns(UserWarning) as warned:
        found = models.locate()
    assert (found.name, found.folder) == ("pocket", tiny_folder)
    assert [str(warning.message) for warning in warned] == [
        "GPT-2 is neither cached on this machine nor reachable at huggingface.co, so the small pocket"
        " model is used; set INTERP_MODEL to a folder or a hub id to choose another."
    ]


@pytest.mark.usefixtures("empty_cache")
def test_a_hub_id_out_of_reach_is_refused(monkeypatch, network_attempts):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    reason = "The model 'gpt2-medium' cannot be loaded: it is no folder, not in the cache, and"
    silence = "huggingface.co does not answer (a test tried to reach 'huggingface.co')."
    assert refusal("gpt2-medium") == f"{reason} {silence}{THREE_WAYS_OUT}"
    assert len(network_attempts) == 1
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert refusal("gpt2-medium") == f"{reason} HF_HUB_OFFLINE forbids fetching it.{THREE_WAYS_OUT}"
    assert len(network_attempts) == 1


# What it refuses


def test_a_missing_folder_is_refused(tmp_path):
    assert refusal(tmp_path / "none") == (
        f"The model '{tmp_path / 'none'}' cannot be loaded: there is no such folder.{THREE_WAYS_OUT}"
    )


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_an_incomplete_folder_is_refused(folder, name):
    (folder / name).unlink()
    assert (
        refusal(folder) == f"The model '{folder}' cannot be loaded: the folder has no {name}.{THREE_WAYS_OUT}"
    )


def test_a_folder_without_tokenizer_is_refused(folder):
    (folder / "tokenizer.json").unlink()
    assert "the folder has no tokenizer (tokenizer.json, or vocab.json and merges.txt)." in refusal(folder)


def test_weights_in_a_form_that_can_run_code_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert refusal(folder) == (
        f"The model '{folder}' cannot be loaded: it has pytorch_model.bin but no model.safetensors; only"
        " safetensors are read, because loading the other form can run foreign code. If you trust its maker,"
        " convert it once: transformers.GPT2LMHeadModel.from_pretrained(it).save_pretrained('a/new/folder'),"
        f" with its tokenizer's files beside.{THREE_WAYS_OUT}"
    )


@pytest.mark.parametrize("kept", [0, 4, 100, 20_000, -1])
def test_weights_that_are_cut_short_are_refused(folder, kept):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert refusal(folder) == (
        f"The model '{folder}' cannot be loaded: model.safetensors is damaged: it is cut short or is no"
        f" safetensors file.{THREE_WAYS_OUT}"
    )


def test_weights_that_are_something_else_are_refused(folder):
    (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0" + b"<html>no</html> " + b"\0" * 100)
    assert "model.safetensors is damaged" in refusal(folder)


def test_weights_that_do_not_fit_the_configuration_are_refused(folder):
    """The libraries would fill in random weights without a word."""
    change_config(folder, n_layer=4)
    assert refusal(folder) == (
        f"The model '{folder}' cannot be loaded: its weights are damaged: h.3.ln_1.weight should have the"
        f" shape (32,), but it is missing.{THREE_WAYS_OUT}"
    )


def test_another_architecture_is_refused(folder):
    change_config(folder, model_type="llama")
    assert refusal(folder) == (
        f"The model '{folder}' cannot be loaded: it is not a GPT-2: config.json says the model type is"
        f" 'llama'.{THREE_WAYS_OUT}"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "its config.json is damaged: it is not a JSON object."),
     ("[]", "its config.json is damaged: it is not a JSON object."),
     ('{"model_type": "gpt2", "n_layer": 2, "n_head": "two", "n_embd": 8, "vocab_size": 9, "n_positions": 4}',
      "its config.json is damaged: n_head should be a whole number.")],
)  # fmt: skip
def test_a_damaged_configuration_is_refused(folder, text, reason):
    (folder / "config.json").write_text(text)
    assert refusal(folder) == f"The model '{folder}' cannot be loaded: {reason}{THREE_WAYS_OUT}"


def test_a_damaged_tokenizer_is_refused(folder):
    (folder / "tokenizer.json").write_text("{}")
    assert refusal(folder).startswith(
        f"The model '{folder}' cannot be loaded: the model libraries refuse it ("
    )


def test_the_packed_pocket_model_loads(pocket):
    assert models.describe(pocket).name == "pocket"


def change_config(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


# The way to the hub


@pytest.mark.usefixtures("empty_cache")
def test_a_hub_id_that_is_not_a_gpt2_is_refused_before_it_is_downloaded(monkeypatch):
    answer_with(monkeypatch, b'{"model_type": "llama"}')
    assert refusal("some/llama") == (
        f"The model 'some/llama' cannot be loaded: it is not a GPT-2: config.json says the model type is"
        f" 'llama'.{THREE_WAYS_OUT}"
    )


@pytest.mark.usefixtures("empty_cache")
def test_a_hub_id_that_is_unknown_to_the_hub_is_refused(monkeypatch):
    answer_with(monkeypatch, urllib.error.HTTPError("address", 404, "not found", None, None))
    assert refusal("gpt22") == (
        "The model 'gpt22' cannot be loaded: it is no folder, not in the cache, and huggingface.co"
        f" answers 404: it has no such model. Check the name.{THREE_WAYS_OUT}"
    )


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("code", [0, 1])
def test_a_download_gives_a_folder_or_a_refusal(monkeypatch, tiny_folder, code):
    answer_with(monkeypatch, (tiny_folder / "config.json").read_bytes())
    done = subprocess.CompletedProcess([], code, stdout="" if code else f"{tiny_folder}\n")
    monkeypatch.setattr(models.hub.subprocess, "run", lambda *args, **more: done)
    if code == 0:
        found = models.locate("org/fine-tuned")
        assert (found.name, found.folder, found.asked) == ("org--fine-tuned", tiny_folder, "org/fine-tuned")
    else:
        assert "the hub answered, but the download did not finish." in refusal("org/fine-tuned")


def answer_with(monkeypatch, answer):
    def read(address):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(models.hub, "_read", read)


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize(
    ("code", "told"),
    [(401, "set HF_TOKEN"), (403, "Ask its owner for access"), (416, "Delete the model's folder"),
     (429, "too many requests"), (500, "trouble of its own"), (503, "trouble of its own")],
)  # fmt: skip
def test_every_answer_of_the_hub_has_its_sentence_before_and_during_the_download(
    monkeypatch, tiny_folder, code, told
):
    answer_with(monkeypatch, urllib.error.HTTPError("address", code, "no", None, None))
    assert told in refusal("org/own")
    answer_with(monkeypatch, (tiny_folder / "config.json").read_bytes())
    for line in (f"HfHubHTTPError: {code} Client Error: x", f"HTTPStatusError: Server error '{code} x' for"):
        done = subprocess.CompletedProcess([], 1, stdout=line)
        monkeypatch.setattr(models.hub.subprocess, "run", lambda *args, done=done, **more: done)
        assert f"huggingface.co answers {code}: " in refusal("org/own")
        assert told in refusal("org/own")


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize(
    ("line", "told"),
    [("ReadTimeout: The read operation timed out",
      "the download did not finish (The read operation timed out)."),
     ("OSError: [Errno 28] No space left on device", "but the disk is full. Make room, and try again."),
     ("PermissionError: [Errno 13] Permission denied: '/x'",
      "the download did not finish ([Errno 13] Permission denied: '/x').")],
)  # fmt: skip
def test_what_ended_a_download_is_said(monkeypatch, tiny_folder, line, told):
    answer_with(monkeypatch, (tiny_folder / "config.json").read_bytes())
    done = subprocess.CompletedProcess([], 1, stdout=line)
    monkeypatch.setattr(models.hub.subprocess, "run", lambda *args, **more: done)
    assert told in refusal("org/own")


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_web_page_instead_of_a_file_is_said(monkeypatch, folder, name):
    config = (folder / "config.json").read_bytes()
    (folder / name).write_bytes(b"<!DOCTYPE html><html>log in</html>")
    answer_with(monkeypatch, (folder / "config.json").read_bytes() if name == "config.json" else config)
    done = subprocess.CompletedProcess([], 0, stdout=f"{folder}\n")
    monkeypatch.setattr(models.hub.subprocess, "run", lambda *args, **more: done)
    assert "a web page came instead of a file (a log-in page?)" in refusal("org/own")


@pytest.mark.usefixtures("hub_cache")
def test_the_snapshot_that_main_names_is_taken_and_no_other(tiny_folder, tmp_path, monkeypatch):
    home = tmp_path / "models--openai-community--gpt2"
    shutil.copytree(tiny_folder, home / "snapshots" / "new")
    name_main(home, "new")
    os.utime(home / "snapshots" / "new", (0, 0))
    assert models.locate("gpt2").folder.name == "new"
    (home / "snapshots" / "new" / "model.safetensors").unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "the newest copy in the cache has no model.safetensors" in refusal("gpt2")


@pytest.mark.slow
@pytest.mark.usefixtures("hub_cache")
def test_the_cache_may_be_named_by_a_variable(tmp_path):
    program = "from interp.models import sources; print(sources.locate('gpt2').folder.name)"
    environment = {**os.environ, "PLACE": str(tmp_path), "HF_HUB_CACHE": "$PLACE", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout == "607a30d\n", done.stderr


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("name", ["a/b/c", "org/na me", "org/..", "-x"])
def test_what_no_model_on_the_hub_is_called_is_refused_in_one_sentence(name):
    assert f"The model {name!r} cannot be loaded" in refusal(name)


def test_one_weights_file_with_two_configurations_is_two_models(folder):
    first = models.locate(folder)
    change_config(folder, activation_function="relu")
    second = models.locate(folder)
    assert first.weights_sha256 == second.weights_sha256
    assert first.name != second.name


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
)
def test_whatever_can_change_an_answer_changes_the_hash(folder, name):
    before = models.locate(folder).sha256
    with (folder / name).open("ab") as file:
        file.write(b" ")
    if name != "model.safetensors":  # whose end is no longer where its header says
        assert models.locate(folder).name == f"copy-{models.locate(folder).sha256[:8]}"
    assert models.Source("copy", folder).sha256 != before


CHANGES = {
    "in place": lambda model: model.blocks[1].attn.o.weight.mul_(2),
    "through a view": lambda model: model.blocks[1].attn.W_O.zero_(),
    "one number": lambda model: model.unembed.W_U[3, 4].add_(1),
    "data": lambda model: model.blocks[1].attn.o.weight.data.zero_(),
    "other data": lambda model: setattr(
        model.blocks[1].attn.o.weight, "data", model.blocks[1].attn.o.weight.data.clone()
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_changed_after_loading_are_refused_wherever_a_hash_is_promised(tiny_folder, change, tokens):
    model = models.load(tiny_folder)
    hooks.run(model, tokens)
    models.about(model)
    with torch.no_grad():
        CHANGES[change](model)
    for asked in (models.about, hooks.check_untouched):
        with pytest.raises(
            ValueError, match=r"^The weights of this model were changed after it was loaded \(at "
        ):
            asked(model)


def test_a_copy_is_a_model_of_its_own(tiny_folder, tokens):
    model = models.load(tiny_folder)
    copied = copy.deepcopy(model)
    assert models.about(copied) == models.about(model)
    with torch.no_grad():
        copied.blocks[0].attn.W_O.mul_(2)
    models.about(model)
    for changed in (copied, copy.deepcopy(copied)):
        with pytest.raises(ValueError, match=r"^The weights of this model were changed after it was"):
            models.about(changed)


def test_layers_that_the_configuration_drops_are_refused(folder):
    change_config(folder, n_layer=2)
    assert "the file holds" in refusal(folder)
    assert "which a model of 2 layers does not use." in refusal(folder)


def rewritten(folder, change):
    file = folder / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, {"format": "pt"})


def test_another_output_matrix_beside_a_tied_embedding_is_refused(folder):
    rewritten(folder, lambda t: t.update({"lm_head.weight": torch.ones_like(t["transformer.wte.weight"])}))
    assert "lm_head.weight is not the embedding" in refusal(folder)


@pytest.mark.parametrize(
    "tensor", ["h.0.attn.c_attn.weight", "h.1.mlp.c_fc.weight", "wte.weight", "ln_f.weight"]
)
@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (0.4, 0.65), (0.75, 1.0), (0.0, 1.0)])
def test_a_block_of_zeros_anywhere_is_refused(folder, tensor, start, end):
    def blank(tensors):
        values = tensors[f"transformer.{tensor}"].flatten()
        values[int(start * len(values)) : int(end * len(values))] = 0

    rewritten(folder, blank)
    told = refusal(folder)
    assert f"{tensor} holds zeros alone" in told or "of model.safetensors are zeros" in told


def test_zeros_that_the_configuration_calls_meant_are_no_damage(folder):
    rewritten(folder, lambda tensors: tensors["transformer.h.1.mlp.c_fc.weight"].zero_())
    assert 'write "zeros_on_purpose": true into config.json' in refusal(folder)
    change_config(folder, zeros_on_purpose=True)
    models.load(folder)


def test_a_tokenizer_larger_than_the_embedding_is_refused(folder):
    tokenizer = GPT2TokenizerFast.from_pretrained(folder)
    tokenizer.add_tokens(["<one>", "<two>"])
    tokenizer.save_pretrained(folder)
    assert "its tokenizer and its weights disagree" in refusal(folder)


def test_a_loaded_model_has_what_its_type_says(pocket):
    """`load` casts, and TransformerLens' attributes are not all visible to pyright; so each is asked for."""
    tree = ast.parse(Path(bridge.__file__).read_text(encoding="utf-8"))
    wanted = {
        kind.name: {one.target.id if isinstance(one, ast.AnnAssign) else one.name
                    for one in kind.body if isinstance(one, ast.AnnAssign | ast.FunctionDef)}
        for kind in tree.body if isinstance(kind, ast.ClassDef)
    }  # fmt: skip
    parts = {"Bridge": pocket, "Sizes": pocket.cfg, "Tokenizer": pocket.tokenizer}
    assert set(wanted) == set(parts)
    missing = [(name, one) for name, part in parts.items() for one in wanted[name] if not hasattr(part, one)]
    assert missing == []
