"""The exams of the bigger world: rows of questions whose answers training never says in this form.

Every item has a twin with the other answer, and the twins end in the same four words, or in words that
training never puts together. So whatever counts the last four words alone is right about one of the two:
one half (`CHANCE`), however much it has read.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from random import Random

from interp.words import world
from interp.words.bigger import facts, gifts, scenes, stories
from interp.words.bigger import lexicon as words
from interp.words.facts import PAST_TENSE
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, NAMES, OBJECTS, PLACES

SOMEBODY = "§"  # stands for any name, in what must be absent from training
CHANCE = 0.5


@dataclass(frozen=True)
class Item:
    """A text, the word that must come next, and the words it must beat; `absent` is never said in training.

    In `absent`, `SOMEBODY` stands for any name.
    """

    text: str
    right: str
    wrong: tuple[str, ...]
    absent: str


@dataclass(frozen=True)
class Exam:
    """One row of the card: what is asked, for which claim, and the share of right answers to reach."""

    name: str
    claim: str
    least: float
    items: tuple[Item, ...]


def without_names(text: str) -> str:
    """The text with `SOMEBODY` for every name."""
    return _NAME.sub(SOMEBODY, text)


_NAME = re.compile(r"\b(?:" + "|".join(NAMES) + r")\b")


def exams(seed: int = 0, most: int = 96) -> tuple[Exam, ...]:
    """All rows, each with at most so many items (twins stay together); one seed is one set of items."""
    return tuple(
        Exam(
            name,
            claim,
            least,
            _some(Random(f"{name} {seed}"), list(pairs(Random(f"{name} items {seed}"))), most),
        )
        for name, claim, least, pairs in ROWS
    )


Twins = tuple[Item, Item]
Pairs = Callable[[Random], Iterator[Twins]]


def _some(chooser: Random, pairs: list[Twins], most: int) -> tuple[Item, ...]:
    chooser.shuffle(pairs)
    return tuple(item for pair in pairs[: most // 2] for item in pair)


def _twins(one: str, other: str, answers: tuple[str, str], absent: tuple[str, str]) -> Twins:
    """Two texts with each other's answers."""
    return (
        Item(one, answers[0], (answers[1],), absent[0]),
        Item(other, answers[1], (answers[0],), absent[1]),
    )


# --- gifts -------------------------------------------------------------------------------------------------
def _outside(index: int) -> Pairs:
    """One of the eight wordings of nobody's training, with pairs of names that training does show."""

    def pairs(chooser: Random) -> Iterator[Twins]:
        frame = gifts.OUTSIDE[index].format(A=SOMEBODY, B=SOMEBODY, place="*", object="*")
        absent = max(frame.split("*"), key=len).strip()
        for _ in range(64):
            one, other, _ = gifts.cast(chooser)
            place, thing = chooser.choice(PLACES), chooser.choice(OBJECTS)
            texts = [gifts.outside(index, a, b, place, thing) for a, b in ((one, other), (other, one))]
            yield _twins(texts[0], texts[1], (one, other), (absent, absent))

    return pairs


def _errands(chooser: Random) -> Iterator[Twins]:
    """The article's own sentence: his keys at the restaurant (the valet), and where a friend gets them."""
    frame = gifts.ERRAND_FRAMES[0]
    for _ in range(64):
        receiver, giver, _ = gifts.cast(chooser)
        if giver not in MALE_NAMES:
            receiver, giver = giver, receiver
        his = scenes.his(giver)
        texts = [
            frame.format(A=receiver, B=giver, place=place, his=his, thing="keys")
            for place in ("restaurant", chooser.choice(("school", "store", "garden")))
        ]
        absent = [without_names(text) for text in texts]
        yield (
            Item(texts[0], "the", (receiver, giver), absent[0]),
            Item(texts[1], receiver, ("the", giver), absent[1]),
        )


# --- senses, kinds, degrees, numbers -----------------------------------------------------------------------
def _senses(kind: dict[str, tuple[words.Sense, words.Sense]]) -> Pairs:
    """What follows from the meaning, after cues in frames that were held out."""

    def pairs(chooser: Random) -> Iterator[Twins]:
        for word, meanings in kind.items():
            for carrier in range(len(words.CARRIERS)):
                cues = [_held_out_cue(word, sense, carrier) for sense in meanings]
                if None in cues:
                    continue
                name, later = chooser.sample(NAMES, 2)
                said = [scenes.said_of_a_sense(word, cue or "", carrier, name) for cue in cues]
                follower = words.FOLLOWERS[chooser.randrange(4)].format(N=later, follows="*").split(" *")[0]
                at = chooser.randrange(2)
                answers = tuple(sense.follows[at] for sense in meanings)
                texts = [f"{one}. {follower}" for one in said]
                yield _twins(
                    texts[0],
                    texts[1],
                    (answers[0], answers[1]),
                    (without_names(said[0]), without_names(said[1])),
                )

    return pairs


