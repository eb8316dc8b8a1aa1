"""What is said of a reader's own words before any finding: nothing of what the model knows, all of what it
does not.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2TokenizerFast

from interp import models
from interp.benches import attention_view, explorer, lab, patching_map
from interp.prompts import asked
from interp.screens.lab import LabState
from interp.studies.own_words import cautions
from interp.words.article import NAME_EXAMPLES

OTHER_NAMES = "When Amy and Tom went to the store, Tom gave a drink to"


def read(model, *typed):
    return [asked(model.tokenizer, one, "The answer") for one in typed]


def shares(model, **chances):
    """Chances of the next token: those given by word, the rest on “the”."""
    values = torch.zeros(model.cfg.d_vocab, dtype=torch.float64)
    for word, chance in chances.items():
        values[models.encode(model, f" {word}")[0]] = chance
    values[models.encode(model, " the")[0]] += 1 - sum(chances.values())
    return values


@pytest.fixture
def gpt2s_tokenizer():
    folder = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"
    if not folder.is_dir():
        pytest.skip("GPT-2's tokenizer is not on this machine")
    return SimpleNamespace(tokenizer=GPT2TokenizerFast.from_pretrained(folder))


@pytest.mark.parametrize(
    ("text", "caution"),
    [
        (OTHER_NAMES, ()),
        ("The capital of Poland is", ()),
        (
            "The capital of Wakanda is",
            (
                "pocket never saw this word in training: “·Wakanda” (·W|ak|an|da). "
                "What follows is not about it.",
            ),
        ),
        (
            "the store",
            (
                "pocket never saw this word in training: “the”. With a space before it, it knows “·the”. "
                "What follows is not about it.",
            ),
        ),
        (
            "Mary 😀",
            ("pocket never saw this word in training: “·😀” (5 pieces). What follows is not about it.",),
        ),
        (
            "The 商店 of Zed",
            (
                "pocket never saw these words in training: “·商店” (7 pieces), “·Zed” (·|Z|ed). "
                "What follows is not about them.",
            ),
        ),
    ],
)
def test_words_that_training_never_had_are_said_with_their_pieces(pocket, text, caution):
    assert cautions.never_seen(pocket, text) == caution


def test_many_unseen_words_are_listed_up_to_six(pocket):
    (told,) = cautions.never_seen(pocket, "Zeb Zec Zed Zef Zeg Zeh Zej Zek")
    assert told.count("“") == 6
    assert " and 2 more. " in told


def test_the_words_of_a_text_together_are_the_text(pocket, tiny):
    for model in (pocket, tiny):
        for text in (OTHER_NAMES, "Mary 😀 et 商店\n\n  'sx <b>"):
            assert "".join(word.text for word in cautions.read_words(model, text)) == text


def test_of_a_model_without_a_list_nothing_is_said_about_training(tiny):
    assert models.seen_words(tiny) is None
    assert cautions.never_seen(tiny, "The capital of Wakanda is") == ()
    assert {word.seen for word in cautions.read_words(tiny, "The Wakanda")} == {None}
    (note,) = cautions.cut_words(tiny, " Mary saw Mary Zorblax")
    assert note.startswith("Read in pieces, because they are not one token: “·")
    assert "“·Zorblax” (·|Z|or|" in note
    assert "Mary" not in note


def test_gpt2_reads_wakanda_in_pieces(gpt2s_tokenizer):
    told = cautions.cut_words(gpt2s_tokenizer, "The capital of Wakanda is")
    assert told == ("Read in pieces, because they are not one token: “·Wakanda” (·Wak|anda).",)


def test_names_that_the_sentence_does_not_say_are_told_with_those_it_does(pocket):
    given = shares(pocket, Mary=0.001, John=0.002)
    assert cautions.absent_names(pocket, OTHER_NAMES, read(pocket, "Mary", "John"), given) == (
        "Mary and John are not in your sentence; the model gives the two together 0.3 %. "
        "Choose names from it: Amy, Tom.",
    )
    assert cautions.absent_names(pocket, OTHER_NAMES, read(pocket, "Mary", "Tom"), given) == (
        "Mary is not in your sentence; the model gives it 0.1 %. Choose a name from it: Amy, Tom.",
    )
    assert cautions.absent_names(pocket, OTHER_NAMES, read(pocket, "Mary")) == (
        "Mary is not in your sentence. Choose a name from it: Amy, Tom.",
    )


@pytest.mark.parametrize(
    ("prompt", "typed"),
    [
        (OTHER_NAMES, ("Amy", "Tom")),
        ("The capital of Poland is", ("Warsaw", "Berlin")),  # what is asked for is never in the question
        ("Then Mary's dog saw John", ("Mary", "John")),
        ("The store is", ("Mary", "John")),  # a sentence without names
    ],
)
def test_names_that_may_follow_are_not_told(pocket, prompt, typed):
    assert cautions.absent_names(pocket, prompt, read(pocket, *typed), shares(pocket)) == ()


def test_words_that_the_model_hardly_says_are_told_with_its_first_guess(pocket):
    weighed = read(pocket, ".", ",")
    assert cautions.hardly_given(pocket, weighed, shares(pocket)) == (
        "The model hardly says “.” and “,” here: together less than 0.1 %. Its first guess is “·the”,"
        " 100.0 %.",
    )
    assert cautions.hardly_given(pocket, read(pocket, "Mary", "John"), shares(pocket, Mary=0.02)) == ()


def test_all_that_opens_a_widget_on_pocket_needs_no_caution(pocket):
    for label, state in lab.examples(pocket):
        assert lab.compute(pocket, state).cautions == (), label
    for label, state in explorer.examples(pocket):
        assert explorer.compute(pocket, state).cautions == (), label
    for label, state in patching_map.examples(pocket):
        assert patching_map.leads(pocket, state).cautions == (), label
    for label, prompt, _, _ in NAME_EXAMPLES:
        assert attention_view.attention(pocket, prompt).cautions == (), label


def test_every_bench_says_it_of_the_readers_own_sentence(pocket):
    prompt, twin = "When Ravi and Tom met, Tom saw", "When Ravi and Sam met, Sam saw"
    told = cautions.never_seen(pocket, prompt)
    assert "“·Ravi”" in told[0]
    assert lab.compute(pocket, LabState(prompt, "Mary", "Tom")).cautions[:1] == told
    assert explorer.compute(pocket, explorer.ExplorerState(prompt, "Tom")).cautions == told
    assert patching_map.leads(pocket, patching_map.MapState(prompt, twin, "Sam", "Tom")).cautions[:1] == told
    assert attention_view.attention(pocket, prompt).cautions == told


def test_a_second_sentence_counts_where_it_stands_in(pocket):
    state = LabState("Mary and Tom met, Tom saw", "Mary", "Tom", twin="Mary and Zed met, Tom saw")
    assert not any("Zed" in told for told in lab.compute(pocket, state).cautions)
