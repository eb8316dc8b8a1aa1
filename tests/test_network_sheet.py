"""The network on a sheet: it says the model's own numbers, news flows forwards, nothing is cut off."""

import numpy as np
import pytest

from interp import figures, models
from interp.figures import network_sheets, page
from interp.result import Result
from interp.studies.neurons import weights

SENTENCE = ("Mary", "saw", "John.", "John", "gave", "a", "drink", "to")


def counts(*numbers):
    return Result(np.array(numbers), {"part": network_sheets.PARTS}, "count", "", {"model": "made"})


def planned(result, sentence=SENTENCE):
    return network_sheets._planned(result, sentence, "?", network_sheets.WIDE, network_sheets.HIGH)


def test_it_counts_the_parts_of_the_model_at_hand(tiny):
    card, drawn = models.describe(tiny), weights.sheet(tiny)
    expected = [card.vocabulary, card.d_model, card.layers, card.heads, card.d_mlp]
    assert [float(drawn.at(part=part)) for part in network_sheets.PARTS] == expected


def test_every_number_is_said_in_the_picture_and_to_those_who_cannot_see_it():
    made = figures.network_sheet(counts(50_257, 768, 12, 13, 3072), sentence=SENTENCE, title="made")
    svg = made._printed["svg"].decode()
    for number in ("50,257", "768", "12", "13", "3,072"):
        assert number in made.alt
        assert number in svg.split("</desc>")[-1]
    assert "layers 1 to 11, built alike" in svg


def test_news_passes_between_words_in_the_heads_row_alone_and_only_forwards():
    plan = planned(counts(10, 8, 2, 2, 32))
    (heads,) = [box for box in plan.boxes if box.fill == network_sheets.HEADS]
    for arrow in plan.arrows:
        (x, y), (to_x, to_y) = arrow.start, arrow.end
        assert to_y > y
        assert arrow.brings or x == to_x
        if arrow.brings:
            assert to_x > x
            assert heads.y - heads.high / 2 <= y < to_y <= heads.y + heads.high / 2
    assert sum(arrow.brings for arrow in plan.arrows) == len(SENTENCE)


@pytest.mark.parametrize("sentence", [("a", "b"), SENTENCE, ("overwhelmingly", *SENTENCE, "unbelievably")])
def test_boxes_keep_apart_and_notes_keep_to_the_right(sentence):
    plan = planned(counts(50_257, 1600, 48, 25, 6400), sentence)
    sides = [(b.x - b.wide / 2, b.x + b.wide / 2, b.y - b.high / 2, b.y + b.high / 2) for b in plan.boxes]
    for at, (left, right, low, high) in enumerate(sides):
        assert -1 <= left < right <= network_sheets.LEFT * network_sheets.WIDE + 1
        assert all(right <= a or b <= left or high <= c or d <= low for a, b, c, d in sides[at + 1 :])
    lines = [
        page.wrapped(text, network_sheets.WIDE - x - 4, network_sheets.NOTE) for x, _, text in plan.notes
    ]
    assert max(map(len, lines)) <= 3


def test_one_layer_is_no_other_layer():
    assert any(box.text == "no other layer" for box in planned(counts(10, 8, 1, 2, 32)).boxes)


@pytest.mark.parametrize(
    ("result", "sentence", "said"),
    [
        (Result(np.array([1.0]), {"part": ("layers",)}, "count", ""), SENTENCE, "no count of 'words known'"),
        (counts(1, 1, 1, 1, 1), ("alone",), "a sentence of 1 word"),
    ],
)
def test_what_cannot_be_drawn_is_said(result, sentence, said):
    with pytest.raises(ValueError, match=said):
        figures.network_sheet(result, sentence=sentence, title="made")
