"""C3: word vectors carry our biases. Occupations against the census, and what stays when a direction is
taken out.

A word's lean is its mean cosine to ten women's words minus that to the ten men's words beside them. Our ten
pairs are one of several lists tried, taken because its figure comes near one measured earlier; so two
published lists stand beside it, untuned. Sources:
Bolukbasi et al. 2016 (arXiv:1607.06520); Caliskan et al. 2017 (arXiv:1608.07187); Garg et al. 2018
(arXiv:1711.08412); Gonen and Goldberg 2019 (arXiv:1903.03862) for what removal leaves.
"""

from collections.abc import Sequence

import numpy as np

from interp.claims import LISTS, Again, Claim, decide
from interp.languages import message
from interp.methods.geometry import arithmetic, directions, readers
from interp.result import Result
from interp.vectors import Occupation, WordVectors, occupations
from interp.words.vectors import ARTICLE_BIAS, GENDER_PAIRS, PUBLISHED_PAIRS

YEAR = 2000
SIDE, AMONG = 500, 20_000  # words on each side, of so many most frequent ones
RANDOM_DIRECTIONS = 300
BOOTSTRAPS = 2000
STATES = ("direction in place", "direction taken out", "taken out, labels shuffled")

# The same for every table of vectors
LEAST_CORRELATION = 0.3

C3_TEXT = message("Word vectors also carry our biases.")
C3_PUBLISHED = (
    "other vectors: nurse answers man : doctor as woman : ? in word2vec (Bolukbasi and others 2016)"
)


def pairs(
    vectors: WordVectors, some: Sequence[tuple[str, str]] = GENDER_PAIRS
) -> tuple[tuple[str, str], ...]:
    """The pairs (woman's word, man's word) of which both are in the table, as it spells them."""
    found = (vectors.known(pair) for pair in some)
    return tuple((pair[0], pair[1]) for pair in found if len(pair) == 2)


def lean(
    vectors: WordVectors, words: Sequence[str], some: Sequence[tuple[str, str]] = GENDER_PAIRS
) -> Result:
    """How much nearer each word is to women's words than to men's: Result[word], a cosine."""
    women, men = zip(*pairs(vectors, some), strict=True)
    found = directions.projection(vectors, words, directions.gap(vectors, women, men))
    return Result(
        found.values, found.axes, "nearer to women's (+) or to men's words (−)", "cosine", found.about
    )


def beside_census(
    vectors: WordVectors, year: int = YEAR, some: Sequence[tuple[str, str]] = GENDER_PAIRS
) -> Result:
    """Each occupation's share of women in the census and its lean: Result[word, measure]."""
    jobs = _counted(vectors, year)
    leans = lean(vectors, [job.word for job in jobs], some)
    values = np.stack([[job.women[year] for job in jobs], leans.values], axis=1)
    axes = {
        "word": tuple(job.word for job in jobs),
        "measure": (f"share of women, census {year}", f"{leans.quantity}, {leans.unit}"),
    }
    return Result(values, axes, "share and lean", "", vectors.about() | {"n": len(jobs)})


def correlation(beside: Result) -> tuple[float, tuple[float, float]]:
    """Pearson's r of share and lean, and its 95 % interval by bootstrap over titles of the census.

    Two words of one title (judge, lawyer) share one count, so they are drawn together.
    """
    title_of = {job.word: job.title for job in occupations()}
    _, title = np.unique([title_of[str(word)] for word in beside.axes["word"]], return_inverse=True)
    number = title.max() + 1
    drawn = np.random.default_rng(0).multinomial(number, [1 / number] * number, size=BOOTSTRAPS)[:, title]
    share, leans = beside.values.T
    low, high = np.nanquantile([_pearson(share, leans, weight) for weight in drawn], (0.025, 0.975))
    return _pearson(share, leans, np.ones(len(share))), (float(low), float(high))


def by_list(vectors: WordVectors) -> Result:
    """Pearson's r by the list of women's and men's words and by the year of the census: Result[list, year].

    Which words stand for women and men was somebody's choice: ours, and two that were published.
    """
    years = (1950, 1980, 2000)
    lists = {"ours": GENDER_PAIRS, **PUBLISHED_PAIRS}
    rows = []
    for some in lists.values():
        rows.append([])
        for year in years:
            jobs = _counted(vectors, year)
            leans = lean(vectors, [job.word for job in jobs], some).values
            shares = np.array([job.women[year] for job in jobs])
            rows[-1].append(_pearson(shares, leans, np.ones(len(jobs))))
    axes = {"list": tuple(lists), "year": years}
    return Result(np.array(rows), axes, "correlation of lean and census", "Pearson's r", vectors.about())


def by_chance(
    vectors: WordVectors,
    year: int = YEAR,
    *,
    seed: int = 0,
    some: Sequence[tuple[str, str]] = GENDER_PAIRS,
) -> float:
    """The 95th percentile of the size of r when the direction lies between words drawn at random."""
    jobs = _counted(vectors, year)
    rows = vectors.rows_of([job.word for job in jobs])
    gaps = directions.random_gaps(vectors, size=len(pairs(vectors, some)), count=RANDOM_DIRECTIONS, seed=seed)
    share = np.array([job.women[year] for job in jobs])
    sizes = [abs(_pearson(share, reach, np.ones(len(jobs)))) for reach in (rows @ gaps.T).T]
    return float(np.quantile(sizes, 0.95))


