"""The Surprise Reader: a text, and how surprising each of its tokens is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from interp.result import Result
from interp.screens.codec import State


@dataclass(frozen=True)
class ReaderState(State):
    """What the reader is asked: a text."""

    screen: ClassVar[str] = "the Surprise Reader"
    text: str


@dataclass(frozen=True)
class Reading:
    """The tokens of a text, Result[position] of surprise in nats, what the model thought likeliest in each
    one's place (word, chance), and what must be said of words it never saw.
    """

    tokens: tuple[str, ...]
    surprise: Result
    guesses: tuple[tuple[tuple[str, float], ...], ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class ReaderBench:
    """A model that reads. `compute` raises ValueError with one sentence."""

    name: str
    first: str
    compute: Callable[[str], Reading]
