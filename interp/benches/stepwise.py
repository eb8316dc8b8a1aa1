"""A sweep that reports by callback, taken layer by layer: watched, and left when nobody looks any more."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

import numpy as np

from interp.result import Result
from interp.screens.patching import Step

PATIENCE = 0.05  # seconds after which a slow layer lets others have a turn


class _Left(Exception):
    """Nobody watches the sweep any more."""


def stepwise(sweep: Callable[..., Any]) -> Iterator[tuple[int, Any] | None]:
    """(layer, values) as the sweep finds them; None while it takes longer than `PATIENCE`.

    `sweep(on_layer=...)` runs in a thread of its own. Closing the iterator ends it at its next layer. What
    the sweep raises is raised here.
    """
    found: SimpleQueue = SimpleQueue()
    left = Event()

    def on_layer(layer: int, values: Any) -> None:
        if left.is_set():
            raise _Left
        found.put((layer, values))

    def run() -> None:
        try:
            sweep(on_layer=on_layer)
            found.put(StopIteration())
        except _Left:
            pass
        except Exception as error:
            found.put(error)

    Thread(target=run, daemon=True).start()
    try:
        yield from _until_done(found)
    finally:
        left.set()


def filled(empty: Result, sweep: Callable[..., Any]) -> Iterator[Step]:
    """Steps of a Result[layer, ...] of one prompt, from nothing to all of it; while a layer takes long, the
    last step comes again.

    `sweep(on_layer=...)` finds values [..., prompt] layer by layer. Raises what the sweep raises.
    """
    values = np.full(empty.values.shape, np.nan)
    yield 0.0, replace(empty, values=values)
    for found in stepwise(sweep):
        if found is not None:
            layer, changes = found
            values[layer] = np.asarray(changes)[:, 0]
        yield float((~np.isnan(values)).all(axis=1).mean()), replace(empty, values=values)


def _until_done(found: SimpleQueue) -> Iterator[tuple[int, Any] | None]:
    while True:
        try:
            news = found.get(timeout=PATIENCE)
        except Empty:
            yield None
            continue
        if isinstance(news, StopIteration):
            return
        if isinstance(news, Exception):
            raise news
        yield news
