"""Published against measured: what `python -m interp verify` prints and writes. It measures nothing."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np

from interp import files, models
from interp.models import Bridge
from interp.published import SHAPES, Published, model_of_shape, published
from interp.published.mutations import LEAST_CAUGHT, Mutation, mutations, share_caught
from interp.result import Result, cell
from interp.studies import replications

COLUMNS = ("id", "published", "measured", "largest gap", "agree", "must be", "outcome", "source")


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
        """The largest absolute difference from a printed value; infinite where a number is missing."""
        printed = ~np.isnan(self.published.result.values)
        gap = np.abs(self.measured.values - self.published.result.values)[printed].max(initial=0.0)
        return float(gap) if np.isfinite(gap) else float("inf")

    @property
    def passed(self) -> bool:
        """Whether every comparison holds that was fixed beforehand for this record."""
        return self.published.agrees(self.measured.values)

    @property
    def agreeing(self) -> str:
        """How many of the things that count agree, by comparison, such as "31 of 44 non-zero numbers"."""
        both = self.published.result.values, self.measured.values
        marks = [(kind.agreeing(*both), kind.counts) for kind in self.published.agreements]
        return "; ".join(f"{agree.sum()} of {agree.size} {counts}" for agree, counts in marks)

    def cells(self) -> tuple[str, ...]:
        """The row of the table, in the order of `COLUMNS`."""
        return (
            self.published.id, _shown(self.published.result), _shown(self.measured), f"{self.gap:.4g}",
            self.agreeing, _rule(self.published), "pass" if self.passed else "FAIL", self.published.source,
        )  # fmt: skip


def listed_model(model: Bridge) -> str:
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


def compare(model: Bridge, *, topic: str | None = None) -> Iterator[Comparison]:
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
    writer.writerow(["id", "labels", "published", "measured", "gap", "must be"])
    for one in comparisons:
        both = zip(one.published.result.rows(), one.measured.values.ravel(), strict=True)
        for row, value in both:
            labels = " ".join(f"{name}={label}" for name, label in row.items() if name != "value")
            numbers = [f"{number:.6g}" for number in (row["value"], value, abs(value - row["value"]))]
            writer.writerow([cell(one.published.id), cell(labels), *numbers, _rule(one.published)])
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, text.getvalue().encode())
    return path


def could_fail() -> tuple[str, tuple[Mutation, ...]]:
    """How many plausibly wrong measurements the published records refuse, as a sentence, and those that slip
    through."""
    found = [one for model in SHAPES for one in mutations(published(model))]
    told = (
        f"The comparisons refuse {share_caught(found):.1%} of {len(found)} plausibly wrong measurements"
        f" (aim: {LEAST_CAUGHT:.0%})."
    )
    return told, tuple(one for one in found if not one.caught)


def _rule(record: Published) -> str:
    return "; ".join(map(str, record.agreements))


def _shown(result: Result) -> str:
    if result.values.size == 1:
        return f"{float(result.values.ravel()[0]):.4g}"
    return f"{result.values.size} values, {np.nanmin(result.values):.3g} to {np.nanmax(result.values):.3g}"


def _sizes(result: Result) -> str:
    return ", ".join(f"{name}: {len(labels)}" for name, labels in result.axes.items()) or "none"
