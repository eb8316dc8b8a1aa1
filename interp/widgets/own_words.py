"""How a reader's own words are shown: as the model reads them, which token is asked, and what must be said
before any finding. Pure; every word of the user is escaped.
"""

from collections.abc import Sequence
from html import escape

from interp.languages import message, say
from interp.screens.sentences import Asked, ReadWord
from interp.widgets.wording import visible, word

RULE = message(
    "A word is asked with a space before it, as words follow words. A sign, or what stands in “quotes”, is "
    "asked as it is typed. \\n is a line break."
)
ALL_THE_SAME = message("Measured all the same:")


def words_html(words: Sequence[ReadWord]) -> str:
    """The tokens of a sentence in a row, pieces of one word without a gap; words never seen are marked."""
    number = sum(len(one.pieces) for one in words)
    row = "".join(
        f'<span class="{"read" if one.seen is not False else "read unseen"}">{_pieces(one)}</span>'
        for one in words
    )
    unseen = f' · <span class="unseen">{say("never seen in training")}</span>' if _some_unseen(words) else ""
    counted = (
        say("1 token; “·” is a space")
        if number == 1
        else say("{number} tokens; “·” is a space", number=number)
    )
    return f'<span class="pieces">{row}</span><small>{counted}{unseen}</small>'


def asked_html(asked: Asked) -> str:
    """The token that was asked, and a button for the other reading where that is a token too."""
    told = f"{say('asked:')} <b class='token'>{escape(visible(asked.text))}</b>"
    if not asked.instead:
        return told
    other = visible(asked.other)
    if asked.text.startswith(" "):
        way, title = say("without space"), say("ask “{token}”, without space in front", token=other)
    else:
        way, title = say("with a space"), say("ask “{token}”, with a space in front", token=other)
    return (
        f'{told} <button type="button" class="other" data-ask="{escape(asked.instead)}"'
        f' title="{escape(title)}">{way}</button>'
    )


def asked_sentence(marks: Sequence[str], asked: Sequence[Asked]) -> str:
    """The tokens asked, in one sentence: "Asked: ● “·Mary”, ◆ “·John” (“·” is a space)." """
    told = say(", ").join(
        f"{f'{mark} ' * bool(mark)}“{visible(one.text)}”" for mark, one in zip(marks, asked, strict=True)
    )
    return say("Asked: {tokens} (“·” is a space).", tokens=told)


def names(asked: Sequence[Asked]) -> tuple[str, ...]:
    """What sentences call the tokens: without their space if all have one, else as they are."""
    alike = all(one.text.startswith(" ") for one in asked)
    plain = tuple(word(one.text) for one in asked)
    return plain if alike and len(set(plain)) == len(plain) else tuple(visible(one.text) for one in asked)


def cautions_html(cautions: Sequence[str]) -> str:
    """What must be said first, as a box; empty without any."""
    told = "".join(f"<p>{escape(caution)}</p>" for caution in cautions)
    return f'<div class="caution" role="note">{told}</div>' if told else ""


def finding_html(cautions: Sequence[str], finding: str) -> str:
    """The finding, after what must be said first; then it is no headline."""
    if not cautions:
        return f'<p class="finding">{escape(finding)}</p>'
    return f'{cautions_html(cautions)}<p class="finding doubtful">{say(ALL_THE_SAME)} {escape(finding)}</p>'


def with_cautions(cautions: Sequence[str], finding: str) -> str:
    """The same as text."""
    return " ".join([*cautions, say(ALL_THE_SAME), finding]) if cautions else finding


def _pieces(one: ReadWord) -> str:
    """The pieces of a word; bytes that are no characters are only counted."""
    if "".join(one.pieces) == one.text:
        return "".join(f"<span>{escape(visible(piece))}</span>" for piece in one.pieces)
    pieces = say("{number} pieces", number=len(one.pieces))
    return f"<span>{escape(visible(one.text))}</span><span>{pieces}</span>"


def _some_unseen(words: Sequence[ReadWord]) -> bool:
    return any(one.seen is False for one in words)
