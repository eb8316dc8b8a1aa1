"""C2: word vectors do arithmetic. How often, how much of it rests on leaving the question's words out, and
the article's six examples one by one.

The usual way to ask never lets the answer be one of the question's own words. Nissim et al. 2020
(arXiv:1905.09866) and Rogers et al. 2017 show how much that decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interp.claims import Claim, decide
from interp.languages import message
from interp.methods.geometry import arithmetic
from interp.methods.geometry.arithmetic import ALLOWED, LEFT_OUT, NEAR_B, NEAR_C, WAYS
from interp.result import Result
from interp.vectors import Question, WordVectors, questions
from interp.words.vectors import ARTICLE_ANALOGIES

LEAST_RIGHT = 0.5  # share of questions, the same for every table of vectors

NAMES = {  # of the list's classes, where they read badly
    "capital-common-countries": "well-known capital", "capital-world": "capital",
    "gram1-adjective-to-adverb": "adverb", "gram2-opposite": "opposite", "gram3-comparative": "comparative",
    "gram4-superlative": "superlative", "gram5-present-participle": "participle",
    "gram6-nationality-adjective": "nationality", "gram7-past-tense": "past tense", "gram8-plural": "plural",
    "gram9-plural-verbs": "form of verb",
}  # fmt: skip

C2_TEXT = message("Word vectors do arithmetic.")
C2_PUBLISHED = (
    "other vectors: 71.7 % (GloVe 6B, 300 dimensions, 400,000 words; Pennington and others 2014, table 2),"
    " the question's words left out"
)


@dataclass(frozen=True, eq=False)
class Answered:
    """The questions this table knows all words of, and Result[way, question] of right answers."""

    questions: tuple[Question, ...]
    hits: Result

    def by_class(self) -> Result:
        """The share of right answers: Result[way, class], the class with most questions first."""
        kinds = np.array([one.kind for one in self.questions])
        names = sorted(dict.fromkeys(kinds), key=lambda kind: -(kinds == kind).sum())
        values = np.stack([self.hits.values[:, kinds == name].mean(axis=1) for name in names], axis=1)
        labels = tuple(NAMES.get(name, name.replace("-", " ")) for name in names)
        axes = {"way": WAYS, "class": labels}
        return Result(values, axes, self.hits.quantity, "", self.hits.about)

    def interval(self, way: str) -> tuple[float, float]:
        """The 95 % interval of the share over all questions, by bootstrap over pairs of words."""
        return arithmetic.over_pairs(self.hits.at(way=way).values, self.questions)


@dataclass(frozen=True)
class Example:
    """One of the article's examples: the first answer in both ways, and whether it is the article's.

    `left_out` is None where the table does not know one of the words.
    """

    a: str
    b: str
    c: str
    expected: str
    left_out: str | None
    allowed: str | None

    @property
    def right(self) -> tuple[bool, bool]:
        """Whether the answer is the article's: the question's words left out, and allowed."""
        return _same(self.left_out, self.expected), _same(self.allowed, self.expected)

    def __str__(self) -> str:
        if self.left_out is None:
            return f"{self.b} − {self.a} + {self.c}: a word is not in this table"
        told = f"{self.left_out} ({self.allowed} if its own words may answer)"
        return f"{self.b} − {self.a} + {self.c} = {told}{'' if self.right[0] else f', not {self.expected}'}"


def answered(vectors: WordVectors, some: Sequence[Question] | None = None) -> Answered:
    """All analogy questions that this table knows the words of, asked in the four ways."""
    asked = arithmetic.known(vectors, questions() if some is None else some)
    return Answered(asked, arithmetic.solved(vectors, asked))


def article_examples(vectors: WordVectors) -> tuple[Example, ...]:
    """The article's six examples, in its order."""
    found = []
    for a, b, c, expected in ARTICLE_ANALOGIES:
        first: list[str | None] = [None, None]
        if len(vectors.known((a, b, c))) == 3:
            ways = (arithmetic.answers(vectors, a, b, c, allowed=way) for way in (False, True))
            first = [str(way.axes["word"][0]) for way in ways]
        found.append(Example(a, b, c, expected, *first))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Parallelogram:
    """A question as a picture: Result[word, side] in the plane of a, b and c; what each point is; the two
    equal arrows; and the words nearest to where the second one ends: Result[word].
    """

    points: Result
    roles: dict[str, str]
    arrows: tuple[tuple[str, str], tuple[str, str]]
    nearest: Result


