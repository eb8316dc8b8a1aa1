"""How a gift is worded in the bigger world: known frames, and open ones whose words are drawn from lists.

A model that meets a few frames hangs on their words; so most wordings here are put together at random, a part
of them from words that mean nothing together. What stays is only this: two names, one of them again, "to".
Training never says the wordings of `OUTSIDE` and `TRIAL`, nor any word that tells them from the known frames.
"""

import re
from random import Random

from interp.words import world
from interp.words.bigger import lexicon
from interp.words.facts import PAST_TENSE, ROLES

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
# On these the recipe was tried; training never says them either
TRIAL = (
    "Every year {A} and {B} swam near the {place}, so {B} pushed the {object} to {A}",
    "Many guests greeted {A} and {B} at the {place}. {B} taught a {object} to {A}",
    "Between the {place} and the town {A} remembered {B}, but {B} turned a {object} to {A}",
    "Well, {A} and {B} lived in the {place} for a year. {B} flew a {object} to {A}",
    "Some guests called {A} and {B} into the {place}: {B} must pay the {object} to {A}",
    "No city was like the {place}, {A} told {B}. Next {B} opened the {object} to {A}",
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

# --- open wordings: an opening, the two names, a joint, the giver, the giving ------------------------------
# {..} besides the names and the place: a word drawn anew at each place
OPENINGS = (
    "", "", "", "When ", "While ", "Because ", "Soon ", "Today ", "Later ", "Now ", "So ", "Then ", "Here ",
    "In the end ", "On {day} ", "On {day}, when it was {weather}, ", "In {year} ", "One {day} ", "First ",
    "That day ", "There was a {noun}, and ", "It was {weather}, and ", "It was {weather} and {weather} when ",
    "The {noun} was {adjective} when ", "Everybody {verb} while ", "The {role} {verb}, and ", "But ",
    "From {day} to {day} ", "The {role} saw that ", "Near the {place} ", "In the {place} of the {role}, ",
    "Look at the {noun}: ", "This is about the {noun}. ", "Is it {weather}? ",
    "The {adjective} {noun} and the {noun} were {mood}. ", "The {place} was {adjective}, but ",
)  # fmt: skip
PAIRS = (
    "{A} and {B} {went}", "{A} and {B} {went}", "{A} and {B} {went}", "{A} and {B} {verb}",
    "{A} and {B} {verb} near the {place}", "{A} and {B} were {mood}", "{A}, {B} and the {role} {went}",
    "{A} {verb} and {B} {verb}", "{A} {went}, and then {B} {went}", "{A} and soon {B} {went}",
    "{A} {verb} near {B}", "{A} {verb} {B} at the {place}", "{A} saw {B} in the {place}",
    "{A} thinks of {B}", "{A} worked near {B}", "{A} asked {B} about the {noun}", "{A} likes {B}",
    "{A} was {mood} and {B} was {mood}", "{A}, who was {mood}, and {B} {went}",
    "{A} and {B}, who {verb}, were {mood}", "{A} was {mood} because of {B}", "{A} came, and so did {B}",
    "the {noun} of {A} and {B} was {adjective}", "the {role} saw {A} and {B}", "here are {A} and {B}",
    "the {role} asked {A} about {B}", "everybody likes {A} and {B}", "{A} found {B} and a {noun}",
    "{A}'s {noun} is near {B}'s {noun}", "the {noun} is from {A} and the {noun} is from {B}",
    "the {adjective} {A} and the {adjective} {B} {verb}", "{A} was not far from {B}",
)  # fmt: skip
JOINTS = (
    ", ", ", ", ". ", ". ", ". Then ", ". Soon ", ". Later ", ". Now ", ". So ", ". But ", ": ", ", and ",
    ", so ", ", but ", ", then ", ", and then ", ", and soon ", " and so ", " and ", " but ", " because ",
    ", while ", ", when ", ". In the end ", ". On {day} ", ". In {year}, ", ". Today, ", ". That day ",
    ". The {noun} was {adjective}. ", ". It was {weather}. ", ". It was {weather}, so ", ". Here ",
    ", and because it was {weather}, ", ". Everybody {verb}. Then ", ", and when the {role} {verb}, ",
    ". The {role} saw that ", ". The {role} {verb} the {noun}, and ", ", so in the {place} ",
    ". When it was {weather}, ", ". There was a {noun}. ", ". There was a {noun}, so ", ". Is it {weather}? ",
    ", but the {role} and ", ". The {noun}? ", ". Because the {noun} was {adjective}, ", ". Near the {noun} ",
)  # fmt: skip
GIVERS = (
    "{B}", "{B}", "{B}", "{B}", "{B} {how}", "{B} {how}", "{B} then", "{B} soon", "{B}, who was {mood},",
    "{B}, {mood} and {mood},", "{B}, {how},", "{B}, who {verb} the {noun},", "{B} and the {role}",
    "{B} came and", "{B}, because it was {weather},", "{B}, when the {role} {verb},", "{B} of the {place}",
)  # fmt: skip
GIVINGS = (
    "{gave}", "{gave}", "{gave}", "{give} {the} {noun} to", "{give} {the} {adjective} {noun} to",
    "{give} the {noun} {how} to", "{verb} {the} {noun} to", "{verb} {the} {adjective} {noun} to", "{verb} to",
    "{verb} and {give} {the} {noun} to", "{give} not the {noun} but the {noun} to", "{give} it {how} to",
    "{give} {the} {noun} and {the} {noun} to", "{give} {the} {noun} of the {role} to", "was {mood} to",
    "{give} {the} {noun}, which was {adjective}, to", "wanted to {now} {the} {noun} to", "will {now} to",
    "decided to {now} the {noun} to", "and the {role} {give} {the} {noun} to", "was near to",
)  # fmt: skip
HOW = ("happily", "soon", "again", "then", "now", "later", "afterwards", "today", "home", "away", "back",
       "at the {place}", "in the {place}", "on {day}", "in the morning")  # fmt: skip
GIVE = ("gave", "handed", "sent", "brought", "showed", "passed", "sold", "offered", "threw", "promised",
        "lent", "said", "took", "read", "bought", "found", "lost")  # fmt: skip
SHARES = (25, 50, 25)  # of known frames, open wordings, loose words


def told_words(text: str) -> set[str]:
    """The words of a wording in small letters, without its slots."""
    return set(re.findall(r"[a-z]+", re.sub(r"\{\w+\}", " ", text).lower()))


# What tells the held-out wordings from the known frames: in no wording of training
TELLING = frozenset(told_words(" ".join(OUTSIDE + TRIAL)) - told_words(" ".join(FRAMES + WENT + GAVE)))
_SAID = (
    *world.NOUNS, *world.PLURALS.values(), *world.ADJECTIVES, *world.MOODS, *world.WEATHER, *ROLES,
    *PAST_TENSE, *PAST_TENSE.values(), *world.TREATS, *world.SHOWS, *world.CHANNELS, *HOW, *GIVE,
    *(word for both in lexicon.SENSES.values() for sense in both for word in sense.cues + sense.follows),
)  # fmt: skip
ANY_WORDS = tuple(sorted({word for word in _SAID if word.isalpha() and word not in TELLING}))
_SLOTS = {
    "verb": PAST_TENSE.values(), "now": PAST_TENSE, "give": GIVE, "gave": GAVE, "went": WENT, "how": HOW,
    "noun": world.NOUNS, "adjective": world.ADJECTIVES, "mood": world.MOODS, "weather": world.WEATHER,
    "day": world.DAYS, "year": world.YEARS, "role": ROLES, "the": ("the", "the", "the", "this", "that"),
}  # fmt: skip
_BEGINS = ("the", "here", "everybody")  # what else a pair begins with has no form for the beginning of a text
_DRAWN = {slot: tuple(w for w in words if not told_words(w) & TELLING) for slot, words in _SLOTS.items()}


def wording(chooser: Random) -> str:
    """A sentence with {A}, {B} and slots of things, up to the receiver {A}; either name first."""
    known, opened, _ = SHARES
    kind = chooser.random() * sum(SHARES)
    if kind < known:
        frame = chooser.choice(FRAMES)
        text = frame.replace("{went}", chooser.choice(WENT)).replace("{gave}", chooser.choice(GAVE))
    else:
        text = _put_together(chooser, 0.0 if kind < known + opened else 0.6)
    return exchanged(text) if chooser.random() < 0.5 else text


def exchanged(text: str) -> str:
    """The first two names in the other order."""
    first, second = ("{A}", "{B}") if text.index("{A}") < text.index("{B}") else ("{B}", "{A}")
    return text.replace(first, "{*}", 1).replace(second, first, 1).replace("{*}", second, 1)


def outside(index: int, receiver: str, giver: str, place: str, thing: str) -> str:
    """One of the eight outside wordings, up to the receiver's name."""
    return OUTSIDE[index].format(A=receiver, B=giver, place=place, object=thing).rsplit(" ", 1)[0]


def _put_together(chooser: Random, loose: float) -> str:
    """An open wording; each part is of loose words with this chance."""

    def part(fitting: tuple[str, ...], *free: str) -> str:
        if chooser.random() >= loose:
            return _drawn(chooser, chooser.choice(fitting))
        return re.sub(r"~", lambda _: _some_words(chooser), chooser.choice(free))

    opening = part(OPENINGS, "", "~ ", "~, ", "~. ")
    pair = part(PAIRS, "{A} and {B} ~", "{A} ~ {B}", "{A} ~ {B} ~", "~ {A} {B}", "{A}, {B} ~")
    joint = part(JOINTS, " ", ", ", ". ", ", ~ ", ". ~ ", " ~, ", ", ~, ", ". ~. ")
    giver = part(GIVERS, "{B}", "{B} ~", "{B}, ~,")
    giving = part(GIVINGS, "~ to", "to", "~ it to", "~ the ~ to")
    if pair.split()[0] in _BEGINS and (not opening or opening[-2] in ".?"):
        pair = pair[0].upper() + pair[1:]
    return f"{opening}{pair}{joint}{giver} {giving} {{A}}"


def _some_words(chooser: Random) -> str:
    return " ".join(chooser.choices(ANY_WORDS, k=chooser.randrange(1, 5)))


def _drawn(chooser: Random, text: str) -> str:
    """Every slot filled anew; names, places and objects stay slots."""
    while slots := [slot for slot in re.findall(r"\{(\w+)\}", text) if slot in _DRAWN]:
        text = text.replace("{" + slots[0] + "}", chooser.choice(_DRAWN[slots[0]]), 1)
    return text
