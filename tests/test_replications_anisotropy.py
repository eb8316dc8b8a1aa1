"""Anisotropy measured again: a mean over pairs of other words in other sentences; random weights disagree."""

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.published import published
from interp.sites import Site
from interp.studies.replications import anisotropy
from interp.studies.replications.ioi import sentences
from interp.words.replications import ABSTRACT, CLAIRE, DETECTED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(narrow):
    return anisotropy.anisotropy(narrow)["anisotropy"]


def test_it_has_the_listed_axes_and_random_weights_disagree(measured):
    (record,) = published("gpt2", "anisotropy")
    assert measured.axes == record.result.axes
    assert np.isfinite(measured.values).all()
    assert not record.agrees(measured.values)


def test_it_is_the_mean_cosine_over_pairs_sentence_by_sentence(narrow, measured):
    site, said = Site("resid_pre", 7), []
    for number, text in enumerate([*sentences.arena(narrow).texts, ABSTRACT, CLAIRE, DETECTED]):
        ids = models.encode(narrow, text)
        states = hooks.record(narrow, torch.tensor([ids]), [site])[site][0].double()
        said += [(number, token, state / state.norm()) for token, state in zip(ids, states, strict=True)]
    rows = torch.stack([state for *_, state in said])
    asked = [[n != elsewhere and token != word for elsewhere, word, _ in said] for n, token, _ in said]
    mean = float((rows @ rows.T)[torch.tensor(asked)].mean())
    assert float(measured.at(layer=7)) == pytest.approx(mean, abs=1e-6)
