"""The Margin Notes without a browser: what they measure, say, refuse and escape."""

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from fake_margin import SENSES, fake_margin, words

from interp import hooks, models
from interp.benches import margin_notes
from interp.methods.readout import logits_at_end
from interp.prompts import Prompts
from interp.screens.margin import MarginState
from interp.sites import Head, Site
from interp.studies.meanings import margin, senses, states
from interp.widgets import MarginNotes
from interp.widgets import margin_words as told
from interp.words.bigger.notes import notes as noted

HOSTILE = '<img src=x onerror="alert(1)">'
TEXT = "Mary went to the store"
FEW = 60


@pytest.fixture
def notes():
    return MarginNotes(fake_margin())


@pytest.fixture(scope="module")
def quick():
    """A note from few sentences."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(margin, "tense_notes", partial(margin.tense_notes, sentences=FEW))
        yield


@pytest.fixture(scope="module")
def bench(tiny, quick):
    return margin_notes.bench(tiny, TEXT)


@pytest.fixture(scope="module")
def measured(tiny):
    return senses.measure(tiny)[0]


def ask(widget, request=1, **changes):
    first = {"text": TEXT, "word": "bank", "depth": 2, "edited": 1, "strength": 0.0}
    widget.question = {**first, **changes, "request": request, "view": "v"}
    return widget.reply


# --- what the bench computes --------------------------------------------------------------------------------
@pytest.mark.parametrize("word", ["bank", "line"])
def test_the_points_and_the_auc_are_those_of_the_study(tiny, bench, measured, word):
    aucs = measured.at(shown=senses.OWN, word=word).values
    for blocks in states.depths(tiny):
        answer = bench.compute(MarginState(TEXT, 1, 0.0, word, blocks))
        naive = senses.plane(tiny, word, blocks)
        size = np.abs(naive.values).max()
        assert np.allclose(np.abs(answer.points.values), np.abs(naive.values), atol=1e-4 * size)
        assert answer.points.axes == naive.axes
        assert (answer.apart.values == aucs).all()
        assert answer.senses == senses.cued(word)
        assert (np.abs(answer.points.values).max(axis=0) <= np.array(answer.reach)).all()


def test_before_the_first_block_every_use_stands_at_the_same_place(bench):
    assert (bench.compute(MarginState(TEXT, 1)).points.values == 0).all()


def test_from_block_to_block_no_picture_is_turned_into_its_mirror_image(tiny):
    for points, _ in margin_notes.uses(tiny).values():
        assert ((points[:-1] * points[1:]).sum(axis=1) >= 0).all()


def test_a_note_leads_from_the_mean_of_the_present_to_the_mean_of_the_past(tiny):
    known = noted("tense", FEW, seed=0)
    read = states.at_last_word(tiny, [one.text for one in known])
    found = margin.tense_notes(tiny, sentences=FEW)
    assert [note.block for note in found] == [0, 1, 2]
    for note in found:
        past, present = (
            np.mean(
                [state for state, one in zip(read[note.block + 1], known, strict=True) if one.label == tense],
                0,
            )
            for tense in ("past", "present")
        )
        assert np.allclose(note.direction, (past - present) / np.linalg.norm(past - present))
        assert note.middle == pytest.approx((past + present) @ note.direction / 2)
        one = margin.tense_note(tiny, note.block, sentences=FEW)
        assert (one.direction == note.direction).all()


def test_the_note_is_read_off_as_many_sentences_as_the_study_shows(tiny, monkeypatch):
    numbers = []
    monkeypatch.setattr(
        margin, "notes", lambda task, number, *, seed: numbers.append(number) or noted(task, FEW, seed=seed)
    )
    getattr(margin.tense_notes, "func", margin.tense_notes)(tiny)  # without `quick`, if that is in force
    margin.tense_note(tiny, 0)
    assert numbers == [margin.SHOWN, margin.SHOWN]


@pytest.mark.parametrize("strength", [-2.0, 0.0, 1.0, 1.5])
def test_the_edited_word_stands_so_many_times_as_far_from_the_middle(tiny, bench, strength):
    note = margin.tense_note(tiny, 1, sentences=FEW)
    rows = Prompts.write(tiny.tokenizer, [[(None, TEXT)]])
    site = Site("resid_post", 1)
    state = hooks.record(tiny, rows, [site])[site].clone()
    own = state[0, -1].double().numpy() @ note.direction - note.middle
    moved = state[0, -1] + torch.tensor((strength - 1) * own * note.direction, dtype=torch.float32)
    assert moved.double().numpy() @ note.direction - note.middle == pytest.approx(strength * own, abs=1e-5)
    naive = logits_at_end(tiny, rows, hooks.Put(site, moved[None, None], where=rows.mask("end")))
    chances = naive[0].double().softmax(-1).sort(descending=True).values[:5].tolist()
    answer = bench.compute(MarginState(TEXT, 2, strength))
    assert answer.after.values.tolist() == pytest.approx(chances, abs=1e-6)
    assert answer.leaning == ("past" if own > 0 else "present")


def test_a_note_that_stays_as_it_is_changes_nothing_and_one_taken_out_something(bench):
    same, out = (bench.compute(MarginState(TEXT, 2, strength)) for strength in (1.0, 0.0))
    assert same.before.axes == same.after.axes
    assert (same.before.values == same.after.values).all()
    assert len(out.after.values) == margin_notes.GUESSES
    assert np.abs(out.after.values - out.before.values).max() > 1e-6


def test_all_states_are_read_once_and_then_kept(bench, monkeypatch):
    bench.compute(MarginState(TEXT, 1))
    monkeypatch.setattr(states, "at_last_word", None)
    bench.compute(MarginState(TEXT, 2, 0.5, "line", 3))


def test_equal_means_leave_no_note_to_edit(tiny):
    with pytest.raises(ValueError) as error:
        margin.edited(tiny, margin.Note(1, np.zeros(tiny.cfg.d_model), 0.0), TEXT, 0.0)
    assert str(error.value) == (
        "After this block both labels have the same mean state, so there is no note to edit: choose another"
        " block."
    )


@pytest.mark.parametrize(
    ("changes", "control", "text"),
    [
        ({"depth": 4}, "depth", "There are 3 blocks: give a number from 0 to that, not 4."),
        ({"edited": 0}, "edited", "A note is edited after 1 to 3 blocks: choose one of these, not 0."),
        ({"strength": 0.3}, "strength",
         "The strength is 0.3: choose one from -2 to 2, in steps of a half."),
        ({"text": " "}, "text", "The prompt '' is empty. Write at least one word."),
        ({"text": "," * 65}, "text",
         "The prompt has 65 tokens, but the model reads at most 64. Make it shorter by 1."),
        ({"word": "cat"}, "word",
         f"No senses of 'cat' are known: choose one of {', '.join(senses.lexicon.SENSES)}."),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_beneath_its_control_and_the_last_result_stays(
    bench, changes, control, text
):
    widget = MarginNotes(bench)
    before = ask(widget)
    reply = ask(widget, 2, **changes)
    assert reply["error"] == {"control": control, "text": text}
    assert (reply["uses"], reply["note"]) == (before["uses"], before["note"])


def test_while_a_hook_is_in_force_it_refuses(tiny, bench):
    widget = MarginNotes(bench)
    with hooks.intervene(tiny, hooks.Zero(Head(0, 0))):
        assert "hook" in ask(widget)["error"]["text"]
    assert ask(widget, 2)["error"] is None


def test_a_model_that_never_read_the_words_shows_everything_and_says_so(pocket, quick):
    bench = margin_notes.bench(pocket)
    answer = bench.compute(replace(bench.first, text="Mary saw the zeppelin"))
    assert answer.doubts == (senses.untestable(pocket),)
    assert answer.cautions[0] == margin.untestable(pocket)
    assert "zeppelin" in answer.cautions[1]
    assert told.uses_html(bench.first, answer).startswith('<div class="caution"')


# --- what the widget says -----------------------------------------------------------------------------------
def test_both_findings_are_told_to_screen_readers(notes):
    assert ask(notes)["status"] == (
        "After 2 blocks the senses of “bank” are told apart with AUC 0.70. The note after 1 block says"
        " “past”; taken out, the first guess stays “walked”: 70 % before, 50 % after."
    )
    assert ask(notes, 2, depth=0, strength=-1.0)["status"] == (
        "Before the first block all 4 uses of “bank” are one point: one word, one vector (AUC 0.50). The note"
        " after 1 block says “past”; turned round, the first guess is “walks” (70 %); before, “walked”"
        " (70 %)."
    )


@pytest.mark.parametrize(
    ("strength", "text"),
    [(1.0, "as it is"), (0.0, "taken out"), (-1.0, "turned round"), (2.0, "2 times as strong"),
     (-0.5, "turned round, 0.5 times as strong")],
)  # fmt: skip
def test_a_strength_is_told_in_words(notes, strength, text):
    assert text in ask(notes, strength=strength)["status"]
    assert f"<small>note {text}</small>" in notes.reply["note"]


def test_points_move_on_axes_that_stay(notes):
    ends = {blocks: re.findall(r'<circle cx="([\d.]+)"', ask(notes, blocks, depth=blocks)["uses"])
            for blocks in (0, 1, 3)}  # fmt: skip
    middle = float(ends[0][0])
    assert len(ends[0]) == 1
    moved = {blocks: [float(at) - middle for at in ends[blocks]] for blocks in (1, 3)}
    assert moved[3] == pytest.approx([3 * at for at in moved[1]], abs=0.3)


def test_everything_on_screen_is_also_text(notes):
    reply = ask(notes, depth=1)
    for use, sense in SENSES.items():
        assert f'<tr><th scope="row">{use}</th><td>{sense}</td>' in reply["uses"]
    assert '<th scope="col" aria-current="true">1</th>' in reply["uses"]
    assert '<tr><th scope="row">·walked</th><td>0.7000</td><td>0.5000</td></tr>' in reply["note"]


def test_a_state_goes_out_and_comes_back(notes):
    ask(notes, word="pen", strength=-1.5, text="Mary “and” John")
    saved, shown = notes.state, (notes.reply["uses"], notes.reply["note"])
    ask(notes, 2)
    notes.load(saved)
    assert (notes.state, (notes.reply["uses"], notes.reply["note"])) == (saved, shown)
    assert json.loads(saved)["word"] == "pen"
    with pytest.raises(ValueError) as error:
        notes.load("{}")
    assert (
        str(error.value) == "'{}' is no state of the Margin Notes: text is missing; give what `state` gave."
    )


def test_every_word_is_escaped_and_the_static_twin_has_no_controls():
    notes = MarginNotes(fake_margin(cautions=(HOSTILE,), doubts=(HOSTILE,)))
    reply = ask(notes, text=HOSTILE, word=HOSTILE)
    bundle = notes._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    state, answer = notes._shown
    bad = replace(answer, before=named(HOSTILE), after=named("</p>"))
    for html in (reply["uses"], reply["note"], bundle["text/html"], told.note_html(state, bad)):
        assert "<img" not in html
    assert "&lt;img" in bundle["text/html"]
    assert "<input" not in bundle["text/html"]
    assert bundle["text/plain"] == reply["status"]


def named(token):
    chances = words(0.6)
    return replace(chances, axes={"token": (token, " b")})


def test_a_slide_shows_the_points_and_says_what_the_note_did(notes):
    ask(notes)
    picture = notes.picture()
    assert (picture.form, picture.title) == (
        "points",
        "After 2 blocks the senses of “bank” are told apart with AUC 0.70.",
    )
    assert picture.options["groups"] == SENSES
    assert picture.said[-1] == (
        f"After “{TEXT}”: The note after 1 block says “past”; taken out, the first guess stays “walked”:"
        " 70 % before, 50 % after."
    )


def test_the_first_sentence_is_one_of_our_world_up_to_its_verb(tiny):
    assert margin_notes.TEXT == "Last week, in the round garden near the roof, John"
    assert len(models.encode(tiny, margin_notes.TEXT)) < tiny.cfg.n_ctx
