"""What goes wrong under the house: a full disk, a kill, two runs in one folder, no home, a read-only folder.

Nothing finished is lost, and nothing half is read as whole.
"""

import errno
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import font_manager
from safetensors import SafetensorError
from transformers import AutoTokenizer, GPT2LMHeadModel
from typer.testing import CliRunner

from interp import claims, doctor, figures, files, models, timing, undisturbed, verification
from interp.__main__ import app
from interp.figures import export
from interp.models.proof import Proof
from interp.pocket import train as pocket_train
from interp.pocket.run import save_model
from interp.result import Result
from interp.site import packing
from interp.trainings import run as training
from interp.trainings import stored, taps

ROOT = Path(__file__).resolve().parent.parent
FULL = "No space left on device"
ABOUT = {"model": "tiny", "weights_sha256": "0" * 64}


def numbers(age):
    return Result(np.array([1.0 + age, 2.0]), {"token": ("a", "b")}, "lead", "nats", ABOUT)


def claim(number, value=1.0):
    return claims.Claim(f"C{number}", "t", "test", value, (0.1, 9.0), "c", "> 0", "partly", "tiny")


def _state(folder, age):
    begun = training.begin(taps.RECIPE, len(taps.vocabulary()))
    begun.losses += [float(age)]
    training.save_state(begun, folder)


# Everything that is written, by what it is: (folder, age) -> None; two ages write two contents
WRITERS = {
    "a figure": lambda folder, age: export.write(
        folder, "x", {end: f"{end} {age}".encode() for end in ("png", "svg", "csv")}, "0" * 64
    ),
    "claims": lambda folder, age: claims.save([claim(8, 1.0 + age)], folder, ABOUT),
    "a table": lambda folder, age: numbers(age).to_csv(folder / "t.csv"),
    "verify": lambda folder, age: verification.save([], folder / "sub" / f"verify{age}.csv"),
    "bench": lambda folder, age: timing.save([], folder / f"bench{age}.json"),
    "a stored run": lambda folder, age: stored.keep(
        "taps-0", training.begin(taps.RECIPE, len(taps.vocabulary())).network, {"seed": age}, folder
    ),
    "a state": _state,
    "pages' model": lambda folder, age: packing.write(f"model{age}", folder),
}  # fmt: skip


class Disk:
    """A disk that is full at the k-th write or move, when half is written."""

    def __init__(self, patch):
        self.calls, self.full_at = 0, None
        write, move = Path.write_bytes, os.replace
        patch.setattr(
            Path, "write_bytes", lambda path, content: self.room(path, content) or write(path, content)
        )
        patch.setattr(files.os, "replace", lambda old, new: self.room(old) or move(old, new))

    def room(self, path, content=None):
        self.calls += 1
        if self.calls - 1 != self.full_at:
            return
        if content is not None:
            path.open("wb").write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, FULL, str(path))


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_disk_that_is_full_at_any_write_leaves_old_or_new_files_and_says_so(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "pack", lambda source: packing.Pack(source, "{}", "0" * 64))
    write, disk = WRITERS[kind], Disk(monkeypatch)
    (tmp_path / "new").mkdir()
    write(tmp_path / "new", 0)
    disk.calls = 0
    write(tmp_path / "new", 1)
    new, tried = contents(tmp_path / "new"), 0
    for full_at in range(disk.calls):
        folder = tmp_path / str(full_at)
        folder.mkdir()
        disk.full_at = None
        write(folder, 0)
        old, disk.calls, disk.full_at, tried = contents(folder), 0, full_at, tried + 1
        with pytest.raises(OSError, match=FULL) as error:
            write(folder, 1)
        assert "\n" not in files.told(error.value)
        now = contents(folder)
        assert set(old) <= set(now) <= set(old) | set(new)
        assert all(content in (old.get(name), new.get(name)) for name, content in now.items())
        write(folder, 1)
        assert contents(folder) == new
    assert tried > 0


