"""What the Patching Map says: cells with number and shade, one sentence per cell, the locked cell in words.
Pure; every word of the user is escaped.
"""

from html import escape
from typing import Any

import numpy as np

from interp.result import Result
from interp.screens.patching import Cell, Leads, MapState
from interp.screens.picture import Picture
from interp.widgets.own_words import ALL_THE_SAME, asked_sentence, cautions_html, names
from interp.widgets.pairs import pair_html
from interp.widgets.panes import Pane, panes_html, table_html
from interp.widgets.wording import numbered, quoted, signed, visible, word

LEAST_SWING = 0.05  # nats; below, a share of the swing means little
UNCHANGED = 0.005  # nats
CLICK = "Click a cell to see what the model says next when that state comes from the second sentence."
KIND_NAMES = {
    "resid_pre": "everything that stands at a word before a layer",
    "attn_out": "what the attention of a layer writes at a word",
    "mlp_out": "what the feed-forward part of a layer writes at a word",
    "z": "what a head puts out (z)",
    "q": "a head's queries (q)",
    "k": "a head's keys (k)",
    "v": "a head's values (v)",
}


def in_shares(state: MapState, leads: Leads) -> bool:
    """Whether the map shows shares of the swing; not where the reader wants nats or there is no swing."""
    return not state.raw and abs(leads.twin - leads.sentence) >= LEAST_SWING


def number(change: float, state: MapState, leads: Leads) -> str:
    """One cell's number: a share of the swing, or nats; empty while it is not measured."""
    if np.isnan(change):
        return ""
    return signed(change / (leads.twin - leads.sentence) if in_shares(state, leads) else change)


def columns(result: Result, leads: Leads) -> list[dict[str, str]]:
    """The headings of the columns: tokens, or heads."""
    axis = list(result.axes)[1]
    if axis == "head":
        return [{"text": f"H{head}", "name": f"head {head}"} for head in result.axes[axis]]
    return [
        {"text": visible(token), "name": f"{word(token)}, {number}" if number else token}
        for token, number in (_token_at(result, leads, place) for place in result.axes[axis])
    ]


def _token_at(result: Result, leads: Leads, place: int) -> tuple[str, str]:
    """The token at a position of the map, and its number as a word of the sentence. The map of a state with
    `bos` has one position more, in front, which is no word and has no number.
    """
    tokens = leads.pair.sentence.tokens
    number = place - (len(result.axes["position"]) - len(tokens))
    return (tokens[number], f"word {number}") if number >= 0 else ("beginning of text", "")


def cells(result: Result, state: MapState, leads: Leads) -> list[list[dict[str, Any]]]:
    """Number, shade from -1 to 1 (towards the twin is positive) and sentence of every cell."""
    swing = leads.twin - leads.sentence
    size = (
        abs(swing)
        if abs(swing) >= LEAST_SWING
        else float(np.nanmax(np.abs(result.values), initial=0.0)) or 1.0
    )
    toward = 1.0 if swing >= 0 else -1.0
    return [
        [
            {
                "text": number(float(change), state, leads),
                "shade": 0.0 if np.isnan(change) else round(float(np.clip(toward * change / size, -1, 1)), 3),
                "say": sentence(result, state, leads, layer, place),
            }
            for place, change in enumerate(row)
        ]
        for layer, row in enumerate(result.values)
    ]


def sentence(result: Result, state: MapState, leads: Leads, layer: int, place: int) -> str:
    """What one cell measured, in one sentence."""
    change = float(result.values[layer, place])
    where = _where(result, leads, layer, place)
    if np.isnan(change):
        return f"{where}: not measured yet."
    if abs(change) < UNCHANGED:
        return f"{where}: nothing changes."
    lead = leads.sentence + change
    swing = leads.twin - leads.sentence
    way = (
        f", {signed(100 * change / swing, 0).removeprefix('+')} % of the way to the second sentence"
        if abs(swing) >= LEAST_SWING
        else ""
    )
    return f"{where}: the lead goes from {signed(leads.sentence)} to {signed(lead)} nats{way}."


def _where(result: Result, leads: Leads, layer: int, place: int) -> str:
    if list(result.axes)[1] == "head":
        return f"L{layer}H{place}"
    token, number = _token_at(result, leads, place)
    return f"Layer {layer}, “{word(token)}” ({number})" if number else f"Layer {layer}, {token}"


