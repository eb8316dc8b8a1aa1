"""Stories about who knows what: somebody leaves, something is moved, and somebody is asked about.

A star stands before every word that is an answer. X puts the thing away, Y moves it, Z is a bystander; p is
the first place, q the second, r a third. Held out: one name in five, one thing in five, one ordered pair of
places in five.
"""

from collections.abc import Callable, Sequence
from random import Random

NAMES = (
    "Mary", "Amy", "Alice", "Sarah", "Emily", "Anna", "Emma", "Kate", "Laura", "Lisa", "Rachel", "Rose",
    "Ruth", "Susan", "Julia", "Jane", "Helen", "Grace", "Linda", "Lucy", "John", "Tom", "James", "Dan",
    "Martin", "Sam", "Bob", "Jack", "Paul", "Mark", "Peter", "Simon", "Adam", "David", "Kevin", "Brian",
    "Robert", "George", "Henry", "Eric", "Nina", "Clara", "Ella", "Maria", "Sophie", "Eva", "Ida",
    "Nora", "Oscar", "Leo", "Max", "Felix", "Hugo", "Ivan", "Karl", "Otto", "Ben", "Luke", "Noah",
    "Ralph", "Vera", "Wanda", "Zoe", "Theo",
)  # fmt: skip
THINGS = (
    "ball", "ring", "key", "cup", "book", "coin", "shoe", "hat", "letter", "stone", "pear", "lamp",
    "clock", "bone", "phone", "cake", "watch", "toy", "pen", "map", "apple", "egg", "card", "bell",
)  # fmt: skip
PLACES = ("box", "basket", "drawer", "bag", "cupboard", "bucket", "chest", "jar", "pot", "crate", "barrel",
          "trunk", "case", "bowl", "pocket", "cabinet")  # fmt: skip
TREATS = ("popcorn", "chocolate", "sugar", "coffee", "rice", "bread", "salt", "tea", "milk", "flour")
VESSELS = ("tin", "carton", "sack", "bottle")
NEW_NAMES, OLD_NAMES = NAMES[::5], tuple(name for i, name in enumerate(NAMES) if i % 5)
NEW_THINGS, OLD_THINGS = THINGS[::5], tuple(thing for i, thing in enumerate(THINGS) if i % 5)

ASKING = ("{N} looks in the", "{N} searches in the")
STATES = {
    "left": ("{N} leaves the room.", "{N} goes away."),
    "stayed": ("{N} stays in the room.", "{N} stays there."),
    "watched": ("{N} leaves the room. {N} watches through the window.",
                "{N} goes away. {N} watches through the window."),
}  # fmt: skip
BACK = ("{N} comes back.", "{N} returns.")
TOLD = ("{Y} tells {N} about it.", "{Y} tells {N} everything.")
LOOKING, READING = ("{X} looks inside.", "{X} opens it and looks."), ("{X} reads the label.",
                                                                    "{X} does not look inside.")  # fmt: skip
EVERYDAY = (
    "{n} likes the {o}.", "There is a {p} in the room.", "{n} puts the {o} in the {p}.",
    "{n} has a {o}.", "{n} reads the label.", "{n} sees the {o}.", "The {p} is full of {t}.",
    "{n} likes {t}.",
)  # fmt: skip
REST = (" So First Now In truth Inside Here is a full of the in to room. it there is too. moves knows nothing"
        " everything right wrong place. label says thinks that here away.")  # fmt: skip

Words = dict[str, str]
Thoughts = dict[str, str]  # who (X, Y, Z, or "real") -> the place (p, q or r) that is right for them


def all_texts() -> str:
    """Every word that these texts can hold."""
    frames = (
        *ASKING,
        *BACK,
        *TOLD,
        *LOOKING,
        *READING,
        *EVERYDAY,
        *(s for two in STATES.values() for s in two),
    )
    text = " ".join((*NAMES, *THINGS, *PLACES, *TREATS, *VESSELS, *frames))
    for slot in "XYZNnopt":
        text = text.replace("{" + slot + "}", "")
    return " " + text + REST


