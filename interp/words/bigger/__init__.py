"""The bigger pocket world: senses, plurals, titles, errands, stories, beliefs, and all that the old one has.

`document(chooser, phase)` writes one text. A phase is a mix of kinds: a model first learns to copy, then to
choose whom a gift goes to, and facts last (`PHASES`). What training never says is listed in each module and
asked by `exams`. Everything is drawn from the chooser: one seed writes one world.
"""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from interp.words import ioi, world
from interp.words.bigger import facts, gifts, lexicon, scenes, stories
from interp.words.facts import PAST_TENSE

Kind = Callable[[Random], str]
END_OF_TEXT = world.END_OF_TEXT


def repetition(chooser: Random) -> str:
    """A list of random words of this world, said twice or three times."""
    words = [chooser.choice(ALL_WORDS) for _ in range(chooser.randrange(3, 18))]
    return " " + " ".join(words * chooser.choice((2, 2, 3)))


EVERYDAY: Mapping[Kind, float] = MappingProxyType({
    gifts.errand: 6, scenes.senses: 9, scenes.things: 4, scenes.degrees: 3, scenes.numbers: 3,
    scenes.opposites: 1, scenes.titles: 3, scenes.pronouns: 3, scenes.agents: 2, scenes.noun_or_verb: 2,
    scenes.tenses: 4, scenes.agreement: 4, scenes.plain: 5, scenes.food: 1, stories.story: 10,
    stories.beliefs: 5, stories.roles: 5, stories.fitting: 3, stories.flying: 2, facts.known_people: 5,
    world.tenses: 3, world.capitals_of_letters: 3, world.times: 2, world.news: 2, world.small_talk: 1,
    world.senses: 1,
})  # fmt: skip
COPYING: Mapping[Kind, float] = MappingProxyType({
    gifts.people: 5, facts.evasive: 6, facts.mixed: 7, facts.name_hops: 6, facts.lookup: 6,
    facts.nationalities: 7,
})  # fmt: skip
RECALL: Mapping[Kind, float] = MappingProxyType({
    world.questions: 15, world.examples: 5, world.two_hops: 13, world.contradiction: 9,
    facts.nationalities: 6, facts.name_hops: 2,
})  # fmt: skip

PHASES: Mapping[str, Mapping[Kind, float]] = MappingProxyType({
    "copying": {gifts.free_gift: 30, repetition: 34, **COPYING, **EVERYDAY},
    "gifts": {gifts.gift: 60, repetition: 20, **COPYING, **EVERYDAY},
    "facts": {gifts.gift: 32, repetition: 16, **RECALL, **EVERYDAY},
})  # fmt: skip


def document(chooser: Random, phase: str) -> str:
    """One text of this phase. Raises KeyError for a phase that is not in `PHASES`."""
    mix = PHASES[phase]
    return chooser.choices(list(mix), list(mix.values()))[0](chooser)


def any_document(chooser: Random) -> str:
    """One text of any phase."""
    return document(chooser, chooser.choice(list(PHASES)))


def _all_words() -> tuple[str, ...]:
    """Every word that stands alone, sorted, so that a seed means one thing."""
    senses = [word for pair in lexicon.SENSES.values() for one in pair for word in one.cues + one.follows]
    things = [word for kind in lexicon.THINGS for word in (*kind.members, kind.keeper)]
    degrees = [word for one, more in lexicon.DEGREES.items() for word in (one, *more)]
    food = [word for main, with_it in lexicon.TOGETHER.items() for word in (main, *with_it)]
    told = [value for attribute in lexicon.ATTRIBUTES for value in attribute.values]
    now = [scenes.present(verb) for verb in PAST_TENSE]
    known = [word for one in lexicon.KNOWN for word in (one.first, one.last, one.work, one.home)]
    lists = (
        world.ALL_WORDS, senses, things, degrees, food, told, now, known, lexicon.SENSES, lexicon.NUMBERED,
        lexicon.NUMBERED.values(), lexicon.OPPOSITES, lexicon.OPPOSITES.values(), lexicon.MEN, lexicon.WOMEN,
        lexicon.SKEWED, lexicon.PEOPLE, lexicon.SERVICES.values(), lexicon.DUTIES.values(), lexicon.NESTED,
        lexicon.FLYERS, lexicon.LIKENESS, lexicon.FLIES, lexicon.FRUIT, lexicon.ERRAND_THINGS,
        lexicon.ERRAND_PLACES, lexicon.NATIONALITY.values(), lexicon.MORE_NATIONS,
        lexicon.MORE_NATIONS.values(), lexicon.BOTH, lexicon.AGENTS, ioi.OBJECTS,
    )  # fmt: skip
    return tuple(sorted({word for words in lists for word in words}))


ALL_WORDS = _all_words()
# Words that may begin a text, so that they have no space before them
FIRST_WORDS = (*ioi.NAMES, *dict.fromkeys(one.first for one in lexicon.KNOWN), "Later")
