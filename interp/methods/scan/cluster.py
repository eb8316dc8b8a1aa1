"""Shards on Ray: the same `scan_shard`, run by actors that each hold the model. An optional extra.

Ray is asked for nothing but to run and, when a worker dies, to run again: pieces are pure, so twice does no
harm. The driver writes them (see `running`), so a lost driver loses only shards that were under way.
"""

from collections.abc import Iterable, Iterator

from interp import models
from interp.methods.scan.corpus import Corpus
from interp.methods.scan.running import Workers
from interp.methods.scan.shards import Piece, Plan, scan_shard

TRIES = 3  # how often a shard is started again after its worker died


class Scanner:
    """One worker: a model and a corpus, loaded once."""

    def __init__(self, source: str | None, device: str | None, corpus: Corpus, plan: Plan):
        self.model, self.corpus, self.plan = models.load(source, device=device), corpus, plan

    def scan(self, number: int) -> tuple[int, Piece]:
        """The piece of one shard, with its number."""
        return number, scan_shard(self.model, self.corpus, self.plan, number)


def on_ray(
    source: str | None,
    corpus: Corpus,
    *,
    workers: int,
    address: str | None = None,
    device: str | None = None,
) -> Workers:
    """Workers for `scan`: so many actors on the Ray cluster at `address`, or on this machine without one.

    `source` is what `models.load` is given on every machine. The same kind of processor everywhere gives the
    same table to the last bit. Raises ValueError if Ray is not installed.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports]
        from ray.util import ActorPool  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ValueError(
            "Scanning over a cluster needs Ray: `pip install -r requirements-cluster.txt`, or scan without"
            " workers."
        ) from None

    def run(plan: Plan, numbers: Iterable[int]) -> Iterator[tuple[int, Piece]]:
        if not ray.is_initialized():
            ray.init(address=address, include_dashboard=False, log_to_driver=False)
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=TRIES)(Scanner)
        shared = ray.put(corpus)
        pool = ActorPool([actor.remote(source, device, shared, plan) for _ in range(workers)])
        yield from pool.map_unordered(lambda one, number: one.scan.remote(number), list(numbers))

    return run
