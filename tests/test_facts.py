"""Facts through the lens: prompts, pieces, marks, transplants, removals, verdicts from planted data."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp import claims, hooks, models
from interp.claims import VERDICTS
from interp.methods import lens, updates
from interp.result import Result
from interp.sites import Site
from interp.studies.facts import facts, memory, transplants
from interp.words.relations import CAPITAL, FOLLOWERS, RELATIONS, list_of

ARTICLE = "Q: What is the capital of France?\nA: Paris\nQ: What is the capital of Poland?\nA:"


# --- words ----------------------------------------------------------------------------------------------


def test_the_question_with_one_example_is_the_articles_text():
    assert CAPITAL.text("Poland") == ARTICLE
    assert CAPITAL.text("Poland", "one question") == "Q: What is the capital of Poland?\nA:"
    assert CAPITAL.text("Poland", "answer stated") == f"The capital of Poland is Warsaw. {ARTICLE}"
    both = "The capital of France is Paris. The capital of Poland is Warsaw. "
    assert CAPITAL.text("Poland", "both stated") == both + ARTICLE
    assert CAPITAL.text("France").startswith("Q: What is the capital of Italy?\nA: Rome\n")


def test_no_question_holds_its_own_answer_unless_it_states_it():
    for relation in RELATIONS.values():
        for argument, answer in relation.pairs.items():
            for form in ("one question", "example first"):
                assert f" {answer}" not in relation.text(argument, form)
            assert f" {answer}" in relation.text(argument, "answer stated")
            assert f" {answer}" not in list_of(argument)


def test_a_country_we_do_not_know_is_refused_in_one_sentence():
    message = (
        "'Atlantis' is not one of the 36 countries we know. Choose one such as France, Poland, Spain or"
        " Canada."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        facts.capital_of("Atlantis")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda m: facts.prompts(m, "king"),
            "There is no relation 'king': choose from capital, upper case, past tense.",
        ),
        (
            lambda m: facts.prompts(m, form="loudly"),
            "'loudly' is no form of asking: choose from one question, example first, answer stated, both"
            " stated.",
        ),
        (
            lambda m: facts.scores(m, facts.prompts(m, about=["Poland"]), [" "]),
            "The completion is empty: give the word that should follow, such as Warsaw.",
        ),
        (
            lambda m: facts.scores(m, facts.prompts(m, about=["Poland"]), []),
            "There are 1 prompts, but 0 answers. Give one per prompt.",
        ),
        (
            lambda m: memory.stack(m, 7),
            "7 sixths of the layers cannot be removed: choose from 0 to 6.",
        ),
    ],
)
def test_bad_input_is_one_sentence(pocket, ask, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ask(pocket)


# --- answers of several pieces --------------------------------------------------------------------------


def test_the_first_piece_is_followed(tiny):
    written = facts.prompts(tiny, "past tense", about=["walk", "sing"])
    for number, word in enumerate(("walked", "sang")):
        pieces = models.encode(tiny, f" {word}")
        assert len(pieces) > 1
        assert int(written.answers["answer"][number]) == pieces[0]


def test_a_whole_answer_scores_as_the_sum_over_its_pieces(tiny):
    written = facts.prompts(tiny, "past tense", about=["walk", "sing"], form="one question")
    scored = facts.scores(tiny, written, ["walked", "sang"])
    for number, (text, word) in enumerate(zip(written.texts, ("walked", "sang"), strict=True)):
        start, pieces = models.encode(tiny, text), models.encode(tiny, f" {word}")
        total, right = 0.0, []
        for place, piece in enumerate(pieces):
            logits = hooks.run(tiny, torch.tensor([start + pieces[:place]]))[0][0, -1].double()
            total += float(logits.log_softmax(-1)[piece])
            right.append(int(logits.argmax()) == piece)
        found = scored.at(prompt=number)
        assert float(found.at(score="log-probability")) == pytest.approx(total, abs=1e-4)
        assert float(found.at(score="first piece")) == right[0]
        assert float(found.at(score="whole answer")) == all(right)


def test_words_that_begin_alike_are_left_out(tiny):
    kept = facts.arguments(tiny, "upper case")
    for colour in RELATIONS["upper case"].pairs:
        same = models.encode(tiny, f" {colour}")[0] == models.encode(tiny, f" {colour.capitalize()}")[0]
        assert (colour in kept) != same


# --- marks and C13 --------------------------------------------------------------------------------------


def planted(columns, mids=None):
    """A trace from columns of "." (noise), "A" (argument first) and "W" (answer first), one per prompt."""
    mids = columns if mids is None else mids
    values = np.zeros((3, 2, len(columns[0]), 2, len(columns)))
    for part, rows in enumerate((mids, columns)):
        for prompt, column in enumerate(rows):
            for layer, letter in enumerate(column):
                values[0, part, layer, :, prompt] = (1 if letter == "A" else 50, 1 if letter == "W" else 50)
    axes = {
        "measure": lens.MEASURES, "part": lens.PARTS, "layer": tuple(range(len(columns[0]))),
        "word": ("argument", "answer"), "prompt": tuple(range(len(columns))),
    }  # fmt: skip
    return Result(values, axes, "planted", "rank", {"model": "planted"})


def test_the_marks_tell_the_stages_apart():
    trace = planted(
        ["..AAWW", ".AA.WW", "....WW", "..AAAA", "AAAAWW"],
        mids=["..AAAW", ".AA.WW", "....AW"] + 2 * ["..AAAA"],
    )
    expected = {
        "answer first at the end": [1, 1, 1, 0, 1],
        "argument first somewhere before": [1, 1, 0, 1, 1],
        "noise, argument, answer in this order": [1, 0, 0, 0, 0],
        "put first by a feed-forward layer": [1, 0, 1, 0, 1],
        "put first by attention": [0, 1, 0, 0, 0],
    }
    found = facts.marks(trace)
    assert {mark: found.at(mark=mark).values.astype(int).tolist() for mark in found.axes["mark"]} == expected
    np.testing.assert_array_equal(facts.first_layer(trace).values, [4, 4, 4, np.nan, 4])


def watched(columns, control="......"):
    trace = planted(columns)
    other = planted([control] * len(columns))
    return facts.Watched("capital", tuple("abcdefghijkl"[: len(columns)]), trace, facts.marks(trace), other)


@pytest.mark.parametrize(
    ("columns", "verdict", "measured"),
    [
        (["..AAWW"] * 4, "supported", 0.98),
        (["..A.WW"] * 4, "supported", 0.98),  # not in a row, but the lines cross
        (["AAAAWW"] * 4, "partly", 0.98),  # no noise
        (["....WW"] * 4, "not supported", 0.0),
        (["....WW"] * 8 + ["..AAWW"] * 2, "not supported", 0.2),  # one of five: the interval reaches zero
        (["..AAAA"] * 4, "cannot be tested on this model", None),
        (["..AAWW"] * 3, "cannot be tested on this model", None),  # too few
        (["..AAWW"] * 5 + ["......"], "supported", 0.98),
    ],
)
def test_c13_follows_from_the_crossing(columns, verdict, measured):
    claim = facts.c13(watched(columns))
    assert claim.verdict == verdict
    assert claim.measured == (None if measured is None else pytest.approx(measured, abs=0.02))


def test_a_small_lead_is_partly():
    seen = watched(["..AAWW"] * 4)
    values = seen.trace.values.copy()
    values[0, 1, 2:4, 0] = 7  # the country is seventh at best, its capital fiftieth
    claim = facts.c13(replace(seen, trace=replace(seen.trace, values=values)))
    assert (claim.verdict, claim.measured) == ("partly", pytest.approx(1 / 7 - 1 / 50))


def test_shuffled_countries_do_not_cross():
    """Where another country is as close as the one asked about, nothing is shown."""
    assert facts.c13(watched(["..AAWW"] * 4, control="..AAWW")).verdict == "not supported"
    assert facts.c13(watched(["AAWW.."] * 4)).verdict == "cannot be tested on this model"


def test_the_layer_is_chosen_on_other_questions_than_it_is_measured_on():
    found = facts.crossing(watched(["..A.WW", "....WW"] * 3))
    assert (found.layer, found.lead) == (2, 0.0)
    with pytest.raises(ValueError) as error:
        facts.crossing(watched(["..A.WW"] * 3))
    assert str(error.value) == "The model answers 3 of these questions; a crossing needs at least 4."


def test_who_shares_out_the_answered_questions():
    by_layer, by_heads = watched(["..AAWW", "......"]), watched(["....WW"] * 2)
    heads = replace(by_heads, marks=facts.marks(planted(["....WW"] * 2, mids=["...WWW"] * 2)))
    found = facts.who([replace(by_layer, name="one"), replace(heads, name="two"), watched(["......"])])
    assert found.values.tolist() == [[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]]


def test_watching_pocket_gives_shares_of_all_countries(pocket):
    seen = facts.watch(pocket)
    assert len(seen.arguments) == 36
    assert float(seen.marks.at(mark=facts.MARKS[0]).mean("prompt")) >= 0.95
    halves = seen.marks.at(mark=facts.MARKS[3]).values + seen.marks.at(mark=facts.MARKS[4]).values
    np.testing.assert_array_equal(halves, seen.marks.at(mark=facts.MARKS[0]).values)
    assert facts.c13(seen).verdict in VERDICTS


# --- transplants and C14 --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moved(pocket):
    return transplants.move(pocket)


def test_a_transplant_equals_a_whole_run_with_the_vector_put_in(pocket, moved):
    into = facts.lists(pocket, "capital")
    vectors = transplants.vectors(pocket, "capital", moved.source)
    for number in (0, 20):
        vector = vectors[(number + transplants.DISTANCE) % len(into)]
        edits = [hooks.Put(Site("mlp_out", layer), vector) for layer in moved.replaced]
        logits = hooks.run(pocket, into.take([number]), *edits)[0][0, int(into.length[number]) - 1]
        rank = 1 + int((logits > logits[into.answers["answer"][number]]).sum())
        found = moved.ranks.at(vector="its relation's vector", word="its answer", layer=7, prompt=number)
        assert float(found) == rank


def test_no_vector_comes_from_the_country_it_is_put_to():
    for relation in RELATIONS.values():
        assert transplants.DISTANCE % len(relation.pairs)
        assert transplants.OTHER_ANSWER % len(relation.pairs)


def test_the_random_vectors_are_as_long_as_the_real_ones():
    vectors = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    drawn = transplants._random_like(vectors, 0)
    torch.testing.assert_close(drawn.norm(dim=-1), vectors.norm(dim=-1))
    assert not torch.equal(drawn, transplants._random_like(vectors, 1))


def test_moving_up_is_counted_against_the_untouched_list(moved):
    last = moved.ranks.at(layer=7, word="its answer").values
    up = transplants.better(moved)
    assert float(up.at(case="its relation's vector").mean("prompt")) == np.mean(last[1] < last[0])
    np.testing.assert_allclose(transplants.closeness(moved).at(layer=7).values, 1 / last)
    np.testing.assert_array_equal(transplants.first(moved).values, last == 1)


def test_taking_the_update_out_leaves_the_state_before_the_layer(pocket):
    out = transplants.take_out(pocket)
    layer = out.about["layer"]
    seen = lens.trace(pocket, facts.prompts(pocket)).at(measure="rank", layer=layer, word="answer")
    np.testing.assert_array_equal(out.at(update="taken out").values, seen.at(part="mid").values)
    np.testing.assert_array_equal(out.at(update="in").values, seen.at(part="post").values)


def test_the_choice_among_all_answers_equals_whole_runs(pocket, moved):
    into = facts.lists(pocket, "capital")
    answers = into.answers["answer"]
    vectors = transplants.vectors(pocket, "capital", moved.source)
    source = (3 + transplants.DISTANCE) % len(into)
    others = torch.cat([vectors[:3], vectors[4:]]).mean(dim=0)
    zero = torch.zeros_like(others)
    for label, vector in zip(transplants.CHOICES[1:4], (vectors[source], others, zero), strict=True):
        edits = [hooks.Put(Site("mlp_out", layer), vector) for layer in moved.replaced]
        logits = hooks.run(pocket, into.take([3]), *edits)[0][0, int(into.length[3]) - 1]
        best = answers[logits[answers].argmax()]
        found = moved.chosen.at(vector=label, prompt=3).values
        assert found.tolist() == [best == answers[3], best == answers[source]], label
    assert len(moved.chosen.axes["vector"]) == len(transplants.CHOICES) + transplants.RANDOM


def chosen_as(own, source=0.0, other=0.0, random=0.0, n=20):
    """A forced choice: the share of right answers with the vector, of the source's, and by the controls."""
    labels = (*transplants.CHOICES, *transplants.RANDOMS)
    shares = dict.fromkeys(transplants.RANDOMS, random) | dict.fromkeys(transplants.CHOICES, other)
    shares[transplants.CHOICES[1]] = own
    values = np.zeros((len(labels), 2, n))
    for row, label in enumerate(labels):
        values[row, 0, : round(n * shares[label])] = 1
    values[1, 1, n - round(n * source) :] = 1
    axes = {"vector": labels, "answer": transplants.CHOSEN, "prompt": tuple(range(n))}
    return Result(values, axes, "chosen", "share")


