"""The next words before and after, side by side on one scale, and the same as a table. Pure; every token is
escaped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from interp.languages import say
from interp.result import Result
from interp.widgets.wording import percent, visible

MOST = 10


@dataclass(frozen=True)
class Pane:
    """One side: its title, a few words on it, and Result[token] of probabilities."""

    title: str
    label: str
    words: Result


def panes_html(before: Pane, after: Pane, marks: Mapping[str, str]) -> str:
    """Both sides; `marks` gives the sign in front of a token, such as {" Mary": "●"}."""
    top = max(float(np.max(pane.words.values, initial=0.0)) for pane in (before, after)) or 1.0
    earlier = {token: rank for rank, (token, _) in _ranked(before.words)}
    return (
        f'<div class="panes">{_pane(before, "clean", top, marks, None)}'
        f"{_pane(after, 'ablated', top, marks, earlier)}</div>"
    )


def table_html(before: Pane, after: Pane) -> str:
    """Both sides as one table."""
    shares = [dict(pair for _, pair in _ranked(pane.words)) for pane in (before, after)]
    rows = "".join(
        f'<tr><th scope="row">{escape(visible(token))}</th>'
        + "".join(f"<td>{f'{share[token]:.4f}' if token in share else '–'}</td>" for share in shares)
        + "</tr>"
        for token in dict.fromkeys((*shares[0], *shares[1]))
    )
    titles = "".join(f'<th scope="col">{escape(pane.title.lower())}</th>' for pane in (before, after))
    caption = say(
        "Probability of the next word; a dash: not in the top {number}", number=max(map(len, shares))
    )
    return (
        f"<table><caption>{caption}</caption><thead><tr>"
        f'<th scope="col">{say("next word")}</th>{titles}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _ranked(result: Result) -> list[tuple[int, tuple[str, float]]]:
    best = result.top(MOST)
    return [(rank, (str(labels[-1]), share)) for rank, (labels, share) in enumerate(best, start=1)]


def _pane(pane: Pane, kind: str, top: float, marks: Mapping[str, str], earlier: dict[str, int] | None) -> str:
    rows = "".join(
        _row(rank, token, share, top, marks, earlier) for rank, (token, share) in _ranked(pane.words)
    )
    return (
        f'<section class="pane {kind}" aria-label="{escape(say("{side}: next word", side=pane.title))}">'
        f"<h4>{escape(pane.title)} <small>{escape(pane.label)}</small></h4>"
        f'<ol role="list">{rows}</ol></section>'
    )


def _row(
    rank: int, token: str, share: float, top: float, marks: Mapping[str, str], earlier: dict[str, int] | None
) -> str:
    mark = marks.get(token, "")
    moved = "" if earlier is None else _move(earlier, token, rank)
    return (
        f"<li{' class=named' if mark else ''}><span class='rank'>{rank}</span>"
        f"<span class='token'>{mark and mark + ' '}{escape(visible(token))}</span>"
        f"<span class='bar'><span style='width:{max(0.4, 100 * share / top):.1f}%'></span></span>"
        f"<span class='share'>{percent(share)}</span><span class='move'>{moved}</span></li>"
    )


def _move(earlier: dict[str, int], token: str, rank: int) -> str:
    if token not in earlier:
        title = say("not in the top {number} before", number=len(earlier))
        return f"<b title='{title}'>{say('new')}</b>"
    before = earlier[token]
    if before == rank:
        return f"<span title='{say('same rank')}'>=</span>"
    way, arrow = (say("up"), "▲") if rank < before else (say("down"), "▼")
    step = abs(before - rank)
    title = say("rank {rank} before", rank=before)
    return f"<b title='{title}'>{arrow}&#8239;{step}</b><span class='hidden'> {way}</span>"
