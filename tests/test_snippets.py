"""Snippets: every token where it belongs, its number in the colour and in the CSV, and what is refused."""

import csv
import io
import itertools
import json
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex

from interp import figures
from interp.figures import theme
from interp.result import Result

TEXTS = [["", " the", " dog", " ran"], [" a", " big", " cat", ""], [" one", " two", " fish", ""]]
HOSTILE = "<img src=x>"


def result(values=((np.nan, 0.1, 1.0, 0.0), (0.0, 0.5, 0.8, np.nan), (0.2, 0.0, 0.9, np.nan))):
    axes = {"context": ("L0N1 1", "L0N1 2", "L3N2 1"), "place": (-2, -1, 0, 1)}
    return Result(np.array(values), axes, "activation, share of the largest", "", {"model": "pocket"})


def drawn(tokens=TEXTS, groups=None):
    return figures.snippets(
        result(), title="Two neurons", tokens=tokens, groups=groups or {"L0N1\nanimals": 2, "L3N2\nfish": 1}
    )


def test_all_tokens_with_a_number_are_in_both_twins_and_none_without():
    figure = drawn()
    expected = {"·the", "·dog", "·ran", "·a", "·big", "·cat", "·one", "·two", "·fish"}
    static = {text.get_text() for text in figure.matplotlib("").axes[0].texts}
    names = {"L0N1", "animals", "L3N2", "fish"}
    assert static == expected | names
    chart = json.loads(figure.plotly().to_json())
    assert {note["text"] for note in chart["layout"]["annotations"]} == expected | names


def test_the_marked_tokens_end_in_one_column_and_alone_are_framed():
    axes = drawn().matplotlib("").axes[0]
    framed = [patch for patch in axes.patches if patch.get_linewidth() > 1]
    assert len(framed) == 3
    assert len({round(patch.get_x() + patch.get_width(), 6) for patch in framed}) == 1


def test_boxes_of_a_line_do_not_overlap_and_lines_follow_one_another():
    axes = drawn().matplotlib("").axes[0]
    rows = {}
    for patch in axes.patches:
        rows.setdefault(round(patch.get_y(), 3), []).append(
            (patch.get_x(), patch.get_x() + patch.get_width())
        )
    assert len(rows) == 3
    for boxes in rows.values():
        ordered = sorted(boxes)
        assert all(left[1] <= right[0] + 1e-6 for left, right in itertools.pairwise(ordered))


def test_the_colour_runs_from_the_tints_ends():
    axes = drawn().matplotlib("").axes[0]
    colours = {to_hex(patch.get_facecolor()).upper() for patch in axes.patches}
    assert {theme.TINT[0], theme.TINT[-1]} <= colours
    assert all(theme.contrast(theme.ink_on(colour), colour) >= 4.5 for colour in colours)


def test_the_csv_holds_the_numbers():
    rows = list(csv.DictReader(io.StringIO(result().to_csv())))
    assert rows[2] == {"context": "L0N1 1", "place": "0", "value": "1"}


def test_markup_in_a_token_stays_text(tmp_path):
    texts = [[HOSTILE if text == " dog" else text for text in line] for line in TEXTS]
    figure = drawn(tokens=texts)
    figure.save("snippets", tmp_path)
    html = (tmp_path / "pocket" / "snippets.html").read_text(encoding="utf-8")
    assert not re.search(r"<img src=x>", html.split("<script")[0])
    notes = json.loads(figure.plotly().to_json())["layout"]["annotations"]
    assert "&lt;img src=x&gt;" in [note["text"] for note in notes]


def test_tokens_and_groups_that_do_not_fit_are_refused():
    with pytest.raises(ValueError) as error:
        drawn(tokens=TEXTS[:2])
    assert str(error.value) == ("snippets needs one text per number: give tokens in the shape of the values.")
    with pytest.raises(ValueError) as error:
        drawn(groups={"L0N1": 2})
    assert str(error.value) == "snippets got groups of 2 contexts for 3; they must agree."


def test_the_alt_text_stands_on_one_line():
    result = Result(np.array([[0.5, 1.0]]), {"context": (0,), "place": (-1, 0)}, "activation", "share")
    drawn = figures.snippets(result, title="A question", tokens=[("Q: who?\n", "A:")], groups={"one": 1})
    assert "Q: who? A:" in drawn.alt
    assert "\n" not in drawn.alt
