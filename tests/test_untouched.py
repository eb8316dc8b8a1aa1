"""One block, one model: what is computed from the loaded weights is refused while a hook is in force, whoever
set it; benches and their kept answers too; afterwards, everything is as before.
"""

import itertools
import re
import threading
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch
from torch.utils.hooks import RemovableHandle

from interp import hooks
from interp.benches import attention_view, explorer, lab, neuron_browser, patching_map
from interp.methods import ablation, copying, patching, paths, scan
from interp.methods.attribution import component_attribution
from interp.methods.circuits import (
    EVERYWHERE,
    Knockouts,
    Node,
    circuits_isolated,
    nodes_patched,
    nodes_removed,
)
from interp.methods.engine.toggles import Toggles
from interp.methods.readout import logits_at_end
from interp.result import Result
from interp.screens.attention import AttentionState
from interp.screens.lab import LabState
from interp.screens.lens import ExplorerState
from interp.screens.patching import Arrival, MapState
from interp.sites import Head, Site
from interp.studies.names import ioi
from interp.widgets import AblationLab, AttentionViewer, LensExplorer, NeuronBrowser, PatchingMap

HEAD, MLP = Head(0, 1), Site("mlp_out", 1)
ABC = "Then, Mary and John went to the store. John gave a drink to"
TWIN = "Then, Mary and John went to the store. Mary gave a drink to"


def refusal(places):
    return (
        f"Hooks are in force on this model (at {places}), and what was asked for is computed without them,"
        " from the model as it was loaded. Leave the `with` block or remove the hooks, then ask again;"
        " hooks.run obeys them."
    )


def refused(places):
    return pytest.raises(ValueError, match=f"^{re.escape(refusal(places))}$")


def blank(activation, hook):
    return torch.zeros_like(activation)


def listen(*_):
    return None


@contextmanager
def until_removed(model, hang):
    """A hook of the user's own, which is there until somebody removes it."""
    handle = hang(model)
    try:
        yield
    finally:
        model.reset_hooks(including_permanent=True)
        if isinstance(handle, RemovableHandle):
            handle.remove()


@contextmanager
def nested(model):
    with hooks.intervene(model, hooks.Zero(HEAD)), hooks.intervene(model, hooks.Zero(Head(2, 0))):
        yield


Z = Site("z", 0).hook_name
PATTERNS = tuple(Site("pattern", layer).hook_name for layer in range(3))
MANY = f"{PATTERNS[0]}, {Z}, {PATTERNS[1]}, ..."
HUNG = {  # how the user hangs a hook, and what the refusal calls the place
    "add_hook": (lambda m: m.add_hook(Z, blank), Z),
    "permanent": (lambda m: m.add_perma_hook(Z, blank), Z),
    "filter": (lambda m: m.add_hook(lambda n: n in (Z, *PATTERNS), blank), MANY),
    "point": (lambda m: m.blocks[1].mlp.hook_out.add_hook(blank), "blocks.1.hook_mlp_out"),
    "torch": (lambda m: m.blocks[0].mlp.register_forward_hook(listen), "blocks.0.mlp"),
    "torch, before": (lambda m: m.blocks[0].attn.register_forward_pre_hook(listen), "blocks.0.attn"),
    "torch, unlisted": (
        lambda m: m.original_model.transformer.drop.register_forward_hook(listen), "transformer.drop"
    ),
}  # fmt: skip
WAYS = {
    "intervene": (lambda m: hooks.intervene(m, hooks.Zero(HEAD), hooks.Zero(MLP)), f"{HEAD}, {MLP}"),
    "nested": (nested, "L0H1, L2H0"),
    "hooks": (lambda m: m.hooks(fwd_hooks=[(Z, blank)]), Z),
} | {name: (partial(until_removed, hang=hang), place) for name, (hang, place) in HUNG.items()}


@pytest.fixture(scope="module")
def batch(tiny):
    return ioi.prompts(tiny, 12, templates=(0, 4), seed=2)


@pytest.fixture(scope="module")
def corpus(tiny):
    return scan.corpus_of(
        tiny.tokenizer, ["Mary gave a drink to John", "When John went"], name="words", width=9
    )


