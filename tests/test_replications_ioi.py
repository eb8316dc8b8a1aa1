"""How `verify` measures published figures on indirect objects, proven on a random model of their shape.

Against the loop-written judge, against TransformerLens with value biases really folded, and against plain
runs with hooks. The published prompts themselves are checked with GPT-2's own tokenizer, where it is.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import disturbed, tokenizer_of
from reference import Reference
from transformer_lens import head_detector
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

from interp import hooks, models, verification
from interp.published import published
from interp.sites import Head, Site
from interp.studies.replications import ioi as replications
from interp.studies.replications.ioi import (  # fmt: skip
    arena,
    circuits,
    drawn,
    exploratory,
    reading,
    sentences,
    taken_apart,
)
from interp.words import ioi as words
from interp.words import replications as told

TOKENIZER = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"
LAYERS = HEADS = 12
WIDTH, VOCABULARY, CONTEXT = 48, 20_000, 256

pytestmark = pytest.mark.slow  # everything published is measured once: most of a minute


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A narrow random GPT-2 with the heads of GPT-2 small, whose tokenizer knows every word needed."""
    folder = tmp_path_factory.mktemp("models") / "twin"
    tokenizer_of(_texts()).save_pretrained(folder)
    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, n_positions=CONTEXT, vocab_size=VOCABULARY,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    disturbed(GPT2LMHeadModel(config)).save_pretrained(folder)
    return folder


def _texts():
    names = [
        *told.ARENA_NAMES,
        *words.NAMES,
        *(name for *_, io, s in told.EIGHT for name in (io, s)),
        "Claire",
    ]
    singles = [*names, *(f" {name}" for name in names), *told.MILK_WORDS]
    things = [f" {word}" for word in (*words.PLACES, *words.OBJECTS)]
    frames = [frame for frame, *_ in (*told.EIGHT, *told.PAIR)] + list(words.TEMPLATES)
    filled = [frame.format(A="Mary", B="John", place="store", object="drink") for frame in frames]
    return [*singles, *things] * 20 + [*filled, told.CLAIRE, told.HELLO, told.ABSTRACT] * 20


@pytest.fixture(scope="module")
def twin(folder):
    return models.load(folder)


@pytest.fixture(scope="module")
def folded(folder):
    """The same model as the sources had it: value biases folded away by TransformerLens itself."""
    from transformer_lens.model_bridge import TransformerBridge

    model = TransformerBridge.boot_transformers(str(folder), device="cpu")
    model.enable_compatibility_mode(disable_warnings=True, fold_value_biases=True)
    assert model.b_V.abs().max() == 0
    return model


@pytest.fixture(scope="module")
def judge(folder):
    return Reference(folder)


@pytest.fixture(scope="module")
def measured(twin):
    """Everything measured once: id -> Result."""
    return {id: one for measure in replications.MEASURES.values() for id, one in measure(twin).items()}


def test_everything_published_is_measured_with_the_same_axes_and_nothing_else(measured):
    records = published("gpt2", "ioi")
    assert {record.id for record in records} == set(measured)
    for record in records:
        one = verification.Comparison(record, measured[record.id])
        assert np.isfinite(one.gap), record.id


def test_groups_measure_what_their_records_say(twin):
    for group, records in verification.groups(published("gpt2", "ioi")).items():
        assert group in replications.MEASURES
        assert records
    found = set(replications.MEASURES["eight/zeroed"](twin))
    assert found == {r.id for r in published("gpt2", "ioi") if r.group == "eight/zeroed"}


def test_a_random_model_fails_all_of_it(measured):
    """Tolerances that anything would pass prove nothing: no record may pass on random weights."""
    passed = [
        record.id
        for record in published("gpt2", "ioi")
        if verification.Comparison(record, measured[record.id]).passed
    ]
    assert passed == []


# --- against the judge -------------------------------------------------------------------------------------


def difference(logits, prompts, number):
    return float(logits[prompts.answers["io"][number]] - logits[prompts.answers["s"][number]])


def row(prompts, number):
    return prompts.tokens[number, : prompts.length[number]]


def test_the_logit_differences_are_the_judges(twin, judge, measured):
    prompts = sentences.eight(twin)
    for number in (0, 5):
        expected = difference(judge.forward(row(prompts, number)).logits[-1], prompts, number)
        assert float(measured["eight/logit_difference"].at(prompt=number)) == pytest.approx(
            expected, abs=1e-4
        )
    for kind, these in (("IOI", sentences.arena(twin)), ("ABC", sentences.arena_reference(twin))):
        expected = difference(judge.forward(row(these, 4)).logits[-1], prompts=these, number=4)
        shown = measured["arena/logit_difference"].at(prompts=kind, prompt=4)
        assert float(shown) == pytest.approx(expected, abs=1e-4)


