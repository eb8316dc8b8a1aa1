"""The scan: top contexts, means, sparsity and quantiles of every neuron over a corpus, in one pass.

`scan` cuts a corpus into shards, writes each shard's piece to disk when it is done, and ends in a `Table`.
Killed at any moment, it goes on where it was. No activation is kept but the best; nothing is unembedded.
"""

from interp.methods.scan.cluster import on_ray
from interp.methods.scan.corpus import WIDTH, Corpus, corpus, corpus_of, world_kinds, world_texts
from interp.methods.scan.running import scan
from interp.methods.scan.shards import Plan
from interp.methods.scan.table import Context, Peaks, Record, Table

__all__ = [
    "WIDTH", "Context", "Corpus", "Peaks", "Plan", "Record", "Table", "corpus", "corpus_of", "on_ray", "scan",
    "world_kinds", "world_texts",
]  # fmt: skip
