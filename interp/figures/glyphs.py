"""Letters that the pictures' font lacks: drawn in another font that is installed, or said in one sentence."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from interp import languages
from interp.figures import theme

OTHERS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Noto Sans CJK JP", "Source Han Sans SC", "Source Han Sans CN",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "PingFang HK", "Hiragino Sans GB",
    "Microsoft YaHei", "SimHei", "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari",
    "Noto Emoji", "Arial Unicode MS",
)  # fmt: skip
MOST_NAMED = 5
LETTERS = {"zh": "中文支持"}  # a language can be drawn where a font has these
INSTALL = (
    "No font here has Chinese letters, so pictures stay in English: install Noto Sans CJK (fonts-noto-cjk) "
    "and run again."
)


@contextmanager
def drawing(canvas: Canvas, *, say: bool = False) -> Iterator[None]:
    """The style of every picture; each of its texts is given the fonts that it needs besides. With `say` a
    warning names the letters that no font here has.
    """
    left: set[str] = set()
    for text in (one for one in canvas.findobj(Text) if isinstance(one, Text)):
        fonts, lacking = fonts_for(text.get_text()), lacked(text.get_text())
        left |= {letter for letter in lacking if not any(_has(font, letter) for font in fonts)}
        if len(fonts) > 1:  # of a generic family matplotlib would take one font only
            text.set_fontfamily([*fonts, "sans-serif"])
    if left and say:
        warnings.warn(_sentence(sorted(left)), stacklevel=5)
    with rc_context(theme.style()), unsaid():
        yield


@contextmanager
def drawable() -> Iterator[None]:
    """While inside, words for a picture are said in the language that is set, or in English where no font
    here has its letters: a warning says so once, and what to install.
    """
    language = languages.language()
    if not language or has_letters(language):
        yield
        return
    _say_once(INSTALL)
    with languages.speaking(languages.ENGLISH):
        yield


def say(english: str, /, **fields: object) -> str:
    """As `languages.say`, for words that are drawn: see `drawable`."""
    with drawable():
        return languages.say(english, **fields)


def has_letters(language: str) -> bool:
    """Whether a font here can draw this language."""
    return all(font_with(letter) for letter in LETTERS.get(language, ""))


@cache
def _say_once(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=5)


def fonts_for(text: str) -> list[str]:
    """The pictures' font, and those that have letters of this text which it lacks."""
    lacking = lacked(text)
    return [theme.FONT, *(font for font in OTHERS if any(_has(font, letter) for letter in lacking))]


def lacked(text: str) -> set[str]:
    """The letters that the pictures' own font lacks."""
    return {letter for letter in text if letter.isprintable() and not _has(theme.FONT, letter)}


def font_with(letter: str) -> str | None:
    """The first installed font of those above that has this letter, None if none has."""
    return next((font for font in OTHERS if _has(font, letter)), None)


@contextmanager
def unsaid() -> Iterator[None]:
    """The library's own warnings, one a letter and a place, are left out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        yield


def _sentence(left: list[str]) -> str:
    named = ", ".join(f"“{letter}”" for letter in left[:MOST_NAMED]) + ", ..." * (len(left) > MOST_NAMED)
    return (
        f"No font here has {named}: the picture shows a box instead, the table and the page show the letter."
        " Install a font that has it (for Chinese, Japanese and Korean Noto Sans CJK: fonts-noto-cjk; for"
        " other scripts Noto Sans: fonts-noto-core) and run again."
    )


@cache
def _has(font: str, letter: str) -> bool:
    return ord(letter) in _charmap(font)


@cache
def _charmap(font: str) -> frozenset[int]:
    """The letters of an installed font; none if it is not installed."""
    files = _files(font) or (_look_again() and _files(font))
    return frozenset(font_manager.get_font(files[0]).get_charmap()) if files else frozenset()


def _files(font: str) -> list[str]:
    return [entry.fname for entry in font_manager.fontManager.ttflist if entry.name == font]


@cache
def _look_again() -> bool:
    """Fonts installed since matplotlib made its list join it: the list is kept from run to run."""
    listed = {Path(entry.fname) for entry in font_manager.fontManager.ttflist}
    for file in font_manager.findSystemFonts():
        if Path(file) not in listed:
            with suppress(OSError, RuntimeError, ValueError, TypeError):  # no font that can be read
                font_manager.fontManager.addfont(file)
    return True
