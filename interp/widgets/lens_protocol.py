"""What the Lens Explorer asks of its bench. The bench comes from `benches`; only its shape is known.

Refuses: computing anything.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from interp.result import Result
from interp.widgets.protocol import Asked, ReadWord


@runtime_checkable
class LensGuesses(Protocol):
    """Result[part, layer, position, place] of probabilities, the words of its shape, the prompt's tokens."""

    @property
    def probability(self) -> Result: ...
    @property
    def words(self) -> Any: ...
    @property
    def tokens(self) -> tuple[str, ...]: ...


@runtime_checkable
class LensState(Protocol):
    """What the controls say."""

    @property
    def prompt(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def off(self) -> tuple[str, ...]: ...
    @property
    def update(self) -> str: ...
    @property
    def into(self) -> str: ...
    def to_json(self) -> str: ...


@runtime_checkable
class LensAnswer(Protocol):
    """What came out, before and after; ranks and chances are Result[part, layer] of the answer; the token
    followed, the prompt as it is read, and what must be said before any finding.
    """

    @property
    def before(self) -> LensGuesses: ...
    @property
    def after(self) -> LensGuesses: ...
    @property
    def ranks(self) -> tuple[Result, Result]: ...
    @property
    def chances(self) -> tuple[Result, Result]: ...
    @property
    def changed(self) -> bool: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def asked(self) -> Asked: ...
    @property
    def words(self) -> Sequence[ReadWord]: ...
    @property
    def cautions(self) -> tuple[str, ...]: ...


@runtime_checkable
class LensBench(Protocol):
    """A model on the bench: layers, examples, the names of the updates, the pure `compute`, and `parse`.

    Both functions raise ValueError with one sentence for the reader; its attribute `control` says where it
    belongs ("prompt", "answer", "off", "update", "into").
    """

    @property
    def name(self) -> str: ...
    @property
    def layers(self) -> int: ...
    @property
    def examples(self) -> Sequence[tuple[str, LensState]]: ...
    @property
    def updates(self) -> Sequence[str]: ...
    def parse(self, text: str) -> LensState: ...
    def compute(self, state: LensState) -> LensAnswer: ...
