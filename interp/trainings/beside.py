"""Runs made again, beside the stored ones: does each measurement lie where the stored seeds lie?

The last bits of a product depend on the processor, and a training carries them on: the same seed gives
another run elsewhere. What must come out again is what the seeds agree on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from interp.trainings import family, stored

WIDER = 1.0  # how far beyond the seeds' extremes, in widths of their range: three seeds seldom show the whole
LEAST = 0.05  # the narrowest range: two standard errors of 400 questions
SKILLS = ("loss", "grammar", "repetition", "receiver")
TOPICS = ("taps", "family", "belief")


@dataclass(frozen=True)
class Row:
    """One measurement of one run: here, and the lowest and highest of the stored seeds of its kind."""

    run: str
    measure: str
    here: float
    seeds: tuple[float, ...]

    @property
    def bounds(self) -> tuple[float, float]:
        """What counts as the spread of the seeds."""
        low, high = min(self.seeds), max(self.seeds)
        margin = WIDER * max(high - low, LEAST)
        return low - margin, high + margin

    @property
    def within(self) -> bool:
        """Whether the measurement made again lies in these bounds."""
        low, high = self.bounds
        return low <= self.here <= high

    def __str__(self) -> str:
        low, high = self.bounds
        values = ", ".join(f"{value:.3f}" for value in self.seeds)
        beside = f"stored {values}; bounds {low:.3f} to {high:.3f}"
        return f"{self.run}, {self.measure}: {self.here:.3f} here; {beside}"


def rows(topic: str, folder: Path) -> tuple[Row, ...]:
    """Every measurement of the finished runs in a folder whose recipe is that of a stored run.

    `topic` is taps, family or belief. A kind that was stored for one seed alone has no spread of its own but
    `LEAST`. Raises ValueError for another topic, and when a run cannot be read.
    """
    if topic not in TOPICS:
        raise ValueError(f"There are no stored runs of {topic!r}: choose one of {', '.join(TOPICS)}.")
    return tuple(_family(folder / "family.json") if topic == "family" else _runs(topic, folder))


def told(found: tuple[Row, ...]) -> str:
    """How many of the measurements lie within the spread of the stored seeds, and each that does not."""
    if not found:
        return "Nothing here has the recipe of a stored run, so there is nothing to compare."
    outside = [str(row) for row in found if not row.within]
    count = f"{len(found) - len(outside)} of {len(found)} measurements lie within the spread of the stored"
    return "\n".join([f"{count} seeds" + ("; outside:" if outside else "."), *outside])


def _runs(topic: str, folder: Path) -> Iterator[Row]:
    for path in sorted(folder.glob(f"{topic}-*.json")):
        if not (stored.FOLDER / path.name).exists():
            continue
        here, there = stored.noted(path.stem, folder), stored.noted(path.stem)
        if here["recipe"] != there["recipe"]:
            continue
        kind, _, seed = path.stem.rpartition("-")
        alike = stored.FOLDER.glob(f"{kind}-[0-9].json") if seed.isdigit() else [stored.FOLDER / path.name]
        seeds = [_measured(stored.noted(one.stem)) for one in sorted(alike)]
        for measure, value in _measured(here).items():
            yield Row(path.stem, measure, value, tuple(one[measure] for one in seeds))


def _measured(noted: dict) -> dict[str, float]:
    """The numbers that a run ends with: shares of the exams, or its last loss and skills."""
    if "scores" in noted:
        return {exam: right / noted["questions"] for exam, right in noted["scores"].items()}
    return {skill: float(noted["looks"][-1][skill]) for skill in SKILLS}


def _family(path: Path) -> Iterator[Row]:
    whole, seeds = family.read(path), {}
    for run in family.read()["runs"]:
        seeds.setdefault((run["width"], run["tokens"]), []).append(run["excess"])
    for run in whole["runs"]:
        alike = seeds.get((run["width"], run["tokens"]))
        if alike:
            name = f"width {run['width']}, {run['tokens']:,} tokens, seed {run['seed']}"
            yield Row(name, "excess", run["excess"], tuple(alike))
