"""What the Patching Map says: cells with number and shade, one sentence per cell, the locked cell in words.
Pure; every word of the user is escaped.
"""

from html import escape
from typing import Any

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.patching import Cell, Leads, MapState
from interp.screens.picture import Picture
from interp.widgets.own_words import ALL_THE_SAME, asked_sentence, cautions_html, names
from interp.widgets.pairs import pair_html
from interp.widgets.panes import Pane, panes_html, table_html
from interp.widgets.wording import numbered, quoted, signed, visible, word

LEAST_SWING = 0.05  # nats; below, a share of the swing means little
UNCHANGED = 0.005  # nats
CLICK = message(
    "Click a cell to see what the model says next when that state comes from the second sentence."
)
ON_THE_WAY = message(
    "{where}: the lead goes from {before} to {after} nats, {share} % of the way to the second sentence."
)
KIND_NAMES = {
    "resid_pre": message("everything that stands at a word before a layer"),
    "attn_out": message("what the attention of a layer writes at a word"),
    "mlp_out": message("what the feed-forward part of a layer writes at a word"),
    "z": message("what a head puts out (z)"),
    "q": message("a head's queries (q)"),
    "k": message("a head's keys (k)"),
    "v": message("a head's values (v)"),
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
        return [{"text": f"H{head}", "name": say("head {number}", number=head)} for head in result.axes[axis]]
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
    if number < 0:
        return say("beginning of text"), ""
    return tokens[number], say("word {number}", number=number)


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
        return say("{where}: not measured yet.", where=where)
    if abs(change) < UNCHANGED:
        return say("{where}: nothing changes.", where=where)
    told = {"where": where, "before": signed(leads.sentence), "after": signed(leads.sentence + change)}
    swing = leads.twin - leads.sentence
    if abs(swing) < LEAST_SWING:
        return say("{where}: the lead goes from {before} to {after} nats.", **told)
    share = signed(100 * change / swing, 0).removeprefix("+")
    return say(ON_THE_WAY, share=share, **told)


def _where(result: Result, leads: Leads, layer: int, place: int) -> str:
    if list(result.axes)[1] == "head":
        return f"L{layer}H{place}"
    token, number = _token_at(result, leads, place)
    if not number:
        return say("Layer {layer}, {token}", layer=layer, token=token)
    return say("Layer {layer}, “{token}” ({number})", layer=layer, token=word(token), number=number)


def finding(result: Result, state: MapState, leads: Leads) -> str:
    """The map in one sentence: what it is about, or the place that carries most among the last layers
    done.
    """
    swing = leads.twin - leads.sentence
    start = say(
        "Lead of “{word}”: {lead} nats; in the second sentence {twin}.",
        word=names(leads.asked)[0],
        lead=signed(leads.sentence),
        twin=signed(leads.twin),
    )
    if leads.cautions:
        start = f"{say(ALL_THE_SAME)} {start}"
    done = ~np.isnan(result.values)
    if not done.any():
        return f"{start} {say('The map is still empty.')}"
    if abs(swing) < LEAST_SWING:
        return f"{start} {say('There is no swing to share out, so the map is in nats.')}"
    shares = np.where(done, result.values / swing, -np.inf)
    layer, place = (int(at) for at in np.unravel_index(int(np.argmax(shares)), shares.shape))
    most = say(
        "{where} carries most: {share:.0f} % of the way.",
        where=_where(result, leads, layer, place),
        share=100 * shares[layer, place],
    )
    return f"{start} {most}"


def cell_html(result: Result, state: MapState, leads: Leads, cell: Cell | None) -> str:
    """The locked cell: its sentence, and the next words before and after."""
    if state.cell is None or cell is None:
        return f"<p>{say(CLICK)}</p>"
    where = _where(result, leads, *state.cell)
    before = Pane(say("Before"), say("the first sentence"), cell.before)
    after = Pane(say("Patched"), where, cell.after)
    marks = {one.text: mark for mark, one in zip("●◆", leads.asked, strict=True)}
    told = {"before": signed(leads.sentence), "after": signed(cell.lead)}
    change = say("{where}: the lead goes from {before} to {after} nats.", where=where, **told)
    return (
        f'<p class="finding small">{escape(change)}</p>{panes_html(before, after, marks)}'
        f"<details><summary>{say('The same as text')}</summary>{table_html(before, after)}</details>"
    )


def picture(result: Result, state: MapState, leads: Leads, model: str) -> Picture:
    """The map as a grid; what is not measured is empty."""
    shares = in_shares(state, leads)
    values = result.values / (leads.twin - leads.sentence) if shares else result.values
    across = numbered([column["text"].replace("·", " ") for column in columns(result, leads)])
    axes = {say("layer"): result.axes["layer"], say("at"): across}
    measure = (say("share of the swing"), "") if shares else (say("change of the lead"), say("nats"))
    drawn = Result(values, axes, *measure, {"model": model})
    what = say(KIND_NAMES.get(state.kind, state.kind))
    said = (
        *leads.cautions,
        say(
            "Into {prompt} comes, from {twin}: {what}.",
            prompt=quoted(state.prompt),
            twin=quoted(state.twin),
            what=what,
        ),
        asked_sentence("●◆", leads.asked),
    )
    return Picture("heatmap", finding(result, state, leads), drawn, said)


def text_html(result: Result, state: MapState, leads: Leads) -> str:
    """The map as a plain table."""
    head = "".join(f'<th scope="col">{escape(column["name"])}</th>' for column in columns(result, leads))
    rows = "".join(
        f'<tr><th scope="row">{say("layer {number}", number=layer)}</th>{_row(row)}</tr>'
        for layer, row in enumerate(cells(result, state, leads))
    )
    unit = say("share of the swing") if in_shares(state, leads) else say("change of the lead, nats")
    kind = say(KIND_NAMES.get(state.kind, state.kind))
    return (
        f'<div class="scroll"><table><caption>{kind}: {unit}</caption>'
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
