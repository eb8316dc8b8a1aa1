"""What the Attention Viewer says: shades for its maps, a list for every query word, the locked pair in words.
Pure; every word of the user is escaped.
"""

from base64 import b64encode
from html import escape
from typing import Any

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.attention import Attention, AttentionState
from interp.screens.picture import Picture
from interp.widgets.wording import numbered, percent, quoted, signed, visible, word

LISTED = 4
MODE_NAMES = {
    "weight": message("weight: the share of its look"),
    "score": message("score q·k before the softmax"),
    "moved": message("what moves: length of weight × value"),
}
WARNING = message(
    "A look is not a reason. A head may look at a word and move nothing from it, other heads may undo what "
    "it moves, and the value at a place holds more than that word. To learn whether a head matters, switch "
    "it off in the Ablation Lab."
)

STRAIGHT = message(
    "Read straight through the last layer norm and the unembedding; what later parts make of it is not in "
    "these numbers."
)


def shown(answer: Attention, state: AttentionState) -> Result:
    """Result[query, key] of the state's head and number."""
    whole = {"weight": answer.weight, "score": answer.score, "moved": answer.moved}[state.show]
    return whole.at(layer=state.head.layer, head=state.head.head)


def thumbnails(answer: Attention) -> str:
    """All weights as bytes 0-255 in base64, in the order layer, head, query, key; later keys are 0."""
    weights = np.nan_to_num(answer.weight.values)
    return b64encode(np.rint(255 * weights).astype(np.uint8).tobytes()).decode("ascii")


def cells(values: Result, mode: str) -> list[list[dict[str, Any]]]:
    """Text and shade 0-1 of every cell of the lower triangle, row by row.

    Weights are shaded as they are, scores from the lowest to the highest of their row, lengths as a share
    of the largest of the head.
    """
    table = values.values
    largest = float(np.nanmax(table, initial=0.0)) or 1.0
    rows = []
    for query, row in enumerate(table):
        seen = row[: query + 1]
        low, high = float(seen.min()), float(seen.max())
        alone = (low - 1.0, 1.0)  # a row of one score, or of equal ones: all are the highest
        score = (low, high - low) if high > low else alone
        spread = {"weight": (0.0, 1.0), "score": score, "moved": (0.0, largest)}[mode]
        rows.append(
            [
                {
                    "text": number(float(value), mode),
                    "shade": round(float((value - spread[0]) / spread[1]), 3),
                }
                for value in seen
            ]
        )
    return rows


def number(value: float, mode: str) -> str:
    """One number as readers see it: "0.62", "−1.3" for scores, "4.20" for lengths."""
    return signed(value, 1) if mode == "score" else f"{value:.2f}"


def row_sentence(tokens: tuple[str, ...], values: Result, mode: str, query: int) -> str:
    """The largest numbers of one query word: "to → Mary 0.62, John 0.11"."""
    seen = values.values[query, : query + 1]
    order = np.argsort(-seen, kind="stable")[:LISTED]
    listed = say(", ").join(f"{word(tokens[key])} {number(float(seen[key]), mode)}" for key in order)
    return f"{word(tokens[query])} → {listed}"


def pair_html(answer: Attention, state: AttentionState, promoted: Result | None) -> str:
    """The locked pair: its three numbers, the share of what moves, and the words it pushes up."""
    if state.query is None or state.key is None or promoted is None:
        return f"<p>{say('Click a cell of the large map to see what moves from one word to the other.')}</p>"
    place = {"layer": state.head.layer, "head": state.head.head, "query": state.query, "key": state.key}
    weight, score, moved = (float(part.at(**place)) for part in (answer.weight, answer.score, answer.moved))
    every = float(
        np.nansum(answer.moved.at(layer=state.head.layer, head=state.head.head, query=state.query).values)
    )
    share = percent(moved / every) if every else percent(0.0)
    query, key = (escape(word(answer.tokens[at])) for at in (state.query, state.key))
    words = say(", ").join(
        f"<span class='token'>{escape(visible(labels[-1]))}</span> {signed(value)}"
        for labels, value in promoted.top(len(promoted.axes["token"]))
    )
    numbers = (
        (say("score q·k"), signed(score)),
        (say("weight"), f"{weight:.2f}"),
        (say("what moves, of all to “{query}”", query=query), share),
    )
    cards = "".join(f"<div><dt>{name}</dt><dd><strong>{told}</strong></dd></div>" for name, told in numbers)
    pair = say("{head}: from “{query}” to “{key}”", head=state.head, query=query, key=key)
    pushed = say("What moves pushes these next words up most, in nats: {words}.", words=words)
    return (
        f'<p class="finding small">{pair}</p><dl class="numbers">{cards}</dl>'
        f"<p>{pushed}</p><p class='note'>{say(STRAIGHT)}</p>"
    )


def status(answer: Attention, state: AttentionState) -> str:
    """What a screen reader says after a change."""
    query = _query(answer, state)
    listed = row_sentence(answer.tokens, shown(answer, state), state.show, query)
    told = {"head": state.head, "number": say(MODE_NAMES[state.show]), "listed": listed}
    if state.key is None:
        said = say("{head}, {number}: {listed}.", **told)
    else:
        key = word(answer.tokens[state.key])
        said = say("{head}, locked on “{key}”, {number}: {listed}.", key=key, **told)
    return " ".join([*answer.cautions, said])


def picture(answer: Attention, state: AttentionState, model: str) -> Picture:
    """The head's look as a grid: a row for each word that looks."""
    values = shown(answer, state)
    labels = numbered(answer.tokens)
    axes = {say("looks"): labels, say("at"): labels}
    title = f"{state.head}: {row_sentence(answer.tokens, values, state.show, _query(answer, state))}"
    result = Result(values.values, axes, say(MODE_NAMES[state.show]), "", {"model": model})
    said = (
        *answer.cautions,
        say("In {text}.", text=quoted(state.prompt)),
        say("A row for each word that looks, a column for each it looks at."),
    )
    return Picture("heatmap", title, result, said)


def _query(answer: Attention, state: AttentionState) -> int:
    return len(answer.tokens) - 1 if state.query is None else state.query


def text_html(answer: Attention, state: AttentionState) -> str:
    """The head as text: one line per query word."""
    values = shown(answer, state)
    lines = "".join(
        f"<li>{escape(row_sentence(answer.tokens, values, state.show, query))}</li>"
        for query in range(len(answer.tokens))
    )
    mode = say(MODE_NAMES[state.show])
    largest = say("{what}; the {number} largest of every word", what=mode, number=LISTED)
    return (
        f"<details><summary>{say('The same as text: {head}', head=state.head)}</summary>"
        f"<p>{largest}</p>"
        f"<ol class='rows'>{lines}</ol></details>"
    )


def static_html(answer: Attention, state: AttentionState, style: str) -> str:
    """The viewer without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-attention"><p class="prompt">'
        f"{escape(state.prompt)}</p><p>{escape(status(answer, state))}</p>{text_html(answer, state)}"
        f'<p class="warning">{say(WARNING)}</p></div>'
    )
