"""How the Neuron Browser reads: HTML and sentences from an answer. Pure; every token is escaped."""

from collections.abc import Sequence
from html import escape
from math import isfinite

import numpy as np

from interp.result import Result
from interp.screens.neurons import BrowserState, Context, NeuronAnswer, OwnText
from interp.screens.picture import Picture
from interp.widgets.own_words import cautions_html
from interp.widgets.panes import Pane, panes_html, table_html
from interp.widgets.wording import numbered, percent, signed, visible, word

KINDS = (
    (
        "top",
        "Strongest in the corpus",
        "one per window; they show the neuron at its best, not as it usually is",
    ),
    ("middle", "Further down", "random tokens, at these places when all of them are ranked"),
    ("random", "Anywhere", "random tokens, the same for every neuron"),
)


def outcome_html(state: BrowserState, answer: NeuronAnswer) -> str:
    """The neuron: what it writes, its numbers, its contexts in three honest groups."""
    record = answer.record
    return (
        f'<p class="finding">{escape(finding(answer))}</p>'
        f'<dl class="numbers">{_number("Mean", f"{record.mean:+.2f}")}'
        f"{_number('Above zero', f'{record.active:.0%} of tokens')}"
        f"{_number('Sparsity', f'{record.sparsity:.2f}', '0 always alike, 1 rarely and strongly')}</dl>"
        f'<div class="weights">{_words("Speaks for", record.writes)}'
        f"{_words('Speaks against', record.suppresses)}</div>"
        + "".join(_group(kind, title, note, record.contexts) for kind, title, note in KINDS)
        + f'<p class="note">From {escape(answer.source)}</p>'
    )


def text_html(state: BrowserState, answer: NeuronAnswer) -> str:
    """The neuron on one's own text, and the next words with it on and off."""
    own: OwnText | None = answer.own
    if own is None:
        return '<p class="note">Give the browser a model to read a text of your own.</p>'
    values = [float(value) for value in own.activations.values]
    cut = (
        f'<p class="note">The text is longer than the model reads; it was read in {own.windows} windows, each'
        " begun anew. The next word follows the last one.</p>"
        if own.windows > 1
        else ""
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in own.notes)
    before = Pane("Neuron on", "the next word", own.whole)
    after = (
        Pane("Still on", "switch it off to compare", own.whole)
        if state.on
        else Pane("Neuron off", "it writes nothing", own.without)
    )
    return (
        f'{cautions_html(own.cautions)}<p class="reading small">{escape(_peak(own, values))}</p>'
        f"{_strip(own.tokens, values, None, _largest(answer, values))}{cut}{notes}"
        f'<div class="{"on" if state.on else "off"}">{panes_html(before, after, {})}</div>'
        f"<details><summary>The same as text</summary><p>{escape(_listed(own.tokens, values))}</p>"
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
    said = " and ".join(f"“{word(token)}”" for token, _ in record.writes[:2])
    if not tops:
        return f"{record.neuron} has no context in this corpus. It speaks for {said}."
    words = list(dict.fromkeys(word(one.tokens[one.at]) for one in tops[:5]))
    told = " and ".join(f"“{text}”" for text in words[:2])
    more = " and others" if len(words) > 2 else ""
    return f"{record.neuron} is most excited at {told}{more}; it speaks for {said}."


def status(state: BrowserState, answer: NeuronAnswer) -> str:
    """The answer in words, for screen readers."""
    parts = [finding(answer)]
    if answer.hits:
        parts.append(f"The search found {len(answer.hits)}: {', '.join(str(one) for one, _ in answer.hits)}.")
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
        f"Mean {signed(record.mean)}, above zero at {percent(record.active)} of the tokens.",
        f"From {answer.source}",
    )
    if not tops:
        spoken = record.writes
        axes = {"token": numbered([token for token, _ in spoken])}
        says = Result(
            np.array([nats for _, nats in spoken]), axes, "what it writes", "nats per unit", {"model": model}
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
    axes = {"context": tuple(f"{i}" for i in range(1, len(tops) + 1)), "place": tuple(range(-before, after))}
    result = Result(values, axes, "activation", "", {"model": model})
    return Picture(
        "snippets", finding(answer), result, said, {"tokens": tokens, "groups": {"strongest": len(tops)}}
    )


def static_html(state: BrowserState, answer: NeuronAnswer, style: str) -> str:
    """The browser without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-neurons"><h3>{state.neuron}</h3>'
        f"{outcome_html(state, answer)}<h3>On your own text</h3>{text_html(state, answer)}</div>"
    )


def _change(before: str, after: str) -> str:
    if before == after:
        return f"Without it the likeliest next word stays “{before}”."
    return f"Without it the likeliest next word is “{after}”, not “{before}”."


def _number(name: str, value: str, title: str = "") -> str:
    return f'<div title="{escape(title)}"><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>'


def _words(title: str, words: Sequence[tuple[str, float]]) -> str:
    size = max((abs(nats) for _, nats in words), default=1.0) or 1.0
    side = "towards" if title == "Speaks for" else "against"
    rows = "".join(
        f'<li><span class="token">{escape(visible(token))}</span><span class="bar {side}">'
        f'<span style="width:{100 * abs(nats) / size:.0f}%"></span></span>'
        f'<span class="share">{signed(nats)}</span></li>'
        for token, nats in words[:6]
    )
    return f'<section><h4>{title} <small>nats per unit</small></h4><ol role="list">{rows}</ol></section>'


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
    return "middle" if abs(share - 0.5) < 1e-6 else f"top {100 * (1 - share):.0f} %"


def _above(one: Context) -> str:
    if one.share is None:
        return ""
    return f"{100 * one.share:.0f} % of random tokens excite it less"


def _strip(tokens: Sequence[str], values: Sequence[float], at: int | None, largest: float) -> str:
    """The tokens in a row, shaded by activation; the one in question framed."""
    marks = []
    for number, (token, value) in enumerate(zip(tokens, values, strict=True)):
        known = isfinite(value)
        tint = round(100 * min(1.0, max(0.0, value / largest))) if known and largest > 0 else 0
        kind = " class=peak" if number == at else ""
        title = f"{visible(token)}: {signed(value) if known else 'not kept'}"
        marks.append(
            f'<span{kind} style="--tint:{tint}%" title="{escape(title)}">{escape(visible(token))}</span>'
        )
    return f'<span class="strip">{"".join(marks)}</span>'


def _largest(answer: NeuronAnswer, values: Sequence[float]) -> float:
    return max([one.activation for one in answer.record.contexts] + list(values), default=1.0)


def _peak(own: OwnText, values: Sequence[float]) -> str:
    at = max(range(len(values)), key=lambda place: values[place])
    return f"On your text it is strongest at “{word(own.tokens[at])}”: {signed(values[at])}."


def _listed(tokens: Sequence[str], values: Sequence[float]) -> str:
    return ", ".join(f"{visible(token)} {signed(value)}" for token, value in zip(tokens, values, strict=True))
