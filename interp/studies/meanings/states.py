"""The state of the last word of a text, block by block; and which of our words a model has ever read."""

import re
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.languages import say
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.sites import Site

AT_ONCE = 64  # texts in one pass
AGAIN = (2, 3, 4, 5, 6)  # seeds of other sentences, on which verdicts are asked again


def depths(model: Bridge) -> tuple[int, ...]:
    """After how many blocks a state is read; 0 is the word vector alone, without the position."""
    return tuple(range(sizes(model).n_layers + 1))


def check_depth(model: Bridge, blocks: int) -> None:
    """Nothing, if a state can be read after so many blocks; else ValueError."""
    if blocks not in depths(model):
        raise ValueError(
            f"There are {sizes(model).n_layers} blocks: give a number from 0 to that, not {blocks!r}."
        )


def at_last_word(
    model: Bridge, texts: Sequence[str], *, mean: bool = False
) -> Float[np.ndarray, "block text d_model"]:
    """What stands at the last word of each text: its word vector, then its state after every block.

    A word of several tokens is read at its last piece, where all of it has been read; with `mean`, as the
    mean of its pieces. Raises ValueError for a text that is empty or longer than the model reads.
    """
    sites = [Site("embed"), *(Site("resid_post", layer) for layer in range(sizes(model).n_layers))]
    found = []
    for start in range(0, len(texts), AT_ONCE):
        some = [[(None, text)] for text in texts[start : start + AT_ONCE]]
        prompts = Prompts.write(model.tokenizer, some, context=sizes(model).n_ctx)
        seen = hooks.record(model, prompts, sites)
        weights = _weights(model, prompts, mean)
        found.append(
            torch.stack([torch.einsum("tpd,tp->td", seen[s].double().cpu(), weights) for s in sites])
        )
    return torch.cat(found, dim=1).numpy()


def _weights(model: Bridge, prompts: Prompts, mean: bool) -> Float[Tensor, "text position"]:
    """How much each position counts: the last one alone, or each piece of the last word alike."""
    weights = prompts.mask("end").double()
    for row, text in enumerate(prompts.texts if mean else ()):
        before, _, word = text.rpartition(" ")
        pieces, end = len(models.encode(model, f" {word}" if before else word)), int(prompts.length[row])
        weights[row, end - pieces : end] = 1 / pieces
    return weights


def known_told(model: Bridge, doubts: Sequence[str | None], words: Sequence[str]) -> tuple[str, ...]:
    """What must be said before: why something cannot be tested, what nobody knows of what the model has read,
    and which of these words are several tokens to it.
    """
    said = [doubt for doubt in doubts if doubt]
    if models.seen_words(model) is None:
        said.append("Nobody noted which words and sentences this model has read: it may know some of these.")
    elif not said:
        said.append("It has read every word that is asked about here.")
    cut = [word for word in words if len(models.encode(model, f" {word}")) > 1]
    if cut:
        listed = ", ".join(cut[:5]) + (" …" if len(cut) > 5 else "")
        said.append(
            f"{len(cut)} of {len(words)} words with two senses are several tokens here ({listed}): they are"
            " read at their last piece; mean=True reads the mean of all."
        )
    return tuple(said)


def unread(model: Bridge, texts: Sequence[str]) -> tuple[str, ...]:
    """The words of these texts that the model never read in training, sorted; none where nobody noted it."""
    read = models.seen_words(model)
    if read is None:
        return ()
    words = {word for text in texts for word in re.findall(r"(?<!')\b[A-Za-z]+", text)}
    return tuple(sorted(word for word in words if f" {word}" not in read and word not in read))


def untestable(model: Bridge, texts: Sequence[str]) -> str | None:
    """Why a test on these texts says nothing about this model, in one sentence; None if it can be tested."""
    missing = unread(model, texts)
    if not missing:
        return None
    shown = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    return say(
        "{model} never read {number} of the test's words ({shown}), so they mean nothing to it.",
        model=models.describe(model).name,
        number=len(missing),
        shown=shown,
    )
