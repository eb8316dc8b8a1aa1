"""What a picture says in words: caption, alt text, and its numbers as a table or as CSV.

Refuses: drawing.
"""

import csv
import io
import re
from collections.abc import Sequence

import numpy as np

from interp.figures import glyphs, markup, theme
from interp.languages import message
from interp.result import Result, cell

LONGEST_TABLE = 400
Texts = Sequence[Sequence[str]] | None
AXES = (  # what results call their axes, and how a head is silenced: said where one stands in a picture
    message("layer"), message("head"), message("neuron"), message("position"), message("token"),
    message("word"), message("prompt"), message("query"), message("key"), message("step"),
    message("run"), message("skill"), message("model"), message("claim"), message("part"),
    message("blocks"), message("seed"), message("weights"), message("tokens"), message("sender"),
    message("receiver"), message("story"), message("heads"), message("place"), message("rank"),
    message("low"), message("high"), message("mean"), message("zero"), message("resample"),
    message("relation"), message("measure"), message("sentence"), message("sentences"),
)  # fmt: skip


def measure(result: Result) -> str:
    """Quantity with its unit, unless it names it: "change in logit difference (nats)", "probability"."""
    quantity, named = glyphs.say(result.quantity), not result.unit or result.unit in result.quantity.split()
    return quantity if named else glyphs.say("{what} ({unit})", what=quantity, unit=glyphs.say(result.unit))


def axis_name(axis: str, labels: Sequence[object]) -> str:
    """What is written along an axis: its name beside numbers; texts speak for themselves."""
    return "" if all(isinstance(label, str) for label in labels) else glyphs.say(axis)


def typeset(text: str) -> str:
    """The text with true minus signs before its numbers."""
    return re.sub(r"(?<![\w.-])-(?=\d)", "−", text)


