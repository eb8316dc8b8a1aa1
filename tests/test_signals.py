"""Position and token signal: six sentences as published, equal to loops, and known on two planted models."""

import numpy as np
import planted
import pytest
import torch
from naive import Replaced, lead
from reference import Reference
from transformers import GPT2TokenizerFast

from interp import models
from interp.sites import Head
from interp.studies.names import circuit, ioi, roles, signals
from interp.words.ioi import NAMES

HEADS = (Head(1, 2), Head(2, 0))
FEW = NAMES[:12] + NAMES[20:32]
FIGURE_9 = np.array([[3.55, -0.99], [2.45, -1.96], [1.77, -3.16]])


@pytest.fixture(scope="module")
def task(tiny):
    return circuit.Task.of(tiny, n=6, seed=2)


@pytest.fixture(scope="module")
def measured(tiny, task):
    return signals.measure(tiny, task, HEADS, seed=1)


def names(prompts, spot):
    return prompts.at(prompts.tokens, spot).tolist()


def test_the_six_sentences_say_what_the_paper_says(tiny):
    prompts = ioi.prompts(tiny, 1, templates=(0,), order="ABBA", pairs=[("Mary", "John")])
    told = signals.counterfactuals(tiny, prompts)
    assert list(told) == [
        (token, position)
        for token in ("original", "random", "inverted")
        for position in ("original", "inverted")
    ]
    start = {key: one.texts[0].removeprefix("Then, ").split(" went")[0] for key, one in told.items()}
    giver = {key: one.texts[0].split(". ")[1].split()[0] for key, one in told.items()}
    c, d = start["random", "original"].split(" and ")
    assert start == {
        ("original", "original"): "Mary and John", ("original", "inverted"): "John and Mary",
        ("random", "original"): f"{c} and {d}", ("random", "inverted"): f"{d} and {c}",
        ("inverted", "original"): "John and Mary", ("inverted", "inverted"): "Mary and John",
    }  # fmt: skip
    assert giver == {
        ("original", "original"): "John", ("original", "inverted"): "John",
        ("random", "original"): d, ("random", "inverted"): d,
        ("inverted", "original"): "Mary", ("inverted", "inverted"): "Mary",
    }  # fmt: skip
    assert len({c, d, "Mary", "John"}) == 4


def test_only_names_are_exchanged_and_spots_and_answers_stay(tiny, task):
    prompts = task.prompts
    for told in signals.counterfactuals(tiny, prompts, seed=3).values():
        assert told.spots is prompts.spots
        assert told.answers is prompts.answers
        named = torch.stack([prompts.mask(spot) for spot in ("IO", "S1", "S2")]).any(dim=0)
        assert torch.equal(told.tokens[~named], prompts.tokens[~named])
        twice = torch.stack([told.at(told.tokens, spot) for spot in ("IO", "S1", "S2")])
        assert (twice[2] == twice[:2]).sum(dim=0).tolist() == [1] * len(prompts)


def test_the_original_is_the_prompts_themselves_and_patches_nothing(tiny, task, measured):
    told = signals.counterfactuals(tiny, task.prompts)["original", "original"]
    assert torch.equal(told.tokens, task.prompts.tokens)
    assert told.texts == task.prompts.texts
    untouched = measured.at(token="original", position="original").values
    np.testing.assert_allclose(untouched, task.lead.values, atol=1e-5)


def test_the_leads_equal_loops(tiny_folder, tiny, task, measured):
    loops, prompts = Reference(tiny_folder), task.prompts
    for (token, position), told in signals.counterfactuals(tiny, prompts, seed=1).items():
        for number in range(len(prompts)):
            length = int(prompts.length[number])
            run = loops.forward(told.tokens[number, :length])
            given = {(head.layer, head.head): (run.z[head.layer, head.head], [length - 1]) for head in HEADS}
            expected = lead(loops, prompts, number, Replaced(given))
            found = measured.at(token=token, position=position, prompt=number)
            assert float(found) == pytest.approx(expected, abs=1e-4)
    assert np.ptp(measured.values, axis=(0, 1)).min() > 1e-3


