"""Who wrote the answer: every part of the residual stream read straight through the unembedding.

The last residual state is a plain sum of what the embeddings, attention heads and feed-forward layers
wrote, and the final layer norm, with its scale held as it was in that run, is linear. So the logit
difference between two tokens splits exactly into one number per part. This is the direct effect only:
what a part does through later parts is counted there.

Value biases stay where they belong, inside each head's `z`, because `models.load` does not fold them. The
output bias b_O of an attention layer belongs to no head; it is part of `attn_out`, so that for each layer
attn_out = sum over its heads + b_O.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site

QUANTITY = "direct contribution to the logit difference"


def head_attribution(
    model: Bridge,
    prompts: Prompts,
    *,
    answer: str = "io",
    against: str = "s",
    edits: Sequence[hooks.Edit] = (),
) -> Result:
    """What each head writes towards `answer` and away from `against` at the last word: Result[layer,
    head, prompt].

    In nats of logit difference, with the final layer norm's scale of the same run; value biases included,
    output biases not (see the module). `edits` are in force during the run. Raises ValueError if the
    prompts have no such answers. Source: Wang et al. 2022 (arXiv:2211.00593), section 3.1; Elhage et al.
    2021.
    """
    sites = [Site("z", layer) for layer in range(sizes(model).n_layers)]
    recorded = hooks.record(model, prompts, [*sites, Site("ln_final_scale")], *edits)
    towards = direction(model, prompts, recorded[Site("ln_final_scale")], answer, against)
    W_O = model.W_O.detach().double()  # layer head d_head d_model
    outputs = torch.stack([prompts.at(recorded[site], "end") for site in sites]).double()
    values = torch.einsum("lphd,lhdm,pm->lhp", outputs, W_O, towards)
    axes = {
        "layer": tuple(range(sizes(model).n_layers)),
        "head": tuple(range(sizes(model).n_heads)),
        "prompt": tuple(range(len(prompts))),
    }
    return _result(model, prompts, values, axes, edits)


def component_attribution(
    model: Bridge,
    prompts: Prompts,
    *,
    answer: str = "io",
    against: str = "s",
    edits: Sequence[hooks.Edit] = (),
) -> Result:
    """The logit difference at the last word split into its parts: Result[component, prompt], in nats.

    Components: embed, pos_embed, then attn_out and mlp_out of every layer (biases included), and `bias`, the
    unembedding's own preference. They sum to the model's logit difference, under the same `edits`. Raises
    ValueError if the prompts have no such answers.
    """
    sites = [Site("embed"), Site("pos_embed")]
    for layer in range(sizes(model).n_layers):
        sites += [Site("attn_out", layer), Site("mlp_out", layer)]
    recorded = hooks.record(model, prompts, [*sites, Site("ln_final_scale")], *edits)
    towards = direction(model, prompts, recorded[Site("ln_final_scale")], answer, against)
    parts = torch.stack([_at_end(prompts, recorded[site]) for site in sites])
    written = torch.einsum("cpm,pm->cp", parts, towards)
    values = torch.cat([written, _bias(model, prompts, answer, against)[None]])
    axes = {"component": (*map(str, sites), "bias"), "prompt": tuple(range(len(prompts)))}
    return _result(model, prompts, values, axes, edits)


def final_scale(
    model: Bridge, prompts: Prompts, *, edits: Sequence[hooks.Edit] = ()
) -> Float[Tensor, "prompt"]:
    """What the last layer norm divides by at the last word, under these edits; no unit."""
    recorded = hooks.record(model, prompts, [Site("ln_final_scale")], *edits)[Site("ln_final_scale")]
    return prompts.at(recorded, "end")[:, 0].double().cpu()


def _at_end(
    prompts: Prompts, recorded: Float[Tensor, "rows position d_model"]
) -> Float[Tensor, "prompt d_model"]:
    """State at the last word. Position embeddings may be recorded once for all prompts."""
    whole = recorded.expand(len(prompts), *recorded.shape[1:])
    return prompts.at(whole, "end").double()


def direction(
    model: Bridge, prompts: Prompts, scale: Float[Tensor, "prompt position one"], answer: str, against: str
) -> Float[Tensor, "prompt d_model"]:
    """The vector whose product with a written state is its contribution, layer norm included."""
    chosen, other = _answers(prompts, answer), _answers(prompts, against)
    unembedding = model.W_U.detach().T  # token d_model
    difference = unembedding[chosen].double() - unembedding[other].double()
    centred = difference - difference.mean(
        dim=-1, keepdim=True
    )  # equals centring the state, as layer norm does
    return centred / prompts.at(scale, "end").double()


def _bias(model: Bridge, prompts: Prompts, answer: str, against: str) -> Float[Tensor, "prompt"]:
    bias = model.b_U.detach().double()
    return bias[_answers(prompts, answer)] - bias[_answers(prompts, against)]


def _answers(prompts: Prompts, name: str) -> Tensor:
    if name not in prompts.answers:
        raise ValueError(
            f"The prompts have no answer called {name!r}, only {sorted(prompts.answers)}. "
            "Choose one of these, or write the prompts with that answer."
        )
    return prompts.answers[name]


def _result(
    model: Bridge, prompts: Prompts, values: Tensor, axes: dict[str, tuple], edits: Sequence[hooks.Edit]
) -> Result:
    about = {**hooks.about(model, *edits), "bos": prompts.bos, "n": len(prompts)}
    return Result(np.asarray(values.cpu()), axes, QUANTITY, "nats", about)
