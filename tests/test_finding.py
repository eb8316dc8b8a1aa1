"""Findings: sentences a notebook shows as prose, whatever words stand in them."""

import pytest
from markdown_it import MarkdownIt

from interp.finding import Finding


def html_of(finding):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(finding._repr_markdown_())


def test_one_sentence_is_a_paragraph_and_several_are_a_list():
    assert html_of(Finding.of("L4H2 flips it.")) == "<p>L4H2 flips it.</p>\n"
    both = Finding.of("One.", ["Two.", "Three."])
    assert html_of(both) == "<ul>\n<li>One.</li>\n<li>Two.</li>\n<li>Three.</li>\n</ul>\n"
    assert (str(both), repr(both)) == ("One.\nTwo.\nThree.",) * 2


def test_a_mapping_reads_without_brackets_or_quotes():
    found = Finding.of({"name_mover": "L3H0, at end", "steps": [100, 400], "nobody": ()})
    assert found.sentences == ("name mover: L3H0, at end", "steps: 100, 400", "nobody: none")


@pytest.mark.parametrize(
    "word",
    ["*Mary*", "_a_ __b__", "[x](y)", "<b>x</b>", "`code`", "a|b", "~~no~~", r"\*", "&lt;", "1. one", "- one",
     "# one", "+ one", "1) one", "===", "---", "![x](y)", "{'a': 1}", "a\n\n    b"],
)  # fmt: skip
def test_words_in_a_sentence_are_never_read_as_markup(word):
    shown = " ".join(word.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert html_of(Finding.of(word)) == f"<p>{shown}</p>\n"
    assert html_of(Finding.of(word, word)) == "<ul>\n" + 2 * f"<li>{shown}</li>\n" + "</ul>\n"
