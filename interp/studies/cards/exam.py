"""The exams of the bigger world on a model, and beside it on a 5-gram of the same training text.

An item is right when the word that must come next is likelier than each of the words it must beat. The shares
to reach stand in `words.bigger.exams`, written before any model was grown.
"""

import re
from dataclasses import dataclass

import numpy as np

from interp import models
from interp.methods.ngram import Ngram
from interp.methods.readout import logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.words.bigger.exams import Exam, exams, skewed
from interp.words.bigger.lexicon import SKEWED

MOST_NAMED = 5  # words that an error lists


@dataclass(frozen=True)
class Row:
    """One line of the card: the share of right answers, its interval, and the 5-gram's share beside it."""

    name: str
    claim: str
    measured: float
    interval: tuple[float, float]
    n: int
    least: float
    counted: float | None

    @property
    def passed(self) -> bool:
        """Whether the share to reach was reached."""
        return self.measured >= self.least


def rows(model: Bridge, counts: Ngram | None = None, *, seed: int = 0, bos: bool = False) -> tuple[Row, ...]:
    """Every exam on this model, and on these counts if they are given. Raises ValueError as `answered`."""
    return tuple(_row(model, exam, counts, bos) for exam in exams(seed))


def answered(model: Bridge, exam: Exam, *, bos: bool = False) -> Result:
    """Whether each item is right: Result[prompt], 1 or 0.

    Raises ValueError, in one sentence, for a model that does not know the exam's words.
    """
    _refuse_unknown_words(model, exam)
    asked = Prompts.write(
        model.tokenizer, [[(None, item.text)] for item in exam.items], bos=bos, context=sizes(model).n_ctx
    )
    logits = logits_at_end(model, asked).double().cpu().numpy()
    right = [_chosen(model, item, scores) for item, scores in zip(exam.items, logits, strict=True)]
    about = {**models.about(model), "bos": bos, "n": len(right), "exam": exam.name}
    return Result(np.array(right, dtype=float), {"prompt": tuple(range(len(right)))}, "right", "share", about)


def by_counting(model: Bridge, exam: Exam, counts: Ngram) -> float:
    """The share of right answers of an n-gram that was counted in this model's tokens."""
    scores = [counts.scores(models.encode(model, item.text)) for item in exam.items]
    return float(np.mean([_chosen(model, item, one) for item, one in zip(exam.items, scores, strict=True)]))


@dataclass(frozen=True)
class Skew:
    """How often *he* follows for a job: as planted in the text, in the model, and by counting."""

    who: str
    planted: float
    measured: float
    interval: tuple[float, float]
    n: int
    counted: float | None


def skews(model: Bridge, counts: Ngram | None = None, *, seed: int = 0) -> tuple[Skew, ...]:
    """The share of *he* in he or she after each skewed job, in a frame that training never says."""
    return tuple(_skew(model, who, counts, seed) for who in SKEWED)


def _skew(model: Bridge, who: str, counts: Ngram | None, seed: int) -> Skew:
    texts = skewed(who, seed=seed)
    asked = Prompts.write(model.tokenizer, [[(None, text)] for text in texts], context=sizes(model).n_ctx)
    chances = logits_at_end(model, asked).double().cpu().log_softmax(dim=-1).numpy()
    axes, about = {"prompt": tuple(range(len(texts)))}, {**models.about(model), "n": len(texts)}
    he = Result(_share_of_he(model, chances), axes, "share of he", "share", about)
    low, high = he.interval("prompt").values
    counted = None
    if counts is not None:
        said = np.stack([counts.scores(models.encode(model, text)) for text in texts])
        counted = float(_share_of_he(model, said).mean())
    return Skew(who, SKEWED[who], float(he.values.mean()), (float(low), float(high)), len(texts), counted)


def _share_of_he(model: Bridge, chances: np.ndarray) -> np.ndarray:
    """From log-probabilities [prompt, token]: he / (he + she), by prompt."""
    he, she = (np.exp(chances[:, models.encode(model, f" {word}")[0]]) for word in ("he", "she"))
    return he / (he + she)


def _row(model: Bridge, exam: Exam, counts: Ngram | None, bos: bool) -> Row:
    does = answered(model, exam, bos=bos)
    low, high = does.interval("prompt").values
    counted = None if counts is None else by_counting(model, exam, counts)
    share = float(does.values.mean())
    return Row(exam.name, exam.claim, share, (float(low), float(high)), len(exam.items), exam.least, counted)


def _chosen(model: Bridge, item, scores: np.ndarray) -> bool:
    right, *wrong = (models.encode(model, f" {word}")[0] for word in (item.right, *item.wrong))
    return bool((scores[right] > scores[wrong]).all())


def _refuse_unknown_words(model: Bridge, exam: Exam) -> None:
    missing = _unknown(model, exam)
    if missing:
        named = ", ".join(missing[:MOST_NAMED]) + (", …" if len(missing) > MOST_NAMED else "")
        raise ValueError(
            f"The exam “{exam.name}” needs words that {models.describe(model).name} does not know ({named}):"
            " take a model grown from the bigger world (python -m interp train-pocket --world bigger)."
        )


def _unknown(model: Bridge, exam: Exam) -> list[str]:
    """Answers that are not one token; and, where it is noted what was read in training, words never read."""
    answers = {word for item in exam.items for word in (item.right, *item.wrong)}
    cut = {word for word in answers if len(models.encode(model, f" {word}")) != 1}
    read = models.seen_words(model)
    if read is None:
        return sorted(cut)
    said = {word for item in exam.items for word in re.findall(r"(?<!')\b\w+", item.text)} | answers
    return sorted(cut | {word for word in said if f" {word}" not in read and word not in read})
