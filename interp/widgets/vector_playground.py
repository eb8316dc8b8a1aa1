"""The Vector Playground: words as points, their neighbours, a − b + c, and a direction to take out.

It owns the controls only. What is near is computed by the bench it is given; how it reads is `vector_words`.
Refuses: tensors, models.
"""

from typing import Any

import traitlets

from interp.screens import codec
from interp.screens.picture import Picture
from interp.screens.vectors import PlaygroundAnswer, PlaygroundBench, PlaygroundState
from interp.widgets import vector_words as words
from interp.widgets.conversation import Conversation, joined, listed


class VectorPlayground(Conversation):
    """Controls around a bench (see `screens.vectors`): words, a − b + c by fields or by dragging,
    a switch for the question's own words, a slider for the direction between women's and men's words.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    controls = ("words", "a", "b", "c", "share")
    _esm = joined("conversation.js", "vector_playground.js")
    examples = traitlets.List().tag(sync=True)
    can_remove = traitlets.Bool().tag(sync=True)

    def __init__(self, bench: PlaygroundBench):
        self._bench = bench
        self._shown: tuple[PlaygroundState, PlaygroundAnswer] = bench.compute(bench.examples[0][1])
        super().__init__(
            can_remove=bool(bench.can_remove),
            examples=listed(bench.examples),
        )
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._shown[0])

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._shown = self._bench.compute(codec.read(PlaygroundState, state))

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask; the words as they were typed, or as a list."""
        typed = question.get("words")
        words = typed.replace(",", " ").replace(";", " ").split() if isinstance(typed, str) else typed
        self._shown = self._bench.compute(codec.made(PlaygroundState, {**question, "words": words}))

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the sum, the neighbours, the picture."""
        state, answer = self._shown
        return {
            "said": {"words": words.read_html(answer)},
            "chips": words.chips_html(state),
            "sum": words.sum_html(state, answer),
            "near": words.near_html(state, answer),
            "plane": words.plane_html(state, answer),
            "status": words.status(state, answer),
        }

    @property
    def model_name(self) -> str:
        """Where the vectors come from."""
        return self._bench.name

    def picture(self) -> Picture:
        """The words as points."""
        return words.picture(*self._shown, self._bench.name)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(*self._shown, self._bench.source, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, words.status(*self._shown))
