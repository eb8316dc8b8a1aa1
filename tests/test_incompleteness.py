"""The greedy search: every step takes what opens the widest gap, by loops; the best of all steps are kept."""

import numpy as np
import pytest
from naive import circuit_leads, template_means
from reference import Reference

from interp.methods.circuits import Node
from interp.sites import Head
from interp.studies.names import circuit, incompleteness

NODES = (
    Node(Head(0, 1), "S2"), Node(Head(0, 3), "S1+1"), Node(Head(1, 2), "end"), Node(Head(2, 0), "end"),
    Node(Head(1, 0), "S2"),
)  # fmt: skip
EVERYTHING = 99  # so many nodes are drawn that all are looked at: nothing is left to chance


@pytest.fixture(scope="module")
def task(tiny):
    return circuit.Task.of(tiny, n=4, seed=2)


@pytest.fixture(scope="module")
def by_loops(tiny_folder, task):
    """part -> [run, prompt], the leads of circuit and model without it, on the GPT-2 in loops."""
    loops, prompts = Reference(tiny_folder), task.prompts
    means = [template_means(loops, task.reference, int(template)) for template in prompts.template]

    def leads(part):
        kept = [node for node in NODES if node not in part]
        rows = [circuit_leads(loops, prompts, means[at], at, kept, part) for at in range(len(prompts))]
        return np.array(rows).T

    return leads


def search(model, task, **options):
    options = {"runs": 1, "steps": 3, "drawn": EVERYTHING, "controls": 2, "progress": False, **options}
    return incompleteness.greedy(model, task, NODES, **options)


def label(part):
    return ", ".join(map(str, sorted(part)))


def test_the_parts_found_and_their_leads_are_those_of_loops(tiny, task, by_loops):
    found = search(tiny, task)
    part, grown = (), {}
    for _ in range(3):
        larger = [(*part, node) for node in NODES if node not in part]
        part = max(larger, key=lambda one: abs(np.subtract(*by_loops(one).mean(axis=1))))
        grown[label(part)] = part
    assert set(found.axes["removed"]) == {"nothing", *grown, "random 1", "random 2"}
    for name, own in {"nothing": (), **grown}.items():
        np.testing.assert_allclose(found.at(removed=name).values, by_loops(own), atol=1e-4)
    told = found.axes["removed"][1:4]
    widths = [abs(float(incompleteness.gaps(found).at(removed=name).mean("prompt"))) for name in told]
    assert widths == sorted(widths, reverse=True)


def test_random_parts_are_as_large_as_the_widest_and_measured_alike(tiny, task, by_loops):
    found = search(tiny, task)
    parts = found.about["parts"]
    largest = found.axes["removed"][1]
    for name in ("random 1", "random 2"):
        assert len(parts[name]) == len(parts[largest])
        part = [node for node in NODES if str(node) in parts[name]]
        np.testing.assert_allclose(found.at(removed=name).values, by_loops(part), atol=1e-4)


def test_the_seed_decides_what_is_drawn(tiny, task):
    def found(seed):
        return search(tiny, task, drawn=1, steps=2, seed=seed)

    assert found(1) == found(1)
    assert len({found(seed).axes["removed"] for seed in range(4)}) > 1


def test_parts_are_measured_on_fresh_prompts(tiny, task):
    fresh = circuit.Task.of(tiny, n=5, seed=9)
    there, here = search(tiny, task, fresh=fresh), search(tiny, task)
    assert there.axes["removed"] == here.axes["removed"]
    np.testing.assert_allclose(there.at(removed="nothing", run="model").values, fresh.lead.values, atol=1e-5)
    assert (there.about["searched"], there.about["n"]) == (4, 5)


def test_a_gap_is_the_circuits_lead_minus_the_models(tiny, task):
    found = search(tiny, task)
    gaps = incompleteness.gaps(found)
    expected = found.at(run="circuit").values - found.at(run="model").values
    np.testing.assert_array_equal(gaps.values, expected)
    assert gaps.interval("prompt").axes["bound"] == ("low", "high")
    assert circuit.largest_gap(found)[1] == pytest.approx(np.abs(gaps.mean("prompt").values).max())


def test_one_node_stays_in_the_circuit(tiny, task):
    found = search(tiny, task, steps=10, keep=10)
    assert max(len(part) for part in found.about["parts"].values()) == len(NODES) - 1


def test_one_node_is_too_few(tiny, task):
    with pytest.raises(ValueError) as error:
        incompleteness.greedy(tiny, task, NODES[:1], progress=False)
    assert str(error.value) == (
        "A greedy search takes nodes out of a circuit, so it needs at least 2; it was given 1. Name more"
        " heads."
    )


@pytest.mark.parametrize("name", ["runs", "steps", "drawn"])
def test_an_empty_search_is_refused(tiny, task, name):
    with pytest.raises(ValueError) as error:
        search(tiny, task, **{name: 0})
    assert str(error.value) == f"{name}=0 leaves nothing to search: give at least 1."
