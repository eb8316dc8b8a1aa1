"""TransformerLens' Exploratory_Analysis_Demo measured again: eight prompts, `<|endoftext|>` in front."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks
from interp.methods import attention
from interp.methods.attribution import component_attribution
from interp.methods.readout import logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site
from interp.studies.replications.ioi import sentences
from interp.studies.replications.ioi.reading import (
    by_head,
    differences,
    direction,
    of_head,
    result,
    written_by_heads,
    zero,
)
from interp.words.replications import MILK_WORDS

ZEROED = Head(9, 9)
WATCHED = (Head(5, 5), Head(10, 7), Head(11, 10))  # in all eight prompts
WATCHED_FIRST = tuple(
    Head.parse(name)
    for name in ("L9H9", "L9H6", "L10H0", "L11H2", "L6H9", "L3H0", "L8H6", "L8H10", "L7H9", "L7H3")
)
FIRST_LARGEST = ("L9H9", "L9H6", "L10H7", "L11H1", "L11H10", "L10H0", "L10H10", "L8H10")


def behaviour(model: Bridge) -> dict[str, Result]:
    """The logit difference of each of the eight prompts."""
    prompts = sentences.eight(model)
    values = differences(model, prompts)
    return {"eight/logit_difference": result(model, values, prompt=range(len(prompts)))}


def attribution(model: Bridge) -> dict[str, Result]:
    """Logit lens, and the direct contributions of layers and heads: means over the eight prompts."""
    prompts = sentences.eight(model)
    parts = component_attribution(model, prompts).mean("prompt")
    lens = _lens(model, prompts)
    names = parts.axes["component"][:-1]  # the unembedding's own bias is not counted there
    written = parts.values[:-1]
    return {
        "eight/logit_lens": result(model, lens.values(), point=map(str, lens)),
        "eight/layer_attribution": result(model, written, component=names),
        "eight/head_attribution": by_head(model, written_by_heads(model, prompts).mean(dim=-1)),
    }


def first(model: Bridge) -> dict[str, Result]:
    """The largest direct contributions in the first prompt alone."""
    written = written_by_heads(model, sentences.eight(model).take([0]))[..., 0]
    values = [written[head.layer, head.head] for head in map(Head.parse, FIRST_LARGEST)]
    return {"eight/first/head_attribution": result(model, values, head=FIRST_LARGEST)}


def zeroed(model: Bridge) -> dict[str, Result]:
    """The eight prompts with one head zeroed at the end, and what its direct contribution had promised."""
    prompts = sentences.eight(model)
    edit = zero(model, prompts, ZEROED)
    promised = written_by_heads(model, prompts)[ZEROED.layer, ZEROED.head].mean()
    before, after = (differences(model, prompts, *edits).mean() for edits in ((), (edit,)))
    scale = Site("ln_final_scale")
    scales = [
        prompts.at(hooks.record(model, prompts, [scale], *edits)[scale], "end")[:, 0]
        for edits in ((), (edit,))
    ]
    found = torch.stack([after, before - promised])
    rows = {"run": ("clean", "zeroed"), "prompt": range(len(prompts))}
    return {
        "eight/zeroed/logit_difference": result(model, found, prediction=("measured", "naive")),
        "eight/zeroed/scale": result(model, torch.stack(scales), **rows),
        "eight/zeroed/head_attribution": by_head(model, written_by_heads(model, prompts, edit).mean(dim=-1)),
    }


def looking(model: Bridge) -> dict[str, Result]:
    """The attention patterns that the demo shows."""
    seen = attention.patterns(model, sentences.eight(model))
    positions = seen.axes["key"]
    every = np.stack([of_head(seen, head) for head in WATCHED])
    first_only = np.stack([of_head(seen.at(prompt=0), head) for head in WATCHED_FIRST])
    square = {"query": positions, "key": positions}
    prompt = seen.axes["prompt"]
    return {
        "eight/attention": result(model, every, head=map(str, WATCHED), prompt=prompt, **square),
        "eight/attention_first": result(model, first_only, head=map(str, WATCHED_FIRST), **square),
    }


def milk(model: Bridge) -> dict[str, Result]:
    """Logits and probabilities of the ten words that the demo prints for the sentence about milk."""
    logits = logits_at_end(model, sentences.pair(model)[1]).double()[0]
    ids = [sentences.token(model, word) for word in MILK_WORDS]
    return {
        "milk/logits": result(model, logits[ids], token=MILK_WORDS),
        "milk/probabilities": result(model, logits.softmax(dim=-1)[ids], token=MILK_WORDS),
    }


def roles(model: Bridge) -> dict[str, Result]:
    """Role scores on the demo's own random tokens."""
    return {"roles/random": attention.role_scores(model, attention.random_repeats(model))}


def _lens(model: Bridge, prompts: Prompts) -> dict[Site, Float[Tensor, ""]]:
    """The logit difference read from every residual state of the run, b_U left out, mean over prompts."""
    layers = range(sizes(model).n_layers)
    sites = [Site(kind, layer) for layer in layers for kind in ("resid_pre", "resid_mid")]
    sites.append(Site("resid_post", layers[-1]))
    recorded = hooks.record(model, prompts, [*sites, Site("ln_final_scale")])
    scaled = direction(model, prompts) / prompts.at(recorded[Site("ln_final_scale")], "end").double()
    return {site: (prompts.at(recorded[site], "end").double() * scaled).sum(dim=-1).mean() for site in sites}


MEASURES: dict[str, Callable] = {
    "eight/behaviour": behaviour,
    "eight/attribution": attribution,
    "eight/first": first,
    "eight/zeroed": zeroed,
    "eight/attention": looking,
    "milk": milk,
    "roles/random": roles,
}
