"""Growing a model from the bigger world: phases, what each may change, resuming, and what is refused."""

import json
import signal
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file

from interp import models
from interp.pocket import grow
from interp.pocket import train as old
from interp.pocket.run import save_state
from interp.words.bigger import PHASES, exams

PARTS = (
    grow.Phase("copying", "early", 4, 0.02, 2e-3),
    grow.Phase("gifts", "matching", 3, 0.02, 1e-3),
    grow.Phase("facts", "late", 3, 0.02, 2e-3),
    grow.Phase("facts", "everything", 3, 0.0, 6e-4),
)
SMALL = grow.Growth(
    blocks=3, early=2, heads=2, d_model=16, context=24, rows=4, phases=PARTS, documents=300
)  # fmt: skip


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    return grow.grow(tmp_path_factory.mktemp("grown") / "whole", SMALL)


@pytest.mark.parametrize("at", [3, 4, 9])  # within a phase, at its border, in a later one
def test_a_stopped_run_resumes_to_the_same_weights(grown, tmp_path, monkeypatch, at):
    step, taken = grow._step, []

    def stopping(work, run, now):
        taken.append(now)
        if now == at - 1 and taken.count(now) == 1:
            signal.raise_signal(signal.SIGINT)  # heard when the step is done
        return step(work, run, now)

    monkeypatch.setattr(grow, "_step", stopping)
    with pytest.raises(KeyboardInterrupt):
        grow.grow(tmp_path, SMALL)
    assert not (tmp_path / "model.safetensors").exists()
    assert len(taken) == at
    assert same(weights(grown), weights(grow.grow(tmp_path, SMALL)))
    assert len(taken) == len(set(taken))  # none was taken again


def test_another_seed_is_another_model(grown, tmp_path):
    assert not same(weights(grown), weights(grow.grow(tmp_path, replace(SMALL, seed=1))))


def test_what_a_phase_may_not_change_stays_bitwise(tmp_path):
    run = grow.begun(SMALL)
    for number, phase in enumerate(PARTS):
        before = {name: weight.detach().clone() for name, weight in run.model.named_parameters()}
        for _ in range(phase.steps):
            grow._step(tmp_path, run, len(run.history))
            run.history.append(0.0)
        masks = grow.trained(run.model, SMALL, phase.trains)
        for name, weight in run.model.named_parameters():
            mask = masks.get(name, False)
            changed = weight != before[name]
            if mask is False:
                assert not changed.any(), (number, name)
            elif mask is not None:
                assert not changed[..., ~mask].any(), (number, name)
        assert any((w != before[n]).any() for n, w in run.model.named_parameters()), number


def test_the_parts_are_those_that_the_card_names():
    model = grow.begun(SMALL).model
    names = {part: set(grow.trained(model, SMALL, part)) for part in grow.TRAINS}
    assert names["everything"] == {name for name, _ in model.named_parameters()}
    assert names["matching"] == {
        f"transformer.h.{b}.attn.c_attn.{w}" for b in (0, 1) for w in ("weight", "bias")
    }
    assert names["early"] | {n for n in names["everything"] if ".h.2." in n} == names["everything"]
    assert all(".h.2." in name and ("mlp" in name or "ln_2" in name) for name in names["late"])
    with pytest.raises(
        ValueError, match=r"^There is no part 'heads' to train: choose from early, matching, late"
    ):
        grow.trained(model, SMALL, "heads")


def test_the_late_blocks_write_nothing_until_their_phase(grown):
    kept = {folder.name: weights(folder) for folder in (grown / "training" / "phases").iterdir()}
    assert sorted(kept) == [
        "1-copying-early", "2-gifts-matching", "3-facts-late", "4-facts-everything",
    ]  # fmt: skip
    for name, phase in kept.items():
        writes = phase["transformer.h.2.mlp.c_proj.weight"].abs().max() > 0
        assert writes == (name[0] in "34"), name


def test_kept_phases_are_small_and_open_like_any_model(grown):
    folder = grown / "training" / "phases" / "1-copying-early"
    whole = (grown / "model.safetensors").stat().st_size
    assert (folder / "model.safetensors").stat().st_size < 0.6 * whole
    assert models.describe(models.load(folder)).layers == SMALL.blocks


def test_the_record_says_what_was_trained_and_the_words_seen_lie_beside(grown):
    record = json.loads((grown / "training.json").read_text(encoding="utf-8"))
    assert record["recipe"] == json.loads(json.dumps(asdict(SMALL)))
    assert record["trains"] == grow.TRAINS
    assert list(record["loss"])[-1] == str(SMALL.steps)
    words = json.loads((grown / "seen_words.json").read_text(encoding="utf-8"))
    assert words == grow.seen_words(grow.tokenizer(SMALL.documents), SMALL)
    assert models.seen_words(models.load(grown)) == frozenset(words)


def test_a_checkpoint_of_the_old_world_is_refused_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(old, "tokenizer", lambda: grow.tokenizer(300))
    small = old.Recipe(blocks=1, heads=2, d_model=16, context=24, rows=4, steps=1, warm_up=1)
    old.train(tmp_path, small)
    save_state(tmp_path / "training" / "state.pt", old._begin(small, torch.device("cpu")))
    with pytest.raises(ValueError) as refused:
        grow.grow(tmp_path, SMALL)
    assert str(refused.value) == (
        f"{tmp_path}/training/state.pt is a checkpoint of the old world, whose text and words are others:"
        " choose another folder with --out, or begin again in this one with --no-resume."
    )


def test_the_state_of_another_recipe_is_refused(tmp_path):
    run = grow.begun(SMALL)
    (tmp_path / "training").mkdir()
    save_state(tmp_path / "training" / "state.pt", run)
    with pytest.raises(ValueError, match=r"belongs to another recipe.*Choose another output folder"):
        grow.grow(tmp_path, replace(SMALL, seed=3))


def test_a_step_belongs_to_one_phase():
    assert [SMALL.at(step) for step in (0, 3, 4, 6, 7, 12)] == [
        (0, 0),
        (0, 3),
        (1, 0),
        (1, 2),
        (2, 0),
        (3, 2),
    ]
    assert SMALL.steps == 13
    assert {phase.text for phase in grow.PHASES} == set(PHASES)
    assert {phase.trains for phase in grow.PHASES} == set(grow.TRAINS)


def test_the_rate_warms_up_in_every_phase_and_cools_to_a_tenth():
    rates = [grow.rate(done, 1000) for done in range(1000)]
    assert max(rates) == pytest.approx(1.0)
    assert rates[0] == pytest.approx(1 / grow.WARM_UP)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


@pytest.mark.slow
def test_every_word_of_the_exams_and_of_the_article_is_one_token():
    encode = grow.tokenizer()
    words = {word for exam in exams.exams() for item in exam.items for word in (item.right, *item.wrong)}
    words |= {word.strip(".,") for sentence in exams.ARTICLE for word in sentence.split()}
    pieces = {word: encode.tokenize(f" {word}") for word in sorted(words)}
    assert {word: cut for word, cut in pieces.items() if len(cut) != 1} == {}
