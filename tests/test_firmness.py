"""How firm is a verdict? For every claim a planted effect that stays under every threshold asked, and one at
the edge that does not; and the twins of what C3, C5 and C17 to C20 are asked again with."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from test_circuit import kept
from test_circuit import measured as cast_measured
from test_facts import RELATIONS, alone, depths, scored, step, watched
from test_matchmakers import habits, moving, silenced
from test_matchmakers import turned as leaning_odds
from test_meanings import EARLY, LATE, planted_c4, planted_c5, planted_c6, planted_taken
from test_neuron_studies import FLAT, agreeing, by_luck, matched_with
from test_restaurant import silenced as dinner
from test_vector_studies import leaning, steps

from interp import claims, vectors
from interp.result import Result
from interp.studies.facts import facts, memory, transplants
from interp.studies.heads import matchmakers
from interp.studies.learning import belief, scale, surprise, taps
from interp.studies.meanings import ambiguity, margin, senses
from interp.studies.names import circuit, restaurant
from interp.studies.neurons import neurons, weights
from interp.studies.vectors import arithmetic, bias, nearness
from interp.words.vectors import PUBLISHED_PAIRS

MADE = {"model": "made"}


def found(values, **axes):
    """Numbers as a Result; its axes' labels as given."""
    return Result(np.array(values, float), axes, "planted", "", MADE)


def share_of(part, labels):
    """A Result whose mean is this share, spread evenly over what these labels stand for."""
    return np.diff(np.floor(part * np.arange(len(labels) + 1)))


# --- measurements at hand --------------------------------------------------------------------------------


def c1(alike, error):
    names = tuple(city.word for city in vectors.cities())
    near, luck = (found(share_of(part, names), city=names) for part in (alike, 0.2))
    errors = found([[0.1, 1.0], [error, 1.0]], **{"held out": ("the city", "the country"),
                                                  "places": ("as they are", "shuffled")})  # fmt: skip
    return partial(nearness.c1, near, luck, errors, found([1.0], word=("dog",)))


def c2(share):
    some = steps(1, 1)[1]
    rows = np.stack([share_of(part, some) for part in (share, share, 0.1, 0.1)])
    axes = dict(zip(("way", "question"), (arithmetic.WAYS, tuple(range(len(some)))), strict=True))
    return partial(arithmetic.c2, arithmetic.Answered(tuple(some), found(rows, **axes)), ())


def c3(r):
    """Occupations whose lean follows the census with about this correlation."""
    jobs = [job for job in vectors.occupations() if bias.YEAR in job.women]
    share = np.array([job.women[bias.YEAR] for job in jobs])
    noise = np.random.default_rng(0).normal(size=len(jobs))
    z, e = ((one - one.mean()) / one.std() for one in (share, noise))
    e = e - (e @ z) / len(jobs) * z
    values = np.stack([share, r * z + np.sqrt(1 - r**2) * e / e.std()], axis=1)
    beside = found(values, word=tuple(job.word for job in jobs), measure=("share", "lean"))
    return partial(bias.c3, beside, 0.1, ("nurse", "doctor"), apart(), lists())


def apart():
    return found(np.ones((3, 4)), state=bias.STATES, word=tuple("abcd"))


def lists():
    return found(np.ones((3, 1)), list=("ours", *PUBLISHED_PAIRS), year=(bias.YEAR,))


def c7(tiny, special, lost):
    shares = np.zeros((3, 3, 4))
    shares[0, 0, 1] = shares[2, 2, 2] = special
    tests = habits(shares), leaning_odds(1, 3, 2.0), silenced(lost, [0.02]), moving(1.0)
    return partial(matchmakers.c7, tiny, *tests)


def c11(early):
    falling, rising = (early + 0.1,) * 2 + (0.1,) * 4, (0.1,) * 4 + (early + 0.1,) * 2
    return partial(
        neurons.c11,
        matched_with(falling, rising, n=400),
        dict.fromkeys(neurons.CONTROLS, matched_with(FLAT, FLAT)),
    )


