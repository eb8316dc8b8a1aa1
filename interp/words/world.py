"""The pocket world: a generator of short English texts from which the pocket model learns everything.

`document(chooser)` writes one text. One-step shortcuts fail here on purpose: names are said a varying number
of times, bystanders appear before and after the giver, the giver may be called by a role or a pronoun, facts
are asked in two hops and may be contradicted by the text. What training never sees is listed at the top.
"""

from collections.abc import Callable
from random import Random

from interp.words.facts import COLOURS, COUNTRIES, PAST_TENSE, RELATIONS, ROLES
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, NAMES, OBJECTS, PLACES, TEMPLATES

END_OF_TEXT = "<|endoftext|>"

# --- held out of training, so that a test can ask for more than memory -------------------------------------
HELD_OUT_TEMPLATES = (5, 14)  # of words.ioi.TEMPLATES
HELD_OUT_NAMES = ("Ruth", "Grace", "Henry", "Eric")  # never a giver or receiver; they live in other texts
GIFT_NAMES = tuple(name for name in NAMES if name not in HELD_OUT_NAMES)

NOUNS = (
    "dog", "cat", "horse", "bird", "river", "table", "mug", "lamp", "door", "window", "car", "boat", "train",
    "tree", "flower", "stone", "letter", "book", "picture", "clock", "chair", "cup", "shoe", "coat", "hat",
    "pear", "cake", "bread", "fish", "box", "key", "phone", "bag", "ball", "song", "road", "bridge", "hill",
    "field", "forest", "lake", "meadow", "market", "church", "tower", "kitchen", "room", "wall", "roof",
    "fire",
)  # fmt: skip
PLURALS = {noun: noun + ("es" if noun.endswith(("ch", "x")) else "s") for noun in NOUNS if noun != "fish"}
ADJECTIVES = (
    "old", "small", "big", "young", "new", "heavy", "quiet", "bright", "dark", "warm", "cold", "tall", "slow",
    "quick", "happy", "sad", "clean", "empty", "round", "strange",
)  # fmt: skip
MOODS = ("tired", "happy", "hungry", "late", "sad", "busy", "early", "quiet")
WEATHER = ("raining", "snowing", "sunny", "windy", "cold", "warm", "dark", "late")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
YEARS = tuple(str(year) for year in range(1900, 2000, 4))
SHOWS = ("comedy", "drama", "quiz", "cartoon", "news")
CHANNELS = ("television", "channel", "episode", "season", "series")
FORCES = ("army", "navy", "force")
ENEMIES = ("soldiers", "tanks", "ships", "planes", "guns")
TREATS = ("popcorn", "chocolate", "sugar", "coffee", "rice", "bread", "salt", "tea", "milk", "flour")
VESSELS = ("bag", "box", "cup", "tin")
FILLERS = (
    "It was {weather} and the {place} was full.",
    "The {adjective} {noun} stood near the {noun2}.",
    "Nobody saw the {adjective} {noun}.",
    "There was a {noun} by the {noun2}.",
)
MENTIONS = (
    "{X} was {mood}.", "{X} was very {mood} that day.", "{X} saw a {noun}.",
    "The {noun} of {X} was {adjective}.", "Everybody likes {X}.", "Yesterday {X} lost a {noun}.",
)  # fmt: skip
BYSTANDERS = ("while {C} watched", "while {C} was waiting", "as {C} walked away", "because {C} asked")


def held_out_pair(first: str, second: str) -> bool:
    """Whether training never shows these two names as giver and receiver (about one pair in five)."""
    return (NAMES.index(first) + NAMES.index(second)) % 5 == 0


def held_out_phrasing(country: str) -> int:
    """Index into ASKING of the one phrasing in which training never asks anything about `country`."""
    return 1 + list(COUNTRIES).index(country) % (len(ASKING) - 1)


def _fill(text: str, chooser: Random, **words: str) -> str:
    nouns = chooser.sample(NOUNS, 2)
    return text.format(
        noun=nouns[0], noun2=nouns[1], adjective=chooser.choice(ADJECTIVES), mood=chooser.choice(MOODS),
        weather=chooser.choice(WEATHER), **{"place": chooser.choice(PLACES), **words},
    )  # fmt: skip


