"""One line of the bench, how it is timed, and whether its samples lie close enough together to be trusted."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from interp.timing.limit import Limit, limit_of

MOST_GAP = 1e-5  # that a fast path may differ from the loop
MOST_SPREAD = 0.2  # of a row's samples, or it is not to be trusted: the ratio may be wrong by as much
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

    `aim` is the ratio hoped for, None where none was set. `limit` is how near the path comes to the machine,
    `spread` how far its samples lie apart (see `Timed`).
    """

    name: str
    ratio: float
    max_gap: float
    unit: str
    aim: float | None
    note: str
    spread: float = 0.0
    limit: Limit | None = None

    @property
    def trusted(self) -> bool:
        """Whether the machine was quiet enough."""
        return self.spread <= MOST_SPREAD


@dataclass(frozen=True)
class Timed:
    """Median seconds of one cell of the loop, of what the loop does only once, and of the fast path.

    `shortest` is the fast path's shortest run. `spread` says how far apart the middle half of the samples
    lies, as a share of their median: of the cells or of the fast path, whichever is worse.
    """

    cell: float
    once: float
    fast: float
    shortest: float
    spread: float

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
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    spread = max(_spread(taken["cell"]), _spread(taken["fast"]))
    return Timed(**middle, shortest=min(taken["fast"]), spread=spread)


def row(
    name: str, timed: Timed, cells: int, fast: Callable[[], Any], *, gap: float, unit: str, note: str
) -> Row:
    """The line of a path that was timed against a loop of so many cells; its limit is measured here."""
    return Row(
        name, timed.ratio(cells), gap, unit, AIMS[name], note, timed.spread, limit_of(fast, timed.shortest)
    )


def _spread(seconds: Sequence[float]) -> float:
    if len(seconds) == 1:
        return 0.0
    low, middle, high = statistics.quantiles(seconds, method="inclusive")
    return (high - low) / middle


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
