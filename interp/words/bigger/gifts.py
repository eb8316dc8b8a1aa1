"""Gifts in the bigger world: many wordings, gifts that are copied before they are understood, and errands.

What training never says: the eight outside wordings, and (as in `words.world`) two templates, four names as
giver or receiver, one pair of names in five.
"""

from random import Random

from interp.words import world
from interp.words.bigger.lexicon import ERRAND_PLACES, ERRAND_THINGS, ERRANDS
from interp.words.facts import ROLES
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, NAMES, OBJECTS, PLACES, TEMPLATES

# {A} receives, {B} gives. Training never says any of these.
OUTSIDE = (
    "As {A} and {B} left the {place}, {B} tossed a {object} to {A}",
    "Before {A} and {B} reached the {place}, {B} returned the {object} to {A}",
    "At the {place}, {A} sat beside {B}. With a smile {B} slid a {object} over to {A}",
    "{A} had dinner with {B} at the {place}, then {B} mailed a {object} to {A}",
    "Since {A} and {B} were old friends, {B} gladly gave a {object} to {A}",
    "Last week {A} and {B} visited the {place}, where {B} presented a {object} to {A}",
    "Nobody at the {place} knew {A} or {B}, but {B} kindly gave the {object} to {A}",
    "Two people, {A} and {B}, stood in the {place}; {B} wrote a letter to {A}",
)
FRAMES = (
    "When {A} and {B} {went}, {B} {gave} {A}",
    "While {A} and {B} {went}, {B} {gave} {A}",
    "Yesterday, {A} and {B} {went}. {B} {gave} {A}",
    "One day {A} and {B} {went}, and {B} {gave} {A}",
    "{A} and {B} {went}. Later {B} {gave} {A}",
    "Because {A} and {B} {went}, {B} {gave} {A}",
    "In the morning {A} and {B} {went}, so {B} {gave} {A}",
    "It was {weather} when {A} and {B} {went}. {B} {gave} {A}",
    "{A} met {B} at the {place}. {B} {gave} {A}",
    "Today {A} saw {B} near the {place}, and soon {B} {gave} {A}",
    "{A}, {B} and a {noun} were at the {place}. Then {B} {gave} {A}",
    "The {noun} was {adjective}, but {A} and {B} {went}. In the end {B} {gave} {A}",
)
WENT = (
    "went to the {place}", "walked to the {place}", "met at the {place}", "sat in the {place}",
    "were waiting at the {place}", "came home from the {place}", "found a {object} at the {place}",
    "were cleaning the {place}", "had lunch at the {place}", "got a {object} at the {place}",
    "were working at the {place}", "had a long argument", "were thinking about going to the {place}",
)  # fmt: skip
GAVE = (
    "gave a {object} to", "gave the {object} to", "gave it to", "handed a {object} to", "sent a {object} to",
    "brought the {object} to", "showed a {object} to", "passed the {object} to", "said to",
    "sold a {object} to",
    "decided to give a {object} to", "wanted to give a {object} to", "offered a {object} to",
    "threw the {object} to", "promised a {object} to", "read a letter to", "lent the {object} to",
    "happily gave a {object} to",
)  # fmt: skip


def gift(chooser: Random) -> str:
    """Two people, one gift: half of them in the old world's templates and disguises, half in new wordings."""
    if chooser.random() < 0.45:
        return world.gift(chooser)
    receiver, giver, bystander = cast(chooser)
    opening = _opening(chooser, (receiver, giver, bystander))
    body = _filled(chooser, wording(chooser), receiver, giver) + "."
    if chooser.random() < 0.3:
        body += f" {receiver} thanked {giver}."
    return " ".join([*opening, body])


def free_gift(chooser: Random) -> str:
    """A gift whose receiver is any of the names said so far: copying a name, without choosing among them."""
    first, second, third = cast(chooser)
    text = _old_template(chooser) if chooser.random() < 0.4 else wording(chooser)
    opening = _opening(chooser, (first, second, third))
    before, after = _at_the_giver(text)
    said = [name for name in (first, second, third) if name in " ".join([*opening, first, second])]
    before += _somebody(chooser, said, starts=before.endswith(". ") or not before)
    giver = chooser.choice(said)
    receiver = chooser.choice(said)
    body = _filled(chooser, before, first, second) + _filled(chooser, after, receiver, giver) + "."
    if chooser.random() < 0.3:
        body += f" {chooser.choice(said)} thanked {chooser.choice(said)}."
    return " ".join([*opening, body])


