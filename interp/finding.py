"""Finding: what came out, in sentences that a notebook shows as prose. Refuses: models, numbers, drawing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from interp import progress

MARKS = re.compile(
    r"[\\`*_{}\[\]<>&#|~!$]|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]"
)  # what Markdown, HTML, LaTeX read
LATEX = "$\\"  # marks that notebooks look for once more in the finished text, but not across elements


@dataclass(frozen=True, repr=False)
class Finding:
    """Sentences, shown as a paragraph if there is one and as a list if there are more.

    A notebook shows them as text, a terminal too: words of a model or of a reader in them are never read as
    Markdown, HTML or LaTeX.
    """

    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        shown = [_plain(sentence) for sentence in self.sentences]
        return shown[0] if len(shown) == 1 else "\n".join(f"- {sentence}" for sentence in shown)


def told(*found: str | Mapping | Iterable[str]) -> Finding:
    """A finding from texts, from several at once, or from a mapping: "key: value" each."""
    return Finding(tuple(sentence for one in found for sentence in _sentences(one)))


def check(sentence: str, *, guess: str = "", **choices: bool) -> Finding:
    """What came out, and which of the choices offered for a prediction it was: "B came out. ..." `guess` is
    the cell that asked: what was guessed there is said as well, and the outcome stands there, too.

    Raises ValueError unless exactly one of the choices is true.
    """
    right = [letter for letter, came in choices.items() if came]
    if len(right) != 1:
        raise ValueError(
            f"A prediction is checked against one outcome, but {len(right)} of the choices"
            f" {', '.join(choices)} are true: make them exclude one another and cover everything."
        )
    own = _guessed(guess, right[0]) if guess else ""
    yours = f" You guessed {own}." if own in choices else ""
    return Finding((f"{right[0]} came out. {sentence}{yours}",))


def _guessed(cell: str, outcome: str) -> str:
    """What was guessed in this cell, "" if nothing; the outcome is told to all who show the guess."""
    kept = progress.here()
    kept.came_out(cell, outcome)
    return kept.guesses().get(cell, "")


def _sentences(found: str | Mapping | Iterable[str]) -> Iterable[str]:
    if isinstance(found, str):
        return (found,)
    if isinstance(found, Mapping):
        return (f"{str(key).replace('_', ' ')}: {_listed(value)}" for key, value in found.items())
    return found


def _listed(value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _plain(sentence: str) -> str:
    """The sentence in one line of Markdown that shows every one of its characters."""
    return MARKS.sub(_named, " ".join(sentence.split()))


def _named(mark: re.Match[str]) -> str:
    entity = f"&#{ord(mark[0])};"
    return f"<span>{entity}</span>" if mark[0] in LATEX else entity