def sweeps(model, batch):
    """Every way into the engine, as calls that give numbers."""
    donor, metric = ioi.swapped(model, batch), ioi.logit_difference(batch)
    node = [Node(HEAD, EVERYWHERE)]
    quiet = {"progress": False}
    return {
        "head_ablation": lambda: ablation.head_ablation(model, batch, metric, how="zero", **quiet),
        "head_ablation, mean": lambda: ablation.head_ablation(model, batch, metric, **quiet),
        "set_ablation": lambda: ablation.set_ablation(model, batch, metric, [HEAD], how="zero"),
        "sets_ablation": lambda: ablation.sets_ablation(model, batch, metric, [[HEAD], []], **quiet),
        "circuits_isolated": lambda: circuits_isolated(model, batch, metric, [node], **quiet),
        "nodes_removed": lambda: nodes_removed(model, batch, metric, [node], **quiet),
        "nodes_patched": lambda: nodes_patched(model, batch, [donor], metric, node),
        "activation_patching": lambda: patching.activation_patching(model, batch, donor, metric, **quiet),
        "head_patching": lambda: patching.head_patching(model, batch, donor, metric, **quiet),
        "head_position_patching": lambda: patching.head_position_patching(
            model, batch, donor, metric, **quiet
        ),
        "path_patching": lambda: paths.path_patching(model, batch, donor, metric, **quiet),
        "toggles": lambda: Toggles(model, batch).logits(),
        "copy_scores": lambda: copying.copy_scores(model, torch.arange(20, 40)),
        "copy_scores_in_prompts": lambda: copying.copy_scores_in_prompts(model, batch),
    }


SWEEPS = ("head_ablation", "head_ablation, mean", "set_ablation", "sets_ablation", "circuits_isolated",
          "nodes_removed", "nodes_patched", "activation_patching", "head_patching", "head_position_patching",
          "path_patching", "toggles", "copy_scores", "copy_scores_in_prompts")  # fmt: skip


def numbers(found):
    return found.values if isinstance(found, Result) else np.asarray(found)


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_is_refused_under_hooks_and_is_the_same_again_afterwards(tiny, batch, name):
    call = sweeps(tiny, batch)[name]
    before = numbers(call())
    for way in ("intervene", "add_hook"):
        block, places = WAYS[way]
        with block(tiny), refused(places):
            call()
        np.testing.assert_array_equal(numbers(call()), before)


@pytest.mark.parametrize("way", WAYS)
def test_a_hook_is_seen_however_it_was_set_and_what_stays_is_nothing(tiny, batch, way):
    block, places = WAYS[way]
    metric = ioi.logit_difference(batch)
    hooks.run(tiny, batch)  # the libraries hang their own listeners at the first run
    hooks.check_untouched(tiny)
    with block(tiny):
        for _ in range(2):
            with refused(places):
                ablation.head_ablation(tiny, batch, metric, how="zero", progress=False)
    hooks.check_untouched(tiny)
    with pytest.raises(KeyError), block(tiny):
        raise KeyError
    hooks.check_untouched(tiny)


def test_the_outer_block_is_seen_when_the_inner_one_has_ended(tiny):
    with hooks.intervene(tiny, hooks.Zero(HEAD)):
        with hooks.intervene(tiny, hooks.Zero(Head(2, 0))):
            pass
        with refused("L0H1"):
            hooks.check_untouched(tiny)
    hooks.check_untouched(tiny)


def test_a_block_without_edits_and_a_hook_on_another_model_refuse_nothing(tiny, pocket):
    with hooks.intervene(tiny), hooks.intervene(pocket, hooks.Zero(HEAD)):
        hooks.check_untouched(tiny)


def test_a_backward_hook_does_not_count(tiny):
    with tiny.hooks(bwd_hooks=[(Z, blank)]):
        hooks.check_untouched(tiny)


def test_no_run_leaves_anything_that_would_be_taken_for_a_hook(tiny, batch):
    metric = ioi.logit_difference(batch)
    hooks.record(tiny, batch, [Site("pattern", 0)], hooks.Zero(HEAD))
    hooks.gradients(tiny, batch, lambda logits: metric(batch.at(logits, "end")).sum(), [Site("z", 1)])
    logits_at_end(tiny, batch, hooks.Zero(HEAD))
    tiny.run_with_cache(batch.tokens)
    tiny.run_with_hooks(batch.tokens, fwd_hooks=[(Z, blank)])
    hooks.check_untouched(tiny)


def test_another_threads_block_is_waited_for(tiny, batch):
    metric = ioi.logit_difference(batch)
    before = ablation.head_ablation(tiny, batch, metric, how="zero", progress=False)
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with hooks.intervene(tiny, hooks.Zero(HEAD)):
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(10)
    threading.Timer(0.2, leave.set).start()
    assert ablation.head_ablation(tiny, batch, metric, how="zero", progress=False) == before
    assert leave.is_set()
    holder.join()


# What was prepared outside a block is not used inside it


