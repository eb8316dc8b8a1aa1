"""The n-gram: equal to a model counted with dictionaries, a probability, and quick enough for a training."""

import math
import time
from collections import defaultdict

import numpy as np
import pytest
import torch

from interp.methods import ngram

START = None


class Dictionaries:
    """Interpolated Kneser-Ney as the formula reads, one n-gram at a time."""

    def __init__(self, rows, vocabulary, order):
        self.vocabulary, self.order = vocabulary, order
        said = [defaultdict(int) for _ in range(order + 1)]
        for row in rows:
            row = [START] * (order - 1) + list(row)
            for end in range(order, len(row) + 1):
                said[order][tuple(row[end - order : end])] += 1
        for length in range(order - 1, 0, -1):
            for longer in said[length + 1]:
                said[length][longer[1:]] += 1
        self.said = said

    def chance(self, token, context):
        return self._chance(token, ((START,) * (self.order - 1) + tuple(context))[-(self.order - 1) :])

    def _chance(self, token, context):
        rest = self._chance(token, context[1:]) if context else 1 / self.vocabulary
        counts = self.said[len(context) + 1]
        own = {n[-1]: count for n, count in counts.items() if n[:-1] == context}
        if not own:
            return rest
        once, twice = (list(counts.values()).count(times) for times in (1, 2))
        taken = once / (once + 2 * twice) if once and twice else 0.5
        total = sum(own.values())
        mine = max(own.get(token, 0) - taken, 0) / total if token in own else 0
        return mine + taken * len(own) / total * rest


def text(rows=40, width=9, vocabulary=7, seed=0):
    drawn = torch.randint(vocabulary, (rows, width), generator=torch.Generator().manual_seed(seed))
    return drawn * (drawn % 3 > 0)  # zeros abound, so that long n-grams come back


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_equals_the_model_of_dictionaries(order):
    rows = text()
    counted = ngram.counted([rows], 7, order=order)
    naive = Dictionaries(rows.tolist(), 7, order)
    contexts = [[], [0], [6, 6, 6, 6], *(row[:at] for row in text(6, seed=1).tolist() for at in (1, 3, 8))]
    for context in contexts:
        wanted = [naive.chance(token, context[-order + 1 :] if order > 1 else ()) for token in range(7)]
        assert np.exp(counted.scores(context)) == pytest.approx(wanted, abs=1e-12), context


def test_the_scores_are_probabilities_also_after_what_was_never_said():
    counted = ngram.counted([text()], 9)
    for context in ([], [8], [1, 8, 2, 8], [5, 4, 3, 2, 1]):
        scores = counted.scores(context)
        assert scores.shape == (9,)
        assert np.isfinite(scores).all()
        assert np.exp(scores).sum() == pytest.approx(1)


def test_batches_and_merging_change_nothing():
    rows = text(60)
    whole = ngram.counted([rows], 7)
    apart = ngram.counted(iter(rows.split(7)), 7, at_once=50)
    assert apart.tokens == whole.tokens == rows.numel()
    for one, other in zip(whole.tables, apart.tables, strict=True):
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])


def test_no_ngram_goes_from_one_row_to_the_next():
    apart = ngram.counted([torch.tensor([[1, 2], [3, 4]])], 5, order=2)
    assert not {2 * 6 + 3} & set(apart.tables[1][0].tolist())


def test_it_learns_what_five_words_show_and_nothing_longer():
    generator = torch.Generator().manual_seed(3)
    first = torch.randint(1, 3, (3000, 1), generator=generator)
    gap = torch.randint(3, 9, (3000, 4), generator=generator)
    near = ngram.counted([torch.cat([first, gap[:, :2], first + 8], dim=1)], 12)
    far = ngram.counted([torch.cat([first, gap, first + 8], dim=1)], 12)
    seen = near.scores([1, 3, 4])
    assert seen[9] > seen[10] + 3
    both = [far.scores([1, *words]) for words in gap[:200].tolist()]
    assert abs(np.mean([one[9] - one[10] for one in both])) < 0.5  # ... on average; a few words may be rare


def test_a_word_that_follows_many_words_comes_first_where_nothing_was_seen():
    """Token 1 is said more often, but only after 0; token 2 follows four different tokens."""
    rows = torch.tensor([[0, 1]] * 30 + [[3, 2], [4, 2], [5, 2], [6, 2]])
    scores = ngram.counted([rows], 8, order=2).scores([7])
    assert scores[2] > scores[1]


def test_what_it_cannot_count_is_said():
    with pytest.raises(ValueError, match="5 tokens out of 50257 do not fit one 64-bit number: choose a low"):
        ngram.counted([text()], 50257)
    with pytest.raises(ValueError, match=r"ids 0 to 5, but the vocabulary goes from 0 to 3. Give the vocab"):
        ngram.counted([text()], 4)
    with pytest.raises(ValueError, match="There is no token to count: give at least one row"):
        ngram.counted([], 4)
    with pytest.raises(
        ValueError, match=r"There is no token 7: the ids go from 0 to 6. Encode the text with"
    ):
        ngram.counted([text()], 7).scores([7])


def test_a_million_tokens_count_in_seconds():
    rows = torch.randint(1500, (10_000, 96), generator=torch.Generator().manual_seed(0))
    began = time.process_time()
    counted = ngram.counted(rows.split(100), 1684)
    assert counted.tokens == 960_000
    assert time.process_time() - began < 20  # 30 million in three minutes leaves 6 s for a million
    assert math.isfinite(counted.scores([1, 2, 3, 4]).min())