def test_the_lens_ends_at_the_logit_difference_and_is_the_judges_in_between(twin, judge, measured):
    prompts, lens = sentences.eight(twin), measured["eight/logit_lens"]
    mean = measured["eight/logit_difference"].values.mean()
    bias = twin.b_U[prompts.answers["io"]] - twin.b_U[prompts.answers["s"]]
    assert float(lens.at(point="resid_post11")) == pytest.approx(mean - float(bias.mean()), abs=1e-4)
    expected = []
    for number in range(len(prompts)):
        run = judge.forward(row(prompts, number))
        final, state = run.streams["resid_post", 11][-1], run.streams["resid_mid", 6][-1]
        scale = (final.var(unbiased=False) + 1e-5).sqrt()
        read = (state - state.mean()) / scale * judge.weights["ln_f.weight"]
        expected.append(difference(judge.weights["wte.weight"] @ read, prompts, number))
    assert float(lens.at(point="resid_mid6")) == pytest.approx(np.mean(expected), abs=1e-4)


def test_layers_add_up_to_the_end_of_the_lens(measured):
    parts = measured["eight/layer_attribution"].values.sum()
    assert parts == pytest.approx(float(measured["eight/logit_lens"].at(point="resid_post11")), abs=1e-4)


def test_next_words_and_losses_are_the_judges(twin, judge, measured):
    milk = sentences.pair(twin)[1]
    logits = judge.forward(milk.tokens[0]).logits[-1]
    mary = models.encode(twin, " Mary")[0]
    centred = float(logits[mary] - logits.mean())
    assert float(measured["milk/logits"].at(token=" Mary")) == pytest.approx(centred, abs=1e-4)
    share = float(logits.softmax(0)[mary])
    assert float(measured["milk/probabilities"].at(token=" Mary")) == pytest.approx(share, abs=1e-6)
    hello = torch.tensor([0, *models.encode(twin, told.HELLO)])
    predicted = judge.forward(hello).logits.log_softmax(-1)
    loss = -np.mean([float(predicted[n, hello[n + 1]]) for n in range(len(hello) - 1)])
    assert float(measured["loss/hello"].at(text=told.HELLO)) == pytest.approx(loss, abs=1e-4)


def test_the_unembedding_bias_is_the_final_shift_seen_by_the_vocabulary(twin, judge, measured):
    bias = judge.weights["wte.weight"] @ judge.weights["ln_f.bias"]
    john = models.encode(twin, " John")[0]
    expected = float(bias[john] - bias.mean())
    found = measured["weights/unembedding_bias"].at(token=" John")
    assert float(found) == pytest.approx(expected, abs=1e-4)


def test_attention_is_the_judges(twin, judge, measured):
    prompts = sentences.eight(twin)
    pattern = judge.forward(row(prompts, 3)).pattern[5, 5]
    assert np.allclose(measured["eight/attention"].at(head="L5H5", prompt=3).values, pattern, atol=1e-5)
    pattern = judge.forward(row(prompts, 0)).pattern[9, 9]
    assert np.allclose(measured["eight/attention_first"].at(head="L9H9").values, pattern, atol=1e-5)
    told_by_arena = sentences.arena(twin)
    pattern = judge.forward(row(told_by_arena, 7)).pattern[11, 10]
    seen = float(pattern[-1, told_by_arena.spots["S1"][7]])
    shown = measured["arena/attention"].at(head="L11H10", name="S1", prompt=7)
    assert float(shown) == pytest.approx(seen, abs=1e-5)


def test_the_diagonals_are_divided_as_the_exercise_divides_them(twin, measured):
    once = torch.randint(0, VOCABULARY, (50, 50), generator=torch.Generator().manual_seed(0))
    pattern = hooks.record(twin, once.repeat(1, 2), [Site("pattern", 3)])[Site("pattern", 3)][:, 2].double()
    for role, back in (("previous", 1), ("duplicate", 50), ("induction", 49)):
        total = sum(pattern[:, query, query - back].mean() for query in range(back, 100))
        shown = measured["arena/roles"].at(role=role, layer=3, head=2)
        assert float(shown) == pytest.approx(float(total) / 50, abs=1e-6)


# --- against TransformerLens with value biases folded ------------------------------------------------------


def zeroing(head, position):
    def zero(activation, hook):
        changed = activation.clone()
        changed[:, position, head] = 0
        return changed

    return zero


