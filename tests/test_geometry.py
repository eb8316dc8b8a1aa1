"""Geometry of word vectors: the figures measured on GloVe; the methods on planted and shuffled ones."""

import numpy as np
import pytest
from test_vectors import message_of, table

from interp import models, vectors
from interp.methods import embeddings
from interp.methods.geometry import arithmetic, directions, neighbours, readers
from interp.methods.geometry.arithmetic import WAYS
from interp.vectors import Question, WordVectors
from interp.words.vectors import CLASSES, GENDER_PAIRS


@pytest.fixture(scope="module")
def glove():
    return vectors.shipped()


@pytest.fixture(scope="module")
def answered(glove):
    asked = arithmetic.known(glove, vectors.questions())
    return asked, arithmetic.solved(glove, asked)


def planted(pairs=30, width=40, seed=0):
    """Pairs of words that differ by one and the same large step, among words that lie anywhere."""
    generator = np.random.default_rng(seed)
    base, step = generator.normal(size=(pairs, width)), 3 * generator.normal(size=width)
    others = generator.normal(size=(200, width))
    words = [f"{side}{n}" for side in "ab" for n in range(pairs)] + [f"other{n}" for n in range(200)]
    return WordVectors("planted", tuple(words), np.concatenate([base, base + step, others]), "", "")


def asked_of(pairs=30):
    return [
        Question("step", f"a{m}", f"b{m}", f"a{n}", f"b{n}")
        for m in range(pairs)
        for n in range(pairs)
        if m != n
    ]


def test_the_neighbours_of_the_cat_are_animals(glove):
    found = neighbours.nearest(glove, "Cat")
    assert found.axes["word"] == ("dog", "rabbit", "cats", "monkey", "pet", "dogs", "mouse", "puppy")
    assert np.all(np.diff(found.values) <= 0)
    rows = glove.rows[[glove.at("cat"), glove.at("dog")]].astype(float)
    cosine = rows[0] @ rows[1] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[1])
    assert found.at(word="dog").values == pytest.approx(cosine, abs=1e-6)


def test_the_analogies_come_out_as_measured(answered):
    """To a thousandth: the table that was measured had float32 rows, ours are int8."""
    asked, hits = answered
    assert len(asked) == 15_276
    shares = [float(hits.at(way=way).mean("question")) for way in WAYS]
    assert shares == pytest.approx([0.657, 0.348, 0.018, 0.184], abs=0.001)
    kinds = np.array([one.kind for one in asked])
    family = hits.values[:, kinds == "family"].mean(axis=1)
    assert family == pytest.approx([0.874, 0.463, 0.047, 0.503], abs=0.003)


def test_the_analogies_are_those_of_a_plain_loop(glove, answered):
    asked, hits = answered
    for number in range(0, len(asked), 997):
        one = asked[number]
        a, b, c = (glove.unit[glove.index[word]] for word in one.words[:3])
        order = [glove.words[row] for row in np.argsort(-(glove.unit @ (b - a + c)))[:5]]
        assert hits.values[1, number] == (order[0] == one.d)
        left = [word for word in order if word not in one.words[:3]]
        assert hits.values[0, number] == (left[0] == one.d)


def test_the_questions_words_may_be_the_answer_or_not(glove):
    with_them = arithmetic.answers(glove, "man", "woman", "king", allowed=True)
    without = arithmetic.answers(glove, "man", "woman", "king")
    assert (with_them.axes["word"][:2], without.axes["word"][0]) == (("king", "queen"), "queen")


def test_planted_steps_are_found_and_lost_when_the_rows_are_exchanged():
    whole = planted()
    shares = arithmetic.solved(whole, asked_of()).mean("question").values
    assert (shares[0], shares[1] > 0.8) == (1, True)
    assert arithmetic.solved(whole.shuffled(), asked_of()).mean("question").values.max() < 0.2


def test_the_interval_resamples_pairs_not_questions():
    """Half of the pairs are always right: the interval must be as wide as 30 pairs make it, not 870."""
    asked = asked_of()
    hits = np.array([float(int(one.a[1:]) < 15) for one in asked])
    low, high = arithmetic.over_pairs(hits, asked)
    assert 0.3 < high - low < 0.42
    assert low < 0.5 < high
    assert arithmetic.over_pairs(np.ones(len(asked)), asked) == (1, 1)


def test_no_question_at_all_is_one_sentence():
    assert arithmetic.known(table(), vectors.questions()) == ()
    assert message_of(arithmetic.solved, table(), []) == (
        "There is no question whose four words are all in this table. Give other questions."
    )


def test_words_that_cancel_out_are_one_sentence():
    assert message_of(neighbours.nearest_to, table(), np.zeros(3)) == (
        "These words cancel out: nothing is left that could point anywhere. Change one of them."
    )


def test_a_row_of_zeros_is_nobodys_neighbour():
    assert "nil" not in neighbours.nearest(table(), "cat", 2).axes["word"]


def slope(vectors, along):
    """Reach along a direction, over what is left across it."""
    reach = vectors.unit @ along
    return reach / np.linalg.norm(vectors.unit - np.outer(reach, along), axis=1)


