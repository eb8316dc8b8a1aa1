"""Files written whole or not at all; and left alone when only the last digits of their numbers moved."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")
SAME_SHARE, SAME_SIZE = 1e-4, 2e-6  # what another processor's sums in another order may change


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to, moved over it at the end: a reader or a Ctrl-C never meets half a
    file.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write the file whole or not at all."""
    with replacing(path) as beside:
        beside.write_bytes(content)


def write_moved(path: Path, content: bytes) -> None:
    """As `write`; but a file that holds the same text, and numbers that have hardly moved, is left as it is.

    Numbers are alike to 1e-4 of their size, or to 2e-6: two machines add in another order.
    """
    if not (path.is_file() and alike(path.read_bytes(), content)):
        write(path, content)


def alike(one: bytes, other: bytes) -> bool:
    """Whether two texts differ in the last digits of their numbers at most."""
    if NUMBER.sub(b"#", one) != NUMBER.sub(b"#", other):
        return False
    pairs = zip_longest(NUMBER.findall(one), NUMBER.findall(other), fillvalue=b"nan")
    return all(a == b or _near(float(a), float(b)) for a, b in pairs)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= SAME_SHARE * max(abs(one), abs(other)) + SAME_SIZE
