"""A refusal that knows the control it belongs beneath."""

from collections.abc import Iterator
from contextlib import contextmanager


class Refused(ValueError):
    """One sentence for the reader, and the `control` beneath which it is told, such as "prompt"."""

    def __init__(self, sentence: str, control: str):
        super().__init__(sentence)
        self.control = control


@contextmanager
def beneath(control: str) -> Iterator[None]:
    """A ValueError from within is told beneath this control, unless it names its own."""
    try:
        yield
    except Refused:
        raise
    except ValueError as error:
        raise Refused(str(error), control) from error
