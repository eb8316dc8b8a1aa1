"""Published beside measured: records are read whole, gaps are the largest, the exit code says the outcome."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from interp import published as shelf
from interp import verification
from interp.__main__ import app
from interp.result import Result

RECORD = {
    "id": "toy/numbers", "group": "toy", "model": "gpt2", "quantity": "a number", "unit": "nats",
    "axes": {"layer": [0, 1]}, "values": [1.0, 2.0], "agreement": {"gap": 0.1}, "source": "a paper, table 1",
    "convention": "BOS",
}  # fmt: skip


def measured(*values):
    return Result(np.array(values), {"layer": tuple(range(len(values)))}, "a number", "nats")


def test_the_gap_is_the_largest_and_decides():
    record = shelf.read(RECORD)
    close = verification.Comparison(record, measured(1.05, 1.95))
    assert close.gap == pytest.approx(0.05)
    assert close.passed
    assert not verification.Comparison(record, measured(1.0, 2.2)).passed


def test_a_number_that_is_missing_never_passes():
    one = verification.Comparison(shelf.read(RECORD), measured(1.0, float("nan")))
    assert one.gap == float("inf")
    assert not one.passed


def test_other_axes_are_a_mistake_of_ours_and_said():
    with pytest.raises(ValueError) as error:
        verification.Comparison(shelf.read(RECORD), measured(1.0, 2.0, 3.0))
    assert str(error.value) == (
        "toy/numbers was published with the axes layer: 2, but measured with layer: 3: mend the replication."
    )


def test_a_record_with_other_fields_is_refused_by_name():
    with pytest.raises(ValueError) as error:
        shelf.read({**RECORD, "note": "?"})
    assert str(error.value) == (
        "The record 'toy/numbers' needs the fields id, group, model, quantity, unit, axes, values, agreement,"
        " source, convention and no others."
    )


def test_the_table_says_how_many_of_the_numbers_that_count_agree():
    record = shelf.read({**RECORD, "axes": {"layer": [0, 1, 2]}, "values": [0.0, 1.0, 2.0]})
    one = verification.Comparison(record, measured(0.0, 1.0, 9.0))
    assert one.agreeing == "1 of 2 non-zero numbers"
    assert one.cells()[4:7] == ("1 of 2 non-zero numbers", "within 0.1", "FAIL")


def test_a_number_that_was_not_printed_is_not_asked_for():
    record = shelf.read({**RECORD, "values": [1.0, None]})
    one = verification.Comparison(record, measured(1.0, 7.0))
    assert one.passed
    assert one.gap == 0


def test_a_record_that_nothing_but_zeros_would_pass_is_refused():
    with pytest.raises(ValueError) as error:
        shelf.read({**RECORD, "values": [0.05, -0.05]})
    assert str(error.value) == (
        "The record 'toy/numbers' would pass if everything measured were zero, or fail if all were as"
        " published: mend its agreement."
    )


def test_the_command_says_without_a_model_whether_its_tests_could_fail():
    done = CliRunner().invoke(app, ["verify", "--could-fail"])
    assert done.exit_code == 0
    told, slips = verification.could_fail()
    assert done.output.splitlines()[0] == told
    assert len(done.output.splitlines()) == 1 + len(slips)


def test_every_listed_record_has_an_id_of_its_own_and_a_function_that_measures_it():
    measures = verification.all_measures()
    for model in shelf.SHAPES:
        records = shelf.published(model)
        assert len({record.id for record in records}) == len(records)
        assert {record.group for record in records} <= set(measures)
        assert all(record.agreements and record.source and record.convention for record in records)


def test_a_model_is_compared_by_its_shape(pocket):
    assert shelf.model_of_shape(12, 12, 768, 50257) == "gpt2"
    with pytest.raises(ValueError) as error:
        verification.listed_model(pocket)
    assert str(error.value) == (
        "Nothing published is about a model of the shape of pocket (8 layers of 4 heads, width 128):"
        " verify gpt2 or gpt2-medium, or a folder of that shape."
    )


def test_the_command_measures_prints_writes_and_fails_when_a_figure_is_missed(monkeypatch, tmp_path, pocket):
    record = shelf.read(RECORD)
    pair = [
        verification.Comparison(record, measured(1.0, 2.0)),
        verification.Comparison(replace(record, id="toy/others"), measured(1.0, 3.0)),
    ]
    monkeypatch.setattr(verification, "listed_model", lambda model: "gpt2")
    monkeypatch.setattr(verification, "compare", lambda model, topic=None: iter(pair))
    done = CliRunner().invoke(app, ["verify", "--model", "pocket", "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "1 of 2 agree with what was published." in done.output
    assert verification.could_fail()[0] in done.output
    rows = (tmp_path / "pocket" / "verify.csv").read_text().splitlines()
    assert rows[1] == "toy/numbers,layer=0,1,1,0,within 0.1"
    assert len(rows) == 5


def test_the_command_cannot_run_without_the_model_or_without_anything_published(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    away = CliRunner().invoke(app, ["verify", "--model", "gpt2", "--out", str(tmp_path)])
    assert away.exit_code == 2
    assert "The model 'gpt2' cannot be loaded" in away.output
    unlisted = CliRunner().invoke(app, ["verify", "--model", "pocket", "--out", str(tmp_path)])
    assert unlisted.exit_code == 2
    assert unlisted.output.startswith("Nothing published is about a model of the shape of pocket")


def test_the_files_are_lists_of_records():
    for file in shelf._HERE.glob("*.json"):
        assert isinstance(json.loads(file.read_text(encoding="utf-8")), list)
