"""Models: `load(source)` turns a hub id, a directory or "pocket" into one and the same kind of model.

Everything about weights, folders, devices, weight processing and the network is decided here and nowhere
else. This room refuses tasks. Only `load` may touch the network, and only to fetch a hub id that is not
cached; every model is then read from a directory, so TransformerLens itself never calls out.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from interp.models import devices, folders
from interp.models.bridge import Bridge, Sizes
from interp.models.hub import offline
from interp.models.in_force import FORWARD, in_force
from interp.models.pieces import token_string
from interp.models.proof import Proof
from interp.models.refusals import ModelNotFound
from interp.models.sources import EMBEDDED, Source, locate
from interp.models.unchanged import Marks
from interp.sites import Head
from interp.words.letters import whole

__all__ = (
    "DTYPES", "EMBEDDED", "FOLDING", "Bridge", "ModelCard", "ModelNotFound", "Sizes", "Source", "about",
    "check_files", "check_unchanged", "decode", "describe", "encode", "every_head", "introduce", "load",
    "locate", "seen_words", "sizes", "taught", "token_strings",
)  # fmt: skip

FOLDING = "fold_ln, centred, value biases kept"
DTYPES = ("float32", "float64", "bfloat16", "float16")
_SEEN_WORDS = "seen_words.json"
_EXACT = ("float32", "float64")
_OTHER_DEVICE = (
    "End what else runs there, choose another device (cpu, or another GPU such as cuda:1), or load a smaller"
    " model."
)


@dataclass(frozen=True)
class ModelCard:
    """What a loaded model is, and under which convention its weights were processed.

    `model_sha256` is over all that can change an answer: weights, configuration and tokenizer.
    """

    name: str
    weights_sha256: str
    model_sha256: str
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


def load(
    source: str | Path | None = None,
    *,
    device: str | None = None,
    dtype: str = "float32",
    otherwise: str = "pocket",
    rather: str | None = None,
) -> Bridge:
    """The model, ready for hooks: evaluation mode, no gradients, layer norm folded, value biases kept.

    `source` is a hub id ("gpt2", "gpt2@revision"), a directory, or "pocket". None means $INTERP_MODEL, else
    gpt2 if it is cached or the hub answers, else `otherwise` (an embedded model) with a warning that says so.
    With None, and no $INTERP_MODEL, `rather` goes before gpt2 where it is cached; it is not fetched. Warns of
    a model that is large, or larger than the free memory, before it is fetched or read. Logits
    differ from Hugging Face's by one constant per position (centred unembedding); log-probabilities agree.
    `device` None takes $INTERP_DEVICE, else CUDA if there is one, else the CPU; "cuda:1" is the second GPU.
    Raises ModelNotFound (a ValueError), ValueError for a device that is not there or has no room.
    """
    if dtype not in DTYPES:
        raise ValueError(f"{dtype!r} is not a number type for weights. Choose one of: {', '.join(DTYPES)}.")
    chosen, place = (
        devices.choose(device or os.environ.get("INTERP_DEVICE")),
        locate(source, otherwise=otherwise, rather=rather),
    )
    proof = Proof(place, chosen)
    shown = proof.remembered
    if not shown:
        proof.check_files()
        if dtype not in _EXACT:  # their rounding would hide a wrong run
            load(source, device=str(chosen))
            shown = True
    with devices.told(f"{place.asked} cannot be put", chosen, _OTHER_DEVICE):
        model = _boot(place, chosen, getattr(torch, dtype), None if shown else proof)
    words, most = 1 + max(model.tokenizer.get_vocab().values()), model.cfg.d_vocab
    if words > most:
        raise ModelNotFound(
            place.asked,
            f"its tokenizer and its weights disagree: {words} tokens, and an embedding for {most}.",
        )
    _attach(model, _card(model, place.name, (place.weights_sha256, place.sha256), str(chosen)))
    words = place.folder / _SEEN_WORDS
    if words.is_file():
        model.__dict__["seen_words"] = frozenset(json.loads(words.read_text("utf-8")))
    model.__dict__["taught"] = folders.taught(place.asked, place.folder, place.weights_sha256)
    return model


def check_files(place: Source) -> None:
    """Nothing, if every weight that `load` would read is there and is a number; else ModelNotFound."""
    proof = Proof(place, torch.device("cpu"))
    if not proof.remembered:
        proof.check_files()


def describe(model: Bridge) -> ModelCard:
    """The card of the model; for a bridge that `load` did not make, drawn up from its tensors."""
    card = model.__dict__.get("card")
    if card is None:
        made = _sha256_of_state(model)
        card = _card(model, str(model.cfg.model_name), (made, made), str(model.cfg.device))
        _attach(model, card)
    return card


def sizes(model: Bridge) -> Sizes:
    """The model's sizes under the field's names (`n_layers`, `n_heads`, `d_model`, `n_ctx` ...), at no cost.

    Whatever else is to be told of a model, its hashes too, `describe` tells.
    """
    return model.cfg


def about(model: Bridge) -> dict[str, Any]:
    """What a Result should say about its model: name, hashes, weight processing, and the edits in force if
    there are any ("edits": such as "Zero at L5H2", or where somebody else's hook hangs).

    Raises ValueError if its weights were changed after loading.
    """
    card = describe(model)
    check_unchanged(model)
    hashes = {"weights_sha256": card.weights_sha256, "model_sha256": card.model_sha256}
    told = {"model": card.name, **hashes, "folding": card.folding}
    edits = list(dict.fromkeys(map(str, in_force(model, FORWARD))))
    return {**told, "edits": edits} if edits else told


def check_unchanged(model: Bridge) -> None:
    """Nothing, if the weights are those that were loaded; else ValueError. Under a millisecond for pocket."""
    describe(model)  # a bridge of one's own is marked when it is first described
    marks = model.__dict__["marks"]
    if not marks.belong_to(model) and marks.alike(copied := Marks(model)):
        model.__dict__["marks"] = marks = copied
    marks.check()


def every_head(model: Bridge) -> list[Head]:
    """All heads of the model, in order."""
    return [Head(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]


def seen_words(model: Bridge) -> frozenset[str] | None:
    """Every word of the texts the model was trained on, each with the space before it if it had one; None
    where its folder does not say so (only pocket's does).
    """
    return model.__dict__.get("seen_words")


def taught(model: Bridge) -> dict[str, tuple[str, ...]] | None:
    """The answer key of a model that was taught which head plays which part: role -> heads such as "L5H1".

    None for every other model.
    """
    return model.__dict__.get("taught")


def introduce(model: Bridge) -> str:
    """The model in one sentence: name, size, and where what it does comes from."""
    card = describe(model)
    text = f"{card.name}: {card.layers} layers of {card.heads} heads"
    if taught(model) is not None:
        return f"{text}, a small model of ours, taught on purpose to work the article's way"
    if seen_words(model) is not None:
        return f"{text}, a small model of ours, grown from text alone"
    return text


def encode(model: Bridge, text: str) -> list[int]:
    """The token ids of a text, without a beginning-of-text token. Raises ValueError for half a character."""
    return list(model.tokenizer(whole(text), add_special_tokens=False)["input_ids"])


def decode(model: Bridge, ids: Iterable[int]) -> str:
    """The text of these token ids."""
    return model.tokenizer.decode([int(i) for i in ids], clean_up_tokenization_spaces=False)


def token_strings(model: Bridge, ids: Iterable[int]) -> list[str]:
    """The text of every single token; bytes that are a part of a character are written as `\\xe2\\x80`."""
    return [token_string(model.tokenizer, int(i)) for i in ids]


# How it is made ready


def _boot(place: Source, device: torch.device, dtype: torch.dtype, proof: Proof | None) -> Bridge:
    """The bridge of the model in that folder; with `proof`, shown to run as `transformers` runs it."""
    with offline():
        from transformer_lens.model_bridge import TransformerBridge
        from transformers import GPT2Config, GPT2LMHeadModel
    folder = str(place.folder)
    context = folders.configuration(place.asked, place.folder)["n_positions"]
    try:
        with _without_bars():
            original = GPT2LMHeadModel.from_pretrained(
                folder,
                config=GPT2Config.from_pretrained(folder, n_positions=context),
                dtype=dtype,
                attn_implementation="eager",
                use_safetensors=True,
            )
            original = torch.nn.Module.to(original, device).eval()
            answers = [] if proof is None else [proof.run(original)]
            model = TransformerBridge.boot_transformers(
                folder, hf_model=original, device=str(device), dtype=dtype
            )
            model.enable_compatibility_mode(disable_warnings=True, fold_value_biases=False)
            answers += [] if proof is None else [proof.run(model.eval())]
    except (torch.OutOfMemoryError, torch.AcceleratorError):
        raise
    except Exception as error:  # the libraries raise many kinds, the tokenizer a bare Exception
        first = (str(error).strip().splitlines() or [repr(error)])[0]
        raise ModelNotFound(place.asked, f"the model libraries refuse it ({first}).") from error
    if proof is not None:
        proof.check(*answers)
        proof.remember()
    return cast(Bridge, model.eval().requires_grad_(False))


@contextmanager
def _without_bars() -> Iterator[None]:
    """No progress bars of `transformers` while it reads weights: they are over in a moment."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _attach(model: Bridge, card: ModelCard) -> None:
    model.__dict__["card"], model.__dict__["marks"] = card, Marks(model)


def _card(model: Bridge, name: str, sha256: tuple[str, str], device: str) -> ModelCard:
    cfg = model.cfg
    return ModelCard(
        name=name,
        weights_sha256=sha256[0],
        model_sha256=sha256[1],
        layers=cfg.n_layers,
        heads=cfg.n_heads,
        d_model=cfg.d_model,
        d_mlp=cfg.d_mlp,
        vocabulary=cfg.d_vocab,
        context=cfg.n_ctx,
        device=device,
    )


def _sha256_of_state(model: Bridge) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
