"""Heads switched on and off one after another: only what lies behind the change is computed again."""

import torch
from jaxtyping import Float
from torch import Tensor

from interp.hooks import check_untouched
from interp.methods.engine.base import BaseRun, base_runs
from interp.methods.engine.block import attend, feed_forward, queries_keys_values
from interp.methods.engine.ends import Reader, logits
from interp.methods.engine.weights import weights_of
from interp.methods.readout import Metric
from interp.models import Bridge, describe
from interp.prompts import Prompts
from interp.sites import Head, check_place


class Toggles:
    """One batch of prompts on the bench: heads whose output is replaced, and the end that follows from it.

    Equal to `hooks.run` with `Put(head, value)` or `Zero(head)` for every head that is in force. What is read
    costs the layers from the lowest head that changed since the last reading. Not for several threads.
    Making and reading raise ValueError while a hook is in force on the model.
    """

    def __init__(self, model: Bridge, prompts: Prompts):
        self._model, self._card, self._weights = model, describe(model), weights_of(model)
        self._shape = prompts.tokens.shape
        self._runs = [_Live(run) for run in base_runs(self._weights, prompts)]
        self._reader: Reader | None = None

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads in force, in layer order."""
        return tuple(sorted(self._runs[0].put))

    def put(self, head: Head, value: Float[Tensor, "*value"] | None = None) -> None:
        """Let the head put out this value from now on (as in `hooks.Put`), or nothing if None.

        Raises ValueError for a head that the model does not have and for a value that does not fit.
        """
        check_place(head, self._card)
        whole_value = self._fitted(head, value)
        for run in self._runs:
            run.put[head] = whole_value[run.base.index, : run.base.length]
            run.dirty = min(run.dirty, head.layer)

    def remove(self, head: Head) -> None:
        """Let the head work as usual again. Raises ValueError if nothing was put there."""
        if head not in self._runs[0].put:
            raise ValueError(f"Nothing was put at {head}; what is in force: {self._names()}.")
        for run in self._runs:
            del run.put[head]
            run.dirty = min(run.dirty, head.layer)

    def logits(self) -> Float[Tensor, "prompt token"]:
        """The logits at the last word of every prompt, with the heads in force."""
        return logits(self._weights, self._ends()[0])

    def measure(self, metric: Metric) -> Float[Tensor, "prompt"]:
        """The metric with the heads in force, in double precision on the CPU."""
        if self._reader is None or self._reader.metric is not metric:
            self._reader = Reader(self._weights, metric)
        return self._reader(self._ends())[0]

    def _ends(self) -> Float[Tensor, "one prompt d_model"]:
        check_untouched(self._model)
        for run in self._runs:
            run.refresh()
        order = torch.cat([run.base.index for run in self._runs]).argsort()
        return torch.cat([run.end for run in self._runs])[order][None]

    def _fitted(self, head: Head, value: Tensor | None) -> Float[Tensor, "prompt position d_head"]:
        wanted = (*self._shape, self._weights.layers[0].b_Q.shape[1])
        given = self._weights.embedding.new_zeros(()) if value is None else value
        try:
            return given.to(self._weights.embedding).expand(wanted)
        except RuntimeError:
            raise ValueError(
                f"The value for {head} has the shape {tuple(given.shape)}, which does not fit {wanted}."
                " Give one that broadcasts to it."
            ) from None

    def _names(self) -> str:
        return ", ".join(map(str, self.heads)) or "nothing"


class _Live:
    """Prompts of one length: what enters each block, and what its heads put out of themselves."""

    def __init__(self, base: BaseRun):
        self.base, self.end = base, base.end
        self.pre, self.z = list(base.pre), list(base.z)
        self.put: dict[Head, Tensor] = {}
        self.dirty = len(self.pre)  # the lowest layer whose heads in force have changed

    @torch.no_grad()
    def refresh(self) -> None:
        """Everything from the dirty layer on, anew."""
        first, layers = self.dirty, self.base.weights.layers
        for number in range(first, len(layers)):
            if number > first:
                self.z[number] = self._heads(number)
            last = number == len(layers) - 1
            z, x = self._with_put(number), self.pre[number]
            z, x = (z[:, -1], x[:, -1]) if last else (z.flatten(0, 1), x.flatten(0, 1))
            x = feed_forward(layers[number], x + layers[number].out(z.flatten(-2)))
            if last:
                self.end = x
            else:
                self.pre[number + 1] = x.view_as(self.pre[number])
        self.dirty = len(layers)

    def _heads(self, number: int) -> Float[Tensor, "prompt position head d_head"]:
        x = self.pre[number]
        own = queries_keys_values(self.base.weights.layers[number], x.flatten(0, 1)).unflatten(0, x.shape[:2])
        q, k, v = own[None].unbind(3)
        return attend(q, k, v, k[0, :, :0], v[0, :, :0])[0]

    def _with_put(self, number: int) -> Float[Tensor, "prompt position head d_head"]:
        put = {head.head: value for head, value in self.put.items() if head.layer == number}
        if not put:
            return self.z[number]
        z = self.z[number].clone()
        for head, value in put.items():
            z[:, :, head] = value
        return z