def folded_contributions(folded, prompts, *fwd_hooks):
    """[layer, head] mean direct contribution of z W_O, and the logits, of the folded model."""
    kept = {}

    def keep(activation, hook):
        kept[hook.name] = activation.detach().clone()

    names = [f"blocks.{layer}.attn.hook_z" for layer in range(LAYERS)]
    listening = [(name, keep) for name in (*names, "ln_final.hook_scale")]
    logits = folded.run_with_hooks(prompts.tokens, fwd_hooks=[*fwd_hooks, *listening])
    z = torch.stack(
        [next(v for k, v in kept.items() if k.startswith(name[: -len("hook_z")])) for name in names]
    )
    scale = next(value for name, value in kept.items() if "ln_final" in name)[:, -1]
    towards = (folded.W_U[:, prompts.answers["io"]] - folded.W_U[:, prompts.answers["s"]]).T / scale
    towards = towards - towards.mean(-1, keepdim=True)
    return torch.einsum("lphd,lhdm,pm->lh", z[:, :, -1], folded.W_O, towards) / len(prompts), logits, scale


def test_contributions_leave_the_value_bias_out_as_the_folded_model_does(twin, folded, measured):
    with torch.no_grad():
        expected = folded_contributions(folded, sentences.eight(twin))[0]
    assert np.allclose(measured["eight/head_attribution"].values, expected, atol=1e-4)


def test_zeroing_is_what_it_is_in_the_folded_model(twin, folded, measured):
    prompts = sentences.eight(twin)
    with torch.no_grad():
        expected, logits, scale = folded_contributions(
            folded, prompts, ("blocks.9.attn.hook_z", zeroing(9, -1))
        )
    left = [difference(logits[number, -1], prompts, number) for number in range(8)]
    edit = reading.zero(twin, prompts, exploratory.ZEROED)
    assert np.allclose(reading.differences(twin, prompts, edit), left, atol=1e-5)
    assert not np.allclose(measured["eight/logit_difference"].values, left, atol=1e-4)
    shown = measured["eight/zeroed/logit_difference"]
    assert float(shown.at(prediction="measured")) == pytest.approx(np.mean(left), abs=1e-5)
    clean = measured["eight/logit_difference"].values.mean()
    promised = float(measured["eight/head_attribution"].at(layer=9, head=9))
    assert float(shown.at(prediction="naive")) == pytest.approx(clean - promised, abs=1e-5)
    assert np.allclose(measured["eight/zeroed/head_attribution"].values, expected, atol=1e-4)
    assert np.allclose(measured["eight/zeroed/scale"].at(run="zeroed").values, scale[:, 0], atol=1e-4)


@pytest.mark.parametrize("strict", [False, True])
def test_looks_one_token_back_are_those_of_the_library(twin, measured, strict):
    tokens = sentences.plain(twin, told.DETECTED, bos=True).tokens
    _, cache = twin.run_with_cache(tokens)
    found = measured["detector/previous_strict" if strict else "detector/previous"]
    for name, share in zip(found.axes["head"], found.values, strict=True):
        head = Head.parse(name)
        score = head_detector.compute_head_attention_similarity_score(
            cache["pattern", head.layer][0, head.head].cpu(),
            detection_pattern=head_detector.get_previous_token_head_detection_pattern(tokens),
            exclude_bos=strict, exclude_current_token=strict, error_measure="mul",
        )  # fmt: skip
        assert share == pytest.approx(score, abs=1e-5), name


def test_values_zeroed_everywhere_are_so_in_the_folded_model(twin, folded, measured):
    ids = torch.tensor([[0, *models.encode(twin, told.ABSTRACT)]])
    with torch.no_grad():
        logits = folded.run_with_hooks(ids, fwd_hooks=[("blocks.0.attn.hook_v", zeroing(8, slice(None)))])
    expected = torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:])
    assert float(measured["loss/zeroed"].at(**{"head 0.8": "off"})) == pytest.approx(
        float(expected), abs=1e-4
    )
    assert abs(float(np.diff(measured["loss/zeroed"].values)[0])) > 1e-4


def test_writing_along_a_name_is_that_of_the_folded_model(twin, folded, measured):
    prompts = sentences.arena(twin)
    kept = {}
    with torch.no_grad():
        folded.run_with_hooks(
            prompts.tokens, fwd_hooks=[("blocks.9.attn.hook_z", lambda z, hook: kept.update(z=z.clone()))]
        )
    for number in (0, 13):
        output = kept["z"][number, prompts.spots["end"][number], 9] @ folded.W_O[9, 9].detach()
        expected = float(output @ folded.W_U[:, prompts.answers["io"][number]].detach())
        shown = measured["arena/writing"].at(head="L9H9", name="IO", prompt=number)
        assert float(shown) == pytest.approx(expected, abs=1e-3)


