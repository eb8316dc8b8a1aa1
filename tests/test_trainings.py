"""Small trainings: exact resuming, stored runs bound by their hash, verdicts that flip."""

import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from interp import undisturbed
from interp.result import Result
from interp.studies.learning import belief as beliefs
from interp.studies.learning import popcorn, scale, surprise
from interp.studies.learning import taps as learning
from interp.trainings import backward, belief, family, run, stored, taps
from interp.trainings.muon import orthogonal


def weights(one):
    return torch.cat([p.detach().flatten() for p in one.network.parameters()])


@pytest.mark.slow
def test_a_run_stopped_and_resumed_takes_the_same_steps(tmp_path):
    whole = taps.train("taps-0", steps=4)
    count = iter((False, False, True))
    stopped = taps.train("taps-0", tmp_path, steps=4, until=lambda: next(count))
    assert stopped.step == 2
    resumed = taps.train("taps-0", tmp_path, steps=4)
    assert resumed.finished
    assert torch.equal(weights(resumed), weights(whole))


def test_another_recipe_and_a_damaged_state_are_refused_in_one_sentence(tmp_path):
    taps.train("taps-0", tmp_path, steps=1)
    with pytest.raises(
        ValueError, match="holds the run 'taps' with seed 0 of another recipe, not 'taps' with seed 1"
    ):
        taps.train("taps-1", tmp_path, steps=1)