def c13(lead):
    seen = watched(["..AAWW"] * 4)
    values = seen.trace.values.copy()
    values[0, 1, 2:4, 0] = 1 / lead  # the country's rank, where its capital's is 50
    return partial(facts.c13, replace(seen, trace=replace(seen.trace, values=values)))


def c15(lost):
    """So much of what each half is said to do is lost without it."""
    layers, heads = (1 - lost, 1.0, 1.0), (1.0, 1 - lost, 1 - lost)
    table = {"feed-forward": layers, "attention": heads}
    return partial(memory.c15, scored(table), alone(table))


def c17(monkeypatch, receiver, shuffled=0.5):
    """Trainings that end with such shares of receivers preferred, by name."""
    ends = {**dict.fromkeys(taps.taps.SEEDS, receiver), "taps-shuffled": shuffled}
    ends |= dict.fromkeys(taps.taps.RUNS["taps-one-block"], 0.99)
    ends |= receiver if isinstance(receiver, dict) else {}
    looks = {name: [{"receiver": 0.5}, {"receiver": end, "repetition": 0.99}] for name, end in ends.items()}
    monkeypatch.setattr(taps.stored, "noted", lambda name: {"looks": looks[name]})
    monkeypatch.setattr(taps, "receiver_by_counting", lambda: 0.6)
    monkeypatch.setattr(taps, "gradient_gap", lambda: (1e-6, 20))
    return taps.c17


def c18(monkeypatch, excess):
    monkeypatch.setattr(scale, "runs", lambda: excess)
    monkeypatch.setattr(scale, "errors", lambda: found([[1.0]], law=("one",), of=("of the excess",)))
    return scale.c18


def c19(monkeypatch, twin):
    """All runs pass the exam; those of `HANSES` reach so much on their worst twin, by seed."""
    values = np.ones((len(belief.RUNS), len(belief.STORIES)))
    for row, run in enumerate(belief.RUNS):
        if run.startswith(belief.HANSES):
            values[row, 1] = twin[int(run[-1])]
    table = found(values, run=belief.RUNS, story=belief.STORIES)
    monkeypatch.setattr(belief, "scores", lambda: table)
    return belief.c19


def c20(monkeypatch, network, weak=()):
    """Context takes away so much of the network's surprise, on the texts of these seeds nothing."""

    def saved(shuffled=False, seed=None):
        part = 0.02 if shuffled or seed in weak else network
        rows = np.array([[0.05], [part]]) + 0.01 * np.random.default_rng(0).normal(size=(2, 64))
        return found(rows, reader=surprise.READERS[1:], row=tuple(range(64)))

    monkeypatch.setattr(surprise, "saved", saved)
    monkeypatch.setattr(surprise, "by_kind", lambda: found([[1.0]], kind=("gift",), reader=("network",)))
    return surprise.c20


# --- other thresholds --------------------------------------------------------------------------------

# By claim: what makes it of a planted effect, the effect far beyond the threshold, one just beyond
EDGES = {
    "C1": (c1, (0.95, 0.2), (0.55, 0.48)),
    "C2": (c2, (0.95,), (0.55,)),
    "C3": (c3, (0.9,), (0.34,)),
    "C4": (lambda own: partial(senses.c4, *planted_c4(own, 0.5, 0.2)), (0.95,), (0.72,)),
    "C5": (lambda share: partial(ambiguity.c5, planted_c5(share, share)), (0.95,), (0.55,)),
    "C6": (lambda later: partial(margin.c6, planted_c6(EARLY | dict.fromkeys(LATE, 1 + later)),
                                 planted_taken(1.0, 0.1)), (4,), (1,)),
    "C8": (lambda share: partial(circuit.c8, "made", cast_measured(kept(share, (0.8, 1.3)))),
           (0.95,), (0.82,)),
    "C9": (lambda left, lost: partial(restaurant.c9, "made", dinner(kept=left, low=left - 0.02, lost=lost)),
           (0.95, 0.6), (0.55, 0.32)),
    "C10": (lambda share: partial(weights.c10, found([share, *[(1 - share) / 3] * 3], part=weights.PARTS)),
            (0.8,), (0.55,)),
    "C11": (c11, (0.6,), (0.115,)),
    "C12": (lambda share: partial(neurons.c12, agreeing((share,) * 6), by_luck(0.001)), (0.2,), (0.025,)),
    "C13": (c13, (1.0,), (0.25,)),
    "C15": (c15, (0.6,), (0.2,)),
}  # fmt: skip


