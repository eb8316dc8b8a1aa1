"""A long run undisturbed: alone in its folder, and Ctrl-C heard between its steps only."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, current_thread, main_thread

from filelock import FileLock, Timeout

LOCK = "in-use"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keeps every other training out of a folder. The system drops the lock of a process that dies.

    Raises ValueError while another training is under way there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ValueError(
            f"Another training is under way in {folder}: wait for its end, or choose another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def heard_between_steps() -> Iterator[Event]:
    """Ctrl-C is only noted: within a step it would leave the weights half turned. Only the first thread of
    a process hears it.
    """
    stopped = Event()
    if current_thread() is not main_thread():
        yield stopped
        return
    before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
