"""The Lens Explorer: a prompt, what every layer would say at every word, and the same after a change.

It owns the controls only. What the layers say is computed by the bench it is given; how it reads is
`lens_words`. Refuses: tensors, hooks, models.
"""

from typing import Any

import traitlets

from interp.languages import say
from interp.screens import codec
from interp.screens.lens import ExplorerAnswer, ExplorerBench, ExplorerState
from interp.screens.picture import Picture
from interp.widgets import lens_words as words
from interp.widgets.conversation import Conversation, joined, listed
from interp.widgets.own_words import asked_html, words_html
from interp.widgets.wording import visible


class LensExplorer(Conversation):
    """Layers x words, the first guess in each cell, around a bench (see `screens.lens`).

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    _esm = joined("conversation.js", "lens_explorer.js")
    controls = ("prompt", "answer", "off", "update", "into")
    layers = traitlets.Int().tag(sync=True)
    updates = traitlets.List().tag(sync=True)
    examples = traitlets.List().tag(sync=True)

    def __init__(self, bench: ExplorerBench):
        self._bench = bench
        self._show(bench.examples[0][1])
        super().__init__(
            layers=bench.layers,
            updates=list(bench.updates),
            examples=listed(bench.examples),
        )
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._state)

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._show(codec.read(ExplorerState, state))

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask; `off_text` is the list of halves as it was typed."""
        typed = str(question.pop("off_text", "")).replace(",", " ").replace(";", " ").split()
        self._show(codec.made(ExplorerState, {**question, "off": typed}))

    def on_screen(self) -> dict[str, Any]:
        """The last good result: two grids, the answer's rank in words and numbers."""
        state, answer = self._state, self._shown
        seen = [answer.before, *([answer.after] if answer.changed else [])]
        return {
            "tokens": [visible(token) for token in answer.before.tokens],
            "rows": words.rows(answer.before),
            "grids": [words.cells(one) for one in seen],
            "titles": [say(words.TITLES[0]), say("Changed: {change}", change=words.change(state))][
                : len(seen)
            ],
            "said": {"prompt": words_html(answer.words), "answer": asked_html(answer.asked)},
            "html": words.result_html(state, answer),
            "status": words.status(state, answer),
        }

    @property
    def model_name(self) -> str:
        """The model on the bench."""
        return self._bench.name

    def picture(self) -> Picture:
        """The first guesses after every layer; of a changed model the changed ones."""
        return words.picture(self._state, self._shown, self._bench.name)

    def _show(self, state: ExplorerState) -> None:
        self._shown: ExplorerAnswer = self._bench.compute(state)
        self._state = state

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(self._state, self._shown, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, self.reply["status"])
