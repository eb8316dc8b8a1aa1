"""A reader's own words: the tokens that were asked, the sentence as it is read, its twin beside it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """The token that a typed answer means: its text letter by letter, and its id.

    `other` is the same with the space in front left out, or put there, if that is one token too, else "";
    `instead` is what to type for it.
    """

    text: str
    token: int
    other: str = ""
    instead: str = ""


@dataclass(frozen=True)
class ReadWord:
    """A word as the model reads it: its pieces, letter by letter, and whether its training had this word
    (None: nobody knows).
    """

    text: str
    pieces: tuple[str, ...]
    seen: bool | None


@dataclass(frozen=True)
class Marked:
    """The tokens of a sentence, the mark under each ("S1", "S2", "IO", "END" or nothing), and what was
    found.
    """

    tokens: tuple[str, ...]
    marks: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Pair:
    """A sentence and its twin, token by token.

    `twin` is None while there is none; `differs` says for each token of the longer one whether the two
    differ there; `problem` is one sentence, or empty when the twin can stand in for the sentence.
    """

    sentence: Marked
    twin: Marked | None
    differs: tuple[bool, ...]
    problem: str
