"""C1 to C3 on the shipped vectors, and on planted and shuffled ones, where each verdict must flip."""

import numpy as np
import pytest
from test_vectors import message_of

from interp import vectors
from interp.methods.geometry import neighbours
from interp.methods.geometry.arithmetic import ALLOWED
from interp.studies.vectors import arithmetic, bias, nearness, own_table
from interp.vectors import WordVectors
from interp.words.vectors import ARTICLE_ANALOGIES, CLASSES, GENDER_PAIRS, PUBLISHED_PAIRS


@pytest.fixture(scope="module")
def glove():
    return vectors.shipped()


def made(rows, name="planted"):
    return WordVectors(name, tuple(rows), np.array(list(rows.values())), "Planted for a test.", "0" * 64)


def noise(words, width=60, seed=0, size=1.0):
    generator = np.random.default_rng(seed)
    return {word: size * generator.normal(size=width) for word in words}


def c1_of(table):
    return nearness.c1(
        nearness.same_continent(table),
        nearness.same_continent(table.shuffled()),
        nearness.median_errors(table),
        neighbours.nearest(table, "cat", 10),
    )


def c2_of(table, some):
    return arithmetic.c2(arithmetic.answered(table, some), arithmetic.article_examples(table))


def c3_of(table):
    return bias.c3(
        bias.beside_census(table),
        bias.by_chance(table),
        bias.article_example(table),
        bias.told_apart(table),
        bias.by_list(table),
    )


# C1


@pytest.mark.slow
def test_the_map_errs_as_measured(glove):
    errors = nearness.median_errors(glove)
    assert errors.values[:, 0] == pytest.approx([1830, 2270], abs=10)
    assert (errors.values[:, 1] > 5000).all()
    assert float(nearness.same_continent(glove).mean("city")) == pytest.approx(0.875, abs=0.0005)


def test_the_map_is_right_where_the_vectors_hold_the_globe_and_its_kilometres_are_kilometres():
    there = vectors.cities()
    east, north = np.radians([(city.longitude, city.latitude) for city in there]).T
    globe = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)
    table = made({city.word: row for city, row in zip(there, globe, strict=True)})
    found = nearness.placed(table)
    assert np.median(found.errors.values) < 60
    london, paris = (found.places.at(place="true", city=name).values for name in ("london", "paris"))
    assert london == pytest.approx([-0.13, 51.5], abs=0.1)
    half = np.sin(np.radians(paris - london) / 2) ** 2
    arc = 2 * np.arcsin(np.sqrt(half[1] + np.prod(np.cos(np.radians([london[1], paris[1]]))) * half[0]))
    assert 6371 * arc == pytest.approx(344, abs=3)  # kilometres from London to Paris


def test_cities_of_a_held_out_country_are_not_trained_on(glove):
    by_country = nearness.placed(glove, held_out="country").errors
    assert np.median(by_country.values) > np.median(nearness.placed(glove).errors.values)
    assert message_of(nearness.placed, glove, held_out="planet") == (
        'held_out is "city" or "country", not \'planet\'.'
    )


def test_the_few_cities_of_the_picture_are_the_largest_of_their_countries(glove):
    shown = nearness.largest(nearness.placed(glove)).axes["city"]
    countries = {city.word: city.country for city in vectors.cities()}
    assert len({countries[name] for name in shown}) == len(shown)
    assert shown[0] == vectors.cities()[0].word


@pytest.mark.slow
def test_c1_flips(glove):
    claim = c1_of(glove)
    assert (claim.verdict, claim.measured) == ("supported", pytest.approx(0.875, abs=0.0005))
    assert claim.interval[0] > 0.7
    assert "2,271 km (median)" in claim.test
    assert c1_of(glove.shuffled()).verdict == "not supported"


