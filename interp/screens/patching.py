"""The Patching Map: two sentences that differ in a word, and where in the model the difference travels."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from interp.result import Result
from interp.screens.codec import State
from interp.screens.sentences import Asked, Pair
from interp.sites import Head

Step = tuple[float, Result]  # the share that is done, and the Result so far: NaN where it is not


@dataclass(frozen=True)
class Arrival:
    """Where paths end: the query, key or value (`part` is q, k or v) of a head at one word: a token of the
    sentence, counted from 0 without the beginning-of-text token.
    """

    head: Head
    part: str
    word: int


@dataclass(frozen=True)
class MapState(State):
    """What the map is asked: a pair of sentences, two words to weigh, what is put in, the locked cell (layer
    and position or head, or None), and where the paths of the table end (None: at the last state).
    """

    screen: ClassVar[str] = "the Patching Map"
    prompt: str
    twin: str
    answer: str
    against: str
    kind: str = "resid_pre"
    cell: tuple[int, int] | None = None
    raw: bool = False
    bos: bool = False
    receiver: Arrival | None = None


@dataclass(frozen=True)
class Leads:
    """The leads of a checked pair, in nats, its tokens, the two tokens weighed, and what must be said before
    any finding.
    """

    sentence: float
    twin: float
    pair: Pair
    asked: tuple[Asked, Asked]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One cell: the lead with the twin's state put in, and the likeliest next words before and after."""

    lead: float
    before: Result
    after: Result


@dataclass(frozen=True)
class MapBench:
    """A model on the bench: shape is (layers, heads); `kinds` names the map's other axis by what is put in.
    `sweep` gives steps of Result[layer, position or head] in nats, `paths` of Result[layer, head] over
    senders. All raise ValueError with one sentence, `Refused` where it belongs beneath a control.
    """

    name: str
    shape: tuple[int, int]
    kinds: Mapping[str, str]
    examples: tuple[tuple[str, MapState], ...]
    pair: Callable[[MapState], Pair]
    leads: Callable[[MapState], Leads]
    sweep: Callable[[MapState], Iterator[Step]]
    cell: Callable[[MapState], Cell]
    paths: Callable[[MapState], Iterator[Step]]
