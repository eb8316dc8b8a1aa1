"""The Training Bench: runs of a training, look by look; one of them may be under way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from interp.result import Result
from interp.screens.codec import State


@dataclass(frozen=True)
class TrainingState(State):
    """Which run, and the place along it (a step, or words read); None: the last there is."""

    screen: ClassVar[str] = "the Training Bench"
    run: str
    place: int | None = None


@dataclass(frozen=True)
class TrainingAnswer:
    """What is known of a run: Result[curve, place], perhaps Result[place] of its loss, the place shown, where
    the axis ends, what the model wrote or answered there, a table Result[story, run], and notes.
    """

    label: str
    curves: Result
    loss: Result | None
    at: int
    end: int
    samples: tuple[str, ...] = ()
    table: Result | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a training is: its status, steps done and to do, its seed, the loss of the last step in nats
    (None before the first), and in one sentence what must be said of it ("" if nothing).
    """

    status: str
    step: int
    steps: int
    seed: int
    loss: float | None
    told: str


@runtime_checkable
class Training(Protocol):
    """A training that goes on by itself, `trainings.live.Live`: the one thing on a screen that is no value.

    `start` and `resume` raise `Refused` beneath "seed" or "seconds"; `listen` takes a function that is
    called, in any thread, when there is news.
    """

    @property
    def progress(self) -> Progress: ...
    @property
    def looks(self) -> Sequence[dict[str, Any]]: ...
    def listen(self, listener: Callable[[], None]) -> None: ...
    def start(self, seconds: float, seed: int) -> None: ...
    def resume(self, seconds: float) -> None: ...
    def pause(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class RunsBench:
    """Runs to look at: `runs` are (key, label), `along` names the horizontal axis, `doublings` says that the
    numbers stand on log paper, `guide` is a value to compare with. One run, "live", is `training`.
    `compute` raises `Refused` beneath "run" or "place".
    """

    name: str
    runs: tuple[tuple[str, str], ...]
    along: str
    first: TrainingState
    compute: Callable[[TrainingState], TrainingAnswer]
    doublings: bool = False
    guide: tuple[str, float] | None = None
    training: Training | None = None
