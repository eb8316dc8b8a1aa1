"""Feed-forward updates: own update at its own place, zero, sums; the detector on the published columns."""

import re

import numpy as np
import pytest
import torch

from interp import hooks
from interp.methods import lens, updates
from interp.prompts import Prompts
from interp.sites import Site

SENTENCES = (
    "When Mary and John went to the store, John gave a drink to",
    "Then, Tom and Lucy had a long argument. Afterwards Tom said to",
)
# Merullo et al. 2023, figure 2 and demo notebook: first guess of GPT-2 medium after every block
POLAND = (
    ["("]
    + [" A"] * 5
    + [" No", " C"]
    + [" A"] * 4
    + [" Unknown", " C", " St"]
    + [" Poland"] * 4
    + [" Warsaw"] * 5
)
COLOURS = (
    [" The"] * 3 + ["["] * 2 + [" M"] * 2 + [" No", " The"] + [" No"] * 2 + [" None"] * 6 + [" white"] * 2
    + [" Brown"] * 5
)  # fmt: skip


@pytest.fixture(scope="module")
def batch(tiny):
    answers = [{"argument": " John", "answer": " Mary"}, {"argument": " Tom", "answer": " Lucy"}]
    return Prompts.write(tiny.tokenizer, [[(None, text)] for text in SENTENCES], answers=answers)


def at_end(model, prompts, *edits):
    return prompts.at(hooks.run(model, prompts, *edits)[0], "end")


def is_(column, word):
    return [guess == word for guess in column]


def test_its_own_update_at_its_own_place_changes_nothing(tiny, batch):
    vector = updates.captured(tiny, batch, [1])[0]
    edits = updates.transplant(tiny, vector, [1], where=batch.mask("end"))
    torch.testing.assert_close(at_end(tiny, batch, *edits), at_end(tiny, batch), atol=1e-5, rtol=1e-5)


def test_a_zero_update_is_the_removal_of_the_layer(tiny, batch):
    zero = updates.transplant(tiny, torch.zeros(tiny.cfg.d_model), [0, 2])
    gone = updates.removal(tiny, "feed-forward", [0, 2])
    assert torch.equal(at_end(tiny, batch, *zero), at_end(tiny, batch, *gone))
    assert [edit.place for edit in updates.removal(tiny, "attention", [1])] == [Site("attn_out", 1)]


def test_every_position_is_another_experiment_than_the_last_alone(tiny, batch):
    one = batch.take([0])
    vector = updates.captured(tiny, one, [0])[0, 0]
    everywhere, last = (
        at_end(tiny, one, *updates.transplant(tiny, vector, [0], where=where))
        for where in (None, one.mask("end"))
    )
    assert not torch.allclose(everywhere, last, atol=1e-3)
    short = Prompts.write(tiny.tokenizer, [[(None, " Mary")]])
    pair = [
        at_end(tiny, short, *updates.transplant(tiny, vector, [0], where=w))
        for w in (None, short.mask("end"))
    ]
    torch.testing.assert_close(*pair)


def test_the_update_is_what_lies_between_mid_and_post(tiny, batch):
    held = lens.states(tiny, batch)
    vectors = updates.captured(tiny, batch, range(3))
    torch.testing.assert_close(
        held.values[0, :, :, 0] + vectors, held.values[1, :, :, 0], atol=1e-5, rtol=1e-4
    )


def test_taking_its_update_out_of_a_block_output_shows_the_state_before_it(tiny, batch):
    held = lens.states(tiny, batch)
    vector = updates.captured(tiny, batch, [2])[0]
    without = lens.follow(tiny, batch, updates.shifted(tiny, held, vector, {2: -1.0}))
    plain = lens.follow(tiny, batch, held)
    np.testing.assert_allclose(
        without.at(measure="probability", part="post", layer=2).values,
        plain.at(measure="probability", part="mid", layer=2).values,
        atol=1e-5,
    )
    np.testing.assert_allclose(without.at(layer=1).values, plain.at(layer=1).values, atol=1e-6)
    nothing = lens.follow(tiny, batch, updates.shifted(tiny, held, vector, {}))
    np.testing.assert_array_equal(nothing.values, plain.values)


