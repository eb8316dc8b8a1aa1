"""A guess that changes from layer to layer: one row per layer, its first word and that word's chance.

Refuses: models; choosing what to show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyBboxPatch
from plotly.graph_objects import Bar
from plotly.graph_objects import Figure as Chart

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

OTHER = "#E4E4E4"
BOX, BAR_FROM, BAR_TO, STAGES = 3.0, 3.3, 6.8, 7.9  # where things stand across, the slide being 12 wide
WIDE_BOX, STAGES_ALONE = 5.6, 6.1  # the same without chances
WIDE, TALLEST = 12.0, 46.0


@dataclass(frozen=True)
class Ladder:
    """What is drawn, first layer first: labels, words, chances (nan: not known), roles of marked words."""

    labels: tuple[str, ...]
    texts: tuple[str, ...]
    chances: tuple[float, ...]
    roles: tuple[str, ...]  # "" for a word that is not marked
    colours: dict[str, str]
    measure: str

    @property
    def known(self) -> bool:
        """Whether any chance is."""
        return bool(np.isfinite(self.chances).any())


def ladder(
    result: Result,
    texts: Sequence[str],
    *,
    title: str,
    marked: Mapping[str, str] | None = None,
    caption: str = "",
    alt: str = "",
) -> Figure:
    """One row per layer of a Result with one axis: the word that stands first there, and its probability.

    `marked` gives words a role, such as {" Poland": "the country"}: they get a colour, and each run of layers
    with the same role its name at the side. A nan has no bar: the word is known, its probability is not.
    Raises ValueError for another number of axes, or another number of words.
    """
    words.check_axes(result, (1,), "ladder")
    ((axis, labels),) = result.axes.items()
    if len(texts) != len(labels):
        raise ValueError(
            f"ladder got {len(texts)} words for {len(labels)} numbers. Give one word for each number."
        )
    title, plan = words.typeset(title), _plan(result, texts, dict(marked or {}))
    named = tuple(f"{label} {text}" for label, text in zip(labels, plan.texts, strict=True))
    said = ", ".join(f"{label}: {text}" for label, text in zip(plan.labels, plan.texts, strict=True))
    return Figure(
        result=Result(result.values, {axis: named}, result.quantity, result.unit, result.about),
        title=title,
        caption=words.caption(result, caption),
        alt=alt
        or glyphs.say(
            "The first guess after every layer: {title}. {said}.", title=title.rstrip(".。"), said=said
        ),
        matplotlib=partial(_static, plan, title),
        plotly=partial(_interactive, plan, title),
    )


def _plan(result: Result, texts: Sequence[str], marked: dict[str, str]) -> Ladder:
    ((axis, labels),) = result.axes.items()
    roles = dict.fromkeys(marked.values())
    return Ladder(
        labels=tuple(f"{axis} {label}" if isinstance(label, int) else str(label) for label in labels),
        texts=theme.shown_labels(texts),
        chances=tuple(result.values.tolist()),
        roles=tuple(marked.get(text, "") for text in texts),
        colours={role: theme.SERIES[i % len(theme.SERIES)] for i, role in enumerate(roles)},
        measure=words.measure(result),
    )


def _static(plan: Ladder, title: str, caption: str) -> Canvas:
    canvas, axes = page.slide(title, caption)
    with rc_context(theme.style()):
        high = page.room(canvas)[1]
        step = min(TALLEST, (high - 34) / len(plan.labels))
        page.shrink(canvas, float("inf"), step * len(plan.labels) + 34)
        axes.set(xlim=(-1.7, WIDE - 1.7), ylim=(len(plan.labels), -0.9))
        axes.set_axis_off()
        size = max(8.0, min(theme.LABEL, 0.62 * step))
        for row in range(len(plan.labels)):
            _row(axes, plan, row, size)
        if plan.known:
            axes.text(BAR_FROM, -0.25, plan.measure, fontsize=min(theme.NOTE, size), color=theme.MUTED)
        _stages(axes, plan, step)
        return canvas


def _row(axes: Axes, plan: Ladder, row: int, size: float) -> None:
    colour = plan.colours.get(plan.roles[row], OTHER)
    axes.text(
        -0.2, row + 0.5, plan.labels[row], ha="right", va="center_baseline", fontsize=size, color=theme.MUTED
    )
    width = BOX if plan.known else WIDE_BOX
    box = FancyBboxPatch(
        (0, row + 0.08), width, 0.84, boxstyle="round,pad=0,rounding_size=0.12", facecolor=colour,
        edgecolor="none", mutation_aspect=1.0,
    )  # fmt: skip
    axes.add_patch(box)
    axes.text(
        width / 2, row + 0.5, plan.texts[row], ha="center", va="center_baseline", fontsize=size,
        color=theme.ink_on(colour), weight="bold" if plan.roles[row] else "normal",
    )  # fmt: skip
    chance = plan.chances[row]
    if np.isfinite(chance):
        reach = chance * (BAR_TO - BAR_FROM)
        axes.barh(row + 0.5, reach, left=BAR_FROM, height=0.5, color=colour if plan.roles[row] else "#9A9A9A")
        axes.text(BAR_FROM + reach + 0.1, row + 0.5, f"{chance:.0%}", va="center_baseline", fontsize=size)


def _stages(axes: Axes, plan: Ladder, step: float) -> None:
    """A bracket and a name for every run of marked layers, and for the layers before the first."""
    left = STAGES if plan.known else STAGES_ALONE
    start = 0
    for role, run in groupby(plan.roles):
        end = start + len(list(run))
        if role or start == 0:
            colour = plan.colours.get(role, theme.MUTED)
            axes.plot(
                [left, left], [start + 0.15, end - 0.15], color=colour, linewidth=4, solid_capstyle="butt"
            )
            axes.text(
                left + 0.2, (start + end) / 2, role or glyphs.say("something else"), va="center",
                fontsize=min(theme.LABEL, 0.9 * step * (end - start)), color=colour, weight="bold",
            )  # fmt: skip
        start = end


def _interactive(plan: Ladder, title: str) -> Chart:
    known = plan.known
    lengths = [chance if np.isfinite(chance) else (0.0 if known else 1.0) for chance in plan.chances]
    texts = [
        charts.shown(text + (f"  {chance:.0%}" if np.isfinite(chance) else ""))
        for text, chance in zip(plan.texts, plan.chances, strict=True)
    ]
    bar = Bar(
        x=lengths,
        y=list(range(len(plan.labels))),
        orientation="h",
        marker={"color": [plan.colours.get(role, "#9A9A9A" if known else OTHER) for role in plan.roles]},
        text=texts,
        textposition="outside" if known else "inside",
        insidetextanchor="start",
        customdata=[charts.shown(label) for label in plan.labels],
        hovertemplate="%{customdata}: %{text}<extra></extra>",
        cliponaxis=False,
    )
    chart = charts.chart([bar], title, height=max(300, 90 + 30 * len(plan.labels)))
    ticks = {
        "tickvals": list(range(len(plan.labels))),
        "ticktext": [charts.shown(one) for one in plan.labels],
    }
    chart.update_xaxes(charts.axis(plan.measure if known else "", range=[0, 1.25], visible=known))
    chart.update_yaxes(charts.axis("", showgrid=False, autorange="reversed", **ticks))
    return chart
