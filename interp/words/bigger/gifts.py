"""Gifts in the bigger world: gifts that are copied before they are understood, then gifts, and errands.

Their wordings are drawn by `wordings`. What training never says: the eight outside wordings there, and (as in
`words.world`) two templates, four names as giver or receiver, one pair of names in five.
"""

from random import Random

from interp.words import world
from interp.words.bigger import wordings
from interp.words.bigger.lexicon import ERRAND_PLACES, ERRAND_THINGS, ERRANDS
from interp.words.facts import ROLES
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, NAMES, OBJECTS, PLACES, TEMPLATES


def gift(chooser: Random) -> str:
    """Two people, one gift: 2 in 5 in the old world's templates and disguises, the others in new wordings."""
    if chooser.random() < 0.4:
        return world.gift(chooser)
    receiver, giver, bystander = cast(chooser)
    opening = _opening(chooser, (receiver, giver, bystander))
    body = _filled(chooser, wordings.wording(chooser), receiver, giver) + "."
    if chooser.random() < 0.3:
        body += f" {receiver} thanked {giver}."
    return " ".join([*opening, body])


def free_gift(chooser: Random) -> str:
    """A gift whose receiver is any of the names said so far: copying a name, without choosing among them."""
    first, second, third = cast(chooser)
    text = _old_template(chooser) if chooser.random() < 0.4 else wordings.wording(chooser)
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
    frame = (
        chooser.choice(ERRAND_FRAMES)
        if chooser.random() < 0.4
        else "".join(map(chooser.choice, ERRANDS_TOLD))
    )
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
ERRANDS_TOLD = (
    ("When ", "While ", "Because ", "Today ", "Soon ", "One day ", "In the morning ", "Later ", "So ", ""),
    ("{A} and {B} ",),
    ("went to the {place}", "came to the {place}", "met at the {place}", "were at the {place}",
     "walked to the {place}", "waited at the {place}"),
    (", ", ", and ", ", so ", ". ", ". Then ", ". Soon ", ". Later ", ". It was late. ", ", and then "),
    ("{B} ",),
    ("gave", "handed", "passed", "brought", "showed", "happily gave", "sent"),
    (" {his} {thing} to",),
)  # fmt: skip


def cast(chooser: Random) -> tuple[str, str, str]:
    """Three people of whom no two are a held-out pair, so any may give to any."""
    while True:
        who = chooser.sample(world.GIFT_NAMES, 3)
        if not any(world.held_out_pair(a, b) for a in who for b in who if a != b):
            return who[0], who[1], who[2]


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
    return wordings.exchanged(text) if chooser.random() < 0.5 else text


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
