"""Copy scores: equal to loops over the checkpoint's own weights, in both conventions."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from reference import Reference

from interp import models
from interp.methods import copying
from interp.studies.names import ioi

K = 80  # the random vocabulary has some hundreds of tokens, so that some heads hit and some miss


@pytest.fixture(scope="module")
def judge(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture(scope="module")
def ids(tiny):
    return torch.tensor([models.encode(tiny, f" {name}")[0] for name in ioi.name_pool(tiny)[:12]])


@dataclass
class Parts:
    """One head's matrices as the checkpoint has them, with the layer norm before them."""

    gain: torch.Tensor
    shift: torch.Tensor
    value: torch.Tensor
    value_bias: torch.Tensor
    output: torch.Tensor


def parts(judge, layer, head):
    weights, width = judge.weights, judge.config["n_embd"]
    own = slice(head * judge.d_head, (head + 1) * judge.d_head)
    values = slice(2 * width + own.start, 2 * width + own.stop)
    return Parts(
        weights[f"h.{layer}.ln_1.weight"], weights[f"h.{layer}.ln_1.bias"],
        weights[f"h.{layer}.attn.c_attn.weight"][:, values],
        weights[f"h.{layer}.attn.c_attn.bias"][values], weights[f"h.{layer}.attn.c_proj.weight"][own],
    )  # fmt: skip


def share_of_hits(judge, vectors, ids, k):
    """How many tokens beat their own is counted one token at a time, after the final layer norm."""
    hits = 0
    for vector, own in zip(vectors, ids, strict=True):
        logits = judge._norm("ln_f", vector) @ judge.weights["wte.weight"].T
        better = sum(1 for logit in logits if logit > logits[own])
        hits += better < k
    return hits / len(ids)


def standardised(vector):
    centred = vector - vector.mean()
    return centred / math.sqrt(float(centred.pow(2).mean()) + 1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_without_a_sentence_the_judge_agrees(tiny, judge, ids, sign):
    scores = copying.copy_scores(tiny, ids, sign=sign, k=K)
    assert list(scores.axes) == ["layer", "head"]
    embedded = judge.weights["wte.weight"][ids]
    extended = embedded + judge._feed_forward(0, judge._norm("h.0.ln_2", embedded), Pass(), ())
    found = set()
    for layer in range(judge.layers):
        for head in range(judge.heads):
            own = parts(judge, layer, head)
            # gain folded into the value matrix; neither shift nor value bias takes part. Centring by hand.
            centred = extended - extended.mean(dim=-1, keepdim=True)
            written = sign * (centred * own.gain) @ own.value @ own.output
            written = written - written.mean(dim=-1, keepdim=True)
            expected = share_of_hits(judge, written, ids, K)
            found.add(expected)
            assert float(scores.at(layer=layer, head=head)) == pytest.approx(expected)
    assert len(found) > 2


@pytest.mark.parametrize("sign", [1, -1])
def test_in_prompts_the_judge_agrees(tiny, judge, sign):
    prompts = ioi.prompts(tiny, 4, seed=2)
    scores = copying.copy_scores_in_prompts(tiny, prompts, sign=sign, k=K)
    runs = [judge.forward(prompts.tokens[n, : prompts.length[n]]) for n in range(4)]
    spots = [(n, int(prompts.spots[spot][n])) for spot in ("IO", "S1", "S2") for n in range(4)]
    ids = [int(prompts.tokens[n, position]) for n, position in spots]
    for layer in range(judge.layers):
        for head in range(judge.heads):
            own, written = parts(judge, layer, head), []
            for n, position in spots:
                state = standardised(runs[n].streams["resid_post", 0][position])
                value = (state * own.gain + own.shift) @ own.value + own.value_bias
                written.append(sign * value @ own.output)
            expected = share_of_hits(judge, torch.stack(written), ids, K)
            assert float(scores.at(layer=layer, head=head)) == pytest.approx(expected)


class Pass:
    """What the judge's feed-forward layer wants to note down; not looked at here."""

    def __init__(self):
        self.neurons, self.parts = {}, {}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sign": 2}, "sign=2 is neither 1 (copying) nor -1 (holding down): choose one of them."),
        ({"k": 0}, "k=0 is not from 1 to {last}: choose how many highest logits count."),
    ],
)
def test_a_wrong_request_is_refused(tiny, ids, wrong, message):
    with pytest.raises(ValueError) as error:
        copying.copy_scores(tiny, ids, **wrong)
    assert str(error.value) == message.format(last=tiny.cfg.d_vocab - 1)


def test_no_tokens_are_refused(tiny):
    with pytest.raises(ValueError) as error:
        copying.copy_scores(tiny, torch.tensor([], dtype=torch.long))
    assert str(error.value) == "There are no tokens to copy: give at least one token id."


def test_eigenvalue_scores_are_those_of_the_large_products(tiny):
    scores = copying.eigenvalue_scores(tiny)
    for layer in range(tiny.cfg.n_layers):
        for head in range(tiny.cfg.n_heads):
            small = tiny.W_V[layer, head].double() @ tiny.W_O[layer, head].double()
            large = tiny.W_E.double() @ small @ tiny.W_U.double()
            for through, product in (("head", small), ("vocabulary", large)):
                eigenvalues = torch.linalg.eigvals(product)
                expected = float(eigenvalues.real.sum() / eigenvalues.abs().sum())
                measured = float(scores.at(through=through, layer=layer, head=head))
                assert measured == pytest.approx(expected, abs=1e-6)


@pytest.fixture(scope="module")
def looked(tiny):
    return copying.looks_and_writes(tiny, ioi.prompts(tiny, 5, templates=(0, 4), seed=3))


def test_looking_and_writing_equal_the_loops(tiny, judge, looked):
    prompts = ioi.prompts(tiny, 5, templates=(0, 4), seed=3)
    gain, words = judge.weights["ln_f.weight"], judge.weights["wte.weight"]
    for number in range(len(prompts)):
        run = judge.forward(prompts.tokens[number, : int(prompts.length[number])])
        at = {spot: int(prompts.spots[spot][number]) for spot in ("IO", "S1")}
        direction = gain * (words[prompts.tokens[number, at["IO"]]] - words[prompts.tokens[number, at["S1"]]])
        for layer, head in ((0, 1), (2, 3)):
            one = looked.at(layer=layer, head=head, prompt=number)
            seen = run.pattern[layer, head][-1]
            assert float(one.at(measure="attention", spot="IO")) == pytest.approx(
                float(seen[at["IO"]]), abs=1e-5
            )
            vector = run.written[layer, head][-1]
            found = float(one.at(measure="written", spot="IO")) - float(one.at(measure="written", spot="S1"))
            assert found == pytest.approx(float((vector - vector.mean()) @ direction), abs=1e-4)


def test_the_correlation_is_pearsons_over_spots_and_prompts(looked):
    measured = copying.look_write_correlation(looked)
    one = looked.at(layer=1, head=2)
    pair = [one.at(measure=name).values.ravel() for name in ("attention", "written")]
    assert float(measured.at(layer=1, head=2)) == pytest.approx(np.corrcoef(*pair)[0, 1])


def test_a_head_that_never_changes_has_no_correlation(looked):
    still = replace(looked, values=np.ones_like(looked.values))
    assert (copying.look_write_correlation(still).values == 0).all()
