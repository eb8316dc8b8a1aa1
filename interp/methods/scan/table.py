"""The result of a scan on disk: a folder that a browser reads without a model, and fast.

`neurons.parquet` has one row per neuron, `contexts.parquet` one per context (a row group per layer),
`vocabulary.parquet` the string of every token, and `scan.json` what was scanned, by what rule. Every file is
written beside its place and moved there whole; `scan.json` comes last, so a table with it is complete.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from jaxtyping import Float, Int

from interp import files, models
from interp.methods.neurons import written_tokens
from interp.methods.scan import ranking
from interp.methods.scan.corpus import Corpus
from interp.methods.scan.shards import AFTER, BEFORE, SHADED, Piece, Plan
from interp.models import Bridge
from interp.screens.neurons import Context, Record
from interp.sites import Neuron, check_place

ABOUT, NEURONS, CONTEXTS, VOCABULARY = (
    "scan.json",
    "neurons.parquet",
    "contexts.parquet",
    "vocabulary.parquet",
)
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
MIDDLE = (0.99, 0.95, 0.9, 0.75, 0.5)  # the sampled tokens that stand at these shares of the sample
RANDOM = 5  # sampled tokens shown for every neuron alike
WRITTEN = 10
RULE = (
    "the k windows with the largest activation, one token per window (the first of equals); of equal windows"
    " the earlier one in the corpus; the beginning-of-text token does not count"
)
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Peaks:
    """Every neuron's top contexts: window, position in it, activation."""

    window: Int[np.ndarray, "layer neuron k"]
    position: Int[np.ndarray, "layer neuron k"]
    activation: Float[np.ndarray, "layer neuron k"]


