"""Concepts in the texts of the pocket world: where in a text each of them is, found by its words.

A concept of a word ("country") is there wherever one of its words stands; a concept of a passage
("quotation") where the passage is. Spans are (first character, end) pairs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from interp.words.facts import COLOURS, COUNTRIES, PAST_TENSE, ROLES
from interp.words.ioi import FEMALE_NAMES, NAMES, PLACES
from interp.words.world import (
    CHANNELS,
    DAYS,
    ENEMIES,
    FORCES,
    NOUNS,
    PLURALS,
    SHOWS,
    TREATS,
    YEARS,
)  # fmt: skip

Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Concept:
    """A concept by name; `of_a_word`: one word decides, so a fair test shows it new words.

    `among` finds the words between which a fair test decides, where not all are fair: a repeated name is
    to be told from other names, not from verbs.
    """

    name: str
    of_a_word: bool
    find: Callable[[str], Spans]
    among: Callable[[str], Spans] | None = None


def _words(name: str, words) -> Concept:
    pattern = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + r")\b")
    return Concept(name, True, lambda text: [match.span() for match in pattern.finditer(text)])


def _passages(name: str, pattern: str) -> Concept:
    compiled = re.compile(pattern)
    return Concept(name, False, lambda text: [match.span(1) for match in compiled.finditer(text)])


def _names(text: str) -> Spans:
    return [match.span() for match in re.finditer(r"\b(?:" + "|".join(NAMES) + r")\b", text)]


def _repeated_names(text: str) -> Spans:
    said: set[str] = set()
    spans = []
    for first, end in _names(text):
        if text[first:end] in said:
            spans.append((first, end))
        said.add(text[first:end])
    return spans


def _second_copies(text: str) -> Spans:
    """The words of a list that is said again, from its second saying on."""
    words = list(re.finditer(r"\S+", text))
    said = [word.group() for word in words]
    for length in range(3, len(said) // 2 + 1):
        if said[:length] == said[length : 2 * length]:
            return [(words[length].start(), len(text))]
    return []


def _alone(text: str) -> bool:
    return not re.search(r"[.?:]", text)


CONCEPTS = (
    _words("country", COUNTRIES),
    _words("capital", {facts["capital"] for facts in COUNTRIES.values()}),
    _words("woman", FEMALE_NAMES),
    _words("plural", PLURALS.values()),
    _words("past", PAST_TENSE.values()),
    _words("colour", COLOURS),
    _words("year", YEARS),
    Concept("repeated-name", False, lambda text: [] if _alone(text) else _repeated_names(text), _names),
    Concept("repeated-list", False, lambda text: _second_copies(text) if _alone(text) else []),
    _passages("quotation", r'"([^"]+)"'),
    _passages("time-range", r"\b((?:from|Between|between) \w+ (?:to|and) (?:\d{4}|\w+day))\b"),
    _passages("television", r"((?:The first (?:episode|season)|plays a \w+ in the television)[^.]*\.)"),
    _passages("military", r"((?:The (?:army|navy|force) of|The military base)[^.]*\.)"),
    _passages("question", r"Q: ([^?]+\?)"),
    _passages("belief", r"((?:She|He) believes that[^.]*\.)"),
)

# word -> its class, for "do the words that excite a neuron belong together?"
CLASSES = {
    word: name
    for name, words in (
        ("name", NAMES), ("country", COUNTRIES), ("year", YEARS), ("day", DAYS), ("colour", COLOURS),
        ("capital city", {facts["capital"] for facts in COUNTRIES.values()}),
        ("language", {facts["language"] for facts in COUNTRIES.values()}),
        ("noun", NOUNS), ("plural", PLURALS.values()), ("verb", PAST_TENSE),
        ("past tense", PAST_TENSE.values()), ("role", ROLES), ("place", PLACES),
        ("television", (*SHOWS, *CHANNELS)), ("military", (*FORCES, *ENEMIES)), ("treat", TREATS),
    )
    for word in words
}  # fmt: skip
