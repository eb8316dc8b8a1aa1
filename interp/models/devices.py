"""Where a model runs: chosen, or refused in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# wrong answers: TransformerLens issue 1178, inverted logit differences on the IOI task
_NO_MPS = (
    "The device {device!r} (an Apple GPU) has no numbers in double precision, in which every measurement here"
    " is taken, and has given wrong answers on names. Choose cpu."
)


def choose(device: str | None) -> torch.device:
    """The device of this name; None: CUDA if there is one, else the CPU.

    Raises ValueError for one that is not on this machine, or on which nothing can be measured.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = device.partition(":")[0]
    if kind == "mps":
        raise ValueError(_NO_MPS.format(device=device))
    there = available()
    if device not in (*there, *(name.partition(":")[0] for name in there)):
        raise ValueError(f"The device {device!r} is not on this machine. Choose one of: {', '.join(there)}.")
    return torch.device(device)


def available() -> tuple[str, ...]:
    """The names of the devices of this machine: cpu, and every CUDA GPU by its number."""
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return ("cpu", *(f"cuda:{number}" for number in gpus))


@contextmanager
def told(what: str, device: torch.device, instead: str) -> Iterator[None]:
    """While inside, a GPU without room, or one that is busy, is told in one sentence with its own reason.

    Raises ValueError for it.
    """
    try:
        yield
    except (torch.OutOfMemoryError, torch.AcceleratorError) as error:
        reason = str(error).strip().splitlines()[0].partition(". ")[0].rstrip(".")
        raise ValueError(f"{what} on {device} ({reason}). {instead}") from error
