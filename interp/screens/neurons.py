"""The Neuron Browser: one neuron of a scan's table, a search, and the neuron on a text of one's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from interp.result import Result
from interp.screens.codec import State
from interp.sites import Neuron

TEXT = "When Mary and John went to the store, John gave a drink to"


@dataclass(frozen=True)
class BrowserState(State):
    """What the browser is asked: a neuron, a text to read, whether the neuron is on, what to search and
    how.
    """

    screen: ClassVar[str] = "the Neuron Browser"
    neuron: Neuron
    text: str = TEXT
    on: bool = True
    by: str = "nothing"
    search: str = ""


@dataclass(frozen=True)
class Context:
    """One place where a neuron was seen: the tokens around it, and the neuron's activation on them.

    `kind` is top, middle or random; `share` the share of the sample below a middle one; `at` the index of the
    token in question within `tokens`. Only top contexts know the other tokens' activations, else nan.
    """

    kind: str
    rank: int
    activation: float
    share: float | None
    tokens: tuple[str, ...]
    shades: tuple[float, ...]
    at: int
    window: int


@dataclass(frozen=True)
class Record:
    """Everything that a scan's table knows about one neuron. `writes` and `suppresses` are (token, nats per
    unit).
    """

    neuron: Neuron
    mean: float
    active: float
    sparsity: float
    quantiles: dict[float, float]
    writes: tuple[tuple[str, float], ...]
    suppresses: tuple[tuple[str, float], ...]
    contexts: tuple[Context, ...]


@dataclass(frozen=True)
class OwnText:
    """The neuron on one's own text: tokens, Result[position], the next words with it on and off, and what
    must be said before any finding.
    """

    tokens: tuple[str, ...]
    activations: Result
    windows: int
    whole: Result
    without: Result
    cautions: tuple[str, ...]
    notes: tuple[str, ...] = ()  # how the text was read


@dataclass(frozen=True)
class NeuronAnswer:
    """The neuron's record, what the search found (neuron, why), the own text if there is a model to read it,
    and what the table was made of, in one sentence.
    """

    record: Record
    hits: tuple[tuple[Neuron, str], ...]
    own: OwnText | None
    source: str


@dataclass(frozen=True)
class NeuronBench:
    """A scan's table, perhaps with its model; `shape` is (layers, neurons per layer). `compute` raises
    `Refused` beneath "neuron", "text" or "search".
    """

    name: str
    shape: tuple[int, int]
    concepts: tuple[str, ...]
    first: BrowserState
    has_model: bool
    compute: Callable[[BrowserState], NeuronAnswer]
