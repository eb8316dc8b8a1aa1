"""A scan from start to end, on this machine or on others: shards to disk, then the table.

A shard's file carries in its name what it belongs to (weights, corpus, plan, torch), so a scan of
something else never takes it for its own, and nothing of another scan is overwritten.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from tqdm.auto import tqdm

from interp import models
from interp.files import replacing
from interp.hooks import check_untouched
from interp.methods.scan import table
from interp.methods.scan.corpus import Corpus
from interp.methods.scan.ranking import MOST_TOKENS
from interp.methods.scan.shards import PRODUCTS, Piece, Plan, faster_products, floor_of, merged, scan_shard
from interp.methods.scan.table import Table
from interp.models import Bridge

# What runs shards: the plan and their numbers -> (number, piece) in any order, as they are done
Workers = Callable[[Plan, Iterable[int]], Iterator[tuple[int, Piece]]]


def scan(
    model: Bridge,
    corpus: Corpus,
    folder: str | Path,
    *,
    plan: Plan | None = None,
    workers: Workers | None = None,
    progress: bool = True,
) -> Table:
    """The table of this corpus in `folder`; only shards that are not there yet are computed.

    `workers` runs shards elsewhere (see `cluster`); by default they run here, one by one. A finished table
    of the same weights, corpus and plan is opened and nothing is run. Raises OSError, in one sentence,
    when the folder cannot be written: what was written before stays and counts; ValueError while a hook is
    in force on the model, which the table would not know.
    """
    check_untouched(model)
    folder = Path(folder)
    plan = _settled(model, corpus, plan or Plan(), folder)
    if len(corpus.ids) > MOST_TOKENS:
        raise ValueError(f"The corpus has {len(corpus.ids)} tokens; a scan counts up to {MOST_TOKENS}.")
    about = _about(model, corpus, plan)
    files = _files(folder, about, plan.shards(corpus))
    if _is_done(folder, about):
        _drop(files)  # what a kill after the last step left
        return Table(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _run_missing(model, corpus, plan, files, workers, progress)
        finished = table.write(model, corpus, plan, merged([_read(file) for file in files]), folder, about)
    except OSError as error:
        there = sum(file.is_file() for file in files)
        raise OSError(
            f"The scan cannot write to {folder} ({error.strerror or error}). {there} of {len(files)} shards"
            " are safe there: make room and run it again, and it goes on with the rest."
        ) from error
    _drop(files)
    return finished


def _settled(model: Bridge, corpus: Corpus, plan: Plan, folder: Path) -> Plan:
    """The plan with its way of computing products: that of a scan that was begun or done here, else the
    faster.
    """
    if plan.products:
        return plan
    for products in PRODUCTS:
        one = replace(plan, products=products)
        about = _about(model, corpus, one)
        if _is_done(folder, about) or any(
            file.is_file() for file in _files(folder, about, one.shards(corpus))
        ):
            return one
    return replace(plan, products=faster_products(model))


def _drop(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _files(folder: Path, about: dict[str, Any], shards: int) -> list[Path]:
    return [folder / f"shard-{about['scan'][:12]}-{number:05d}.npz" for number in range(shards)]


def _run_missing(
    model: Bridge, corpus: Corpus, plan: Plan, files: list[Path], workers: Workers | None, progress: bool
) -> None:
    missing = [number for number, file in enumerate(files) if not file.is_file()]
    run = workers or partial(_here, model, corpus)
    with tqdm(
        total=corpus.tokens, unit="token", unit_scale=True, desc="scanning", disable=not progress
    ) as bar:
        bar.update(sum(_tokens_in(corpus, plan, n) for n in range(len(files)) if n not in set(missing)))
        for number, piece in run(plan, missing):
            with replacing(files[number]) as beside:
                _write(beside, piece)
            bar.update(piece.tokens)


def _here(model: Bridge, corpus: Corpus, plan: Plan, numbers: Iterable[int]) -> Iterator[tuple[int, Piece]]:
    """The shards one by one in this process; what has been found tells what need not be looked at."""
    best: list[torch.Tensor] = []
    for number in numbers:
        piece = scan_shard(model, corpus, plan, number, floor=floor_of(best) if best else None)
        yield number, piece
        best = [torch.cat([*best, piece.keys], dim=1).topk(plan.k, dim=1).values]


def _write(path: Path, piece: Piece) -> None:
    with path.open("wb") as file:
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(piece).items()}
        np.savez(file, **arrays)


def _read(file: Path) -> Piece:
    try:
        with np.load(file) as parts:
            tensors = {name: torch.from_numpy(parts[name]) for name in parts.files if name != "tokens"}
            return Piece(**tensors, tokens=int(parts["tokens"]))
    except (ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise ValueError(f"{file} is damaged ({error}): delete it, and run the scan again.") from error


def _tokens_in(corpus: Corpus, plan: Plan, number: int) -> int:
    first = number * plan.windows_per_shard
    last = min(first + plan.windows_per_shard, len(corpus))
    return int(corpus.starts[last] - corpus.starts[first]) - corpus.bos * (last - first)


def _about(model: Bridge, corpus: Corpus, plan: Plan) -> dict[str, Any]:
    """What the scan is of; `scan` is the hash of all of it that can change a number."""
    card = models.describe(model)
    decides = {
        "format": table.FORMAT,
        **models.about(model),
        "corpus_sha256": corpus.sha256,
        "plan": asdict(plan),
        "torch": torch.__version__,
    }
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    return {
        **decides,
        "scan": digest,
        "layers": card.layers,
        "neurons": card.d_mlp,
        "corpus": corpus.name,
        "windows": len(corpus),
        "tokens": corpus.tokens,
        "bos": corpus.bos,
        "sampled": len(plan.sampled(corpus)),
        "rule": table.RULE,
    }


def _is_done(folder: Path, about: dict[str, Any]) -> bool:
    try:
        return Table(folder).about["scan"] == about["scan"]
    except ValueError:
        return False
