"""What the Margin Notes show: a word's uses after so many blocks; a sentence with its note on time edited.

Pure; the widget draws it. The model reads all uses and all sentences of the note once; then a click costs
nothing, and a sentence two runs.
"""

import numpy as np
from jaxtyping import Float

from interp import models
from interp.benches.untouched import answers
from interp.languages import message, say
from interp.models import Bridge
from interp.result import Result
from interp.screens.margin import STRENGTHS, MarginAnswer, MarginBench, MarginState
from interp.screens.refusals import Refused, beneath
from interp.studies.meanings import margin, senses, states
from interp.studies.own_words import cautions
from interp.words.bigger import lexicon

GUESSES = 5
TEXT = "Last week, in the round garden near the roof, John"  # what scenes.in_time says, up to its verb


def bench(model: Bridge, text: str = TEXT) -> MarginBench:
    """The bench of this model. Its answers raise `Refused` for what cannot be asked, and ValueError while a
    hook is in force on the model.
    """
    card = models.describe(model)
    read, notes = (answers(one, model, keep=1) for one in (uses, margin.tense_notes))
    doubts = [tuple(filter(None, [study.untestable(model)])) for study in (senses, margin)]

    def compute(model: Bridge, state: MarginState) -> MarginAnswer:
        _check(state, card.layers)
        with beneath("word"):
            seen = senses.cued(state.word)
        with beneath("depth"):
            states.check_depth(model, state.depth)
        points, apart = read()[state.word]
        note = notes()[state.edited - 1]
        with beneath("text"):
            sides, own = margin.edited(model, note, state.text.strip(), state.strength)
        before, after = (_likeliest(model, side, state.text) for side in sides)
        return MarginAnswer(
            points=_points(model, state, seen, points[state.depth]),
            senses=seen,
            reach=(float(np.abs(points[..., 0]).max()), float(np.abs(points[..., 1]).max())),
            apart=_apart(model, state.word, apart),
            before=before,
            after=after,
            leaning=message("past") if own > 0 else message("present"),
            doubts=doubts[0],
            cautions=doubts[1] + cautions.never_seen(model, state.text.strip()),
        )

    first = MarginState(text, edited=card.layers // 2 + 1, depth=card.layers)
    return MarginBench(card.name, card.layers, tuple(lexicon.SENSES), first, answers(compute, model, keep=64))


def uses(
    model: Bridge,
) -> dict[str, tuple[Float[np.ndarray, "block use 2"], Float[np.ndarray, "block"]]]:
    """Every word's uses as the points of `senses.plane` after every block, and the AUC of `senses.measure`.

    A picture may be its own mirror image: each is turned so that the points move as little as they can from
    block to block.
    """
    found = {}
    for word, read in senses.read(model).items():
        points = np.array([senses.flat(state) for state in read])
        for at in range(len(points) - 2, -1, -1):
            along = (points[at] * points[at + 1]).sum(axis=0)
            points[at] *= np.where(along < 0, -1, 1)
        found[word] = points, senses.told_apart(read, word)
    return found


def _check(state: MarginState, layers: int) -> None:
    if not 1 <= state.edited <= layers:
        raise Refused(
            say(
                "A note is edited after 1 to {layers} blocks: choose one of these, not {edited}.",
                layers=layers,
                edited=state.edited,
            ),
            "edited",
        )
    if state.strength not in STRENGTHS:
        raise Refused(
            say(
                "The strength is {strength:g}: choose one from -2 to 2, in steps of a half.",
                strength=state.strength,
            ),
            "strength",
        )


def _points(
    model: Bridge, state: MarginState, seen: dict[str, str], values: Float[np.ndarray, "use 2"]
) -> Result:
    axes = {"use": tuple(seen), "coordinate": (say("most different"), say("next most"))}
    quantity = say("uses of {word} after {depth} blocks", word=state.word, depth=state.depth)
    return Result(values, axes, quantity, say("units of the state"), models.about(model))


def _apart(model: Bridge, word: str, values: Float[np.ndarray, "block"]) -> Result:
    about = {**models.about(model), "word": word}
    return Result(values, {"blocks": states.depths(model)}, "told apart by sense", "AUC", about)


def _likeliest(model: Bridge, chances: Float[np.ndarray, "token"], text: str) -> Result:
    best = np.argsort(-chances, kind="stable")[:GUESSES]
    axes, about = (
        {"token": tuple(models.token_strings(model, best.tolist()))},
        {**models.about(model), "text": text},
    )
    return Result(chances[best], axes, "probability of the next word", "probability", about)
