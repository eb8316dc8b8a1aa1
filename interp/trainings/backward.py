"""One backward step, taken apart: the gradient on one example, and which taps it turns."""

import copy
from random import Random

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interp.trainings.network import Network

SMALL = 1e-4  # how far a weight is moved by hand, in double precision


def chances(network: Network, ids: list[int]) -> Float[Tensor, "word"]:
    """The chance of every word after these."""
    with torch.no_grad():
        return network(torch.tensor([ids]))[0, -1].softmax(-1).double()


def turned(
    network: Network, ids: list[int], right: int, rate: float | int
) -> tuple[Network, dict[str, float]]:
    """A copy after one plain step downhill on one example, and every part's share of the gradient's square.

    `rate` is how long the whole step is, so that it does not depend on how surprised the network was.
    """
    made = copy.deepcopy(network)
    loss = _loss(made, ids, right)
    named = dict(made.named_parameters())
    gradients = torch.autograd.grad(loss, list(named.values()))
    length = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
    shares: dict[str, float] = {}
    with torch.no_grad():
        for (name, p), g in zip(named.items(), gradients, strict=True):
            p -= rate * g / length
            shares[_part(name)] = shares.get(_part(name), 0.0) + float(g.square().sum() / length**2)
    return made, shares


def checked(network: Network, ids: list[int], right: int, count: int = 24) -> list[tuple[str, float, float]]:
    """For some random weights: the part, the gradient, and how the loss really changes per unit moved.

    The last by hand: the weight a little up, a little down (central difference, double precision).
    """
    fine = copy.deepcopy(network).double()
    named = dict(fine.named_parameters())
    gradients = dict(
        zip(named, torch.autograd.grad(_loss(fine, ids, right), list(named.values())), strict=True)
    )
    chooser, found = Random("weights"), []
    for _ in range(count):
        name = chooser.choice([key for key in named if not key.endswith("bias") and key != "positions"])
        # half of an embedding's rows are never read here: ask where the gradient is not zero
        place = chooser.choice(gradients[name].flatten().nonzero().flatten().tolist())
        by_hand = _by_hand(fine, named[name], place, ids, right)
        found.append((_part(name), float(gradients[name].flatten()[place]), by_hand))
    return found


def _by_hand(network: Network, weights: nn.Parameter, place: int, ids: list[int], right: int) -> float:
    flat = weights.data.view(-1)
    before, losses = flat[place].clone(), []
    for step in (SMALL, -SMALL):
        flat[place] = before + step
        with torch.no_grad():
            losses.append(float(_loss(network, ids, right)))
        flat[place] = before
    return (losses[0] - losses[1]) / (2 * SMALL)


def _loss(network: Network, ids: list[int], right: int) -> Tensor:
    return -network(torch.tensor([ids]))[0, -1].log_softmax(-1)[right]


def _part(name: str) -> str:
    pieces = name.split(".")
    if pieces[0] != "blocks":
        return {"embedding": "word table", "positions": "places"}.get(pieces[0], "last norm")
    kind = "attention" if pieces[2].startswith(("qkv", "out", "first")) else "feed-forward"
    return f"block {pieces[1]}, {kind}"
