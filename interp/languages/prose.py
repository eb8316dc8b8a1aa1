"""The notebooks in another language: code, order and cell ids from the English ones, prose from a text here.

`zh/04_who_gets_the_drink.md` holds one section for each cell of prose. A section is headed by a comment with
the cell's id and the fingerprint of the English that was translated: `<!-- cell: 04-00 source: 1a2b3c4d -->`.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from interp import files
from interp.languages import ENGLISH, HERE, chosen

HEAD = re.compile(r"^<!-- cell: (\S+) source: ([0-9a-f]{8}) -->$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """One cell's prose in another language, and the fingerprint of the English it was made from."""

    source: str
    text: str


def fingerprint(source: str) -> str:
    """Eight hexadecimal digits that change when the text does."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:8]


def texts(name: str, language: str) -> Path:
    """The file with a notebook's prose in a language."""
    return HERE / language / f"{name}.md"


def sections(text: str) -> dict[str, Section]:
    """The sections of such a file by cell id, in its order. Raises ValueError if a cell stands twice."""
    parts = HEAD.split(text)[1:]
    found: dict[str, Section] = {}
    for cell, source, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if cell in found:
            raise ValueError(f"The cell {cell} is translated twice; leave one.")
        found[cell] = Section(source, body.strip())
    return found


def notebook(path: Path, language: str = ENGLISH) -> NotebookNode:
    """The notebook in this language. Raises ValueError as `told_in` does."""
    return told_in(language, nbformat.read(path, as_version=4), path.stem)


def told_in(language: str, english: NotebookNode, name: str) -> NotebookNode:
    """A copy of a notebook with its prose in this language; all else, ids and outputs too, as it was.

    Raises ValueError for an unknown language, and for a cell of prose that has no translation.
    """
    made = deepcopy(english)
    if chosen(language) == ENGLISH:
        return made
    place = texts(name, language)
    told = sections(place.read_text(encoding="utf-8")) if place.is_file() else {}
    for cell in made.cells:
        if cell.cell_type == "markdown":
            if cell.id not in told:
                raise ValueError(
                    f"The cell {cell.id} of {name}.ipynb is not in {language}: write it into {place.name}."
                )
            cell.source = told[cell.id].text
    return made


def lay_out(folder: Path, out: Path, language: str) -> tuple[Path, ...]:
    """Write the notebooks of a folder in this language to `out`; the paths of those left as they were,
    because somebody had changed a cell. Outputs alone are no change.

    Raises ValueError as `notebook` does, OSError when nothing can be written.
    """
    made = {out / path.name: notebook(path, language) for path in sorted(folder.glob("*.ipynb"))}
    kept = tuple(place for place in made if place.exists() and _is_changed(place))
    out.mkdir(parents=True, exist_ok=True)
    for place, one in made.items():
        if place in kept or (place.exists() and _cells(place) == _digest(one.cells)):
            continue
        one.metadata.setdefault("interp", {})["written"] = _digest(one.cells)
        files.write(place, f"{nbformat.writes(one)}\n".encode())
    return kept


def _is_changed(place: Path) -> bool:
    """Whether a notebook's cells are not those that `lay_out` wrote there."""
    try:
        written = nbformat.read(place, as_version=4).metadata.get("interp", {}).get("written")
        return written != _cells(place)
    except (ValueError, KeyError, TypeError, AttributeError):  # no notebook: not ours
        return True


def _cells(place: Path) -> str:
    return _digest(nbformat.read(place, as_version=4).cells)


def _digest(cells: Sequence[NotebookNode]) -> str:
    told = json.dumps([[cell.cell_type, cell.source] for cell in cells])
    return hashlib.sha256(told.encode()).hexdigest()
