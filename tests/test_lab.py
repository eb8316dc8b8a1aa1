"""The laboratory: the same numbers as a run by hand, plain sentences for bad input, JSON both ways."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.benches import lab
from interp.benches.lab import exercises, head_groups, measurements
from interp.screens import codec
from interp.screens.lab import LabState
from interp.sites import Head, Site
from interp.studies.names import ioi

PROMPT = "Then, Mary and John went to the store. John gave a drink to"
STATE = LabState(PROMPT, "Mary", " John", (Head(1, 2), Head(2, 0)), "zero")


def _logits(model, *edits, prompt=PROMPT):
    ids = torch.tensor([models.encode(model, prompt)])
    return hooks.run(model, ids, *edits)[0][0, -1].double()


def test_the_answer_equals_a_run_by_hand(tiny):
    answer = lab.compute(tiny, STATE)
    before = _logits(tiny)
    after = _logits(tiny, hooks.Zero(Head(1, 2)), hooks.Zero(Head(2, 0)))
    mary, john = (models.encode(tiny, word)[0] for word in (" Mary", " John"))
    differences = [float(logits[mary] - logits[john]) for logits in (before, after)]
    assert answer.logit_difference == pytest.approx(differences, abs=1e-5)
    for pair, word in ((answer.answer_probability, mary), (answer.against_probability, john)):
        shares = [float(logits.softmax(-1)[word]) for logits in (before, after)]
        assert pair == pytest.approx(shares, abs=1e-6)
    for result, logits in ((answer.baseline, before), (answer.ablated, after)):
        assert list(result.axes) == ["token"]
        np.testing.assert_allclose(result.values, logits.softmax(-1).topk(10).values.numpy(), atol=1e-6)
    assert "".join(answer.tokens) == PROMPT


def test_a_mean_is_the_mean_over_all_words_of_the_reference(tiny):
    answer = lab.compute(tiny, replace(STATE, how="mean", heads=(Head(1, 2),)))
    reference = ioi.reference(tiny, ioi.prompts(tiny, lab.REFERENCES)).take(range(lab.REFERENCES))
    _, recorded = hooks.run(tiny, reference, record=[Site("z", 1)])
    rows = [
        recorded[Site("z", 1)][number, position, 2]
        for number in range(lab.REFERENCES)
        for position in range(int(reference.length[number]))
    ]
    after = _logits(tiny, hooks.Put(Head(1, 2), sum(rows) / len(rows)))
    mary, john = (models.encode(tiny, word)[0] for word in (" Mary", " John"))
    assert answer.logit_difference[1] == pytest.approx(float(after[mary] - after[john]), abs=1e-5)


@pytest.mark.parametrize("how", ["mean", "zero", "resample"])
@pytest.mark.parametrize("bos", [False, True])
def test_no_heads_change_nothing_and_the_same_state_gives_the_same_answer(tiny, how, bos):
    nothing = lab.compute(tiny, replace(STATE, heads=(), how=how, bos=bos))
    assert nothing.baseline.values.tolist() == nothing.ablated.values.tolist()
    assert nothing.logit_difference[0] == nothing.logit_difference[1]
    some = replace(STATE, how=how, bos=bos)
    assert lab.compute(tiny, some).ablated == lab.compute(tiny, some).ablated
    assert lab.compute(tiny, some).logit_difference[1] != nothing.logit_difference[1]


def test_the_order_of_the_heads_and_saying_one_twice_do_not_matter(tiny):
    twice = replace(STATE, heads=(Head(2, 0), Head(1, 2), Head(2, 0)), how="resample")
    assert lab.compute(tiny, twice).ablated == lab.compute(tiny, replace(STATE, how="resample")).ablated


def test_a_last_space_is_left_out_with_a_note(tiny):
    answer = lab.compute(tiny, replace(STATE, prompt=PROMPT + " "))
    assert answer.notes == ("A last space was left out: words begin with theirs.", lab.NOTES["zero"])
    assert answer.logit_difference == lab.compute(tiny, STATE).logit_difference


def test_head_effects_cover_every_head(tiny):
    effects = lab.compute(tiny, STATE).head_effects
    assert effects.axes == {"layer": tuple(range(tiny.cfg.n_layers)), "head": tuple(range(tiny.cfg.n_heads))}


def test_a_state_survives_json():
    assert codec.read(LabState, codec.write(STATE)) == STATE
    assert codec.plain(STATE)["heads"] == ["L1H2", "L2H0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"prompt": " \n"},
            "The prompt is empty: write the beginning of a sentence, up to the word to be guessed.",
        ),
        ({"answer": " "}, "The answer is missing: write one word, such as Mary."),
        ({"against": ""}, "The word to weigh it against is missing: write one word, such as Mary."),
        (
            {"against": "Mary "},
            "The answer and the word to weigh it against are both 'Mary': choose two words.",
        ),
        ({"how": "off"}, "how='off' is not a way to switch a head off: choose mean, zero or resample."),
        (
            {"heads": (Head(12, 0),)},
            "L12H0 is not in this model: tiny has layers 0-2 and heads 0-3. Choose a head such as L2H3.",
        ),
    ],
)
def test_bad_input_gets_one_sentence(tiny, change, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        lab.compute(tiny, replace(STATE, **change))


def test_an_answer_of_several_tokens_is_told_with_its_pieces(tiny):
    found = models.token_strings(tiny, models.encode(tiny, " Maryjohn"))
    pieces, number = ", ".join(map(repr, found)), len(found)
    message = f"The answer ' Maryjohn' is {number} tokens ({pieces}); it must be one token."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        lab.compute(tiny, replace(STATE, answer="Maryjohn"))


def test_a_prompt_beyond_the_context_is_told(tiny):
    with pytest.raises(ValueError, match=r"^The prompt has \d+ tokens, but the model reads at most 64\."):
        lab.compute(tiny, replace(STATE, prompt=" Mary" * 65))


def test_examples_and_presets_can_all_be_computed(tiny):
    bench = lab.bench(tiny)
    assert (bench.name, bench.shape) == ("tiny", (tiny.cfg.n_layers, tiny.cfg.n_heads))
    assert bench.examples
    assert list(bench.presets) == ["found here", "controls"]
    strongest = bench.presets["found here"]["three strongest writers, over many sentences"]
    controls = list(bench.presets["controls"].values())
    assert [len(heads) for heads in (strongest, *controls)] == [3, 3, 3, 3]
    assert not set(strongest) & {head for heads in controls for head in heads}
    state = replace(bench.examples[0][1], heads=strongest)
    assert bench.compute(codec.read(LabState, codec.write(state))) is bench.compute(state)


@pytest.mark.parametrize("how", ["mean", "zero", "resample"])
def test_a_bench_that_remembers_gives_what_compute_gives(tiny, how):
    bench = lab.bench(tiny)
    states = [replace(STATE, heads=(Head(1, 0), Head(2, 3)), how=how, bos=bos) for bos in (False, True)]
    for state in (*states, states[0]):
        told, afresh = bench.compute(state), lab.compute(tiny, state)
        assert told.logit_difference == afresh.logit_difference
        np.testing.assert_array_equal(told.ablated.values, afresh.ablated.values)


TWIN = PROMPT.replace("John gave", "Mary gave")


def test_a_head_can_put_out_what_it_does_in_the_second_sentence(tiny):
    answer = lab.compute(tiny, replace(STATE, how="twin", twin=TWIN, heads=(Head(1, 2),)))
    ids = torch.tensor([models.encode(tiny, TWIN)])
    _, recorded = hooks.run(tiny, ids, record=[Head(1, 2)])
    after = _logits(tiny, hooks.Put(Head(1, 2), recorded[Head(1, 2)]))
    mary, john = (models.encode(tiny, word)[0] for word in (" Mary", " John"))
    assert answer.logit_difference[1] == pytest.approx(float(after[mary] - after[john]), abs=1e-5)
    assert answer.logit_difference[1] != pytest.approx(answer.logit_difference[0], abs=1e-5)


def test_a_second_sentence_that_does_not_fit_is_refused_only_where_it_must_stand_in(tiny):
    state = replace(STATE, twin=PROMPT)
    assert lab.compute(tiny, state).logit_difference == lab.compute(tiny, STATE).logit_difference
    with pytest.raises(ValueError, match=r"^The two sentences are the same: "):
        lab.compute(tiny, replace(state, how="twin"))


def test_presets_that_were_found_take_the_place_of_the_default(tiny):
    found = {"name movers": [Head(2, 1), Head(1, 0)], "induction": []}
    groups = lab.bench(tiny, presets=found).presets
    assert groups["found here"] == {"name movers": (Head(1, 0), Head(2, 1))}
    controls = [head for heads in groups["controls"].values() for head in heads]
    assert not {Head(2, 1), Head(1, 0)} & set(controls)


def test_the_papers_heads_are_offered_to_gpt2s_shape_only(tiny, monkeypatch):
    assert "from the paper, for GPT-2 small" not in head_groups.groups(tiny)
    monkeypatch.setattr(head_groups, "model_of_shape", lambda *shape: "gpt2")
    roles = head_groups.groups(tiny)["from the paper, for GPT-2 small"]
    assert len(roles.pop("the article's nine")) == 9
    heads = [head for own in roles.values() for head in own]
    assert (len(roles), len(heads), len(set(heads))) == (7, 26, 26)
    assert roles["name mover"] == (Head(9, 6), Head(9, 9), Head(10, 0))


def test_the_ways_side_by_side_are_what_each_way_gives_alone(tiny):
    found = measurements.ways(tiny, replace(STATE, twin=TWIN))
    assert found.axes["how"] == ("mean", "zero", "resample", "twin")
    for how in found.axes["how"]:
        before, after = lab.compute(tiny, replace(STATE, how=how, twin=TWIN)).logit_difference
        expected = [after, after - before]
        np.testing.assert_allclose(found.at(how=how).values, expected, atol=1e-5)
    assert measurements.ways(tiny, STATE).axes["how"] == ("mean", "zero", "resample")


def test_many_sentences_are_each_measured_with_and_without_the_heads(tiny):
    *steps, (share, found) = measurements.spread(tiny, replace(STATE, how="zero"))
    assert (share, found.axes["heads"], len(found.axes["prompt"])) == (1, ("on", "off"), 60)
    assert [result for _, result in steps] == [None] * len(steps)
    prompts = ioi.prompts(tiny, 60, seed=0, templates=range(0, 15, 3))
    for number in (0, 17, 59):
        ids = prompts.tokens[number, : prompts.length[number]][None]
        pair = [int(prompts.answers[name][number]) for name in ("io", "s")]
        for heads, edits in (("on", []), ("off", [hooks.Zero(head) for head in STATE.heads])):
            logits = hooks.run(tiny, ids, *edits)[0][0, -1]
            expected = float(logits[pair[0]] - logits[pair[1]])
            assert found.values[("on", "off").index(heads), number] == pytest.approx(expected, abs=1e-4)


def test_many_sentences_without_heads_change_nothing(tiny):
    *_, (_, found) = measurements.spread(tiny, replace(STATE, heads=()))
    np.testing.assert_array_equal(found.at(heads="on").values, found.at(heads="off").values)


def _singles(tiny, state):
    """Lead and every head's loss, each by a run of its own."""
    leads = {
        Head(layer, head): lab.compute(tiny, replace(state, heads=(Head(layer, head),))).logit_difference
        for layer in range(3)
        for head in range(4)
    }
    return next(iter(leads.values()))[0], {head: before - after for head, (before, after) in leads.items()}


