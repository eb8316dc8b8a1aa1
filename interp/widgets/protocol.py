"""What a widget asks of the bench it is given: examples, presets, and a pure function from a state to an
answer.

A bench comes from the studies; the widgets know its shape only. Refuses: computing anything.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from interp.result import Result
from interp.sites import Head


@runtime_checkable
class LabState(Protocol):
    """What the controls say: a sentence, two answers, the heads that are off, and how."""

    @property
    def prompt(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def against(self) -> str: ...
    @property
    def heads(self) -> tuple[Head, ...]: ...
    @property
    def how(self) -> str: ...
    def to_json(self) -> str: ...


@runtime_checkable
class LabAnswer(Protocol):
    """What came out: Results over tokens before and after, and pairs (before, after) of numbers."""

    @property
    def baseline(self) -> Result: ...
    @property
    def ablated(self) -> Result: ...
    @property
    def logit_difference(self) -> tuple[float, float]: ...
    @property
    def answer_probability(self) -> tuple[float, float]: ...
    @property
    def against_probability(self) -> tuple[float, float]: ...
    @property
    def head_effects(self) -> Result: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


@runtime_checkable
class LabBench(Protocol):
    """A model on the bench: its shape (layers, heads), examples and presets, and the pure `compute`.

    `parse` reads a state's JSON. Both raise ValueError with one sentence for the reader; an attribute
    `control` of the error ("prompt", "answer", "against", "heads", "how") says which control it belongs to.
    """

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def examples(self) -> Sequence[tuple[str, LabState]]: ...
    @property
    def presets(self) -> Mapping[str, tuple[Head, ...]]: ...
    def parse(self, text: str) -> LabState: ...
    def compute(self, state: LabState) -> LabAnswer: ...
