"""Curves in an SVG, with their names at their ends and a mark at the place that is looked at. Pure."""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log2, log10

from interp.languages import say
from interp.result import Result

WIDE, LEFT, BESIDE, ABOVE, BELOW = 720.0, 44.0, 200.0, 12.0, 46.0
APART = 17.0  # between two names
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "12 4")


def curves_svg(
    curves: Result,
    at: int,
    end: int,
    *,
    along: str,
    alt: str,
    high: float = 260.0,
    top: float | None = None,
    doublings: bool = False,
    guide: tuple[str, float | int] | None = None,
) -> str:
    """The picture of Result[curve, place], with the place number `at` marked; the axis goes on to `end`.

    Shares go from 0 to 1; `top` is another upper end. With `doublings` both axes are log paper.
    """
    rows, places = curves.values.tolist(), curves.axes["place"]
    low, high_end, ticks = _ladder(rows, doublings, top)
    across = _across(places, end, doublings)
    up = _up(low, high_end, high, doublings)
    lines = [[(across(place), up(value)) for place, value in zip(places, row, strict=True)] for row in rows]
    frame = _rungs(ticks, up, doublings) + _foot(places, end, across, high, along, doublings)
    if guide:
        frame += (
            f'<line class="guide" x1="{LEFT}" x2="{WIDE - BESIDE}" y1="{up(guide[1])}" y2="{up(guide[1])}"/>'
        )
    drawn = "".join(_line(line, at, number) for number, line in enumerate(lines))
    ends = [(say(str(name)), line[-1][1]) for name, line in zip(curves.axes["curve"], lines, strict=True)]
    names = _names(ends + ([(guide[0], up(guide[1]))] if guide else []), len(ends), high)
    x = f"{lines[0][at][0]:.1f}"
    cursor = f'<line class="at" x1="{x}" x2="{x}" y1="{ABOVE}" y2="{high - BELOW}"/>'
    return (
        f'<svg class="curves" viewBox="0 0 {WIDE:.0f} {high:.0f}" role="img" aria-label="{escape(alt)}">'
        f"{frame}{cursor}{drawn}{names}</svg>"
    )


def _ladder(rows: Sequence[Sequence[float]], doublings: bool, top: float | None):
    """The lower end, the upper end, and where the rungs are."""
    if not doublings:
        if top is None:
            return 0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]
        return 0.0, top, [float(rung) for rung in range(round(top) + 1)]
    values = [value for row in rows for value in row]
    low, high = floor(log2(min(values))), ceil(log2(max(values)))
    return float(2.0**low), float(2.0**high), [2.0**power for power in range(low, high + 1)]


def _across(places: Sequence[int], end: int, doublings: bool):
    room = WIDE - LEFT - BESIDE
    if doublings:
        wide = log2(end / places[0]) or 1.0
        return lambda place: LEFT + 12 + (room - 12) * log2(place / places[0]) / wide
    return lambda place: LEFT + room * place / (end or 1)


def _up(low: float, top: float, high: float, doublings: bool):
    room = high - ABOVE - BELOW
    if doublings:
        return lambda value: ABOVE + room * (1 - log2(value / low) / (log2(top / low) or 1.0))
    return lambda value: ABOVE + room * (1 - min(value, top) / top)


def _rungs(ticks: Sequence[float], up, doublings: bool) -> str:
    def said(tick: float) -> str:
        return f"1/{1 / tick:.0f}" if doublings and tick < 1 else f"{tick:g}"

    return "".join(
        f'<line class="rung" x1="{LEFT}" x2="{WIDE - BESIDE}" y1="{up(tick):.1f}" y2="{up(tick):.1f}"/>'
        f'<text x="{LEFT - 7}" y="{up(tick) + 4.5:.1f}" text-anchor="end">{said(tick)}</text>'
        for tick in ticks
    )


def _foot(places: Sequence[int], end: int, across, high: float, along: str, doublings: bool) -> str:
    """Numbers below the axis, few and round, and the axis' name."""
    chosen = places if doublings else range(0, end + 1, _round(end / 4))
    numbers = "".join(
        f'<text x="{across(place):.1f}" y="{high - BELOW + 20:.1f}" text-anchor="middle">{place:,}</text>'
        for place in chosen
    )
    middle = LEFT + (WIDE - LEFT - BESIDE) / 2
    return f'{numbers}<text x="{middle:.0f}" y="{high - 5:.0f}" text-anchor="middle">{escape(along)}</text>'


def _round(least: float) -> int:
    """The next number of the form 1, 2, 2.5 or 5 with noughts."""
    tens = 10 ** floor(log10(max(least, 1)))
    return ceil(next(tens * part for part in (1, 2, 2.5, 5, 10) if tens * part >= least))


def _line(line: Sequence[tuple[float, float]], at: int, number: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    dash = f' stroke-dasharray="{DASHES[number % 6]}"' if DASHES[number % 6] else ""
    x, y = line[at]
    return (
        f'<g class="series{number % 6}"><polyline points="{path}"{dash}/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"/></g>'
    )


def _names(ends: Sequence[tuple[str, float]], series: int, high: float) -> str:
    """Each name at the height of its curve's end, pushed apart where they would overlap; what comes after
    the series is a guide."""
    order = sorted(range(len(ends)), key=lambda i: ends[i][1])
    placed: list[float] = []
    for i in order:
        placed.append(max(ends[i][1], placed[-1] + APART if placed else ABOVE))
    most = high - BELOW + 8
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], most)
        most = placed[place] - APART
    x = WIDE - BESIDE + 10
    return "".join(
        f'<g class="{f"series{i % 6}" if i < series else "guide"}"><line x1="{x}" x2="{x + 20}" y1="{y:.1f}"'
        f' y2="{y:.1f}" stroke-dasharray="{DASHES[i % 6] if i < series else "6 4"}"/>'
        f'<text x="{x + 25}" y="{y + 4.5:.1f}">{escape(ends[i][0])}</text></g>'
        for i, y in zip(order, placed, strict=True)
    )