@pytest.mark.parametrize(
    "change", [lambda old: b"no state", lambda old: old[:-1], lambda old: old[:-9] + b"x" + old[-8:]]
)
def test_a_state_that_was_changed_is_refused_and_stays_as_it_is(tmp_path, change):
    taps.train("taps-0", tmp_path, steps=1)
    path = tmp_path / run.STATE
    path.write_bytes(change(path.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(ValueError) as error:
        taps.train("taps-0", tmp_path, steps=1)
    assert str(error.value) == (
        f"{path} is damaged and cannot be read (its hash is another): delete it to begin again."
    )
    assert path.read_bytes() == before


TRAINS = """
import sys, time
from pathlib import Path
from interp import undisturbed
with undisturbed.exclusive(Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(60)
"""


def test_two_trainings_in_one_folder_are_refused_and_a_dead_one_holds_nobody_up(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", TRAINS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "in\n"
    for again in (lambda: taps.train("taps-0", tmp_path, steps=1), lambda: train_one(tmp_path)):
        with pytest.raises(ValueError) as error:
            again()
        assert str(error.value) == (
            f"Another training is under way in {tmp_path}: wait for its end, or choose another folder."
        )
    other.kill()
    other.wait()
    assert (tmp_path / undisturbed.LOCK).exists()
    assert taps.train("taps-0", tmp_path, steps=1).finished
    assert taps.train("taps-0", tmp_path, steps=1).finished


def train_one(folder):
    return list(family.train_all(folder / "family.json", widths=(16,), amounts=(1024,), seeds=(0,)))


def test_ctrl_c_within_a_step_is_heard_after_it(tmp_path, monkeypatch):
    """The signal comes while the taps are half turned; the step is finished, saved, and not taken again."""
    whole, turn, seen = taps.train("taps-0", steps=3), run.Optimizer.step, []

    def interrupted(optimizer, number):
        seen.append(number)
        if number == 1 and seen.count(1) == 1:
            signal.raise_signal(signal.SIGINT)
        turn(optimizer, number)

    monkeypatch.setattr(run.Optimizer, "step", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        taps.train("taps-0", tmp_path, steps=3)
    assert len(run.saved(tmp_path)["losses"]) == 2
    assert torch.equal(weights(taps.train("taps-0", tmp_path, steps=3)), weights(whole))
    assert seen == [0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_loss_that_is_no_number_keeps_the_last_good_weights():
    one = run.begin(taps.RECIPE, len(taps.vocabulary()))
    run.take_step(one, taps.batch(one))
    before = weights(one)
    with pytest.raises(ValueError, match="is no number any more at step 2; the weights are those of step 1"):
        run.take_step(one, (taps.batch(one)[0], torch.full((32, 48), float("nan"))))
    assert torch.equal(weights(one), before)


def test_a_training_that_goes_wrong_saves_its_last_good_step(tmp_path, monkeypatch):
    text = taps.batch
    wrong = torch.full((32, 48), float("nan"))
    monkeypatch.setattr(taps, "batch", lambda r, **_: (text(r)[0], wrong if r.step == 2 else None))
    with pytest.raises(ValueError, match=r"the weights are those of step 2\. Train with smaller rates\.$"):
        taps.train("taps-0", tmp_path, steps=4)
    state = run.saved(tmp_path)
    assert len(state["losses"]) == 2
    assert all(p.isfinite().all() for p in state["network"].values())


def test_stored_weights_that_were_changed_are_refused(tmp_path):
    for end in ("json", "safetensors"):
        shutil.copy(stored.FOLDER / f"taps-0.{end}", tmp_path)
    taps.load("taps-0", tmp_path)
    path = tmp_path / "taps-0.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"it was changed; make it again with `python -m interp train-taps`\.$"
    ):
        taps.load("taps-0", tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match="cannot be read"):
        taps.load("taps-0", tmp_path)


def test_stored_runs_are_small():
    assert sum(path.stat().st_size for path in stored.FOLDER.iterdir()) <= 3_000_000


def test_the_stored_weights_measure_what_their_run_noted():
    last = stored.noted("taps-0")["looks"][-1]
    network = taps.load()
    assert taps.receiver(network) == pytest.approx(last["receiver"], abs=0.01)
    assert taps.loss(network) == pytest.approx(last["loss"], abs=0.01)


def test_pairs_of_the_exam_are_never_trained():
    words = taps.vocabulary()
    exams = {(who, giver) for _, who, giver in taps.receiver_prompts()}
    names = {words[f" {name}"] for pair in learning.taps.small_world.HELD_OUT for name in pair}
    for row in taps.rows("0 0", 32, kind="gifts").tolist():
        texts = " ".join(map(str, row)).split(str(words["<|end|>"]))
        for text in texts:
            there = {int(one) for one in text.split()} & names
            assert not any(set(pair) <= there for pair in exams)


def test_gradients_equal_slopes_by_hand():
    gap, count = learning.gradient_gap()
    assert count == 24
    assert gap < 1e-5


def test_one_step_helps_the_right_word_and_sums_to_nothing():
    ids = learning._ids(learning.EXAMPLE)
    before = taps.untrained()
    after, shares = backward.turned(before, ids, taps.vocabulary()[learning.RIGHT], 0.1)
    change = backward.chances(after, ids) - backward.chances(before, ids)
    assert change[taps.vocabulary()[learning.RIGHT]] > 0
    assert float(change.sum()) == pytest.approx(0, abs=1e-5)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-4)


def test_orthogonal_makes_directions_about_equally_strong():
    found = torch.linalg.svdvals(
        orthogonal(torch.randn(2, 16, 48, generator=torch.Generator().manual_seed(0)))
    )
    assert found.min() > 0.5
    assert found.max() < 1.5


@pytest.mark.slow
def test_c17_flips_on_shuffled_words():
    assert learning.c17().verdict == "supported"
    assert learning.c17(("taps-shuffled",)).verdict == "not supported"


@pytest.mark.slow
def test_c20_is_partly_at_most_and_counts_on_the_world():
    claim = surprise.c20()
    assert claim.verdict == "partly"
    assert claim.interval[0] < claim.measured < claim.interval[1]
    flipped = surprise.c20(shuffled=True)
    assert flipped.verdict == "not supported"
    assert flipped.measured < surprise.LEAST_SAVED < claim.measured
    assert flipped.control.startswith(f"the same words in order: {claim.measured:.2f}; ")


def test_the_floor_is_the_entropy_of_the_language():
    language = family.Language(words=8)
    text = language.text(4000, 12, seed=1)
    surprise_of = -language.chances[text[:, :-2], text[:, 1:-1], text[:, 2:]].log()
    assert float(surprise_of.mean()) == pytest.approx(language.floor, abs=0.02)


def test_a_family_is_not_trained_twice(tmp_path):
    some = {"widths": (16,), "amounts": (1024,), "seeds": (0,)}
    path = tmp_path / "family.json"
    assert len(list(family.train_all(path, **some))) == 1
    assert list(family.train_all(path, **some)) == []
    path.write_text("{")
    with pytest.raises(ValueError, match="make it again with `python -m interp train-family`"):
        family.read(path)


@pytest.mark.parametrize(
    ("excess", "verdict"),
    [
        (lambda: scale.made(), "supported"),
        (lambda: scale.made(bend=30), "partly"),
        (lambda: scale.made(learns=False), "not supported"),
    ],
)
def test_c18_flips(excess, verdict):
    assert scale.c18(excess()).verdict == verdict


def test_the_exponents_of_a_made_family_are_found():
    text, size = scale.exponents(scale.made().mean("seed"))
    assert np.allclose(text.values, 0.4)
    assert np.allclose(size.values, 0.3)


def test_belief_stories_know_what_everybody_thinks():
    for exam, write in belief.EXAMS.items():
        text, right, wrong = write(belief.Random(exam), True)
        assert right != wrong
        assert right in text
        assert belief.vocabulary().encode(text)


def test_stored_belief_runs_can_be_read_and_scored():
    noted = json.loads((stored.FOLDER / "belief-who-1.json").read_text())
    asked = belief.questions("the mover is asked")[:40]
    share = float(belief.right(belief.load("who", 1), asked).float().mean())
    assert share == pytest.approx(noted["scores"]["the mover is asked"] / noted["questions"], abs=0.1)


def test_results_say_that_they_are_about_models_of_our_own():
    assert isinstance(learning.curves(), Result)
    assert learning.about()["model"] == "trained-taps"
    assert scale.about()["model"] == "trained-family"
    assert beliefs.about()["model"] == "trained-belief"


def test_c19_is_partly_at_most_and_flips_on_the_runs_that_were_taught_who_is_asked():
    claim = beliefs.c19()
    assert (claim.verdict, claim.measured) == ("partly", pytest.approx(1.0))
    assert beliefs.c19(("who",), ("narrow",)).verdict == "not supported"


def test_c19_says_which_run_failed_its_exam():
    assert "who 0" not in beliefs.passed()
    assert "who 0 of them failed the exam" in beliefs.c19().control


def test_the_unicorn_cannot_be_tested_until_the_words_are_there(monkeypatch):
    assert beliefs.c21().verdict == "cannot be tested on this model"
    monkeypatch.setattr(beliefs, "DRAWING", ("box",))
    assert beliefs.c21().verdict != "cannot be tested on this model"


def test_rules_are_right_where_the_stories_make_them_so(monkeypatch):
    monkeypatch.setattr(beliefs, "BASELINE_ROWS", 48)
    rules = beliefs.rules()
    put = rules.at(rule="where it was put")
    assert float(put.at(story="exam")) == 1
    assert float(put.at(story="ask mover")) == 0
    assert 0.3 < float(rules.at(rule="5-gram, narrow").at(story="exam")) < 0.7


def test_the_heads_looks_are_shares():
    found = beliefs.looked_at((0, 0))
    assert (found.values >= 0).all()
    assert found.values.sum() <= 1


def test_the_bag_swaps_contents_and_labels_and_asks_about_both_people():
    told = popcorn.written(n=2)
    (first, right, wrong), (second, other, _) = told["both are there, she is asked"]
    assert other == wrong
    assert first.endswith("She believes that the bag is full of")
    assert f"says {right}" in first
    assert f"filled with {right}" in second
    assert told["both are there, he is asked"][0][1] == wrong
