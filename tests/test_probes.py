"""Probes on features whose answer is known, AUC by counting pairs, controls that must fail."""

import numpy as np
import pytest

from interp.methods import probes


def pairs_won(scores, labels):
    yes, no = scores[labels], scores[~labels]
    return np.mean([(1.0 if a > b else 0.5 if a == b else 0.0) for a in yes for b in no])


@pytest.fixture
def chooser():
    return np.random.default_rng(5)


def test_the_auc_is_the_share_of_pairs_won_with_ties_counting_half(chooser):
    scores, labels = chooser.integers(0, 6, 60).astype(float), chooser.random(60) < 0.3
    assert probes.auc(scores, labels) == pytest.approx(pairs_won(scores, labels))
    assert probes.auc(labels.astype(float), labels) == 1
    assert probes.auc(-scores, labels) == pytest.approx(1 - probes.auc(scores, labels))


def test_the_aucs_of_single_features_are_the_auc_of_each(chooser):
    features, labels = chooser.normal(size=(80, 5)), chooser.random((2, 80)) < 0.4
    found = probes.aucs(probes.ranks(features), labels)
    for target in range(2):
        expected = [pairs_won(features[:, n], labels[target]) for n in range(5)]
        assert np.allclose(found[target], expected)


def test_the_interval_holds_the_auc_and_widens_when_tokens_come_in_groups(chooser):
    groups = np.repeat(np.arange(20), 30)
    labels = chooser.random(600) < 0.5
    scores = labels + chooser.normal(size=20)[groups] * 2
    apart = probes.auc_interval(scores, labels, np.arange(600))
    together = probes.auc_interval(scores, labels, groups)
    for low, high in (apart, together):
        assert low < probes.auc(scores, labels) < high
    assert probes.auc_interval(scores, labels, groups) == together
    noisy = chooser.normal(size=20)[groups]
    half = (np.arange(20) % 2 == 0)[groups]
    one, other = probes.auc_interval(noisy, half, np.arange(600)), probes.auc_interval(noisy, half, groups)
    assert other[1] - other[0] > 2 * (one[1] - one[0])


def test_a_label_that_only_one_kind_of_token_has_is_refused():
    with pytest.raises(ValueError) as error:
        probes.auc(np.zeros(4), np.ones(4, dtype=bool))
    assert str(error.value) == (
        "A label needs tokens with it and tokens without it; there are 4 and 0. Give more texts."
    )


def test_a_probe_finds_a_direction_and_its_controls_do_not(chooser):
    labels = chooser.random((1, 600)) < 0.4
    features = chooser.normal(size=(600, 12))
    features[:, 3:6] += labels[0][:, None] * 1.5
    train, test = np.arange(600) < 400, np.arange(600) >= 400
    score = probes.fitted(features, labels, train)[0, test]
    assert probes.auc(score, labels[0, test]) > 0.9
    mixed = probes.shuffled(labels, train)
    assert np.array_equal(mixed[:, test], labels[:, test])
    assert mixed[:, train].sum() == labels[:, train].sum()
    assert not np.array_equal(mixed, labels)
    control = probes.fitted(features, mixed, train)[0, test]
    assert probes.auc(control, labels[0, test]) < 0.7


def test_probes_fitted_together_are_those_fitted_alone(chooser):
    labels = chooser.random((3, 200)) < 0.4
    features, train = chooser.normal(size=(200, 6)), np.arange(200) < 150
    together = probes.fitted(features, labels, train)
    for row in range(3):
        assert np.allclose(together[row], probes.fitted(features, labels[[row]], train)[0])


def test_a_sparse_probe_takes_the_features_that_differ_most(chooser):
    labels = chooser.random(500) < 0.5
    features = chooser.normal(size=(500, 20))
    features[:, 17] -= labels * 3.0
    train = np.arange(500) < 350
    assert np.abs(probes.mean_gap(features[train], labels[train])).argmax() == 17
    one, all_of_them = probes.sparse(features, labels, train, (1, 20))
    assert probes.auc(one[~train], labels[~train]) > 0.95
    assert np.allclose(all_of_them, probes.fitted(features, labels[None], train)[0])


def test_word_vectors_know_the_word_and_nothing_else():
    words = np.array([4, 9, 4, 7, 9])
    vectors = probes.word_vectors(words, 8)
    assert np.array_equal(vectors[0], vectors[2])
    assert np.array_equal(vectors[1], vectors[4])
    assert not np.allclose(vectors[0], vectors[1])
