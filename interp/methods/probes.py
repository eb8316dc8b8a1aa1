"""Linear probes: how well a yes-or-no label can be read off a set of numbers, on tokens that were not used.

The score is the area under the ROC curve (AUC): how often a token with the label stands above one without;
0.5 is guessing, 1 always right. It refuses models and words: it sees features, labels and groups.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

PENALTY = 100.0  # of the ridge, on standardised features; one for all, not tuned
SAMPLES = 400


def fitted(
    features: Float[np.ndarray, "token feature"],
    labels: Bool[np.ndarray, "target token"],
    train: Bool[np.ndarray, "token"],
) -> Float[np.ndarray, "target token"]:
    """How strongly a linear probe, fitted on the tokens of `train`, sees each label in every token.

    Ridge regression on standardised features; the probes of all targets are fitted at once.
    """
    scaled = StandardScaler().fit(features[train])
    ridge = Ridge(alpha=PENALTY).fit(scaled.transform(features[train]), labels[:, train].T.astype(float))
    return np.atleast_2d(ridge.predict(scaled.transform(features)).T).reshape(len(labels), -1)


def sparse(
    features: Float[np.ndarray, "token feature"],
    labels: Bool[np.ndarray, "token"],
    train: Bool[np.ndarray, "token"],
    sizes: Sequence[int],
) -> Float[np.ndarray, "size token"]:
    """As `fitted` for one label, from only so many features: those whose means differ most in `train`."""
    order = np.argsort(-np.abs(mean_gap(features[train], labels[train])), kind="stable")
    return np.concatenate([fitted(features[:, order[:size]], labels[None], train) for size in sizes])


def mean_gap(
    features: Float[np.ndarray, "token feature"], labels: Bool[np.ndarray, "token"]
) -> Float[np.ndarray, "feature"]:
    """Mean with the label minus mean without it, in standard deviations of each feature."""
    gap = features[labels].mean(axis=0) - features[~labels].mean(axis=0)
    return gap / np.maximum(features.std(axis=0), 1e-9)


def auc(scores: Float[np.ndarray, "token"], labels: Bool[np.ndarray, "token"]) -> float:
    """The area under the ROC curve; ties count half. Raises ValueError if only one kind of token is there."""
    return float(_auc(scores, labels, np.ones((1, len(scores))))[0])


def auc_interval(
    scores: Float[np.ndarray, "token"],
    labels: Bool[np.ndarray, "token"],
    groups: Int[np.ndarray, "token"],
    *,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of the AUC, by bootstrap over groups (texts or words), not over single tokens."""
    _, group = np.unique(groups, return_inverse=True)
    number = group.max() + 1
    drawn = np.random.default_rng(seed).multinomial(number, [1 / number] * number, size=SAMPLES)
    values = _auc(scores, labels, drawn[:, group].astype(float))
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def ranks(features: Float[np.ndarray, "token feature"]) -> Float[np.ndarray, "token feature"]:
    """Every token's place when the tokens are sorted by a feature, from 1 up; equals in their own order."""
    order = features.argsort(axis=0, kind="stable")
    places = np.empty(features.shape)
    np.put_along_axis(places, order, np.arange(1.0, len(features) + 1)[:, None], axis=0)
    return places


def aucs(
    ranked: Float[np.ndarray, "token feature"], labels: Bool[np.ndarray, "target token"]
) -> Float[np.ndarray, "target feature"]:
    """The AUC of every feature alone for every label, from the features' `ranks`; large means the label."""
    yes = labels.sum(axis=1, keepdims=True)
    no = labels.shape[1] - yes
    _refuse_one_kind(int(yes.min()), int(no.min()))
    return (labels.astype(float) @ ranked - yes * (yes + 1) / 2) / (yes * no)


def word_vectors(
    words: Int[np.ndarray, "token"], width: int, *, seed: int = 0
) -> Float[np.ndarray, "token d"]:
    """Random features: one random vector for every kind of word. A probe on them knows the word and
    nothing else.
    """
    _, kind = np.unique(words, return_inverse=True)
    return np.random.default_rng(seed).normal(size=(kind.max() + 1, width))[kind]


def shuffled(
    labels: Bool[np.ndarray, "target token"], train: Bool[np.ndarray, "token"], *, seed: int = 0
) -> Bool[np.ndarray, "target token"]:
    """The labels with those of the training tokens in a random order: nothing is left to learn."""
    mixed, places = labels.copy(), np.flatnonzero(train)
    generator = np.random.default_rng(seed)
    for row in mixed:
        row[places] = row[generator.permutation(places)]
    return mixed


def _auc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The AUC under each row of token weights; nan where a row has one kind of token only."""
    _refuse_one_kind(int(labels.sum()), int((~labels).sum()))
    order = np.argsort(scores, kind="stable")
    ordered, yes = scores[order], labels[order]
    weight = weights[:, order]
    positive, negative = weight * yes, weight * ~yes
    first = np.searchsorted(ordered, ordered, side="left")
    last = np.searchsorted(ordered, ordered, side="right")
    before = np.concatenate([np.zeros((len(weight), 1)), negative.cumsum(axis=1)], axis=1)
    below = (before[:, first] + before[:, last]) / 2
    whole = positive.sum(axis=1) * negative.sum(axis=1)
    return np.divide((positive * below).sum(axis=1), whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _refuse_one_kind(yes: int, no: int) -> None:
    if not yes or not no:
        raise ValueError(
            f"A label needs tokens with it and tokens without it; there are {yes} and {no}. Give more texts."
        )
