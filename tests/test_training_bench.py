"""The Training Bench without a browser: its benches, its buttons, what it says, refuses and escapes."""

import json
import threading
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from interp import undisturbed
from interp.benches import training_runs
from interp.result import Result
from interp.screens.training import TrainingState
from interp.studies.learning import belief, scale
from interp.studies.learning import taps as learning
from interp.trainings import live, stored
from interp.trainings.live import Live
from interp.widgets import TrainingBench, training_bench, training_curves
from interp.widgets import training_words as words

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def training(tmp_path, monkeypatch):
    """A training of two steps that has not begun, heard where nothing else waits for news."""
    monkeypatch.setattr(live, "_a_step", lambda recipe: 0.001)
    # A browser that another module opened keeps a loop running in this process, which nobody turns here.
    monkeypatch.setattr(training_bench, "_running_loop", lambda: None)
    return Live(tmp_path / "live", steps=2)


@pytest.fixture
def bench(training):
    return TrainingBench(training_runs.of_taps(training))


def ask(bench, request=1, **changes):
    question = {"run": "taps-0", "place": None, **changes}
    bench.question = {**question, "request": request, "view": "v"}
    return bench.reply


def press(bench, what, request=1, **changes):
    return ask(bench, request, **{"run": "live", "do": what, "seed": "3", "seconds": "60", **changes})


def plain(html):
    found = []
    parser = HTMLParser()
    parser.handle_data = found.append
    parser.feed(html)
    return " ".join(" ".join(found).split())


@pytest.mark.slow
def test_it_opens_on_a_stored_run_until_something_was_trained_here(bench, training):
    assert bench.reply["state"] == {"run": "taps-0", "place": None}
    assert bench.progress["text"] == "Nothing is trained yet."
    training.finish()
    again = TrainingBench(training_runs.of_taps(training))
    assert again.reply["state"]["run"] == "live"
    assert again.progress["text"] == "Finished: all 2 steps are done."


def test_the_numbers_are_those_of_the_look_at_the_place(bench):
    (look,) = [look for look in stored.noted("taps-1")["looks"] if look["step"] == 550]
    reply = ask(bench, run="taps-1", place=550)
    assert reply["at"] == 11
    assert reply["status"] == (
        f"stored, seed 1, step 550: writes whole sentences {look['grammar']:.2f}, repeats a list"
        f" {look['repetition']:.2f}, knows who gets the gift {look['receiver']:.2f}, loss, nats per word"
        f" {look['loss']:.2f}."
    )
    assert all(sample.strip() in plain(reply["samples"]) for sample in look["samples"])


@pytest.mark.slow
def test_the_buttons_start_pause_resume_and_stop(bench, training, monkeypatch):
    training._steps, calls = 1000, []
    for name in ("pause", "resume", "stop"):
        own = getattr(training, name)
        monkeypatch.setattr(
            training, name, lambda *given, own=own, name=name: (calls.append(name), own(*given))
        )
    assert press(bench, "start")["error"] is None
    assert bench.progress["status"] == "training"
    assert press(bench, "pause", 2)["error"] is None
    paused = bench.progress["step"]
    assert bench.progress["text"] == f"Paused at step {paused:,} of 1,000."
    press(bench, "resume", 3)
    assert bench.progress["status"] == "training"
    press(bench, "stop", 4)
    assert bench.progress["status"] == "stopped"
    assert bench.progress["step"] >= paused
    assert calls == ["pause", "resume", "stop"]
    assert bench.reply["state"]["run"] == "live"


@pytest.mark.slow
def test_the_live_run_is_drawn_to_the_last_step_that_is_to_come(bench, training):
    training._steps = 1000
    training.start()
    training.pause()
    reply = ask(bench, run="live")
    assert reply["places"][0] == 0
    assert ">1,000</text>" in reply["picture"]
    assert reply["status"].startswith("trained here, seed 3, step ")


@pytest.mark.slow
def test_news_of_the_training_reaches_the_page_from_its_thread(bench, training):
    threads = []
    bench.observe(lambda change: threads.append(threading.current_thread()), names="progress")
    training.finish()
    assert (bench.progress["status"], bench.progress["looks"]) == ("finished", 2)
    assert threads
    assert bench.newest == {}  # nobody follows it: another run is on show


@pytest.mark.slow
def test_a_page_that_follows_the_training_gets_every_look_without_asking(bench, training):
    press(bench, "start")
    training.wait()
    assert bench.progress["followed"]
    assert (bench.newest["places"], bench.newest["at"]) == ([0, 2], 1)
    assert bench.newest["picture"].startswith('<p class="finding">trained here, seed 3: step 2 of 2</p>')
    ask(bench, 2, run="live", place=0)  # looking back: the next look will not move it
    assert not bench._followed


@pytest.mark.parametrize(
    ("changes", "control", "text"),
    [
        ({"run": "live"}, "run", "Nothing has been trained here yet: press Start, or choose a stored run."),
        ({"run": "taps-9"}, "run",
         "There is no run 'taps-9' here: choose one of live, taps-0, taps-1, taps-2, taps-adamw-0,"
         " taps-adamw-1, taps-adamw-2, taps-one-block-0, taps-one-block-1, taps-one-block-2, taps-shuffled."),
        ({"run": "live", "do": "start", "seed": "x", "seconds": "60"}, "seed",
         "'x' is no seed: give a whole number such as 3."),
        ({"run": "live", "do": "start", "seed": "-4", "seconds": "60"}, "seed",
         "-4 is no seed: give a whole number from 0 on, such as 3."),
        ({"run": "live", "do": "start", "seed": "3", "seconds": "soon"}, "seconds",
         "'soon' is no number of seconds: give a number such as 60."),
        ({"run": "live", "do": "start", "seed": "3", "seconds": "0"}, "seconds",
         "A training needs more than 0 seconds: give a number such as 60."),
        ({"run": "live", "do": "resume", "seed": "3", "seconds": "60"}, "run",
         "There is no paused training to resume: press Start to begin one."),
    ],
)  # fmt: skip
def test_a_bad_input_is_one_sentence_beneath_its_control_and_the_last_picture_stays(
    bench, changes, control, text
):
    before = ask(bench)["picture"]
    reply = ask(bench, request=2, **changes)
    assert reply["error"] == {"control": control, "text": text}
    assert reply["picture"] == before


