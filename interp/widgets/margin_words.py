"""How the Margin Notes read: HTML and sentences from an answer. Pure; every word of the user is escaped."""

from html import escape

from interp.result import Result
from interp.screens.margin import MarginAnswer, MarginState
from interp.screens.picture import Picture
from interp.widgets.own_words import cautions_html, with_cautions
from interp.widgets.panes import Pane, panes_html, table_html
from interp.widgets.vector_plane import plane_svg
from interp.widgets.wording import percent, quoted, word

PLANE = "Only the two directions in which the uses differ most here; a sense may hide in a third."
GUESSING = (
    "AUC: how often two uses of one sense are more alike than two of different senses; 0.5 is guessing."
)


def uses_html(state: MarginState, answer: MarginAnswer) -> str:
    """The finding, the points with their legend, the AUC after every number of blocks, the same as text."""
    points, senses = _drawn(state, answer)
    told = f"{_sense(state, answer)} The table below lists them."
    drawn = plane_svg(points, senses, (), "", told, answer.reach)
    kinds = dict.fromkeys(senses.values())
    legend = "  ".join(
        f'<span class="key role{number}"></span> {escape(kind)}' for number, kind in enumerate(kinds)
    )
    return (
        f'{cautions_html(answer.doubts)}<p class="finding small">{escape(_sense(state, answer))}</p>{drawn}'
        f'<p class="legend">{legend}</p><p class="note">{PLANE} One scale for all blocks. {GUESSING}</p>'
        f"{_by_block(state, answer)}"
        f"<details><summary>The same as text</summary>{_places(answer)}</details>"
    )


def note_html(state: MarginState, answer: MarginAnswer) -> str:
    """The finding, the likeliest next words before and after, the same as text."""
    panes = _panes(state, answer)
    return (
        f'{cautions_html(answer.cautions)}<p class="finding small">{escape(_edit(state, answer))}</p>'
        f"{panes_html(*panes, {})}"
        f"<details><summary>The same as text</summary>{table_html(*panes)}</details>"
    )


def status(state: MarginState, answer: MarginAnswer) -> str:
    """Both findings, for screen readers."""
    return f"{_told(state, answer)} {with_cautions(answer.cautions, _edit(state, answer))}"


def picture(state: MarginState, answer: MarginAnswer) -> Picture:
    """The uses as points."""
    edit = f"After {quoted(state.text)}: {with_cautions(answer.cautions, _edit(state, answer))}"
    points, senses = _drawn(state, answer)
    drawn = {"groups": senses, "even": True}
    return Picture("points", _told(state, answer), points, (PLANE, GUESSING, edit), drawn)


def static_html(state: MarginState, answer: MarginAnswer, name: str, style: str) -> str:
    """The widget without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-margin"><h3>Notes in the margin of'
        f" {escape(name)}</h3>{uses_html(state, answer)}<p>{escape(quoted(state.text))}</p>"
        f"{note_html(state, answer)}</div>"
    )


def _drawn(state: MarginState, answer: MarginAnswer) -> tuple[Result, dict[str, str]]:
    """The points and the sense of each; before the first block one point stands for all."""
    if state.depth:
        return answer.points, answer.senses
    some, name = answer.points, f"all {len(answer.senses)} uses"
    axes = {**some.axes, "use": (name,)}
    return Result(some.values[:1], axes, some.quantity, some.unit, some.about), {name: "both senses"}


def _told(state: MarginState, answer: MarginAnswer) -> str:
    return with_cautions(answer.doubts, _sense(state, answer))


def _sense(state: MarginState, answer: MarginAnswer) -> str:
    """How well the senses are told apart, in one sentence."""
    auc = float(answer.apart.at(blocks=state.depth))
    if state.depth == 0:
        return (
            f"Before the first block all {len(answer.senses)} uses of “{state.word}” are one point: one word,"
            f" one vector (AUC {auc:.2f})."
        )
    return f"After {_blocks(state.depth)} the senses of “{state.word}” are told apart with AUC {auc:.2f}."


def _edit(state: MarginState, answer: MarginAnswer) -> str:
    """What the edited note does to the first guess, in one sentence."""
    (((first,), was),) = answer.before.top(1)
    (((now,), share),) = answer.after.top(1)
    where = f"The note after {_blocks(state.edited)} says “{answer.leaning}”"
    if state.strength == 1:
        return f"{where}; as it is, the first guess is “{word(first)}” ({percent(was)})."
    told = f"{where}; {_strength(state)}, the first guess"
    if now == first:
        return f"{told} stays “{word(now)}”: {percent(was)} before, {percent(share)} after."
    return f"{told} is “{word(now)}” ({percent(share)}); before, “{word(first)}” ({percent(was)})."


def _strength(state: MarginState) -> str:
    if state.strength == 0:
        return "taken out"
    turned, size = state.strength < 0, abs(state.strength)
    ways = ["turned round"] * turned + [f"{size:g} times as strong"] * (size != 1)
    return ", ".join(ways) or "as it is"


def _blocks(number: int) -> str:
    return f"{number} block{'s' * (number != 1)}"


def _panes(state: MarginState, answer: MarginAnswer) -> tuple[Pane, Pane]:
    return Pane("Before", "note as it is", answer.before), Pane(
        "After", f"note {_strength(state)}", answer.after
    )


def _by_block(state: MarginState, answer: MarginAnswer) -> str:
    """A row with the AUC after every number of blocks; the one on show is marked."""
    pairs = list(zip(answer.apart.axes["blocks"], answer.apart.values.tolist(), strict=True))
    here = ['aria-current="true"' if blocks == state.depth else "" for blocks, _ in pairs]
    top = "".join(
        f'<th scope="col" {mark}>{blocks}</th>' for (blocks, _), mark in zip(pairs, here, strict=True)
    )
    row = "".join(f"<td {mark}>{auc:.2f}</td>" for (_, auc), mark in zip(pairs, here, strict=True))
    return (
        '<div class="scroll"><table class="pair"><caption>AUC after every number of blocks</caption>'
        f'<thead><tr><th scope="row">after blocks</th>{top}</tr></thead>'
        f'<tbody><tr><th scope="row">AUC</th>{row}</tr></tbody></table></div>'
    )


def _places(answer: MarginAnswer) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(use))}</th><td>{escape(answer.senses[str(use)])}</td>'
        f"<td>{across:+.2f}</td><td>{up:+.2f}</td></tr>"
        for use, (across, up) in zip(answer.points.axes["use"], answer.points.values.tolist(), strict=True)
    )
    return (
        "<table><caption>Place of every use in the picture</caption><thead><tr><th scope='col'>use</th>"
        "<th scope='col'>sense</th><th scope='col'>across</th><th scope='col'>up</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