def _verdict(tiny, exercise, state):
    *_, (share, verdict) = exercises.check(tiny, exercise, state)
    assert share == 1
    return verdict


@pytest.fixture
def leading(tiny):
    """A state in which the answer leads, so that there is something to lose."""
    lead = lab.compute(tiny, STATE).logit_difference[0]
    return STATE if lead > 0 else replace(STATE, answer="John", against="Mary")


def test_the_head_that_matters_most_is_the_one_that_a_run_of_each_head_finds(tiny, leading):
    lead, losses = _singles(tiny, leading)
    assert lead >= exercises.LEAST_LEAD
    order = sorted(losses, key=losses.get, reverse=True)
    right = _verdict(tiny, 0, replace(leading, heads=(order[0],)))
    assert right.right
    assert right.text == (
        f"Right: without {order[0]} the lead falls by {losses[order[0]]:.2f} nats; the next most costs "
        f"{losses[order[1]]:.2f}."
    )
    third = _verdict(tiny, 0, replace(leading, heads=(order[2],)))
    assert not third.right
    assert third.text.endswith(" 2 of 12 heads cost more.")


def test_a_pair_costs_more_than_the_sum_only_if_it_does(tiny, leading):
    lead, losses = _singles(tiny, leading)
    seen = set()
    for first, second in [
        (Head(a, b), Head(c, d)) for a in range(2) for b in range(4) for c in (2,) for d in range(4)
    ]:
        together = lab.compute(tiny, replace(leading, heads=(first, second))).logit_difference[1]
        surplus = (lead - together) - losses[first] - losses[second]
        if abs(surplus - exercises.LEAST_SURPLUS) < 1e-3:
            continue
        verdict = _verdict(tiny, 1, replace(leading, heads=(first, second)))
        expected = surplus >= exercises.LEAST_SURPLUS and lead - together >= exercises.LEAST_LOSS
        assert verdict.right == expected
        seen.add(verdict.right)
    assert seen == {True, False}


