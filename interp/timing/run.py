"""The whole bench, one family after another."""

import importlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

from interp import files
from interp.timing.rows import Row
from interp.timing.subject import random_model

FAMILIES = ("sweeps", "lens", "scan")  # modules of this folder with rows(model, quick) -> Iterator[Row]


def run(*, quick: bool = False, families: Sequence[str] = FAMILIES) -> Iterator[Row]:
    """The rows of these families as they are measured, on one random model, at one thread.

    `quick` measures a tiny model, to see that all runs. Raises ValueError for an unknown family.
    """
    for family in families:
        if family not in FAMILIES:
            raise ValueError(
                f"There is no family {family!r} on the bench: choose from {', '.join(FAMILIES)}."
            )
    with random_model(quick=quick) as model, one_thread(), torch.no_grad():
        for family in families:
            yield from importlib.import_module(f"interp.timing.{family}").rows(model, quick)


def save(rows: Sequence[Row], path: Path) -> Path:
    """The rows as a JSON list of objects; gives the path back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = [{**asdict(row), "trusted": row.trusted} for row in rows]
    files.write(path, (json.dumps(told, indent=1) + "\n").encode())
    return path


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes with one thread until the block ends."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
