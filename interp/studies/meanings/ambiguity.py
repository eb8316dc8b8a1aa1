"""C5: what no rule of grammar settles, the context does. Whose car is it, what is too big, what flies how?

Every question comes as a pair of twins: the same words, but the two right answers change places. A reader
that overlooks what tells them apart is right about one of them at most, so only pairs with both right count.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import torch

from interp import hooks, models
from interp.claims import SENTENCES, Again, Claim, decide
from interp.languages import message
from interp.methods import patching
from interp.methods.readout import LogitDifference, logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.studies.meanings import states
from interp.words.bigger.exams import Item, exams

# The test of C5, fixed before looking at any model
LEAST_PAIRS = 0.5  # share of pairs with both twins right, on average over the questions
QUESTIONS = {
    "whose is it?": "whose it is, unseen roles",
    "too big or too small?": "what is too big, what is too small",
    "what flies like what?": "fruit flies like a banana",
    "he or she?": "he or she after a title",
}
REVERSED = "whose it is, unseen roles, the world the other way round"
FLIES = tuple(
    f"The {one} flies like a {end}" for one in ("fruit", "eagle") for end in ("banana", "kite")
)  # the article's own sentence, and what tells its *flies* from others
ASKED = (*QUESTIONS.values(), REVERSED)
C5_TEXT = message(
    "Context settles what no rule of grammar settles: whose car it is, what is too big, what flies how."
)

Pair = tuple[Item, Item]


def twins(model: Bridge, exam: str, *, seed: int = 0) -> tuple[Pair, ...]:
    """The pairs of an exam whose two answers begin with different tokens in this model."""
    items = _exams(seed)[exam]
    pairs = zip(items[::2], items[1::2], strict=True)
    return tuple(p for p in pairs if _first(model, p[0].right) != _first(model, p[0].wrong[0]))


def untestable(model: Bridge, *, seed: int = 0) -> str | None:
    """Why C5 cannot be tested on this model, in one sentence; None if it can."""
    items = [item for exam in QUESTIONS.values() for item in _exams(seed)[exam]]
    return states.untestable(model, [f"{item.text} {item.right}" for item in items])


def log_odds_ratios(model: Bridge, exam: str, *, seed: int = 0) -> Result:
    """By how much the context turns the answer, pair by pair: Result[twin, pair], nats.

    Each twin's log odds of its right answer against the other's; the sum of the two is the log of the odds
    ratio, and both are above 0 where both are right. An answer is known by its first token.
    """
    pairs = twins(model, exam, seed=seed)
    values = [
        _metric(rows)(logits_at_end(model, rows)).double().cpu().numpy() for rows in _written(model, pairs)
    ]
    axes = {"twin": ("first", "second"), "pair": tuple(range(len(pairs)))}
    about = {**models.about(model), "exam": exam, "seed": seed, "n": len(pairs)}
    return Result(np.array(values), axes, "log odds of the right answer", "nats", about)


def both_right(model: Bridge, exams: Sequence[str] = ASKED, *, seed: int = 0) -> Result:
    """Share of pairs with both twins right, with its interval: Result[question, number], where number is
    "share", "low", "high" or "pairs".
    """
    rows = [_counted(model, exam, seed) for exam in exams]
    axes = {"question": tuple(map(question, exams)), "number": ("share", "low", "high", "pairs")}
    return Result(np.array(rows), axes, "pairs with both twins right", "share", models.about(model))


def question(exam: str) -> str:
    """An exam's question as readers see it."""
    named = {exam: name for name, exam in QUESTIONS.items()} | {REVERSED: "… in a world the other way round?"}
    return named.get(exam, exam)


def carriers(model: Bridge, exam: str = QUESTIONS["whose is it?"], *, seed: int = 0) -> Result:
    """Which heads carry the answer: Result[layer, head, prompt], share of the swing between twins.

    One head of a sentence is given what it says in the twin; 1 would turn the answer all the way round.
    Raises ValueError if the twins are not equally long, or do not differ.
    """
    one, other = _written(model, twins(model, exam, seed=seed))
    kept = [at for at in range(len(one)) if one.length[at] == other.length[at]]
    one, other = one.take(kept), other.take(kept)
    metric = _metric(one)
    found = patching.head_patching(model, one, other, metric, progress=False)
    before, after = (metric(logits_at_end(model, rows)).double().cpu().numpy() for rows in (one, other))
    swing = float((after - before).mean())
    if abs(swing) < patching.LEAST_SWING:
        raise ValueError(
            f"The twins of “{exam}” do not differ in the answer, so there is no swing to share out."
        )
    return Result(found.values / swing, found.axes, "share of the swing between twins", "share", found.about)


