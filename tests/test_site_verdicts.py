"""Verdicts side by side: what was saved is shown, in the notebook as on the page, and nothing else."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

from interp import claims, execution, report
from interp.site import story, verdicts

ROOT = Path(__file__).resolve().parent.parent
EVERY = [f"C{number}" for number in range(1, 22)]


def claim(name, model, **other):
    fields = {"measured": 0.5, "interval": (0.4, 0.6), "verdict": "partly", "figure": None, **other}
    return claims.Claim(name, "<b>said</b>", "test", control="c", threshold="t", model=model, **fields)


@pytest.fixture
def base(tmp_path):
    """Two models with a claim or two each."""
    for model, some in {
        "pocket": [claim("C8", "pocket"), claim("C21", "pocket", measured=None, interval=None,
                                                verdict="cannot be tested on this model")],
        "pocket-taught": [claim("C8", "pocket-taught", verdict="as taught"),
                          claim("C9", "pocket-taught", verdict="supported")],
        "trained-taps": [claim("C17", "trained-taps", verdict="supported")],
    }.items():  # fmt: skip
        claims.save(some, tmp_path / model, {"model": model, "weights_sha256": "0" * 64})
    return tmp_path


@pytest.mark.parametrize(
    ("measured", "interval", "told"),
    [
        (None, None, ""),
        (0.5, None, "counted, not estimated"),
        (1.0, (1.0, 1.0), "every item alike"),
        (0.1, (-0.1, 0.3), "may be nothing: the interval holds 0"),
        (1.0, (0.95, 1.1), "firm"),
        (-1.0, (-1.2, -0.9), "fairly firm"),
        (0.5, (0.1, 0.9), "loose"),
    ],
)
def test_firmness_is_the_interval_beside_its_number(measured, interval, told):
    assert verdicts.firmness(measured, interval) == told


def test_the_story_holds_every_claim_once_and_says_of_whom_it_is_said():
    assert sorted((name for one in story.CHAPTERS for name in one.claims), key=EVERY.index) == EVERY
    assert list(story.SAYS) == EVERY == sorted(story.SAID_OF, key=EVERY.index)
    assert len(story.CHAPTERS) == 12


def test_what_nobody_measured_is_said_to_be_so(base):
    table = verdicts.side_by_side(base)
    rows = re.findall(r'<tr><th scope="row".*?</tr>', table, re.DOTALL)
    assert len(rows) == 21
    cells = [
        html.unescape(re.sub(r"<[^>]+>", " ", cell)).split() for cell in re.findall(r"<td.*?</td>", rows[7])
    ]
    assert cells[2:] == [
        ["not", "measured"], ["◐", "partly", "0.5", "(0.4", "to", "0.6)"],
        ["✓", "as", "taught", "0.5", "(0.4", "to", "0.6)"], *[["not", "measured"]] * 3,
    ]  # fmt: skip
    assert table.count("not measured") == 21 * 6 - 4  # C21's cell says it too, beneath its verdict


def test_only_models_that_were_not_taught_count_as_holding_in_full(base):
    assert verdicts.counted(base) == {"tested": 4, "in full": 1, "waiting": 17}


def test_levels_have_a_number_for_verdicts_only(base):
    level = verdicts.levels(base, {"model": "pocket"})
    assert level.axes["claim"] == (8, 9, 17, 21)
    assert level.axes["model"][1:] == ("pocket", "pocket-taught", "pocket-bigger", "gpt2", "our small models")
    assert level.at(model="pocket").values[0] == 0.5
    assert np.isnan(level.at(model="gpt2").values).all()
    assert np.isnan(level.at(model="pocket", claim=21).values)


def test_reasons_are_escaped_and_chosen(base):
    shown = verdicts.reasons(base, "C8")
    assert shown.count("<tr>") == 3
    assert "as taught" in shown
    assert "C17" not in shown


def test_a_claim_without_a_notebook_is_to_come_and_others_are_not_measured(base):
    pages = [report.Page("04_some", "Some"), report.Page("05_other", "Other")]
    text = report.index(base / "pocket", "pocket", pages, [])
    parts = dict(part.split('"', 1) for part in text.split('class="claim" id="')[1:])
    told = {name: re.findall(r'class="chip ([\w-]+)"', part) for name, part in parts.items()}
    assert told["C4"] == told["C5"] == told["C6"] == ["to-come"]
    assert told["C8"] == ["partly", "as-taught"]
    assert told["C9"] == ["supported"]
    assert told["C7"] == ["to-come"]
    assert told["C10"] == ["not-measured"]
    assert "<b>said</b>" not in text


def test_the_page_and_the_notebook_show_the_same_numbers():
    """On what git holds: every saved number stands on the page, and in the notebook's table."""
    base, pages = ROOT / "figures", execution.notebooks(ROOT / "notebooks")
    listed = [report.Page(path.stem, execution.heading(path)) for path in pages]
    beside = [path.parent for path in base.glob("*/claims.json") if not path.parent.name.startswith("pocket")]
    page = html.unescape(report.index(base / "pocket", "pocket", listed, [], beside=beside))
    table = html.unescape(verdicts.side_by_side(base))
    saved = [one for path in base.glob("*/claims.json") for one in json.loads(path.read_text())["claims"]]
    assert len(saved) > 15
    for one in saved:
        number = claims.number_text(one["measured"], one["interval"])
        told = page.split(f'id="{one["id"]}"')[1].split('class="claim"')[0]
        row = table.split(f">{one['id']}</th>")[1].split("</tr>")[0]
        assert number in told, one["id"]
        assert number in row, one["id"]
        assert one["verdict"] in told
        assert one["verdict"] in row
