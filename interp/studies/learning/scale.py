"""C18: scale helps as a power law. A family of models over a language whose floor is known.

What is judged is the excess: nats per word above the floor, the surprise that no reader can avoid. Judged by
the plain loss, every law looks right, because most of the loss is floor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.optimize import least_squares

from interp.claims import TRAININGS, Again, Claim, shifted
from interp.languages import message
from interp.published import scaling
from interp.result import Result
from interp.trainings import family, stored

SIZE, TEXT = 3e4, 5e5  # where the laws have their 1, so that fits are well behaved
LEAST_STRAIGHT = 0.98  # r² of log excess against log tokens
MOST_BENT = 2.0  # by how much the exponent may change along a power law
QUANTITY, UNIT = "excess over the floor", "nats per word"
C18_TEXT = message("Bigger models trained on more text get better, as a power law.")


@dataclass(frozen=True)
class Law:
    """A formula for the excess, its parameters' first values."""

    name: str
    excess: Callable
    start: tuple[float | int, ...]


LAWS = (
    Law(
        "(A·N^−a + B)·D^−b",
        lambda p, n, d: (np.exp(p[0]) * n ** -p[1] + np.exp(p[2])) * d ** -p[3],
        (-2, 0.5, -2, 0.4),
    ),
    Law(
        "A·N^−a + B·D^−b",
        lambda p, n, d: np.exp(p[0]) * n ** -p[1] + np.exp(p[2]) * d ** -p[3],
        (-2, 0.3, -2, 0.4),
    ),
    Law("A·N^−a·D^−b", lambda p, n, d: np.exp(p[0]) * n ** -p[1] * d ** -p[2], (-1.5, 0.3, 0.3)),
    Law(
        "no floor: A·N^−a + B·D^−b",
        lambda p, n, d: np.exp(p[0]) * n ** -p[1] + np.exp(p[2]) * d ** -p[3] - _floor(),
        (0, 0.1, 0, 0.1),
    ),
)  # fmt: skip


def about() -> dict:
    """What a Result says about these runs."""
    return stored.about("family")


@cache
def runs() -> Result:
    """The excess of every model: Result[seed, weights, tokens], nats per word."""
    found = {(run["seed"], run["size"], run["tokens"]): run["excess"] for run in family.read()["runs"]}
    seeds, sizes, amounts = (tuple(sorted({key[i] for key in found})) for i in range(3))
    values = [[[found[seed, size, tokens] for tokens in amounts] for size in sizes] for seed in seeds]
    axes = {"seed": seeds, "weights": sizes, "tokens": amounts}
    return Result(np.array(values), axes, QUANTITY, UNIT, about() | {"floor": _floor(), "n": len(found)})


def by_size() -> Result:
    """The excess by size and amount of text: Result[weights, tokens], mean of the seeds."""
    return runs().mean("seed")


def on_log_paper() -> Result:
    """Powers of two of the excess, where a power law is a straight line: Result[weights, tokens]."""
    mean = by_size()
    return Result(np.log2(mean.values), mean.axes, "log2 of the excess", "doublings", mean.about)


def made(bend: float | int = 0, *, learns: bool = True) -> Result:
    """A family that was never trained, to see the verdict flip: Result[seed, weights, tokens].

    With `bend` 0 it follows a power law in size and in text exactly; else a rest of that size stays, however
    large the model. If it does not learn, nothing ever helps.
    """
    whole = runs()
    n, d = np.meshgrid(*(np.array(whole.axes[name], float) for name in ("weights", "tokens")), indexing="ij")
    excess = ((n / SIZE) ** -0.3 + bend) * (d / TEXT) ** -0.4 if learns else np.ones_like(n)
    luck = np.array([0.99, 1.0, 1.01])[:, None, None]
    return Result(0.2 * excess * luck, whole.axes, QUANTITY, UNIT, whole.about)


def seconds() -> float:
    """How long the whole family took, in seconds of one core."""
    return sum(run["seconds"] for run in family.read()["runs"])


def exponents(excess: Result) -> tuple[Result, Result]:
    """Slopes on log paper: in text, over all amounts, Result[weights]; in size, from each size to the next
    with the most text, Result[step]. A power law has one exponent everywhere.
    """
    sizes, amounts = np.array(excess.axes["weights"], float), np.array(excess.axes["tokens"], float)
    logs = np.log(np.maximum(excess.values, 1e-12))
    text = -np.polyfit(np.log(amounts), logs.T, 1)[0]
    size = -np.diff(logs[:, -1]) / np.diff(np.log(sizes))
    steps = tuple(f"{a:,} to {b:,}" for a, b in pairwise(excess.axes["weights"]))
    return (
        Result(text, {"weights": excess.axes["weights"]}, "exponent in text", "exponent", excess.about),
        Result(size, {"step": steps}, "exponent in size", "exponent", excess.about),
    )


def straightness(excess: Result) -> float:
    """The least r² of a straight line through log excess against log tokens, over the sizes."""
    logs = np.log(np.maximum(excess.values, 1e-12))
    tokens = np.log(np.array(excess.axes["tokens"], float))
    return float(min(np.corrcoef(tokens, row)[0, 1] ** 2 if np.ptp(row) > 1e-9 else 0.0 for row in logs))


