"""A training in a thread: begun, paused, resumed, stopped, cut off, refused, made smaller."""

import threading

import pytest
import torch

from interp.trainings import live, run, taps
from interp.trainings.live import Live


def weights(training):
    return torch.cat([p.detach().flatten() for p in training._run.network.parameters()])


def paused_after(training, number, monkeypatch):
    """Begin it, and pause it after so many steps."""
    there, text = threading.Event(), taps.batch

    def batch(one):
        if one.step == number:
            there.set()
            training._wanted = live.PAUSED  # as `pause` says it, while this step is under way
        return text(one)

    monkeypatch.setattr(live, "_a_step", lambda recipe: 0.001)  # its own steps are none of these
    monkeypatch.setattr(taps, "batch", batch)
    training.start()
    assert there.wait(30)
    training.pause()
    monkeypatch.setattr(taps, "batch", text)


def test_a_paused_training_goes_on_with_the_same_steps(monkeypatch):
    whole, parted = Live(steps=4), Live(steps=4)
    whole.finish()
    paused_after(parted, 1, monkeypatch)
    assert (parted.progress.status, parted.progress.step) == ("paused", 2)
    parted.resume()
    parted.wait()
    assert parted.progress.status == whole.progress.status == "finished"
    assert torch.equal(weights(parted), weights(whole))
    assert [look["step"] for look in parted.looks] == [0, 4]


def test_another_process_goes_on_where_the_first_one_left_off(tmp_path, monkeypatch):
    whole, first = Live(steps=4), Live(tmp_path, steps=4)
    whole.finish()
    paused_after(first, 1, monkeypatch)
    second = Live(tmp_path, steps=4)
    assert (second.progress.status, second.progress.step, second.progress.steps) == ("paused", 2, 4)
    assert second.looks == first.looks
    second.finish()
    assert torch.equal(weights(second), weights(whole))
    third = Live(tmp_path, steps=4)
    assert third.progress.status == "finished"
    third.finish(seed=5)  # finished by somebody else: this one trains its own
    assert (third.progress.status, third.progress.seed) == ("finished", 5)


def test_the_time_cap_holds_and_is_said():
    training = Live(steps=3)
    training.finish(0.01)
    assert (training.progress.status, training.progress.step) == ("paused", 0)
    assert training.progress.told == "The 0.01 seconds are over: Resume goes on."
    training.resume(60)
    training.wait()
    assert (training.progress.status, training.progress.told) == ("finished", "")


def test_a_stopped_training_keeps_what_it_learnt_and_the_next_start_is_a_new_one(monkeypatch):
    training = Live(steps=3)
    paused_after(training, 0, monkeypatch)
    training.stop()
    assert (training.progress.status, training.progress.step) == ("stopped", 1)
    assert [look["step"] for look in training.looks] == [0]
    training.finish()  # stopped on purpose: it stays as it is
    assert training.progress.step == 1
    with pytest.raises(ValueError, match=r"^There is no paused training to resume: press Start to begin"):
        training.resume()
    training.start(seed=4)
    training.wait()
    assert (training.progress.status, training.progress.step, training.progress.seed) == ("finished", 3, 4)


def test_the_stop_button_of_a_notebook_pauses_it(monkeypatch):
    training, join = Live(steps=1000), threading.Thread.join

    def pressed(thread, timeout=None):
        monkeypatch.setattr(threading.Thread, "join", join)
        raise KeyboardInterrupt

    training.start()
    monkeypatch.setattr(threading.Thread, "join", pressed)
    training.wait()
    assert training.progress.status == "paused"
    assert training.progress.step < 1000


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


def test_a_loss_that_is_no_number_is_told_and_the_last_good_looks_stay(monkeypatch):
    training, text = Live(steps=3), taps.batch
    wrong = torch.full((32, 48), float("nan"))
    monkeypatch.setattr(taps, "batch", lambda r: (text(r)[0], wrong if r.step == 1 else None))
    training._set_out(run.begin(taps.RECIPE, len(taps.vocabulary())), 60, fresh=True)
    training.wait()
    assert (training.progress.status, training.progress.step) == ("stopped", 1)
    assert training.progress.told == (
        "The loss of taps is no number any more at step 2; the weights are those of step 1. Train with"
        " smaller rates."
    )
    assert len(training.looks) == 1


def test_a_folder_in_use_is_told_and_what_was_there_stays(tmp_path, monkeypatch):
    training = Live(tmp_path, steps=3)
    paused_after(training, 0, monkeypatch)
    refused = f"Another training is under way in {tmp_path}: wait for its end, or choose another folder."
    with run.alone(tmp_path):
        training.start(seed=7)
        training.wait()
        assert (training.progress.status, training.progress.seed) == ("paused", 3)
        assert training.progress.told == refused
        (tmp_path / run.STATE).unlink()
        with pytest.raises(ValueError) as error:
            Live(tmp_path, steps=3).finish()
    assert str(error.value) == refused


def test_a_damaged_state_is_told_and_a_new_start_writes_over_it(tmp_path):
    (tmp_path / run.STATE).write_bytes(b"nothing")
    training = Live(tmp_path, steps=2)
    assert training.progress.told.endswith("(its hash is another): delete it to begin again.")
    training.finish()
    assert (training.progress.status, training.progress.told) == ("finished", "")


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


def test_a_training_made_smaller_trains_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "_a_step", lambda recipe: 10.0)
    monkeypatch.setattr(live.psutil, "virtual_memory", lambda: type("Free", (), {"available": 2**27}))
    training = Live(tmp_path)
    training.finish(0.5)
    assert (training.progress.steps, training.progress.status) == (live.FEWEST_STEPS, "paused")
    other = Live(tmp_path)
    assert other._run.recipe.rows == live.FEW_ROWS
    other.finish(60)
    assert other.progress.status == "finished"


def test_listeners_hear_the_beginning_and_the_end_and_one_folder_has_one_training(tmp_path):
    training, heard = live.at(tmp_path), []
    assert live.at(tmp_path / ".") is training
    training._steps = 2
    training.listen(lambda: heard.append(training.progress.status))
    training.finish()
    assert (heard[0], heard[-1]) == ("training", "finished")
