"""A small GPT-2 as one text that a browser reads: weights in half precision, tokens, examples, heads' means.

Half precision is the one difference to the model that was packed; the hash binds the text to its page.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load_file

from interp import models
from interp.studies import attention_view, explorer, lab
from interp.studies.lab.one_sentence import reference_outputs
from interp.words.ioi import NAMES

LARGEST = 6_000_000  # bytes of a pack; a page should open on a phone
NEEDED = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "tie_word_embeddings": True,
    "scale_attn_by_inverse_layer_idx": False,
}


@dataclass(frozen=True)
class Pack:
    """A packed model: its name, its text (JSON in ASCII), and the text's SHA-256."""

    name: str
    text: str
    sha256: str

    def script(self) -> str:
        """A classic script that hands the text to the page that loads it."""
        return f"(globalThis.interpPacks ??= {{}})[{json.dumps(self.name)}] = {json.dumps(self.text)};\n"


def pack(source: str) -> Pack:
    """The embedded model or folder `source` as a pack.

    Raises ValueError, in one sentence, for a GPT-2 whose settings the browser's forward pass does not know
    and for one whose pack would be larger than `LARGEST` bytes.
    """
    place = models.locate(source)
    config = json.loads((place.folder / "config.json").read_text(encoding="utf-8"))
    unknown = [name for name, value in NEEDED.items() if config.get(name, value) != value]
    if unknown:
        raise ValueError(
            f"{place.name} has {unknown[0]}={config[unknown[0]]!r}, which the page's forward pass does not"
            " know: its pages show pictures only."
        )
    size = sum(file.stat().st_size for file in place.folder.glob("model*.safetensors"))
    if size * 2 / 3 > LARGEST:  # half of the bytes, a third more as base64
        raise ValueError(
            f"{place.name} has {size / 1e6:.0f} MB of weights, too many for a page of {LARGEST / 1e6:.0f} MB:"
            " its pages show pictures only."
        )
    text = json.dumps(_fields(place, config), separators=(",", ":"))
    return Pack(place.name, text, hashlib.sha256(text.encode("ascii")).hexdigest())


def _fields(place: models.Source, config: dict[str, Any]) -> dict[str, Any]:
    loaded = models.load(place.asked)
    tables, weights = _tensors({**_weights(place.folder), "means": _means(loaded)})
    seen = models.seen_words(loaded)
    return {
        "name": place.name,
        "weights_sha256": place.weights_sha256,
        "layers": config["n_layer"],
        "heads": config["n_head"],
        "width": config["n_embd"],
        "context": config["n_positions"],
        "eps": config["layer_norm_epsilon"],
        **_tokens(place.folder),
        "names": list(NAMES),
        "seen": None if seen is None else sorted(seen),
        "examples": _examples(loaded),
        "tensors": tables,
        "weights": weights,
    }


def _weights(folder: Path) -> dict[str, np.ndarray]:
    """The checkpoint's own tensors, by the library's names."""
    read = [load_file(file) for file in sorted(folder.glob("model*.safetensors"))]
    named = {name.removeprefix("transformer."): values for part in read for name, values in part.items()}
    masks = (".attn.bias", ".attn.masked_bias", "lm_head.weight")
    return {name: named[name] for name in sorted(named) if not name.endswith(masks)}


def _means(loaded) -> Float[np.ndarray, "layer head d_head"]:
    """What every head puts out on average, as the Ablation Lab takes it."""
    outputs = reference_outputs(loaded, bos=False)
    return np.stack([outputs[layer].mean(dim=0).numpy(force=True) for layer in sorted(outputs)])


def _tensors(named: dict[str, np.ndarray]) -> tuple[dict[str, Any], str]:
    """Where each tensor lies and its shape; all numbers in half precision, little-endian, as base64."""
    tables, at = {}, 0
    for name, values in named.items():
        tables[name] = [at, list(values.shape)]
        at += values.size
    numbers = np.concatenate([values.ravel() for values in named.values()]).astype("<f2")
    return tables, base64.b64encode(numbers.tobytes()).decode("ascii")


def _tokens(folder: Path) -> dict[str, Any]:
    written = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    by_id = {number: token for token, number in written["model"]["vocab"].items()}
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in written["model"]["merges"]]
    return {
        "vocabulary": [by_id[number] for number in range(len(by_id))],
        "merges": merges,
        "special": written["added_tokens"][0]["content"],
    }


def _examples(loaded) -> dict[str, list[dict[str, str]]]:
    """What each view starts from: the widgets' own examples."""
    named = {"lab": lab.examples(loaded), "lens": explorer.examples(loaded)}
    seen = attention_view.bench(loaded).examples
    return {
        "lab": [
            {"label": label, "prompt": one.prompt, "answer": one.answer, "against": one.against}
            for label, one in named["lab"]
        ],
        "lens": [
            {"label": label, "prompt": one.prompt, "answer": one.answer}
            for label, one in named["lens"]
            if not one.off and not one.update
        ],
        "attention": [{"label": label, "prompt": one.prompt, "head": str(one.head)} for label, one in seen],
    }
