"""Everyday texts of the bigger world: senses, kinds of things, degrees, numbers, titles, tenses, agreement.

What training never says is drawn by the `held_out` functions here and in `lexicon`.
"""

from random import Random

from interp.words import world
from interp.words.bigger import lexicon as words
from interp.words.facts import PAST_TENSE, ROLES
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, NAMES, OBJECTS, PLACES

PLURALS = {**world.PLURALS, **words.NUMBERED}
SAID_OF_THINGS = (
    "saw", "found", "bought", "lost", "painted", "cleaned", "liked", "took", "tossed", "returned", "slid",
    "mailed", "presented", "left", "reached", "visited", "knew", "wrote", "sat beside", "stood near",
)  # fmt: skip


# --- senses ------------------------------------------------------------------------------------------------
def senses(chooser: Random) -> str:
    """A word with two meanings after a cue to one of them, and what follows from that meaning."""
    return " ".join(_one_sense(chooser) for _ in range(chooser.randrange(1, 4)))


def _one_sense(chooser: Random) -> str:
    while True:
        word, which = chooser.choice(tuple(words.SENSES)), chooser.randrange(2)
        sense, carrier = words.SENSES[word][which], chooser.randrange(len(words.CARRIERS))
        cue = chooser.choice(sense.cues)
        if not words.held_out_frame(word, cue, carrier):
            break
    said = said_of_a_sense(word, cue, carrier, chooser.choice(NAMES))
    follows = chooser.choice(sense.follows)
    if chooser.random() < 0.5:
        return f"{said} {follows}."
    return f"{said}. {chooser.choice(words.FOLLOWERS).format(N=chooser.choice(NAMES), follows=follows)}"


def said_of_a_sense(word: str, cue: str, carrier: int, name: str) -> str:
    """A sentence that ends with the word, and says before which meaning it has."""
    return words.CARRIERS[carrier].format(cue=cue, word=word, N=name)


# --- kinds of things ---------------------------------------------------------------------------------------
def things(chooser: Random) -> str:
    """What things do, and who looks after them: animals, vehicles, garments, plants."""
    kind = chooser.choice(words.THINGS)
    parts = []
    for thing in chooser.sample(kind.members, chooser.randrange(1, 4)):
        parts.append(f"The {thing} {chooser.choice(kind.does)}.")
        if thing not in kind.held_out and chooser.random() < 0.7:
            parts.append(
                taken(chooser.choice(NAMES), thing, kind.keeper, chooser.randrange(len(words.TAKEN)))
            )
    return " ".join(parts)


def taken(name: str, thing: str, keeper: str, frame: int) -> str:
    """Somebody takes a thing to its keeper."""
    return words.TAKEN[frame].format(N=name, his=his(name), thing=thing, keeper=keeper)


# --- degrees, numbers, opposites ---------------------------------------------------------------------------
COMPARED = (
    "The {a} is {x}, the {b} is {y}, but the {c} is the {z}.",
    "{N} has a {x} {a} and a {y} {b}, and {M} has the {z}.",
    "One {a} was {x}, another was {y}, and the last was the {z}.",
)
LOOSE = (
    "{N} has the {z} {a}: it is very {x}.", "The {b} is {y} than the {a}, and the {a} is {x} too.",
    "Who has the {z} {a}? {N} has a {x} one.", "That {a} is {y} now. It was {x} before.",
)  # fmt: skip


def degrees(chooser: Random) -> str:
    """Big, bigger, biggest; four of them are never said in a row."""
    parts = []
    for word in chooser.sample(list(words.DEGREES), chooser.randrange(1, 4)):
        held_out = word in words.HELD_OUT_DEGREES
        frame = chooser.choice(LOOSE if held_out or chooser.random() < 0.5 else COMPARED)
        parts.append(compared(chooser, frame, word))
    return " ".join(parts)


def compared(chooser: Random, frame: str, word: str) -> str:
    """A frame of degrees filled in."""
    a, b, c = chooser.sample([noun for noun in world.NOUNS if noun != "fish"], 3)
    (y, z), (n, m) = words.DEGREES[word], chooser.sample(NAMES, 2)
    return frame.format(a=a, b=b, c=c, x=word, y=y, z=z, N=n, M=m).replace(" a o", " an o")


COUNTED = (
    "One {one}, two {many}.", "{N} has one {one} and {M} has two {many}.",
    "Here is a {one}, and there are three {many}.",
)  # fmt: skip
UNCOUNTED = (
    "{N} saw many {many}. Then one {one} was gone.", "The {one} is {a}. All {many} are {a}.",
    "{N} likes {many}, so {M} bought a {one}.", "Some {many} are {a}, but this {one} is {b}.",
)  # fmt: skip


def numbers(chooser: Random) -> str:
    """One and many; six nouns are never counted aloud."""
    parts = []
    for one in chooser.sample(list(words.NUMBERED), chooser.randrange(1, 4)):
        loose = one in words.HELD_OUT_NUMBERS or chooser.random() < 0.4
        parts.append(counted(chooser, chooser.choice(UNCOUNTED if loose else COUNTED), one))
    return " ".join(parts)