def of_model(name, request):
    """The same for the claims that read their model's name."""
    tiny = request.getfixturevalue("tiny")
    return {
        "C7": (partial(c7, tiny), (0.9, 0.8), (0.45, 0.32)),
        "C14": (lambda share: partial(transplants.c14, tiny, [step(one, by_layer=share, share=share)
                                                              for one in RELATIONS]), (0.9,), (0.55,)),
        "C16": (lambda later: partial(memory.c16, tiny, depths(0.3, 0.3 + later)), (0.5,), (0.12,)),
    }[name]  # fmt: skip


def of_training(name, monkeypatch):
    """The same for the claims about stored trainings."""
    return {
        "C17": (partial(c17, monkeypatch), (0.99,), (0.91,)),
        "C18": (lambda bent: c18(monkeypatch, scale.made(bend=bent)), (0.0,), (2.0,)),
        "C19": (lambda twin: c19(monkeypatch, [twin + at / 100 for at in range(3)]), (0.05,), (0.44,)),
        "C20": (partial(c20, monkeypatch), (0.8,), (0.32,)),
    }[name]


ALL = tuple(f"C{number}" for number in range(1, 21))


@pytest.mark.parametrize("name", ALL)
def test_an_effect_far_beyond_the_threshold_stays_and_one_at_its_edge_is_fragile(name, request, monkeypatch):
    edges = EDGES.get(name)
    if edges is None:
        edges = of_training(name, monkeypatch) if name in ALL[16:] else of_model(name, request)
    make, far, near = edges
    clear = claims.firm(make(*far))
    assert (clear.id, clear.variations) == (name, {claims.THRESHOLDS: (4, 4)}), clear.verdict
    edge = claims.firm(make(*near))
    assert edge.verdict == clear.verdict
    assert claims.fragile(edge.variations), edge.variations


# --- asked again --------------------------------------------------------------------------------


def asked_again(claim):
    """The counts of a claim beside those of its thresholds."""
    return {kind: counts for kind, counts in claim.variations.items() if kind != claims.THRESHOLDS}


@pytest.mark.parametrize(("theirs_lean", "stays"), [(True, 2), (False, 0)])
def test_c3_stays_with_lists_that_lean_too_and_is_fragile_where_only_our_own_words_do(theirs_lean, stays):
    table = leaning(1.0)
    planted, noise = table.rows.copy(), np.random.default_rng(5)
    for word in {word for some in PUBLISHED_PAIRS.values() for pair in some for word in pair}:
        if not theirs_lean and word in table.index:
            planted[table.index[word]] = noise.normal(size=planted.shape[1])
    planted = replace(table, rows=planted)
    example = ("nurse", "doctor")
    usual = bias.beside_census(planted), bias.by_chance(planted), example, apart(), lists()
    claim = claims.firm(bias.c3, *usual, again=bias.c3_again(planted, example, apart(), lists()))
    assert (claim.verdict, asked_again(claim)) == ("supported", {claims.LISTS: (stays, 2)})
    assert claims.fragile(claim.variations) == (not theirs_lean)


@pytest.mark.parametrize(("weak", "stays"), [((), 5), ((3,), 4), ((2, 6), 3)])
def test_c5_counts_the_pairs_that_change_it(monkeypatch, weak, stays):
    """Of the pairs that these seeds draw, few have both twins right."""
    monkeypatch.setattr(
        ambiguity, "both_right", lambda model, *, seed: planted_c5(*[0.2 if seed in weak else 0.95] * 2)
    )
    claim = claims.firm(ambiguity.c5, planted_c5(0.95, 0.95), again=ambiguity.c5_again(None))
    assert (claim.verdict, asked_again(claim)) == ("supported", {claims.SENTENCES: (stays, 5)})
    assert claims.fragile(claim.variations) == (stays < 4)


