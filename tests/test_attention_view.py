"""The Attention Viewer's numbers: the softmax of the scores, what moves by hand, effects that add up to a
logit.
"""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.benches import attention_view
from interp.screens import codec
from interp.screens.attention import AttentionState
from interp.sites import Head, Site

PROMPT = "Then, Mary and John went to the store. John gave a drink to"
STATE = AttentionState(PROMPT, Head(1, 2), "weight", 8, 3)


@pytest.fixture(scope="module")
def seen(tiny):
    return attention_view.attention(tiny, PROMPT)


def test_the_weights_are_the_softmax_of_the_scores_and_sum_to_one(seen):
    for layer, head, query in [(0, 0, 4), (1, 2, 8), (2, 3, 1)]:
        place = {"layer": layer, "head": head, "query": query}
        scores = seen.score.at(**place).values[: query + 1]
        powers = [math.exp(score - max(scores)) for score in scores]
        weights = seen.weight.at(**place).values[: query + 1]
        np.testing.assert_allclose(weights, [power / sum(powers) for power in powers], atol=1e-6)
        assert weights.sum() == pytest.approx(1, abs=1e-5)


def test_later_words_have_no_number(seen):
    width = len(seen.tokens)
    for part in (seen.weight, seen.score, seen.moved):
        for query in range(width):
            row = part.at(layer=0, head=1, query=query).values
            assert np.isnan(row[query + 1 :]).all()
            assert not np.isnan(row[: query + 1]).any()


def test_what_moves_is_the_length_of_weight_times_value_times_output_matrix(tiny, seen):
    ids = torch.tensor([models.encode(tiny, PROMPT)])
    _, recorded = hooks.run(tiny, ids, record=[Site("v", 1), Site("pattern", 1)])
    moved = recorded[Site("pattern", 1)][0, 2, 8, 3] * recorded[Site("v", 1)][0, 3, 2] @ tiny.W_O[1, 2]
    found = float(seen.moved.at(layer=1, head=2, query=8, key=3))
    assert found == pytest.approx(math.sqrt(sum(float(x) ** 2 for x in moved)), rel=1e-4)


def test_all_that_moves_adds_up_to_what_the_head_writes(tiny, monkeypatch):
    """Summed over keys, the effects on every word equal the head's direct effect, read by hand."""
    query, width = 8, models.encode(tiny, PROMPT)
    monkeypatch.setattr(attention_view, "PROMOTED", tiny.cfg.d_vocab)
    total: dict[str, float] = {}
    for key in range(query + 1):
        effects = attention_view.promoted(tiny, replace(STATE, query=query, key=key))
        for row in effects.rows():
            total[row["token"]] = total.get(row["token"], 0.0) + row["value"]
    sites = [Site("z", 1), Site("ln_final_scale")]
    _, recorded = hooks.run(tiny, torch.tensor([width]), record=sites)
    written = recorded[sites[0]][0, query, 2] @ tiny.W_O[1, 2]
    centred = (written - written.mean()) / recorded[sites[1]][0, query]
    logits = (centred @ tiny.W_U).double()
    logits = logits - logits.mean()
    for word in (" Mary", " John", " store"):
        assert total[word] == pytest.approx(float(logits[models.encode(tiny, word)[0]]), abs=1e-4)


def test_promoted_words_come_strongest_first_and_name_their_head(tiny):
    found = attention_view.promoted(tiny, STATE)
    assert list(found.values) == sorted(found.values, reverse=True)
    assert found.about["head"] == "L1H2"


def test_the_whole_sentence_is_run_once_however_many_heads_are_looked_at(tiny, monkeypatch):
    runs = []
    real = hooks.record
    monkeypatch.setattr(hooks, "record", lambda *a, **k: runs.append(1) or real(*a, **k))
    bench = attention_view.bench(tiny, sentences=[("one", PROMPT)])
    for head in range(4):
        bench.attention(replace(STATE, head=Head(2, head), show="score"))
    assert len(runs) == 1


def test_an_example_opens_at_the_head_that_looks_most_at_one_word(tiny, seen):
    bench = attention_view.bench(tiny, sentences=[("one", PROMPT)])
    ((label, state),) = bench.examples
    last = len(seen.tokens) - 1
    looks = {
        (layer, head): max(seen.weight.at(layer=layer, head=head, query=last).values[1:last])
        for layer in range(3)
        for head in range(4)
    }
    assert (state.head.layer, state.head.head) == max(looks, key=looks.get)
    assert (label, state.query, state.key) == ("one", last, None)


def test_the_articles_sentences_are_the_examples(tiny):
    bench = attention_view.bench(tiny)
    assert (bench.name, bench.shape) == ("tiny", (3, 4))
    assert len(bench.examples) == 4


def test_a_state_survives_json():
    assert codec.read(AttentionState, codec.write(STATE)) == STATE
    assert codec.plain(STATE)["head"] == "L1H2"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompt": " "}, "The sentence is empty: write at least one word."),
        (
            {"prompt": " Mary" * 65},
            "The sentence has 65 tokens; the viewer shows at most 64: make it shorter.",
        ),
        ({"head": Head(3, 0)}, "L3H0 is not in this model: tiny has layers 0-2 and heads 0-3. Choose a head "
                               "such as L2H3."),
        ({"show": "gaze"}, "show='gaze' is not shown: choose weight, score or moved."),
        ({"query": 99}, "The query word 99 is not in this sentence of {n} tokens."),
        ({"key": 9}, "A word looks at itself and at earlier words only: choose a key before the query."),
        ({"key": None}, "No pair of words is locked: click a cell of the large map."),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(tiny, change, message):
    message = message.format(n=len(models.encode(tiny, PROMPT)))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        attention_view.promoted(tiny, replace(STATE, **change))