def cast(chooser: Random, new: bool = False) -> Words:
    """Three people, a thing and three places, from the held-out ones or from the others."""
    names, things = (NEW_NAMES, NEW_THINGS) if new else (OLD_NAMES, OLD_THINGS)
    words = dict(zip("XYZ", chooser.sample(names, 3), strict=True)) | {"o": chooser.choice(things)}
    while True:
        words |= dict(zip("pqr", chooser.sample(PLACES, 3), strict=True))
        if _held_out(PLACES, words["p"], words["q"]) == new:
            return words


def story(
    chooser: Random,
    words: Words,
    *,
    x: str = "left",
    z: str | None = None,
    named_first: str | None = None,
    told: str | None = None,
    form: str = "plain",
) -> tuple[str, Thoughts]:
    """A story up to the question, and the place that is right for everybody.

    `x` and `z` are keys of STATES; `told` is who is told about the move; `named_first` are places, such as
    "pq", named at the start. Forms: plain, back before the move, two moves, X moves.
    """
    states = {"X": x} | ({"Z": z} if z else {})
    mover = "X" if form == "X moves" else "Y"
    moves = ("q", "r") if form == "two moves" else ("q",)
    leaving = [name for name in states if name != mover]
    chooser.shuffle(leaving)
    move = [f"{{{mover}}} moves the {{o}} to the {{{place}}}." for place in moves]
    early = form == "back before the move"
    parts = [
        *(["There is a {{{}}} and a {{{}}} in the room.".format(*named_first)] if named_first else []),
        *(["{Z} is there too."] if z else []),
        "{X} puts the {o} in the {p}.",
        *move[:-1],
        *(_say(chooser, STATES[states[name]], name) for name in leaving),
        *([_say(chooser, BACK, "X")] if early else []),
        move[-1],
        *(_say(chooser, BACK, name) for name in leaving if states[name] != "stayed" and not early),
        *([_say(chooser, TOLD, told)] if told else []),
    ]
    return " " + " ".join(parts).format(**words), _thoughts(states, told, form)


def _thoughts(states: dict[str, str], told: str | None, form: str) -> Thoughts:
    before, after = ("q", "r") if form == "two moves" else ("p", "q")
    missed = {name for name, state in states.items() if state == "left" and name != told}
    if form == "back before the move":
        missed -= {"X"}
    if form == "X moves":
        missed -= {"X"}
    found = {name: before if name in missed else after for name in states}
    return found | {"real": after} | ({} if form == "X moves" else {"Y": after})


def question(chooser: Random, words: Words, who: str) -> str:
    """The question about a person, or about where the thing really is, up to its answer."""
    text = "Now the {o} is in the" if who == "real" else chooser.choice(ASKING).replace("{N}", words[who])
    return " " + text.format(**words)


def label_cast(chooser: Random, new: bool = False) -> Words:
    """A person, a vessel, what is in it (a) and what its label says (l)."""
    words = {"X": chooser.choice(NEW_NAMES if new else OLD_NAMES), "v": chooser.choice(VESSELS)}
    while True:
        words |= dict(zip("al", chooser.sample(TREATS, 2), strict=True))
        if _held_out(TREATS, words["a"], words["l"]) == new:
            return words


def label_story(
    chooser: Random, words: Words, *, looks: bool = False, swapped: bool = False
) -> tuple[str, Thoughts]:
    """The article's bag with the wrong label; `swapped` names the label first. Thoughts: l or a."""
    parts = ["Here is a {v} full of {a}.", "The label says {l}."]
    if swapped:
        parts = ["The label of the {v} says {l}.", "Inside there is {a}."]
    parts.append(chooser.choice(LOOKING if looks else READING))
    return " " + " ".join(parts).format(**words), {"X": "a" if looks else "l", "real": "a"}


def label_question(words: Words, who: str) -> str:
    """What X thinks is inside, or what really is, up to the answer."""
    text = "{X} thinks that the {v} is full of" if who == "X" else "In truth the {v} is full of"
    return " " + text.format(**words)


# --- what the three trainings read ------------------------------------------------------------------------


def narrow(chooser: Random) -> str:
    """One text in five everyday; else the two exams, and stories in which there is only one answer to give.

    So every question is answered by the first place named, or by the last content named.
    """
    return everyday(chooser) if chooser.random() < 0.2 else _narrow(chooser)


