"""C17: training is guessing the next word and turning the taps. Which skills come, and when.

Everything here is about the small models of `trainings.taps`, of our own making.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from scipy.stats import binomtest

from interp.claims import TRAININGS, Again, Claim, decide, shifted
from interp.languages import message
from interp.methods import ngram
from interp.result import Result
from interp.trainings import backward, stored, taps
from interp.trainings.live import Live
from interp.trainings.network import Network
from interp.trainings.vocabulary import END

HALFWAY = {"grammar": 0.5, "repetition": 0.5, "receiver": 0.75}  # between guessing and always right
LEAST_RECEIVER, LEAST_REPETITION, MOST_GAP = 0.9, 0.8, 1e-3
SKILL_NAMES = {
    "grammar": "writes whole sentences",
    "repetition": "repeats a list",
    "receiver": "knows who gets the gift",
}
EXAMPLE, RIGHT = " Then, Anna and Tom went to the store. Anna gave a ring to", " Tom"
C17_TEXT = message(
    "A model learns by guessing the next word and having its many taps turned a little each time."
)


def about() -> dict:
    """What a Result says about these runs."""
    return stored.about("taps")


def curve(noted: dict, name: str = "") -> Result:
    """The skills of one run: Result[step, skill], shares of right answers."""
    looks = noted["looks"]
    values = [[look[skill] for skill in taps.SKILLS] for look in looks]
    axes = {"step": tuple(look["step"] for look in looks), "skill": tuple(SKILL_NAMES.values())}
    return Result(np.array(values), axes, "share right", "share", about() | {"run": name or "live"})


def curves(names: Sequence[str] = taps.SEEDS) -> Result:
    """The skills of stored runs: Result[run, step, skill]."""
    each = [curve(stored.noted(name), name) for name in names]
    axes = {"run": tuple(names), **each[0].axes}
    return Result(np.stack([one.values for one in each]), axes, "share right", "share", about())


def losses(names: Sequence[str] = taps.SEEDS) -> Result:
    """Surprise on held-out text: Result[run, step], nats per word."""
    looks = [stored.noted(name)["looks"] for name in names]
    axes = {"run": tuple(names), "step": tuple(look["step"] for look in looks[0])}
    values = [[look["loss"] for look in one] for one in looks]
    return Result(np.array(values), axes, "surprise on held-out text", "nats per word", about())


def recipes(skill: str = "repetition") -> Result:
    """One skill under three recipes, three seeds each: Result[recipe, seed, step]."""
    named = {"taps": "Muon and AdamW", "taps-adamw": "AdamW alone", "taps-one-block": "one block only"}
    found = [curves(taps.RUNS[setting]).at(skill=SKILL_NAMES[skill]) for setting in named]
    axes = {"recipe": tuple(named.values()), "seed": (0, 1, 2), "step": found[0].axes["step"]}
    return Result(np.stack([one.values for one in found]), axes, found[0].quantity, found[0].unit, about())


def order(names: Sequence[str] = taps.SEEDS) -> Result:
    """The step at which each skill is first halfway from guessing to always right: Result[skill, run].

    Looked at every 50 steps; the number of all steps where it never comes.
    """
    values = []
    for skill, half in HALFWAY.items():
        all_looks = [stored.noted(name)["looks"] for name in names]
        values.append(
            [
                next((look["step"] for look in looks if look[skill] >= half), looks[-1]["step"])
                for looks in all_looks
            ]
        )
    axes = {"skill": tuple(SKILL_NAMES.values()), "run": tuple(names)}
    return Result(np.array(values), axes, "first seen halfway", "step", about() | {"n": len(names)})


def live(training: Live | None = None, *, seconds: float | int = 60, seed: int = 3) -> Result:
    """Trains now to the end, for so many seconds at most: Result[step, skill].

    A training that was begun elsewhere, as in a widget, is waited for, or goes on if it was paused.
    """
    training = training or Live()
    training.finish(seconds, seed)
    return curve({"looks": training.looks}, f"live, seed {training.progress.seed}")


def samples(name: str = "taps-0", steps: Sequence[int] = (0, 100, 400, 1000)) -> dict[int, str]:
    """What the network wrote by itself at these steps."""
    looks = {look["step"]: look["samples"] for look in stored.noted(name)["looks"]}
    return {step: (looks[step] or ["(no end found)"])[0] for step in steps}


def one_step(rate: float | int = 0.1) -> tuple[Result, Result]:
    """One backward step on one sentence, from the first weights and again from the trained ones.

    The change of the right word and of the others that moved most: Result[word], in chance; and every part's
    share of the gradient: Result[part, when].
    """
    words, ids = taps.vocabulary(), _ids(EXAMPLE)
    right, shares, moved = words[RIGHT], {}, {}
    for when, network in (("at the start", taps.untrained()), ("when trained", taps.load())):
        after, shares[when] = backward.turned(network, ids, right, rate)
        moved[when] = (backward.chances(after, ids) - backward.chances(network, ids)).numpy()
    change = moved["at the start"]
    most = [i for i in np.argsort(-np.abs(change)) if i != right][:9]
    chosen = [right, *sorted(most, key=lambda i: -change[i])]
    other = Result(change[chosen], {"word": tuple(words.words[i].strip() for i in chosen)},
                   "change of the chance", "probability", about() | {"rate": rate})  # fmt: skip
    parts = tuple(shares["at the start"])
    values = [[shares[when][part] for when in shares] for part in parts]
    return other, Result(
        np.array(values), {"part": parts, "when": tuple(shares)}, "share of the gradient", "share", about()
    )


@cache
def gradient_gap(name: str = "taps-0") -> tuple[float, int]:
    """The largest gap between a gradient and its slope by hand, relative to the largest slope; how many."""
    found = backward.checked(taps.load(name), _ids(EXAMPLE), taps.vocabulary()[RIGHT])
    slopes = np.array([[gradient, by_hand] for _, gradient, by_hand in found])
    return float(np.abs(slopes[:, 0] - slopes[:, 1]).max() / np.abs(slopes).max()), len(found)


@cache
def training_text(shuffled: bool, /) -> torch.Tensor:
    """Every row that the first seed, or the shuffled control, was trained on."""
    steps = range(taps.RECIPE.steps)
    return torch.cat([taps.rows(f"0 {step}", taps.RECIPE.rows, shuffled=shuffled) for step in steps])


@cache
def counted(shuffled: bool, /) -> ngram.Ngram:
    """The 5-gram of that very text."""
    return ngram.counted([training_text(shuffled)], len(taps.vocabulary()))


@cache
def receiver_by_counting() -> float:
    """How often the 5-gram prefers the receiver, over the same prompts as the network; a tie counts half."""
    table, hits = counted(False), []
    for ids, who, giver in taps.receiver_prompts():
        scores = table.scores(ids)
        hits.append(0.5 + 0.5 * float(np.sign(scores[who] - scores[giver])))
    return float(np.mean(hits))


def one_block_learns() -> int:
    """In how many of its stored seeds a single block learns who gets the gift."""
    ends = [stored.noted(name)["looks"][-1]["receiver"] for name in taps.RUNS["taps-one-block"]]
    return sum(end >= LEAST_RECEIVER for end in ends)


def c17(names: Sequence[str] = taps.SEEDS, control: str = "taps-shuffled", *, strict: float = 1.0) -> Claim:
    """The verdict: does guessing the next word, and nothing else, bring a skill on pairs never trained?

    `strict` moves the shares asked for as `claims.shifted` does, and divides the gap allowed.
    """
    ends = [stored.noted(name)["looks"][-1] for name in names]
    measured = float(np.mean([end["receiver"] for end in ends]))
    repetition = float(np.mean([end["repetition"] for end in ends]))
    interval = share_interval(round(measured * taps.PROMPTS * len(names)), taps.PROMPTS * len(names))
    shuffled = stored.noted(control)["looks"][-1]["receiver"]
    start = stored.noted(names[0])["looks"][0]["receiver"]
    counting, (gap, weights) = receiver_by_counting(), gradient_gap()
    enough = repetition >= shifted(LEAST_REPETITION, strict) and gap <= MOST_GAP / strict
    verdict = (
        decide(measured, interval, shifted(LEAST_RECEIVER, strict), (shuffled, start, counting))
        if enough
        else "not supported"
    )
    return Claim(
        id="C17",
        text=C17_TEXT,
        model=about()["model"],
        measured=measured,
        interval=interval,
        verdict=verdict,
        test=(
            f"A model of our own making (100,096 weights in its blocks, {len(names)} seeds) was trained on"
            f" next words only. Share of {taps.PROMPTS} gifts a seed, between pairs of names never trained,"
            f" in which the receiver beats the giver; lists repeated: {repetition:.2f}. Gradient against"
            f" {weights} slopes found by hand: largest gap {gap:.1g} of the largest slope. A skill, not a"
            f" circuit: one block alone has it too, in {one_block_learns()} of 3 trainings."
        ),
        control=(
            f"the same words shuffled: {shuffled:.2f}; before training: {start:.2f}; 5-gram: {counting:.2f}"
        ),
        threshold=(
            f"at least {LEAST_RECEIVER}, above every control; lists at least {LEAST_REPETITION}; gap at most"
            f" {MOST_GAP:g}"
        ),
        published="no figure: the article tells how training works",
    )


def c17_again() -> Again:
    """C17 asked again, for `claims.firm`: of each of the three trainings alone."""
    return {TRAININGS: lambda: (c17((name,)) for name in taps.SEEDS)}


def share_interval(right: int, asked: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's)."""
    found = binomtest(right, asked).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _ids(text: str) -> list[int]:
    words = taps.vocabulary()
    return [words[END], *words.encode(text)]


def word_surprise(network: Network, ids: torch.Tensor) -> np.ndarray:
    """Nats at every word of these rows but the first."""
    return taps.surprise(network, ids).double().numpy()
