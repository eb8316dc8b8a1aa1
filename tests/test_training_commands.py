"""`train-taps`, `train-family`, `train-belief`: what they leave, that they go on, and how they refuse."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interp import __main__ as command_line
from interp.trainings import beside, family, stored
from interp.trainings import run as runs
from interp.undisturbed import LOCK

UNLIKE = "Nothing here has the recipe of a stored run, so there is nothing to compare."
ROOT = Path(__file__).resolve().parent.parent


def run(*arguments):
    return CliRunner().invoke(command_line.app, [str(one) for one in arguments])


@pytest.mark.parametrize(
    ("command", "options", "topic"),
    [
        ("train-taps", ("--steps", 1), "taps"),
        ("train-belief", ("--steps", 1, "--seed", 0), "belief"),
        ("train-family", ("--width", 16, "--tokens", 1024), "family"),
    ],
)
def test_a_command_makes_every_stored_run_of_its_topic(tmp_path, monkeypatch, command, options, topic):
    monkeypatch.setattr("interp.trainings.belief.EXAMINED", 2)
    monkeypatch.setattr("interp.trainings.belief.SOME", 2)
    done = run(command, "--out", tmp_path, *options)
    assert done.exit_code == 0, done.output
    shipped = {path.name for path in stored.FOLDER.glob(f"{topic}*")}
    if topic == "belief":
        shipped = {name for name in shipped if "-0." in name}
    made = {path.name for path in tmp_path.glob(f"{topic}*")}
    assert made == shipped
    assert stored.about(topic, tmp_path)["model"] == f"trained-{topic}"


@pytest.mark.slow
def test_a_training_that_was_interrupted_goes_on_with_the_same_command(tmp_path):
    command = [sys.executable, "-m", "interp", "train-belief", "--out", str(tmp_path), "--kind", "narrow",
               "--seed", "0", "--steps", "120"]  # fmt: skip
    state, end = tmp_path / "states" / "belief-narrow-0", time.monotonic() + 60
    first = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not (state / LOCK).exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1.5)  # a few steps
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 2
    assert said == f"Stopped; every finished step is in {tmp_path}: the same command goes on.\n"
    done = len(runs.saved(state)["losses"])
    assert done < 120
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert again.stdout == f"{tmp_path / 'belief-narrow-0.json'}\n{UNLIKE}\n"
    losses = runs.saved(state)["losses"]
    assert len(losses) == 120
    assert json.loads((tmp_path / "belief-narrow-0.json").read_text())["looks"][-1]["step"] == 120


def test_a_folder_in_use_and_an_unknown_kind_are_one_sentence(tmp_path):
    with runs.exclusive(tmp_path):
        refused = run("train-family", "--out", tmp_path, "--width", 16, "--tokens", 1024, "--seed", 0)
    assert (refused.exit_code, refused.stderr) == (
        2,
        f"Another training is under way in {tmp_path}: wait for its end, or choose another folder.\n",
    )
    unknown = run("train-belief", "--out", tmp_path, "--kind", "wide")
    assert (unknown.exit_code, " ".join(unknown.stderr.split())) == (
        2,
        "There is no training 'wide': choose one of narrow, varied, who, flat.",
    )


def kept(folder, name, **changes):
    noted = stored.noted(name)
    for key, value in changes.items():
        noted["looks"][-1][key] = value
    return stored.keep(name, None, noted, folder)


def test_the_stored_runs_lie_within_their_own_spread():
    for topic, least in (("taps", 40), ("family", 72), ("belief", 190)):
        found = beside.rows(topic, stored.FOLDER)
        assert len(found) >= least
        assert beside.told(found) == (
            f"{len(found)} of {len(found)} measurements lie within the spread of the stored seeds."
        )


def test_a_run_that_came_out_otherwise_is_named_with_its_bounds(tmp_path):
    kept(tmp_path, "taps-1")
    kept(tmp_path, "taps-2", receiver=0.5)
    said = beside.told(beside.rows("taps", tmp_path)).splitlines()
    assert said == [
        "7 of 8 measurements lie within the spread of the stored seeds; outside:",
        "taps-2, receiver: 0.500 here; stored 1.000, 1.000, 1.000; bounds 0.950 to 1.050",
    ]


def test_a_family_with_another_exponent_lies_outside(tmp_path):
    whole = family.read()
    for one in whole["runs"]:
        one["excess"] *= one["tokens"] ** 0.02
    family._write(tmp_path / "family.json", whole)
    outside = [row for row in beside.rows("family", tmp_path) if not row.within]
    assert len(outside) > 36


def test_shorter_runs_and_strange_topics_are_not_compared(tmp_path):
    done = run("train-taps", "--out", tmp_path, "--steps", 1)
    assert done.output.endswith(f"{UNLIKE}\n")
    with pytest.raises(ValueError, match="no stored runs of 'poems': choose one of taps, family, belief"):
        beside.rows("poems", tmp_path)
