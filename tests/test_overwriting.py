"""Notes that later layers take back: the share left by hand, and the sentence that follows from it."""

import numpy as np
import pytest
import torch

from interp import hooks
from interp.result import Result
from interp.sites import Site
from interp.studies.facts import overwriting
from interp.studies.names import ioi


def test_what_is_left_is_read_along_the_note_itself(tiny):
    prompts = ioi.prompts(tiny, 3)
    shares = overwriting.left(tiny, prompts)
    sites = [Site("mlp_out", 0), Site("resid_mid", 0), Site("resid_post", tiny.cfg.n_layers - 1)]
    rows, end = torch.arange(3), prompts.spots["end"]
    note, before, final = (hooks.record(tiny, prompts, sites)[site][rows, end].double() for site in sites)
    along = ((final - before) * note).sum(dim=1) / (note * note).sum(dim=1)
    np.testing.assert_allclose(shares.at(later=overwriting.OWN, layer=0).values, along.numpy(), atol=1e-4)


def made(means):
    values = np.array(means)[:, :, None] + np.linspace(-0.01, 0.01, 9)
    axes = {"later": (overwriting.OWN, overwriting.OTHERS), "layer": (0, 1), "prompt": tuple(range(9))}
    return Result(values, axes, "share of the note left at the end", "share")


def test_the_sentence_names_the_note_of_which_least_is_left():
    told = overwriting.told(made([[1.2, 0.3], [1.2, 0.8]]))
    assert told.startswith(
        "Of 2 layers, 1 have part of their note taken back by later ones. Most is gone of layer 1's: 30%"
    )
    assert overwriting.told(made([[1.2, 1.3], [1.2, 0.8]])).startswith("No layer's note is surely taken back")


def test_one_prompt_has_no_control(tiny):
    with pytest.raises(ValueError, match=r"^The control needs another prompt: give at least two\.$"):
        overwriting.left(tiny, ioi.prompts(tiny, 1))
