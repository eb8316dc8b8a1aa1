"""A reader's own sentence: marks found by hand-checked rules, pairs compared token by token, plain
refusals.
"""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer, decoders
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import GPT2TokenizerFast

from interp import models
from interp.studies.own_words import own_sentences
from interp.words.letters import isolated

PROMPT = "Then, Mary and John went to the store. John gave a drink to"
TWIN = "Then, Mary and John went to the store. Mary gave a drink to"


def marks(tiny, text, answer="Mary", against="John"):
    """{mark: token} of the sentence."""
    found = own_sentences.mark(tiny, text, answer, against)
    assert "".join(found.tokens) == text.rstrip()
    return {mark: token for token, own in zip(found.tokens, found.marks, strict=True) for mark in own.split()}


def test_the_repeated_name_is_s_and_the_answer_io(tiny):
    assert marks(tiny, PROMPT) == {"S1": " John", "S2": " John", "IO": " Mary", "END": " to"}
    found = own_sentences.mark(tiny, PROMPT, "Mary", "John")
    assert (found.marks.index("S1"), found.marks.index("S2")) == tuple(
        place for place, token in enumerate(found.tokens) if token == " John"
    )
    assert found.note == (
        "“John” is said twice: S1 marks the first time, S2 the last. END is the last token, where the model "
        "answers."
    )


def test_the_word_to_weigh_against_is_s_before_another_name_said_twice(tiny):
    assert marks(tiny, "Then, Mary and John saw Mary, and John gave Mary", "Sam", "John")["S1"] == " John"


def test_without_a_repeated_name_it_is_said(tiny):
    text = "Then, Mary and John went to the store. Paul gave the drink to the"
    found = own_sentences.mark(tiny, text, "Mary", "John")
    assert [mark for mark in found.marks if mark] == ["END"]
    assert found.note == (
        "No name is said twice in this sentence, so it has no S1 and no S2. END is the last token, where the "
        "model answers."
    )


def test_the_first_word_of_a_sentence_is_no_name(tiny):
    assert "S1" not in marks(tiny, "Then Tom sang. Then Paul sang. Then", "Mary", "John")


def test_a_name_of_several_tokens_is_marked_at_its_last(tiny):
    text = "Then, Zorblax and Mary met. Zorblax saw"
    assert len(models.encode(tiny, " Zorblax")) > 1
    found = own_sentences.mark(tiny, text, "Mary", "John")
    at = found.marks.index("S1")
    assert "".join(found.tokens[: at + 1]) == "Then, Zorblax"


def test_three_mentions_mark_the_first_and_the_last(tiny):
    found = own_sentences.mark(tiny, "Then, John saw John, and John", "Mary", "John")
    assert found.marks[-1] == "S2 END"
    assert found.marks.count("S1") == 1
    assert found.note.startswith("“John” is said 3 times: S1 marks the first time, S2 the last.")


def test_a_pair_that_fits_differs_where_the_word_was_exchanged(tiny):
    found = own_sentences.pair(tiny, PROMPT, TWIN, "Mary", "John")
    assert found.problem == ""
    places = [place for place, differs in enumerate(found.differs) if differs]
    assert [(found.sentence.tokens[p], found.twin.tokens[p]) for p in places] == [(" John", " Mary")]


def test_an_empty_twin_is_no_pair_yet(tiny):
    found = own_sentences.pair(tiny, PROMPT, "  ", "Mary", "John")
    assert (found.twin, found.differs, found.problem) == (None, (), "")


def _refused(tiny, twin):
    """What is said of the twin, shown in the pair and raised when it is to stand in."""
    shown = own_sentences.pair(tiny, PROMPT, twin, "Mary", "John").problem
    prompts = own_sentences.written(tiny, PROMPT, "Mary", "John")
    with pytest.raises(ValueError) as told:
        own_sentences.written_twin(tiny, prompts, twin, "Mary", "John")
    assert str(told.value) == shown
    return shown


def test_the_same_sentence_twice_is_refused(tiny):
    assert _refused(tiny, PROMPT + " ") == (
        "The two sentences are the same: change a word of the second, such as the name said twice."
    )


