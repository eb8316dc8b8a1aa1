"""How the Neuron Browser reads: HTML and sentences from an answer. Pure; every token is escaped."""

from collections.abc import Sequence
from html import escape
from math import isfinite

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.neurons import BrowserState, Context, NeuronAnswer, OwnText
from interp.screens.picture import Picture
from interp.widgets.own_words import cautions_html
from interp.widgets.panes import Pane, panes_html, table_html
from interp.widgets.wording import listed, numbered, percent, signed, visible, word

KINDS = (
    (
        "top",
        message("Strongest in the corpus"),
        message("one per window; they show the neuron at its best, not as it usually is"),
    ),
    (
        "middle",
        message("Further down"),
        message("random tokens, at these places when all of them are ranked"),
    ),
    ("random", message("Anywhere"), message("random tokens, the same for every neuron")),
)

WINDOWS = message(
    "The text is longer than the model reads; it was read in {windows} windows, each begun anew. The next "
    "word follows the last one."
)


def outcome_html(state: BrowserState, answer: NeuronAnswer) -> str:
    """The neuron: what it writes, its numbers, its contexts in three honest groups."""
    record, sparsity = answer.record, say("0 always alike, 1 rarely and strongly")
    return (
        f'<p class="finding">{escape(finding(answer))}</p>'
        f'<dl class="numbers">{_number(say("Mean"), f"{record.mean:+.2f}")}'
        f"{_number(say('Above zero'), say('{share:.0%} of tokens', share=record.active))}"
        f"{_number(say('Sparsity'), f'{record.sparsity:.2f}', sparsity)}</dl>"
        f'<div class="weights">{_words(say("Speaks for"), "towards", record.writes)}'
        f"{_words(say('Speaks against'), 'against', record.suppresses)}</div>"
        + "".join(_group(kind, say(title), say(note), record.contexts) for kind, title, note in KINDS)
        + f'<p class="note">{escape(_source(answer))}</p>'
    )


def text_html(state: BrowserState, answer: NeuronAnswer) -> str:
    """The neuron on one's own text, and the next words with it on and off."""
    own: OwnText | None = answer.own
    if own is None:
        return f'<p class="note">{say("Give the browser a model to read a text of your own.")}</p>'
    values = [float(value) for value in own.activations.values]
    cut = f'<p class="note">{say(WINDOWS, windows=own.windows)}</p>' if own.windows > 1 else ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in own.notes)
    before = Pane(say("Neuron on"), say("the next word"), own.whole)
    after = (
        Pane(say("Still on"), say("switch it off to compare"), own.whole)
        if state.on
        else Pane(say("Neuron off"), say("it writes nothing"), own.without)
    )
    return (
        f'{cautions_html(own.cautions)}<p class="reading small">{escape(_peak(own, values))}</p>'
        f"{_strip(own.tokens, values, None, _largest(answer, values))}{cut}{notes}"
        f'<div class="{"on" if state.on else "off"}">{panes_html(before, after, {})}</div>'
        f"<details><summary>{say('The same as text')}</summary><p>{escape(_listed(own.tokens, values))}</p>"
        f"{table_html(before, after)}</details>"
    )


def hits_html(answer: NeuronAnswer) -> str:
    """What the search found: buttons that open a neuron."""
    rows = "".join(
        f'<li><button type="button" class="plain" data-neuron="{neuron}">{neuron}</button>'
        f" <span>{escape(why)}</span></li>"
        for neuron, why in answer.hits
    )
    return f'<ol class="hits" role="list">{rows}</ol>' if rows else ""


def finding(answer: NeuronAnswer) -> str:
    """What excites the neuron most and what it says then, in one sentence."""
    record = answer.record
    tops = [one for one in record.contexts if one.kind == "top"]
    said = listed([f"“{word(token)}”" for token, _ in record.writes[:2]])
    if not tops:
        return say(
            "{neuron} has no context in this corpus. It speaks for {said}.", neuron=record.neuron, said=said
        )
    words = list(dict.fromkeys(word(one.tokens[one.at]) for one in tops[:5]))
    told = {"neuron": record.neuron, "words": listed([f"“{text}”" for text in words[:2]]), "said": said}
    if len(words) > 2:
        return say("{neuron} is most excited at {words} and others; it speaks for {said}.", **told)
    return say("{neuron} is most excited at {words}; it speaks for {said}.", **told)


def status(state: BrowserState, answer: NeuronAnswer) -> str:
    """The answer in words, for screen readers."""
    parts = [finding(answer)]
    if answer.hits:
        hits = ", ".join(str(one) for one, _ in answer.hits)
        parts.append(say("The search found {number}: {hits}.", number=len(answer.hits), hits=hits))
    own: OwnText | None = answer.own
    if own is not None:
        parts += own.cautions
        parts.append(_peak(own, [float(value) for value in own.activations.values]))
        likeliest = [str(result.top(1)[0][0][0]) for result in (own.whole, own.without)]
        if not state.on:
            parts.append(_change(*map(word, likeliest)))
    return " ".join(parts)


