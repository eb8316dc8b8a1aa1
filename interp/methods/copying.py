"""What a head writes about the token it looks at: does its OV circuit raise that very token, or lower it?

A token's vector goes through the head's value and output matrices and straight to the unembedding. If the
token's own logit is then among the highest, the head copies; with `sign=-1` the head's output is turned
round first, so that a high score means that the head holds its token down.

Two conventions are in use. `copy_scores` asks without any sentence (ARENA); `copy_scores_in_prompts` asks at
named spots of real prompts (Wang et al. 2022). They differ in the vector, in its layer norm and in the value
bias; each docstring says how.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp import hooks, models
from interp.methods.attention import attention_to
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site

HIGHEST = 5  # a hit is a token whose own logit is among so many
PIECE = 2048  # tokens of the vocabulary that are compared at once


def copy_scores(model: Bridge, token_ids: Int[Tensor, "token"], *, sign: int = 1, k: int = HIGHEST) -> Result:
    """Share of these tokens that each head copies (`sign=-1`: holds down): Result[layer, head].

    The vector is the token's embedding plus what the first feed-forward layer makes of it alone: no position,
    no attention, no further layer norm, no value bias. Layer 0 stands before that feed-forward layer, so its
    scores are for completeness only. Raises ValueError for another sign, for a `k` that is not in the
    vocabulary, and for no tokens. Source: ARENA 3.0, indirect object identification.
    """
    hooks.check_untouched(model)
    _check(model, token_ids, sign, k)
    extended = extended_embeddings(model, token_ids)
    written = [extended @ (model.W_V[layer] @ model.W_O[layer]) for layer in range(sizes(model).n_layers)]
    about = {"n": len(token_ids), "vector": "embedding and first feed-forward layer, without position"}
    return _scores(model, written, token_ids, sign, k, about)


def copy_scores_in_prompts(
    model: Bridge,
    prompts: Prompts,
    *,
    spots: Sequence[str] = ("IO", "S1", "S2"),
    sign: int = 1,
    k: int = HIGHEST,
) -> Result:
    """As `copy_scores`, for the tokens that stand at these spots of real prompts: Result[layer, head].

    The vector is the residual stream after block 0 at the spot, through a layer norm, with the head's value
    bias and without the output bias. A share of all (prompt, spot) pairs. Raises ValueError as `copy_scores`
    does, and for a spot that the prompts do not have. Source: Wang et al. 2022 (arXiv:2211.00593), section
    3.1, as their code has it.
    """
    hooks.check_untouched(model)
    token_ids = torch.cat([prompts.at(prompts.tokens, spot) for spot in spots])
    _check(model, token_ids, sign, k)
    after_first = Site("resid_post", 0)
    stream = hooks.record(model, prompts, [after_first])[after_first]
    vectors = _normalised(model, torch.cat([prompts.at(stream, spot) for spot in spots]))
    written = [
        (vectors @ model.W_V[layer] + model.b_V[layer][:, None]) @ model.W_O[layer]
        for layer in range(sizes(model).n_layers)
    ]
    about = {"n": len(prompts), "bos": prompts.bos, "vector": f"after block 0 at {', '.join(spots)}"}
    return _scores(model, written, token_ids, sign, k, about)


def eigenvalue_scores(model: Bridge) -> Result:
    """How far each head's OV circuit keeps the direction it reads: Result[through, layer, head], -1 to 1.

    The sum of the circuit's eigenvalues over the sum of their sizes: 1 if what is read is written with its
    sign, -1 if with the opposite one. `through` is "head" (W_V W_O) or "vocabulary" (W_E W_V W_O W_U). It
    does not tell name movers from their opponents: ask `copy_scores` for that. Source: Elhage et al. 2021.
    """
    from_vocabulary = (model.W_U @ model.W_E).double()
    layers = range(sizes(model).n_layers)
    squares = [
        [model.W_O[layer].double() @ between @ model.W_V[layer].double() for layer in layers]
        for between in (torch.eye(len(from_vocabulary)).to(from_vocabulary), from_vocabulary)
    ]
    values = torch.stack([torch.stack([_kept(square) for square in one]) for one in squares])
    axes = {
        "through": ("head", "vocabulary"),
        "layer": tuple(layers),
        "head": tuple(range(sizes(model).n_heads)),
    }
    return Result(np.asarray(values.cpu()), axes, "eigenvalue score", "share", models.about(model))


def looks_and_writes(
    model: Bridge, prompts: Prompts, *, spots: Sequence[str] = ("IO", "S1"), query: str = "end"
) -> Result:
    """Where each head looks and what it writes there: Result[measure, layer, head, spot, prompt].

    `attention` is the share of the look from `query` to the spot; `written` is the product of what the head
    writes at `query` with the unembedding (last layer norm's gain folded in) of the token at the spot,
    without that norm's scale. Raises
    ValueError for a spot that the prompts do not have. Source: Wang et al. 2022, figure 3c.
    """
    looks = [attention_to(model, prompts, query=query, key=spot).values for spot in spots]
    sites = [Site("z", layer) for layer in range(sizes(model).n_layers)]
    recorded = hooks.record(model, prompts, sites)
    outputs = torch.stack([prompts.at(recorded[site], query) for site in sites])
    vectors = torch.einsum("lphd,lhdm->lhpm", outputs, model.W_O)
    tokens = [prompts.at(prompts.tokens, spot).to(vectors.device) for spot in spots]
    written = [torch.einsum("lhpm,mp->lhp", vectors, model.W_U[:, token]).double().cpu() for token in tokens]
    values = np.stack([np.stack(looks, axis=2), np.stack([one.numpy() for one in written], axis=2)])
    axes = {
        "measure": ("attention", "written"), "layer": tuple(range(sizes(model).n_layers)),
        "head": tuple(range(sizes(model).n_heads)), "spot": tuple(spots),
        "prompt": tuple(range(len(prompts))),
    }  # fmt: skip
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(values, axes, "looking and writing", "share or logits", about)


def look_write_correlation(looked: Result) -> Result:
    """Does a head write a name the more, the more it looks at it? Result[layer, head], Pearson's correlation.

    Over all spots and prompts of a result of `looks_and_writes`: near 1 for a head that copies, near -1 for
    one that holds down. 0 where a head always looks or writes the same. Source: Wang et al. 2022, section
    3.1.
    """
    attention, written = (looked.at(measure=name).values for name in ("attention", "written"))
    flat = [one.reshape(*one.shape[:2], -1) for one in (attention, written)]
    centred = [one - one.mean(axis=-1, keepdims=True) for one in flat]
    together = (centred[0] * centred[1]).sum(axis=-1)
    apart = np.sqrt((centred[0] ** 2).sum(axis=-1) * (centred[1] ** 2).sum(axis=-1))
    values = np.divide(together, apart, out=np.zeros_like(together), where=apart > 0)
    axes = {name: looked.axes[name] for name in ("layer", "head")}
    return Result(values, axes, "correlation of looking and writing", "correlation", looked.about)


def extended_embeddings(model: Bridge, token_ids: Int[Tensor, "token"]) -> Float[Tensor, "token d_model"]:
    """Each token's embedding plus what the first feed-forward layer makes of it alone."""
    after_first = Site("resid_post", 0)
    silent = [hooks.Zero(Site("pos_embed")), hooks.Zero(Site("attn_out", 0))]
    return hooks.record(model, token_ids[:, None], [after_first], *silent)[after_first][:, 0]


def _scores(
    model: Bridge,
    written: Sequence[Float[Tensor, "head token d_model"]],
    token_ids: Int[Tensor, "token"],
    sign: int,
    k: int,
    about: dict,
) -> Result:
    """The hits of what every layer's heads wrote, as shares."""
    shares = torch.zeros(len(written), sizes(model).n_heads, dtype=torch.float64)
    for layer, of_heads in enumerate(written):
        for head, vectors in enumerate(of_heads):
            shares[layer, head] = _own_in_top(model, sign * vectors, token_ids, k).double().mean().cpu()
    axes = {"layer": tuple(range(len(written))), "head": tuple(range(sizes(model).n_heads))}
    quantity = "tokens copied" if sign > 0 else "tokens held down"
    about = {**models.about(model), **about, "sign": sign, "k": k}
    return Result(np.asarray(shares), axes, quantity, "share", about)


def _own_in_top(
    model: Bridge, vectors: Float[Tensor, "token d_model"], token_ids: Int[Tensor, "token"], k: int
) -> Bool[Tensor, "token"]:
    """Whether each token's own logit is among the `k` highest when its vector is the last residual state.

    The vocabulary is gone through piece by piece, without the tokens that are beaten `k` times already.
    """
    states, unembedding, bias = _normalised(model, vectors), model.W_U.detach(), model.b_U.detach()
    ids = token_ids.to(states.device)
    own = (states * unembedding[:, ids].T).sum(dim=1) + bias[ids]
    better, left = torch.zeros_like(ids), torch.arange(len(ids), device=states.device)
    for piece in torch.arange(unembedding.shape[1], device=states.device).split(PIECE):
        logits = states[left] @ unembedding[:, piece[0] : piece[-1] + 1] + bias[piece]
        beaten = (logits > own[left, None]) & (piece != ids[left, None])
        better[left] += beaten.sum(dim=1)
        left = left[better[left] < k]
    return better < k


def _normalised(model: Bridge, vectors: Float[Tensor, "token d_model"]) -> Float[Tensor, "token d_model"]:
    """Layer norm without gain and bias: `models.load` folds those into the next weights."""
    return torch.nn.functional.layer_norm(vectors, vectors.shape[-1:], eps=sizes(model).eps)


def _check(model: Bridge, token_ids: Tensor, sign: int, k: int) -> None:
    vocabulary = models.describe(model).vocabulary
    if sign not in (1, -1):
        raise ValueError(f"sign={sign!r} is neither 1 (copying) nor -1 (holding down): choose one of them.")
    if not 1 <= k < vocabulary:
        raise ValueError(f"k={k} is not from 1 to {vocabulary - 1}: choose how many highest logits count.")
    if len(token_ids) == 0:
        raise ValueError("There are no tokens to copy: give at least one token id.")


def _kept(squares: Float[Tensor, "head d_head d_head"]) -> Float[Tensor, "head"]:
    """W_O (...) W_V has the eigenvalues of the large product W_V W_O (...) that are not zero."""
    eigenvalues = torch.linalg.eigvals(squares)
    return eigenvalues.real.sum(dim=-1) / eigenvalues.abs().sum(dim=-1)
