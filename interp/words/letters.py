"""What a text must be before a tokenizer may read it."""

import re

_HALF = re.compile("[\ud800-\udfff]")


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
