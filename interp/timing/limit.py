"""The share of the machine's limit: the matrix products that a path needs, at the best speed seen here.

A path's calls of torch are watched once: the operations of its products are counted, and every call's CPU
time goes to a cause. Then its large products are measured alone, on random numbers, in torch's layout and in
oneDNN's, and the shorter counts; the small ones are set down at the best speed of all. No path of the same
products can take less, so the share is at most 1, but for noise.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from interp.methods.engine.linear import Linear, Packed, Plain

TRIALS = 7
SMALL = 0.002  # of all operations: a shape that does less is not measured alone
TURNS_BYTES, MOST_TURNS = 2**27, 12  # as in a model, weights come by turns, so that no cache keeps them all
Shape = tuple[int, int, int]  # rows, in, out

LINEAR, HEADS, NORMS, COPIES, OTHER, PYTHON = (
    "linear layers", "attention and heads", "layer norms", "copies", "other", "Python",
)  # fmt: skip
CAUSES = {
    LINEAR: "mm addmm mv _linear_pointwise linear",
    HEADS: "bmm baddbmm _scaled_dot_product_flash_attention_for_cpu _softmax masked_fill_ triu",
    NORMS: "native_layer_norm",
    COPIES: "cat stack clone copy_ _to_copy index gather index_put_ new_empty empty",
}
CAUSE = {call: cause for cause, calls in CAUSES.items() for call in calls.split()}


@dataclass(frozen=True)
class Limit:
    """`share`: what of a path's time its `gflop` of products would take at the best speed; `best` is the
    highest, in GFLOP per second. `rest` holds the other shares by cause; a linear layer's is what it took
    beyond the limit, `Python` whatever no call of torch took."""

    gflop: float
    best: float
    share: float
    rest: dict[str, float]


class Watch(TorchDispatchMode):
    """Every call of torch within the block: `operations` of products by cause, `shapes` of the products with
    one matrix of weights and how often each came, CPU `seconds` by cause."""

    def __init__(self):
        super().__init__()
        self.operations, self.shapes = Counter[str](), Counter[Shape]()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The call's own result."""
        started = time.thread_time()
        found = func(*args, **(kwargs or {}))
        taken = time.thread_time() - started
        name = func.overloadpacket.__name__
        cause = CAUSE.get(name, OTHER)
        self.seconds[cause] += taken
        if cause == LINEAR:
            shape = _shape(name, args, found)
            self.shapes[shape] += 1
            self.operations[cause] += 2 * prod(shape)
        elif cause == HEADS:
            self.operations[cause] += _batched(name, args)
        return found


def limit_of(work: Callable[[], Any], seconds: float) -> Limit:
    """The limit of a path that took so many seconds at its best, and what held it back.

    Raises ValueError for a path without a linear layer.
    """
    with Watch() as watch:
        work()
    if not watch.shapes:
        raise ValueError(
            "What is timed runs no linear layer, so no limit can be told: time a path of a model."
        )
    operations = sum(watch.operations.values())
    done = {shape: 2 * prod(shape) * often for shape, often in watch.shapes.items()}
    large = [shape for shape in done if done[shape] > min(SMALL * operations, max(done.values()) - 1)]
    alone = {shape: best_seconds(shape) for shape in large}
    best = max(2 * prod(shape) / taken for shape, taken in alone.items())
    at_best = {cause: operations / best for cause, operations in watch.operations.items()}
    at_best[LINEAR] = sum(n * alone.get(shape, 2 * prod(shape) / best) for shape, n in watch.shapes.items())
    rest = {cause: watch.seconds[cause] - at_best.get(cause, 0.0) for cause in (*CAUSES, OTHER)}
    rest[PYTHON] = seconds - sum(watch.seconds.values())
    return Limit(
        gflop=operations / 1e9,
        best=best / 1e9,
        share=sum(at_best.values()) / seconds,
        rest={cause: max(0.0, lost) / seconds for cause, lost in rest.items()},
    )


def best_seconds(shape: Shape) -> float:
    """The shortest CPU time of one product of this shape, bias included, over all layouts that exist."""
    rows, inward, outward = shape
    turns = max(1, min(MOST_TURNS, TURNS_BYTES // (4 * inward * outward)))
    x, bias = torch.rand(rows, inward), torch.rand(outward)
    weights = [torch.rand(outward, inward) for _ in range(turns)]
    best = float("inf")
    for layers in _layouts(weights, bias):
        for _ in range(TRIALS):
            started = time.thread_time()
            for layer in layers:
                layer(x)
            best = min(best, (time.thread_time() - started) / turns)
    return best


def _layouts(weights: list[Tensor], bias: Tensor) -> Iterator[list[Linear]]:
    """The layers as torch has them, then as oneDNN has them, if this torch can."""
    yield [Plain(weight, bias) for weight in weights]
    try:
        packed: list[Linear] = [Packed(weight, bias) for weight in weights]
        packed[0](torch.rand(1, weights[0].shape[1]))
    except (AttributeError, RuntimeError, TypeError):
        return
    yield packed


def _shape(name: str, args: Any, found: Tensor) -> Shape:
    """Rows, in and out of a product with one matrix."""
    if name == "mv":
        return (1, args[0].shape[1], args[0].shape[0])
    x = args[1] if name == "addmm" else args[0]
    return (x.shape[:-1].numel(), x.shape[-1], found.shape[-1])


def _batched(name: str, args: Any) -> int:
    """The operations of many small products; attention looks back only, which is half of its products."""
    if name in ("bmm", "baddbmm"):
        one, other = args[-2:]
        return 2 * one.numel() * other.shape[-1]
    if name.startswith("_scaled_dot_product"):
        queries, keys = args[:2]
        causal = args[4] if len(args) > 4 else False
        return 4 * queries.numel() * keys.shape[-2] // (1 + bool(causal))
    return 0
