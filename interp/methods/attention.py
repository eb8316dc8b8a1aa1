"""Where heads look: patterns, attention between named spots, and the three roles a repetition reveals.

A pattern row sums to 1 over the keys it may see. Attention says where a head reads, not what it takes from
there or what that does: it is no explanation by itself.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp import hooks, models
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site

ROLES = ("previous", "duplicate", "induction")
FIRST_ID, END_ID = 100, 20_000  # random tokens are drawn from these ids: neither the rarest nor bare letters
LEAST_LENGTH = 2
AT_ONCE = 16  # prompts whose patterns are held at the same time


def random_repeats(
    model: Bridge, n: int = 2, length: int = 100, *, seed: int = 0
) -> Int[Tensor, "prompt position"]:
    """`n` rows of `length` random token ids, to be said twice by `role_scores`.

    Ids from `FIRST_ID` to `END_ID` - 1, drawn by a generator of its own on the CPU; the defaults are the
    tokens of TransformerLens' Exploratory Analysis demo. A model that reads fewer than two such rows gets
    rows of half its context; a vocabulary that ends earlier is used up to its end, and from its start if it
    has fewer than twice `FIRST_ID` tokens.
    """
    vocabulary = models.describe(model).vocabulary
    low = FIRST_ID if vocabulary >= 2 * FIRST_ID else 0
    length = min(length, models.describe(model).context // 2)
    chooser = torch.Generator().manual_seed(seed)
    return torch.randint(low, min(END_ID, vocabulary), (n, length), generator=chooser)


def role_scores(model: Bridge, tokens_once: Int[Tensor, "prompt position"]) -> Result:
    """Attention to the token before (previous), to the same token's first saying (duplicate) and to the token
    after that (induction), when every row is said twice: Result[role, layer, head], shares of attention.

    The mean over the rows of `role_scores_by_row`, where the conventions stand.
    """
    return role_scores_by_row(model, tokens_once).mean("prompt")


def role_scores_by_row(
    model: Bridge, tokens_once: Int[Tensor, "prompt position"], *edits: hooks.Edit
) -> Result:
    """As `role_scores`, row by row and under these edits: Result[role, layer, head, prompt]; for intervals.

    Each is the mean over a whole diagonal of the pattern, `length` being that of one saying: 1 back, `length`
    back, `length` - 1 back. No beginning-of-text token is put in front. Random tokens leave nothing else to
    go by; a head that needs real text scores low here. Raises ValueError for rows shorter than
    `LEAST_LENGTH`. Source: Wang et al. 2022 (arXiv:2211.00593), appendix H; Olsson et al. 2022.
    """
    number, length = tokens_once.shape
    if length < LEAST_LENGTH:
        raise ValueError(
            f"The rows have {length} tokens; at least {LEAST_LENGTH} are needed to tell the token before from"
            " the same token. Draw longer rows with random_repeats."
        )
    twice = torch.cat([tokens_once, tokens_once], dim=1)
    layers = range(sizes(model).n_layers)
    parts = [
        torch.stack([torch.stack([_diagonal_mean(pattern, back) for back in (1, length, length - 1)])
                     for pattern in _recorded(model, rows, layers, *edits)])
        for rows in twice.split(AT_ONCE)
    ]  # fmt: skip
    values = torch.cat(parts, dim=2).permute(1, 0, 3, 2).double().cpu()  # role layer head prompt
    axes = {
        "role": ROLES, "layer": _numbers(sizes(model).n_layers), "head": _numbers(sizes(model).n_heads),
        "prompt": _numbers(number),
    }  # fmt: skip
    about = {**hooks.about(model, *edits), "bos": False, "n": number, "length": length}
    return Result(np.asarray(values), axes, "attention by role", "share", about)


def patterns(model: Bridge, prompts: Prompts, *, layers: Sequence[int] | None = None) -> Result:
    """Every head's attention: Result[layer, head, prompt, query, key], a share of 1 for each query.

    Queries and keys are positions. A query at the padding of a shorter prompt is recorded as it happens and
    means nothing: `prompts.length` tells where it begins. `layers` limits what is recorded (default: all).
    """
    layers = list(range(sizes(model).n_layers)) if layers is None else list(layers)
    values = torch.stack(_recorded(model, prompts.tokens, layers)).transpose(1, 2)
    positions = _numbers(prompts.tokens.shape[1])
    axes = {
        "layer": tuple(layers), "head": _numbers(sizes(model).n_heads), "prompt": _numbers(len(prompts)),
        "query": positions, "key": positions,
    }  # fmt: skip
    return _result(model, prompts, values, axes)


def attention_to(model: Bridge, prompts: Prompts, *, query: str = "end", key: str = "IO") -> Result:
    """How much each head looks from one named spot at another: Result[layer, head, prompt], a share of 1.

    A key that stands after its query gets exactly nothing. Raises ValueError for a spot that the prompts
    do not have.
    """
    rows = torch.arange(len(prompts))
    seen = []
    for pattern in _recorded(model, prompts.tokens, range(sizes(model).n_layers)):
        at_query = prompts.at(pattern.transpose(1, 2), query)  # prompt head key
        seen.append(prompts.at(at_query.transpose(1, 2), key).T)
    axes = {
        "layer": _numbers(sizes(model).n_layers),
        "head": _numbers(sizes(model).n_heads),
        "prompt": tuple(rows.tolist()),
    }
    return _result(model, prompts, torch.stack(seen), axes)


def attention_spread(model: Bridge, prompts: Prompts, head: Head, *, query: str = "end") -> Result:
    """How one head shares out its look from a named spot: Result[key, prompt], shares that sum to 1.

    Keys: the named spots that never stand after the query, in the order of the first sentence; the words
    "between <the last of them> and <query>"; the query itself; "elsewhere". Raises ValueError for a spot
    that the prompts do not have, or that has none before it.
    """
    pattern = _recorded(model, prompts.tokens, [head.layer])[0][:, head.head]
    looks, here = prompts.at(pattern, query).cpu(), prompts.spots[query]  # prompt key; prompt
    spots = [name for name, at in prompts.spots.items() if name != query and bool((at <= here).all())]
    if not spots:
        raise ValueError(f"No named spot stands before {query!r}: choose a later query.")
    spots.sort(key=lambda name: int(prompts.spots[name][0]))
    position, last = torch.arange(prompts.tokens.shape[1]), prompts.spots[spots[-1]]
    between = (position > last[:, None]) & (position < here[:, None])
    masks = {name: prompts.mask(name) for name in spots}
    masks |= {f"between {spots[-1]} and {query}": between, query: prompts.mask(query)}
    masks["elsewhere"] = ~torch.stack([*masks.values()]).any(dim=0)
    shares = torch.stack([(looks * mask).sum(dim=1) for mask in masks.values()])
    return _result(model, prompts, shares, {"key": tuple(masks), "prompt": _numbers(len(prompts))})


def _recorded(
    model: Bridge, tokens: Int[Tensor, "prompt position"], layers: Sequence[int], *edits: hooks.Edit
) -> list[Float[Tensor, "prompt head query key"]]:
    sites = [Site("pattern", layer) for layer in layers]
    recorded = hooks.record(model, tokens, sites, *edits)
    return [recorded[site] for site in sites]


def _diagonal_mean(
    pattern: Float[Tensor, "prompt head query key"], back: int
) -> Float[Tensor, "prompt head"]:
    """Mean attention from every query to the key that stands `back` positions before it."""
    return pattern.diagonal(-back, dim1=-2, dim2=-1).mean(dim=-1)


def _numbers(count: int) -> tuple[int, ...]:
    return tuple(range(count))


def _result(model: Bridge, prompts: Prompts, values: Tensor, axes: dict[str, tuple]) -> Result:
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(np.asarray(values.double().cpu()), axes, "attention", "share", about)