def carried(moved, chosen):
    seen = watched(["..AAWW"] * 20)
    return transplants.step(seen, replace(moved, chosen=chosen))


def test_a_vector_that_turns_the_argument_into_its_answer_is_found(moved):
    found = carried(moved, chosen_as(own=0.9, source=0.05, other=0.3, random=0.1))
    assert found.carries()
    assert (found.share, found.controls["the source's answer"]) == (0.9, pytest.approx(0.05))


@pytest.mark.parametrize(
    "chosen",
    [
        chosen_as(own=0.1, source=0.9),  # it says "Warsaw"
        chosen_as(own=0.55, other=0.55),  # nothing in its place does as well
        chosen_as(own=0.55, random=0.55),  # so does a random vector
        chosen_as(own=0.45),  # less than half
        chosen_as(own=0.0),
    ],
    ids=["source", "nothing", "random", "half", "never"],
)
def test_a_vector_that_says_something_else_is_not(moved, chosen):
    assert not carried(moved, chosen).carries()


def test_shuffled_labels_take_the_proof_away(moved):
    good = chosen_as(own=0.9, source=0.05, other=0.3, random=0.1)
    order = np.random.default_rng(0).permutation(len(good.axes["vector"]))
    while order[1] == 1:
        order = np.roll(order, 1)
    assert not carried(moved, replace(good, values=good.values[order])).carries()