def _held_out_cue(word: str, sense: words.Sense, carrier: int) -> str | None:
    return next((cue for cue in sense.cues if words.held_out_frame(word, cue, carrier)), None)


def _keepers(chooser: Random) -> Iterator[Twins]:
    """Who looks after the kitten, the bike, the jacket, the fern: known of others of their kind only."""
    for one, other in combinations(words.THINGS, 2):
        for thing in one.held_out:
            for that in other.held_out:
                for frame in range(3):
                    name = chooser.choice(NAMES)
                    texts = [scenes.taken(name, t, "*", frame).split(" *")[0] for t in (thing, that)]
                    trouble = ("{}, which had a problem", "The {} had a problem", "{} are now waiting")[frame]
                    absent = trouble.format(thing), trouble.format(that)
                    yield _twins(texts[0], texts[1], (one.keeper, other.keeper), absent)


def _degrees(chooser: Random) -> Iterator[Twins]:
    """Small, smaller, smallest, in a row: known of other words only."""
    for one, other in permutations(words.HELD_OUT_DEGREES, 2):
        most = words.DEGREES[one][1], words.DEGREES[other][1]
        for frame, absent in ((0, "is the "), (2, "was the ")) * 4:
            state = chooser.getrandbits(32)
            texts = [
                scenes.compared(Random(state), scenes.COMPARED[frame], word).rsplit(f" {z}", 1)[0]
                for word, z in zip((one, other), most, strict=True)
            ]
            yield _twins(texts[0], texts[1], most, (absent + most[0], absent + most[1]))


def _numbers(chooser: Random) -> Iterator[Twins]:
    """One mouse, two mice: counted of other nouns only."""
    for one, other in permutations(words.HELD_OUT_NUMBERS, 2):
        many = words.NUMBERED[one], words.NUMBERED[other]
        for frame, count in ((1, "two "), (2, "three ")):
            state = chooser.getrandbits(32)
            texts = [
                scenes.counted(Random(state), scenes.COUNTED[frame], word).rsplit(f" {more}", 1)[0]
                for word, more in zip((one, other), many, strict=True)
            ]
            yield _twins(texts[0], texts[1], many, (count + many[0], count + many[1]))


# --- grammar -----------------------------------------------------------------------------------------------
def _agreement(chooser: Random) -> Iterator[Twins]:
    """The verb goes with the first noun; the nearer noun has the other number."""
    for head, other in permutations(scenes.COUPLES, 2):
        if scenes.held_out_couple(head, other):
            state = chooser.getrandbits(32)
            many = chooser.random() < 0.5  # the nearer noun; the same in both, so one of the two is a trap
            said = [
                scenes.agreeing(Random(state), head, other, one=one, other_one=not many).rsplit(" ", 2)[0]
                for one in (True, False)
            ]
            yield _twins(said[0], said[1], ("is", "are"), (said[0], said[1]))


def _tenses(chooser: Random) -> Iterator[Twins]:
    """*Yesterday* or *Every day*, then a long way to the verb: forms that training never says so."""
    for verb in PAST_TENSE:
        past, now = (scenes.held_out_tense(verb, tense) for tense in ("past", "present"))
        for other in PAST_TENSE:
            if not (past and scenes.held_out_tense(other, "present")) or now:
                continue
            state = chooser.getrandbits(32)
            texts = [
                scenes.in_time(Random(state), scenes.INSIDE, v, tense).rsplit(" ", 1)[0]
                for v, tense in ((verb, "past"), (other, "present"))
            ]
            said = scenes.form(verb, "past"), scenes.form(other, "present")
            wrong = scenes.form(verb, "present"), scenes.form(other, "past")
            yield (
                Item(texts[0], said[0], (said[1], wrong[0]), f"{texts[0]} {said[0]}"),
                Item(texts[1], said[1], (said[0], wrong[1]), f"{texts[1]} {said[1]}"),
            )


def _titles(chooser: Random) -> Iterator[Twins]:
    """The king is *he*, the queen is *she*, in a sentence that training never says."""
    for man, woman in ((a, b) for a in words.MEN for b in words.WOMEN):
        state = chooser.getrandbits(32)
        texts = [_later(Random(state), who) for who in (man, woman)]
        absent = scenes.UNSEEN_LATER.split("{")[0]
        yield _twins(texts[0], texts[1], ("he", "she"), (absent, absent))


