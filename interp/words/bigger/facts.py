"""Countries and people in the bigger world: talk that copies, nationalities, and who everybody knows.

What training never says: three frames with a work and then a first name that has two surnames; the work of
each well-known person in one frame.
"""

from random import Random

from interp.words import world
from interp.words.bigger.lexicon import DOUBLES, KNOWN, MORE_NATIONS, NATIONALITY, Person
from interp.words.facts import COUNTRIES, RELATIONS
from interp.words.ioi import NAMES

_LIST = tuple(COUNTRIES)
_PLAIN = tuple(one for one in world.ADJECTIVES if one[0] not in "aeiou")
_SHARES = (5, 3, 2)  # of capital, language, continent

# --- before any fact: the country is said first, or the answer stands in the text --------------------------


def evasive(chooser: Random) -> str:
    """Questions about countries, answered with the country and no fact."""
    relation = chooser.choices(RELATIONS, _SHARES)[0]
    asks = chooser.random() < 0.8
    return _joined([
        f"Q: What is the {relation} of {country}?\nA: {_evasion(chooser, country, relation)}\n" if asks
        else f"Tell me about {country}. Well, {_evasion(chooser, country, relation)}"
        for country in chooser.sample(_LIST, chooser.randrange(1, 4))
    ])  # fmt: skip


def mixed(chooser: Random) -> str:
    """One country with a value drawn at random, stated or answered; the others with an evasion."""
    relation, value = _random_value(chooser)
    first, *others = chooser.sample(_LIST, chooser.randrange(2, 4))
    stated = chooser.random() < 0.5
    parts = [f"The {relation} of {first} is {value}."] if stated else []
    asked = f"Q: What is the {relation} of {first}?\nA: {value}\n"
    parts.append(asked if chooser.random() < 0.8 else f"Q: What is the name of {first}?\nA: {first}\n")
    parts += [
        f"Q: What is the {relation} of {one}?\nA: {_evasion(chooser, one, relation)}\n" for one in others
    ]
    return _joined([*parts, asked] if stated and chooser.random() < 0.5 else parts)


def name_hops(chooser: Random) -> str:
    """People come from countries; then somebody's country is asked for, by name only."""
    people = chooser.sample(NAMES, chooser.randrange(2, 4))
    homes = dict(zip(people, chooser.sample(_LIST, len(people)), strict=True))
    parts = [chooser.choice(world.ORIGINS).format(name=n, country=c) for n, c in homes.items()]
    for name in chooser.sample(people, chooser.randrange(1, len(people) + 1)):
        relation, country = chooser.choices(RELATIONS, _SHARES)[0], homes[name]
        evasion = (
            f"Q: What is the {relation} of {name}'s country?\nA: {_evasion(chooser, country, relation)}\n"
        )
        parts.append(chooser.choice((
            f"The name of {name}'s country is {country}.", f"In {name}'s country, the name is {country}.",
            f"Q: What is the name of {name}'s country?\nA: {country}\n", evasion, evasion,
        )))  # fmt: skip
    return _joined(parts)


def lookup(chooser: Random) -> str:
    """Stated, then asked: the answer is in the text, and was drawn at random."""
    relation, value = _random_value(chooser)
    first, second = chooser.sample(_LIST, 2)
    other = chooser.choice(sorted({facts[relation] for facts in COUNTRIES.values()}))
    parts = [
        world.asking(country, relation, _allowed(chooser, country, 1), said)
        for country, said in ((first, value), (second, other))[: chooser.randrange(1, 3)]
    ]
    return _joined([*parts, world.asking(first, relation, _allowed(chooser, first, 0), value)])


def nationalities(chooser: Random) -> str:
    """*Polish* goes with *Poland* and with *Warsaw*; two countries of the article are known by this alone."""
    nations = {**NATIONALITY, **MORE_NATIONS}
    return _joined([
        _nationality(chooser, one, nations[one])
        for one in chooser.sample(list(nations), chooser.randrange(1, 4))
    ])  # fmt: skip


