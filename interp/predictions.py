"""What the prose of a notebook asks before a result: its predictions, with their choices, in its language.

The widget that keeps a guess and the teacher's pages read them here, so the text stands in the prose only.
Refuses: answers.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OUR_OWN = Path(__file__).resolve().parent.parent / "notebooks"
MARKS = {"en": "**Predict.**", "zh": "**先猜。**"}
_ASKED = re.compile(f"({'|'.join(map(re.escape, MARKS.values()))})" r"\s*(.*?)(?=\n\n|\Z)", re.DOTALL)
_LETTER = re.compile(r"\*\*([A-Z])\*\*\s*")
_ENDS = " ,;.?，；。？"  # what stands between choices, and behind the last


@dataclass(frozen=True)
class Prediction:
    """One prediction: all that is asked, its choices by letter (none: in the reader's own words), and the
    language of both.
    """

    asked: str
    choices: Mapping[str, str]
    language: str


@dataclass(frozen=True)
class Asked:
    """A prediction, and the cells of its notebook in which something is asked."""

    prediction: Prediction
    cells: tuple[str, ...]


def in_text(source: str) -> tuple[Prediction, ...]:
    """The predictions in a text of Markdown, in its order."""
    return tuple(_read(mark, body) for mark, body in _ASKED.findall(source))


def in_cell(cell: str, folder: Path) -> Asked:
    """What is asked in the cell with this id: in a notebook of `folder`, so in its language, or else in one
    of our own. The notebook's name begins as the id does: `04-07` stands in `04_who_gets_the_drink.ipynb`.

    Raises ValueError if nothing is asked in such a cell.
    """
    number = cell.split("-")[0]
    asked: dict[str, Prediction] = {}
    for place in (*_named(number, folder), *_named(number, OUR_OWN)):
        asked = _by_cell(place)
        if cell in asked:
            return Asked(asked[cell], tuple(asked))
    known = f"there are {', '.join(asked)}" if asked else f"no notebook begins with {number}_"
    raise ValueError(
        f"Nothing is asked in a cell {cell!r}: give the id of a cell with **Predict.** ({known})."
    )


def plain(text: str) -> str:
    """Markdown as running text: links and emphasis give their words, code its letters."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]+>", "", text)
    return " ".join(html.unescape(re.sub(r"[*`]|^> ", "", text, flags=re.MULTILINE)).split())


def _named(number: str, folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{number}_*.ipynb")) if re.fullmatch(r"\w+", number) else []


def _by_cell(place: Path) -> dict[str, Prediction]:
    """The first prediction of each cell of prose; none in a file that is no notebook."""
    try:
        cells = json.loads(place.read_text(encoding="utf-8"))["cells"]
        prose = {one["id"]: "".join(one["source"]) for one in cells if one["cell_type"] == "markdown"}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    found = {cell: in_text(source) for cell, source in prose.items()}
    return {cell: asked[0] for cell, asked in found.items() if asked}


def _read(mark: str, body: str) -> Prediction:
    _, *parts = _LETTER.split(body)
    choices = {letter: plain(text).strip(_ENDS) for letter, text in zip(parts[::2], parts[1::2], strict=True)}
    (language,) = (name for name, own in MARKS.items() if own == mark)
    return Prediction(plain(body), choices, language)
