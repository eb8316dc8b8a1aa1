"""The questions to word vectors, asked of a model's own token table: the first thing the model looks up."""

import numpy as np

from interp import models
from interp.methods import embeddings
from interp.methods.geometry import neighbours
from interp.methods.geometry.arithmetic import ALLOWED, LEFT_OUT
from interp.models import Bridge
from interp.result import Result
from interp.studies.vectors.arithmetic import answered
from interp.vectors import WordVectors, questions
from interp.words.vectors import CLASSES

ASKED = ("same kind", "analogies", "own words allowed")
RAW, CENTRED, LOT = "token table", "mean taken out", "rows exchanged (control)"


def beside(model: Bridge, vectors: WordVectors) -> Result:
    """The share of right answers of the model's table and of word vectors: Result[table, question].

    The questions: is the nearest word of the same kind? does b - a + c give d, its own words left out, and
    allowed?

    Both are asked only what both know: words of the classes, and analogy questions; nan where there is no
    such question. The n of `about` are the words of classes, and `questions` the analogies.
    """
    raw = embeddings.of_model(model)
    tables = {
        vectors.name: vectors,
        RAW: raw,
        CENTRED: embeddings.of_model(model, centred=True),
        LOT: raw.shuffled(),
    }
    classes = {
        name: [word for word in words if vectors.known([word]) and raw.known([word])]
        for name, words in CLASSES.items()
    }
    shared = [one for one in questions() if len(vectors.known(one.words)) == len(raw.known(one.words)) == 4]
    columns = [[_alike(table, classes), *_analogies(table, shared)] for table in tables.values()]
    about = models.about(model) | {"n": sum(map(len, classes.values())), "questions": len(shared)}
    axes = {"table": tuple(tables), "question": ASKED}
    return Result(np.array(columns), axes, "share of right answers", "", about)


def sameness(model: Bridge) -> Result:
    """The mean cosine of two random words in the model's table: Result[table], as it is and centred.

    Near 0, words point all ways; near 1, all the same way.
    """
    values = []
    for centred in (False, True):
        rows = embeddings.of_model(model, centred=centred).unit.astype(np.float64)
        total = rows.sum(axis=0)
        values.append((total @ total - len(rows)) / (len(rows) * (len(rows) - 1)))
    axes = {"table": (RAW, CENTRED)}
    return Result(np.array(values), axes, "mean cosine of two words", "", models.about(model))


def _alike(table: WordVectors, classes: dict[str, list[str]]) -> float:
    words = [word for some in classes.values() for word in table.known(some)]
    of = np.array([name for name, some in classes.items() for _ in some])
    return (
        float((of[neighbours.nearest_among(table, words)] == of).mean()) if len(words) > 1 else float("nan")
    )


def _analogies(table: WordVectors, shared: list) -> tuple[float, float]:
    if not shared:
        return float("nan"), float("nan")
    hits = answered(table, shared).hits.mean("question")
    return float(hits.at(way=LEFT_OUT)), float(hits.at(way=ALLOWED))
