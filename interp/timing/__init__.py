"""Bench: every fast path of this project beside TransformerLens' own loop, in one process, on one model.

A family is a module with `rows(model, quick) -> Iterator[Row]`; `FAMILIES` names them. Times are process CPU
time at one thread, the two sides by turns, their medians compared. A slow loop may be timed on some of its
cells and scaled to all; its `note` says so. This room may run TransformerLens' own loops; it refuses
analysis.
"""

from interp.timing.rows import AIMS, MOST_GAP, Row, Timed, compare
from interp.timing.run import FAMILIES, run, save

__all__ = ["AIMS", "FAMILIES", "MOST_GAP", "Row", "Timed", "compare", "run", "save"]
