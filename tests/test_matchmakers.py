"""Matchmakers: scores are queries times keys, only the question differs, the verdict follows the numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from reference import Reference

from interp import hooks, models
from interp.methods.attention import role_scores_by_row
from interp.result import Result
from interp.sites import Head, Site
from interp.studies import matchmakers
from interp.words.pronouns import PRONOUN_SCENE

HEAD = Head(1, 2)


@pytest.fixture(scope="module")
def odds(tiny):
    return matchmakers.pronoun_odds(tiny, 16)


@pytest.fixture(scope="module")
def scores(tiny):
    return matchmakers.role_shares(tiny)


def test_attention_is_the_softmax_of_the_scores_and_equals_the_loops(tiny, tiny_folder):
    text = "When Mary and John went to the store"
    match = matchmakers.one_match(tiny, text, HEAD)
    score = torch.tensor(match.at(measure="score").values)
    np.testing.assert_allclose(score.softmax(0).numpy(), match.at(measure="attention").values, atol=1e-6)
    loops = Reference(tiny_folder).forward(models.encode(tiny, text))
    np.testing.assert_allclose(
        match.at(measure="attention").values, loops.pattern[HEAD.layer, HEAD.head][-1].numpy(), atol=1e-5
    )


def test_the_two_readings_differ_after_the_names_only(tiny):
    he, she = matchmakers.meetings(tiny, 8)
    assert "he gave" in he.texts[1]
    assert "she gave" in she.texts[1]
    for one, other, man, woman in zip(he.tokens, she.tokens, he.spots["man"], he.spots["woman"], strict=True):
        names_end = max(int(man), int(woman)) + 1
        assert torch.equal(one[:names_end], other[:names_end])
    orders = [bool(man < woman) for man, woman in zip(he.spots["man"], he.spots["woman"], strict=True)]
    assert sum(orders) == 4


def test_the_odds_are_those_of_attention(tiny, odds):
    he, she = matchmakers.meetings(tiny, 16)

    def ratio(prompts, number):
        pattern = hooks.record(tiny, prompts, [Site("pattern", 1)])[Site("pattern", 1)][number, 2]
        row = pattern[prompts.spots["end"][number]]
        return float(row[prompts.spots["man"][number]] / row[prompts.spots["woman"][number]])

    expected = np.log(ratio(he, 3) / ratio(she, 3))
    assert float(odds.at(measure="log_odds", spot="end", layer=1, head=2, prompt=3)) == pytest.approx(
        expected, abs=1e-4
    )


def test_heads_that_look_elsewhere_do_not_count_as_turning(odds):
    looking = odds.mean("prompt").at(measure="attention").values >= matchmakers.LEAST_ATTENTION
    assert (matchmakers.turning(odds).values[~looking] == 0).all()


def turned(layer, head, by, n=64):
    values = np.random.default_rng(0).normal(0, 0.5, (2, 2, 3, 4, n))
    values[0, 1, layer, head] += by
    values[1] = 0.5
    labels = [("log_odds", "attention"), matchmakers.QUERIES, range(3), range(4), range(n)]
    axes = dict(zip(("measure", "spot", "layer", "head", "prompt"), labels, strict=True))
    return Result(values, axes, "what a pronoun looks for", "nats or share")


@pytest.mark.parametrize("by", [2.0, -2.0])
def test_a_head_that_turns_is_found_and_noise_is_not(by):
    assert matchmakers.pronoun_heads(turned(1, 3, by)) == (Head(1, 3),)
    assert matchmakers.pronoun_heads(turned(1, 3, 0.0)) == ()


def test_the_pair_of_words_is_one_the_model_knows(tiny, monkeypatch):
    monkeypatch.setattr(matchmakers, "TWO_WORDS", {"Mary John": "a Mary John", "Zyzzyva Qq": "a Zyzzyva Qq"})
    assert matchmakers.two_words(tiny) == ("a Mary John", "Mary John")
    monkeypatch.setattr(matchmakers, "TWO_WORDS", {"Zyzzyva Qq": "a Zyzzyva Qq", "Mary John": "a Mary John"})
    assert matchmakers.two_words(tiny) == ("a Mary John", "Mary John")
    assert [label for label, _ in matchmakers.sentences(tiny)] == ["he gives", "she gives", "Mary John"]


def test_random_words_are_whole_tokens_and_differ_within_a_row(tiny):
    rows = matchmakers.known_words(tiny, 4, 6)
    assert rows.shape == (4, 6)
    assert all(len(set(row.tolist())) == 6 for row in rows)


def test_silencing_nothing_loses_nothing(tiny, scores):
    chain = matchmakers.in_sequence(tiny, scores)
    (sets,) = chain.lost_without_others.axes.values()
    assert 1 <= len(set(sets)) == len(sets) <= matchmakers.CONTROL_SETS
    assert not {str(head) for head in (*chain.earlier, *chain.later)} & set(sets)
    assert max(head.layer for head in chain.earlier) < max(head.layer for head in chain.later)
    plain = role_scores_by_row(tiny, matchmakers.known_words(tiny, seed=1)).at(role="induction")
    expected = np.mean([plain.at(layer=head.layer, head=head.head).values for head in chain.later], axis=0)
    np.testing.assert_allclose(chain.left.at(silenced="nothing").values, expected, atol=1e-12)


def test_no_set_of_other_heads_is_counted_twice(monkeypatch):
    shape = SimpleNamespace(cfg=SimpleNamespace(n_layers=4, n_heads=4))
    few = matchmakers._other_sets(shape, (Head(0, 0),), (Head(3, 0),), 3, 1)
    assert list(few.values()) == [(Head(at // 4, at % 4),) for at in range(1, 12)]
    monkeypatch.setattr(matchmakers, "CONTROL_SETS", 7)
    many = matchmakers._other_sets(shape, (Head(0, 0), Head(0, 1)), (Head(3, 0),), 3, 1)
    assert len(many) == len(set(many.values())) == 7
    assert all(len(set(heads)) == 2 for heads in many.values())


def habits(shares):
    axes = {"role": ("previous", "duplicate", "induction"), "layer": range(3), "head": range(4)}
    return Result(shares, axes, "attention by role", "share")


def chained(lost, others):
    rows = np.array(
        [[1.0, 0.8], [1.0 - lost, 0.8 * (1 - lost)], *[[1 - other, 0.8 * (1 - other)] for other in others]]
    )
    labels = ("nothing", "heads that look back", *(f"random {at}" for at in range(len(others))))
    left = Result(rows, {"silenced": labels, "prompt": (0, 1)}, "induction score", "share")
    return matchmakers.InSequence((Head(0, 1),), (Head(2, 2),), left)


@pytest.mark.parametrize(
    ("special", "lost", "verdict"),
    [(0.9, 0.6, "supported"), (0.9, 0.1, "partly"), (0.1, 0.6, "partly")],
)
def test_the_verdict_on_c7_counts_the_tests_that_hold(tiny, special, lost, verdict):
    shares = np.zeros((3, 3, 4))
    shares[0, 0, 1] = shares[2, 2, 2] = special
    scores = habits(shares)
    claim = matchmakers.c7(tiny, scores, turned(1, 3, 2.0), chained(lost, [0.05, 0.02]))
    assert claim.verdict == verdict
    assert claim.measured == pytest.approx(lost)


def test_nothing_found_is_not_supported(tiny):
    scores = habits(np.zeros((3, 3, 4)))
    assert matchmakers.c7(tiny, scores, turned(0, 0, 0.0), chained(0.5, [0.1])).verdict == "not supported"


def test_what_a_head_writes_is_its_part_of_the_logits(tiny):
    text = PRONOUN_SCENE.replace("{P}", "he")
    top = matchmakers.written(tiny, text, HEAD, k=5)
    assert list(top.values) == sorted(top.values, reverse=True)
    assert top.values[0] > 0


def test_a_head_that_is_not_there_is_named(tiny):
    with pytest.raises(ValueError, match=r"^L12H0 is not in this model"):
        matchmakers.one_match(tiny, "Mary and John", Head(12, 0))
