"""The look of every picture: colours with fixed roles, sizes that can be read from the last row, numbers as
text.

Colours are Okabe and Ito's (2008), chosen to be told apart by colour-blind readers; nothing is said by colour
alone. Refuses: results and drawing.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap, TwoSlopeNorm, to_hex, to_rgb
from matplotlib.colors import Normalize as LinearNorm

CLEAN, ABLATED, CONTROL = "#0072B2", "#D55E00", "#767676"
SERIES = (CLEAN, ABLATED, "#00795A", "#AA4C83", "#8A6100", "#1A1A1A")
MARKERS = ("o", "s", "^", "D", "v", "P")
PLOTLY_MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
DASHES = ("solid", (0, (6, 2)), (0, (2, 2)), (0, (8, 2, 2, 2)), (0, (1, 1)), (0, (10, 3)))
PLOTLY_DASHES = ("solid", "dash", "dot", "dashdot", "dot", "longdash")
HATCHES = ("", "//", "..", "xx", "\\\\", "++")  # on a grey printer, colours of like lightness are one
PLOTLY_PATTERNS = ("", "/", ".", "x", "\\", "+")
INK, MUTED, RULE, PAPER = "#1A1A1A", "#565656", "#D4D4D4", "#FFFFFF"
DIVERGING = ("#084B83", "#4C9FD3", "#F7F7F5", "#F2A33A", "#A84400")
TINT = ("#F7F7F5", "#F9C877", "#E8871E")
SLIDE, DOTS_PER_INCH = (40 / 3, 7.5), 144
TITLE, LABEL, TICK, NOTE = 27.0, 20.0, 18.0, 15.5
_SPACE = re.compile(r"(?<!\S) | (?!\S)")  # at an end, or beside another
FONT = "DejaVu Sans"
WEB_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Verdana, sans-serif"

ROLES = (
    (("random", "control"), CONTROL),
    (("ablated", "without", "switched off"), ABLATED),
    (("clean", "baseline", "whole model"), CLEAN),
)


def style() -> dict[Any, Any]:
    """The matplotlib settings of every picture: text stays text, fonts are embedded, bytes repeat."""
    return {
        "font.family": "sans-serif",
        "font.sans-serif": [FONT, "Verdana", "sans-serif"],
        "font.size": TICK,
        "text.parse_math": False,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.labelsize": LABEL,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "svg.fonttype": "none",
        "svg.hashsalt": "inside-gpt-2",
        "pdf.fonttype": 42,
    }


def role_colour(label: object, index: int) -> str:
    """The colour of a series: its role's when the label names one, else the next of the sequence."""
    words = str(label).lower()
    named = (colour for names, colour in ROLES if any(name in words for name in names))
    return next(named, SERIES[index % len(SERIES)])


def colour_scale(values: np.ndarray) -> tuple[Colormap, LinearNorm]:
    """Blue-white-orange with symmetric limits when any value is below zero, else cividis from zero."""
    finite = values[np.isfinite(values)]
    size = float(np.abs(finite).max(initial=0.0)) or 1.0
    if (finite < 0).any():
        return LinearSegmentedColormap.from_list("blue_white_orange", DIVERGING), TwoSlopeNorm(
            0.0, -size, size
        )
    return _cividis(), LinearNorm(0.0, size)


def _cividis() -> Colormap:
    from matplotlib import colormaps

    return colormaps["cividis"]


def tint_scale(values: np.ndarray) -> tuple[Colormap, LinearNorm]:
    """White to orange from zero to the largest value: a tint that leaves text readable."""
    size = float(np.nanmax(values, initial=0.0)) or 1.0
    return LinearSegmentedColormap.from_list("white_orange", TINT), LinearNorm(0.0, size)


def hex_colours(values: np.ndarray) -> np.ndarray:
    """The colour of every value as "#rrggbb", same shape; grey where there is no number."""
    scale, norm = colour_scale(values)
    shades = [to_hex(scale(norm(v))) if np.isfinite(v) else RULE for v in values.ravel()]
    return np.array(shades, dtype=object).reshape(values.shape)


def plotly_scale(values: np.ndarray) -> tuple[list[list[object]], float, float]:
    """The same scale for plotly: stops, lowest and highest value."""
    scale, norm = colour_scale(values)
    stops: list[list[object]] = [[share, to_hex(scale(share))] for share in np.linspace(0, 1, 21).tolist()]
    return stops, float(norm.vmin or 0.0), float(norm.vmax or 1.0)


def luminance(colour: str) -> float:
    """Relative luminance from 0 (black) to 1 (white), as WCAG 2 defines it."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, from 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(background: str) -> str:
    """The text colour, black or white, that reads best on a background."""
    return max(("#000000", "#FFFFFF"), key=lambda ink: contrast(ink, background))


def decimals(values: np.ndarray) -> int:
    """How many decimals numbers of this size deserve."""
    size = float(np.nanmax(np.abs(values), initial=0.0)) if np.size(values) else 0.0
    return 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 3


def number(value: float | int, places: int, *, signed: bool = False) -> str:
    """A number as readers write it: fixed decimals, a true minus sign, never "-0.00"; a dash when missing."""
    if not np.isfinite(value):
        return "–"
    value = round(float(value), places) + 0.0
    return (
        f"{value:+.{places}f}".replace("-", "−")
        if signed and value
        else f"{value:.{places}f}".replace("-", "−")
    )


def visible(token: object) -> str:
    """A token with its spaces and line breaks made visible: " Mary" becomes "·Mary". A space between two
    words is none of a token's: "who left" stays as it is.
    """
    return _SPACE.sub("·", str(token)).replace("\n", "↵").replace("\t", "⇥")


def shown_labels(labels: Sequence[object]) -> tuple[str, ...]:
    """Labels as a picture shows them: with their spaces visible, but without the one before each word where
    all of them are words with a space before them: " Mary", " John" become "Mary", "John".
    """
    texts = [str(label) for label in labels]
    all_words = all(text.startswith(" ") and text.strip() for text in texts)
    return tuple(visible(text[1:] if all_words else text) for text in texts)


def head_name(labels: Sequence[object], axes: Sequence[str]) -> str:
    """How readers call one cell: "L5H2" for a layer and a head, else "layer 5, end"; bare numbers take their
    axis's name.
    """
    if tuple(axes) == ("layer", "head"):
        return f"L{labels[0]}H{labels[1]}"
    named = zip(labels, axes, strict=True)
    return ", ".join(visible(label) if isinstance(label, str) else f"{axis} {label}" for label, axis in named)
