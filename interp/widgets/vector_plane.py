"""Words as points in an SVG: full and hollow marks, arrows, names that stay clear. Pure; escapes names."""

from collections.abc import Mapping, Sequence
from html import escape

from interp.result import Result

WIDE, HIGH, EDGE = 620.0, 400.0, 46.0
LETTER = 7.4  # how wide a letter is, about
SIDES = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))  # where a name may stand

Box = tuple[float, float, float, float]


def plane_svg(
    points: Result,
    roles: Mapping[str, str],
    arrows: Sequence[tuple[str, str]],
    marked: str,
    alt: str,
    reach: tuple[float, float] | None = None,
) -> str:
    """The picture of Result[thing, component]; each role has its own mark. `reach` is how far the picture
    goes to every side of 0; without it the points fill the picture.
    """
    places = _fitted(points, reach)
    kinds = list(dict.fromkeys(roles.values()))
    shafts = "".join(_arrow(places[one], places[other]) for one, other in arrows)
    names = _names(places, [(places[one], places[other]) for one, other in arrows])
    marks = "".join(
        _mark(word, places[word], _class(kinds, roles.get(word, ""), word == marked), names[word])
        for word in places
    )
    return (
        f'<svg class="plane" viewBox="0 0 {WIDE:.0f} {HIGH:.0f}" role="img" aria-label="{escape(alt)}">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
        f"{shafts}{marks}</svg>"
    )


def _fitted(points: Result, reach: tuple[float, float] | None) -> dict[str, tuple[float, float]]:
    """Where each word stands in the picture; both components on one scale, and never divided by zero."""
    words = [str(word) for word in next(iter(points.axes.values()))]
    rows = points.values.tolist()
    ends = rows if reach is None else [[-reach[0], -reach[1]], reach]
    lows = [min(row[side] for row in ends) for side in (0, 1)]
    highs = [max(row[side] for row in ends) for side in (0, 1)]
    room = (WIDE - 4 * EDGE, HIGH - 2 * EDGE)
    scale = min(room[side] / ((highs[side] - lows[side]) or 1.0) for side in (0, 1))
    middle = [(lows[side] + highs[side]) / 2 for side in (0, 1)]
    return {
        word: (WIDE / 2 + scale * (row[0] - middle[0]), HIGH / 2 - scale * (row[1] - middle[1]))
        for word, row in zip(words, rows, strict=True)
    }


def _class(kinds: Sequence[str], role: str, marked: bool) -> str:
    number = kinds.index(role) if role in kinds else 0
    return f"point role{number}{' marked' if marked else ''}"


def _names(
    places: Mapping[str, tuple[float, float]], arrows: Sequence[tuple[tuple[float, float], ...]]
) -> dict[str, Box]:
    """A box for every name, on the side of its point where it covers least."""
    spots = list(places.values())
    for (x0, y0), (x1, y1) in arrows:
        spots += [(x0 + (x1 - x0) * step / 20, y0 + (y1 - y0) * step / 20) for step in range(21)]
    taken: dict[str, Box] = {}
    for word, (x, y) in places.items():
        boxes = [_box(x, y, LETTER * len(word), side) for side in SIDES]
        taken[word] = min(boxes, key=lambda box: _covered(box, spots, list(taken.values())))
    return taken


def _box(x: float, y: float, wide: float, side: tuple[int, int]) -> Box:
    across = x + side[0] * (wide / 2 + 10)
    down = y + side[1] * (15 if side[0] == 0 else 11)
    return across - wide / 2, down - 8, across + wide / 2, down + 8


def _covered(box: Box, spots: Sequence[tuple[float, float]], taken: Sequence[Box]) -> float:
    points = sum(box[0] - 4 < x < box[2] + 4 and box[1] - 4 < y < box[3] + 4 for x, y in spots)
    names = sum(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in taken
    )
    outside = max(0.0, -box[0]) + max(0.0, box[2] - WIDE) + max(0.0, -box[1]) + max(0.0, box[3] - HIGH)
    return 6 * names + points + outside


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    return (
        f'<line class="step" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
        ' marker-end="url(#head)"/>'
    )


def _mark(word: str, place: tuple[float, float], kind: str, box: Box) -> str:
    x, y = place
    shape = (
        f'<path d="M{x:.1f} {y - 7:.1f}l7 7-7 7-7-7z"/>'
        if "role2" in kind
        else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>'
    )
    return (
        f'<g class="{kind}" data-word="{escape(word)}">{shape}<text x="{(box[0] + box[2]) / 2:.1f}"'
        f' y="{(box[1] + box[3]) / 2 + 4.5:.1f}" text-anchor="middle">{escape(word)}</text></g>'
    )
