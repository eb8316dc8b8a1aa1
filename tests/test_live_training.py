"""A training in a process of its own: begun, paused, resumed, stopped, cut off, refused, made smaller."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest
import torch

from interp import undisturbed
from interp.trainings import live, run, taps
from interp.trainings.live import Live

SLOW = 60.0  # seconds that a test waits for a process at the most


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(live, "_a_step", lambda recipe: 0.001)  # how fast this machine is plays no part


def weights(folder):
    return torch.cat([p.flatten() for p in run.saved(folder)["network"].values()])


def pause_after(training, number):
    """Pause it when it has taken so many steps."""
    end = time.monotonic() + SLOW
    while training.progress.step < number and time.monotonic() < end:
        time.sleep(0.01)
    training.pause()


def order(folder, **more):
    named = {"steps": 3, "rows": 32, "seed": 3}
    return {"folder": str(folder), "fresh": True, "until": time.monotonic() + SLOW, **named, **more}


@pytest.mark.slow
def test_a_paused_training_goes_on_in_another_process_with_the_same_steps(tmp_path):
    whole = Live(tmp_path / "whole", steps=60)
    whole.finish()
    first = Live(tmp_path / "parted", steps=60)
    first.start()
    pause_after(first, 5)
    assert first.progress.status == "paused"
    assert 5 <= first.progress.step < 60
    second = Live(tmp_path / "parted", steps=60)  # as another kernel finds it
    assert (second.progress.status, second.progress.step) == ("paused", first.progress.step)
    assert second.looks == first.looks
    second.finish()
    assert whole.progress == second.progress
    assert torch.equal(weights(tmp_path / "parted"), weights(tmp_path / "whole"))
    assert [look["step"] for look in second.looks] == [look["step"] for look in whole.looks] == [0, 50, 60]


@pytest.mark.slow
def test_a_run_that_somebody_else_finished_is_not_taken_for_ones_own(tmp_path):
    live.train(order(tmp_path), lambda: False, lambda news: None)
    training = Live(tmp_path, steps=2)
    assert (training.progress.status, training.progress.step) == ("finished", 3)
    training.finish(seed=5)
    assert (training.progress.status, training.progress.step, training.progress.seed) == ("finished", 2, 5)


@pytest.mark.slow
def test_the_time_cap_holds_and_is_said():
    training = Live(steps=3)
    training.finish(0.01)
    assert (training.progress.status, training.progress.step) == ("paused", 0)
    assert training.progress.told == "The 0.01 seconds are over: Resume goes on."
    training.resume(60)
    training.wait()
    assert (training.progress.status, training.progress.told) == ("finished", "")


@pytest.mark.slow
def test_a_stopped_training_keeps_what_it_learnt_and_the_next_start_is_a_new_one():
    training = Live(steps=1000)
    training.start()
    pause_after(training, 1)
    training.stop()
    stopped = training.progress
    assert stopped.status == "stopped"
    assert training.looks[0]["step"] == 0
    training.finish()  # stopped on purpose: it stays as it is
    assert training.progress == stopped
    with pytest.raises(
        ValueError, match=r"^There is no paused training to resume: press Start to begin one\.$"
    ):
        training.resume()
    training._steps = 2
    training.start(seed=4)
    with pytest.raises(
        ValueError, match=r"^The training is under way: pause or stop it before you start it\.$"
    ):
        training.start()
    training.wait()
    assert (training.progress.status, training.progress.step, training.progress.seed) == ("finished", 2, 4)


@pytest.mark.slow
def test_the_stop_button_of_a_notebook_pauses_it(monkeypatch):
    training, join = Live(steps=1000), threading.Thread.join

    def pressed(thread, timeout=None):
        monkeypatch.setattr(threading.Thread, "join", join)
        raise KeyboardInterrupt

    training.start()
    monkeypatch.setattr(threading.Thread, "join", pressed)
    training.wait()
    assert training.progress.status == "paused"


@pytest.mark.parametrize(
    ("seconds", "seed", "control", "text"),
    [
        (0, 3, "seconds", "A training needs more than 0 seconds: give a number such as 60."),
        (60, -1, "seed", "-1 is no seed: give a whole number from 0 on, such as 3."),
    ],
)
def test_a_time_or_a_seed_that_is_none_is_refused(seconds, seed, control, text):
    with pytest.raises(ValueError) as error:
        Live().start(seconds, seed)
    assert (error.value.control, str(error.value)) == (control, text)


def test_a_loss_that_is_no_number_is_told_with_the_last_good_step(tmp_path, monkeypatch):
    text, told = taps.batch, []
    wrong = torch.full((32, 48), float("nan"))
    monkeypatch.setattr(taps, "batch", lambda r: (text(r)[0], wrong if r.step == 1 else None))
    live.train(order(tmp_path), lambda: False, told.append)
    assert (told[-1]["step"], told[-1]["finished"], told[-1]["refused"]) == (1, False, False)
    assert told[-1]["told"] == (
        "The loss of taps is no number any more at step 2; the weights are those of step 1. Train with"
        " smaller rates."
    )
    assert len(run.saved(tmp_path)["losses"]) == 1


@pytest.mark.slow
def test_a_state_that_was_damaged_in_a_pause_is_told_and_what_was_seen_stays(tmp_path):
    training = Live(tmp_path, steps=1000)
    training.start()
    pause_after(training, 1)
    (tmp_path / run.STATE).write_bytes(b"nothing")
    training.resume()
    training.wait()
    assert (training.progress.status, training.progress.step > 0) == ("paused", True)
    assert training.progress.told.endswith("(its hash is another): delete it to begin again.")
    assert training.looks[0]["step"] == 0


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_its_last_saved_step_can_be_resumed(tmp_path):
    training = Live(tmp_path, steps=1000)
    training.start()
    end = time.monotonic() + SLOW
    while training.progress.step <= taps.EVERY and time.monotonic() < end:
        time.sleep(0.01)
    training._child.kill()
    training.wait()
    assert training.progress.status == "stopped"
    assert training.progress.told == "The training's process ended (-9)."
    assert Live(tmp_path).progress.step in (50, 100)


@pytest.mark.slow
def test_a_folder_in_use_is_told_and_what_was_there_stays(tmp_path):
    live.train(order(tmp_path, until=0), lambda: False, lambda news: None)
    training = Live(tmp_path, steps=3)
    refused = f"Another training is under way in {tmp_path}: wait for its end, or choose another folder."
    with undisturbed.exclusive(tmp_path):
        training.start(seed=7)
        training.wait()
        assert (training.progress.status, training.progress.seed) == ("paused", 3)
        assert training.progress.told == refused
        (tmp_path / run.STATE).unlink()
        with pytest.raises(ValueError) as error:
            Live(tmp_path, steps=3).finish()
    assert str(error.value) == refused


@pytest.mark.slow
def test_a_damaged_state_is_told_and_a_new_start_writes_over_it(tmp_path):
    (tmp_path / run.STATE).write_bytes(b"nothing")
    training = Live(tmp_path, steps=2)
    assert training.progress.told.endswith("(its hash is another): delete it to begin again.")
    training.finish()
    assert (training.progress.status, training.progress.told) == ("finished", "")


@pytest.mark.slow
def test_it_leaves_off_and_saves_when_its_kernel_is_gone(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-m", "interp.trainings.live"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(live.PACKAGE)},
    )  # fmt: skip
    child.stdin.write(json.dumps(order(tmp_path, steps=1000, threads=1)) + "\n")
    child.stdin.flush()
    while json.loads(child.stdout.readline())["step"] < 1:
        pass
    child.stdout.close()
    child.stdin.close()
    assert child.wait(SLOW) == 0
    assert 1 <= len(run.saved(tmp_path)["losses"]) < 1000


def test_a_small_machine_takes_fewer_steps_or_rows_and_says_so():
    assert live.fitting(60, 3, 1000, a_step=0.02, megabytes=4000)[1] == ""
    slow, said = live.fitting(60, 3, 1000, a_step=0.24, megabytes=4000)
    assert (slow.steps, slow.rows) == (200, 32)
    assert said == (
        "Made smaller for this machine: a step takes 0.24 s here, so it takes 200 steps, not 1000; the skills"
        " may not come."
    )
    poor, said = live.fitting(60, 3, 1000, a_step=0.02, megabytes=300)
    assert (poor.steps, poor.rows) == (1000, 8)
    assert said == (
        "Made smaller for this machine: only 300 MB of memory are free, so a step reads 8 rows, not 32; the"
        " skills may not come."
    )


def test_how_fast_the_machine_is_is_measured(monkeypatch):
    monkeypatch.undo()
    assert 0 < live._a_step(taps.RECIPE) < 5


@pytest.mark.slow
def test_a_training_made_smaller_trains_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "_a_step", lambda recipe: 10.0)
    monkeypatch.setattr(live.psutil, "virtual_memory", lambda: type("Free", (), {"available": 2**27}))
    training = Live(tmp_path)
    training.finish(0.5)
    assert (training.progress.steps, training.progress.status) == (live.FEWEST_STEPS, "paused")
    other = Live(tmp_path)
    assert other._seen.recipe.rows == live.FEW_ROWS
    other.finish(60)
    assert other.progress.status == "finished"


@pytest.mark.slow
def test_listeners_hear_the_beginning_and_the_end_and_one_folder_has_one_training(tmp_path):
    training, heard = live.at(tmp_path), []
    assert live.at(tmp_path / ".") is training
    training._steps = 2
    training.listen(lambda: heard.append(training.progress.status))
    training.finish()
    assert (heard[0], heard[-1]) == ("training", "finished")
