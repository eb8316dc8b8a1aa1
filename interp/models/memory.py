"""How much memory a model wants, said before it is fetched or loaded."""

import math
import warnings
from typing import Any

import psutil

from interp.models import folders

BYTES_PER_WEIGHT = 4  # float32
# Bytes per weight while both libraries hold the model: measured on 68 and 96 million weights, as growth of
# the process's memory from a load before
PEAK_OF_TABLES, PEAK_OF_BLOCKS = 26, 14
_LARGE = 5e9  # bytes at the peak: twice GPT-2 small; what wants less is not worth a word, if it is there


def wanted(config: dict[str, Any]) -> tuple[int, int]:
    """How many weights a model has, and the bytes it takes at most while it is loaded in float32."""
    sizes = {name: math.prod(shape) for name, shape in folders.expected_shapes(config).items()}
    blocks = sum(size for name, size in sizes.items() if name.startswith("h."))
    weights = sum(sizes.values())
    return weights, PEAK_OF_TABLES * (weights - blocks) + PEAK_OF_BLOCKS * blocks


def say(asked: str, config: dict[str, Any], *, fetched: bool = False) -> None:
    """Warn, in one sentence, of a model that is large, or larger than the memory that is free."""
    (weights, peak), free = wanted(config), psutil.virtual_memory().available
    if peak < min(_LARGE, free):
        return
    told = f"{asked} has {weights / 1e6:,.0f} million weights"
    told += (
        f": up to {BYTES_PER_WEIGHT * weights / 1e9:.1f} GB to fetch, and"
        if fetched
        else ": loading it takes"
    )
    told += f" about {peak / 1e9:.1f} GB of memory" + " to load" * fetched
    more = " Close other programs, or take a smaller one, such as gpt2 or pocket." * (peak > free)
    warnings.warn(f"{told}; {free / 1e9:.1f} GB are free.{more}", stacklevel=4)
