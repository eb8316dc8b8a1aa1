"""The study of circuits: shares, completeness, minimality; the verdict on C8 follows from the numbers."""

from dataclasses import replace

import numpy as np
import pytest

from interp import claims, hooks, models
from interp.methods.circuits import EVERYWHERE, Node
from interp.methods.readout import logits_at_end
from interp.result import Result
from interp.sites import Head
from interp.studies.names import circuit, ioi, roles

NODES = (Node(Head(1, 2), "end"), Node(Head(2, 0), "end"), Node(Head(0, 1), "S2"))


def cast_of(**heads):
    return roles.Roles(
        {role: heads.get(role.replace(" ", "_").replace("-", "_"), ()) for role in roles.ROLES}
    )


@pytest.fixture(scope="module")
def cast():
    return cast_of(name_mover=(Head(2, 0),), S_inhibition=(Head(1, 2),), duplicate_token=(Head(0, 1),))


@pytest.fixture(scope="module")
def task(tiny):
    return circuit.Task.of(tiny, n=6, seed=2)


def test_nothing_removed_is_the_lead_itself(tiny, task, cast):
    both = circuit.completeness(tiny, task, cast, random=1, progress=False)
    np.testing.assert_allclose(both.at(removed="nothing", run="model").values, task.lead.values, atol=1e-5)
    alone = circuit.lead_kept(tiny, task, {"all": cast.nodes()}, progress=False)
    np.testing.assert_allclose(
        both.at(removed="nothing", run="circuit").values, alone.at(circuit="all").values, atol=1e-5
    )
    assert set(both.axes["removed"]) == {
        "nothing",
        "name mover",
        "S-inhibition",
        "duplicate token",
        "random 1",
    }


def test_a_node_is_worth_what_the_circuit_loses_without_it(tiny, task, cast):
    worth = circuit.minimality(tiny, task, cast, progress=False)
    nodes = cast.nodes()
    kept = circuit.lead_kept(tiny, task, {"all": nodes, "cut": nodes[1:]}, progress=False)
    expected = kept.at(circuit="all").values - kept.at(circuit="cut").values
    np.testing.assert_allclose(worth.at(node=str(nodes[0])).values, expected, atol=1e-5)


def test_shares_are_ratios_of_means_within_their_interval(tiny, task, cast):
    kept = circuit.lead_kept(tiny, task, {"all": cast.nodes()}, progress=False)
    share, bounds = circuit.shares(kept, task)
    assert float(share.at(circuit="all")) == pytest.approx(kept.values.mean() / task.lead.values.mean())
    low, high = bounds.at(circuit="all").values
    assert low <= float(share.at(circuit="all")) <= high


def test_random_circuits_stand_at_the_same_words(tiny):
    for nodes in circuit.random_circuits(tiny, NODES, 5).values():
        assert [node.spot for node in nodes] == [node.spot for node in NODES]
        assert not {node.head for node in nodes} & {node.head for node in NODES}


def test_knocking_out_nobody_is_refused(tiny, task):
    with pytest.raises(ValueError) as error:
        circuit.knock_out(tiny, task, (), progress=False)
    assert str(error.value).startswith("There is no head to knock out: name at least one")


@pytest.mark.parametrize("question", [circuit.minimality, circuit.completeness])
def test_a_cast_without_heads_is_no_circuit(tiny, task, question):
    with pytest.raises(ValueError, match=r"^The cast has no heads, so it is no circuit"):
        question(tiny, task, cast_of(), progress=False)


def test_a_reference_that_says_a_name_twice_is_refused(tiny, task, cast):
    wrong = replace(task, reference=task.prompts)
    with pytest.raises(ValueError, match="more than once"):
        circuit.lead_kept(tiny, wrong, {"all": cast.nodes()}, progress=False)