# --- patching, by plain runs -------------------------------------------------------------------------------


def share(twin, name, write, *, clean=None, corrupted=None):
    """(patched - corrupted) / (clean - corrupted) of mean logit differences, by a run with a hook."""
    clean, corrupted = clean or sentences.eight(twin), corrupted or sentences.eight_corrupted(twin)
    kept = {}
    with torch.no_grad():
        twin.run_with_hooks(clean.tokens, fwd_hooks=[(name, lambda x, hook: kept.update(own=x.clone()))])

        def patch(activation, hook):
            changed = activation.clone()
            changed[write] = kept["own"][write]
            return changed

        ends = [
            twin.run_with_hooks(tokens, fwd_hooks=fwd)[:, -1]
            for tokens, fwd in (
                (clean.tokens, []),
                (corrupted.tokens, []),
                (corrupted.tokens, [(name, patch)]),
            )
        ]
    whole, broken, patched = [
        np.mean([difference(end[number], clean, number) for number in range(len(clean))]) for end in ends
    ]
    return (patched - broken) / (whole - broken)


ALL = slice(None)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("resid_pre", "blocks.8.hook_resid_pre"),
        ("attn_out", "blocks.8.hook_attn_out"),
        ("mlp_out", "blocks.8.hook_mlp_out"),
    ],
)
@pytest.mark.parametrize("position", [9, 10, 14])
def test_layers_restore_what_a_plain_run_restores(twin, measured, kind, name, position):
    expected = share(twin, name, (ALL, position))
    shown = float(measured[f"eight/patched/{kind}"].at(layer=8, position=position))
    assert shown == pytest.approx(expected, abs=1e-3)
    if position < 10:
        assert shown == 0


@pytest.mark.parametrize("part", ["output", "query", "key", "value", "pattern"])
def test_parts_of_heads_restore_what_a_plain_run_restores(twin, measured, part):
    name = f"blocks.6.attn.hook_{ {'output': 'z', 'query': 'q', 'key': 'k', 'value': 'v'}.get(part, part) }"
    everywhere = (ALL, 4) if part == "pattern" else (ALL, ALL, 4)
    shown = float(measured["eight/patched/heads"].at(part=part, layer=6, head=4))
    assert shown == pytest.approx(share(twin, name, everywhere), abs=1e-3)
    at_11 = (ALL, 4, 11) if part == "pattern" else (ALL, 11, 4)
    shown = float(measured["eight/patched/positions"].at(part=part, layer=6, head=4, position=11))
    assert shown == pytest.approx(share(twin, name, at_11), abs=1e-3)


def test_the_pair_restores_what_a_plain_run_restores(twin, measured):
    clean, corrupted = sentences.pair(twin)
    expected = share(twin, "blocks.5.hook_resid_pre", (ALL, 10), clean=clean, corrupted=corrupted)
    assert float(measured["pair/resid_pre"].at(layer=5, position=10)) == pytest.approx(expected, abs=1e-3)
    assert float(measured["pair/resid_pre"].at(layer=0, position=10)) == pytest.approx(1, abs=1e-3)


def test_estimates_are_the_slopes_of_patching(folder, measured):
    """One small step from the corrupted to the clean state, in double precision, along a whole component."""
    exact = models.load(folder, dtype="float64")
    clean, corrupted = sentences.eight(exact), sentences.eight_corrupted(exact)
    place, step = Site("attn_out", 9), 1e-6
    own, other = (hooks.record(exact, these, [place])[place] for these in (corrupted, clean))
    moved = own.clone()
    moved[:, 14] += step * (other - own)[:, 14]
    leads = [
        np.mean([difference(logits[number, -1], clean, number) for number in range(8)])
        for logits in (
            hooks.run(exact, clean)[0],
            hooks.run(exact, corrupted)[0],
            hooks.run(exact, corrupted, hooks.Put(place, moved))[0],
        )
    ]
    expected = (leads[2] - leads[1]) / step / (leads[0] - leads[1])
    shown = float(measured["eight/linear/layers"].at(component="attn_out9", position=14))
    assert shown == pytest.approx(expected, abs=2e-3)


# --- paths and circuits, by plain runs ---------------------------------------------------------------------


def frozen(twin, prompts, donor, sender):
    """The edits that hold every head at its own output, but the sender at the donor's."""
    sites = [Site("z", layer) for layer in range(LAYERS)]
    own, other = (hooks.record(twin, these, sites) for these in (prompts, donor))
    values = {site: own[site].clone() for site in sites}
    sent = Site("z", sender.layer)
    values[sent][:, :, sender.head] = other[sent][:, :, sender.head]
    return [hooks.Put(site, value) for site, value in values.items()]


