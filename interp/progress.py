"""What a student guessed, kept in a small file beside the notebook, so that a restart loses nothing.

Nothing is written unless somebody guesses or forgets, so a headless run writes nothing. Refuses: scores,
prose.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable
from weakref import WeakSet

from interp import files

FILE = "my_guesses.json"
ALONE = "INTERP_NO_GUESSES"  # set where notebooks run for others to read: nobody's guesses belong there
ABOUT = "Your guesses in the notebooks of this folder, by cell. Delete this file, and they are forgotten."


@runtime_checkable
class Listener(Protocol):
    """Somebody who shows guesses."""

    def changed(self) -> None:
        """Guesses or outcomes are others now."""
        ...


class Progress:
    """The guesses in one folder's file, and what came out so far in this process."""

    def __init__(self, folder: Path):
        self.path = folder / FILE
        self.outcomes: dict[str, str] = {}
        self.unsaved = ""  # why the last guess is in this process only; "" if it is saved
        self._in_memory: dict[str, str] = {}
        self._listeners: WeakSet[Listener] = WeakSet()

    def guesses(self) -> dict[str, str]:
        """All guesses by cell. Those that could not be saved count until the process ends; a file that cannot
        be read counts as empty, and `unsaved` says why.
        """
        if os.environ.get(ALONE):
            return {}
        try:
            saved = _read(self.path)
        except (OSError, ValueError) as error:
            saved, self.unsaved = {}, _why(error)
        return {**saved, **self._in_memory}

    def keep(self, cell: str, guess: str) -> None:
        """Keep a guess in the file; if that cannot be read or written, it stays as it is, `unsaved` says why,
        and the guess is kept in this process.
        """
        self._in_memory[cell] = guess
        try:
            with files.in_turn(self.path):
                self._write({**_read(self.path), **self._in_memory})
            self._in_memory, self.unsaved = {}, ""
        except (OSError, ValueError) as error:
            self.unsaved = _why(error)
        self._tell()

    def forget(self) -> None:
        """Delete the file, whatever is in it. Where that is refused, `unsaved` says why."""
        self._in_memory, self.unsaved = {}, ""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self.unsaved = _why(error)
        self._tell()

    def came_out(self, cell: str, outcome: str) -> None:
        """Note the letter that came out, for all who show the guess beside it."""
        self.outcomes[cell] = outcome
        self._tell()

    def listen(self, listener: Listener) -> None:
        """Tell this one of every change, as long as it lives."""
        self._listeners.add(listener)

    def _write(self, guesses: Mapping[str, str]) -> None:
        told = {"about": ABOUT, "guesses": dict(sorted(guesses.items()))}
        files.write(self.path, f"{json.dumps(told, ensure_ascii=False, indent=1)}\n".encode())

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener.changed()


def here() -> Progress:
    """The progress in the folder that the notebook runs in; the same object for all who ask."""
    return _of(Path.cwd())


@cache
def _of(folder: Path) -> Progress:
    return Progress(folder)


def _read(path: Path) -> dict[str, str]:
    """The guesses in the file, none without it. Raises OSError, and ValueError for what is no such file."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))["guesses"]
    except FileNotFoundError:
        return {}
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("it holds no guesses") from error
    if not isinstance(saved, dict) or not all(isinstance(guess, str) for guess in saved.values()):
        raise ValueError("it holds no guesses")
    return saved


def _why(error: OSError | ValueError) -> str:
    """The system's reason, or what is wrong with the file, in a few words."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "it is no JSON" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else str(error)
