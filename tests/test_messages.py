"""The words of screens and pictures in Chinese: every message has its translation, with its own numbers."""

import ast
import json
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from messages import everywhere, faults, fields, in_python, untranslated

from interp import claims, figures, languages
from interp.figures import glyphs, page
from interp.languages import say
from interp.result import Result
from interp.screens.picture import Picture
from interp.widgets import conversation

SAID = everywhere()
TOLD = languages.messages("zh")
SCRIPTS = sorted((languages.HERE.parent / "widgets").glob("*.js"))
PLAIN = "Without {head} the lead falls by {most:.2f} nats in 3 layers."


def test_every_message_is_told_in_chinese_and_no_other():
    assert len(SAID) > 600
    assert untranslated(SAID, TOLD) == []


@pytest.mark.parametrize("part", range(8))
def test_fields_numbers_units_terms_and_setting_agree(part):
    wrong = {one: faults(one, TOLD[one]) for one in list(TOLD)[part::8] if one in SAID}
    assert {one: found for one, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("chinese", "fault"),
    [
        ("没有 {head}，领先在 3 层里减少 {most:.2f} 奈特。", []),
        ("没有它，领先在 3 层里减少 {most:.2f} 奈特。", ["field: head"]),
        ("没有 {head}，领先在 3 层里减少 {most:.1f} 奈特。", ["field: most:.2f", "field: most:.1f"]),
        ("没有 {head}，领先在 4 层里减少 {most:.2f} 奈特。", ["number: 3", "number: 4"]),
        ("没有 {head}，领先在 3 层里减少 {most:.2f}。", ["unit: nats?"]),
        ("没有 {head}，领先在 3 块里减少 {most:.2f} 奈特。", ["layers is 层"]),
        (
            "没有 {head}，领先在 3层里减少 {most:.2f} 奈特。",
            ["no space beside Latin"],
        ),
    ],
)
def test_a_planted_fault_is_found(chinese, fault):
    assert [re.sub(r"(Latin): .*", r"\1", one) for one in faults(PLAIN, chinese)] == fault


def test_what_lacks_and_what_is_left_over_is_named():
    said, told = {"One.": "interp/a.py", "Two {n}.": "interp/b.js"}, {"One.": "一。", "Three.": "三。"}
    assert untranslated(said, told) == ['msgid "Two {n}."\nmsgstr ""  # interp/b.js', "nobody says: Three."]


def test_messages_are_found_where_they_stand():
    python = """say("One", n=1)
f"<p>{say('Two ' 'three')}</p>"
WAYS = {"a": message("Four")}
say(name)
Result(values, axes, "five", "nats", {})"""
    assert set(in_python(python)) == {"One", "Two three", "Four", "five", "nats"}
    script = """say("Six {n}", { n: 1 }); const A = () => say(
  "Seven"); other("Eight"); button.say; say(name)"""
    assert languages.in_script(script) == ("Six {n}", "Seven")
    assert fields("{a:.2f} {b!r} {c}") == {"a:.2f": 1, "b!r": 1, "c": 1}


def test_a_message_is_english_chinese_or_english_for_want_of_another(monkeypatch):
    nats = "{number} nats"
    assert say(nats, number=2) == "2 nats"
    assert say("With {braces} and nothing to put in.") == "With {braces} and nothing to put in."
    monkeypatch.setenv("INTERP_LANGUAGE", "zh")
    assert say(nats, number=2) == "2 奈特"
    assert say("Nobody translated {number}.", number=2) == "Nobody translated 2."
    assert languages.for_script('say("Stop"); say("Nobody translated this.")') == {"Stop": "停止"}
    for unknown in ("tlh", "../zh", ""):
        monkeypatch.setenv("INTERP_LANGUAGE", unknown)
        assert (say(nats, number=2), languages.language()) == ("2 nats", "")
        assert languages.for_script('say("Stop")') == {}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_no_script_shows_a_text_that_is_no_message(script):
    code = re.sub(r"^\s*//.*$|(?<=[;{,]) // .*$", "", script.read_text(encoding="utf-8"), flags=re.MULTILINE)
    code = languages.IN_SCRIPT.sub("say(", code)
    names = r"(swatch|interp-|plain |row |Enter$|Escape$|\.)"
    quoted = [one for one in re.findall(r'"((?:[^"\\]|\\.)*)"', code) if not re.match(names, one)]
    assert [one for one in quoted if re.search(r"[A-Z][a-z]|[a-z] [a-z]|…", one)] == []
    made = [re.sub(r"\$\{.*?\}", "", one) for one in re.findall(r"`([^`]*)`", code)]
    made = [one for one in made if not one.startswith("cell ")]  # what a style sheet knows it by
    assert [one for one in made if re.search(r"[a-z]{3} [a-z]{2}", one)] == []


