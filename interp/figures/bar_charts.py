"""Lying bars: a handful of named numbers, with whiskers when an interval is known.

Refuses: models; choosing what to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from plotly.graph_objects import Bar
from plotly.graph_objects import Figure as Chart

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

THICKEST, BELOW = 84.0, 70.0


@dataclass(frozen=True)
class Bars:
    """What is drawn: `values[name, series]`, limits of the same shape or none, dashed guides by label."""

    names: tuple[str, ...]
    series: tuple[str, ...]
    values: np.ndarray
    limits: tuple[np.ndarray, np.ndarray] | None
    guides: tuple[tuple[str, float | int], ...]
    measure: str
    name_axis: str
    titled: str  # what is written along it
    reach: float | int = 0
    role: str = ""


def bars(
    result: Result,
    *,
    title: str,
    interval: Result | None = None,
    largest: int | None = None,
    guides: Mapping[str, float | int] | None = None,
    reach: float | int = 0,
    role: str = "",
    caption: str = "",
    alt: str = "",
) -> Figure:
    """One bar per label of a Result with one axis; with two axes, the second axis's labels stand side by
    side.

    A Result[layer, head] gives one bar per head, "L5H2". `largest` keeps that many, the largest size first.
    `interval` is the Result's own `interval(...)`; `guides` are values to compare with, drawn as dashed
    lines. The axis goes to `reach` at least, so that two pictures can be compared. `role` ("clean",
    "ablated", "control") gives all bars that role's colour. Raises ValueError for another number of axes, or
    an interval of another measurement.
    """
    words.check_axes(result, (1, 2), "bars")
    title = words.typeset(title)
    plan = replace(_plan(result, interval, largest, dict(guides or {})), reach=reach, role=role)
    bars_in_all = result.values.size // len(plan.series)
    number = len(plan.names)
    cut = glyphs.say("The {number} largest of {all}.", number=number, all=bars_in_all) + " "
    cut = cut if number < bars_in_all else ""
    return Figure(
        result=result,
        title=title,
        caption=words.caption(result, cut + caption, glyphs.say("Whiskers") if interval else ""),
        alt=alt or words.alt(result, title, glyphs.say("Bar chart")),
        matplotlib=partial(_static, plan, title),
        plotly=partial(_interactive, plan, title),
        interval=interval,
    )


def _plan(
    result: Result, interval: Result | None, largest: int | None, guides: dict[str, float | int]
) -> Bars:
    values, limits = result.values, words.bounds(result, interval)
    axes = list(result.axes.items())
    if tuple(result.axes) == ("layer", "head"):
        names = tuple(f"L{layer}H{head}" for layer in axes[0][1] for head in axes[1][1])
        series, shape = ("",), (len(names), 1)
    else:
        names = theme.shown_labels(axes[0][1]) if axes[0][0] == "token" else tuple(map(str, axes[0][1]))
        series = tuple(map(str, axes[1][1])) if len(axes) == 2 else ("",)
        shape = (len(names), len(series))
    values = values.reshape(shape)
    order = np.arange(len(names))
    if largest is not None:
        order = np.argsort(-np.nan_to_num(np.abs(values)).max(axis=1), kind="stable")[:largest]
    return Bars(
        names=tuple(names[i] for i in order),
        series=series,
        values=values[order],
        limits=None if limits is None else (limits[0].reshape(shape)[order], limits[1].reshape(shape)[order]),
        guides=tuple(guides.items()),
        measure=words.measure(result),
        name_axis=axes[0][0],
        titled="" if tuple(result.axes) == ("layer", "head") else words.axis_name(*axes[0]),
    )


def _colours(plan: Bars) -> list[list[str]]:
    """The colour of every bar: by role of its series; with one series, by `role` or its own name."""
    if plan.series == ("",):
        own = plan.name_axis != "token"  # what a model says plays no role
        return [[theme.role_colour(plan.role or (name if own else ""), 0)] for name in plan.names]
    return [[theme.role_colour(one, i) for i, one in enumerate(plan.series)] for _ in plan.names]


def _static(plan: Bars, title: str, caption: str) -> Canvas:
    canvas, axes = page.slide(title, caption)
    with rc_context(theme.style()):
        rows, many = plan.values.shape
        thick = 0.74 / many
        for row, colours in enumerate(_colours(plan)):
            for column, colour in enumerate(colours):
                place = row + (column - (many - 1) / 2) * thick
                _bar(axes, plan, (row, column), place, thick * 0.92, colour)
        room = page.room(canvas)[1]
        page.shrink(canvas, float("inf"), rows * THICKEST + BELOW)
        height = min(THICKEST, (room - BELOW) / rows)
        size = max(8.0, min(theme.TICK, 0.8 * height))
        axes.set_yticks(range(rows), plan.names, fontsize=size)
        axes.set_ylim(rows - 0.45, -0.55)
        axes.set_ylabel(plan.titled, labelpad=8)
        _frame(axes, plan)
        _numbers(axes, plan, min(size * 0.92, 0.8 * height * thick))
        if many > 1:
            _legend(axes, plan)
        return canvas


def _bar(axes: Axes, plan: Bars, cell: tuple[int, int], place: float, thick: float, colour: str) -> None:
    axes.barh(place, plan.values[cell], height=thick, zorder=2, **_filled(colour, cell[1]))
    if plan.limits is not None:
        low, high = plan.limits[0][cell], plan.limits[1][cell]
        axes.plot(
            [low, high], [place, place], color=theme.INK, linewidth=2.2, solid_capstyle="butt", zorder=4
        )
        for end in (low, high):
            axes.plot(
                [end, end],
                [place - thick * 0.22, place + thick * 0.22],
                color=theme.INK,
                linewidth=2.2,
                zorder=4,
            )


def _filled(colour: str, column: int) -> dict[str, Any]:
    """How a series of bars is filled: the first plain, each other with lines of its own, for grey prints."""
    hatch = theme.HATCHES[column % len(theme.HATCHES)]
    return {"facecolor": colour, "hatch": hatch, "edgecolor": theme.PAPER, "linewidth": 0}


def _ends(plan: Bars) -> tuple[float, float]:
    """Where the axis begins and ends: all that is drawn, and room on both sides for the numbers."""
    ends = [plan.values, *(plan.limits or ()), np.array([value for _, value in plan.guides])]
    low = min(0.0, *(float(np.nanmin(part, initial=0.0)) for part in ends))
    high = max(float(plan.reach), *(float(np.nanmax(part, initial=0.0)) for part in ends))
    span = (high - low) or 1.0
    return low - (0.13 * span if low < 0 else 0.0), high + (0.13 * span if high > 0 else 0.0)


def _places(plan: Bars) -> int:
    """How many decimals the bars' numbers need: one more where some would read 0 that are not."""
    places = theme.decimals(plan.values)
    vanish = (plan.values != 0) & (np.abs(plan.values) < 0.5 * 10.0**-places)
    return places + int(vanish.any())


