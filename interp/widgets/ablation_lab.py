"""The Ablation Lab: type a sentence, switch heads off, see what the model says then.

It owns the controls only. What the model says is computed by the bench it is given; how it reads is
`ablation_view` and `ablation_tools`. Refuses: tensors, hooks, models.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import traitlets

from interp.languages import say
from interp.result import Result
from interp.screens import codec
from interp.screens.lab import LabAnswer, LabBench, LabState, SavedState
from interp.screens.picture import Picture
from interp.screens.refusals import beneath
from interp.sites import Head
from interp.widgets import ablation_tools as tools
from interp.widgets import ablation_view as view
from interp.widgets.conversation import Conversation, joined, listed
from interp.widgets.own_words import asked_html, words_html
from interp.widgets.pairs import pair_html


@dataclass(frozen=True)
class Screen:
    """What is shown: a state with its answer, the state kept as A with its own, and the ways of switching off
    if they stand side by side.
    """

    state: LabState
    answer: LabAnswer
    kept: tuple[LabState, LabAnswer] | None = None
    ways: Result | None = None


class AblationLab(Conversation):
    """Controls around a bench (see `screens.lab`), baseline and ablated side by side.

    `state` is what is on screen as JSON; `load(state)` puts it back. A bad input is told beneath its control
    as one sentence, and the last good result stays.
    """

    _esm = joined("conversation.js", "ablation_lab.js")
    controls = ("prompt", "answer", "against", "heads", "how", "twin")
    shape = traitlets.List().tag(sync=True)
    examples = traitlets.List().tag(sync=True)
    presets = traitlets.Dict().tag(sync=True)
    exercises = traitlets.List().tag(sync=True)

    def __init__(self, bench: LabBench):
        self._bench = bench
        first = bench.examples[0][1]
        self._screen = Screen(first, bench.compute(first))
        super().__init__(
            shape=list(bench.shape),
            examples=listed(bench.examples),
            presets={
                say(group): {say(label): [str(head) for head in heads] for label, heads in choices.items()}
                for group, choices in bench.presets.items()
            },
            exercises=[{"name": card.name, "task": card.task, "hint": card.hint} for card in bench.exercises],
        )
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON, with the state kept as A if there is one."""
        kept = self._screen.kept
        return codec.write(SavedState(**vars(self._screen.state), kept=kept[0] if kept else None))

    def take(self, state: str) -> None:
        """Take a saved state in. Raises ValueError, in one sentence."""
        self._screen = self._computed(codec.read(SavedState, state), self._screen.ways is not None)

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask."""
        side_by_side = bool(question.pop("side_by_side", False))
        with beneath("heads"):
            heads = read_heads(str(question.pop("heads_text", "")))
        asked = replace(codec.made(SavedState, {**question, "heads": []}), heads=heads)
        self._screen = self._computed(asked, side_by_side)

    def on_screen(self) -> dict[str, Any]:
        """The last good result in words, HTML and tints."""
        state, answer = self._screen.state, self._screen.answer
        pair = self._bench.pair(state)
        return {
            "heads": [str(head) for head in state.heads],
            "said": {
                "prompt": words_html(answer.words),
                "answer": asked_html(answer.asked[0]),
                "against": asked_html(answer.asked[1]),
            },
            "html": view.result_html(state, answer),
            "status": view.status(state, answer),
            "effects": view.effects(answer.head_effects),
            "effect_name": view.effect_name(answer),
            "ways": "" if self._screen.ways is None else tools.ways_html(self._screen.ways),
            "comparison": tools.comparison_html(self._screen.kept, (state, answer)),
            "pair": pair_html(pair),
            "twin_fits": pair.twin is not None and not pair.problem,
        }

    @property
    def model_name(self) -> str:
        """The model on the bench."""
        return self._bench.name

    def picture(self) -> Picture:
        """Baseline and ablated, word by word."""
        return view.picture(self._screen.state, self._screen.answer, self._bench.name)

    def work(self, errand: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The same heads in many sentences, or the check of an exercise."""
        state = codec.made(SavedState, errand["state"]).now()
        if errand["part"] == "spread":
            for share, result in self._bench.spread(state):
                done = result is not None
                yield {"share": share, **(tools.spread_delivery(state, result) if done else {})}
            return
        for share, verdict in self._bench.check(int(errand["exercise"]), state):
            yield {"share": share, **(asdict(verdict) if verdict is not None else {})}

    def _computed(self, asked: SavedState, side_by_side: bool) -> Screen:
        state, kept = asked.now(), asked.kept
        answer = self._bench.compute(state)
        ways = self._bench.ways(state) if side_by_side else None
        return Screen(state, answer, (kept, self._bench.compute(kept)) if kept else None, ways)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        shown = self._screen.state, self._screen.answer
        return self.with_static(
            super()._repr_mimebundle_(**kwargs), view.static_html(*shown, self._css), view.status(*shown)
        )


def read_heads(text: str) -> tuple[Head, ...]:
    """The heads named in a text such as "L9H9, L9H6", in order, each once. Raises ValueError for a name that
    is no head.
    """
    return tuple(sorted({Head.parse(name) for name in text.replace(",", " ").replace(";", " ").split()}))
