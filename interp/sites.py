"""Places inside GPT-2 as frozen values, and the one table of hook names and axes.

This room names things; it refuses to run anything. No other file of the package spells a hook name.
"""

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from interp.languages import message, say

AXES = ("prompt", "position", "query", "key", "layer", "head", "neuron", "token", "d_model", "d_head")

_RESIDUAL = ("prompt", "position", "d_model")
_PER_HEAD = ("prompt", "position", "head", "d_head")
_ATTENTION = ("prompt", "head", "query", "key")
_NEURONS = ("prompt", "position", "neuron")

# kind -> (hook name, axes). In the order in which a forward pass meets them.
_TABLE = {
    "embed": ("hook_embed", _RESIDUAL),
    "pos_embed": ("hook_pos_embed", _RESIDUAL),
    "resid_pre": ("blocks.{layer}.hook_resid_pre", _RESIDUAL),
    "q": ("blocks.{layer}.attn.hook_q", _PER_HEAD),
    "k": ("blocks.{layer}.attn.hook_k", _PER_HEAD),
    "v": ("blocks.{layer}.attn.hook_v", _PER_HEAD),
    "scores": ("blocks.{layer}.attn.hook_attn_scores", _ATTENTION),
    "pattern": ("blocks.{layer}.attn.hook_pattern", _ATTENTION),
    "z": ("blocks.{layer}.attn.hook_z", _PER_HEAD),
    "attn_out": ("blocks.{layer}.hook_attn_out", _RESIDUAL),
    "resid_mid": ("blocks.{layer}.hook_resid_mid", _RESIDUAL),
    "mlp_pre": ("blocks.{layer}.mlp.hook_pre", _NEURONS),
    "mlp_post": ("blocks.{layer}.mlp.hook_post", _NEURONS),
    "mlp_out": ("blocks.{layer}.hook_mlp_out", _RESIDUAL),
    "resid_post": ("blocks.{layer}.hook_resid_post", _RESIDUAL),
    "ln_final_scale": ("ln_final.hook_scale", ("prompt", "position", "scale")),  # the last axis has length 1
}
KINDS = tuple(_TABLE)


@runtime_checkable
class Shape(Protocol):
    """What a model must tell about itself so that a place can be checked against it."""

    @property
    def name(self) -> str: ...
    @property
    def layers(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def d_mlp(self) -> int: ...


@dataclass(frozen=True)
class Site:
    """One tensor of the forward pass, such as `Site("resid_post", 5)`. Layers count from 0."""

    kind: str
    layer: int | None = None

    def __post_init__(self):
        if self.kind not in _TABLE:
            raise ValueError(f"{self.kind!r} is not a kind of site. Choose one of: {', '.join(KINDS)}.")
        in_a_layer = "{layer}" in _TABLE[self.kind][0]
        if in_a_layer and (self.layer is None or self.layer < 0):
            raise ValueError(
                f"The site {self.kind!r} needs a layer from 0 up, such as"
                f" Site({self.kind!r}, 0); it was given {self.layer}."
            )
        if not in_a_layer and self.layer is not None:
            raise ValueError(
                f"The site {self.kind!r} is in no layer; write Site({self.kind!r}) without {self.layer}."
            )

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the tensor's axes, first to last."""
        return _TABLE[self.kind][1]

    @property
    def hook_name(self) -> str:
        """What TransformerLens calls this site."""
        return _TABLE[self.kind][0].format(layer=self.layer)

    @property
    def site(self) -> "Site":
        """The site itself: a site is the place that covers all of it."""
        return self

    @property
    def index(self) -> dict[str, int]:
        """No axis is fixed: the whole tensor."""
        return {}

    def __str__(self) -> str:
        return self.kind if self.layer is None else f"{self.kind}{self.layer}"

    def __lt__(self, other: "Site") -> bool:
        return self._when() < other._when()

    def _when(self) -> tuple[float, int]:
        after_all_layers = float("inf") if self.kind == "ln_final_scale" else -1
        return (float(after_all_layers if self.layer is None else self.layer), KINDS.index(self.kind))


@dataclass(frozen=True, order=True)
class Head:
    """One attention head: what it writes, before the output matrix (the site `z`)."""

    layer: int
    head: int

    def __post_init__(self):
        _refuse_negative(self, self.layer, self.head)

    @classmethod
    def parse(cls, text: str) -> "Head":
        """The head named by a text such as "L9H6". Raises ValueError if the text names none."""
        return cls(*_numbers(text, "H", message("a head"), "L9H6"))

    @property
    def site(self) -> Site:
        return Site("z", self.layer)

    @property
    def index(self) -> dict[str, int]:
        """The fixed axis and its value."""
        return {"head": self.head}

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True, order=True)
class Neuron:
    """One feed-forward neuron: its value after the activation function (the site `mlp_post`)."""

    layer: int
    neuron: int

    def __post_init__(self):
        _refuse_negative(self, self.layer, self.neuron)

    @classmethod
    def parse(cls, text: str) -> "Neuron":
        """The neuron named by a text such as "L8N1203". Raises ValueError if the text names none."""
        return cls(*_numbers(text, "N", message("a neuron"), "L8N1203"))

    @property
    def site(self) -> Site:
        return Site("mlp_post", self.layer)

    @property
    def index(self) -> dict[str, int]:
        """The fixed axis and its value."""
        return {"neuron": self.neuron}

    def __str__(self) -> str:
        return f"L{self.layer}N{self.neuron}"


Place = Site | Head | Neuron
NO_HEAD = message(
    "{place} is not in this model: {name} has layers 0-{last} and heads 0-{most}. Choose a head such as "
    "{example}."
)
NO_NEURON = message(
    "{place} is not in this model: {name} has layers 0-{last} and neurons 0-{most}. Choose a neuron such as "
    "{example}."
)


def check_place(place: Place, shape: Shape) -> None:
    """Nothing, if the model has this place; else ValueError with what the model has instead."""
    units = {Head: ("head", shape.heads), Neuron: ("neuron", shape.d_mlp)}.get(type(place))
    layer = place.site.layer
    layer_exists = layer is None or layer < shape.layers
    if layer_exists and (units is None or place.index[units[0]] < units[1]):
        return
    told = {"place": place, "name": shape.name, "last": shape.layers - 1}
    if units is None:
        raise ValueError(
            say(
                "{place} is not in this model: {name} has layers 0-{last}. Choose a layer from 0 to {last}.",
                **told,
            )
        )
    unit, count = units
    example = (Head if unit == "head" else Neuron)(shape.layers - 1, count - 1)
    told |= {"most": count - 1, "example": example}
    raise ValueError(say(NO_HEAD if unit == "head" else NO_NEURON, **told))


def _numbers(text: str, letter: str, what: str, example: str) -> tuple[int, int]:
    found = re.fullmatch(rf"L([0-9]+){letter}([0-9]+)", text.strip(), re.IGNORECASE)
    if not found:
        raise ValueError(
            say(
                "{text!r} is not the name of {what}: write the layer and the number, such as {example}.",
                text=text,
                what=say(what),
                example=example,
            )
        )
    return int(found[1]), int(found[2])


def _refuse_negative(place: Head | Neuron, *numbers: int) -> None:
    if min(numbers) < 0:
        raise ValueError(f"{place!r} has a negative number; layers, heads and neurons count from 0.")
