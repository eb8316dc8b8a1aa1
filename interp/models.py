"""Models: `load(source)` turns a hub id, a directory or "pocket" into one and the same kind of model.

Everything about weights, folders, devices, weight processing and the network is decided here and nowhere
else. This room refuses tasks. Only `load` may touch the network, and only to fetch a hub id that is not
cached; every model is then read from a directory, so TransformerLens itself never calls out.
"""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

Bridge = Any  # a TransformerBridge: importing the class here would settle the network mode too early

FOLDING = "fold_ln, centred, value biases kept"
DTYPES = ("float32", "float64", "bfloat16", "float16")
_POCKET = Path(__file__).parent / "pocket"
_WEIGHTS = "model.safetensors"
_SEEN_WORDS = "seen_words.json"
_WANTED = ("config.json", _WEIGHTS, "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")
_SECONDS_FOR_THE_HUB = 3.0
_NOT_HERE = "it is no folder, not in the cache, and"


class ModelNotFound(ValueError):
    """The source cannot be loaded; the message says why and names the three ways out."""

    def __init__(self, source: str, reason: str):
        super().__init__(
            f"The model {source!r} cannot be loaded: {reason} There are three ways out: load('pocket') takes"
            " the small model that ships with this project; load('path/to/folder') takes a folder in Hugging"
            " Face form (config.json, model.safetensors, tokenizer) that holds a GPT-2; load('gpt2') with"
            " an internet connection fetches GPT-2 once."
        )


