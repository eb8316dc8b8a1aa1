"""The Ablation Lab: type a sentence, switch heads off, see what the model says then.

It owns the controls only. What the model says is computed by the bench it is given; how it reads is
`ablation_view`. Refuses: tensors, hooks, models.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anywidget
import traitlets

from interp.sites import Head, check_place
from interp.widgets import ablation_view as view
from interp.widgets.protocol import LabAnswer, LabBench, LabState

_HERE = Path(__file__).parent
CONTROLS = ("prompt", "answer", "against", "heads", "how")
BEGINNINGS = MappingProxyType(
    {
        "The answer and": "against",
        "The answer": "answer",
        "The word to weigh it against": "against",
        "how=": "how",
        "L": "heads",
    }
)


@dataclass(frozen=True)
class Grid:
    """The model's shape as `sites.check_place` asks for it."""

    name: str
    layers: int
    heads: int
    d_mlp: int = 0


class AblationLab(anywidget.AnyWidget):
    """Controls around a bench (see `protocol.LabBench`), baseline and ablated side by side.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    _esm = _HERE / "ablation_lab.js"
    _css = _HERE / "ablation_lab.css"
    shape = traitlets.List().tag(sync=True)
    examples = traitlets.List().tag(sync=True)
    presets = traitlets.Dict().tag(sync=True)
    question = traitlets.Dict().tag(sync=True)
    reply = traitlets.Dict().tag(sync=True)

    def __init__(self, bench: LabBench):
        self._bench = bench
        self._grid = Grid(bench.name, *bench.shape)
        self._view = ""
        first = bench.examples[0][1]
        self._shown: tuple[LabState, LabAnswer] = first, bench.compute(first)
        super().__init__(
            shape=list(bench.shape),
            examples=[
                {"label": label, "state": json.loads(state.to_json())} for label, state in bench.examples
            ],
            presets={label: [str(head) for head in heads] for label, heads in bench.presets.items()},
            reply=self._reply(request=-1),
        )
        self.observe(self._answer, names="question")

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return self._shown[0].to_json()

    def load(self, state: str) -> None:
        """Put a saved state on screen. Raises ValueError, in one sentence, when it cannot be read or
        computed.
        """
        read = self._bench.parse(state)
        self._check(read.heads)
        self._shown = read, self._bench.compute(read)
        self.reply = self._reply(request=-1)

    def _answer(self, change: Any) -> None:
        """Answer what the controls ask; whatever goes wrong becomes a sentence on screen."""
        question = dict(change["new"])
        request, self._view = question.pop("request", 0), question.pop("view", "")
        try:
            asked = self._asked(question)
            self._shown = asked, self._bench.compute(asked)
            self.reply = self._reply(request)
        except ValueError as error:
            self.reply = self._sorry(request, _control(error), str(error))
        except (
            Exception
        ) as error:  # the border to the screen: a traceback would vanish into the browser's log
            text = (
                f"The model could not answer ({type(error).__name__}: {error}). The last good result stays."
            )
            self.reply = self._sorry(request, "prompt", text)

    def _asked(self, question: dict[str, Any]) -> LabState:
        heads = read_heads(str(question.pop("heads_text", "")), self._grid)
        return self._bench.parse(json.dumps({**question, "heads": [str(head) for head in heads]}))

    def _check(self, heads: tuple[Head, ...]) -> None:
        for head in heads:
            check_place(head, self._grid)

    def _reply(self, request: int) -> dict[str, Any]:
        state, answer = self._shown
        return {
            "request": request,
            "view": self._view,
            "error": None,
            "state": json.loads(state.to_json()),
            "heads": [str(head) for head in state.heads],
            "html": view.result_html(state, answer),
            "status": view.status(state, answer),
            "effects": view.effects(answer.head_effects),
            "effect_name": f"{answer.head_effects.quantity} ({answer.head_effects.unit})",
        }

    def _sorry(self, request: int, control: str, text: str) -> dict[str, Any]:
        """The last good reply with an error beside it."""
        return {**self._reply(request), "error": {"control": control, "text": text}, "status": text}

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        bundle = super()._repr_mimebundle_(**kwargs)
        static = {"text/html": view.static_html(*self._shown, self._style())}
        static["text/plain"] = view.status(*self._shown)
        if isinstance(bundle, tuple):
            return {**bundle[0], **static}, bundle[1]
        return {**(bundle or {}), **static}

    def _style(self) -> str:
        return (_HERE / "ablation_lab.css").read_text(encoding="utf-8")


def read_heads(text: str, grid: Grid) -> tuple[Head, ...]:
    """The heads named in a text such as "L9H9, L9H6", in order, each once.

    Raises ValueError, marked for the control "heads", for a name that is no head or not in this model.
    """
    try:
        heads = {Head.parse(name) for name in text.replace(",", " ").replace(";", " ").split()}
        for head in sorted(heads):
            check_place(head, grid)
    except ValueError as error:
        error.control = "heads"  # type: ignore[attr-defined]
        raise
    return tuple(sorted(heads))


def _control(error: ValueError) -> str:
    """The control an error belongs beneath: the one it names, else the one its sentence begins with."""
    named = getattr(error, "control", None)
    begun = (control for beginning, control in BEGINNINGS.items() if str(error).startswith(beginning))
    return named if named in CONTROLS else next(begun, "prompt")
