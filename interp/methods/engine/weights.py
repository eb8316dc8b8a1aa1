"""The weights of a loaded bridge as plain tensors, laid out for speed; made once per model."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from interp.hooks import check_untouched
from interp.methods.engine.linear import FUSED, Activation, Linear, Packed, Plain, choose
from interp.models import Bridge


@dataclass(frozen=True, eq=False)
class Norm:
    """A layer norm."""

    weight: Float[Tensor, "d_model"]
    bias: Float[Tensor, "d_model"]
    epsilon: float

    def __call__(self, x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows d_model"]:
        """The rows, normalised."""
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)


@dataclass(frozen=True, eq=False)
class Layer:
    """One block. Queries come out of `qkv` already divided by the root of the width of a head."""

    norm1: Norm
    qkv: Linear
    W_Q: Float[Tensor, "head d_model d_head"]
    W_K: Float[Tensor, "head d_model d_head"]
    W_V: Float[Tensor, "head d_model d_head"]
    W_O: Float[Tensor, "head d_head d_model"]
    b_Q: Float[Tensor, "head d_head"]
    b_K: Float[Tensor, "head d_head"]
    b_V: Float[Tensor, "head d_head"]
    out: Linear
    norm2: Norm
    mlp_in: Linear
    mlp_out: Linear
    activation: Activation


@dataclass(frozen=True, eq=False)
class Weights:
    """A GPT-2: embeddings, blocks, final norm and unembedding."""

    embedding: Float[Tensor, "token d_model"]
    positions: Float[Tensor, "context d_model"]
    layers: tuple[Layer, ...]
    final_norm: Norm
    unembedding: Plain
    b_U: Float[Tensor, "token"]

    @property
    def device(self) -> torch.device:
        """Where the model stands."""
        return self.embedding.device


class _Kept:
    """A model's weights beside what tells whether they are still its own; a copied model makes its own."""

    def __init__(self):
        self.mark: tuple | None = None
        self.weights: dict[type | None, Weights] = {}

    def __deepcopy__(self, memo: dict) -> "_Kept":
        return _Kept()


def weights_of(model: Bridge, kind: type[Plain] | type[Packed] | None = None) -> Weights:
    """The model's weights, from the last time if none has been changed since (in place or by another tensor).

    `kind` is how products are computed; by default what is exact and faster on this machine.
    A change behind torch's back, through `.data`, is not seen. Raises ValueError while a hook is in force on
    the model: plain weights would not see it.
    """
    check_untouched(model)
    kept = model.__dict__.setdefault("engine", _Kept())
    mark = _mark(model)
    if kept.mark != mark:
        kept.mark, kept.weights = mark, {}
    if kind not in kept.weights:
        weights = _read(model, kind)
        kept.weights |= {kind: weights, type(weights.layers[0].mlp_in): weights}
    return kept.weights[kind]


def _mark(model: Bridge) -> tuple:
    tensors = (*model.parameters(), *model.buffers())
    return tuple((tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in tensors)


def _read(model: Bridge, kind: type[Plain] | type[Packed] | None) -> Weights:
    with torch.no_grad():
        stacked = {name: getattr(model, name).detach() for name in _STACKED}
        kind = kind or choose(stacked["W_in"][0].T.contiguous(), stacked["b_in"][0])
        layers = tuple(_layer(model, number, stacked, kind) for number in range(model.cfg.n_layers))
    W_U, b_U = model.W_U.detach().T, model.b_U.detach()
    norm = _norm(model.ln_final, model)
    return Weights(model.W_E.detach(), model.W_pos.detach(), layers, norm, Plain(W_U, b_U), b_U)


_STACKED = ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O", "W_in", "b_in", "W_out", "b_out")


def _layer(model: Bridge, number: int, stacked: dict[str, Tensor], kind: type) -> Layer:
    own = {name: tensor[number] for name, tensor in stacked.items()}
    scale = _scale(model, number)
    own["W_Q"], own["b_Q"] = own["W_Q"] * scale, own["b_Q"] * scale
    width, block = model.cfg.d_model, model.blocks[number]
    inward = torch.cat([own[name].permute(0, 2, 1).reshape(width, width) for name in ("W_Q", "W_K", "W_V")])
    bias = torch.cat([own[name].flatten() for name in ("b_Q", "b_K", "b_V")])
    return Layer(
        norm1=_norm(block.ln1, model),
        qkv=kind(inward, bias),
        **{name: own[name] for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V")},
        out=kind(own["W_O"].reshape(width, width).T.contiguous(), own["b_O"]),
        norm2=_norm(block.ln2, model),
        mlp_in=kind(own["W_in"].T.contiguous(), own["b_in"]),
        mlp_out=kind(own["W_out"].T.contiguous(), own["b_out"]),
        activation=FUSED.get(model.cfg.act_fn) or block.mlp.original_component.act,
    )


def _scale(model: Bridge, number: int) -> float:
    """What scores are multiplied with, as the bridge does it."""
    by_layer = getattr(model.cfg, "scale_attn_by_inverse_layer_idx", False)
    return model.cfg.d_head**-0.5 / (number + 1 if by_layer else 1)


def _norm(norm, model: Bridge) -> Norm:
    return Norm(norm.weight.detach(), norm.bias.detach(), model.cfg.eps)