def test_of_the_random_vectors_the_best_is_shown(moved):
    right = moved.chosen.at(answer=transplants.CHOSEN[0]).mean("prompt")
    best = max(float(right.at(vector=label)) for label in transplants.RANDOMS)
    shown = transplants.choices(moved).at(answer=transplants.CHOSEN[0]).mean("prompt")
    assert float(shown.at(vector=f"random vector, best of {transplants.RANDOM}")) == best


CONTROLS = dict.fromkeys(("the source's answer", "untouched", "nothing"), 0.1)


def step(name, *, by_layer=0.9, share=0.9, low=0.2, controls=CONTROLS, right=1.0):
    return transplants.Step(name, right, by_layer, share, (0.5, 0.9), (low, 0.8), controls, 0.4, 0.9)


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ([step(name) for name in RELATIONS], "supported"),
        ([step("capital"), step("upper case", by_layer=0.1), step("past tense")], "partly"),
        ([step(name, low=-0.1) for name in RELATIONS], "not supported"),
        ([step(name, controls=CONTROLS | {"nothing": 0.95}) for name in RELATIONS], "not supported"),
        ([step(name, right=0.2) for name in RELATIONS], "cannot be tested on this model"),
    ],
)
def test_c14_follows_from_both_tests(pocket, steps, verdict):
    assert transplants.c14(pocket, steps).verdict == verdict


