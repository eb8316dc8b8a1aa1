"""Does a GPU compute what the CPU computes? One model on both: logits, a second run, the ablation map's time.

`python -m interp doctor --gpu` shows it; the note of a release is to quote it.
"""

import time
from dataclasses import dataclass

import torch

from interp import hooks, models
from interp.doctor import Check, Report
from interp.methods.ablation import head_ablation
from interp.models import devices
from interp.studies.names import ioi

MOST_GAP = 1e-3  # between two logits, and between two changes of the lead in nats
PROMPTS = 20
LEAST_FREE = 0.5  # of a GPU's memory; with less it is called busy
NO_GPU = (
    "There is nothing to check: this machine has no CUDA GPU, or this torch was built without CUDA ({torch})."
    " All runs on the CPU."
)


@dataclass(frozen=True)
class Compared:
    """One model on two devices: largest gap between logits, and between cells of the ablation map in nats;
    whether a second run gave the same bits; seconds of the map on the CPU and on the other.
    """

    logits: float
    map: float
    same_again: bool
    seconds: tuple[float, float]


def examine(source: str | None = None) -> Report:
    """A report on every CUDA GPU of this machine. Raises ValueError where there is none, or no model."""
    gpus = [name for name in devices.available() if name != "cpu"]
    if not gpus:
        raise ValueError(NO_GPU.format(torch=torch.__version__))
    return Report(tuple(check for gpu in gpus for check in (_busy(gpu), *told(gpu, compare(source, gpu)))))


def compare(source: str | None, device: str) -> Compared:
    """The model on the CPU and on this device, on the same sentences. Raises ValueError as `models.load`."""
    maps, logits, seconds, again = [], [], [], True
    for place in ("cpu", device):
        model = models.load(source, device=place)
        prompts = ioi.prompts(model, PROMPTS)
        first = hooks.run(model, prompts)[0]
        again = again and torch.equal(first, hooks.run(model, prompts)[0])
        logits.append(first[prompts.real().to(first.device)].cpu())
        head_ablation(model, prompts, ioi.logit_difference(prompts), how="zero", progress=False)  # warms up
        started = time.perf_counter()
        found = head_ablation(model, prompts, ioi.logit_difference(prompts), how="zero", progress=False)
        seconds.append(time.perf_counter() - started)
        maps.append(torch.from_numpy(found.values.copy()))
    of_logits, of_maps = (float((here - there).abs().max()) for here, there in (logits, maps))
    return Compared(of_logits, of_maps, again, (seconds[0], seconds[1]))


def told(device: str, found: Compared) -> tuple[Check, ...]:
    """The comparison as lines of the doctor."""
    same = max(found.logits, found.map) <= MOST_GAP
    gaps = f"logits differ by {found.logits:.1e} at most, the ablation map by {found.map:.1e} nats"
    slow, fast = found.seconds
    return (
        Check(
            f"{device} beside the CPU", f"{gaps} (allowed: {MOST_GAP:g})", "ok" if same else "problem",
            "" if same else "measure on the CPU (--device cpu), and report it with the versions above",
        ),
        Check(
            f"{device}, twice the same", "the same bits" if found.same_again else "other last bits",
            "ok" if found.same_again else "note",
        ),
        Check(f"{device}, ablation map of {PROMPTS} sentences", f"{fast:.2f} s; {slow:.2f} s on the CPU"),
    )  # fmt: skip


def _busy(device: str) -> Check:
    """How much of a GPU's memory is free."""
    free, total = torch.cuda.mem_get_info(device)
    found = f"{torch.cuda.get_device_name(device)}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    if free >= LEAST_FREE * total:
        return Check(device, found)
    return Check(device, found, "note", "other programs use it: end them, or choose another GPU")
