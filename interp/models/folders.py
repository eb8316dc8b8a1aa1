"""Whether a folder holds a whole GPT-2: its files, its configuration, every tensor, and what is in them."""

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from interp.models.refusals import ModelNotFound
from interp.models.weight_files import WEIGHTS, missing_weights, places, read, shapes, weight_files

_SIZES = ("n_layer", "n_head", "n_embd", "vocab_size", "n_positions")
_MOST_BLANK = 0.02  # of a file's bytes, zero at its end; more is a download that was cut off
_BLOCK = 1 << 20
EMBEDDING, TIED = "wte.weight", "lm_head.weight"
# Of a layer, beside what a config asks for: the mask, which older files keep, and what an activation learned
MORE = re.compile(r"(?:transformer\.)?h\.(\d+)\.(?:attn\.(?:bias|masked_bias)|mlp\.act\.\w+)")
_OTHER_WEIGHTS = ("pytorch_model*.bin", "tf_model*.h5", "flax_model*.msgpack", "*.ckpt*")
_READ_AS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_ON_PURPOSE = "zeros_on_purpose"  # in config.json: weights written by hand hold blocks of zeros


def missing(folder: Path) -> str | None:
    """The first thing that a model folder lacks, in words; None if it has everything."""
    if not (folder / "config.json").is_file():
        return "config.json"
    absent = missing_weights(folder)
    if absent is not None:
        return absent
    has_tokenizer = (folder / "tokenizer.json").is_file() or all(
        (folder / name).is_file() for name in ("vocab.json", "merges.txt")
    )
    return None if has_tokenizer else "tokenizer (tokenizer.json, or vocab.json and merges.txt)"


def check(source: str, folder: Path) -> None:
    """Nothing, if the folder holds a GPT-2 with every tensor in its place; else ModelNotFound."""
    if not folder.is_dir():
        raise ModelNotFound(source, "there is no such folder.")
    lacks = missing(folder)
    if lacks is not None:
        raise ModelNotFound(source, _instead(folder, lacks) or f"the folder has no {lacks}.")
    found = shapes(source, weight_files(folder))
    expected = expected_shapes(configuration(source, folder))
    _refuse_unused(source, found, expected)
    for tensor, shape in expected.items():
        came = found.get(_stored(tensor, found))
        if came != shape:
            raise ModelNotFound(
                source,
                f"its weights are damaged: {tensor} should have the shape {shape}, but"
                f" {'it is missing' if came is None else f'it has {came}'}.",
            )


def _instead(folder: Path, lacks: str) -> str | None:
    """What lies in a folder in the place of what it lacks, in words; None if nothing is known to."""
    other = next((file.name for end in _OTHER_WEIGHTS for file in sorted(folder.glob(end))), None)
    if lacks == WEIGHTS and other:
        return no_safetensors(other)
    if lacks.startswith("tokenizer") and (folder / "vocab.txt").is_file():
        return (
            "its vocab.txt belongs to another kind of tokenizer than GPT-2's. Put GPT-2's files beside it"
            " (tokenizer.json, or vocab.json and merges.txt), if the model was trained with them."
        )
    return None


def no_safetensors(other: str) -> str:
    """Why a model whose weights come in another form is refused, and what to do."""
    return (
        f"it has {other} but no {WEIGHTS}; only safetensors are read, because loading the other form can run"
        " foreign code. If you trust its maker, convert it once: transformers.GPT2LMHeadModel"
        ".from_pretrained(it).save_pretrained('a/new/folder'), with its tokenizer's files beside."
    )


def _refuse_unused(source: str, found: dict[str, tuple], expected: dict[str, tuple]) -> None:
    """Nothing, if the model uses every tensor of the file; the tied output matrix is compared later."""
    used = {_stored(tensor, found) for tensor in expected} | {TIED}
    layers = {tensor.split(".")[1] for tensor in expected if tensor.startswith("h.")}
    for tensor in found:
        more = MORE.fullmatch(tensor)
        if tensor not in used and not (more and more[1] in layers):
            raise ModelNotFound(
                source,
                f"its weights and config.json disagree: the file holds {tensor}, which a model of"
                f" {len(layers)} layers does not use.",
            )


