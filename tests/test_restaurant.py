"""C9: chances are probabilities, the verdict follows from the numbers, and which name is not why a name."""

from dataclasses import replace

import numpy as np
import pytest

from interp import claims
from interp.sites import Head
from interp.studies.names import restaurant

HEADS = (Head(1, 0), Head(2, 1))


@pytest.fixture(scope="module")
def told(tiny):
    return restaurant.scenes(tiny, 8)


def test_the_four_tellings_differ_in_thing_and_place_only(told):
    assert [str(scene) for scene in told] == [
        "a drink, store", "a drink, restaurant", "his keys, store", "his keys, restaurant",
    ]  # fmt: skip
    assert told[0].prompts.texts[0] == "When Mary and John went to the store, John gave a drink to"
    assert told[3].prompts.texts[0] == "When Mary and John went to the restaurant, John gave his keys to"
    assert all(len(set(scene.prompts.template.tolist())) == 2 for scene in told)
    first = [
        bool(io < s) for io, s in zip(told[0].prompts.spots["IO"], told[0].prompts.spots["S1"], strict=True)
    ]
    assert first == [True, False] * 4
    assert len({scene.prompts.answers["io"].sum().item() for scene in told}) == 1


def test_any_name_is_at_least_the_right_name_and_at_most_everything(tiny, told):
    says = restaurant.chances(tiny, told[0])
    right, names = says.at(measure="the right name").values, says.at(measure="any name").values
    assert (names >= right).all()
    assert (names <= 1).all()
    assert (says.at(measure="the").values >= 0).all()


def test_without_heads_nothing_changes(tiny, told):
    both = restaurant.with_and_without(tiny, told[0], ())
    np.testing.assert_allclose(both.at(run="mean").values, both.at(run="whole model").values, atol=1e-7)


def test_the_likeliest_words_are_in_order_and_name_the_two_people_as_such(tiny, told):
    words = restaurant.likeliest(tiny, told[0], k=tiny.cfg.d_vocab - 2)
    assert list(words.values) == sorted(words.values, reverse=True)
    assert {"(right)", "(giver)"} <= set(words.axes["token"])


def test_c9_cannot_be_tested_without_heads(tiny, told):
    nobody = restaurant.c9("tiny", restaurant.measure_c9(tiny, told, ()))
    assert nobody.verdict == "cannot be tested on this model"
    assert (nobody.measured, nobody.interval) == (None, None)


def test_any_name_is_measured_by_zero_and_the_lead_by_mean(tiny, told):
    found = restaurant.measure_c9(tiny, told, HEADS)
    before = restaurant.chances(tiny, told[0])
    mean, zero = (restaurant.without(tiny, told[0], HEADS, how) for how in ("mean", "zero"))
    names = [one.at(measure="any name").values.mean() for one in (before, zero)]
    leads = [one.at(measure="logit_difference").values.mean() for one in (before, mean)]
    assert found.kept == pytest.approx(names[1] / names[0])
    assert found.lost == pytest.approx(1 - leads[1] / leads[0])
    assert len(found.lost_by_random) == len(found.kept_by_random) == restaurant.CONTROL_SETS


def silenced(
    any_name=0.8,
    kept=0.9,
    low=0.8,
    lost=0.5,
    lost_by_random=(0.1, 0.2),
    contrast=0.4,
    around=(0.3, 0.5),
    contrast_kept=0.9,
):
    return restaurant.Silenced(
        HEADS, any_name, kept, (low, 1.0), lost, lost_by_random, (0.9, 1.0), contrast, around, contrast_kept
    )


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        (silenced(), "supported"),
        (silenced(lost=0.1), "not supported"),
        (silenced(lost_by_random=(0.1, 0.6)), "partly"),
        (silenced(low=0.2), "not supported"),
        (silenced(any_name=0.05), "cannot be tested on this model"),
        (silenced(contrast=0.02, around=(0.01, 0.03)), "cannot be tested on this model"),  # all to names
        (silenced(around=(-0.1, 0.9)), "cannot be tested on this model"),
        (silenced(contrast_kept=0.2), "not supported"),  # these heads made the difference
    ],
)
def test_the_verdict_needs_a_lost_lead_and_a_kept_name(numbers, verdict):
    claim = restaurant.c9("tiny", numbers)
    assert claim.verdict == verdict
    assert claim.measured == (None if verdict.startswith("cannot") else numbers.kept)


def test_a_model_for_which_a_name_follows_every_gift_is_told_so():
    claim = restaurant.c9("tiny", silenced(contrast=0.001, around=(0.0005, 0.002)))
    assert claim.control.startswith(
        "for this model a name follows every gift, keys at the restaurant as well: any name +0.1%"
    )


def test_the_contrast_is_between_a_drink_at_the_store_and_keys_at_the_restaurant(tiny, told):
    found = restaurant.measure_c9(tiny, told, HEADS)
    names = [restaurant.chances(tiny, one).at(measure="any name").values for one in (told[0], told[3])]
    assert found.contrast == pytest.approx((names[0] - names[1]).mean())
    silent = [
        restaurant.without(tiny, one, HEADS, "zero").at(measure="any name").values
        for one in (told[0], told[3])
    ]
    assert found.contrast_kept == pytest.approx((silent[0] - silent[1]).mean() / found.contrast, rel=1e-4)


def test_the_top_words_of_every_telling_are_listed(tiny, told):
    listed = restaurant.top_words(tiny, told, k=3)
    assert list(listed) == [str(scene) for scene in told]
    assert all(text.count("%") == 3 for text in listed.values())


@pytest.mark.parametrize(
    ("weak", "by_zero", "counted"),
    [
        ((), (0.6, 0.1), {"other sentences": (5, 5), "zero instead of the average": (1, 1)}),
        ((5,), (0.6, 0.1), {"other sentences": (4, 5), "zero instead of the average": (1, 1)}),
        ((2, 6), (0.1, 0.1), {"other sentences": (3, 5), "zero instead of the average": (0, 1)}),
    ],
)
def test_c9_counts_the_names_and_the_way_that_change_it(tiny, monkeypatch, weak, by_zero, counted):
    """With the names of these seeds the heads lose little; by zero they lose so much, others so much."""
    monkeypatch.setattr(restaurant, "scenes", lambda model, n, *, seed: ())
    monkeypatch.setattr(
        restaurant, "measure_c9", lambda *given, seed: silenced(lost=0.1 if seed in weak else 0.5)
    )
    own = replace(silenced(), lost_by_zero=by_zero)
    claim = claims.firm(restaurant.c9, "tiny", own, again=restaurant.c9_again(tiny, HEADS, own))
    assert claim.verdict == "supported"
    assert {kind: claim.variations[kind] for kind in counted} == counted


def test_by_zero_the_lead_is_lost_in_the_run_that_any_name_is_kept_in(tiny, told):
    found = restaurant.measure_c9(tiny, told, HEADS)
    leads = [
        one.at(measure="logit_difference").values.mean()
        for one in (restaurant.chances(tiny, told[0]), restaurant.without(tiny, told[0], HEADS, "zero"))
    ]
    assert found.by_zero().lost == pytest.approx(1 - leads[1] / leads[0])
    assert len(found.by_zero().lost_by_random) == restaurant.CONTROL_SETS
