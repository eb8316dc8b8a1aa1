"""The scripts of the pages, joined from this folder's files and from parts of the widgets' front ends.

What the living figures share with the widgets is taken from the widgets' own files by name, so that there is
one source of layout and words. Refuses: models.
"""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
WIDGETS = HERE.parent / "widgets"
ENGINE = ("unpack.js", "tokens.js", "gpt2.js", "wording.js", "own_words.js", "bench.js")
FRONT = ("wording.js", "talking.js", "parts.js", "views.js", "waking.js", "thresholds.js")
SHARED = {
    "conversation.js": (
        "views", "catalogue", "say", "freshId", "make", "field", "textField", "sentenceField", "choiceField",
        "exampleField", "quietKeys", "visually", "placeGrid", "history",
    ),
    "ablation_lab.js": ("ROOMY", "headGrid", "paint", "presetChooser"),
}  # fmt: skip
SHEETS = ("house.css", "ablation_lab.css", "attention_viewer.css", "lens_explorer.css")


def engine() -> str:
    """Pack, tokenizer, forward pass and bench as one classic script."""
    return "\n".join(_text(HERE / name) for name in ENGINE)


def living() -> str:
    """The classic script that brings the figures of a page to life; the engine is in it as text."""
    worker = f"{engine()}\n{_text(HERE / 'worker.js')}"
    shared = [cut(_text(WIDGETS / file), name) for file, names in SHARED.items() for name in names]
    front = [_text(HERE / name) for name in FRONT]
    body = "\n".join([f"const ENGINE = {json.dumps(worker)};", *shared, *front])
    return f'"use strict";\n{{\n{body}\n}}\n'


def sheet() -> str:
    """The widgets' style sheets, for pages that show them."""
    return "\n".join(_text(WIDGETS / name) for name in SHEETS)


def page_sheet() -> str:
    """The style sheet of every page."""
    return _text(HERE / "page.css")


def cut(text: str, name: str) -> str:
    """The top-level function or one-line variable `name` of a script. Raises ValueError without one."""
    found = re.search(
        rf"^(?:function {name}\(.*?^\}}|(?:const|let) {name} = [^\n]*;)", text, re.DOTALL | re.MULTILINE
    )
    if found is None:
        raise ValueError(f"The widgets' front end has no {name!r} any more: name what took its place.")
    return found[0]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
