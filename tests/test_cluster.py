"""The scan over a Ray cluster of two workers on this machine, one of them killed: the same table as from one
process. Skipped where Ray is not installed.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

from interp.methods import scan
from interp.methods.scan import cluster

FILES = ("neurons.parquet", "contexts.parquet", "vocabulary.parquet", "scan.json")
PLAN = scan.Plan(k=4, sample=200, windows_per_shard=40, products="plain")


def test_without_ray_a_sentence_says_what_to_install(monkeypatch, tiny):
    monkeypatch.setitem(sys.modules, "ray", None)
    corpus = scan.corpus_of(tiny.tokenizer, ["When Mary and John went"], name="one")
    with pytest.raises(ValueError) as error:
        cluster.on_ray("pocket", corpus, workers=2)
    assert str(error.value) == (
        "Scanning over a cluster needs Ray: `pip install -r requirements-cluster.txt`, or scan without"
        " workers."
    )


@pytest.fixture(scope="module")
def texts(pocket):
    return scan.corpus(pocket.tokenizer, "pocket", width=96, limit=400)


@pytest.fixture(scope="module")
def alone(pocket, texts, tmp_path_factory):
    return scan.scan(pocket, texts, tmp_path_factory.mktemp("alone"), plan=PLAN, progress=False)


@pytest.fixture
def ray():
    module = pytest.importorskip(
        "ray", reason="Ray is not installed: pip install -r requirements-cluster.txt"
    )
    yield module
    module.shutdown()


@pytest.mark.slow
def test_two_workers_make_the_table_of_one_process(ray, pocket, texts, alone, tmp_path):
    workers = cluster.on_ray("pocket", texts, workers=2, device="cpu")
    scan.scan(pocket, texts, tmp_path, plan=PLAN, workers=workers, progress=False)
    assert same_files(tmp_path, alone.folder)


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(ray, pocket, texts, alone, tmp_path):
    run, killed = cluster.on_ray("pocket", texts, workers=2, device="cpu"), []

    def kills_one(plan, numbers):
        for number, piece in run(plan, numbers):
            yield number, piece
            if not killed:
                killed.append(kill_a_scanner())

    scan.scan(pocket, texts, tmp_path, plan=PLAN, workers=kills_one, progress=False)
    assert killed != [None]
    assert same_files(tmp_path, alone.folder)


def kill_a_scanner():
    """The process id of a worker of ours that was killed by force, while it was at work; None without one."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = (process / "cmdline").read_bytes().startswith(b"ray::Scanner")
            if ours and os.getpid() in ancestors(int(process.name)):
                os.kill(int(process.name), signal.SIGKILL)
                return int(process.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def ancestors(process):
    found = []
    while process > 1:
        status = Path(f"/proc/{process}/status").read_text()
        process = int(status.split("PPid:")[1].split()[0])
        found.append(process)
    return found


def same_files(one, other):
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)
