"""C9: chances are probabilities, the verdict follows from the numbers, and which name is not why a name."""

import numpy as np
import pytest

from interp.sites import Head
from interp.studies import restaurant

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
    assert {"(the right name)", "(the giver)"} <= set(words.axes["token"])


def test_c9_cannot_be_tested_where_no_name_comes(tiny, told):
    claim = restaurant.c9(tiny, told, HEADS)
    if (
        float(restaurant.chances(tiny, told[0]).at(measure="any name").mean("prompt"))
        < restaurant.LEAST_NAMES
    ):
        assert (claim.verdict, claim.measured, claim.interval) == (
            "cannot be tested on this model",
            None,
            None,
        )
    nobody = restaurant.c9(tiny, told, ())
    assert nobody.verdict == "cannot be tested on this model"


@pytest.mark.parametrize(
    ("drop", "kept", "verdict"),
    [(0.5, 0.9, "supported"), (0.1, 0.9, "not supported"), (0.5, 0.2, "not supported")],
)
def test_the_verdict_needs_a_lost_lead_and_a_kept_name(tiny, told, monkeypatch, drop, kept, verdict):
    from interp.result import Result

    def said(lead, name):
        values = np.stack([np.full(8, part) for part in (0.3, 0.1, name, lead)])
        return Result(values, {"measure": restaurant.MEASURES, "prompt": tuple(range(8))}, "?", "?")

    monkeypatch.setattr(restaurant, "chances", lambda model, scene: said(4.0, 0.8))
    monkeypatch.setattr(restaurant, "without", lambda *a, **k: said(4.0 * (1 - drop), 0.8 * kept))
    claim = restaurant.c9(tiny, told, HEADS)
    assert claim.verdict == verdict
    assert claim.measured == pytest.approx(kept)
