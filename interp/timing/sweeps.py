"""Sweeps and toggles beside the loops that TransformerLens offers: one whole forward pass per cell."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from random import Random
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods.ablation import head_ablation
from interp.methods.engine.toggles import Toggles
from interp.methods.patching import head_position_patching
from interp.methods.paths import Receiver, path_patching
from interp.methods.readout import LogitDifference
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.sites import Head, Site
from interp.timing.rows import Row, compare, row

WORDS = 16  # tokens per prompt
FIRST_DIFFERENT = 5  # a donor agrees before this position, as pairs that differ in a name do
PAIRS = 8
SEED = 0
RECEIVERS = (
    (9, 6),
    (9, 9),
    (10, 0),
    (10, 7),
    (11, 2),
    (11, 9),
)  # of 12 x 12; the article's name movers and more
Cell = Callable[[], Float[Tensor, "prompt"]]


def rows(model: Bridge, quick: bool) -> Iterator[Row]:
    """Ablation maps, patching maps, path patching and toggles. The gap is in nats of a logit difference."""
    yield _ablation(model, "ablation_map_32", prompts=4 if quick else 32, cells=6)
    yield _ablation(model, "ablation_map_1", prompts=1, cells=24)
    yield _head_position(model, cells=24)
    yield _paths(model, "path_to_logits", None, cells=12)
    yield _paths(model, "path_to_queries", _receivers(model), cells=12)
    last = sizes(model).n_layers - 1
    for name, layer in (("toggle_first", 0), ("toggle_middle", last // 2 + 1), ("toggle_last", last)):
        yield _toggle(model, name, layer, cells=15)


def _ablation(model: Bridge, name: str, *, prompts: int, cells: int) -> Row:
    batch, _ = random_prompts(model, prompts)
    metric, heads = metric_of(batch), _some_heads(model, cells)
    before = _loop(model, batch, metric, {})()
    loops = [_loop(model, batch, metric, {Site("z", head.layer): _zero(head)}) for head in heads]

    def fast() -> np.ndarray:
        return head_ablation(model, batch, metric, how="zero", progress=False).values

    found = fast()
    values = [found[head.layer, head.head] for head in heads]
    gap = _gap(values, [loop() - before for loop in loops])
    count = sizes(model).n_layers * sizes(model).n_heads
    timed = compare(loops, fast, rounds=3 if prompts == 1 else 2)
    note = (
        f"{count} heads, {prompts} prompts of {WORDS}; loop: run_with_hooks,"
        f" {len(heads)} of {count} heads timed"
    )
    return row(name, timed, count, fast, gap=gap, unit="nats", note=note)


def _head_position(model: Bridge, *, cells: int) -> Row:
    from transformer_lens import patching

    batch, donor = random_prompts(model, 1)
    metric = metric_of(batch)
    count = sizes(model).n_layers * sizes(model).n_heads * WORDS
    chosen = _some_cells(model, cells)
    frame = pd.DataFrame(chosen, columns=["layer", "pos", "head"])
    _, cache = model.run_with_cache(donor.tokens)

    def loop(cell: int) -> Float[Tensor, "prompt"]:
        with redirect_stderr(StringIO()):  # its progress bar
            return patching.generic_activation_patch(
                cast(Any, model), batch.tokens, cache, lambda logits: metric(logits[:, -1])[0],
                patching.layer_pos_head_vector_patch_setter, "z", index_df=frame.iloc[[cell]],
            ).reshape(-1)  # fmt: skip

    def fast() -> np.ndarray:
        return head_position_patching(model, batch, donor, metric, progress=False).values

    before = metric(model.run_with_hooks(batch.tokens)[:, -1])
    found = fast()
    values = [found[layer, head, at] for layer, at, head in chosen]
    gap = _gap(values, [loop(cell) - before for cell in range(cells)])
    timed = compare([lambda cell=cell: loop(cell) for cell in range(cells)], fast,
                    once=lambda: model.run_with_cache(donor.tokens))  # fmt: skip
    note = (
        f"{count} cells, one pair of {WORDS} that differs from position {FIRST_DIFFERENT} on; loop: "
        f"transformer_lens.patching, {cells} cells timed"
    )
    return row("head_position_patch", timed, count, fast, gap=gap, unit="nats", note=note)


def _paths(model: Bridge, name: str, receivers: Sequence[Receiver] | None, *, cells: int) -> Row:
    batch, donor = random_prompts(model, PAIRS)
    metric, senders = metric_of(batch), _some_heads(model, cells)
    caches = [model.run_with_cache(one.tokens)[1] for one in (batch, donor)]
    loops = [_path_loop(model, batch, metric, caches, sender, receivers or ()) for sender in senders]
    where = None if receivers is None else "end"

    def fast() -> np.ndarray:
        options = {"receivers": receivers, "sender_at": where, "progress": False}
        return path_patching(model, batch, donor, metric, **options).values

    before = _loop(model, batch, metric, {})()
    found = fast()
    values = [found[sender.layer, sender.head] for sender in senders]
    gap = _gap(values, [loop() - before for loop in loops])
    count = sizes(model).n_layers * sizes(model).n_heads
    timed = compare(loops, fast, once=lambda: [model.run_with_cache(one.tokens) for one in (batch, donor)])
    to = "the last state" if receivers is None else f"the queries of {len(receivers)} heads at the end"
    note = (
        f"{count} heads to {to}, {PAIRS} pairs of {WORDS}; loop: run_with_hooks, all heads frozen,"
        f" {len(senders)} of {count} senders timed"
    )
    return row(name, timed, count, fast, gap=gap, unit="nats", note=note)


def _path_loop(
    model: Bridge,
    batch: Prompts,
    metric: LogitDifference,
    caches: Sequence[Any],
    sender: Head,
    receivers: Sequence[Receiver],
) -> Cell:
    """Path patching of one sender as usual: a run with all heads frozen, and one with what arrived."""
    own, other = caches
    sites = [Site("z", layer) for layer in range(sizes(model).n_layers)]
    freeze = {site: _put(own[site.hook_name]) for site in sites}
    mixed = own[sender.site.hook_name].clone()
    where = -1 if receivers else slice(None)
    mixed[:, where, sender.head] = other[sender.site.hook_name][:, where, sender.head]
    freeze[sender.site] = _put(mixed)

    def loop() -> Float[Tensor, "prompt"]:
        if not receivers:
            return _loop(model, batch, metric, freeze)()
        arrived: dict[Site, Tensor] = {}
        reads = {Site(one.part, one.head.layer) for one in receivers}
        listen = {site: _keep(arrived, site) for site in reads}
        _loop(model, batch, metric, {**freeze, **listen})()
        put = {site: _put_heads(arrived[site], receivers, site) for site in reads}
        return _loop(model, batch, metric, put)()

    return loop


def _toggle(model: Bridge, name: str, layer: int, *, cells: int) -> Row:
    batch, _ = random_prompts(model, 1)
    metric, head = metric_of(batch), Head(layer, 1)
    toggles = Toggles(model, batch)

    def fast() -> Float[Tensor, "prompt"]:
        (toggles.remove if head in toggles.heads else toggles.put)(head)
        return toggles.measure(metric)

    loops = [_loop(model, batch, metric, {head.site: _zero(head)})] * cells
    gap = _gap([fast().numpy()], [loops[0]()])
    timed = compare(loops, fast, rounds=cells)
    note = f"head {head} on or off, one prompt of {WORDS}; loop: run_with_hooks"
    return row(name, timed, 1, fast, gap=gap, unit="nats", note=note)


# --- TransformerLens' side, and the prompts ----------------------------------------------------------------


def _loop(model: Bridge, batch: Prompts, metric: LogitDifference, hooks: Mapping[Site, Any]) -> Cell:
    """One whole forward pass under these hooks, all logits, the metric at the end."""
    named = [(site.hook_name, hook) for site, hook in hooks.items()]
    return lambda: metric(model.run_with_hooks(batch.tokens, fwd_hooks=named)[:, -1])


def _zero(head: Head) -> Callable[..., Tensor]:
    def hook(z: Tensor, hook: Any) -> Tensor:
        z[:, :, head.head] = 0.0
        return z

    return hook


def _put(value: Tensor) -> Callable[..., Tensor]:
    return lambda activation, hook: value


def _put_heads(value: Tensor, receivers: Sequence[Receiver], site: Site) -> Callable[..., Tensor]:
    heads = [one.head.head for one in receivers if Site(one.part, one.head.layer) == site]

    def hook(activation: Tensor, hook: Any) -> Tensor:
        for head in heads:
            activation[:, :, head] = value[:, :, head]
        return activation

    return hook


def _keep(kept: dict[Site, Tensor], site: Site) -> Callable[..., None]:
    def hook(activation: Tensor, hook: Any) -> None:
        kept[site] = activation.clone()

    return hook


def random_prompts(model: Bridge, number: int, words: int = WORDS) -> tuple[Prompts, Prompts]:
    """Random prompts of one length, and donors that agree with them at first."""
    generator = torch.Generator().manual_seed(SEED)
    vocabulary = sizes(model).d_vocab
    tokens = torch.randint(1, vocabulary, (2, number, words), generator=generator)
    tokens[1, :, :FIRST_DIFFERENT] = tokens[0, :, :FIRST_DIFFERENT]
    answers = torch.randint(1, vocabulary, (2, number), generator=generator)
    length = torch.full((number,), words)
    own, donor = (
        Prompts(
            texts=("random tokens",) * number, tokens=one, spots={"end": length - 1},
            answers={"answer": answers[0], "against": answers[1]},
            template=torch.zeros(number, dtype=torch.long), length=length,
        )
        for one in tokens
    )  # fmt: skip
    return own, donor


def metric_of(batch: Prompts) -> LogitDifference:
    """The lead of the answers over the other words."""
    return LogitDifference(batch.answers["answer"], batch.answers["against"])


def _some_heads(model: Bridge, number: int) -> list[Head]:
    """Heads spread over all layers."""
    count = sizes(model).n_layers * sizes(model).n_heads
    chosen = np.unique(np.linspace(0, count - 1, number).round().astype(int)).tolist()
    return [Head(*divmod(one, sizes(model).n_heads)) for one in chosen]


def _some_cells(model: Bridge, number: int) -> list[tuple[int, int, int]]:
    """Random layers, positions and heads."""
    chooser = Random(SEED)
    most = (sizes(model).n_layers, WORDS, sizes(model).n_heads)
    return [(chooser.randrange(most[0]), chooser.randrange(most[1]), chooser.randrange(most[2]))
            for _ in range(number)]  # fmt: skip


def _receivers(model: Bridge) -> list[Receiver]:
    layers, heads = sizes(model).n_layers, sizes(model).n_heads
    found = {(layer * layers // 12, head * heads // 12) for layer, head in RECEIVERS}
    return [Receiver(Head(*one), "q") for one in sorted(found)]


def _gap(found: Sequence[np.ndarray], expected: Sequence[Tensor]) -> float:
    """The largest difference."""
    pairs = zip(found, expected, strict=True)
    return max(float(np.abs(np.asarray(one) - other.double().numpy()).max()) for one, other in pairs)