def finding(result: Result, state: MapState, leads: Leads) -> str:
    """The map in one sentence: what it is about, or the place that carries most among the last layers
    done.
    """
    swing = leads.twin - leads.sentence
    start = (
        f"Lead of “{names(leads.asked)[0]}”: {signed(leads.sentence)} nats; in the second sentence "
        f"{signed(leads.twin)}."
    )
    if leads.cautions:
        start = f"{ALL_THE_SAME} {start}"
    done = ~np.isnan(result.values)
    if not done.any():
        return f"{start} The map is still empty."
    if abs(swing) < LEAST_SWING:
        return f"{start} There is no swing to share out, so the map is in nats."
    shares = np.where(done, result.values / swing, -np.inf)
    layer, place = (int(at) for at in np.unravel_index(int(np.argmax(shares)), shares.shape))
    most = (
        f"{_where(result, leads, layer, place)} carries most: {100 * shares[layer, place]:.0f} % of the way."
    )
    return f"{start} {most}"


def cell_html(result: Result, state: MapState, leads: Leads, cell: Cell | None) -> str:
    """The locked cell: its sentence, and the next words before and after."""
    if state.cell is None or cell is None:
        return f"<p>{CLICK}</p>"
    where = _where(result, leads, *state.cell)
    before, after = Pane("Before", "the first sentence", cell.before), Pane("Patched", where, cell.after)
    marks = {one.text: mark for mark, one in zip("●◆", leads.asked, strict=True)}
    change = f"the lead goes from {signed(leads.sentence)} to {signed(cell.lead)} nats"
    return (
        f'<p class="finding small">{escape(f"{where}: {change}.")}</p>{panes_html(before, after, marks)}'
        f"<details><summary>The same as text</summary>{table_html(before, after)}</details>"
    )


def picture(result: Result, state: MapState, leads: Leads, model: str) -> Picture:
    """The map as a grid; what is not measured is empty."""
    shares = in_shares(state, leads)
    values = result.values / (leads.twin - leads.sentence) if shares else result.values
    across = numbered([column["text"].replace("·", " ") for column in columns(result, leads)])
    axes = {"layer": result.axes["layer"], "at": across}
    measure = ("share of the swing", "") if shares else ("change of the lead", "nats")
    drawn = Result(values, axes, *measure, {"model": model})
    what = KIND_NAMES.get(state.kind, state.kind)
    said = (
        *leads.cautions,
        f"Into {quoted(state.prompt)} comes, from {quoted(state.twin)}: {what}.",
        asked_sentence("●◆", leads.asked),
    )
    return Picture("heatmap", finding(result, state, leads), drawn, said)


def text_html(result: Result, state: MapState, leads: Leads) -> str:
    """The map as a plain table."""
    head = "".join(f'<th scope="col">{escape(column["name"])}</th>' for column in columns(result, leads))
    rows = "".join(
        f'<tr><th scope="row">layer {layer}</th>{_row(row)}</tr>'
        for layer, row in enumerate(cells(result, state, leads))
    )
    unit = "share of the swing" if in_shares(state, leads) else "change of the lead, nats"
    return (
        f'<div class="scroll"><table><caption>{KIND_NAMES.get(state.kind, state.kind)}: {unit}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(row: list[dict[str, Any]]) -> str:
    return "".join(f"<td>{cell['text'] or '–'}</td>" for cell in row)


def static_html(result: Result, state: MapState, leads: Leads, paths: str, style: str) -> str:
    """The map and the table of paths without controls: what GitHub, PDF and a notebook without a kernel
    show.
    """
    return (
        f'<style>{style}</style><div class="interp-widget interp-map">'
        f'<p class="prompt">{escape(state.prompt)}<br>'
        f'{escape(state.twin)}</p><p class="note">{escape(asked_sentence("●◆", leads.asked))}</p>'
        f"{cautions_html(leads.cautions)}"
        f'<p class="finding{" doubtful" * bool(leads.cautions)}">{escape(finding(result, state, leads))}</p>'
        f"{pair_html(leads.pair)}{text_html(result, state, leads)}"
        f'<section class="paths">{paths}</section></div>'
    )
