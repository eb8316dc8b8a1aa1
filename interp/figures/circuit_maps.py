"""A circuit over its sentence: heads above the words where they stand, arrows as strong as measured.

Refuses: models; choosing which heads, and how weak an arrow may be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Scatter

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

COLOURS = (*theme.SERIES[:5], "#3A3A3A", "#56349A", "#A3123A", "#1B6E8C", "#767676")
GLYPHS = ("●", "■", "▲", "◆", "▼", "✚", "★", "✖", "◀", "▶")  # a role is never told by its colour alone
WIDE, HIGH = 890.0, 372.0  # the room of the interactive chart, in the points of the slide's
SENTENCE, LEGEND, VALUE = 22.0, 15.0, 13.0  # sizes of text, in points
TALL, CLOSEST, WIDEST = 27.0, 8.0, 96.0  # a head's box, and the room between two
ALONG = 0.72  # of the width: the sentence; the rest is for the heads above its last word
PORTS = 0.36  # of a box's width: how far from its middle arrows begin and end
THINNEST, THICKEST = 1.0, 6.5
LABELS = 56.0  # points at the left for the names of the layers
FOOT, HEAD = 62.0, 30.0  # points above the bottom where heads begin, and below the top where they end
MOST_VALUES = 9


@dataclass(frozen=True)
class Box:
    """One head, or the answer: centre and width in points, text and colour."""

    x: float
    y: float
    width: float
    text: str
    colour: str


@dataclass(frozen=True)
class Arrow:
    """One path: from box to box, its share, the colour of its sender, and how far from the middle of each box
    it begins and ends, in points.
    """

    sender: str
    receiver: str
    share: float
    colour: str
    leaves: float
    arrives: float


@dataclass(frozen=True)
class Map:
    """What is drawn, in points: boxes are `tall`, the sentence's text of `size`; words by centre, boxes by
    name, arrows strongest first, dotted looks from a word to a box, the layers' heights, and the legend.
    """

    wide: float
    high: float
    tall: float
    size: float
    spots: tuple[tuple[float, str, bool], ...]  # centre, word, whether a head stands there or looks there
    boxes: dict[str, Box]
    arrows: tuple[Arrow, ...]
    looks: tuple[tuple[float, str], ...]
    layers: tuple[tuple[float, str], ...]
    legend: tuple[tuple[str, str, str], ...]  # glyph, role, colour


def circuit(
    result: Result,
    *,
    sentence: Sequence[str],
    stands: Mapping[str, tuple[int, int]],
    roles: Mapping[str, str],
    answer: str,
    least: float,
    title: str,
    looks: Mapping[str, int] | None = None,
    caption: str = "",
    alt: str = "",
) -> Figure:
    """Arrows between heads, from a Result[sender, receiver] of shares; a nan, or less than `least`, has none.

    `stands` gives the word and the layer of every head, `roles` its role, `looks` the word it looks at; the
    one receiver that stands nowhere is the `answer`, above the last word. An arrow is as thick as its share,
    dashed where it works against the answer. Raises ValueError for another number of axes, and for a sender
    without a place or a role.
    """
    words.check_axes(result, (2,), "circuit")
    senders = result.axes["sender"]
    lost = [name for name in senders if name not in stands or name not in roles]
    if lost:
        raise ValueError(
            f"circuit was told no place or role of {lost[0]!r}. Give each sender a word, a layer and a role."
        )
    title = words.typeset(title)
    told = _Told(tuple(sentence), dict(stands), dict(roles), answer, least, dict(looks or {}))
    named = "; ".join(
        f"{sender} to {receiver} {share:+.0%}" for sender, receiver, share in _strong(result, told.least)
    )
    return Figure(
        result=result,
        title=title,
        caption=words.caption(result, caption),
        alt=alt
        or glyphs.say(
            "Circuit over a sentence: {title}. Arrows: {arrows}.",
            title=title.rstrip(".。"),
            arrows=named or glyphs.say("none"),
        ),
        matplotlib=partial(_static, result, told, title),
        plotly=partial(_interactive, result, told, title),
    )


@dataclass(frozen=True)
class _Told:
    """The arguments of `circuit` that say what stands where."""

    sentence: tuple[str, ...]
    stands: dict[str, tuple[int, int]]
    roles: dict[str, str]
    answer: str
    least: float
    looks: dict[str, int]


def _strong(result: Result, least: float) -> list[tuple[str, str, float]]:
    """(sender, receiver, share) of each arrow, the strongest first."""
    senders, receivers = result.axes.values()
    found = [
        (str(senders[row]), str(receivers[column]), float(result.values[row, column]))
        for row, column in np.ndindex(*result.values.shape)
        if np.isfinite(result.values[row, column]) and abs(result.values[row, column]) >= least
    ]
    return sorted(found, key=lambda arrow: -abs(arrow[2]))


def _plan(result: Result, told: _Told, wide: float, high: float) -> Map:
    size, centres = _spaced(told.sentence, ALONG * wide)
    roles = list(dict.fromkeys(told.roles[name] for name in result.axes["sender"]))
    marks = {role: (GLYPHS[at % len(GLYPHS)], COLOURS[at % len(COLOURS)]) for at, role in enumerate(roles)}
    step = (high - FOOT - HEAD - TALL) / max(1, len({told.stands[name][1] for name in result.axes["sender"]}))
    tall = min(TALL, 0.74 * step)
    boxes = _boxes(result, told, marks, centres, wide, step, tall)
    top = {str(name) for name in result.axes["receiver"]} - set(told.stands)
    for name in top:
        text = told.answer
        width = page.text_width(text, SENTENCE, bold=True) + 24
        centre = min(centres[-1], wide - width / 2)
        boxes[name] = Box(centre, high - HEAD / 2, width, text, theme.INK)
    used = {told.stands[name][0] for name in result.axes["sender"]} | set(told.looks.values())
    layers = sorted({told.stands[name][1] for name in boxes if name in told.stands})
    heights = {told.stands[name][1]: box.y for name, box in boxes.items() if name in told.stands}
    return Map(
        wide, high, tall, size,
        tuple((x, word, at in used) for at, (x, word) in enumerate(zip(centres, told.sentence, strict=True))),
        boxes,
        _arrows(_strong(result, told.least), boxes),
        tuple((centres[word], name) for name, word in told.looks.items() if name in boxes),
        tuple((heights[layer], f"layer {layer}") for layer in layers),
        tuple((glyph, role, colour) for role, (glyph, colour) in marks.items()),
    )  # fmt: skip


def _arrows(strong: Sequence[tuple[str, str, float]], boxes: Mapping[str, Box]) -> tuple[Arrow, ...]:
    """The arrows, those of one box side by side in the order of their other ends, so that few cross."""

    def port(name: str, others: set[str], own: str) -> float:
        ordered = sorted(others, key=lambda other: boxes[other].x)
        return 2 * PORTS * ((ordered.index(own) + 0.5) / len(ordered) - 0.5) * boxes[name].width

    sent, got = ({end: set() for end in boxes} for _ in range(2))
    for one, two, _ in strong:
        sent[one].add(two)
        got[two].add(one)
    return tuple(
        Arrow(one, two, share, boxes[one].colour, port(one, sent[one], two), port(two, got[two], one))
        for one, two, share in strong
    )


def _spaced(sentence: Sequence[str], room: float) -> tuple[float, list[float]]:
    """The size at which the sentence fits, and the centre of every word."""
    size = SENTENCE
    while True:
        widths = [page.text_width(word, size, bold=True) for word in sentence]
        gap = 0.42 * size
        if sum(widths) + gap * (len(widths) - 1) <= room or size <= 8:
            break
        size -= 1
    ends = np.cumsum([width + gap for width in widths])
    return size, [float(end - gap - width / 2) for end, width in zip(ends, widths, strict=True)]


def _boxes(
    result: Result, told: _Told, marks: Mapping[str, tuple[str, str]], centres: Sequence[float], wide: float,
    step: float, tall: float,
) -> dict[str, Box]:  # fmt: skip
    """Every head's box: its layer's height, beside the others of its layer and word."""
    names = [str(name) for name in result.axes["sender"]]
    layers = sorted({told.stands[name][1] for name in names})
    boxes: dict[str, Box] = {}
    for row, layer in enumerate(layers):
        y = FOOT + tall / 2 + step * row
        for word in sorted({told.stands[name][0] for name in names if told.stands[name][1] == layer}):
            here = [name for name in names if told.stands[name] == (word, layer)]
            texts = [f"{marks[told.roles[name]][0]} {name.split(' ')[0]}" for name in here]
            widths = [page.text_width(text, 0.56 * tall, bold=True) + 16 for text in texts]
            most = 2 * (wide - centres[-1]) - sum(widths) - 40  # the widest row, in the middle
            apart = min(WIDEST, max(CLOSEST, most / max(1, len(here) - 1)))
            aside = (0.25 if row % 2 else -0.25) * (widths[0] + apart)  # no head right above another
            whole = sum(widths) + apart * (len(here) - 1)
            left = min(max(LABELS, centres[word] + aside - whole / 2), wide - whole)
            for name, text, width in zip(here, texts, widths, strict=True):
                colour = marks[told.roles[name]][1]
                boxes[name] = Box(left + width / 2, y, width, text, colour)
                left += width + apart
    return boxes


def _static(result: Result, told: _Told, title: str, caption: str) -> Canvas:
    canvas, axes = page.slide(title, caption)
    with rc_context(theme.style()):
        wide, high = page.room(canvas)
        plan = _plan(result, told, wide, high)
        axes.set(xlim=(0, wide), ylim=(0, high))
        axes.set_axis_off()
        _ground(axes, plan)
        for arrow in reversed(plan.arrows):
            axes.add_patch(_patch(plan, arrow))
        for box in plan.boxes.values():
            _draw_box(axes, box, plan.tall)
        _values(axes, plan)
        _legend(axes, plan)
        return canvas


def _ground(axes: Axes, plan: Map) -> None:
    """The sentence, a faint line for every layer, and the dotted looks."""
    for y, label in plan.layers:
        axes.plot([LABELS, plan.wide], [y, y], color="#ECECEC", linewidth=1, zorder=0)
        axes.text(0, y, label, fontsize=VALUE, color=theme.MUTED, va="center_baseline")
    for x, word, used in plan.spots:
        ink, weight = (theme.INK, "bold") if used else (theme.MUTED, "normal")
        axes.text(
            x, 14, word, fontsize=plan.size, color=ink, weight=weight, ha="center", va="center_baseline"
        )
    for x, name in plan.looks:
        box = plan.boxes[name]
        ends = [(x, 30), (box.x, box.y - plan.tall / 2)]
        axes.add_patch(
            FancyArrowPatch(
                *ends, arrowstyle="-", linestyle=(0, (1, 2.5)), color="#8A8A8A", linewidth=1.4, zorder=1,
                connectionstyle="arc3,rad=0.06",
            )
        )  # fmt: skip


def _width(plan: Map, arrow: Arrow) -> float:
    return THINNEST + (THICKEST - THINNEST) * abs(arrow.share) / abs(plan.arrows[0].share)


def _ends(plan: Map, arrow: Arrow) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where an arrow begins and ends: on top of its sender, below its receiver."""
    one, two = plan.boxes[arrow.sender], plan.boxes[arrow.receiver]
    return (one.x + arrow.leaves, one.y + plan.tall / 2), (two.x + arrow.arrives, two.y - plan.tall / 2 - 1)


