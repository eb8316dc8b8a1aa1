"""What the Vector Playground shows: words as points, the neighbours of one of them, and a - b + c.

Pure; the widget draws it. All of it is asked of the same table, from which a share of the direction between
women's and men's words may be taken out.
"""

from dataclasses import replace
from functools import lru_cache

from interp.languages import message, say
from interp.methods.geometry import arithmetic, directions, neighbours
from interp.result import Result
from interp.screens.refusals import beneath
from interp.screens.vectors import PlaygroundAnswer, PlaygroundBench, PlaygroundState
from interp.studies.vectors.bias import pairs
from interp.vectors import WordVectors
from interp.words.vectors import ARTICLE_ANALOGIES, ARTICLE_BIAS

MOST_WORDS = 12
NEAR, ANSWERS = 8, 6
FIRST_WORDS = ("cat", "dog", "king", "queen", "Paris", "Berlin", "France", "Germany")
ROLES = (message("your words"), message("near the marked word"), "a − b + c")


def bench(vectors: WordVectors) -> PlaygroundBench:
    """The bench of these vectors: those of the article's examples whose words they know, or the first words.

    `compute` gives the state with every word as the table writes it, and its answer.
    """
    known = pairs(vectors)
    along = directions.direction(vectors, known).vector if known else None

    @lru_cache(maxsize=3)
    def changed(percent: int) -> WordVectors:
        return vectors if along is None or not percent else directions.removed(vectors, along, percent / 100)

    def answer(state: PlaygroundState) -> tuple[PlaygroundState, PlaygroundAnswer]:
        with beneath("share"):
            table = changed(_percent(state.share, along is not None))
        return compute(table, state)

    return PlaygroundBench(vectors.name, vectors.source, along is not None, _examples(vectors), answer)


def compute(vectors: WordVectors, state: PlaygroundState) -> tuple[PlaygroundState, PlaygroundAnswer]:
    """The state with every word as the table writes it, and its answer.

    Raises ValueError, marked for its control, for an unknown word, an empty field, too many words, or words
    that cancel out.
    """
    read: dict[str, str] = {}
    with beneath("words"):
        words = _words(vectors, state.words, read)
    three = []
    for name in ("a", "b", "c"):
        with beneath(name):
            three.append(_word(vectors, getattr(state, name), read))
    asked = vectors.known([state.marked])
    marked = asked[0] if asked and asked[0] in words else words[0]
    a, b, c = three
    with beneath("a"):
        ways = [arithmetic.answers(vectors, b, a, c, k=ANSWERS, allowed=way) for way in (False, True)]
    near = neighbours.nearest(vectors, marked, NEAR)
    first = [str(way.axes["word"][0]) for way in ways]
    answers = ways[state.allowed]
    plane, roles, target = _plane(vectors, words, near, (a, b, c), str(answers.axes["word"][0]))
    clean = replace(state, words=words, marked=marked, a=a, b=b, c=c)
    arrows = ((b, a), (c, target)) if a != b else ()
    return clean, PlaygroundAnswer(
        near, answers, first[0], first[1], target, plane.points, roles, arrows, plane.shares, read
    )


def _plane(
    vectors: WordVectors, words: tuple[str, ...], near: Result, three: tuple[str, str, str], answer: str
) -> tuple[directions.Plane, dict[str, str], str]:
    """The plane of all the words on show; each point's role; and what the point a - b + c is called."""
    roles = dict.fromkeys((*three, answer), ROLES[2])
    roles |= dict.fromkeys(map(str, near.axes["word"][:4]), ROLES[1]) | dict.fromkeys(words, ROLES[0])
    one, other, third = vectors.rows_of(three)
    target = " ".join((three[0], "−", three[1], "+", three[2]))
    plane = directions.plane(vectors, tuple(roles), {target: one - other + third})
    return plane, roles | {target: ROLES[2]}, target


def _words(vectors: WordVectors, typed: tuple[str, ...], read: dict[str, str]) -> tuple[str, ...]:
    if not typed:
        raise ValueError(say("There is no word here: type one, or some with spaces between."))
    if len(typed) > MOST_WORDS:
        raise ValueError(
            say(
                "These are {number} words: the picture has room for {most}. Take some out.",
                number=len(typed),
                most=MOST_WORDS,
            )
        )
    return tuple(dict.fromkeys(_word(vectors, one, read) for one in typed))


def _word(vectors: WordVectors, typed: str, read: dict[str, str]) -> str:
    word = vectors.words[vectors.at(typed)]
    if word != typed.strip():
        read[typed.strip()] = word
    return word


def _percent(share: float, can_remove: bool) -> int:
    if not 0 <= share <= 1:
        raise ValueError(say("The share taken out is {share}: choose one from 0 to 1.", share=share))
    if share and not can_remove:
        raise ValueError(
            say("This table has no pair of women's and men's words, so nothing can be taken out.")
        )
    return round(100 * share)


def _examples(vectors: WordVectors) -> tuple[tuple[str, PlaygroundState], ...]:
    """The article's examples whose words are here, the most famous first; else one from the first words."""
    some = vectors.known(FIRST_WORDS) or vectors.words[:MOST_WORDS]
    found = []
    for a, b, c, _ in (*reversed(ARTICLE_ANALOGIES), ARTICLE_BIAS):
        three = vectors.known((b, a, c))
        if len(three) == 3:
            first, second, third = (three[0], three[1], three[2])
            if (first, second, third) == ("woman", "man", "king"):
                first, third = third, first  # as it is always written
            state = PlaygroundState(some, some[0], first, second, third)
            found.append((f"{first} − {second} + {third}", state))
    if not found:
        found = [
            (
                message("the first words"),
                PlaygroundState(some, some[0], (some * 3)[0], (some * 3)[1], (some * 3)[2]),
            )
        ]
    return tuple(found)
