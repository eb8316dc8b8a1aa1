"""Running, recording and editing: what the twelve properties and the traps of TransformerLens ask of us."""

import copy
import threading

import pytest
import torch
from reference import Reference, log_probabilities

from interp import hooks, models
from interp.hooks import Add, Put, Zero, intervene, record, resume, run
from interp.prompts import Prompts
from interp.sites import KINDS, Head, Neuron, Site

# float32 against float64 loops: the worst gap seen is about 1e-5
TOLERANCE = 1e-4
LAYER = 1
EVERY_SITE = [
    Site(kind) if kind in ("embed", "pos_embed", "ln_final_scale") else Site(kind, LAYER) for kind in KINDS
]
RESIDUALS = [Site(kind, LAYER) for kind in ("resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post")]
HEADS = [Head(layer, head) for layer in range(3) for head in range(4)]


@pytest.fixture(scope="module")
def reference(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture
def clean(tiny, tokens):
    return run(tiny, tokens)[0]


def gap(a, b):
    return float((a - b).abs().max())


def log_gap(logits, expected):
    return gap(logits.double().log_softmax(-1), expected)


# The judge agrees


def test_log_probabilities_equal_the_reference(clean, reference, tokens):
    assert log_gap(clean, log_probabilities(reference, tokens)) < TOLERANCE


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_zeroing_a_head_removes_exactly_what_it_writes(tiny, reference, tokens, clean, head):
    edited = run(tiny, tokens, Zero(head))[0]
    assert (
        log_gap(edited, log_probabilities(reference, tokens, removed=[(head.layer, head.head)])) < TOLERANCE
    )
    assert gap(edited, clean) > 100 * TOLERANCE  # the head matters, so the test can fail


def test_zeroing_a_neuron_removes_it(tiny, reference, tokens):
    for neuron in (Neuron(0, 5), Neuron(2, 127)):
        expected = log_probabilities(reference, tokens, removed_neurons=[(neuron.layer, neuron.neuron)])
        assert log_gap(run(tiny, tokens, Zero(neuron))[0], expected) < TOLERANCE


def test_putting_another_output_in_a_head_replaces_it(tiny, reference, tokens):
    value = torch.randn(7, 8, generator=torch.Generator().manual_seed(2))
    expected = log_probabilities(reference, tokens, replaced={(1, 2): value})
    assert log_gap(run(tiny, tokens, Put(Head(1, 2), value))[0], expected) < TOLERANCE


def test_recorded_heads_and_patterns_equal_the_reference(tiny, reference, tokens):
    recorded = record(tiny, tokens, [*HEADS, Site("pattern", 2)])
    for prompt, ids in enumerate(tokens):
        expected = reference.forward(ids)
        assert (
            max(gap(recorded[head][prompt], expected.z[head.layer, head.head]) for head in HEADS) < TOLERANCE
        )
        for head in range(4):
            assert gap(recorded[Site("pattern", 2)][prompt, head], expected.pattern[2, head]) < TOLERANCE


@pytest.mark.parametrize("kind", ["resid_pre", "resid_mid", "resid_post"])
def test_a_write_to_the_residual_stream_reaches_the_skip_connection(tiny, reference, tokens, clean, kind):
    """TransformerLens 4.3 lets a tensor returned at resid_mid reach the feed-forward branch only."""

    def shrink(stream):
        stream = stream - stream.mean(-1, keepdim=True)  # our weights are centred, the reference's are not
        stream[3] = 0.3 * stream[3] + 1e-3
        return stream

    site = Site(kind, LAYER)
    there = record(tiny, tokens, [site])[site]
    there[:, 3] = 0.3 * there[:, 3] + 1e-3
    expected = log_probabilities(reference, tokens, change={(kind, LAYER): shrink})
    edited = run(tiny, tokens, Put(site, there))[0]
    assert log_gap(edited, expected) < TOLERANCE
    assert gap(edited, clean) > 100 * TOLERANCE


# Edits are pure, and do what they say once


@pytest.mark.parametrize("site", EVERY_SITE, ids=str)
def test_putting_back_what_was_there_changes_nothing(tiny, tokens, clean, site):
    there = record(tiny, tokens, [site])[site]
    assert torch.equal(run(tiny, tokens, Put(site, there))[0], clean)


@pytest.mark.parametrize("site", EVERY_SITE, ids=str)
def test_an_edit_acts_once_and_is_recorded_after_it(tiny, tokens, site):
    before = record(tiny, tokens, [site])[site]
    after = record(tiny, tokens, [site], Add(site, torch.ones(()), scale=2.0))[site]
    if site.kind == "scores":  # the masked scores are minus infinity
        before, after = before[before > -torch.inf], after[after > -torch.inf]
    assert torch.allclose(after, before + 2, atol=1e-6)


@pytest.mark.parametrize("site", EVERY_SITE, ids=str)
def test_no_edit_rewrites_what_was_there_before_it(tiny, tokens, site):
    """An in-place edit would leak, as upstream's does at the input of the feed-forward layer."""
    seen = {}

    def look(name):
        return lambda activation, hook: seen.update({name: (activation, activation.clone())})

    earlier = [other for other in EVERY_SITE if other < site or (other == site and site.kind != "resid_mid")]
    with tiny.hooks(fwd_hooks=[(other.hook_name, look(str(other))) for other in earlier]):
        run(tiny, tokens, Zero(site))
    assert len(seen) == len(earlier)
    assert [name for name, (held, copied) in seen.items() if not torch.equal(held, copied)] == []


def test_an_edit_is_a_pure_function(tokens):
    activation = torch.randn(2, 7, 4, 8)
    held = activation.clone()
    edits = (Zero(Head(0, 1)), Put(Head(0, 1), torch.ones(8)), Add(Site("z", 0), torch.ones(8)))
    assert all(edit(activation) is not activation for edit in edits)
    assert torch.equal(activation, held)
    assert torch.equal(Zero(Head(0, 1))(activation)[:, :, [0, 2, 3]], activation[:, :, [0, 2, 3]])


def test_adding_and_taking_away_is_the_identity(tiny, tokens, clean):
    vector = torch.randn(32, generator=torch.Generator().manual_seed(3))
    for site in RESIDUALS:
        assert gap(run(tiny, tokens, Add(site, vector), Add(site, vector, scale=-1.0))[0], clean) < 1e-5


def test_edits_act_in_the_order_in_which_they_are_given(tiny, tokens):
    ones, there = torch.ones(8), Head(1, 1)
    recorded = record(tiny, tokens, [there], Zero(there), Add(there, ones))[there]
    assert torch.equal(recorded, torch.ones(2, 7, 8))
    assert torch.equal(
        record(tiny, tokens, [there], Add(there, ones), Zero(there))[there], torch.zeros(2, 7, 8)
    )


def test_nesting_equals_one_list_and_disjoint_edits_commute(tiny, tokens):
    edits = [
        Zero(Head(1, 1)),
        Add(Site("resid_mid", 1), torch.ones(32)),
        Zero(Site("attn_out", 1)),
        Zero(Neuron(0, 3)),
    ]
    together = run(tiny, tokens, *edits)[0]
    with (
        intervene(tiny, *edits[:1]) as outer,
        intervene(outer, *edits[1:2]),
        intervene(tiny, *edits[2:]) as inner,
    ):
        assert torch.equal(run(inner, tokens)[0], together)
    assert torch.equal(run(tiny, tokens, *edits[::-1])[0], together)


def test_a_mask_limits_an_edit_to_its_positions(tiny, tokens, clean):
    everywhere, nowhere = torch.ones(2, 7, dtype=torch.bool), torch.zeros(2, 7, dtype=torch.bool)
    for place in (Head(1, 1), Neuron(1, 3), Site("resid_mid", 1), Site("pattern", 1)):
        assert torch.equal(run(tiny, tokens, Zero(place, everywhere))[0], run(tiny, tokens, Zero(place))[0])
        assert torch.equal(run(tiny, tokens, Zero(place, nowhere))[0], clean)


@pytest.mark.parametrize(
    "place", [Head(1, 1), Neuron(1, 3), *RESIDUALS, Site("pattern", 1), Site("q", 1)], ids=str
)
def test_the_past_does_not_see_the_future(tiny, tokens, clean, place):
    from_position_4 = torch.zeros(2, 7, dtype=torch.bool)
    from_position_4[0, 4:] = True
    edited = run(tiny, tokens, Zero(place, from_position_4))[0]
    assert torch.equal(edited[:, :4], clean[:, :4])
    assert torch.equal(edited[1], clean[1])
    assert gap(edited[0, 4:], clean[0, 4:]) > 1e-3


# Nothing is left behind


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_no_trace_is_left_after_an_exception(tiny, tokens, clean, stop):
    def interrupt(activation, hook):
        raise stop

    with pytest.raises(stop), intervene(tiny, Zero(Head(0, 1)), Zero(Site("resid_mid", 1))) as model:  # noqa: SIM117
        with model.hooks(fwd_hooks=[(Site("mlp_out", 1).hook_name, interrupt)]):
            model(tokens)
    assert tiny.list_hooks() == {}
    assert torch.equal(run(tiny, tokens)[0], clean)


def test_no_trace_is_left_when_an_edit_fails_in_the_middle_of_a_run(tiny, tokens, clean):
    with pytest.raises(ValueError, match="does not fit"):
        run(tiny, tokens, Zero(Head(0, 1)), Put(Head(1, 1), torch.ones(9)), record=[Site("z", 0)])
    assert tiny.list_hooks() == {}
    assert torch.equal(run(tiny, tokens)[0], clean)


def test_an_edit_refused_before_the_run_leaves_no_trace(tiny, tokens, clean):
    with pytest.raises(ValueError, match="L12H0"):
        run(tiny, tokens, Zero(Head(0, 1)), Zero(Head(12, 0)))
    assert tiny.list_hooks() == {}
    assert torch.equal(run(tiny, tokens)[0], clean)


def test_recorded_tensors_are_copies(tiny, tokens, clean):
    recorded = record(tiny, tokens, [Site("resid_post", 0), Site("resid_pre", 1), Head(1, 0)])
    assert torch.equal(recorded[Site("resid_post", 0)], recorded[Site("resid_pre", 1)])
    assert len({tensor.untyped_storage().data_ptr() for tensor in recorded.values()}) == 3
    assert recorded[Head(1, 0)].untyped_storage().nbytes() == 2 * 7 * 8 * 4


def test_gradients_are_off_and_the_mode_of_the_process_is_left_alone(tiny, tokens):
    assert torch.is_grad_enabled()
    logits, recorded = run(tiny, tokens, Zero(Head(0, 1)), record=[Head(1, 1)])
    with intervene(tiny, Zero(Head(0, 1))) as model:
        directly = model(tokens)
    assert not logits.requires_grad
    assert not recorded[Head(1, 1)].requires_grad
    assert not directly.requires_grad
    assert torch.is_grad_enabled()


def test_two_threads_do_not_see_each_others_edits(tiny, tokens, clean):
    edit = Zero(Site("attn_out", 0))
    edited = run(tiny, tokens, edit)[0]
    wrong = []

    def repeat(expected, *edits):
        for _ in range(60):
            if not torch.equal(run(tiny, tokens, *edits)[0], expected):
                wrong.append(edits)

    threads = [
        threading.Thread(target=repeat, args=(clean,)),
        threading.Thread(target=repeat, args=(edited, edit)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_copied_model_has_its_own_hooks_and_its_own_turn(tiny, tokens, clean):
    other = copy.deepcopy(tiny)
    with intervene(tiny, Zero(Site("attn_out", 0))):
        thread = threading.Thread(target=lambda: done.append(run(other, tokens)[0]))
        done = []
        thread.start()
        thread.join(timeout=30)
    assert torch.equal(done[0], clean)


# Resuming


@pytest.mark.parametrize("layer", range(3))
def test_resuming_equals_running(tiny, tokens, layer):
    stream, position = Site("resid_pre", layer), torch.tensor([6, 2])
    edits = [Zero(Head(layer, 1)), Zero(Head(2, 0)), Add(Site("resid_mid", layer), torch.ones(32))]
    given = record(tiny, tokens, [stream])[stream]
    expected = run(tiny, tokens, *edits)[0]
    assert torch.equal(resume(tiny, given, layer, *edits), expected)
    at_position = resume(tiny, given, layer, *edits, position=position)
    assert gap(at_position, expected[torch.arange(2), position]) < 1e-5


def test_resuming_after_the_last_layer_is_the_lens_and_gives_the_logits(tiny, tokens, clean):
    last = Site("resid_post", 2)
    assert torch.equal(resume(tiny, record(tiny, tokens, [last])[last], 3), clean)


def test_resuming_does_not_run_the_layers_before(tiny, tokens):
    """TransformerLens' start_at_layer runs them and throws them away."""
    given = record(tiny, tokens, [Site("resid_pre", 2)])[Site("resid_pre", 2)]
    ran = []
    watch = [
        (Site("resid_pre", layer).hook_name, lambda a, hook, layer=layer: ran.append(layer))
        for layer in range(3)
    ]
    with tiny.hooks(fwd_hooks=watch):
        resume(tiny, given, 2)
    assert ran == [2]


def test_an_edit_before_the_layer_that_resumes_is_refused(tiny):
    stream = torch.zeros(1, 3, 32)
    with pytest.raises(ValueError) as error:
        resume(tiny, stream, 2, Zero(Head(1, 0)))
    assert str(error.value) == (
        "The edit at L1H0 acts before layer 2, where this run resumes. Resume earlier, or use run."
    )
    with pytest.raises(ValueError) as error:
        resume(tiny, stream, 4)
    assert str(error.value) == "A run resumes at a layer from 0 to 3; it was asked for 4."


# Sums, order, padding


def test_the_components_sum_to_the_last_residual(tiny, tokens):
    outs = [Site(kind, layer) for kind in ("attn_out", "mlp_out") for layer in range(3)]
    recorded = record(tiny, tokens, [Site("embed"), Site("pos_embed"), *outs, Site("resid_post", 2)])
    last = recorded.pop(Site("resid_post", 2))
    assert gap(sum(recorded.values()), last) < 1e-5


def test_reordering_the_prompts_reorders_the_logits(tiny, tokens, clean):
    assert gap(run(tiny, tokens.flip(0))[0].flip(0), clean) < 1e-5


def test_padding_changes_nothing(tiny):
    sentences = [[(None, "Then, Mary")], [(None, "Then, Mary went to the store with John")]]
    both = Prompts.write(tiny.tokenizer, sentences)
    for number, sentence in enumerate(sentences):
        alone = run(tiny, Prompts.write(tiny.tokenizer, [sentence]))[0]
        length = int(both.length[number])
        assert gap(run(tiny, both)[0][number, :length], alone[0]) < 1e-5


def test_the_last_positions_alone_have_the_same_logits(tiny, tokens, clean):
    assert gap(run(tiny, tokens, last=2)[0], clean[:, -2:]) < 1e-5


# What is refused


def test_an_unknown_keyword_is_refused(tiny, tokens):
    """TransformerLens swallows it: `model(tokens, banana=3)` runs."""
    with pytest.raises(TypeError) as error:
        run(tiny, tokens, banana=3)
    assert "unexpected keyword argument 'banana'" in str(error.value)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda m, t: run(m, t, Zero(Head(12, 0))),
            "L12H0 is not in this model: tiny has layers 0-2 and heads 0-3. Choose a head such as L2H3.",
        ),
        (
            lambda m, t: run(m, t, record=[Site("z", 3)]),
            "z3 is not in this model: tiny has layers 0-2. Choose a layer from 0 to 2.",
        ),
        (lambda m, t: run(m, t, last=8), "last must be from 1 to the 7 positions of the prompts; it was 8."),
        (
            lambda m, t: run(m, t[:, :0]),
            "The tokens have the shape (2, 0); give at least one prompt of at least one token,"
            " as (prompt, position).",
        ),
        (
            lambda m, t: run(m, t.repeat(1, 10)),
            "The prompts have 70 tokens, but tiny reads at most 64. Make them shorter by 6.",
        ),
        (
            lambda m, t: run(m, t, Put(Head(0, 0), torch.ones(9))),
            "The value for L0H0 has the shape (9,), which does not fit (2, 7, 8)."
            " Give one that broadcasts to it.",
        ),
        (
            lambda m, t: run(m, t, Zero(Head(0, 0), torch.ones(2, 6, dtype=torch.bool))),
            "The mask `where` of the edit at L0H0 has the shape (2, 6); the run has"
            " (2, 7) (prompt, position)."
            " Make it for these prompts.",
        ),
    ],
)
def test_a_wrong_request_is_refused_with_a_whole_sentence(tiny, tokens, act, message):
    with pytest.raises(ValueError) as error:
        act(tiny, tokens)
    assert str(error.value) == message


