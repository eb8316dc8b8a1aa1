"""Published pronouns measured again on a random model: listed axes, plain runs with hooks, no agreement."""

import numpy as np
import pytest
import torch

from interp import hooks, models, verification
from interp.published import published
from interp.sites import Head, Site
from interp.studies.replications import pronouns
from interp.studies.replications.neurons import parent_and_man
from interp.words.replications import CONTINUATIONS, NURSE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(narrow):
    return {id: one for measure in pronouns.MEASURES.values() for id, one in measure(narrow).items()}


def test_everything_listed_is_measured_with_its_axes_and_nothing_agrees_on_random_weights(measured):
    records = published("gpt2", "pronouns")
    assert {record.id for record in records} == set(measured)
    for record in records:
        one = verification.Comparison(record, measured[record.id])
        assert np.isfinite(one.gap), record.id
        assert not one.passed, record.id


def test_a_patched_head_is_the_clean_heads_output_in_the_corrupted_run(narrow, measured):
    clean, corrupted, metric = parent_and_man(narrow)
    head = Head(9, 7)
    own = hooks.record(narrow, clean, [head])[head]
    leads = [
        float(metric(hooks.run(narrow, prompts, *edits)[0][:, -1]))
        for prompts, edits in ((clean, ()), (corrupted, ()), (corrupted, (hooks.Put(head, own),)))
    ]
    shown = measured["pronouns/patched/heads"].at(layer=9, head=7)
    assert float(shown) == pytest.approx((leads[2] - leads[1]) / (leads[0] - leads[1]), abs=1e-4)


def test_the_effect_of_the_pronoun_is_a_ratio_of_odds(narrow, measured):
    chances = {}
    for pronoun, text in NURSE.items():
        for continuation in CONTINUATIONS:
            before, after = models.encode(narrow, text), models.encode(narrow, f" {continuation}")
            logs = hooks.run(narrow, torch.tensor([before + after]))[0][0].log_softmax(-1)
            own = [float(logs[len(before) - 1 + n, token]) for n, token in enumerate(after)]
            chances[pronoun, continuation] = np.exp(np.mean(own))
    odds = {who: chances[who, CONTINUATIONS[1]] / chances[who, CONTINUATIONS[0]] for who in NURSE}
    total = measured["nurse and farmer/effects"].at(of="the pronoun")
    assert float(total) == pytest.approx(odds["he"] / odds["she"] - 1, rel=1e-4)


def test_a_heads_effect_changes_its_attention_before_the_continuation_and_nothing_else(narrow):
    head, ids = Head(5, 10), [models.encode(narrow, NURSE[who]) for who in ("she", "he")]
    after = models.encode(narrow, " was caring.")
    rows = [torch.tensor([[*before, *after]]) for before in ids]
    place, length = Site("pattern", 5), len(ids[0])
    own, other = (hooks.record(narrow, row, [place])[place] for row in rows)
    edit = pronouns._attention_of_he(narrow, rows[0], head, after)
    changed = hooks.record(narrow, rows[0], [place], edit)[place]
    assert torch.equal(changed[:, 10, :length, :length], other[:, 10, :length, :length])
    assert torch.equal(changed[:, 10, length:], own[:, 10, length:])
    assert torch.equal(changed[:, :10], own[:, :10])


def test_a_sentence_that_is_the_same_up_to_a_word_has_exactly_the_same_state_there(narrow):
    """153 of the 672 pairs of RAW-C begin alike up to the word asked about (counted from its sentences, which
    may not be shipped): a model that reads from the left must tell them apart by exactly nothing."""
    pairs = ("He banked the plane", "He banked the money")
    target = len(models.encode(narrow, "He banked"))
    sites = [Site("resid_post", layer) for layer in range(12)]
    states = [
        hooks.record(narrow, torch.tensor([models.encode(narrow, text)]), sites) for text in pairs
    ]  # fmt: skip
    for site in sites:
        one, other = (state[site][0, :target] for state in states)
        assert torch.equal(one, other)
        assert not torch.equal(states[0][site], states[1][site])