def _frame(axes: Axes, plan: Bars) -> None:
    """Zero line and guides."""
    axes.set_xlim(*_ends(plan))
    axes.axvline(0, color=theme.INK, linewidth=1.4, zorder=3)
    for label, value in plan.guides:
        axes.axvline(value, color=theme.MUTED, linewidth=1.8, linestyle=(0, (5, 3)), zorder=3)
        axes.text(
            value,
            1.025,
            label,
            transform=axes.get_xaxis_transform(),
            ha="center",
            fontsize=theme.NOTE,
            color=theme.MUTED,
        )
    axes.set_xlabel(plan.measure, labelpad=8)
    axes.grid(axis="x", color="#EBEBEB", linewidth=1.0)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0)
    axes.tick_params(axis="y", length=0, pad=9)
    axes.spines[:].set_visible(False)


def _numbers(axes: Axes, plan: Bars, size: float) -> None:
    """Every value in figures at the end of its bar or whisker; none where it would be too small to read."""
    if size < page.least(9.0):
        return
    places, signed = _places(plan), bool((plan.values < 0).any())
    many = plan.values.shape[1]
    for (row, column), value in np.ndenumerate(plan.values):
        place = row + (column - (many - 1) / 2) * 0.74 / many
        end = value if np.isfinite(value) else 0.0
        if plan.limits is not None:
            end = plan.limits[1][row, column] if value >= 0 else plan.limits[0][row, column]
        text = theme.number(value, places, signed=signed)
        side = 1 if end >= 0 else -1
        axes.annotate(
            text,
            (end, place),
            xytext=(7 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center_baseline",
            fontsize=size,
        )


def _legend(axes: Axes, plan: Bars) -> None:
    from matplotlib.patches import Patch

    keys = [Patch(label=one, **_filled(theme.role_colour(one, i), i)) for i, one in enumerate(plan.series)]
    axes.legend(
        handles=keys,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=len(keys),
        frameon=False,
        fontsize=theme.TICK,
        borderaxespad=0.2,
        handlelength=1.2,
    )


def _shades(plan: Bars, colours: np.ndarray) -> str | list[str]:
    """One colour for a series among others: plotly's legend draws lines over no list of colours."""
    return str(colours[0]) if len(plan.series) > 1 else colours.tolist()


def _pattern(column: int) -> dict[str, Any]:
    """As `_filled`, for plotly."""
    shape = theme.PLOTLY_PATTERNS[column % len(theme.PLOTLY_PATTERNS)]
    return {"shape": shape, "fillmode": "overlay", "fgcolor": theme.PAPER, "size": 9, "solidity": 0.2}


def _interactive(plan: Bars, title: str) -> Chart:
    colours = np.array(_colours(plan), dtype=object)
    places, signed = _places(plan), bool((plan.values < 0).any())
    traces = []
    for column, series in enumerate(plan.series):
        values = plan.values[:, column]
        error = None
        if plan.limits is not None:
            low, high = plan.limits[0][:, column], plan.limits[1][:, column]
            error = {
                "array": (high - values).tolist(),
                "arrayminus": (values - low).tolist(),
                "color": theme.INK,
            }
        traces.append(
            Bar(
                x=values.tolist(),
                y=list(range(len(plan.names))),
                orientation="h",
                name=charts.shown(series),
                marker={"color": _shades(plan, colours[:, column]), "pattern": _pattern(column)},
                error_x=error,
                text=[theme.number(value, places, signed=signed) for value in values],
                textposition="none" if error else "outside",
                customdata=[charts.shown(name) for name in plan.names],
                hovertemplate=f"%{{customdata}}: %{{x:.4g}}<extra>{charts.shown(series)}</extra>",
                cliponaxis=False,
            )
        )
    chart = charts.chart(traces, title, height=max(300, 110 + 34 * plan.values.size))
    chart.update_layout(barmode="group", bargap=0.28, showlegend=len(plan.series) > 1)
    ends = list(_ends(plan))
    chart.update_xaxes(charts.axis(plan.measure, zeroline=True, zerolinecolor=theme.INK, range=ends))
    ticks = {
        "tickvals": list(range(len(plan.names))),
        "ticktext": [charts.shown(name) for name in plan.names],
    }
    chart.update_yaxes(charts.axis(plan.titled, showgrid=False, autorange="reversed", **ticks))
    for label, value in plan.guides:
        chart.add_vline(
            x=value,
            line_dash="dash",
            line_color=theme.MUTED,
            annotation_text=charts.shown(label),
            annotation_position="top",
        )
    return chart