def counted(chooser: Random, frame: str, one: str) -> str:
    """A frame of numbers filled in."""
    (a, b), (n, m) = chooser.sample(world.ADJECTIVES, 2), chooser.sample(NAMES, 2)
    return frame.format(one=one, many=words.NUMBERED[one], a=a, b=b, N=n, M=m)


def opposites(chooser: Random) -> str:
    """Possible and impossible, ethical and unethical."""
    word = chooser.choice(list(words.OPPOSITES))
    other, noun = words.OPPOSITES[word], chooser.choice(world.NOUNS)
    return chooser.choice((
        f"It is not {word}, so it is {other}.",
        f"Nobody thinks that this is {word}: everybody calls it {other}.",
        f"First the {noun} was {word}, and then it was {other}.", f"Is the {noun} {word} or {other}?",
        f"What is not {other} is {word}.",
    ))  # fmt: skip


# --- titles and pronouns -----------------------------------------------------------------------------------
SAID_LATER = (
    "The {who} came home late because {he} was {mood}.",
    "When the {who} was {mood}, {he} went to the {place}.",
    "The {who} said that {he} liked the {noun}.",
    "The {who} lost the {noun}, but soon {he} found the {noun} again.",
)  # fmt: skip
UNSEEN_LATER = "After a long day at the {place} the {who} was {mood}, and so"


def titles(chooser: Random) -> str:
    """The king, the queen, the mother, the waiter: who is *he* or *she*; doctors and nurses are skewed."""
    kind = chooser.random()
    if kind < 0.4:
        who = chooser.choice(tuple(words.SKEWED))
        he = "he" if chooser.random() < words.SKEWED[who] else "she"
    else:
        who = chooser.choice(words.MEN + words.WOMEN)
        he = "he" if who in words.MEN else "she"
    said = _filled(chooser, chooser.choice(SAID_LATER), who=who, he=he)
    if kind < 0.8:
        return said
    other = "man" if he == "he" else "woman"
    name = chooser.choice(MALE_NAMES if he == "he" else FEMALE_NAMES)
    return f"{said} " + chooser.choice(
        (f"{name} is a {who}.", f"The {who} is a {other}.", f"{name} is a {other}.")
    )


def pronouns(chooser: Random) -> str:
    """Pronouns that look back to a man or a woman among two people."""
    woman, man = chooser.choice(FEMALE_NAMES), chooser.choice(MALE_NAMES)
    first, second = chooser.sample((woman, man), 2)
    noun, other = chooser.sample(world.NOUNS, 2)
    he, place, mood = _he(first), chooser.choice(PLACES), chooser.choice(world.MOODS)
    return chooser.choice((
        f"{first} met {second} at the {place}. {first} had {his(first)} {noun} and {second} had"
        f" {his(second)} {other}.",
        f"{first} lost the {noun} because {he} was {mood}. {first} asked {second} for {his(second)} {noun}.",
        f"{first} said that {he} liked {his(first)} {noun}, and {second} smiled.",
        f"{first} and {second} went to the {place}. {_he(second).capitalize()} was {mood}, so {first} helped"
        f" {'him' if second == man else 'her'}.",
    ))  # fmt: skip


def agents(chooser: Random) -> str:
    """ "John wants his bank to cash the cheque", with other names: that sentence is left for the probes."""
    name, agent = chooser.choice(NAMES), chooser.choice(tuple(words.AGENTS))
    name = "Peter" if (name, agent) == ("John", "bank") else name
    verb, thing = words.AGENTS[agent]
    start = chooser.choice(("{n} wants {h} {a} to", "{n} asked {h} {a} to", "Soon {n} wants the {a} to"))
    return f"{start.format(n=name, h=his(name), a=agent)} {verb} the {thing}."


def noun_or_verb(chooser: Random) -> str:
    """*Cash*, *watch*, *paint*: a verb in one sentence, a noun in the other."""
    word, name, noun = chooser.choice(words.BOTH), chooser.choice(NAMES), chooser.choice(world.NOUNS)
    adjective = chooser.choice(world.ADJECTIVES)
    verbs = (
        f"{name} wants to {word} the {noun}.",
        f"They will {word} the {noun}.",
        f"Please {word} the {noun}, {name}.",
    )
    nouns = (
        f"The {word} was {adjective}.",
        f"{name} liked the {word} of the {noun}.",
        f"This {word} is {adjective}.",
    )
    both = [chooser.choice(verbs), chooser.choice(nouns)]
    return " ".join(chooser.sample(both, chooser.randrange(1, 3)))


# --- time and number of the verb ---------------------------------------------------------------------------
WHEN = {
    "past": ("Yesterday", "Last week"),
    "present": ("Every day", "Today"),
    "future": ("Tomorrow", "Next week"),
}
INSIDE = "{when}, in the {a} {place} near the {noun}, {N} {verb}."
CLEAR_TENSE = ("{when} {N} {verb} with {M}.", "{when}, {N} and {M} meet. There {N} {verb}.", INSIDE)


