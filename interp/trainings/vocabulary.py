"""Words as tokens: every word with the space before it is one, every sign is one."""

import re
from collections.abc import Sequence

END = "<|end|>"  # between texts, and before the first
_TOKEN = re.compile(r"<\|end\|>| ?[A-Za-z]+|[^A-Za-z\s]")


class Vocabulary:
    """Ids of words, in the order of the alphabet."""

    def __init__(self, text: str):
        self.words = tuple(sorted({END, *_TOKEN.findall(text)}))
        self._ids = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, word: str) -> int:
        """The id of one token. Raises ValueError for a word that the texts never hold."""
        if word not in self._ids:
            raise ValueError(
                f"The word {word.strip()!r} is not among the {len(self)} words of this small model; use words"
                f" such as {', '.join(w.strip() for w in self.words[-3:])}."
            )
        return self._ids[word]

    def encode(self, text: str) -> list[int]:
        """The ids of a text. Raises ValueError for a word that the texts never hold."""
        return [self[token] for token in _TOKEN.findall(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids."""
        return "".join(self.words[i] for i in ids)