def lead(twin, prompts, logits):
    return np.mean([difference(logits[n, prompts.spots["end"][n]], prompts, n) for n in range(len(prompts))])


@pytest.mark.parametrize("sender", [Head(9, 9), Head(2, 5)], ids=str)
def test_paths_to_the_logits_are_those_of_frozen_runs(twin, measured, sender):
    prompts, donor = sentences.arena(twin), sentences.arena_reference(twin)
    ioi, abc = (lead(twin, prompts, hooks.run(twin, these)[0]) for these in (prompts, donor))
    patched = lead(twin, prompts, hooks.run(twin, prompts, *frozen(twin, prompts, donor, sender))[0])
    shown = float(measured["arena/paths/logits"].at(layer=sender.layer, head=sender.head))
    assert shown == pytest.approx(100 * (patched - ioi) / (ioi - abc), abs=2e-2)


def test_paths_to_values_are_those_of_two_runs(twin, measured):
    prompts, donor = sentences.arena(twin), sentences.arena_reference(twin)
    receivers = circuits.published_circuit()["S-inhibition"].heads
    sites = [Site("v", layer) for layer in sorted({head.layer for head in receivers})]
    arrived = hooks.record(twin, prompts, sites, *frozen(twin, prompts, donor, Head(5, 5)))

    def receive(site):
        heads = [head.head for head in receivers if head.layer == site.layer]

        def put(activation, hook):
            changed = activation.clone()
            changed[:, :, heads] = arrived[site][:, :, heads]
            return changed

        return (f"blocks.{site.layer}.attn.hook_v", put)

    with torch.no_grad():
        logits = twin.run_with_hooks(prompts.tokens, fwd_hooks=[receive(site) for site in sites])
    ioi, abc = (lead(twin, prompts, hooks.run(twin, these)[0]) for these in (prompts, donor))
    expected = 100 * (lead(twin, prompts, logits) - ioi) / (ioi - abc)
    shown = measured["arena/paths/inhibition_values"]
    assert float(shown.at(layer=5, head=5)) == pytest.approx(expected, abs=2e-2)
    assert abs(expected) > 1e-3
    assert (shown.values[8:] == 0).all()


def means(twin, reference):
    """By layer, the mean output of every head over the prompts of each template: loops, no method."""
    sites = [Site("z", layer) for layer in range(LAYERS)]
    outputs = hooks.record(twin, reference, sites)
    return {
        site.layer: torch.stack([
            outputs[site][[m for m in range(len(reference)) if reference.template[m] == template]].mean(0)
            for template in reference.template
        ])
        for site in sites
    }  # fmt: skip


def drawn_means(twin, prompts):
    """The same for a draw of our own: of the references, the first are the prompts' twins."""
    found = means(twin, drawn.ioi.reference(twin, prompts, seed=drawn.SEED))
    return {layer: values[: len(prompts)] for layer, values in found.items()}


def left_alone(twin, prompts, replacement, kept):
    """The mean logit difference when every head but `kept`, (head, prompt) -> positions, is replaced."""
    edits = []
    for layer in range(LAYERS):
        for head in range(HEADS):
            where = torch.ones(prompts.tokens.shape, dtype=torch.bool)
            for number in range(len(prompts)):
                where[number, kept.get((Head(layer, head), number), [])] = False
            edits.append(hooks.Put(Head(layer, head), replacement[layer][:, :, head], where=where))
    return lead(twin, prompts, hooks.run(twin, prompts, *edits)[0])


def test_the_circuit_alone_is_that_of_plain_runs_with_either_mask(twin, measured):
    prompts, whole = sentences.arena(twin), circuits.working(circuits.published_circuit())
    replacement = means(twin, sentences.arena_reference(twin))
    own = {(h, n): [int(prompts.spots[spot][n])] for h, spot in whole.items() for n in range(25)}
    anywhere = {(h, n): prompts.spots[spot].tolist() for h, spot in whole.items() for n in range(25)}
    shown = measured["arena/circuit"]
    for name, kept in (("one position per prompt", own), ("positions of all prompts", anywhere)):
        expected = left_alone(twin, prompts, replacement, kept)
        assert float(shown.at(kept=name)) == pytest.approx(expected, abs=1e-4)
    assert abs(float(np.diff(shown.values)[0])) > 1e-4


