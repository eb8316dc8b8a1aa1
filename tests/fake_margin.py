"""A bench for the Margin Notes whose answers anybody can check by hand: two words, three blocks, no model."""

import numpy as np

from interp.result import Result
from interp.screens.margin import MarginAnswer, MarginBench, MarginState
from interp.screens.refusals import Refused

LAYERS = 3
ABOUT = {"model": "made up"}
SENSES = {"1 money": "money …", "2 loan": "money …", "3 river": "river …", "4 boat": "river …"}
CORNERS = np.array([[-1.0, 1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, -1.0]])


def fake_margin(cautions=(), doubts=()):
    """Points that move out from 0 with every block; a note that moves chance from one word to another."""

    def compute(state):
        if not state.text.strip():
            raise Refused("The prompt is empty.", "text")
        share = 0.5 + 0.2 * state.strength
        axes = {"use": tuple(SENSES), "coordinate": ("most different", "next most")}
        return MarginAnswer(
            points=Result(state.depth * CORNERS, axes, f"uses of {state.word}", "units", ABOUT),
            senses=SENSES,
            reach=(2.0 * LAYERS, 1.0 * LAYERS),
            apart=Result(np.array([0.5, 0.6, 0.7, 0.8]), {"blocks": (0, 1, 2, 3)}, "apart", "AUC", ABOUT),
            before=words(0.7),
            after=words(share),
            leaning="past",
            doubts=doubts,
            cautions=cautions,
        )

    first = MarginState("Last week John", edited=2, depth=LAYERS)
    return MarginBench("made up", LAYERS, ("bank", "pen"), first, compute)


def words(share):
    """The chances of two forms of a verb."""
    axes = {"token": (" walked", " walks")}
    return Result(np.array([share, 1 - share]), axes, "probability of the next word", "probability", ABOUT)