def test_a_model_is_written_whole_and_its_weights_last(tmp_path, tiny_folder, monkeypatch):
    model, encode = GPT2LMHeadModel.from_pretrained(tiny_folder), AutoTokenizer.from_pretrained(tiny_folder)
    disk, folder = Disk(monkeypatch), tmp_path / "model"
    save_model(model, encode, folder)
    old, moves = contents(folder), disk.calls
    with torch.no_grad():
        model.transformer.ln_f.bias += 1
    for disk.full_at in range(moves):
        disk.calls = 0
        with pytest.raises(OSError, match=FULL):
            save_model(model, encode, folder)
        assert contents(folder) == old  # all else is the same in both
        assert not list(tmp_path.glob(".*.partial"))
    assert disk.full_at == moves - 1 > 2
    disk.full_at = None
    save_model(model, encode, folder)
    now = contents(folder)
    assert [name for name in now if now[name] != old[name]] == ["model.safetensors"]


@pytest.mark.parametrize("kind", [SafetensorError, Exception])  # the weights' library, the tokenizer's
def test_a_full_disk_is_told_with_its_reason_where_a_library_has_words_of_its_own(
    kind, tmp_path, tiny_folder, monkeypatch
):
    def full(folder):
        raise kind(f"I/O error: {FULL} (os error 28)")

    model, encode = GPT2LMHeadModel.from_pretrained(tiny_folder), AutoTokenizer.from_pretrained(tiny_folder)
    monkeypatch.setattr(model, "save_pretrained", full)
    with pytest.raises(OSError) as error:
        save_model(model, encode, tmp_path)
    assert str(error.value) == f"{tmp_path} cannot be written (I/O error: {FULL} (os error 28))."
    assert list(tmp_path.iterdir()) == []


# Killed


WRITES = """
import itertools, sys
from pathlib import Path
from interp import files
print("in", flush=True)
for n in itertools.count():
    files.write(Path(sys.argv[1]) / "x", bytes([65 + n % 2]) * 3_000_000)
    with files.filling(Path(sys.argv[1]) / "model", last="weights") as beside:
        for name in ("config", "weights"):
            (beside / name).write_bytes(bytes([65 + n % 2]) * 3_000_000)
"""


def test_a_write_killed_at_any_moment_leaves_a_whole_file_and_the_next_sweeps_up(tmp_path):
    moments, left = random.Random(0), 0
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITES, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert child.stdout.readline() == "in\n"
        time.sleep(moments.uniform(0.01, 0.1))
        child.kill()
        child.wait()
        kept = [path for path in tmp_path.rglob("*") if path.is_file() and ".partial" not in str(path)]
        assert all(path.stat().st_size == 3_000_000 for path in kept)
        assert all(len(set(path.read_bytes())) == 1 for path in kept)
        left += len(list(tmp_path.glob(".*.partial")))
    assert left > 0  # some were caught at it
    files.write(tmp_path / "x", b"")
    with files.filling(tmp_path / "model", last="weights"):
        pass
    assert not list(tmp_path.glob(".*.partial"))


