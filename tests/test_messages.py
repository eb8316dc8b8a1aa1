"""The words of screens and pictures in Chinese: every message has its translation, with its own numbers."""

import ast
import re

import pytest
from messages import everywhere, faults, fields, in_python, untranslated

from interp import languages
from interp.languages import say
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
