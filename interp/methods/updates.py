"""Feed-forward updates: the vector one layer adds at one word; to take out, carry elsewhere, and judge.

A transplant *replaces* the whole feed-forward output of some layers by one vector; blocks and positions
are always named, because at every position it also changes what later heads can read. The detector names
the three stages of a trace. This room knows neither countries nor capitals.

Source: Merullo, Eickhoff and Pavlick 2023 (arXiv:2305.16130v1), sections 3 to 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp import hooks
from interp.languages import say
from interp.methods import lens
from interp.methods.lens import States
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site

KINDS = {"feed-forward": "mlp_out", "attention": "attn_out"}  # the two halves of a block


@dataclass(frozen=True)
class Stages:
    """The stages of one trace: layers of argument formation, function application, saturation.

    `argument`: the run of layers, right before the application, whose first guess is the argument.
    `application`: the first layer of the last run in which the answer stands first, None if it does not at
    the end. `saturation`: the layers after it. `by` is the half of that block which put the answer first
    ("feed-forward" or "attention"), None when nothing is known of the state in between. `from_argument`: the
    argument stood first right before that step.
    """

    argument: tuple[int, ...]
    application: int | None
    saturation: tuple[int, ...]
    by: str | None = None
    from_argument: bool = False


def captured(
    model: Bridge, prompts: Prompts, layers: Sequence[int], *, spot: str = "end"
) -> Float[Tensor, "layer prompt d_model"]:
    """What the feed-forward layers wrote at one spot of every prompt: the o-vectors of these layers.

    Raises ValueError for a layer or spot that is not there.
    """
    sites = [Site("mlp_out", layer) for layer in layers]
    recorded = hooks.record(model, prompts, sites)
    return torch.stack([prompts.at(recorded[site], spot) for site in sites])


def transplant(
    model: Bridge,
    vector: Float[Tensor, "d_model"] | Float[Tensor, "prompt d_model"],
    layers: Sequence[int],
    *,
    where: Bool[Tensor, "prompt position"] | None = None,
) -> tuple[hooks.Put, ...]:
    """Edits that put this vector in the place of the whole feed-forward output of these layers.

    One vector for all prompts, or one per prompt. `where` limits them to some positions; None means every
    position, as in the source. Raises ValueError for a vector of another width or a layer that is not there.
    """
    value = _of_this_width(model, vector)
    value = value[:, None] if value.ndim == 2 else value
    return tuple(hooks.Put(Site("mlp_out", layer), value, where) for layer in _these(model, layers))


def removal(
    model: Bridge, kind: str, layers: Sequence[int], *, where: Bool[Tensor, "prompt position"] | None = None
) -> tuple[hooks.Zero, ...]:
    """Edits that silence the feed-forward or the attention half of these layers, output biases included.

    Raises ValueError for another `kind` or a layer that is not there.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no half of a block: choose feed-forward or attention.")
    return tuple(hooks.Zero(Site(KINDS[kind], layer), where) for layer in _these(model, layers))


def averaged(
    model: Bridge,
    reference: Prompts,
    kind: str,
    layers: Sequence[int],
    *,
    where: Bool[Tensor, "prompt position"] | None = None,
) -> dict[int, hooks.Put]:
    """By layer: an edit that makes one half of it write only what it writes on average in the reference.

    The average is over all words of all reference prompts, padding left out. `where` limits the edit to some
    positions of the prompts that are edited. Raises ValueError for another `kind` or a layer that is not
    there.
    """
    sites = [edit.place for edit in removal(model, kind, layers)]
    recorded = hooks.record(model, reference, sites)
    real = torch.arange(reference.tokens.shape[1])[None] < reference.length.cpu()[:, None]
    means = [recorded[site][real.to(recorded[site].device)].mean(dim=0) for site in sites]
    return {
        layer: hooks.Put(site, mean, where) for layer, site, mean in zip(layers, sites, means, strict=True)
    }


