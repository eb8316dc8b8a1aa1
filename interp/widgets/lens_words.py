"""What the Lens Explorer says: sentences, cells and tables from a state and its answer.

Pure; every word of the user is escaped. Refuses: controls, computing.
"""

from html import escape

import numpy as np

from interp.result import Result
from interp.screens.lens import ExplorerAnswer, ExplorerState, Guesses
from interp.screens.picture import Picture
from interp.widgets.own_words import RULE, asked_sentence, finding_html, names, with_cautions
from interp.widgets.wording import numbered, percent, quoted, visible, word

PART_NAMES = {"mid": "before feed-forward", "post": "after the layer"}
SHORT = {"mid": "½", "post": ""}
DRAWN = 10  # words across in a picture: more would be too small to read
TITLES = ("As it is", "Changed")


def change(state: ExplorerState) -> str:
    """What is changed, in words: "without mlp5 and attn4"; empty if nothing is."""
    parts = []
    if state.off:
        parts.append(
            f"without {', '.join(state.off)}" if len(state.off) < 5 else f"without {len(state.off)} halves"
        )
    if state.update:
        parts.append(f"with the {state.update} vector in layers {state.into.strip()}")
    return " and ".join(parts)


def arrival(ranks: Result) -> int | None:
    """The layer from whose output on the answer stays first; None if it is not first at the end."""
    column = list(ranks.at(part="post").values)
    start = len(column)
    while start and column[start - 1] == 1:
        start -= 1
    return None if start == len(column) else int(ranks.axes["layer"][start])


def finding(state: ExplorerState, answer: ExplorerAnswer) -> str:
    """The result in one sentence."""
    (followed,) = names([answer.asked])
    before, after = (_arrives(followed, ranks) for ranks in answer.ranks)
    if not answer.changed:
        return f"{before}."
    return f"{before}; {change(state)}, {'the same' if after == before else after[0].lower() + after[1:]}."


def _arrives(answer: str, ranks: Result) -> str:
    layer = arrival(ranks)
    if layer is not None:
        return f"“{answer}” stays first from layer {layer} on"
    return f"“{answer}” ends at rank {int(ranks.at(part='post').values[-1])}"


def status(state: ExplorerState, answer: ExplorerAnswer) -> str:
    """What a screen reader says after a change."""
    last = [[str(one) for one in seen.words[-1, -1, -1][:3]] for seen in (answer.before, answer.after)]
    said = [", ".join(word(token) for token in tokens) for tokens in last]
    after = f" Changed: {said[1]}." if answer.changed else ""
    told = with_cautions(answer.cautions, finding(state, answer))
    return f"{told} First guesses at the end: {said[0]}.{after}"


def rows(seen: Guesses) -> list[dict[str, str]]:
    """One row per layer and part, in the order of the forward pass: a short text and a full name."""
    return [
        {"text": f"{SHORT[part]}L{layer}", "name": f"layer {layer}, {PART_NAMES[part]}"}
        for layer, part in _order(seen.probability)
    ]


def cells(seen: Guesses) -> list[list[dict[str, object]]]:
    """Every cell: the first guess, its shade from 0 to 1, and all guesses as one line; rows as in `rows`."""
    chances, parts = seen.probability.values, seen.probability.axes["part"]
    layers = seen.probability.axes["layer"]
    grid = []
    for layer, part in _order(seen.probability):
        at = parts.index(part), layers.index(layer)
        grid.append([_cell(words, shares) for words, shares in zip(seen.words[at], chances[at], strict=True)])
    return grid


def _cell(words, shares) -> dict[str, object]:
    listed = ", ".join(
        f"{visible(token)} {percent(float(share))}" for token, share in zip(words, shares, strict=True)
    )
    return {"text": visible(words[0]), "shade": round(float(shares[0]), 3), "list": listed}


def _order(result: Result) -> list[tuple[int, str]]:
    return [(layer, part) for layer in result.axes["layer"] for part in result.axes["part"]]


