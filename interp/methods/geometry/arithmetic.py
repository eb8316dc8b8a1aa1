"""Arithmetic with word vectors: b - a + c, with and without the question's own words among the answers.

The usual way leaves the three words of the question out, and says so in small print only. So two baselines
stand beside it: the nearest word to b alone and to c alone, the question's words left out as well.
Sources: Mikolov et al. 2013 (arXiv:1301.3781); Linzen 2016 (arXiv:1606.07736); Rogers et al. 2017;
Nissim et al. 2020 (arXiv:1905.09866).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from interp.methods.geometry.neighbours import nearest_to
from interp.result import Result
from interp.vectors import Question, WordVectors

LEFT_OUT, ALLOWED = "its words left out", "its words allowed"  # the question's own, as answers
NEAR_B, NEAR_C = "nearest to b alone", "nearest to c alone"
WAYS = (LEFT_OUT, ALLOWED, NEAR_B, NEAR_C)
TOGETHER = 256  # questions at once


def answers(vectors: WordVectors, a: str, b: str, c: str, *, k: int = 5, allowed: bool = False) -> Result:
    """The k words nearest to b - a + c: Result[word], nearest first; the three themselves only if `allowed`.

    Rows are scaled to length 1 before they are added.
    """
    first, second, third = vectors.rows_of((a, b, c))
    without = () if allowed else tuple(vectors.spelled(word) for word in (a, b, c))
    return nearest_to(vectors, second - first + third, k, without=without)


def known(vectors: WordVectors, questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions whose four words are all here, spelled as the table spells them."""
    spelled = (vectors.known(one.words) for one in questions)
    return tuple(
        Question(one.kind, *words)
        for one, words in zip(questions, spelled, strict=True)
        if len(words) == len(one.words)
    )


def solved(vectors: WordVectors, questions: Sequence[Question]) -> Result:
    """Whether the nearest word is the right one: Result[way, question], 1 or 0, for the four `WAYS`.

    Raises ValueError for no question, or an unknown word in one.
    """
    if not questions:
        raise ValueError("There is no question whose four words are all in this table. Give other questions.")
    rows = np.array([[vectors.at(word) for word in one.words] for one in questions])
    used, place = np.unique(rows, return_inverse=True)
    cosine = vectors.unit[used] @ vectors.unit.T  # used word, word
    hits = [_hits(cosine, place[start : start + TOGETHER], rows[start : start + TOGETHER])
            for start in range(0, len(rows), TOGETHER)]  # fmt: skip
    labels = tuple(f"{number} {' '.join(one.words)}" for number, one in enumerate(questions))
    about = vectors.about() | {"n": len(questions)}
    axes = {"way": WAYS, "question": labels}
    return Result(np.concatenate(hits, axis=1), axes, "share right", "", about)


def _hits(cosine: np.ndarray, place: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """For some questions, which of the four ways are right. The sum's length plays no part in which is
    nearest.
    """
    a, b, c, _ = place.T
    target = cosine[b] - cosine[a] + cosine[c]
    one = np.arange(len(rows))
    right = [target.argmax(axis=1) == rows[:, 3]]
    for asked in (target, cosine[b], cosine[c]):
        for word in range(3):
            asked[one, rows[:, word]] = -np.inf
        right.append(asked.argmax(axis=1) == rows[:, 3])
    return np.stack([right[1], right[0], right[2], right[3]]).astype(float)


def over_pairs(
    hits: Float[np.ndarray, "question"], questions: Sequence[Question], *, samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the share of hits, by bootstrap over the pairs of words within each class.

    The questions are all combinations of few pairs (506 of 23), so they are far from independent.
    """
    sides = (
        [f"{one.kind}|{one.a} {one.b}" for one in questions],
        [f"{one.kind}|{one.c} {one.d}" for one in questions],
    )
    names, numbers = np.unique(sides, return_inverse=True)
    left, right = numbers.reshape(2, -1)
    drawn = _drawn(np.array([name.split("|")[0] for name in names]), samples, seed)
    shares = []
    for counts in drawn:
        weight = counts[left] * counts[right]
        shares.append(weight @ hits / weight.sum() if weight.any() else np.nan)
    low, high = np.nanquantile(shares, (0.025, 0.975))
    return float(low), float(high)


def _drawn(kinds: np.ndarray, samples: int, seed: int) -> Float[np.ndarray, "sample pair"]:
    """How often each pair is drawn, when as many as there are in its class are drawn again."""
    generator = np.random.default_rng(seed)
    counts = np.zeros((samples, len(kinds)))
    for kind in dict.fromkeys(kinds):
        there = np.flatnonzero(kinds == kind)
        counts[:, there] = generator.multinomial(len(there), [1 / len(there)] * len(there), size=samples)
    return counts
