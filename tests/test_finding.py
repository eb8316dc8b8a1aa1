"""Findings: sentences a notebook shows as prose, whatever words stand in them."""

from html import escape

import pytest
from markdown_it import MarkdownIt

from interp import finding
from interp.finding import told


def html_of(finding):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(finding._repr_markdown_())


def test_one_sentence_is_a_paragraph_and_several_are_a_list():
    assert html_of(told("L4H2 flips it.")) == "<p>L4H2 flips it.</p>\n"
    both = told("One.", ["Two.", "Three."])
    assert html_of(both) == "<ul>\n<li>One.</li>\n<li>Two.</li>\n<li>Three.</li>\n</ul>\n"
    assert (str(both), repr(both)) == ("One.\nTwo.\nThree.",) * 2


def test_a_mapping_reads_without_brackets_or_quotes():
    found = told({"name_mover": "L3H0, at end", "steps": [100, 400], "nobody": ()})
    assert found.sentences == ("name mover: L3H0, at end", "steps: 100, 400", "nobody: none")


@pytest.mark.parametrize(
    "word",
    ["*Mary*", "_a_ __b__", "[x](y)", "<b>x</b>", "`code`", "a|b", "~~no~~", r"\*", "&lt;", "1. one", "- one",
     "$a$", r"\(a\)", "$$x_1$$", r"\begin{a}", "12. one", "# one", "+ one", "1) one", "===", "---", "![x](y)",
     "{'a': 1}", "a\n\n    b"],
)  # fmt: skip
def test_words_in_a_sentence_are_never_read_as_markup(word):
    shown = escape(" ".join(word.split()), quote=False)
    for mark in "$\\":  # alone in an element, where no notebook looks for LaTeX
        shown = shown.replace(mark, f"<span>{mark}</span>")
    assert html_of(told(word)) == f"<p>{shown}</p>\n"
    assert html_of(told(word, word)) == "<ul>\n" + 2 * f"<li>{shown}</li>\n" + "</ul>\n"


def test_a_prediction_is_checked_against_the_one_choice_that_came_out():
    assert str(finding.check("The lead fell by 2 nats.", A=False, B=True)) == (
        "B came out. The lead fell by 2 nats."
    )


@pytest.mark.parametrize("choices", [{"A": False, "B": False}, {"A": True, "B": True}])
def test_choices_that_do_not_decide_are_refused(choices):
    with pytest.raises(
        ValueError, match=r"^A prediction is checked against one outcome, but [02] of the choices"
    ):
        finding.check("It came.", **choices)
