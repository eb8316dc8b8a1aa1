"""GPT-2 run by its own library, with parts of what it computes taken from elsewhere, and gradients kept.

For training only: everything else in the house runs models through `hooks.run`.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import GPT2LMHeadModel

Change = Callable[[int, Tensor], Tensor]  # layer, what the network computed -> what goes on instead


def unchanged(layer: int, computed: Tensor) -> Tensor:
    """What the network computed."""
    return computed


@dataclass(frozen=True)
class Seen:
    """What one pass computed, by layer, before anything was changed."""

    stream: list[Float[Tensor, "row position d_model"]] = field(default_factory=list)  # before the block
    middle: list[Float[Tensor, "row position d_model"]] = field(default_factory=list)  # before the mlp
    pattern: list[Float[Tensor, "row head query key"]] = field(default_factory=list)
    heads: list[Float[Tensor, "row position head d_head"]] = field(default_factory=list)
    mlp: list[Float[Tensor, "row position d_model"]] = field(default_factory=list)


def forward(
    model: GPT2LMHeadModel,
    ids: Int[Tensor, "row position"],
    end: Int[Tensor, "row"],
    *,
    stream: Change = unchanged,
    heads: Change = unchanged,
    mlp: Change = unchanged,
) -> tuple[Float[Tensor, "row token"], Seen]:
    """The logits after the word at `end` of each row, and what was computed on the way.

    `stream` changes the residual stream before a block, `heads` what its heads write (before the output
    matrix), `mlp` what its feed-forward layer adds.
    """
    seen = Seen()
    with ExitStack() as open_hooks:
        for layer, block in enumerate(model.transformer.h):
            for handle in _hooks(block, layer, model.config.n_head, seen, stream, heads, mlp):
                open_hooks.enter_context(handle)
        states = model.transformer(input_ids=ids, use_cache=False).last_hidden_state
    return model.lm_head(states[torch.arange(len(ids)), end]), seen


def read(model: GPT2LMHeadModel, states: Float[Tensor, "row d_model"]) -> Float[Tensor, "row token"]:
    """The logits that these states of the stream would give at once (the logit lens)."""
    return model.lm_head(model.transformer.ln_f(states))


def _hooks(block, layer: int, n_heads: int, seen: Seen, stream: Change, heads: Change, mlp: Change):
    def enters(_, args):
        seen.stream.append(args[0])
        return (stream(layer, args[0]), *args[1:])

    def writes(_, args):
        parts = args[0].unflatten(-1, (n_heads, -1))
        seen.heads.append(parts)
        return (heads(layer, parts).flatten(-2),)

    def adds(_, __, update):
        seen.mlp.append(update)
        return mlp(layer, update)

    return (
        block.register_forward_pre_hook(enters),
        block.attn.register_forward_hook(lambda _, __, out: seen.pattern.append(out[1])),
        block.attn.c_proj.register_forward_pre_hook(writes),
        block.ln_2.register_forward_pre_hook(lambda _, args: seen.middle.append(args[0])),
        block.mlp.register_forward_hook(adds),
    )
