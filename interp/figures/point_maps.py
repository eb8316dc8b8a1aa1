"""Points with names: places on a map, words in a plane, one measure against another.

Refuses: models; choosing what to show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patheffects import withStroke
from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Scatter

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

FEW = 40  # names; of more points only some get theirs
AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))  # where a name may stand


@dataclass(frozen=True)
class Points:
    """What is drawn: `ends[thing, end, coordinate]` with one end or two, joined; whose names are written."""

    names: tuple[str, ...]
    ends: np.ndarray
    end_names: tuple[str, ...]
    measures: tuple[str, str]
    groups: tuple[str, ...]
    named: tuple[int, ...]
    arrows: tuple[tuple[int, int], ...]
    even: bool


def points(
    result: Result,
    *,
    title: str,
    groups: Mapping[str, str] | None = None,
    named: Sequence[str] | None = None,
    arrows: Sequence[tuple[str, str]] = (),
    even: bool = False,
    caption: str = "",
    alt: str = "",
) -> Figure:
    """One point per label of a Result[thing, coordinate] with two coordinates, across and up.

    A Result[thing, end, coordinate] with two ends draws a line from a hollow point to a full one, such as
    from the true place to the found one. `groups` gives things a colour and a mark; `named` are those whose
    names are written (all, of at most 40); `arrows` lead from one thing to another; `even` gives both
    coordinates one scale. Raises ValueError for other axes, or a name that is no label.
    """
    words.check_axes(result, (2, 3), "points")
    title, plan = words.typeset(title), _plan(result, dict(groups or {}), named, arrows, even)
    return Figure(
        result=result,
        title=title,
        caption=words.caption(result, caption),
        alt=alt
        or glyphs.say(
            "Points with names: {title}. {number} points; across {across}, up {up}.",
            title=title.rstrip(".。"),
            number=len(plan.names),
            across=plan.measures[0],
            up=plan.measures[1],
        ),
        matplotlib=partial(_static, plan, title),
        plotly=partial(_interactive, plan, title),
    )


def _plan(
    result: Result,
    groups: dict[str, str],
    named: Sequence[str] | None,
    arrows: Sequence[tuple[str, str]],
    even: bool,
) -> Points:
    sides = list(result.axes.values())
    names = tuple(str(label) for label in sides[0])
    ends = sides[1] if len(sides) == 3 else ("",)
    if len(sides[-1]) != 2 or len(ends) > 2:
        raise ValueError(
            "points needs two coordinates, and at most two ends for each thing; this Result has "
            f"{', '.join(f'{axis} ({len(labels)})' for axis, labels in result.axes.items())}."
        )
    wanted = (names if len(names) <= FEW else ()) if named is None else tuple(named)
    for name in (*wanted, *(name for pair in arrows for name in pair)):
        if name not in names:
            raise ValueError(
                f"There is no point {name!r} to name or to join. Choose one of the result's labels."
            )
    return Points(
        names=names,
        ends=result.values.reshape(len(names), len(ends), 2),
        end_names=tuple(str(end) for end in ends),
        measures=(str(sides[-1][0]), str(sides[-1][1])),
        groups=tuple(groups.get(name, "") for name in names),
        named=tuple(names.index(name) for name in wanted),
        arrows=tuple((names.index(one), names.index(other)) for one, other in arrows),
        even=even,
    )


def _kinds(plan: Points) -> dict[str, tuple[str, int]]:
    """Colour and number of each group, in the order in which they come."""
    return {group: (theme.role_colour(group, i), i) for i, group in enumerate(dict.fromkeys(plan.groups))}


def _static(plan: Points, title: str, caption: str) -> Canvas:
    canvas, axes = page.slide(title, caption)
    with rc_context(theme.style()):
        size = 130 if len(plan.names) <= FEW else 46
        for group, (colour, number) in _kinds(plan).items():
            mine = [i for i, one in enumerate(plan.groups) if one == group]
            _group(axes, plan, mine, colour, number, size, group)
        for one, other in plan.arrows:
            axes.annotate(
                "", plan.ends[other, -1], plan.ends[one, -1], zorder=2,
                arrowprops={"arrowstyle": "-|>", "color": theme.MUTED, "lw": 2.4, "shrinkA": 8, "shrinkB": 8},
            )  # fmt: skip
        _frame(axes, plan)
        canvas.draw_without_rendering()
        _write_names(axes, plan, size)
        return canvas


def _group(axes: Axes, plan: Points, mine: list[int], colour: str, number: int, size: int, name: str) -> None:
    first, last = plan.ends[mine, 0], plan.ends[mine, -1]
    mark = theme.MARKERS[number % len(theme.MARKERS)]
    if len(plan.end_names) == 2:
        axes.plot(
            np.stack([first[:, 0], last[:, 0]]), np.stack([first[:, 1], last[:, 1]]), color=colour,
            linewidth=1.4, alpha=0.5, zorder=1,
        )  # fmt: skip
        axes.scatter(*first.T, s=size, marker=mark, facecolor=theme.PAPER, edgecolor=colour, zorder=3)
    axes.scatter(
        *last.T, s=size, marker=mark, color=colour, edgecolor=theme.PAPER, linewidth=0.8, zorder=4,
        label=name or None,
    )  # fmt: skip
    if len(plan.named) < len(plan.names):  # a black edge shows whose name is written
        spots = plan.ends[[i for i in mine if i in plan.named], -1]
        axes.scatter(*spots.T, s=1.4 * size, marker=mark, color=colour, edgecolor=theme.INK, zorder=5)


def _frame(axes: Axes, plan: Points) -> None:
    axes.set_xlabel("\n".join(page.wrapped(plan.measures[0], 800, theme.LABEL)), labelpad=8)
    axes.set_ylabel("\n".join(page.wrapped(plan.measures[1], 330, theme.LABEL)), labelpad=10)
    axes.grid(color="#EBEBEB", linewidth=1.0)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=theme.TICK)
    axes.spines[:].set_visible(False)
    axes.margins(0.09)
    if plan.even:
        axes.set_aspect("equal", adjustable="datalim")
    if any(plan.groups):
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=theme.NOTE, frameon=False,
            handletextpad=0.3, borderaxespad=0,
        )  # fmt: skip


def _write_names(axes: Axes, plan: Points, size: int) -> None:
    """Each name beside its point, on the side where it covers least."""
    scale = 72 / axes.get_figure().dpi  # type: ignore[union-attr]
    spots = axes.transData.transform(plan.ends[:, -1]) * scale  # in points of the slide
    paths = [
        spots[one] + np.linspace(0, 1, 25)[:, None] * (spots[other] - spots[one])
        for one, other in plan.arrows
    ]
    others = axes.transData.transform(plan.ends[:, 0]) * scale
    blocked = np.concatenate([spots, others, *paths])
    room = np.array(axes.get_window_extent().extents) * scale
    letter = theme.TICK if len(plan.named) <= 16 else theme.NOTE
    taken: list[np.ndarray] = []
    for i in plan.named:
        wide, high = page.text_width(plan.names[i], letter), 1.05 * letter
        gap = np.sqrt(size) / 2 + 4
        boxes = [_box(spots[i], side, wide, high, gap) for side in AROUND]
        box = min(boxes, key=lambda one: _covered(one, blocked, taken, room))
        taken.append(box)
        axes.annotate(
            plan.names[i], plan.ends[i, -1], xytext=tuple((box[:2] + box[2:]) / 2 - spots[i]), ha="center",
            textcoords="offset points", va="center_baseline", fontsize=letter, zorder=6, color=theme.INK,
            path_effects=[withStroke(linewidth=3, foreground=theme.PAPER)],
        )  # fmt: skip


def _box(spot: np.ndarray, side: tuple[int, int], wide: float, high: float, gap: float) -> np.ndarray:
    """Left, bottom, right and top of a name on this side of its point."""
    half = np.array([wide, high]) / 2
    middle = spot + np.array(
        [side[0] * (wide / 2 + gap), side[1] * (high / 2 + gap * (0.5 if side[0] else 1))]
    )
    return np.array([*(middle - half), *(middle + half)])


def _covered(box: np.ndarray, spots: np.ndarray, taken: list[np.ndarray], room: np.ndarray) -> float:
    """How much a name would cover: other names count most, then points, then what leaves the room."""
    inside = ((spots > box[:2] - 3) & (spots < box[2:] + 3)).all(axis=1).sum()
    others = np.array(taken).reshape(-1, 4)
    overlap = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    names = (overlap > 0).all(axis=1).sum()
    outside = np.maximum(0, room[:2] - box[:2]).sum() + np.maximum(0, box[2:] - room[2:]).sum()
    return 4.0 * names + float(inside) + 0.1 * outside


def _interactive(plan: Points, title: str) -> Chart:
    traces: list[Scatter] = []
    for group, (colour, number) in _kinds(plan).items():
        mine = [i for i, one in enumerate(plan.groups) if one == group]
        traces += _traces(plan, mine, colour, number, group)
    chart = charts.chart(traces, title, height=560)
    for one, other in plan.arrows:
        (x0, y0), (x1, y1) = plan.ends[one, -1].tolist(), plan.ends[other, -1].tolist()
        chart.add_annotation(
            x=x1, y=y1, ax=x0, ay=y0, axref="x", ayref="y", text="", arrowcolor=theme.MUTED, arrowwidth=2,
            arrowhead=2, standoff=6, startstandoff=6,
        )  # fmt: skip
    chart.update_layout(showlegend=any(plan.groups))
    chart.update_xaxes(charts.axis(plan.measures[0]))
    even = {"scaleanchor": "x", "scaleratio": 1} if plan.even else {}
    chart.update_yaxes(charts.axis(plan.measures[1], room=400, **even))
    return chart


def _traces(plan: Points, mine: list[int], colour: str, number: int, group: str) -> list[Scatter]:
    shape = theme.PLOTLY_MARKERS[number % len(theme.PLOTLY_MARKERS)]
    made: list[Scatter] = []
    size = 11 if len(plan.names) <= FEW else 7
    if len(plan.end_names) == 2:
        broken = np.concatenate([plan.ends[mine], np.full((len(mine), 1, 2), None)], axis=1)
        across, up = broken.reshape(-1, 2).T.tolist()  # a None between two lines
        made.append(
            Scatter(
                x=across, y=up, mode="lines", hoverinfo="skip", line={"color": colour, "width": 1.4},
                opacity=0.5, showlegend=False,
            )
        )  # fmt: skip
    for end, name in enumerate(plan.end_names):
        hollow = len(plan.end_names) == 2 and end == 0
        told = f", {charts.shown(name)}" if name else ""
        made.append(
            Scatter(
                x=plan.ends[mine, end, 0].tolist(),
                y=plan.ends[mine, end, 1].tolist(),
                mode="markers" if hollow else "markers+text",
                text=["" if i not in plan.named or hollow else charts.shown(plan.names[i]) for i in mine],
                textposition="top center",
                name=charts.shown(group),
                showlegend=not hollow,
                legendgroup=charts.shown(group),
                marker={"color": colour, "size": size, "symbol": f"{shape}-open" if hollow else shape},
                customdata=[charts.shown(plan.names[i]) for i in mine],
                hovertemplate=f"%{{customdata}}{told}<br>%{{x:.4g}}, %{{y:.4g}}<extra></extra>",
                cliponaxis=False,
            )
        )
    return made
