"""What a taught model is for: the key beside what is found, verdicts on instruments, two models compared."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from interp import claims, models, report, taught_card
from interp.__main__ import app
from interp.pocket_taught.key import HEADS, STEP_LAYER
from interp.sites import Head
from interp.studies.cards import contrast, taught, taught_exam
from interp.studies.facts import facts, transplants
from interp.studies.names import circuit, roles

FOLDER = models.EMBEDDED["pocket-taught"]
CLAIM = claims.Claim(
    "C8", "text", "test", 1.0, (0.9, 1.1), "control", "threshold", "supported", "pocket-taught"
)


@pytest.fixture(scope="module")
def twin():
    return models.load("pocket-taught")


@pytest.fixture(scope="module")
def cast(twin):
    return roles.find(twin, n=30)


def as_found(**heads):
    named = {
        role.replace("_", " ").replace("S inhibition", "S-inhibition"): own for role, own in heads.items()
    }
    return roles.Roles({role: tuple(map(Head.parse, own)) for role, own in named.items()})


ALL = {role.replace(" ", "_").replace("-", "_"): [str(head) for head in own] for role, own in HEADS.items()}


def test_the_key_travels_with_the_weights(twin, pocket, tiny):
    assert taught.key(twin) == HEADS
    assert taught.key(pocket) == taught.key(tiny) == {}
    record = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    assert record["weights_sha256"] == models.describe(twin).weights_sha256


def test_everything_found_is_nine_hits(twin):
    found = taught.beside_key(twin, as_found(**ALL))
    assert found.enough
    assert found.told() == (
        "found 9 of 9 (L1H2, L2H0, L3H1, L3H2, L4H1, L4H2, L5H1, L6H0, L6H2); missed: none; not taught but"
        " found: none"
    )


@pytest.mark.parametrize(
    ("changed", "enough"),
    [
        ({"name_mover": ["L5H1", "L6H0"]}, True),
        ({"name_mover": ["L5H1"]}, False),
        ({"duplicate_token": ["L1H2"]}, False),
        ({"name_mover": [*ALL["name_mover"], "L7H3"]}, True),
        ({"name_mover": [*ALL["name_mover"], "L7H2", "L7H3"]}, False),
    ],
)  # fmt: skip
def test_half_of_a_part_or_two_extras_are_not_enough(twin, changed, enough):
    assert taught.beside_key(twin, as_found(**{**ALL, **changed})).enough == enough


def test_a_verdict_on_a_taught_model_is_one_on_the_instrument(twin):
    good, bad = (taught.beside_key(twin, as_found(**one)) for one in (ALL, {**ALL, "name_mover": []}))
    assert taught.judged(CLAIM, good).verdict == "as taught"
    assert taught.judged(CLAIM, bad).verdict == "instrument failed"
    assert taught.judged(replace(CLAIM, verdict="not supported"), good).verdict == "instrument failed"
    assert taught.judged(CLAIM, None) == CLAIM
    assert "missed: L5H1, L6H0, L6H2" in taught.judged(CLAIM, bad).control


def test_other_models_are_judged_as_ever(pocket):
    assert taught.c8(pocket, CLAIM, as_found(**ALL)) == CLAIM
    assert taught.c13(pocket, CLAIM, facts.watch(pocket)) == CLAIM
    assert taught.c14(pocket, CLAIM, ()) == CLAIM


@pytest.mark.slow
def test_the_instruments_find_what_was_taught(twin, cast):
    task = circuit.Task.of(twin, n=30)
    measured = circuit.measure_c8(twin, task, cast, progress=False)
    assert taught.c8(twin, circuit.c8("pocket-taught", measured), cast).verdict == "as taught"
    watched = facts.watch(twin)
    assert taught.c13(twin, facts.c13(watched), watched).verdict == "as taught"
    assert transplants.step_layer(twin, "capital") == STEP_LAYER
    steps = [transplants.step(watched, transplants.move(twin))]
    claim = taught.c14(twin, transplants.c14(twin, steps), steps)
    assert claim.verdict == transplants.c14(twin, steps).verdict
    assert f"found 1 of 1 (capital in layer {STEP_LAYER})" in claim.control


def test_a_stage_in_another_place_fails_the_instrument(twin):
    watched = facts.watch(twin)
    trace, at = watched.trace, list(watched.trace.axes).index("layer")
    first = [0] * len(trace.axes["layer"])  # every layer says what the first says
    frozen = replace(trace, values=trace.values.take(first, axis=at))
    assert taught.c13(twin, facts.c13(watched), replace(watched, trace=frozen)).verdict == "instrument failed"


def test_a_step_in_another_layer_fails_the_instrument(twin, monkeypatch):
    steps = [transplants.Step("capital", 1.0, 1.0, 0.9, (0.8, 1.0), (0.3, 0.5), {}, 0.4, 0.9)]
    assert taught.c14(twin, replace(CLAIM, id="C14"), steps).verdict == CLAIM.verdict
    monkeypatch.setattr(transplants, "step_layer", lambda model, name: STEP_LAYER - 1)
    assert taught.c14(twin, replace(CLAIM, id="C14"), steps).verdict == "instrument failed"


def test_the_self_check_counts_and_gives_nothing_away(twin, pocket):
    said = taught.check(twin, {"name mover": ["L5H1", "L5H2"], "S-inhibition": [Head(3, 1)]})
    assert said == (
        "duplicate token: 0 of 2 found, 0 wrong. S-inhibition: 1 of 4 found, 0 wrong. name mover: 1 of 3"
        " found, 1 wrong."
    )
    assert "L6H0" not in said
    assert (
        taught.check(pocket, {}) == "pocket was taught nothing, so nobody knows the answer: there is no key."
    )
    with pytest.raises(ValueError) as error:
        taught.check(twin, {"boss": ["L1H1"]})
    assert str(error.value) == (
        "'boss' is no part that was taught: choose from duplicate token, S-inhibition, name mover."
    )


@pytest.mark.slow
def test_the_shipped_twin_keeps_pockets_behaviour_but_for_what_its_card_says(twin):
    measured = json.loads((FOLDER / "measurements.json").read_text(encoding="utf-8"))
    assert measured["weights_sha256"] == models.describe(twin).weights_sha256
    said = {row["name"]: row for row in measured["checks"] if not row["bos"]}
    for check in taught_exam.pocket.behaviour(twin, bos=False):
        assert check.measured == pytest.approx(said[check.name]["measured"], abs=0.01), check.name
        assert check.passed == said[check.name]["passed"], check.name


def test_the_card_hides_no_miss(twin):
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    measured = json.loads((FOLDER / "measurements.json").read_text(encoding="utf-8"))
    missed = sum(not row["passed"] for row in measured["checks"])
    missed += sum(row["met"] is False for rows in measured["sections"].values() for row in rows)
    assert page.count("**missed**") == missed
    assert models.describe(twin).weights_sha256 in page
    for role, heads in HEADS.items():
        assert f"| {role} | {', '.join(map(str, heads))} |" in page


def test_a_missed_row_stands_in_its_section():
    rows = [taught_exam.Row("one", "0.5", "at least 0.8", False), taught_exam.Row("two", "0.9")]
    assert taught_card._section("Title", rows).splitlines()[4:] == [
        "| one | 0.5 | at least 0.8, **missed** |",
        "| two | 0.9 |  |",
    ]


@pytest.mark.slow
def test_two_models_of_one_behaviour_differ_in_their_parts(twin, pocket, cast):
    assert models.describe(contrast.other_model(twin)).name == "pocket"
    assert models.describe(contrast.other_model(pocket)).name == "pocket-taught"
    both = [cast, roles.find(pocket, n=30)]
    lost = contrast.heads_by_part([twin, pocket], both, n=20)
    assert lost.axes["model"] == ("pocket-taught", "pocket")
    assert float(lost.at(part="duplicate token", model="pocket-taught")) > 0.8
    assert float(lost.at(part="duplicate token", model="pocket")) == 0.0
    assert contrast.parts_told([twin, pocket], both).startswith("pocket-taught: ")
    gaps = {
        part: abs(float(lost.at(part=part).values[0] - lost.at(part=part).values[1]))
        for part in lost.axes["part"]
    }
    assert contrast.widest(lost).startswith(f"{max(gaps, key=gaps.get)}: ")


def test_both_models_are_named_where_they_stand_side_by_side(twin, pocket):
    both = [twin, pocket]
    steps = contrast.steps(both, [facts.watch(one) for one in both])
    assert steps.axes["model"] == ("pocket-taught", "pocket")
    first = steps.at(mark="argument first somewhere before")
    assert float(first.at(model="pocket-taught")) > 0.9 > float(first.at(model="pocket"))
    assert contrast.looks(both, n=20).values.max() <= 1
    habits = contrast.habits([twin, pocket])
    assert habits.values.min() >= 0
    assert habits.values.max() <= 1


def test_heads_with_a_part_are_no_fair_control(twin):
    barred = [Head(layer, head) for layer in range(7) for head in range(4)]
    drawn = circuit.random_sets(twin, [Head(7, 0)], 20, without=barred)
    assert {head for own in drawn for head in own} <= {Head(7, 1), Head(7, 2), Head(7, 3)}


def test_the_card_command_measures_a_taught_model_as_one(monkeypatch):
    written = SimpleNamespace(missed=["a line"])
    monkeypatch.setattr(taught_exam, "measure", lambda *both: written)
    monkeypatch.setattr(taught_card, "write", lambda exam, model, folder: folder / "README.md")
    done = CliRunner().invoke(app, ["card", "--model", "pocket-taught"])
    assert done.exit_code == 1
    assert "MISSED a line" in done.output


def test_each_of_the_two_pages_shows_the_other_models_verdicts(tmp_path):
    pocket, twin = tmp_path / "pocket", tmp_path / "pocket-taught"
    pocket.mkdir()
    assert "pocket-taught was taught" not in report.index(pocket, "pocket", [], [])
    about = {"model": "pocket-taught", "weights_sha256": "a" * 64}
    claims.save([replace(CLAIM, verdict="as taught")], twin, about)
    page = report.index(pocket, "pocket", [], [])
    assert "pocket-taught was taught" in page
    assert '<span class="chip as-taught">✓ as taught</span> <span>on pocket-taught' in page
    assert 'href="../pocket-taught' not in page
    (twin / "index.html").write_text("")
    assert 'href="../pocket-taught/index.html"' in report.index(pocket, "pocket", [], [])
    assert "pocket-taught was taught" not in report.index(twin.rename(tmp_path / "gpt2"), "gpt2", [], [])


def test_models_of_other_shapes_stand_side_by_side_too(tiny, pocket):
    both = [tiny, pocket]
    assert contrast.looks(both, n=20).axes["model"] == ("tiny", "pocket")
    assert contrast.habits(both).values.shape == (3, 2)
    casts = [as_found(name_mover=["L2H1"]), as_found(name_copier=["L4H0"])]
    lost = contrast.heads_by_part(both, casts, n=20)
    assert lost.axes["part"] == ("name mover", "name copier")
    assert float(lost.at(part="name copier", model="tiny")) == 0.0
    assert contrast.parts_told(both, casts) == "tiny: 1 name mover; pocket: 1 name copier"
    assert contrast.steps(both, [facts.watch(one) for one in both]).values.shape == (3, 2)
