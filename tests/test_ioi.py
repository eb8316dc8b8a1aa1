"""Indirect object identification: the paper's conventions hold, and verdicts follow from numbers."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2TokenizerFast

from interp import hooks
from interp.methods.attribution import head_attribution
from interp.studies.names import ioi
from interp.words.ioi import NAMES, TEMPLATES


@pytest.fixture(scope="module")
def batch(tiny):
    return ioi.prompts(tiny, 60, seed=7)


def _word(model, prompts, spot):
    return [model.tokenizer.decode([token]) for token in prompts.at(prompts.tokens, spot).tolist()]


def _answers(model, prompts, name):
    return [model.tokenizer.decode([token]) for token in prompts.answers[name].tolist()]


@pytest.mark.parametrize("bos", [False, True])
def test_spots_stand_where_the_paper_says(tiny, bos):
    prompts = ioi.prompts(tiny, 60, seed=7, bos=bos)
    io, s = _answers(tiny, prompts, "io"), _answers(tiny, prompts, "s")
    assert _word(tiny, prompts, "IO") == io
    assert _word(tiny, prompts, "S1") == _word(tiny, prompts, "S2") == s
    assert _word(tiny, prompts, "end") == [" to"] * 60
    assert torch.equal(prompts.spots["S1+1"], prompts.spots["S1"] + 1)
    assert all(one != other for one, other in zip(io, s, strict=True))
    for number, text in enumerate(prompts.texts):
        assert text.endswith(" to")
        assert text.count(io[number]) == 1
        assert text.count(s[number]) == 2
        start = [tiny.tokenizer.bos_token_id] if bos else []
        ids = start + tiny.tokenizer(text, add_special_tokens=False)["input_ids"]
        assert prompts.tokens[number, : prompts.length[number]].tolist() == ids


def test_templates_and_orders_take_turns(tiny, batch):
    assert sorted(batch.template.tolist()) == sorted([*range(30)] * 2)
    io_first = batch.spots["IO"] < batch.spots["S1"]
    assert torch.equal(io_first, batch.template >= len(TEMPLATES))
    assert (ioi.prompts(tiny, 5, order="ABBA").template >= len(TEMPLATES)).all()
    assert (ioi.prompts(tiny, 5, order="BABA").template < len(TEMPLATES)).all()


def test_the_seed_decides_the_sentences(tiny, batch):
    assert ioi.prompts(tiny, 60, seed=7).texts == batch.texts
    assert ioi.prompts(tiny, 60, seed=8).texts != batch.texts


def test_given_pairs_and_templates_are_kept(tiny):
    prompts = ioi.prompts(tiny, 4, templates=[4], order="BABA", pairs=[("Mary", "John")])
    sentence = "Then, John and Mary had a long argument, and afterwards John said to"
    assert prompts.texts == (sentence,) * 4


@pytest.mark.parametrize("extra", ["IO", "S"])
def test_extra_sentences_say_a_name_twice_more(tiny, extra):
    prompts = ioi.prompts(tiny, 30, extra=extra)
    name = _answers(tiny, prompts, extra.lower())
    assert _word(tiny, prompts, "extra1") == _word(tiny, prompts, "extra2") == name
    more = {"IO": 3, "S": 4}[extra]
    assert [text.count(word) for text, word in zip(prompts.texts, name, strict=True)] == [more] * 30
    reference = ioi.reference(tiny, prompts).take(range(30))
    same = {"IO": "IO", "S": "S1"}[extra]
    for spot in ("extra1", "extra2"):
        assert _word(tiny, reference, spot) == _word(tiny, reference, same)


def test_the_ways_of_telling_differ_only_in_what_their_names_say(tiny):
    told = ioi.ways(tiny, 12)
    usual = ioi.prompts(tiny, 12)
    third = ioi._third_gives(tiny, usual, 0)
    assert told.axes["way"] == (*ioi.WAYS, "a third person gives")
    np.testing.assert_allclose(
        told.at(way="a third person gives").values,
        ioi.behaviour(tiny, third).at(measure="logit_difference").values,
    )
    differing = (usual.tokens != third.tokens).sum(dim=1)
    assert (differing == 1).all()
    assert all(
        word not in pair
        for word, *pair in zip(
            _word(tiny, third, "S2"),
            _answers(tiny, usual, "io"),
            _answers(tiny, usual, "s"),
            strict=True,
        )
    )


def test_the_reference_has_three_other_names_in_the_same_sentences(tiny, batch):
    reference = ioi.reference(tiny, batch, seed=3)
    originals = torch.tensor([*range(60)])
    twins = reference.take(originals)
    names = [_word(tiny, twins, spot) for spot in ("IO", "S1", "S2")]
    forbidden = [_answers(tiny, batch, name) for name in ("io", "s")]
    for three, two in zip(zip(*names, strict=True), zip(*forbidden, strict=True), strict=True):
        assert len({*three, *two}) == 5
    changed = twins.tokens != batch.tokens
    assert torch.equal(changed, batch.mask("IO") | batch.mask("S1") | batch.mask("S2"))
    for number, text in enumerate(twins.texts):
        ids = tiny.tokenizer(text, add_special_tokens=False)["input_ids"]
        assert twins.tokens[number, : twins.length[number]].tolist() == ids


def test_the_reference_has_enough_prompts_of_every_template(tiny, batch):
    reference = ioi.reference(tiny, batch.take([0, 1, 30]))
    counts = torch.bincount(reference.template)
    assert (counts[counts > 0] == ioi.REFERENCES_PER_TEMPLATE).all()
    assert set(reference.template.tolist()) == set(batch.take([0, 1, 30]).template.tolist())


def test_swapping_changes_only_the_second_subject(tiny, batch):
    swapped = ioi.swapped(tiny, batch)
    assert _word(tiny, swapped, "S2") == _answers(tiny, batch, "io")
    assert torch.equal(swapped.tokens != batch.tokens, batch.mask("S2"))
    assert torch.equal(swapped.answers["io"], batch.answers["io"])


def test_behaviour_equals_arithmetic_on_the_logits(tiny, batch):
    does = ioi.behaviour(tiny, batch)
    logits = hooks.run(tiny, batch)[0]
    for number in range(0, 60, 7):
        row = logits[number, batch.length[number] - 1].double()
        io, s = batch.answers["io"][number], batch.answers["s"][number]
        share = float(torch.exp(row[io]) / torch.exp(row).sum())
        one = does.at(prompt=number)
        assert float(one.at(measure="logit_difference")) == pytest.approx(float(row[io] - row[s]), abs=1e-5)
        assert float(one.at(measure="p_io")) == pytest.approx(share, abs=1e-6)
        assert float(one.at(measure="prefers_io")) == float(row[io] > row[s])


def test_reordering_prompts_reorders_behaviour(tiny, batch):
    order = list(range(59, -1, -1))
    shuffled = ioi.behaviour(tiny, batch.take(order)).values
    np.testing.assert_allclose(shuffled, ioi.behaviour(tiny, batch).values[:, order], atol=1e-5)


def test_stages_begin_at_the_second_subject(tiny):
    staged = ioi.stages(tiny, ioi.prompts(tiny, 6, templates=[0, 4]))
    assert list(staged.axes) == ["layer", "spot", "prompt"]
    mean, bounds = staged.mean("prompt"), ioi.stages_interval(staged)
    assert float(mean.at(layer=0, spot="S2")) == pytest.approx(1, abs=1e-3)
    assert float(mean.at(layer=0, spot="end")) == 0
    assert (bounds.at(bound="low").values <= mean.values + 1e-6).all()
    assert (bounds.at(bound="high").values >= mean.values - 1e-6).all()


def test_too_few_names_are_told(tiny, monkeypatch):
    monkeypatch.setattr(ioi, "NAMES", ("Mary", "John", "Maryjohnington"))
    message = (
        "Only 2 of the 3 names are single tokens of this model, but at least 6 are needed: choose a "
        "model with a GPT-2 tokenizer, or add words to interp/words/ioi.py."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ioi.prompts(tiny, 4)


def test_names_of_several_tokens_are_left_out_of_the_pool(tiny, monkeypatch):
    monkeypatch.setattr(ioi, "NAMES", (*NAMES, "Maryjohnington"))
    assert "Maryjohnington" not in ioi.name_pool(tiny)
    assert len(ioi.name_pool(tiny)) == len(NAMES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"order": "AABB"}, "order='AABB' is unknown: choose both, ABBA or BABA."),
        ({"extra": "who"}, "extra='who' is unknown: choose IO, S or None."),
        ({"templates": [15]}, "There is no template 15: choose from 0 to 14."),
        ({"templates": []}, "No template was given: choose from 0 to 14."),
        (
            {"pairs": [("Mary", "Mary")]},
            "The pair ('Mary', 'Mary') has one name twice: give two different names.",
        ),
    ],
)
def test_what_cannot_be_written_is_refused(tiny, wrong, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ioi.prompts(tiny, 4, **wrong)


def test_a_pair_with_a_name_of_several_tokens_is_refused(tiny):
    with pytest.raises(
        ValueError, match=r"^The name ' Maryjohnington' is \d+ tokens \(.*\); it must be one token\."
    ):
        ioi.prompts(tiny, 4, pairs=[("Maryjohnington", "John")])


def test_the_strongest_writers_lead_the_attribution(tiny, batch):
    written = head_attribution(tiny, batch).mean("prompt")
    chosen = ioi.strongest_writers(tiny, batch, 3)
    values = [float(written.at(layer=head.layer, head=head.head)) for head in chosen]
    assert values == sorted(written.values.ravel().tolist(), reverse=True)[:3]


def test_padding_changes_no_behaviour(tiny, batch):
    wider = replace(
        batch, tokens=torch.nn.functional.pad(batch.tokens, (0, 3), value=tiny.tokenizer.eos_token_id)
    )
    np.testing.assert_allclose(
        ioi.behaviour(tiny, wider).values, ioi.behaviour(tiny, batch).values, atol=1e-5
    )


def test_every_word_of_the_task_is_one_token_of_the_real_gpt2():
    folder = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"
    if not folder.is_dir():
        pytest.skip("the tokenizer of GPT-2 is not beside this repository")
    real = type("Model", (), {"tokenizer": GPT2TokenizerFast.from_pretrained(folder)})()
    real.cfg = type("Shape", (), {"n_ctx": 1024})()
    assert ioi.name_pool(real) == NAMES
    prompts = ioi.prompts(real, 30)
    assert _word(real, prompts, "S2") == _answers(real, prompts, "s")
    for template in range(15):  # means per position need one length per template, whatever the words
        assert len(set(ioi.prompts(real, 40, templates=[template]).length.tolist())) == 1
