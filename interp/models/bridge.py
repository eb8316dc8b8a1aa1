"""What we use of a model as TransformerLens holds it, as a type. What is not here, nobody reads.

Weights are as `load` leaves them: layer norms folded in, what is written centred, value biases kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jaxtyping import Float
from torch import Tensor
from torch.nn import Module, Parameter


class Sizes(Protocol):
    """The configuration of a model, under TransformerLens' names; to read, not to change."""

    @property
    def n_layers(self) -> int: ...
    @property
    def n_heads(self) -> int: ...
    @property
    def n_ctx(self) -> int: ...
    @property
    def d_model(self) -> int: ...
    @property
    def d_head(self) -> int: ...
    @property
    def d_mlp(self) -> int: ...
    @property
    def d_vocab(self) -> int: ...
    @property
    def eps(self) -> float: ...
    @property
    def act_fn(self) -> str: ...
    @property
    def model_name(self) -> str: ...
    @property
    def device(self) -> str | None: ...


class Tokenizer(Protocol):
    """A tokenizer of `transformers`."""

    bos_token_id: int
    eos_token_id: int
    all_special_tokens: list[str]
    backend_tokenizer: Any

    def __call__(self, text: str | list[str], /, **options: Any) -> Any: ...
    def encode(self, text: str, /, **options: bool) -> list[int]: ...
    def decode(self, ids: Sequence[int], /, **options: bool) -> str: ...
    def get_vocab(self) -> dict[str, int]: ...
    def save_pretrained(self, folder: Path, /) -> Any: ...


class Bridge(Protocol):
    """A loaded GPT-2: what `models.load` gives, and what every instrument takes."""

    tokenizer: Tokenizer
    cfg: Sizes  # others ask `models.sizes`

    # its weights
    W_E: Float[Tensor, "token d_model"]
    W_pos: Float[Tensor, "position d_model"]
    W_Q: Float[Tensor, "layer head d_model d_head"]
    W_K: Float[Tensor, "layer head d_model d_head"]
    W_V: Float[Tensor, "layer head d_model d_head"]
    W_O: Float[Tensor, "layer head d_head d_model"]
    b_Q: Float[Tensor, "layer head d_head"]
    b_K: Float[Tensor, "layer head d_head"]
    b_V: Float[Tensor, "layer head d_head"]
    b_O: Float[Tensor, "layer d_model"]
    W_in: Float[Tensor, "layer d_model neuron"]
    b_in: Float[Tensor, "layer neuron"]
    W_out: Float[Tensor, "layer neuron d_model"]
    b_out: Float[Tensor, "layer d_model"]
    W_U: Float[Tensor, "d_model token"]
    b_U: Float[Tensor, "token"]

    # its parts, for `hooks` and for the engine's reader of weights
    blocks: Any
    ln_final: Any
    unembed: Any
    original_model: Module

    def parameters(self) -> Iterator[Parameter]: ...
    def buffers(self) -> Iterator[Tensor]: ...
    def named_modules(self, memo: set[Module] | None = None) -> Iterator[tuple[str, Module]]: ...
    def state_dict(self) -> Mapping[str, Tensor]: ...

    # how it is run: by `hooks` alone, and by `timing`, beside TransformerLens' own loops
    def __call__(self, tokens: Tensor, /, **options: Any) -> Tensor: ...
    def hooks(self, fwd_hooks: Iterable[tuple[str, Any]]) -> AbstractContextManager[Any]: ...
    def run_with_hooks(self, tokens: Tensor, /, **options: Any) -> Tensor: ...
    def run_with_cache(self, tokens: Tensor, /) -> tuple[Tensor, Any]: ...


if not TYPE_CHECKING:  # asked at run time whether it is one, a model would stack all its weights to answer
    Bridge = Sizes = Any