def parallelogram(
    vectors: WordVectors, a: str, b: str, c: str, expected: str, *, k: int = 5
) -> Parallelogram:
    """The question's words, the point b - a + c, the expected word, and the k words nearest to the point.

    The plane is that of a, b and c, so a word outside it looks nearer than it is.
    """
    near = arithmetic.answers(vectors, a, b, c, k=k, allowed=True)
    first, second, third, right = (vectors.spelled(word) for word in (a, b, c, expected))
    target = f"{second} − {first} + {third}"
    roles = dict.fromkeys(map(str, near.axes["word"]), "near the target") | {right: "expected answer"}
    roles |= dict.fromkeys((first, second, third), "in the question")
    rows = vectors.rows_of(roles)
    corner, one, other = vectors.rows_of((first, second, third))
    sides = np.stack([one - corner, other - corner])
    across = sides[0] / np.linalg.norm(sides[0])
    up = sides[1] - (sides[1] @ across) * across
    up = up / (np.linalg.norm(up) or 1.0)
    flat = (np.vstack([rows, one - corner + other]) - corner) @ np.stack([across, up]).T
    axes = {"word": (*roles, target), "side": (f"from {first} to {second}", f"across that, towards {third}")}
    return Parallelogram(
        Result(flat, axes, "place in the plane", "", vectors.about()),
        {**roles, target: "target"},
        ((first, second), (third, target)),
        near,
    )


def c2(answered: Answered, examples: Sequence[Example], *, strict: float = 1.0) -> Claim:
    """Verdict on C2: right in half of the questions, and better than c's neighbours alone?

    Only with the question's words left out: `partly`. `published` is another table, so only for comparison.
    `strict` multiplies the threshold.
    """
    shares = {way: float(answered.hits.at(way=way).mean("question")) for way in WAYS}
    interval = answered.interval(LEFT_OUT)
    baselines = [shares[NEAR_B], shares[NEAR_C]]
    above = (interval[0] - max(baselines), interval[1] - max(baselines))
    both = shares[ALLOWED] >= strict * LEAST_RIGHT and shares[ALLOWED] > max(baselines)
    right = [sum(one.right[way] for one in examples) for way in (0, 1)]
    return Claim(
        id="C2",
        text=C2_TEXT,
        test=(
            f"Share of {len(answered.questions):,} questions whose nearest word to b − a + c is right, the"
            f" question's words left out (interval over pairs of words). If they may answer:"
            f" {shares[ALLOWED]:.3f}, so {shares[LEFT_OUT] - shares[ALLOWED]:.3f} rests on leaving them out."
            f" The article's examples: {right[0]} of {len(examples)} right, {right[1]} if its own words may"
            f" answer. {'; '.join(map(str, examples))}."
        ),
        measured=shares[LEFT_OUT],
        interval=interval,
        control=f"{NEAR_B}: {shares[NEAR_B]:.3f}; {NEAR_C}: {shares[NEAR_C]:.3f}",
        threshold=(
            f"at least {LEAST_RIGHT:.2f}, the interval above both controls; only with the question's words"
            " left out: partly"
        ),
        verdict=decide(shares[LEFT_OUT], above, strict * LEAST_RIGHT, baselines, complete=both),
        model=answered.hits.about["model"],
        published=C2_PUBLISHED,
    )


def _same(answer: str | None, expected: str) -> bool:
    return answer is not None and answer.lower() == expected.lower()