@pytest.mark.slow
def test_c1_is_partly_where_neighbours_are_near_but_no_map_follows():
    """Each country has a direction of its own at random: nothing says where a country lies."""
    there = vectors.cities()
    centre = noise(sorted({city.country for city in there}), width=120, seed=1)
    rows = noise(("cat", "dog", "pet", *(city.word for city in there)), width=120)
    rows |= {city.word: 0.1 * rows[city.word] + centre[city.country] for city in there}
    claim = c1_of(made(rows))
    assert (claim.verdict, claim.measured > 0.8) == ("partly", True)


def test_what_is_taught_of_one_word_reaches_its_class_and_nothing_in_shuffled_rows(glove):
    reached = nearness.taught(glove).mean("class")
    assert reached.at(rows=nearness.ROWS[0]).values[0] > 0.85
    assert np.all(np.diff(reached.at(rows=nearness.ROWS[0]).values) > 0)
    assert np.abs(reached.at(rows=nearness.ROWS[1]).values - 0.5).max() < 0.05
    few = made(noise(CLASSES["animal"]))
    assert message_of(nearness.taught, few) == (
        "planted knows too few of the words to teach: give a table of more words."
    )


# C2


def steps(step, blur):
    """Capitals and countries of the questions: a step of this length from each capital to its country, which
    lies off by `blur`; and beside each capital three relatives that no step leads to.
    """
    some = [one for one in vectors.questions() if one.kind == "capital-common-countries"]
    along, generator = np.zeros(200), np.random.default_rng(3)
    along[0] = step

    def off(length):
        vector = generator.normal(size=200)
        return length * vector / np.linalg.norm(vector)

    rows = {}
    for capital, country in dict.fromkeys((one.a, one.b) for one in some):
        rows[capital] = off(10)
        rows[country] = rows[capital] + along + off(blur)
        rows |= {f"{capital} relative {n}": rows[capital] + off(3.4) for n in range(3)}
    return made(rows), some


def test_c2_flips():
    table, some = steps(step=4, blur=0.5)
    assert c2_of(table, some).verdict == "supported"
    assert c2_of(table.shuffled(), some).verdict == "not supported"


def test_c2_is_partly_where_only_leaving_the_questions_words_out_helps():
    """The answer is nearest to b - a + c but for c itself."""
    claim = c2_of(*steps(step=2, blur=3))
    assert (claim.verdict, claim.measured > 0.5) == ("partly", True)
    assert "If they may answer: 0." in claim.test


def test_c2_on_the_shipped_vectors_is_partly_and_names_every_example(glove):
    answered = arithmetic.answered(glove)
    claim = arithmetic.c2(answered, arithmetic.article_examples(glove))
    assert (claim.verdict, claim.measured) == ("partly", pytest.approx(0.657, abs=0.001))
    assert claim.interval[0] < claim.measured < claim.interval[1]
    assert claim.interval[1] - claim.interval[0] > 0.03  # pairs, not questions, are drawn again
    assert "The article's examples: 3 of 6 right, 2 if its own words may answer." in claim.test
    for _, b, _, _ in ARTICLE_ANALOGIES:
        assert f"{b} − " in claim.test
    by_class = answered.by_class()
    assert by_class.axes["class"][0] == "capital"
    assert by_class.at(**{"class": "family"}).at(way=ALLOWED).values == pytest.approx(0.463, abs=0.003)


def test_the_examples_come_out_as_measured(glove):
    found = [(one.left_out, one.allowed) for one in arithmetic.article_examples(glove)]
    assert found == [
        ("largest", "largest"), ("cambodian", "cambodian"), ("germany", "germany"), ("illegal", "possible"),
        ("weaker", "dollar"), ("queen", "king"),
    ]  # fmt: skip
    without = arithmetic.article_examples(made(noise(("man", "woman"))))
    assert str(without[-1]) == "woman − man + king: a word is not in this table"
    assert without[-1].right == (False, False)


