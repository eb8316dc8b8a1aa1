"""Linear readers of word vectors: trained on some words, judged on others that they never saw."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_predict

from interp.methods.probes import auc

PENALTY = 1.0  # of every ridge here; one for all, not tuned


def held_out(
    features: Float[np.ndarray, "word d"],
    targets: Float[np.ndarray, "word target"],
    groups: Sequence[str],
) -> Float[np.ndarray, "word target"]:
    """What ridge regression says of each word's targets when the word's whole group was not trained on."""
    said = cross_val_predict(Ridge(alpha=PENALTY), features, targets, groups=groups, cv=LeaveOneGroupOut())
    return np.asarray(said).reshape(targets.shape)


def told_apart(
    features: Float[np.ndarray, "word d"], labels: Bool[np.ndarray, "word"], *, seed: int = 0
) -> Float[np.ndarray, "word"]:
    """Whether a linear reader puts each word on its side, 1 or 0, in tenfold cross-validation."""
    folds = StratifiedKFold(10, shuffle=True, random_state=seed)
    said = cross_val_predict(Ridge(alpha=PENALTY), features, np.where(labels, 1.0, -1.0), cv=folds)
    return ((np.asarray(said) > 0) == labels).astype(float)


def transfer(
    features: Float[np.ndarray, "word d"],
    labels: Bool[np.ndarray, "word"],
    taught: int,
    *,
    draws: int = 20,
    seed: int = 0,
) -> Float[np.ndarray, "draw"]:
    """How well a reader taught `taught` words with a property, and as many without, knows the other words.

    The AUC on words that were not taught, for each draw of the words to teach. Raises ValueError if no word
    is left to ask.
    """
    yes, no = np.flatnonzero(labels), np.flatnonzero(~labels)
    if taught >= min(len(yes), len(no)):
        raise ValueError(f"{taught} words of {len(yes)} and {len(no)} were to be taught: leave some to ask.")
    generator = np.random.default_rng(seed)
    scores = []
    for _ in range(draws):
        chosen = np.r_[
            generator.choice(yes, taught, replace=False), generator.choice(no, taught, replace=False)
        ]
        reader = Ridge(alpha=PENALTY).fit(features[chosen], labels[chosen].astype(float))
        asked = np.setdiff1d(np.arange(len(labels)), chosen)
        scores.append(auc(reader.predict(features[asked]), labels[asked]))
    return np.array(scores)
