"""Hooks: the only room that executes a model. `run`, `record`, `resume`, `gradients`, `intervene`; the edits.

An edit is a frozen value and a pure function: activation in, new activation out. Hooks live only inside
`intervene`; after it, also after an exception, the model is bitwise as before. This room refuses tasks
and drawing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp import models
from interp.models import Bridge, describe
from interp.models.devices import told
from interp.models.in_force import BACKWARD, FORWARD, in_force
from interp.prompts import Prompts
from interp.sites import Head, Neuron, Place, Site, check_place

Where = Bool[Tensor, "prompt position"]
MOST_NAMED = 3  # places that an error names


@dataclass(frozen=True, eq=False)
class Zero:
    """Put zero at a place: with value biases kept, `Zero(Head(9, 6))` means "this head writes nothing".

    `where` limits the edit to some positions (the queries, at an attention pattern).
    """

    place: Place
    where: Where | None = None

    def __call__(self, activation: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """A new activation with the edit in it; the old one is left as it is."""
        return _edited(self, activation, lambda part: torch.zeros_like(part))


@dataclass(frozen=True, eq=False)
class Put:
    """Put a value at a place: a mean, another prompt's activation, a patch.

    `value` must broadcast to the place's part of the activation; at a head that is prompt, position, d_head.
    """

    place: Place
    value: Float[Tensor, "*value"]
    where: Where | None = None

    def __call__(self, activation: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """A new activation with the edit in it; the old one is left as it is."""
        return _edited(self, activation, lambda part: _fit(self, self.value, part))


@dataclass(frozen=True, eq=False)
class Add:
    """Add `scale` times a vector to what is at a place (steering)."""

    place: Place
    vector: Float[Tensor, "*value"]
    scale: float = 1.0
    where: Where | None = None

    def __call__(self, activation: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        """A new activation with the edit in it; the old one is left as it is."""
        return _edited(self, activation, lambda part: part + self.scale * _fit(self, self.vector, part))


Edit = Zero | Put | Add


def run(
    model: Bridge,
    tokens: Prompts | Int[Tensor, "prompt position"],
    *edits: Edit,
    record: Sequence[Place] = (),
    last: int | None = None,
) -> tuple[Float[Tensor, "prompt kept token"], dict[Place, Tensor]]:
    """The logits of one forward pass under these edits, and what was at the recorded places.

    Recording sees what the model saw, after the edits; the recorded tensors are copies. A recorded head or
    neuron gives its own part only. `last` keeps the logits of the last so many positions, else all.
    Raises ValueError for a place the model does not have and for tokens it cannot read.
    """
    ids = readable(model, tokens)
    if last is not None and not 1 <= last <= ids.shape[1]:
        raise ValueError(
            f"last must be from 1 to the {ids.shape[1]} positions of the prompts; it was {last}."
        )
    keep = {} if last is None else {"logits_to_keep": last}
    recorded: dict[Place, Tensor] = {}
    what = f"{ids.shape[0]} prompts of {ids.shape[1]} tokens cannot be run at once"
    room = told(what, ids.device, "Give fewer at once, or choose cpu.")
    with room, intervene(model, *edits), _listening(model, record, recorded), torch.no_grad():
        logits = model(ids, return_type="logits", **keep)
    return logits, {place: recorded[place] for place in record}


def record(
    model: Bridge, tokens: Prompts | Int[Tensor, "prompt position"], places: Sequence[Place], *edits: Edit
) -> dict[Place, Tensor]:
    """What is at these places during one forward pass under these edits: copies, by place."""
    return run(model, tokens, *edits, record=places, last=1)[1]


def resume(
    model: Bridge,
    resid_pre: Float[Tensor, "prompt position d_model"],
    layer: int,
    *edits: Edit,
    position: Int[Tensor, "prompt"] | None = None,
) -> Float[Tensor, "prompt token"] | Float[Tensor, "prompt position token"]:
    """The logits when the residual stream that enters `layer` is given: only the rest of the model runs.

    With `position`, only that position of every prompt is read out: [prompt, token]; without, all of them.
    Equals `run` when `resid_pre` was recorded there. Raises ValueError for an edit before `layer`.
    """
    card = describe(model)
    if not 0 <= layer <= card.layers:
        raise ValueError(f"A run resumes at a layer from 0 to {card.layers}; it was asked for {layer}.")
    for edit in edits:
        _refuse_missed(edit, layer, position)
    # first a Put: a hook in force where the stream enters has acted on what was recorded, once is enough
    given = [Put(Site("resid_pre", layer), resid_pre)] if layer < card.layers else []
    with intervene(model, *given, *edits), torch.no_grad():
        residual = resid_pre.to(model.unembed.W_U.device)
        for block in list(model.blocks)[layer:]:
            residual = block(residual)
            residual = residual[0] if isinstance(residual, tuple) else residual
        if position is None:
            return model.unembed(model.ln_final(residual))
        rows = torch.arange(len(residual), device=residual.device)
        chosen = residual[rows, position.to(residual.device)][:, None]
        return model.unembed(model.ln_final(chosen))[:, 0]


def gradients(
    model: Bridge,
    tokens: Prompts | Int[Tensor, "prompt position"],
    metric: Callable[[Float[Tensor, "prompt position token"]], Float[Tensor, ""]],
    places: Sequence[Place],
    *edits: Edit,
) -> dict[Place, Tensor]:
    """By place, how the metric changes with what is there: each of the shape that `record` would give.

    `metric` turns all logits into one number. The change meant is one after the edits, everything downstream
    live: the first-order estimate of a `Put` of `value` is the sum of (value - recorded) * gradient. Raises
    ValueError for a place the model does not have, for a metric that is not one number, and where a hook
    that changes gradients was left on the model.
    """
    ids = readable(model, tokens)
    _refuse_backward(model)
    nudges: dict[Place, Tensor] = {}
    with intervene(model, *edits), _nudging(model, places, nudges), torch.enable_grad():
        number = metric(model(ids, return_type="logits"))
        if number.ndim != 0:
            raise ValueError(f"The metric must give one number; it gave the shape {tuple(number.shape)}.")
        found = torch.autograd.grad(number, list(nudges.values()), materialize_grads=True)
    by_place = dict(zip(nudges, found, strict=True))
    return {place: by_place[place] for place in places}


@contextmanager
def intervene(model: Bridge, *edits: Edit) -> Iterator[Bridge]:
    """The model with these edits in force, in this order, until the block ends, however it ends.

    Nesting equals one list of edits. The bridge is not thread-safe: until the block ends, other threads
    that come through this room wait. Raises ValueError for a place the model does not have.
    """
    for edit in edits:
        _check_edit(edit)
        check_place(edit.place, describe(model))
    hooks = [(edit.place.site.hook_name, _Applying(edit)) for edit in edits]
    with _turn(model), model.hooks(fwd_hooks=hooks):
        yield model


def about(model: Bridge, *edits: Edit) -> dict[str, Any]:
    """What a Result should say about its model when it was run under these edits and those in force."""
    with intervene(model, *edits):
        return models.about(model)


def check_untouched(model: Bridge) -> None:
    """Nothing, if no hook is in force on the model, whoever set it; else ValueError that says where.

    For what computes from the weights alone, and for what has kept an answer: neither sees a hook. Waits, as
    a run does, while another thread is in this room. ValueError also if its weights were changed.
    """
    models.check_unchanged(model)
    with _turn(model):
        where = _places(in_force(model, FORWARD))
    if where:
        raise ValueError(
            f"Hooks are in force on this model (at {where}), and what was asked for is computed without them,"
            " from the model as it was loaded. Leave the `with` block or remove the hooks, then ask again;"
            " hooks.run obeys them."
        )


def _places(hooks: Iterable[Any]) -> str:
    """Where these hang, each place once, the first few named; empty if there are none."""
    places = list(dict.fromkeys(str(hook.edit.place) if hasattr(hook, "edit") else hook for hook in hooks))
    return ", ".join(places[:MOST_NAMED]) + (", ..." if len(places) > MOST_NAMED else "")


# How an edit reaches its part of an activation


def _edited(edit: Edit, activation: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    part = _part(edit.place, activation)
    changed = change(part)
    if edit.where is not None:
        changed = torch.where(_lined_up(edit.where, edit.place, activation), changed, part)
    new = activation.clone(memory_format=torch.contiguous_format)
    _part(edit.place, new).copy_(changed)
    return new


def _part(place: Place, activation: Tensor) -> Tensor:
    """The place's own part of its site's activation: a view with the place's fixed axes gone."""
    for axis, index in place.index.items():
        activation = activation.select(place.site.axes.index(axis), index)
    return activation


