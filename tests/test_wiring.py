"""The wiring of a cast: arrows beyond luck, the strongest way, and what is drawn of them."""

import numpy as np
import pytest

from interp import figures
from interp.methods.circuits import Node
from interp.result import Result
from interp.sites import Head
from interp.studies.names import ioi, roles, wiring
from interp.studies.names.wiring import ANSWER, Wiring

NOTICES, BLOCKS, COPIES = Node(Head(0, 1), "S2"), Node(Head(1, 0), "end"), Node(Head(2, 3), "end")
NODES = (NOTICES, BLOCKS, COPIES)
PLAYED = {str(NOTICES): "duplicate token", str(BLOCKS): "S-inhibition", str(COPIES): "name mover"}


def wired(shares, least=0.05):
    names = tuple(map(str, NODES))
    result = Result(np.array(shares), {"sender": names, "receiver": (*names, ANSWER)}, "share", "share")
    return Wiring(result, least, NODES, PLAYED, {str(COPIES): "IO"})


NAN = float("nan")
ARTICLE = [[NAN, 0.4, 0.01, NAN], [NAN, NAN, 0.3, 0.02], [NAN, NAN, NAN, 0.9]]


def test_the_strongest_way_is_found_backwards_and_told_with_its_shares():
    found = wired(ARTICLE)
    assert [node for node, _ in found.chain()] == list(map(str, NODES))
    assert found.like_article()
    assert found.way() == "duplicate token → S-inhibition → name mover → the answer"
    assert found.told() == (
        "The strongest way: L0H1 at S2 notices that the name was said before and tells L1H0 (40% of"
        " the lead); L1H0 at end tells later heads which name to avoid and tells L2H3 (30% of the lead);"
        " L2H3 at end looks at the right name and writes it (90% of the lead)."
    )


def test_an_arrow_that_luck_explains_is_none_and_one_against_the_answer_is_no_way():
    weak = wired([[NAN, 0.04, 0.01, NAN], [NAN, NAN, -0.3, 0.02], [NAN, NAN, NAN, 0.9]])
    assert [(one, two) for one, two, _ in weak.arrows()] == [
        (str(COPIES), ANSWER),
        (str(BLOCKS), str(COPIES)),
    ]
    assert not weak.like_article()
    assert weak.way() == "name mover → the answer"
    assert wired([[NAN] * 4] * 3).told().startswith("No head of the cast tells the answer")


def test_the_articles_arrows_are_counted_link_by_link():
    told = wired(ARTICLE).beside_article()
    assert told == (
        "The article's arrows that are there: notice the repetition → block the repeated name: 1 of 1; "
        "block the repeated name → copy the name: 1 of 1; copy the name → the answer: 1 of 1."
    )
    assert (
        "block the repeated name → copy the name: 0 of 1" in wired(np.array(ARTICLE) * 0.1).beside_article()
    )


@pytest.fixture(scope="module")
def found(tiny):
    played = {"duplicate token": (Head(0, 1),), "name mover": (Head(2, 0),)}
    cast = roles.Roles({**dict.fromkeys(roles.ROLES, ()), **played})
    return wiring.find(tiny, cast, ioi.prompts(tiny, 6))


def test_paths_run_upwards_and_never_back_in_the_sentence(found):
    early, late = map(str, found.nodes)
    assert np.isfinite(found.shares.at(sender=early, receiver=late).values)
    assert np.isfinite(found.shares.at(sender=late, receiver=ANSWER).values)
    assert np.isnan(found.shares.at(sender=late, receiver=early).values)
    assert np.isnan(found.shares.at(sender=early, receiver=ANSWER).values)  # it stands at another word
    assert found.least >= wiring.LEAST_ARROW


def test_a_cast_that_stands_nowhere_is_refused(tiny):
    nobody = roles.Roles(dict.fromkeys(roles.ROLES, ()))
    with pytest.raises(ValueError, match=r"^The cast has no heads at a named word, so there is nothing"):
        wiring.find(tiny, nobody, ioi.prompts(tiny, 4))


def test_the_example_names_its_own_words(tiny):
    over = wiring.example(tiny)
    assert over.words[over.spots["S1"]] == over.words[over.spots["S2"]] != over.words[over.spots["IO"]]
    assert over.spots["end"] == len(over.words) - 1


def test_the_drawing_shows_the_heads_the_answer_and_the_arrows(found, tiny):
    shown = figures.circuit(found.shares, title="T", **found.drawn(wiring.example(tiny)))
    texts = [text.get_text() for text in shown.matplotlib("").axes[0].texts]
    assert {"● L0H1", "■ L2H0", wiring.example(tiny).words[wiring.example(tiny).spots["IO"]]} <= set(texts)
    assert {"duplicate token", "name mover"} <= set(texts)


def test_where_heads_look_is_told_in_their_own_order_in_every_process(tiny, monkeypatch):
    monkeypatch.setattr(wiring, "LEAST_ATTENTION", 0.0)
    nodes = (Node(Head(2, 3), "end"), NOTICES, Node(Head(1, 0), "S1+1"), BLOCKS)
    found = wiring._looks(tiny, ioi.prompts(tiny, 4, seed=0), nodes)
    assert list(found) == list(map(str, nodes))
