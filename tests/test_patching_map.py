"""The Patching Map's numbers: every kind of cell equals a run by hand, sweeps come layer by layer and can
be left.
"""

import re
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.benches import patching_map
from interp.benches.stepwise import stepwise
from interp.methods.paths import Receiver, path_patching
from interp.screens import codec
from interp.screens.patching import Arrival, MapState
from interp.sites import Head, Site
from interp.studies.names import ioi
from interp.studies.own_words.own_sentences import written, written_twin

PROMPT = "Then, Mary and John went to the store. John gave a drink to"
TWIN = "Then, Mary and John went to the store. Mary gave a drink to"
STATE = MapState(PROMPT, TWIN, "Mary", "John")


def _ids(model, text):
    return torch.tensor([models.encode(model, text)])


def _lead(model, *edits, text=PROMPT):
    logits = hooks.run(model, _ids(model, text), *edits)[0][0, -1]
    mary, john = (models.encode(model, word)[0] for word in (" Mary", " John"))
    return float(logits[mary] - logits[john])


def _by_hand(model, kind, layer, place):
    """The lead with one position's or head's state from the twin, by one edited run."""
    site = Site(kind, layer)
    own, given = (hooks.record(model, _ids(model, text), [site])[site].clone() for text in (PROMPT, TWIN))
    if patching_map.KINDS[kind] == "position":
        own[0, place] = given[0, place]
    else:
        own[0, :, place] = given[0, :, place]
    return _lead(model, hooks.Put(site, own))


def _differs(model):
    """The position of the word that was exchanged."""
    ids = zip(models.encode(model, PROMPT), models.encode(model, TWIN), strict=True)
    return [own != other for own, other in ids].index(True)


def _whole(model, state, sweep=patching_map.sweep):
    *_, (share, found) = sweep(model, state)
    assert share == 1
    return found


@pytest.mark.parametrize("kind", list(patching_map.KINDS))
def test_every_kind_of_cell_equals_a_run_by_hand(tiny, kind):
    found = _whole(tiny, replace(STATE, kind=kind))
    axis = patching_map.KINDS[kind]
    assert list(found.axes) == ["layer", axis]
    places = [_differs(tiny), len(found.axes[axis]) - 1] if axis == "position" else [0, 3]
    for layer in (0, 2):
        for place in places:
            expected = _by_hand(tiny, kind, layer, place) - _lead(tiny)
            assert found.values[layer, place] == pytest.approx(expected, abs=1e-4)
            cell = patching_map.cell(tiny, replace(STATE, kind=kind, cell=(layer, place)))
            assert cell.lead == pytest.approx(_lead(tiny) + expected, abs=1e-4)


def test_all_that_differs_carries_the_whole_swing(tiny):
    leads = patching_map.leads(tiny, STATE)
    assert leads.sentence == pytest.approx(_lead(tiny), abs=1e-4)
    assert leads.twin == pytest.approx(_lead(tiny, text=TWIN), abs=1e-4)
    place = leads.pair.differs.index(True)
    found = _whole(tiny, STATE)
    assert found.values[0, place] == pytest.approx(leads.twin - leads.sentence, abs=1e-4)
    assert (found.values[:, :place] == 0).all()


def test_the_sweep_comes_from_the_last_layer_down(tiny):
    done = []
    for share, found in patching_map.sweep(tiny, STATE):
        layers = [row for row in range(3) if not np.isnan(found.values[row]).any()]
        assert len(layers) == round(3 * share)
        done.append(tuple(layers))
    assert list(dict.fromkeys(done)) in (
        [(2,), (1, 2), (0, 1, 2)],
        [(), (2,), (1, 2), (0, 1, 2)],
    )


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize(
    "receiver", [None, *(Arrival(Head(2, 1), part, word) for part, word in (("q", -1), ("k", 0), ("v", 1)))]
)
def test_the_table_of_paths_equals_path_patching_by_hand(tiny, receiver, bos):
    """Words count here from the word that differs; -1 is the last word."""
    state = replace(STATE, bos=bos)
    prompts = written(tiny, PROMPT, "Mary", "John", bos=bos)
    donor = written_twin(tiny, prompts, TWIN, "Mary", "John")
    options = {}
    if receiver is not None:
        tokens = len(models.encode(tiny, PROMPT))
        word = tokens - 1 if receiver.word < 0 else _differs(tiny) + receiver.word
        state = replace(state, receiver=replace(receiver, word=word))
        prompts = replace(prompts, spots={**prompts.spots, "here": torch.tensor([word + bos])})
        options = {"receivers": [Receiver(receiver.head, receiver.part)], "receiver_at": "here"}
    expected = path_patching(
        tiny, prompts, donor, ioi.logit_difference(prompts), progress=False, **options
    ).at(prompt=0)
    found = _whole(tiny, state, patching_map.paths)
    np.testing.assert_allclose(found.values, expected.values, atol=2e-6)
    assert (found.axes, found.unit) == (expected.axes, "nats")
    assert np.abs(found.values).max() > 1e-4  # fifty times what is tolerated
    assert (found.values[2:] == 0).all() == (receiver is not None)


