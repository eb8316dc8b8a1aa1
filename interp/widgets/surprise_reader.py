"""The Surprise Reader: a text of one's own, every token shaded by how much it surprised the model.

It owns the controls only. The surprise is computed by the bench it is given; how it reads is
`surprise_words`. Refuses: tensors, models.
"""

from typing import Any

from interp.screens import codec
from interp.screens.picture import Picture
from interp.screens.reading import ReaderBench, ReaderState, Reading
from interp.widgets import surprise_words as words
from interp.widgets.conversation import Conversation, joined


class SurpriseReader(Conversation):
    """A text field around a bench (see `screens.reading`), and the guesses at each token.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    controls = ("text",)
    _esm = joined("conversation.js", "surprise_reader.js")

    def __init__(self, bench: ReaderBench):
        self._bench = bench
        self._show(ReaderState(bench.first))
        super().__init__()
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._state)

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._show(codec.read(ReaderState, state))

    def respond(self, question: dict[str, Any]) -> None:
        """Read what was typed."""
        self._show(codec.made(ReaderState, question))

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the shaded text, the guesses at each token."""
        return {
            "html": words.result_html(self._reading),
            "twin": words.twin_html(self._reading),
            "status": words.status(self._reading),
        }

    @property
    def model_name(self) -> str:
        """The model that reads."""
        return self._bench.name

    def picture(self) -> Picture:
        """The tokens, shaded."""
        return words.picture(self._reading, self._bench.name)

    def _show(self, state: ReaderState) -> None:
        self._reading: Reading = self._bench.compute(state.text)
        self._state = state

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(self._reading, self._bench.name, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, self.reply["status"])