# --- memory: C15 and C16 --------------------------------------------------------------------------------


def test_the_removed_stack_grows_from_the_last_layers(pocket, tiny):
    assert [len(memory.stack(pocket, sixths)) for sixths in range(7)] == [0, 1, 3, 4, 5, 7, 8]
    assert memory.stack(pocket, 1) == (7,)
    assert memory.stack(tiny, 6) == (0, 1, 2)


def scored(table, sixths=(0, 2), zero=None):
    """A removals Result: table[removed][form] = found at the average, everything found before; by zero alike,
    or as `zero` says."""
    values = np.ones((2, 2, len(sixths), 3, 2, 20))
    for way, one in enumerate((table, zero or table)):
        for row, kind in enumerate(("feed-forward", "attention")):
            for column, share in enumerate(one[kind]):
                values[way, row, 1, column, :, round(20 * share) :] = 0
    axes = {
        "way": memory.WAYS, "removed": ("feed-forward", "attention"), "sixths": sixths,
        "form": tuple(memory.FORMS), "score": facts.SCORES[:2], "prompt": tuple(range(20)),
    }  # fmt: skip
    return Result(values, axes, "found", "share", {"model": "planted"})


def alone(table):
    whole = scored(table)
    values = np.concatenate([whole.values[:, :1, 0], whole.values[:, :, 1]], axis=1)
    axes = {
        "way": memory.WAYS, "removed": ("nothing", "feed-forward", "attention"),
        **{k: whole.axes[k] for k in ("form", "score", "prompt")},
    }  # fmt: skip
    return Result(values, axes, "found", "share", {"layer": 5})


