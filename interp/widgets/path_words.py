"""What the table of paths says: which heads send to a receiver, strongest first, and what is exactly zero.
Pure; every word of the user is escaped.
"""

from html import escape
from types import MappingProxyType

import numpy as np

from interp.languages import message, say
from interp.result import Result
from interp.screens.patching import Leads, MapState
from interp.sites import Head
from interp.widgets.patching_words import LEAST_SWING, UNCHANGED
from interp.widgets.wording import signed, word

MOST_ROWS = 10
LAST_STATE = message("the last state")
TOO_LATE = message(
    "Heads in layer {layer} and later layers write after {head} has read: their paths to it are exactly zero."
)
LAST_LAYER = message(
    "Heads in layer {layer} write after {head} has read: their paths to it are exactly zero."
)
PARTS = MappingProxyType({"q": message("query"), "k": message("key"), "v": message("value")})
RECEIVERS = MappingProxyType({  # part, or nothing for the last state
    "": message("the last state, where the next word is read off (logits)"),
    "q": message("a head's query: what it looks for"),
    "k": message("a head's key: what it can be found by"),
    "v": message("a head's value: what it passes on"),
})  # fmt: skip


def places(leads: Leads) -> list[str]:
    """The words a receiver can stand at, by name: "to (word 14, END)"."""
    sentence = leads.pair.sentence
    return [
        say("{token} (word {place}, {mark})", token=word(token), place=place, mark=mark)
        if mark
        else say("{token} (word {place})", token=word(token), place=place)
        for place, (token, mark) in enumerate(zip(sentence.tokens, sentence.marks, strict=True))
    ]


def receiver_name(state: MapState, leads: Leads) -> str:
    """Where the paths end: "query of L6H1 at “to”", or the last state."""
    if state.receiver is None:
        return say(LAST_STATE)
    token = leads.pair.sentence.tokens[state.receiver.word]
    return say(
        "{part} of {head} at “{token}”",
        part=say(PARTS[state.receiver.part]),
        head=state.receiver.head,
        token=word(token),
    )


def path(result: Result, state: MapState, leads: Leads, sender: Head) -> str:
    """One path in one sentence: "L4H3 → query of L6H1 at “to”: −0.80 nats, 20 % of the swing"."""
    change = float(result.values[sender.layer, sender.head])
    part = share(change, leads)
    told = {"sender": sender, "receiver": receiver_name(state, leads), "change": signed(change)}
    if not part:
        return say("{sender} → {receiver}: {change} nats", **told)
    return say("{sender} → {receiver}: {change} nats, {share} of the swing", share=part, **told)


def share(change: float, leads: Leads) -> str:
    """The change as a share of the swing, positive towards the second sentence; empty without a swing."""
    swing = leads.twin - leads.sentence
    if abs(swing) < LEAST_SWING:
        return ""
    part = 100 * change / swing
    return f"{signed(part, 0 if abs(part) >= 9.95 else 1).removeprefix('+')} %"


def strongest(result: Result) -> list[Head]:
    """The senders whose paths change the lead most and by no less than `UNCHANGED`, strongest first."""
    sizes = np.abs(np.nan_to_num(result.values))
    order = np.argsort(-sizes, axis=None, kind="stable")[:MOST_ROWS]
    found = [Head(*map(int, np.unravel_index(flat, sizes.shape))) for flat in order]
    return [head for head in found if sizes[head.layer, head.head] >= UNCHANGED]


def finding(result: Result, state: MapState, leads: Leads) -> str:
    """The table in one sentence: its strongest path, or why there is none."""
    done, senders = ~np.isnan(result.values), strongest(result)
    if nothing_arrives(state, leads):
        return nothing_arrives(state, leads)
    if senders:
        strong = path(result, state, leads, senders[0])
        return (
            say("Strongest path: {path}.", path=strong)
            if done.all()
            else say("Strongest path so far: {path}.", path=strong)
        )
    if not done.all():
        return say("Paths to {receiver}: no sender is measured yet.", receiver=receiver_name(state, leads))
    return say(
        "No head alone moves the lead by {least} nats on its path to {receiver}.",
        least=UNCHANGED,
        receiver=receiver_name(state, leads),
    )