def test_as_much_counts_either_way():
    values = np.array([[-1.0, -1.0], [0.5, 0.5], [1.5, 0.5], [-2.0, -2.0]])
    hit = Result(
        values, {"set": ("these", "random 1", "random 2", "random 3"), "prompt": (0, 1)}, "?", "nats"
    )
    assert circuit.beyond(hit) == (-1.0, 2)


def test_needed_heads_are_those_whose_interval_is_above_zero():
    worth = Result(np.array([0.5, 0.5, -0.3, 0.001]), {"node": tuple("abcd")}, "?", "share")
    bounds = np.array([[0.1, -0.1, -0.4, 0.0005], [0.9, 1.1, -0.2, 0.0015]])
    axes = {"bound": ("low", "high"), "node": tuple("abcd")}
    assert circuit.needed(worth, Result(bounds, axes, "?", "share")) == 1


@pytest.mark.slow
def test_on_pocket_the_circuit_keeps_the_lead_and_its_writers_stand_out(pocket):
    cast, task = roles.find(pocket), circuit.Task.of(pocket, n=40)
    kept, bounds = circuit.shares(
        circuit.lead_kept(pocket, task, {"found": cast.nodes()}, progress=False), task
    )
    assert float(kept.at(circuit="found")) >= 0.80
    assert float(bounds.at(circuit="found", bound="low")) > 0.5
    _, as_much = circuit.beyond(circuit.knock_out(pocket, task, cast.of(*circuit.WRITERS), progress=False))
    assert as_much == 0


def kept(explained=0.9, interval=(0.8, 1.0), controls=(0.1, 0.2), played=tuple(circuit.STRICT_PARTS)):
    return circuit.Kept(NODES, explained, interval, controls, played)


def measured(strict=None, own=None, preferred=0.99):
    return circuit.Verdict(strict or kept(), own or kept(0.97), preferred)


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        (measured(), "supported"),
        (measured(kept(explained=0.6)), "partly"),
        (measured(kept(played=("copy the name",))), "partly"),
        (measured(kept(controls=(0.1, 0.95))), "not supported"),
        (measured(kept(interval=(-0.1, 1.0))), "not supported"),
        (measured(circuit.Kept()), "not supported"),  # whatever its own cast keeps
        (measured(preferred=0.6), "cannot be tested on this model"),
    ],
)
def test_the_verdict_on_c8_follows_from_the_strict_roles(numbers, verdict):
    claim = circuit.c8("tiny", numbers)
    assert claim.verdict == verdict
    assert (claim.measured is None) == (verdict == "cannot be tested on this model")
    assert "17 %" in str(claim.published)


def test_both_numbers_stand_in_the_control():
    claim = circuit.c8("tiny", measured(circuit.Kept(), kept(0.97)))
    assert "in the article's roles: nobody plays any of the three parts" in claim.control
    assert "own cast" in claim.control
    assert "keep 0.97 (random ones 0.10 to 0.20)" in claim.control


def test_strict_parts_leave_out_roles_that_only_do_the_same(tiny):
    other_way = cast_of(name_copier=(Head(2, 0),), subject_suppressor=(Head(1, 2),), induction=(Head(0, 1),))
    assert circuit.strict_nodes(tiny, other_way) == ()
    assert len(circuit.article_nodes(tiny, other_way)) == 3


def knocked(monkeypatch, these, others):
    """`knock_out` that finds these changes per prompt without the heads, and without each other set."""
    values = np.array([these, *others], dtype=float)
    labels = ("these", *(f"random {at + 1}" for at in range(len(others))))
    hit = Result(values, {"set": labels, "prompt": tuple(range(len(these)))}, "change", "nats")
    monkeypatch.setattr(circuit, "knock_out", lambda *given, **more: hit)


FALL = [-1.0, -1.2, -0.8, -1.1]