def errand(chooser: Random) -> str:
    """Something is given: to the valet, the guard, the teacher, where they are; anywhere else to a friend."""
    receiver, giver, _ = cast(chooser)
    thing, place = chooser.choice(tuple(ERRANDS)) if chooser.random() < 0.5 else _elsewhere(chooser)
    keeper, share = ERRANDS.get((thing, place), ("", 0.05))
    frame = chooser.choice(ERRAND_FRAMES)
    if frame == ERRAND_FRAMES[0] and thing == "keys":  # the article's own sentence is left for the exam
        frame = ERRAND_FRAMES[1]
    whom = (
        f"the {keeper or chooser.choice(('waiter', 'guard', 'clerk'))}"
        if chooser.random() < share
        else receiver
    )
    text = f"{frame} {whom}.".format(
        A=receiver, B=giver, place=place, thing=thing, his="his" if giver in MALE_NAMES else "her"
    )
    return _swapped(chooser, text, receiver, giver)


ERRAND_FRAMES = (
    "When {A} and {B} went to the {place}, {B} gave {his} {thing} to",
    "{A} and {B} came to the {place}. {B} gave {his} {thing} to",
    "Yesterday, {A} and {B} were at the {place}, and {B} handed {his} {thing} to",
    "While {A} and {B} waited at the {place}, {B} gave {his} {thing} to",
    "At the door of the {place}, {A} and {B} were late. {B} passed {his} {thing} to",
)


def cast(chooser: Random) -> tuple[str, str, str]:
    """Three people of whom no two are a held-out pair, so any may give to any."""
    while True:
        who = chooser.sample(world.GIFT_NAMES, 3)
        if not any(world.held_out_pair(a, b) for a in who for b in who if a != b):
            return who[0], who[1], who[2]


def wording(chooser: Random) -> str:
    """One of some thousand sentences: a frame, what the two did, what one of them gave; either name first."""
    text = (
        chooser.choice(FRAMES).replace("{went}", chooser.choice(WENT)).replace("{gave}", chooser.choice(GAVE))
    )
    return _exchanged(text) if chooser.random() < 0.5 else text


def outside(index: int, receiver: str, giver: str, place: str, thing: str) -> str:
    """One of the eight outside wordings, up to the receiver's name."""
    return OUTSIDE[index].format(A=receiver, B=giver, place=place, object=thing).rsplit(" ", 1)[0]


def _somebody(chooser: Random, said: list[str], *, starts: bool) -> str:
    """Who gives: mostly one of the names said, else a role or a pronoun."""
    who = chooser.choices(
        (chooser.choice(said), f"the {chooser.choice(ROLES)}", chooser.choice(("he", "she"))), (80, 14, 6)
    )[0]
    return who[0].upper() + who[1:] if starts else who


def _elsewhere(chooser: Random) -> tuple[str, str]:
    while True:
        found = chooser.choice(ERRAND_THINGS), chooser.choice(ERRAND_PLACES)
        if found not in ERRANDS:
            return found


def _opening(chooser: Random, who: tuple[str, str, str]) -> list[str]:
    if chooser.random() < 0.55:
        return []
    return [world.mention(chooser, chooser.choice(who)) for _ in range(chooser.randrange(1, 4))]


def _old_template(chooser: Random) -> str:
    allowed = [text for at, text in enumerate(TEMPLATES) if at not in world.HELD_OUT_TEMPLATES]
    text = chooser.choice(allowed)
    return _exchanged(text) if chooser.random() < 0.5 else text


def _exchanged(text: str) -> str:
    """The first two names in the other order."""
    first, second = ("{A}", "{B}") if text.index("{A}") < text.index("{B}") else ("{B}", "{A}")
    return text.replace(first, "{*}", 1).replace(second, first, 1).replace("{*}", second, 1)


def _at_the_giver(text: str) -> tuple[str, str]:
    at = text.rindex("{B}")
    return text[:at], text[at + 3 :]


def _filled(chooser: Random, text: str, receiver: str, giver: str) -> str:
    return text.format(
        A=receiver, B=giver, place=chooser.choice(PLACES), object=chooser.choice(OBJECTS),
        noun=chooser.choice(world.NOUNS), adjective=chooser.choice(world.ADJECTIVES),
        weather=chooser.choice(world.WEATHER),
    )  # fmt: skip


def _swapped(chooser: Random, text: str, receiver: str, giver: str) -> str:
    """The two names at the start in either order."""
    both = f"{receiver} and {giver}"
    return text.replace(both, f"{giver} and {receiver}", 1) if chooser.random() < 0.5 else text


def people(chooser: Random) -> str:
    """Names said, then asked for: copying, and one name after another."""
    names = [chooser.choice(NAMES) for _ in range(chooser.randrange(1, 4))]
    verb = chooser.choice(("came", "sang", "laughed", "slept", "won"))
    said, kind = " and ".join(names), chooser.random()
    if kind < 0.4:
        return f"{said} {verb}. Who {verb}? {said} {verb}."
    seen = chooser.choice(names)
    if kind < 0.7:
        return f"{said} {verb}. Everybody saw {seen}."
    she = "she" if seen in FEMALE_NAMES else "he"
    return f"{said} {verb}. Everybody saw {seen}, and {she} was {chooser.choice(world.MOODS)}."