def test_what_the_layers_add_is_the_step_from_mid_to_post(tiny, batch):
    traced = lens.trace(tiny, batch)
    shares, gains = traced.at(measure="probability", word="answer"), updates.written(traced)
    np.testing.assert_allclose(
        shares.at(part="mid", layer=1).values + gains.at(layer=1).values,
        shares.at(part="post", layer=1).values,
    )
    edits = updates.removal(tiny, "feed-forward", [2])
    without = lens.trace(tiny, batch, *edits).at(measure="probability", word="answer", part="post", layer=2)
    lost = shares.at(part="post", layer=2).values - without.values
    np.testing.assert_allclose(lost, gains.at(layer=2).values, atol=1e-6)


def test_the_detector_finds_the_published_stages_of_poland():
    found = updates.find_stages(is_(POLAND, " Poland"), is_(POLAND, " Warsaw"))
    assert found == updates.Stages((15, 16, 17, 18), 19, (20, 21, 22, 23), by=None, from_argument=True)


def test_the_detector_names_who_did_it():
    argument, answer = is_(POLAND, " Poland"), is_(POLAND, " Warsaw")
    mids = [*argument[1:], False]  # as published: at mid 19 Poland is still first
    mids[18:20] = [True, True]
    by_mlp = updates.find_stages(
        argument, answer, mid_argument_first=mids, mid_answer_first=[False] * 20 + [True] * 4
    )
    assert (by_mlp.by, by_mlp.from_argument) == ("feed-forward", True)
    by_heads = updates.find_stages(
        argument, answer, mid_argument_first=argument, mid_answer_first=[False] * 19 + [True] * 5
    )
    assert (by_heads.by, by_heads.from_argument) == ("attention", True)


def test_the_colours_need_the_state_in_between():
    """In the published upper-case trace the argument is first at resid_mid of block 19 only."""
    argument, answer = is_(COLOURS, " brown"), is_(COLOURS, " Brown")
    blind = updates.find_stages(argument, answer)
    assert (blind.argument, blind.application, blind.from_argument) == ((), 19, False)
    only = [layer == 19 for layer in range(24)]
    seen = updates.find_stages(
        argument, answer, mid_argument_first=only, mid_answer_first=[layer > 19 for layer in range(24)]
    )
    assert (seen.by, seen.from_argument) == ("feed-forward", True)


def test_an_answer_that_does_not_last_is_no_answer():
    column = [" Poland", " Warsaw", " The"]
    found = updates.find_stages(is_(column, " Poland"), is_(column, " Warsaw"))
    assert found == updates.Stages((), None, ())


def test_stages_of_a_trace_are_those_of_its_columns(tiny, batch):
    traced = lens.trace(tiny, batch)
    first = traced.at(measure="rank", part="post", prompt=1).values == 1
    mids = traced.at(measure="rank", part="mid", prompt=1).values == 1
    expected = updates.find_stages(
        *first.T.tolist(), mid_argument_first=mids[:, 0].tolist(), mid_answer_first=mids[:, 1].tolist()
    )
    assert updates.stages(traced)[1] == expected


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda m: updates.transplant(m, torch.zeros(1024), [1]),
            "The update has 1024 numbers, but the residual stream of this model has 32:"
            " take the update from a model of the same width.",
        ),
        (
            lambda m: updates.transplant(m, torch.zeros(32), [3]),
            "There is no layer 3: this model has layers 0-2. Choose from these.",
        ),
        (
            lambda m: updates.removal(m, "mlp", [0]),
            "'mlp' is no half of a block: choose feed-forward or attention.",
        ),
        (
            lambda m: updates.find_stages([True], [True, False]),
            "A trace needs columns of one length, at least one layer long; these have 1, 2.",
        ),
    ],
)
def test_what_it_cannot_do_it_refuses_in_one_sentence(tiny, ask, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ask(tiny)
