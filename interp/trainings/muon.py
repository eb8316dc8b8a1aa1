"""Muon for the tables inside the blocks, AdamW for everything else.

Muon (Jordan and others 2024, https://kellerjordan.github.io/posts/muon/) turns a table's gradient into the
nearest table whose every direction is equally strong: a few products, no division by past sizes. torch has it
one table at a time; here all tables of one shape go through one batched product, which small models need.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

MOMENTUM, TURNS = 0.95, 5
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


@dataclass(frozen=True)
class Rates:
    """How large the steps are; `muon` 0 leaves everything to AdamW. Part of a frozen recipe."""

    muon: float | int = 0.04
    adam: float | int = 1e-2
    decay: float | int = 0.05
    warm_up: int = 20
    last: float | int = 0.05  # share of the rate that is left at the end


class Optimizer:
    """Takes steps; the rate warms up, then follows a cosine down. Gradients are cut at length 1 first."""

    def __init__(self, network: nn.Module, rates: Rates, steps: int):
        self.rates, self.steps = rates, steps
        self.all = list(network.parameters())
        inside = [p for name, p in network.named_parameters() if name.startswith("blocks.") and p.dim() > 1]
        chosen = {id(p) for p in inside} if rates.muon else set()
        self.tables = [p for p in self.all if id(p) in chosen]
        self.memory = [torch.zeros_like(p) for p in self.tables]
        others = [p for p in self.all if id(p) not in chosen]
        self.adam = torch.optim.AdamW(
            others, lr=rates.adam, weight_decay=rates.decay, betas=(0.9, 0.98), foreach=True
        )

    @torch.no_grad()
    def step(self, number: int) -> None:
        """Change every weight once, and forget the gradients."""
        share = self.share(number)
        torch.nn.utils.clip_grad_norm_(self.all, 1.0, foreach=True)
        for group in self.adam.param_groups:
            group["lr"] = self.rates.adam * share
        self.adam.step()
        if self.tables:
            self._turn(self.rates.muon * share)
        for p in self.all:
            p.grad = None

    def share(self, number: int) -> float:
        """The part of the full rate that this step takes."""
        warm = min(1.0, (number + 1) / self.rates.warm_up)
        wave = 0.5 * (1 + math.cos(math.pi * min(1.0, number / self.steps)))
        return warm * (self.rates.last + (1 - self.rates.last) * wave)

    def _turn(self, rate: float) -> None:
        ahead = []
        for memory, p in zip(self.memory, self.tables, strict=True):
            if p.grad is None:
                raise ValueError("A table has no gradient: take the backward step first.")
            memory.mul_(MOMENTUM).add_(p.grad)
            ahead.append(p.grad.add(memory, alpha=MOMENTUM))
        for places in _by_shape(self.tables):
            rows, columns = self.tables[places[0]].shape[-2:]
            even = orthogonal(torch.cat([ahead[i].reshape(-1, rows, columns) for i in places]))
            even *= math.sqrt(max(1.0, rows / columns))
            parts = even.split([ahead[i].numel() // (rows * columns) for i in places])
            for i, part in zip(places, parts, strict=True):
                self.tables[i].add_(part.view_as(self.tables[i]), alpha=-rate)

    def state_dict(self) -> dict:
        """What a saved run needs to go on exactly."""
        return {"memory": self.memory, "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        """Put a saved state back."""
        self.memory = state["memory"]
        self.adam.load_state_dict(state["adam"])


def orthogonal(tables: Tensor) -> Tensor:
    """Each table [n, rows, columns] with its directions made about equally strong (Newton-Schulz)."""
    tall = tables.shape[-2] > tables.shape[-1]
    x = tables.transpose(-1, -2) if tall else tables
    x = x / (x.norm(dim=(-1, -2), keepdim=True) + 1e-7)
    first, second, third = NEWTON_SCHULZ
    for _ in range(TURNS):
        square = x @ x.transpose(-1, -2)
        x = first * x + (second * square + third * square @ square) @ x
    return x.transpose(-1, -2) if tall else x


def _by_shape(tables: Iterable[Tensor]) -> list[list[int]]:
    places: dict[tuple, list[int]] = {}
    for i, table in enumerate(tables):
        places.setdefault(tuple(table.shape[-2:]), []).append(i)
    return list(places.values())
