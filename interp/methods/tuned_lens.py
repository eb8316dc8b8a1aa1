"""The tuned lens: before a state is read, one affine map per place brings it into the last layer's language.

A logit lens is unfair to early layers: they may hold the answer in another basis. A tuned lens learns, for
each place, the map that makes the reading most like the model's last word; it starts as the identity, so
untrained it *is* the logit lens. The map of the last block stays the identity. Read it beside the logit lens,
never alone: a map that is trained may know more than the state says.

Source: Belrose et al. 2023 (arXiv:2303.08112). Here Adam takes the place of their SGD with momentum, and the
states between attention and feed-forward layer have maps too.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor
from tqdm.auto import tqdm

from interp import files, hooks, models
from interp.methods import lens
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site

LEARNING_RATE = 1e-3
WORDS_PER_STEP = 256  # states that each step reads, drawn from its batch


@dataclass(frozen=True, eq=False)
class TunedLens:
    """Affine maps by part and layer: a state x is read as x + x @ weight + bias. `about` says whose."""

    weight: Float[Tensor, "part layer d_model out"]
    bias: Float[Tensor, "part layer d_model"]
    about: dict[str, Any]

    @property
    def steps(self) -> int:
        """How many training steps made it; 0 means that it is the logit lens still."""
        return int(self.about["steps"])

    def __call__(self, held: lens.States) -> lens.States:
        """These states in the last layer's language."""
        chosen = [lens.PARTS.index(part) for part in held.parts]
        weight, bias = (maps[chosen].to(held.values) for maps in (self.weight, self.bias))
        moved = torch.einsum("alpsm,almn->alpsn", held.values, weight)
        return replace(held, values=held.values + moved + bias[:, :, None, None])


def untrained(model: Bridge) -> TunedLens:
    """The identity everywhere, which is the logit lens."""
    layers, width = sizes(model).n_layers, sizes(model).d_model
    device = model.W_U.device
    return TunedLens(
        torch.zeros(len(lens.PARTS), layers, width, width, device=device),
        torch.zeros(len(lens.PARTS), layers, width, device=device),
        {**models.about(model), "steps": 0},
    )


def tuned(
    model: Bridge,
    batches: Iterable[Int[Tensor, "row position"]],
    *,
    seed: int = 0,
    steps: int,
    progress: bool = True,
) -> TunedLens:
    """A lens trained on one batch of texts per step, to the least KL(last word of the model || reading).

    The batches have no padding. Each step draws `WORDS_PER_STEP` words with its own seed; the rate falls to
    zero in a line. The same seed and batches give the same lens on one machine. Raises ValueError when the
    batches run out.
    """
    made = untrained(model)
    weight, bias = made.weight.requires_grad_(), made.bias.requires_grad_()
    optimizer = torch.optim.Adam([weight, bias], lr=LEARNING_RATE)
    source = iter(batches)
    for step in tqdm(range(steps), desc="tuning the lens", disable=not progress, leave=False):
        ids = next(source, None)
        if ids is None:
            raise ValueError(f"The texts ran out after {step} of {steps} steps. Give one batch per step.")
        chooser = torch.Generator().manual_seed(seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / steps)
        with torch.enable_grad():
            _loss(model, weight, bias, _words(model, ids, chooser)).backward()
        optimizer.step()
        optimizer.zero_grad()
    return TunedLens(weight.detach(), bias.detach(), {**made.about, "steps": steps, "seed": seed})


def divergence(model: Bridge, prompts: Prompts, *, through: lens.Through | None = None) -> Result:
    """How far each reading is from the model's last word: Result[part, layer, prompt], KL in nats.

    KL(last || reading), the mean over the real words of each prompt.
    """
    held = lens.states(model, prompts, spot=None)
    last = _log_shares(model, held.values[-1, -1])
    shown = held if through is None else through(held)
    real = prompts.real().to(last.device)
    gaps = [[_gap(last, _log_shares(model, state), real) for state in part] for part in shown.values]
    axes = {"part": shown.parts, "layer": shown.layers, "prompt": tuple(range(len(prompts)))}
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(np.array(gaps), axes, "KL from the model's last word to the reading", "nats", about)


def save(made: TunedLens, path: str | Path) -> Path:
    """Write the maps, in half precision, with what they are about; returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    maps = {"weight": made.weight.half().cpu().contiguous(), "bias": made.bias.half().cpu().contiguous()}
    files.write(path, save_tensors(maps, metadata={"about": json.dumps(made.about, sort_keys=True)}))
    return path


def load(model: Bridge, path: str | Path) -> TunedLens:
    """The lens that `save` wrote. Raises ValueError if there is none, or if it belongs to other weights."""
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
            weight, bias = (file.get_tensor(name).float() for name in ("weight", "bias"))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no tuned lens ({error}). Make one with `python -m interp tune-lens`."
        ) from error
    own = models.about(model)
    if about.get("weights_sha256") != own["weights_sha256"]:
        raise ValueError(
            f"The lens of {path} was tuned for {about.get('model')} with other weights than those of"
            f" {own['model']}. Make one for this model with `python -m interp tune-lens`."
        )
    return TunedLens(weight, bias, about)


def _words(
    model: Bridge, ids: Int[Tensor, "row position"], chooser: torch.Generator
) -> Float[Tensor, "part layer word d_model"]:
    """The states at some words of a batch, at every part and layer."""
    sites = [Site(f"resid_{part}", layer) for part in lens.PARTS for layer in range(sizes(model).n_layers)]
    recorded = hooks.record(model, ids, sites)
    chosen = torch.randperm(ids.numel(), generator=chooser)[:WORDS_PER_STEP]
    kept = torch.stack([recorded[site].flatten(0, 1)[chosen.to(recorded[site].device)] for site in sites])
    return kept.unflatten(0, (len(lens.PARTS), sizes(model).n_layers))


def _loss(model: Bridge, weight: Tensor, bias: Tensor, states: Tensor) -> Float[Tensor, ""]:
    """Mean KL over words and places; the last block's output is left out, so its map stays the identity."""
    last = _log_shares(model, states[-1, -1])
    before, maps, added = (tensor.flatten(0, 1)[:-1] for tensor in (states, weight, bias))
    moved = before + before @ maps + added[:, None]
    return (last.exp() * (last - _log_shares(model, moved))).sum(dim=-1).mean()


def _log_shares(model: Bridge, states: Float[Tensor, "*state d_model"]) -> Float[Tensor, "*state token"]:
    return (lens.normalised(model, states) @ model.W_U + model.b_U).log_softmax(dim=-1)


def _gap(last: Tensor, shown: Tensor, real: Tensor) -> list[float]:
    """KL per prompt, the mean over its real words."""
    by_word = (last.exp() * (last - shown)).sum(dim=-1).double()
    return ((by_word * real).sum(dim=-1) / real.sum(dim=-1)).tolist()
