"""Bench: every fast path of this project beside TransformerLens' own loop, in one process, on one model.

A family is a module with `rows(model, quick) -> Iterator[Row]`; `FAMILIES` names them. Times are process CPU
time at one thread, the two sides by turns, their medians compared. A slow loop may be timed on some of its
cells and scaled to all; its `note` says so. Each row also says what share of the machine's limit its path
reaches (`limit`), and whether its samples lie close enough together to be trusted. This room may run
TransformerLens' own loops; it refuses analysis.
"""

from interp.timing.growth import growth
from interp.timing.limit import Limit
from interp.timing.rows import AIMS, MOST_GAP, MOST_SPREAD, Row, Timed, compare
from interp.timing.run import FAMILIES, run, save

__all__ = [
    "AIMS",
    "FAMILIES",
    "MOST_GAP",
    "MOST_SPREAD",
    "Limit",
    "Row",
    "Timed",
    "compare",
    "growth",
    "run",
    "save",
]
