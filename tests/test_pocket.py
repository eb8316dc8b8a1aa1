"""The pocket model that is shipped: what it is, what it does, and that its card tells the truth."""

import json
import shutil
from dataclasses import asdict, replace

import pytest
import torch
from reference import Reference
from safetensors import safe_open
from transformers import AutoConfig, GPT2LMHeadModel

from interp import card, models
from interp.methods.ablation import head_ablation, head_values
from interp.methods.attribution import head_attribution
from interp.pocket.train import Recipe, seen_words
from interp.studies.cards import pocket as study
from interp.studies.names import ioi

FOLDER = card.FOLDER


@pytest.fixture(scope="module")
def untrained(pocket, tmp_path_factory):
    """The same shape and tokenizer before any training."""
    folder = tmp_path_factory.mktemp("models") / "untrained"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(FOLDER / name, folder / name)
    torch.manual_seed(0)
    GPT2LMHeadModel(AutoConfig.from_pretrained(FOLDER)).save_pretrained(folder)
    return models.load(folder)


def measurements():
    return json.loads((FOLDER / "measurements.json").read_text(encoding="utf-8"))


def test_the_shipped_folder_is_a_small_gpt2_in_safetensors():
    config = AutoConfig.from_pretrained(FOLDER)
    assert config.architectures == ["GPT2LMHeadModel"]
    assert config.activation_function == "gelu_new"
    assert config.tie_word_embeddings
    assert (FOLDER / "model.safetensors").stat().st_size <= 20_000_000
    with safe_open(FOLDER / "model.safetensors", "pt") as weights:
        assert "transformer.wte.weight" in weights.keys()  # noqa: SIM118
    assert not list(FOLDER.glob("*.bin")) + list(FOLDER.glob("*.pt"))


def test_the_shipped_weights_come_from_the_recipe_in_the_code():
    record = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    assert record["recipe"] == asdict(Recipe())
    assert list(record["loss"].values()) == sorted(record["loss"].values(), reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("bos", [False, True])
def test_the_model_does_what_the_card_says(pocket, bos):
    said = {row["name"]: row for row in measurements()["checks"] if row["bos"] == bos}
    assert measurements()["weights_sha256"] == models.describe(pocket).weights_sha256
    for check in study.behaviour(pocket, bos=bos):
        assert check.measured == pytest.approx(said[check.name]["measured"], abs=0.005), check.name
        assert check.passed == said[check.name]["passed"], check.name


def test_the_card_hides_no_line_and_no_miss(pocket):
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for row in measurements()["checks"]:
        assert row["name"] in page
        met = row["measured"] <= row["threshold"] if row["at_most"] else row["measured"] >= row["threshold"]
        assert row["passed"] == met
    missed = sum(not row["passed"] for row in measurements()["checks"])
    assert page.count("**missed**") == missed
    assert models.describe(pocket).weights_sha256 in page


@pytest.mark.slow
def test_the_work_happens_in_stages(pocket):
    staged = study.stages(pocket, n=60, seed=5)
    for check in study.depth(staged, study.heads(pocket, n=60, seed=5)):
        assert check.passed, check


def test_an_untrained_twin_does_nothing_of_it(untrained):
    for check in study.behaviour(untrained, bos=False, n=64):
        assert not check.passed, check


def test_a_check_knows_its_direction():
    assert study.Check("share", 0.9, 0.8, bos=False, n=10).passed
    assert not study.Check("share", 0.7, 0.8, bos=False, n=10).passed
    assert study.Check("share", 0.7, 0.8, bos=False, n=10, at_most=True).passed
    assert not study.Check("share", 0.9, 0.8, bos=False, n=10, at_most=True).passed


def test_a_missed_line_stands_on_the_card():
    checks = [study.Check("first", 0.5, 0.9, bos=bos, n=7, interval=(0.4, 0.6)) for bos in (False, True)] + [
        study.Check("second", 0.1, 0.7, bos=bos, n=3, at_most=True) for bos in (False, True)
    ]
    missed = "0.5 (0.4 to 0.6), n=7, **missed**"
    assert card._table(checks).splitlines()[4:] == [
        f"| first | {missed} | {missed} | at least 0.9 |",
        "| second | 0.1, n=3 | 0.1, n=3 | at most 0.7 |",
    ]


def test_ablation_and_attribution_equal_the_loop_written_model(pocket):
    prompts = ioi.prompts(pocket, 2, templates=(3, 9), seed=4)
    baseline = ioi.reference(pocket, prompts, seed=4)
    values = head_values(pocket, prompts, range(pocket.cfg.n_layers), reference=baseline)
    measured = head_ablation(
        pocket, prompts, ioi.logit_difference(prompts), reference=baseline, progress=False
    )
    written, loops = head_attribution(pocket, prompts), Reference(FOLDER)
    for number, length in enumerate(prompts.length.tolist()):
        io, s = prompts.answers["io"][number], prompts.answers["s"][number]
        ids = prompts.tokens[number, :length]
        clean = loops.forward(ids)
        lead = clean.logits[-1, io] - clean.logits[-1, s]
        for layer, head in clean.written:
            put = values[layer][number, :length, head]
            ablated = loops.forward(ids, replaced={(layer, head): put}).logits[-1]
            found = float(measured.at(layer=layer, head=head, prompt=number))
            assert found == pytest.approx(float(ablated[io] - ablated[s] - lead), abs=1e-4)
            found = float(written.at(layer=layer, head=head, prompt=number))
            assert found == pytest.approx(loops.contribution(clean, layer, head, io, s), abs=1e-4)


def test_the_words_it_is_said_to_have_seen_are_those_of_its_training(pocket):
    kept = models.seen_words(pocket)
    first = set(seen_words(pocket.tokenizer, replace(Recipe(), steps=40)))
    assert len(first) > 500
    assert first <= kept
    rest = kept - first  # rare words, and beginnings of words that a row's end has cut
    assert len(rest) < 0.02 * len(kept)
