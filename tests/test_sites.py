"""Places: their names, their order, and what a model refuses."""

from types import SimpleNamespace

import pytest

from interp.sites import AXES, KINDS, Head, Neuron, Site, check_place

SHAPE = SimpleNamespace(name="pocket", layers=8, heads=4, d_mlp=512)
IN_A_LAYER = [kind for kind in KINDS if kind not in ("embed", "pos_embed", "ln_final_scale")]


def all_sites(layers):
    return [Site("embed"), Site("pos_embed"), Site("ln_final_scale")] + [
        Site(kind, layer) for kind in IN_A_LAYER for layer in range(layers)
    ]


def test_a_place_prints_as_its_short_name():
    places = (Head(9, 6), Neuron(8, 1203), Site("resid_post", 5), Site("embed"))
    assert [str(place) for place in places] == ["L9H6", "L8N1203", "resid_post5", "embed"]


def test_parsing_a_printed_place_gives_it_back():
    assert Head.parse("L9H6") == Head(9, 6) == Head.parse(" l9h6 ")
    assert Neuron.parse("L8N1203") == Neuron(8, 1203)


@pytest.mark.parametrize("text", ["", "9.6", "L9", "H6", "L9N6", "L-1H2", "L9H6x"])
def test_parsing_anything_else_says_how_to_write_it(text):
    with pytest.raises(ValueError) as error:
        Head.parse(text)
    assert (
        str(error.value)
        == f"{text!r} is not the name of a head: write the layer and the number, such as L9H6."
    )


def test_places_are_values():
    assert len({Head(1, 2), Head(1, 2), Site("z", 1), Site("z", 1)}) == 2
    with pytest.raises(AttributeError):
        Head(1, 2).layer = 3


def test_places_are_ordered_as_the_model_meets_them():
    first_to_last = sorted(all_sites(3))
    assert first_to_last[:3] == [Site("embed"), Site("pos_embed"), Site("resid_pre", 0)]
    assert first_to_last[-2:] == [Site("resid_post", 2), Site("ln_final_scale")]
    assert sorted([Head(2, 0), Head(0, 3), Head(0, 1)]) == [Head(0, 1), Head(0, 3), Head(2, 0)]


def test_every_axis_word_is_from_the_one_list():
    words = {axis for site in all_sites(1) for axis in site.axes}
    assert words - set(AXES) == {"scale"}  # the axis of length 1 of a layer norm's scale


def test_a_head_and_a_neuron_know_their_part_of_a_site():
    assert (Head(2, 1).site, Head(2, 1).index) == (Site("z", 2), {"head": 1})
    assert (Neuron(2, 7).site, Neuron(2, 7).index) == (Site("mlp_post", 2), {"neuron": 7})
    assert all(axis in place.site.axes for place in (Head(2, 1), Neuron(2, 7)) for axis in place.index)


def test_every_kind_resolves_on_the_loaded_model(tiny):
    assert [str(site) for site in all_sites(3) if site.hook_name not in tiny.hook_dict] == []


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (Head(12, 0), "L12H0 is not in this model: pocket has layers 0-7 and heads 0-3."
         " Choose a head such as L7H3."),
        (Head(0, 4), "L0H4 is not in this model: pocket has layers 0-7 and heads 0-3."
         " Choose a head such as L7H3."),
        (Neuron(0, 512), "L0N512 is not in this model: pocket has layers 0-7 and neurons 0-511."
                         " Choose a neuron such as L7N511."),
        (Site("resid_pre", 8), "resid_pre8 is not in this model: pocket has layers 0-7."
         " Choose a layer from 0 to 7."),
    ],
)  # fmt: skip
def test_a_place_outside_the_model_is_refused(place, message):
    with pytest.raises(ValueError) as error:
        check_place(place, SHAPE)
    assert str(error.value) == message


def test_a_place_inside_the_model_is_accepted():
    for place in (Head(7, 3), Neuron(7, 511), Site("resid_pre", 7), Site("embed")):
        check_place(place, SHAPE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Site("resid", 1), f"'resid' is not a kind of site. Choose one of: {', '.join(KINDS)}."),
        (lambda: Site("z"), "The site 'z' needs a layer from 0 up, such as Site('z', 0); it was given None."),
        (lambda: Site("embed", 1), "The site 'embed' is in no layer; write Site('embed') without 1."),
        (lambda: Head(-1, 0),
         "Head(layer=-1, head=0) has a negative number; layers, heads and neurons count from 0."),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_is_refused_at_birth(make, message):
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == message