def surprises(model: Bridge, texts: Sequence[str] = FLIES) -> Result:
    """How surprised the model is by each word from the second on: Result[text, word], nats, over all pieces
    of a word. Raises ValueError if the texts have different numbers of words.
    """
    split = [text.split(" ") for text in texts]
    if len({len(words) for words in split}) != 1:
        numbers = ", ".join(str(len(words)) for words in split)
        raise ValueError(
            f"The texts have {numbers} words, but they are laid side by side: give as many in each."
        )
    rows = Prompts.write(model.tokenizer, [[(None, text)] for text in texts], context=sizes(model).n_ctx)
    spread = hooks.run(model, rows)[0].double().cpu().log_softmax(dim=-1)[:, :-1]
    nats = -spread.gather(2, rows.tokens[:, 1:, None])[..., 0].numpy()
    values = []
    for row, words in enumerate(split):
        ends = [len(models.encode(model, " ".join(words[: at + 1]))) - 1 for at in range(len(words))]
        values.append([nats[row, start:end].sum() for start, end in pairwise(ends)])
    axes = {"text": tuple(texts), "word": tuple(range(2, len(split[0]) + 1))}
    return Result(np.array(values), axes, "surprise", "nats", models.about(model))


def c5(shares: Result, because: str | None = None, *, strict: float = 1.0) -> Claim:
    """Verdict on C5 from `both_right`; `because` says why it cannot be tested (`untestable`).

    Partly where the world the other way round does not turn the answers as well. `strict` multiplies the
    threshold.
    """
    asked = [name for name in QUESTIONS if name in shares.axes["question"]]
    table = np.array([shares.at(question=name).values for name in asked])
    measured, (low, high) = float(table[:, 0].mean()), table[:, 1:3].mean(axis=0)
    backwards = float(shares.at(question=question(REVERSED), number="share"))
    weak = [name for name, share in zip(asked, table[:, 0], strict=True) if not share >= LEAST_PAIRS]
    testable = because is None
    return Claim(
        id="C5",
        text=C5_TEXT,
        test=(
            f"{int(np.nansum(table[:, 3]))} pairs of twins with the same words and opposite answers, in"
            f" {len(asked)} kinds of questions that training never asks so: share with both right."
        ),
        measured=measured if testable else None,
        interval=(float(low), float(high)) if testable else None,
        control=(
            "a reader that overlooks the difference has 0; told that the world is the other way round:"
            f" {backwards:.2f}"
        ),
        threshold=f"at least {LEAST_PAIRS:.0%} of the pairs, the other way round as well, else partly",
        verdict=decide(measured, (float(low), float(high)), strict * LEAST_PAIRS, testable=testable,
                       complete=backwards >= strict * LEAST_PAIRS),
        model=str(shares.about["model"]),
        because=because or (
            f"Both twins are right in {measured:.0%} of the pairs"
            + (f"; fewer than half for “{'”, “'.join(weak)}”." if weak else ", in each kind at least half.")
        ),
    )  # fmt: skip


def c5_again(model: Bridge) -> Again:
    """C5 asked again, for `claims.firm`: with the pairs that each seed of `states.AGAIN` draws."""
    return {SENTENCES: lambda: (c5(both_right(model, seed=seed)) for seed in states.AGAIN)}


@cache
def _exams(seed: int) -> dict[str, tuple[Item, ...]]:
    return {exam.name: exam.items for exam in exams(seed)}


def _first(model: Bridge, word: str) -> int:
    return models.encode(model, f" {word}")[0]


def _written(model: Bridge, pairs: Sequence[Pair]) -> tuple[Prompts, Prompts]:
    """First and second twins; answers "right" and "wrong" are those of the twin itself, by first token."""
    return _prompts(model, [one for one, _ in pairs]), _prompts(model, [other for _, other in pairs])


def _prompts(model: Bridge, items: Sequence[Item]) -> Prompts:
    rows = Prompts.write(model.tokenizer, [[(None, item.text)] for item in items], context=sizes(model).n_ctx)
    answers = [(_first(model, item.right), _first(model, item.wrong[0])) for item in items]
    return replace(rows, answers=dict(zip(("right", "wrong"), torch.tensor(answers).T, strict=True)))


def _metric(rows: Prompts) -> LogitDifference:
    return LogitDifference(rows.answers["right"], rows.answers["wrong"])


def _counted(model: Bridge, exam: str, seed: int) -> tuple[float, float, float, float]:
    odds = log_odds_ratios(model, exam, seed=seed)
    both = np.asarray((odds.values > 0).all(axis=0))
    right = Result(both, {"pair": odds.axes["pair"]}, "both right", "share", odds.about)
    low, high = right.interval("pair").values
    return float(right.values.mean()), float(low), float(high), float(len(right.values))
