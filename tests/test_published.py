"""The published circuits: the counts and places that the paper and the article state."""

import numpy as np
import pytest

from interp import published
from interp.published import scaling
from interp.sites import Head


def heads(telling):
    return [head for part in published.circuit("gpt2", telling).values() for head in part.heads]


def test_the_papers_circuit_has_26_heads_in_7_classes():
    circuit = published.circuit("gpt2")
    assert {name: len(part.heads) for name, part in circuit.items()} == {
        "name mover": 3, "negative name mover": 2, "S-inhibition": 4, "induction": 4,
        "duplicate token": 3, "previous token": 2, "backup name mover": 8,
    }  # fmt: skip
    assert len(set(heads("paper"))) == 26
    assert {part.spot for part in circuit.values()} == {"end", "S2", "S1+1"}
    assert Head(8, 6) in circuit["S-inhibition"].heads


def test_the_article_names_nine_of_them_and_the_naive_circuit_thirteen():
    assert len(set(heads("article"))) == 9
    assert len(set(heads("naive"))) == 13
    assert set(heads("article")) | set(heads("naive")) < set(heads("paper"))


def test_no_circuit_is_published_for_another_model():
    assert published.circuit("gpt2-medium") is None
    assert published.circuit(None) is None


def test_an_unknown_telling_is_refused():
    with pytest.raises(ValueError) as error:
        published.circuit("gpt2", "short")
    assert str(error.value) == "telling='short' is unknown: choose paper, article or naive."


def test_the_losses_on_openwebtext_fall_along_a_line_in_logarithms():
    """By weights outside the embeddings, 12 L d^2, the published slope of these four losses is 0.0723."""
    weights = [12 * layers * width**2 for layers, width in ((12, 768), (24, 1024), (36, 1280), (48, 1600))]
    slope, _ = np.polyfit(np.log(weights), np.log(list(scaling.OPENWEBTEXT_LOSS.values())), 1)
    assert -slope == pytest.approx(0.0723, abs=0.0002)
