"""How a measured table is held against a published one: one frozen value per kind of comparison.

Every kind marks what counts (numbers, or pairs of numbers) as agreeing or not; a share of at least `least`
must agree. A published number that was not printed is nan and never counts; a measured nan never agrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

Values = Float[np.ndarray, "*axes"]
Marks = Bool[np.ndarray, "counted"]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What all kinds share: the share of what counts that must agree."""

    counts: ClassVar[str] = "numbers"
    least: float | int = 1

    def agreeing(self, published: Values, measured: Values) -> Marks:
        """True or False for everything that counts."""
        raise NotImplementedError

    def holds(self, published: Values, measured: Values) -> bool:
        """Whether enough of what counts agrees; never where nothing counts."""
        marks = self.agreeing(published, measured)
        return bool(marks.size) and float(marks.mean()) >= self.least

    def _told(self, rule: str) -> str:
        return rule if self.least == 1 else f"{rule}, {self.least:.0%} of them"


@dataclass(frozen=True)
class Gap(Agreement):
    """Each number within `tolerance`. Only numbers beyond it count, published or measured: zeros are easy."""

    counts: ClassVar[str] = "non-zero numbers"
    tolerance: float | int

    def agreeing(self, published: Values, measured: Values) -> Marks:
        """By number that is not zero, to within the tolerance, on both sides."""
        counted = ~np.isnan(published) & ~(np.maximum(np.abs(published), np.abs(measured)) <= self.tolerance)
        return (np.abs(measured - published) <= self.tolerance)[counted]

    def __str__(self) -> str:
        return self._told(f"within {self.tolerance:g}")


@dataclass(frozen=True)
class Factor(Agreement):
    """Each number at most so many `times` larger or smaller, strictly; below `floor` all are one."""

    times: float | int
    floor: float | int = 0

    def agreeing(self, published: Values, measured: Values) -> Marks:
        """By number; two numbers of different signs never agree."""
        mine, theirs = (np.maximum(one, self.floor) if self.floor else one for one in (measured, published))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = mine / theirs
        return ((ratio < self.times) & (ratio > 1 / self.times))[~np.isnan(published)]

    def __str__(self) -> str:
        floor = f" (all below {self.floor:g} alike)" if self.floor else ""
        return self._told(f"less than {self.times:g} times off{floor}")


@dataclass(frozen=True)
class Order(Agreement):
    """Two numbers that were published more than `apart` from each other stand in the same order here."""

    counts: ClassVar[str] = "pairs"
    apart: float | int

    def agreeing(self, published: Values, measured: Values) -> Marks:
        """By pair, the larger published one first."""
        one, other = np.nonzero(np.subtract.outer(published.ravel(), published.ravel()) > self.apart)
        return measured.ravel()[one] > measured.ravel()[other]

    def __str__(self) -> str:
        return self._told(f"in order if {self.apart:g} apart")


@dataclass(frozen=True)
class Ratio(Agreement):
    """Each number as a share of the number at the labels `to`, within `tolerance`; that one above zero."""

    tolerance: float | int
    to: int

    def agreeing(self, published: Values, measured: Values) -> Marks:
        """By number other than the one they are shares of."""
        whole = measured.ravel()[self.to]
        if not whole > 0:
            return np.zeros(published.size - 1, dtype=bool)
        gaps = np.abs(measured / whole - published / published.ravel()[self.to]).ravel()
        return np.delete(gaps <= self.tolerance, self.to)

    def __str__(self) -> str:
        return self._told(f"ratios within {self.tolerance:g}")


@dataclass(frozen=True)
class Between(Agreement):
    """Each number from its `low` to its `high`: for what a source states as a bound."""

    low: tuple[float | int, ...]
    high: tuple[float | int, ...]

    def agreeing(self, published: Values, measured: Values) -> Marks:
        """By number, in the order of the record."""
        low, high = (np.asarray(bound, dtype=float) for bound in (self.low, self.high))
        return (measured.ravel() >= low) & (measured.ravel() <= high)

    def __str__(self) -> str:
        return self._told("within the stated bounds")


@dataclass(frozen=True)
class Listed(Agreement):
    """Lists of token ids along the last axis: each published id is in its list, the first one first."""

    counts: ClassVar[str] = "listed tokens"

    def agreeing(self, published: Values, measured: Values) -> Marks:
        """By published token; a list whose first token is another one has none right."""
        theirs, mine = (one.reshape(-1, published.shape[-1]) for one in (published, measured))
        there = (theirs[:, :, None] == mine[:, None, :]).any(axis=-1) & (theirs[:, :1] == mine[:, :1])
        return there[~np.isnan(theirs)]

    def __str__(self) -> str:
        return self._told("same first token, same tokens")


KINDS: Mapping[str, type[Agreement]] = {
    "gap": Gap, "factor": Factor, "order": Order, "ratio": Ratio, "between": Between, "listed": Listed,
}  # fmt: skip


def read(asked: Mapping[str, Any]) -> tuple[Agreement, ...]:
    """The comparisons of a record, such as {"gap": {"tolerance": 0.1}, "order": {"apart": 1}}.

    {"gap": 0.1} is short for the first. Raises ValueError for no kind, for another, and for settings that it
    does not have.
    """
    unknown = sorted(set(asked) - set(KINDS))
    if unknown or not asked:
        raise ValueError(f"its agreement is {unknown or 'empty'}: choose from {', '.join(KINDS)}.")
    try:
        return tuple(_one(kind, given) for kind, given in asked.items())
    except TypeError as error:
        raise ValueError(f"its agreement {dict(asked)!r} cannot be read: {error}.") from error


def _one(kind: str, given: Any) -> Agreement:
    given = {"tolerance": given} if kind == "gap" and not isinstance(given, Mapping) else given
    fixed: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    return KINDS[kind](**fixed)
