"""Published against measured: what `python -m interp verify` prints and writes. It measures nothing."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np

from interp import models
from interp.published import Published, model_of_shape, published
from interp.result import Result, cell
from interp.studies import replications

COLUMNS = ("id", "published", "measured", "largest gap", "tolerance", "outcome", "source")


@dataclass(frozen=True)
class Comparison:
    """One published quantity beside the same quantity measured here."""

    published: Published
    measured: Result

    def __post_init__(self):
        if self.measured.axes != self.published.result.axes:
            raise ValueError(
                f"{self.published.id} was published with the axes {_sizes(self.published.result)}, but"
                f" measured with {_sizes(self.measured)}: mend the replication."
            )

    @property
    def gap(self) -> float:
        """The largest absolute difference from the published values; infinite where a number is missing."""
        gap = np.abs(self.measured.values - self.published.result.values).max(initial=0.0)
        return float(gap) if np.isfinite(gap) else float("inf")

    @property
    def passed(self) -> bool:
        """Whether the gap is within the tolerance that was fixed beforehand."""
        return self.gap <= self.published.tolerance

    def cells(self) -> tuple[str, ...]:
        """The row of the table, in the order of `COLUMNS`."""
        return (
            self.published.id, _shown(self.published.result), _shown(self.measured), f"{self.gap:.4g}",
            f"{self.published.tolerance:g}", "pass" if self.passed else "FAIL", self.published.source,
        )  # fmt: skip


def listed_model(model) -> str:
    """Which published model this one is to be compared with, by its shape.

    Raises ValueError, in one sentence, if nothing published is about a model of this shape.
    """
    card = models.describe(model)
    name = model_of_shape(*card.shape)
    if name is None:
        raise ValueError(
            f"Nothing published is about a model of the shape of {card.name} ({card.layers} layers"
            f" of {card.heads} heads, width {card.d_model}):"
            f" verify gpt2 or gpt2-medium, or a folder of that shape."
        )
    return name


def groups(records: Sequence[Published]) -> dict[str, list[Published]]:
    """The records by the group that measures them together, in order."""
    found: dict[str, list[Published]] = {}
    for record in records:
        found.setdefault(record.group, []).append(record)
    return found


def compare(model, *, topic: str | None = None) -> Iterator[Comparison]:
    """Every published quantity of this model measured again, as soon as its group is done.

    Raises ValueError if nothing is listed for its shape or topic, KeyError if nothing measures a group.
    """
    measures = all_measures()
    for group, records in groups(published(listed_model(model), topic)).items():
        measured = measures[group](model)
        yield from (Comparison(record, measured[record.id]) for record in records)


def all_measures() -> Mapping:
    """Group name -> measuring function, of every module of `interp.studies.replications`."""
    found = iter_modules(replications.__path__, f"{replications.__name__}.")
    return {group: measure for one in found for group, measure in import_module(one.name).MEASURES.items()}


def save(comparisons: Sequence[Comparison], path: Path) -> Path:
    """The path of the table as comma-separated text: a row for every single published number.

    Source and convention of an id stand in `interp.published`, once.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "labels", "published", "measured", "gap", "tolerance"])
    for one in comparisons:
        both = zip(one.published.result.rows(), one.measured.values.ravel(), strict=True)
        for row, value in both:
            labels = " ".join(f"{name}={label}" for name, label in row.items() if name != "value")
            numbers = [f"{number:.6g}" for number in (row["value"], value, abs(value - row["value"]))]
            writer.writerow([cell(one.published.id), cell(labels), *numbers, f"{one.published.tolerance:g}"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8", newline="\n")
    return path


def _shown(result: Result) -> str:
    if result.values.size == 1:
        return f"{float(result.values.ravel()[0]):.4g}"
    return f"{result.values.size} values, {result.values.min():.3g} to {result.values.max():.3g}"


def _sizes(result: Result) -> str:
    return ", ".join(f"{name}: {len(labels)}" for name, labels in result.axes.items()) or "none"
