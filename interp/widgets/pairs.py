"""A sentence and its twin, token under token, with marks: one table for every widget that takes a pair.
Pure.
"""

from html import escape

from interp.languages import message, say
from interp.screens.sentences import Marked, Pair
from interp.widgets.wording import visible

FITS = message("The two sentences fit: {count} tokens each, {changed} different.")


def pair_html(pair: Pair) -> str:
    """The tokens, whether the two sentences fit, and what was found in the first."""
    kind = "error" if pair.problem else "fits"
    verdict = f'<p class="{kind}" role="status">{escape(fit(pair))}</p>' if fit(pair) else ""
    return f"{tokens_html(pair)}{verdict}<p class='note'>{escape(pair.sentence.note)}</p>"


def tokens_html(pair: Pair) -> str:
    """The tokens in a table, one per column: first sentence, second sentence, marks beneath each token."""
    width = max(len(side.tokens) for side in (pair.sentence, pair.twin) if side is not None)
    rows = _row(say("first sentence"), pair.sentence, width, pair.differs)
    if pair.twin is not None:
        rows += _row(say("second sentence"), pair.twin, width, pair.differs)
    return (
        '<div class="scroll"><table class="pair"><caption>'
        f"{say('Tokens, one per column; “·” is a space')}</caption>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def fit(pair: Pair) -> str:
    """One sentence on whether the twin can stand in for the sentence; empty without a twin."""
    if pair.twin is None or pair.problem:
        return pair.problem
    return say(FITS, count=len(pair.sentence.tokens), changed=sum(pair.differs))


def _row(name: str, side: Marked, width: int, differs: tuple[bool, ...]) -> str:
    cells = ""
    for place in range(width):
        token = escape(visible(side.tokens[place])) if place < len(side.tokens) else "–"
        mark = escape(side.marks[place]) if place < len(side.marks) else ""
        kind = ' class="differs"' if differs and differs[place] else ""
        cells += (
            f"<td{kind}><span class='token'>{token}</span>" + (f"<b>{mark}</b>" if mark else "") + "</td>"
        )
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'
