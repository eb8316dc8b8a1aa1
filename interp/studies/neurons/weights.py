"""Where a GPT's weights are: C10, arithmetic for any size, and our own model counted from its weights."""

from dataclasses import dataclass

import numpy as np

from interp import models
from interp.claims import Claim
from interp.languages import message
from interp.models import Bridge, sizes
from interp.result import Result

PARTS = ("feed-forward", "attention", "embeddings", "layer norms")
LEAST_SHARE = 0.5  # fixed before looking: "where the weights are" means half of them at least

C10_TEXT = message("Feed-forward layers are where the weights are.")
C10_PUBLISHED = "GPT-3: 49,152 x 12,288 x 2 = 1.2 billion per layer, 116 of 175 billion in all, two thirds"


@dataclass(frozen=True)
class Shape:
    """A GPT's size: blocks, heads per block, width, vocabulary, context. Feed-forward layers are four times
    as wide; the unembedding shares its weights with the word embedding.
    """

    layers: int
    heads: int
    width: int
    vocabulary: int
    context: int

    def parts(self) -> tuple[int, ...]:
        """How many weights and biases each of `PARTS` has."""
        width, inner = self.width, 4 * self.width
        return (
            self.layers * (2 * width * inner + inner + width),
            self.layers * (4 * width * width + 4 * width),
            (self.vocabulary + self.context) * width,
            (2 * self.layers + 1) * 2 * width,
        )


# The papers' figures. GPT-3 reads 2048 tokens and has GPT-2's vocabulary; GPT-1 has no final layer norm (1536
# weights), which this table does not leave out.
FAMILY = {
    "GPT-1": Shape(12, 12, 768, 40_478, 512),
    "gpt2": Shape(12, 12, 768, 50_257, 1024),
    "gpt2-medium": Shape(24, 16, 1024, 50_257, 1024),
    "gpt2-large": Shape(36, 20, 1280, 50_257, 1024),
    "gpt2-xl": Shape(48, 25, 1600, 50_257, 1024),
    "GPT-3": Shape(96, 96, 12_288, 50_257, 2048),
}


def family() -> Result:
    """Weights of GPT-1 to GPT-3 by part: Result[size, part], by arithmetic alone."""
    values = np.array([shape.parts() for shape in FAMILY.values()], dtype=float)
    return Result(values, {"size": tuple(FAMILY), "part": PARTS}, "weights", "")


def beside_family(model: Bridge) -> Result:
    """As `family`, with the loaded model counted tensor by tensor in front."""
    mine, others = counted(model), family()
    values = np.concatenate([mine.values[None], others.values])
    sizes = (f"{mine.about['model']}, counted", *others.axes["size"])
    return Result(values, {"size": sizes, "part": PARTS}, "weights", "", mine.about)


def heads_told(model: Bridge) -> str:
    """How many heads this model has, and how many numbers each word's notes may fill, beside GPT-3's."""
    card, large = models.describe(model), FAMILY["GPT-3"]
    return (
        f"{card.layers} layers of {card.heads} heads make {card.layers * card.heads} heads; each word has"
        f" {sizes(model).d_model} numbers, a scratch pad on which all of them leave notes. GPT-3:"
        f" {large.layers} × {large.heads} = {large.layers * large.heads:,} heads, {large.width:,} numbers."
    )


def sheet(model: Bridge) -> Result:
    """How many there are of each part of the network that is drawn on one sheet: Result[part]."""
    card = models.describe(model)
    counts = {
        "words known": card.vocabulary,
        "numbers per word": card.d_model,
        "layers": card.layers,
        "heads in a layer": card.heads,
        "neurons in a layer": card.d_mlp,
    }
    return Result(np.array(list(counts.values())), {"part": tuple(counts)}, "count", "", models.about(model))


def shares(weights: Result) -> Result:
    """The share of each part in the weights of each size."""
    values = weights.values / weights.values.sum(axis=-1, keepdims=True)
    return Result(values, weights.axes, "share of the weights", "", weights.about)


def counted(model: Bridge) -> Result:
    """The weights of the loaded model by part, counted tensor by tensor: Result[part].

    Layer norms have been folded into other weights by `models.load` and are counted by their sizes; the
    unembedding is the word embedding and is not counted again.
    """
    card = models.describe(model)
    groups = (
        ("W_in", "b_in", "W_out", "b_out"),
        ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O"),
        ("W_E", "W_pos"),
    )
    numbers = [sum(getattr(model, name).numel() for name in group) for group in groups]
    norms = (2 * card.layers + 1) * 2 * card.d_model
    return Result(np.array([*numbers, norms]), {"part": PARTS}, "weights", "", models.about(model))


def neurons_and_heads(shape: Shape) -> tuple[int, int]:
    """How many feed-forward neurons and attention heads a GPT of this shape has."""
    return 4 * shape.width * shape.layers, shape.heads * shape.layers


def c10(mine: Result, *, strict: float = 1.0) -> Claim:
    """Verdict on C10 for the counted model: at least half of the weights; `partly` if merely more than any
    other part. `strict` multiplies the threshold.
    """
    share = mine.values / mine.values.sum()
    verdict = "not supported"
    if share[0] >= strict * LEAST_SHARE:
        verdict = "supported"
    elif share[0] == share.max():
        verdict = "partly"
    return Claim(
        id="C10",
        text=C10_TEXT,
        test="Share of the model's weights in its feed-forward layers, counted tensor by tensor.",
        measured=float(share[0]),
        interval=None,
        control=", ".join(f"{name} {value:.1%}" for name, value in zip(PARTS[1:], share[1:], strict=True)),
        threshold=f"at least {LEAST_SHARE:.0%}; less, but more than any other part: partly",
        verdict=verdict,
        model=mine.about["model"],
        published=C10_PUBLISHED,
        because=(
            f"{share[0]:.0%} of this model's weights are there; in GPT-3 it is two thirds, in GPT-2 small"
            " less than half, since small models spend more on their words."
        ),
    )
