"""How the Vector Playground reads: HTML and sentences from an answer. Pure; every word is escaped."""

from html import escape

from interp.languages import message, say
from interp.result import Result
from interp.screens.picture import Picture
from interp.screens.vectors import PlaygroundAnswer, PlaygroundState
from interp.widgets.vector_plane import plane_svg
from interp.widgets.wording import percent

NOTE = message("A flat picture of a space with many directions: words that look near may lie far apart.")


def sum_html(state: PlaygroundState, answer: PlaygroundAnswer) -> str:
    """What a - b + c is, in a sentence and as a list of the nearest words."""
    own = {state.a, state.b, state.c}
    return f'<p class="finding">{escape(finding(state, answer))}</p>{_list(answer.answers, own)}'


def plane_html(state: PlaygroundState, answer: PlaygroundAnswer) -> str:
    """The words as points, what the marks mean, and all of it as text."""
    picture = plane_svg(answer.points, answer.roles, answer.arrows, state.marked, _described(answer))
    kinds = list(dict.fromkeys(answer.roles.values()))
    legend = "".join(
        f'<span class="key role{number}"></span> {escape(say(kind))}  ' for number, kind in enumerate(kinds)
    )
    return (
        f'{picture}<p class="legend">{legend}</p><p class="note">{_note(answer)}</p>'
        f"<details><summary>{say('The same as text')}</summary>{_table(answer)}</details>"
    )


def near_html(state: PlaygroundState, answer: PlaygroundAnswer) -> str:
    """The neighbours of the marked word, as words that can be dragged."""
    heading = say("Nearest to {word}", word=escape(state.marked))
    return f"<h4>{heading} <small>{say('cosine')}</small></h4>{_list(answer.near, set())}"


def chips_html(state: PlaygroundState) -> str:
    """The reader's words as buttons that mark one and can be dragged into a field."""
    return "".join(_chip(word, word == state.marked) for word in state.words)


def read_html(answer: PlaygroundAnswer) -> str:
    """How what was typed was read, where that differs."""
    return "; ".join(
        say("“{typed}” read as {word}", typed=escape(typed), word=f"<b>{escape(word)}</b>")
        for typed, word in answer.read.items()
    )


def finding(state: PlaygroundState, answer: PlaygroundAnswer) -> str:
    """The first answer in both ways of asking, in one sentence."""
    if answer.left_out == answer.allowed:
        return say("{target} = {word}, in both ways of asking.", target=answer.target, word=answer.allowed)
    told = {"target": answer.target, "allowed": answer.allowed, "left_out": answer.left_out}
    if state.allowed:
        return say("{target} = {allowed}; with its own words left out, {left_out}.", **told)
    return say("{target} = {left_out}, its own words left out; else {allowed}.", **told)


def status(state: PlaygroundState, answer: PlaygroundAnswer) -> str:
    """The answer in words, for screen readers."""
    near = say(", ").join(str(word) for word in answer.near.axes["word"][:5])
    return " ".join(
        (
            finding(state, answer),
            say("Nearest to {word}: {words}.", word=state.marked, words=near),
            *_taken(state),
        )
    )


def picture(state: PlaygroundState, answer: PlaygroundAnswer, source: str) -> Picture:
    """The words as points, those of the sum joined."""
    points = Result(
        answer.points.values,
        dict(answer.points.axes),
        say(answer.points.quantity),
        say(answer.points.unit),
        {"model": source},
    )
    said = (_note(answer), *_taken(state))
    drawn = {
        "groups": {word: say(role) for word, role in answer.roles.items()},
        "arrows": answer.arrows,
        "even": True,
    }
    return Picture("points", finding(state, answer), points, said, drawn)


def _taken(state: PlaygroundState) -> tuple[str, ...]:
    if not state.share:
        return ()
    share = percent(state.share)
    return (say("{share} of the direction between women's and men's words is taken out.", share=share),)


def _note(answer: PlaygroundAnswer) -> str:
    spread = say("It shows {share} of these words' spread.", share=percent(sum(answer.shares)))
    return f"{say(NOTE)} {spread}"


def static_html(state: PlaygroundState, answer: PlaygroundAnswer, source: str, style: str) -> str:
    """The playground without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-vectors"><h3>{say("Words as points")}</h3>'
        f"{sum_html(state, answer)}{near_html(state, answer)}{plane_html(state, answer)}"
        f'<p class="note">{escape(source)}</p></div>'
    )


def _list(result: Result, own: set[str]) -> str:
    """Words with their cosine as bars; those of the question marked in words too."""
    asked = say("in the question")
    rows = "".join(
        f"<li>{_chip(str(word), False)}<span class='bar'><span style='width:{100 * max(0.0, value):.0f}%'>"
        f"</span></span><span class='share'>{value:.2f}</span>"
        f"<span class='own'>{asked if word in own else ''}</span></li>"
        for (word,), value in result.top(len(result.values))
    )
    return f'<ol class="near" role="list">{rows}</ol>'


def _chip(word: str, pressed: bool) -> str:
    state, shown = str(pressed).lower(), escape(word)
    title = say("click: mark; drag: into a field of the sum")
    return (
        f'<span class="chip" role="button" tabindex="0" draggable="true" aria-pressed="{state}"'
        f' data-word="{shown}" title="{title}">{shown}</span>'
    )


def _described(answer: PlaygroundAnswer) -> str:
    return say(
        "{number} words as points; the table below lists them.", number=len(answer.points.axes["word"])
    )


def _table(answer: PlaygroundAnswer) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(word))}</th><td>{across:+.2f}</td><td>{up:+.2f}</td>'
        f"<td>{escape(say(answer.roles.get(str(word), '')))}</td></tr>"
        for word, (across, up) in zip(answer.points.axes["word"], answer.points.values.tolist(), strict=True)
    )
    columns = (say("word"), say("across"), say("up"), say("what it is"))
    head = "".join(f"<th scope='col'>{column}</th>" for column in columns)
    return (
        f"<table><caption>{say('Place of every word in the picture')}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
