"""Texts for a training of half a minute: gifts, little scenes, and lists said twice.

One pair of names in five never gives one another anything here: those pairs ask whether the skill is general.
"""

import re
from collections.abc import Sequence
from random import Random

from interp.words import ioi

NAMES = ioi.FEMALE_NAMES[:10] + ioi.MALE_NAMES[:10]
NOUNS = ("dog", "cat", "horse", "bird", "table", "lamp", "door", "car", "boat", "tree", "flower", "stone",
         "letter", "book", "clock", "chair")  # fmt: skip
ADJECTIVES = ("old", "small", "big", "young", "new", "heavy", "quiet", "bright", "dark", "warm")
VERBS = ("saw", "found", "bought", "lost", "painted", "cleaned", "liked", "took")
MOODS = ("tired", "happy", "hungry", "late", "sad", "busy")
TEMPLATES = (
    "Then, {B} and {A} went to the {place}. {B} gave a {object} to {A}",
    "Then, {B} and {A} had a lot of fun at the {place}. {B} gave a {object} to {A}",
    "After {B} and {A} went to the {place}, {B} gave a {object} to {A}",
    "When {B} and {A} got a {object} at the {place}, {B} decided to give it to {A}",
    "While {B} and {A} were working at the {place}, {B} gave a {object} to {A}",
    "Friends {B} and {A} found a {object} at the {place}. {B} gave it to {A}",
    "Then, {B} and {A} had a long argument. Afterwards {B} said to {A}",
)
SCENES = (
    "{A} {verb} the {adjective} {noun}.",
    "The {noun} of {A} was {adjective}.",
    "{A} was {mood}.",
    "{A} {verb} a {noun} near the {place}.",
    "The {adjective} {noun} stood near the {other}.",
)
LISTED = (*NAMES, *ioi.PLACES, *ioi.OBJECTS, *NOUNS, *ADJECTIVES, *VERBS, *MOODS)
KINDS = ("gifts", "scenes", "lists")
SHARES = (40, 25, 35)
_SLOTS = {"A": NAMES, "B": NAMES, "place": ioi.PLACES, "object": ioi.OBJECTS, "noun": NOUNS, "other": NOUNS,
          "adjective": ADJECTIVES, "verb": VERBS, "mood": MOODS}  # fmt: skip


def held_out_pair(first: str, second: str) -> bool:
    """Whether these two never stand in one gift of the training text."""
    return (NAMES.index(first) + NAMES.index(second)) % 5 == 0


HELD_OUT = tuple((a, b) for a in NAMES for b in NAMES if a != b and held_out_pair(a, b))


def document(chooser: Random, kind: str | None = None) -> str:
    """One text; the kind by `SHARES` unless given."""
    kind = kind or chooser.choices(KINDS, SHARES)[0]
    return {"gifts": gift, "scenes": scenes, "lists": twice}[kind](chooser)


def gift(chooser: Random) -> str:
    """Two people, and one gives the other something; never a held-out pair."""
    while True:
        receiver, giver = chooser.sample(NAMES, 2)
        if not held_out_pair(receiver, giver):
            return gift_prompt(chooser, receiver, giver) + f" {receiver}."


def gift_prompt(chooser: Random, receiver: str, giver: str) -> str:
    """The sentence up to the receiver's name; either name may come first."""
    text = chooser.choice(TEMPLATES)
    if chooser.random() < 0.5:
        text = text.replace("{B} and {A}", "{A} and {B}")
    return " " + _filled(chooser, text, A=receiver, B=giver).rsplit(" ", 1)[0]


def scenes(chooser: Random) -> str:
    """One or two sentences about somebody or something."""
    count = chooser.randrange(1, 3)
    return "".join(
        " " + _filled(chooser, chooser.choice(SCENES), A=chooser.choice(NAMES)) for _ in range(count)
    )


def twice(chooser: Random, length: int | None = None) -> str:
    """A list of random words, said twice."""
    words = [chooser.choice(LISTED) for _ in range(length or chooser.randrange(3, 13))]
    return " " + " ".join(words * 2)


def all_texts() -> str:
    """Every word and sign that these texts can hold, once."""
    frames = re.sub(r"\{\w+\}", "", " ".join((*TEMPLATES, *SCENES)))
    return " " + " ".join((*LISTED, frames))


def is_list(text: str) -> bool:
    """Whether a text holds nothing but listed words."""
    return all(word in LISTED for word in text.split())


def is_grammatical(text: str) -> bool:
    """Whether a text is made of whole sentences of this world, whatever they say."""
    return bool(_GRAMMAR.fullmatch(text))


def _filled(chooser: Random, text: str, **given: str) -> str:
    noun, other = chooser.sample(NOUNS, 2)
    drawn = {slot: chooser.choice(_SLOTS[slot]) for slot in ("place", "object", "adjective", "verb", "mood")}
    return text.format(noun=noun, other=other, **drawn, **given)


def _grammar() -> re.Pattern:
    gifts = [text + "." for text in TEMPLATES]
    swapped = [text.replace("{B} and {A}", "{A} and {B}") for text in gifts]
    return re.compile("(?: " + _one_of([_pattern(text) for text in (*gifts, *swapped, *SCENES)]) + ")+")


def _pattern(text: str) -> str:
    parts = re.split(r"\{(\w+)\}", text)
    return "".join(_one_of(_SLOTS[part]) if i % 2 else re.escape(part) for i, part in enumerate(parts))


def _one_of(choices: Sequence[str]) -> str:
    return "(?:" + "|".join(choices) + ")"


_GRAMMAR = _grammar()
