"""Could `verify` fail? The published records refuse plausibly wrong measurements; the slips are listed."""

from pathlib import Path

import numpy as np
import pytest

from interp.published import SHAPES, published, read
from interp.published.mutations import LEAST_CAUGHT, Mutation, mutations, share_caught

# What the records cannot tell apart, and why
SLIPS = {
    ("paper/p_io", "zero and one exchanged"),  # 0.49 and 0.51
    ("paper/attention", "the mean everywhere"),  # 0.59 and 0.51: two numbers, told by classes of heads only
    ("paper/attention", "heads one off"),
    ("paper/correlation", "the mean everywhere"),  # one bound is stated for all three
    ("paper/signals_misfit", "divided by two"),  # one number of 7 %, from other sentences
    ("paper/minimality", "head: first two exchanged"),  # 9.9 and 10.0 differ by 0.35 of 3 nats
    ("paper/greedy_files", "circuit one off"),  # the authors' own sets overlap: 2.35 to 3.47, 2.08 to 3.03
    ("paper/roles/writers", "head: first two exchanged"),  # most heads are neither 0 nor 1 of a layer
    ("paper/roles/others", "head: first two exchanged"),
    ("transplant.crouch", "ranks counted from zero"),  # ranks from 6 up are read from a plot
    ("transplant.devise", "layer backwards"),  # rank 2 in every layer
    ("update cosines", "divided by two"),  # three cosines near zero
}


@pytest.fixture(scope="module")
def found():
    return [one for model in SHAPES for one in mutations(published(model))]


def test_the_records_refuse_the_aimed_share_of_wrong_measurements(found):
    assert len(found) > 500
    assert share_caught(found) >= LEAST_CAUGHT


def test_what_slips_through_is_known(found):
    assert {(one.record, one.mistake) for one in found if not one.caught} == SLIPS


def test_every_record_meets_mistakes_and_refuses_most_of_them(found):
    for model in SHAPES:
        for record in published(model):
            own = [one.caught for one in found if one.record == record.id]
            assert len(own) >= 2, record.id
            assert np.mean(own) >= 0.5, record.id


def test_zeros_pass_nowhere(found):
    zeros = [one for one in found if one.mistake == "zero everywhere"]
    assert len(zeros) == sum(len(published(model)) for model in SHAPES)
    assert all(one.caught for one in zeros)


def test_a_tolerance_that_cannot_fail_is_shown_as_such():
    wide = read({
        "id": "toy", "group": "toy", "model": "gpt2", "quantity": "a number", "unit": "nats",
        "axes": {"layer": [0, 1, 2]}, "values": [1.0, 2.0, 3.0], "agreement": {"gap": 2.5}, "source": "s",
        "convention": "c",
    })  # fmt: skip
    slipped = [one for one in mutations([wide]) if not one.caught]
    assert Mutation("toy", "the mean everywhere", caught=False) in slipped
    assert Mutation("toy", "layer one off", caught=False) in slipped
    assert share_caught(mutations([wide])) < LEAST_CAUGHT


def test_the_readme_gives_the_share_that_the_command_prints(found):
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"{100 * share_caught(found):.1f} % of {len(found)} are refused" in readme
