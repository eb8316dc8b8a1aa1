"""The Surprise Reader: a text of one's own, every token shaded by how much it surprised the model.

It owns the controls only. The surprise is computed by the bench it is given; how it reads is
`surprise_words`. Refuses: tensors, models.
"""

import json
from typing import Any

from interp.widgets import surprise_words as words
from interp.widgets.conversation import Conversation, joined
from interp.widgets.training_protocol import ReaderAnswer, ReaderBench


class SurpriseReader(Conversation):
    """A text field around a bench (see `training_protocol.ReaderBench`), and the guesses at each token.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    controls = ("text",)
    _esm = joined("conversation.js", "surprise_reader.js")

    def __init__(self, bench: ReaderBench):
        self._bench = bench
        self._shown: tuple[str, ReaderAnswer] = bench.first, bench.compute(bench.first)
        super().__init__()
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return json.dumps({"text": self._shown[0]}, ensure_ascii=False)

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        try:
            text = str(json.loads(state)["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{state!r} is no state of the reader: give what `state` gave.") from error
        self._shown = text, self._bench.compute(text)

    def respond(self, question: dict[str, Any]) -> None:
        """Read what was typed."""
        self.take(json.dumps(question))

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the shaded text, the guesses at each token."""
        return {
            "state": json.loads(self.state),
            "json": self.state,
            "html": words.result_html(self._shown[1]),
            "twin": words.twin_html(self._shown[1]),
            "status": words.status(self._shown[1]),
        }

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(self._shown[1], self._bench.name, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, self.reply["status"])
