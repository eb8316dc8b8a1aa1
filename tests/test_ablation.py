"""Switching heads off: equal to the loop-written model, means per template, nothing else touched."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from reference import Reference

from interp import hooks
from interp.methods import ablation
from interp.methods.engine import sweep as engine_sweep
from interp.sites import Head, Site
from interp.studies.names import ioi


@pytest.fixture(scope="module")
def loops(tiny_folder):
    return Reference(tiny_folder)


@pytest.fixture(scope="module")
def batch(tiny):
    return ioi.prompts(tiny, 6, templates=(0, 5, 4), seed=3)


@pytest.fixture(scope="module")
def baseline(tiny, batch):
    return ioi.reference(tiny, batch, seed=1)


def _every_head(model):
    return [Head(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]


def _sweep(model, prompts, baseline, how="mean"):
    return ablation.head_ablation(
        model, prompts, ioi.logit_difference(prompts), reference=baseline, how=how, progress=False
    )


@pytest.mark.parametrize("how", ["mean", "zero", "resample"])
def test_every_head_equals_the_loop_written_model(tiny, loops, batch, baseline, how):
    measured = _sweep(tiny, batch, baseline, how)
    values = ablation.head_values(tiny, batch, range(tiny.cfg.n_layers), how=how, reference=baseline)
    for number in range(len(batch)):
        length = int(batch.length[number])
        ids, io, s = batch.tokens[number, :length], batch.answers["io"][number], batch.answers["s"][number]
        clean = loops.forward(ids).logits[-1]
        for head in _every_head(tiny):
            put = values[head.layer][number, :length, head.head]
            ablated = loops.forward(ids, replaced={(head.layer, head.head): put}).logits[-1]
            expected = float((ablated[io] - ablated[s]) - (clean[io] - clean[s]))
            found = float(measured.at(layer=head.layer, head=head.head, prompt=number))
            assert found == pytest.approx(expected, abs=1e-4)


def test_zero_equals_the_loop_written_model_without_the_head(tiny, loops, batch):
    measured = _sweep(tiny, batch, None, "zero")
    ids = batch.tokens[0, : int(batch.length[0])]
    io, s = batch.answers["io"][0], batch.answers["s"][0]
    clean = loops.forward(ids).logits[-1]
    for head in _every_head(tiny):
        without = loops.forward(ids, removed=[(head.layer, head.head)]).logits[-1]
        expected = float((without[io] - without[s]) - (clean[io] - clean[s]))
        assert float(measured.at(layer=head.layer, head=head.head, prompt=0)) == pytest.approx(
            expected, abs=1e-4
        )


def test_template_means_equal_a_hand_written_loop(tiny, batch, baseline):
    _, recorded = hooks.run(tiny, baseline, record=[Site("z", 1)])
    values = ablation.head_values(tiny, batch, [1], reference=baseline)[1]
    for number in range(len(batch)):
        rows = [row for row in range(len(baseline)) if baseline.template[row] == batch.template[number]]
        for position in range(int(batch.length[number])):
            total = sum(recorded[Site("z", 1)][row, position] for row in rows)
            torch.testing.assert_close(values[number, position], total / len(rows), atol=1e-6, rtol=1e-5)


def test_a_resampled_value_is_the_output_on_one_prompt_of_the_same_template(tiny, batch, baseline):
    _, recorded = hooks.run(tiny, baseline, record=[Site("z", 2)])
    values = ablation.head_values(tiny, batch, [2], how="resample", reference=baseline, seed=5)[2]
    for number in range(len(batch)):
        length = int(batch.length[number])
        rows = [row for row in range(len(baseline)) if baseline.template[row] == batch.template[number]]
        outputs = [recorded[Site("z", 2)][row, :length] for row in rows]
        assert sum(torch.equal(values[number, :length], output) for output in outputs) == 1


def test_the_seed_decides_the_resample(tiny, batch, baseline):
    def partners(seed):
        return ablation.head_values(tiny, batch, [0], how="resample", reference=baseline, seed=seed)[0]

    assert torch.equal(partners(5), partners(5))
    assert not torch.equal(partners(5), partners(6))


def test_the_sweep_equals_a_whole_run_with_the_same_edits(tiny, batch, baseline):
    metric = ioi.logit_difference(batch)
    measured = _sweep(tiny, batch, baseline)
    clean = metric(batch.at(hooks.run(tiny, batch)[0], "end"))
    for head in _every_head(tiny):
        edits = ablation.edits(tiny, batch, [head], reference=baseline)
        ablated = metric(batch.at(hooks.run(tiny, batch, *edits)[0], "end"))
        expected = (ablated - clean).numpy()
        np.testing.assert_allclose(measured.at(layer=head.layer, head=head.head).values, expected, atol=1e-5)


def test_a_set_of_heads_equals_a_whole_run_and_no_heads_change_nothing(tiny, batch, baseline):
    metric = ioi.logit_difference(batch)
    heads = [Head(2, 0), Head(0, 1), Head(2, 1)]
    measured = ablation.set_ablation(tiny, batch, metric, heads, reference=baseline)
    edits = ablation.edits(tiny, batch, heads, reference=baseline)
    logits = [batch.at(hooks.run(tiny, batch, *changes)[0], "end") for changes in ((), edits)]
    np.testing.assert_allclose(measured.values, (metric(logits[1]) - metric(logits[0])).numpy(), atol=1e-5)
    assert (ablation.set_ablation(tiny, batch, metric, [], reference=baseline).values == 0).all()


def test_sets_measured_together_equal_sets_measured_alone(tiny, batch, baseline):
    metric = ioi.logit_difference(batch)
    sets = [[Head(2, 0)], [Head(0, 1), Head(1, 0)], []]
    together = ablation.sets_ablation(tiny, batch, metric, sets, reference=baseline, progress=False)
    for row, heads in enumerate(sets):
        alone = ablation.set_ablation(tiny, batch, metric, heads, reference=baseline)
        np.testing.assert_allclose(together.at(set=row).values, alone.values, atol=1e-5)


def test_putting_back_what_was_there_changes_nothing(tiny, batch):
    lone = replace(batch, template=torch.arange(len(batch)))
    twice = lone.take([*range(len(batch))] * 2)
    measured = _sweep(tiny, lone, twice)
    np.testing.assert_allclose(measured.values, 0, atol=1e-5)


def test_reordering_prompts_reorders_results(tiny, batch, baseline):
    order = [3, 0, 5, 1, 4, 2]
    straight, shuffled = _sweep(tiny, batch, baseline), _sweep(tiny, batch.take(order), baseline)
    np.testing.assert_allclose(shuffled.values, straight.values[:, :, order], atol=1e-5)


def test_padding_changes_nothing(tiny, batch, baseline):
    def padded(prompts):
        end_of_text = tiny.tokenizer.eos_token_id
        return replace(prompts, tokens=torch.nn.functional.pad(prompts.tokens, (0, 4), value=end_of_text))

    straight = _sweep(tiny, batch, baseline).values
    np.testing.assert_allclose(_sweep(tiny, padded(batch), baseline).values, straight, atol=1e-5)
    np.testing.assert_allclose(_sweep(tiny, batch, padded(baseline)).values, straight, atol=1e-5)


def test_the_result_says_what_was_done(tiny, batch, baseline):
    measured = ablation.head_ablation(
        tiny, batch, ioi.logit_difference(batch), reference=baseline, layers=[1], seed=4, progress=False
    )
    assert list(measured.axes) == ["layer", "head", "prompt"]
    assert measured.axes["layer"] == (1,)
    assert measured.unit == "nats"
    assert {key: measured.about[key] for key in ("baseline", "seed", "n", "bos")} == {
        "baseline": "mean", "seed": 4, "n": 6, "bos": False,
    }  # fmt: skip
    whole = _sweep(tiny, batch, baseline)
    np.testing.assert_allclose(measured.at(layer=1).values, whole.at(layer=1).values, atol=1e-6)


def test_a_mean_over_one_prompt_is_refused(tiny, batch):
    template = int(batch.template[0])
    single = batch.take([0])
    message = (
        f"Template {template} has 1 reference prompts, but at least 2 are needed: a mean over fewer is "
        "no mean. Write more reference prompts, or use fewer templates."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _sweep(tiny, single, single)


def test_prompts_that_do_not_fit_are_refused(tiny, batch, baseline):
    with_bos = ioi.prompts(tiny, 6, templates=(0, 5, 4), seed=3, bos=True)
    message = "The prompts have bos=True and the reference prompts bos=False: write both with the same bos."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _sweep(tiny, with_bos, baseline)
    mixed = replace(batch, template=torch.zeros(len(batch), dtype=torch.long))
    lengths = sorted(set(batch.length.tolist()))
    message = (
        f"Prompts of template 0 have lengths {lengths}, but position-by-position replacement needs one "
        "length per template. Give each length its own template number."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _sweep(tiny, mixed, mixed)


def test_an_unknown_way_and_an_unknown_head_are_refused(tiny, batch, baseline):
    message = "how='off' is not a way to switch a head off: choose mean, zero or resample."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ablation.check_how("off")
    message = "L12H0 is not in this model: tiny has layers 0-2 and heads 0-3. Choose a head such as L2H3."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ablation.set_ablation(tiny, batch, ioi.logit_difference(batch), [Head(12, 0)], reference=baseline)


def _circuit_masks(model, prompts):
    """Two sets that replace heads at some positions only, and one that begins in a later layer."""
    generator = torch.Generator().manual_seed(7)
    shape = (*prompts.tokens.shape, model.cfg.n_heads)
    many = {layer: torch.rand(shape, generator=generator) < 0.7 for layer in range(model.cfg.n_layers)}
    late = torch.zeros(shape, dtype=torch.bool)
    late[:, -4:, 1] = True
    return [many, {2: late}, {1: late, 2: many[2]}, {0: torch.zeros(shape, dtype=torch.bool)}]


@pytest.mark.parametrize("how", ["mean", "zero", "resample"])
def test_masked_heads_equal_a_whole_run_with_the_same_edits(tiny, batch, baseline, how):
    metric, masks = ioi.logit_difference(batch), _circuit_masks(tiny, batch)
    measured = ablation.masked_ablation(
        tiny, batch, metric, masks, reference=baseline, how=how, progress=False
    )
    assert measured.axes == {"set": (0, 1, 2, 3), "prompt": tuple(range(len(batch)))}
    values = ablation.head_values(tiny, batch, range(tiny.cfg.n_layers), how=how, reference=baseline)
    clean = metric(batch.at(hooks.run(tiny, batch)[0], "end"))
    for number, mask in enumerate(masks):
        edits = [
            hooks.Put(Head(layer, head), values[layer][:, :, head], where=where[:, :, head] & batch.real())
            for layer, where in sorted(mask.items())
            for head in range(tiny.cfg.n_heads)
        ]
        ablated = metric(batch.at(hooks.run(tiny, batch, *edits)[0], "end"))
        np.testing.assert_allclose(measured.at(set=number).values, (ablated - clean).numpy(), atol=1e-5)
    assert (measured.at(set=3).values == 0).all()
    assert np.abs(measured.at(set=0).values).max() > 1e-2


def test_masks_equal_loops(tiny, loops, batch, baseline):
    """Every head replaced everywhere but where the mask spares it, against the loop-written model."""
    mask = {layer: torch.ones(*batch.tokens.shape, tiny.cfg.n_heads, dtype=torch.bool) for layer in (0, 1, 2)}
    mask[1][:, :, 2] = False
    measured = ablation.masked_ablation(
        tiny, batch, ioi.logit_difference(batch), [mask], reference=baseline, progress=False
    )
    values = ablation.head_values(tiny, batch, range(3), reference=baseline)
    for number in range(len(batch)):
        length = int(batch.length[number])
        ids, io, s = batch.tokens[number, :length], batch.answers["io"][number], batch.answers["s"][number]
        put = {
            (head.layer, head.head): values[head.layer][number, :length, head.head]
            for head in _every_head(tiny)
            if head != Head(1, 2)
        }
        clean, ablated = loops.forward(ids).logits[-1], loops.forward(ids, replaced=put).logits[-1]
        expected = float((ablated[io] - ablated[s]) - (clean[io] - clean[s]))
        assert float(measured.at(set=0, prompt=number)) == pytest.approx(expected, abs=1e-4)


def test_many_sets_equal_few(tiny, batch, baseline, monkeypatch):
    """In whatever pieces the sets go through."""
    metric = ioi.logit_difference(batch)
    sets = [[Head(n % 3, n % 4), Head((n + 1) % 3, (n + 2) % 4)] for n in range(10)]

    def together():
        return ablation.sets_ablation(tiny, batch, metric, sets, reference=baseline, progress=False).values

    straight = together()
    monkeypatch.setattr(ablation, "SETS_AT_ONCE", 3)
    monkeypatch.setitem(engine_sweep.ROWS, "cpu", 50)
    np.testing.assert_allclose(together(), straight, atol=1e-5)


def test_sets_that_share_heads_equal_sets_measured_alone(tiny, batch, baseline):
    """What they share is run once, and each goes on from there: a head more, some more, none more."""
    metric, shared = ioi.logit_difference(batch), _circuit_masks(tiny, batch)[0]
    later, early = torch.zeros_like(shared[2]), torch.zeros_like(shared[0])
    later[:, -1], early[:, 3:, 2] = True, True
    masks = [shared, shared | {2: shared[2] | later}, shared | {0: shared[0] | early}, {**shared, 1: ~early}]
    bench = ablation.Replacements(tiny, batch, metric, reference=baseline)
    together = bench.changes(masks)
    for number, mask in enumerate(masks):
        alone = ablation.masked_ablation(tiny, batch, metric, [mask], reference=baseline, progress=False)
        np.testing.assert_allclose(together[number], alone.at(set=0).values, atol=1e-5)
    assert np.abs(np.diff(together, axis=0)).max(axis=1).min() > 1e-3
    np.testing.assert_array_equal(bench.changes(masks), together)


def test_a_mask_that_does_not_fit_is_refused(tiny, batch, baseline):
    metric = ioi.logit_difference(batch)
    wanted = (*batch.tokens.shape, tiny.cfg.n_heads)
    message = (
        f"The mask of layer 1 has the shape (2, 3, 4); these prompts need {wanted} (prompt, position, head)."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ablation.masked_ablation(
            tiny, batch, metric, [{1: torch.ones(2, 3, 4, dtype=torch.bool)}], reference=baseline
        )
    message = "A mask names layer 3, but the model has layers 0-2: choose one of these."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ablation.masked_ablation(
            tiny, batch, metric, [{3: torch.ones(wanted, dtype=torch.bool)}], reference=baseline
        )


def test_any_metric_of_the_logits_is_measured(tiny, batch, baseline):
    def probability(logits):
        return logits.softmax(-1)[torch.arange(len(logits)), batch.answers["io"]]

    measured = ablation.head_ablation(
        tiny, batch, probability, reference=baseline, layers=[1], progress=False
    )
    clean = probability(batch.at(hooks.run(tiny, batch)[0], "end"))
    for head in range(tiny.cfg.n_heads):
        edits = ablation.edits(tiny, batch, [Head(1, head)], reference=baseline)
        expected = probability(batch.at(hooks.run(tiny, batch, *edits)[0], "end")) - clean
        np.testing.assert_allclose(measured.at(layer=1, head=head).values, expected.numpy(), atol=1e-6)


def test_layers_arrive_from_the_last_down_and_may_stop_the_sweep(tiny, batch, baseline):
    arrived = []

    def stop(layer, values):
        arrived.append((layer, values.shape))
        if layer == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ablation.head_ablation(
            tiny, batch, ioi.logit_difference(batch), reference=baseline, progress=False, on_layer=stop
        )
    assert arrived == [(2, (4, len(batch))), (1, (4, len(batch)))]
