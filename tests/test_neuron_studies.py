"""Patterns, removal and agreement by hand: a planted table whose answers are known, and the rules of C11,
C12.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from interp import models
from interp.methods import scan
from interp.methods.scan import Peaks
from interp.result import Result
from interp.sites import Neuron
from interp.studies import neurons as study

TEXTS = ["Mary saw Poland.", "John saw France.", "Tom saw Peru.", "Mary ran."] * 3
KINDS = ["trip", "trip", "trip", "sport"] * 3


class Planted(scan.Table):
    """A table whose neurons' places are put in by hand: what `studies.neurons` reads of a scan."""

    layers, d_mlp = 1, 4

    def __init__(self, found, written):
        self.found, self.written = found, written
        names = ("model", "weights_sha256", "folding", "bos", "corpus", "tokens")
        self.about = dict.fromkeys(names, "planted")

    def peaks(self):
        return self.found

    @property
    def neurons(self):
        return {"writes": Column(list(self.written))}


@dataclass(frozen=True)
class Column:
    rows: list

    def to_numpy(self):
        return self.rows


@pytest.fixture(scope="module")
def corpus(pocket):
    return scan.corpus_of(pocket.tokenizer, TEXTS, name="planted")


def place(corpus, pocket, window, word):
    ids = corpus.window(window).tolist()
    return ids.index(models.encode(pocket, word)[0])


@pytest.fixture(scope="module")
def planted(corpus, pocket):
    """Neuron 0: always " saw"; 1: countries; 2: any place of texts about trips; 3: here and there."""
    saw = [(window, place(corpus, pocket, window, " saw")) for window in (0, 1, 2, 4, 5)]
    countries = [(0, " Poland"), (1, " France"), (2, " Peru"), (4, " Poland"), (5, " France")]
    third = [(0, "Mary"), (1, " saw"), (2, " Peru"), (4, "."), (5, "John")]
    mixed = [(0, "Mary"), (3, " ran"), (2, " Peru"), (3, "."), (7, "Mary")]
    rows = [saw] + [
        [(w, place(corpus, pocket, w, word)) for w, word in row] for row in (countries, third, mixed)
    ]
    at = np.array(rows)[None]  # layer neuron k 2
    return Planted(Peaks(at[..., 0], at[..., 1], np.ones(at.shape[:-1])), np.zeros((4, 10), dtype=int))


def test_a_neuron_is_counted_for_the_first_rule_that_fits(pocket, corpus, planted):
    matched = study.patterns(pocket, planted, corpus, KINDS)
    assert [study.PATTERNS[int(row.argmax())] for row in matched.values[:, 0].T] == [
        "one word", "one class of words", "one kind of text", "none of these",
    ]  # fmt: skip
    assert (matched.values.sum(axis=0) == 1).all()


def test_without_kinds_no_neuron_matches_one(pocket, corpus, planted):
    matched = study.patterns(pocket, planted, corpus)
    assert matched.at(pattern="one kind of text").values.sum() == 0
    assert matched.at(pattern="none of these").values.sum() == 2


def test_chance_is_small_where_texts_differ(pocket):
    texts, kinds = scan.world_texts(150), scan.world_kinds(150)
    corpus = scan.corpus_of(pocket.tokenizer, texts, name="world", width=96)
    shape = (1, 4, 10)
    nowhere = Planted(
        Peaks(*(np.zeros(shape, dtype=int) for _ in range(2)), np.ones(shape)), np.zeros((4, 10))
    )
    chance = study.chance_of_patterns(pocket, nowhere, corpus, kinds)
    assert abs(chance.values.sum() - 1) < 1e-9
    assert chance.at(pattern="none of these").values > 0.99


def test_agreement_counts_the_word_that_follows_the_best_trigger(pocket, corpus, planted):
    poland = models.encode(pocket, " Poland")[0]
    dot = models.encode(pocket, ".")[0]
    written = np.full((4, 10), -5)
    written[0, 0] = poland  # after " saw" of window 0 comes " Poland"
    written[1, 3] = dot  # after " Poland" comes ".", but it is the neuron's fourth word
    told = Planted(planted.found, written)
    agrees = study.agreement(told, corpus)
    assert agrees.at(rule=study.RULES[0]).values.tolist() == [[1, 0, 0, 0]]
    assert agrees.at(rule=study.RULES[1]).values.tolist() == [[1, 1, 0, 0]]


