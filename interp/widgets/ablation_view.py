"""What the Ablation Lab says: sentences and HTML from a state and its answer. Pure; every word of the user is
escaped.

Refuses: controls, computing.
"""

from html import escape
from itertools import chain

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.lab import LabAnswer, LabState
from interp.screens.picture import Picture
from interp.widgets.own_words import RULE, asked_sentence, finding_html, names, with_cautions
from interp.widgets.panes import MOST, Pane, panes_html, table_html
from interp.widgets.wording import heads_text, percent, quoted, signed, times

UNCHANGED = 0.005
STEADY = 0.01
DRAWN = 4  # words in a picture: more would be too small to read
WAY_NAMES = {
    "mean": message("its average"),
    "zero": message("nothing"),
    "resample": message("what it does in another sentence"),
    "twin": message("what it does in the second sentence"),
}
MEANING = message(
    "Logit difference: how far the model leans "
    "towards ● and "
    "away from ◆. Zero: both are equally likely. Each nat more makes ● 2.7 times as likely compared with ◆. "
    "The number "
    "in a head's cell is what that head alone writes towards ●, directly, before anything is switched off. "
    "Switching "
    "it off can cost more, because later heads listen to it, or less, because others step in."
)


def finding(state: LabState, answer: LabAnswer) -> str:
    """The result in one sentence."""
    before, after = answer.logit_difference
    favourite = _favourite(answer, before)
    if not state.heads:
        return say("Every head is on: {favourite}.", favourite=favourite)
    without = heads_text(state.heads)
    if before * after < 0 and abs(after) > STEADY:
        return say(
            "Without {heads} the model changes its mind: now {now} (before, {then}).",
            heads=without,
            now=_favourite(answer, after),
            then=_favourite(answer, before, "was"),
        )
    if abs(after - before) <= STEADY:
        return say("Without {heads} nothing changes: {favourite}.", heads=without, favourite=favourite)
    told = {"heads": without, "now": _favourite(answer, after), "then": times(before)}
    if abs(after) > abs(before):
        return say("Without {heads} the preference gets stronger: {now}; before it was {then}.", **told)
    return say("Without {heads} the preference gets weaker: {now}; before it was {then}.", **told)


def _favourite(answer: LabAnswer, difference: float, verb: str = "is") -> str:
    first, second = names(answer.asked)
    likelier, other = (first, second) if difference >= 0 else (second, first)
    if abs(difference) <= STEADY:
        return say("“{first}” and “{second}” are equally likely", first=first, second=second)
    told = {"likelier": likelier, "times": times(difference), "other": other}
    if verb == "was":
        return say("“{likelier}” was {times} as likely as “{other}”", **told)
    return say("“{likelier}” is {times} as likely as “{other}”", **told)


def status(state: LabState, answer: LabAnswer) -> str:
    """What a screen reader says after a change: the finding, what must be said before it, the numbers, what
    is off.
    """
    before, after = answer.logit_difference
    off = ", ".join(map(str, state.heads)) or say("none")
    told = with_cautions(answer.cautions, finding(state, answer))
    numbers = say(
        "Logit difference {before:.2f} to {after:.2f}. Heads off: {heads}.",
        before=before,
        after=after,
        heads=off,
    )
    return f"{told} {numbers}"


