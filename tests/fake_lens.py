"""A bench without a model for the Lens Explorer: its guesses follow from the state by simple rules."""

import re

import numpy as np
from fake_bench import fake_asked, fake_cautions, fake_words, set_up

from interp.result import Result
from interp.screens.lens import ExplorerAnswer, ExplorerBench, ExplorerState, Guesses
from interp.screens.refusals import Refused

TOKENS = ("Q", ":", " Poland", "?", "\n", "A", ":")


class FakeLens(ExplorerBench):
    """Warsaw is first from layer 4 on, one layer later for each half that is off; Beijing with an update."""

    def __init__(self, layers=8, tokens=TOKENS):
        set_up(self, name="pocket", layers=layers, updates=("capital", "past tense"), tokens=tokens, asked=[])

    @property
    def examples(self):
        return (
            ("the capital of Poland", ExplorerState("".join(self.tokens), "Warsaw")),
            ("another", ExplorerState("Q: Who?", "Warsaw")),
        )

    def compute(self, state):
        self.asked.append(state)
        if not state.prompt.strip():
            raise Refused("The prompt is empty: write the beginning of a sentence.", "prompt")
        for name in state.off:
            layer = re.fullmatch(r"(?:attn|mlp)(\d+)", name)
            if not layer:
                raise Refused(
                    f"{name!r} is no half of a layer: write attn or mlp and the layer, such as mlp5.",
                    "off",
                )
            if int(layer[1]) >= self.layers:
                raise Refused(
                    f"There is no layer {layer[1]}: this model has layers 0-{self.layers - 1}.", "off"
                )
        parts = ("mid", "post") if state.mids else ("post",)
        starts = (4, 4 + len(state.off))
        seen = [
            self.guesses(parts, start, state.update if which else "") for which, start in enumerate(starts)
        ]
        ranks, chances = zip(*(self.trace(parts, start) for start in starts), strict=True)
        changed = bool(state.off or state.update)
        return ExplorerAnswer(
            seen[0], seen[1], tuple(ranks), tuple(chances), changed, ("A note.",) if changed else (),
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
        return Guesses(Result(chances, axes, "probability of the guess", "probability"), words, self.tokens)

    def trace(self, parts, start):
        axes = {"part": parts, "layer": tuple(range(self.layers))}
        column = [1.0 if layer >= start else 50.0 for layer in range(self.layers)]
        ranks = Result(np.array([column] * len(parts)), axes, "rank", "rank")
        return ranks, Result(1 / (1 + ranks.values), axes, "probability", "probability")