def test_luck_pairs_every_neuron_with_the_triggers_of_all(pocket, corpus, planted):
    saw = models.encode(pocket, " saw")[0]
    told = Planted(planted.found, np.full((4, 10), saw))
    following = Counter()
    for window, position in zip(planted.found.window[0, :, 0], planted.found.position[0, :, 0], strict=True):
        following[int(corpus.window(int(window))[position + 1])] += 1
    luck = study.agreement_by_chance(told, corpus)
    assert luck.at(rule=study.RULES[0], layer=0).values == pytest.approx(following[saw] / 4)


@pytest.mark.slow
def test_removing_the_last_token_is_a_run_without_it(pocket, tmp_path):
    texts = scan.corpus(pocket.tokenizer, "pocket", width=96, limit=60)
    table = scan.scan(pocket, texts, tmp_path, progress=False)
    cut = study.removals(pocket, table, texts)
    assert cut.axes["removal"] == ("last", "random", "first")
    assert cut.at(removal="last").values.mean() < cut.at(removal="random").values.mean() < 0.05
    again = study.removals(pocket, table, texts)
    assert np.array_equal(cut.values, again.values)


def matched_with(words, kinds):
    """Six layers of 200 neurons with these shares of word and text neurons by layer."""
    values = np.zeros((4, 6, 200))
    for layer in range(6):
        first, second = round(200 * words[layer]), round(200 * kinds[layer])
        values[0, layer, :first] = 1
        values[2, layer, first : first + second] = 1
    values[3] = 1 - values.sum(axis=0)
    axes = {"pattern": study.PATTERNS, "layer": range(6), "neuron": range(200)}
    return Result(values, axes, "share", "", {"model": "pocket"})


CHANCE = Result(np.array([0, 0, 0, 1.0]), {"pattern": study.PATTERNS}, "share", "", {})


@pytest.mark.parametrize(
    ("words", "kinds", "verdict", "measured"),
    [
        ((0.6, 0.6, 0.4, 0.4, 0.2, 0.2), (0.1, 0.1, 0.2, 0.2, 0.5, 0.5), "supported", 0.4),
        ((0.6, 0.6, 0.4, 0.4, 0.2, 0.2), (0.2,) * 6, "partly", 0.4),
        ((0.3,) * 6, (0.1, 0.1, 0.2, 0.2, 0.5, 0.5), "partly", 0.0),
        ((0.2, 0.2, 0.4, 0.4, 0.6, 0.6), (0.3,) * 6, "not supported", -0.4),
    ],
)
def test_c11_needs_words_early_and_texts_late(words, kinds, verdict, measured):
    claim = study.c11(matched_with(words, kinds), CHANCE)
    assert claim.verdict == verdict
    assert claim.measured == pytest.approx(measured)
    assert claim.interval[0] <= claim.measured <= claim.interval[1]


@pytest.mark.parametrize(
    ("share", "luck", "verdict"),
    [(0.12, 0.01, "supported"), (0.12, 0.11, "not supported"), (0.02, 0.001, "not supported")],
)
def test_c12_needs_agreement_beyond_luck_and_the_published_share(share, luck, verdict):
    values = np.zeros((2, 6, 200))
    values[:, :, : round(200 * share)] = 1
    axes = {"rule": study.RULES, "layer": range(6), "neuron": range(200)}
    agrees = Result(values, axes, "share", "", {"model": "pocket"})
    by_luck = Result(np.full((2, 6), luck), {"rule": study.RULES, "layer": range(6)}, "share", "", {})
    claim = study.c12(agrees, by_luck)
    assert (claim.verdict, claim.measured) == (verdict, pytest.approx(share))


def test_examples_stand_in_line_at_the_token_in_question(pocket, tmp_path):
    texts = scan.corpus(pocket.tokenizer, "pocket", width=96, limit=80)
    kinds = scan.world_kinds(80)
    table = scan.scan(pocket, texts, tmp_path, progress=False)
    matched = study.patterns(pocket, table, texts, kinds)
    chosen = study.typical(pocket, table, texts, matched, kinds)
    shown = study.examples(table, chosen)
    assert len(chosen) == len(shown.groups) == 6
    assert [np.digitize(neuron.layer, (3, 6)) for neuron, _ in chosen] == [0, 0, 1, 1, 2, 2]
    column = shown.activations.axes["place"].index(0)
    for row, name in enumerate(shown.activations.axes["context"]):
        neuron, rank = name.split()
        context = table.record(Neuron.parse(neuron)).contexts[int(rank) - 1]
        assert shown.tokens[row][column] == context.tokens[context.at]
        assert np.nanmax(shown.activations.values[row]) <= 1.01
    assert shown.activations.values[:, column].min() > 0