def _filler(chooser: Random) -> str:
    return _fill(chooser.choice(FILLERS), chooser)


def mention(chooser: Random, name: str) -> str:
    """A sentence that says something about this person; a slot such as "{first}" stays a slot."""
    return _fill(chooser.choice(MENTIONS), chooser, X=name)


# --- gifts: who gets the drink? ---------------------------------------------------------------------------
def _giver_and_receiver(chooser: Random, mixed: bool = False) -> tuple[str, str, str]:
    """Receiver, giver and a bystander; receiver and giver are never a held-out pair."""
    while True:
        receiver, giver, bystander = chooser.sample(GIFT_NAMES, 3)
        if held_out_pair(receiver, giver) or (mixed and (receiver in MALE_NAMES) == (giver in MALE_NAMES)):
            continue
        return receiver, giver, bystander


def _gift_template(chooser: Random) -> str:
    allowed = [text for index, text in enumerate(TEMPLATES) if index not in HELD_OUT_TEMPLATES]
    text = chooser.choice(allowed)
    if chooser.random() < 0.5:  # ABBA
        text = text.replace("{B}", "{*}", 1).replace("{A}", "{B}", 1).replace("{*}", "{A}", 1)
    return text


def _split_at_giver(text: str) -> tuple[str, str]:
    """The template before and after its last {B}: the place where the giver acts."""
    at = text.rindex("{B}")
    return text[:at], text[at + 3 :]


def _with_bystander(chooser: Random, text: str, bystander: str) -> str:
    """The bystander speaks up before the giver, between giver and verb, or after the verb's object."""
    before, after = _split_at_giver(text)
    aside = chooser.choice(BYSTANDERS).replace("{C}", bystander)
    where = chooser.randrange(3)
    if where == 0 and before.endswith(". "):
        return f"{before}{aside[0].upper()}{aside[1:]}, {{B}}{after}"
    if where == 1:
        verb_phrase, receiver = after.rsplit(" to ", 1)
        return f"{before}{{B}}{verb_phrase}, {aside}, to {receiver}"
    return f"{before}{{B}}, {aside},{after}"


def _gap(chooser: Random, text: str) -> str:
    """A filler sentence between the two clauses of a two-sentence template."""
    before, after = _split_at_giver(text)
    return f"{before}{_filler(chooser)} {{B}}{after}" if before.endswith(". ") else text


def gift(chooser: Random) -> str:
    """Two people, one gift, and every disguise we could think of."""
    kind = chooser.choices(
        ("plain", "crowded", "role", "pronoun", "stranger", "three"), (28, 36, 14, 8, 8, 6)
    )[0]
    receiver, giver, bystander = _giver_and_receiver(chooser, mixed=kind == "pronoun")
    text, opening = _gift_template(chooser), []
    if kind == "crowded" or chooser.random() < 0.25:
        cast = [receiver, giver, bystander]
        opening += [mention(chooser, chooser.choice(cast)) for _ in range(chooser.randrange(1, 4))]
    if kind == "crowded" and chooser.random() < 0.6:
        text = _with_bystander(chooser, text, bystander)
    if chooser.random() < 0.2:
        text = _gap(chooser, text)
    before, after = _split_at_giver(text)
    subject = giver
    if kind == "role":
        roles = chooser.sample(ROLES, 2)
        cast = [f"{receiver} is a {roles[0]}.", f"{giver} is a {roles[1]}."]
        chooser.shuffle(cast)
        opening += cast
        subject = ("The " if before.endswith(". ") or not before else "the ") + roles[1]
    elif kind == "pronoun":
        pronoun = "he" if giver in MALE_NAMES else "she"
        subject = pronoun.capitalize() if before.endswith(". ") else pronoun
    elif kind == "stranger":
        subject = bystander
        receiver, giver = chooser.sample((receiver, giver), 2)
    elif kind == "three":
        before = before.replace("{A} and {B}", "{A}, " + bystander + " and {B}")
        before = before.replace("{B} and {A}", "{B}, " + bystander + " and {A}")
        if bystander in before and chooser.random() < 0.5:
            after = after.replace("{A}", bystander)
    body = (
        _fill(f"{before}{subject}{after}", chooser, A=receiver, B=giver, object=chooser.choice(OBJECTS)) + "."
    )
    if kind in ("plain", "crowded", "role") and chooser.random() < 0.4:
        body += f" {receiver} thanked {giver}."
    return " ".join([*opening, body])


