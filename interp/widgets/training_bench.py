"""The Training Bench: a run of a training, look by look; one of them may be trained while one watches.

It owns the controls only. The runs come from the bench it is given, and the training goes on by itself; how
it reads is `training_words`. Refuses: tensors, models.
"""

import asyncio
from contextvars import copy_context
from functools import partial
from typing import Any

import traitlets

from interp.languages import say
from interp.screens import codec
from interp.screens.picture import Picture
from interp.screens.refusals import Refused
from interp.screens.training import RunsBench, Training, TrainingAnswer, TrainingState
from interp.widgets import training_words as words
from interp.widgets.conversation import Conversation, joined

LIVE = "live"  # the key of the run that is trained here


class TrainingBench(Conversation):
    """Controls around a bench (see `screens.training`): which run, a slider along it; and with
    a training, its seed, its time, and buttons that start, pause, resume and stop it.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays. The training goes on when the page is closed.
    """

    controls = ("run", "place", "seed", "seconds")
    _esm = joined("conversation.js", "training_bench.js")
    runs = traitlets.List().tag(sync=True)
    along = traitlets.Unicode().tag(sync=True)
    can_train = traitlets.Bool().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    newest = traitlets.Dict().tag(sync=True)  # the live run at its last look, for a page that follows it

    def __init__(self, bench: RunsBench):
        self._bench = bench
        # News is published as if the cell that made the widget did: ipykernel sends whatever comes from the
        # page to the subshell of the last publisher, and another message's subshell may be gone by then.
        self._loop, self._cell = _running_loop(), copy_context()
        self._told_of = (0, 0)  # looks, and the seed
        self._shown: tuple[TrainingState, TrainingAnswer] = bench.first, bench.compute(bench.first)
        self._followed = bench.first.run == LIVE  # whether its next look is to be shown, too
        super().__init__(
            runs=[[key, say(name)] for key, name in bench.runs],
            along=say(bench.along),
            can_train=bench.training is not None,
        )
        if bench.training is not None:
            bench.training.listen(partial(self._hear, bench.training))
            self._tell(bench.training)
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._shown[0])

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._show(codec.read(TrainingState, state))

    def respond(self, question: dict[str, Any]) -> None:
        """Do what a button says, if one was pressed, and show what the controls ask."""
        wish = question.pop("do", "")
        seed, seconds = question.pop("seed", ""), question.pop("seconds", "")
        training = self._bench.training
        if wish and training is not None:
            self._do(training, wish, seed, seconds)
            self._followed = True
            if not training.looks:  # it has only just begun: the last good picture stays
                return
        self._show(codec.made(TrainingState, question))

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the curves, the samples, the table."""
        answer = self._shown[1]
        return {
            "places": list(answer.curves.axes["place"]),
            "at": answer.at,
            "picture": words.picture_html(self._bench, answer),
            "samples": words.samples_html(answer),
            "table": words.table_html(answer),
            "status": words.status(self._bench, answer),
        }

    @property
    def model_name(self) -> str:
        """What is trained."""
        return self._bench.name

    def picture(self) -> Picture:
        """The curves."""
        return words.picture(self._bench, self._shown[1])

    def _show(self, asked: TrainingState) -> None:
        self._shown = asked, self._bench.compute(asked)
        self._followed = asked.run == LIVE and asked.place is None

    def _do(self, training: Training, wish: str, seed: str, seconds: str) -> None:
        if wish == "start":
            training.start(_number(seconds, "seconds", float, "60"), _number(seed, "seed", int, "3"))
        elif wish == "resume":
            training.resume(_number(seconds, "seconds", float, "60"))
        elif wish == "pause":
            training.pause()
        else:
            training.stop()
        self._tell(training)

    def _hear(self, training: Training) -> None:
        """News from the training's own thread: told in the kernel's, which alone may speak to the page."""
        if self._loop is None or self._loop.is_closed():
            self._tell(training)
        else:
            self._loop.call_soon_threadsafe(self._tell, training, context=self._cell)

    def _tell(self, training: Training) -> None:
        far, looks = training.progress, len(training.looks)
        if self._followed and looks and (looks, far.seed) != self._told_of:
            self._told_of = looks, far.seed
            self._show(TrainingState(LIVE))
            self.newest = self.told()
        self.progress = {
            "status": far.status, "step": far.step, "steps": far.steps, "seed": far.seed, "loss": far.loss,
            "looks": looks, "text": words.progress_text(far), "followed": self._followed,
        }  # fmt: skip

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        html = words.static_html(self._bench, self._shown[1], self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, self.reply["status"])


def _number(text: Any, control: str, kind: type, example: str) -> Any:
    """What was typed as a number. Raises ValueError beneath its control."""
    try:
        return kind(str(text).strip().replace(",", "."))
    except ValueError:
        told = {"typed": str(text), "example": example}
        sentence = (
            say("{typed!r} is no number of seconds: give a number such as {example}.", **told)
            if control == "seconds"
            else say("{typed!r} is no seed: give a whole number such as {example}.", **told)
        )
        raise Refused(sentence, control) from None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