def test_what_was_prepared_before_the_block_is_refused_within(tiny, batch):
    metric = ioi.logit_difference(batch)
    toggles, node = Toggles(tiny, batch), [Node(HEAD, EVERYWHERE)]
    knockouts = Knockouts(tiny, batch, metric)
    calls = [toggles.logits, lambda: toggles.measure(metric), lambda: knockouts.isolated([node]),
             lambda: knockouts.removed([node])]  # fmt: skip
    before = [numbers(call()) for call in calls]
    with hooks.intervene(tiny, hooks.Zero(HEAD)):
        for call in calls:
            with refused("L0H1"):
                call()
    for call, expected in zip(calls, before, strict=True):
        np.testing.assert_array_equal(numbers(call()), expected)


def test_a_finished_scan_is_not_handed_out_within_a_block(tiny, corpus, tmp_path):
    plan = scan.Plan(k=2)
    made = scan.scan(tiny, corpus, tmp_path, plan=plan, progress=False)
    with hooks.intervene(tiny, hooks.Zero(HEAD)), refused("L0H1"):
        scan.scan(tiny, corpus, tmp_path, plan=plan, progress=False)
    assert scan.scan(tiny, corpus, tmp_path, plan=plan, progress=False).about == made.about


def test_patching_streams_obeys_a_hook_where_a_stream_enters(tiny, batch):
    """`residual_patching` goes through hooks: it obeys, and a hook at the place of the patch acts once."""
    donor, metric, places = ioi.swapped(tiny, batch), ioi.logit_difference(batch), range(tiny.cfg.n_layers)
    push = torch.randn(tiny.cfg.d_model, generator=torch.Generator().manual_seed(0))
    edits = [hooks.Add(Site("resid_pre", layer), push) for layer in places]

    def read(prompts, *edits):
        return metric(batch.at(hooks.run(tiny, prompts, *edits)[0], "end")).double()

    untouched = patching.residual_patching(tiny, batch, donor, metric, spots=("S2",))
    with hooks.intervene(tiny, *edits):
        found = patching.residual_patching(tiny, batch, donor, metric, spots=("S2",))
        clean = read(batch)
        for layer in places:
            site = Site("resid_pre", layer)
            put = hooks.Put(site, hooks.record(tiny, donor, [site])[site], where=batch.mask("S2"))
            expected = ((clean - read(batch, put)).mean() / (clean - read(donor)).mean()).item()
            assert float(found.at(layer=layer, spot="S2")) == pytest.approx(expected, abs=1e-3)
    assert np.abs(found.values - untouched.values).max() > 1e-2


# Benches and widgets


def tables(model, corpus, folder):
    return scan.scan(model, corpus, folder, plan=scan.Plan(k=2), progress=False)


def questions(model, corpus, folder):
    """Every question that goes to a model, by bench; errands are taken to their end."""
    on = LabState(ABC, "Mary", "John", (HEAD,), "zero")
    cell = MapState(ABC, TWIN, "Mary", "John", cell=(1, 8), receiver=Arrival(Head(2, 0), "q", 9))
    locked = AttentionState(ABC, HEAD, query=8, key=3)
    laboratory, view = lab.bench(model), attention_view.bench(model)
    patcher = patching_map.bench(model)
    browser = neuron_browser.bench(tables(model, corpus, folder), model)
    return {
        "lab": lambda: laboratory.compute(on).logit_difference,
        "lab, ways": lambda: laboratory.ways(on),
        "lab, spread": lambda: last(laboratory.spread(on)),
        "lab, exercise": lambda: last(laboratory.check(0, on)).text,
        "attention": lambda: view.attention(locked).weight,
        "attention, promoted": lambda: view.promoted(locked),
        "map": lambda: last(patcher.sweep(cell)),
        "map, leads": lambda: patcher.leads(cell).sentence,
        "map, cell": lambda: patcher.cell(cell).lead,
        "map, paths": lambda: last(patcher.paths(cell)),
        "browser": lambda: browser.compute(browser.first).own.whole,
    }


ASKED = ("lab", "lab, ways", "lab, spread", "lab, exercise", "attention", "attention, promoted", "map",
         "map, leads", "map, cell", "map, paths", "browser")  # fmt: skip


def last(steps):
    *_, (share, found) = steps
    assert share == 1
    return found


@pytest.mark.parametrize("asked_before", [True, False], ids=["kept", "new"])
@pytest.mark.parametrize("name", ASKED)
def test_a_bench_answers_outside_a_block_only(tiny, corpus, tmp_path, name, asked_before):
    expected = questions(tiny, corpus, tmp_path)[name]()
    ask = questions(tiny, corpus, tmp_path)[name]
    if asked_before:
        ask()
    for way in ("intervene", "add_hook"):
        block, places = WAYS[way]
        with block(tiny), refused(places):
            ask()
    assert same(ask(), expected)


def same(found, expected):
    return np.array_equal(numbers(found), numbers(expected), equal_nan=not isinstance(found, str))