KEPT = (1.0, 1.0, 1.0)
REMEMBERS, LOOKS_UP = (0.3, 0.9, 0.9), (0.9, 0.3, 0.3)


@pytest.mark.parametrize(
    ("layers", "heads", "single", "verdict"),
    [
        (REMEMBERS, LOOKS_UP, REMEMBERS, "supported"),
        (REMEMBERS, LOOKS_UP, KEPT, "partly"),
        (REMEMBERS, KEPT, REMEMBERS, "partly"),  # one half of the dissociation
        (KEPT, LOOKS_UP, KEPT, "partly"),
        (KEPT, KEPT, KEPT, "not supported"),
        ((0.1, 0.1, 0.1), (0.1, 0.1, 0.1), KEPT, "not supported"),  # everything breaks alike
        (LOOKS_UP, REMEMBERS, KEPT, "not supported"),  # the labels exchanged
    ],
)
def test_c15_needs_a_double_dissociation(layers, heads, single, verdict):
    tables = [{"feed-forward": own, "attention": heads} for own in (layers, single)]
    claim = memory.c15(scored(tables[0]), alone(tables[1]))
    assert claim.verdict == verdict
    assert claim.measured == pytest.approx(layers[1] - layers[0])


def test_what_only_zero_loses_does_not_count_in_c15():
    table = {"feed-forward": KEPT, "attention": KEPT}
    claim = memory.c15(scored(table, zero={"feed-forward": REMEMBERS, "attention": LOOKS_UP}), alone(table))
    assert claim.verdict == "not supported"
    assert "(zero, not judged): feed-forward +0.60, attention +0.60" in claim.control


def test_a_silent_layer_writes_what_it_writes_on_average_elsewhere(pocket):
    asked = facts.prompts(pocket, "past tense")
    edit = updates.averaged(pocket, asked, "feed-forward", [3])[3]
    wrote = hooks.record(pocket, asked, [Site("mlp_out", 3)])[Site("mlp_out", 3)]
    words = torch.cat([one[: int(length)] for one, length in zip(wrote, asked.length, strict=True)])
    torch.testing.assert_close(edit.value, words.mean(dim=0), atol=1e-5, rtol=1e-4)
    assert not any("capital" in text for text in asked.texts)


@pytest.mark.slow
def test_removals_equal_whole_runs(pocket):
    measured = memory.removals(pocket)
    asked = facts.prompts(pocket, form="answer stated")
    for kind, site in (("feed-forward", "mlp_out"), ("attention", "attn_out")):
        edits = [hooks.Zero(Site(site, layer)) for layer in (5, 6, 7)]
        logits = asked.at(hooks.run(pocket, asked, *edits)[0], "end")
        right = (logits.argmax(-1) == asked.answers["answer"]).double().numpy()
        found = measured.at(
            way="writes nothing", removed=kind, sixths=2, form="stated before", score="first piece"
        )
        np.testing.assert_array_equal(found.values, right)


def depths(simple, relations, surnames=True):
    """So much of the worth lies in layer 2 of 0, 1, 2; layer 0 is worth most in any case."""

    def worth(share, n=12):
        jitter = np.linspace(-0.02, 0.02, n)
        average = np.stack([np.full(n, 9.0), 1 - share - jitter, share + jitter])
        axes = {"way": memory.WAYS, "layer": (0, 1, 2), "prompt": tuple(range(n))}
        return Result(np.stack([average, average]), axes, "worth", "nats")

    return memory.Depths(worth(simple), worth(relations), surnames)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (depths(0.3, 0.8), "supported"),
        (depths(0.3, 0.35), "not supported"),
        (depths(0.8, 0.3), "not supported"),  # the labels exchanged
        (depths(0.5, 0.5), "not supported"),
        (depths(0.3, 0.8, surnames=False), "cannot be tested on this model"),
        (replace(depths(0.3, 0.8), enough=False), "cannot be tested on this model"),
    ],
)
def test_c16_follows_from_where_the_worth_lies(pocket, found, verdict):
    claim = memory.c16(pocket, found)
    assert claim.verdict == verdict
    assert (claim.measured is None) == verdict.startswith("cannot")


