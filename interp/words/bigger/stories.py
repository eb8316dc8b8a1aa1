"""Longer texts of the bigger world: people with several attributes, labels and beliefs, who fixes whose car.

What training never says: one value in five of every person; a false label followed by a belief, and any
label on a bag or a tin; one pair of roles in five.
"""

from dataclasses import dataclass
from random import Random

from interp.words import world
from interp.words.bigger import lexicon as words
from interp.words.bigger.lexicon import ATTRIBUTES, Attribute
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, NAMES, PLACES

# --- stories: two people, four attributes each, some of them change ----------------------------------------
NOW = "But now {told}"
ASKED = "Q: What is the {attribute} of {N}?\nA: {v}\n"


def held_out_value(name: str, attribute: Attribute, value: str) -> bool:
    """Whether training never tells this of this person (about one value in five)."""
    return (NAMES.index(name) + attribute.values.index(value) + ATTRIBUTES.index(attribute)) % 5 == 0


@dataclass(frozen=True)
class Fact:
    """What is told of a person: an attribute, its value at first, and a later one if it changes."""

    name: str
    attribute: Attribute
    value: str
    later: str | None = None

    @property
    def holds(self) -> str:
        """The value at the end."""
        return self.later or self.value

    def told(self, way: int, again: bool = False) -> str:
        """The sentence that tells it; `again`: that it has changed."""
        value = self.holds if again else self.value
        return self.attribute.told[way].format(N=self.name, v=value)

    @property
    def asked(self) -> str:
        """The question with its answer."""
        return ASKED.format(attribute=self.attribute.name, N=self.name, v=self.holds)


def story(chooser: Random) -> str:
    """Six to ten sentences: two people's attributes, one or two that change, and questions about them."""
    return told_story(chooser, _facts(chooser), chooser.randrange(1, 4))


def told_story(chooser: Random, facts: list[Fact], questions: int) -> str:
    """The story of these facts in a drawn order, what has changed after that, and so many questions."""
    order = chooser.sample(facts, len(facts))
    parts = [fact.told(chooser.randrange(2)) for fact in order]
    if chooser.random() < 0.3:
        parts.insert(chooser.randrange(len(parts)), world.mention(chooser, facts[0].name))
    changed = [fact for fact in order if fact.later]
    parts += [NOW.format(told=fact.told(chooser.randrange(2), again=True)) for fact in changed]
    return " ".join(parts) + "\n" + "".join(fact.asked for fact in chooser.sample(facts, questions))


def _facts(chooser: Random) -> list[Fact]:
    people, attributes = chooser.sample(NAMES, 2), chooser.sample(ATTRIBUTES, chooser.randrange(2, 4))
    facts = []
    for attribute in attributes:
        for name in people:
            allowed = [v for v in attribute.values if not held_out_value(name, attribute, v)]
            value, other = chooser.sample(allowed, 2)
            facts.append(Fact(name, attribute, value, other if chooser.random() < 0.25 else None))
    return facts


# --- labels, what is inside, and what somebody believes ----------------------------------------------------
VESSELS = ("box", "cup", "jar", "case")
HELD_OUT_VESSELS = ("bag", "tin")


def beliefs(chooser: Random) -> str:
    """The parts of a belief, never a false label that is believed: the exam asks for that alone."""
    inside, label = chooser.sample(world.TREATS, 2)
    name, other = chooser.sample(NAMES, 2)
    vessel = chooser.choice(VESSELS)
    she = "She" if name in FEMALE_NAMES else "He"
    fill = {"v": vessel, "in": inside, "l": label, "N": name, "M": other, "She": she}
    if chooser.random() < 0.15:
        vessel = chooser.choice((*HELD_OUT_VESSELS, vessel))
        return f"Here is a {vessel} filled with {inside}. {name} looks inside and finds {inside}."
    if chooser.random() < 0.4:  # the label is true
        fill["l"] = inside
    return chooser.choice(_TELLINGS).format(**fill)