def test_the_parallelogram_has_two_equal_arrows_and_keeps_distances_in_its_plane(glove):
    drawn = arithmetic.parallelogram(glove, "man", "king", "woman", "queen")
    place = {name: drawn.points.at(word=name).values for name in drawn.points.axes["word"]}
    (one, other), (third, target) = drawn.arrows
    assert np.allclose(place[other] - place[one], place[target] - place[third])
    rows = dict(zip(("man", "king"), glove.rows_of(("man", "king")), strict=True))
    assert np.linalg.norm(place["king"] - place["man"]) == pytest.approx(
        np.linalg.norm(rows["king"] - rows["man"])
    )
    assert (drawn.roles["queen"], drawn.roles["king"]) == ("expected answer", "in the question")
    assert drawn.nearest.axes["word"][0] == "king"


# C3


def test_the_lean_comes_out_as_measured(glove):
    r, interval = bias.correlation(bias.beside_census(glove))
    assert r == pytest.approx(0.48, abs=0.005)
    assert interval == pytest.approx((0.24, 0.68), abs=0.03)
    lists = bias.by_list(glove)
    assert lists.at(list="ours").values == pytest.approx([0.49, 0.51, 0.48], abs=0.005)
    assert set(lists.axes["list"]) == {"ours", *PUBLISHED_PAIRS}
    assert bias.by_chance(glove) == pytest.approx(0.35, abs=0.02)
    assert np.corrcoef(bias.beside_census(glove).values.T)[0, 1] == pytest.approx(r)


def test_taking_the_direction_out_hides_and_does_not_remove(glove):
    left = bias.told_apart(glove)
    assert left.mean("word").values == pytest.approx([1.0, 0.87, 0.48], abs=0.03)
    assert not {word for pair in GENDER_PAIRS for word in pair} & set(left.axes["word"])


def leaning(strength):
    """Occupations that lean by their share of women in the census, and words that lean nowhere."""
    rows = noise([f"word{n}" for n in range(3000)], seed=4)
    axis = 8 * np.eye(60)[0]
    for women, men in dict.fromkeys((*GENDER_PAIRS, *(p for some in PUBLISHED_PAIRS.values() for p in some))):
        near = noise([women], seed=len(women))[women]
        rows |= {women: near + axis, men: near - axis}
    for job in vectors.occupations():
        rows[job.word] = noise([job.word], seed=len(rows))[job.word] + strength * job.women[2000] * axis
    rows["doctor"] = noise(["doctor"], seed=9)["doctor"]
    rows["nurse"] = rows["doctor"] + 2 * axis
    return made(rows)


def test_c3_flips(glove):
    claim = c3_of(glove)
    assert (claim.verdict, claim.measured) == ("supported", pytest.approx(0.48, abs=0.005))
    assert "woman − man + doctor = nurse (doctor if its own words may answer)." in claim.test
    assert c3_of(leaning(1.0)).verdict == "supported"
    assert c3_of(leaning(0.0)).verdict == "not supported"
    assert c3_of(leaning(-1.0)).verdict == "not supported"
    assert c3_of(glove.shuffled()).verdict == "not supported"


def test_c3_is_partly_where_the_articles_example_fails():
    table = leaning(1.0)
    rows = {word: table.rows[row] for word, row in table.index.items()}
    rows["nurse"] = -rows["doctor"]
    assert c3_of(made(rows)).verdict == "partly"


# A model's own table


def test_a_models_own_table_is_asked_only_what_both_know(glove, pocket):
    found = own_table.beside(pocket, glove)
    assert found.axes["table"] == (glove.name, own_table.RAW, own_table.CENTRED, own_table.LOT)
    assert found.about["model"] == "pocket"
    assert 0 < found.about["questions"] < 15_276
    assert found.at(table=own_table.LOT).values.max() < 0.4
    assert found.at(table=own_table.RAW).values[0] > 0.8


def test_the_mean_row_makes_words_look_alike(pocket):
    as_it_is, centred = own_table.sameness(pocket).values
    assert as_it_is > 0.1 > abs(centred)


def test_where_nothing_can_be_asked_there_is_no_number(tiny):
    found = own_table.beside(tiny, made(noise(("Mary", "John", "Paris"))))
    assert np.isnan(found.values[:, 1:]).all()
    assert found.axes["question"] == own_table.ASKED
