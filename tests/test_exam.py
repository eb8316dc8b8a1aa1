"""The exams on a model and on an n-gram, and the card that shows them."""

import json

import numpy as np
import pytest
import torch

from interp import exam_card, models
from interp.methods import ngram
from interp.pocket import grow
from interp.studies.cards import exam as study
from interp.studies.cards import pocket as old_rows
from interp.words.bigger import exams

SMALL = grow.Growth(
    blocks=2, early=1, heads=2, d_model=16, context=96, rows=2, documents=1500,
    phases=tuple(
        grow.Phase(p.text, p.trains, 1, p.muon, p.adam) for p in grow.PHASES
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A model that has learned nothing yet, said to have read everything."""
    folder = grow.grow(tmp_path_factory.mktemp("models") / "small", SMALL)
    (folder / "seen_words.json").unlink()
    return models.load(folder), folder


@pytest.fixture(scope="module")
def some():
    """The exams whose words even a small sample of the world holds."""
    names = (
        "gift, outside wording 6",
        "whose it is, unseen roles",
        "one mouse, two mice",
        "he or she after a title",
    )
    return {exam.name: exam for exam in exams.exams(most=8) if exam.name in names}


def test_a_model_that_learned_nothing_is_right_about_one_of_two(grown, some):
    shares = [float(study.answered(grown[0], exam).values.mean()) for exam in some.values()]
    assert 0.3 < np.mean(shares) < 0.7


def test_an_ngram_is_right_once_it_has_read_the_answers_and_only_then(grown, some):
    model, _ = grown
    exam = some["one mouse, two mice"]
    told = [models.encode(model, f"{item.text} {item.right}.") for item in exam.items]
    read = [torch.tensor([ids]) for ids in told]
    assert study.by_counting(model, exam, ngram.counted([read[0]], model.cfg.d_vocab)) <= 0.5
    together = torch.tensor([[one for ids in told for one in ids]])
    assert study.by_counting(model, exam, ngram.counted([together], model.cfg.d_vocab)) <= 0.75
    counts = ngram.counted([together], model.cfg.d_vocab, order=5)
    assert counts.order == 5


def test_the_share_of_he_is_that_of_the_two_pronouns(grown):
    model, _ = grown
    chances = np.full((1, model.cfg.d_vocab), np.log(0.01))
    for word, chance in (("he", 0.3), ("she", 0.1)):
        chances[0, models.encode(model, f" {word}")[0]] = np.log(chance)
    assert study._share_of_he(model, chances) == pytest.approx([0.75])


def test_an_item_is_right_when_it_beats_every_wrong_word(grown):
    model, _ = grown
    item = exams.Item("One", "is", ("are", "the"), "One is")
    ids = {word: models.encode(model, f" {word}")[0] for word in ("is", "are", "the")}
    scores = np.zeros(model.cfg.d_vocab)
    scores[ids["is"]] = 1.0
    assert study._chosen(model, item, scores)
    scores[ids["the"]] = 2.0
    assert not study._chosen(model, item, scores)
    scores[ids["the"]] = 1.0  # no better than equal
    assert not study._chosen(model, item, scores)


def test_a_model_without_the_words_is_refused_in_one_sentence(pocket, some):
    with pytest.raises(ValueError) as refused:
        study.answered(pocket, some["one mouse, two mice"])
    said = str(refused.value)
    assert said.startswith("The exam “one mouse, two mice” needs words that pocket does not know (")
    assert "mice" in said
    assert said.endswith(
        "): take a model grown from the bigger world (python -m interp train-pocket --world bigger)."
    )


def test_a_folder_of_the_old_world_has_no_recipe_of_the_new(tmp_path):
    (tmp_path / "training.json").write_text(json.dumps({"recipe": {"blocks": 8}}))
    assert not exam_card.is_grown(tmp_path)
    with pytest.raises(ValueError, match=r"was not grown from the bigger world: give a folder that was\.$"):
        grow.recipe_of(tmp_path)


def test_the_recipe_comes_back_from_the_folder(grown):
    assert exam_card.is_grown(grown[1])
    assert grow.recipe_of(grown[1]) == SMALL


def test_the_card_hides_no_row_and_no_miss(grown, some, tmp_path):
    model, folder = grown
    rows = tuple(
        study.Row(exam.name, exam.claim, share, (0.1, 0.9), 8, exam.least, 0.5)
        for exam, share in zip(some.values(), np.linspace(0.4, 1, len(some)).tolist(), strict=True)
    )
    checks = tuple(old_rows.Check("first", 0.5, 0.9, bos=bos, n=7) for bos in (False, True))
    (tmp_path / "training.json").write_text((folder / "training.json").read_text())
    skews = (study.Skew("doctor", 0.7, 0.62, (0.6, 0.64), 64, 0.5),)
    measured = exam_card.ExamCard(checks, rows, skews)
    page = exam_card.write(measured, model, tmp_path).read_text(encoding="utf-8")
    for row in rows:
        assert f"| {row.name} | {row.claim} | {row.measured:.3g}" in page
    missed = sum(not row.passed for row in rows)
    assert 0 < missed < len(rows)
    assert page.count("**missed**") == missed + 2
    assert set(measured.missed) == {"first", *(row.name for row in rows if not row.passed)}
    assert "| doctor | 0.70 | 0.62 (0.60 to 0.64), n=64 | 0.50 |" in page
    for text in grow.TRAINS.values():
        assert text in page
    assert exam_card.SECOND not in page  # that is told of the model that comes along
    kept = json.loads((tmp_path / "measurements.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in kept["exams"]] == [row.name for row in rows]


def test_the_grown_model_that_comes_along_is_the_one_on_its_card():
    folder = models.EMBEDDED["pocket-bigger"]
    card = models.describe(models.load("pocket-bigger"))
    assert f"sha256 `{card.weights_sha256}`" in (folder / "README.md").read_text(encoding="utf-8")
    kept = json.loads((folder / "measurements.json").read_text(encoding="utf-8"))
    assert kept["weights_sha256"] == card.weights_sha256
    assert exam_card.is_grown(folder)
    assert grow.recipe_of(folder) == grow.Growth()


def test_the_training_that_was_not_taken_stands_on_the_card_with_all_its_rows():
    folder = models.EMBEDDED["pocket-bigger"]
    assert exam_card.SECOND in (folder / "README.md").read_text(encoding="utf-8")
    told = (folder / "second_training.md").read_text(encoding="utf-8")
    for row in json.loads((folder / "measurements.json").read_text(encoding="utf-8"))["exams"]:
        assert f"| {row['name']} | {row['claim']} | " in told


def test_its_words_are_those_of_every_exam():
    model = models.load("pocket-bigger")
    assert [exam.name for exam in exams.exams() if study._unknown(model, exam)] == []


def test_its_rows_are_measured_again_as_the_card_says():
    model = models.load("pocket-bigger")
    said = {
        row["name"]: row
        for row in json.loads((models.EMBEDDED["pocket-bigger"] / "measurements.json").read_text())["exams"]
    }
    some = [
        exam
        for exam in exams.exams()
        if exam.name in ("fruit flies like a banana", "gift, outside wording 7", "one mouse, two mice")
    ]
    for exam in some:
        assert study.answered(model, exam).values.mean() == pytest.approx(
            said[exam.name]["measured"], abs=0.04
        )


def test_a_miss_stands_on_the_card_with_its_likeliest_reason():
    text = exam_card._reasons(["gift, outside wording 3", "belief: a false label that was read"])
    assert text.count("- *") == 2
    assert "- *belief*: it says what is in the bag" in text
    assert exam_card._reasons([]) == ""
