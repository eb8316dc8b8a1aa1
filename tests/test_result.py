"""Result: its algebra, its checks at birth, and its texts."""

import csv
import io
import math

import numpy as np
import pytest

from interp.figures import words
from interp.result import Result


def made(values=None, **changes):
    values = np.arange(24.0).reshape(2, 3, 4) - 7.5 if values is None else values
    whole = {"axes": {"layer": (0, 1), "head": (0, 1, 2), "prompt": (0, 1, 2, 3)}, "quantity": "change",
             "unit": "nats", "about": {"model": "tiny", "n": 4}} | changes  # fmt: skip
    return Result(values, **whole)


def test_selecting_and_averaging_commute():
    result = made()
    assert result.at(layer=1).mean("prompt") == result.mean("prompt").at(layer=1)


def test_selecting_names_an_axis_and_drops_it():
    assert np.array_equal(made().at(head=2).values, made().values[:, 2])
    assert list(made().at(head=2).axes) == ["layer", "prompt"]
    assert float(made().at(layer=0, head=0, prompt=0)) == -7.5


def test_selecting_several_axes_does_not_depend_on_their_order():
    assert made().at(layer=1, prompt=3) == made().at(prompt=3, layer=1)


def test_top_returns_labels_by_value_or_by_size():
    result = made(np.array([[-5.0, 1.0], [2.0, 3.0]]), axes={"layer": (4, 9), "head": (6, 7)})
    assert result.top(2) == [((9, 7), 3.0), ((9, 6), 2.0)]
    assert result.top(2, by="size") == [((4, 6), -5.0), ((9, 7), 3.0)]


def test_the_interval_holds_the_mean_and_is_the_same_every_time():
    result = made()
    interval, mean = result.interval("prompt"), result.mean("prompt")
    assert interval.axes["bound"] == ("low", "high")
    assert list(interval.axes) == ["layer", "head", "bound"]
    assert np.all(interval.at(bound="low").values < mean.values)
    assert np.all(mean.values < interval.at(bound="high").values)
    assert interval == made().interval("prompt")


def test_the_interval_has_the_width_of_the_normal_theory():
    sample = np.random.default_rng(3).normal(size=1000)
    result = Result(sample, {"prompt": tuple(range(1000))}, "x", "1")
    interval = result.interval("prompt", samples=4000)
    assert interval != result.interval("prompt", samples=4000, seed=1)
    width = float(interval.at(bound="high")) - float(interval.at(bound="low"))
    assert width == pytest.approx(2 * 1.96 * sample.std() / math.sqrt(1000), rel=0.05)


def test_the_table_round_trips_to_six_digits(tmp_path):
    result = made(
        np.array([[1 / 3, -0.0], [1234567.0, 1e-9]]), axes={"layer": (0, 1), "token": (" the", 'a,"b')}
    )
    text = result.to_csv(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == text.encode()
    assert text.splitlines()[:3] == ["layer,token,value", "0, the,0.333333", '0,"a,""b",0']
    back = [float(row["value"]) for row in csv.DictReader(io.StringIO(text))]
    assert back == pytest.approx(result.values.ravel().tolist(), rel=5e-6)


def test_json_round_trips_exactly():
    values = np.array([[1 / 3, math.nan], [math.inf, -math.inf]])
    result = made(values, axes={"layer": (0, 1), "token": (" the", "é")})
    assert Result.from_json(result.to_json()) == result


def test_a_result_cannot_be_changed():
    values = np.zeros((2, 3, 4))
    result = made(values)
    values[:] = 1
    assert result.values.sum() == 0
    with pytest.raises(ValueError, match="read-only"):
        result.values[0] = 1
    with pytest.raises(AttributeError):
        result.unit = "bits"


def test_the_rows_are_in_the_order_of_the_axes():
    rows = list(made().rows())
    assert rows[5] == {"layer": 0, "head": 1, "prompt": 1, "value": -2.5}
    assert len(rows) == 24


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: made(np.zeros((2, 3))),
         "The values have the shape (2, 3), but the labels of the axes layer, head, prompt ask for (2, 3, 4)."
         " Give one label per index."),
        (lambda: made(np.zeros(2), axes={"layer": (1, 1)}),
         "The axis 'layer' has the label 1 more than once. Make its labels different."),
        (lambda: made(np.zeros(1), axes={"value": (1,)}),
         'An axis cannot be called "value": that is the column of the numbers. Rename it.'),
        (lambda: made().at(neuron=1), "There is no axis 'neuron'. The axes are layer, head, prompt."),
        (lambda: made().at(head=9), "The axis 'head' has no label 9. Its labels are 0, 1, 2."),
        (lambda: made().top(3, by="rank"), "top ranks by \"value\" or by \"size\"; it was asked for 'rank'."),
        (lambda: Result(np.zeros(1), {"prompt": (0,)}, "x", "1").interval("prompt"),
         "An interval needs at least 2 entries on the axis 'prompt'; it has 1."),
        (lambda: Result(np.zeros(0), {"prompt": ()}, "x", "1").mean("prompt"),
         "The axis 'prompt' is empty, so it has no mean."),
    ],
)  # fmt: skip
def test_a_wrong_use_is_refused_with_a_whole_sentence(act, message):
    with pytest.raises(ValueError) as error:
        act()
    assert str(error.value) == message


def test_only_a_single_number_becomes_a_float():
    with pytest.raises(TypeError) as error:
        float(made())
    assert str(error.value) == ("This Result still has the axes layer, head, prompt; choose with at(...) or"
                                " average"
                                " with mean(...) until none is left.")  # fmt: skip


def test_a_ratio_of_means_has_an_interval_over_the_same_draws():
    values = np.array([[1.0, 1.0, 3.0, 1.0], [2.0, 4.0, 6.0, 4.0]])
    part = Result(values, {"part": ("a", "whole"), "prompt": range(4)}, "lost", "nats")
    whole = part.at(part="whole")
    low, high = part.interval("prompt", relative_to=whole).at(part="a").values
    assert low < 6 / 16 < high
    assert part.interval("prompt", relative_to=whole).at(part="whole").values.tolist() == [1.0, 1.0]


def test_a_ratio_to_something_on_other_axes_is_refused():
    part = Result(np.ones((2, 3)), {"part": ("a", "b"), "prompt": range(3)}, "lost", "nats")
    with pytest.raises(ValueError) as error:
        part.interval("prompt", relative_to=part)
    assert str(error.value) == (
        "A ratio needs a whole on the axis 'prompt' alone, with the same 3 labels; it was given"
        " Result[part 2, prompt 3] lost (nats)."
    )


@pytest.mark.parametrize(
    "token",
    ["=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "-1+1", "\t=1", " =1", "\n=1", "＝1"],
)
def test_no_cell_of_a_table_begins_as_a_formula_and_numbers_stay_numbers(token):
    result = Result(np.array([-2.0]), {"token": (token,)}, "lead", "nats")
    low = Result(np.array([[-3.0], [-1.0]]), {"bound": ("low", "high"), "token": (token,)}, "lead", "nats")
    for text in (result.to_csv(), words.comma_separated(result, low)):
        first, *numbers = list(csv.reader(io.StringIO(text)))[1]
        assert first == f"'{token}"
        assert numbers[0] == "-2"
    assert next(result.rows())["token"] == token
