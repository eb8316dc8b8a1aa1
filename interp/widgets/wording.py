"""How tokens, numbers and heads are written on screen. Pure; escapes nothing, so escape at the border to
HTML.
"""

from collections import Counter
from collections.abc import Sequence
from math import exp

from interp.languages import say
from interp.words.letters import isolated

LONGEST = 200  # letters of a text in a caption


def word(token: object) -> str:
    """A token as readers say it: without the space in front; a space alone becomes "·", a line break "↵"."""
    return isolated(str(token).strip(" ").replace("\n", "↵")) or "·"


def visible(token: object) -> str:
    """A token letter by letter: spaces as "·", line breaks as "↵"."""
    return isolated(str(token).replace(" ", "·").replace("\n", "↵"))


def numbered(tokens: Sequence[str]) -> tuple[str, ...]:
    """Tokens as labels of an axis: one that was there before gets its number, since labels are told apart."""
    seen: Counter[str] = Counter()
    labels = []
    for token in tokens:
        seen[token] += 1
        label = token if seen[token] == 1 else f"{token} {seen[token]}"
        labels.append(label if label not in labels else f"{label} ({len(labels)})")
    return tuple(labels)


def quoted(text: str) -> str:
    """A text in quotes, as a caption has room for it: of a long one the end."""
    told = isolated(" ".join(text.split()))
    return f"“{told}”" if len(told) <= LONGEST else f"“… {told[-LONGEST:]}”"


def signed(value: float, places: int = 2) -> str:
    """A number with its sign, a true minus, and no "-0"."""
    text = f"{round(value, places) + 0.0:+.{places}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{places}f}"


def percent(share: float) -> str:
    """A probability as per cent: "71 %", "0.4 %", "< 0.1 %"."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def times(difference: float) -> str:
    """How many times as likely one word is as the other: "30 times", "1.4 times"."""
    ratio = exp(min(abs(difference), 20.0))
    shown = f"{ratio:,.0f}".replace(",", " ") if ratio >= 10 else f"{ratio:.1f}"
    return (
        say("over {ratio} times", ratio=shown) if abs(difference) > 20 else say("{ratio} times", ratio=shown)
    )


def heads_text(names: Sequence[object]) -> str:
    """Heads in a row of words: "L5H2", "L5H2 and L6H1", "12 heads"."""
    words = [str(name) for name in names]
    if len(words) > 4:
        return say("{number} heads", number=len(words))
    return listed(words)


def listed(texts: Sequence[str]) -> str:
    """Texts in a row of words: "a", "a and b", "a, b and c"."""
    if len(texts) < 2:
        return "".join(texts)
    return say("{first} and {last}", first=say(", ").join(texts[:-1]), last=texts[-1])
