"""One line of the bench, and how it is timed."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_GAP = 1e-5  # that a fast path may differ from the loop
AIMS = {  # times faster than the loop; fixed before measuring
    "ablation_map_32": 8.0,
    "ablation_map_1": 18.0,
    "head_position_patch": 70.0,
    "path_to_logits": 150.0,
    "path_to_queries": 200.0,
    "toggle_first": 4.0,
    "toggle_middle": 9.0,
    "toggle_last": 100.0,
    "scan": 0.92,
    "scan_against_cache": 4.0,
    "lens": 4.0,
    "lens_guesses": 4.0,
}


@dataclass(frozen=True)
class Row:
    """How many times faster a path is than the loop, and by how much its numbers differ at most, in `unit`.

    `aim` is the ratio hoped for, None where none was set.
    """

    name: str
    ratio: float
    max_gap: float
    unit: str
    aim: float | None
    note: str


@dataclass(frozen=True)
class Timed:
    """Median seconds of one cell of the loop, of what the loop does only once, and of the fast path."""

    cell: float
    once: float
    fast: float

    def ratio(self, cells: int) -> float:
        """How many times faster the fast path is than the whole loop of so many cells."""
        return (self.once + cells * self.cell) / self.fast


def compare(
    cells: Sequence[Callable[[], Any]],
    fast: Callable[[], Any],
    *,
    once: Callable[[], Any] | None = None,
    rounds: int = 3,
) -> Timed:
    """Times of some cells of a loop and of the fast path, by turns: each round a share of the cells, then
    the rest. Process CPU time: set the number of threads, and call `fast` once, before."""
    share = -(-len(cells) // rounds)
    taken: dict[str, list[float]] = {"cell": [], "once": [], "fast": []}
    for turn in range(rounds):
        taken["cell"] += [_seconds(cell) for cell in cells[turn * share : (turn + 1) * share]]
        taken["once"].append(_seconds(once) if once else 0.0)
        taken["fast"].append(_seconds(fast))
    return Timed(**{name: statistics.median(seconds) for name, seconds in taken.items()})


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