def _lined_up(where: Where, place: Place, activation: Tensor) -> Tensor:
    """The mask of an edit, shaped to broadcast against the place's part of the activation."""
    axes = [axis for axis in place.site.axes if axis not in place.index]
    sizes = dict(zip(place.site.axes, activation.shape, strict=True))
    along = "position" if "position" in axes else "query"
    wanted = (sizes["prompt"], sizes[along])
    if tuple(where.shape) not in {wanted, (1, wanted[1])}:
        raise ValueError(
            f"The mask `where` of the edit at {place} has the shape {tuple(where.shape)};"
            f" the run has {wanted} (prompt, position). Make it for these prompts."
        )
    shape = [sizes[axis] if axis == along else where.shape[0] if axis == "prompt" else 1 for axis in axes]
    return where.to(activation.device).reshape(shape)


def _fit(edit: Put | Add, value: Tensor, part: Tensor) -> Tensor:
    try:
        return value.to(part).expand(part.shape)
    except RuntimeError:
        raise ValueError(
            f"The value for {edit.place} has the shape {tuple(value.shape)}, which does not fit"
            f" {tuple(part.shape)}. Give one that broadcasts to it."
        ) from None


@dataclass(frozen=True, eq=False)
class _Applying:
    """The hook of an edit. It returns a new tensor everywhere but at resid_mid.

    TransformerLens 4.3 names the input of the second layer norm hook_resid_mid, so a returned tensor would
    miss the skip connection. There the edited activation is written into the model's own tensor, which is
    the sum of skip and attention, made a moment ago and shared with nothing that was recorded.
    """

    edit: Edit

    def __str__(self) -> str:
        where = "" if self.edit.where is None else ", at some positions"
        times = f", times {self.edit.scale:g}" if isinstance(self.edit, Add) else ""
        return f"{type(self.edit).__name__} at {self.edit.place}{times}{where}"

    def __call__(self, activation: Tensor, hook: Any) -> Tensor:
        edited = self.edit(activation)
        return activation.copy_(edited) if self.edit.place.site.kind == "resid_mid" else edited


