"""Published traces in words: the first guess of GPT-2 medium after every block, through the logit lens.

The same columns as token ids are in `lens.json`. Source: Merullo, Eickhoff and Pavlick 2023
(arXiv:2305.16130v1), its figures, and the executed demo notebook of the authors' repository.
"""

from types import MappingProxyType

import numpy as np

from interp.result import Result

_SOURCE = "Merullo et al. 2023"
# name -> (first layer, words); only layers that are printed
_TRACES = MappingProxyType({
    "poland": (0, ("(", *[" A"] * 5, " No", " C", *[" A"] * 4, " Unknown", " C", " St", *[" Poland"] * 4,
                   *[" Warsaw"] * 5)),
    "poland, one question": (0, ("(", *[" A"] * 8, *[" The"] * 9, *[" Poland"] * 5, " The")),
    "poland, both stated": (14, (*[" St"] * 2, *[" Warsaw"] * 8)),
    "brown": (0, (*[" The"] * 3, *["["] * 2, *[" M"] * 2, " No", " The", *[" No"] * 2, *[" None"] * 6,
                  *[" white"] * 2, *[" Brown"] * 5)),
    "list with china": (0, (" flowing", *["bies"] * 8, *[" American"] * 2, " Hy", " Java", "\n",
                            *[" China"] * 10)),
})  # fmt: skip


def traces() -> tuple[str, ...]:
    """The names of the published traces."""
    return tuple(_TRACES)


def trace(name: str = "poland") -> tuple[Result, tuple[str, ...]]:
    """One published trace: its layers, with nan because no probability was printed, and its words.

    `about["quoted"]` is the model of the source: a caption names it, in whichever folder the figure is.
    Raises ValueError for a name that is not listed.
    """
    if name not in _TRACES:
        raise ValueError(f"No trace is published under {name!r}: choose from {', '.join(_TRACES)}.")
    start, words = _TRACES[name]
    layers = tuple(range(start, start + len(words)))
    about = {"quoted": "gpt2-medium", "source": _SOURCE}
    quantity = "probability of the guess"
    return Result(np.full(len(words), np.nan), {"layer": layers}, quantity, "probability", about), words
