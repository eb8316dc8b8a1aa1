"""Result: measured numbers with the names of their axes, their labels, their unit and their origin.

The only thing that figures, widgets and claims accept. This room refuses models and drawing.
"""

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from interp import files

Label = str | int | float
FORMULA = tuple("=+-@＝＋－＠\t\r\n")  # what a spreadsheet may run if a cell begins with it


@dataclass(frozen=True, eq=False)
class Result:
    """Numbers (float64, read-only) whose every axis has a name and whose every index has a label.

    `axes` maps the name of each axis to its labels, in the order of the axes of `values`. `quantity` and
    `unit` say what was measured; `about` says on what (model, weights, baseline, seed, n).
    """

    values: np.ndarray
    axes: dict[str, tuple]
    quantity: str
    unit: str
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        values = np.array(self.values, dtype=np.float64)  # a copy: nobody else can change it
        values.setflags(write=False)
        axes = {name: tuple(labels) for name, labels in self.axes.items()}
        _check(values, axes)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "about", dict(self.about))

    def at(self, **labels: Label) -> "Result":
        """The part with these labels; the axes that were named are gone."""
        values, axes = self.values, dict(self.axes)
        for name, label in labels.items():
            values = values.take(self._place(name, label), axis=list(axes).index(name))
            del axes[name]
        return self._with(values, axes)

    def mean(self, axis: str) -> "Result":
        """The mean over one axis, which is gone."""
        self._refuse_unknown_axis(axis)
        if not self.axes[axis]:
            raise ValueError(f"The axis {axis!r} is empty, so it has no mean.")
        axes = {name: labels for name, labels in self.axes.items() if name != axis}
        return self._with(self.values.mean(axis=list(self.axes).index(axis)), axes)

    def interval(
        self, axis: str, samples: int = 2000, seed: int = 0, *, relative_to: "Result | None" = None
    ) -> "Result":
        """95 % bootstrap interval of the mean over `axis`, which becomes "bound": ("low", "high").

        Percentile bootstrap: the entries of the axis are drawn again with replacement `samples` times. With
        `relative_to`, a Result on that axis alone, the interval is that of the ratio of the two means, both
        taken over the same draws. Raises ValueError if the axis has fewer than two entries.
        """
        self._refuse_unknown_axis(axis)
        number = len(self.axes[axis])
        if number < 2:
            raise ValueError(f"An interval needs at least 2 entries on the axis {axis!r}; it has {number}.")
        position = list(self.axes).index(axis)
        entries = np.moveaxis(self.values, position, 0)
        shares = np.random.default_rng(seed).multinomial(number, [1 / number] * number, size=samples) / number
        means = shares @ entries.reshape(number, -1)  # sample, rest
        if relative_to is not None:
            means = means / (shares @ _alone(relative_to, axis, self.axes[axis]))[:, None]
        bounds = np.quantile(means, [0.025, 0.975], axis=0).reshape(2, *entries.shape[1:])
        axes = {("bound" if name == axis else name): labels for name, labels in self.axes.items()}
        return self._with(np.moveaxis(bounds, 0, position), axes | {"bound": ("low", "high")})

    def top(self, k: int, by: str = "value") -> list[tuple[tuple, float]]:
        """The k largest entries, largest first, as (labels, value). `by="size"` ignores the sign."""
        if by not in ("value", "size"):
            raise ValueError(f'top ranks by "value" or by "size"; it was asked for {by!r}.')
        rank = self.values.ravel() if by == "value" else np.abs(self.values.ravel())
        order = np.argsort(-rank, kind="stable")[:k]
        return [(self._labels(int(index)), float(self.values.ravel()[index])) for index in order]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One dict per number: the label on every axis, and "value"."""
        for index, value in enumerate(self.values.ravel()):
            yield dict(zip(self.axes, self._labels(index), strict=True)) | {"value": float(value)}

    def to_csv(self, path: str | Path | None = None) -> str:
        """The rows as comma-separated text, six significant digits; also written to `path` if given."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*map(cell, self.axes), "value"])
        for row in self.rows():
            writer.writerow(
                [*map(cell, list(row.values())[:-1]), f"{row['value'] + 0.0:.6g}"]
            )  # + 0.0: no "-0"
        if path is not None:
            files.write(Path(path), text.getvalue().encode())
        return text.getvalue()

    def to_json(self) -> str:
        """Everything, as JSON text that `from_json` reads back to an equal Result."""
        numbers = [_number_to_json(value) for value in self.values.ravel().tolist()]
        whole = {
            "values": numbers,
            "axes": [[name, list(labels)] for name, labels in self.axes.items()],
            "quantity": self.quantity,
            "unit": self.unit,
            "about": self.about,
        }
        return json.dumps(whole, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Result":
        """The Result that `to_json` wrote."""
        whole = json.loads(text)
        axes = {name: tuple(labels) for name, labels in whole["axes"]}
        numbers = [math.nan if value is None else float(value) for value in whole["values"]]
        values = np.array(numbers).reshape([len(labels) for labels in axes.values()])
        return cls(values, axes, whole["quantity"], whole["unit"], whole["about"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        mine, theirs = [(list(r.axes.items()), r.quantity, r.unit, r.about) for r in (self, other)]
        return mine == theirs and np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        """The number, when no axis is left."""
        if self.axes:
            raise TypeError(
                f"This Result still has the axes {', '.join(self.axes)}; choose with at(...) or"
                " average with mean(...) until none is left."
            )
        return float(self.values)

    def __repr__(self) -> str:
        axes = ", ".join(f"{name} {len(labels)}" for name, labels in self.axes.items())
        return f"Result[{axes}] {self.quantity} ({self.unit})"

    def _with(self, values: Any, axes: dict[str, tuple]) -> "Result":
        return type(self)(np.asarray(values), axes, self.quantity, self.unit, self.about)

    def _labels(self, flat: int) -> tuple:
        places = np.unravel_index(flat, self.values.shape)
        return tuple(labels[place] for labels, place in zip(self.axes.values(), places, strict=True))

    def _place(self, axis: str, label: Label) -> int:
        self._refuse_unknown_axis(axis)
        if label not in self.axes[axis]:
            raise ValueError(
                f"The axis {axis!r} has no label {label!r}. Its labels are {_some(self.axes[axis])}."
            )
        return self.axes[axis].index(label)

    def _refuse_unknown_axis(self, axis: str) -> None:
        if axis not in self.axes:
            raise ValueError(f"There is no axis {axis!r}. The axes are {', '.join(self.axes) or 'none'}.")


def cell(content: Any) -> Any:
    """What a table's cell shows: a text that a spreadsheet would run as a formula gets an apostrophe before
    it; numbers stay numbers.
    """
    if isinstance(content, str) and (content.startswith(FORMULA) or content.lstrip().startswith(FORMULA)):
        return f"'{content}"
    return content


def _alone(whole: Result, axis: str, labels: tuple) -> np.ndarray:
    if dict(whole.axes) != {axis: labels}:
        raise ValueError(
            f"A ratio needs a whole on the axis {axis!r} alone, with the same {len(labels)} labels; it"
            f" was given"
            f" {whole!r}."
        )
    return whole.values


def _check(values: np.ndarray, axes: dict[str, tuple]) -> None:
    labelled = tuple(len(labels) for labels in axes.values())
    if values.shape != labelled:
        raise ValueError(
            f"The values have the shape {values.shape}, but the labels of the axes"
            f" {', '.join(axes) or 'none'} ask for {labelled}. Give one label per index."
        )
    for name, labels in axes.items():
        if len(set(labels)) != len(labels):
            twice = next(label for label in labels if labels.count(label) > 1)
            raise ValueError(
                f"The axis {name!r} has the label {twice!r} more than once. Make its labels different."
            )
    if "value" in axes:
        raise ValueError('An axis cannot be called "value": that is the column of the numbers. Rename it.')


def _some(labels: tuple, most: int = 12) -> str:
    shown = ", ".join(repr(label) for label in labels[:most])
    return shown if len(labels) <= most else f"{shown}, ... ({len(labels)} in all)"


def _number_to_json(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)
