"""The bench times honestly, measures what it names, and leaves nothing behind."""

import json
import re
import tempfile
from itertools import count
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count
from typer.testing import CliRunner

from interp import __main__ as command_line
from interp import hooks, timing
from interp.methods import ablation
from interp.methods.engine.linear import Packed, Plain
from interp.methods.engine.walk import bare_blocks
from interp.methods.engine.weights import weights_of
from interp.models import sizes
from interp.models.bridge import Sizes
from interp.timing import limit, sweeps
from interp.timing import rows as stopwatch
from interp.timing.growth import slope

SWEEPS = ["ablation_map_32", "ablation_map_1", "head_position_patch", "path_to_logits", "path_to_queries",
          "toggle_first", "toggle_middle", "toggle_last"]  # fmt: skip
NOISE = 0.25  # that a busy machine may put into a share: of two shortest times


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
        fields = {"name", "ratio", "max_gap", "unit", "aim", "note", "spread", "limit", "trusted"}
        assert set(row) == fields
        assert row["trusted"] == (row["spread"] <= timing.MOST_SPREAD)
        assert set(row["limit"]) == {"gflop", "best", "share", "rest"}
        assert 0 < row["limit"]["share"] <= 1 + NOISE
        assert f"{row['limit']['share']:.0%}" in outcome.output
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
    spread = (3.75 - 0.375) / 0.5  # of the fast path's middle half; the cells' is (4.5 - 1.75) / 2.5
    assert timed == stopwatch.Timed(cell=2.5, once=6.0, fast=0.5, shortest=0.25, spread=spread)
    assert timed.ratio(144) == (6 + 144 * 2.5) / 0.5
    assert stopwatch.compare([work("once")], work("once"), rounds=1).spread == 0


def test_a_gap_too_wide_ends_with_1(monkeypatch, tmp_path):
    wide = timing.Row("toggle_first", 4.0, 2e-5, "nats", 4.0, "by hand")
    monkeypatch.setattr(timing, "run", lambda **_: iter([wide]))
    outcome = CliRunner().invoke(command_line.app, ["bench", "--out", str(tmp_path / "bench.json")])
    assert outcome.exit_code == 1
    assert json.loads((tmp_path / "bench.json").read_text())[0]["max_gap"] == 2e-5


def test_a_row_whose_samples_lie_far_apart_is_marked_as_not_to_be_trusted(monkeypatch, tmp_path):
    steady, wild = (
        timing.Row(name, ratio, 1e-6, "nats", 4.0, "by hand", spread)
        for name, ratio, spread in (("lens", 5.0, 0.2), ("scan", 0.9, 0.34))
    )
    monkeypatch.setattr(timing, "run", lambda **_: iter([steady, wild]))
    outcome = CliRunner().invoke(command_line.app, ["bench", "--out", str(tmp_path / "bench.json")])
    assert outcome.exit_code == 0, outcome.output
    told = "scan: not to be trusted, its samples lie 34% apart. Run it again when nothing else runs."
    assert told in outcome.output
    assert outcome.output.count("its samples lie") == 1
    saved = json.loads((tmp_path / "bench.json").read_text())
    assert [row["trusted"] for row in saved] == [True, False]


def _naive_count(shape: Sizes, prompts: int, words: int) -> int:
    """Operations of the linear layers of a map of all heads, layer by layer, as one would write it down."""
    width, hidden, layers = shape.d_model, shape.d_mlp, shape.n_layers
    rows, ends = prompts * words, prompts
    inward, outward, forward = 6 * width**2, 2 * width**2, 4 * width * hidden  # for each row
    count = layers * rows * inward + (layers - 1) * rows * (outward + forward) + ends * (outward + forward)
    for layer in range(layers - 1):  # all heads of a layer, one variant each
        behind = layers - 2 - layer
        a_head = rows * (forward + behind * (inward + outward + forward)) + ends * (outward + forward)
        count += shape.n_heads * a_head
    return count + shape.n_heads * ends * forward  # of the last layer nothing but its feed-forward layer