def test_the_fit_gives_the_published_coefficients_from_the_published_table():
    axes = {"token": tuple(signals.TOKEN), "position": tuple(signals.POSITION), "prompt": (0, 1)}
    table = signals.Result(np.stack([FIGURE_9 - 1, FIGURE_9 + 1], axis=-1), axes, "lead", "nats")
    worth = signals.fit(table).mean("prompt")
    assert float(worth.at(signal="position")) == pytest.approx(2.31, abs=0.005)
    assert float(worth.at(signal="token")) == pytest.approx(0.99, abs=0.005)
    fitted = np.array([[2.3133 + 0.9875, -2.3133 + 0.9875], [2.3133, -2.3133], [1.3258, -3.3008]])
    assert signals.misfit(table) == pytest.approx(np.abs(FIGURE_9 - fitted).mean() / 3.55, abs=1e-3)


def test_the_fit_of_the_means_is_the_mean_of_the_fits(measured):
    table = measured.mean("prompt").values.ravel()
    position, token = [1, -1] * 3, [1, 1, 0, 0, -1, -1]
    expected = np.linalg.lstsq(np.array([position, token], float).T, table, rcond=None)[0]
    np.testing.assert_allclose(signals.fit(measured).mean("prompt").values, expected, atol=1e-9)


@pytest.fixture(scope="module", params=["token", "position"])
def toy(request, tiny_folder, tmp_path_factory):
    """A planted model whose S-inhibition head reports which name it was, or where it stood; nothing else."""
    folder = tmp_path_factory.mktemp("models") / f"planted-{request.param}"
    tokenizer = GPT2TokenizerFast.from_pretrained(tiny_folder)
    tokenizer.save_pretrained(folder)
    note = {"token": planted.NAME, "position": planted.PLACE}[request.param]
    planted.planted(tokenizer, FEW, note=note).save_pretrained(folder)
    return request.param, models.load(folder)


def test_the_planted_signal_is_told_apart(toy, monkeypatch):
    planted_signal, model = toy
    monkeypatch.setattr(ioi, "NAMES", FEW)
    prompts = ioi.prompts(model, 16, seed=0, templates=(0, 1, 5))
    does = ioi.behaviour(model, prompts)
    task = circuit.Task(
        prompts, ioi.reference(model, prompts), does.at(measure="logit_difference"), preferred=1.0
    )
    assert does.at(measure="prefers_io").values.mean() == 1.0
    worth = signals.fit(signals.measure(model, task, planted.ROLES["S-inhibition"])).mean("prompt")
    other = {"token": "position", "position": "token"}[planted_signal]
    lead = float(task.lead.mean("prompt"))
    assert float(worth.at(signal=planted_signal)) >= 0.9 * lead
    assert float(worth.at(signal=other)) == pytest.approx(0, abs=0.05 * lead)


def test_without_heads_there_is_no_message(tiny, task):
    with pytest.raises(ValueError) as error:
        signals.measure(tiny, task, ())
    assert str(error.value) == (
        "No head blocks the repeated name, so there is no message to read: name at least one head, or look at"
        " the evidence of the search."
    )


def test_the_heads_are_the_published_ones_where_they_are_about_the_model(tiny, monkeypatch):
    found = roles.Roles(dict.fromkeys(roles.ROLES, ()) | {"subject suppressor": (Head(2, 1),)})
    assert signals.blockers(tiny, found) == (Head(2, 1),)
    monkeypatch.setattr(circuit, "model_of_shape", lambda *shape: "gpt2")
    assert set(signals.blockers(tiny, found)) == {Head(7, 3), Head(7, 9), Head(8, 6), Head(8, 10)}
