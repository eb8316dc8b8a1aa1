"""The search for roles finds the parts that we planted, and calls nobody where nobody plays."""

import numpy as np
import planted
import pytest
from transformers import GPT2TokenizerFast

from interp import models
from interp.methods.circuits import Node
from interp.sites import Head
from interp.studies.names import circuit, ioi, roles
from interp.words.ioi import NAMES

FEW = NAMES[:12] + NAMES[20:32]


@pytest.fixture(scope="module")
def toy(tiny_folder, tmp_path_factory):
    """The planted model; its tokenizer is that of the tiny model."""
    folder = tmp_path_factory.mktemp("models") / "planted"
    tokenizer = GPT2TokenizerFast.from_pretrained(tiny_folder)
    tokenizer.save_pretrained(folder)
    planted.planted(tokenizer, FEW).save_pretrained(folder)
    return models.load(folder)


@pytest.fixture(scope="module")
def task(toy):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ioi, "NAMES", FEW)
        prompts = ioi.prompts(toy, 16, seed=0, templates=(0, 1, 5))
        yield prompts, ioi.reference(toy, prompts)


@pytest.fixture(scope="module")
def found(toy, task):
    return roles.find_on(toy, *task)


def test_the_planted_model_does_the_task(toy, task):
    assert ioi.behaviour(toy, task[0]).at(measure="prefers_io").values.mean() == 1.0


def test_the_planted_roles_are_recovered(found):
    assert found.played() == planted.ROLES


def test_nodes_stand_where_their_roles_act(found):
    assert found.nodes("induction", "name mover") == (Node(Head(1, 0), "S2"), Node(Head(3, 0), "end"))
    assert found.nodes() == tuple(sorted(set(found.nodes())))


def test_the_planted_circuit_alone_does_the_whole_task(toy, task, found):
    does = ioi.behaviour(toy, task[0])
    whole = circuit.Task(*task, does.at(measure="logit_difference"), 1.0)
    kept, _ = circuit.shares(circuit.lead_kept(toy, whole, {"found": found.nodes()}, progress=False), whole)
    assert float(kept.at(circuit="found")) == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
def test_a_strong_writer_without_a_part_is_listed_even_if_it_backs_up(pocket):
    found = roles.find(pocket, n=20)
    direct = roles.share_lost(found, "to the logits")
    strong = {Head(*map(int, at)) for at in np.argwhere(np.abs(direct.values) >= roles.LEAST_DIRECT)}
    assert strong
    assert strong <= set(found.of(*roles.WRITING, "other writer"))


def test_what_is_found_is_told_in_words(found):
    assert found.told()["name mover"] == "L3H0, at end"
    assert found.told()["subject suppressor"] == "nobody"
    assert found.presets()["the whole cast"] == tuple(
        sorted(head for heads in planted.ROLES.values() for head in heads)
    )


def test_an_abc_sentence_with_a_repeated_name_is_shown(tiny):
    prompts = ioi.prompts(tiny, 2, templates=(0,), order="BABA", pairs=[("Mary", "John")])
    with pytest.raises(ValueError) as error:
        roles.find_on(tiny, prompts, prompts)
    assert str(error.value) == (
        f"The ABC sentence {prompts.texts[0]!r} has the name 'John' more than once. Give it three different"
        " names, as ioi.reference does."
    )


def test_an_unknown_step_names_the_steps(found):
    with pytest.raises(ValueError) as error:
        roles.share_lost(found, "to the moon")
    assert str(error.value).startswith("The search took no step 'to the moon'. Its steps: to the logits,")


def test_the_right_name_is_weighed_against_names_outside_the_sentence(tiny):
    prompts = ioi.prompts(tiny, 3, seed=0)
    import torch

    logits = torch.zeros(3, tiny.cfg.d_vocab)
    logits[torch.arange(3), prompts.answers["io"]] = 2.0
    logits[torch.arange(3), prompts.answers["s"]] = 50.0
    np.testing.assert_allclose(roles.over_other_names(tiny, prompts)(logits).numpy(), 2.0)
