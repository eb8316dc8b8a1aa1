"""The claims table: verdicts are computed, files are whole or untouched, texts are escaped."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from interp import claims
from interp.claims import Claim, decide, save, table, verdict_text

ROOT = Path(__file__).resolve().parent.parent
ABOUT = {"model": "pocket", "weights_sha256": "a" * 64}
CLAIM = Claim(
    id="C8",
    text="A few heads | write <the> name.",
    test="They are switched off.",
    measured=0.123456789,
    interval=(0.1, 0.2),
    control="20 random sets",
    threshold="at least 30 %",
    verdict="partly",
    model="pocket",
)


def test_a_verdict_needs_threshold_interval_and_controls():
    assert decide(0.5, (0.4, 0.6), 0.3, [0.1, 0.2]) == "supported"
    assert decide(0.5, (0.4, 0.6), 0.3, [0.1, 0.2], complete=False) == "partly"
    assert decide(0.2, (0.1, 0.3), 0.3) == "not supported"
    assert decide(0.5, (-0.1, 0.9), 0.3) == "not supported"
    assert decide(0.5, (0.4, 0.6), 0.3, [0.1, 0.5]) == "not supported"
    assert decide(0.5, (0.4, 0.6), 0.3, testable=False) == "cannot be tested on this model"
    assert decide(float("nan"), (0.4, 0.6), 0.3) == "not supported"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "8"}, "A claim's id is C and a number, such as C8, not '8'."),
        (
            {"verdict": "true"},
            "'true' is not a verdict: choose one of supported, partly, not supported, "
            "cannot be tested on this model, about another model, as taught, instrument failed.",
        ),
        ({"interval": (2.0, 1.0)}, "The interval of C8 is (2.0, 1.0), but it must run from low to high."),
    ],
)
def test_a_claim_refuses_what_it_cannot_mean(change, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(CLAIM, **change)


def test_the_file_has_the_agreed_fields(tmp_path):
    document = json.loads(save([CLAIM], tmp_path / "new" / "folder", ABOUT).read_text(encoding="utf-8"))
    assert list(document) == ["model", "weights_sha256", "created_with", "claims"]
    fields = "id text test measured interval control threshold verdict figure published because variations"
    assert list(document["claims"][0]) == [*fields.split(), "elsewhere"]
    assert document["model"] == "pocket"
    assert document["claims"][0]["measured"] == 0.123457
    assert document["claims"][0]["interval"] == [0.1, 0.2]
    assert "torch" in document["created_with"]


def test_saving_merges_by_id_in_the_order_of_the_article(tmp_path):
    save([CLAIM, replace(CLAIM, id="C10")], tmp_path, ABOUT)
    save(
        [replace(CLAIM, verdict="supported"), replace(CLAIM, id="C2", measured=None, interval=None)],
        tmp_path,
        ABOUT,
    )
    rows = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))["claims"]
    assert [(row["id"], row["verdict"]) for row in rows] == [
        ("C2", "partly"),
        ("C8", "supported"),
        ("C10", "partly"),
    ]
    lines = (tmp_path / "claims.md").read_text(encoding="utf-8").splitlines()
    assert [line.split(" | ")[0] for line in lines[-3:]] == ["| C2", "| C8", "| C10"]
    assert "not measured" in lines[-3]


def test_the_same_claims_give_the_same_bytes_and_leave_nothing_else(tmp_path):
    save([replace(CLAIM, id="C2"), CLAIM], tmp_path, ABOUT)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    save([CLAIM], tmp_path, ABOUT)
    save([replace(CLAIM, id="C2")], tmp_path, ABOUT)
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(first) == {"claims.json", "claims.md"}
    assert b"\r" not in first["claims.md"]


def test_a_failure_while_writing_leaves_the_old_table_whole(tmp_path, monkeypatch):
    save([CLAIM], tmp_path, ABOUT)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("interp.files.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save([replace(CLAIM, id="C9")], tmp_path, ABOUT)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_table_of_other_weights_is_kept_aside_and_not_mixed_in(tmp_path):
    save([CLAIM], tmp_path, ABOUT)
    old = (tmp_path / "claims.json").read_bytes()
    save([replace(CLAIM, id="C9")], tmp_path, {**ABOUT, "weights_sha256": "b" * 64})
    rows = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))["claims"]
    assert [row["id"] for row in rows] == ["C9"]
    assert (tmp_path / "claims.aaaaaaaa.json").read_bytes() == old


def test_a_table_of_another_configuration_is_kept_aside_and_one_without_its_hash_goes_on(tmp_path):
    save([CLAIM], tmp_path, ABOUT)
    for whole, rows in (("c" * 64, 2), ("c" * 64, 2), ("d" * 64, 1)):
        save([replace(CLAIM, id="C9")], tmp_path, {**ABOUT, "model_sha256": whole})
        saved = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
        assert (len(saved["claims"]), saved["model_sha256"]) == (rows, whole)
    assert (tmp_path / "claims.cccccccc.json").is_file()
    assert f"tokenizer: sha256 {'d' * 64}." in (tmp_path / "claims.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "damaged", ["{", "[]", '{"claims": 3}', '{"claims": [{"id": "C1"}]}', '{"claims": [{"id": 1}]}']
)
def test_a_damaged_table_is_kept_aside(tmp_path, damaged):
    (tmp_path / "claims.json").write_text(damaged)
    save([CLAIM], tmp_path, ABOUT)
    assert (tmp_path / "claims.damaged.json").read_text() == damaged
    assert len(json.loads((tmp_path / "claims.json").read_text())["claims"]) == 1


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    message = (
        f"The claims cannot be written to {blocked} (File exists): choose a folder that you may write to, "
        "or free this one."
    )
    with pytest.raises(OSError, match=f"^{re.escape(message)}$"):
        save([CLAIM], blocked, ABOUT)


def test_a_claim_about_another_model_is_refused(tmp_path):
    message = "Claim C8 was measured on pocket, but this table is about gpt2: save it in that model's folder."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        save([CLAIM], tmp_path, {**ABOUT, "model": "gpt2"})
    assert list(tmp_path.iterdir()) == []


def test_texts_are_escaped_in_both_tables(tmp_path):
    save([CLAIM], tmp_path, ABOUT)
    markdown = (tmp_path / "claims.md").read_text(encoding="utf-8")
    assert "A few heads \\| write &lt;the&gt; name." in markdown
    shown = table([CLAIM])
    assert "A few heads | write &lt;the&gt; name." in shown
    assert "<the>" not in shown
    assert shown._repr_html_() == shown
    assert "0.123 (0.1 to 0.2)" in shown


@pytest.mark.parametrize(
    ("number", "model", "elsewhere"),
    [
        ("C8", "pocket", "GPT-2 small"),
        ("C8", "gpt2", None),
        ("C13", "gpt2", "GPT-2 medium"),
        ("C13", "gpt2-medium", None),
        ("C16", "gpt2", None),
        ("C11", "gpt2", "a model of 16 layers that is no GPT-2"),
        ("C7", "pocket", None),  # the article speaks of language models in general
    ],
)
def test_a_claim_measured_on_another_model_than_the_articles_says_so(tmp_path, number, model, elsewhere):
    claim = replace(CLAIM, id=number, model=model)
    assert claim.elsewhere == elsewhere
    saved = save([claim], tmp_path, ABOUT | {"model": model})
    (row,) = json.loads(saved.read_text(encoding="utf-8"))["claims"]
    assert (row["verdict"], row["elsewhere"]) == ("partly", elsewhere)
    said = f"partly; about another model: the article speaks of {elsewhere}" if elsewhere else "partly"
    assert verdict_text(row) == said
    assert said in table([claim])
    assert f"| {said} |" in saved.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verdict", ["cannot be tested on this model", "as taught", "instrument failed"])
def test_a_verdict_on_the_model_or_the_instrument_is_about_no_other(verdict):
    assert verdict_text({"verdict": verdict, "elsewhere": "GPT-2 small"}) == verdict


def test_the_reason_stands_in_the_last_column():
    assert table([replace(CLAIM, because="Because <of> that.")]).endswith(
        '">Because &lt;of&gt; that.</td></tr></tbody></table>'
    )


def test_a_table_made_before_there_were_reasons_is_kept(tmp_path):
    path = save([replace(CLAIM, id="C9")], tmp_path, ABOUT)
    document = json.loads(path.read_text(encoding="utf-8"))
    for row in document["claims"]:
        del row["because"], row["elsewhere"]
    path.write_text(json.dumps(document), encoding="utf-8")
    both = json.loads(save([CLAIM], tmp_path, ABOUT).read_text(encoding="utf-8"))["claims"]
    assert [row["id"] for row in both] == ["C8", "C9"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claims.json", "claims.md"]


@pytest.mark.parametrize("model", ["pocket", "pocket-taught"])
def test_every_shipped_verdict_on_the_articles_parts_of_a_network_says_why(model):
    rows = json.loads((ROOT / "figures" / model / "claims.json").read_text(encoding="utf-8"))["claims"]
    told = {row["id"]: row.get("because") for row in rows if 7 <= int(row["id"][1:]) <= 16}
    assert len(told) >= 7
    assert [name for name, because in told.items() if not (because or "").endswith(".")] == []


def judged(value, strict=1.0, interval=(0.1, 1.0)):
    verdict = claims.decide(value, interval, strict * 0.5, [0.0])
    return replace(CLAIM, measured=value, interval=interval, verdict=verdict)


def with_others(value, **others):
    """The claim of this value, asked again: each kind by the values that its variations would measure."""
    again = {kind: lambda some=some: map(judged, some) for kind, some in others.items()}
    return claims.firm(judged, value, again=again)


@pytest.mark.parametrize(
    ("value", "others", "counted", "told"),
    [
        (0.9, {}, {}, "stays in all 4 variations"),
        (0.7, {}, {claims.THRESHOLDS: 1},
         "stays in 3 of 4 variations: it changes with other thresholds (1 of 4)"),
        (0.6, {}, {claims.THRESHOLDS: 2},
         "stays in 2 of 4 variations: fragile, it changes with other thresholds (2 of 4)"),
        (0.4, {}, {claims.THRESHOLDS: 2},
         "stays in 2 of 4 variations: fragile, it changes with other thresholds (2 of 4)"),
        (0.9, {claims.SENTENCES: (0.8, 0.9, 0.6, 0.7, 0.8), claims.ZERO: (0.8,)}, {},
         "stays in all 10 variations"),
        (0.9, {claims.SENTENCES: (0.8, 0.9, 0.4, 0.7, 0.8), claims.ZERO: (0.8,)}, {claims.SENTENCES: 1},
         "stays in 9 of 10 variations: it changes with other sentences (1 of 5)"),
        (0.9, {claims.ZERO: (0.2,)}, {claims.ZERO: 1},
         "stays in 4 of 5 variations: it changes with zero instead of the average (1 of 1)"),
        (0.7, {claims.SENTENCES: (0.8, 0.9, 0.4, 0.7, 0.8), claims.ZERO: (0.2,)},
         {claims.THRESHOLDS: 1, claims.SENTENCES: 1, claims.ZERO: 1},
         "stays in 7 of 10 variations: fragile, it changes with other thresholds (1 of 4), other sentences"
         " (1 of 5) and zero instead of the average (1 of 1)"),
        (0.9, {claims.TRAININGS: (0.8, 0.1, 0.2)}, {claims.TRAININGS: 2},
         "stays in 5 of 7 variations: fragile, it changes with one training alone (2 of 3)"),
        (0.9, {claims.TEXTS: (0.8, 0.9), claims.LISTS: (0.9, 0.1)}, {claims.LISTS: 1},
         "stays in 7 of 8 variations: it changes with other lists of words (1 of 2)"),
    ],
)  # fmt: skip
def test_a_variation_that_changes_the_verdict_is_counted_and_one_that_does_not_is_not(
    value, others, counted, told
):
    claim = with_others(value, **others)
    assert {
        kind: number - same for kind, (same, number) in claim.variations.items() if same < number
    } == counted
    assert claims.fragile(claim.variations) == (sum(counted.values()) >= 2) == ("fragile" in told)
    assert claims.stays_text(claim.variations) == told
    assert told in claims.table([claim])


def test_what_cannot_be_tested_is_not_asked_again():
    def never():
        raise AssertionError("asked again")

    untested = replace(CLAIM, verdict="cannot be tested on this model")
    assert claims.firm(lambda: untested, again={claims.SENTENCES: never}).variations is None
    assert claims.stays_text(None) == ""
    assert not claims.fragile(None)


def test_a_share_near_one_moves_by_what_may_be_missed():
    assert [claims.shifted(0.9, shift) for shift in claims.SHIFTS] == pytest.approx(
        [0.8, 0.8667, 0.92, 0.9333], abs=1e-4
    )
    assert [claims.shifted(0.4, shift) for shift in claims.SHIFTS] == pytest.approx([0.2, 0.3, 0.5, 0.6])


def test_how_firm_a_verdict_is_stands_in_both_tables(tmp_path):
    claims.save([with_others(0.9, **{claims.SENTENCES: (0.8, 0.1)})], tmp_path, ABOUT)
    saved = json.loads((tmp_path / "claims.json").read_text())["claims"][0]
    assert saved["variations"] == {"other thresholds": [4, 4], "other sentences": [1, 2]}
    told = "stays in 5 of 6 variations: it changes with other sentences (1 of 2)"
    assert told in (tmp_path / "claims.md").read_text()
    assert verdict_text(saved) == f"supported; {told}; about another model: the article speaks of GPT-2 small"
