"""Whether a folder holds a whole GPT-2: its files, its configuration, every tensor, and what is in them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from interp.models.refusals import ModelNotFound

WEIGHTS = "model.safetensors"
_SIZES = ("n_layer", "n_head", "n_embd", "vocab_size", "n_positions")
_MOST_BLANK = 0.02  # of a file's bytes, zero at its end; more is a download that was cut off
_BLOCK = 1 << 20
TIED = "lm_head.weight"
# Of a layer, beside what a config asks for: the mask, which older files keep, and what an activation learned
MORE = re.compile(r"(?:transformer\.)?h\.(\d+)\.(?:attn\.(?:bias|masked_bias)|mlp\.act\.\w+)")
_ON_PURPOSE = "zeros_on_purpose"  # in config.json: weights written by hand hold blocks of zeros


def missing(folder: Path) -> str | None:
    """The first thing that a model folder lacks, in words; None if it has everything."""
    if not (folder / "config.json").is_file():
        return "config.json"
    if not (folder / WEIGHTS).is_file():
        return WEIGHTS
    has_tokenizer = (folder / "tokenizer.json").is_file() or all(
        (folder / name).is_file() for name in ("vocab.json", "merges.txt")
    )
    return None if has_tokenizer else "tokenizer (tokenizer.json, or vocab.json and merges.txt)"


def check(source: str, folder: Path) -> None:
    """Nothing, if the folder holds a GPT-2 with every tensor in its place; else ModelNotFound."""
    if not folder.is_dir():
        raise ModelNotFound(source, "there is no such folder.")
    lacks = missing(folder)
    if lacks == WEIGHTS and (folder / "pytorch_model.bin").is_file():
        raise ModelNotFound(
            source,
            "it has pytorch_model.bin but no model.safetensors; only safetensors are"
            " read, because loading the other form can run foreign code.",
        )
    if lacks is not None:
        raise ModelNotFound(source, f"the folder has no {lacks}.")
    found = _tensor_shapes(source, folder / WEIGHTS)
    expected = _expected_shapes(configuration(source, folder))
    _refuse_unused(source, found, expected)
    for tensor, shape in expected.items():
        came = found.get(_stored(tensor, found))
        if came != shape:
            raise ModelNotFound(
                source,
                f"its weights are damaged: {tensor} should have the shape {shape}, but"
                f" {'it is missing' if came is None else f'it has {came}'}.",
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
    blank = _blank_share(folder / WEIGHTS)
    if blank > _MOST_BLANK:
        raise ModelNotFound(
            source,
            f"its weights are damaged: the last {blank:.0%} of {WEIGHTS} are zeros, as in a download that was"
            " cut off.",
        )
    may_be_blank = configuration(source, folder).get(_ON_PURPOSE) is True
    for tensor, values in _weights(source, folder):
        wrong = _wrong(tensor, values) or (None if may_be_blank else _blank(tensor, values))
        if wrong is not None:
            raise ModelNotFound(source, f"its weights are damaged: {tensor} {wrong}.")
    if not _tied_agree(folder / WEIGHTS):
        raise ModelNotFound(
            source,
            f"its weights and config.json disagree: {TIED} is not the embedding, though config.json does not"
            " say tie_word_embeddings: false.",
        )


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


def _weights(source: str, folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that the model needs, by its name and with its values."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="pt") as opened:
            stored = set(opened.keys())
            for tensor in _expected_shapes(configuration(source, folder)):
                yield tensor, opened.get_tensor(_stored(tensor, stored))
    except SafetensorError as error:
        raise ModelNotFound(source, f"{WEIGHTS} is damaged ({error}).") from None


def _tied_agree(file: Path) -> bool:
    """Whether an output matrix that is stored beside the embedding is the same; true if only one is."""
    from safetensors import safe_open

    config = json.loads((file.parent / "config.json").read_bytes())
    with safe_open(file, framework="pt") as opened:
        stored = set(opened.keys())
        if TIED not in stored or not config.get("tie_word_embeddings", True):
            return True
        return torch.equal(opened.get_tensor(TIED), opened.get_tensor(_stored("wte.weight", stored)))


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
    if not values.is_floating_point():
        return f"holds {values.dtype} instead of real numbers"
    low, high = map(float, torch.aminmax(values))
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


def _tensor_shapes(source: str, file: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a safetensors file, read from its header; checks its length."""
    damaged = ModelNotFound(source, f"{WEIGHTS} is damaged: it is cut short or is no safetensors file.")
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        if size > file.stat().st_size:
            raise damaged
        try:
            header = json.loads(opened.read(size))
            header.pop("__metadata__", None)
            end = max(entry["data_offsets"][1] for entry in header.values())
            shapes = {name: tuple(entry["shape"]) for name, entry in header.items()}
        except (ValueError, AttributeError, TypeError, KeyError):
            raise damaged from None
    if file.stat().st_size != 8 + size + end:
        raise damaged
    return shapes


def _expected_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
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
