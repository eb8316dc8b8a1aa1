"""WordVectors: words, one row of numbers for each, and where they come from."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from interp.languages import say


@dataclass(frozen=True, eq=False)
class WordVectors:
    """One row (float32, read-only) for every word; `source` says in a sentence where they come from.

    Rows are compared by direction (`unit`), so their length plays no part. Raises ValueError if words and
    rows do not fit, a word is there twice, or a number is not finite.
    """

    name: str
    words: tuple[str, ...]
    rows: Float[np.ndarray, "word d"]
    source: str
    sha256: str

    def __post_init__(self):
        rows = np.asarray(self.rows, dtype=np.float32)
        if rows.flags.writeable:
            rows = rows.copy()
            rows.setflags(write=False)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "words", tuple(self.words))
        if len(self.words) != len(rows):
            raise ValueError(f"{self.name} has {len(self.words)} words, but {len(rows)} rows of numbers.")
        if len(self.index) != len(self.words):
            twice = next(word for number, word in enumerate(self.words) if self.index[word] != number)
            raise ValueError(f"{self.name} has the word {twice!r} twice. Keep one of the two rows.")
        wrong = np.flatnonzero(~np.isfinite(self.lengths))
        if len(wrong):
            raise ValueError(
                f"{self.name} has a number that is not finite in the row of {self.words[wrong[0]]!r}."
                " Leave that row out."
            )

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def lengths(self) -> Float[np.ndarray, "word"]:
        """The length of each row; 0 for a row of zeros, which points nowhere."""
        return np.sqrt(np.einsum("wd,wd->w", self.rows, self.rows))

    @cached_property
    def unit(self) -> Float[np.ndarray, "word d"]:
        """The rows, each divided by its length; a row of zeros stays as it is."""
        if np.allclose(self.lengths, 1, rtol=0, atol=1e-6):
            return self.rows
        rows = self.rows / np.where(self.lengths > 0, self.lengths, 1)[:, None]
        rows.setflags(write=False)
        return rows

    def about(self) -> dict[str, Any]:
        """What a Result should say about its vectors, in the words that figures and claims know."""
        size = {"words": len(self.words), "width": self.rows.shape[1]}
        return {"model": self.name, "weights_sha256": self.sha256, **size}

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"WordVectors {self.name}: {len(self.words):,} words, {self.rows.shape[1]} numbers each"

    def spelled(self, text: str) -> str:
        """The word as this table writes it: as typed, else in small letters.

        Raises ValueError in one sentence for an empty text, several words, and an unknown word, with the
        closest known words where there are any.
        """
        word = text.strip()
        if not word:
            raise ValueError(say("There is no word here: type one."))
        known = next((one for one in (word, word.lower()) if one in self.index), None)
        if known is not None:
            return known
        if len(word.split()) > 1:
            raise ValueError(
                say(
                    "{word!r} is {number} words: type one word in each field.",
                    word=word,
                    number=len(word.split()),
                )
            )
        close = self._close(word)
        offer = say("Close to it: {words}.", words=", ".join(close)) if close else say("Try another word.")
        told = {"word": word, "number": len(self.words), "name": self.name}
        unknown = say("{word!r} is not among the {number:,} words of {name}.", **told)
        raise ValueError(f"{unknown} {offer}")

    def at(self, word: str) -> int:
        """The row of a word, spelled as in `spelled`. Raises ValueError also if that row is all zeros."""
        row = self.index[self.spelled(word)]
        if not self.lengths[row] > 0:
            raise ValueError(
                say(
                    "The vector of {word!r} is all zeros: it points nowhere. Try another word.",
                    word=self.words[row],
                )
            )
        return row

    def rows_of(self, words: Iterable[str]) -> Float[np.ndarray, "asked d"]:
        """The unit rows of these words, float64."""
        return self.unit[[self.at(word) for word in words]].astype(np.float64)

    def known(self, words: Iterable[str]) -> tuple[str, ...]:
        """Those of the words that are here, each as this table writes it."""
        ways = ((word, word.lower()) for word in words)
        found = (next((one for one in way if one in self.index), None) for way in ways)
        return tuple(word for word in found if word is not None)

    def with_rows(self, rows: np.ndarray, change: str, seal: bytes = b"") -> "WordVectors":
        """The same words with other numbers, whose name says how they were changed.

        The hash is that of these vectors, the change, and `seal`, which tells one such change from another.
        """
        digest = hashlib.sha256(f"{self.sha256} {change} ".encode() + seal).hexdigest()
        return replace(self, rows=rows, name=f"{self.name}, {change}", sha256=digest)

    def shuffled(self, seed: int = 0) -> "WordVectors":
        """A control: every word gets the row of another word at random, so that no word means anything."""
        order = np.random.default_rng(seed).permutation(len(self.words))
        return self.with_rows(self.rows[order], "rows shuffled", str(seed).encode())

    def _close(self, word: str) -> Sequence[str]:
        """Known words that are spelled alike; of like length and beginning, so that a search is short."""
        small = word.lower()
        alike = [one for one in self.words if one[:1].lower() == small[:1] and abs(len(one) - len(small)) < 3]
        return get_close_matches(small, alike, n=3, cutoff=0.7)
