"""What a pack holds: weights in half precision, tokens, the heads' means, examples.

Half precision is the one difference to the model that was packed.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors.torch import load_file

from interp import models
from interp.benches import attention_view, explorer, lab
from interp.benches.lab.head_groups import groups
from interp.models import Bridge, folders, sizes
from interp.studies.heads.one_sentence import reference_outputs
from interp.words.ioi import NAMES

NEEDED = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "tie_word_embeddings": True,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}


def of(source: str, largest: int) -> tuple[str, dict[str, Any]]:
    """The model's name, and the fields of its pack. Raises ValueError as `packing.pack` says."""
    place = models.locate(source)
    config = folders.configuration(place.asked, place.folder)
    _refuse_other(place, config, largest)
    loaded = models.load(place.asked)
    weights = _weights(place.folder)
    tables, numbers = _tensors({**weights, "means": _means(loaded)})
    seen = models.seen_words(loaded)
    return place.name, {
        "name": place.name,
        "weights_sha256": place.weights_sha256,
        "parameters": sum(values.size for values in weights.values()),
        "layers": config["n_layer"],
        "heads": config["n_head"],
        "width": config["n_embd"],
        "context": config["n_positions"],
        "eps": config.get("layer_norm_epsilon", 1e-5),  # GPT-2's, where an old file says nothing
        **_tokens(loaded),
        "names": list(NAMES),
        "seen": None if seen is None else sorted(seen),
        "examples": _examples(loaded),
        "groups": _groups(loaded),
        "tensors": tables,
        "weights": numbers,
    }


def _refuse_other(place: models.Source, config: dict[str, Any], largest: int) -> None:
    unknown = [name for name, value in NEEDED.items() if config.get(name, value) != value]
    if unknown:
        raise ValueError(
            f"{place.name} has {unknown[0]}={config[unknown[0]]!r}, which the page's forward pass does not"
            " know: its pages show pictures only."
        )
    size = sum(file.stat().st_size for file in place.folder.glob("model*.safetensors"))
    if size * 2 / 3 > largest:  # half of the bytes, a third more as base64
        raise ValueError(
            f"{place.name} has {size / 1e6:.0f} MB of weights, too many for a page of {largest / 1e6:.0f} MB:"
            " its pages show pictures only."
        )


def _weights(folder: Path) -> dict[str, np.ndarray]:
    """The checkpoint's own tensors, by the library's names."""
    read = [load_file(file) for file in sorted(folder.glob("model*.safetensors"))]
    named = {name.removeprefix("transformer."): values for part in read for name, values in part.items()}
    masks = (".attn.bias", ".attn.masked_bias", "lm_head.weight")
    return {name: named[name].float().numpy() for name in sorted(named) if not name.endswith(masks)}


def _means(loaded: Bridge) -> Float[np.ndarray, "layer head d_head"]:
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


def _tokens(loaded: Bridge) -> dict[str, Any]:
    """Tokens by id, merges in order, and the one special token."""
    written = json.loads(loaded.tokenizer.backend_tokenizer.to_str())
    before, special = written["pre_tokenizer"] or {}, [one["content"] for one in written["added_tokens"]]
    plain = (
        before.get("type") == "ByteLevel"
        and not before.get("add_prefix_space")
        and before.get("use_regex", True)
    )
    if written["model"]["type"] != "BPE" or written["normalizer"] or not plain or len(special) != 1:
        raise ValueError(
            "The model's tokenizer is not GPT-2's, the only one that the page knows: its pages show pictures"
            " only."
        )
    by_id = {number: token for token, number in written["model"]["vocab"].items()}
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in written["model"]["merges"]]
    return {
        "vocabulary": [by_id.get(number, f"[{number}]") for number in range(sizes(loaded).d_vocab)],
        "merges": merges,
        "special": special[0],
    }


def _examples(loaded: Bridge) -> dict[str, list[dict[str, str]]]:
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


def _groups(loaded: Bridge) -> dict[str, dict[str, list[str]]]:
    """Heads to switch off at once, as the lab offers them."""
    return {
        group: {label: [str(head) for head in heads] for label, heads in choices.items()}
        for group, choices in groups(loaded).items()
    }