@pytest.mark.parametrize("wrong", [-1, 10**6])
def test_a_token_outside_the_vocabulary_is_refused(tiny, wrong):
    size = models.describe(tiny).vocabulary
    with pytest.raises(ValueError) as error:
        run(tiny, torch.tensor([[1, wrong]]))
    assert str(error.value) == (
        f"The token id {wrong} is not in the vocabulary of tiny, which has the ids 0-{size - 1}."
        " Write the prompts with its tokenizer."
    )


def test_all_edits_are_exported_by_name():
    assert hooks.Edit == Zero | Put | Add


def test_what_is_measured_under_edits_says_so(tiny, tokens):
    assert "edits" not in models.about(tiny)
    value, where = torch.ones(1), torch.ones(2, 7, dtype=torch.bool)
    edits = Zero(Head(1, 2)), Add(Site("mlp_out", 0), value, 2.5), Put(Neuron(1, 7), value, where)
    with intervene(tiny, *edits):
        run(tiny, tokens)
        told = models.about(tiny)["edits"]
    assert sorted(told) == [
        f"Add at {Site('mlp_out', 0)}, times 2.5",
        f"Put at {Neuron(1, 7)}, at some positions",
        f"Zero at {Head(1, 2)}",
    ]
    tiny.add_hook("blocks.0.hook_in", lambda x, hook: x)
    try:
        assert models.about(tiny)["edits"] == ["blocks.0.hook_in"]
    finally:
        tiny.reset_hooks()
    assert "edits" not in models.about(tiny)