def test_a_planted_direction_is_found_projected_and_taken_out():
    whole = planted()
    found = directions.direction(whole, [(f"b{n}", f"a{n}") for n in range(20)])
    assert found.pairs == 20
    assert np.linalg.norm(found.vector) == pytest.approx(1)
    reach = directions.projection(whole, [f"b{n}" for n in range(20, 30)], found.vector).values
    other = directions.projection(whole, [f"a{n}" for n in range(20, 30)], found.vector).values
    assert reach.min() > other.max()
    left = directions.removed(whole, found.vector)
    assert np.abs(left.rows @ found.vector).max() < 1e-5
    assert np.allclose(directions.removed(whole, found.vector, 0.0).rows, whole.unit)
    half = directions.removed(whole, found.vector, 0.5)
    assert np.allclose(slope(half, found.vector), slope(whole, found.vector) / 2, atol=1e-4)
    only = WordVectors("only", ("a", "b"), np.eye(2), "", "")
    assert directions.removed(only, np.array([1.0, 0.0])).rows.tolist() == [[0, 0], [0, 1]]
    assert message_of(directions.direction, whole, []) == (
        "A direction needs at least one pair of words; none of the pairs is in this table."
    )


def test_a_gap_is_a_difference_of_mean_cosines(glove):
    women, men = zip(*GENDER_PAIRS, strict=True)
    gap = directions.gap(glove, women, men)
    nurse = glove.unit[glove.at("nurse")].astype(float)
    cosines = [np.mean([nurse @ glove.unit[glove.at(word)] for word in side]) for side in (women, men)]
    assert nurse @ gap == pytest.approx(cosines[0] - cosines[1], abs=1e-6)


def test_random_gaps_point_nowhere_in_particular(glove):
    gaps = directions.random_gaps(glove, count=200)
    assert gaps.shape == (200, 100)
    assert np.linalg.norm(gaps.mean(axis=0)) < 0.1 * np.linalg.norm(gaps, axis=1).mean()
    assert np.array_equal(gaps, directions.random_gaps(glove, count=200))


def test_the_plane_shows_what_it_keeps():
    flat = WordVectors(
        "flat", tuple("abcd"), np.array([[2, 1, 0], [2, -1, 0], [-2, 1, 0], [1, 1, 0.0]]), "", ""
    )
    found = directions.plane(flat, tuple("abcd"))
    assert sum(found.shares) == pytest.approx(1)
    rows = flat.rows_of("abcd")
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
    points = found.points.values
    assert np.allclose(np.linalg.norm(points[:, None] - points[None], axis=-1), apart)
    assert message_of(directions.plane, flat, ("a",)) == "A plane needs at least three words; there is 1."
    assert message_of(directions.plane, flat, "ab") == "A plane needs at least three words; there are 2."


def test_a_reader_does_not_see_the_group_it_is_asked_about():
    """Every group has a target of its own that only itself could tell."""
    features, groups = np.zeros((6, 1)), ["x", "x", "y", "y", "z", "z"]
    targets = np.array([[0.0], [0], [1], [1], [5], [5]])
    said = readers.held_out(features, targets, groups)[:, 0]
    assert said == pytest.approx([3, 3, 2.5, 2.5, 0.5, 0.5])


def test_a_reader_tells_sides_apart_that_differ_and_not_shuffled_ones():
    generator = np.random.default_rng(0)
    labels = np.arange(400) < 200
    features = generator.normal(size=(400, 10)) + labels[:, None]
    assert readers.told_apart(features, labels).mean() > 0.9
    assert abs(readers.told_apart(features, generator.permutation(labels)).mean() - 0.5) < 0.1


def test_what_is_taught_of_three_words_reaches_their_class_but_not_in_shuffled_rows(glove):
    words = [word for one in CLASSES.values() for word in glove.known(one)]
    labels = np.array([word in CLASSES["animal"] for word in words])
    learned = readers.transfer(glove.rows_of(words), labels, 3)
    lost = readers.transfer(glove.shuffled().rows_of(words), labels, 3)
    assert len(learned) == 20
    assert learned.mean() > 0.9
    assert abs(lost.mean() - 0.5) < 0.1
    assert message_of(readers.transfer, glove.rows_of(words), labels, 23) == (
        "23 words of 23 and 140 were to be taught: leave some to ask."
    )


def test_every_word_of_the_classes_is_shipped(glove):
    missing = [word for one in CLASSES.values() for word in one if not glove.known([word])]
    assert missing == []


def test_a_models_own_table_says_which_token_a_word_is(tiny):
    raw, centred = embeddings.of_model(tiny), embeddings.of_model(tiny, centred=True)
    assert raw.source == "The token table of tiny: each word is its one token with a space in front."
    assert centred.source == (
        "The token table of tiny, the mean row taken out: each word is its one token with a space in front."
    )
    token = models.encode(tiny, " Mary")
    assert np.allclose(raw.rows[raw.at("Mary")], tiny.W_E[token[0]].numpy())
    assert np.allclose(centred.rows.mean(axis=0), 0, atol=1e-6)
    assert neighbours.nearest(raw, "Mary", 3).about["model"] == "tiny"
