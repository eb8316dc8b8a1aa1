"""The languages that there are, which one is set, and the words of screens and pictures in it.

Prose of notebooks is in `prose`. All other words are messages: a sentence in English, perhaps with fields in
braces, is looked up in `zh/messages.po`. What has no translation stays English, and a test says so.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent
ENGLISH = "en"
SETTING = "INTERP_LANGUAGE"
_SPOKEN: ContextVar[str | None] = ContextVar("spoken", default=None)  # in place of the one that is set
IN_SCRIPT = re.compile(r'\bsay\(\s*("(?:[^"\\\\]|\\\\.)*")')


def known() -> tuple[str, ...]:
    """The languages that there are: English, and each folder of texts."""
    return (ENGLISH, *sorted(folder.name for folder in HERE.iterdir() if any(folder.glob("*.md"))))


def chosen(language: str | None = None) -> str:
    """The language asked for: the given one, $INTERP_LANGUAGE, or English. Raises ValueError if unknown."""
    asked = language or os.environ.get(SETTING) or ENGLISH
    if asked not in known():
        raise ValueError(
            f"There is no language {asked!r} here: set INTERP_LANGUAGE to {' or '.join(known())}."
        )
    return asked


def language() -> str:
    """The language that is spoken, for a page to name; empty for English and where none such is known."""
    asked = _asked()
    return asked if asked != ENGLISH and asked in known() else ""


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """While inside, `say` speaks this language, whatever is set."""
    token = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def _asked() -> str:
    return _SPOKEN.get() or os.environ.get(SETTING) or ENGLISH


def message(english: str) -> str:
    """The same text: it marks a message that `say` is given later, by a name."""
    return english


def say(english: str, /, **fields: object) -> str:
    """The message in the language that is set, its fields in braces filled in; in English where it has no
    translation, or where no such language is known (`chosen` tells).
    """
    asked = _asked()
    told = english if asked == ENGLISH else messages(asked).get(english, english)
    return told.format(**fields) if fields else told


@cache
def messages(language: str) -> Mapping[str, str]:
    """Every message with its translation into this language; none of English and of unknown languages."""
    place = HERE / language / "messages.po"
    if language not in known() or not place.is_file():
        return MappingProxyType({})
    from babel.messages.pofile import read_po  # here, because who reads English need not wait for it

    with place.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    told = {str(one.id): str(one.string) for one in catalogue if one.id and one.string}
    return MappingProxyType(told)


def in_script(text: str) -> tuple[str, ...]:
    """The messages of a JavaScript, which has a `say` of its own: each once, in their order."""
    return tuple(dict.fromkeys(json.loads(one) for one in IN_SCRIPT.findall(text)))


def for_script(text: str) -> dict[str, str]:
    """What a JavaScript needs to speak the language that is set: its messages that have a translation."""
    told = messages(_asked())
    return {one: told[one] for one in in_script(text) if one in told}
