"""The Margin Notes: where the uses of a word stand after so many blocks, and a note in a sentence, edited."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from interp.result import Result
from interp.screens.codec import State

STRENGTHS = tuple(step / 2 for step in range(-4, 5))


@dataclass(frozen=True)
class MarginState(State):
    """What is asked: a word with two senses, and after how many blocks its uses are looked at; a sentence,
    after how many blocks the note on time at its last word is edited, and how strong it is then (1: as is).
    """

    screen: ClassVar[str] = "the Margin Notes"
    text: str
    edited: int
    strength: float = 0.0
    word: str = "bank"
    depth: int = 0


@dataclass(frozen=True)
class MarginAnswer:
    """The uses as points, Result[use, coordinate], the sense of each, and how far those of any block reach;
    AUC, Result[blocks]; the likeliest next words before and after, each Result[token]; what the note said
    ("past" or "present"); what must be said of either.
    """

    points: Result
    senses: dict[str, str]
    reach: tuple[float, float]
    apart: Result
    before: Result
    after: Result
    leaning: str
    doubts: tuple[str, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class MarginBench:
    """A model with so many blocks. `compute` raises `Refused` beneath "text", "edited", "strength", "word" or
    "depth".
    """

    name: str
    layers: int
    words: tuple[str, ...]
    first: MarginState
    compute: Callable[[MarginState], MarginAnswer]
