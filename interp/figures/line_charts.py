"""Lines over an ordered axis: what happens from layer to layer, or from step to step.

Refuses: models; choosing what to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Scatter

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

ORDERED = ("layer", "step", "position", "size")
ROOM_BESIDE = 330  # points for the name of the measure, written upwards


@dataclass(frozen=True)
class Lines:
    """What is drawn: `values[series, place]` over the labels of one axis, limits of that shape or none."""

    along: str
    places: tuple[object, ...]
    series: tuple[str, ...]
    values: np.ndarray
    limits: tuple[np.ndarray, np.ndarray] | None
    guides: tuple[tuple[str, float | int], ...]
    measure: str


def lines(
    result: Result,
    *,
    title: str,
    interval: Result | None = None,
    along: str | None = None,
    guides: Mapping[str, float | int] | None = None,
    caption: str = "",
    alt: str = "",
) -> Figure:
    """A line over a Result with one axis; with two, one line per label of the axis that is not `along`.

    `along` is the horizontal axis: the one named layer, step, position or size unless given. `interval` is
    the Result's own `interval(...)`, drawn as a band; `guides` are values to compare with, drawn as dashed
    lines. Raises ValueError for another number of axes, an unknown `along`, or an interval of another
    measurement.
    """
    words.check_axes(result, (1, 2), "lines")
    title = words.typeset(title)
    plan = _plan(result, interval, along, dict(guides or {}))
    return Figure(
        result=result,
        title=title,
        caption=words.caption(result, caption, glyphs.say("Band") if interval else ""),
        alt=alt or words.alt(result, title, glyphs.say("Line chart")),
        matplotlib=partial(_static, plan, title),
        plotly=partial(_interactive, plan, title),
        interval=interval,
    )


def _plan(
    result: Result, interval: Result | None, along: str | None, guides: dict[str, float | int]
) -> Lines:
    names = list(result.axes)
    chosen = along or next((name for name in ORDERED if name in names), names[-1])
    if chosen not in names:
        raise ValueError(
            f"There is no axis {chosen!r} to draw along; this Result has {', '.join(names)}. Choose one."
        )
    limits = words.bounds(result, interval)
    grids = [result.values, *(limits or ())]
    if len(names) == 1:
        grids = [grid[None] for grid in grids]
    elif names[0] == chosen:
        grids = [grid.T for grid in grids]
    other = [name for name in names if name != chosen]
    return Lines(
        along=chosen,
        places=tuple(result.axes[chosen]),
        series=tuple(str(label) for label in result.axes[other[0]]) if other else ("",),
        values=grids[0],
        limits=(grids[1], grids[2]) if limits is not None else None,
        guides=tuple(guides.items()),
        measure=words.measure(result),
    )


def _static(plan: Lines, title: str, caption: str) -> Canvas:
    canvas, axes = page.slide(title, caption)
    with rc_context(theme.style()):
        along = np.arange(len(plan.places))
        for i, series in enumerate(plan.series):
            colour = theme.role_colour(series, i)
            if plan.limits is not None:
                axes.fill_between(
                    along, plan.limits[0][i], plan.limits[1][i], color=colour, alpha=0.2, linewidth=0
                )
            axes.plot(
                along, plan.values[i], color=colour, linewidth=3.2, marker=theme.MARKERS[i % 6],
                markersize=10, linestyle=theme.DASHES[i % 6], markeredgecolor=theme.PAPER,
                label=series, zorder=3,
            )  # fmt: skip
        _frame(axes, plan)
        _name_lines(axes, plan)
        return canvas


def _frame(axes: Axes, plan: Lines) -> None:
    shown = _labelled(plan)
    labels = theme.shown_labels(plan.places)
    axes.set_xticks(list(shown), [labels[i] for i in shown])
    axes.set_xlim(-0.25, len(plan.places) - 0.75)
    axes.axhline(0, color=theme.INK, linewidth=1.4, zorder=1)
    for label, value in plan.guides:
        axes.axhline(value, color=theme.MUTED, linewidth=1.8, linestyle=(0, (5, 3)), zorder=1)
        axes.annotate(
            label, (0, value), xycoords=("axes fraction", "data"), xytext=(6, 5), textcoords="offset points",
            fontsize=theme.NOTE, color=theme.MUTED,
        )  # fmt: skip
    axes.set_xlabel(glyphs.say(plan.along), labelpad=8)
    axes.set_ylabel(
        "\n".join(page.wrapped(plan.measure, min(ROOM_BESIDE, page.least(ROOM_BESIDE)), theme.LABEL)),
        labelpad=10,
    )
    axes.grid(axis="y", color="#EBEBEB", linewidth=1.0)
    axes.tick_params(length=0, labelsize=theme.TICK)
    axes.spines[:].set_visible(False)
    axes.margins(y=0.08)


def _labelled(plan: Lines) -> range:
    """The places whose labels find room: 24 short ones, fewer long ones."""
    widest = max(map(len, theme.shown_labels(plan.places)), default=1)
    return range(0, len(plan.places), max(1, int(np.ceil(len(plan.places) / min(24, 48 // min(widest, 48))))))


def _name_lines(axes: Axes, plan: Lines) -> None:
    """Each line's name at its right end, pushed apart where ends lie close; no legend to look up."""
    if plan.series == ("",):
        return
    low, high = axes.get_ylim()
    apart = 0.062 * (high - low)
    ends = [float(np.nan_to_num(row[-1])) for row in plan.values]
    order = sorted(range(len(ends)), key=lambda i: ends[i])
    heights = spread([ends[i] for i in order], apart)
    for i, height in zip(order, heights, strict=True):
        axes.annotate(
            plan.series[i],
            (len(plan.places) - 1, height), xytext=(16, 0), textcoords="offset points", va="center",
            fontsize=theme.TICK, weight="bold", color=theme.role_colour(plan.series[i], i),
            annotation_clip=False, bbox={"facecolor": theme.PAPER, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip


def spread(heights: list[float], apart: float) -> list[float]:
    """Ascending heights moved as little as a forward and a centring pass can, so that neighbours stand
    `apart`.
    """
    if not heights:
        return []
    moved = [heights[0]]
    for height in heights[1:]:
        moved.append(max(height, moved[-1] + apart))
    shift = sum(m - h for m, h in zip(moved, heights, strict=True)) / len(heights)
    return [height - shift for height in moved]


def _interactive(plan: Lines, title: str) -> Chart:
    traces = []
    along = list(range(len(plan.places)))
    labels = [charts.shown(place) for place in theme.shown_labels(plan.places)]
    ticks = _labelled(plan)
    for i, series in enumerate(plan.series):
        colour = theme.role_colour(series, i)
        if plan.limits is not None:
            traces.append(_band(along, plan.limits[0][i], plan.limits[1][i], colour))
        traces.append(
            Scatter(
                x=along,
                y=plan.values[i].tolist(),
                name=charts.shown(series),
                mode="lines+markers",
                line={"color": colour, "width": 3, "dash": theme.PLOTLY_DASHES[i % 6]},
                marker={"size": 9, "symbol": theme.PLOTLY_MARKERS[i % 6]},
                customdata=labels,
                hovertemplate=f"{charts.shown(glyphs.say(plan.along))} %{{customdata}}: %{{y:.4g}}"
                f"<extra>{charts.shown(series)}</extra>",
            )
        )
    chart = charts.chart(traces, title)
    chart.update_layout(showlegend=len(plan.series) > 1)
    chart.update_xaxes(
        charts.axis(
            glyphs.say(plan.along), showgrid=False, tickvals=list(ticks), ticktext=[labels[i] for i in ticks]
        )
    )
    chart.update_yaxes(charts.axis(plan.measure, room=ROOM_BESIDE, zeroline=True, zerolinecolor=theme.INK))
    for label, value in plan.guides:
        chart.add_hline(
            y=value, line_dash="dash", line_color=theme.MUTED, annotation_text=charts.shown(label)
        )
    return chart


def _band(along: list[int], low: np.ndarray, high: np.ndarray, colour: str) -> Scatter:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return Scatter(
        x=[*along, *reversed(along)],
        y=[*high.tolist(), *low[::-1].tolist()],
        mode="lines",
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.18)",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )
