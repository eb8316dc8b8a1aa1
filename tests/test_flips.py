"""The heads an answer hangs on: found where we planted them, and no flip is claimed where there is none."""

import itertools
from dataclasses import replace

import numpy as np
import planted
import pytest
from transformers import GPT2TokenizerFast

from interp import models
from interp.benches import lab
from interp.methods.ablation import head_ablation, set_ablation
from interp.methods.readout import logits_at_end
from interp.screens.lab import LabState
from interp.sites import Head
from interp.studies.heads import flips
from interp.studies.names import ioi
from interp.words.ioi import NAMES

FEW = NAMES[:12] + NAMES[20:32]
MARY = LabState("Then, Mary and John went to the store. John gave a drink to", "Mary", "John")
JOHN = LabState("Then, John and Mary went to the store. Mary gave a drink to", "John", "Mary")
MOVER, BLOCKER = Head(3, 0), Head(2, 0)
FINDERS = (
    Head(0, 0),
    Head(0, 1),
)  # of the repeated name, each in a way of its own: either stands in for both


@pytest.fixture(scope="module")
def found_in(tiny_folder, tmp_path_factory):
    """What is found in a planted model with these parts."""

    def find(state=MARY, **parts):
        folder = tmp_path_factory.mktemp("models") / "planted"
        tokenizer = GPT2TokenizerFast.from_pretrained(tiny_folder)
        tokenizer.save_pretrained(folder)
        planted.planted(tokenizer, FEW, **parts).save_pretrained(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ioi, "NAMES", FEW)
            return flips.find(models.load(folder), state, n=12, progress=False)

    return find


@pytest.fixture(scope="module")
def rivals(found_in):
    """A name mover against a head that copies the repeated name."""
    return found_in(rival=0.15)


@pytest.fixture(scope="module")
def helpers(found_in):
    """A name mover, and a head that writes against the repeated name."""
    return found_in(JOHN, rival=-0.3)


def test_one_head_that_flips_the_answer_is_found_and_all_other_heads_are_its_control(rivals):
    assert rivals.state.heads == (MOVER,)
    assert rivals.flips
    assert rivals.told().startswith("Without L3H0 the answer flips: Mary 100% to ")
    here, elsewhere = rivals.controls_told().sentences
    assert here == "Of 15 other heads silenced alone, 1 flips the answer: L2H0."
    assert elsewhere.startswith("In 12 other sentences the right name leads in 100%; without L3H0 in ")
    assert ", without a random other head in " in elsewhere
    assert len(rivals.others.values) == 15
    assert rivals.others.about["drawn"] == "all"
    assert "L3H0" not in rivals.others.axes["group"]


def test_what_the_group_of_the_first_sentence_costs_elsewhere_is_said(rivals, helpers):
    first, second = helpers.stands_out_told().sentences
    assert first.startswith("L3H0 stands out: ")
    assert second == (
        "Without L0H0 and L0H1, which flip the first sentence, the lead falls by 22.64;"
        " 95 % interval -22.64 to -22.64."
    )
    other = replace(rivals, state=replace(rivals.state, heads=(BLOCKER,)))
    _, second = other.stands_out_told().sentences
    assert second.startswith("Without L2H0, which flips the first sentence, the lead falls by ")
    assert " (rank 2 of 16); 95 % interval " in second


def test_where_no_head_flips_the_answer_alone_every_pair_is_tried(helpers):
    assert helpers.state.heads == FINDERS
    assert helpers.flips
    assert (helpers.alone.values > 0).all()
    assert helpers.told().startswith("Without L0H0 and L0H1 the answer flips: John 100% to ")
    alone, pairs, _ = helpers.controls_told().sentences
    assert alone == "Of 16 heads silenced alone, none flips the answer."
    assert pairs == "Of 119 other pairs silenced, 3 flip the answer."
    flipping = {row["group"] for row in helpers.others.rows() if row["value"] < 0}
    assert flipping == {"L0H1 and L1H0", "L2H0 and L3H3", "L3H0 and L3H3"}
    assert float(helpers.answer.logit_difference[1]) <= helpers.others.values.min() + 1e-5


def test_where_groups_are_too_many_those_of_the_costliest_heads_are_tried(found_in, monkeypatch):
    monkeypatch.setattr(flips, "EVERY", 100)
    monkeypatch.setattr(flips, "CANDIDATES", 3)
    found = found_in(JOHN, rival=-0.3)
    assert found.state.heads == (MOVER, planted.RIVAL)
    assert found.others.about["drawn"] == "random"
    assert found.controls_told().sentences[1].startswith("Of 20 random pairs silenced, ")


def test_no_flip_is_claimed_where_there_is_none(found_in, monkeypatch):
    monkeypatch.setattr(flips, "MOST", 1)  # pairs would
    found = found_in(JOHN, rival=-0.3)
    assert len(found.state.heads) == 1
    assert not found.flips
    told = f"No group of up to 1 heads flips the answer. Without {found.state.heads[0]}: John 100% to "
    assert found.told().startswith(told)
    assert "flips the first sentence" not in found.presets()
    assert len(found.stands_out_told().sentences) == 1


@pytest.mark.slow
def test_where_the_wrong_name_leads_from_the_start_there_is_nothing_to_flip(found_in):
    found = found_in(rival=2.0)
    assert not found.flips
    assert found.told() == "The model prefers John to Mary with every head on: there is nothing to flip"
    (only,) = found.controls_told().sentences
    assert only.startswith("In 12 other sentences the right name leads in 0%; without ")


@pytest.mark.slow
def test_a_head_that_pushes_nothing_may_cost_most(found_in):
    found = found_in()
    assert (found.head, found.pusher) == (BLOCKER, MOVER)
    assert found.fresh.ranks(BLOCKER)[1] == 1
    assert found.fresh.ranks(MOVER) == (1, 2)
    assert abs(float(found.fresh.push.at(layer=2, head=0).mean("prompt"))) < flips.LEAST
    told = found.push_told().sentences
    assert told[0].startswith("L3H0 pushes +10.21 nats (rank 1 of 16); without it the lead falls by 10.2")
    assert told[1].startswith("L2H0 pushes +0.00 nats (rank ")
    assert told[-1] == "The first 1 by push and the first 5 by loss share 1: push is not what a loss costs."


def test_the_title_tells_the_rank_and_the_caption_the_intervals(rivals):
    assert rivals.removal_told() == "Without L3H0 the lead of 6.8 nats falls by 11.8: rank 1 of 16 heads"
    own, other = (
        rivals.fresh.lost(head).interval("prompt").values for head in (MOVER, rivals.fresh.rival(MOVER))
    )
    zero = float(rivals.zero.mean("prompt"))
    assert rivals.interval_told() == (
        "L3H0 was chosen in other sentences than these. 95 % interval of L3H0:"
        f" {own[0]:+.2f} to {own[1]:+.2f}; of L2H0, the strongest other head:"
        f" {other[0]:+.2f} to {other[1]:+.2f}."
        f" With nothing in its place (zero ablation): {zero:+.2f}"
    )
    first, second = rivals.stands_out_told().sentences
    assert first.startswith("L3H0 stands out: its loss costs ")
    assert second == "L3H0 is also the head that flips the first sentence."


def test_chosen_and_shown_sentences_differ_and_the_convention_is_recorded(rivals):
    assert not set(rivals.chosen_on.prompts.texts) & set(rivals.fresh.prompts.texts)
    assert rivals.fresh.removal.about["baseline"] == rivals.held.about["baseline"] == "mean"
    assert (rivals.fresh.removal.about["seed"], rivals.fresh.removal.about["n"]) == (flips.SHOWN_ON, 12)
    assert rivals.zero.about["baseline"] == "zero"
    assert rivals.answer.ablated.about["baseline"] == "mean"
    assert "baseline" not in rivals.answer.baseline.about


def test_random_groups_are_different_and_hold_no_head_of_the_group(helpers):
    others = [Head(layer, head) for layer in range(2) for head in range(3)]
    drawn = flips._random_groups(others, 2)
    assert len(set(drawn)) == len(drawn) == 15
    assert set(drawn) == set(itertools.combinations(others, 2))
    assert flips._random_groups(others, 2) == drawn
    names = helpers.held.axes["removed"]
    assert len(names) == 2 + flips.CONTROLS
    assert not any(str(head) in name for name in names for head in helpers.state.heads)


def test_the_picture_shows_both_runs_at_the_same_words(rivals):
    assert rivals.guesses.axes["run"] == ("baseline", "without L3H0")
    assert {" Mary", " John"} <= set(rivals.guesses.axes["token"])
    for name, both in (
        (" Mary", rivals.answer.answer_probability),
        (" John", rivals.answer.against_probability),
    ):
        np.testing.assert_allclose(rivals.guesses.at(token=name).values, both, atol=1e-6)


def test_the_numbers_are_those_of_the_methods(tiny):
    found = flips.find(tiny, lab.examples(tiny)[0][1], n=10, progress=False)
    prompts = ioi.prompts(tiny, 10, seed=flips.SHOWN_ON)
    reference, metric = ioi.reference(tiny, prompts, seed=flips.SHOWN_ON), ioi.logit_difference(prompts)
    removal = head_ablation(tiny, prompts, metric, reference=reference, progress=False)
    np.testing.assert_array_equal(found.fresh.removal.values, removal.values)
    lead = metric(logits_at_end(tiny, prompts).double()).cpu().numpy()
    np.testing.assert_allclose(found.held.at(removed="nothing").values, lead, atol=1e-5)
    lost = set_ablation(tiny, prompts, metric, found.state.heads, reference=reference).values
    np.testing.assert_allclose(found.held.at(removed="the group").values, lead + lost, atol=1e-5)
    before = found.chosen_on.removal.mean("prompt")
    assert float(before.at(layer=found.head.layer, head=found.head.head)) == before.values.min()


def test_what_is_said_of_the_first_sentence_is_what_the_lab_shows(tiny):
    found = flips.find(tiny, replace(lab.examples(tiny)[0][1], heads=(Head(0, 0),)), n=10, progress=False)
    shown = lab.compute(tiny, found.state).logit_difference
    assert found.answer.logit_difference == shown
    alone = lab.compute(tiny, replace(found.state, heads=(Head(1, 2),))).logit_difference[1]
    assert float(found.alone.at(layer=1, head=2)) == pytest.approx(alone, abs=1e-5)


def test_the_lab_offers_what_was_found_and_says_over_what(helpers):
    assert helpers.presets() == {
        "costs most, over many sentences": (MOVER,),
        "pushes most, over many sentences": (MOVER,),
        "flips the first sentence": FINDERS,
    }


def test_in_pocket_too_heads_are_shown_on_other_sentences_than_they_were_chosen_on(pocket):
    chosen_on, fresh = (ioi.prompts(pocket, flips.N, seed=seed) for seed in (flips.CHOSEN_ON, flips.SHOWN_ON))
    assert not set(chosen_on.texts) & set(fresh.texts)
