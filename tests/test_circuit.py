"""The study of circuits: shares, completeness, minimality; the verdict on C8 follows from the numbers."""

import numpy as np
import pytest

from interp.methods.circuits import Node
from interp.sites import Head
from interp.studies import circuit, roles

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
    alone = circuit.alone(tiny, task, {"all": cast.nodes()}, progress=False)
    np.testing.assert_allclose(
        both.at(removed="nothing", run="circuit").values, alone.at(circuit="all").values, atol=1e-5
    )
    assert set(both.axes["removed"]) == {
        "nothing",
        "name mover",
        "S-inhibition",
        "duplicate token",
        "random 0",
    }


def test_a_node_is_worth_what_the_circuit_loses_without_it(tiny, task, cast):
    worth = circuit.minimality(tiny, task, cast, progress=False)
    nodes = cast.nodes()
    kept = circuit.alone(tiny, task, {"all": nodes, "cut": nodes[1:]}, progress=False)
    expected = kept.at(circuit="all").values - kept.at(circuit="cut").values
    np.testing.assert_allclose(worth.at(node=str(nodes[0])).values, expected, atol=1e-5)


def test_shares_are_ratios_of_means_within_their_interval(tiny, task, cast):
    kept = circuit.alone(tiny, task, {"all": cast.nodes()}, progress=False)
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
        circuit.knock_out(tiny, task, cast_of(), progress=False)
    assert str(error.value).startswith("No name mover was found, so there is none to knock out")


def test_on_pocket_movers_and_backups_change_more_than_any_random_set(pocket):
    cast = roles.find(pocket)
    assert set(cast.of(*circuit.MOVERS)) == set(cast.of("name copier", "backup name mover"))
    hit = circuit.knock_out(pocket, circuit.Task.of(pocket, n=40), cast, progress=False).mean("prompt")
    movers, random = abs(float(hit.at(set="movers and backups"))), abs(hit.values[1:])
    assert random.size == 200
    assert movers > random.max()


def measured(
    explained=0.9,
    interval=(0.8, 1.0),
    controls=(0.1, 0.2),
    played=tuple(circuit.ARTICLE_PARTS),
    preferred=0.99,
):
    return circuit.Verdict(NODES, explained, interval, controls, played, preferred)


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        (measured(), "supported"),
        (measured(explained=0.6), "partly"),
        (measured(played=("copy the name",)), "partly"),
        (measured(controls=(0.1, 0.95)), "not supported"),
        (measured(interval=(-0.1, 1.0)), "not supported"),
        (measured(controls=()), "not supported"),
        (measured(preferred=0.6), "cannot be tested on this model"),
    ],
)
def test_the_verdict_on_c8_follows_from_the_numbers(numbers, verdict):
    claim = circuit.c8("tiny", numbers)
    assert claim.verdict == verdict
    assert (claim.measured is None) == (verdict == "cannot be tested on this model")


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