# What a run refuses, and how it listens


def _check_edit(edit: object) -> None:
    if not isinstance(edit, Edit):
        raise TypeError(
            f"{edit!r} is not an edit. Give Zero(place), Put(place, value) or Add(place, vector)."
        )


def _refuse_missed(edit: Edit, layer: int, position: Tensor | None) -> None:
    _check_edit(edit)
    site = edit.place.site
    if site < Site("resid_pre", layer):
        raise ValueError(
            f"The edit at {edit.place} acts before layer {layer}, where this run resumes."
            " Resume earlier, or use run."
        )
    if site.kind == "ln_final_scale" and position is not None:
        raise ValueError("An edit of ln_final_scale needs all positions. Resume without `position`.")


def readable(
    model: Bridge, tokens: Prompts | Int[Tensor, "prompt position"]
) -> Int[Tensor, "prompt position"]:
    """The token ids on the model's device. Raises ValueError for tokens that the model cannot read."""
    ids = tokens.tokens if isinstance(tokens, Prompts) else tokens
    card = describe(model)
    if ids.ndim != 2 or 0 in ids.shape:
        raise ValueError(
            f"The tokens have the shape {tuple(ids.shape)}; give at least one prompt of at least"
            " one token, as (prompt, position)."
        )
    if ids.shape[1] > card.context:
        raise ValueError(
            f"The prompts have {ids.shape[1]} tokens, but {card.name} reads at most {card.context}."
            f" Make them shorter by {ids.shape[1] - card.context}."
        )
    if ids.min() < 0 or ids.max() >= card.vocabulary:
        wrong = int(ids.max()) if ids.max() >= card.vocabulary else int(ids.min())
        raise ValueError(
            f"The token id {wrong} is not in the vocabulary of {card.name}, which has the ids"
            f" 0-{card.vocabulary - 1}. Write the prompts with its tokenizer."
        )
    return ids.to(model.unembed.W_U.device)


def _refuse_backward(model: Bridge) -> None:
    with _turn(model):
        places = _places(in_force(model, BACKWARD))
    if places:
        raise ValueError(
            f"Hooks that change gradients are in force on this model (at {places}), so a gradient would not"
            " be the model's own. Remove them (the bridge's reset_hooks() does), then ask again."
        )


@contextmanager
def _listening(model: Bridge, places: Sequence[Place], recorded: dict[Place, Tensor]) -> Iterator[None]:
    _check_places(model, places)

    def note(place: Place) -> Callable[..., None]:
        def listen(activation: Tensor, hook: Any) -> None:
            recorded[place] = _part(place, activation).detach().clone()

        return listen

    with model.hooks(fwd_hooks=[(place.site.hook_name, note(place)) for place in places]):
        yield


@contextmanager
def _nudging(model: Bridge, places: Sequence[Place], nudges: dict[Place, Tensor]) -> Iterator[None]:
    """While it lasts, a zero that can be differentiated by is added at every place, and kept in `nudges`."""
    _check_places(model, places)

    def note(place: Place) -> Callable[..., Tensor]:
        def nudge(activation: Tensor, hook: Any) -> Tensor:
            nudges[place] = torch.zeros_like(_part(place, activation)).requires_grad_()
            return _Applying(Add(place, nudges[place]))(activation, hook)

        return nudge

    with model.hooks(fwd_hooks=[(place.site.hook_name, note(place)) for place in places]):
        yield


def _check_places(model: Bridge, places: Sequence[Place]) -> None:
    for place in places:
        if not isinstance(place, Site | Head | Neuron):
            raise TypeError(f"{place!r} is not a place. Record a Site, a Head or a Neuron.")
        check_place(place, describe(model))


# Taking turns


class _Turn:
    """A lock that a copied model does not share with its original."""

    def __init__(self):
        self.lock = RLock()

    def __deepcopy__(self, memo: dict) -> "_Turn":
        return _Turn()


@contextmanager
def _turn(model: Bridge) -> Iterator[None]:
    with model.__dict__.setdefault("turn", _Turn()).lock:
        yield