def _later(chooser: Random, who: str) -> str:
    return scenes.UNSEEN_LATER.format(who=who, place=chooser.choice(PLACES), mood=chooser.choice(world.MOODS))


def skewed(who: str, number: int = 64, seed: int = 0) -> tuple[str, ...]:
    """Sentences of a frame that training never says, after which *he* or *she* follows for this job."""
    chooser = Random(f"{who} {seed}")
    return tuple(_later(chooser, who) for _ in range(number))


# --- ambiguity ---------------------------------------------------------------------------------------------
def _owners(flipped: bool) -> Pairs:
    """Whose car, whose homework: pairs of roles that training never shows."""

    def pairs(chooser: Random) -> Iterator[Twins]:
        for one, other in combinations(words.PEOPLE, 2):
            if not words.held_out_roles(one, other):
                continue
            for verb in (*words.SERVICES, *words.DUTIES):
                state = chooser.getrandbits(32)
                orders = (one, other), (other, one)
                texts = [
                    stories.asked_for(Random(state), a, b, verb, flipped=flipped).rsplit(" ", 2)[0]
                    for a, b in orders
                ]
                right = [stories.owner(a, b, verb, flipped) for a, b in orders]
                absent = [f" {a} asked the {b} to" for a, b in orders]
                yield _twins(texts[0], texts[1], (right[0], right[1]), (absent[0], absent[1]))

    return pairs


def _fitting(chooser: Random) -> Iterator[Twins]:
    """Too big is what goes in, too small what it should go into: pairs that training never shows."""
    for one, other in combinations(words.NESTED, 2):
        if words.held_out_nesting(one, other):
            for size in ("big", "small"):
                texts = [
                    stories.fit(a, b, size).split(f" {size}. So")[0] for a, b in ((one, other), (other, one))
                ]
                texts = [f"{text} {size}. So the" for text in texts]
                right = (one, other) if size == "big" else (other, one)
                said = tuple(f"The {a} did not fit into the {b}" for a, b in ((one, other), (other, one)))
                yield _twins(texts[0], texts[1], right, (said[0], said[1]))


def _flying(chooser: Random) -> Iterator[Twins]:
    """Fruit flies like a banana; an eagle flies like a kite: neither was ever said to fly like anything."""
    for flyer in words.HELD_OUT_FLYERS:
        for fly in words.HELD_OUT_FLIES:
            for fruit in words.FRUIT:
                for like in words.LIKENESS:
                    texts = [f"The {one} flies like a" for one in (fly, flyer)]
                    yield _twins(texts[0], texts[1], (fruit, like), (texts[0], texts[1]))


# --- people, stories, beliefs ------------------------------------------------------------------------------
def _surnames(chooser: Random) -> Iterator[Twins]:
    """Eight first names have two surnames: the work, said long before, tells which."""
    for first in words.DOUBLES:
        one, other = (person for person in words.KNOWN if person.first == first)
        for frame in facts.WORK_UNSEEN:
            texts = [frame.format(work=p.work, first=first) for p in (one, other)]
            absent = frame.split("{work}")[1].split("{")[0]
            yield _twins(texts[0], texts[1], (one.last, other.last), (absent, absent))


def _work(chooser: Random) -> Iterator[Twins]:
    """What well-known people do, in a frame in which training never says it of them."""
    for one, other in combinations(words.KNOWN, 2):
        at = facts.held_out_telling(one)
        if at == facts.held_out_telling(other) and one.work != other.work:
            frame = facts.WORK_AFTER[at].split(" {work}")[0]
            texts = [facts.said_of(chooser, person, frame) for person in (one, other)]
            yield _twins(
                texts[0],
                texts[1],
                (one.work, other.work),
                (f"{texts[0]} {one.work}", f"{texts[1]} {other.work}"),
            )


def _stories(changed: bool) -> Pairs:
    """Stories whose asked values training never tells of these people; `changed`: the value does change."""

    def pairs(chooser: Random) -> Iterator[Twins]:
        for _ in range(64):
            attribute, second = chooser.sample(words.ATTRIBUTES, 2)
            one = chooser.choice(NAMES)
            other = chooser.choice(
                [n for n in NAMES if (NAMES.index(n) - NAMES.index(one)) % 5 == 0 and n != one]
            )
            values = [v for v in attribute.values if stories.held_out_value(one, attribute, v)]
            if len(values) < 2:
                continue
            values = chooser.sample(values, 2)
            state = chooser.getrandbits(32)
            texts = [
                _told(Random(state), (one, other), (attribute, second), (x, y), changed)
                for x, y in (values, values[::-1])
            ]
            absent = [attribute.told[0].format(N=one, v=value) for value in values]
            yield _twins(texts[0], texts[1], (values[0], values[1]), (absent[0], absent[1]))

    return pairs