def check_numbers(source: str, folder: Path) -> None:
    """Nothing, if every weight is a number and the file's end is not blank; else ModelNotFound."""
    config, files = configuration(source, folder), weight_files(folder)
    stored, words = places(source, files), _tokenizer_size(folder) or config["vocab_size"]
    tables = {stored.get(_stored(EMBEDDING, stored)), stored.get(TIED)}
    for file in files:
        may_be_padded = file in tables and words < config["vocab_size"]  # with rows of zeros, at a file's end
        blank = 0.0 if may_be_padded else _blank_share(file)
        if blank > _MOST_BLANK:
            raise ModelNotFound(
                source,
                f"its weights are damaged: the last {blank:.0%} of {file.name} are zeros, as in a download"
                " that was cut off.",
            )
    may_be_blank = config.get(_ON_PURPOSE) is True
    for tensor in expected_shapes(config):
        name = _stored(tensor, stored)
        values = read(source, stored[name], name)
        real = values[:words] if tensor in (EMBEDDING, TIED) else values
        wrong = _wrong(tensor, values) or (None if may_be_blank else _blank(tensor, real))
        if wrong is not None:
            raise ModelNotFound(source, f"its weights are damaged: {tensor} {wrong}.")
    if TIED in stored and config.get("tie_word_embeddings", True):
        embedding = _stored(EMBEDDING, stored)
        if not torch.equal(read(source, stored[TIED], TIED), read(source, stored[embedding], embedding)):
            raise ModelNotFound(
                source,
                f"its weights and config.json disagree: {TIED} is not the embedding, though config.json does"
                " not say tie_word_embeddings: false.",
            )


