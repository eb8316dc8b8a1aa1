"""The Lens Explorer: a prompt, what every layer would say at every word, and the same after a change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from interp.result import Result
from interp.screens.codec import State
from interp.screens.sentences import Asked, ReadWord


@dataclass(frozen=True)
class ExplorerState(State):
    """What the explorer is asked.

    `off` are halves of layers such as "mlp5" or "attn4"; `update` is a relation whose vector is put into the
    layers `into` ("" for none); `mids` shows the states before the feed-forward halves as well; `tuned` reads
    through the tuned lens; `bos` puts the start mark in front.
    """

    screen: ClassVar[str] = "the Lens Explorer"
    prompt: str
    answer: str
    off: tuple[str, ...] = ()
    update: str = ""
    into: str = ""
    mids: bool = False
    tuned: bool = False
    bos: bool = False


@dataclass(frozen=True, eq=False)
class Guesses:
    """The first guesses at every state of one prompt.

    `probability` is Result[part, layer, position, place]; `words` has its shape and holds the tokens as text,
    place 1 first.
    """

    probability: Result
    words: np.ndarray
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class ExplorerAnswer:
    """What came out, before and after the change; `changed` says whether there is one.

    The traces are Result[part, layer] of the answer's rank and probability at the last word. `asked` is the
    token that is followed, `words` the prompt as it is read, `cautions` what must be said before any finding.
    """

    before: Guesses
    after: Guesses
    ranks: tuple[Result, Result]
    chances: tuple[Result, Result]
    changed: bool
    notes: tuple[str, ...]
    asked: Asked
    words: tuple[ReadWord, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class ExplorerBench:
    """A model on the bench: its number of layers, examples, relations with an update. `compute` raises
    `Refused` beneath "prompt", "answer", "off", "update" or "into".
    """

    name: str
    layers: int
    examples: tuple[tuple[str, ExplorerState], ...]
    updates: tuple[str, ...]
    compute: Callable[[ExplorerState], ExplorerAnswer]
