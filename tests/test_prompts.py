"""Prompts: named spots are where they were written, and what cannot be written is refused."""

from pathlib import Path

import pytest
import torch
from transformers import GPT2TokenizerFast

from interp.prompts import Prompts, asked, meant, typed_as

SENTENCES = [
    [(None, "Then,"), ("S1", " John"), (None, " and"), ("IO", " Mary"), (None, " went to the store."),
     ("S2", " John"), (None, " gave a drink to")],
    [(None, "When"), ("IO", " Mary"), (None, " and"), ("S1", " John"), (None, " got a snack,"),
     ("S2", " John"), (None, " said to")],
]  # fmt: skip
ANSWERS = [{"io": " Mary", "s": " John"}] * 2


@pytest.fixture
def tokenizer(tiny):
    return tiny.tokenizer


@pytest.fixture(params=[False, True], ids=["without bos", "with bos"])
def prompts(request, tokenizer):
    return Prompts.write(tokenizer, SENTENCES, answers=ANSWERS, template=[0, 6], bos=request.param)


def test_the_token_at_a_spot_is_the_word_that_was_written_there(prompts, tokenizer):
    for spot, word in {"S1": " John", "S2": " John", "IO": " Mary"}.items():
        assert [tokenizer.decode([i]) for i in prompts.at(prompts.tokens, spot).tolist()] == [word] * 2
    assert [tokenizer.decode([i]) for i in prompts.at(prompts.tokens, "end").tolist()] == [" to"] * 2
    assert [tokenizer.decode([i]) for i in prompts.answers["io"].tolist()] == [" Mary"] * 2


def test_the_real_tokens_spell_the_text(prompts, tokenizer):
    for row, real, text in zip(prompts.tokens, prompts.real(), prompts.texts, strict=True):
        assert tokenizer.decode(row[real][int(prompts.bos) :]) == text
    assert prompts.real().sum(-1).tolist() == prompts.length.tolist()


def test_the_padding_stands_right_and_is_the_end_of_text(prompts, tokenizer):
    assert prompts.length[0] != prompts.length[1]
    assert set(prompts.tokens[~prompts.real()].tolist()) == {tokenizer.eos_token_id}
    assert prompts.at(prompts.real(), "end").all()


def test_the_mask_of_a_spot_is_true_exactly_there(prompts):
    mask = prompts.mask("S2")
    assert mask.sum(-1).tolist() == [1, 1]
    assert torch.equal(prompts.at(mask, "S2"), torch.tensor([True, True]))


def test_a_beginning_of_text_token_moves_every_spot_by_one(tokenizer):
    plain, with_bos = [Prompts.write(tokenizer, SENTENCES, bos=bos) for bos in (False, True)]
    assert with_bos.tokens[:, 0].tolist() == [tokenizer.bos_token_id] * 2
    assert all(torch.equal(with_bos.spots[spot], plain.spots[spot] + 1) for spot in plain.spots)
    assert torch.equal(with_bos.tokens[:, 1:], plain.tokens)


@pytest.mark.parametrize("index", [[1, 0], torch.tensor([1]), slice(1, None)])
def test_taking_some_prompts_takes_all_that_belongs_to_them(prompts, index):
    taken = prompts.take(index)
    kept = torch.arange(2)[index].tolist()
    assert taken.texts == tuple(prompts.texts[i] for i in kept)
    assert taken.template.tolist() == [[0, 6][i] for i in kept]
    assert torch.equal(taken.at(taken.tokens, "IO"), prompts.at(prompts.tokens, "IO")[kept])
    assert len(taken) == len(kept)


def refusal(tokenizer, sentences=SENTENCES, **more):
    with pytest.raises(ValueError) as error:
        Prompts.write(tokenizer, sentences, **more)
    return str(error.value)


@pytest.mark.parametrize(("sentence", "shown"), [([], "''"), ([(None, "")], "''"), ([(None, "  ")], "'  '")])
def test_an_empty_prompt_is_refused(tokenizer, sentence, shown):
    assert refusal(tokenizer, [sentence]) == f"The prompt {shown} is empty. Write at least one word."


def test_no_prompt_at_all_is_refused(tokenizer):
    assert refusal(tokenizer, []) == "There is no prompt to write. Give at least one sentence."


def test_a_prompt_longer_than_the_context_is_refused(tokenizer):
    sentence = [(None, "Then," + " John" * 70)]
    ids = len(tokenizer(sentence[0][1], add_special_tokens=False)["input_ids"])
    assert refusal(tokenizer, [sentence], context=64) == (
        f"The prompt has {ids} tokens, but the model reads at most 64. Make it shorter by {ids - 64}."
    )


def test_the_beginning_of_text_counts_towards_the_context(tokenizer):
    sentence = [(None, " John" * 64)]
    assert Prompts.write(tokenizer, [sentence], context=64).length.tolist() == [64]
    assert "has 65 tokens" in refusal(tokenizer, [sentence], context=64, bos=True)


def test_a_name_of_several_tokens_is_refused_with_its_pieces(tokenizer):
    pieces = [tokenizer.decode([i]) for i in tokenizer(" Zbigniew", add_special_tokens=False)["input_ids"]]
    sentence = [(None, "Then,"), ("IO", " Zbigniew"), (None, " left")]
    rest = (f" ' Zbigniew' is {len(pieces)} tokens ({', '.join(map(repr, pieces))}); it must be one token."
            " Choose another word, and mind the space before it.")  # fmt: skip
    assert len(pieces) > 1
    assert refusal(tokenizer, [sentence]) == "The word for IO" + rest
    assert refusal(tokenizer, SENTENCES[:1], answers=[{"io": " Zbigniew"}]) == "The answer io" + rest


def test_an_empty_answer_is_refused(tokenizer):
    assert refusal(tokenizer, SENTENCES[:1], answers=[{"io": ""}]) == (
        "The answer io '' is 0 tokens (none); it must be one token."
        " Choose another word, and mind the space before it."
    )


def test_pieces_that_tokenise_otherwise_than_the_sentence_are_refused(tokenizer):
    assert refusal(tokenizer, [[(None, "Then, Jo"), (None, "hn left")]]) == (
        "The pieces of 'Then, John left' are not tokenised as the sentence is: Then, Jo | hn left."
        " Cut before a space, never after it or inside a word."
    )


def test_sentences_with_different_roles_are_refused(tokenizer):
    assert refusal(tokenizer, [SENTENCES[0], SENTENCES[1][:2]]) == (
        "All prompts of a batch must have the same roles; one has S1, IO, S2, another IO."
    )


def test_a_role_may_stand_once_and_not_be_called_end(tokenizer):
    assert refusal(tokenizer, [[("IO", " Mary"), ("IO", " Mary")]]) == (
        "The role 'IO' stands twice in one sentence. Give each place its own name."
    )
    assert refusal(tokenizer, [[("end", " Mary")]]) == (
        'A role cannot be called "end": that spot is always the last token. Rename it.'
    )


def test_an_unknown_spot_is_refused_with_the_known_ones(prompts):
    with pytest.raises(ValueError) as error:
        prompts.mask("S3")
    assert str(error.value) == "These prompts have no spot 'S3'. Their spots are S1, IO, S2, end."


def test_one_answer_per_sentence_is_demanded(tokenizer):
    assert refusal(tokenizer, SENTENCES, answers=ANSWERS[:1]) == (
        "There are 2 sentences, but 1 entries in 'answers'. Give one per sentence."
    )


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("Mary", " Mary"), (" Mary", " Mary"), ("Mary ", " Mary"), ('"Mary"', "Mary"), ("“Mary”", "Mary"),
        (".", "."), (" .", " ."), ("'s", "'s"), ("ing", " ing"), ('"ing"', "ing"), ("1992", " 1992"),
        ("\\n", "\n"), ("\n", "\n"), ("↵", "\n"), ('"\\n\\n"', "\n\n"), ('" "', " "), ('"', '"'),
        ('""', '""'),
        ("·Mary", " Mary"), ("·", "·"), ("été", " été"), ("😀", "😀"), ("", ""), ("  ", ""),
    ],
)  # fmt: skip
def test_what_is_typed_means_one_text(typed, text):
    assert meant(typed) == text
    assert not text or meant(typed_as(text)) == text


GPT2 = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"


@pytest.fixture(scope="module")
def gpt2s():
    if not GPT2.is_dir():
        pytest.skip("GPT-2's tokenizer is not on this machine")
    return GPT2TokenizerFast.from_pretrained(GPT2)


@pytest.mark.parametrize(
    ("typed", "text", "other", "instead"),
    [
        ("Warsaw", " Warsaw", "", ""),
        ("Mary", " Mary", "Mary", '"Mary"'), ('"Mary"', "Mary", " Mary", "Mary"),
        (".", ".", " .", '" ."'), (" .", " .", ".", "."), (",", ",", " ,", '" ,"'), ("\\n", "\n", "", ""),
        ("ing", " ing", "ing", '"ing"'), ('"ing"', "ing", " ing", "ing"), ("'s", "'s", "", ""),
    ],
)  # fmt: skip
def test_gpt2_is_asked_the_token_that_is_typed_and_the_other_is_offered(gpt2s, typed, text, other, instead):
    found = asked(gpt2s, typed, "The answer")
    assert (found.text, gpt2s.decode([found.token]), found.other, found.instead) == (
        text,
        text,
        other,
        instead,
    )
    assert not instead or asked(gpt2s, instead, "The answer").text == other


def test_an_answer_of_several_tokens_is_refused_with_what_to_type(gpt2s, pocket):
    with pytest.raises(ValueError) as told:
        asked(pocket.tokenizer, "ing", "The answer")
    assert str(told.value) == (
        "The answer ' ing' is 2 tokens (' in', 'g'); it must be one token. "
        "'ing' is one: write \"ing\", in quotes."
    )
    with pytest.raises(ValueError) as told:
        asked(gpt2s, "Wakanda", "The answer")
    assert str(told.value) == (
        "The answer ' Wakanda' is 2 tokens (' Wak', 'anda'); it must be one token. Choose another word."
    )


def test_nothing_typed_is_told(pocket):
    with pytest.raises(ValueError) as told:
        asked(pocket.tokenizer, "  ", "The answer")
    assert str(told.value) == "The answer is missing: write one word, such as Mary."
