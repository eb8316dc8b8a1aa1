"""The scan of all neurons beside the bare blocks, which it cannot beat, and beside keeping everything."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from interp.methods.engine.walk import bare_blocks
from interp.methods.engine.weights import weights_of
from interp.methods.scan import Corpus, Plan
from interp.methods.scan.ranking import activation_of
from interp.methods.scan.shards import floor_of, scan_shard
from interp.models import Bridge, sizes
from interp.sites import Site
from interp.timing.rows import AIMS, Row, compare, row

WIDTH, AT_ONCE = 128, 8  # tokens per window, windows per batch
BEFORE, WINDOWS = 320, 160  # windows read before, as in a scan that is under way, and windows timed
CELLS = 3  # batches of the loop that are timed
K = 10
SEED = 0


def rows(model: Bridge, quick: bool) -> Iterator[Row]:
    """Tokens per second as a share of the bare blocks, and against run_with_cache plus top-k. The gap is in
    activations.
    """
    width, before, windows = (32, 24, 24) if quick else (WIDTH, BEFORE, WINDOWS)
    corpus = random_corpus(model, width, windows)
    plan = Plan(k=K, sample=0, windows_per_shard=windows, tokens_per_batch=width * AT_ONCE)
    batches = list(torch.from_numpy(corpus.ids).view(-1, AT_ONCE, width))
    weights = weights_of(model)
    earlier = replace(plan, windows_per_shard=before)
    floor = floor_of([scan_shard(model, random_corpus(model, width, before, seed=SEED + 1), earlier, 0).keys])

    def bare() -> None:
        for batch in batches:
            bare_blocks(weights, batch)

    def fast() -> None:
        scan_shard(model, corpus, plan, 0, floor=floor)

    rounds = 2
    timed = compare([bare] * rounds, fast, rounds=rounds)
    told = f"{corpus.tokens} tokens in windows of {width}, after {before} others; top {K} of every neuron"
    speed = f"{corpus.tokens / timed.fast:,.0f} tokens per second"
    gap = _gap(model, corpus, plan, batches[:CELLS])
    note = f"{told}: {speed}; loop: the bare blocks"
    alone = row("scan", timed, 1, fast, gap=gap, unit="activation", note=note)
    yield alone
    state: list[Tensor | None] = [None]
    loop = compare([_keeping_all(model, batch, state) for batch in batches[:CELLS]], fast, rounds=1)
    note = f"{told}; loop: run_with_cache and top-k, {CELLS} of {len(batches)} batches timed"
    ratio, name = loop.ratio(len(batches)), "scan_against_cache"
    yield replace(alone, name=name, ratio=ratio, aim=AIMS[name], note=note, spread=loop.spread)


def random_corpus(model: Bridge, width: int, windows: int, *, seed: int = SEED) -> Corpus:
    """Windows of random tokens, all of one width, without a start mark."""
    generator = np.random.default_rng(seed)
    ids = generator.integers(1, sizes(model).d_vocab, size=windows * width)
    return Corpus("random tokens", ids, np.arange(0, windows * width + 1, width), np.arange(windows), False)


def _keeping_all(model: Bridge, batch: Tensor, state: list[Tensor | None]) -> Callable[[], None]:
    """One batch of the loop: everything cached, then each neuron's strongest windows so far."""

    def cell() -> None:
        _, cache = model.run_with_cache(batch)
        layers = range(sizes(model).n_layers)
        peaks = torch.stack([cache[Site("mlp_post", layer).hook_name].amax(1) for layer in layers], dim=1)
        so_far = peaks if state[0] is None else torch.cat([state[0], peaks])
        state[0] = so_far.topk(min(K, len(so_far)), dim=0).values

    return cell


def _gap(model: Bridge, corpus: Corpus, plan: Plan, batches: list[Tensor]) -> float:
    """How far the best activations of the first batches lie apart."""
    state: list[Tensor | None] = [None]
    for batch in batches:
        _keeping_all(model, batch, state)()
    windows = len(batches) * AT_ONCE
    ends = corpus.starts[: windows + 1]
    first = Corpus(corpus.name, corpus.ids[: ends[-1]], ends, corpus.texts[:windows], False)
    found = activation_of(scan_shard(model, first, plan, 0).keys)  # layer k neuron
    assert state[0] is not None
    kept = len(state[0])
    return float((found[:, :kept].transpose(0, 1) - state[0].cpu()).abs().max())