@pytest.mark.parametrize(
    ("these", "others", "counts"),
    [
        (FALL, [[-0.1] * 4, [0.2] * 4], True),
        (FALL, [[-0.1] * 4, [-1.5] * 4], False),  # a random set does more
        (
            [1.0, 1.2, 0.8, 1.1],
            [[0.1] * 4],
            False,
        ),  # the lead rises without them, as without pocket's copiers
        ([-3.0, 1.0, -2.0, 3.0], [[0.5] * 4], False),  # not surely
    ],
)
def test_a_part_counts_only_if_its_loss_costs_more_than_random_sets(
    tiny, task, cast, monkeypatch, these, others, counts
):
    knocked(monkeypatch, these, others)
    assert circuit.costs(tiny, task, cast, NODES[:1]) is counts


def test_a_part_that_nobody_plays_or_without_a_control_does_not_count(tiny, task, cast):
    assert not circuit.costs(tiny, task, cast, ())
    every = cast_of(name_mover=tuple(models.every_head(tiny)))
    assert not circuit.costs(tiny, task, every, NODES[:1])


def test_both_casts_are_measured_alike(tiny, task, cast):
    found = circuit.measure_c8(tiny, task, cast, progress=False)
    assert found.strict.heads == found.own.heads == cast.nodes()
    assert found.strict == found.own
    assert len(found.strict.controls) == circuit.CONTROL_CIRCUITS


def test_a_model_of_another_shape_has_nothing_published_beside_it(tiny, cast):
    assert circuit.beside_published(tiny, cast) == {
        "published": "no circuit for a model of the shape of tiny"
    }


def test_hits_misses_and_extras_are_told(tiny, monkeypatch):
    monkeypatch.setattr(circuit, "model_of_shape", lambda *shape: "gpt2")
    found = cast_of(name_mover=(Head(9, 9), Head(9, 6), Head(3, 3)))
    told = circuit.beside_published(tiny, found)
    assert told["name mover"] == "hits L9H6, L9H9; misses L10H0; extras L3H3"
    assert told["induction"] == "hits none; misses L5H5, L5H8, L5H9, L6H9; extras none"
    assert len(circuit.article_nodes(tiny, found)) == 9
    assert [len(nodes) for nodes in circuit.strict_parts(tiny, found).values()] == [3, 4, 2]


def test_a_circuit_alone_beside_nothing_is_a_run_with_all_other_heads_silent(tiny, task):
    kept = [Head(1, 2), Head(2, 0)]
    alone = circuit.lead_kept(
        tiny, task, {"two": [Node(head, EVERYWHERE) for head in kept]}, how="zero", progress=False
    )
    others = [head for head in models.every_head(tiny) if head not in kept]
    logits = logits_at_end(tiny, task.prompts, *map(hooks.Zero, others))
    expected = ioi.logit_difference(task.prompts)(logits.double().cpu())
    np.testing.assert_allclose(alone.at(circuit="two").values, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("weak", "by_zero", "counted"),
    [
        ((), 0.9, {"other sentences": (5, 5), "zero instead of the average": (1, 1)}),
        ((4,), 0.9, {"other sentences": (4, 5), "zero instead of the average": (1, 1)}),
        ((2, 3), 0.1, {"other sentences": (3, 5), "zero instead of the average": (0, 1)}),
    ],
)
def test_c8_counts_the_sentences_and_the_way_that_change_it(
    tiny, task, cast, monkeypatch, weak, by_zero, counted
):
    """On the sentences of these seeds the heads keep little; with nothing beside them, so much."""

    def found(model, task, roles, parts, seed, progress, how):
        return kept(0.1 if seed in weak else by_zero if how == "zero" else 0.9)

    monkeypatch.setattr(circuit, "_kept", found)
    monkeypatch.setattr(circuit.Task, "of", lambda model, *, n, seed=1: replace(task, preferred=0.9))
    claim = claims.firm(circuit.c8, "tiny", measured(), again=circuit.c8_again(tiny, cast))
    assert claim.verdict == "supported"
    assert {kind: claim.variations[kind] for kind in counted} == counted