def test_a_widget_carries_the_words_of_its_own_script(monkeypatch):
    monkeypatch.setenv("INTERP_LANGUAGE", "zh")
    script = conversation.joined("conversation.js", "ablation_lab.js")
    assert languages.for_script(script).keys() == set(languages.in_script(script))
    assert len(languages.in_script(script)) > 70


def test_no_message_is_put_together_from_pieces():
    """What `say` is given is one text as it stands, or a name: a sum or an f-string cannot be looked up."""
    wrong = [
        f"{file.name}:{node.lineno}"
        for file in sorted(languages.HERE.parent.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "message")
        if isinstance(node.args[0], (ast.BinOp, ast.JoinedStr))
    ]
    assert wrong == []


LEADS = Result(np.array([0.5, -0.25]), {"layer": (0, 1)}, "lead", "nats", {"model": "pocket", "n": 60})


@pytest.fixture
def chinese(monkeypatch):
    monkeypatch.setenv("INTERP_LANGUAGE", "zh")
    glyphs._say_once.cache_clear()


@pytest.mark.parametrize("here", [True, False], ids=["a font has its letters", "none has"])
def test_a_figure_speaks_chinese_where_a_font_can_draw_it_and_else_says_once_what_to_install(
    here, chinese, monkeypatch
):
    monkeypatch.setattr(glyphs, "has_letters", lambda language: here)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        drawn = figures.bars(LEADS, title="Two layers")
        figures.bars(LEADS, title="Two layers")
    assert [str(one.message) for one in said] == ([] if here else [glyphs.INSTALL])
    assert drawn.caption == ("n = 60。模型：pocket。" if here else "n = 60. Model: pocket.")
    assert ("领先（奈特）" in drawn.alt) == here
    assert ("It shows lead (nats) by layer from 0 to 1." in drawn.alt) == (not here)
    assert ("说明，以及表格形式的数据" in drawn.disclosure()) == here


def test_the_picture_on_a_slide_is_in_words_that_can_be_drawn(chinese, monkeypatch):
    widget = SimpleNamespace(picture=lambda: Picture("bars", say("Stop"), LEADS, ()))
    monkeypatch.setattr(glyphs, "has_letters", lambda language: False)
    with pytest.warns(UserWarning, match="No font here has Chinese letters"):
        assert conversation.Conversation._drawable(widget).title == "Stop"
    monkeypatch.setattr(glyphs, "has_letters", lambda language: True)
    assert conversation.Conversation._drawable(widget).title == "停止"


def test_chinese_is_broken_between_letters_and_no_line_begins_with_a_mark():
    told = "没有 L5H2，领先在 60 个句子里减少 3.2 奈特（见“这里”）。" * 3
    lines = page.wrapped(told, 260, 20)
    assert len(lines) > 4
    assert all(line[0] not in "，。；：？！）、”》" for line in lines)
    assert "".join(lines).replace(" ", "") == told.replace(" ", "")
    assert page.wrapped("two plain words", 60, 20) == ["two", "plain", "words"]


def test_verdicts_are_shown_in_chinese_and_saved_in_english(chinese, tmp_path):
    claim = claims.Claim(
        id="C9", text="The nine heads are still no full account.", test="t", measured=0.5,
        interval=(0.4, 0.6), control="c", threshold="at least 0.3", verdict="partly", model="pocket",
        variations={claims.SENTENCES: (3, 5)},
    )  # fmt: skip
    claims.save([claim], tmp_path, {"model": "pocket", "weights_sha256": "0" * 64})
    saved = (tmp_path / "claims.md").read_text(encoding="utf-8")
    assert "partly; stays in 3 of 5 variations: fragile, it changes with other sentences (2 of 5)" in saved
    assert json.loads((tmp_path / "claims.json").read_text())["claims"][0]["text"] == claim.text
    assert not re.search("[\u4e00-\u9fff]", saved)
    shown = claims.table([claim])
    told = "部分支持；在 5 种变化中有 3 种保持不变：不牢靠，换成别的句子（5 种里有 2 种）时会变"
    about = "说的是另一个模型：文章说的是 GPT-2 small"
    wanted = ("这九个头还不是完整的解释。", "0.5（0.4 到 0.6）", told, about)
    assert [one for one in wanted if one not in shown] == []
    assert all(say(one) != one for one in claims.VERDICTS)
