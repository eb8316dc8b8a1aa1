"""Short pieces of text beneath one another, each token coloured by its number, one token of each in a column.

Refuses: models; choosing what to show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Scatter

from interp.figures import charts, glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.result import Result

ROOM, BESIDE, COLUMN = 890.0, 200.0, 700.0  # points: all, the groups' names, where the marked token ends
LARGEST, SMALLEST = 19.0, 11.0
LEADING, BETWEEN, PADDING = 1.42, 0.7, 3.0


@dataclass(frozen=True)
class Box:
    """One token: left edge and width in points, line in text lines, what it says, its colour and number."""

    left: float
    line: float
    width: float
    text: str
    colour: str
    value: float
    marked: bool


def snippets(
    result: Result,
    *,
    title: str,
    tokens: Sequence[Sequence[str]],
    groups: Mapping[str, int],
    caption: str = "",
    alt: str = "",
) -> Figure:
    """Pieces of text from a Result[context, place]: the token at place 0 stands in a column and is framed.

    `tokens` are the texts in the shape of the values; where a value is missing there is no token. `groups`
    names so many contexts in order, beside them. Raises ValueError if tokens or groups do not fit the
    values.
    """
    words.check_axes(result, (2,), "snippets")
    title = words.typeset(title)
    if [len(line) for line in tokens] != [result.values.shape[1]] * len(result.values):
        raise ValueError("snippets needs one text per number: give tokens in the shape of the values.")
    if sum(groups.values()) != len(result.values):
        raise ValueError(
            f"snippets got groups of {sum(groups.values())} contexts for {len(result.values)}; they must"
            " agree."
        )
    said = " / ".join(" ".join("".join(line).split()) for line in tokens)  # on one line, as alt text must be
    return Figure(
        result=result,
        title=title,
        caption=words.caption(
            result,
            glyphs.say("Colour: {what}, from white (none) to orange.", what=words.measure(result))
            + f" {caption}",
        ),
        alt=alt
        or words.alt(
            result, title, glyphs.say("Pieces of text with coloured tokens ({tokens})", tokens=said)
        ),
        matplotlib=partial(_static, result, tokens, groups, title),
        plotly=partial(_interactive, result, tokens, groups, title),
    )


def _boxes(
    result: Result, tokens: Sequence[Sequence[str]], groups: Mapping[str, int], size: float
) -> list[Box]:
    """All tokens that fit beside their column, line by line; a gap between the groups."""
    centre = result.axes["place"].index(0)
    beside, column, room = (page.share() * at for at in (BESIDE, COLUMN, ROOM))
    scale, norm = theme.tint_scale(result.values)
    colours = np.vectorize(lambda value: to_hex(scale(norm(value))), otypes=[object])(
        np.nan_to_num(result.values, nan=0.0)
    )
    lines = _lines(groups)
    boxes = []
    for row, line in enumerate(lines):
        box = partial(_box, tokens[row], result.values[row], colours[row], line, size)
        marked = box(centre, column, True)
        boxes.append(marked)
        for step, stop in ((-1, -1), (1, len(tokens[row]))):
            edge = marked.left if step < 0 else column
            for place in range(centre + step, stop, step):
                if not np.isfinite(result.values[row, place]):
                    break
                one = box(place, edge, step < 0)
                if one.left < beside or one.left + one.width > room:
                    break
                boxes.append(one)
                edge = one.left if step < 0 else one.left + one.width
    return boxes


def _box(
    texts: Sequence[str], values: np.ndarray, colours: np.ndarray, line: float, size: float, place: int,
    edge: float, ends: bool,
) -> Box:  # fmt: skip
    """The box of one token that ends, or begins, at an edge."""
    text = theme.visible(texts[place])
    width = page.text_width(text, size) + 2 * PADDING
    colour, value = str(colours[place]), float(values[place])
    return Box(
        edge - width if ends else edge,
        line,
        width,
        text,
        colour,
        value,
        ends and edge == COLUMN * page.share(),
    )


def _lines(groups: Mapping[str, int]) -> list[float]:
    """The line of every context, with room between the groups."""
    lines, at = [], 0.0
    for count in groups.values():
        lines += [at + number for number in range(count)]
        at += count + BETWEEN
    return lines


def _starts(groups: Mapping[str, int]) -> list[tuple[str, float]]:
    lines, first = _lines(groups), 0
    starts = []
    for name, count in groups.items():
        starts.append((name, lines[first]))
        first += count
    return starts


def _static(
    result: Result, tokens: Sequence[Sequence[str]], groups: Mapping[str, int], title: str, caption: str
) -> Canvas:
    canvas, axes = page.slide(title, caption)
    deep = _lines(groups)[-1] + 1
    high = page.room(canvas)[1] - 8
    size = max(SMALLEST, min(LARGEST, high / (deep * LEADING)))
    with rc_context(theme.style()):
        tall = LEADING * size
        for box in _boxes(result, tokens, groups, size):
            top = box.line * tall
            edge, thick = (theme.INK, 1.8) if box.marked else (theme.PAPER, 0.6)
            axes.add_patch(
                Rectangle((box.left, top), box.width, 0.94 * tall, facecolor=box.colour, edgecolor=edge,
                          linewidth=thick, zorder=3 if box.marked else 2)
            )  # fmt: skip
            axes.text(
                box.left + PADDING, top + 0.47 * tall, box.text, va="center_baseline", fontsize=size,
                color=theme.ink_on(box.colour), zorder=4,
            )  # fmt: skip
        for name, line in _starts(groups):
            for number, part in enumerate(name.split("\n")):
                weight = "bold" if number == 0 else "normal"
                middle = (line + number + 0.47) * tall
                axes.text(0, middle, part, va="center_baseline", fontsize=min(size, 16), weight=weight)
        axes.set(xlim=(0, ROOM * page.share()), ylim=(deep * tall, -2), aspect="equal")
        axes.set_axis_off()
        axes.set_anchor("NW")
        return canvas


def _interactive(
    result: Result, tokens: Sequence[Sequence[str]], groups: Mapping[str, int], title: str
) -> Chart:
    size = 13.0
    boxes = _boxes(result, tokens, groups, size)
    deep = _lines(groups)[-1] + 1
    spots = Scatter(
        x=[box.left + box.width / 2 for box in boxes],
        y=[box.line + 0.45 for box in boxes],
        mode="markers",
        marker={"size": 20, "opacity": 0},
        hovertext=[f"{charts.shown(box.text)}: {box.value:.3g}" for box in boxes],
        hoverinfo="text",
    )
    chart = charts.chart([spots], title, height=30 + int(27 * deep))
    names = [
        {"x": 0, "xanchor": "left", "y": line + 0.45 + number, "text": charts.shown(part), "showarrow": False,
         "font": {"size": size}}
        for name, line in _starts(groups)
        for number, part in enumerate(name.split("\n"))
    ]  # fmt: skip
    texts = [
        {"x": box.left + box.width / 2, "y": box.line + 0.45, "text": charts.shown(box.text),
         "showarrow": False, "font": {"size": size, "color": theme.ink_on(box.colour)}}
        for box in boxes
    ]  # fmt: skip
    shapes = [
        {"type": "rect", "x0": box.left, "x1": box.left + box.width, "y0": box.line, "y1": box.line + 0.92,
         "fillcolor": box.colour, "layer": "below",
         "line": {"color": theme.INK if box.marked else theme.PAPER, "width": 2 if box.marked else 1}}
        for box in boxes
    ]  # fmt: skip
    chart.update_layout(showlegend=False, annotations=[*names, *texts], shapes=shapes)
    chart.update_xaxes(visible=False, range=[-4, ROOM + 4], fixedrange=True)
    chart.update_yaxes(visible=False, range=[deep, -0.05], fixedrange=True)
    return chart
