"""The lens: equal to the loop-written model and to Hugging Face, its invariances, how it refuses."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from reference import Reference
from transformers import GPT2LMHeadModel

from interp import hooks, models
from interp.methods import lens
from interp.prompts import Prompts
from interp.sites import Head, Site

SENTENCES = (
    "When Mary and John went to the store, John gave a drink to",
    "Then, Tom and Lucy had a long argument. Afterwards Tom said to",
)


@pytest.fixture(scope="module")
def loops(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture(scope="module")
def batch(tiny):
    answers = [{"argument": " John", "answer": " Mary"}, {"argument": " Tom", "answer": " Lucy"}]
    sentences = [[(None, text)] for text in SENTENCES]
    return Prompts.write(tiny.tokenizer, sentences, answers=answers)


def expected_log_probabilities(loops, stream):
    """The lens by hand, on the judge's own state: final norm, then its unfolded unembedding."""
    return (loops._norm("ln_f", stream) @ loops.weights["wte.weight"].T).log_softmax(-1)


@pytest.mark.parametrize("part", lens.PARTS)
def test_the_trace_equals_the_loop_written_model(tiny, loops, batch, part):
    traced = lens.trace(tiny, batch)
    for number, length in enumerate(batch.length.tolist()):
        passed = loops.forward(batch.tokens[number, :length])
        for layer in range(tiny.cfg.n_layers):
            shares = expected_log_probabilities(loops, passed.streams[f"resid_{part}", layer][-1]).exp()
            for word, ids in batch.answers.items():
                found = traced.at(part=part, layer=layer, word=word, prompt=number)
                assert float(found.at(measure="probability")) == pytest.approx(
                    float(shares[ids[number]]), abs=1e-5
                )
                rank = sum(share > shares[ids[number]] for share in shares.tolist()) + 1
                assert float(found.at(measure="rank")) == rank


def test_the_last_row_is_what_hugging_face_says(tiny, tiny_folder, batch):
    network = GPT2LMHeadModel.from_pretrained(tiny_folder).eval()
    traced = lens.trace(tiny, batch)
    for number, length in enumerate(batch.length.tolist()):
        with torch.no_grad():
            shares = network(batch.tokens[number, :length][None]).logits[0, -1].softmax(-1)
        last = traced.at(measure="probability", part="post", layer=tiny.cfg.n_layers - 1, prompt=number)
        expected = [float(shares[ids[number]]) for ids in batch.answers.values()]
        np.testing.assert_allclose(last.values, expected, atol=1e-5)


def test_the_guesses_are_the_largest_shares_in_order(tiny, loops, batch):
    one = batch.take([0])
    found = lens.guesses(tiny, one, k=4)
    ids = one.tokens[0, : int(one.length[0])]
    passed = loops.forward(ids)
    for layer in range(tiny.cfg.n_layers):
        shares = expected_log_probabilities(loops, passed.streams["resid_mid", layer]).exp()
        for position in range(len(ids)):
            values, top = shares[position].topk(4)
            mine = found.probability.at(part="mid", layer=layer, position=position)
            np.testing.assert_allclose(mine.values, values, atol=1e-5)
            assert list(found.words[0, layer, position]) == models.token_strings(tiny, top.tolist())
    assert "".join(found.tokens[: len(ids)]) == one.texts[0]


def test_what_the_lens_reads_does_not_depend_on_shift_and_scale(tiny, batch):
    held = lens.states(tiny, batch)
    tracked = torch.stack(list(batch.answers.values()), -1)[None, None, :, None].expand(2, 3, 2, 1, 2)
    plain = lens.read(tiny, held.values, tracked=tracked, k=3)
    for changed in (held.values + torch.randn(2, 3, 2, 1, 1), 7.0 * held.values):
        other = lens.read(tiny, changed, tracked=tracked, k=3)
        mine, before = (one.tracked - one.total[..., None] for one in (other, plain))
        torch.testing.assert_close(mine, before, atol=1e-4, rtol=1e-4)
        assert torch.equal(other.ids, plain.ids)
        assert torch.equal(other.ranks, plain.ranks)