def test_the_stand_in_is_told_and_not_judged(pocket):
    assert "with the stand-in +0.50" in memory.c16(pocket, depths(0.3, 0.8, surnames=False)).control


def test_the_worth_of_a_layer_is_what_silence_at_the_subject_costs(pocket):
    found = memory.depths(pocket)
    assert not found.surnames
    assert len(found.simple.axes["prompt"]) >= memory.LEAST_ITEMS
    item = memory._known(pocket, *map(list, zip(*FOLLOWERS, strict=True))).index(
        next(pair for pair in FOLLOWERS if pair[1] == "base")
    )
    text, answer = next(pair for pair in FOLLOWERS if pair[1] == "base")
    asks = facts.relation("capital").text("Poland"), "Warsaw"
    known = [one[1] for one in memory._known(pocket, [asks[0]], [asks[1]])]
    country = facts.arguments(pocket).index("Poland")
    assert known == ["Warsaw"]
    ids = models.encode(pocket, asks[0])
    subject = len(ids) - 1 - ids[::-1].index(models.encode(pocket, " Poland")[0])
    for words, said, at, worth in (
        (models.encode(pocket, text), answer, -1, found.simple.at(prompt=item)),
        (ids, "Warsaw", subject, found.relations.at(prompt=country)),
    ):
        where = torch.zeros(1, len(words), dtype=torch.bool)
        where[0, at] = True
        piece = models.encode(pocket, f" {said}")[0]
        logs = [
            float(hooks.run(pocket, torch.tensor([words]), *edits)[0][0, -1].double().log_softmax(-1)[piece])
            for edits in ((), (hooks.Zero(Site("mlp_out", 0), where),))
        ]
        assert float(worth.at(way="writes nothing", layer=0)) == pytest.approx(logs[0] - logs[1], abs=1e-4)


def test_the_centre_leaves_out_layer_0_and_what_silence_improves():
    values = np.array([[9.0, 9.0], [1.0, -1.0], [0.0, 0.0], [3.0, 2.0]])
    axes = {"way": memory.WAYS, "layer": (0, 1, 2, 3), "prompt": (0, 1)}
    worth = Result(np.stack([values, values]), axes, "worth", "nats")
    np.testing.assert_allclose(memory.centre(worth).values, [0.75, 1.0])
    np.testing.assert_allclose(memory.centre(replace(worth, values=np.zeros((2, 4, 2)))).values, 0.5)
    short = Result(np.ones((2, 2, 1)), {"way": memory.WAYS, "layer": (0, 1), "prompt": (0,)}, "worth", "nats")
    with pytest.raises(ValueError) as error:
        memory.centre(short)
    assert str(error.value) == (
        "Early and late need at least two layers after layer 0; this model has 1. Choose a deeper model."
    )


# --- asked again ------------------------------------------------------------------------------------------


def test_a_seed_draws_another_example_and_never_the_argument():
    drawn = {seed: RELATIONS["capital"].example("Poland", seed) for seed in facts.AGAIN}
    assert len(set(drawn.values())) > 2
    for relation in RELATIONS.values():
        for argument in relation.pairs:
            assert argument not in {relation.example(argument, seed) for seed in (None, *facts.AGAIN)}
    asked = RELATIONS["capital"].text("Poland", example=2)
    assert asked.startswith(f"Q: What is the capital of {drawn[2]}?")


def again(claim):
    """The counts of a claim beside those of its thresholds."""
    return {kind: counts for kind, counts in claim.variations.items() if kind != claims.THRESHOLDS}