def _bend(plan: Map, arrow: Arrow) -> float:
    """How far an arrow bends: more where it passes other layers, so that it goes round their heads."""
    one, two = plan.boxes[arrow.sender], plan.boxes[arrow.receiver]
    passed = sum(min(one.y, two.y) + 1 < y < max(one.y, two.y) - 1 for y, _ in plan.layers)
    return min(0.22, 0.04 + 0.07 * passed) * (1 if two.x + arrow.arrives >= one.x + arrow.leaves else -1)


def _patch(plan: Map, arrow: Arrow) -> FancyArrowPatch:
    width = _width(plan, arrow)
    return FancyArrowPatch(
        *_ends(plan, arrow),
        arrowstyle=f"-|>,head_length={5 + 0.5 * width:.2f},head_width={2 + 0.35 * width:.2f}",
        mutation_scale=1, linewidth=width, color=arrow.colour, alpha=0.8, zorder=2,
        connectionstyle=f"arc3,rad={_bend(plan, arrow):.3f}", shrinkA=0, shrinkB=0, capstyle="butt",
        joinstyle="miter", linestyle="solid" if arrow.share > 0 else (0, (3, 1.5)),
    )  # fmt: skip


def _draw_box(axes: Axes, box: Box, tall: float) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (box.x - box.width / 2, box.y - tall / 2), box.width, tall,
            boxstyle="round,pad=0,rounding_size=6", facecolor=box.colour, edgecolor=theme.PAPER,
            linewidth=1.5, zorder=4,
        )
    )  # fmt: skip
    axes.text(
        box.x, box.y, box.text, fontsize=0.56 * tall, weight="bold", color=theme.ink_on(box.colour),
        ha="center", va="center_baseline", zorder=5,
    )  # fmt: skip