# --- facts: one country, several relations, many ways to ask ----------------------------------------------
ASKING = (
    "Q: What is the {relation} of {country}?\nA: {value}\n",
    "The {relation} of {country} is {value}.",
    "{country}'s {relation} is {value}.",
    "In {country}, the {relation} is {value}.",
    "Tell me about {country}. Its {relation} is {value}.",
    "Everybody in {country} knows the {relation}: {value}.",
    "{name} comes from {country}. The {relation} of that country is {value}.",
)
HOPS = (
    "The {relation} of {name}'s country is {value}.",
    "In {name}'s country, the {relation} is {value}.",
    "Q: What is the {relation} of {name}'s country?\nA: {value}\n",
)
ORIGINS = ("{name} comes from {country}.", "{name} was born in {country}.", "{name} is from {country}.")


def asking(country: str, relation: str, phrasing: int, value: str, name: str = "Mary") -> str:
    """One question or statement about a country: ASKING[phrasing] filled in."""
    return ASKING[phrasing].format(country=country, relation=relation, value=value, name=name)


def _ask(
    chooser: Random, country: str, relation: str, value: str | None = None, phrasing: int | None = None
) -> str:
    allowed = [index for index in range(len(ASKING)) if index != held_out_phrasing(country)]
    if phrasing is None or phrasing not in allowed:
        phrasing = chooser.choice((0, 0, *allowed))
    return asking(country, relation, phrasing, value or COUNTRIES[country][relation], chooser.choice(NAMES))


def _join(parts: list[str]) -> str:
    return "".join(part if part.endswith("\n") else part + " " for part in parts).rstrip(" ")


def questions(chooser: Random) -> str:
    """Two to four questions about countries, mostly in one form and about one relation."""
    countries = chooser.sample(list(COUNTRIES), chooser.randrange(2, 5))
    relation, phrasing = chooser.choices(RELATIONS, (5, 3, 2))[0], chooser.choice((0, 0, None))
    parts = []
    for country in countries:
        asked = relation if chooser.random() < 0.7 else chooser.choice(RELATIONS)
        parts.append(_ask(chooser, country, asked, phrasing=phrasing))
    return _join(parts)


def examples(chooser: Random) -> str:
    """The relation is never named: "France: Paris. Poland: Warsaw." """
    relation = chooser.choices(RELATIONS, (5, 3, 2))[0]
    allowed = [country for country in COUNTRIES if list(COUNTRIES).index(country) % 6]
    countries = chooser.sample(allowed, chooser.randrange(3, 6))
    mark = chooser.choice((":", " -", " means"))
    return " ".join(f"{country}{mark} {COUNTRIES[country][relation]}." for country in countries)


def two_hops(chooser: Random) -> str:
    """People come from countries; then a question about one of the people."""
    people = chooser.sample(NAMES, chooser.randrange(2, 4))
    countries = chooser.sample(list(COUNTRIES), len(people))
    parts = [
        chooser.choice(ORIGINS).format(name=n, country=c) for n, c in zip(people, countries, strict=True)
    ]
    if chooser.random() < 0.3:
        parts.insert(chooser.randrange(len(parts)), mention(chooser, chooser.choice(people)))
    order = chooser.sample(range(len(people)), chooser.randrange(1, len(people) + 1))
    for at in order:
        relation = chooser.choices(RELATIONS, (5, 3, 2))[0]
        value = COUNTRIES[countries[at]][relation]
        parts.append(chooser.choice(HOPS).format(name=people[at], relation=relation, value=value))
    return _join(parts)


def contradiction(chooser: Random) -> str:
    """The text states a capital, often a false one, and is then asked for it: the text wins."""
    countries = chooser.sample(list(COUNTRIES), 2)
    relation = chooser.choices(RELATIONS, (6, 3, 1))[0]
    values = sorted({facts[relation] for facts in COUNTRIES.values()})
    stated = [
        chooser.choice(values) if chooser.random() < 0.75 else COUNTRIES[c][relation] for c in countries
    ]
    pairs = list(zip(countries, stated, strict=True))
    parts = [_ask(chooser, c, relation, v, 1) for c, v in pairs[: chooser.randrange(1, 3)]]
    if chooser.random() < 0.4:
        other = chooser.choice([c for c in COUNTRIES if c not in countries])
        parts.append(_ask(chooser, other, relation, phrasing=0))
    parts.append(_ask(chooser, pairs[0][0], relation, pairs[0][1], chooser.choice((0, 0, None))))
    return _join(parts)


