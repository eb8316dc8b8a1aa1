"""Matchmakers: scores are queries times keys, only the question differs, the verdict follows the numbers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from reference import Reference

from interp import claims, hooks, models
from interp.methods.attention import role_scores_by_row
from interp.result import Result
from interp.sites import Head, Site
from interp.studies.heads import matchmakers
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


def turned(layer, head, by, n=64, spot="his"):
    values = np.random.default_rng(0).normal(0, 0.5, (2, 3, 3, 4, n))
    values[0, matchmakers.QUERIES.index(spot), layer, head] += by
    values[1] = 0.5
    axes = {
        "measure": ("log_odds", "attention"), "spot": matchmakers.QUERIES, "layer": tuple(range(3)),
        "head": tuple(range(4)), "prompt": tuple(range(n)),
    }  # fmt: skip
    return Result(values, axes, "what a pronoun looks for", "nats or share")


@pytest.mark.parametrize("by", [2.0, -2.0])
def test_a_head_that_turns_is_found_and_noise_is_not(by):
    assert matchmakers.pronoun_heads(turned(1, 3, by)) == (Head(1, 3),)
    assert matchmakers.pronoun_heads(turned(1, 3, 0.0)) == ()


def test_only_a_head_that_turns_to_the_person_who_fits_is_fitting():
    assert matchmakers.pronoun_heads(turned(1, 3, 2.0), fitting=True) == (Head(1, 3),)
    assert matchmakers.pronoun_heads(turned(1, 3, -2.0), fitting=True) == ()


def test_his_asks_at_the_end_and_nothing_before_it_differs(tiny):
    his, her = matchmakers.meetings(tiny, 8, own=True)
    assert all(text.endswith(" his") for text in his.texts)
    assert [text.removesuffix(" his") for text in his.texts] == [
        text.removesuffix(" her") for text in her.texts
    ]
    assert torch.equal(his.spots["pronoun"], his.spots["end"])


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
    sets = chain.left.axes["silenced"][2:]
    assert 1 <= len(set(sets)) == len(sets) <= matchmakers.CONTROL_SETS
    assert not {str(head) for head in (*chain.heads, *chain.later)} & set(sets)
    assert max(head.layer for head in chain.heads) < max(head.layer for head in chain.later)
    plain = role_scores_by_row(tiny, matchmakers.known_words(tiny, seed=1)).at(role="induction")
    expected = np.mean([plain.at(layer=head.layer, head=head.head).values for head in chain.later], axis=0)
    for way in matchmakers.WAYS:
        np.testing.assert_allclose(chain.left.at(way=way, silenced="nothing").values, expected, atol=1e-12)


def test_the_next_word_is_read_where_it_is_said_again(tiny, scores):
    moved = matchmakers.moving(tiny, scores)
    rows = matchmakers.known_words(tiny, seed=1)
    logits = hooks.run(tiny, torch.cat([rows[:1], rows[:1]], dim=1))[0][0].double().log_softmax(-1)
    length = rows.shape[1]
    said = [float(logits[length + at, rows[0, at + 1]]) for at in range(length - 1)]
    whole = moved.left.at(way=matchmakers.WAYS[0], silenced="nothing", prompt=0)
    assert float(whole) == pytest.approx(np.mean(said), abs=1e-5)
    assert not {str(head) for head in moved.heads} & set(moved.left.axes["silenced"])


def written_by(model, heads, edits):
    """The size of what these heads write at the last word of 8 rows, under these edits."""
    rows = matchmakers.known_words(model, 8, seed=5)
    recorded = hooks.record(model, torch.cat([rows, rows], dim=1), heads, *edits)
    return torch.stack([recorded[head] for head in heads]).norm(dim=-1).mean(dim=(0, 2)).numpy()


def test_a_head_that_only_writes_its_average_is_not_called_needed(tiny):
    """One head says the same whatever it reads, loudly; another what it reads."""
    constant, reader, sets = Head(0, 1), Head(0, 2), {}
    loud = hooks.Put(constant, torch.full((tiny.cfg.d_head,), 9.0))
    sets = {"nothing": (), "constant": (constant,), "reader": (reader,)}
    with hooks.intervene(tiny, loud):
        left = matchmakers._without(tiny, sets, 0, lambda *edits: written_by(tiny, [Head(1, 0)], edits))
    changed = np.abs(left - left[:, :1]).max(axis=-1)
    average, nothing = matchmakers.WAYS.index("writes its average"), matchmakers.WAYS.index("writes nothing")
    assert changed[average, 1] < 1e-4 < changed[nothing, 1]
    assert changed[average, 2] > 1e-3


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


def silenced(lost, others, *, by_zero=0.9, share=True):
    """Rows in which so much is lost, by the average without these heads and others; by zero always a lot."""
    losses = np.array([[0.0, lost, *others], [0.0, by_zero, *[by_zero] * len(others)]])
    values = (
        np.stack([1 - losses, 0.8 * (1 - losses)], axis=-1) if share else np.stack([-losses] * 2, axis=-1)
    )
    labels = ("nothing", "these", *(f"random {at}" for at in range(len(others))))
    axes = {"way": matchmakers.WAYS, "silenced": labels, "prompt": (0, 1)}
    return matchmakers.InSequence(
        (Head(0, 1),), Result(values, axes, "score", "share" if share else "nats"), share
    )


def moving(lost, others=(0.01, 0.02)):
    return silenced(lost, others, share=False)


@pytest.mark.parametrize(
    ("special", "turns", "moves", "lost", "verdict"),
    [
        (0.9, 2.0, 1.0, 0.6, "supported"),
        (0.9, 2.0, 1.0, 0.1, "partly"),
        (0.9, 2.0, 0.015, 0.6, "partly"),
        (0.9, -2.0, 1.0, 0.6, "partly"),
        (0.1, 2.0, 1.0, 0.6, "partly"),
        (0.1, -2.0, 0.0, 0.6, "not supported"),
    ],
)
def test_the_verdict_on_c7_counts_the_tests_that_hold(tiny, special, turns, moves, lost, verdict):
    shares = np.zeros((3, 3, 4))
    shares[0, 0, 1] = shares[2, 2, 2] = special
    odds, chain = turned(1, 3, turns), silenced(lost, [0.05, 0.02])
    claim = matchmakers.c7(tiny, habits(shares), odds, chain, moving(moves))
    assert claim.verdict == verdict
    assert claim.measured == pytest.approx(lost)


def test_what_breaks_with_nothing_in_its_place_decides_nothing(tiny):
    """The heads lose nothing at their average, all of it by zero; then the other way round."""
    assert not silenced(0.0, [0.0], by_zero=0.99).holds(0.3)
    assert silenced(0.6, [0.1], by_zero=0.0).holds(0.3)
    assert silenced(0.0, [0.0], by_zero=0.99).lost_by_zero == pytest.approx(0.99)


def test_a_control_that_does_as_much_takes_the_proof_away():
    assert silenced(0.6, [0.1]).holds(0.3)
    assert not silenced(0.6, [0.1, 0.7]).holds(0.3)


def test_the_figure_of_the_sequence_keeps_the_heads_in_question_and_the_costliest_others():
    shown = silenced(0.2, [0.1, 0.5, 0.3]).beside(2)
    assert shown.axes == {"set": ("these", "random 0", "random 1"), "a silent head": matchmakers.WAYS}
    assert silenced(0.2, [0.1, 0.5, 0.3], by_zero=0.0).beside(1).axes["set"] == ("these", "random 1")


def test_what_a_head_writes_is_its_part_of_the_logits(tiny):
    text = PRONOUN_SCENE.replace("{P}", "he")
    top = matchmakers.written(tiny, text, HEAD, k=5)
    assert list(top.values) == sorted(top.values, reverse=True)
    assert top.values[0] > 0


def test_a_head_that_is_not_there_is_named(tiny):
    with pytest.raises(ValueError, match=r"^L12H0 is not in this model"):
        matchmakers.one_match(tiny, "Mary and John", Head(12, 0))


def test_what_is_lost_is_told_beside_its_controls():
    assert moving(1.5).told() == (
        "Without L0H1, each at its average, 1.50 nats of the score is lost; with nothing in their place 0.90"
        " nats. Without other sets of as many heads: 0.01 nats to 0.02 nats"
    )
    assert silenced(0.25, [0.0, 0.1]).told() == (
        "Without L0H1, each at its average, 25% of the score is lost; with nothing in their place 90%."
        " Without other sets of as many heads: 0% to 10%"
    )


def test_zero_decides_where_it_is_asked_to():
    chain = silenced(0.0, [0.0], by_zero=0.9)
    average, nothing = (matchmakers.decided_by(way, chain) for way in matchmakers.WAYS)
    assert (average.lost, average.lost_by_zero) == (0.0, 0.0)
    assert nothing.lost == pytest.approx(0.9)


def test_what_is_asked_again_is_the_same_with_less_around_it(tiny, odds, scores):
    one = matchmakers.pronoun_odds(tiny, 16, spots=("his",))
    np.testing.assert_array_equal(one.at(spot="his").values, odds.at(spot="his").values)
    for test in (matchmakers.in_sequence, matchmakers.moving):
        both, mean = test(tiny, scores), test(tiny, scores, ways=matchmakers.WAYS[:1])
        np.testing.assert_array_equal(mean.left.values, both.left.values[:1])
        assert matchmakers.decided_by(matchmakers.WAYS[0], mean).lost == both.lost


def calm_by_zero(found):
    """The same, but by zero the other sets lose nothing."""
    values = found.left.values.copy()
    values[1, 2:] = values[1, :1]
    return replace(found, left=replace(found.left, values=values))


@pytest.mark.parametrize(
    ("weak", "by_zero", "counted"),
    [
        ((), 0.9, {"other sentences": (5, 5), "zero instead of the average": (1, 1)}),
        ((3,), 0.9, {"other sentences": (4, 5), "zero instead of the average": (1, 1)}),
        ((2, 6), 0.0, {"other sentences": (3, 5), "zero instead of the average": (0, 1)}),
    ],
)
def test_c7_counts_the_words_and_the_way_that_change_it(tiny, monkeypatch, weak, by_zero, counted):
    """The words of these seeds lose nothing in sequence; by zero so much is lost by everything."""
    shares = np.zeros((3, 3, 4))
    shares[0, 0, 1] = shares[2, 2, 2] = 0.9

    def chain(model, scores, *, seed, n, ways):
        return silenced(0.05 if seed - len(matchmakers.AGAIN) in weak else 0.8, [0.02])

    monkeypatch.setattr(matchmakers, "in_sequence", chain)
    monkeypatch.setattr(matchmakers, "moving", lambda *given, **more: moving(1.0))
    monkeypatch.setattr(matchmakers, "role_shares", lambda model, *, seed: habits(shares))
    monkeypatch.setattr(matchmakers, "pronoun_odds", lambda model, *, seed, spots: turned(1, 3, 2.0))
    both = (calm_by_zero(one) for one in (silenced(0.8, [0.02], by_zero=by_zero), moving(1.0)))
    tests = tiny, habits(shares), turned(1, 3, 2.0), *both
    claim = claims.firm(matchmakers.c7, *tests, again=matchmakers.c7_again(*tests))
    assert claim.verdict == "supported"
    assert {kind: claim.variations[kind] for kind in counted} == counted
