"""A sentence with a number on every token: coloured boxes in reading order.

Refuses: models; choosing what to show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyBboxPatch
from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Scatter

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

ROOM, GAP, PADDING = 880.0, 7.0, 11.0
LARGEST, SMALLEST = 38.0, 13.0


@dataclass(frozen=True)
class Box:
    """One token's box in points: left edge, line number, width; its text, number and colour."""

    left: float
    line: int
    width: float
    text: str
    number: str
    colour: str


def token_strip(
    result: Result, *, title: str, tokens: Sequence[str] | None = None, caption: str = "", alt: str = ""
) -> Figure:
    """The tokens of a Result with one axis, in order, coloured by value, the number beneath each.

    `tokens` replaces the axis's labels when those are positions. Spaces show as "·", but not where all tokens
    begin with one.
    Raises ValueError for another number of axes, or as many tokens as there are no numbers for.
    """
    words.check_axes(result, (1,), "token_strip")
    title = words.typeset(title)
    (labels,) = result.axes.values()
    texts = theme.shown_labels(labels if tokens is None else tokens)
    if len(texts) != len(labels):
        raise ValueError(
            f"token_strip got {len(texts)} tokens for {len(labels)} numbers. Give one token for each number."
        )
    return Figure(
        result=result,
        title=title,
        caption=words.caption(result, caption),
        alt=alt
        or words.alt(
            result, title, glyphs.say("Sentence of coloured tokens ({tokens})", tokens=" ".join(texts))
        ),
        matplotlib=partial(_static, result, texts, title),
        plotly=partial(_interactive, result, texts, title),
    )


def _boxes(result: Result, texts: tuple[str, ...], size: float, room: float = ROOM) -> list[Box]:
    """Boxes in reading order, broken into lines that fit the room."""
    places, signed = theme.decimals(result.values), bool((result.values < 0).any())
    boxes: list[Box] = []
    left, line = 0.0, 0
    for text, value, colour in zip(texts, result.values, theme.hex_colours(result.values), strict=True):
        number = theme.number(value, places, signed=signed)
        width = 2 * PADDING + max(page.text_width(text, size), page.text_width(number, 0.62 * size))
        if left and left + width > room:
            left, line = 0.0, line + 1
        boxes.append(Box(left, line, width, text, number, str(colour)))
        left += width + GAP
    return boxes


def _fitted(result: Result, texts: tuple[str, ...]) -> tuple[float, list[Box]]:
    """The largest text size, and its boxes, at which the lines fit the slide's height."""
    room = ROOM * page.share()
    for size in np.arange(LARGEST, SMALLEST, -1.5).tolist():
        boxes = _boxes(result, texts, size, room)
        if (boxes[-1].line + 1) * 2.9 * size < page.least(300):
            return size, boxes
    return SMALLEST, _boxes(result, texts, SMALLEST, room)


def _static(result: Result, texts: tuple[str, ...], title: str, caption: str) -> Canvas:
    from matplotlib.cm import ScalarMappable

    canvas, axes = page.slide(title, caption)
    size, boxes = _fitted(result, texts)
    with rc_context(theme.style()):
        tall = 2.3 * size
        for box in boxes:
            top = box.line * 2.9 * size
            axes.add_patch(
                FancyBboxPatch(
                    (box.left, top), box.width, tall, boxstyle="round,pad=0,rounding_size=5",
                    facecolor=box.colour, edgecolor=theme.RULE, linewidth=1.2,
                )
            )  # fmt: skip
            ink, centre = theme.ink_on(box.colour), box.left + box.width / 2
            axes.text(
                centre,
                top + 0.37 * tall,
                box.text,
                ha="center",
                va="center_baseline",
                fontsize=size,
                color=ink,
            )
            axes.text(
                centre,
                top + 0.77 * tall,
                box.number,
                ha="center",
                va="center_baseline",
                fontsize=0.62 * size,
                color=ink,
            )
        axes.set(
            xlim=(-2, ROOM * page.share() + 2),
            ylim=(boxes[-1].line * 2.9 * size + tall + 2, -2),
            aspect="equal",
        )
        axes.set_axis_off()
        axes.set_anchor("NW")
        scale, norm = theme.colour_scale(result.values)
        bar = canvas.colorbar(
            ScalarMappable(norm, scale),
            ax=axes,
            location="bottom",
            aspect=40,
            shrink=0.55,
            anchor=(0, 0),
            pad=0.06,
            panchor=(0, 1),
        )
        bar.outline.set_visible(False)
        bar.set_label(words.measure(result), labelpad=8)
        bar.ax.tick_params(length=0)
        page.shrink(canvas, float("inf"), boxes[-1].line * 2.9 * size + tall + 105)
        return canvas


def _interactive(result: Result, texts: tuple[str, ...], title: str) -> Chart:
    size = 17.0
    boxes = _boxes(result, texts, size)
    deep = boxes[-1].line + 1
    hover = [
        f"{charts.shown(box.text)}: {value:.4g}<br>{charts.shown(words.measure(result))}"
        for box, value in zip(boxes, result.values, strict=True)
    ]
    centres = [box.left + box.width / 2 for box in boxes]
    rows = [box.line + 0.42 for box in boxes]
    spots = Scatter(
        x=centres,
        y=rows,
        mode="markers",
        marker={"size": 34, "opacity": 0},
        hovertext=hover,
        hoverinfo="text",
    )
    chart = charts.chart([spots], title, height=30 + 66 * deep)
    chart.update_layout(showlegend=False, annotations=[note for box in boxes for note in _notes(box, size)])
    chart.update_layout(shapes=[_shape(box) for box in boxes])
    chart.update_xaxes(visible=False, range=[-4, ROOM + 4], fixedrange=True)
    chart.update_yaxes(visible=False, range=[deep, -0.05], fixedrange=True)
    return chart


def _shape(box: Box) -> dict[str, object]:
    return {
        "type": "rect", "x0": box.left, "x1": box.left + box.width, "y0": box.line, "y1": box.line + 0.86,
        "fillcolor": box.colour, "line": {"color": theme.RULE, "width": 1}, "layer": "below",
    }  # fmt: skip


def _notes(box: Box, size: float) -> list[dict[str, object]]:
    common = {"x": box.left + box.width / 2, "showarrow": False}
    ink = theme.ink_on(box.colour)
    return [
        {**common, "y": box.line + 0.3, "text": charts.shown(box.text), "font": {"size": size, "color": ink}},
        {**common, "y": box.line + 0.65, "text": box.number, "font": {"size": 0.7 * size, "color": ink}},
    ]
