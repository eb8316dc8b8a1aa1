"""A model's own table of token vectors, as WordVectors: the first thing it looks up, before any context.

A table of tokens is another thing than a table of words: a word is here only if one token is the word with a
space in front of it, capitals count, and the rows served the model's first layer and, in GPT-2, its output
too.
"""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from interp import models
from interp.models import Bridge
from interp.vectors import WordVectors


def of_model(model: Bridge, *, centred: bool = False) -> WordVectors:
    """The rows of the token table, in the order of the tokens, one for every word of letters.

    The word "Paris" is the token " Paris". `centred` takes out the mean row of these words, which all rows
    share and which makes every pair look alike.
    """
    card = models.describe(model)
    texts = models.token_strings(model, range(card.vocabulary))
    chosen = [n for n, text in enumerate(texts) if text[:1] == " " and text[1:].isalpha()]
    rows = _rows(model.W_E)[chosen]
    if centred:
        rows = rows - rows.mean(axis=0)
    way = ", the mean row taken out" if centred else ""
    source = f"The token table of {card.name}{way}: each word is its one token with a space in front."
    words = tuple(texts[number][1:] for number in chosen)
    return WordVectors(card.name, words, rows, source, card.weights_sha256)


def _rows(table: Float[Tensor, "token d"]) -> Float[np.ndarray, "token d"]:
    return table.detach().float().cpu().numpy()
