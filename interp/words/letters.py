"""What a text must be before a tokenizer may read it; how one from right to left stands in a sentence."""

import re

_HALF = re.compile("[\ud800-\udfff]")
_LEFTWARDS = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")  # Hebrew, Arabic and their kin
_FROM, _TO = "\u2068", "\u2069"  # Unicode's isolate and its end


def whole(text: str) -> str:
    """The text itself. Raises ValueError if it holds half a character (a lone surrogate), which no tokenizer
    can read.
    """
    half = _HALF.search(text)
    if half is None:
        return text
    raise ValueError(
        f"The text {text!r} holds half a character ({half[0]!r}, letter {half.start() + 1}), as when an emoji"
        " was cut in two. Delete it, or write the whole character."
    )


def isolated(text: str) -> str:
    """The text; one that runs from right to left between two marks that nobody sees, so that a number or a
    quotation mark behind it in an English sentence stays behind it.
    """
    return f"{_FROM}{text}{_TO}" if _LEFTWARDS.search(text) else text