def shifted(
    model: Bridge,
    held: States,
    vector: Float[Tensor, "d_model"] | Float[Tensor, "prompt d_model"],
    scales: Mapping[int, float],
) -> States:
    """These states with `scales[layer]` times the vector added at each named layer; nothing is run again.

    Lens-space arithmetic: later layers do not see the change. Raises ValueError for a vector of another width
    or a layer that is not there.
    """
    value = _of_this_width(model, vector).to(held.values)
    _these(model, tuple(scales))
    by_layer = torch.tensor([scales.get(layer, 0.0) for layer in held.layers]).to(held.values)
    added = by_layer[:, None, None, None] * (value[:, None] if value.ndim == 2 else value)
    return replace(held, values=held.values + added)


def written(trace: Result, *, answer: str = "answer") -> Result:
    """What each feed-forward layer adds to the answer's probability in the lens: Result[layer, prompt].

    Probability read at the block's output minus that read right before its feed-forward layer, from a
    `lens.trace` that has both parts.
    """
    shares = trace.at(measure="probability", word=answer)
    gain = shares.at(part="post").values - shares.at(part="mid").values
    axes = {"layer": trace.axes["layer"], "prompt": trace.axes["prompt"]}
    quantity = "probability of the answer, added by the feed-forward layer"
    return Result(gain, axes, quantity, "probability", trace.about)


def find_stages(
    argument_first: Sequence[bool],
    answer_first: Sequence[bool],
    *,
    mid_argument_first: Sequence[bool] | None = None,
    mid_answer_first: Sequence[bool] | None = None,
) -> Stages:
    """The stages of one trace, from whether argument and answer are the first guess after every block.

    The two `mid` columns say the same of the state before each feed-forward layer. Without them a step is
    nobody's. Raises ValueError for columns of different length.
    """
    columns = [argument_first, answer_first, mid_argument_first, mid_answer_first]
    if len({len(column) for column in columns if column is not None}) != 1 or not len(answer_first):
        raise ValueError(
            f"A trace needs columns of one length, at least one layer long; these have "
            f"{', '.join(str(len(column)) for column in columns if column is not None)}."
        )
    count = len(answer_first)
    start = _last_run(answer_first, count)
    if start == count:
        return Stages((), None, ())
    argument = tuple(range(_last_run(argument_first, start), start))
    saturation = tuple(range(start + 1, count))
    if mid_argument_first is None or mid_answer_first is None:
        return Stages(argument, start, saturation, None, bool(argument))
    by = "attention" if mid_answer_first[start] else "feed-forward"
    before = bool(argument) if by == "attention" else mid_argument_first[start]
    return Stages(argument, start, saturation, by, before)


def stages(trace: Result, *, answer: str = "answer", argument: str = "argument") -> tuple[Stages, ...]:
    """The stages of every prompt of a `lens.trace` that has both parts."""
    first = trace.at(measure="rank").values == 1  # part layer word prompt
    parts, words = trace.axes["part"], trace.axes["word"]
    if set(parts) != set(lens.PARTS):
        raise ValueError(f"The trace has the parts {', '.join(parts)}; stages needs both mid and post.")
    column = {
        (part, word): first[parts.index(part), :, words.index(word)].T.tolist()
        for part in parts
        for word in (argument, answer)
    }
    return tuple(
        find_stages(
            column["post", argument][one], column["post", answer][one],
            mid_argument_first=column["mid", argument][one], mid_answer_first=column["mid", answer][one],
        )
        for one in range(len(trace.axes["prompt"]))
    )  # fmt: skip


def _last_run(flags: Sequence[bool], end: int) -> int:
    """Where the run of true flags that ends right before `end` begins; `end` itself if there is none."""
    start = end
    while start > 0 and flags[start - 1]:
        start -= 1
    return start


def _of_this_width(model: Bridge, vector: Tensor) -> Tensor:
    width = sizes(model).d_model
    if vector.shape[-1] != width:
        raise ValueError(
            f"The update has {vector.shape[-1]} numbers, but the residual stream of this model has {width}:"
            " take the update from a model of the same width."
        )
    return vector


def _these(model: Bridge, layers: Sequence[int]) -> tuple[int, ...]:
    count = sizes(model).n_layers
    for layer in layers:
        if not 0 <= layer < count:
            raise ValueError(
                say(
                    "There is no layer {layer}: this model has layers 0-{last}. Choose from these.",
                    layer=layer,
                    last=count - 1,
                )
            )
    return tuple(layers)