def nothing_arrives(state: MapState, leads: Leads) -> str:
    """Why no path to this receiver can change anything, or nothing."""
    receiver = state.receiver
    if receiver is None:
        return ""
    if receiver.head.layer == 0:
        return say(
            "{head} is in the first layer, below every sender: it reads the words before any head has "
            "written, so every path to it is exactly zero.",
            head=receiver.head,
        )
    if receiver.word < leads.pair.differs.index(True):
        token = word(leads.pair.sentence.tokens[receiver.word])
        return say(
            "Up to “{token}” (word {place}) the two sentences are the same, so no head does anything "
            "different there: every path is exactly zero.",
            token=token,
            place=receiver.word,
        )
    return ""


def remarks(result: Result, state: MapState, leads: Leads) -> list[str]:
    """What is not in the rows: senders that cannot reach the receiver, and those that change little."""
    if nothing_arrives(state, leads):
        return []
    below = result.values if state.receiver is None else result.values[: state.receiver.head.layer]
    sizes, rows = np.abs(below), strongest(result)
    said, others = [], sizes.size - len(rows)
    if not np.isnan(below).any() and others:
        for head in rows:
            sizes[head.layer, head.head] = 0
        most = float(sizes.max())
        said.append(
            say("The other {number} senders: at most {most:.2f} nats each.", number=others, most=most)
            if most >= UNCHANGED
            else say(
                "The other {number} senders: less than {least} nats each.", number=others, least=UNCHANGED
            )
        )
    if state.receiver is not None:
        head = state.receiver.head
        later = head.layer + 1 < len(result.values)
        said.append(say(TOO_LATE if later else LAST_LAYER, layer=head.layer, head=head))
    return said


def paths_html(result: Result, state: MapState, leads: Leads) -> str:
    """The finding, the strongest paths in a table, what is not in it, and all senders in another table."""
    rows = "".join(_row(result, state, leads, sender) for sender in strongest(result))
    to = escape(receiver_name(state, leads))
    caption = (
        say("Paths to {receiver}, strongest first", receiver=to)
        if state.receiver is None
        else say(
            "Paths to {receiver} (word {place}), strongest first", receiver=to, place=state.receiver.word
        )
    )
    columns = (say("sender → receiver"), say("change of the lead"), say("share of the swing"))
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    table = (
        f"<table class='paths'><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    notes = "".join(f"<li>{escape(one)}</li>" for one in remarks(result, state, leads))
    return (
        f'<p class="finding small">{escape(finding(result, state, leads))}</p>'
        + (f'<div class="scroll">{table}</div>' if rows else "")
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
        + ("" if nothing_arrives(state, leads) else _every_sender(result, state))
    )


def _row(result: Result, state: MapState, leads: Leads, sender: Head) -> str:
    change = float(result.values[sender.layer, sender.head])
    part = share(change, leads)
    way = "against" if part.startswith("−") else "towards"
    size = min(1.0, abs(change / (leads.twin - leads.sentence))) if part else 0.0
    bar = f'<span class="size {way}" style="--size: {100 * size:.0f}"></span>' if part else ""
    return (
        f'<tr><th scope="row"><span data-head="{sender}">{sender}</span> '
        f"→ {escape(receiver_name(state, leads))}</th><td>{say('{number} nats', number=signed(change))}</td>"
        f'<td>{bar}<span class="share">{part or "–"}</span></td></tr>'
    )


def _every_sender(result: Result, state: MapState) -> str:
    below = len(result.values) if state.receiver is None else state.receiver.head.layer
    head = "".join(f'<th scope="col">H{number}</th>' for number in result.axes["head"])
    rows = "".join(
        f'<tr><th scope="row">{say("layer {number}", number=layer)}</th>'
        f"{''.join(map(_number, result.values[layer]))}</tr>"
        for layer in range(below)
    )
    return (
        f"<details><summary>{say('All senders as a table')}</summary><div class='scroll'><table><caption>"
        f"{say('change of the lead by the path from each head, nats')}</caption>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _number(change: float) -> str:
    return f"<td>{'–' if np.isnan(change) else signed(change)}</td>"
