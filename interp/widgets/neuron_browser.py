"""The Neuron Browser: any neuron of a scan, what excites it, what it says, and a text of your own.

It owns the controls only. What is known is read by the bench it is given; how it reads is `neuron_words`.
Refuses: tensors, hooks, models.
"""

from typing import Any

import traitlets

from interp.screens import codec
from interp.screens.neurons import BrowserState, NeuronAnswer, NeuronBench
from interp.screens.picture import Picture
from interp.screens.refusals import beneath
from interp.sites import Neuron
from interp.widgets import neuron_words as words
from interp.widgets.conversation import Conversation, joined


class NeuronBrowser(Conversation):
    """Controls around a bench (see `screens.neurons`): layer and index, search, text, on and off.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    controls = ("neuron", "text", "search")
    _esm = joined("conversation.js", "neuron_browser.js")
    shape = traitlets.List().tag(sync=True)
    concepts = traitlets.List().tag(sync=True)
    reads_text = traitlets.Bool().tag(sync=True)

    def __init__(self, bench: NeuronBench):
        self._bench = bench
        self._shown: tuple[BrowserState, NeuronAnswer] = bench.first, bench.compute(bench.first)
        super().__init__(
            shape=list(bench.shape), concepts=list(bench.concepts), reads_text=bool(bench.has_model)
        )
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._shown[0])

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._show(codec.read(BrowserState, state))

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask."""
        with beneath("neuron"):
            typed = Neuron.parse(str(question.get("neuron", "")))
        self._show(codec.made(BrowserState, {**question, "neuron": str(typed)}))

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the neuron, the hits of the search, the text."""
        state, answer = self._shown
        return {
            "outcome": words.outcome_html(state, answer),
            "hits": words.hits_html(answer),
            "text": words.text_html(state, answer),
            "status": words.status(state, answer),
        }

    @property
    def model_name(self) -> str:
        """The model that was scanned."""
        return self._bench.name

    def picture(self) -> Picture:
        """The places at which the neuron is strongest."""
        return words.picture(self._shown[1], self._bench.name)

    def _show(self, asked: BrowserState) -> None:
        self._shown = asked, self._bench.compute(asked)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(*self._shown, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, words.status(*self._shown))
