"""Where heads look: equal to the loop-written judge, query by query and key by key."""

import numpy as np
import pytest
import torch
from reference import Reference

from interp.methods import attention
from interp.prompts import Prompts
from interp.sites import Head


@pytest.fixture(scope="module")
def judge(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture(scope="module")
def prompts(tiny):
    """Sentences of different lengths, so that some are padded."""
    sentences = [
        [
            ("S1", " John"),
            (None, " and"),
            ("IO", " Mary"),
            (None, f" {rest}."),
            ("S2", " John"),
            (None, " gave"),
        ]
        for rest in ("were working", "had a long argument", "went to the store and the garden")
    ]
    return Prompts.write(tiny.tokenizer, sentences)


def test_some_prompts_are_padded(prompts):
    assert len(set(prompts.length.tolist())) > 1


def row(prompts, number):
    return prompts.tokens[number, : prompts.length[number]]


def test_patterns_equal_the_judges_head_by_head(tiny, judge, prompts):
    seen = attention.patterns(tiny, prompts)
    assert list(seen.axes) == ["layer", "head", "prompt", "query", "key"]
    for number in range(len(prompts)):
        run, length = judge.forward(row(prompts, number)), int(prompts.length[number])
        for (layer, head), pattern in run.pattern.items():
            own = seen.at(layer=layer, head=head, prompt=number).values
            assert np.allclose(own[:length, :length], pattern, atol=1e-5)


def test_patterns_of_some_layers_are_the_same_numbers(tiny, prompts):
    assert np.array_equal(
        attention.patterns(tiny, prompts, layers=[2]).at(layer=2).values,
        attention.patterns(tiny, prompts).at(layer=2).values,
    )


def test_attention_to_reads_one_cell_of_the_judges_pattern(tiny, judge, prompts):
    seen = attention.attention_to(tiny, prompts, query="S2", key="S1")
    for number in range(len(prompts)):
        run = judge.forward(row(prompts, number))
        for (layer, head), pattern in run.pattern.items():
            expected = pattern[prompts.spots["S2"][number], prompts.spots["S1"][number]]
            assert float(seen.at(layer=layer, head=head, prompt=number)) == pytest.approx(
                float(expected), abs=1e-5
            )


def test_a_look_is_shared_out_among_named_words_and_the_rest(tiny, judge, prompts):
    shares = attention.attention_spread(tiny, prompts, Head(1, 1))
    assert np.allclose(shares.values.sum(axis=0), 1, atol=1e-5)
    for number in range(len(prompts)):
        spots = {name: int(at[number]) for name, at in prompts.spots.items()}
        look = judge.forward(row(prompts, number)).pattern[1, 1][spots["end"]]
        after = sum(float(look[at]) for at in range(spots["S2"] + 1, spots["end"]))
        for name, at in spots.items():
            assert float(shares.at(key=name, prompt=number)) == pytest.approx(float(look[at]), abs=1e-5)
        assert float(shares.at(key="between S2 and end", prompt=number)) == pytest.approx(after, abs=1e-5)


def test_words_after_the_query_have_no_share(tiny, prompts):
    shares = attention.attention_spread(tiny, prompts, Head(0, 0), query="IO")
    assert "end" not in shares.axes["key"]
    assert "S2" not in shares.axes["key"]
    assert np.allclose(shares.values.sum(axis=0), 1, atol=1e-5)


def test_a_query_before_all_other_spots_is_refused(tiny, prompts):
    with pytest.raises(ValueError, match=r"^No named spot stands before 'S1': choose a later query\.$"):
        attention.attention_spread(tiny, prompts, Head(0, 0), query="S1")


def test_a_key_after_its_query_gets_nothing(tiny, prompts):
    assert (attention.attention_to(tiny, prompts, query="S1", key="end").values == 0).all()


def test_an_unknown_spot_is_refused_by_name(tiny, prompts):
    with pytest.raises(ValueError) as error:
        attention.attention_to(tiny, prompts, key="S9")
    assert str(error.value).startswith("These prompts have no spot 'S9'. Their spots are ")


def test_role_scores_equal_loops_over_the_judges_patterns(tiny, judge):
    once = attention.random_repeats(tiny, 3, 7, seed=4)
    scores = attention.role_scores(tiny, once)
    for layer in range(judge.layers):
        for head in range(judge.heads):
            for role, back in (("previous", 1), ("duplicate", 7), ("induction", 6)):
                means = [
                    np.mean([pattern[query, query - back] for query in range(back, 14)])
                    for pattern in (
                        judge.forward([*once[n], *once[n]]).pattern[layer, head] for n in range(3)
                    )
                ]
                measured = float(scores.at(role=role, layer=layer, head=head))
                assert measured == pytest.approx(np.mean(means), abs=1e-5)


def test_role_scores_do_not_depend_on_how_many_rows_run_at_once(tiny):
    once = attention.random_repeats(tiny, attention.AT_ONCE + 3, 5, seed=1)
    whole = attention.role_scores(tiny, once).values * len(once)
    parts = sum(attention.role_scores(tiny, rows).values * len(rows) for rows in (once[:4], once[4:]))
    assert np.allclose(whole, parts)


def test_role_scores_need_rows_of_two_tokens(tiny):
    with pytest.raises(ValueError) as error:
        attention.role_scores(tiny, torch.tensor([[1]]))
    assert str(error.value) == (
        "The rows have 1 tokens; at least 2 are needed to tell the token before from the same token."
        " Draw longer rows with random_repeats."
    )


def test_random_repeats_depend_on_the_seed_alone_and_fit_the_model(tiny):
    torch.manual_seed(5)
    first = attention.random_repeats(tiny, 4, 1000, seed=2)
    torch.manual_seed(6)
    assert torch.equal(first, attention.random_repeats(tiny, 4, 1000, seed=2))
    assert not torch.equal(first, attention.random_repeats(tiny, 4, 1000, seed=3))
    assert first.shape == (4, 32)
    assert first.min() >= attention.FIRST_ID
    assert first.max() < tiny.cfg.d_vocab
