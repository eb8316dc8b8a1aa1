"""Sentences with something known about one of their words, for probes: what is noted at that word?

The label never stands at the word itself: it follows from words before it. A group says which items are
alike, so that a probe can be tested on groups that it was not fitted on. Training reads such sentences too,
except the frames that are held out: notes ask what a model writes down, not whether it does something new.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from interp.words.bigger import lexicon as words
from interp.words.bigger import scenes, stories
from interp.words.facts import PAST_TENSE
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, NAMES, PLACES
from interp.words.world import ADJECTIVES, MOODS, NOUNS


@dataclass(frozen=True)
class Noted:
    """A text, the first and last+1 letter of the word that is looked at, its label, and its group."""

    text: str
    at: tuple[int, int]
    label: str
    group: str

    @property
    def word(self) -> str:
        """The word that is looked at."""
        return self.text[slice(*self.at)]


def notes(task: str, number: int, *, seed: int = 0) -> tuple[Noted, ...]:
    """So many sentences of one of `TASKS`; one seed is one set. Raises ValueError for another task."""
    if task not in TASKS:
        raise ValueError(f"There are no notes on {task!r}: choose one of {', '.join(TASKS)}.")
    chooser = Random(f"{task} {seed}")
    return tuple(TASKS[task](chooser) for _ in range(number))


def word_class(chooser: Random) -> Noted:
    """*Cash*, *watch*, *paint*: a verb after *to*, a noun after *the*. Up to the word, which is the group."""
    word, name = chooser.choice(words.BOTH), chooser.choice(NAMES)
    verbs = (f"{name} wants to", f"{name} asked {scenes.his(name)} bank to", "Tomorrow they will", "Please")
    nouns = (
        f"{name} liked the",
        "This",
        f"The {chooser.choice(ADJECTIVES)}",
        f"{name} saw {scenes.his(name)}",
    )
    label = chooser.choice(("verb", "noun"))
    return _at_the_end(f"{chooser.choice(verbs if label == 'verb' else nouns)} {word}", label, word)


def tense(chooser: Random) -> Noted:
    """When it happens, noted at the subject, long after the word of time. The verb to come is the group."""
    label, verb = chooser.choice(tuple(scenes.WHEN)), chooser.choice(tuple(PAST_TENSE))
    form = scenes.form(verb, label)
    said = scenes.in_time(chooser, scenes.INSIDE, verb, label)
    return _at_the_end(said.removesuffix(f" {form}."), label, verb)


def sense(chooser: Random) -> Noted:
    """Which of its two meanings a word has, noted at the word, in a held-out frame. The word is the group."""
    while True:
        word, which = chooser.choice(tuple(words.SENSES)), chooser.randrange(2)
        cue, carrier = chooser.choice(words.SENSES[word][which].cues), chooser.randrange(len(words.CARRIERS))
        if words.held_out_frame(word, cue, carrier):
            break
    return _at_the_end(scenes.said_of_a_sense(word, cue, carrier, chooser.choice(NAMES)), str(which), word)


def coreference(chooser: Random) -> Noted:
    """Whom *he* or *she* means, noted at the pronoun: the one named first, or second. Group: the first."""
    first, second = chooser.sample((chooser.choice(FEMALE_NAMES), chooser.choice(MALE_NAMES)), 2)
    label = chooser.choice(("first", "second"))
    he = "he" if (first if label == "first" else second) in MALE_NAMES else "she"
    said = chooser.choice((f"{first} and {second} went to the {chooser.choice(PLACES)}.",
                           f"{first} met {second} near the {chooser.choice(NOUNS)}."))  # fmt: skip
    return _at_the_end(f"{said} {he.capitalize()}", label, first)


def story(chooser: Random) -> Noted:
    """The pet of the person who is asked about, noted at the name in the question. Group: that name."""
    pet = next(one for one in words.ATTRIBUTES if one.name == "pet")
    second = chooser.choice([one for one in words.ATTRIBUTES if one != pet])
    people, values = chooser.sample(NAMES, 2), chooser.sample(pet.values, 2)
    facts = [stories.Fact(name, pet, value) for name, value in zip(people, values, strict=True)]
    facts += [stories.Fact(name, second, chooser.choice(second.values)) for name in people]
    told = stories.told_story(chooser, facts, 0)
    asked = facts[0].asked.split("?")[0]
    return _at_the_end(told + asked, values[0], people[0])


def mood(chooser: Random) -> Noted:
    """How the person was, said before and asked again: noted at the name. Group: the name."""
    people, moods = chooser.sample(NAMES, 2), chooser.sample(MOODS, 2)
    said = " ".join(f"{name} was {one}." for name, one in zip(people, moods, strict=True))
    at = chooser.randrange(2)
    return _at_the_end(f"{said} Everybody saw {people[at]}", moods[at], people[at])


TASKS: dict[str, Callable[[Random], Noted]] = {
    "word class": word_class, "tense": tense, "sense": sense, "coreference": coreference, "mood": mood,
    "story": story,
}  # fmt: skip


def _at_the_end(text: str, label: str, group: str) -> Noted:
    return Noted(text, (text.rindex(" ") + 1, len(text)), label, group)
