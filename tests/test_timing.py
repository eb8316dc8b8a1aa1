"""The bench times honestly, measures what it names, and leaves nothing behind."""

import json
import re
import tempfile
from itertools import count
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from interp import __main__ as command_line
from interp import timing
from interp.timing import rows as stopwatch

SWEEPS = ["ablation_map_32", "ablation_map_1", "head_position_patch", "path_to_logits", "path_to_queries",
          "toggle_first", "toggle_middle", "toggle_last"]  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """One quick run of the command: its outcome, its rows, and the folders it left."""
    before, threads = set(Path(tempfile.gettempdir()).glob("interp-bench-*")), torch.get_num_threads()
    path = tmp_path_factory.mktemp("bench") / "deep" / "bench.json"
    outcome = CliRunner().invoke(
        command_line.app, ["bench", "--quick", "--only", "sweeps", "--out", str(path)]
    )
    left = set(Path(tempfile.gettempdir()).glob("interp-bench-*")) - before
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    assert torch.get_num_threads() == threads
    return outcome, json.loads(path.read_text()), left


@pytest.mark.slow
def test_every_path_is_measured_and_equals_the_loop(measured):
    outcome, rows, left = measured
    assert outcome.exit_code == 0, outcome.output
    assert [row["name"] for row in rows] == SWEEPS
    for row in rows:
        assert set(row) == {"name", "ratio", "max_gap", "unit", "aim", "note"}
        assert 0 <= row["max_gap"] <= timing.MOST_GAP
        assert row["ratio"] > 0
        assert row["unit"] == "nats"
        assert row["aim"] == timing.AIMS[row["name"]]
        assert row["name"] in outcome.output
    assert left == set()


def test_a_loop_timed_in_part_says_so(measured):
    notes = {row["name"]: row["note"] for row in measured[1]}
    assert "6 of 16 heads timed" in notes["ablation_map_32"]
    assert "24 cells timed" in notes["head_position_patch"]
    assert "12 of 16 senders timed" in notes["path_to_queries"]


def test_times_are_medians_taken_by_turns(monkeypatch):
    """A clock that jumps by a known amount per piece of work."""
    clock, done = [0.0], []
    cost = {"cell": iter([1.0, 9.0, 2.0, 3.0]), "once": count(5.0), "fast": iter([0.5, 0.25, 7.0])}

    def work(kind):
        def do():
            clock[0] += next(cost[kind])
            done.append(kind)

        return do

    monkeypatch.setattr(stopwatch.time, "process_time", lambda: clock[0])
    timed = timing.compare([work("cell")] * 4, work("fast"), once=work("once"), rounds=3)
    assert done == ["cell", "cell", "once", "fast", "cell", "cell", "once", "fast", "once", "fast"]
    assert timed == timing.Timed(cell=2.5, once=6.0, fast=0.5)
    assert timed.ratio(144) == (6 + 144 * 2.5) / 0.5


def test_a_gap_too_wide_ends_with_1(monkeypatch, tmp_path):
    wide = timing.Row("toggle_first", 4.0, 2e-5, "nats", 4.0, "by hand")
    monkeypatch.setattr(timing, "run", lambda **_: iter([wide]))
    outcome = CliRunner().invoke(command_line.app, ["bench", "--out", str(tmp_path / "bench.json")])
    assert outcome.exit_code == 1
    assert json.loads((tmp_path / "bench.json").read_text())[0]["max_gap"] == 2e-5


def test_an_unknown_family_is_refused(tmp_path):
    message = f"There is no family 'x' on the bench: choose from {', '.join(timing.FAMILIES)}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        next(timing.run(families=["x"]))
    outcome = CliRunner().invoke(
        command_line.app, ["bench", "--only", "x", "--out", str(tmp_path / "b.json")]
    )
    assert outcome.exit_code == 2
    assert message in outcome.output


def test_the_lens_rows_equal_the_librarys_lens():
    rows = list(timing.run(quick=True, families=["lens"]))
    assert [row.name for row in rows] == ["lens", "lens_guesses"]
    for row in rows:
        assert 0 <= row.max_gap <= timing.MOST_GAP
        assert row.ratio > 0
        assert row.aim == timing.AIMS[row.name]
