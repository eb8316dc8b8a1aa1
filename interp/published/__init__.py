"""Published figures as data: what others measured, on which model, by which convention, from which source.

The JSON files of this folder hold one list of records each. Nothing here runs a model:
`interp.studies.replications` measures the same quantities, `interp.verification` sets the two side by side.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interp.published import agreement as kinds
from interp.published.agreement import Agreement as Agreement
from interp.published.circuits import Part as Part
from interp.published.circuits import circuit as circuit
from interp.result import Result

_HERE = Path(__file__).parent
# The models whose figures are listed: (layers, heads, width, vocabulary)
SHAPES = {"gpt2": (12, 12, 768, 50257), "gpt2-medium": (24, 16, 1024, 50257)}
FIELDS = ("id", "group", "model", "quantity", "unit", "axes", "values", "agreement", "source", "convention")


@dataclass(frozen=True)
class Published:
    """One published quantity.

    `result` holds the values with their axes, nan where a number was not printed; `agreements` are the
    comparisons that must all hold, fixed beforehand; `group` names the function of
    `interp.studies.replications` that measures it.
    """

    id: str
    group: str
    model: str
    result: Result
    agreements: tuple[Agreement, ...]
    source: str
    convention: str

    def agrees(self, measured: np.ndarray) -> bool:
        """Whether these numbers, in the order of the axes, are the published ones by every comparison."""
        return all(kind.holds(self.result.values, measured) for kind in self.agreements)


def published(model: str, topic: str | None = None) -> tuple[Published, ...]:
    """Everything listed for this model ("gpt2", "gpt2-medium"), file by file; `topic` keeps one file.

    Raises ValueError for a model or a topic of which nothing is listed.
    """
    if model not in SHAPES:
        raise ValueError(f"Nothing published is listed for the model {model!r}. Listed: {', '.join(SHAPES)}.")
    files = sorted(_HERE.glob("*.json"))
    topics = [file.stem for file in files]
    if topic is not None and topic not in topics:
        raise ValueError(f"Nothing published is listed under {topic!r}. Topics: {', '.join(topics)}.")
    records = [read(record) for file in files if topic in (None, file.stem) for record in _records(file)]
    return tuple(record for record in records if record.model == model)


def model_of_shape(layers: int, heads: int, width: int, vocabulary: int) -> str | None:
    """The listed model that has this shape, or None."""
    return next((name for name, shape in SHAPES.items() if shape == (layers, heads, width, vocabulary)), None)


def read(record: dict[str, Any]) -> Published:
    """One record of a file. Raises ValueError that names the record and what is wrong with it.

    A record that a measurement of nothing but zeros would pass is wrong as well.
    """
    if set(record) != set(FIELDS):
        raise ValueError(
            f"The record {record.get('id')!r} needs the fields {', '.join(FIELDS)} and no others."
        )
    try:
        axes = {name: tuple(labels) for name, labels in record["axes"].items()}
        values = np.asarray(record["values"], dtype=float)
        result = Result(values, axes, record["quantity"], record["unit"], {"source": record["source"]})
        agreements = kinds.read(record["agreement"])
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"The record {record['id']!r} has values that do not fit its axes, or no agreement: {error}"
        ) from error
    one = Published(
        record["id"], record["group"], record["model"], result, agreements, record["source"],
        record["convention"],
    )  # fmt: skip
    if one.agrees(np.zeros_like(values)) or not one.agrees(np.where(np.isnan(values), 0.0, values)):
        raise ValueError(
            f"The record {one.id!r} would pass if everything measured were zero, or fail if all were as"
            f" published: mend its agreement."
        )
    return one


def _records(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text(encoding="utf-8"))
