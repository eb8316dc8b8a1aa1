"""The order of a scan: one whole number per activation, so that merging needs no order of its own.

A larger activation comes first; of two equal ones, the earlier token of the corpus. Each number holds
both, so "the k largest of these" is associative, commutative and idempotent: shards may finish in any
order, or twice.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

NOTHING = torch.iinfo(torch.int64).min  # less than every key
_LOW = 0xFFFFFFFF
MOST_TOKENS = _LOW


def sort_keys(activation: Float[Tensor, "*at"], token: Int[Tensor, "*at"]) -> Int[Tensor, "*at"]:
    """The key of each activation at its token; float32, so a coarser number is widened first."""
    bits = (activation.float() + 0.0).view(torch.int32)  # + 0.0: minus zero equals zero
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.long() << 32) | (_LOW - token)


def activation_of(key: Int[Tensor, "*at"]) -> Float[Tensor, "*at"]:
    """The activation inside a key; minus infinity for `NOTHING`."""
    ordered = (key >> 32).int()
    values = (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(torch.float32)
    return torch.where(key == NOTHING, -torch.inf, values)


def token_of(key: Int[Tensor, "*at"]) -> Int[Tensor, "*at"]:
    """The token inside a key; -1 for `NOTHING`."""
    return torch.where(key == NOTHING, -1, _LOW - (key & _LOW))
