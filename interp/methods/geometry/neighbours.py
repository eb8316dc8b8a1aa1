"""The words whose vectors point most nearly the same way as a word's, or as any vector. Measure: cosine."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int

from interp.languages import say
from interp.result import Result
from interp.vectors import WordVectors

QUANTITY = "cosine of the angle between the vectors"


def nearest(vectors: WordVectors, word: str, k: int = 8) -> Result:
    """The k words nearest to a word, itself left out: Result[word], nearest first."""
    row = vectors.at(word)
    return nearest_to(vectors, vectors.unit[row], k, without=(vectors.words[row],))


def nearest_to(
    vectors: WordVectors, vector: Float[np.ndarray, "d"], k: int = 8, *, without: Iterable[str] = ()
) -> Result:
    """The k words nearest to a vector, those of `without` left out: Result[word], nearest first.

    Raises ValueError if the vector is all zeros.
    """
    length = float(np.linalg.norm(vector))
    if not length > 1e-6:
        raise ValueError(
            say("These words cancel out: nothing is left that could point anywhere. Change one of them.")
        )
    cosine = vectors.unit @ (vector / length).astype(np.float32)
    cosine[vectors.lengths == 0] = -np.inf
    cosine[[vectors.at(word) for word in without]] = -np.inf
    order = np.argsort(-cosine, kind="stable")[:k]
    words = tuple(vectors.words[row] for row in order)
    return Result(cosine[order], {"word": words}, QUANTITY, "", vectors.about())


def nearest_among(vectors: WordVectors, words: Sequence[str]) -> Int[np.ndarray, "word"]:
    """For each of these words the number, in this list, of the one nearest to it."""
    rows = vectors.rows_of(words)
    cosine = rows @ rows.T
    np.fill_diagonal(cosine, -np.inf)
    return cosine.argmax(axis=1)
