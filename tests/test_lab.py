"""The laboratory: the same numbers as a run by hand, plain sentences for bad input, JSON both ways."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.sites import Head, Site
from interp.studies import ioi, lab
from interp.studies.lab import LabState

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
    assert LabState.from_json(STATE.to_json()) == STATE
    assert json.loads(STATE.to_json())["heads"] == ["L1H2", "L2H0"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"heads": []}', '{"heads": 3}'])
def test_what_is_no_state_is_told(text):
    message = f"{text!r} is no state of the laboratory: give what to_json wrote."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LabState.from_json(text)


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
    strongest = bench.presets["found here"]["three strongest writers"]
    controls = list(bench.presets["controls"].values())
    assert [len(heads) for heads in (strongest, *controls)] == [3, 3, 3, 3]
    assert not set(strongest) & {head for heads in controls for head in heads}
    state = replace(bench.examples[0][1], heads=strongest)
    assert bench.compute(bench.parse(state.to_json())) is bench.compute(state)


@pytest.mark.parametrize("how", ["mean", "zero", "resample"])
def test_a_bench_that_remembers_gives_what_compute_gives(tiny, how):
    bench = lab.bench(tiny)
    states = [replace(STATE, heads=(Head(1, 0), Head(2, 3)), how=how, bos=bos) for bos in (False, True)]
    for state in (*states, states[0]):
        told, afresh = bench.compute(state), lab.compute(tiny, state)
        assert told.logit_difference == afresh.logit_difference
        np.testing.assert_array_equal(told.ablated.values, afresh.ablated.values)
