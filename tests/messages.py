"""What can be checked by rule of the messages of screens and pictures: which there are, and their fields."""

import ast
import re
from collections import Counter
from pathlib import Path
from string import Formatter

from pairing import numbers_of, set_wrong, terms_lost

from interp import languages

ROOT = Path(__file__).parents[1]
MARKS = {"say", "message"}
UNITS = {"nats?": "奈特", "%|per cent": "%", "seconds": "秒", "AUC": "AUC"}


def in_python(text):
    """Messages in a Python file: what `say` and `message` are given as they stand; and the quantity and the
    unit of each `Result`, which the figures say.
    """
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        told = {"Result": node.args[2:4]}.get(name, node.args[:1] if name in MARKS else [])
        told = [
            *told,
            *(one.value for one in node.keywords if name == "Result" and one.arg in ("quantity", "unit")),
        ]
        found += [one.value for one in told if isinstance(one, ast.Constant) and one.value]
    return dict.fromkeys(found)


def everywhere():
    """Every message of the library, with the first file that says it."""
    found = {}
    for file in sorted((ROOT / "interp").rglob("*")):
        if file.suffix not in (".py", ".js", ".html"):
            continue
        text = file.read_text(encoding="utf-8")
        for one in in_python(text) if file.suffix == ".py" else languages.in_script(text):
            found.setdefault(one, str(file.relative_to(ROOT)))
    return found


def fields(text):
    """The fields of a message, each with how it is written: {"share:.0%": 1}."""
    parsed = (one for one in Formatter().parse(text) if one[1] is not None)
    return Counter(
        f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
        for _, name, form, conversion in parsed
    )


def bare(text):
    """The words around the fields; a field might be Chinese or Latin, so it stands for neither."""
    return re.sub(r"\{[^}]*\}", "□", text)


def units_lost(english, chinese):
    """Units that one of the two does not say."""
    return [
        f"unit: {english_unit.split('|')[0]}"
        for english_unit, unit in UNITS.items()
        if bool(re.search(rf"(?<!\w)(?:{english_unit})(?!\w)", english, re.IGNORECASE)) != (unit in chinese)
    ]


def faults(english, chinese):
    """All that is wrong with one translation, in words."""
    found = [
        f"field: {one}" for one in (fields(english) - fields(chinese)) + (fields(chinese) - fields(english))
    ]
    one, other = (numbers_of(bare(text)) for text in (english, chinese))
    found += [f"number: {number:g}" for number in (one - other) + (other - one)]
    found += units_lost(bare(english), bare(chinese))
    return [*found, *terms_lost(bare(english), bare(chinese)), *set_wrong(bare(chinese))]


def untranslated(said, told):
    """What to write into the file of messages, and what to take out of it."""
    missing = [f'msgid "{one}"\nmsgstr ""  # {said[one]}' for one in said if one not in told]
    return missing + [f"nobody says: {one}" for one in told if one not in said]
