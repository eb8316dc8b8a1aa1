"""Reading the end: a metric of the last states, without unembedding more than the metric looks at."""

import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.engine.weights import Weights
from interp.methods.readout import LogitDifference, Metric

Ends = Float[Tensor, "variant prompt d_model"]


class Reader:
    """A metric, ready to be read from last states of all prompts. A logit difference costs two rows of the
    unembedding, any other metric the logits of the end."""

    def __init__(self, weights: Weights, metric: Metric):
        self.weights, self.metric = weights, metric
        self.direction = _direction(weights, metric) if isinstance(metric, LogitDifference) else None

    @torch.no_grad()
    def __call__(self, ends: Ends) -> Float[Tensor, "variant prompt"]:
        """The metric of every variant and prompt, in double precision on the CPU."""
        if self.direction is None:
            read = [self.metric(logits(self.weights, variant)).double().cpu() for variant in ends]
            return torch.stack(read) if read else torch.zeros(ends.shape[:2], dtype=torch.float64)
        vector, bias = self.direction
        normed = self.weights.final_norm(ends).double()
        return ((normed * vector).sum(-1) + bias).cpu()


def logits(weights: Weights, ends: Float[Tensor, "prompt d_model"]) -> Float[Tensor, "prompt token"]:
    """All logits of these last states."""
    return weights.unembedding(weights.final_norm(ends))


def _direction(weights: Weights, metric: LogitDifference) -> tuple[Tensor, Tensor]:
    """The vector [prompt d_model] that reads the difference from a normalised state, and what is added."""
    tokens = torch.stack([metric.answer, metric.against]).to(weights.device)
    matrix, bias = weights.unembedding.weight[tokens].double(), weights.b_U[tokens].double()
    return matrix[0] - matrix[1], bias[0] - bias[1]