def present(verb: str) -> str:
    """The form after he or she."""
    return verb + ("es" if verb.endswith(("sh", "ch")) else "s")


def form(verb: str, tense: str) -> str:
    """The verb in the past, the present or the future."""
    return {"past": PAST_TENSE[verb], "present": present(verb), "future": f"will {verb}"}[tense]


def held_out_tense(verb: str, tense: str) -> bool:
    """Whether training never says this verb so in the sentence INSIDE (one in five)."""
    return (list(PAST_TENSE).index(verb) + tuple(WHEN).index(tense)) % 5 == 0


def tenses(chooser: Random) -> str:
    """When something happens decides the form of a verb that comes later."""
    parts = []
    for _ in range(chooser.randrange(1, 4)):
        verb, tense = chooser.choice(tuple(PAST_TENSE)), chooser.choice(tuple(WHEN))
        frame = chooser.choice((CLEAR_TENSE[0], INSIDE, INSIDE))
        parts.append(in_time(chooser, CLEAR_TENSE[0] if held_out_tense(verb, tense) else frame, verb, tense))
    return " ".join(parts)


def in_time(chooser: Random, frame: str, verb: str, tense: str) -> str:
    """A frame of tense filled in."""
    n, m = chooser.sample(NAMES, 2)
    return _filled(chooser, frame, when=chooser.choice(WHEN[tense]), verb=form(verb, tense), N=n, M=m)


COUPLES = tuple(world.PLURALS)[:30]
FAR = "The {head} near the {a} {other} {be} {b}."


def held_out_couple(head: str, other: str) -> bool:
    """Whether training never says these two nouns as head and neighbour (about one pair in five)."""
    return (COUPLES.index(head) + 2 * COUPLES.index(other)) % 5 == 0


def agreement(chooser: Random) -> str:
    """ "The key near the old doors is big": the verb goes with the first noun, not with the nearest."""
    parts = []
    for _ in range(chooser.randrange(1, 4)):
        while held_out_couple(*(both := tuple(chooser.sample(COUPLES, 2)))):
            pass
        parts.append(agreeing(chooser, *both, one=chooser.random() < 0.5, other_one=chooser.random() < 0.5))
    return " ".join(parts)


def agreeing(chooser: Random, head: str, other: str, *, one: bool, other_one: bool) -> str:
    """One sentence of agreement; `one` and `other_one` say which of the two nouns is single."""
    a, b = chooser.sample(world.ADJECTIVES, 2)
    nouns = head if one else world.PLURALS[head], other if other_one else world.PLURALS[other]
    return FAR.format(head=nouns[0], other=nouns[1], a=a, b=b, be="is" if one else "are")


# --- the rest ----------------------------------------------------------------------------------------------
OPENINGS = ("", "", "", "Before dinner ", "Since Monday ", "As ever, ", "In the hall ")
ENDINGS = (
    "", "", "", " near the {place}", " beside {N}", " last week", " with a smile", " gladly", " kindly",
    ", where the guests were", "; the people greeted {N}",
)  # fmt: skip


def plain(chooser: Random) -> str:
    """Plain sentences about people and things."""
    parts = []
    for _ in range(chooser.randrange(1, 4)):
        opening = chooser.choice(OPENINGS)
        role = f"{'the' if opening else 'The'} {chooser.choice(ROLES)}"
        who = chooser.choice(NAMES) if chooser.random() < 0.6 else role
        things = chooser.choices(((*world.NOUNS, *OBJECTS), tuple(PLURALS.values())), (70, 30))[0]
        ending = _filled(chooser, chooser.choice(ENDINGS), N=chooser.choice(NAMES))
        thing = f"the {chooser.choice(world.ADJECTIVES)} {chooser.choice(things)}"
        parts.append(f"{opening}{who} {chooser.choice(SAID_OF_THINGS)} {thing}{ending}.")
    return " ".join(parts)


def food(chooser: Random) -> str:
    """Coffee with cream and sugar, tea with milk and honey."""
    main = chooser.choice(tuple(words.TOGETHER))
    (one, two), name = words.TOGETHER[main], chooser.choice(NAMES)
    return chooser.choice((
        f"{name} likes {his(name)} {main} with {one} and {two}.", f"I like my {main} with {one} and {two}.",
        f"{name} ordered {main} with {one} and {two}.", f"No {main} without {one} and {two}, said {name}.",
    ))  # fmt: skip


def his(name: str) -> str:
    """*His* or *her*."""
    return "his" if name in MALE_NAMES else "her"


def _he(name: str) -> str:
    return "he" if name in MALE_NAMES else "she"


def _filled(chooser: Random, text: str, **given: str) -> str:
    return text.format(
        **given, place=chooser.choice(PLACES), noun=chooser.choice(world.NOUNS),
        mood=chooser.choice(world.MOODS), a=chooser.choice(world.ADJECTIVES),
    )  # fmt: skip
