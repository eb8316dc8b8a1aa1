"""How the Margin Notes read: HTML and sentences from an answer. Pure; every word of the user is escaped."""

from html import escape

from interp.languages import message, say
from interp.result import Result
from interp.screens.margin import MarginAnswer, MarginState
from interp.screens.picture import Picture
from interp.widgets.own_words import cautions_html, with_cautions
from interp.widgets.panes import Pane, panes_html, table_html
from interp.widgets.vector_plane import plane_svg
from interp.widgets.wording import percent, quoted, word

PLANE = message("Only the two directions in which the uses differ most here; a sense may hide in a third.")
GUESSING = message(
    "AUC: how often two uses of one sense are more alike than two of different senses; 0.5 is guessing."
)


def uses_html(state: MarginState, answer: MarginAnswer) -> str:
    """The finding, the points with their legend, the AUC after every number of blocks, the same as text."""
    points, senses = _drawn(state, answer)
    told = f"{_sense(state, answer)} {say('The table below lists them.')}"
    drawn = plane_svg(points, senses, (), "", told, answer.reach)
    kinds = dict.fromkeys(senses.values())
    legend = "  ".join(
        f'<span class="key role{number}"></span> {escape(say(kind))}' for number, kind in enumerate(kinds)
    )
    return (
        f'{cautions_html(answer.doubts)}<p class="finding small">{escape(_sense(state, answer))}</p>{drawn}'
        f'<p class="legend">{legend}</p><p class="note">{say(PLANE)}'
        f" {say('One scale for all blocks.')} {say(GUESSING)}</p>"
        f"{_by_block(state, answer)}"
        f"<details><summary>{say('The same as text')}</summary>{_places(answer)}</details>"
    )


def note_html(state: MarginState, answer: MarginAnswer) -> str:
    """The finding, the likeliest next words before and after, the same as text."""
    panes = _panes(state, answer)
    return (
        f'{cautions_html(answer.cautions)}<p class="finding small">{escape(_edit(state, answer))}</p>'
        f"{panes_html(*panes, {})}"
        f"<details><summary>{say('The same as text')}</summary>{table_html(*panes)}</details>"
    )


def status(state: MarginState, answer: MarginAnswer) -> str:
    """Both findings, for screen readers."""
    return f"{_told(state, answer)} {with_cautions(answer.cautions, _edit(state, answer))}"


def picture(state: MarginState, answer: MarginAnswer) -> Picture:
    """The uses as points."""
    told = with_cautions(answer.cautions, _edit(state, answer))
    edit = say("After {text}: {finding}", text=quoted(state.text), finding=told)
    points, senses = _drawn(state, answer)
    drawn = {"groups": senses, "even": True}
    return Picture("points", _told(state, answer), points, (say(PLANE), say(GUESSING), edit), drawn)


def static_html(state: MarginState, answer: MarginAnswer, name: str, style: str) -> str:
    """The widget without its controls: what GitHub, PDF and a notebook without a kernel show."""
    heading = say("Notes in the margin of {name}", name=escape(name))
    return (
        f'<style>{style}</style><div class="interp-widget interp-margin"><h3>{heading}</h3>'
        f"{uses_html(state, answer)}<p>{escape(quoted(state.text))}</p>"
        f"{note_html(state, answer)}</div>"
    )


def _drawn(state: MarginState, answer: MarginAnswer) -> tuple[Result, dict[str, str]]:
    """The points and the sense of each; before the first block one point stands for all."""
    if state.depth:
        return answer.points, answer.senses
    some, name = answer.points, say("all {number} uses", number=len(answer.senses))
    axes = {**some.axes, "use": (name,)}
    return Result(some.values[:1], axes, some.quantity, some.unit, some.about), {name: say("both senses")}


def _told(state: MarginState, answer: MarginAnswer) -> str:
    return with_cautions(answer.doubts, _sense(state, answer))


def _sense(state: MarginState, answer: MarginAnswer) -> str:
    """How well the senses are told apart, in one sentence."""
    auc = float(answer.apart.at(blocks=state.depth))
    if state.depth == 0:
        return say(
            "Before the first block all {number} uses of “{word}” are one point: one word, one vector "
            "(AUC {auc:.2f}).",
            number=len(answer.senses),
            word=state.word,
            auc=auc,
        )
    return say(
        "After {blocks} the senses of “{word}” are told apart with AUC {auc:.2f}.",
        blocks=_blocks(state.depth),
        word=state.word,
        auc=auc,
    )


def _edit(state: MarginState, answer: MarginAnswer) -> str:
    """What the edited note does to the first guess, in one sentence."""
    (((first,), was),) = answer.before.top(1)
    (((now,), share),) = answer.after.top(1)
    where = say(
        "The note after {blocks} says “{leaning}”", blocks=_blocks(state.edited), leaning=say(answer.leaning)
    )
    told = {"where": where, "how": _strength(state), "was": percent(was), "share": percent(share)}
    told |= {"first": word(first), "now": word(now)}
    if state.strength == 1:
        return say("{where}; as it is, the first guess is “{first}” ({was}).", **told)
    if now == first:
        return say("{where}; {how}, the first guess stays “{now}”: {was} before, {share} after.", **told)
    return say("{where}; {how}, the first guess is “{now}” ({share}); before, “{first}” ({was}).", **told)


def _strength(state: MarginState) -> str:
    if state.strength == 0:
        return say("taken out")
    turned, size = state.strength < 0, abs(state.strength)
    ways = [say("turned round")] * turned + [say("{size:g} times as strong", size=size)] * (size != 1)
    return say(", ").join(ways) or say("as it is")


def _blocks(number: int) -> str:
    return say("1 block") if number == 1 else say("{number} blocks", number=number)


def _panes(state: MarginState, answer: MarginAnswer) -> tuple[Pane, Pane]:
    after = say("note {how}", how=_strength(state))
    return (
        Pane(say("Before"), say("note as it is"), answer.before),
        Pane(say("After"), after, answer.after),
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
        '<div class="scroll"><table class="pair"><caption>'
        f"{say('AUC after every number of blocks')}</caption>"
        f'<thead><tr><th scope="row">{say("after blocks")}</th>{top}</tr></thead>'
        f'<tbody><tr><th scope="row">AUC</th>{row}</tr></tbody></table></div>'
    )


def _places(answer: MarginAnswer) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(use))}</th><td>{escape(say(answer.senses[str(use)]))}</td>'
        f"<td>{across:+.2f}</td><td>{up:+.2f}</td></tr>"
        for use, (across, up) in zip(answer.points.axes["use"], answer.points.values.tolist(), strict=True)
    )
    columns = (say("use"), say("sense"), say("across"), say("up"))
    head = "".join(f"<th scope='col'>{column}</th>" for column in columns)
    return (
        f"<table><caption>{say('Place of every use in the picture')}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
