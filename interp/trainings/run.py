"""One training run that may be stopped between any two steps: the state on disk, going on, a cap on time.

A run that was stopped and went on takes the same steps as one that never stopped.
"""

import hashlib
import io
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from interp import files
from interp.trainings.muon import Optimizer, Rates
from interp.trainings.network import Network, Shape
from interp.undisturbed import exclusive, heard_between_steps

STATE = "state.pt"
SEAL = hashlib.sha256().digest_size  # bytes of a hash in front of every saved state


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run but the texts."""

    name: str
    shape: Shape
    rates: Rates
    steps: int
    rows: int
    seed: int = 0
    skip: int = 0  # first words of a row that are not asked for
    answers: float | int = 1.0  # how much more a marked word counts


Batch = tuple[Int[Tensor, "row position"], Float[Tensor, "row position"] | None]


@dataclass
class Run:
    """A training run under way. `noted` holds what was measured on the way, and the stage of a curriculum."""

    recipe: Recipe
    network: Network
    optimizer: Optimizer
    losses: list[float] = field(default_factory=list)
    noted: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0  # of this process, in steps only

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.losses)

    @property
    def finished(self) -> bool:
        """Whether every step is done."""
        return self.step >= self.recipe.steps


def begin(recipe: Recipe, vocabulary: int) -> Run:
    """A run before its first step."""
    network = Network(vocabulary, recipe.shape, recipe.seed)
    return Run(recipe, network, Optimizer(network, recipe.rates, recipe.steps))


def take_step(run: Run, batch: Batch) -> float:
    """One step on one batch: its loss in nats per word (of the marked words, if some are marked).

    Raises ValueError when the loss is no number; the weights are then those of the last good step.
    """
    started = time.process_time()
    ids, marked = batch
    recipe = run.recipe
    losses = word_losses(run.network, ids)[:, recipe.skip :]
    weights = torch.ones_like(losses)
    if marked is not None:
        weights = 1 + (recipe.answers - 1) * marked[:, 1 + recipe.skip :]
    objective = (losses * weights).sum() / weights.sum()
    objective.backward()
    shown = losses if marked is None else losses[marked[:, 1 + recipe.skip :] > 0]
    loss = float(shown.detach().mean()) if shown.numel() else math.nan
    gradients = [p.grad for p in run.optimizer.all if p.grad is not None]
    if not all(bool(one.isfinite().all()) for one in (objective, *gradients)):
        for p in run.optimizer.all:
            p.grad = None
        raise ValueError(
            f"The loss of {recipe.name} is no number any more at step {run.step + 1}; the weights are those"
            f" of step {run.step}. Train with smaller rates."
        )
    run.optimizer.step(run.step)
    run.losses.append(loss)
    run.seconds += time.process_time() - started
    return loss


def word_losses(network: Network, ids: Int[Tensor, "row position"]) -> Float[Tensor, "row next"]:
    """Surprise in nats at every word but the first."""
    logits = network(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(
        ids.shape[0], -1
    )


def go_on(
    run: Run,
    batch: Callable[[Run], Batch],
    folder: Path | None = None,
    *,
    fresh: bool = False,
    every: int = 100,
    measure: Callable[[Run], None] | None = None,
    until: Callable[[], bool] = lambda: False,
) -> Run:
    """Takes every step that is to do, or as many as `until` allows; the run itself.

    With a folder the run goes on from the state saved there, unless it is to be a `fresh` one, and its state
    is saved every so many steps, at the end and on Ctrl-C. `measure` is called at the start, every so many
    steps and at the end. Raises ValueError for a loss that is no number, for a state of another recipe or
    one that was changed, and while another training is under way in the folder.
    """
    with exclusive(folder) if folder else nullcontext(), heard_between_steps() as stopped:
        if folder and not fresh:
            restore(run, folder)
        try:
            if measure and not run.noted:
                measure(run)
            while not (run.finished or stopped.is_set() or until()):
                take_step(run, batch(run))
                if run.step % every == 0 or run.finished:
                    if measure:
                        measure(run)
                    if folder:
                        save_state(run, folder)
        finally:
            if folder:
                save_state(run, folder)
    if stopped.is_set():
        raise KeyboardInterrupt
    return run


def save_state(run: Run, folder: Path) -> Path:
    """Write beside the target, then rename: a killed run leaves the old state or the new one, never half."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {"recipe": asdict(run.recipe), "network": run.network.state_dict(), "losses": run.losses,
             "optimizer": run.optimizer.state_dict(), "noted": run.noted, "seconds": run.seconds}  # fmt: skip
    content = io.BytesIO()
    torch.save(state, content)
    files.write(folder / STATE, hashlib.sha256(content.getvalue()).digest() + content.getvalue())
    return folder / STATE


def saved(folder: Path) -> dict[str, Any] | None:
    """The state in a folder (`recipe`, `losses`, `noted` and the rest), None if there is none.

    Raises ValueError when it cannot be read or is not what was saved.
    """
    path = folder / STATE
    if not path.exists():
        return None
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[SEAL:]).digest() != content[:SEAL]:
            raise ValueError("its hash is another")
        return torch.load(io.BytesIO(content[SEAL:]), weights_only=True)
    except Exception as error:
        why = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise ValueError(
            f"{path} is damaged and cannot be read ({why}): delete it to begin again."
        ) from error


def restore(run: Run, folder: Path) -> Run:
    """The run as it was saved in the folder, or unchanged if nothing was.

    Raises ValueError when the state is another recipe's, or damaged.
    """
    state = saved(folder)
    if state is None:
        return run
    mine = state["recipe"]
    if mine != asdict(run.recipe):
        raise ValueError(
            f"{folder} holds the run {mine['name']!r} with seed {mine['seed']} of another recipe, not"
            f" {run.recipe.name!r} with seed {run.recipe.seed}: choose another folder, or delete"
            f" {folder / STATE}."
        )
    run.network.load_state_dict(state["network"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.losses, run.noted, run.seconds = state["losses"], state["noted"], state["seconds"]
    return run
