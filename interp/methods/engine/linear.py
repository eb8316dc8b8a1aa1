"""Matrix products: torch's own, or oneDNN's with weights laid out beforehand, if right and faster.

On some CPUs oneDNN's product is twice as fast as torch's default and takes the activation along for free.
It is reached through private operations of torch, and where bf16 units exist a setting can make it
inexact. So it is used only after a trial on this machine: it must exist, agree, and win.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

TRIAL_ROWS = 64
TRIALS = 7
MOST_ERROR = 1e-5  # of the trial's largest number
MOST_TIME = 0.9  # of what torch's own layer takes; a smaller gain may be noise
Activation = tuple[str, str] | Callable[[Tensor], Tensor]  # what oneDNN and torch call it, or the function
FUSED = {  # what a config may call it: what oneDNN and torch call it
    "gelu_new": ("gelu", "tanh"),
    "gelu_fast": ("gelu", "tanh"),
    "gelu_pytorch_tanh": ("gelu", "tanh"),
    "gelu": ("gelu", "none"),
    "relu": ("relu", ""),
}


@dataclass(frozen=True, eq=False)
class Plain:
    """A linear layer as torch computes it."""

    weight: Float[Tensor, "out in"]
    bias: Float[Tensor, "out"] | None

    def __call__(self, x: Tensor, activation: Activation | None = None) -> Tensor:
        """The layer's output for rows x, after the activation if there is one."""
        out = functional.linear(x, self.weight, self.bias)
        if activation is None:
            return out
        if callable(activation):
            return activation(out)
        kind, form = activation
        return out.relu_() if kind == "relu" else functional.gelu(out, approximate=form)


class Packed:
    """A linear layer as oneDNN computes it, float32 on the CPU, with its weights laid out beforehand."""

    def __init__(self, weight: Float[Tensor, "out in"], bias: Float[Tensor, "out"] | None):
        self.weight, self.bias = _operation("_reorder_linear_weight")(weight.contiguous(), 512), bias

    def __call__(self, x: Tensor, activation: Activation | None = None) -> Tensor:
        """The layer's output for rows x, after the activation if there is one."""
        if callable(activation):
            return activation(self(x))
        kind, form = activation or ("none", "")
        return _operation("_linear_pointwise")(x, self.weight, self.bias, kind, [], form)


Linear = Plain | Packed


def choose(weight: Float[Tensor, "out in"], bias: Float[Tensor, "out"]) -> type[Plain] | type[Packed]:
    """The kind of layer for weights like these: Packed if on trial it is exact and faster, else Plain."""
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        return Plain
    rows = torch.randn(TRIAL_ROWS, weight.shape[1], generator=torch.Generator().manual_seed(0))
    gelu = FUSED["gelu_new"]
    plain = Plain(weight, bias)
    try:
        packed = Packed(weight, bias)
        expected, found = plain(rows, gelu), packed(rows, gelu)
    except (AttributeError, RuntimeError, TypeError):
        return Plain  # this torch has no such operation, or another one of that name
    if (found - expected).abs().max() > MOST_ERROR * expected.abs().max():
        return Plain
    slow, fast = _seconds([plain, packed], rows, gelu)
    return Packed if fast < MOST_TIME * slow else Plain


def _operation(name: str) -> Callable[..., Any]:
    return getattr(torch.ops.mkldnn, name)


def _seconds(layers: Sequence[Linear], rows: Tensor, activation: tuple[str, str]) -> list[float]:
    """The shortest trial of each layer, taken by turns, in CPU time: others may be using the machine."""
    best = [float("inf")] * len(layers)
    for _ in range(TRIALS):
        for number, layer in enumerate(layers):
            started = time.process_time()
            layer(rows, activation)
            best[number] = min(best[number], time.process_time() - started)
    return best
