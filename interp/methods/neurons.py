"""Feed-forward neurons one by one: what they read, what they write, what they are worth.

A neuron's activation m is its value after the activation function; with its row v of the output matrix it
adds m * v to the state, so that mlp_out = sum of m * v over the neurons + the layer's output bias. Weights
are as `models.load` leaves them: the gain of the layer norm before the neuron is part of what it reads,
the gain of the final layer norm part of every unembedding vector.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp import hooks, models
from interp.methods.attribution import direction
from interp.methods.readout import Metric, measure, streams
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Neuron, Site, check_place

RAW, NORMED = "raw product", "through the final norm"
CONVENTIONS = (RAW, NORMED)
WAYS = ("zero", "mean")
CHUNK = 512  # neurons times vocabulary at once
LEAST_SWING = 1e-6  # nats; below this a share of the swing means nothing


@dataclass(frozen=True)
class Reading:
    """Neurons on one text: the tokens, Result[neuron, position], and in how many windows it was read."""

    tokens: tuple[str, ...]
    activations: Result
    windows: int


def reading(model: Bridge, text: str, neurons: Sequence[Neuron], *, bos: bool = True) -> Reading:
    """The activation of these neurons on every token of a text, after the activation function.

    A text longer than the context is cut into windows that are read one by one, each begun anew (and, with
    `bos`, after the beginning-of-text token, whose own activation is left out). Raises ValueError for an
    empty text and for a neuron the model does not have.
    """
    check_neurons(model, neurons)
    ids = models.encode(model, text)
    if not ids:
        raise ValueError("The text is empty: write at least one word for the neurons to read.")
    room = models.describe(model).context - bos
    windows = [ids[start : start + room] for start in range(0, len(ids), room)]
    parts = [_on_window(model, window, neurons, bos) for window in windows]
    axes = {"neuron": tuple(map(str, neurons)), "position": tuple(range(len(ids)))}
    about = {**models.about(model), "bos": bos, "windows": len(windows)}
    values = np.concatenate(parts, axis=1)
    result = Result(values, axes, "activation", "", about)
    return Reading(tuple(models.token_strings(model, ids)), result, len(windows))


def input_tokens(model: Bridge, neuron: Neuron, *, k: int = 10) -> Result:
    """The `k` tokens that excite the neuron most if they stood there alone: Result[token], input weights.

    The token's embedding times the neuron's input vector, the layer norm's gain included; position, attention
    and the norm's scale are left out. Raises ValueError for a neuron the model does not have.
    """
    check_neurons(model, [neuron])
    excitation = model.W_E.detach() @ model.W_in[neuron.layer].detach()[:, neuron.neuron]
    return _strongest(model, excitation, k, "input weight", "", {"neuron": str(neuron)})


def output_tokens(model: Bridge, neuron: Neuron, *, convention: str = RAW, k: int = 10) -> Result:
    """The `k` tokens that the neuron speaks for most: Result[token].

    `RAW`: its output vector times every unembedding vector, in nats of logit per unit of activation and of
    the final norm's scale (Geva et al. 2020, with the final norm's gain). `NORMED`: the probabilities when
    the vector alone passes the final layer norm, which blows it up (Geva et al. 2022). The order of the
    tokens can differ. Raises ValueError for another convention and for a neuron the model does not have.
    """
    check_neurons(model, [neuron])
    _check_convention(convention)
    spoken = _spoken(model, model.W_out[neuron.layer].detach()[[neuron.neuron]], convention)[0]
    quantity, unit = ("output weight", "nats") if convention == RAW else ("probability", "probability")
    about = {"neuron": str(neuron), "convention": convention}
    return _strongest(model, spoken, k, quantity, unit, about)


def written_tokens(
    model: Bridge, layer: int, *, k: int = 1, convention: str = RAW, least: bool = False
) -> tuple[Float[Tensor, "neuron k"], Int[Tensor, "neuron k"]]:
    """Values and ids of the `k` tokens that each neuron of a layer writes most (`least`: suppresses most).

    Same conventions as `output_tokens`.
    """
    _check_convention(convention)
    values, ids = [], []
    for vectors in model.W_out[layer].detach().split(CHUNK):
        best, tokens = _spoken(model, vectors, convention).topk(k, dim=-1, largest=not least)
        values.append(best)
        ids.append(tokens)
    return torch.cat(values), torch.cat(ids)


def neuron_attribution(model: Bridge, prompts: Prompts, *, answer: str = "io", against: str = "s") -> Result:
    """What each neuron writes towards `answer` and away from `against` at the last word: Result[layer,
    neuron, prompt], in nats of logit difference.

    With the final layer norm's scale of the same run; the output bias belongs to no neuron. For each layer
    the neurons and the bias together are `mlp_out` of `component_attribution`. Raises ValueError if the
    prompts have no such answers.
    """
    card = models.describe(model)
    sites = [Site("mlp_post", layer) for layer in range(card.layers)]
    recorded = hooks.record(model, prompts, [*sites, Site("ln_final_scale")])
    towards = direction(model, prompts, recorded[Site("ln_final_scale")], answer, against)
    parts = []
    for site, vectors in zip(sites, model.W_out.detach().double(), strict=True):
        active = prompts.at(recorded[site], "end").double()
        parts.append((active * (towards @ vectors.T)).T)  # neuron prompt
    axes = {
        "layer": tuple(range(card.layers)),
        "neuron": tuple(range(card.d_mlp)),
        "prompt": tuple(range(len(prompts))),
    }
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    values = torch.stack(parts).cpu().numpy()
    return Result(values, axes, "direct contribution to the logit difference", "nats", about)


def neuron_ablation(
    model: Bridge, prompts: Prompts, metric: Metric, neurons: Sequence[Neuron], *, how: str = "zero"
) -> Result:
    """Change in the metric when each neuron alone is switched off at every word: Result[neuron, prompt].

    Switched off minus untouched. `zero`: it writes nothing; `mean`: it writes what it writes on average over
    all words of these prompts. Raises ValueError for another `how` or a neuron the model does not have.
    """
    check_neurons(model, neurons)
    if how not in WAYS:
        raise ValueError(f"how={how!r} is not a way to switch a neuron off: choose {' or '.join(WAYS)}.")
    means = neuron_means(model, prompts, neurons) if how == "mean" else torch.zeros(len(neurons))
    changes = [
        _change(model, prompts, metric, neuron, float(value))
        for neuron, value in zip(neurons, means, strict=True)
    ]
    return _by_neuron(model, prompts, changes, neurons, "change when the neuron is switched off", how)


def neuron_means(model: Bridge, prompts: Prompts, neurons: Sequence[Neuron]) -> Float[Tensor, "neuron"]:
    """The mean activation of each neuron over all words of the prompts, padding left out."""
    recorded = hooks.record(model, prompts, list(neurons))
    real = prompts.real()
    return torch.stack([recorded[one].cpu()[real].double().mean() for one in neurons])


def clamped(
    model: Bridge, prompts: Prompts, metric: Metric, neuron: Neuron, values: Sequence[float]
) -> Result:
    """The metric when the neuron is held at each of these activations at the last word: Result[value of the
    neuron, prompt]; the axis is called "held".
    """
    check_neurons(model, [neuron])
    entering = streams(model, prompts, [neuron.layer])[neuron.layer]
    rows = [
        measure(model, prompts, metric, entering, neuron.layer, _held(prompts, neuron, value, "end"))
        for value in values
    ]
    axes = {"held": tuple(float(value) for value in values), "prompt": tuple(range(len(prompts)))}
    about = {**models.about(model), "neuron": str(neuron), "bos": prompts.bos, "n": len(prompts)}
    return Result(torch.stack(rows).numpy(), axes, "metric with the neuron held", "nats", about)


def neuron_patching(
    model: Bridge, prompts: Prompts, corrupted: Prompts, metric: Metric, neurons: Sequence[Neuron]
) -> Result:
    """Share of the metric that comes back when one neuron's clean activation is put into the corrupted run at
    the last word: Result[neuron, prompt].

    (patched - corrupted) / (clean - corrupted), the denominator averaged over prompts: 0 nothing comes
    back, 1 all of it. Raises ValueError if clean and corrupted prompts answer alike, or differ in shape.
    """
    check_neurons(model, neurons)
    if prompts.tokens.shape != corrupted.tokens.shape:
        raise ValueError(
            f"The prompts have shape {tuple(prompts.tokens.shape)} and the corrupted prompts"
            f" {tuple(corrupted.tokens.shape)}: write one corrupted prompt per prompt, of the same length."
        )
    layers = sorted({0, *(neuron.layer for neuron in neurons)})
    clean_streams, entering = streams(model, prompts, [0]), streams(model, corrupted, layers)
    before = measure(model, corrupted, metric, entering[0], 0)
    swing = (measure(model, prompts, metric, clean_streams[0], 0) - before).mean()
    if abs(swing.item()) < LEAST_SWING:
        raise ValueError("The corrupted prompts answer as the clean ones do: there is no swing to win back.")
    clean = hooks.record(model, prompts, list(neurons))
    shares = []
    for neuron in neurons:
        edit = hooks.Put(neuron, clean[neuron], where=corrupted.mask("end"))
        patched = measure(model, corrupted, metric, entering[neuron.layer], neuron.layer, edit)
        shares.append((patched - before) / swing)
    return _by_neuron(model, prompts, shares, neurons, "share won back by the neuron", None, "share")


def check_neurons(model: Bridge, neurons: Sequence[Neuron]) -> None:
    """Nothing, if the model has these neurons; else ValueError with what it has instead."""
    if not neurons:
        raise ValueError("No neuron was named: give at least one, such as Neuron(0, 0).")
    for neuron in neurons:
        check_place(neuron, models.describe(model))


def token_labels(model: Bridge, ids: Sequence[int]) -> tuple[str, ...]:
    """The strings of these tokens, told apart by their id where two look alike: labels of an axis."""
    strings = models.token_strings(model, ids)
    seen = Counter(strings)
    return tuple(
        text if seen[text] == 1 else f"{text} #{int(token)}" for text, token in zip(strings, ids, strict=True)
    )


def _on_window(model: Bridge, ids: list[int], neurons: Sequence[Neuron], bos: bool) -> np.ndarray:
    tokens = torch.tensor([[model.tokenizer.bos_token_id] * bos + ids])
    recorded = hooks.record(model, tokens, list(neurons))
    return np.stack([recorded[one][0, int(bos) :].double().cpu().numpy() for one in neurons])


def _spoken(
    model: Bridge, vectors: Float[Tensor, "neuron d_model"], convention: str
) -> Float[Tensor, "neuron token"]:
    if convention == RAW:
        return vectors @ model.W_U.detach()
    logits = hooks.resume(model, vectors[None], models.describe(model).layers)[0]
    return logits.softmax(dim=-1)


def _strongest(model: Bridge, values: Tensor, k: int, quantity: str, unit: str, about: dict) -> Result:
    best, ids = values.double().topk(min(k, len(values)))
    axes = {"token": token_labels(model, ids.tolist())}
    return Result(best.cpu().numpy(), axes, quantity, unit, {**models.about(model), **about})


def _check_convention(convention: str) -> None:
    if convention not in CONVENTIONS:
        raise ValueError(
            f"convention={convention!r} is unknown: choose {' or '.join(map(repr, CONVENTIONS))}."
        )


def _held(prompts: Prompts, neuron: Neuron, value: float, spot: str | None = None) -> hooks.Put:
    return hooks.Put(neuron, torch.tensor(value), where=prompts.mask(spot) if spot else prompts.real())


def _change(model: Bridge, prompts: Prompts, metric: Metric, neuron: Neuron, value: float) -> Tensor:
    entering = streams(model, prompts, [neuron.layer])[neuron.layer]
    untouched = measure(model, prompts, metric, entering, neuron.layer)
    edit = _held(prompts, neuron, value)
    return measure(model, prompts, metric, entering, neuron.layer, edit) - untouched


def _by_neuron(
    model: Bridge, prompts: Prompts, rows: Sequence[Tensor], neurons: Sequence[Neuron], quantity: str,
    how: str | None, unit: str = "nats",
) -> Result:  # fmt: skip
    axes = {"neuron": tuple(map(str, neurons)), "prompt": tuple(range(len(prompts)))}
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)} | (
        {"baseline": how} if how else {}
    )
    return Result(torch.stack(list(rows)).numpy(), axes, quantity, unit, about)
