"""A grid of numbers with colour: layers by heads, layers by tokens, anything with two axes.

Refuses: models; choosing what to show.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure as Canvas
from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Heatmap

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

WIDEST_CELL, BESIDE, BELOW = 2.1, 215.0, 62.0
CROWDED = 260


def heatmap(
    result: Result,
    *,
    title: str,
    texts: Sequence[Sequence[str]] | None = None,
    caption: str = "",
    alt: str = "",
) -> Figure:
    """A coloured grid of a Result with two axes: the first goes down, the second across, the number in its
    cell.

    `texts`, in the shape of the values, stand in the cells in the numbers' place.
    Blue-white-orange centred on zero when a number is negative, cividis from zero otherwise.
    Raises ValueError for another number of axes, or none to draw.
    """
    words.check_axes(result, (2,), "heatmap")
    title = words.typeset(title)
    return Figure(
        result=result,
        title=title,
        caption=words.caption(result, caption),
        alt=alt or words.alt(result, title, glyphs.say("Heat map")),
        matplotlib=partial(_static, result, texts, title),
        plotly=partial(_interactive, result, texts, title),
        texts=texts,
    )


def _static(result: Result, texts: Sequence[Sequence[str]] | None, title: str, caption: str) -> Canvas:
    canvas, axes = page.slide(title, caption)
    with rc_context(theme.style()):
        scale, norm = theme.colour_scale(result.values)
        rows, columns = result.values.shape
        axes.set_facecolor(theme.RULE)
        axes.pcolormesh(
            np.ma.masked_invalid(result.values), cmap=scale, norm=norm, edgecolor="white", linewidth=1.5
        )
        axes.set(xlim=(0, columns), ylim=(rows, 0))
        width, height = _cell_size(canvas, result)
        axes.set_box_aspect(rows * height / (columns * width))
        axes.set_anchor("W")
        _label_cells(axes, result, texts, width, height)
        _ticks(axes, result, width, height)
        bar = canvas.colorbar(
            ScalarMappable(norm, scale), ax=axes, pad=0.03, aspect=24, panchor=False,
            fraction=40 / (BESIDE + columns * width),
        )  # fmt: skip
        bar.outline.set_visible(False)
        label = page.wrapped(words.measure(result), rows * height * 0.92, theme.LABEL)
        bar.set_label("\n".join(label), labelpad=12)
        bar.ax.tick_params(length=0)
        _name_largest(canvas, result, BESIDE + columns * width)
        return canvas


def _cell_size(canvas: Canvas, result: Result) -> tuple[float, float]:
    """Width and height of a cell in points, when the grid fills its room and no cell is wider than it should
    be.
    """
    (rows, columns), (wide, high) = result.values.shape, page.room(canvas)
    width = (wide - BESIDE) / columns
    across = theme.shown_labels(list(result.axes.values())[1])
    longest = max(page.text_width(label, theme.TICK) for label in across)
    turned = 0.77 * longest + 16 if longest > max(40.0, 0.95 * width) else 0.0
    height = (high - BELOW - turned) / rows
    return min(width, WIDEST_CELL * height), height


def _name_largest(canvas: Canvas, result: Result, width: float) -> None:
    """Where a narrow grid leaves room beside it, the five largest numbers by name."""
    wide, high = page.room(canvas)
    page.shrink(canvas, width, high)
    if wide - width < 220:
        return
    places, signed = theme.decimals(result.values), bool((result.values < 0).any())
    rows = [
        f"{name}   {theme.number(value, places, signed=signed)}" for name, value in words.largest(result, 5)
    ]
    left, bottom, across, up = page.frame(canvas)
    beside = left + across + 0.04
    widest = max(page.text_width(row, theme.LABEL) for row in rows)
    if beside + widest / 72 / canvas.get_size_inches()[0] > 1:
        return  # they would run off the page
    canvas.text(beside, bottom + up, "Largest", va="top", fontsize=theme.LABEL, weight="bold")
    for i, row in enumerate(rows, start=1):
        height = bottom + up - i * 1.75 * theme.LABEL / 72 / canvas.get_size_inches()[1]
        canvas.text(beside, height, row, va="top", fontsize=theme.LABEL)


def _label_cells(
    axes: Axes, result: Result, own: Sequence[Sequence[str]] | None, width: float, height: float
) -> None:
    """The number, or its own text, in every cell, in ink that reads best there; none where it would be too
    small to read.
    """
    places = theme.decimals(result.values)
    signed = bool((result.values < 0).any())
    texts = [theme.number(value, places, signed=signed) for value in result.values.ravel()]
    texts = texts if own is None else [text for line in own for text in line]
    longest = max(page.text_width(text, 1.0) for text in texts)
    size = min(theme.TICK, 0.76 * width / longest, 0.62 * height)
    if size < page.least(8.0) or result.values.size > CROWDED:
        return
    colours = theme.hex_colours(result.values).ravel()
    columns = result.values.shape[1]
    for flat, text in enumerate(texts):
        row, column = divmod(flat, columns)
        ink = theme.ink_on(str(colours[flat]))
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center_baseline", fontsize=size, color=ink)


def _ticks(axes: Axes, result: Result, width: float, height: float) -> None:
    """The labels of both axes, thinned so that they never touch; long ones across are turned."""
    (down, names), (across, columns) = result.axes.items()
    upright, lying = theme.shown_labels(columns), theme.shown_labels(names)
    longest = max(page.text_width(text, theme.TICK) for text in upright)
    turned = longest > 0.95 * width and longest > 40
    step = 1 if not turned and longest < 0.95 * width else max(1, int(np.ceil(theme.TICK * 1.2 / width)))
    every = max(1, int(np.ceil(theme.TICK * 1.15 / height)))
    shown = range(0, len(columns), step)
    axes.set_xticks(np.array(shown) + 0.5, [upright[i] for i in shown], rotation=50 if turned else 0)
    if turned:
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    beside = range(0, len(names), every)
    axes.set_yticks(np.array(beside) + 0.5, [lying[i] for i in beside])
    axes.set_xlabel(words.axis_name(across, columns), labelpad=8)
    axes.set_ylabel(words.axis_name(down, names), labelpad=8)
    axes.tick_params(length=0, labelsize=theme.TICK)
    axes.spines[:].set_visible(False)


def _shown(texts: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[charts.shown(text) for text in line] for line in texts]


def _chart_width(names: Sequence[object], columns: Sequence[object]) -> int:
    """The pixels in which the labels of a few columns stand level, if they are of ordinary length."""
    beside, across = (
        max(page.text_width(label, charts.TEXT_SIZE) for label in theme.shown_labels(labels))
        for labels in (names, columns)
    )
    return max(
        charts.NARROWEST, round(200 + min(beside, 300) + len(columns) * min(max(90, across + 16), 150))
    )


def _interactive(result: Result, texts: Sequence[Sequence[str]] | None, title: str) -> Chart:
    (down, names), (across, columns) = result.axes.items()
    stops, low, high = theme.plotly_scale(result.values)
    places, signed = theme.decimals(result.values), bool((result.values < 0).any())
    label = np.vectorize(lambda value: theme.number(value, places, signed=signed), otypes=[str])
    measure = charts.shown(words.measure(result))
    height = max(320, min(620, 90 + 44 * len(names)))
    beside = charts.stacked(words.measure(result), 0.72 * height)
    chart = charts.chart(
        [
            Heatmap(
                z=[
                    [value if np.isfinite(value) else None for value in row] for row in result.values.tolist()
                ],
                text=label(result.values).tolist() if texts is None else _shown(texts),
                texttemplate="%{text}" if result.values.size <= CROWDED else "",
                customdata=[
                    [charts.shown(theme.head_name((row, column), tuple(result.axes))) for column in columns]
                    for row in names
                ],
                hovertemplate=f"%{{customdata}}<br>{measure}: %{{z:.4g}}<extra></extra>",
                colorscale=stops,
                zmin=low,
                zmax=high,
                xgap=2,
                ygap=2,
                colorbar={
                    "title": {"text": beside, "side": "right"},
                    "outlinewidth": 0,
                },
            )
        ],
        title,
        height=height,
    )
    if len(columns) <= 6:
        chart.update_layout(width=_chart_width(names, columns))
    across_labels = {
        "tickvals": list(range(len(columns))),
        "ticktext": [charts.shown(c) for c in theme.shown_labels(columns)],
    }
    down_labels = {
        "tickvals": list(range(len(names))),
        "ticktext": [charts.shown(n) for n in theme.shown_labels(names)],
    }
    chart.update_xaxes(charts.axis(words.axis_name(across, columns), showgrid=False, **across_labels))
    chart.update_yaxes(
        charts.axis(words.axis_name(down, names), showgrid=False, autorange="reversed", **down_labels)
    )
    return chart