def test_a_place_nobody_looked_at_is_refused(bench):
    text = ask(bench, run="taps-0", place=33)["error"]["text"]
    assert text.startswith("Nobody looked at 33: choose one of 0, 50, 100, ")


@pytest.mark.slow
def test_a_training_that_is_refused_or_fails_is_told_and_the_last_picture_stays(bench, training, tmp_path):
    before = bench.reply["picture"]
    with undisturbed.exclusive(tmp_path / "live"):
        press(bench, "start")
        training.wait()
    assert bench.progress["text"] == (
        f"Nothing is trained yet. Another training is under way in {tmp_path / 'live'}: wait for its end, or"
        " choose another folder."
    )
    assert bench.reply["picture"] == before


def test_a_state_goes_out_and_comes_back(bench):
    ask(bench, run="taps-adamw-0", place=400)
    saved, shown = bench.state, bench.reply["picture"]
    ask(bench, request=2)
    bench.load(saved)
    assert (bench.state, bench.reply["picture"]) == (saved, shown)
    with pytest.raises(ValueError) as error:
        bench.load("[]")
    assert (
        str(error.value)
        == "'[]' is no state of the Training Bench: it is no object with fields; give what `state` gave."
    )


def test_the_family_stands_on_log_paper_with_every_size():
    bench = TrainingBench(training_runs.of_family())
    reply = ask(bench, run="seed 1", place=262_144)
    (value,) = scale.runs().at(seed=1, weights=6592, tokens=262_144).values.ravel()
    assert f"6,592 weights {value:.2f}" in reply["status"]
    assert reply["picture"].count("<polyline") == 6
    assert ">1/8</text>" in reply["picture"]
    assert reply["samples"] == reply["table"] == ""


def test_the_belief_runs_bring_answers_at_their_end_and_the_twin_table():
    bench = TrainingBench(training_runs.of_belief())
    reply = ask(bench, run="narrow 0")
    value = float(belief.scores().at(run="narrow 0", story=belief.MOVER))
    assert "(right)" in reply["samples"]
    assert "(wrong: " in reply["samples"]
    assert f'class="mine">{value:.2f}</td>' in reply["table"]
    assert reply["table"].count("<tr>") == 1 + len(belief.STORIES)
    assert ask(bench, 2, run="narrow 0", place=0)["samples"] == ""
    assert ask(bench, 3, run="narrow 1")["samples"] == ""  # its weights were not kept
    assert "New lessons opened at steps 800, " in ask(bench, 4, run="who 1")["picture"]


def test_everything_on_screen_is_also_text(bench):
    reply = ask(bench, run="taps-2", place=600)
    found = learning.curves(("taps-2",)).at(run="taps-2", step=600)
    twin = plain(reply["picture"].split("The same as text")[1])
    assert "600 " + " ".join(f"{value:.3f}" for value in found.values) in twin


def test_without_a_live_front_end_the_result_is_still_there(bench):
    ask(bench, run="taps-0", place=500)
    bundle = bench._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "stored, seed 0: step 500 of 1,000" in bundle["text/html"]
    assert "<button" not in bundle["text/html"]
    assert bundle["text/plain"] == bench.reply["status"]


def test_every_word_is_escaped():
    made = training_runs.of_belief()
    answer = made.compute(TrainingState("who 1"))
    axes = {"curve": (HOSTILE,), "place": (0, 1)}
    curves = Result(np.array([[0.0, 1.0]]), axes, HOSTILE, HOSTILE)
    table = Result(np.zeros((1, 1)), {"story": (HOSTILE,), "run": (HOSTILE,)}, HOSTILE, "share")
    loss = Result(np.ones(2), {"place": (0, 1)}, HOSTILE, HOSTILE)
    bad = replace(answer, label=HOSTILE, curves=curves, loss=loss, at=0, end=1, samples=(HOSTILE,),
                  table=table, notes=(HOSTILE,))  # fmt: skip
    whole = words.static_html(replace(made, along=HOSTILE, guide=(HOSTILE, 0.5)), bad, "")
    assert "<img" not in whole
    assert whole.count("&lt;img") > 8


def test_names_at_the_ends_of_curves_stand_apart_and_within_the_picture():
    axes = {"curve": tuple("abcdef"), "place": (0, 10)}
    for ends in (np.ones(6), np.zeros(6), np.linspace(0.4, 0.5, 6)):
        curves = Result(np.stack([ends, ends], 1), axes, "share", "share")
        svg = training_curves.curves_svg(curves, 1, 10, along="step", alt="")
        names = [part.split(">")[0] for part in svg.split("<text ")[1:] if part.split(">")[1][0] in "abcdef"]
        heights = sorted(float(name.split('y="')[1].split('"')[0]) for name in names)
        assert len(heights) == 6
        assert np.diff(heights).min() >= training_curves.APART - 0.1
        assert heights[0] > 0
        assert heights[-1] < 260


def test_the_json_of_a_state_names_what_is_trained_and_is_one_line(bench):
    assert json.loads(bench.reply["json"]) == {"model": bench.model_name, **bench.reply["state"]}
