"""How alike the states of different words are, layer by layer, measured again (Ethayarajh 2019)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from interp import hooks, models
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site
from interp.studies.replications.ioi import sentences
from interp.words.replications import ABSTRACT, CLAIRE, DETECTED


def anisotropy(model: Bridge) -> dict[str, Result]:
    """The mean cosine of two states of different words in different sentences: Result[layer]."""
    texts = [*sentences.arena(model).texts, ABSTRACT, CLAIRE, DETECTED]
    prompts = Prompts.write(model.tokenizer, [[(None, text)] for text in texts], context=sizes(model).n_ctx)
    sites = [Site("resid_pre", layer) for layer in range(sizes(model).n_layers)]
    recorded, real = hooks.record(model, prompts, sites), prompts.real()
    sentence = torch.arange(len(prompts))[:, None].expand_as(prompts.tokens)[real]
    pairs = _different(sentence) & _different(prompts.tokens[real])
    means = []
    for site in sites:
        states = torch.nn.functional.normalize(recorded[site].cpu()[real].double(), dim=-1)
        means.append(float((states @ states.T)[pairs].mean()))
    axes = {"layer": tuple(range(sizes(model).n_layers))}
    return {"anisotropy": Result(np.array(means), axes, "mean cosine", "cosine", models.about(model))}


def _different(labels: Int[Tensor, "word"]) -> Bool[Tensor, "word word"]:
    return labels[:, None] != labels[None, :]


MEASURES: Mapping[str, Callable[..., dict[str, Result]]] = MappingProxyType({"anisotropy": anisotropy})
