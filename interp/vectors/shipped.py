"""What comes along: GloVe's 30,000 most frequent words, analogy questions, cities, occupations.

Sources and licences: `data/README.md`.
"""

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from interp.vectors.table import WordVectors

DATA = Path(__file__).parent / "data"
NAME = "glove-6b-100d"
TITLE = "GloVe 6B, 100 dimensions"
SOURCE = (
    f"{TITLE}: the 30,000 most frequent words (Pennington, Socher and Manning 2014; Wikipedia 2014 and"
    " Gigaword 5; Public Domain Dedication and Licence 1.0)."
)


@dataclass(frozen=True)
class Question:
    """A is to b as c is to d; a class of questions shares its pairs (a, b) and (c, d)."""

    kind: str
    a: str
    b: str
    c: str
    d: str

    @property
    def words(self) -> tuple[str, str, str, str]:
        """The four words in order."""
        return self.a, self.b, self.c, self.d


@dataclass(frozen=True)
class City:
    """A city and where it lies, in degrees."""

    word: str
    country: str
    continent: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Occupation:
    """An occupation, its title in the census, and the share of women by year where it was counted."""

    word: str
    title: str
    women: dict[int, float]


@cache
def shipped() -> WordVectors:
    """GloVe 6B, 100 dimensions, 30,000 words: the same value at every call."""
    packed = (DATA / f"{NAME}.safetensors").read_bytes()
    parts = load(packed)
    rows = parts["vectors"].astype(np.float32) * parts["scale"][:, None]
    words = (DATA / f"{NAME}.txt").read_text(encoding="utf-8").splitlines()
    return WordVectors(NAME, tuple(words), rows, SOURCE, hashlib.sha256(packed).hexdigest())


@cache
def questions() -> tuple[Question, ...]:
    """The 19,544 analogy questions of Mikolov and others (2013), in their order and spelling."""
    found, kind = [], ""
    for line in (DATA / "analogies.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(":"):
            kind = line.removeprefix(":").strip()
        else:
            found.append(Question(kind, *line.split()))
    return tuple(found)


@cache
def cities() -> tuple[City, ...]:
    """327 cities of more than 400,000 people whose name is one word (GeoNames, CC BY 4.0)."""
    return tuple(
        City(row["city"], row["country"], row["continent"], float(row["latitude"]), float(row["longitude"]))
        for row in _rows("cities.csv")
    )


@cache
def occupations() -> tuple[Occupation, ...]:
    """66 occupations and their share of women in the United States census of 1950, 1980 and 2000."""
    years = (1950, 1980, 2000)
    return tuple(
        Occupation(
            row["word"],
            row["census_title"],
            {year: float(row[f"women_{year}"]) for year in years if row[f"women_{year}"]},
        )
        for row in _rows("occupations.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