@pytest.mark.parametrize(("weak", "stays"), [((), 5), ((3,), 4), ((2, 6), 3)])
def test_c13_counts_the_examples_that_change_it(monkeypatch, weak, stays):
    """Behind the examples of these seeds the country is never ahead."""
    monkeypatch.setattr(
        facts, "watch", lambda model, *, example: watched([("....WW" if example in weak else "..AAWW")] * 4)
    )
    claim = claims.firm(facts.c13, watched(["..AAWW"] * 4), again=facts.c13_again(None))
    assert (claim.verdict, again(claim)) == ("supported", {"other sentences": (stays, 5)})


@pytest.mark.parametrize(("weak", "stays"), [((), 5), ((3,), 4), ((2, 6), 3)])
def test_c14_counts_the_examples_that_change_it(pocket, monkeypatch, weak, stays):
    """Behind the examples of these seeds no vector is beyond its controls."""
    monkeypatch.setattr(
        transplants, "steps_again",
        lambda model, seed: [step(name, low=-0.1 if seed in weak else 0.2) for name in RELATIONS],
    )  # fmt: skip
    steps = [step(name) for name in RELATIONS]
    claim = claims.firm(transplants.c14, pocket, steps, again=transplants.c14_again(pocket))
    assert (claim.verdict, again(claim)) == ("supported", {"other sentences": (stays, 5)})


@pytest.mark.slow
def test_steps_asked_again_are_the_same_steps(pocket, moved):
    found = transplants.steps_again(pocket, None)[0]
    whole = transplants.step(facts.watch(pocket), moved)
    assert np.isnan(found.better)
    assert replace(found, better=whole.better) == whole


TABLE = {"feed-forward": REMEMBERS, "attention": LOOKS_UP}
SAME = {"feed-forward": KEPT, "attention": KEPT}


@pytest.mark.parametrize(
    ("weak", "zero", "counts"), [((), TABLE, (5, 1)), ((4,), TABLE, (4, 1)), ((2, 3), SAME, (3, 0))]
)
def test_c15_counts_the_examples_and_the_way_that_change_it(monkeypatch, weak, zero, counts):
    """Behind the examples of these seeds nothing is lost; by zero, so much."""

    def behind(model, example, averages):
        table = SAME if example in weak else TABLE
        return scored(table), alone(table)

    monkeypatch.setattr(memory, "_behind", behind)
    values = np.stack([alone(TABLE).values[0], alone(zero).values[0]])
    both = scored(TABLE, zero=zero), replace(alone(TABLE), values=values)
    claim = claims.firm(memory.c15, *both, again=memory.c15_again(None, *both))
    counted = {"other sentences": (counts[0], 5), "zero instead of the average": (counts[1], 1)}
    assert (claim.verdict, again(claim)) == ("supported", counted)


@pytest.mark.slow
def test_what_c15_needs_behind_another_example_is_measured_as_usual(pocket):
    stacks, single = memory._behind(pocket, None)
    usual = memory.removals(pocket)
    forms = tuple(memory.FORMS)[:2]
    for kind in ("feed-forward", "attention"):
        expected = memory.gap(usual, kind).values
        np.testing.assert_array_equal(memory.gap(stacks, kind).values, expected)
    alone_usual = memory.gap(memory.one_layer(pocket), "feed-forward").values
    np.testing.assert_array_equal(memory.gap(single, "feed-forward").values, alone_usual)
    assert stacks.axes["form"] == single.axes["form"] == forms
    assert "nan" in memory.c15(stacks, single).control  # zero was not asked


@pytest.mark.parametrize(
    ("weak", "zero", "counts"), [((), 0.8, (5, 1)), ((4,), 0.8, (4, 1)), ((2, 3), 0.3, (3, 0))]
)
def test_c16_counts_the_examples_and_the_way_that_change_it(pocket, monkeypatch, weak, zero, counts):
    """Behind the examples of these seeds relations lie as early as simple facts; by zero, so late."""
    monkeypatch.setattr(
        memory, "depths", lambda model, *, example: depths(0.3, 0.3 if example in weak else 0.8)
    )
    found, by_zero = depths(0.3, 0.8), depths(0.3, zero)
    values = np.stack([found.relations.values[0], by_zero.relations.values[1]])
    found = replace(found, relations=replace(found.relations, values=values))
    claim = claims.firm(memory.c16, pocket, found, again=memory.c16_again(pocket, found))
    counted = {"other sentences": (counts[0], 5), "zero instead of the average": (counts[1], 1)}
    assert (claim.verdict, again(claim)) == ("supported", counted)