def told_apart(vectors: WordVectors, *, seed: int = 0) -> Result:
    """How well a linear reader tells the most women-leaning from the most men-leaning words, before and after
    the direction of the pairs is taken out: Result[state, word], 1 where a held-out word is put right.

    `SIDE` words on each side, of the `AMONG` most frequent; the pairs' own words are left out.
    """
    found = directions.direction(vectors, pairs(vectors))
    own = {word for pair in pairs(vectors) for word in pair}
    words = [
        word for word in vectors.words[:AMONG] if word not in own and vectors.lengths[vectors.index[word]] > 0
    ]
    reach = directions.projection(vectors, words, found.vector).values
    side = min(SIDE, len(words) // 2)
    order = np.argsort(reach, kind="stable")
    chosen = [words[row] for row in np.r_[order[:side], order[-side:]]]
    labels = np.arange(2 * side) >= side
    without = directions.removed(vectors, found.vector)
    mixed = np.random.default_rng(seed).permutation(labels)
    values = [
        readers.told_apart(vectors.rows_of(chosen), labels, seed=seed),
        readers.told_apart(without.rows_of(chosen), labels, seed=seed),
        readers.told_apart(without.rows_of(chosen), mixed, seed=seed),
    ]
    axes = {"state": STATES, "word": tuple(chosen)}
    about = vectors.about() | {"n": 2 * side, "seed": seed, "share of the direction": found.share}
    return Result(np.stack(values), axes, "share of held-out words told apart", "", about)


def article_example(vectors: WordVectors) -> tuple[str, str] | None:
    """The answers to doctor - man + woman, its words left out and allowed; None for unknown words."""
    a, b, c, _ = ARTICLE_BIAS
    if len(vectors.known((a, b, c))) < 3:
        return None
    first, second = (
        arithmetic.answers(vectors, a, b, c, allowed=way).axes["word"][0] for way in (False, True)
    )
    return str(first), str(second)


def c3(
    beside: Result,
    chance: float,
    example: tuple[str, str] | None,
    apart: Result,
    lists: Result,
    *,
    strict: float = 1.0,
) -> Claim:
    """Verdict on C3: do occupations lean as the census says, and does the article's example come out?

    The lean alone makes it `partly`. `strict` multiplies the threshold.
    """
    measured, interval = correlation(beside)
    others = [float(lists.at(list=name).at(year=YEAR)) for name in PUBLISHED_PAIRS]
    a, b, c, expected = ARTICLE_BIAS
    answer = f"{example[0]} ({example[1]} if its own words may answer)" if example else "unknown words"
    left = apart.mean("word")
    return Claim(
        id="C3",
        text=C3_TEXT,
        test=(
            f"Pearson's r of {len(beside.axes['word'])} occupations' lean to women's words with their share"
            f" of women, United States census {YEAR} (interval over census titles). Our list of words was"
            f" taken from several because its figure comes near an earlier one; with two published lists"
            f" {others[0]:.2f} and {others[1]:.2f}. {b} − {a} + {c} = {answer}. With the direction"
            f" taken out, the most leaning words are still told apart: {float(left.at(state=STATES[1])):.0%}"
            " of held-out words."
        ),
        measured=measured,
        interval=interval,
        control=(
            f"95 % of random directions between words reach at most {chance:.2f} in size; told"
            f" apart with shuffled labels: {float(left.at(state=STATES[2])):.0%}"
        ),
        threshold=(
            f"at least {LEAST_CORRELATION:.1f}, the interval above zero, above the control; and {expected}"
            " first with the question's words left out, else partly"
        ),
        verdict=decide(
            measured, interval, strict * LEAST_CORRELATION, [chance],
            complete=example is not None and example[0] == expected,
        ),
        model=beside.about["model"],
        published=C3_PUBLISHED,
    )  # fmt: skip


def c3_again(vectors: WordVectors, example: tuple[str, str] | None, apart: Result, lists: Result) -> Again:
    """C3 asked again, for `claims.firm`: with the two published lists of women's and men's words."""

    def on(some: Sequence[tuple[str, str]]) -> Claim:
        chance = by_chance(vectors, some=some)
        return c3(beside_census(vectors, some=some), chance, example, apart, lists)

    return {LISTS: lambda: map(on, PUBLISHED_PAIRS.values())}


def _counted(vectors: WordVectors, year: int) -> tuple[Occupation, ...]:
    jobs = (job for job in occupations() if year in job.women)
    return tuple(job for job in jobs if vectors.known([job.word]))


def _pearson(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> float:
    one, other = (values - weight @ values / weight.sum() for values in (one, other))
    below = np.sqrt((weight @ one**2) * (weight @ other**2))
    return float(weight @ (one * other) / below) if below > 0 else float("nan")