def _told(
    chooser: Random, who: tuple[str, str], attributes: tuple[words.Attribute, words.Attribute],
    values: tuple[str, str], changed: bool,
) -> str:  # fmt: skip
    """A story and a question about the first person, whose answer is the first value. The second value is the
    other person's; changed, it was the first person's too, before."""
    first, second = attributes
    asked = stories.Fact(who[0], first, values[1] if changed else values[0], values[0] if changed else None)
    rest = [stories.Fact(name, second, chooser.choice(second.values)) for name in who]
    story = stories.told_story(chooser, [asked, stories.Fact(who[1], first, values[1]), *rest], 0)
    return story + asked.asked.rsplit(" ", 1)[0]


def _believed(chooser: Random) -> Iterator[Twins]:
    """The article's bag: what the label says is believed, not what is in it. False labels are never believed
    in training, and no label is ever on a bag or a tin."""
    for vessel in stories.HELD_OUT_VESSELS:
        for one, other in combinations(world.TREATS, 2):
            name = chooser.choice(NAMES)
            she = "She" if name in FEMALE_NAMES else "He"
            texts = [
                f"Here is a {vessel} filled with {inside}. The label on the {vessel} says {label}. {name}"
                f" finds the {vessel}. {she} reads the label. {she} believes that the {vessel} is full of"
                for label, inside in ((one, other), (other, one))
            ]
            absent = f"The label on the {vessel}"
            yield _twins(texts[0], texts[1], (one, other), (absent, absent))


ROWS: tuple[tuple[str, str, float, Pairs], ...] = (
    *((f"gift, outside wording {at + 1}", "C8", 0.95, _outside(at)) for at in range(len(gifts.OUTSIDE))),
    ("errand: keys at the restaurant, or elsewhere", "C9", 0.90, _errands),
    ("homonym: what follows from the meaning", "C4", 0.90, _senses(words.HOMONYMS)),
    ("polyseme: what follows from the meaning", "C4", 0.90, _senses(words.POLYSEMES)),
    ("whose it is, unseen roles", "C5", 0.90, _owners(False)),
    ("whose it is, unseen roles, the world the other way round", "C5", 0.80, _owners(True)),
    ("what is too big, what is too small", "C5", 0.80, _fitting),
    ("fruit flies like a banana", "C5", 0.80, _flying),
    ("he or she after a title", "C5", 0.90, _titles),
    ("the verb goes with the first noun", "C6", 0.90, _agreement),
    ("the form of a verb after a word of time", "C6", 0.90, _tenses),
    ("story: an attribute of one of two people", "C6", 0.80, _stories(False)),
    ("story: an attribute that has changed", "C6", 0.80, _stories(True)),
    ("who looks after it, by its kind", "C1", 0.80, _keepers),
    ("big, bigger, biggest", "C2", 0.80, _degrees),
    ("one mouse, two mice", "C2", 0.80, _numbers),
    ("surname, by the work", "C16", 0.90, _surnames),
    ("work, in an unseen frame", "C16", 0.90, _work),
    ("belief: a false label that was read", "C19", 0.90, _believed),
)  # fmt: skip

# Sentences of the article that the world's words must be able to say
ARTICLE = (
    "When Mary and John went to the store, John gave a drink to Mary",
    "When Mary and John went to the restaurant, John gave his keys to the valet",
    "John wants his bank to cash the cheque", "the customer asked the mechanic to fix his car",
    "the professor urged the student to do her homework", "fruit flies like a banana",
    "John picks up a magazine", "Susan works for a magazine", "Joe Biden", "Donald Trump",
    "I like my coffee with cream and sugar", "cat dog kitten pet vet", "big biggest small smallest",
    "Switzerland Swiss Cambodia Cambodian Paris France Berlin Germany",
    "possible impossible ethical unethical mouse mice dollar dollars man woman king queen doctor nurse",
    "Here is a bag filled with popcorn. The label on the bag says chocolate. Sam finds the bag.",
    "She reads the label. She believes that the bag is full of chocolate",
)  # fmt: skip
