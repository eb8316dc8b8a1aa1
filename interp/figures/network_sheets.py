"""The network on a sheet: words at the bottom, the guess on top, and what stands between, with its numbers.

Refuses: models; what the parts are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Scatter

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

PARTS = ("words known", "numbers per word", "layers", "heads in a layer", "neurons in a layer")
WIDE, HIGH = 890.0, 372.0  # the room of the interactive chart, in the points of the slide's
LEFT = 0.6  # of the width: the network; what its parts do stands to the right
TEXT, NOTE = 15.0, 14.5  # sizes, in points
HEADS, NEURONS, WORD, GUESS = "#CFE3F1", "#F9D9C0", "#ECECEC", theme.CLEAN
ROWS = (0.04, 0.155, 0.335, 0.505, 0.70, 0.86)  # of the height: words, numbers, heads, neurons, layers, guess


@dataclass(frozen=True)
class Box:
    """A rounded box by its centre, in points, with what stands in it."""

    x: float
    y: float
    wide: float
    high: float
    text: str
    fill: str


@dataclass(frozen=True)
class Arrow:
    """An arrow from one point to another; `bring`s news from another word, or stays at its own."""

    start: tuple[float, float]
    end: tuple[float, float]
    brings: bool


@dataclass(frozen=True)
class Sheet:
    """What is drawn: boxes, arrows, and notes (x, y, text) that begin at x."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    notes: tuple[tuple[float, float, str], ...]


def network_sheet(
    result: Result,
    *,
    sentence: Sequence[str],
    title: str,
    answer: str = "?",
    caption: str = "",
    alt: str = "",
) -> Figure:
    """A drawing of the whole network over a short sentence, from a Result[part] that counts `PARTS`.

    Arrows between words stand in the heads' row alone: only heads carry news from word to word. Raises
    ValueError for a Result without one of the parts, and for a sentence of fewer than two words.
    """
    words.check_axes(result, (1,), "network_sheet")
    lost = [part for part in PARTS if part not in result.axes.get("part", ())]
    if lost or len(sentence) < 2:
        missing = f"no count of {lost[0]!r}" if lost else f"a sentence of {len(sentence)} word"
        raise ValueError(
            f"network_sheet was given {missing}. Give a Result[part] of {PARTS} and two words or more."
        )
    title = words.typeset(title)
    told = _notes(result)
    return Figure(
        result=result,
        title=title,
        caption=words.caption(result, caption),
        alt=alt
        or glyphs.say(
            "The network on a sheet: {title}. From the bottom up: {rows}.",
            title=title.rstrip(".。"),
            rows=glyphs.say("; ").join(told),
        ),
        matplotlib=partial(_static, result, tuple(sentence), answer, title),
        plotly=partial(_interactive, result, tuple(sentence), answer, title),
    )


def _notes(result: Result) -> tuple[str, ...]:
    """What each row is, from the bottom up, in a sentence each."""
    known, numbers, layers, heads, neurons = (f"{float(result.at(part=part)):,.0f}" for part in PARTS)
    return (
        glyphs.say("The words of a sentence."),
        glyphs.say("Each word becomes a list of {numbers} numbers.", numbers=numbers),
        glyphs.say("{heads} heads bring news from earlier words.", heads=heads),
        glyphs.say("{neurons} neurons work on each word alone.", neurons=neurons),
        glyphs.say(
            "Blue and orange are one layer. {layers} of them, one after the other, each adding to the "
            "numbers.",
            layers=layers,
        ),
        glyphs.say(
            "At the last word: a score for each of {known} words and pieces. The highest is the guess.",
            known=known,
        ),
    )


def _others(result: Result) -> str:
    """The layers that are not drawn: the first one stands for all."""
    last = int(result.at(part="layers").values) - 1
    if last > 1:
        return glyphs.say("layers 1 to {last}, built alike", last=last)
    return glyphs.say("layer 1, built alike") if last else glyphs.say("no other layer")