@dataclass(frozen=True)
class ModelCard:
    """What a loaded model is, and under which convention its weights were processed."""

    name: str
    weights_sha256: str
    layers: int
    heads: int
    d_model: int
    d_mlp: int
    vocabulary: int
    context: int
    device: str
    folding: str = FOLDING

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Layers, heads, width and vocabulary: what tells the published models apart."""
        return (self.layers, self.heads, self.d_model, self.vocabulary)


def load(source: str | Path | None = None, *, device: str | None = None, dtype: str = "float32") -> Bridge:
    """The model, ready for hooks: evaluation mode, no gradients, layer norm folded, value biases kept.

    `source` is a hub id ("gpt2"), a directory, or "pocket". None means $INTERP_MODEL, else gpt2 if it is
    cached or the hub answers, else pocket with a warning that says so. Logits differ from Hugging Face's
    by one constant per position (centred unembedding); log-probabilities agree. `device` None means
    takes $INTERP_DEVICE, else CUDA if there is one, else the CPU; "mps" must be asked for. Raises
    ModelNotFound (a ValueError).
    """
    if dtype not in DTYPES:
        raise ValueError(f"{dtype!r} is not a number type for weights. Choose one of: {', '.join(DTYPES)}.")
    chosen = _choose_device(device or os.environ.get("INTERP_DEVICE"))
    name, folder = locate(source)
    model = _boot(name, folder, chosen, getattr(torch, dtype))
    _attach(model, _card(model, name, _sha256(folder / _WEIGHTS), str(chosen)))
    if (folder / _SEEN_WORDS).is_file():
        model.__dict__["seen_words"] = frozenset(json.loads((folder / _SEEN_WORDS).read_text("utf-8")))
    return model


def locate(source: str | Path | None = None) -> tuple[str, Path]:
    """Name and folder of the model that `load(source)` would load, checked but not loaded.

    Fetches a hub id that is not cached. Raises ModelNotFound.
    """
    name, folder = _find(str(source)) if source is not None else _find_default()
    _check_folder(name, folder)
    return name, folder


def describe(model: Bridge) -> ModelCard:
    """The card of the model; for a bridge that `load` did not make, drawn up from its tensors."""
    card = model.__dict__.get("card")
    if card is None:
        card = _card(model, str(model.cfg.model_name), _sha256_of_state(model), str(model.cfg.device))
        _attach(model, card)
    return card


def about(model: Bridge) -> dict[str, Any]:
    """What a Result should say about its model: name, weights, weight processing."""
    card = describe(model)
    return {"model": card.name, "weights_sha256": card.weights_sha256, "folding": card.folding}


def seen_words(model: Bridge) -> frozenset[str] | None:
    """Every word of the texts the model was trained on, each with the space before it if it had one; None
    where its folder does not say so (only pocket's does).
    """
    return model.__dict__.get("seen_words")


def encode(model: Bridge, text: str) -> list[int]:
    """The token ids of a text, without a beginning-of-text token."""
    return list(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def decode(model: Bridge, ids: Iterable[int]) -> str:
    """The text of these token ids."""
    return model.tokenizer.decode([int(i) for i in ids], clean_up_tokenization_spaces=False)


def token_strings(model: Bridge, ids: Iterable[int]) -> list[str]:
    """The text of every single token; a token that is half a character keeps the tokenizer's own name."""
    return [_token_string(model.tokenizer, int(i)) for i in ids]


def _token_string(tokenizer: Any, token: int) -> str:
    text = tokenizer.decode([token], clean_up_tokenization_spaces=False)
    return tokenizer.convert_ids_to_tokens(token) or f"[{token}]" if not text or "\ufffd" in text else text


# Where the weights are


def _find(source: str) -> tuple[str, Path]:
    """The name of the model and the directory that holds it, fetched from the hub if it must be."""
    if source == "pocket":
        return "pocket", _POCKET
    path = Path(source).expanduser()
    if path.is_dir() or source.startswith((".", "/", "~")) or source.count("/") > 1 or not source:
        return path.resolve().name, path
    cached = _cached(source)
    return _short_name(source), cached if cached is not None else _fetch(source)


def _find_default() -> tuple[str, Path]:
    chosen = os.environ.get("INTERP_MODEL")
    if chosen:
        return _find(chosen)
    try:
        return _find("gpt2")
    except ModelNotFound:
        warnings.warn(
            "GPT-2 is neither cached on this machine nor reachable at huggingface.co, so the small"
            " pocket model is used; set INTERP_MODEL to a folder or a hub id to choose another.",
            stacklevel=3,
        )
        return _find("pocket")


def _short_name(hub_id: str) -> str:
    return hub_id.removeprefix("openai-community/").replace("/", "--")


def _cached(hub_id: str) -> Path | None:
    """The cached snapshot of a hub id under either spelling, if it is complete."""
    spellings = (hub_id, f"openai-community/{hub_id}", hub_id.removeprefix("openai-community/"))
    for spelling in spellings:
        home = _hub_cache() / f"models--{spelling.replace('/', '--')}"
        for snapshot in sorted(home.glob("snapshots/*"), key=lambda folder: folder.stat().st_mtime)[::-1]:
            if _missing(snapshot) is None:
                return snapshot
    return None


def _hub_cache() -> Path:
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface"
    )
    return Path(os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub")).expanduser()


def _fetch(hub_id: str) -> Path:
    """The snapshot of a hub id, downloaded by a process of its own: this one stays offline for good."""
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE"):
        raise ModelNotFound(hub_id, f"{_NOT_HERE} HF_HUB_OFFLINE forbids fetching it.")
    _parse_config(hub_id, _config_on_the_hub(hub_id))  # a look before the large download
    fetch = (
        "import sys; from huggingface_hub import snapshot_download; "
        "print(snapshot_download(sys.argv[1], allow_patterns=sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", fetch, hub_id, *_WANTED], text=True, stdout=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        raise ModelNotFound(hub_id, "the hub answered, but the download did not finish.")
    return Path(done.stdout.strip().splitlines()[-1])


def _config_on_the_hub(hub_id: str) -> bytes:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    address = f"{endpoint}/{hub_id}/resolve/main/config.json"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS_FOR_THE_HUB) as answer:
            return answer.read()
    except urllib.error.HTTPError as answer:
        raise ModelNotFound(hub_id, f"{_NOT_HERE} the hub answers {answer.code}.") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise ModelNotFound(hub_id, f"{_NOT_HERE} the hub does not answer.") from None


# Whether it is a whole GPT-2


def _missing(folder: Path) -> str | None:
    """The first thing that a model folder lacks, in words; None if it has everything."""
    if not (folder / "config.json").is_file():
        return "config.json"
    if not (folder / _WEIGHTS).is_file():
        return _WEIGHTS
    has_tokenizer = (folder / "tokenizer.json").is_file() or all(
        (folder / name).is_file() for name in ("vocab.json", "merges.txt")
    )
    return None if has_tokenizer else "tokenizer (tokenizer.json, or vocab.json and merges.txt)"


