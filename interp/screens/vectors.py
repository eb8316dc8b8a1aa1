"""The Vector Playground: words as points, the neighbours of one of them, and a - b + c."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from interp.result import Result
from interp.screens.codec import State


@dataclass(frozen=True)
class PlaygroundState(State):
    """What the playground is asked: words, the marked one of them, a - b + c, whether the answer may be one
    of these three, and the share (0 to 1) of the women's-and-men's direction that is taken out.
    """

    screen: ClassVar[str] = "the Vector Playground"
    words: tuple[str, ...]
    marked: str
    a: str
    b: str
    c: str
    allowed: bool = True
    share: float = 0.0


@dataclass(frozen=True)
class PlaygroundAnswer:
    """The neighbours of the marked word and the answers to a - b + c, each Result[word], nearest first; the
    first answer if its own words are left out, and allowed; the points of the plane, Result[word, component],
    what each is, and the share of the spread that the plane shows; how what was typed was read, where that
    differs.
    """

    near: Result
    answers: Result
    left_out: str
    allowed: str
    target: str
    points: Result
    roles: dict[str, str]
    arrows: tuple[tuple[str, str], ...]
    shares: tuple[float, float]
    read: dict[str, str]


@dataclass(frozen=True)
class PlaygroundBench:
    """Word vectors. `compute` gives the state as the table writes its words, and the answer; it raises
    `Refused` beneath "words", "a", "b", "c" or "share".
    """

    name: str
    source: str
    can_remove: bool
    examples: tuple[tuple[str, PlaygroundState], ...]
    compute: Callable[[PlaygroundState], tuple[PlaygroundState, PlaygroundAnswer]]
