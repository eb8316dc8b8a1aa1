"""Concepts and where they are in a text; tokens cut so that nothing fitted is tested; the probes on
pocket.
"""

import numpy as np
import pytest
import torch

from interp import hooks
from interp.methods.scan import world_kinds, world_texts
from interp.sites import Site
from interp.studies.neurons import concepts
from interp.words.concepts import CONCEPTS
from interp.words.ioi import NAMES
from interp.words.world import KINDS

BY_NAME = {concept.name: concept for concept in CONCEPTS}


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("country", "In Poland, the capital is Warsaw.", ["Poland"]),
        ("capital", "In Poland, the capital is Warsaw.", ["Warsaw"]),
        ("repeated-name", "Mary saw John. Then John ran to Mary.", ["John", "Mary"]),
        ("repeated-name", " Mary dog Mary dog", []),
        ("repeated-list", " dog cat Mary dog cat Mary", ["dog cat Mary"]),
        ("repeated-list", "Mary saw John. Mary saw John.", []),
        ("quotation", '"Where is it?" asked Tom.', ["Where is it?"]),
        ("time-range", "The store is open from Monday to Friday.", ["from Monday to Friday"]),
        ("time-range", "Between 1900 and 1992 Tom lived there.", ["Between 1900 and 1992"]),
        ("television", "Tom plays a cook in the television quiz.", ["plays a cook in the television quiz."]),
        ("military", "The navy of Peru sent ships to the military base.",
         ["The navy of Peru sent ships to the military base."]),
        ("question", "Q: What is it?\nA: Paris\n", ["What is it?"]),
        ("belief", "She believes that the bag is full of tea.",
         ["She believes that the bag is full of tea."]),
        ("plural", "the dogs saw two boxes and a dog", ["dogs", "boxes"]),
    ],
)  # fmt: skip
def test_a_concept_is_found_where_it_stands(name, text, found):
    assert [text[first:end] for first, end in BY_NAME[name].find(text)] == found


def test_the_texts_of_a_scan_have_their_kinds_and_are_repeatable():
    texts, kinds = world_texts(50, seed=3), world_kinds(50, seed=3)
    assert texts == world_texts(50, seed=3)
    assert set(kinds) <= {kind.__name__.replace("_", " ") for kind in KINDS}
    asked = [text for text, kind in zip(texts, kinds, strict=True) if kind == "tenses"]
    assert all(text.startswith("Today I") for text in asked)


@pytest.fixture(scope="module")
def chosen(pocket):
    return concepts.tokens(pocket)


def test_labels_stand_on_the_tokens_of_their_spans(pocket, chosen):
    row = [concept.name for concept in CONCEPTS].index("country")
    words = [pocket.tokenizer.decode([int(word)]).strip() for word in chosen.word[chosen.labels[row]]]
    assert {"Poland", "France"} <= set(words)
    assert all(BY_NAME["country"].find(word) for word in words)
    assert all(
        chosen.ids[t][p] == w for t, p, w in zip(chosen.text, chosen.position, chosen.word, strict=True)
    )


def test_a_repeated_name_is_told_from_other_names_only(pocket, chosen):
    concept = BY_NAME["repeated-name"]
    tested = chosen.part(concept) == concepts.TEST
    words = {pocket.tokenizer.decode([int(word)]).strip() for word in chosen.word[tested]}
    assert words <= set(NAMES)
    labels = chosen.labels[[one.name for one in CONCEPTS].index("repeated-name"), tested]
    assert 0.1 < labels.mean() < 0.9
    country = chosen.part(BY_NAME["country"])
    assert (country == chosen.by_word).all()


def test_no_word_and_no_text_is_both_fitted_and_tested(chosen):
    for what, cut in ((chosen.word, chosen.by_word), (chosen.text, chosen.by_text)):
        parts = [set(what[cut == part].tolist()) for part in range(3)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]


def test_features_are_what_a_run_of_the_single_text_gives(pocket, chosen):
    seen = concepts.features(pocket, chosen)
    for token in (0, 777, len(chosen.text) - 1):
        ids = np.array(chosen.ids[chosen.text[token]])[None]
        place = Site("mlp_post", 5)
        alone = hooks.record(pocket, torch.from_numpy(ids), [place])[place]
        expected = alone[0, chosen.position[token]].numpy()
        assert np.allclose(seen["neurons"][5][token], expected, atol=1e-4)


@pytest.mark.slow
def test_probes_on_pocket_beat_both_controls_for_most_concepts(pocket):
    probed = concepts.probe(pocket)
    assert len(probed.beating()) > len(CONCEPTS) / 2
    shuffled = probed.best.at(source="shuffled").values
    assert abs(shuffled.mean() - 0.5) < 0.1
    for best in probed.single:
        assert best.interval[0] <= best.auc <= best.interval[1]
    moved = concepts.switched_off(pocket, probed.single)
    assert (moved.values >= -1e-9).all()