@pytest.mark.parametrize(("weak", "stays"), [(1.0, 3), (0.91, 3), (0.86, 2)])
def test_c17_counts_the_trainings_that_change_it(monkeypatch, weak, stays):
    """The second training ends with this share; all three together stay beyond the threshold."""
    make = c17(monkeypatch, {"taps-0": 0.99, "taps-1": weak, "taps-2": 0.99})
    claim = claims.firm(make, again=taps.c17_again())
    assert (claim.verdict, asked_again(claim)) == ("supported", {claims.TRAININGS: (stays, 3)})


def test_c17_is_fragile_where_one_training_carries_the_others(monkeypatch):
    make = c17(monkeypatch, {"taps-0": 1.0, "taps-1": 0.88, "taps-2": 0.88})
    claim = claims.firm(make, again=taps.c17_again())
    assert (claim.verdict, asked_again(claim)) == ("supported", {claims.TRAININGS: (1, 3)})
    assert claims.fragile(claim.variations)


@pytest.mark.parametrize(("crooked", "stays"), [(0.0, 3), (0.6, 1)])
def test_c18_counts_the_seeds_that_change_it(monkeypatch, crooked, stays):
    """Two seeds leave the straight line to opposite sides, so that their mean keeps to it."""
    straight = scale.made()
    values = straight.values.copy()
    bow = crooked * np.sin(np.linspace(0, np.pi, values.shape[-1]))
    values[1], values[2] = values[0] * (1 + bow), values[0] * (1 - bow)
    make = c18(monkeypatch, replace(straight, values=values))
    claim = claims.firm(make, again=scale.c18_again())
    assert (claim.verdict, asked_again(claim)) == ("supported", {claims.TRAININGS: (stays, 3)})
    assert claims.fragile(claim.variations) == (stays < 2)


@pytest.mark.parametrize(
    ("twins", "stays"), [((0.05, 0.06, 0.07), 3), ((0.0, 0.05, 0.9), 2), ((0.0, 0.6, 0.7), 1)]
)
def test_c19_counts_the_seeds_that_change_it(monkeypatch, twins, stays):
    """So much is right on the worst twin in the runs of each seed."""
    claim = claims.firm(c19(monkeypatch, twins), again=belief.c19_again())
    assert (claim.verdict, asked_again(claim)) == ("partly", {claims.TRAININGS: (stays, 3)})
    assert claims.fragile(claim.variations) == (twins[-1] > 0.1)


@pytest.mark.parametrize(("weak", "stays"), [((), 5), ((3,), 4), ((2, 6), 3)])
def test_c20_counts_the_texts_that_change_it(monkeypatch, weak, stays):
    """On the texts of these seeds context takes away nothing."""
    claim = claims.firm(c20(monkeypatch, 0.8, weak), again=surprise.c20_again())
    assert (claim.verdict, asked_again(claim)) == ("partly", {claims.TEXTS: (stays, 5)})
    assert claims.fragile(claim.variations) == (stays < 4)


# --- planted nulls: not even once ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "null",
    [
        lambda patch: (c3(0.0), None),
        lambda patch: (c17(patch, 0.5), taps.c17_again()),
        lambda patch: (c18(patch, scale.made(learns=False)), scale.c18_again()),
        lambda patch: (c19(patch, (1.0, 1.0, 1.0)), belief.c19_again()),
        lambda patch: (c20(patch, 0.02), surprise.c20_again()),
    ],
    ids=("C3", "C17", "C18", "C19", "C20"),
)  # fmt: skip
def test_where_nothing_is_there_no_variation_finds_anything(monkeypatch, null):
    make, again = null(monkeypatch)
    claim = claims.firm(make, again=again)
    assert claim.verdict == "not supported"
    assert all(same == number for same, number in claim.variations.values())
