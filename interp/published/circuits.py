"""Published circuits as data: which heads, with which part, at which spot of the sentence."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from interp.sites import Head


class Part(NamedTuple):
    """The heads of one class, and the spot of the sentence at which they work."""

    heads: tuple[Head, ...]
    spot: str


def _part(spot: str, *heads: tuple[int, int]) -> Part:
    return Part(tuple(Head(*head) for head in heads), spot)


# Wang et al. 2022 (arXiv:2211.00593), figure 2 and section 3; order of importance as in their code
_PAPER = MappingProxyType({
    "name mover": _part("end", (9, 9), (10, 0), (9, 6)),
    "negative name mover": _part("end", (10, 7), (11, 10)),
    "S-inhibition": _part("end", (7, 3), (7, 9), (8, 6), (8, 10)),
    "induction": _part("S2", (5, 5), (6, 9), (5, 8), (5, 9)),
    "duplicate token": _part("S2", (0, 1), (3, 0), (0, 10)),
    "previous token": _part("S1+1", (2, 2), (4, 11)),
    "backup name mover": _part(
        "end", (9, 0), (9, 7), (10, 1), (10, 2), (10, 6), (10, 10), (11, 2), (11, 9)
    ),
})  # fmt: skip

# The nine heads of the article: its "3 + 4 + 2" are the name movers, the S-inhibition heads and the two clean
# duplicate-token heads. Nobody has published how much of the task these nine recover.
_ARTICLE = MappingProxyType({
    "name mover": _PAPER["name mover"],
    "S-inhibition": _PAPER["S-inhibition"],
    "duplicate token": _part("S2", (0, 1), (3, 0)),
})  # fmt: skip

# The thirteen heads of the naive circuit as the paper's code has them (section 4.3)
_NAIVE = MappingProxyType({
    "name mover": _PAPER["name mover"],
    "S-inhibition": _PAPER["S-inhibition"],
    "induction": _part("S2", (5, 5), (5, 9)),
    "duplicate token": _part("S2", (3, 0), (0, 10)),
    "previous token": _PAPER["previous token"],
})  # fmt: skip

_IOI = MappingProxyType({"paper": _PAPER, "article": _ARTICLE, "naive": _NAIVE})


def circuit(model: str | None, telling: str = "paper") -> Mapping[str, Part] | None:
    """The published circuit for indirect objects, by class; None if none is published for this model.

    `model` is a listed name, such as `model_of_shape` gives (it may be None). `telling` is "paper" (26 heads
    in 7 classes), "article" (its nine heads) or "naive" (the paper's 13-head circuit). Raises ValueError for
    another telling.
    """
    if telling not in _IOI:
        raise ValueError(f"telling={telling!r} is unknown: choose paper, article or naive.")
    return _IOI[telling] if model == "gpt2" else None
