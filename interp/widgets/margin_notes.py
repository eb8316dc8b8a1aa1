"""The Margin Notes: a word's uses as points, block by block, and a note in a sentence, made stronger, turned
round or taken out.

It owns the controls only. What is measured is computed by the bench it is given; how it reads is
`margin_words`. Refuses: tensors, models.
"""

from typing import Any

import traitlets

from interp.screens import codec
from interp.screens.margin import MarginAnswer, MarginBench, MarginState
from interp.screens.picture import Picture
from interp.widgets import margin_words as words
from interp.widgets.conversation import Conversation, joined


class MarginNotes(Conversation):
    """Two panels around a bench (see `screens.margin`): a word with a slider over the blocks, and a sentence
    with a slider for its note on time.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    controls = ("text", "edited", "strength", "word", "depth")
    _esm = joined("conversation.js", "margin_notes.js")
    layers = traitlets.Int().tag(sync=True)
    known = traitlets.List().tag(sync=True)

    def __init__(self, bench: MarginBench):
        self._bench = bench
        self._show(bench.first)
        super().__init__(layers=bench.layers, known=list(bench.words))
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._shown[0])

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._show(codec.read(MarginState, state))

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask."""
        self._show(codec.made(MarginState, question))

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the points, the next words before and after."""
        return {
            "uses": words.uses_html(*self._shown),
            "note": words.note_html(*self._shown),
            "status": words.status(*self._shown),
        }

    @property
    def model_name(self) -> str:
        """The model that reads."""
        return self._bench.name

    def picture(self) -> Picture:
        """The uses as points; what the note does stands in the caption."""
        return words.picture(*self._shown)

    def _show(self, state: MarginState) -> None:
        self._shown: tuple[MarginState, MarginAnswer] = state, self._bench.compute(state)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(*self._shown, self._bench.name, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, self.reply["status"])
