"""What the Ablation Lab says: sentences and HTML from a state and its answer. Pure; every word of the user is
escaped.

Refuses: controls, computing.
"""

from html import escape

import numpy as np

from interp.result import Result
from interp.widgets.protocol import LabAnswer, LabState
from interp.widgets.wording import heads_text, percent, signed, times, visible, word

UNCHANGED = 0.005
STEADY = 0.01
MEANING = (
    "<details><summary>What do the numbers mean?</summary><p>Logit difference: how far the model leans "
    "towards ● and "
    "away from ◆. Zero: both are equally likely. Each nat more makes ● 2.7 times as likely compared with ◆. "
    "The number "
    "in a head's cell is what that head alone writes towards ●, directly, before anything is switched off. "
    "Switching "
    "it off can cost more, because later heads listen to it, or less, because others step in.</p></details>"
)


def finding(state: LabState, answer: LabAnswer) -> str:
    """The result in one sentence."""
    before, after = answer.logit_difference
    favourite = _favourite(state, before)
    if not state.heads:
        return f"Every head is on: {favourite}."
    without = f"Without {heads_text(state.heads)}"
    if before * after < 0 and abs(after) > STEADY:
        now, then = _favourite(state, after), _favourite(state, before, "was")
        return f"{without} the model changes its mind: now {now} (before, {then})."
    if abs(after - before) <= STEADY:
        return f"{without} nothing changes: {favourite}."
    stronger = "stronger" if abs(after) > abs(before) else "weaker"
    now, then = _favourite(state, after), times(before)
    return f"{without} the preference gets {stronger}: {now}; before it was {then}."


def _favourite(state: LabState, difference: float, verb: str = "is") -> str:
    likelier, other = (state.answer, state.against) if difference >= 0 else (state.against, state.answer)
    if abs(difference) <= STEADY:
        return f"“{word(state.answer)}” and “{word(state.against)}” are equally likely"
    return f"“{word(likelier)}” {verb} {times(difference)} as likely as “{word(other)}”"


def status(state: LabState, answer: LabAnswer) -> str:
    """What a screen reader says after a change: the finding, the numbers, what is off."""
    before, after = answer.logit_difference
    off = ", ".join(map(str, state.heads)) or "none"
    return f"{finding(state, answer)} Logit difference {before:.2f} to {after:.2f}. Heads off: {off}."