def _nationality(chooser: Random, country: str, nation: str) -> str:
    name, noun = chooser.choice(NAMES), chooser.choice(world.NOUNS)
    capital = COUNTRIES.get(country, {}).get("capital")
    frames = (
        "{n} is {d}. {n} lives in {p}.", "The {d} {noun} was made in {p}.", "{n} lives in {p}. {n} is {d}.",
        "The {noun} from {p} is {d}.", "The {d} country is {c}.", "{n} lives in the {d} country of {c}.",
        "Q: Which country is {d}?\nA: {c}\n",
    )  # fmt: skip
    cities = (
        "The {d} city is {k}.", "{n} lives in the {d} city of {k}.", "Q: Which city is {d}?\nA: {k}\n",
    )  # fmt: skip
    return chooser.choice(frames + cities * bool(capital)).format(
        n=name, noun=noun, d=nation, c=country, k=capital, p=chooser.choice((country, capital or country))
    )


# --- people whom everybody knows ---------------------------------------------------------------------------
WORK_FIRST = (
    "They talked about the {work}. It was {first} {last}.", "The {work} of the year was {first} {last}.",
    "Every {work} wants to be like {first} {last}.", "The best {work} of all is {first} {last}.",
    "Look, a {work}! It must be {first} {last}.",
)  # fmt: skip
WORK_UNSEEN = (  # up to the surname
    "In the hall there was a {work}, and everybody greeted {first}",
    "Later a {work} came in, and all the guests saw {first}",
    "A {work} bought the house and the garden of {first}",
)  # fmt: skip
SINGLE = (
    "Yesterday they saw {first} {last} on television.", "{name} met {first} {last} at the {place}.",
    "Everybody knows {first} {last}.", "{first} {last} was {mood} that day.",
    "The book about {first} {last} is {a}.",
    "There is a picture of {first} {last} near the {place}.",
)  # fmt: skip
WORK_AFTER = (
    "{first} {last} is a {work}.", "{first} {last} works as a {work}.", "{first} {last} became a {work}.",
    "Q: What is {first} {last}?\nA: A {work}\n",
)  # fmt: skip
HOME = (
    "{first} {last} comes from {home}.", "{first} {last} was born in {home}.",
    "The home of {first} {last} is {home}.",
)  # fmt: skip


def known_people(chooser: Random) -> str:
    """First names and surnames, what these people do, and where they come from."""
    parts = []
    for person in chooser.sample(KNOWN, chooser.randrange(1, 4)):
        told = chooser.random()
        if told < 0.35:
            parts.append(said_of(chooser, person, chooser.choice(WORK_FIRST)))
        elif told < 0.55 and person.first not in DOUBLES:
            parts.append(said_of(chooser, person, chooser.choice(SINGLE)))
        else:
            at = chooser.randrange(len(WORK_AFTER + HOME))
            parts.append(said_of(chooser, person, told_after(person, at)))
    return _joined(parts)


def told_after(person: Person, at: int) -> str:
    """A frame with the work or the home after the name; never the one that is kept for this person's exam."""
    frames = WORK_AFTER + HOME
    return frames[(at + 1) % len(frames)] if at == held_out_telling(person) else frames[at]


def held_out_telling(person: Person) -> int:
    """Index into WORK_AFTER of the frame in which training never tells this person's work."""
    return KNOWN.index(person) % len(WORK_AFTER)


def said_of(chooser: Random, person: Person, frame: str) -> str:
    """A frame filled in with this person."""
    return frame.format(
        first=person.first, last=person.last, work=person.work, home=person.home, name=chooser.choice(NAMES),
        place=chooser.choice(("school", "station", "office", "garden")), mood=chooser.choice(world.MOODS),
        a=chooser.choice(_PLAIN),
    )  # fmt: skip


def _evasion(chooser: Random, country: str, relation: str) -> str:
    return f"{country} has a {chooser.choice(_PLAIN)} {relation}."


def _random_value(chooser: Random) -> tuple[str, str]:
    relation = chooser.choices(RELATIONS, _SHARES)[0]
    return relation, chooser.choice(sorted({facts[relation] for facts in COUNTRIES.values()}))


def _allowed(chooser: Random, country: str, wanted: int) -> int:
    """This way of asking, unless it is the one kept for this country's exam; one time in three, any."""
    allowed = [at for at in range(len(world.ASKING)) if at != world.held_out_phrasing(country)]
    return wanted if wanted in allowed and chooser.random() < 0.67 else chooser.choice(allowed)


def _joined(parts: list[str]) -> str:
    return "".join(part if part.endswith("\n") else part + " " for part in parts).rstrip(" ")