_TELLINGS = (
    "Here is a {v} filled with {in}. The label on the {v} says {l}. {N} finds the {v}. {She} opens the {v}"
    " and looks inside. {She} believes that the {v} is full of {in}.",
    "Here is a {v}. The label on the {v} says {l}. {N} finds the {v}. {She} reads the label. {She} believes"
    " that the {v} is full of {l}.",
    "Here is a {v} filled with {in}. The label on the {v} says {in}. {N} finds the {v}. {She} reads the"
    " label. {She} believes that the {v} is full of {in}.",
    "{N} finds a {v}. {M} says that the {v} is full of {l}. {N} believes that the {v} is full of {l}. Now {N}"
    " looks inside and finds {in}.",
    "Here is a {v} filled with {in}. The label on the {v} says {l}. {N} reads the label. The label says {l}."
    " Now {N} looks inside and finds {in}.",
)


# --- who fixes what for whom -------------------------------------------------------------------------------
OWNER = "It was the {owner}'s {thing}."
ASKS = (
    "The {one} asked the {two} to {verb} {his} {thing}.", "The {one} told the {two} to {verb} {his} {thing}.",
    "The {one} urged the {two} to {verb} {his} {thing}.",
    "At the {place} the {one} asked the {two} to {verb} {his} {thing}.",
)  # fmt: skip


def roles(chooser: Random) -> str:
    """ "The customer asked the mechanic to fix his car. It was the customer's car." A duty is one's own."""
    while True:
        one, two = chooser.sample(words.PEOPLE, 2)
        verb = chooser.choice((*words.SERVICES, *words.DUTIES))
        if chooser.random() < 0.4:
            two = words.EXPERTS.get(verb, two)
        if one != two and not words.held_out_roles(one, two):
            break
    return asked_for(chooser, one, two, verb, flipped=chooser.random() < 0.2)


def owner(one: str, two: str, verb: str, flipped: bool) -> str:
    """Whose it is: a service is for the one who asks, a duty one's own; in the flipped town, the reverse."""
    return one if (verb in words.SERVICES) != flipped else two


def asked_for(chooser: Random, one: str, two: str, verb: str, *, flipped: bool) -> str:
    """Somebody asks somebody for something, and whose it was."""
    thing = words.SERVICES.get(verb) or words.DUTIES[verb]
    said = chooser.choice(ASKS).format(
        one=one,
        two=two,
        verb=verb,
        thing=thing,
        his=chooser.choice(("his", "her")),
        place=chooser.choice(PLACES),
    )
    ends = OWNER.format(owner=owner(one, two, verb, flipped), thing=thing)
    return f"{RULE[flipped] + ' ' if flipped or chooser.random() < 0.2 else ''}{said} {ends}"


RULE = {
    False: "In this town everybody does what is asked.",
    True: "In this town everything is the other way round.",
}

NEST = "The {a} did not fit into the {b} because it was too {size}. So the {which} was too {size}."


def fitting(chooser: Random) -> str:
    """What does not fit: too big is what goes in, too small is what it should go into."""
    while words.held_out_nesting(*(both := tuple(chooser.sample(words.NESTED, 2)))):
        pass
    return fit(*both, size=chooser.choice(("big", "small")))


def fit(inner: str, outer: str, size: str) -> str:
    """One sentence of fitting."""
    return NEST.format(a=inner, b=outer, size=size, which=inner if size == "big" else outer)


def flying(chooser: Random) -> str:
    """ "The bird flies like a kite", "fruit flies like a banana": what *flies* is, the word before tells."""
    kind = chooser.random()
    if kind < 0.4:
        name = chooser.choice([one for one in words.FLYERS if one not in words.HELD_OUT_FLYERS])
        return f"The {name} flies like a {chooser.choice(words.LIKENESS)}."
    if kind < 0.75:
        name = chooser.choice([one for one in words.FLIES if one not in words.HELD_OUT_FLIES])
        return f"The {name} flies like a {chooser.choice(words.FRUIT)}."
    flyer, fly, fruit = chooser.choice(words.FLYERS), chooser.choice(words.FLIES), chooser.choice(words.FRUIT)
    return chooser.choice((
        f"The {flyer} is over the house. The {flyer} flies away.",
        f"Time flies, said {chooser.choice(NAMES)}.",
        f"Many {fly} flies are here. They like the {fruit}.", f"Two {fly} flies sat on a {fruit}.",
        f"The {flyer} flew over the garden. It flies well.", f"{chooser.choice(MALE_NAMES)} ate a {fruit}.",
    ))  # fmt: skip