def test_paths_come_from_the_last_layer_of_senders_down(tiny):
    steps = [
        (share, np.isfinite(found.values).all(axis=1).tolist())
        for share, found in patching_map.paths(tiny, STATE)
    ]
    assert steps[0] == (0, [False] * 3)
    order = list(dict.fromkeys(tuple(done) for _, done in steps))
    assert order[1:] == [(False, False, True), (False, True, True), (True, True, True)]
    assert all(share == sum(done) / 3 for share, done in steps)


def test_where_nothing_can_arrive_every_path_is_exactly_zero(tiny):
    before = Arrival(Head(2, 0), "v", _differs(tiny) - 1)
    below_all = Arrival(Head(0, 3), "q", _differs(tiny))
    for receiver in (before, below_all):
        assert (_whole(tiny, replace(STATE, receiver=receiver), patching_map.paths).values == 0).all()


def test_a_sweep_that_nobody_watches_ends():
    reached, ended = [], threading.Event()

    def sweep(on_layer):
        try:
            for layer in range(1000):
                reached.append(layer)
                on_layer(layer, None)
                time.sleep(0.001)
        finally:
            ended.set()

    steps = stepwise(sweep)
    assert next(steps) == (0, None)
    steps.close()
    assert ended.wait(5)
    assert len(reached) < 1000


def test_what_a_sweep_raises_is_raised_where_it_is_watched():
    def sweep(on_layer):
        on_layer(1, None)
        raise ValueError("no more")

    steps = stepwise(sweep)
    assert next(steps) == (1, None)
    with pytest.raises(ValueError, match=r"^no more$"):
        list(steps)


def test_a_cell_tells_the_next_words_before_and_after(tiny):
    found = patching_map.cell(tiny, replace(STATE, cell=(1, _differs(tiny))))
    before = hooks.run(tiny, _ids(tiny, PROMPT))[0][0, -1].double().softmax(-1)
    np.testing.assert_allclose(found.before.values, before.topk(10).values.numpy(), atol=1e-6)
    assert found.after.values.tolist() != found.before.values.tolist()


def test_the_examples_differ_in_the_giver_and_can_be_measured(tiny):
    bench = patching_map.bench(tiny)
    assert len(bench.examples) == 3
    for _, state in bench.examples:
        assert sum(bench.leads(state).pair.differs) == 1


def test_a_model_that_can_read_no_example_is_told(tiny, monkeypatch):
    strange = ("x", "Zyxwvu and Qqwwee met, Qqwwee gave it to", "Zyxwvu", "Qqwwee")
    monkeypatch.setattr(patching_map, "NAME_EXAMPLES", (strange,))
    message = (
        "tiny can read none of the 1 examples: each name must be one token with the space before it. Load a "
        "model with GPT-2's or pocket's tokenizer."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        patching_map.bench(tiny)


def test_a_state_survives_json():
    locked = replace(STATE, cell=(2, 9), kind="z", raw=True)
    assert codec.read(MapState, codec.write(locked)) == locked
    assert codec.plain(STATE)["cell"] is None
    sent = replace(STATE, receiver=Arrival(Head(2, 1), "k", 9))
    assert codec.read(MapState, codec.write(sent)) == sent
    assert codec.plain(sent)["receiver"] == {"head": "L2H1", "part": "k", "word": 9}


def test_a_state_that_knows_no_receiver_still_loads():
    saved = '{"prompt": "a b", "twin": "a c", "answer": "Mary", "against": "John", "cell": [1, 2]}'
    assert codec.read(MapState, saved) == MapState("a b", "a c", "Mary", "John", cell=(1, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"twin": PROMPT}, "The two sentences are the same: change a word of the second, such as the name "
                           "said twice."),
        ({"twin": " "}, "The second sentence is missing: write the first one again and change a word, such "
                        "as a name."),
        ({"kind": "x"}, "kind='x' cannot be put in. Choose one of: resid_pre, attn_out, mlp_out, z, q, k, "
                        "v."),
        ({"cell": (3, 0)}, "The cell (3, 0) is not on this map of 3 layers and {n} places."),
        ({"cell": (0, 4), "kind": "q"}, "The cell (0, 4) is not on this map of 3 layers and 4 places."),
        ({"receiver": Arrival(Head(9, 0), "q", 0)}, "L9H0 is not in this model: tiny has layers 0-2 and "
                                                    "heads 0-3. Choose a head such as L2H3."),
        ({"receiver": Arrival(Head(2, 0), "z", 0)}, "'z' is not a part of a head that receives: choose q, k "
                                                    "or v."),
        ({"receiver": Arrival(Head(2, 0), "q", 99)}, "The receiver's word 99 is not in this sentence of {n} "
                                                     "tokens: choose one from 0 to {last}."),
        ({"answer": ""}, "The answer is missing: write one word, such as Mary."),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(tiny, change, message):
    tokens = len(models.encode(tiny, PROMPT))
    message = message.format(n=tokens, last=tokens - 1)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        patching_map.leads(tiny, replace(STATE, **change))


def test_no_locked_cell_is_told(tiny):
    with pytest.raises(ValueError, match=r"^No cell is locked: click one\.$"):
        patching_map.cell(tiny, STATE)
