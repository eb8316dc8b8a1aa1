"""Files written whole or not at all; and left alone when only the last digits of their numbers moved."""

import errno
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from tempfile import gettempdir

import psutil
from filelock import FileLock

NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")
# how a drawing names its parts, by a hash of their coordinates: id="p0123456789", url(#p0123456789)
PART = re.compile(rb"""(?<=["#])(image|[a-z])[0-9a-f]{10}(?=[")])""")
_WHAT_TO_DO = {
    errno.ENOSPC: "make room and run the same again, or choose another folder",
    errno.EACCES: "choose another folder, one that you may write to",
    errno.EROFS: "choose another folder, one that can be written to",
}
SAME_SHARE, SAME_SIZE = 1e-4, 2e-6  # what another processor's sums in another order may change


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to, moved over it at the end: a reader, a Ctrl-C or a kill never meets
    half a file. What a killed process left there of the same file is swept first.

    Raises OSError that names `path` and the system's reason.
    """
    beside = _beside(path)
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        if error.filename not in (None, str(beside)):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def filling(folder: Path, last: str) -> Iterator[Path]:
    """A folder beside `folder` to write to; its files are moved there one by one, the one called `last` after
    all others. So a killed process leaves no half file, and a new folder without `last`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beside = _beside(folder)
    try:
        beside.mkdir()
        yield beside
        for file in sorted(beside.iterdir(), key=lambda file: (file.name == last, file.name)):
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """While inside, no other process of this user is inside for the same file: for what is read, changed and
    written. The lock lies elsewhere, and falls with its process.
    """
    user = getattr(os, "getuid", int)()
    name = hashlib.sha256(f"{user} {path.resolve()}".encode()).hexdigest()[:16]
    with FileLock(Path(gettempdir()) / f"inside-gpt2-{name}.lock"):
        yield


def _beside(path: Path) -> Path:
    """A name that is this process's own; those of processes that are gone are removed."""
    mine, end = f".{path.name}.{_host()}-", ".partial"
    for left in os.listdir(path.parent) if path.parent.is_dir() else ():
        number = left.removeprefix(mine).removesuffix(end)
        if left == f"{mine}{number}{end}" and number.isdigit() and not psutil.pid_exists(int(number)):
            _remove(path.with_name(left))
    return path.with_name(f"{mine}{os.getpid()}{end}")


def _host() -> str:
    """The machine's name: a folder may be shared, and a process's number says nothing elsewhere."""
    return re.sub(r"[^\w]+", "_", platform.node())[:40]


def _remove(left: Path) -> None:
    shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


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


def told(error: BaseException) -> str:
    """An error in one line; the system's own with the file, its reason and what to do."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        what = f"{error.filename} cannot be read or written ({error.strerror})"
        do = _WHAT_TO_DO.get(error.errno or 0, "choose another folder")
        return f"{what}: {do}; what was finished is whole."
    return " ".join(str(error).split())


def alike(one: bytes, other: bytes) -> bool:
    """Whether two texts differ in the last digits of their numbers at most."""
    one, other = PART.sub(rb"\1", one), PART.sub(rb"\1", other)
    if NUMBER.sub(b"#", one) != NUMBER.sub(b"#", other):
        return False
    pairs = zip_longest(NUMBER.findall(one), NUMBER.findall(other), fillvalue=b"nan")
    return all(a == b or _near(float(a), float(b)) for a, b in pairs)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= SAME_SHARE * max(abs(one), abs(other)) + SAME_SIZE