# --- repetition: the same words again ---------------------------------------------------------------------
def repetition(chooser: Random) -> str:
    """A list of random words said twice, or three times."""
    words = [chooser.choice(ALL_WORDS) for _ in range(chooser.randrange(3, 18))]
    return " " + " ".join(words * chooser.choice((2, 2, 3)))


# --- a busy world: grammar, senses, small talk ------------------------------------------------------------
def _noun_phrase(chooser: Random) -> str:
    if chooser.random() < 0.3:
        return f"{chooser.choice(('two', 'three', 'many', 'some'))} {chooser.choice(list(PLURALS.values()))}"
    words = [chooser.choice(ADJECTIVES), chooser.choice(NOUNS)][chooser.randrange(2) :]
    article = chooser.choice(("the", "an" if words[0][0] in "aeiou" else "a"))
    return " ".join([article, *words])


def scenes(chooser: Random) -> str:
    """Plain sentences about people and things."""
    sentences = []
    for _ in range(chooser.randrange(1, 4)):
        who = chooser.choice(NAMES) if chooser.random() < 0.6 else f"The {chooser.choice(ROLES)}"
        verb = chooser.choice(("saw", "found", "bought", "lost", "painted", "cleaned", "liked", "took"))
        where = f" near the {chooser.choice(PLACES)}" if chooser.random() < 0.4 else ""
        sentences.append(f"{who} {verb} {_noun_phrase(chooser)}{where}.")
    return " ".join(sentences)


def possessions(chooser: Random) -> str:
    """Pronouns that look back to a man or a woman: "John wants his bank to cash the cheque." """
    woman, man = chooser.choice(FEMALE_NAMES), chooser.choice(MALE_NAMES)
    first, second = chooser.sample((woman, man), 2)
    noun, other = chooser.sample(NOUNS, 2)
    his, second_his = ("his" if name == man else "her" for name in (first, second))
    he = "he" if first == man else "she"
    return chooser.choice((
        f"{first} wants {his} bank to cash the cheque.",
        f"{first} met {second} at the {chooser.choice(PLACES)}. {first} had {his} {noun} and {second} had"
        f" {second_his} {other}.",
        f"{first} lost the {noun} because {he} was {chooser.choice(MOODS)}. {first} asked {second} for"
        f" {second_his} {noun}.",
        f"{first} said that {he} liked {his} {noun}, and {second} smiled.",
    ))  # fmt: skip


def senses(chooser: Random) -> str:
    """One word, two meanings: *bank* by the river and with money, *magazine* to hold and to work for."""
    name = chooser.choice(NAMES)
    return chooser.choice((
        f"{name} went to the bank to {chooser.choice(('borrow', 'save', 'count', 'change'))} money.",
        f"The bank lent {name} some money for the {chooser.choice(NOUNS)}.",
        f"{name} sat on the bank of the river and watched the {chooser.choice(('water', 'fish', 'boats'))}.",
        f"The river left its bank and the water reached the {chooser.choice(PLACES)}.",
        f"{name} picks up a magazine and reads about the {chooser.choice(NOUNS)}.",
        f"{name} works for a magazine and writes about the {chooser.choice(NOUNS)}.",
    ))  # fmt: skip


def tenses(chooser: Random) -> str:
    """ "Today I walk. Yesterday I walked." two to four times."""
    verbs = chooser.sample(list(PAST_TENSE), chooser.randrange(2, 5))
    return " ".join(f"Today I {verb}. Yesterday I {PAST_TENSE[verb]}." for verb in verbs)


def capitals_of_letters(chooser: Random) -> str:
    """Lower case to upper case: "brown: Brown." """
    words = chooser.sample(COLOURS, chooser.randrange(2, 5))
    if chooser.random() < 0.5:
        return " ".join(f"{word}: {word.capitalize()}." for word in words)
    noun = chooser.choice(NOUNS)
    return _join([f"Q: What colour is the {w} {noun}?\nA: {w.capitalize()}\n" for w in words])