def result_html(state: LabState, answer: LabAnswer) -> str:
    """The whole result: finding, three numbers before and after, two panes on one scale, the same as text."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in answer.notes)
    return (
        f'<p class="finding">{escape(finding(state, answer))}</p>{_numbers(state, answer)}'
        f'<div class="panes">{_pane(state, answer, after=False)}{_pane(state, answer, after=True)}</div>'
        f"{_text_alternative(state, answer)}{MEANING}" + (f'<ul class="notes">{notes}</ul>' if notes else "")
    )


def _numbers(state: LabState, answer: LabAnswer) -> str:
    before, after = answer.logit_difference
    off = bool(state.heads)
    cards = [
        _card(
            "Logit difference",
            signed(before),
            signed(after),
            f"{signed(after - before)} nats",
            after - before,
            off,
        ),
        *(
            _card(
                f"Chance of {mark} {word(token)}",
                percent(pair[0]),
                percent(pair[1]),
                _points(pair[1] - pair[0]),
                pair[1] - pair[0],
                off,
            )
            for mark, token, pair in (
                ("●", state.answer, answer.answer_probability),
                ("◆", state.against, answer.against_probability),
            )
        ),
    ]
    return f'<dl class="numbers">{"".join(cards)}</dl>'


def _points(change: float) -> str:
    return f"{signed(100 * change, 0 if abs(change) >= 0.0995 else 1)} points"


def _card(name: str, before: str, after: str, change: str, size: float, off: bool) -> str:
    if not off:
        return f"<div><dt>{escape(name)}</dt><dd><strong>{escape(after)}</strong></dd></div>"
    arrow, way = ("▲", "up") if size > UNCHANGED else ("▼", "down") if size < -UNCHANGED else ("=", "same")
    moved = "no change" if way == "same" else change
    return (
        f"<div><dt>{escape(name)}</dt><dd><span class='before'>{escape(before)}</span> "
        f"<span aria-hidden='true'>→</span> <strong>{escape(after)}</strong> "
        f"<span class='change {way}'>{arrow} {escape(moved)}</span></dd></div>"
    )


def _pane(state: LabState, answer: LabAnswer, *, after: bool) -> str:
    shown = answer.ablated if after else answer.baseline
    top = (
        max(float(np.max(result.values, initial=0.0)) for result in (answer.baseline, answer.ablated)) or 1.0
    )
    earlier = _ranks(answer.baseline) if after else {}
    rows = "".join(
        _row(state, token, rank, share, top, earlier, after) for rank, (token, share) in _ranked(shown)
    )
    label = (
        "whole model"
        if not after
        else f"without {heads_text(state.heads)}"
        if state.heads
        else "nothing off yet"
    )
    kind = "ablated" if after else "clean"
    title = "Ablated" if after else "Baseline"
    return (
        f'<section class="pane {kind}" aria-label="{title}: next word">'
        f"<h4>{title} <small>{escape(label)}</small></h4>"
        f'<ol role="list">{rows}</ol></section>'
    )


def _ranked(result: Result) -> list[tuple[int, tuple[str, float]]]:
    return [(rank, (str(labels[-1]), share)) for rank, (labels, share) in enumerate(result.top(10), start=1)]


def _ranks(result: Result) -> dict[str, int]:
    return {token: rank for rank, (token, _) in _ranked(result)}


def _row(
    state: LabState, token: str, rank: int, share: float, top: float, earlier: dict[str, int], after: bool
) -> str:
    mark = {word(state.answer): "●", word(state.against): "◆"}.get(word(token), "")
    moved = f"<span class='move'>{_move(earlier.get(token), rank) if after else ''}</span>"
    return (
        f"<li{' class=named' if mark else ''}><span class='rank'>{rank}</span>"
        f"<span class='token'>{mark and mark + ' '}{escape(visible(token))}</span>"
        f"<span class='bar'><span style='width:{max(0.4, 100 * share / top):.1f}%'></span></span>"
        f"<span class='share'>{percent(share)}</span>{moved}</li>"
    )


def _move(earlier: int | None, rank: int) -> str:
    if earlier is None:
        return "<b title='not in the top 10 before'>new</b>"
    if earlier == rank:
        return "<span title='same rank'>=</span>"
    way, arrow = ("up", "▲") if rank < earlier else ("down", "▼")
    step = abs(earlier - rank)
    return f"<b title='rank {earlier} before'>{arrow}&#8239;{step}</b><span class='hidden'> {way}</span>"


def _text_alternative(state: LabState, answer: LabAnswer) -> str:
    before, after = _shares(answer.baseline), _shares(answer.ablated)
    tokens = [*before, *(token for token in after if token not in before)]
    rows = "".join(
        f'<tr><th scope="row">{escape(visible(token))}</th>'
        f"<td>{_cell(before, token)}</td><td>{_cell(after, token)}</td></tr>"
        for token in tokens
    )
    return (
        f"<details><summary>The same as text</summary><p>{escape(status(state, answer))}</p>"
        "<table><caption>Probability of the next word; a dash: not in the top 10</caption><thead><tr>"
        '<th scope="col">next word</th><th scope="col">baseline</th><th scope="col">ablated</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></details>"
    )


def _shares(result: Result) -> dict[str, float]:
    return {token: share for _, (token, share) in _ranked(result)}


def _cell(shares: dict[str, float], token: str) -> str:
    return f"{shares[token]:.4f}" if token in shares else "–"


def effects(result: Result) -> list[list[dict[str, object]]]:
    """Every head's direct contribution for the grid: text, and tint from -1 to 1 about zero."""
    size = float(np.nanmax(np.abs(result.values), initial=0.0)) or 1.0
    return [
        [{"text": signed(float(v), 1 if size >= 10 else 2), "tint": round(float(v) / size, 3)} for v in row]
        for row in result.values
    ]


def grid_html(state: LabState, answer: LabAnswer) -> str:
    """The head grid as a plain table, for places without a live widget; a head that is off says so."""
    layers, heads = answer.head_effects.axes.values()
    off = {str(head) for head in state.heads}
    head = "".join(f'<th scope="col">head {h}</th>' for h in heads)
    rows = "".join(
        f'<tr><th scope="row">layer {layer}</th>'
        + "".join(
            f"<td>{cell['text']}{' (off)' if f'L{layer}H{h}' in off else ''}</td>"
            for h, cell in zip(heads, line, strict=True)
        )
        + "</tr>"
        for layer, line in zip(layers, effects(answer.head_effects), strict=True)
    )
    caption = escape(f"{answer.head_effects.quantity} ({answer.head_effects.unit})")
    heading = f"<caption>{caption}</caption><thead><tr><td></td>{head}</tr></thead>"
    return f"<table>{heading}<tbody>{rows}</tbody></table>"


def static_html(state: LabState, answer: LabAnswer, style: str) -> str:
    """The lab without its controls: what GitHub, PDF and a notebook without a kernel show."""
    return (
        f'<style>{style}</style><div class="interp-widget interp-lab"><p class="prompt">{escape(state.prompt)} …</p>'
        f"{result_html(state, answer)}"
        f"<details><summary>All heads</summary>{grid_html(state, answer)}</details></div>"
    )
