"""The Attention Viewer: what every head of one sentence looks at, what it compares, and what moves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from interp.result import Result
from interp.screens.codec import State
from interp.sites import Head

FIRST = Head(0, 0)


@dataclass(frozen=True)
class AttentionState(State):
    """What the viewer is asked: a sentence, a head, which number, and the locked query and key word
    (positions from 0, or None).
    """

    screen: ClassVar[str] = "the Attention Viewer"
    prompt: str
    head: Head = FIRST
    show: str = "weight"
    query: int | None = None
    key: int | None = None
    bos: bool = False


@dataclass(frozen=True)
class Attention:
    """All heads on one sentence: its tokens, and Result[layer, head, query, key] of weight, score and what
    moves. Positions count from 0; keys after the query are NaN. `cautions` must be said before any finding.
    """

    tokens: tuple[str, ...]
    weight: Result
    score: Result
    moved: Result
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class AttentionBench:
    """A model on the bench: shape is (layers, heads); `attention` reads the sentence of a state, `promoted`
    what its locked pair writes: Result[token]. Both raise ValueError with one sentence for the reader.
    """

    name: str
    shape: tuple[int, int]
    examples: tuple[tuple[str, AttentionState], ...]
    attention: Callable[[AttentionState], Attention]
    promoted: Callable[[AttentionState], Result]