def test_a_heads_worth_is_the_difference_of_two_plain_runs(twin, measured):
    prompts = sentences.arena(twin)
    replacement, scores = means(twin, sentences.arena_reference(twin)), []
    for gone in ([Head(10, 7)], [Head(10, 7), Head(11, 10)]):
        whole = circuits.without(circuits.working(circuits.published_circuit()), gone)
        kept = {(h, n): [int(prompts.spots[spot][n])] for h, spot in whole.items() for n in range(25)}
        scores.append(left_alone(twin, prompts, replacement, kept))
    model = lead(twin, prompts, hooks.run(twin, prompts)[0])
    expected = abs(scores[1] - scores[0]) / model
    assert float(measured["arena/minimality"].at(head="L11H10")) == pytest.approx(expected, abs=1e-3)


def test_a_mask_keeps_each_head_once_in_every_prompt(twin):
    prompts, whole = sentences.arena(twin), circuits.working(circuits.published_circuit())
    mask = circuits.all_but(twin, prompts, whole)
    for layer, where in mask.items():
        for head in range(HEADS):
            kept = (~where[:, :, head]).sum(dim=1)
            assert (kept == (Head(layer, head) in whole)).all()
    anywhere = circuits.all_but_anywhere(twin, prompts, whole)
    assert (~anywhere[9][:, :, 9]).sum() > (~mask[9][:, :, 9]).sum()


def test_keeping_everything_is_the_model_and_keeping_nothing_leaves_means_only(twin):
    prompts, reference = sentences.arena(twin), sentences.arena_reference(twin)
    shape = (*prompts.tokens.shape, HEADS)
    nothing, everything = (
        {layer: torch.full(shape, value) for layer in range(LAYERS)} for value in (False, True)
    )
    found = circuits.scores(twin, prompts, reference, [nothing, everything])
    assert float(found[0]) == pytest.approx(lead(twin, prompts, hooks.run(twin, prompts)[0]), abs=1e-5)
    replacement = means(twin, reference)
    edits = [hooks.Put(Site("z", layer), value) for layer, value in replacement.items()]
    assert float(found[1]) == pytest.approx(
        lead(twin, prompts, hooks.run(twin, prompts, *edits)[0]), abs=1e-4
    )


def test_the_sets_removed_before_a_head_are_those_of_the_exercise():
    removed = arena.removed_before(circuits.published_circuit())
    names = {str(head): {str(one) for one in first} for head, first in removed.items()}
    assert len(names) == 26
    assert names["L9H9"] == set()
    assert names["L9H6"] == {"L9H9", "L10H0"}
    assert names["L5H5"] == {"L5H9", "L6H9", "L5H8"}
    assert names["L5H9"] == names["L5H8"] == {"L10H7", "L11H10"}
    assert names["L4H11"] == {"L2H2"}
    assert names["L10H10"] == {"L9H9", "L10H0", "L9H6", "L11H2", "L10H6"}
    assert names["L9H0"] == {"L9H9", "L10H0", "L9H6", "L11H9"}


def test_backups_leave_with_the_name_movers_they_back_up():
    removed = drawn.classes(circuits.published_circuit())
    assert list(removed) == [
        "none", "name mover", "negative name mover", "S-inhibition", "induction", "duplicate token",
        "previous token",
    ]  # fmt: skip
    assert len(removed["name mover"]) == 11
    assert len(drawn.classes(circuits.published_circuit("naive"))["name mover"]) == 3


def test_the_model_without_a_class_is_that_of_a_plain_run(twin, measured):
    prompts = sentences.drawn(twin, drawn.SOME, drawn.SEED)
    reference = drawn.ioi.reference(twin, prompts, seed=drawn.SEED)
    sites = [Site("z", layer) for layer in (2, 4)]
    outputs, edits = hooks.record(twin, reference, sites), []
    for head in circuits.published_circuit()["previous token"].heads:
        own = outputs[Site("z", head.layer)][:, :, head.head]
        value = torch.stack([own[reference.template == template].mean(0) for template in prompts.template])
        edits.append(hooks.Put(head, value, where=prompts.mask("S1+1")))
    expected = lead(twin, prompts, hooks.run(twin, prompts, *edits)[0])
    shown = measured["paper/completeness"].at(of="model", without="previous token")
    assert float(shown) == pytest.approx(expected, abs=1e-4)
    none = measured["paper/completeness"].at(of="model", without="none")
    assert float(none) == pytest.approx(lead(twin, prompts, hooks.run(twin, prompts)[0]), abs=1e-5)


