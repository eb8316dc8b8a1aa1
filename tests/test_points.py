"""Points with names: numbers read back from both twins, names kept clear, sentences for what cannot be."""

import numpy as np
import pytest

from interp import figures
from interp.result import Result

ABOUT = {"model": "toy", "n": 3}
NAMES = ("north", "east", "<img>")


def places(values=((0.0, 1.0), (1.0, 0.0), (-0.5, -0.5)), names=NAMES):
    axes = {"thing": names, "coordinate": ("across", "up")}
    return Result(np.array(values), axes, "place", "", ABOUT)


def joined():
    values = np.stack([places().values, places().values + 0.1], axis=1)
    axes = {"thing": NAMES, "end": ("true", "found"), "coordinate": ("across", "up")}
    return Result(values, axes, "place", "", ABOUT)


def drawn(figure):
    (axes,) = figure.matplotlib("").get_axes()
    return axes


def test_every_point_is_where_its_numbers_say_in_both_twins():
    figure = figures.points(places(), title="Three")
    seen = np.concatenate([part.get_offsets() for part in drawn(figure).collections])
    assert np.allclose(seen, places().values)
    (trace,) = figure.plotly().data
    assert np.allclose(np.stack([trace.x, trace.y], axis=1), places().values)
    assert (drawn(figure).get_xlabel(), drawn(figure).get_ylabel()) == ("across", "up")


def test_two_ends_are_joined_by_a_line_from_the_hollow_to_the_full_one():
    figure = figures.points(joined(), title="Three")
    lines = [line.get_xydata() for line in drawn(figure).lines]
    assert np.allclose(lines, joined().values)
    paths = figure.plotly().data[0]
    assert [one is None for one in paths.x] == [False, False, True] * 3
    assert [trace.marker.symbol for trace in figure.plotly().data[1:]] == ["circle-open", "circle"]


def test_groups_have_their_colour_their_mark_and_their_name():
    figure = figures.points(
        places(), title="Three", groups={"north": "cold", "east": "warm", "<img>": "warm"}
    )
    assert [text.get_text() for text in drawn(figure).get_legend().get_texts()] == ["cold", "warm"]
    traces = figure.plotly().data
    assert [trace.name for trace in traces] == ["cold", "warm"]
    assert [trace.marker.symbol for trace in traces] == ["circle", "square"]
    assert traces[0].marker.color != traces[1].marker.color


def test_names_are_written_for_few_points_and_for_the_chosen_of_many():
    assert sorted(t.get_text() for t in drawn(figures.points(places(), title="T")).texts) == sorted(NAMES)
    many = places(np.random.default_rng(0).normal(size=(60, 2)), tuple(f"p{n}" for n in range(60)))
    assert list(drawn(figures.points(many, title="T")).texts) == []
    assert [t.get_text() for t in drawn(figures.points(many, title="T", named=["p7"])).texts] == ["p7"]


def test_names_do_not_cover_one_another():
    close = places([(0, 0), (0.02, 0.0), (1, 1)], ("first", "second", "third"))
    axes = drawn(figures.points(close, title="T"))
    axes.get_figure().draw_without_rendering()
    first, second, _ = (text.get_window_extent() for text in axes.texts)
    assert not first.overlaps(second)


def test_an_arrow_leads_from_one_point_to_another():
    figure = figures.points(places(), title="T", arrows=[("north", "east")])
    (arrow,) = figure.plotly().layout.annotations
    assert ((arrow.ax, arrow.ay), (arrow.x, arrow.y)) == ((0, 1), (1, 0))
    assert sum(text.get_text() == "" for text in drawn(figure).texts) == 1


def test_markup_in_a_name_stays_text():
    figure = figures.points(places(), title="T")
    assert "&lt;img&gt;" in figure.plotly().data[0].text
    assert "<img>" not in figure.disclosure()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: figures.points(places().at(coordinate="up"), title="T"),
         "points draws a Result with 2 or 3 axes; this one has thing (3). Average or pick first, for example"
         " result.mean('prompt') or result.at(layer=0)."),
        (lambda: figures.points(Result(np.zeros((3, 3)), {"a": NAMES, "b": (0, 1, 2)}, "q", ""), title="T"),
         "points needs two coordinates, and at most two ends for each thing; this Result has a (3), b (3)."),
        (lambda: figures.points(places(), title="T", named=["west"]),
         "There is no point 'west' to name or to join. Choose one of the result's labels."),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_one_sentence(call, told):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == told


def test_the_files_repeat_byte_by_byte_and_describe_themselves(tmp_path):
    for folder in "ab":
        figures.points(joined(), title="Three", groups={"north": "cold"}).save("three", tmp_path / folder)
    for end in ("png", "svg", "pdf", "csv"):
        one, other = ((tmp_path / folder / "toy" / f"three.{end}").read_bytes() for folder in "ab")
        assert one == other
    alt = "Points with names: Three. 3 points; across across, up up."
    assert alt in (tmp_path / "a" / "toy" / "three.svg").read_text()
