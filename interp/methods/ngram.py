"""The n-gram beside a network: what counting the last few words alone would say next.

Interpolated Kneser-Ney (Kneser and Ney 1995; Chen and Goodman 1998, equation 26) with one discount per order,
n1 / (n1 + 2 n2), where n1 and n2 are how many n-grams were counted once and twice. Chosen over plain back-off
because it is the stronger opponent: after words it never saw together, it asks how many *different* words a
word follows, not how often it was said. And its scores are probabilities, so a skew can be read off them.

An n-gram is one whole number, its token ids as digits, so that counting is sorting. A row begins with nothing
before it: a mark that is never predicted stands for that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

ORDER = 5
AT_ONCE = 8_000_000  # n-grams held before they are sorted and merged into the table

Table = tuple[np.ndarray, np.ndarray]  # n-grams in order, and the count of each


@dataclass(frozen=True, eq=False)
class Ngram:
    """Counts by length of n-gram: `tables[k - 1]` has those of k tokens. Made by `counted`.

    The longest have how often they were said; the shorter, before how many different tokens.
    """

    vocabulary: int
    tokens: int
    tables: tuple[Table, ...]

    @property
    def order(self) -> int:
        """How many tokens the longest n-gram has."""
        return len(self.tables)

    @cached_property
    def discounts(self) -> tuple[float, ...]:
        """What is taken off every count, by length of n-gram."""
        return tuple(_discount(counts) for _, counts in self.tables)

    def scores(self, context: Sequence[int]) -> Float[np.ndarray, "token"]:
        """The log-probability of every token after these, natural logarithm; they sum to one.

        Only the last `order - 1` count. A shorter context is one that begins a row. Raises ValueError for an
        id outside the vocabulary.
        """
        self._refuse_unknown(context)
        before = [self.vocabulary] * (self.order - 1) + [int(token) for token in context]
        chances = np.full(self.vocabulary, 1 / self.vocabulary)
        for length in range(1, self.order + 1):
            chances = self._mixed(before[len(before) - length + 1 :], chances)
        return np.log(chances)

    def _mixed(self, context: Sequence[int], shorter: Float[np.ndarray, "token"]) -> np.ndarray:
        """The chances after this context: its own counts, discounted, and the rest shared out by a shorter
        context's chances."""
        ngrams, counts = self.tables[len(context)]
        start = _packed(context, self.vocabulary + 1) * (self.vocabulary + 1)
        low, high = np.searchsorted(ngrams, [start, start + self.vocabulary])
        if low == high:
            return shorter
        own, taken = counts[low:high], self.discounts[len(context)]
        total = own.sum()
        chances = shorter * (taken * len(own) / total)
        chances[ngrams[low:high] - start] += (own - taken) / total
        return chances

    def _refuse_unknown(self, context: Sequence[int]) -> None:
        for token in context:
            if not 0 <= token < self.vocabulary:
                raise ValueError(
                    f"There is no token {token}: the ids go from 0 to {self.vocabulary - 1}. Encode the text"
                    " with the tokenizer of the model whose rows were counted."
                )


def counted(
    rows: Iterable[Int[Tensor, "row position"]],
    vocabulary: int,
    *,
    order: int = ORDER,
    at_once: int = AT_ONCE,
) -> Ngram:
    """All n-grams of these rows of token ids, given a batch at a time; none goes from one row to the next.

    Tens of millions of tokens take under a minute, beside the time to write them. Raises ValueError if an
    n-gram does not fit a 64-bit number, for an id outside the vocabulary, and if there is no row at all.
    """
    if (vocabulary + 1) ** order >= 2**63:
        raise ValueError(
            f"{order} tokens out of {vocabulary} do not fit one 64-bit number: choose a lower order."
        )
    table, waiting, held, tokens = _empty(), [], 0, 0
    for batch in rows:
        found = _ngrams(np.asarray(batch.cpu(), dtype=np.int64), vocabulary, order)
        waiting.append(found)
        held, tokens = held + len(found), tokens + len(found)
        if held >= at_once:
            table, waiting, held = _merged(table, _tally(np.concatenate(waiting))), [], 0
    table = _merged(table, _tally(np.concatenate(waiting))) if waiting else table
    if not tokens:
        raise ValueError("There is no token to count: give at least one row of text.")
    return Ngram(vocabulary, tokens, _shorter_too(table, vocabulary + 1, order))


def _ngrams(rows: Int[np.ndarray, "row position"], vocabulary: int, order: int) -> Int[np.ndarray, "ngram"]:
    """The n-gram that ends at every token, with the mark of nothing before a row's first tokens."""
    if rows.size and not (rows.min() >= 0 and rows.max() < vocabulary):
        raise ValueError(
            f"These rows have the ids {rows.min()} to {rows.max()}, but the vocabulary goes from 0 to"
            f" {vocabulary - 1}. Give the vocabulary of their tokenizer."
        )
    wide = np.pad(rows, ((0, 0), (order - 1, 0)), constant_values=vocabulary)
    found = np.zeros_like(rows)
    for at in range(order):
        found = found * (vocabulary + 1) + wide[:, at : at + rows.shape[1]]
    return found.ravel()


def _packed(tokens: Sequence[int], base: int) -> int:
    number = 0
    for token in tokens:
        number = number * base + token
    return number


def _tally(numbers: Int[np.ndarray, "ngram"]) -> Table:
    ngrams, counts = np.unique(numbers, return_counts=True)
    return ngrams, counts


def _empty() -> Table:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)


def _merged(one: Table, other: Table) -> Table:
    """Two tables as one: both are in order, which a stable sort makes use of."""
    if not len(one[0]):
        return other
    ngrams, counts = (np.concatenate(both) for both in zip(one, other, strict=True))
    order = np.argsort(ngrams, kind="stable")
    ngrams, counts = ngrams[order], counts[order]
    starts = np.flatnonzero(np.concatenate([[True], ngrams[1:] != ngrams[:-1]]))
    return ngrams[starts], np.add.reduceat(counts, starts)


def _shorter_too(longest: Table, base: int, order: int) -> tuple[Table, ...]:
    """The tables of 1 to `order` tokens. A shorter n-gram counts once for every token that it follows."""
    tables = [longest]
    for length in range(order - 1, 0, -1):
        tables.append(_tally(tables[-1][0] % base**length))
    return tuple(reversed(tables))


def _discount(counts: Int[np.ndarray, "ngram"]) -> float:
    """What is taken off every count, between 0 and 1; a half where nothing was counted once or twice."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5