def picture(answer: NeuronAnswer, model: str) -> Picture:
    """The strongest places in the corpus, the token in question framed; without one, what the neuron says."""
    record = answer.record
    tops = [one for one in record.contexts if one.kind == "top"]
    said = (
        say(
            "Mean {mean}, above zero at {share} of the tokens.",
            mean=signed(record.mean),
            share=percent(record.active),
        ),
        _source(answer),
    )
    if not tops:
        spoken = record.writes
        axes = {"token": numbered([token for token, _ in spoken])}
        says = Result(
            np.array([nats for _, nats in spoken]),
            axes,
            say("what it writes"),
            say("nats per unit"),
            {"model": model},
        )
        return Picture("bars", finding(answer), says, said)
    before = max(one.at for one in tops)
    after = max(len(one.tokens) - one.at for one in tops)
    values = np.full((len(tops), before + after), np.nan)
    tokens = [[""] * (before + after) for _ in tops]
    for row, one in enumerate(tops):
        there = slice(before - one.at, before - one.at + len(one.tokens))
        values[row, there], tokens[row][there] = one.shades, one.tokens
        values[row, before] = one.activation
    axes = {
        say("context"): tuple(f"{i}" for i in range(1, len(tops) + 1)),
        say("place"): tuple(range(-before, after)),
    }
    result = Result(values, axes, say("activation"), "", {"model": model})
    return Picture(
        "snippets", finding(answer), result, said, {"tokens": tokens, "groups": {say("strongest"): len(tops)}}
    )


def static_html(state: BrowserState, answer: NeuronAnswer, style: str) -> str:
    """The browser without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-neurons"><h3>{state.neuron}</h3>'
        f"{outcome_html(state, answer)}<h3>{say('On your own text')}</h3>{text_html(state, answer)}</div>"
    )


def _source(answer: NeuronAnswer) -> str:
    return say("From {source}", source=answer.source)


def _change(before: str, after: str) -> str:
    if before == after:
        return say("Without it the likeliest next word stays “{before}”.", before=before)
    return say("Without it the likeliest next word is “{after}”, not “{before}”.", after=after, before=before)


def _number(name: str, value: str, title: str = "") -> str:
    return f'<div title="{escape(title)}"><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>'


def _words(title: str, side: str, words: Sequence[tuple[str, float]]) -> str:
    size = max((abs(nats) for _, nats in words), default=1.0) or 1.0
    rows = "".join(
        f'<li><span class="token">{escape(visible(token))}</span><span class="bar {side}">'
        f'<span style="width:{100 * abs(nats) / size:.0f}%"></span></span>'
        f'<span class="share">{signed(nats)}</span></li>'
        for token, nats in words[:6]
    )
    heading = f"<h4>{title} <small>{say('nats per unit')}</small></h4>"
    return f'<section>{heading}<ol role="list">{rows}</ol></section>'


def _group(kind: str, title: str, note: str, contexts: Sequence[Context]) -> str:
    some = [one for one in contexts if one.kind == kind]
    if not some:
        return ""
    largest = max((one.activation for one in contexts), default=1.0)
    rows = "".join(
        f'<li><span class="share" title="{_above(one)}">{signed(one.activation)}{_place(one)}</span>'
        f"{_strip(one.tokens, one.shades, one.at, largest)}</li>"
        for one in some
    )
    return (
        f'<section class="contexts" data-kind="{kind}"><h4>{title} <small>{note}</small></h4>'
        f'<ol role="list">{rows}</ol></section>'
    )


def _place(one: Context) -> str:
    return "" if one.share is None else f" <small>{_percentile(one.share)}</small>"


def _percentile(share: float) -> str:
    return say("middle") if abs(share - 0.5) < 1e-6 else say("top {share:.0f} %", share=100 * (1 - share))


def _above(one: Context) -> str:
    if one.share is None:
        return ""
    return say("{share:.0f} % of random tokens excite it less", share=100 * one.share)


def _strip(tokens: Sequence[str], values: Sequence[float], at: int | None, largest: float) -> str:
    """The tokens in a row, shaded by activation; the one in question framed."""
    marks = []
    for number, (token, value) in enumerate(zip(tokens, values, strict=True)):
        known = isfinite(value)
        tint = round(100 * min(1.0, max(0.0, value / largest))) if known and largest > 0 else 0
        kind = " class=peak" if number == at else ""
        title = f"{visible(token)}: {signed(value) if known else say('not kept')}"
        marks.append(
            f'<span{kind} style="--tint:{tint}%" title="{escape(title)}">{escape(visible(token))}</span>'
        )
    return f'<span class="strip">{"".join(marks)}</span>'


def _largest(answer: NeuronAnswer, values: Sequence[float]) -> float:
    return max([one.activation for one in answer.record.contexts] + list(values), default=1.0)


def _peak(own: OwnText, values: Sequence[float]) -> str:
    at = max(range(len(values)), key=lambda place: values[place])
    return say(
        "On your text it is strongest at “{token}”: {value}.",
        token=word(own.tokens[at]),
        value=signed(values[at]),
    )


def _listed(tokens: Sequence[str], values: Sequence[float]) -> str:
    return say(", ").join(
        f"{visible(token)} {signed(value)}" for token, value in zip(tokens, values, strict=True)
    )