def _tokenizer_size(folder: Path) -> int | None:
    """How many tokens the folder's tokenizer knows; None if its files do not say so in GPT-2's way."""
    try:
        if (folder / "tokenizer.json").is_file():
            written = json.loads((folder / "tokenizer.json").read_bytes())
            more = (added["id"] for added in written.get("added_tokens") or ())
            return 1 + max(*written["model"]["vocab"].values(), *more)
        files = (folder / name for name in ("vocab.json", "added_tokens.json"))
        return 1 + max(max(json.loads(file.read_bytes()).values()) for file in files if file.is_file())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def taught(source: str, folder: Path, weights_sha256: str) -> dict[str, tuple[str, ...]] | None:
    """The answer key beside the weights of a taught model; None where there is none.

    Raises ModelNotFound if the key was written for other weights.
    """
    try:
        record = json.loads((folder / "training.json").read_text("utf-8"))
        key = {role: tuple(heads) for role, heads in record["taught"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if record.get("weights_sha256") != weights_sha256:
        raise ModelNotFound(
            source,
            f"its training.json is about the weights {str(record.get('weights_sha256'))[:8]}, but {WEIGHTS}"
            f" has {weights_sha256[:8]}: put back the weights, or train them again.",
        )
    return key


def configuration(source: str, folder: Path) -> dict[str, Any]:
    """What config.json says. Raises ModelNotFound if that is not a GPT-2 that can be run here."""
    return parse_config(source, (folder / "config.json").read_bytes())


def parse_config(source: str, text: bytes) -> dict[str, Any]:
    """The configuration in these bytes. Raises ModelNotFound if it is not a GPT-2 that can be run here."""
    try:
        config = json.loads(text)
        kind = config.get("model_type")
    except (ValueError, AttributeError):
        raise ModelNotFound(source, "its config.json is damaged: it is not a JSON object.") from None
    if kind != "gpt2":
        raise ModelNotFound(source, f"it is not a GPT-2: config.json says the model type is {kind!r}.")
    if "n_positions" not in config and "n_ctx" in config:  # its name in the oldest files
        config["n_positions"] = config["n_ctx"]
    wrong = [size for size in _SIZES if not isinstance(config.get(size), int) or config[size] < 1]
    if wrong:
        raise ModelNotFound(
            source, f"its config.json is damaged: {', '.join(wrong)} should be a whole number."
        )
    unfit = _unfit(config)
    if unfit is not None:
        raise ModelNotFound(source, unfit)
    return config


def _unfit(config: dict[str, Any]) -> str | None:
    """What a whole GPT-2 may ask for and would not get here; None if there is nothing."""
    if config.get("add_cross_attention"):
        return (
            "config.json asks for cross-attention (add_cross_attention), and these notebooks read one text"
            " alone. Take a GPT-2 without it."
        )
    square = [size for size in ("n_inner", "vocab_size") if config.get(size) == config["n_embd"]]
    if square:
        return (
            f"config.json says that {square[0]} equals n_embd ({config['n_embd']}). TransformerLens tells"
            " such a matrix from its transpose by its shape and may run this one the wrong way round."
        )
    return None


def _longest_blank(values: Tensor) -> int:
    """How many rows one after another (of a vector: numbers) are zeros, at most."""
    blank = (values == 0).flatten(1).all(1) if values.ndim > 1 else values == 0
    written = torch.cat([torch.tensor([-1]), (~blank).nonzero()[:, 0], torch.tensor([len(blank)])])
    return int(written.diff().max()) - 1


def _stored(tensor: str, names: set[str] | dict) -> str:
    """The name under which a file keeps a tensor: with or without the model's own name before it."""
    return tensor if tensor in names else f"transformer.{tensor}"


def _wrong(tensor: str, values: Tensor) -> str | None:
    """What is wrong with these values, in words; None if nothing is."""
    if values.dtype not in _READ_AS:
        return f"holds {str(values.dtype).removeprefix('torch.')} instead of real numbers"
    low, high = map(float, torch.aminmax(values if values.element_size() < 8 else values.float()))
    if not abs(low) + abs(high) < float("inf"):
        return f"holds {int((~values.isfinite()).sum())} values that are not finite numbers"
    return None


def _blank(tensor: str, values: Tensor) -> str | None:
    """Which block of a weight is empty, in words; None if none is. A bias may well be zero."""
    blank = _longest_blank(values) if tensor.endswith("weight") else 0
    if blank <= max(1, _MOST_BLANK * len(values)):
        return None
    return (
        f"holds zeros alone in {blank} of its {len(values)} rows, one after another (if they are meant, write"
        f' "{_ON_PURPOSE}": true into config.json)'
    )


def _blank_share(file: Path) -> float:
    """The share of a file's bytes that are zeros at its end."""
    size = whole = file.stat().st_size
    with file.open("rb") as opened:
        while size:
            start = max(0, size - _BLOCK)
            opened.seek(start)
            written = opened.read(size - start).rstrip(b"\0")
            if written:
                size = start + len(written)
                break
            size = start
    return 1 - size / whole


def expected_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Every tensor that the configuration asks for; whatever a file lacks, the libraries would invent."""
    width, inner = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    norm = {"weight": (width,), "bias": (width,)}
    parts = {
        "ln_1": norm,
        "ln_2": norm,
        "attn.c_attn": {"weight": (width, 3 * width), "bias": (3 * width,)},
        "attn.c_proj": {"weight": (width, width), "bias": (width,)},
        "mlp.c_fc": {"weight": (width, inner), "bias": (inner,)},
        "mlp.c_proj": {"weight": (inner, width), "bias": (width,)},
    }
    blocks = {
        f"h.{layer}.{part}.{kind}": shape
        for layer in range(config["n_layer"])
        for part, kinds in parts.items()
        for kind, shape in kinds.items()
    }
    words = (config["vocab_size"], width)
    ends = {"wte.weight": words, "wpe.weight": (config["n_positions"], width)}
    untied = {} if config.get("tie_word_embeddings", True) else {"lm_head.weight": words}
    return ends | blocks | {f"ln_f.{kind}": shape for kind, shape in norm.items()} | untied
