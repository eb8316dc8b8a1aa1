"""A blank slide with its title above and its caption below, wrapped so that nothing is ever clipped.

Refuses: results; the drawings put their marks on the slide.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path

from interp.figures import glyphs, theme

MARGIN = 0.45
LEADING = 1.28
SMALLEST = 8.0  # points
_HAN, _AFTER = "\u3400-\u9fff", "，。；：？！）、”》"
PIECES = re.compile(
    rf"(\s*)([“（《]*(?:[{_HAN}]|[^\s{_HAN}{_AFTER}“（《]+)[{_AFTER}]*|\S)"
)  # space, what stays together


@dataclass(frozen=True)
class Sheet:
    """The size of a slide in inches, and its dots per inch: the smaller, the larger its type looks. `above`
    and `below` are the shares of its height that title and caption may take.
    """

    inches: tuple[float, float] = theme.SLIDE
    dots: int = theme.DOTS_PER_INCH
    above: float = 0.3
    below: float = 0.3


USUAL = Sheet()
_SHEET = ContextVar("sheet", default=USUAL)


@contextmanager
def on(sheet: Sheet) -> Iterator[None]:
    """While inside, slides have this size."""
    token = _SHEET.set(sheet)
    try:
        yield
    finally:
        _SHEET.reset(token)


def share() -> float:
    """The width between the margins of this slide, as a share of that of a usual one."""
    return (_SHEET.get().inches[0] - 2 * MARGIN) / (USUAL.inches[0] - 2 * MARGIN)


def least(size: float | int) -> float:
    """The points that look as small on this slide as `size` does on one of the usual size."""
    return size * _SHEET.get().inches[1] / USUAL.inches[1]


def text_width(text: str, size: float | int, *, bold: bool = False) -> float:
    """How many points wide a line of text is."""
    font = FontProperties(family=glyphs.fonts_for(text), size=size, weight="bold" if bold else "normal")
    with glyphs.unsaid():
        return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrapped(text: str, width: float | int, size: float | int, *, bold: bool = False) -> list[str]:
    """The text broken into lines at most `width` points wide; a word that is too long is broken too. Chinese
    may be broken between any two letters, but no line begins with a full stop or another such mark.
    """
    lines: list[str] = [""]
    for space, word in _pieces(text):
        longer = f"{lines[-1]}{space and ' '}{word}".strip()
        if text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if text_width(lines[-1] + letter, size, bold=bold) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


def _pieces(text: str) -> list[tuple[str, str]]:
    """The words of a text, each with the space before it; of Chinese the letters."""
    if not re.search(f"[{_HAN}]", text):
        return [(" ", word) for word in text.split()]
    return PIECES.findall(text.strip())


def balanced(text: str, width: float | int, size: float | int, *, bold: bool = False) -> list[str]:
    """As `wrapped`, in as many lines but of like length, so that no word stands alone in the last."""
    lines = wrapped(text, width, size, bold=bold)
    for tenths in range(5, 10):
        narrower = wrapped(text, width * tenths / 10, size, bold=bold)
        if len(narrower) == len(lines) > 1:
            return narrower
    return lines


def slide(title: str, caption: str) -> tuple[Canvas, Axes]:
    """A slide with title and caption, and the axes that fill the room between them."""
    with rc_context(theme.style()):
        sheet = _SHEET.get()
        canvas = Canvas(figsize=sheet.inches, dpi=sheet.dots, facecolor=theme.PAPER)
        wide, high = canvas.get_size_inches()
        room = (wide - 2 * MARGIN) * 72
        heading, size = _fitted(title, (room, sheet.above * high * 72), theme.TITLE, bold=True)
        top = _stack(canvas, heading, size, high - MARGIN, bold=True)
        lines, size = _fitted(caption, (room, sheet.below * high * 72), theme.NOTE, bold=False)
        bottom = MARGIN + len(lines) * size * LEADING / 72
        _stack(canvas, lines, size, bottom, bold=False)
        gap = 0.18
        rect = (MARGIN / wide, (bottom + gap) / high, 1 - 2 * MARGIN / wide, (top - bottom - 2 * gap) / high)
        canvas.set_layout_engine(ConstrainedLayoutEngine(rect=rect, w_pad=0.02, h_pad=0.02))
        return canvas, canvas.add_subplot()


def _fitted(text: str, room: tuple[float, float], size: float, *, bold: bool) -> tuple[list[str], float]:
    """The text in lines, and the size at which they leave room to draw; what is longer still is cut."""
    while True:
        most = int(room[1] / (size * LEADING))
        lines = wrapped(text, room[0], size, bold=bold)
        if len(lines) <= most or size <= SMALLEST:
            break
        size -= 0.5
    if len(lines) > most:
        return [*lines[: most - 1], f"{lines[most - 1][:-1]}…"], size
    return (balanced(text, room[0], size, bold=bold) if bold else lines), size


def shrink(canvas: Canvas, width: float, height: float) -> tuple[float, float]:
    """Keep a drawing to so many points of its room's width and height, at the top left; the room's size in
    points.
    """
    engine = _engine(canvas)
    wide, high = (float(side) * 72 for side in canvas.get_size_inches())
    left, bottom, across, up = engine.get()["rect"]
    size = min(1.0, width / (across * wide)), min(1.0, height / (up * high))
    engine.set(rect=(left, bottom + up * (1 - size[1]), across * size[0], up * size[1]))
    return across * wide, up * high


def frame(canvas: Canvas) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of the drawing's room, as shares of the slide."""
    return _engine(canvas).get()["rect"]


def _engine(canvas: Canvas) -> ConstrainedLayoutEngine:
    engine = canvas.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    return engine


def room(canvas: Canvas) -> tuple[float, float]:
    """The width and height in points between title and caption."""
    return shrink(canvas, float("inf"), float("inf"))


def _stack(canvas: Canvas, lines: list[str], size: float, top: float, *, bold: bool) -> float:
    """Write lines downwards from `top` inches; the height in inches where they end."""
    wide, high = canvas.get_size_inches()
    for line in lines:
        weight, colour = ("bold", theme.INK) if bold else ("normal", theme.MUTED)
        canvas.text(
            MARGIN / wide, top / high, line, fontsize=size, weight=weight, color=colour, va="top", ha="left"
        )
        top -= size * LEADING / 72
    return top
