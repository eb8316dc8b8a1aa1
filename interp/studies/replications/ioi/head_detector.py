"""TransformerLens' Head_Detector_Demo measured again: who looks one token back in one English sentence."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from interp.methods import attention
from interp.models import Bridge
from interp.result import Result
from interp.sites import Head
from interp.studies.replications.ioi import sentences
from interp.studies.replications.ioi.reading import result
from interp.words.replications import DETECTED

FIRST = ("L4H11", "L2H2", "L3H7", "L2H9")  # with every look counted
FIRST_STRICT = ("L4H11", "L5H6", "L3H3", "L2H2")


def previous(model: Bridge) -> dict[str, Result]:
    """The share of a head's whole attention that goes one token back; once more without its looks at
    `<|endoftext|>` and at the token itself."""
    seen = attention.patterns(model, sentences.plain(model, DETECTED, bos=True)).values[:, :, 0]
    strict = seen * (1 - np.eye(seen.shape[-1]))
    strict[..., 0] = 0
    return {
        "detector/previous": _of(model, _back(seen), FIRST),
        "detector/previous_strict": _of(model, _back(strict), FIRST_STRICT),
    }


def _back(seen: Float[np.ndarray, "layer head query key"]) -> Float[np.ndarray, "layer head"]:
    return np.trace(seen, offset=-1, axis1=-2, axis2=-1) / seen.sum(axis=(-2, -1))


def _of(model: Bridge, shares: Float[np.ndarray, "layer head"], names: Sequence[str]) -> Result:
    heads = map(Head.parse, names)
    return result(model, [shares[head.layer, head.head] for head in heads], head=names)


MEASURES: dict[str, Callable] = {"detector": previous}