def test_a_head_in_the_way_is_one_without_which_the_lead_grows(tiny, leading):
    _, losses = _singles(tiny, leading)
    best, worst = max(losses, key=losses.get), min(losses, key=losses.get)
    would = sum(-loss >= exercises.LEAST_GAIN for loss in losses.values())
    assert would
    assert _verdict(tiny, 2, replace(leading, heads=(worst,))).right
    refused = _verdict(tiny, 2, replace(leading, heads=(best,)))
    assert (refused.right, refused.text.endswith(f"{would} of 12 heads would do.")) == (False, True)


def test_heads_that_are_not_needed_are_many_and_change_little(tiny, leading):
    few = _verdict(tiny, 3, replace(leading, heads=(Head(0, 0),)))
    assert (few.right, few.text.startswith("Not yet: 8 % of the heads are off")) == (False, True)
    for heads in [tuple(Head(layer, head) for head in range(4)) for layer in range(3)]:
        before, after = lab.compute(tiny, replace(leading, heads=heads)).logit_difference
        assert _verdict(tiny, 3, replace(leading, heads=heads)).right == (abs(after - before) / before <= 0.1)


@pytest.mark.parametrize(
    ("exercise", "heads", "text"),
    [
        (0, (), "Not yet: exactly one head must be off, and none are off."),
        (1, (Head(0, 0),), "Not yet: exactly two heads must be off, and 1 is off."),
        (2, (Head(0, 0), Head(0, 1)), "Not yet: exactly one head must be off, and 2 are off."),
    ],
)
def test_the_wrong_number_of_heads_is_told(tiny, exercise, heads, text):
    verdict = _verdict(tiny, exercise, replace(STATE, heads=heads))
    assert (verdict.right, verdict.text) == (False, text)


