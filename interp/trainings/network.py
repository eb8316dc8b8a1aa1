"""GPT-2 in small: pre-norm blocks, learned positions, tanh-GELU, the output tied to the embedding."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

INITIAL = 0.02  # standard deviation of GPT-2's first weights
FAR = -1e9  # a score that softmax turns into 0


@dataclass(frozen=True)
class Shape:
    """How large a network is."""

    width: int = 64
    blocks: int = 2
    heads: int = 4
    context: int = 48


class Block(nn.Module):
    """Attention, then the feed-forward layer; each reads a normalised copy and adds what it found."""

    qkv_bias: nn.Parameter
    out_bias: nn.Parameter
    up_bias: nn.Parameter
    down_bias: nn.Parameter

    def __init__(self, shape: Shape, source: torch.Generator):
        super().__init__()
        wide, narrow = shape.width, INITIAL / math.sqrt(2 * shape.blocks)
        reading = INITIAL * math.sqrt(128 / wide)
        self.heads = shape.heads
        self.first_norm, self.second_norm = nn.LayerNorm(wide), nn.LayerNorm(wide)
        self.qkv = _drawn((3, wide, wide), reading, source)  # three tables: an optimizer treats them apart
        self.out = _drawn((wide, wide), narrow, source)
        self.up = _drawn((4 * wide, wide), reading, source)
        self.down = _drawn((wide, 4 * wide), narrow, source)
        for name, size in (("qkv", 3 * wide), ("out", wide), ("up", 4 * wide), ("down", wide)):
            setattr(self, f"{name}_bias", nn.Parameter(torch.zeros(size)))

    def pattern(self, state: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What every head looks at [row, head, position, position], and its values."""
        rows, length, wide = state.shape
        inner = F.linear(self.first_norm(state), self.qkv.flatten(0, 1), self.qkv_bias)
        inner = inner.view(rows, length, 3, self.heads, wide // self.heads)
        query, key, value = inner.permute(2, 0, 3, 1, 4)
        scores = _fine(query @ key.transpose(-1, -2)) * (wide // self.heads) ** -0.5
        return (scores + mask[:length, :length]).softmax(-1), value

    def forward(self, state: Tensor, mask: Tensor, off: Collection[int] = ()) -> Tensor:
        looks, value = self.pattern(state, mask)
        moved = looks.to(value.dtype) @ value
        if off:
            moved[:, list(off)] = 0
        state = state + F.linear(moved.transpose(1, 2).flatten(2), self.out, self.out_bias)
        hidden = F.gelu(F.linear(self.second_norm(state), self.up, self.up_bias), approximate="tanh")
        return state + F.linear(hidden, self.down, self.down_bias)


class Network(nn.Module):
    """The whole model. The same seed gives the same first weights; the process's own seed is left alone."""

    mask: Tensor

    def __init__(self, vocabulary: int, shape: Shape, seed: int = 0):
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        self.embedding = _drawn((vocabulary, shape.width), INITIAL, source)
        self.positions = _drawn((shape.context, shape.width), INITIAL / 2, source)
        self.blocks = nn.ModuleList(Block(shape, source) for _ in range(shape.blocks))
        self.last_norm = nn.LayerNorm(shape.width)
        ahead = torch.full((shape.context, shape.context), FAR).triu(1)
        self.register_buffer("mask", ahead, persistent=False)

    def forward(
        self, ids: Int[Tensor, "row position"], off: Collection[tuple[int, int]] = ()
    ) -> Float[Tensor, "row position word"]:
        """Logits of the next word. Heads (block, head) in `off` write nothing."""
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
            state = self._start(ids)
            for i, block in enumerate(self.blocks):
                state = block(state, self.mask, [head for at, head in off if at == i])
            return _fine(F.linear(self.last_norm(state), self.embedding))

    @torch.no_grad()
    def looks(self, ids: Int[Tensor, "row position"]) -> Float[Tensor, "block row head query key"]:
        """Where every head looks: shares that sum to 1 over the last axis."""
        state, seen = self._start(ids), []
        for block in self.blocks:
            seen.append(cast(Block, block).pattern(state, self.mask)[0])
            state = block(state, self.mask)
        return torch.stack(seen)

    def _start(self, ids: Tensor) -> Tensor:
        return self.embedding[ids] + self.positions[: ids.shape[1]]

    @property
    def weights(self) -> int:
        """How many numbers training sets, without the embedding: the size that scaling laws speak of."""
        inside = sum(p.numel() for block in self.blocks for p in block.parameters())
        return inside + 2 * self.last_norm.weight.numel()


def has_bf16() -> bool:
    """Whether this processor multiplies in bf16; if not, everything is fp32 and a fifth slower."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    # An x86 without these instructions imitates bf16: right, and three times slower than single precision
    there = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return there or not torch.backends.cpu.get_cpu_capability().startswith("AVX")


def _fine(table: Tensor) -> Tensor:
    """At least fp32; double stays, so that a gradient can be checked."""
    return table if table.dtype == torch.float64 else table.float()


def _drawn(shape: tuple[int, ...], spread: float, source: torch.Generator) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape, generator=source) * spread)