def test_only_what_is_left_of_a_dead_process_of_this_machine_is_swept(tmp_path):
    here = files._host()
    others = [f".x.{here}-{os.getppid()}.partial", ".x.elsewhere-999999999.partial", ".xy.partial",
              f".x.{here}-12a.partial", f".y.{here}-999999999.partial"]  # fmt: skip
    for name in (*others, f".x.{here}-999999999.partial"):
        (tmp_path / name).touch()
    files.write(tmp_path / "x", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {*others, "x"}


# Two at once


TAKES_TURNS = """
import sys
from pathlib import Path
from interp import claims
about = {"model": "tiny", "weights_sha256": "0" * 64}
for number in range(int(sys.argv[2]), 40, 2):
    one = claims.Claim(f"C{number + 1}", "t", "test", 1.0, (0.1, 9.0), "c", "> 0", "partly", "tiny")
    claims.save([one], Path(sys.argv[1]), about)
"""


def test_two_runs_that_write_one_folder_lose_no_claim(tmp_path):
    both = [
        subprocess.Popen([sys.executable, "-c", TAKES_TURNS, str(tmp_path), str(first)], cwd=ROOT)
        for first in (0, 1)
    ]
    assert [child.wait() for child in both] == [0, 0]
    kept = json.loads((tmp_path / "claims.json").read_text())["claims"]
    assert [one["id"] for one in kept] == [f"C{number + 1}" for number in range(40)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claims.json", "claims.md"]


def test_two_trainings_of_pocket_in_one_folder_are_refused(tmp_path):
    with (
        undisturbed.exclusive(tmp_path / "training"),
        pytest.raises(ValueError, match="Another training is under"),
    ):
        pocket_train.train(tmp_path, pocket_train.Recipe(blocks=1, heads=2, d_model=16, steps=1))


# Where nothing can be written, and nobody lives


COMMANDS = (
    ("train-taps",), ("train-family",), ("train-belief",), ("train-pocket",), ("train-taught",),
    ("tune-lens",), ("bench", "--quick"),
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_folder_that_cannot_be_written_is_said_before_the_work(command, tmp_path):
    (tmp_path / "file").write_text("in the way")
    shown = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "file" / "x" / "y")])
    assert shown.exit_code == 2
    (line,) = shown.output.strip().splitlines()
    assert "cannot be " in line
    assert "(Not a directory)" in line
    assert "another folder" in line


def test_what_was_measured_is_on_the_screen_where_its_table_cannot_be_written(monkeypatch, tmp_path, pocket):
    def full(rows, path):
        raise OSError(errno.ENOSPC, FULL, str(path))

    monkeypatch.setattr(verification, "listed_model", lambda model: "gpt2")
    monkeypatch.setattr(verification, "compare", lambda model, topic=None: iter(()))
    monkeypatch.setattr(verification, "save", full)
    shown = CliRunner().invoke(app, ["verify", "--model", "pocket", "--out", str(tmp_path)])
    assert shown.exit_code == 2
    assert "figures published about gpt2, measured on pocket" in shown.output
    assert shown.output.strip().splitlines()[-1] == (
        f"{tmp_path / 'pocket' / 'verify.csv'} cannot be read or written ({FULL}): make room and run"
        " the same again, or choose another folder; what was finished is whole."
    )


def test_a_user_without_a_home_is_served(monkeypatch, tmp_path, tiny_folder):
    def nobody(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    models.load(tiny_folder)
    assert doctor.examine(str(tiny_folder)).ready
    with pytest.raises(models.ModelNotFound, match="there is no such folder"):
        models.locate("~/model")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_may_not_be_read_is_no_reason_to_stop(monkeypatch, tiny_folder):
    def forbidden(path, *args, **more):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    place = models.locate(tiny_folder)
    assert place.sha256
    monkeypatch.setattr(Path, "mkdir", forbidden)
    monkeypatch.setattr(os, "stat", forbidden)
    proof = Proof(place, torch.device("cpu"))
    assert not proof.remembered
    proof.remember()


@pytest.fixture
def fonts(monkeypatch):
    """Sets which fonts there are."""
    known = font_manager.fontManager

    def only(kept):
        monkeypatch.setattr(known, "ttflist", [font for font in known.ttflist if kept(font)])
        known._findfont_cached.cache_clear()

    yield only
    monkeypatch.undo()
    known._findfont_cached.cache_clear()


def test_a_machine_without_fonts_draws_with_the_one_that_comes_along(fonts, tmp_path):
    fonts(lambda font: font.fname.startswith(matplotlib.get_data_path()))
    figures.bars(numbers(0), title="Two words").save("x", tmp_path)
    assert (tmp_path / "tiny" / "x.png").stat().st_size > 1000


def test_the_doctor_names_the_way_out_where_no_font_is_found_at_all(fonts):
    fonts(lambda font: False)
    assert str(doctor._font()).startswith("✗ font: none that matplotlib finds, not even its own → make ")
