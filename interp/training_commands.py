"""The commands `train-taps`, `train-family` and `train-belief`: the stored runs of `trainings`, made again.

Stopped by Ctrl-C, each goes on where it was when it is called again.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from interp import files

out, err = Console(highlight=False), Console(stderr=True, highlight=False)
Folder = Annotated[Path, typer.Option("--out", help="Folder for states and finished runs.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Fewer steps than the recipe's: to try it out.")]


def mount(app: typer.Typer) -> None:
    """Give a command line these commands."""
    for name, command in (("train-taps", taps), ("train-family", family), ("train-belief", belief)):
        app.command(name)(command)


def taps(out_dir: Folder = Path("checkpoints/taps"), steps: Steps = None) -> None:
    """Train the ten runs of notebook 07 again; three minutes of one core."""
    from interp.trainings import taps as trainer  # imports torch

    _make(lambda: trainer.train_all(out_dir / "states", out_dir, steps=steps), "taps", out_dir)


def family(
    out_dir: Folder = Path("checkpoints/family"),
    widths: Annotated[list[int] | None, typer.Option("--width", help="Only this width; may repeat.")] = None,
    tokens: Annotated[list[int] | None, typer.Option(help="Only this much text; may repeat.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Only this seed; may repeat.")] = None,
) -> None:
    """Train the 72 models of notebook 08 again; about ten minutes of one core."""
    from interp.trainings import family as trainer  # imports torch

    some = {
        "widths": widths or trainer.WIDTHS,
        "amounts": tokens or trainer.TOKENS,
        "seeds": seeds or trainer.SEEDS,
    }
    _make(lambda: trainer.train_all(out_dir / "family.json", **some), "family", out_dir)


def belief(
    out_dir: Folder = Path("checkpoints/belief"),
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="narrow, varied, who or flat.")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Only this seed; may repeat.")] = None,
    steps: Steps = None,
) -> None:
    """Train the twelve runs of notebook 09 again; 35 minutes of one core, or an hour where it has no bf16."""
    from interp.trainings import belief as trainer  # imports torch

    unknown = [kind for kind in kinds or () if kind not in trainer.STAGES]
    if unknown:
        err.print(f"There is no training {unknown[0]!r}: choose one of {', '.join(trainer.STAGES)}.")
        raise typer.Exit(2)
    some = {"kinds": tuple(kinds or ()), "seeds": tuple(seeds or trainer.SEEDS)}
    _make(lambda: trainer.train_all(out_dir / "states", out_dir, steps=steps, **some), "belief", out_dir)


def _make(trained: Callable[[], Iterator], topic: str, folder: Path) -> None:
    """Say each run as it is done, and how all lie beside the stored ones; one sentence and exit code 2 for
    what stands in the way."""
    from interp.trainings import beside  # imports torch

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for done in trained():
            out.print(str(done), markup=False, soft_wrap=True)
        out.print(beside.told(beside.rows(topic, folder)), markup=False, soft_wrap=True)
    except (ValueError, OSError) as error:
        err.print(files.told(error), markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt as error:
        err.print(f"Stopped; every finished step is in {folder}: the same command goes on.", soft_wrap=True)
        raise typer.Exit(2) from error