def test_without_a_lead_there_is_nothing_to_lose(tiny, leading):
    turned = replace(leading, answer=leading.against, against=leading.answer, heads=(Head(0, 0),))
    verdict = _verdict(tiny, 0, turned)
    assert not verdict.right
    assert "so there is nothing to lose: take another" in verdict.text


def test_an_unknown_exercise_is_told(tiny):
    with pytest.raises(ValueError, match=r"^There is no exercise 4: choose from 0 to 3\.$"):
        list(exercises.check(tiny, 4, STATE))


@pytest.mark.parametrize(
    ("typed", "text"),
    [(".", "."), ("'s", "'s"), ("\\n", "\n"), ("to", " to"), ('"to"', "to"), (" Mary", " Mary")],
)
def test_the_token_that_is_typed_is_measured_and_said(pocket, typed, text):
    (token,) = models.encode(pocket, text)
    answer = lab.compute(pocket, replace(STATE, answer=typed, heads=()))
    assert (answer.asked[0].text, answer.asked[0].token) == (text, token)
    share = float(_logits(pocket).softmax(-1)[token])
    assert answer.answer_probability[0] == pytest.approx(share, rel=1e-4)


def test_other_names_in_the_sentence_are_said_before_any_finding(pocket):
    state = LabState("When Amy and Tom went to the store, Tom gave a drink to", " Mary", " John")
    (told,) = lab.compute(pocket, state).cautions
    assert re.fullmatch(
        r"Mary and John are not in your sentence; the model gives the two together \d+\.\d %\."
        r" Choose names from it: Amy, Tom\.",
        told,
    )
    assert lab.compute(pocket, replace(state, answer="Amy", against="Tom")).cautions == ()
