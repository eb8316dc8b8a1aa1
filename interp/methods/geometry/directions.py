"""Directions among word vectors: from pairs of words, projected on, taken out; the plane of some words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.result import Result
from interp.vectors import WordVectors

BLOCK = 2000  # rows changed at once


@dataclass(frozen=True, eq=False)
class Direction:
    """A vector of length 1; `share` of what its pairs have in common, from 0 to 1, and the pairs' number."""

    vector: Float[np.ndarray, "d"]
    share: float
    pairs: int


@dataclass(frozen=True, eq=False)
class Plane:
    """Words as points: Result[word, component] of two, and the share of their spread each component shows."""

    points: Result
    shares: tuple[float, float]


def direction(vectors: WordVectors, pairs: Sequence[tuple[str, str]]) -> Direction:
    """The direction that the differences one - other of the pairs share most, pointing to the first of each.

    The first principal direction of the differences of unit rows, about zero. Raises ValueError without a
    pair.
    """
    if not pairs:
        raise ValueError("A direction needs at least one pair of words; none of the pairs is in this table.")
    differences = vectors.rows_of([one for one, _ in pairs]) - vectors.rows_of([other for _, other in pairs])
    _, sizes, axes = np.linalg.svd(differences, full_matrices=False)
    towards = 1.0 if (differences @ axes[0]).mean() >= 0 else -1.0
    return Direction(towards * axes[0], float(sizes[0] ** 2 / (sizes**2).sum()), len(pairs))


def gap(vectors: WordVectors, ones: Sequence[str], others: Sequence[str]) -> Float[np.ndarray, "d"]:
    """The mean unit row of some words minus that of others: a dot product with it is the difference of the
    two mean cosines.
    """
    return vectors.rows_of(ones).mean(axis=0) - vectors.rows_of(others).mean(axis=0)


def projection(vectors: WordVectors, words: Sequence[str], along: Float[np.ndarray, "d"]) -> Result:
    """How far each word's unit row reaches along a vector: Result[word]."""
    values = vectors.rows_of(words) @ along
    return Result(values, {"word": tuple(words)}, "reach along the direction", "", vectors.about())


def removed(vectors: WordVectors, along: Float[np.ndarray, "d"], share: float = 1.0) -> WordVectors:
    """The unit rows with this share (0 to 1) of their reach along a direction of length 1 taken out, and
    scaled to length 1 again; a row that only reached along the direction becomes zeros.
    """
    short = along.astype(np.float32)
    rows = vectors.unit.copy()
    for start in range(0, len(rows), BLOCK):  # in place: new memory would cost most of the time
        part = rows[start : start + BLOCK]
        part -= (np.float32(share) * (part @ short))[:, None] * short
        length = np.sqrt(np.einsum("wd,wd->w", part, part))
        part /= np.where(length > 1e-6, length, np.inf)[:, None]
    rows.setflags(write=False)
    return vectors.with_rows(rows, f"{share:.0%} of a direction taken out", along.tobytes())


def random_gaps(
    vectors: WordVectors, *, size: int = 10, count: int = 300, among: int = 20_000, seed: int = 0
) -> Float[np.ndarray, "direction d"]:
    """A control: as `gap`, between `size` and `size` words drawn at random from the first `among` words."""
    rows = vectors.unit[: min(among, len(vectors))].astype(np.float64)
    drawn = np.random.default_rng(seed).integers(len(rows), size=(count, 2, size))
    return rows[drawn[:, 0]].mean(axis=1) - rows[drawn[:, 1]].mean(axis=1)


def plane(
    vectors: WordVectors, words: Sequence[str], also: Mapping[str, Float[np.ndarray, "d"]] | None = None
) -> Plane:
    """The flat picture in which these words' unit rows keep most of their spread (principal components).

    The vectors of `also`, by name, are put into the same picture without having a say in it. Raises
    ValueError for fewer than three words.
    """
    if len(words) < 3:
        raise ValueError(f"A plane needs at least three words; there {'is' * (len(words) == 1) or 'are'}"
                         f" {len(words)}.")  # fmt: skip
    rows = vectors.rows_of(words)
    middle = rows.mean(axis=0)
    _, sizes, axes = np.linalg.svd(rows - middle, full_matrices=False)
    signs = np.sign(axes[np.arange(2), np.abs(axes[:2]).argmax(axis=1)])  # the same picture at every run
    whole = (sizes**2).sum() or 1.0
    shares = float(sizes[0] ** 2 / whole), float(sizes[1] ** 2 / whole)
    others = dict(also or {})
    flat = (np.vstack([rows, *others.values()]) - middle) @ (axes[:2] * signs[:, None]).T
    names = {"word": (*words, *others), "component": ("first component", "second component")}
    points = Result(flat, names, "place in the plane", "", vectors.about())
    return Plane(points, shares)
