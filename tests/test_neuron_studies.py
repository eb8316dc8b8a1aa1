"""Patterns, removal and agreement by hand: a planted table whose answers are known, and the rules of C11,
C12.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from interp import claims, hooks, models
from interp.methods import scan
from interp.methods.scan import Peaks
from interp.result import Result
from interp.sites import Neuron, Site
from interp.studies.neurons import neurons as study

TEXTS = ["Mary saw Poland.", "John saw France.", "Tom saw Peru.", "Mary ran."] * 3
KINDS = ["trip", "trip", "trip", "sport"] * 3


class Planted(scan.Table):
    """A table whose neurons' places are put in by hand: what `studies.neurons.neurons` reads of a scan."""

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


def test_a_neuron_counts_for_every_rule_that_fits(pocket, corpus, planted):
    wide = study.inclusive(pocket, planted, corpus, KINDS)
    only = study.inclusive(pocket, planted, corpus)
    assert wide.values[:, 0].T.tolist() == [[1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert only.values[2].sum() == 0


def test_a_direction_is_ranked_by_the_normalised_state(pocket, corpus):
    chooser = torch.Generator().manual_seed(0)
    drawn = [torch.randn(pocket.cfg.d_model, 5, generator=chooser) for _ in range(pocket.cfg.n_layers)]
    found = study._strongest(pocket, corpus, drawn, 3)
    along = []
    for window in range(len(corpus)):
        ids = torch.from_numpy(corpus.window(window))[None]
        state = hooks.record(pocket, ids, [Site("resid_mid", 4)])[Site("resid_mid", 4)][0]
        state = (state - state.mean(-1, keepdim=True)) / state.std(-1, unbiased=False, keepdim=True)
        along.append(float((state @ drawn[4][:, 2]).max()))
    assert found.window[4, 2].tolist() == np.argsort(-np.array(along), kind="stable")[:3].tolist()
    assert found.activation[4, 2, 0] == pytest.approx(max(along), abs=1e-3)


def test_neurons_seen_as_directions_match_the_words_that_excite_them(pocket, corpus):
    """Twin of the control: the layer's own vectors, not turned, find what the neurons' peaks find."""
    layers = range(pocket.cfg.n_layers)
    own = [pocket.W_in[layer].detach()[:, :8] for layer in layers]
    found = study._strongest(pocket, corpus, own, 1)
    ids = torch.from_numpy(corpus.window(int(found.window[0, 3, 0])))[None]
    hidden = hooks.record(pocket, ids, [Site("mlp_pre", 0)])[Site("mlp_pre", 0)][0, :, 3]
    assert int(hidden.argmax()) == found.position[0, 3, 0]


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


def matched_with(words, kinds, n=200):
    """Six layers of neurons with these shares of word and text neurons by layer."""
    values = np.zeros((3, 6, n))
    for layer in range(6):
        values[0, layer, : round(n * words[layer])] = 1
        values[2, layer, n - round(n * kinds[layer]) :] = 1
    axes = {"pattern": study.PATTERNS[:3], "layer": range(6), "neuron": range(n)}
    return Result(values, axes, "share", "", {"model": "pocket"})


FALLING, RISING, FLAT = (0.6, 0.6, 0.4, 0.4, 0.2, 0.2), (0.1, 0.1, 0.2, 0.2, 0.5, 0.5), (0.3,) * 6
NOISE = dict.fromkeys(study.CONTROLS, matched_with(FLAT, FLAT, n=512))


@pytest.mark.parametrize(
    ("words", "kinds", "verdict", "measured"),
    [
        (FALLING, RISING, "supported", 0.4),
        (FALLING, FLAT, "partly", 0.4),
        (FLAT, RISING, "partly", 0.0),
        (FLAT, FLAT, "not supported", 0.0),
        (FALLING[::-1], FLAT, "not supported", -0.4),
    ],
)
def test_c11_needs_words_early_and_texts_late(words, kinds, verdict, measured):
    claim = study.c11(matched_with(words, kinds), NOISE)
    assert claim.verdict == verdict
    assert claim.measured == pytest.approx(measured, abs=0.005)
    assert claim.interval[0] <= claim.measured <= claim.interval[1]


@pytest.mark.parametrize("control", study.CONTROLS)
def test_what_untrained_directions_do_as_well_is_no_work_of_neurons(control):
    """Either control that falls and rises with the neurons takes both halves away."""
    as_much = NOISE | {control: matched_with(FALLING, RISING, n=512)}
    claim = study.c11(matched_with(FALLING, RISING), as_much)
    assert (claim.verdict, claim.measured) == ("not supported", pytest.approx(0.0, abs=0.005))


def test_a_control_that_goes_the_other_way_adds_nothing():
    small, opposite = (0.20, 0.20, 0.20, 0.28, 0.28, 0.28), (0.5, 0.5, 0.4, 0.4, 0.2, 0.2)
    claim = study.c11(matched_with(FLAT, small), dict.fromkeys(study.CONTROLS, matched_with(FLAT, opposite)))
    assert claim.verdict == "not supported"
    assert "beyond the same: +0.080" in claim.test


def test_the_figure_of_c11_sets_neurons_beside_both_controls():
    shown = study.beside(matched_with(FALLING, RISING), NOISE)
    assert shown.axes["what"] == ("neurons", *study.CONTROLS)
    np.testing.assert_allclose(shown.at(what="neurons").values, FALLING, atol=0.01)


def agreeing(shares, model="pocket", corpus="pocket"):
    values = np.zeros((2, 6, 200))
    for layer, share in enumerate(shares):
        values[:, layer, : round(200 * share)] = 1
    values = values[..., np.random.default_rng(0).permutation(200)]
    axes = {"rule": study.RULES, "layer": range(6), "neuron": range(200)}
    return Result(values, axes, "share", "", {"model": model, "corpus": corpus})


def by_luck(share):
    return Result(np.full((2, 6), share), {"rule": study.RULES, "layer": range(6)}, "share", "", {})


@pytest.mark.parametrize(
    ("shares", "luck", "verdict"),
    [
        ((0, 0, 0, 0, 0, 0.2), 0.01, "supported"),
        ((0, 0, 0.2, 0, 0, 0), 0.01, "supported"),  # the best layer, wherever it is
        ((0.2,) * 6, 0.19, "not supported"),  # no more than luck
        ((0.01,) * 6, 0.001, "not supported"),  # less than published
        ((0,) * 6, 0.0, "not supported"),
    ],
)
def test_c12_sets_best_layer_beside_best_layer(shares, luck, verdict):
    claim = study.c12(agreeing(shares), by_luck(luck))
    assert claim.verdict == verdict


def test_c12_needs_texts_that_the_model_was_trained_on():
    shares = (0, 0, 0, 0, 0, 0.2)
    stranger = study.c12(agreeing(shares, model="gpt2"), by_luck(0.0))
    assert (stranger.verdict, stranger.measured) == ("cannot be tested on this model", None)
    assert study.c12(agreeing(shares, model="gpt2", corpus="books"), by_luck(0.0)).verdict == "supported"


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


def test_one_reading_without_a_scan_finds_what_the_scan_finds(pocket, tmp_path):
    n = 60
    texts, kinds = scan.corpus(pocket.tokenizer, limit=n, seed=3), scan.world_kinds(n, 3)
    table = scan.scan(pocket, texts, tmp_path, progress=False)
    found = study.on_other_texts(pocket, table, 3, n=n)
    scanned = study.inclusive(pocket, table, texts, kinds).values
    # The scan keeps activations in half precision, which changes the order of a neuron's nearly equal places
    assert (found.matched.values == scanned).mean() > 0.99
    agrees = study.agreement(table, texts).values
    assert (found.agrees.values == agrees).mean() > 0.999
    # One neuron whose place changes moves its layer by what its words weigh: up to 1e-3 of 0.04
    np.testing.assert_allclose(found.luck.values, study.agreement_by_chance(table, texts).values, atol=2e-3)
    control = study.directions(pocket, table, texts, kinds, seed=3)
    for name in study.CONTROLS:
        np.testing.assert_array_equal(found.control[name].values, control[name].values)


def other(weak):
    words = matched_with(FLAT if weak else FALLING, FLAT if weak else RISING)
    return study.Other(words, NOISE, agreeing((0.01 if weak else 0.2,) * 6), by_luck(0.001))


@pytest.mark.parametrize(("weak", "stays"), [((), 5), ((3,), 4), ((2, 6), 3)])
def test_c11_and_c12_count_the_texts_that_change_them(planted, monkeypatch, weak, stays):
    """On the texts of these seeds nothing is found; each is read once for both claims."""
    read = []

    def found(model, table, seed):
        read.append(seed)
        return other(seed in weak)

    monkeypatch.setattr(study, "on_other_texts", found)
    monkeypatch.setitem(planted.about, "corpus", "pocket")
    patterns, guesses = study.again(None, planted)
    usual = other(weak=False)
    both = (
        claims.firm(study.c11, usual.matched, usual.control, again=patterns),
        claims.firm(study.c12, usual.agrees, usual.luck, again=guesses),
    )
    for claim in both:
        assert (claim.verdict, claim.variations["other texts"]) == ("supported", (stays, 5))
    assert read == list(study.AGAIN)


def test_a_readers_own_texts_cannot_be_drawn_again(planted):
    assert study.again(None, planted) == ({}, {})
