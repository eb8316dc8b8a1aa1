"""Letters that the pictures' font lacks: drawn in another font that is installed, or said in one sentence."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from interp.figures import theme

OTHERS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "PingFang SC",
    "Microsoft YaHei", "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari",
    "Noto Emoji", "Arial Unicode MS",
)  # fmt: skip
MOST_NAMED = 5


@contextmanager
def drawing(canvas: Canvas, *, say: bool = False) -> Iterator[None]:
    """The style of every picture, with the fonts that this one needs besides; with `say` a warning names the
    letters that no font here has.
    """
    lacking = {letter for letter in _letters(canvas) if not _has(theme.FONT, letter)}
    fonts = [font for font in OTHERS if any(_has(font, letter) for letter in lacking)] if lacking else []
    left = sorted(letter for letter in lacking if not any(_has(font, letter) for font in fonts))
    if left and say:
        warnings.warn(_sentence(left), stacklevel=5)
    with rc_context(theme.style(tuple(fonts))), unsaid():
        yield


def font_with(letter: str) -> str | None:
    """The first installed font of those above that has this letter, None if none has."""
    return next((font for font in OTHERS if _has(font, letter)), None)


@contextmanager
def unsaid() -> Iterator[None]:
    """The library's own warnings, one a letter and a place, are left out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        yield


def _letters(canvas: Canvas) -> set[str]:
    texts = (text.get_text() for text in canvas.findobj(Text) if isinstance(text, Text))
    return {letter for text in texts for letter in text if letter.isprintable()}


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
    files = [entry.fname for entry in font_manager.fontManager.ttflist if entry.name == font]
    return frozenset(font_manager.get_font(files[0]).get_charmap()) if files else frozenset()
