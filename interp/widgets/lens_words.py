"""What the Lens Explorer says: sentences, cells and tables from a state and its answer.

Pure; every word of the user is escaped. Refuses: controls, computing.
"""

from html import escape

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.lens import ExplorerAnswer, ExplorerState, Guesses
from interp.screens.picture import Picture
from interp.widgets.own_words import RULE, asked_sentence, finding_html, names, with_cautions
from interp.widgets.wording import listed, numbered, percent, quoted, visible, word

PART_NAMES = {"mid": message("before feed-forward"), "post": message("after the layer")}
SHORT = {"mid": "½", "post": ""}
DRAWN = 10  # words across in a picture: more would be too small to read
TITLES = (message("As it is"), message("Changed"))


def change(state: ExplorerState) -> str:
    """What is changed, in words: "without mlp5 and attn4"; empty if nothing is."""
    parts = []
    if state.off:
        some = len(state.off) < 5
        parts.append(
            say("without {parts}", parts=", ".join(state.off))
            if some
            else say("without {number} halves", number=len(state.off))
        )
    if state.update:
        parts.append(
            say("with the {name} vector in layers {layers}", name=state.update, layers=state.into.strip())
        )
    return listed(parts)


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
        return say("{before}.", before=before)
    then = say("the same") if after == before else after[0].lower() + after[1:]
    return say("{before}; {change}, {after}.", before=before, change=change(state), after=then)


def _arrives(answer: str, ranks: Result) -> str:
    layer = arrival(ranks)
    if layer is not None:
        return say("“{answer}” stays first from layer {layer} on", answer=answer, layer=layer)
    rank = int(ranks.at(part="post").values[-1])
    return say("“{answer}” ends at rank {rank}", answer=answer, rank=rank)


def status(state: ExplorerState, answer: ExplorerAnswer) -> str:
    """What a screen reader says after a change."""
    last = [[str(one) for one in seen.words[-1, -1, -1][:3]] for seen in (answer.before, answer.after)]
    said = [say(", ").join(word(token) for token in tokens) for tokens in last]
    told = with_cautions(answer.cautions, finding(state, answer))
    first = say("First guesses at the end: {words}.", words=said[0])
    if not answer.changed:
        return f"{told} {first}"
    return f"{told} {first} {say('Changed: {words}.', words=said[1])}"


def rows(seen: Guesses) -> list[dict[str, str]]:
    """One row per layer and part, in the order of the forward pass: a short text and a full name."""
    return [
        {
            "text": f"{SHORT[part]}L{layer}",
            "name": say("layer {layer}, {part}", layer=layer, part=say(PART_NAMES[part])),
        }
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
    told = say(", ").join(
        f"{visible(token)} {percent(float(share))}" for token, share in zip(words, shares, strict=True)
    )
    return {"text": visible(words[0]), "shade": round(float(shares[0]), 3), "list": told}


def _order(result: Result) -> list[tuple[int, str]]:
    return [(layer, part) for layer in result.axes["layer"] for part in result.axes["part"]]


def result_html(state: ExplorerState, answer: ExplorerAnswer) -> str:
    """The finding, the answer's rank from layer to layer, and notes."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in answer.notes)
    return (
        f"{finding_html(answer.cautions, finding(state, answer))}{trace_html(answer)}"
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
        + f"<details><summary>{say('Which token is followed?')}</summary><p>{say(RULE)}</p></details>"
    )


def trace_html(answer: ExplorerAnswer) -> str:
    """The answer's rank at the last word after every layer, before and after the change, as a table."""
    shown = 2 if answer.changed else 1
    order = _order(answer.ranks[0])
    head = "".join(f'<th scope="col">{SHORT[part]}L{layer}</th>' for layer, part in order)
    lines = "".join(
        f'<tr class="{("clean", "ablated")[row]}"><th scope="row">{say(TITLES[row])}</th>'
        + "".join(_rank(answer.ranks[row], answer.chances[row], *place) for place in order)
        + "</tr>"
        for row in range(shown)
    )
    caption = say(
        "Rank of “{token}” as the next word; 1: it is the first guess",
        token=escape(visible(answer.asked.text)),
    )
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
    axes = {say("after"): tuple(row["text"] for row in rows(seen)), say("at"): numbered(seen.tokens)[-DRAWN:]}
    values = np.array([[float(str(cell["shade"])) for cell in line] for line in grid])
    result = Result(values, axes, say("probability of the first guess"), "probability", {"model": model})
    texts = tuple(tuple(str(cell["text"]) for cell in line) for line in grid)
    changed = (say("Changed: {words}.", words=change(state)),) if answer.changed else ()
    number = len(seen.tokens)
    cut = (say("The last {shown} of {number} words.", shown=DRAWN, number=number),) if number > DRAWN else ()
    reads = (
        say("In each cell what the tuned lens reads: the first guess at the next word.")
        if state.tuned
        else say("In each cell what the logit lens reads: the first guess at the next word.")
    )
    said = (
        say("In {text}.", text=quoted(state.prompt)),
        *changed,
        *cut,
        reads,
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
    caption = say("{title}: the first guess after every layer", title=escape(title))
    return (
        f'<div class="scroll"><table class="still"><caption>{caption}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def static_html(state: ExplorerState, answer: ExplorerAnswer, style: str) -> str:
    """The explorer without its controls: what GitHub, PDF and a notebook without a kernel show."""
    second = (
        grid_html(answer.after, say("Changed ({change})", change=change(state))) if answer.changed else ""
    )
    return (
        f'<style>{style}</style><div class="interp-widget interp-lens">'
        f'<p class="prompt">{escape(state.prompt)}</p>'
        f'<p class="note">{escape(asked_sentence([""], [answer.asked]))}</p>'
        f"{result_html(state, answer)}{grid_html(answer.before, say(TITLES[0]))}{second}</div>"
    )