@pytest.mark.parametrize("asked_before", [True, False], ids=["kept", "new"])
def test_the_lens_explorer_answers_outside_a_block_only(pocket, asked_before):
    state = ExplorerState("The capital of Poland is", "Warsaw")
    bench, expected = explorer.bench(pocket), explorer.compute(pocket, state).ranks[0]
    if asked_before:
        bench.compute(state)
    with hooks.intervene(pocket, hooks.Zero(HEAD)), refused("L0H1"):
        bench.compute(state)
    assert bench.compute(state).ranks[0] == expected


@pytest.mark.parametrize("make", [lab.bench, attention_view.bench])
def test_a_bench_that_runs_the_model_is_not_made_within_a_block(tiny, make):
    with hooks.intervene(tiny, hooks.Zero(HEAD)), refused("L0H1"):
        make(tiny)


def test_the_neuron_browser_without_a_model_has_nothing_to_refuse(tiny, corpus, tmp_path):
    bench = neuron_browser.bench(tables(tiny, corpus, tmp_path))
    with hooks.intervene(tiny, hooks.Zero(HEAD)):
        assert bench.compute(bench.first).own is None


@pytest.mark.parametrize("task", ["sweep", "paths", "spread", "check"])
def test_an_errand_under_way_ends_when_a_block_begins(tiny, task):
    if task in ("sweep", "paths"):
        steps = getattr(patching_map.bench(tiny), task)(MapState(ABC, TWIN, "Mary", "John"))
    else:
        state = LabState(ABC, "Mary", "John", (HEAD,), "zero")
        laboratory = lab.bench(tiny)
        steps = laboratory.spread(state) if task == "spread" else laboratory.check(0, state)
    next(steps)
    with hooks.intervene(tiny, hooks.Zero(HEAD)), refused("L0H1"):
        for _ in itertools.islice(steps, 1000):
            pass


def widgets(model, pocket, corpus, folder):
    return {
        "lab": (lambda: AblationLab(lab.bench(model)), model, {"heads_text": "L0H1", "side_by_side": True}),
        "viewer": (lambda: AttentionViewer(attention_view.bench(model)), model, {"head": "L1H2"}),
        "map": (lambda: PatchingMap(patching_map.bench(model)), model, {"kind": "z"}),
        "explorer": (lambda: LensExplorer(explorer.bench(pocket)), pocket, {"off_text": "mlp1"}),
        "browser": (
            lambda: NeuronBrowser(neuron_browser.bench(tables(model, corpus, folder), model)),
            model,
            {"neuron": "L1N4"},
        ),
    }


FIRST_CONTROL = {
    "lab": "prompt",
    "viewer": "prompt",
    "map": "prompt",
    "explorer": "prompt",
    "browser": "neuron",
}


@pytest.mark.parametrize("way", ["intervene", "add_hook"])
@pytest.mark.parametrize("name", FIRST_CONTROL)
def test_a_widget_says_so_and_keeps_the_last_good_result(tiny, pocket, corpus, tmp_path, name, way):
    make, model, change = widgets(tiny, pocket, corpus, tmp_path)[name]
    widget = make()

    def ask(request):
        widget.question = {**question(widget), **change, "request": request, "view": "v"}
        return widget.reply

    good = {key: value for key, value in ask(1).items() if key not in ("request", "error")}
    assert widget.reply["error"] is None
    block, places = WAYS[way]
    with block(model):
        told = ask(2)
        assert told["error"] == {"control": FIRST_CONTROL[name], "text": refusal(places)}
        assert told["status"] == refusal(places)
        assert {**told, "status": good["status"]}.items() >= good.items()
    assert ask(3)["error"] is None
    assert widget.reply.items() >= good.items()


def question(widget):
    state = dict(widget.reply["state"])
    state.pop("heads", None)
    return state


def test_a_widgets_errand_says_so(tiny):
    widget = PatchingMap(patching_map.bench(tiny))
    shown = dict(widget.reply)
    with hooks.intervene(tiny, hooks.Zero(HEAD)):
        widget.errand = {"request": 1, "view": "v", "part": "map"}
    assert (widget.delivery["share"], widget.delivery["error"]) == (1.0, refusal("L0H1"))
    assert widget.reply == shown


def test_a_widget_is_not_made_within_a_block(tiny):
    bench = patching_map.bench(tiny)
    with hooks.intervene(tiny, hooks.Zero(HEAD)), refused("L0H1"):
        PatchingMap(bench)


def test_methods_that_go_through_hooks_obey_them(tiny, batch):
    """The other half of the promise: an attribution within a block is that of the model with the edits."""
    edit = hooks.Zero(Site("mlp_out", 1))
    with hooks.intervene(tiny, edit):
        within = component_attribution(tiny, batch)
    assert within == component_attribution(tiny, batch, edits=[edit])