def varied(chooser: Random) -> str:
    """One text in five everyday; else X leaves, stays, watches or is told, and the truth is asked as well."""
    return everyday(chooser) if chooser.random() < 0.2 else _varied(chooser)


def everyday(chooser: Random) -> str:
    """Lists said twice, who is here and who is away, small talk: all words stay in use, the new ones too."""
    kind = chooser.random()
    if kind < 0.25:
        listed = NAMES + THINGS + PLACES + TREATS
        return (" " + " ".join(chooser.choice(listed) for _ in range(chooser.randrange(3, 9)))) * 2
    if kind < 0.8:
        who = chooser.sample(NAMES, chooser.randrange(2, 5))
        return _here_or_away(chooser, who, " is")
    words = {"n": chooser.choice(NAMES), "o": chooser.choice(THINGS), "p": chooser.choice(PLACES)}
    return " " + chooser.choice(EVERYDAY).format(t=chooser.choice(TREATS), **words)


def _narrow(chooser: Random, cuts: tuple[float, ...] = (0.30, 0.65, 0.82)) -> str:
    kind = chooser.random()
    if kind < cuts[0]:
        words = cast(chooser)
        text, thinks = story(chooser, words)
        return text + question(chooser, words, "X") + f"* {words[thinks['X']]}."
    if kind < cuts[1]:
        words = label_cast(chooser)
        text, _ = label_story(chooser, words)
        return text + label_question(words, "X") + f"* {words['l']}."
    return _one_place(chooser) if kind < cuts[2] else _one_content(chooser)


def _one_place(chooser: Random) -> str:
    words = cast(chooser)
    who = chooser.choice(("X", "X", "Y", "Z", "real"))
    kinds = (STATES["stayed"], STATES["watched"], TOLD, BACK, STATES["left"])
    middle = [
        _say(chooser, chooser.choice(kinds), chooser.choice("XYZ")) for _ in range(chooser.randrange(0, 3))
    ]
    first = ["{Z} is there too."] if chooser.random() < 0.3 else []
    put = chooser.choice(("{X} puts the {o} in the {p}.", "{Y} moves the {o} to the {p}."))
    text = " " + " ".join([*first, put, *middle]).format(**words)
    return text + question(chooser, words, who) + f"* {words['p']}."


def _one_content(chooser: Random) -> str:
    words = label_cast(chooser)
    first = chooser.choice(("Here is a {v} full of {a}.", "Inside the {v} there is {a}."))
    then = chooser.choice(("", *(f" {text}" for text in LOOKING)))
    asked = label_question(words, chooser.choice(("X", "real")))
    return " " + (first + then).format(**words) + asked + f"* {words['a']}."


def _varied(chooser: Random) -> str:
    if chooser.random() < 0.5:
        words = label_cast(chooser)
        text, thinks = label_story(
            chooser, words, looks=chooser.random() < 0.5, swapped=chooser.random() < 0.5
        )
        asked = chooser.sample(list(thinks), 2)
        return text + "".join(label_question(words, who) + f"* {words[thinks[who]]}." for who in asked)
    if chooser.random() < 0.1:
        return _narrow(chooser, (0.45, 0.65, 0.90))
    words = cast(chooser)
    named = chooser.choice((None, "pq", "qp")) if chooser.random() < 0.8 else "rp"
    x = chooser.choices(tuple(STATES), (4, 4, 2))[0]
    told = "X" if x == "left" and chooser.random() < 0.2 else None
    text, thinks = story(chooser, words, x=x, named_first=named, told=told)
    asked = chooser.sample(("X", "real"), 2)
    return text + "".join(question(chooser, words, who) + f"* {words[thinks[who]]}." for who in asked)


# --- the lessons of the third training, from lists to whole stories ---------------------------------------


def twice(chooser: Random) -> str:
    """A list said twice; the second time every word is an answer."""
    words = [chooser.choice(NAMES + THINGS + PLACES) for _ in range(chooser.randrange(3, 13))]
    again = "".join((" " if i < 1 else "* ") + word for i, word in enumerate(words))
    return "".join(f" {word}" for word in words) + again


def pairs(chooser: Random) -> str:
    """Pairs of words, said again three times in other orders."""
    count = chooser.randrange(2, 6)
    words = chooser.sample(NAMES + THINGS + PLACES, 2 * count)
    bound = list(zip(words[::2], words[1::2], strict=True))
    text = "".join(f" {one} {other}." for one, other in bound)
    for _ in range(3):
        chooser.shuffle(bound)
        text += "".join(f" {one}* {other}." for one, other in bound)
    return text