@pytest.mark.parametrize("bos", [False, True])
def test_unequal_lengths_are_refused_with_both_numbers(tiny, bos):
    own, other = (len(models.encode(tiny, text)) for text in (PROMPT, PROMPT[:-3]))
    message = (
        f"The two sentences have {own} and {other} tokens: each token needs its partner. Exchange single "
        "words that are one token each, such as one name for another."
    )
    prompts = own_sentences.written(tiny, PROMPT, "Mary", "John", bos=bos)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        own_sentences.written_twin(tiny, prompts, PROMPT[:-3], "Mary", "John")
    assert own_sentences.pair(tiny, PROMPT, PROMPT[:-3], "Mary", "John").problem == message


def test_a_missing_twin_is_refused(tiny):
    prompts = own_sentences.written(tiny, PROMPT, "Mary", "John")
    message = "The second sentence is missing: write the first one again and change a word, such as a name."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        own_sentences.written_twin(tiny, prompts, " ", "Mary", "John")


def test_the_real_tokenizer_gives_the_same_marks():
    folder = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"
    if not folder.is_dir():
        pytest.skip("GPT-2's tokenizer is not on this machine")
    model = SimpleNamespace(tokenizer=GPT2TokenizerFast.from_pretrained(folder))
    text = "When Mary and John went to the store, John gave a drink to"
    found = own_sentences.mark(model, text, "Mary", "John")
    assert [mark for mark in found.marks if mark] == ["IO", "S1", "S2", "END"]
    assert found.tokens[found.marks.index("S2")] == " John"


class Bytes:
    """A model whose tokenizer reads byte by byte, as GPT-2's does a letter it hardly knows."""

    def __init__(self):
        bpe = Tokenizer(
            BPE(vocab={sign: n for n, sign in enumerate(sorted(ByteLevel.alphabet()))}, merges=[])
        )
        bpe.pre_tokenizer, bpe.decoder = ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        end = "<|endoftext|>"
        self.tokenizer = GPT2TokenizerFast(tokenizer_object=bpe, bos_token=end, eos_token=end, unk_token=end)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("André", "André"),
        ("Andre\u0301", "Andre\u0301"),
        ("André", "Andre\u0301"),
        ("Анна", "Анна"),
        ("王", "王"),
        ("José", "José"),
        ("Anne-Marie", "Anne-Marie"),
        ("ليلى", "ليلى"),
    ],
)
def test_a_name_ends_where_the_last_byte_of_its_last_letter_is_read(first, second):
    text = f"Then {first} met Mary and {second} sang"
    model = Bytes()
    found = own_sentences.mark(model, text, "Mary", first)
    for mark, before in (("S1", f"Then {first}"), ("S2", f"Then {first} met Mary and {second}")):
        assert found.marks.index(mark) == len(before.encode()) - 1
    assert f"“{isolated(first)}” is said twice" in found.note


@pytest.mark.parametrize("end", ["'s", "’s", "'S"])
def test_a_name_that_owns_something_is_that_name(end):
    text = f"Then John met Mary and John{end} dog sang to"
    found = own_sentences.mark(Bytes(), text, "Mary", "John")
    assert found.marks.index("S2") == len("Then John met Mary and John") - 1
    assert "John" in own_sentences.names_in(f"Then, John{end} dog")
    assert own_sentences.names_in(text) == ("John", "Mary")


@pytest.mark.parametrize("name", ["O'Brien", "Jean-Luc", "D’Arcy"])
def test_an_apostrophe_inside_a_name_stays(name):
    assert own_sentences.names_in(f"Then {name} and {name}'s dog") == (name,)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("Then John", ()),
        ("Then John ", ("A last space was left out: words begin with theirs.",)),
        ("Then John\n", ("White space at the end was left out: words begin with theirs.",)),
        ("<|endoftext|>Then John",
         ("“<|endoftext|>” is read as one token, the mark between texts, not letter by letter.",)),
    ],
)  # fmt: skip
def test_what_is_read_otherwise_than_typed_is_said(typed, told):
    assert own_sentences.read_otherwise(Bytes(), typed) == told
    note = own_sentences.mark(Bytes(), typed, "Mary", "John").note
    assert note.endswith(" ".join(("END is the last token, where the model answers.", *told)))
