"""How the cost of every fast path grows with prompts, their length, layers and width: fitted exponents.

Each is raised alone, four sizes, on small random models. The cost is the shortest CPU time of a few runs,
by turns over the paths; beside it stand the operations of the products at the very same sizes, whose
exponent is what is expected. Where the model is small, calls cost more than products, and time grows slower.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from interp.methods import lens
from interp.methods.ablation import head_ablation
from interp.methods.engine.toggles import Toggles
from interp.methods.patching import head_position_patching
from interp.methods.paths import Receiver, path_patching
from interp.methods.scan import Plan
from interp.methods.scan.shards import scan_shard
from interp.models import Bridge, sizes
from interp.result import Result
from interp.sites import Head
from interp.timing.limit import Watch
from interp.timing.run import one_thread
from interp.timing.scan import random_corpus
from interp.timing.subject import random_model
from interp.timing.sweeps import metric_of, random_prompts

SIZES = {
    "prompts": (2, 4, 8, 16),
    "length": (8, 16, 32, 64),
    "layers": (2, 4, 8, 16),
    "width": (96, 192, 384, 768),
}
COSTS = ("time", "count")  # CPU time as measured; the operations of the products, counted
RUNS = 5


@dataclass(frozen=True)
class Size:
    """What a path is run on, while one of these is raised."""

    prompts: int = 4
    length: int = 16
    layers: int = 4
    width: int = 192


def growth(along: Sequence[str] = tuple(SIZES), *, largest: int = 4) -> Result:
    """The exponents [path, growth]: cost goes as the size to this power, by time and by count.

    `largest` leaves out the sizes after so many (2 at least).
    """
    columns = {name: _exponents(name, SIZES[name][:largest]) for name in along}
    paths = next(iter(columns.values()))
    values = [[columns[name][path][cost] for name in along for cost in COSTS] for path in paths]
    axes = {"path": tuple(paths), "growth": tuple(f"{name}: {cost}" for name in along for cost in COSTS)}
    about = {
        "model": "bench",
        "sizes": {name: SIZES[name][:largest] for name in along},
        "else": asdict(Size()),
    }
    return Result(np.array(values), axes, "exponent of growth", "power", about)


def slope(along: Sequence[int], costs: Sequence[float]) -> float:
    """The power of the size that fits these costs best, on logarithmic axes."""
    return float(np.polyfit(np.log(along), np.log(costs), 1)[0])


def _exponents(name: str, raised: Sequence[int]) -> dict[str, dict[str, float]]:
    """Path -> cost -> exponent, with this one raised and all else as `Size` has it."""
    costs = [_costs(replace(Size(), **{name: size})) for size in raised]
    return {
        path: {cost: slope(raised, [of[path][cost] for of in costs]) for cost in COSTS} for path in costs[0]
    }


def _costs(size: Size) -> dict[str, dict[str, float]]:
    """Path -> its shortest CPU time and its operations, at this size."""
    with (
        random_model(quick=True, n_layer=size.layers, n_embd=size.width) as model,
        one_thread(),
        torch.no_grad(),
    ):
        works, operations = paths(model, size.prompts, size.length), {}
        for path, work in works.items():
            work()  # weights are laid out, imports are made
            with Watch() as watch:
                work()
            operations[path] = float(sum(watch.operations.values()))
        rounds = [{path: _seconds(work) for path, work in works.items()} for _ in range(RUNS)]
    return {path: {"time": min(one[path] for one in rounds), "count": operations[path]} for path in works}


def paths(model: Bridge, prompts: int, length: int) -> dict[str, Callable[[], Any]]:
    """Every fast path by a short name, ready to be run on random prompts; the toggle is of a first head."""
    own, donor = random_prompts(model, prompts, length)
    metric = metric_of(own)
    to_queries: dict[str, Any] = {
        "progress": False,
        "receivers": [Receiver(Head(sizes(model).n_layers - 1, 0), "q")],
        "sender_at": "end",
    }
    toggles, head = Toggles(model, own), Head(0, 1)
    corpus, plan = random_corpus(model, length, prompts), Plan(sample=0, windows_per_shard=prompts)

    def toggle() -> Any:
        (toggles.remove if head in toggles.heads else toggles.put)(head)
        return toggles.measure(metric)

    return {
        "ablation": lambda: head_ablation(model, own, metric, how="zero", progress=False),
        "patching": lambda: head_position_patching(model, own, donor, metric, progress=False),
        "to logits": lambda: path_patching(model, own, donor, metric, progress=False),
        "to queries": lambda: path_patching(model, own, donor, metric, **to_queries),
        "toggle": toggle,
        "lens": lambda: lens.lead(model, own, against="against"),
        "guesses": lambda: lens.read(model, lens.states(model, own, spot=None).values, k=10),
        "scan": lambda: scan_shard(model, corpus, plan, 0),
    }


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
