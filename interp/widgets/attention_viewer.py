"""The Attention Viewer: a sentence, every head as a small picture, one head large, one pair of words in
words.

It owns the controls only. What the heads do is computed by the bench it is given; how it reads is
`attention_words`. Refuses: tensors, hooks, models.
"""

from dataclasses import replace
from typing import Any

import traitlets

from interp.languages import say
from interp.result import Result
from interp.screens import codec
from interp.screens.attention import Attention, AttentionBench, AttentionState
from interp.screens.picture import Picture
from interp.widgets import attention_words as words
from interp.widgets.conversation import Conversation, joined, listed
from interp.widgets.own_words import cautions_html
from interp.widgets.wording import visible


class AttentionViewer(Conversation):
    """Layers x heads overview and one head large, around a bench (see `screens.attention`).

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    _esm = joined("conversation.js", "attention_viewer.js")
    shape = traitlets.List().tag(sync=True)
    examples = traitlets.List().tag(sync=True)
    modes = traitlets.Dict().tag(sync=True)
    warning = traitlets.Unicode().tag(sync=True)
    thumbnails = traitlets.Unicode().tag(sync=True)

    def __init__(self, bench: AttentionBench):
        self._bench = bench
        self._show(bench.examples[0][1])
        super().__init__(
            shape=list(bench.shape),
            examples=listed(bench.examples),
            modes={mode: say(name) for mode, name in words.MODE_NAMES.items()},
            warning=say(words.WARNING),
        )
        self.thumbnails = words.thumbnails(self._answer_shown)
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._state)

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._take(codec.read(AttentionState, state))

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask; a sentence of another length lets go of the locked pair."""
        asked = codec.made(AttentionState, question)
        if asked.prompt != self._state.prompt:
            now = self._bench.attention(replace(asked, query=None, key=None)).tokens
            if len(now) != len(self._answer_shown.tokens):
                asked = replace(asked, query=len(now) - 1, key=None)
        self._take(asked)

    def on_screen(self) -> dict[str, Any]:
        """The last good result: cells, lists, the locked pair in words."""
        state, answer = self._state, self._answer_shown
        values = words.shown(answer, state)
        return {
            "tokens": [visible(token) for token in answer.tokens],
            "cells": words.cells(values, state.show),
            "rows": [
                words.row_sentence(answer.tokens, values, state.show, query)
                for query in range(len(answer.tokens))
            ],
            "said": {"prompt": cautions_html(answer.cautions)},
            "pair": words.pair_html(answer, state, self._promoted),
            "text": words.text_html(answer, state),
            "status": words.status(answer, state),
        }

    @property
    def model_name(self) -> str:
        """The model on the bench."""
        return self._bench.name

    def picture(self) -> Picture:
        """The large head as a grid."""
        return words.picture(self._answer_shown, self._state, self._bench.name)

    def _take(self, state: AttentionState) -> None:
        self._show(state)
        self.thumbnails = words.thumbnails(self._answer_shown)

    def _show(self, state: AttentionState) -> None:
        answer: Attention = self._bench.attention(state)
        locked = state.query is not None and state.key is not None
        promoted: Result | None = self._bench.promoted(state) if locked else None
        self._state, self._answer_shown, self._promoted = state, answer, promoted

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(self._answer_shown, self._state, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, self.reply["status"])