def test_the_sets_of_figure_20_are_as_printed():
    removed = taken_apart.removed_before(circuits.published_circuit())
    names = {str(head): {str(one) for one in first} for head, first in removed.items()}
    assert len(names) == 26
    assert all(head not in first for head, first in names.items())
    assert names["L9H6"] == {"L9H9", "L10H0"}
    assert names["L8H6"] == {"L7H3", "L7H9", "L8H10"}
    assert names["L5H8"] == names["L5H9"] == {"L10H7", "L11H10"}
    assert names["L0H1"] == {"L0H10", "L3H0"}
    assert names["L10H2"] == {"L9H9", "L10H0", "L9H6", "L10H10", "L10H6"}
    assert len(names["L9H0"]) == len(names["L11H9"]) == 3 + 8 + 2 - 1


def test_figure_20_prints_the_same_number_wherever_our_sets_are_the_same():
    """So the order of the backups and the last two sets, which it does not spell out, are read rightly."""
    (record,) = (one for one in published("gpt2", "ioi") if one.id == "paper/minimality")
    printed: dict[frozenset, set[float]] = {}
    for head, first in taken_apart.removed_before(circuits.published_circuit()).items():
        own = record.result.at(head=str(head))
        for left, gone in (("without K", first), ("without K and the head", first | {head})):
            printed.setdefault(gone, set()).add(float(own.at(left=left)))
    assert len(printed) == 33
    assert {gone: values for gone, values in printed.items() if len(values) > 1} == {}


@pytest.mark.parametrize("head", ["L5H9", "L11H9"])
def test_the_pairs_of_figure_20_are_those_of_plain_runs(twin, measured, head):
    prompts = sentences.drawn(twin, drawn.SOME, drawn.SEED)
    replacement = drawn_means(twin, prompts)
    first = taken_apart.removed_before(circuits.published_circuit())[Head.parse(head)]
    for left, gone in (("without K", first), ("without K and the head", first | {Head.parse(head)})):
        whole = circuits.without(circuits.working(circuits.published_circuit()), gone)
        kept = {
            (one, n): [int(prompts.spots[spot][n])]
            for one, spot in whole.items()
            for n in range(len(prompts))
        }
        expected = left_alone(twin, prompts, replacement, kept)
        assert float(measured["paper/minimality"].at(left=left, head=head)) == pytest.approx(
            expected, abs=1e-4
        )


def test_the_six_signals_are_those_of_plain_runs(twin, measured):
    prompts, shown = sentences.drawn(twin, drawn.SOME, drawn.SEED), measured["paper/signals"]
    untouched = lead(twin, prompts, hooks.run(twin, prompts)[0])
    assert float(shown.at(token="original", position="original")) == pytest.approx(untouched, abs=1e-5)
    told = drawn.blocking.counterfactuals(twin, prompts, seed=drawn.SEED)
    heads = circuits.published_circuit()["S-inhibition"].heads
    for (token, position), these in told.items():
        given = hooks.record(twin, these, heads)
        edits = [hooks.Put(head, given[head], where=prompts.mask("end")) for head in heads]
        expected = lead(twin, prompts, hooks.run(twin, prompts, *edits)[0])
        assert float(shown.at(token=token, position=position)) == pytest.approx(expected, abs=1e-4)


def test_the_widest_gap_is_wider_than_that_of_the_whole_circuit(twin, measured):
    prompts = sentences.drawn(twin, drawn.FEW, drawn.SEED)
    replacement = drawn_means(twin, prompts)
    model = lead(twin, prompts, hooks.run(twin, prompts)[0])
    for telling in ("paper", "naive"):
        whole = circuits.working(circuits.published_circuit(telling))
        kept = {
            (h, n): [int(prompts.spots[spot][n])] for h, spot in whole.items() for n in range(len(prompts))
        }
        gap = abs(left_alone(twin, prompts, replacement, kept) - model)
        assert float(measured["paper/greedy_files"].at(circuit=telling, search="greedy, widest")) > gap
    found = measured["paper/greedy_files"]
    assert float(measured["paper/greedy"]) == float(found.at(circuit="paper", search="greedy, widest"))
    assert (found.at(search="random, mean").values < found.at(search="greedy, widest").values).all()


# --- the prompts themselves, with GPT-2's own tokenizer ----------------------------------------------------

needs_tokenizer = pytest.mark.skipif(
    not TOKENIZER.is_dir(), reason="GPT-2's own tokenizer does not stand beside this project"
)


@pytest.fixture(scope="module")
def writer():
    """What the sentences ask of a model: the tokenizer and the context of GPT-2."""
    return SimpleNamespace(
        tokenizer=GPT2TokenizerFast.from_pretrained(TOKENIZER), cfg=SimpleNamespace(n_ctx=1024)
    )