@cache
def predicted(held_out: int = 1) -> Result:
    """Each law fitted on the smaller sizes, asked about the largest: Result[law, weights, tokens].

    The first law is "seen", what really came out.
    """
    whole = runs()
    sizes, amounts = np.array(whole.axes["weights"], float), np.array(whole.axes["tokens"], float)
    small, asked = sizes[:-held_out], sizes[-held_out:]
    n, d = np.meshgrid(small, amounts, indexing="ij")
    seen = np.log(whole.values[:, :-held_out])
    values = [whole.values[:, -held_out:].mean(0)]
    for law in LAWS:
        found = _fitted(law, seen, n / SIZE, d / TEXT)
        values.append(law.excess(found, *np.meshgrid(asked / SIZE, amounts / TEXT, indexing="ij")))
    axes = {"law": ("seen", *(law.name for law in LAWS)), "weights": whole.axes["weights"][-held_out:],
            "tokens": whole.axes["tokens"]}  # fmt: skip
    return Result(np.stack(values), axes, QUANTITY, UNIT, whole.about)


def errors(held_out: int = 1) -> Result:
    """How far each law's prediction misses, on average: Result[law, of], in percent of the excess and of the
    whole loss.
    """
    found, floor = predicted(held_out), _floor()
    seen, others = found.values[0], found.values[1:]
    gap = np.abs(others - seen)
    values = np.stack([(gap / seen).mean((1, 2)), (gap / (seen + floor)).mean((1, 2))], 1) * 100
    axes = {"law": found.axes["law"][1:], "of": ("of the excess", "of the loss")}
    return Result(np.array(values), axes, "mean error on the largest size", "percent", found.about)


def published() -> Result:
    """GPT-2's own table and what Kaplan's law says of the same sizes: Result[weights, source], nats.

    GPT-2's: logarithm of its perplexity per word on WikiText-103; the law's: per token of another text.
    """
    sizes = tuple(scaling.GPT2_PERPLEXITY)
    values = [[np.log(scaling.GPT2_PERPLEXITY[n]) for n in sizes], [scaling.kaplan(n) for n in sizes]]
    axes = {
        "weights": tuple(f"{n / 1e6:,.0f} M" for n in sizes),
        "source": ("GPT-2's table, per word", "Kaplan's law, per token"),
    }
    quoted = about() | {"published": True, "quoted": "GPT-2 in four sizes"}
    return Result(np.transpose(values), axes, "loss", "nats", quoted)


def c18(excess: Result | None = None, *, strict: float = 1.0) -> Claim:
    """The verdict, on the stored family or on another Result[seed, weights, tokens].

    Supported: more weights and more text always help, text along a straight line on log paper, size with one
    exponent. Partly: they help, and only one of the two is a power law. `strict` moves the least
    straightness as `claims.shifted` does, and divides the factor allowed.
    """
    whole = runs() if excess is None else excess
    mean = whole.mean("seed")
    text, size = exponents(mean)
    each = np.array([exponents(whole.at(seed=seed))[0].values.mean() for seed in whole.axes["seed"]])
    helps = bool((np.diff(mean.values, axis=0) < 0).all() and (np.diff(mean.values, axis=1) < 0).all())
    straight, bent = straightness(mean), float(size.values.max() / max(size.values.min(), 1e-9))
    laws = (straight >= shifted(LEAST_STRAIGHT, strict), bent <= MOST_BENT / strict)
    verdict = "not supported" if not helps else ("not supported", "partly", "supported")[sum(laws)]
    missed = errors().at(of="of the excess").values
    return Claim(
        id="C18",
        text=C18_TEXT,
        model=about()["model"],
        measured=float(text.values.mean()),
        interval=(float(each.min()), float(each.max())),
        verdict=verdict,
        test=(
            f"{whole.values.size} models of our own making. The exponent in text, from the excess over a"
            f" known floor (lowest and highest seed). More always helps: {'yes' if helps else 'no'}. Text:"
            f" least r² on log paper {straight:.3f}. Size: the exponent goes from {size.values[0]:.2f} to"
            f" {size.values[-1]:.2f}, a factor of {bent:.1f}."
        ),
        control=(
            f"laws fitted on smaller sizes miss the largest one's excess by {missed.min():.1f} to"
            f" {missed.max():.1f} %; a family that learns nothing would be: not supported"
        ),
        threshold=(
            f"more always helps; r² at least {LEAST_STRAIGHT} (text); exponent within a factor of"
            f" {MOST_BENT:g} (size); only one of the two: partly"
        ),
        published="Kaplan and others 2020: loss falls with size as N^−0.076, with text as D^−0.095",
    )


def c18_again() -> Again:
    """C18 asked again, for `claims.firm`: of the 24 models of each seed alone."""
    whole = runs()
    each = [
        Result(whole.values[[at]], {**whole.axes, "seed": (seed,)}, QUANTITY, UNIT, whole.about)
        for at, seed in enumerate(whole.axes["seed"])
    ]
    return {TRAININGS: lambda: map(c18, each)}


def _fitted(law: Law, seen: np.ndarray, n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """The parameters that come nearest to the log of the excess (soft least squares)."""

    def gap(p: np.ndarray) -> np.ndarray:
        return (np.log(np.maximum(law.excess(p, n, d), 1e-9)) - seen).ravel()

    starts = (law.start, [1.5 * one for one in law.start], [0.5 * one for one in law.start])
    tried = (least_squares(gap, start, loss="soft_l1", f_scale=0.1, max_nfev=5000) for start in starts)
    return min(tried, key=lambda one: one.cost).x


@cache
def _floor() -> float:
    return float(family.read()["language"]["floor"])