def bounds(result: Result, interval: Result | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Lower and upper bound in the shape of `result`, from an interval with a "bound" axis of "low" and
    "high".

    Raises ValueError when the interval's labels are not the result's.
    """
    if interval is None:
        return None
    expected = {**result.axes, "bound": ("low", "high")}
    if {axis: tuple(labels) for axis, labels in interval.axes.items()} != expected:
        raise ValueError(
            f"The interval has axes {_shape(interval)}, but the picture needs {_names(expected)}. "
            "Take it from the same measurement: result.interval('prompt') beside result.mean('prompt')."
        )
    order = [list(interval.axes).index(axis) for axis in result.axes]
    values = interval.values.transpose([*order, list(interval.axes).index("bound")])
    return values[..., 0], values[..., 1]


def _names(axes: dict[str, tuple]) -> str:
    return ", ".join(f"{axis} ({len(labels)})" for axis, labels in axes.items())


def _shape(result: Result) -> str:
    return _names(dict(result.axes)) or "none"


def check_axes(result: Result, counts: tuple[int, ...], drawing: str) -> None:
    """Raise ValueError when a drawing cannot show this many axes, or there is nothing to draw."""
    if len(result.axes) not in counts:
        wanted = " or ".join(str(count) for count in counts)
        raise ValueError(
            f"{drawing} draws a Result with {wanted} {'axis' if wanted == '1' else 'axes'}; this one has "
            f"{_shape(result)}. Average or pick first, for example result.mean('prompt') or "
            f"result.at(layer=0)."
        )
    if result.values.size == 0:
        raise ValueError(
            f"{drawing} was given no numbers: axes {_shape(result)}. Give at least one label per axis."
        )


def caption(result: Result, text: str, spread: str = "") -> str:
    """The caption: the caller's words, then n, interval, model and convention from the Result."""
    about = result.about
    parts = [text.strip().rstrip(".。")] if text.strip() else []
    parts += [f"n = {about['n']:,}".replace(",", " ")] if isinstance(about.get("n"), int) else []
    parts += [glyphs.say("{mark}: 95 % interval", mark=spread)] if spread else []
    parts += [_switched_off(about["baseline"])] if about.get("baseline") else []
    shown = about.get("quoted") or model_name(result)  # a quoted figure lies in the folder of another model
    parts += [glyphs.say("Model: {name}", name=shown)] if about.get("model") else []
    return typeset(glyphs.say(". ").join(parts) + glyphs.say(".")) if parts else ""


def _switched_off(baseline: object) -> str:
    return glyphs.say("Switched off by {way} ablation", way=glyphs.say(str(baseline)))


def model_name(result: Result) -> str:
    """The model's name without folders: "pocket", "gpt2"."""
    return (
        str(result.about.get("model") or "model").replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or "model"
    )


def alt(result: Result, title: str, kind: str) -> str:
    """Alt text in one line: what is drawn, what it finds, how far the axes reach, and the extremes. A line
    break in a label is shown as "↵".
    """
    sides = glyphs.say("; ").join(
        glyphs.say("{axis} from {first} to {last}", axis=glyphs.say(axis), first=labels[0], last=labels[-1])
        for axis, labels in result.axes.items()
    )
    values = np.where(np.isfinite(result.values), result.values, 0.0)
    places = theme.decimals(values)
    high, low = (_cell(result, int(pick(values))) for pick in (np.argmax, np.argmin))
    text = glyphs.say(
        "{kind}: {title}. It shows {what} by {sides}. Highest: {high} at {most}; lowest: {low} at {least}.",
        kind=kind,
        title=" ".join(title.splitlines()).rstrip(".。"),
        what=measure(result),
        sides=sides,
        high=high,
        most=theme.number(values.max(), places),
        low=low,
        least=theme.number(values.min(), places),
    )
    return "↵".join(text.splitlines())


def largest(result: Result, count: int) -> list[tuple[str, float]]:
    """Names and values of the cells of largest size, largest first."""
    order = np.argsort(-np.abs(np.nan_to_num(result.values)).ravel(), kind="stable")[:count]
    return [(_cell(result, int(flat)), float(result.values.ravel()[flat])) for flat in order]


def _cell(result: Result, flat: int) -> str:
    index = np.unravel_index(flat, result.values.shape)
    labels = [
        theme.shown_labels(names)[i] if isinstance(names[i], str) else names[i]
        for names, i in zip(result.axes.values(), index, strict=True)
    ]
    named = tuple(result.axes)
    return theme.head_name(labels, named if named == ("layer", "head") else tuple(map(glyphs.say, named)))


def _long_rows(result: Result, interval: Result | None) -> tuple[list[str], list[list[object]]]:
    """One row per number: labels, value and, with an interval, low and high."""
    limits = bounds(result, interval)
    header = [*result.axes, measure(result), *(["low", "high"] if limits else [])]
    rows = []
    for index in np.ndindex(*result.values.shape):
        labels = [names[i] for names, i in zip(result.axes.values(), index, strict=True)]
        numbers = [result.values[index], *([limits[0][index], limits[1][index]] if limits else [])]
        rows.append([*labels, *(f"{value:.6g}" for value in numbers)])
    return header, rows


def table(result: Result, interval: Result | None = None, texts: Texts = None) -> str:
    """The numbers as an HTML table; two axes without interval become a grid, the rest one row per number.
    `texts` stand before the numbers of their cells.
    """
    header, rows, named = _laid_out(result, interval, texts)
    header = [glyphs.say(str(one)) if one in result.axes else one for one in header]
    shown = rows[:LONGEST_TABLE]
    told = {"caption": measure(result), "header": header, "rows": shown, "named": named}
    most = {"shown": len(shown), "number": len(rows)}
    cut = glyphs.say("The first {shown} of {number} rows; the CSV has all.", **most)
    return markup.render("table.html", **told, left_out=cut if len(rows) > len(shown) else "")


def _laid_out(
    result: Result, interval: Result | None, texts: Texts
) -> tuple[list[object], list[list[object]], int]:
    """Header and rows of a table, and how many cells of a row name it."""
    if len(result.axes) != 2 or interval is not None:
        header, rows = _long_rows(result, interval)
        return [*header], rows, len(result.axes)
    (down, names), (across, columns) = result.axes.items()
    cells = [[f"{value + 0.0:.6g}" for value in line] for line in result.values]  # + 0.0: no "-0"
    if texts is not None:
        pairs = zip(texts, cells, strict=True)
        cells = [[f"{text} {value}" for text, value in zip(*line, strict=True)] for line in pairs]
    rows = [[name, *line] for name, line in zip(names, cells, strict=True)]
    return [f"{glyphs.say(down)} \\ {glyphs.say(across)}", *columns], rows, 1


def plain_table(result: Result, texts: Texts = None) -> str:
    """The numbers as lines of text, laid out as in `table`: tabs between the cells, a dash for no number."""
    header, rows, named = _laid_out(result, None, texts)
    lines = [
        [*map(_plain, row[:named]), *("–" if one == "nan" else one for one in row[named:])] for row in rows
    ]
    return "".join("\t".join(map(str, line)) + "\n" for line in ([*map(_plain, header)], *lines))


def _plain(label: object) -> object:
    """A label without tabs and line breaks, which a spreadsheet will not run."""
    return cell(theme.visible(label)) if isinstance(label, str) else label


def comma_separated(result: Result, interval: Result | None) -> str:
    """The numbers as CSV with six significant digits; an interval adds the columns low and high."""
    if interval is None:
        return result.to_csv()
    header, rows = _long_rows(result, interval)
    text = io.StringIO()
    labels = len(result.axes)
    rows = [[*map(cell, row[:labels]), *row[labels:]] for row in rows]
    csv.writer(text, lineterminator="\n").writerows([[*map(cell, header)], *rows])
    return text.getvalue()
