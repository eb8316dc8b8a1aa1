"""The state of the last word of a text, block by block; and which of our words a model has ever read."""

import re
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from interp import hooks, models
from interp.models import Bridge
from interp.prompts import Prompts
from interp.sites import Site

AT_ONCE = 64  # texts in one pass
AGAIN = (2, 3, 4, 5, 6)  # seeds of other sentences, on which verdicts are asked again


def depths(model: Bridge) -> tuple[int, ...]:
    """After how many blocks a state is read; 0 is the word vector alone, without the position."""
    return tuple(range(model.cfg.n_layers + 1))


def check_depth(model: Bridge, blocks: int) -> None:
    """Nothing, if a state can be read after so many blocks; else ValueError."""
    if blocks not in depths(model):
        raise ValueError(
            f"There are {model.cfg.n_layers} blocks: give a number from 0 to that, not {blocks!r}."
        )


def at_last_word(model: Bridge, texts: Sequence[str]) -> Float[np.ndarray, "block text d_model"]:
    """What stands at the last token of each text: its word vector, then its state after every block.

    A last word of several tokens is read at its last piece, where all of it has been read. Raises ValueError
    for a text that is empty or longer than the model reads.
    """
    sites = [Site("embed"), *(Site("resid_post", layer) for layer in range(model.cfg.n_layers))]
    found = []
    for start in range(0, len(texts), AT_ONCE):
        some = [[(None, text)] for text in texts[start : start + AT_ONCE]]
        prompts = Prompts.write(model.tokenizer, some, context=model.cfg.n_ctx)
        seen = hooks.record(model, prompts, sites)
        found.append(torch.stack([prompts.at(seen[site], "end").double().cpu() for site in sites]))
    return torch.cat(found, dim=1).numpy()


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
    return (
        f"{models.describe(model).name} never read {len(missing)} of the test's words ({shown}), so they mean"
        " nothing to it."
    )
