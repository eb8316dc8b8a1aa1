"""The kinds of comparison: what each lets pass, what it refuses, and how it says so."""

import numpy as np
import pytest

from interp.published import agreement
from interp.published.agreement import Between, Factor, Gap, Listed, Order, Ratio

THREE = np.array([1.0, 2.0, 4.0])


def test_zeros_on_both_sides_do_not_count_as_agreement():
    gap = Gap(tolerance=0.1, least=0.5)
    published, measured = np.array([0.0] * 98 + [1.0, 2.0]), np.array([0.0] * 98 + [9.0, 2.0])
    assert gap.agreeing(published, measured).tolist() == [False, True]
    assert gap.holds(published, measured)
    assert not Gap(tolerance=0.1).holds(published, measured)
    assert not gap.holds(published, np.zeros(100))
    assert not gap.holds(np.zeros(3), np.zeros(3))


def test_something_measured_where_nothing_was_published_counts_against_it():
    assert Gap(tolerance=0.1).agreeing(np.array([0.0, 1.0]), np.array([1.0, 1.0])).tolist() == [False, True]


@pytest.mark.parametrize(
    "kind",
    [
        Gap(tolerance=0.5), Factor(times=1.5), Order(apart=0.5), Ratio(tolerance=0.1, to=0),
        Between(low=(0.5, 1.5, 3.5), high=(1.5, 2.5, 4.5)), Listed(),
    ],
    ids=str,
)  # fmt: skip
def test_every_kind_passes_the_published_numbers_and_refuses_zeros_one_number_and_nothing(kind):
    assert kind.holds(THREE, THREE)
    assert not kind.holds(THREE, np.zeros(3))
    assert not kind.holds(THREE, np.full(3, THREE.mean()))
    assert not kind.holds(THREE, np.full(3, np.nan))
    assert not kind.holds(THREE, THREE[::-1])


def test_a_factor_is_about_sizes_and_strict():
    ranks = 1 / np.array([1.0, 2.0, 150.0])
    assert Factor(times=2, floor=0.01).agreeing(ranks, 1 / np.array([1.0, 3.0, 900.0])).all()
    assert Factor(times=2).agreeing(ranks, 1 / np.array([2.0, 3.0, 140.0])).tolist() == [False, True, True]
    assert not Factor(times=2).agreeing(THREE, -THREE).any()


def test_an_order_asks_only_for_what_is_clearly_apart():
    order = Order(apart=1.5)
    assert order.agreeing(THREE, np.array([2.0, 1.0, 3.0])).tolist() == [True, True]
    assert not order.holds(THREE, np.array([4.0, 1.0, 3.0]))


def test_ratios_need_a_whole_above_zero():
    assert Ratio(tolerance=0.1, to=2).holds(THREE, 3 * THREE)
    assert not Ratio(tolerance=0.1, to=2).holds(THREE, -THREE)


def test_a_list_counts_tokens_wherever_they_stand_but_the_first_must_be_first():
    published = np.array([[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])
    measured = np.array([[1.0, 9.0, 2.0], [5.0, 4.0, 6.0]])
    assert Listed().agreeing(published, measured).tolist() == [True, True, False, False, False]


def test_a_kind_says_what_it_asks_for():
    assert str(Gap(tolerance=0.002)) == "within 0.002"
    assert str(Factor(times=1.5, floor=0.01, least=0.8)) == (
        "less than 1.5 times off (all below 0.01 alike), 80% of them"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "its agreement is empty: choose from gap, factor, order, ratio, between, listed."),
        ({"near": 1}, "its agreement is ['near']: choose from gap, factor, order, ratio, between, listed."),
    ],
)
def test_another_kind_is_refused(asked, said):
    with pytest.raises(ValueError) as error:
        agreement.read(asked)
    assert str(error.value) == said


def test_settings_that_a_kind_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"^its agreement \{'order': \{'far': 1\}\} cannot be read: "):
        agreement.read({"order": {"far": 1}})
    assert agreement.read({"gap": 0.1, "order": {"apart": 1}}) == (Gap(tolerance=0.1), Order(apart=1))
