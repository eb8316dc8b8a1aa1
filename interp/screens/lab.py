"""The Ablation Lab: one prompt, some heads switched off, what changes; and tasks for the reader."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from interp.result import Result
from interp.screens.codec import State
from interp.screens.sentences import Asked, Pair, ReadWord
from interp.sites import Head


@dataclass(frozen=True)
class LabState(State):
    """What the laboratory is asked: a prompt, two words to weigh, heads to switch off, and how.

    `twin` is the reader's second sentence, empty when there is none.
    """

    screen: ClassVar[str] = "the Ablation Lab"
    prompt: str
    answer: str
    against: str
    heads: tuple[Head, ...] = ()
    how: str = "mean"
    bos: bool = False
    twin: str = ""


@dataclass(frozen=True)
class SavedState(LabState):
    """The same, with the state that is kept as A beside it."""

    kept: LabState | None = None

    def now(self) -> LabState:
        """The state alone."""
        return LabState(**{one.name: getattr(self, one.name) for one in fields(LabState)})


@dataclass(frozen=True)
class Toggled:
    """What the model says of a sentence with every head on, and without the state's. Pairs are (before,
    after); `baseline` and `ablated` are the ten likeliest next tokens each.

    `head_effects` is what each head writes towards `answer` and away from `against` before anything is
    switched off: Result[layer, head], nats.
    """

    tokens: tuple[str, ...]
    baseline: Result
    ablated: Result
    logit_difference: tuple[float, float]
    answer_probability: tuple[float, float]
    against_probability: tuple[float, float]
    head_effects: Result

    def numbers(self) -> dict[str, Any]:
        """The fields of this class, by name."""
        return {one.name: getattr(self, one.name) for one in fields(Toggled)}


@dataclass(frozen=True)
class LabAnswer(Toggled):
    """What came out, and how it was asked: `asked` are the two tokens that were weighed, `words` the sentence
    as it is read, `cautions` what must be said before any finding.
    """

    notes: tuple[str, ...]
    asked: tuple[Asked, Asked]
    words: tuple[ReadWord, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Exercise:
    """A card: what to find, and a hint."""

    name: str
    task: str
    hint: str


@dataclass(frozen=True)
class Verdict:
    """Whether the heads that are off solve the task, and one or two sentences with the measured numbers."""

    right: bool
    text: str


@dataclass(frozen=True)
class LabBench:
    """A model on the bench: shape is (layers, heads); `presets` are heads by group and name. `ways` gives
    Result[how, measure]; `spread` and `check` give steps (share done, value or None), so that they can be
    watched and left. All raise ValueError with one sentence, `Refused` where it belongs beneath a control.
    """

    name: str
    shape: tuple[int, int]
    examples: tuple[tuple[str, LabState], ...]
    presets: Mapping[str, Mapping[str, tuple[Head, ...]]]
    exercises: tuple[Exercise, ...]
    compute: Callable[[LabState], LabAnswer]
    pair: Callable[[LabState], Pair]
    ways: Callable[[LabState], Result]
    spread: Callable[[LabState], Iterator[tuple[float, Result | None]]]
    check: Callable[[int, LabState], Iterator[tuple[float, Verdict | None]]]
