"""The lens: what the model would say if it stopped here. Every residual state read by the model's own output.

A state is read as the last one is: the final layer norm, its mean and scale computed from that very state,
then the unembedding. `mid` is the state between attention and feed-forward layer, `post` the block's output.
A table with the whole vocabulary exists only for a few states at a time; ranks, probabilities and the first
guesses are taken from it at once. Each recording checks itself: the last state's reading must equal the
model's logits.

Source: nostalgebraist 2020, "interpreting GPT: the logit lens".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp import hooks, models
from interp.methods.engine import ends
from interp.methods.engine.walk import streams
from interp.methods.engine.weights import weights_of
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.screens.lens import Guesses
from interp.sites import Place, Site

PARTS = ("mid", "post")
MEASURES = ("rank", "probability", "logit")
LARGEST_TABLE = 2**23  # logits alive at one time
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6}  # of the self-check, nats; half precision: 0.5

Through = Callable[["States"], "States"]  # what a tuned lens does before the reading


@dataclass(frozen=True, eq=False)
class States:
    """Residual states of a run: `values` at these parts, layers and positions of every prompt."""

    values: Float[Tensor, "part layer prompt position d_model"]
    parts: tuple[str, ...]
    layers: tuple[int, ...]
    positions: tuple[str | int, ...]


@dataclass(frozen=True, eq=False)
class Reading:
    """What the lens reads in a batch of states: the first guesses, and some words of one's own.

    `tracked` and `ranks` are the logits and ranks (1 = first) of the words asked for; `total` is the
    logarithm of the summed exponentials, so that logit - total is a log-probability.
    """

    first: Float[Tensor, "*state place"]
    ids: Int[Tensor, "*state place"]
    total: Float[Tensor, "*state"]
    tracked: Float[Tensor, "*state word"]
    ranks: Int[Tensor, "*state word"]


def states(
    model: Bridge,
    prompts: Prompts,
    *edits: hooks.Edit,
    parts: Sequence[str] = PARTS,
    spot: str | None = "end",
) -> States:
    """Residual states of one run under these edits, at one spot of every prompt or, with None, everywhere.

    Raises ValueError for an unknown part or spot, RuntimeError if the lens does not reproduce the model's
    logits from the last state.
    """
    chosen = _checked_parts(parts)
    layers = range(sizes(model).n_layers)
    sites = [Site(f"resid_{part}", layer) for part in chosen for layer in layers]
    last = Site("resid_post", sizes(model).n_layers - 1)
    recorded, own = _engine(model, prompts, *edits) or _run(model, prompts, [*sites, last], *edits)
    _check_itself(model, recorded[last][:1, -1], own)
    kept = [recorded[site] if spot is None else prompts.at(recorded[site], spot)[:, None] for site in sites]
    values = torch.stack(kept).unflatten(0, (len(chosen), len(layers)))
    positions = (spot,) if spot is not None else tuple(range(prompts.tokens.shape[1]))
    return States(values, chosen, tuple(layers), positions)


def read(
    model: Bridge,
    values: Float[Tensor, "*state d_model"],
    *,
    tracked: Int[Tensor, "*state word"] | None = None,
    k: int = 1,
) -> Reading:
    """The `k` first guesses at every state, and logits and ranks of the tracked token ids.

    Works through the states in portions, so that no table of states by vocabulary is kept.
    """
    places = values.shape[:-1]
    rows = values.reshape(-1, values.shape[-1])
    asked = torch.zeros(len(rows), 0, dtype=torch.long) if tracked is None else tracked.reshape(len(rows), -1)
    asked = asked.to(rows.device)
    portion = max(1, LARGEST_TABLE // model.W_U.shape[1])
    parts = [
        _portion(model, rows[start : start + portion], asked[start : start + portion], k)
        for start in range(0, len(rows), portion)
    ]
    return Reading(
        *(torch.cat(column).reshape((*places, *column[0].shape[1:])) for column in zip(*parts, strict=True))
    )


def tracked_logits(
    model: Bridge, values: Float[Tensor, "*state d_model"], tracked: Int[Tensor, "*state word"]
) -> Float[Tensor, "*state word"]:
    """Logits of the tracked token ids only: the rest of the vocabulary is never computed."""
    columns = model.W_U.T[tracked.to(model.W_U.device)]  # *state word d_model
    return (columns @ normalised(model, values)[..., None])[..., 0] + model.b_U[tracked.to(model.b_U.device)]


def trace(
    model: Bridge,
    prompts: Prompts,
    *edits: hooks.Edit,
    parts: Sequence[str] = PARTS,
    spot: str = "end",
    through: Through | None = None,
) -> Result:
    """The prompts' answers, followed from layer to layer: Result[measure, part, layer, word, prompt].

    Measures: rank (1 = first guess; 1 + how many tokens have a larger logit), probability, logit (nats).
    Words are the names in `prompts.answers`. `through` is a tuned lens. Raises ValueError if the prompts
    have no answers. Source: nostalgebraist 2020; Merullo et al. 2023 (arXiv:2305.16130), section 3.
    """
    held = states(model, prompts, *edits, parts=parts, spot=spot)
    return follow(model, prompts, held if through is None else through(held), *edits)


def follow(model: Bridge, prompts: Prompts, held: States, *edits: hooks.Edit) -> Result:
    """As `trace`, in states that are already here, changed or not; `edits` are those they were run under."""
    names, tracked = _answers(prompts, held)
    found = read(model, held.values, tracked=tracked)
    probability = (found.tracked.double() - found.total.double()[..., None]).exp()
    stacked = torch.stack([found.ranks.double(), probability, found.tracked.double()])[:, :, :, :, 0]
    axes = {
        "measure": MEASURES, "part": held.parts, "layer": held.layers,
        "word": names, "prompt": tuple(range(len(prompts))),
    }  # fmt: skip
    values = np.asarray(stacked.movedim(-1, -2).cpu())
    return Result(
        values, axes, "the lens on the answers", "rank, probability or nats", _about(model, prompts, *edits)
    )


def lead(
    model: Bridge,
    prompts: Prompts,
    *edits: hooks.Edit,
    answer: str = "answer",
    against: str = "argument",
    spot: str = "end",
) -> Result:
    """How far one answer is ahead of another at every state: Result[part, layer, prompt], nats.

    Only the two words are read, so this costs next to nothing.
    """
    held = states(model, prompts, *edits, spot=spot)
    names, tracked = _answers(prompts, held)
    logits = tracked_logits(model, held.values, tracked)[..., 0, :]
    ahead = logits[..., names.index(answer)] - logits[..., names.index(against)]
    axes = {"part": held.parts, "layer": held.layers, "prompt": tuple(range(len(prompts)))}
    about = _about(model, prompts, *edits)
    return Result(
        np.asarray(ahead.double().cpu()), axes, f"lead of the {answer} over the {against}", "nats", about
    )


def guesses(
    model: Bridge,
    prompts: Prompts,
    *edits: hooks.Edit,
    k: int = 5,
    parts: Sequence[str] = PARTS,
    spot: str | None = None,
    through: Through | None = None,
) -> Guesses:
    """The `k` first guesses at every part, layer and position of one prompt (or at one spot of it).

    Raises ValueError for more than one prompt, and for a `k` below 1 or above the vocabulary.
    """
    if len(prompts) != 1:
        raise ValueError(
            f"guesses reads one prompt at a time; it was given {len(prompts)}. Take one: take([0])."
        )
    if not 1 <= k <= sizes(model).d_vocab:
        raise ValueError(f"k={k} guesses cannot be read: choose from 1 to {sizes(model).d_vocab}.")
    held = states(model, prompts, *edits, parts=parts, spot=spot)
    held = held if through is None else through(held)
    found = read(model, held.values[:, :, 0], k=k)
    probability = (found.first.double() - found.total.double()[..., None]).exp()
    axes = {
        "part": held.parts,
        "layer": held.layers,
        "position": held.positions,
        "place": tuple(range(1, k + 1)),
    }
    words = np.array(models.token_strings(model, found.ids.flatten().tolist()), dtype=object)
    about = {**_about(model, prompts, *edits), "text": prompts.texts[0]}
    return Guesses(
        Result(np.asarray(probability.cpu()), axes, "probability of the guess", "probability", about),
        words.reshape(tuple(found.ids.shape)),
        tuple(models.token_strings(model, prompts.tokens[0].tolist())),
    )


def normalised(model: Bridge, values: Float[Tensor, "*state d_model"]) -> Float[Tensor, "*state d_model"]:
    """The final layer norm with the statistics of these very states; its gain and bias are in W_U and b_U."""
    centred = values - values.mean(dim=-1, keepdim=True)
    return centred / (centred.pow(2).mean(dim=-1, keepdim=True) + sizes(model).eps).sqrt()


def _portion(model: Bridge, rows: Tensor, asked: Tensor, k: int) -> tuple[Tensor, ...]:
    logits = torch.addmm(model.b_U, normalised(model, rows), model.W_U)
    first, ids = logits.topk(k, dim=-1)
    tracked = logits.gather(1, asked)
    if asked.shape[1]:
        ranks = torch.stack([1 + (logits > column[:, None]).sum(dim=-1) for column in tracked.T], dim=1)
    else:
        ranks = torch.zeros_like(asked)
    return first, ids, logits.logsumexp(dim=-1), tracked, ranks


def _answers(
    prompts: Prompts, held: States
) -> tuple[tuple[str, ...], Int[Tensor, "part layer prompt position word"]]:
    if not prompts.answers:
        raise ValueError(
            'The prompts have no answers to follow. Write them with answers such as {"answer": " Mary"}.'
        )
    ids = torch.stack(list(prompts.answers.values()), dim=-1)  # prompt word
    return tuple(prompts.answers), ids[None, None, :, None].expand(*held.values.shape[:-1], -1)


Recorded = tuple[Mapping[Place, Tensor], Float[Tensor, "one token"]]  # by site; logits of the first prompt


def _run(model: Bridge, prompts: Prompts, sites: Sequence[Site], *edits: hooks.Edit) -> Recorded:
    own, recorded = hooks.run(model, prompts, *edits, record=list(dict.fromkeys(sites)), last=1)
    return recorded, own[:1, 0]


def _engine(model: Bridge, prompts: Prompts, *edits: hooks.Edit) -> Recorded | None:
    """The same from the engine, which takes half the time; None where it cannot: under edits, under a hook in
    force, on a GPU, whose memory a run watches."""
    ids = hooks.readable(model, prompts)
    if edits or ids.device.type != "cpu":
        return None
    try:
        weights = weights_of(model)
    except ValueError:  # a run obeys the hooks, and says so where weights were changed
        return None
    by_layer = list(streams(weights, ids))
    recorded: dict[Place, Tensor] = {
        Site(kind, n): stream for n, both in enumerate(by_layer) for kind, stream in both.items()
    }
    return recorded, ends.logits(weights, by_layer[-1]["resid_post"][:1, -1])


def _checked_parts(parts: Sequence[str]) -> tuple[str, ...]:
    if not parts or set(parts) - set(PARTS):
        raise ValueError(f"parts={tuple(parts)!r} cannot be read: choose from {', '.join(PARTS)}.")
    return tuple(dict.fromkeys(parts))


def _check_itself(
    model: Bridge, state: Float[Tensor, "one d_model"], logits: Float[Tensor, "one token"]
) -> None:
    """Raise unless the last state, read by the lens, gives the model's own logits."""
    mine = torch.addmm(model.b_U, normalised(model, state), model.W_U)
    gap = float((mine.log_softmax(-1) - logits.log_softmax(-1)).abs().max())
    if not gap <= TOLERANCE.get(state.dtype, 0.5):
        raise RuntimeError(
            f"The lens reads the last state {gap:.2g} nats away from the model's own logits, so it"
            " cannot be trusted here. Load the model with interp.models.load, which folds the layer norm."
        )


def _about(model: Bridge, prompts: Prompts, *edits: hooks.Edit) -> dict:
    return {**hooks.about(model, *edits), "bos": prompts.bos, "n": len(prompts)}
