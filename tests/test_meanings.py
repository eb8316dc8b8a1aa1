"""C4 to C6: senses, what a sentence leaves open, notes at a word. Each verdict can flip."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

from interp import claims, hooks, models
from interp.methods.readout import logits_at_end
from interp.models.untrained import untrained
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site
from interp.studies.meanings import ambiguity, margin, senses, states
from interp.words.bigger import lexicon
from interp.words.bigger.notes import notes

WORDS = tuple(lexicon.SENSES)
ABOUT = {"model": "planted"}


# --- states -------------------------------------------------------------------------------------------------
def test_a_state_is_what_the_model_has_at_the_last_word(pocket):
    texts = ["When Mary and John went to the store", "John gave a drink to Mary, and Mary"]
    found = states.at_last_word(pocket, texts)
    assert found.shape == (pocket.cfg.n_layers + 1, 2, pocket.cfg.d_model)
    for at, text in enumerate(texts):
        prompts = Prompts.write(pocket.tokenizer, [[(None, text)]])
        last = Site("resid_post", pocket.cfg.n_layers - 1)
        own = hooks.record(pocket, prompts, [last])[last][0, -1].double().numpy()
        assert np.allclose(found[-1, at], own, atol=1e-5)


def test_many_texts_are_the_same_as_few(pocket, monkeypatch):
    texts = [one.text for one in senses.shown("bank")][:5]
    whole = states.at_last_word(pocket, texts)
    monkeypatch.setattr(states, "AT_ONCE", 2)
    assert np.allclose(states.at_last_word(pocket, texts), whole, atol=1e-5)


def test_what_comes_after_a_word_changes_nothing_at_it(pocket):
    rows = Prompts.write(
        pocket.tokenizer,
        [[(None, "Mary and John"), ("word", " went"), (None, end)] for end in (" to", " in")],
    )
    sites = [Site("resid_post", layer) for layer in range(pocket.cfg.n_layers)]
    for state in hooks.record(pocket, rows, sites).values():
        first, second = rows.at(state, "word")
        assert torch.equal(first, second)


def test_a_word_of_several_tokens_is_read_at_its_last_piece_or_as_their_mean(pocket):
    text = "Mary gave a drink to Zanzibar"
    rows = Prompts.write(pocket.tokenizer, [[(None, text)]])
    pieces = len(models.encode(pocket, " Zanzibar"))
    site = Site("resid_post", 2)
    read = hooks.record(pocket, rows, [site])[site][0].double().numpy()
    assert pieces > 1
    assert np.allclose(states.at_last_word(pocket, [text])[3, 0], read[-1], atol=1e-5)
    mean = states.at_last_word(pocket, [text], mean=True)[3, 0]
    assert np.allclose(mean, read[-pieces:].mean(axis=0), atol=1e-5)


def test_what_is_not_known_of_the_reading_and_words_in_pieces_are_said(pocket, tiny):
    assert states.known_told(pocket, [None, "Why."], ["drink"]) == ("Why.",)
    assert states.known_told(pocket, [None], ["drink"]) == (
        "It has read every word that is asked about here.",
    )
    nobody, cut = states.known_told(tiny, [None], ["Mary", "zeppelin"])
    assert nobody.startswith("Nobody noted which words")
    assert cut.startswith("1 of 2 words with two senses are several tokens here (zeppelin)")


def test_a_word_never_read_makes_a_test_impossible_and_is_named(pocket):
    assert states.untestable(pocket, ["Mary and John"]) is None
    assert states.untestable(pocket, ["Mary saw the zeppelin"]) == (
        "pocket never read 1 of the test's words (zeppelin), so they mean nothing to it."
    )


def test_where_nobody_noted_what_was_read_everything_can_be_tested(tiny):
    assert states.unread(tiny, ["Mary saw the zeppelin"]) == ()


# --- C4: senses ---------------------------------------------------------------------------------------------
def test_every_use_ends_with_the_word_in_a_frame_that_training_never_says():
    for word in WORDS:
        for one in senses.shown(word):
            assert one.text.endswith(f" {word}")
            assert one.cue in lexicon.SENSES[word][one.sense].cues
            assert lexicon.held_out_frame(word, one.cue, one.frame)


def test_the_control_shows_a_word_of_the_other_kind_in_the_same_sentences():
    kinds = [set(kind) for kind in senses.kinds().values()]
    for word in WORDS:
        other = senses.in_its_place(word)
        assert not any({word, other} <= kind for kind in kinds)
        own, swapped = (senses.shown(word, instead=instead) for instead in (None, other))
        assert [one.text.removesuffix(word) for one in own] == [o.text.removesuffix(other) for o in swapped]


def test_pairs_share_neither_cue_nor_frame():
    seen = senses.shown("bank")
    pair, same = senses._pairs(seen)
    places = np.argwhere(pair)
    assert len(places) == len(same)
    assert 0 < same.sum() < len(same)
    for (i, j), alike in zip(places, same, strict=True):
        assert seen[i].cue != seen[j].cue
        assert seen[i].frame != seen[j].frame
        assert (seen[i].sense == seen[j].sense) == alike


def test_a_word_without_two_senses_is_refused():
    with pytest.raises(ValueError) as error:
        senses.shown("cat")
    assert str(error.value).startswith("No senses of 'cat' are known: choose one of bank, pen, ")


def test_before_the_first_block_nothing_is_told_apart(pocket):
    apart, gaps = senses.measure(pocket)
    assert (apart.at(blocks=0).values == 0.5).all()
    assert (gaps.at(blocks=0).values == 0).all()
    assert list(apart.axes) == ["shown", "blocks", "word"]


def test_states_that_know_the_sense_are_told_apart_and_others_not(monkeypatch, pocket):
    plant(monkeypatch, by_sense=True)
    apart, gaps = senses.measure(pocket)
    assert apart.at(shown=senses.OWN, blocks=3).values.min() == 1
    assert gaps.at(blocks=3).values.min() > 0.5
    plant(monkeypatch, by_sense=False)
    apart, _ = senses.measure(pocket)
    assert abs(apart.at(shown=senses.OWN, blocks=3).values.mean() - 0.5) < 0.06


def plant(monkeypatch, *, by_sense):
    """States that are a vector for each sense of each word, or random ones, with a little noise."""
    of = {one.text: (word, one.sense) for word in WORDS for one in senses.shown(word)}
    generator = np.random.default_rng(0)
    vectors = {key: generator.normal(size=16) for key in of.values()}

    def planted(model, texts, *, mean):
        noise = generator.normal(size=(model.cfg.n_layers + 1, len(texts), 16))
        own = np.array([vectors[of[text]] if by_sense and text in of else np.zeros(16) for text in texts])
        return own + (0.05 if by_sense else 1) * noise

    monkeypatch.setattr(states, "at_last_word", planted)


def planted_c4(own, swapped, gap_of_unrelated, *, noise=0.02):
    generator = np.random.default_rng(1)
    values = np.full((2, 3, len(WORDS)), 0.5)
    values[0, 1:] = own
    values[1, 1:] = swapped
    values[:, 1:] += noise * generator.normal(size=(2, 2, len(WORDS)))
    axes = {"blocks": (0, 1, 2), "word": WORDS}
    apart = Result(
        values, {"shown": (senses.OWN, senses.SWAPPED), **axes}, "told apart by sense", "AUC", ABOUT
    )
    unrelated = np.array([word in lexicon.HOMONYMS for word in WORDS])
    gaps = np.tile(0.1 + gap_of_unrelated * unrelated, (3, 1)) + 0.01 * generator.normal(size=(3, len(WORDS)))
    return apart, Result(gaps, axes, "gap", "cosine", ABOUT)


@pytest.mark.parametrize(
    ("own", "swapped", "gap", "verdict"),
    [
        (0.9, 0.6, 0.2, "supported"),
        (0.9, 0.6, 0.0, "partly"),
        (0.9, 0.6, -0.2, "partly"),
        (0.55, 0.5, 0.2, "not supported"),
        (0.8, 0.95, 0.2, "not supported"),  # any other word in its place knows it better
    ],
)
def test_c4_flips(own, swapped, gap, verdict):
    claim = senses.c4(*planted_c4(own, swapped, gap))
    assert claim.verdict == verdict
    assert claim.measured == pytest.approx(own - 0.5, abs=0.02)


def test_c4_on_a_model_that_never_read_the_words():
    claim = senses.c4(*planted_c4(0.9, 0.6, 0.2), "It never read them.")
    assert (claim.verdict, claim.measured, claim.because) == (
        "cannot be tested on this model", None, "It never read them.",
    )  # fmt: skip


def test_the_block_is_chosen_on_the_other_half_of_the_words():
    values = np.zeros((2, 3, len(WORDS)))
    values[0, 1, ::2], values[0, 2, 1::2] = 1, 1  # each half is best where the other is not
    apart, _ = planted_c4(0.5, 0.5, 0)
    best = senses.at_best(Result(values, apart.axes, "told apart by sense", "AUC", ABOUT))
    assert (best.at(shown=senses.OWN).values == 0).all()


def test_points_of_a_word_have_the_senses_as_groups(pocket):
    found, groups = senses.plane(pocket, "bat", 2), senses.cued("bat")
    assert found.axes["use"] == tuple(groups)
    assert set(groups.values()) == {"cave …", "ball …"}
    assert (senses.plane(pocket, "bat", 0).values == 0).all()  # one word, one vector
    with pytest.raises(ValueError, match="give a number from 0 to that, not 99"):
        senses.plane(pocket, "bat", 99)


def test_a_fixed_vector_leans_to_one_sense():
    assert senses.frozen("bank").startswith(
        "GloVe has one vector for “bank”, after “money” and after “river” alike."
    )
    assert "nearer to “money”" in senses.frozen("bank")


# --- C5: what a sentence leaves open ------------------------------------------------------------------------
@pytest.mark.parametrize("exam", [*ambiguity.QUESTIONS.values(), ambiguity.REVERSED])
def test_twins_change_answers(pocket, exam):
    pairs = ambiguity.twins(pocket, exam)
    assert pairs
    for one, other in pairs:
        assert (one.right, one.wrong) == (other.wrong[0], (other.right,))
        assert one.text != other.text


def test_log_odds_are_those_of_the_logits(pocket):
    exam = ambiguity.QUESTIONS["he or she?"]
    odds, (one, _) = ambiguity.log_odds_ratios(pocket, exam), ambiguity.twins(pocket, exam)[3]
    rows = Prompts.write(pocket.tokenizer, [[(None, one.text)]])
    right, wrong = (models.encode(pocket, f" {word}")[0] for word in (one.right, one.wrong[0]))
    logits = logits_at_end(pocket, rows)[0]
    assert odds.at(twin="first", pair=3).values == pytest.approx(
        float(logits[right] - logits[wrong]), abs=1e-4
    )


def test_only_pairs_with_both_right_count(monkeypatch, pocket):
    axes = {"twin": ("first", "second"), "pair": (0, 1, 2, 3)}
    odds = Result(np.array([[1, 1, -1, 2], [1, -1, 1, 3]]), axes, "odds", "nats", ABOUT)
    monkeypatch.setattr(ambiguity, "log_odds_ratios", lambda *given, **more: odds)
    shares = ambiguity.both_right(pocket, [ambiguity.REVERSED])
    assert shares.at(question="… in a world the other way round?", number="share").values == 0.5
    assert shares.at(question="… in a world the other way round?", number="pairs").values == 4


@pytest.mark.parametrize(
    ("share", "backwards", "verdict"),
    [(0.9, 0.8, "supported"), (0.9, 0.2, "partly"), (0.3, 0.9, "not supported"), (0.0, 0.0, "not supported")],
)
def test_c5_flips(share, backwards, verdict):
    claim = ambiguity.c5(planted_c5(share, backwards))
    assert (claim.verdict, claim.measured) == (verdict, pytest.approx(share))
    assert ambiguity.c5(planted_c5(share, backwards), "Why.").verdict == "cannot be tested on this model"


def planted_c5(share, backwards):
    rows = [(value, max(0.0, value - 0.1), value + 0.05, 48.0) for value in [share] * 4 + [backwards]]
    axes = {
        "question": (*ambiguity.QUESTIONS, ambiguity.question(ambiguity.REVERSED)),
        "number": ("share", "low", "high", "pairs"),
    }
    return Result(np.array(rows), axes, "pairs with both twins right", "share", ABOUT)


def test_a_head_that_carries_is_a_head_of_the_twin_put_in(pocket):
    exam = ambiguity.QUESTIONS["he or she?"]
    found = ambiguity.carriers(pocket, exam)
    one, other = ambiguity._written(pocket, ambiguity.twins(pocket, exam))
    kept = [at for at in range(len(one)) if one.length[at] == other.length[at]]
    one, other = one.take(kept), other.take(kept)
    metric, head = ambiguity._metric(one), Head(2, 1)
    before, after = (metric(logits_at_end(pocket, rows)).double() for rows in (one, other))
    given = hooks.record(pocket, other, [head])[head]
    put = metric(logits_at_end(pocket, one, hooks.Put(head, given))).double()
    assert float(found.mean("prompt").at(layer=2, head=1)) == pytest.approx(
        float((put - before).mean() / (after - before).mean()), abs=1e-4
    )


def test_surprise_is_that_of_the_model_word_by_word(pocket):
    text = "Mary gave a drink to Zanzibar"  # a last word of several pieces
    found = ambiguity.surprises(pocket, (text, "Mary gave a drink to John"))
    ids = models.encode(pocket, text)
    spread = hooks.run(pocket, torch.tensor([ids]))[0][0].double().log_softmax(-1)
    nats = [-float(spread[at - 1, ids[at]]) for at in range(1, len(ids))]
    assert len(nats) > 5
    assert found.axes["word"] == (2, 3, 4, 5, 6)
    assert found.at(text=text).values == pytest.approx([*nats[:4], sum(nats[4:])], abs=1e-4)
    with pytest.raises(ValueError) as error:
        ambiguity.surprises(pocket, ("Mary sang", "Mary sang well"))
    assert str(error.value) == (
        "The texts have 2, 3 words, but they are laid side by side: give as many in each."
    )


# --- C6: notes ----------------------------------------------------------------------------------------------
def test_no_group_is_on_both_sides_of_a_split():
    known = notes("mood", 100)
    train = margin._train(known, 0)
    sides = [
        {one.group for one, taught in zip(known, train, strict=True) if taught == side}
        for side in (True, False)
    ]
    assert all(sides)
    assert not sides[0] & sides[1]
    assert (margin._train(known, 1) != train).any()


def test_a_note_that_stands_in_the_state_is_read_and_noise_is_not():
    known = notes("tense", 200)
    labels, train = margin._one_for_each(known), margin._train(known, 0)
    noise = np.random.default_rng(0).normal(size=(200, 12))
    assert margin._auc(noise, labels, train, False) == pytest.approx(0.5, abs=0.12)
    told = noise.copy()
    told[:, : len(labels)] += 4 * labels.T
    assert margin._auc(told, labels, train, False) > 0.95
    assert margin._auc(told, labels, train, True) == pytest.approx(0.5, abs=0.35)  # taught nothing
    assert margin._auc(np.ones((200, 12)), labels, train, False) == 0.5


def planted_c6(arrive, *, height=0.45, bare=0.1, blocks=8):
    """Curves that jump up after so many blocks, by note."""
    steps = np.arange(blocks + 1)
    own = np.array([0.5 + height * (steps >= arrive[note]) for note in margin.TASKS])
    values = np.stack([own, np.full_like(own, 0.5), np.full_like(own, 0.5 + bare)])
    generator = np.random.default_rng(0)
    values = values[..., None] + 0.005 * generator.normal(size=(*values.shape, margin.SPLITS))
    axes = {"reader": (margin.TRAINED, margin.SHUFFLED, margin.UNTRAINED), "note": margin.TASKS,
            "blocks": tuple(range(blocks + 1)), "split": tuple(range(margin.SPLITS))}  # fmt: skip
    return Result(values, axes, "read off the state", "AUC", ABOUT)


def planted_taken(own, random):
    values = np.array([[own] * 20, [random] * 20]) + 0.01 * np.random.default_rng(0).normal(size=(2, 20))
    axes = {"direction": ("the note", "20 random directions"), "prompt": tuple(range(20))}
    return Result(values, axes, "lost by the right form", "nats", ABOUT)


EARLY = dict.fromkeys(margin.SYNTAX, 1)
LATE = dict.fromkeys(margin.PASSAGE, 4)


@pytest.mark.parametrize(
    ("arrive", "more", "taken", "verdict"),
    [
        (EARLY | LATE, {}, (1.0, 0.1), "supported"),
        (EARLY | LATE, {}, (0.1, 0.1), "partly"),
        (dict.fromkeys(margin.TASKS, 2), {}, (1.0, 0.1), "not supported"),
        (dict.fromkeys(margin.SYNTAX, 4) | dict.fromkeys(margin.PASSAGE, 1), {}, (1.0, 0.1), "not supported"),
        (EARLY | LATE, {"bare": 0.48}, (1.0, 0.1), "not supported"),  # random weights read as well
        (EARLY | LATE, {"height": 0.1, "bare": 0.0}, (1.0, 0.1), "not supported"),  # hardly there
    ],
)
def test_c6_flips(arrive, more, taken, verdict):
    claim = margin.c6(planted_c6(arrive, **more), planted_taken(*taken))
    assert claim.verdict == verdict
    asked = margin.c6(planted_c6(arrive, **more), planted_taken(*taken), "Why.")
    assert (asked.verdict, asked.because) == ("cannot be tested on this model", "Why.")


def test_a_note_arrives_where_it_reaches_nine_tenths_of_its_best():
    when = margin.arrivals(planted_c6(EARLY | LATE))
    assert when.at(note="tense").values.tolist() == [1] * margin.SPLITS
    assert when.at(note="story").values.tolist() == [4] * margin.SPLITS
    assert margin.order_told(planted_c6(EARLY | LATE)).startswith("word class: after 1.0 blocks; ")


def test_taking_out_the_direction_that_decides_costs_most(pocket):
    block = pocket.cfg.n_layers - 1
    rows, metric = margin._verbs(pocket, 1, 12)
    note = margin.tense_note(pocket, block, sentences=60)
    found = margin.erased(pocket, note, sentences=12)
    state = rows.at(hooks.record(pocket, rows, [Site("resid_post", block)])[Site("resid_post", block)], "end")
    moved = (
        state.double().numpy()
        + (note.middle - state.double().numpy() @ note.direction)[:, None] * note.direction
    )
    assert np.allclose(moved @ note.direction, note.middle)
    edit = hooks.Put(
        Site("resid_post", block), torch.tensor(moved, dtype=torch.float32)[:, None], where=rows.mask("end")
    )
    lost = metric(logits_at_end(pocket, rows)).double() - metric(logits_at_end(pocket, rows, edit)).double()
    assert np.allclose(found.at(direction="the note").values, lost.numpy(), atol=1e-3)


def test_both_kinds_of_notes_stand_beside_both_controls():
    found = planted_c6(EARLY | LATE)
    curves = margin.beside(found)
    assert len(curves.axes["curve"]) == 2 * 3
    one, other = (found.at(note=note, reader=margin.UNTRAINED).mean("split").values for note in margin.SYNTAX)
    assert curves.at(curve="grammar, never trained").values == pytest.approx((one + other) / 2)


def test_too_few_sentences_for_a_probe_are_refused(pocket):
    with pytest.raises(ValueError) as error:
        margin.read_off(pocket, sentences=10)
    assert str(error.value) == "A probe needs at least 60 sentences for each note, not 10: give more."


def test_the_drawing_has_the_articles_words(pocket):
    drawn = margin.pencilled(pocket)
    assert drawn.axes["word"] == ("John", "wants", "his", "bank", "to", "cash", "the")
    assert drawn.axes["blocks"] == tuple(range(1, pocket.cfg.n_layers + 1))


# --- an untrained network -----------------------------------------------------------------------------------
def test_an_untrained_network_has_the_shape_and_the_words_but_not_the_weights(pocket):
    one, again, other = untrained(pocket), untrained(pocket), untrained(pocket, seed=1)
    cards = [models.describe(model) for model in (pocket, one, again, other)]
    assert len({card.shape for card in cards}) == 1
    hashes = [card.weights_sha256 for card in cards]
    assert hashes[1] == hashes[2]
    assert len(set(hashes)) == 3
    assert models.encode(one, "When Mary") == models.encode(pocket, "When Mary")


@pytest.mark.slow
def test_on_random_weights_of_gpt_2s_shape_nothing_is_there(tmp_path):
    tokenizer = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"
    if not (tokenizer / "vocab.json").is_file():
        pytest.skip("GPT-2's own tokenizer does not stand beside this project")
    GPT2TokenizerFast.from_pretrained(tokenizer).save_pretrained(tmp_path / "random")
    torch.manual_seed(3)
    GPT2LMHeadModel(GPT2Config(n_embd=48, n_positions=256)).save_pretrained(tmp_path / "random")
    model = models.load(tmp_path / "random")
    assert [test.untestable(model) for test in (senses, ambiguity, margin)] == [None] * 3
    read = margin.read_off(model, sentences=100)
    taken = margin.erased(model, margin.tense_note(model, 6, sentences=100), sentences=20)
    found = [
        senses.c4(*senses.measure(model)),
        ambiguity.c5(ambiguity.both_right(model)),
        margin.c6(read, taken),
    ]
    assert [claim.verdict for claim in found] == ["not supported"] * 3


def test_a_verdict_is_asked_again_with_other_sentences(monkeypatch, pocket):
    asked = []

    def measured(model, *, seed):
        asked.append(seed)
        return planted_c4(0.9 if seed < 5 else 0.55, 0.5, 0.2)

    monkeypatch.setattr(senses, "measure", measured)
    claim = claims.firm(senses.c4, *planted_c4(0.9, 0.5, 0.2), again=senses.c4_again(pocket))
    assert asked == [2, 3, 4, 5, 6]
    assert claim.variations[claims.SENTENCES] == (3, 5)
    assert claims.fragile(claim.variations)


@pytest.mark.parametrize(("bare", "same"), [(0.1, 5), (0.48, 0)])
def test_c6_is_asked_again_beside_the_first_controls(monkeypatch, pocket, bare, same):
    found = planted_c6(EARLY | LATE, bare=bare)
    own = dict(zip(margin.TASKS, found.values[0], strict=True))
    asked = []

    def curves(model, task, seed, sentences):
        asked.append((task, seed))
        return own[task][None]

    monkeypatch.setattr(margin, "_curves", curves)
    monkeypatch.setattr(margin, "tense_note", lambda *given, **more: None)
    monkeypatch.setattr(margin, "erased", lambda *given, **more: planted_taken(1.0, 0.1))
    made = list(margin.c6_again(pocket, 4, found)[claims.SENTENCES]())
    assert sum(claim.verdict == "supported" for claim in made) == same
    assert [seed for _, seed in asked[:: len(margin.TASKS)]] == list(states.AGAIN)