def _planned(result: Result, sentence: Sequence[str], answer: str, wide: float, high: float) -> Sheet:
    """Everything in points: a column for each word, a row for each step."""
    network = LEFT * wide
    step = network / len(sentence)
    columns = [step * (at + 0.5) for at in range(len(sentence))]
    at = [high * share for share in ROWS]
    tall, room = 0.075 * high, step * 0.86
    boxes = [Box(x, at[0], room, tall, word, WORD) for x, word in zip(columns, sentence, strict=True)]
    boxes += [Box(x, at[1], room * 0.62, tall * 0.9, "▪▪▪", theme.PAPER) for x in columns]
    boxes += [Box(network / 2, at[2], network, 0.17 * high, "", HEADS)]
    boxes += [Box(x, at[3], room * 0.62, 0.105 * high, "", NEURONS) for x in columns]
    boxes += [Box(network / 2, at[4], network, 0.15 * high, _others(result), WORD)]
    boxes += [Box(columns[-1], at[5], room, tall, answer, GUESS)]
    foot, top = at[2] - 0.06 * high, at[2] + 0.06 * high
    arrows = [Arrow((x, foot), (columns[-1], top), brings=True) for x in columns[:-1]]
    arrows += [Arrow((columns[0], foot), (columns[len(columns) // 2], top), brings=True)]
    gaps = ((0, tall / 2, 1, tall / 2), (1, tall / 2, 2, 0.085 * high), (2, 0.085 * high, 3, 0.055 * high))
    gaps += ((3, 0.055 * high, 4, 0.075 * high),)
    arrows += [
        Arrow((x, at[a] + up), (x, at[b] - down), brings=False) for x in columns for a, up, b, down in gaps
    ]
    arrows += [Arrow((columns[-1], at[4] + 0.075 * high), (columns[-1], at[5] - tall / 2), brings=False)]
    notes = zip([network + 0.025 * wide] * len(at), at, _notes(result), strict=True)
    return Sheet(tuple(boxes), tuple(arrows), tuple(notes))


def _static(result: Result, sentence: Sequence[str], answer: str, title: str, caption: str) -> Canvas:
    canvas, axes = page.slide(title, caption)
    with rc_context(theme.style()):
        wide, high = page.room(canvas)
        plan = _planned(result, sentence, answer, wide, high)
        axes.set(xlim=(0, wide), ylim=(0, high))
        axes.set_axis_off()
        for box in plan.boxes:
            _draw(axes, box, page.least(TEXT))
        for arrow in plan.arrows:
            axes.add_patch(_patch(arrow))
        for x, y, text in plan.notes:
            size = page.least(NOTE)
            lines = "\n".join(page.wrapped(text, wide - x - 4, size))
            axes.text(x, y, lines, fontsize=size, color=theme.INK, va="center", linespacing=1.25)
        return canvas


def _draw(axes: Axes, box: Box, size: float) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (box.x - box.wide / 2, box.y - box.high / 2), box.wide, box.high,
            boxstyle="round,pad=0,rounding_size=5", facecolor=box.fill, edgecolor=theme.MUTED, linewidth=1,
        )
    )  # fmt: skip
    while page.text_width(box.text, size) > 0.94 * box.wide and size > page.SMALLEST:
        size -= 0.5
    axes.text(
        box.x, box.y, box.text, fontsize=size, color=theme.ink_on(box.fill), ha="center", va="center_baseline"
    )


def _patch(arrow: Arrow) -> FancyArrowPatch:
    colour, width = (theme.CLEAN, 2.2) if arrow.brings else (theme.MUTED, 1.2)
    return FancyArrowPatch(
        arrow.start, arrow.end, arrowstyle="-|>,head_length=5,head_width=2.5", mutation_scale=1,
        linewidth=width, color=colour, shrinkA=0, shrinkB=0, zorder=3,
    )  # fmt: skip


def _interactive(result: Result, sentence: Sequence[str], answer: str, title: str) -> Chart:
    plan = _planned(result, sentence, answer, WIDE, HIGH)
    rows = Scatter(
        x=[LEFT * WIDE / 2] * len(plan.notes), y=[y for _, y, _ in plan.notes], mode="markers",
        marker={"size": 30, "opacity": 0}, hoverinfo="text",
        hovertext=[charts.shown(text) for *_, text in plan.notes],
    )  # fmt: skip
    chart = charts.chart([rows], title, height=470)
    shapes = [
        {
            "type": "rect", "x0": box.x - box.wide / 2, "x1": box.x + box.wide / 2,
            "y0": box.y - box.high / 2, "y1": box.y + box.high / 2, "fillcolor": box.fill,
            "line": {"color": theme.MUTED, "width": 1},
            "layer": "below",
        }
        for box in plan.boxes
    ]  # fmt: skip
    notes: list[dict[str, object]] = [_arrow_note(arrow) for arrow in plan.arrows]
    notes += [_text_note(box.x, box.y, charts.shown(box.text), theme.ink_on(box.fill)) for box in plan.boxes]
    room = 0.8 * (WIDE * (1 - LEFT) - 30)
    notes += [
        {**_text_note(x, y, charts.stacked(text, room), theme.INK), "xanchor": "left", "align": "left"}
        for x, y, text in plan.notes
    ]
    chart.update_layout(shapes=shapes, annotations=notes, showlegend=False)
    chart.update_xaxes(visible=False, range=[0, WIDE], fixedrange=True)
    chart.update_yaxes(visible=False, range=[-6, HIGH + 10], fixedrange=True)
    return chart


def _arrow_note(arrow: Arrow) -> dict[str, object]:
    (ax, ay), (x, y) = arrow.start, arrow.end
    colour, width = (theme.CLEAN, 1.8) if arrow.brings else (theme.MUTED, 1)
    return {
        "x": x, "y": y, "ax": ax, "ay": ay, "xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "",
        "showarrow": True, "arrowhead": 2, "arrowsize": 0.8, "arrowwidth": width, "arrowcolor": colour,
    }  # fmt: skip


def _text_note(x: float, y: float, text: str, colour: str) -> dict[str, object]:
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": {"size": 13, "color": colour}}
