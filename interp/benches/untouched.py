"""What a bench answers about the model as it was loaded: kept, and refused while a hook is in force on it.

An answer that was kept outside a `with` block is not the answer inside it, and the reverse. So each is asked
for through a door that looks for hooks first, and nothing is computed, kept or handed out past it.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from interp.hooks import check_untouched
from interp.models import Bridge


def answers(function: Callable[..., Any], model: Bridge | None, *, keep: int = 0) -> Callable[..., Any]:
    """`function(model, ...)` with its last `keep` answers kept; without a model (None) nothing is refused.

    What comes back raises ValueError while a hook is in force on the model.
    """
    kept = lru_cache(maxsize=keep)(partial(function, model))

    def asked(*given: Any) -> Any:
        if model is not None:
            check_untouched(model)
        return kept(*given)

    return asked


def steps(function: Callable[..., Iterator[Any]], model: Bridge) -> Callable[..., Iterator[Any]]:
    """`function(model, ...)`, an iterator, with the same door before every step."""

    def asked(*given: Any) -> Iterator[Any]:
        check_untouched(model)
        return _watched(model, function(model, *given))

    return asked


def _watched(model: Bridge, found: Iterator[Any]) -> Iterator[Any]:
    for step in found:
        yield step
        check_untouched(model)
