"""Tuned lenses: those that come with the embedded models, and how to make one for any model from a seed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import Random

import torch
from jaxtyping import Int
from torch import Tensor

from interp import models
from interp.methods import tuned_lens
from interp.methods.tuned_lens import TunedLens
from interp.models import Bridge, sizes
from interp.words import world

SHIPPED = tuple(folder / "tuned_lens.safetensors" for folder in models.EMBEDDED.values())
STEPS, SEED, ROWS = 1000, 0, 12
LONGEST = 128  # tokens of a row


def find(model: Bridge) -> TunedLens:
    """The lens that ships for these weights; for other models the untrained one, which is the logit lens."""
    for path in SHIPPED:
        with suppress(ValueError):  # there is none, or it is another model's
            return tuned_lens.load(model, path)
    return tuned_lens.untrained(model)


def make(
    model: Bridge,
    texts: Sequence[str] | None = None,
    *,
    steps: int = STEPS,
    seed: int = SEED,
    progress: bool = True,
) -> TunedLens:
    """A lens for this model, tuned on these texts; None means texts of the pocket world.

    Raises ValueError if the texts hold less than one row of tokens.
    """
    chooser = Random(seed)
    stream = _world(chooser) if texts is None else _again_and_again(texts, chooser)
    return tuned_lens.tuned(model, _batches(model, stream), seed=seed, steps=steps, progress=progress)


def _world(chooser: Random) -> Iterator[str]:
    while True:
        yield world.document(chooser)


def _again_and_again(texts: Sequence[str], chooser: Random) -> Iterator[str]:
    if not any(text.strip() for text in texts):
        raise ValueError(
            "The texts to tune the lens on are empty. Give a file with some pages of plain text."
        )
    while True:
        yield from chooser.sample(texts, len(texts))


def _batches(model: Bridge, texts: Iterator[str]) -> Iterator[Int[Tensor, "row position"]]:
    """Rows without padding: texts one after another, an end-of-text token after each."""
    width = min(sizes(model).n_ctx, LONGEST)
    end, ids = model.tokenizer.eos_token_id, []
    while True:
        while len(ids) < ROWS * width:
            ids += [*models.encode(model, next(texts)), end]
        yield torch.tensor(ids[: ROWS * width]).reshape(ROWS, width)
        ids = ids[ROWS * width :]
