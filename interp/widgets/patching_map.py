"""The Patching Map: two sentences that differ in a word, and where in the model the difference travels.

It owns the controls only. What patching does is computed by the bench it is given; how it reads is
`patching_words`. Refuses: tensors, hooks, models.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import traitlets

from interp.languages import say
from interp.result import Result
from interp.screens import codec
from interp.screens.patching import Cell, Leads, MapBench, MapState, Step
from interp.screens.picture import Picture
from interp.widgets import patching_words as words
from interp.widgets import path_words
from interp.widgets.conversation import Conversation, joined, listed
from interp.widgets.own_words import asked_html, cautions_html
from interp.widgets.pairs import pair_html, tokens_html

WORDS = ("answer", "against")


@dataclass(frozen=True)
class Measured:
    """A Result of a sweep, perhaps not done."""

    result: Result
    done: bool


@dataclass(frozen=True)
class Screen:
    """What is shown: a state, its leads, its map, its table of paths, and its locked cell."""

    state: MapState
    leads: Leads
    map: Measured
    paths: Measured
    cell: Cell | None


class PatchingMap(Conversation):
    """A pair editor, a map of layer by position or head, one cell in words, and a table of the heads that
    send to a receiver, around a bench (see `screens.patching`).

    The first example is measured at once; later maps and tables come layer by layer from the last down and
    can be stopped. `state` is what is on screen as JSON; `load(state)` puts it back.
    """

    _esm = joined("conversation.js", "patching_map.js")
    controls = ("prompt", "twin", "answer", "against", "receiver")
    examples = traitlets.List().tag(sync=True)
    kinds = traitlets.Dict().tag(sync=True)
    receivers = traitlets.Dict().tag(sync=True)
    shape = traitlets.List().tag(sync=True)

    def __init__(self, bench: MapBench):
        self._bench, self._asked_pair = bench, ""
        self._screen = self._measured(bench.examples[0][1])
        super().__init__(
            examples=listed(bench.examples),
            receivers={part: say(name) for part, name in path_words.RECEIVERS.items()},
            shape=list(bench.shape),
            kinds={kind: say(words.KIND_NAMES.get(kind, kind)) for kind in bench.kinds},
        )
        self.reply = self.told()

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        return codec.write(self._screen.state)

    def take(self, state: str) -> None:
        """Take a saved state in; its map and its paths are measured whole. Raises ValueError, in one
        sentence.
        """
        self._screen, self._asked_pair = self._measured(codec.read(MapState, state)), ""

    def respond(self, question: dict[str, Any]) -> None:
        """Compute what the controls ask; another pair, kind or receiver begins with nothing measured."""
        asked, shown = codec.made(MapState, question), self._screen
        asked_pair = self._bench.pair(asked)
        self._asked_pair = tokens_html(asked_pair) if asked_pair.problem else pair_html(asked_pair)
        last = len(asked_pair.sentence.tokens) - 1
        if asked.receiver is not None and asked.receiver.word > last:  # the sentence has become shorter
            asked = replace(asked, receiver=replace(asked.receiver, word=last))
        same_map = _map_of(asked) == _map_of(shown.state)
        asked = asked if same_map else replace(asked, cell=None)
        same_paths = _paths_of(asked) == _paths_of(shown.state)
        self._screen = Screen(
            asked,
            self._bench.leads(asked),
            shown.map if same_map else _begun(self._bench.sweep(asked)),
            shown.paths if same_paths else _begun(self._bench.paths(asked)),
            self._cell_of(asked),
        )

    def on_screen(self) -> dict[str, Any]:
        """The last good result: the map's cells, the pair, the locked cell in words, the table of paths."""
        shown = self._screen
        return {
            "done": {"map": shown.map.done, "paths": shown.paths.done},
            "pair": self._asked_pair or pair_html(shown.leads.pair),
            "words": path_words.places(shown.leads),
            **self._drawn(),
            "said": {name: asked_html(one) for name, one in zip(WORDS, shown.leads.asked, strict=True)},
            "cautions": cautions_html(shown.leads.cautions),
            "status": " ".join(
                [*shown.leads.cautions, words.finding(shown.map.result, shown.state, shown.leads)]
            ),
            "cell": words.cell_html(shown.map.result, shown.state, shown.leads, shown.cell),
        }

    @property
    def model_name(self) -> str:
        """The model on the bench."""
        return self._bench.name

    def picture(self) -> Picture:
        """The map, as far as it is measured."""
        return words.picture(
            self._screen.map.result, self._screen.state, self._screen.leads, self._bench.name
        )

    def work(self, errand: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The map, or the table of paths, of the state on screen, layer by layer."""
        part, state = errand["part"], self._screen.state
        steps, needs, finding = {
            "map": (self._bench.sweep, _map_of, words.finding),
            "paths": (self._bench.paths, _paths_of, path_words.finding),
        }[part]
        for share, so_far in steps(state):
            if needs(self._screen.state) != needs(state):
                return
            self._screen = replace(self._screen, **{part: Measured(so_far, share >= 1)})
            status = finding(so_far, self._screen.state, self._screen.leads)
            yield {"share": share, **self._drawn(), "status": status}

    def _measured(self, state: MapState) -> Screen:
        """All there is to show of a state, measured whole."""
        leads = self._bench.leads(state)
        (*_, (_, whole)), (*_, (_, senders)) = self._bench.sweep(state), self._bench.paths(state)
        return Screen(state, leads, Measured(whole, True), Measured(senders, True), self._cell_of(state))

    def _drawn(self) -> dict[str, Any]:
        shown = self._screen
        parts = (shown.map.result, shown.state, shown.leads)
        return {
            "columns": words.columns(shown.map.result, shown.leads),
            "cells": words.cells(*parts),
            "finding": words.finding(*parts),
            "paths": path_words.paths_html(shown.paths.result, shown.state, shown.leads),
            "text": words.text_html(*parts),
            "shares": words.in_shares(shown.state, shown.leads),
        }

    def _cell_of(self, state: MapState) -> Cell | None:
        return self._bench.cell(state) if state.cell is not None else None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and the same result as plain HTML for front ends that cannot run it."""
        shown = self._screen
        parts = (shown.map.result, shown.state, shown.leads)
        table = path_words.paths_html(shown.paths.result, shown.state, shown.leads)
        html = words.static_html(*parts, table, self._css)
        return self.with_static(super()._repr_mimebundle_(**kwargs), html, words.finding(*parts))


def _begun(steps: Iterator[Step]) -> Measured:
    share, first = next(steps)
    return Measured(first, share >= 1)


def _map_of(state: MapState) -> MapState:
    """The state without what the map does not depend on."""
    return replace(state, cell=None, raw=False, receiver=None)


def _paths_of(state: MapState) -> MapState:
    """The state without what the table of paths does not depend on."""
    return replace(state, cell=None, raw=False, kind="")