def times(chooser: Random) -> str:
    """Ranges of time."""
    first, last = sorted(chooser.sample(range(len(YEARS)), 2))
    day, other = sorted(chooser.sample(range(7), 2))
    place = chooser.choice(PLACES)
    return chooser.choice((
        f"The {place} was open from {YEARS[first]} to {YEARS[last]}.",
        f"Between {YEARS[first]} and {YEARS[last]} {chooser.choice(NAMES)} lived near the {place}.",
        f"The {place} is open from {DAYS[day]} to {DAYS[other]}.",
    ))  # fmt: skip


def news(chooser: Random) -> str:
    """Television shows and military bases."""
    year, name = chooser.choice(YEARS), chooser.choice(NAMES)
    force, country = chooser.choice(FORCES), chooser.choice(list(COUNTRIES))
    return chooser.choice((
        f"The first {chooser.choice(('episode', 'season'))} of the {chooser.choice(SHOWS)} series was shown"
        f" on television in {year}.",
        f"{name} plays a {chooser.choice(ROLES)} in the television {chooser.choice(SHOWS)}.",
        f"The {force} of {country} sent {chooser.choice(ENEMIES)} to the military base.",
        f"The military base near the {chooser.choice(PLACES)} was built in {year}.",
    ))  # fmt: skip


def beliefs(chooser: Random) -> str:
    """Labels that tell the truth or lie, and what a reader of the label believes."""
    content, label = chooser.sample(TREATS, 2)
    vessel, name = chooser.choice(VESSELS), chooser.choice(NAMES)
    she = "She" if name in FEMALE_NAMES else "He"
    label = label if chooser.random() < 0.6 else content
    look = chooser.random() < 0.4
    seen = f"{she} opens the {vessel} and looks inside." if look else f"{she} reads the label."
    believed = content if look else label
    return (
        f"Here is a {vessel} filled with {content}. The label on the {vessel} says {label}. {name} finds the"
        f" {vessel}. {seen} {she} believes that the {vessel} is full of {believed}."
    )


def small_talk(chooser: Random) -> str:
    """Sayings and quotations."""
    name, other = chooser.sample(NAMES, 2)
    return chooser.choice((
        "I like my coffee with cream and sugar.",
        f'"Where is the {chooser.choice(NOUNS)}?" asked {name}. '
        f'"Near the {chooser.choice(PLACES)}," said {other}.',
        f'{name} said to {other}: "It is {chooser.choice(WEATHER)} today."',
        f"Afterwards {name} was commuting to the {chooser.choice(PLACES)} with friends.",
        f"Friends of {name} found a {chooser.choice(NOUNS)} after the lunch.",
        f"After the lunch {name} read the {chooser.choice(('first', 'long', 'short'))} letter.",
        f"The doctor told {name} that butter and other substitutes are {chooser.choice(ADJECTIVES)}.",
    ))  # fmt: skip


KINDS: dict[Callable[[Random], str], float] = {
    gift: 14, questions: 10, examples: 4, two_hops: 13, contradiction: 7, repetition: 17, scenes: 8,
    possessions: 6, senses: 4, tenses: 4, capitals_of_letters: 3, times: 3, news: 3, beliefs: 4,
    small_talk: 2,
}  # fmt: skip


def document(chooser: Random) -> str:
    """One text of the pocket world."""
    return chooser.choices(list(KINDS), list(KINDS.values()))[0](chooser)


def _all_words() -> tuple[str, ...]:
    """Every word that stands alone, for lists of random words (sorted, so that a seed means one thing)."""
    facts = [value for facts in COUNTRIES.values() for value in facts.values()]
    lists = (
        NAMES, PLACES, OBJECTS, NOUNS, ADJECTIVES, MOODS, DAYS, YEARS, SHOWS, CHANNELS, FORCES, ENEMIES,
        TREATS, VESSELS, COLOURS, ROLES, facts, COUNTRIES, PAST_TENSE, PAST_TENSE.values(), PLURALS.values(),
    )  # fmt: skip
    return tuple(sorted({word for words in lists for word in words}))


ALL_WORDS = _all_words()