def test_the_first_guess_has_rank_one_and_ranks_ignore_a_constant(tiny, batch):
    held = lens.states(tiny, batch)
    first = lens.read(tiny, held.values).ids
    assert (lens.read(tiny, held.values, tracked=first).ranks == 1).all()


def test_two_words_alone_give_the_same_lead_as_the_whole_vocabulary(tiny, batch):
    traced = lens.trace(tiny, batch).at(measure="logit")
    expected = traced.at(word="answer").values - traced.at(word="argument").values
    np.testing.assert_allclose(lens.lead(tiny, batch).values, expected, atol=1e-4)


def test_portions_change_nothing(tiny, batch, monkeypatch):
    whole = lens.trace(tiny, batch)
    monkeypatch.setattr(lens, "LARGEST_TABLE", tiny.cfg.d_vocab + 1)  # one state at a time
    np.testing.assert_allclose(lens.trace(tiny, batch).values, whole.values, atol=1e-5)


def test_an_edit_acts_on_the_lens_as_on_a_run(tiny, batch):
    edit = hooks.Zero(Head(1, 2))
    logits = batch.at(hooks.run(tiny, batch, edit)[0], "end").double()
    last = lens.trace(tiny, batch, edit).at(measure="probability", part="post", layer=2)
    expected = [logits.softmax(-1)[torch.arange(2), ids].tolist() for ids in batch.answers.values()]
    np.testing.assert_allclose(last.values, expected, atol=1e-5)
    assert not np.allclose(
        last.values, lens.trace(tiny, batch).at(measure="probability", part="post", layer=2).values
    )


def test_the_states_add_up(tiny, batch):
    """resid_post - mlp_out is resid_mid, and resid_mid - attn_out is resid_pre."""
    sites = [Site(kind, 1) for kind in ("resid_pre", "attn_out", "mlp_out")]
    recorded = hooks.record(tiny, batch, sites)
    held = lens.states(tiny, batch, spot=None).values[:, 1]
    torch.testing.assert_close(held[1] - recorded[Site("mlp_out", 1)], held[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        held[0] - recorded[Site("attn_out", 1)], recorded[Site("resid_pre", 1)], atol=1e-5, rtol=1e-4
    )


def test_the_states_are_those_of_a_run_whether_or_not_the_engine_gives_them(tiny, batch):
    """Prompts of two lengths, padding too; then the same under an edit and under a hook in force."""
    sites = [Site(f"resid_{part}", layer) for part in lens.PARTS for layer in range(tiny.cfg.n_layers)]
    for edits in ((), (hooks.Zero(Head(1, 2)),)):
        recorded = hooks.record(tiny, batch, sites, *edits)
        expected = torch.stack([recorded[site] for site in sites]).unflatten(0, (2, -1))
        given = lens.states(tiny, batch, *edits, spot=None).values
        torch.testing.assert_close(given, expected, atol=1e-5, rtol=0)
    with hooks.intervene(tiny, *edits):
        torch.testing.assert_close(lens.states(tiny, batch, spot=None).values, expected, atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match=r"^The token id 99999 is not in the vocabulary of tiny"):
        lens.states(tiny, replace(batch, tokens=torch.full_like(batch.tokens, 99999)))


def test_a_lens_that_does_not_reproduce_the_model_says_so(tiny, batch, monkeypatch):
    monkeypatch.setattr(lens, "normalised", lambda model, values: values)
    with pytest.raises(
        RuntimeError, match=r"^The lens reads the last state .* nats away from the model's own logits"
    ):
        lens.trace(tiny, batch)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda m, p: lens.trace(m, p, parts=("pre",)),
            "parts=('pre',) cannot be read: choose from mid, post.",
        ),
        (
            lambda m, p: lens.trace(m, replace(p, answers={})),
            'The prompts have no answers to follow. Write them with answers such as {"answer": " Mary"}.',
        ),
        (
            lambda m, p: lens.guesses(m, p),
            "guesses reads one prompt at a time; it was given 2. Take one: take([0]).",
        ),
        (
            lambda m, p: lens.trace(m, p, spot="S2"),
            "These prompts have no spot 'S2'. Their spots are end.",
        ),
    ],
)
def test_what_it_cannot_read_it_refuses_in_one_sentence(tiny, batch, ask, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ask(tiny, batch)