def result_html(state: ExplorerState, answer: ExplorerAnswer) -> str:
    """The finding, the answer's rank from layer to layer, and notes."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in answer.notes)
    return (
        f"{finding_html(answer.cautions, finding(state, answer))}{trace_html(answer)}"
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
        + f"<details><summary>Which token is followed?</summary><p>{RULE}</p></details>"
    )


def trace_html(answer: ExplorerAnswer) -> str:
    """The answer's rank at the last word after every layer, before and after the change, as a table."""
    shown = 2 if answer.changed else 1
    order = _order(answer.ranks[0])
    head = "".join(f'<th scope="col">{SHORT[part]}L{layer}</th>' for layer, part in order)
    lines = "".join(
        f'<tr class="{("clean", "ablated")[row]}"><th scope="row">{TITLES[row]}</th>'
        + "".join(_rank(answer.ranks[row], answer.chances[row], *place) for place in order)
        + "</tr>"
        for row in range(shown)
    )
    caption = f"Rank of “{escape(visible(answer.asked.text))}” as the next word; 1: it is the first guess"
    return (
        f'<div class="scroll"><table class="ranks"><caption>{caption}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _rank(ranks: Result, chances: Result, layer: int, part: str) -> str:
    rank = int(float(ranks.at(layer=layer, part=part)))
    chance = percent(float(chances.at(layer=layer, part=part).values))
    first = ' class="first"' if rank == 1 else ""
    return f'<td{first} title="{chance}">{rank}</td>'


def picture(state: ExplorerState, answer: ExplorerAnswer, model: str) -> Picture:
    """The first guess after every layer at every word; with a change, after it."""
    seen, title = answer.after if answer.changed else answer.before, finding(state, answer)
    grid = [line[-DRAWN:] for line in cells(seen)]
    axes = {"after": tuple(row["text"] for row in rows(seen)), "at": numbered(seen.tokens)[-DRAWN:]}
    values = np.array([[float(str(cell["shade"])) for cell in line] for line in grid])
    result = Result(values, axes, "probability of the first guess", "probability", {"model": model})
    texts = tuple(tuple(str(cell["text"]) for cell in line) for line in grid)
    changed = (f"Changed: {change(state)}.",) if answer.changed else ()
    cut = (f"The last {DRAWN} of {len(seen.tokens)} words.",) if len(seen.tokens) > DRAWN else ()
    lens = "tuned lens" if state.tuned else "logit lens"
    said = (
        f"In {quoted(state.prompt)}.",
        *changed,
        *cut,
        f"In each cell what the {lens} reads: the first guess at the next word.",
    )
    return Picture("heatmap", with_cautions(answer.cautions, title), result, said, {"texts": texts})


def grid_html(seen: Guesses, title: str) -> str:
    """The grid as a plain table, for places without a live widget."""
    head = "".join(f'<th scope="col">{escape(visible(token))}</th>' for token in seen.tokens)
    body = "".join(
        f'<tr><th scope="row">{row["text"]}</th>'
        + "".join(
            f'<td class="cell" style="--shade:{100 * float(str(cell["shade"])):.0f}%" '
            f'title="{escape(str(cell["list"]))}">{escape(str(cell["text"]))}</td>'
            for cell in line
        )
        + "</tr>"
        for row, line in zip(rows(seen), cells(seen), strict=True)
    )
    return (
        f'<div class="scroll"><table class="still"><caption>{escape(title)}: the first guess after every'
        f" layer</caption><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def static_html(state: ExplorerState, answer: ExplorerAnswer, style: str) -> str:
    """The explorer without its controls: what GitHub, PDF and a notebook without a kernel show."""
    second = grid_html(answer.after, f"{TITLES[1]} ({change(state)})") if answer.changed else ""
    return (
        f'<style>{style}</style><div class="interp-widget interp-lens">'
        f'<p class="prompt">{escape(state.prompt)}</p>'
        f'<p class="note">{escape(asked_sentence([""], [answer.asked]))}</p>'
        f"{result_html(state, answer)}{grid_html(answer.before, TITLES[0])}{second}</div>"
    )