@needs_tokenizer
def test_the_eight_prompts_are_the_published_ones(writer):
    prompts = sentences.eight(writer)
    assert prompts.texts[0] == "When John and Mary went to the shops, John gave the bag to"
    assert prompts.texts[7] == "After Martin and Amy went to the park, Martin gave a drink to"
    assert prompts.tokens.shape == (8, 15)
    assert set(prompts.tokens[:, 0].tolist()) == {50256}
    assert set(prompts.spots["S2"].tolist()) == {10}
    assert set(prompts.spots["end"].tolist()) == {14}
    names = torch.stack([prompts.spots["S1"], prompts.spots["IO"]]).T
    assert [sorted(pair) for pair in names.tolist()] == [[2, 4]] * 8
    assert (prompts.spots["S1+1"] - prompts.spots["S1"] == 1).all()
    answers = torch.stack([prompts.answers["io"], prompts.answers["s"]]).T
    assert answers.tolist() == [
        [5335, 1757], [1757, 5335], [4186, 3700], [3700, 4186], [6035, 15686], [15686, 6035],
        [5780, 14235], [14235, 5780],
    ]  # fmt: skip
    for spot, answer in (("IO", "io"), ("S1", "s"), ("S2", "s")):
        assert torch.equal(prompts.at(prompts.tokens, spot), prompts.answers[answer])


@needs_tokenizer
def test_each_corrupted_prompt_differs_in_the_giver_alone(writer):
    prompts, corrupted = sentences.eight(writer), sentences.eight_corrupted(writer)
    assert (prompts.tokens != corrupted.tokens).nonzero()[:, 1].tolist() == [10] * 8
    assert torch.equal(corrupted.at(corrupted.tokens, "S2"), prompts.answers["io"])
    clean, other = sentences.pair(writer)
    assert clean.texts == ("After John and Mary went to the store, Mary gave a bottle of milk to",)
    assert other.texts == ("After John and Mary went to the store, John gave a bottle of milk to",)
    assert clean.tokens.shape == (1, 17)
    assert (clean.tokens != other.tokens).nonzero()[:, 1].tolist() == [10]


@needs_tokenizer
def test_arenas_prompts_are_the_published_ones(writer):
    prompts, twins = sentences.arena(writer), sentences.arena_reference(writer)
    assert prompts.texts[0] == "When Victoria and Jane got a snack at the store, Jane decided to give it to"
    assert twins.texts[0] == "When Alan and Sullivan got a snack at the store, Adam decided to give it to"
    assert prompts.texts[24] == (
        "Then, Andy and Prince were working at the store. Andy decided to give a snack to"
    )
    assert twins.texts[9] == "Then, Lisa and Lisa had a long argument, and afterwards Collins said to"
    assert len(prompts.template.unique()) == 12
    assert prompts.template[:5].tolist() == [0, 4, 0, 10, 12]
    assert torch.equal(prompts.length, twins.length)
    assert not prompts.bos
    for name in ("io", "s"):
        assert torch.equal(prompts.answers[name], twins.answers[name])
    for spot, answer in (("IO", "io"), ("S1", "s"), ("S2", "s")):
        assert torch.equal(prompts.at(prompts.tokens, spot), prompts.answers[answer])
    changed = (prompts.tokens != twins.tokens).nonzero()
    spots = torch.stack([prompts.spots[spot] for spot in ("IO", "S1", "S2")]).T
    assert all(position in spots[number] for number, position in changed.tolist())


@needs_tokenizer
def test_the_sentences_of_the_six_signals_read_as_they_are_written(writer):
    prompts = sentences.drawn(writer, 28, drawn.SEED)
    assert not prompts.bos
    assert len(prompts.template.unique()) == 14
    told = drawn.blocking.counterfactuals(writer, prompts)
    for (token, position), these in told.items():
        for text, ids, length in zip(these.texts, these.tokens, these.length, strict=True):
            assert models.encode(writer, text) == ids[:length].tolist()
        own = {"original": "s", "inverted": "io"}.get(token)
        if own:
            assert torch.equal(these.at(these.tokens, "S2"), prompts.answers[own])
        first = {"original": "S1", "inverted": "IO"}[position]
        assert torch.equal(these.at(these.tokens, first), these.at(these.tokens, "S2"))


@needs_tokenizer
def test_arenas_names_are_one_token_with_a_space_and_without(writer):
    assert len(set(told.ARENA_NAMES)) == 109
    for name in told.ARENA_NAMES:
        assert len(models.encode(writer, name)) == len(models.encode(writer, f" {name}")) == 1


@needs_tokenizer
def test_the_first_name_of_the_sentence_on_claire_is_two_tokens(writer):
    assert len(models.encode(writer, "Claire")) == 2
    assert len(models.encode(writer, " Claire")) == 1
    assert told.CLAIRE.startswith("Claire and Mary")