class Table:
    """A scan's folder, opened. Nothing is read before it is asked for."""

    def __init__(self, folder: str | Path, *, weights_sha256: str | None = None):
        self.folder = Path(folder)
        self.about = _about(self.folder)
        if weights_sha256 is not None and weights_sha256 != self.about["weights_sha256"]:
            raise ValueError(
                f"The scan in {self.folder} was made by another model: {self.about['model']} with the weights"
                f" {self.about['weights_sha256'][:12]}, not {weights_sha256[:12]}. Scan this model into"
                " another folder."
            )

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.about["model"])

    @property
    def layers(self) -> int:
        """How many layers the model has."""
        return int(self.about["layers"])

    @property
    def heads(self) -> int:
        """None: a table is about neurons."""
        return 0

    @property
    def d_mlp(self) -> int:
        """How many neurons each layer has."""
        return int(self.about["neurons"])

    def record(self, neuron: Neuron) -> Record:
        """What the scan found out about this neuron. Raises ValueError if the table has no such neuron."""
        check_place(neuron, self)
        row = self.neurons.slice(neuron.layer * self.d_mlp + neuron.neuron, 1).to_pylist()[0]
        contexts = self._layer(neuron.layer).filter(pc.field("neuron") == neuron.neuron).to_pylist()
        words = self.vocabulary
        return Record(
            neuron=neuron,
            mean=row["mean"],
            active=row["active"],
            sparsity=row["sparsity"],
            quantiles=dict(zip(QUANTILES, row["quantiles"], strict=True)),
            writes=_named(words, row["writes"], row["writes_nats"]),
            suppresses=_named(words, row["suppresses"], row["suppresses_nats"]),
            contexts=tuple(_context(words, one) for one in contexts),
        )

    def writers(self, word: str, most: int = 20) -> tuple[tuple[Neuron, float], ...]:
        """Neurons that have this word (with or without its leading space) among the tokens they write most,
        the strongest first, with the nats per unit.
        """
        wanted = {i for i, text in enumerate(self.vocabulary) if text in (word, f" {word.strip()}")}
        written = np.stack(self.neurons["writes"].to_numpy())
        nats = np.stack(self.neurons["writes_nats"].to_numpy())
        hit = np.where(np.isin(written, list(wanted)), nats, -np.inf).max(axis=1)
        order = [int(i) for i in np.argsort(-hit, kind="stable")[:most] if np.isfinite(hit[i])]
        return tuple((Neuron(i // self.d_mlp, i % self.d_mlp), float(hit[i])) for i in order)

    def peaks(self) -> "Peaks":
        """Where every neuron's top contexts are: its strongest windows, strongest first."""
        wanted = pq.read_table(
            self.folder / CONTEXTS,
            columns=["window", "position", "activation"],
            filters=pc.field("kind") == "top",
        )
        shape = (self.layers, self.d_mlp, -1)
        return Peaks(
            *(wanted[name].to_numpy().reshape(shape) for name in ("window", "position", "activation"))
        )

    @cached_property
    def neurons(self) -> pa.Table:
        """One row per neuron, in order."""
        return pq.read_table(self.folder / NEURONS)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The string of every token."""
        return tuple(pq.read_table(self.folder / VOCABULARY)["token"].to_pylist())

    def _layer(self, layer: int) -> pa.Table:
        return pq.ParquetFile(self.folder / CONTEXTS).read_row_group(layer)


def write(
    model: Bridge, corpus: Corpus, plan: Plan, piece: Piece, folder: Path, about: dict[str, Any]
) -> Table:
    """The table of a finished scan, written whole. Raises OSError if the folder cannot be written."""
    card = models.describe(model)
    with files.replacing(folder / NEURONS) as path:
        pq.write_table(_neurons(model, piece), path)
    with files.replacing(folder / CONTEXTS) as path:
        _write_contexts(corpus, plan, piece, path)
    with files.replacing(folder / VOCABULARY) as path:
        pq.write_table(pa.table({"token": models.token_strings(model, range(card.vocabulary))}), path)
    files.write(folder / ABOUT, (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())
    return Table(folder)


def _neurons(model: Bridge, piece: Piece) -> pa.Table:
    layers, neurons = piece.total.shape
    columns: dict[str, list] = {
        name: []
        for name in ("layer", "neuron", "mean", "active", "sparsity", "quantiles",
                     "writes", "writes_nats", "suppresses", "suppresses_nats")
    }  # fmt: skip
    for layer in range(layers):
        sample = piece.sample[:, layer].float()
        columns["layer"].append(np.full(neurons, layer, dtype=np.int32))
        columns["neuron"].append(np.arange(neurons, dtype=np.int32))
        columns["mean"].append((piece.total[layer] / piece.tokens).float().numpy())
        columns["active"].append((sample > 0).float().mean(0).numpy())
        columns["sparsity"].append(_sparsity(sample).numpy())
        columns["quantiles"].append(sample.quantile(torch.tensor(QUANTILES), dim=0).T.numpy())
        for name, least in (("writes", False), ("suppresses", True)):
            nats, tokens = written_tokens(model, layer, k=WRITTEN, least=least)
            columns[name].append(tokens.int().cpu().numpy())
            columns[f"{name}_nats"].append(nats.float().cpu().numpy())
    return pa.table({name: _column(np.concatenate(parts)) for name, parts in columns.items()})


def _sparsity(sample: torch.Tensor) -> torch.Tensor:
    """1 - (mean size)^2 / mean square (Treves and Rolls 1991): 0 always alike, towards 1 rarely and
    strongly.
    """
    return 1 - sample.abs().mean(0).square() / sample.square().mean(0).clamp(min=1e-30)


def _column(values: np.ndarray) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def _write_contexts(corpus: Corpus, plan: Plan, piece: Piece, path: Path) -> None:
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for layer in range(piece.total.shape[0]):
            writer.write_table(_contexts(corpus, plan, piece, layer), row_group_size=2**30)


_SCHEMA = pa.schema([
    ("layer", pa.int32()), ("neuron", pa.int32()), ("kind", pa.string()), ("rank", pa.int32()),
    ("activation", pa.float32()), ("share", pa.float32()), ("window", pa.int32()), ("position", pa.int32()),
    ("at", pa.int32()), ("tokens", pa.list_(pa.int32())), ("shades", pa.list_(pa.float16())),
])  # fmt: skip


def _contexts(corpus: Corpus, plan: Plan, piece: Piece, layer: int) -> pa.Table:
    """The rows of one layer: neuron by neuron its top, middle and random contexts."""
    keys = piece.keys[layer].T  # neuron k
    middle, random = _sampled_rows(corpus, plan, piece, layer)
    neurons = np.arange(len(keys))[:, None]
    which = np.concatenate([middle.T, np.broadcast_to(random, (len(keys), len(random)))], axis=1)
    token = np.concatenate([ranking.token_of(keys).numpy(), piece.sampled.numpy()[which]], axis=1)
    sampled = piece.sample[:, layer].float().numpy()[which, neurons]
    activation = np.concatenate([ranking.activation_of(keys).numpy(), sampled], axis=1)
    alone = np.full((*sampled.shape, SHADED), np.nan, dtype=np.float16)
    alone[..., BEFORE] = sampled
    shades = np.concatenate([piece.shades[layer].transpose(0, 1).numpy(), alone], axis=1)
    k, counts = keys.shape[1], (keys.shape[1], len(middle), len(random))
    columns = {
        "layer": np.full(token.shape, layer),
        "neuron": np.broadcast_to(neurons, token.shape),
        "kind": np.broadcast_to(np.repeat(["top", "middle", "random"], counts), token.shape),
        "rank": np.broadcast_to(np.concatenate([np.arange(n) for n in counts]), token.shape),
        "activation": activation,
        "share": np.broadcast_to([np.nan] * k + list(MIDDLE) + [np.nan] * len(random), token.shape),
    }
    there = token.ravel() >= 0  # a neuron has fewer top contexts where the corpus has fewer windows
    flat = {name: values.ravel()[there] for name, values in columns.items()}
    shown = _surroundings(corpus, token.ravel()[there], shades.reshape(-1, SHADED)[there])
    return pa.table(flat | shown).cast(_SCHEMA)


def _surroundings(
    corpus: Corpus, token: Int[np.ndarray, "context"], shades: Float[np.ndarray, "context shaded"]
) -> dict[str, Any]:
    """The columns that say where the contexts are, and the tokens around them with their shades."""
    window = np.searchsorted(corpus.starts, token, side="right") - 1
    first = np.maximum(corpus.starts[window] + corpus.bos, token - BEFORE)
    last = np.minimum(corpus.starts[window + 1], token + AFTER + 1)
    offsets = np.concatenate([[0], np.cumsum(last - first)])
    row = np.repeat(np.arange(len(token)), last - first)
    place = np.arange(offsets[-1]) - offsets[row] + first[row]
    ends = pa.array(offsets.astype(np.int32))
    return {
        "window": window,
        "position": token - corpus.starts[window],
        "at": token - first,
        "tokens": pa.ListArray.from_arrays(ends, pa.array(corpus.ids[place].astype(np.int32))),
        "shades": pa.ListArray.from_arrays(ends, pa.array(shades[row, place - token[row] + BEFORE])),
    }


def _sampled_rows(corpus: Corpus, plan: Plan, piece: Piece, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Which sampled tokens serve as middle examples of each neuron, and which as random ones of all."""
    order = piece.sample[:, layer].float().argsort(dim=0, stable=True).numpy()
    ranks = [min(len(order) - 1, int(share * len(order))) for share in MIDDLE]
    drawn = np.searchsorted(piece.sampled.numpy(), plan.sampled(corpus)[:RANDOM])
    return order[ranks], drawn


def _context(words: tuple[str, ...], row: dict[str, Any]) -> Context:
    return Context(
        kind=row["kind"],
        rank=row["rank"],
        activation=row["activation"],
        share=None if np.isnan(row["share"]) else row["share"],
        tokens=tuple(words[token] for token in row["tokens"]),
        shades=tuple(map(float, row["shades"])),
        at=row["at"],
        window=row["window"],
    )


def _named(words: tuple[str, ...], tokens: list[int], nats: list[float]) -> tuple[tuple[str, float], ...]:
    return tuple((words[token], value) for token, value in zip(tokens, nats, strict=True))


def _about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    if not path.is_file():
        raise ValueError(f"There is no finished scan in {folder}. Make one with `python -m interp scan`.")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if about["format"] == FORMAT:
            return about
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"{path} is damaged or of another version. Delete it and scan again.")