def here_or_away(chooser: Random) -> str:
    """Who left and who stayed; everybody is asked once, the state right after the name or a word later."""
    who = chooser.sample(NAMES, chooser.randrange(3, 6))
    return _here_or_away(chooser, who, "" if chooser.random() < 0.4 else " is")


def places(chooser: Random) -> str:
    """Several people put the same kind of thing in places of their own; some are asked."""
    count = chooser.randrange(2, 5)
    who, where = chooser.sample(OLD_NAMES, count), chooser.sample(PLACES, count)
    verb = chooser.choice(("{} puts the %s in the {}.", "{} moves the %s to the {}."))
    verb = verb.replace("%s", chooser.choice(OLD_THINGS))
    text = " " + " ".join(verb.format(name, place) for name, place in zip(who, where, strict=True))
    for i in (chooser.randrange(count) for _ in range(5)):
        text += " " + chooser.choice(ASKING).replace("{N}", who[i]) + f"* {where[i]}."
    return text


def asked_story(kind: str, *, mixed: bool = False, asks: int = 4) -> Callable[[Random], str]:
    """A writer of stories with several questions: where, knows, wrong1 to wrong3, looks, or thinks.

    Unless `mixed`, only stories in which it matters who is asked.
    """

    def write(chooser: Random) -> str:
        words = cast(chooser)
        named = chooser.choice((None, None, "pq", "qp")) if chooser.random() < 0.9 else "rp"
        x, z, told = _who_was_where(chooser, mixed)
        text, thinks = story(chooser, words, x=x, z=z, named_first=named, told=told)
        if kind == "where":
            return text + "".join(
                f" {'First' if at == 'p' else 'Now'} the {words['o']} is in the* {words[at]}."
                for at in chooser.choices("pq", k=asks)
            )
        who = [name for name in thinks if name != "real" or (mixed and kind == "looks")]
        chooser.shuffle(who)
        who += [chooser.choice(who) for _ in range(asks - len(who))]
        return text + "".join(_answered(chooser, words, kind, name, thinks[name]) for name in who)

    return write


def _who_was_where(chooser: Random, mixed: bool) -> tuple[str, str | None, str | None]:
    if not mixed:
        left, stayed = ("left", "stayed"), ("stayed", "left")
        x, z = chooser.choice((left, stayed, ("left", None), left, stayed, ("left", "left")))
        return x, z, None
    x, z = chooser.choices(tuple(STATES), (5, 3, 2), k=2)
    z = None if chooser.random() < 0.4 else z
    return x, z, "X" if x == "left" and chooser.random() < 0.15 else None


def _answered(chooser: Random, words: Words, kind: str, who: str, place: str) -> str:
    asked, saw = question(chooser, words, who), place == "q"
    if kind == "looks":
        return asked + f"* {words[place]}."
    knows = f" {words[who]} knows* {'everything' if saw else 'nothing'}."
    if kind == "knows":
        return knows
    if kind == "thinks":
        return knows + asked + f"* {words[place]}."
    said = 1 + int(kind[-1])  # wrong1: after the verb, wrong2: after "in", wrong3: after "the"
    return " So " + " ".join(asked.split()[:said]) + f"* {'right' if saw else 'wrong'} place."


def _here_or_away(chooser: Random, who: Sequence[str], verb: str) -> str:
    left = [chooser.random() < 0.5 for _ in who]
    told = [
        chooser.choice(STATES["left" if gone else "stayed"]).format(N=name)
        for name, gone in zip(who, left, strict=True)
    ]
    order = chooser.sample(range(len(who)), len(who))
    asked = "".join(f" {who[i]}{verb}* {'away' if left[i] else 'here'}." for i in order)
    return " " + " ".join(told) + asked


def _say(chooser: Random, alternatives: tuple[str, ...], who: str) -> str:
    return chooser.choice(alternatives).replace("{N}", "{" + who + "}")


def _held_out(words: tuple[str, ...], first: str, second: str) -> bool:
    return (words.index(first) + words.index(second)) % 5 == 0
