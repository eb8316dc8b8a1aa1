"""A bench without a model for the Lens Explorer: its guesses follow from the state by simple rules."""

import json
import re
from dataclasses import asdict, dataclass, field

import numpy as np
from fake_bench import FakeAsked, FakeWord, fake_asked, fake_cautions, fake_words

from interp.result import Result

TOKENS = ("Q", ":", " Poland", "?", "\n", "A", ":")


@dataclass(frozen=True)
class FakeState:
    prompt: str
    answer: str
    off: tuple[str, ...] = ()
    update: str = ""
    into: str = ""
    mids: bool = False
    tuned: bool = False
    bos: bool = False

    def to_json(self):
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text):
        fields = json.loads(text)
        return cls(**{**fields, "off": tuple(fields.get("off", ()))})


@dataclass(frozen=True)
class FakeGuesses:
    probability: Result
    words: np.ndarray
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class FakeAnswer:
    before: FakeGuesses
    after: FakeGuesses
    ranks: tuple[Result, Result]
    chances: tuple[Result, Result]
    changed: bool
    notes: tuple[str, ...]
    asked: FakeAsked
    words: tuple[FakeWord, ...]
    cautions: tuple[str, ...]


@dataclass
class FakeLens:
    """Warsaw is first from layer 4 on, one layer later for each half that is off; Beijing with an update."""

    layers: int = 8
    name: str = "pocket"
    updates: tuple[str, ...] = ("capital", "past tense")
    tokens: tuple[str, ...] = TOKENS
    asked: list = field(default_factory=list)

    @property
    def examples(self):
        return (
            ("the capital of Poland", FakeState("".join(self.tokens), "Warsaw")),
            ("another", FakeState("Q: Who?", "Warsaw")),
        )

    def parse(self, text):
        return FakeState.from_json(text)

    def compute(self, state):
        self.asked.append(state)
        if not state.prompt.strip():
            raise told("prompt", "The prompt is empty: write the beginning of a sentence.")
        for name in state.off:
            layer = re.fullmatch(r"(?:attn|mlp)(\d+)", name)
            if not layer:
                raise told(
                    "off", f"{name!r} is no half of a layer: write attn or mlp and the layer, such as mlp5."
                )
            if int(layer[1]) >= self.layers:
                raise told("off", f"There is no layer {layer[1]}: this model has layers 0-{self.layers - 1}.")
        parts = ("mid", "post") if state.mids else ("post",)
        starts = (4, 4 + len(state.off))
        seen = [
            self.guesses(parts, start, state.update if which else "") for which, start in enumerate(starts)
        ]
        ranks, chances = zip(*(self.trace(parts, start) for start in starts), strict=True)
        changed = bool(state.off or state.update)
        return FakeAnswer(
            seen[0], seen[1], ranks, chances, changed, ("A note.",) if changed else (),
            fake_asked(state.answer), fake_words(state.prompt), fake_cautions(state.prompt),
        )  # fmt: skip

    def guesses(self, parts, start, update):
        shape = (len(parts), self.layers, len(self.tokens), 5)
        words, chances = np.full(shape, " A", dtype=object), np.full(shape, 0.05)
        chances[..., 0] = 0.3
        words[:, start:, -1, 0] = " Beijing" if update else " Warsaw"
        chances[:, start:, -1, 0] = 0.9
        axes = {
            "part": parts, "layer": tuple(range(self.layers)), "position": tuple(range(len(self.tokens))),
            "place": (1, 2, 3, 4, 5),
        }  # fmt: skip
        return FakeGuesses(
            Result(chances, axes, "probability of the guess", "probability"), words, self.tokens
        )

    def trace(self, parts, start):
        axes = {"part": parts, "layer": tuple(range(self.layers))}
        column = [1.0 if layer >= start else 50.0 for layer in range(self.layers)]
        ranks = Result(np.array([column] * len(parts)), axes, "rank", "rank")
        return ranks, Result(1 / (1 + ranks.values), axes, "probability", "probability")


def told(control, sentence):
    error = ValueError(sentence)
    error.control = control
    return error
