"""Every GPT-2 that `models.load` accepts goes through the engine: whatever its config says, sweeps equal
whole runs through hooks.
"""

from random import Random

import pytest
import torch
from conftest import disturbed
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.activations import ACT2FN

from interp import hooks, models
from interp.methods.ablation import head_ablation
from interp.methods.engine.toggles import Toggles
from interp.methods.engine.walk import walk
from interp.methods.engine.weights import weights_of
from interp.methods.patching import activation_patching, head_patching
from interp.methods.paths import Receiver, path_patching
from interp.prompts import Prompts
from interp.sites import Head, Site
from interp.studies.names import ioi

CLOSE = {"atol": 2e-4, "rtol": 1e-4}  # nats, of leads of some tens


def loaded(tiny, folder, **config):
    """A random model of this config, with tiny's tokenizer, through `models.load`."""
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32, **config}
    torch.manual_seed(0)
    made = GPT2Config(vocab_size=tiny.cfg.d_vocab, bos_token_id=0, eos_token_id=0, **sizes)
    disturbed(GPT2LMHeadModel(made)).save_pretrained(folder)
    tiny.tokenizer.save_pretrained(folder)
    return models.load(folder)


def drawn(seed):
    """A config with every switch thrown at random."""
    draw = Random(seed)
    heads = draw.choice([1, 2, 3])
    return {
        "n_layer": draw.choice([1, 2, 3]),
        "n_head": heads,
        "n_embd": heads * draw.choice([16, 32]),
        "n_inner": draw.choice([None, 7, 50]),
        "activation_function": draw.choice(sorted(ACT2FN)),
        "layer_norm_epsilon": draw.choice([1e-5, 1e-2]),
        "scale_attn_by_inverse_layer_idx": draw.random() < 0.5,
        "reorder_and_upcast_attn": draw.random() < 0.5,
        "tie_word_embeddings": draw.random() < 0.5,
        "attn_pdrop": draw.choice([0.0, 0.5]),
        "resid_pdrop": draw.choice([0.0, 0.5]),
    }


def pairs(model):
    prompts = ioi.prompts(model, 4, templates=(0, 5), seed=1)
    return prompts, ioi.swapped(model, prompts), ioi.logit_difference(prompts)


def every_head(model):
    return [Head(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]


class Whole:
    """The same measurements by whole runs through hooks."""

    def __init__(self, model, prompts: Prompts, donor: Prompts, metric):
        self.model, self.prompts, self.donor, self.metric = model, prompts, donor, metric
        self.before = self.lead()

    def lead(self, *edits):
        return self.metric(self.prompts.at(hooks.run(self.model, self.prompts, *edits)[0], "end"))

    def change(self, *edits):
        return (self.lead(*edits) - self.before).double()

    def given(self, place, where=None):
        return hooks.Put(place, hooks.record(self.model, self.donor, [place])[place], where)

    def kept(self, place):
        return hooks.Put(place, hooks.record(self.model, self.prompts, [place])[place])

    def along_the_stream(self, sender):
        """Path patching to the last state: every head but one is held."""
        held = [self.kept(head) for head in every_head(self.model) if head != sender]
        return self.change(*held, self.given(sender))

    def into(self, sender, receiver, part):
        """Path patching into one part of one head."""
        site = Site(part, receiver.layer)
        held = [self.kept(head) for head in every_head(self.model) if head != sender]
        arrived = hooks.record(self.model, self.prompts, [site], *held, self.given(sender))[site]
        own = hooks.record(self.model, self.prompts, [site])[site]
        own[:, :, receiver.head] = arrived[:, :, receiver.head]
        return self.change(hooks.Put(site, own))


@pytest.mark.parametrize("activation", sorted(ACT2FN))
def test_every_activation_function_that_a_config_can_name(tiny, tmp_path, activation):
    model = loaded(tiny, tmp_path, activation_function=activation)
    prompts, donor, metric = pairs(model)
    whole = Whole(model, prompts, donor, metric)
    found = head_ablation(model, prompts, metric, how="zero", progress=False)
    for head in every_head(model):
        close(found.at(layer=head.layer, head=head.head), whole.change(hooks.Zero(head)))


@pytest.mark.parametrize("seed", range(12))
def test_sweeps_of_a_random_config_equal_whole_runs(tiny, tmp_path, seed):
    model = loaded(tiny, tmp_path, **drawn(seed))
    prompts, donor, metric = pairs(model)
    whole, quiet = Whole(model, prompts, donor, metric), {"progress": False}
    ablated = head_ablation(model, prompts, metric, how="zero", **quiet)
    patched = {part: head_patching(model, prompts, donor, metric, part=part, **quiet) for part in "zqkv"}
    paths = path_patching(model, prompts, donor, metric, **quiet)
    assert min(abs(one.values).max() for one in (ablated, paths, patched["v"])) > 1e-3
    for head in every_head(model):
        here = {"layer": head.layer, "head": head.head}
        close(ablated.at(**here), whole.change(hooks.Zero(head)))
        close(paths.at(**here), whole.along_the_stream(head))
        for part, found in patched.items():
            close(found.at(**here), whole.change(of_head(whole, part, head)))
    receiver = Head(model.cfg.n_layers - 1, 0)
    found = path_patching(model, prompts, donor, metric, receivers=[Receiver(receiver, "v")], **quiet)
    for sender in (head for head in every_head(model) if head.layer < receiver.layer):
        close(found.at(layer=sender.layer, head=sender.head), whole.into(sender, receiver, "v"))


@pytest.mark.parametrize("seed", range(12, 20))
def test_states_toggles_and_neurons_of_a_random_config_equal_whole_runs(tiny, tmp_path, seed):
    model = loaded(tiny, tmp_path, **drawn(seed))
    prompts, donor, metric = pairs(model)
    whole, real = Whole(model, prompts, donor, metric), prompts.real()
    for kind in ("resid_pre", "attn_out", "mlp_out"):
        found = activation_patching(model, prompts, donor, metric, kind=kind, progress=False)
        for layer in range(model.cfg.n_layers):
            for position in range(0, prompts.tokens.shape[1], 4):
                where = (torch.arange(prompts.tokens.shape[1]) == position) & real
                expected = whole.change(whole.given(Site(kind, layer), where))
                close(found.at(layer=layer, position=position), expected)
    toggles = Toggles(model, prompts)
    toggles.put(Head(0, 0))
    torch.testing.assert_close(toggles.measure(metric), whole.lead(hooks.Zero(Head(0, 0))).double(), **CLOSE)
    rows = prompts.tokens[:, : int(prompts.length.min())]
    for layer, hidden in walk(weights_of(model), rows):
        site = Site("mlp_post", layer)
        torch.testing.assert_close(hidden, hooks.record(model, rows, [site])[site], **CLOSE)


def of_head(whole, part, head):
    """One part of one head from the donor, all others as in the run itself."""
    site = Site(part, head.layer)
    own = hooks.record(whole.model, whole.prompts, [site])[site]
    own[:, :, head.head] = hooks.record(whole.model, whole.donor, [site])[site][:, :, head.head]
    return hooks.Put(site, own)


def close(found, expected):
    torch.testing.assert_close(torch.tensor(found.values), expected, **CLOSE)
