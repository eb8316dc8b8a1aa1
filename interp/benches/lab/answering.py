"""The answer to a click in the laboratory: what changed, how the words were read, what must be said first."""

from typing import Any

from interp.languages import message, say
from interp.models import Bridge
from interp.screens.lab import LabAnswer, LabState
from interp.studies.heads.one_sentence import REFERENCES, TWIN, changed
from interp.studies.own_words import cautions
from interp.studies.own_words.own_sentences import asked_words, read_otherwise

NOTES = {
    "mean": message(
        "Each head switched off puts out its mean over all words of {n} sentences with three "
        "different names, whatever the place; over many sentences (below), its mean at the same place."
    ),
    "zero": message("Each head switched off writes nothing."),
    "resample": message(
        "Each head switched off puts out what it does at words drawn from {n} other sentences."
    ),
    TWIN: message("Each head switched off puts out what it does in your second sentence, token by token."),
}


def compute(model: Bridge, state: LabState, **kept: Any) -> LabAnswer:
    """The answer to this state. `kept` as in `one_sentence.changed`; raises ValueError as that does."""
    found = changed(model, state, **kept)
    asked = asked_words(model, state.answer, state.against)
    texts = (state.prompt.rstrip(), *([state.twin.rstrip()] if state.how == TWIN else []))
    return LabAnswer(
        **found.numbers(),
        notes=_notes(model, state) + cautions.cut_words(model, *texts),
        asked=asked,
        words=cautions.read_words(model, texts[0]),
        cautions=cautions.before_finding(model, texts, asked, found.chances),
    )


def _notes(model: Bridge, state: LabState) -> tuple[str, ...]:
    notes = read_otherwise(model, state.prompt)
    return (*notes, say(NOTES[state.how], n=REFERENCES)) if state.heads else notes
