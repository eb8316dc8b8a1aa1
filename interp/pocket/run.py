"""One training run, as every trainer here drives it: schedule, state on disk, resuming, Ctrl-C.

A run that was stopped and resumed takes the same steps as one that never stopped.
"""

import io
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from tqdm.auto import tqdm
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from interp import files
from interp.trainings import network
from interp.undisturbed import heard_between_steps


@runtime_checkable
class Schedule(Protocol):
    """What every recipe says about its steps."""

    @property
    def steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def warm_up(self) -> int: ...


@dataclass
class Run:
    """A training run under way: what a saved state holds."""

    recipe: Any  # a frozen recipe: a `Schedule`
    encode: PreTrainedTokenizerFast
    model: GPT2LMHeadModel
    optimizer: Any  # has state_dict and load_state_dict: AdamW, or another beside it
    history: list  # what every finished step measured


def go_on(
    run: Run,
    state: Path,
    take_step: Callable[[Run, int], Any],
    *,
    every: int,
    told: Callable[[list], str],
) -> None:
    """Takes every step that is still to do, with progress; saves the state every so many steps and on Ctrl-C.

    `told` says in a few words what the last steps measured.
    """
    start, total = len(run.history), run.recipe.steps
    with heard_between_steps() as stopped:
        for step in (bar := tqdm(range(start, total), initial=start, total=total, unit="step")):
            run.history.append(take_step(run, step))
            if len(run.history) % every == 0 or stopped.is_set():
                save_state(state, run)
            if stopped.is_set():
                raise KeyboardInterrupt
            if step % 20 == 0:
                bar.set_postfix_str(told(run.history[-20:]))


def learning_rate(recipe: Schedule, step: int) -> float:
    """Warm up, then a cosine down to a fiftieth."""
    if step < recipe.warm_up:
        return recipe.learning_rate * (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def optimizer(model: GPT2LMHeadModel, recipe: Schedule) -> torch.optim.AdamW:
    """AdamW as the recipe asks for it."""
    return torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
    )


def has_bf16(device: torch.device) -> bool:
    """Whether products in bf16 are worth it on this device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and network.has_bf16()


def save_model(model: GPT2LMHeadModel, encode: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a Hugging Face folder that `models.load` opens, with GPT-2's own activation in its config."""
    activation = model.config.activation_function
    model.config.activation_function = "gelu_new"
    encode.backend_tokenizer.no_truncation()  # how rows were cut is no property of the model
    try:
        with files.filling(folder, last="model.safetensors") as beside:
            model.save_pretrained(beside)
            encode.save_pretrained(beside)
    except OSError:
        raise
    except Exception as error:  # the libraries tell the system's reason in kinds of their own
        raise OSError(f"{folder} cannot be written ({error}).") from error
    finally:
        model.config.activation_function = activation


def save_state(path: Path, run: Run) -> None:
    """Write beside the target, then rename: a killed run leaves the old state or the new one, never half."""
    state = {"recipe": asdict(run.recipe), "model": run.model.state_dict(),
             "optimizer": run.optimizer.state_dict(), "history": run.history}  # fmt: skip
    content = io.BytesIO()  # not to the disk: torch tells of a full one in words of its own
    torch.save(state, content)
    files.write(path, content.getvalue())


def saved(path: Path) -> dict[str, Any]:
    """What a saved state holds. Raises ValueError when it is damaged."""
    try:
        return torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(
            f"{path} is damaged and cannot be read ({type(error).__name__}): delete it to begin again."
        ) from error


def restore(path: Path, run: Run) -> None:
    """Put a saved state into the run. Raises ValueError when it is damaged or belongs to another recipe."""
    state = saved(path)
    if state["recipe"] != asdict(run.recipe):
        raise ValueError(
            f"{path} belongs to another recipe: {state['recipe']}. Asked for: {asdict(run.recipe)}. "
            "Choose another output folder, or pass resume=False to begin again."
        )
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.history = state["history"]