def _check_folder(name: str, folder: Path) -> None:
    """Nothing, if the folder holds a whole GPT-2; else ModelNotFound with the reason."""
    source = str(folder) if name != "pocket" else name
    if not folder.is_dir():
        raise ModelNotFound(source, "there is no such folder.")
    missing = _missing(folder)
    if missing == _WEIGHTS and (folder / "pytorch_model.bin").is_file():
        raise ModelNotFound(
            source,
            "it has pytorch_model.bin but no model.safetensors; only safetensors are"
            " read, because loading the other form can run foreign code.",
        )
    if missing is not None:
        raise ModelNotFound(source, f"the folder has no {missing}.")
    config = _parse_config(source, (folder / "config.json").read_bytes())
    found = _tensor_shapes(source, folder / _WEIGHTS)
    for tensor, shape in _expected_shapes(config).items():
        came = found.get(tensor) or found.get(f"transformer.{tensor}")
        if came != shape:
            raise ModelNotFound(
                source,
                f"its weights are damaged: {tensor} should have the shape {shape}, but"
                f" {'it is missing' if came is None else f'it has {came}'}.",
            )


def _parse_config(source: str, text: bytes) -> dict[str, Any]:
    try:
        config = json.loads(text)
        kind = config.get("model_type")
    except (ValueError, AttributeError):
        raise ModelNotFound(source, "its config.json is damaged: it is not a JSON object.") from None
    if kind != "gpt2":
        raise ModelNotFound(source, f"it is not a GPT-2: config.json says the model type is {kind!r}.")
    sizes = ("n_layer", "n_head", "n_embd", "vocab_size", "n_positions")
    wrong = [size for size in sizes if not isinstance(config.get(size), int) or config[size] < 1]
    if wrong:
        raise ModelNotFound(
            source, f"its config.json is damaged: {', '.join(wrong)} should be a whole number."
        )
    return config


def _tensor_shapes(source: str, file: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a safetensors file, read from its header; checks its length."""
    damaged = ModelNotFound(source, f"{_WEIGHTS} is damaged: it is cut short or is no safetensors file.")
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
    ends = {"wte.weight": (config["vocab_size"], width), "wpe.weight": (config["n_positions"], width)}
    return ends | blocks | {f"ln_f.{kind}": shape for kind, shape in norm.items()}


# How it is made ready


def _choose_device(device: str | None) -> torch.device:
    """CUDA if there is one, else the CPU; MPS only on request (it has given inverted IOI results)."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    if device.split(":")[0] not in available:
        raise ValueError(
            f"The device {device!r} is not on this machine. Choose one of: {', '.join(available)}."
        )
    return torch.device(device)


def _boot(name: str, folder: Path, device: torch.device, dtype: torch.dtype) -> Bridge:
    with _offline():
        from transformer_lens.model_bridge import TransformerBridge
        from transformers.utils import logging as transformers_logging
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        model = TransformerBridge.boot_transformers(str(folder), device=str(device), dtype=dtype)
        model.enable_compatibility_mode(disable_warnings=True, fold_value_biases=False)
    except Exception as error:  # the libraries raise many kinds, the tokenizer a bare Exception
        first = (str(error).strip().splitlines() or [repr(error)])[0]
        raise ModelNotFound(name, f"the model libraries refuse it ({first}).") from error
    finally:
        if bars:
            transformers_logging.enable_progress_bar()
    return model.eval().requires_grad_(False)


@contextmanager
def _offline() -> Iterator[None]:
    """HF_HUB_OFFLINE set: the libraries read it once, at import, and every model comes from a folder.

    The variable is put back, so that it keeps meaning what the user meant by it.
    """
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before


def _attach(model: Bridge, card: ModelCard) -> None:
    model.__dict__["card"] = card


def _card(model: Bridge, name: str, sha256: str, device: str) -> ModelCard:
    cfg = model.cfg
    return ModelCard(
        name=name,
        weights_sha256=sha256,
        layers=cfg.n_layers,
        heads=cfg.n_heads,
        d_model=cfg.d_model,
        d_mlp=cfg.d_mlp,
        vocabulary=cfg.d_vocab,
        context=cfg.n_ctx,
        device=device,
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sha256_of_state(model: Bridge) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
