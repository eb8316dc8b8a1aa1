"""What the Ablation Lab shows on request: ways side by side, A beside B, many sentences. Pure; every word of
the user is escaped.
"""

from html import escape
from math import ceil, floor
from typing import Any

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.lab import LabAnswer, LabState
from interp.widgets.ablation_view import finding
from interp.widgets.own_words import asked_sentence, with_cautions
from interp.widgets.wording import heads_text, percent, signed, visible

WAY_NAMES = {
    "mean": message("its average"),
    "zero": message("nothing"),
    "resample": message("another sentence"),
    "twin": message("my second sentence"),
}
AGREE = message(
    "If the rows agree, the choice of method does not matter here. If they differ, say which one you used."
)
TOP = 5
BINS = 24
WITHOUT = message(
    "Without {heads} the right name leads by {off} in {number} sentences; with all heads on by {on}. "
    "It wins in {wins} of them (before, {won})."
)
NO_HEAD_OFF = message(
    "With no head off the right name leads by {off} in {number} sentences; with all heads on by {on}. "
    "It wins in {wins} of them (before, {won})."
)
WIDTH, ROW, LEFT = 640, 74, 8  # of the drawing, in its own units


def ways_html(result: Result) -> str:
    """Result[how, measure] as a table: what a head that is off puts out, the lead then, and its change."""
    rows = "".join(
        f'<tr><th scope="row">{escape(say(WAY_NAMES.get(str(how), str(how))))}</th>'
        + "".join(
            f"<td>{signed(float(result.at(how=how, measure=measure)))}</td>"
            for measure in result.axes["measure"]
        )
        + "</tr>"
        for how in result.axes["how"]
    )
    return (
        f"<table><caption>{say('The same heads off, in several ways; logit difference in nats')}</caption>"
        f'<thead><tr><th scope="col">{say("a head that is off puts out")}</th><th scope="col">'
        f'{say("lead of ●")}</th><th scope="col">{say("change")}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table><p>{say(AGREE)}</p>"
    )


def comparison_html(kept: tuple[LabState, LabAnswer] | None, now: tuple[LabState, LabAnswer]) -> str:
    """A, the kept state, beside the one on screen: heads, lead, finding, first words."""
    if kept is None:
        return f"<p>{say('Keep a state as A. Then change something: A stays beside it.')}</p>"
    sides = ((say("A, kept"), kept), (say("on screen"), now))
    rows = [
        (say("sentence"), [escape(f"{state.prompt} …") for _, (state, _) in sides]),
        (
            say("heads off"),
            [escape(", ".join(map(str, state.heads)) or say("none")) for _, (state, _) in sides],
        ),
        (say("they put out"), [escape(say(WAY_NAMES.get(state.how, state.how))) for _, (state, _) in sides]),
        (
            say("lead of ●"),
            [say("{number} nats", number=signed(answer.logit_difference[1])) for _, (_, answer) in sides],
        ),
        (say("asked"), [escape(asked_sentence("●◆", answer.asked)) for _, (_, answer) in sides]),
        (say("in words"), [escape(_told(state, answer)) for _, (state, answer) in sides]),
        (say("next words"), [_words(answer) for _, (_, answer) in sides]),
    ]
    head = "".join(f'<th scope="col">{name}</th>' for name, _ in sides)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    )
    return f'<table class="wide"><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>'


def _told(state: LabState, answer: LabAnswer) -> str:
    return with_cautions(answer.cautions, finding(state, answer))


def _words(answer: LabAnswer) -> str:
    return ", ".join(
        f"<span class='token'>{escape(visible(labels[-1]))}</span> {escape(percent(share))}"
        for labels, share in answer.ablated.top(TOP)
    )


def spread_delivery(state: LabState, result: Result) -> dict[str, Any]:
    """The sentence and the picture of Result[heads, prompt], nats."""
    return {"text": spread_text(state, result), "html": spread_html(state, result)}


def spread_text(state: LabState, result: Result) -> str:
    """The result in words: means with intervals, and the share of sentences in which the right name wins."""
    number = len(result.axes["prompt"])
    on, off = (_summary(result.at(heads=heads)) for heads in ("on", "off"))
    told = {"off": off, "number": number, "on": on}
    told |= {"wins": _wins(result.at(heads="off")), "won": _wins(result.at(heads="on"))}
    if not state.heads:
        return say(NO_HEAD_OFF, **told)
    return say(WITHOUT, heads=heads_text(state.heads), **told)