def _values(axes: Axes, plan: Map) -> None:
    """The share of the strongest arrows, each where neither a head nor another number stands."""
    taken = [(box.x, box.y, box.width / 2 + 3, plan.tall / 2 + 3) for box in plan.boxes.values()]
    for arrow in plan.arrows[:MOST_VALUES]:
        text = theme.number(100 * arrow.share, 0) + " %"
        half, up = page.text_width(text, VALUE) / 2 + 3, VALUE / 2 + 2
        for along in (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.8):
            x, y = _point(plan, arrow, along)
            if all(abs(x - a) > half + w or abs(y - b) > up + h for a, b, w, h in taken):
                taken.append((x, y, half, up))
                axes.text(
                    x, y, text, fontsize=VALUE, color=theme.INK, ha="center", va="center_baseline", zorder=6,
                    bbox={"boxstyle": "round,pad=0.12", "fc": theme.PAPER, "ec": "none", "alpha": 0.9},
                )  # fmt: skip
                break


def _point(plan: Map, arrow: Arrow, along: float) -> tuple[float, float]:
    """A point of an arrow's curve: a quadratic one, bent as matplotlib's "arc3" bends it."""
    start, end = map(np.array, _ends(plan, arrow))
    across = end - start
    middle = (start + end) / 2 + _bend(plan, arrow) * np.array([across[1], -across[0]])
    at = (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end
    return float(at[0]), float(at[1])


def _legend(axes: Axes, plan: Map) -> None:
    """The roles, at the top left: no head stands there, as the sentence has only begun."""
    y = plan.high - 12
    wide = max(page.text_width(role, LEGEND, bold=True) for _, role, _ in plan.legend) + 50
    deep = 1.5 * LEGEND * len(plan.legend)
    axes.add_patch(
        FancyBboxPatch(
            (LABELS + 2, y + 8 - deep), wide, deep + 4, boxstyle="square,pad=0",
            facecolor=theme.PAPER, edgecolor="none", zorder=0.5,
        )
    )  # fmt: skip
    for glyph, role, colour in plan.legend:
        axes.text(66, y, glyph, fontsize=LEGEND, color=colour, va="center_baseline", zorder=6)
        axes.text(
            86, y, role, fontsize=LEGEND, color=theme.INK, va="center_baseline", weight="bold", zorder=6
        )
        y -= 1.5 * LEGEND


def _interactive(result: Result, told: _Told, title: str) -> Chart:
    plan = _plan(result, told, WIDE, HIGH)
    boxes = list(plan.boxes.items())
    dots = Scatter(
        x=[box.x for _, box in boxes], y=[box.y for _, box in boxes], mode="markers",
        marker={"size": 30, "opacity": 0}, hoverinfo="text",
        hovertext=[charts.shown(_hover(plan, told, name)) for name, _ in boxes],
    )  # fmt: skip
    chart = charts.chart([dots], title, height=470)
    notes = [_arrow_note(plan, arrow) for arrow in reversed(plan.arrows)]
    notes += [
        _text_note(
            box.x, box.y, box.text, 12, bgcolor=box.colour, borderpad=4,
            font={"size": 12, "color": theme.ink_on(box.colour)},
        )
        for _, box in boxes
    ]  # fmt: skip
    notes += [_text_note(x, 12, word, 15) for x, word, _ in plan.spots]
    notes += [_text_note(30, y, label, 12) for y, label in plan.layers]
    notes += [
        _text_note(70, HIGH - 8 - 20 * row, f"{glyph} {role}", 13, xanchor="left",
                   font={"size": 13, "color": colour})
        for row, (glyph, role, colour) in enumerate(plan.legend)
    ]  # fmt: skip
    chart.update_layout(showlegend=False, annotations=notes)
    chart.update_xaxes(visible=False, range=[0, WIDE], fixedrange=True)
    chart.update_yaxes(visible=False, range=[-6, HIGH + 10], fixedrange=True)
    return chart


def _hover(plan: Map, told: _Told, name: str) -> str:
    """What a reader is told of one box: its role, and what it tells whom."""
    sent = [f"{arrow.receiver} {arrow.share:+.0%}" for arrow in plan.arrows if arrow.sender == name]
    role = told.roles.get(name, glyphs.say("what the model says"))
    if not sent:
        return f"{name}: {role}"
    return glyphs.say("{name}: {role}; tells {whom}", name=name, role=role, whom=", ".join(sent))


def _arrow_note(plan: Map, arrow: Arrow) -> dict[str, Any]:
    (ax, ay), (x, y) = _ends(plan, arrow)
    return {
        "x": x, "y": y, "ax": ax, "ay": ay, "xref": "x", "yref": "y",
        "axref": "x", "ayref": "y", "text": "", "showarrow": True, "arrowhead": 2, "arrowsize": 0.7,
        "arrowwidth": max(1.0, 0.7 * _width(plan, arrow)), "arrowcolor": arrow.colour, "opacity": 0.7,
    }  # fmt: skip


def _text_note(
    x: float | int, y: float | int, text: str, size: float | int, **more: object
) -> dict[str, Any]:
    return {"x": x, "y": y, "text": charts.shown(text), "showarrow": False, "font": {"size": size}, **more}
