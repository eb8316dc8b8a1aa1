"""Runs notebooks headless in fresh kernels, and knows which figures each of them promises.

Nothing here analyses a model or draws: the work happens in the notebooks' own kernels.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from interp import progress

SUFFIXES = ("png", "svg", "pdf", "html", "csv")
SAVED = re.compile(r"""\.save\(\s*["']([^"']+)["']""")


class CellFailed(Exception):
    """A cell of a notebook raised; the message names notebook, cell and error."""


class Interrupted(Exception):
    """The reader pressed Ctrl-C; the message says where."""


def notebooks(folder: Path, only: Sequence[str] = ()) -> tuple[Path, ...]:
    """Notebook files in order; `only` keeps those whose name starts with one of its entries.

    Raises ValueError if none is left.
    """
    found = sorted(path for path in folder.glob("*.ipynb") if path.name[:2].isdigit())
    chosen = tuple(path for path in found if not only or path.name.startswith(tuple(only)))
    if not chosen:
        names = ", ".join(path.stem for path in found) or "none"
        raise ValueError(f"no notebook starts with {' or '.join(only) or 'a number'}; there are: {names}.")
    return chosen


def heading(path: Path) -> str:
    """First heading of a notebook, without its marks."""
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    titles = [source.splitlines()[0] for source in sources if source.startswith("# ")]
    return titles[0].removeprefix("# ").strip() if titles else path.stem


def promised_figures(path: Path) -> tuple[str, ...]:
    """Names of the figures a notebook saves, read from its cells."""
    cells = nbformat.read(path, as_version=4).cells
    return tuple(name for cell in cells if cell.cell_type == "code" for name in SAVED.findall(cell.source))


def shelves(path: Path, folder: Path) -> tuple[Path, ...]:
    """Where a notebook's figures lie: `folder`, its model's; and beside it what its metadata names, for
    results that are about something else than the model.
    """
    named = nbformat.read(path, as_version=4).metadata.get("interp", {}).get("results_beside", ())
    return (folder, *(folder.parent / name for name in named))


def missing_figures(paths: Sequence[Path], folder: Path) -> tuple[str, ...]:
    """Promised figures that lie whole on none of their notebook's shelves."""
    return tuple(
        name
        for path in paths
        for name in promised_figures(path)
        if not any(
            all((shelf / f"{name}.{end}").is_file() for end in SUFFIXES) for shelf in shelves(path, folder)
        )
    )


def execute(path: Path, environment: Mapping[str, str], on_cell: Callable[[int, int], None]) -> NotebookNode:
    """The notebook with outputs, run top to bottom in a fresh kernel; `on_cell(done, total)` after each cell.
    Nobody's guesses are in it: others will read it.

    Raises CellFailed when a cell raises and Interrupted on Ctrl-C.
    """
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", store_widget_state=False, resources=place
    )
    client.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    client.reset_execution_trackers()
    with _ctrl_c_stops(client, path) as state, client.setup_kernel(env={**environment, progress.ALONE: "1"}):
        for index, cell in enumerate(notebook.cells):
            if state.pressed:  # an idle kernel ignores the interrupt
                break
            _execute_cell(client, path, cell, index)
            on_cell(index + 1, len(notebook.cells))
    return notebook


def _execute_cell(client: NotebookClient, path: Path, cell: NotebookNode, index: int) -> None:
    where = f"{path.name}, cell {index + 1}"
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        first = cell.source.strip().splitlines()[0]
        raise CellFailed(f"{where} ({first}) failed: {error.ename}: {error.evalue}") from error
    except DeadKernelError as error:
        raise CellFailed(f"{where} failed: its process died, perhaps for want of memory.") from error


@contextmanager
def _ctrl_c_stops(client: NotebookClient, path: Path) -> Iterator[SimpleNamespace]:
    """While inside, the first Ctrl-C stops the running cell and ends as Interrupted; a second is as usual."""
    state, before = SimpleNamespace(pressed=False), signal.getsignal(signal.SIGINT)

    def interrupt(*_: Any) -> None:
        state.pressed = True
        signal.signal(signal.SIGINT, before)
        pid = getattr(client.km.provisioner, "pid", None) if client.km is not None else None
        if not pid:
            raise Interrupted(f"stopped by Ctrl-C in {path.name}")
        os.kill(pid, signal.SIGINT)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield state
    except Exception as error:
        if state.pressed:
            raise Interrupted(f"stopped by Ctrl-C in {path.name}") from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if state.pressed:
        raise Interrupted(f"stopped by Ctrl-C in {path.name}")