def _summary(leads: Result) -> str:
    low, high = leads.interval("prompt").values
    mean = float(leads.mean("prompt"))
    return say("{mean:.2f} nats ({low:.2f} to {high:.2f})", mean=mean, low=low, high=high)


def _wins(leads: Result) -> str:
    return percent(float(np.mean(leads.values > 0)))


def spread_html(state: LabState, result: Result) -> str:
    """Two histograms on one axis, means with 95 % intervals, and the same as a table."""
    return f"{_drawing(state, result)}{_table(result)}"


def _drawing(state: LabState, result: Result) -> str:
    low, high = floor(float(result.values.min(initial=0))), ceil(float(result.values.max(initial=0)))
    high = max(high, low + 1)
    edges = np.linspace(low, high, BINS + 1)
    counts = [np.histogram(result.at(heads=heads).values, edges)[0] for heads in ("on", "off")]
    tallest = max(int(count.max()) for count in counts) or 1

    def across(value: float) -> float:
        return LEFT + (WIDTH - 2 * LEFT) * (value - low) / (high - low)

    rows = ""
    for row, (heads, name) in enumerate((("on", say("all heads on")), ("off", _off_name(state)))):
        floor_at = 24 + ROW + row * (ROW + 26)
        rows += f'<text x="{LEFT}" y="{floor_at - ROW - 6}">{escape(name)}</text>'
        rows += _bars(counts[row], edges, tallest, floor_at, across, heads)
        rows += _whisker(result.at(heads=heads), floor_at + 8, across)
    bottom = 24 + 2 * ROW + 26 + 12
    return (
        f'<svg class="spread" viewBox="0 0 {WIDTH} {bottom + 40}" role="img" '
        f'aria-label="{escape(spread_text(state, result))}">'
        f'<line class="zero" x1="{across(0.0):.1f}" x2="{across(0.0):.1f}" y1="14" y2="{bottom}"/>{rows}'
        f"{_axis(low, high, bottom + 6, across)}</svg>"
    )


def _off_name(state: LabState) -> str:
    return say("without {heads}", heads=heads_text(state.heads)) if state.heads else say("no head off")


def _bars(counts: np.ndarray, edges: np.ndarray, tallest: int, floor_at: int, across, kind: str) -> str:
    bars = ""
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        height = (ROW - 14) * count / tallest
        x, width = across(left) + 0.5, max(1.0, across(right) - across(left) - 1)
        bars += (
            f'<rect class="{kind}" x="{x:.1f}" y="{floor_at - height:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}"/>'
            if count
            else ""
        )
    return f'{bars}<line class="floor" x1="{LEFT}" x2="{WIDTH - LEFT}" y1="{floor_at}" y2="{floor_at}"/>'


def _whisker(leads: Result, y: int, across) -> str:
    low, high = (across(float(bound)) for bound in leads.interval("prompt").values)
    mean = across(float(leads.mean("prompt")))
    return (
        f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
        f'<circle class="mean" cx="{mean:.1f}" cy="{y}" r="4"/>'
    )


def _axis(low: int, high: int, y: int, across) -> str:
    step = max(1, ceil((high - low) / 8))
    ticks = [value for value in range(low, high + 1) if value % step == 0]
    marks = "".join(
        f'<text class="tick" x="{across(float(value)):.1f}" y="{y + 10}">{signed(float(value), 0)}</text>'
        for value in ticks
    )
    name = say("lead of the right name, nats; left of 0 the wrong name wins; dot and line: mean, 95 %")
    return f'{marks}<text class="tick" x="{WIDTH / 2}" y="{y + 30}">{name}</text>'


def _table(result: Result) -> str:
    rows = ""
    for heads, name in (("on", say("all heads on")), ("off", say("heads off"))):
        leads = result.at(heads=heads)
        low, high = leads.interval("prompt").values
        numbers = (
            signed(float(leads.mean("prompt"))),
            say("{low} to {high}", low=signed(low), high=signed(high)),
            _wins(leads),
        )
        rows += f'<tr><th scope="row">{name}</th>{"".join(f"<td>{number}</td>" for number in numbers)}</tr>'
    number, how = len(result.axes["prompt"]), result.about.get("baseline", "")
    caption = say(
        "{number} sentences; off: {what}, word for word",
        number=number,
        what=say(WAY_NAMES.get(str(how), str(how))),
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr><td></td>"
        f'<th scope="col">{say("mean lead")}</th><th scope="col">{say("95 % interval")}</th>'
        f'<th scope="col">{say("right name wins")}</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )
