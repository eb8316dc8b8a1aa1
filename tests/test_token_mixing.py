"""What a word can know alone: exact where it must be; what is left of words and topics, in a sentence."""

import numpy as np
import pytest

from interp.result import Result
from interp.studies.neurons import token_mixing


def test_a_feed_forward_half_passes_exactly_nothing_between_words_and_attention_does(tiny):
    found = token_mixing.shared(tiny, "Mary and John went to the store")
    assert found.feed_forward == 0
    assert found.attention > 0
    assert "changes by 0 at most" in found.told()


def test_spaces_and_capitals_make_other_words(pocket):
    assert token_mixing.words_told(pocket, "base").startswith("One word written in three ways is ")


def left(words, texts):
    values = np.stack([np.full(20, words), np.full(20, texts)]) + np.linspace(-0.01, 0.01, 20)
    axes = {"pattern": ("one word", "one kind of text"), "neuron": tuple(range(20))}
    return Result(values, axes, "share of the activation left", "share")


@pytest.mark.parametrize(
    ("words", "texts", "verdict"),
    [
        (0.9, 0.2, "topics need the heads more"),
        (0.2, 0.9, "words need them more"),
        (0.5, 0.5, "no sure difference"),
    ],
)
def test_the_sentence_follows_from_what_is_left(words, texts, verdict):
    assert token_mixing.told(left(words, texts)).endswith(f": {verdict}.")


def test_too_few_neurons_of_a_kind_are_refused():
    axes = {"pattern": ("one word", "one kind of text"), "layer": (0,), "neuron": (0, 1)}
    matched = Result(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), axes, "share of neurons", "")
    with pytest.raises(ValueError, match=r"^Only 1 neurons of one word and of one kind of text stand in the"):
        token_mixing.evenly_matched(matched)


def test_neurons_of_both_kinds_come_from_the_same_layers():
    of_words, of_texts = np.zeros((2, 40)), np.zeros((2, 40))
    of_words[0, :30] = of_words[1, :5] = of_texts[0, 30:] = of_texts[1, 10:] = 1
    axes = {"pattern": ("one word", "one kind of text"), "layer": (0, 1), "neuron": tuple(range(40))}
    found = token_mixing.evenly_matched(Result(np.stack([of_words, of_texts]), axes, "share of neurons", ""))
    layers = [[layer for layer, _ in own] for own in found.values()]
    assert layers[0] == layers[1] == [0] * 10 + [1] * 5