@pytest.mark.parametrize("kind", [Plain, Packed])
def test_operations_are_counted_as_one_would_by_hand(tiny, monkeypatch, kind):
    own = weights_of(tiny, kind)
    monkeypatch.setattr(ablation, "weights_of", lambda model: own)
    batch, _ = sweeps.random_prompts(tiny, 3)
    with limit.Watch() as watch:
        ablation.head_ablation(tiny, batch, sweeps.metric_of(batch), how="zero", progress=False)
    assert watch.operations[limit.LINEAR] == _naive_count(sizes(tiny), 3, sweeps.WORDS)


def test_operations_are_those_of_torchs_own_counter(tiny):
    """Of a pass through the bridge, and of the engine's bare blocks, whose attention looks back only."""
    tokens, weights = torch.arange(1, 17).view(2, 8), weights_of(tiny, Plain)
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # which torch's counter leaves out

    def half(queries, keys, values, *_, **__):
        return sdpa_flop_count(queries, keys, values) // 2

    for work in (lambda: hooks.run(tiny, tokens), lambda: bare_blocks(weights, tokens)):
        with FlopCounterMode(display=False, custom_mapping={attention: half}) as counter:
            work()
        with limit.Watch() as watch:
            work()
        assert sum(watch.operations.values()) == counter.get_total_flops()


def test_a_share_is_the_products_at_their_best_over_the_time_taken(monkeypatch):
    """The machine's speed by hand: 2e9 operations a second, whatever the shape."""
    monkeypatch.setattr(limit, "best_seconds", lambda shape: prod(shape) / 1e9)
    x, weight = torch.ones(100, 200), torch.ones(300, 200)
    found = limit.limit_of(lambda: torch.nn.functional.linear(x, weight), seconds=0.06)
    assert found.gflop == 2 * 100 * 200 * 300 / 1e9
    assert found.best == pytest.approx(2.0)
    assert found.share == pytest.approx(0.1)
    assert found.rest[limit.PYTHON] > 0.8


def test_nothing_but_products_cannot_be_faster_than_the_limit():
    layers, x = [Plain(torch.rand(1024, 256), None) for _ in range(12)], torch.rand(64, 256)

    def work():
        for layer in layers:
            layer(x)

    shortest = min(stopwatch._seconds(work) for _ in range(9))
    assert 0 < limit.limit_of(work, shortest).share <= 1 + NOISE


def test_a_path_without_a_linear_layer_has_no_limit():
    with pytest.raises(
        ValueError,
        match=r"^What is timed runs no linear layer, so no limit can be told: time a path of a model\.$",
    ):
        limit.limit_of(lambda: torch.ones(3) + 1, seconds=1.0)


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


def test_a_slope_is_the_power_that_costs_follow():
    assert slope((2, 4, 8), (5.0, 5.0 * 2**1.5, 5.0 * 4**1.5)) == pytest.approx(1.5)


@pytest.mark.slow
def test_costs_grow_with_prompts_as_the_operations_do(tmp_path, monkeypatch):
    """Operations are counted, so their power is known: 1 in the prompts (the lens reads one state more)."""
    found = timing.growth(("prompts",), largest=2)
    assert found.axes["growth"] == ("prompts: time", "prompts: count")
    assert {"ablation", "to queries", "toggle", "lens", "scan"} <= set(found.axes["path"])
    np.testing.assert_allclose(found.values[:, 1], 1.0, atol=0.05)
    assert np.isfinite(found.values).all()
    monkeypatch.setattr(timing, "growth", lambda **_: found)
    outcome = CliRunner().invoke(
        command_line.app, ["bench", "--growth", "--out", str(tmp_path / "bench.json")]
    )
    assert outcome.exit_code == 0, outcome.output
    assert {"growth.png", "growth.csv"} <= {one.name for one in (tmp_path / "bench").iterdir()}
