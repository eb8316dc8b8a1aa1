"""Pronouns measured again: the parent and the man (patching), the nurse and the farmer (odds)."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float

from interp import hooks, models
from interp.methods.patching import activation_patching, head_patching
from interp.methods.readout import logits_at_end
from interp.models import Bridge
from interp.result import Result
from interp.sites import Head, Site
from interp.studies.replications.neurons import parent_and_man
from interp.words.replications import CONTINUATIONS, NURSE

LIKELIEST = (" she", " he", " of", " the", " they")
KINDS = ("resid_pre", "attn_out", "mlp_out")
HEADS = ("L5H10", "L4H6", "L5H9")


def probabilities(model: Bridge) -> dict[str, Result]:
    """The words that the source lists after the parent's sentence."""
    clean, *_ = parent_and_man(model)
    ids = [models.encode(model, word)[0] for word in LIKELIEST]
    values = logits_at_end(model, clean).double().softmax(dim=-1)[0, ids].cpu().numpy()
    return {"pronouns/probabilities": _result(model, values, token=LIKELIEST)}


def patched(model: Bridge) -> dict[str, Result]:
    """Share of the lead of *she* over *he* that the parent's states win back in the man's sentence."""
    clean, corrupted, metric = parent_and_man(model)
    leads = [float(metric(logits_at_end(model, prompts))) for prompts in (clean, corrupted)]
    asked = (model, corrupted, clean, metric)
    found = {kind: activation_patching(*asked, kind=kind, progress=False) for kind in KINDS}
    found |= {"heads": head_patching(*asked, progress=False)}
    shares = {name: change.mean("prompt") for name, change in found.items()}
    return {
        f"pronouns/patched/{name}": _result(model, one.values / (leads[0] - leads[1]), **one.axes)
        for name, one in shares.items()
    }


def nurse_and_farmer(model: Bridge) -> dict[str, Result]:
    """How likely the two continuations are after *she* and *he*, and what the pronoun, or one head's
    attention in the sentence with *he*, does to their odds."""
    chances = np.stack([_chances(model, pronoun) for pronoun in NURSE])
    odds = chances[:, 1] / chances[:, 0]
    with_heads = [_chances(model, "she", Head.parse(head)) for head in HEADS]
    effects = [odds[1] / odds[0] - 1, *(each[1] / each[0] / odds[0] - 1 for each in with_heads)]
    return {
        "nurse and farmer/probabilities": _result(
            model, chances, pronoun=tuple(NURSE), continuation=CONTINUATIONS
        ),
        "nurse and farmer/effects": _result(model, np.array(effects), of=("the pronoun", *HEADS)),
    }


def _chances(model: Bridge, pronoun: str, head: Head | None = None) -> Float[np.ndarray, "continuation"]:
    """exp(mean log-probability per token) of the continuations; of `head`, the attention among the words
    before them is that of the sentence with *he*."""
    found = []
    for continuation in CONTINUATIONS:
        before, after = (models.encode(model, text) for text in (NURSE[pronoun], f" {continuation}"))
        ids = torch.tensor([[*before, *after]])
        edits = [] if head is None else [_attention_of_he(model, ids, head, after)]
        predicted = hooks.run(model, ids, *edits)[0].double().log_softmax(dim=-1)[0]
        own = predicted[range(len(before) - 1, ids.shape[1] - 1), after]
        found.append(float(own.mean().exp()))
    return np.array(found)


def _attention_of_he(model: Bridge, ids: torch.Tensor, head: Head, after: Sequence[int]) -> hooks.Put:
    place, before = Site("pattern", head.layer), models.encode(model, NURSE["he"])
    others = torch.tensor([[*before, *after]])
    pattern, other = (hooks.record(model, one, [place])[place].clone() for one in (ids, others))
    length = len(before)
    pattern[:, head.head, :length, :length] = other[:, head.head, :length, :length]
    return hooks.Put(place, pattern)


def _result(model: Bridge, values: np.ndarray, **axes) -> Result:
    return Result(values, axes, "measured again", "as published", models.about(model))


MEASURES: Mapping[str, Callable[..., dict[str, Result]]] = MappingProxyType(
    {"pronouns": probabilities, "pronouns/patched": patched, "nurse and farmer": nurse_and_farmer}
)
