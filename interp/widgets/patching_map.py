"""The Patching Map: two sentences that differ in a word, and where in the model the difference travels.

It owns the controls only. What patching does is computed by the bench it is given; how it reads is
`patching_words`. Refuses: tensors, hooks, models.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import traitlets

from interp.result import Result
from interp.widgets import patching_words as words
from interp.widgets.conversation import Conversation, joined
from interp.widgets.pairs import pair_html, tokens_html
from interp.widgets.protocol import Leads, MapBench, MapCell, MapState


@dataclass(frozen=True)
class Screen:
    """What is shown: a state, its leads, its map (perhaps not done), and its locked cell."""

    state: MapState
    leads: Leads
    map: Result
    done: bool
    cell: MapCell | None


class PatchingMap(Conversation):
    """A pair editor, a map of layer by position or head, and one cell in words, around
    `protocol.MapBench`.

    The first example is measured at once; later maps come layer by layer from the last down and can be
    stopped. `state` is what is on screen as JSON; `load(state)` puts it back.
    """

    _esm = joined("conversation.js", "patching_map.js")
    _css = joined("house.css", "patching_map.css")
    controls = ("prompt", "twin", "answer", "against")
    beginnings = (
        ("The answer and", "against"),
        ("The answer", "answer"),
        ("The word to weigh it against", "against"),
        ("The second sentence", "twin"),
        ("The two sentences", "twin"),
    )
    examples = traitlets.List().tag(sync=True)
    kinds = traitlets.Dict().tag(sync=True)

    def __init__(self, bench: MapBench):
        self._bench, self._asked_pair = bench, ""
        first = bench.examples[0][1]
        *_, (_, whole) = bench.sweep(first)
        self._screen = Screen(first, bench.leads(first), whole, True, None)
        super().__init__(
            examples=[
                {"label": label, "state": json.loads(state.to_json())} for label, state in bench.examples
            ],
            kinds={kind: words.KIND_NAMES.get(kind, kind) for kind in bench.kinds},
        )
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return self._screen.state.to_json()

    def take(self, state: str) -> None:
        """Take a saved state in; its map is measured whole. Raises ValueError, in one sentence."""
        read = self._bench.parse(state)
        leads = self._bench.leads(read)
        *_, (_, whole) = self._bench.sweep(read)
        self._screen, self._asked_pair = Screen(read, leads, whole, True, self._cell_of(read)), ""

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask; another pair or another kind begins with an empty map."""
        asked, shown = self._bench.parse(json.dumps(question)), self._screen
        asked_pair = self._bench.pair(asked)
        self._asked_pair = tokens_html(asked_pair) if asked_pair.problem else pair_html(asked_pair)
        if _map_of(asked) == _map_of(shown.state):
            leads = self._bench.leads(asked)
            self._screen = replace(shown, state=asked, leads=leads, cell=self._cell_of(asked))
            return
        asked = self._bench.parse(json.dumps({**question, "cell": None}))
        leads = self._bench.leads(asked)
        steps = self._bench.sweep(asked)
        _, first = next(steps)
        self._screen = Screen(asked, leads, first, False, None)

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the map's cells, the pair, the locked cell in words."""
        shown = self._screen
        return {
            "state": json.loads(self.state),
            "json": self.state,
            "done": shown.done,
            "pair": self._asked_pair or pair_html(shown.leads.pair),
            **self._drawn(),
            "cell": words.cell_html(shown.map, shown.state, shown.leads, shown.cell),
        }

    def work(self, errand: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The map of the state on screen, layer by layer."""
        state = self._screen.state
        for share, so_far in self._bench.sweep(state):
            if _map_of(self._screen.state) != _map_of(state):
                return
            self._screen = replace(self._screen, map=so_far, done=share >= 1)
            yield {"share": share, **self._drawn()}

    def _drawn(self) -> dict[str, Any]:
        shown = self._screen
        parts = (shown.map, shown.state, shown.leads)
        return {
            "columns": words.columns(shown.map, shown.leads),
            "cells": words.cells(*parts),
            "finding": words.finding(*parts),
            "status": words.finding(*parts),
            "text": words.text_html(*parts),
            "shares": words.in_shares(shown.state, shown.leads),
        }

    def _cell_of(self, state: MapState) -> MapCell | None:
        return self._bench.cell(state) if state.cell is not None else None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        shown = self._screen
        html = words.static_html(shown.map, shown.state, shown.leads, self._css)
        plain = words.finding(shown.map, shown.state, shown.leads)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, plain)


def _map_of(state: MapState) -> dict[str, Any]:
    """The state without what the map does not depend on."""
    fields = json.loads(state.to_json())
    return {name: value for name, value in fields.items() if name not in ("cell", "raw")}