def result_html(state: LabState, answer: LabAnswer) -> str:
    """The whole result: finding, three numbers before and after, two panes on one scale, the same as text."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in answer.notes)
    marks = {one.text: mark for mark, one in zip("●◆", answer.asked, strict=True)}
    return (
        f"{finding_html(answer.cautions, finding(state, answer))}{_numbers(state, answer)}"
        f"{panes_html(*_panes(state, answer), marks)}"
        f"{_text_alternative(state, answer)}{meaning_html()}"
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
    )


def meaning_html() -> str:
    """What the numbers mean, folded."""
    return (
        f"<details><summary>{say('What do the numbers mean?')}</summary><p>{say(MEANING)}</p>"
        f"<p>{say('Which token is asked?')} {say(RULE)}</p></details>"
    )


def _numbers(state: LabState, answer: LabAnswer) -> str:
    before, after = answer.logit_difference
    off = bool(state.heads)
    cards = [
        _card(
            say("Logit difference"),
            signed(before),
            signed(after),
            say("{number} nats", number=signed(after - before)),
            after - before,
            off,
        ),
        *(
            _card(
                say("Chance of {mark} {word}", mark=mark, word=name),
                percent(pair[0]),
                percent(pair[1]),
                _points(pair[1] - pair[0]),
                pair[1] - pair[0],
                off,
            )
            for mark, name, pair in zip(
                "●◆",
                names(answer.asked),
                (answer.answer_probability, answer.against_probability),
                strict=True,
            )
        ),
    ]
    return f'<dl class="numbers">{"".join(cards)}</dl>'


def _points(change: float) -> str:
    return say("{number} points", number=signed(100 * change, 0 if abs(change) >= 0.0995 else 1))


def _card(name: str, before: str, after: str, change: str, size: float, off: bool) -> str:
    if not off:
        return f"<div><dt>{escape(name)}</dt><dd><strong>{escape(after)}</strong></dd></div>"
    arrow, way = ("▲", "up") if size > UNCHANGED else ("▼", "down") if size < -UNCHANGED else ("=", "same")
    moved = say("no change") if way == "same" else change
    return (
        f"<div><dt>{escape(name)}</dt><dd><span class='before'>{escape(before)}</span> "
        f"<span aria-hidden='true'>→</span> <strong>{escape(after)}</strong> "
        f"<span class='change {way}'>{arrow} {escape(moved)}</span></dd></div>"
    )


def _panes(state: LabState, answer: LabAnswer) -> tuple[Pane, Pane]:
    off = heads_text(state.heads)
    label = say("without {heads}", heads=off) if state.heads else say("nothing off yet")
    return (
        Pane(say("Baseline"), say("whole model"), answer.baseline),
        Pane(say("Ablated"), label, answer.ablated),
    )


def _text_alternative(state: LabState, answer: LabAnswer) -> str:
    return (
        f"<details><summary>{say('The same as text')}</summary><p>{escape(status(state, answer))}</p>"
        f"{table_html(*_panes(state, answer))}</details>"
    )


def picture(state: LabState, answer: LabAnswer, model: str) -> Picture:
    """Both panes as bars, word by word: the likeliest on either side."""
    panes = _panes(state, answer)[: 2 if state.heads else 1]
    shares = [{str(labels[-1]): share for labels, share in pane.words.top(MOST)} for pane in panes]
    likeliest = sorted({*chain(*shares)}, key=lambda token: -max(one.get(token, 0.0) for one in shares))[
        :DRAWN
    ]
    values = np.array([[one.get(token, np.nan) for one in shares] for token in likeliest])
    axes = {"token": tuple(likeliest), "model": tuple(pane.title.lower() for pane in panes)}
    result = Result(values, axes, say("probability of the next word"), "probability", {"model": model})
    told = with_cautions(answer.cautions, finding(state, answer))
    return Picture(
        "bars", told, result if state.heads else result.at(model=axes["model"][0]), _said(state, answer)
    )


def _said(state: LabState, answer: LabAnswer) -> tuple[str, ...]:
    """What a picture's caption says: the sentence, what is asked, what is off and how, the lead."""
    before, after = (signed(lead) for lead in answer.logit_difference)
    off = ", ".join(map(str, state.heads)) or say("none")
    after_what = say("After {text}.", text=quoted(state.prompt))
    if not state.heads:
        return (
            after_what,
            say("Heads off: {heads}.", heads=off),
            say("Logit difference: {lead} nats.", lead=before),
        )
    twin = say("The second sentence: {text}.", text=quoted(state.twin))
    return (
        after_what,
        *((twin,) if state.how == "twin" else ()),
        say("Heads off: {heads}; such a head puts out {what}.", heads=off, what=say(WAY_NAMES[state.how])),
        say("Logit difference: from {before} to {after} nats.", before=before, after=after),
        say("A dash: not among the {number} likeliest.", number=MOST),
    )


def effects(result: Result) -> list[list[dict[str, object]]]:
    """Every head's direct contribution for the grid: text, and tint from -1 to 1 about zero."""
    size = float(np.nanmax(np.abs(result.values), initial=0.0)) or 1.0
    return [
        [{"text": signed(float(v), 1 if size >= 10 else 2), "tint": round(float(v) / size, 3)} for v in row]
        for row in result.values
    ]


def effect_name(answer: LabAnswer) -> str:
    """What a head's number is, and its unit."""
    return f"{say(answer.head_effects.quantity)} ({say(answer.head_effects.unit)})"


def grid_html(state: LabState, answer: LabAnswer) -> str:
    """The head grid as a plain table, for places without a live widget; a head that is off says so."""
    layers, heads = answer.head_effects.axes.values()
    off, is_off = {str(head) for head in state.heads}, f" ({say('off')})"
    head = "".join(f'<th scope="col">{say("head {number}", number=h)}</th>' for h in heads)
    rows = "".join(
        f'<tr><th scope="row">{say("layer {number}", number=layer)}</th>'
        + "".join(
            f"<td>{cell['text']}{is_off if f'L{layer}H{h}' in off else ''}</td>"
            for h, cell in zip(heads, line, strict=True)
        )
        + "</tr>"
        for layer, line in zip(layers, effects(answer.head_effects), strict=True)
    )
    caption = escape(effect_name(answer))
    heading = f"<caption>{caption}</caption><thead><tr><td></td>{head}</tr></thead>"
    return f"<table>{heading}<tbody>{rows}</tbody></table>"


def static_html(state: LabState, answer: LabAnswer, style: str) -> str:
    """The lab without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-lab">'
        f'<p class="prompt">{escape(state.prompt)} …</p>'
        f'<p class="note">{escape(asked_sentence("●◆", answer.asked))}</p>'
        f"{result_html(state, answer)}"
        f"<details><summary>{say('All heads')}</summary>{grid_html(state, answer)}</details></div>"
    )
