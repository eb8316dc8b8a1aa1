"""What the other methods share: the residual streams of a run, and a metric read at the last word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from interp import hooks
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.sites import Site

Metric = Callable[
    [Tensor], Tensor
]  # Float[Tensor, "prompt token"] at the last word -> Float[Tensor, "prompt"]


@dataclass(frozen=True, eq=False)
class LogitDifference:
    """Metric: the logit of one token minus that of another at the last word, per prompt, in nats.

    Sweeps recognise it and read two rows of the unembedding instead of the whole vocabulary.
    """

    answer: Int[Tensor, "prompt"]
    against: Int[Tensor, "prompt"]

    def __call__(self, logits: Float[Tensor, "prompt token"]) -> Float[Tensor, "prompt"]:
        """The difference in these logits, one per prompt."""
        answer, against = self.answer.to(logits.device), self.against.to(logits.device)
        return (logits.gather(1, answer[:, None]) - logits.gather(1, against[:, None]))[:, 0]


def logits_at_end(model: Bridge, prompts: Prompts, *edits: hooks.Edit) -> Float[Tensor, "prompt token"]:
    """Logits at the last word of every prompt, under these edits; no other position is unembedded."""
    last = Site("resid_post", sizes(model).n_layers - 1)
    stream = hooks.record(model, prompts, [last], *edits)[last]
    return hooks.resume(model, stream, sizes(model).n_layers, position=prompts.spots["end"])


def streams(
    model: Bridge, prompts: Prompts, layers: Sequence[int]
) -> dict[int, Float[Tensor, "prompt position d_model"]]:
    """The residual stream that enters each of these layers, by layer."""
    sites = {layer: Site("resid_pre", layer) for layer in layers}
    recorded = hooks.record(model, prompts, list(sites.values()))
    return {layer: recorded[site] for layer, site in sites.items()}


def measure(
    model: Bridge,
    prompts: Prompts,
    metric: Metric,
    stream: Float[Tensor, "prompt position d_model"],
    layer: int,
    *edits: hooks.Edit,
) -> Float[Tensor, "prompt"]:
    """The metric when this stream enters this layer, in double precision on the CPU; later edits apply."""
    logits = hooks.resume(model, stream, layer, *edits, position=prompts.spots["end"])
    return metric(logits).double().cpu()
