"""Every notebook says in Chinese what it says in English, and a student's own changes outlive a new text."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from pairing import faults
from typer.testing import CliRunner

import interp.__main__ as command_line
from interp import doctor, execution, languages, report
from interp.figures import glyphs
from interp.languages import prose

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = execution.notebooks(ROOT / "notebooks")
named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@named
def test_each_cell_of_prose_has_its_chinese_and_says_the_same(path):
    told = prose.sections(prose.texts(path.stem, "zh").read_text(encoding="utf-8"))
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert [cell.id for cell in cells] == list(told)
    wrong = {cell.id: found for cell in cells if (found := faults(cell.source, told[cell.id]))}
    assert not wrong, "\n".join(f"{cell}: {one}" for cell, found in wrong.items() for one in found)


ENGLISH = """## 2 Heads

**Predict.** Of 1,200 heads in GPT-2, *nine* copy `x` ([paper](https://a.b)): **A** a half, **B** 95 %?"""
CHINESE = """## 2 头

**先猜。** GPT-2 的 1200 个头里，**九**个抄写 `x`（[论文](https://a.b)）：**A** 一半，**B** 95 %？"""


def section(chinese=CHINESE, english=ENGLISH):
    return prose.Section(prose.fingerprint(english), chinese)


def test_a_true_translation_has_no_fault():
    assert faults(ENGLISH, section()) == []
    much = "It has 1.5 billion weights, 117 million before."
    assert faults(much, section("它有 15 亿个权重，以前是 1.17 亿。", much)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("## 2", "### 2", "shape: heading"),
        ("1200", "1300", "numbers: 1200.0 is 1 in English, 0 here"),
        (" 95 %", "多数", "numbers: 95.0"),
        ("九", "许多", "a number in words is missing: nine"),
        ("一半", "一些", "a number in words is missing: half"),
        ("GPT-2", "GPT-3", "names: gpt-2"),
        ("`x`", "`y`", "code: x is 1 in English, 0 here"),
        ("https://a.b", "https://a.c", "links: https://a.b"),
        ("**B**", "**C**", "shape: choices"),
        ("**九**", "*九*", "not in English: 九"),
        ("**先猜。**", "先猜。", "bold: 3 in English, 2 here"),
        ("**先猜。** ", "**先猜。**", "shown as it stands: "),
        ("头", "脑袋", "Heads is 头"),
        ("论文", "关键向量", "never 关键向量"),
        ("，", ",", "half-width mark"),
        ("，", " ，", "space beside a mark"),
        (" 1200 ", "1200", "no space beside Latin"),
        ("里，", "里，\n", "broken line"),
    ],
)
def test_a_planted_mistake_is_found(right, wrong, said):
    assert right in CHINESE
    planted = CHINESE.replace(right, wrong)
    if said.startswith("bold"):
        planted = planted.replace("**九**", "九")
    found = faults(ENGLISH, section(planted))
    assert any(one.startswith(said) for one in found), found


def test_a_change_of_the_english_is_told_with_what_to_write():
    changed = ENGLISH.replace("copy", "read")
    assert faults(changed, section()) == [
        f"look again, the English changed; then write source: {prose.fingerprint(changed)}"
    ]


@named
def test_only_the_prose_of_a_notebook_changes(path):
    english, chinese = (prose.notebook(path, one) for one in ("en", "zh"))
    nbformat.validate(chinese)
    assert english == nbformat.read(path, as_version=4)
    for one, other in zip(english.cells, chinese.cells, strict=True):
        assert {**one, "source": ""} == {**other, "source": ""}
        assert (one.source == other.source) == (one.cell_type == "code")
    assert english.metadata == chinese.metadata


def test_the_page_of_a_notebook_is_in_its_language_with_the_outputs_of_the_one_that_ran():
    ran = nbformat.read(NOTEBOOKS[0], as_version=4)
    first = next(cell for cell in ran.cells if cell.cell_type == "code")
    first.outputs = [nbformat.v4.new_output("stream", text="it ran")]
    page = report.page(prose.told_in("zh", ran, NOTEBOOKS[0].stem), language="zh")
    assert '<html lang="zh">' in page
    assert "<title>从这里开始</title>" in page
    assert "it ran" in page
    assert "What to see" not in page
    assert ran.cells[0].source.startswith("# Start here")
    assert '<html lang="en">' in report.page(ran)


NONE_SUCH = "There is no language {!r} here: set INTERP_LANGUAGE to en or zh."


def test_an_unknown_language_is_quoted_and_those_that_exist_are_listed(monkeypatch):
    assert languages.known() == ("en", "zh")
    with pytest.raises(ValueError) as refused:
        prose.notebook(NOTEBOOKS[0], "fr")
    assert str(refused.value) == NONE_SUCH.format("fr")
    monkeypatch.setenv("INTERP_LANGUAGE", "tlh")
    for command in (["notebooks"], ["reproduce", "--only", "00"]):
        done = CliRunner().invoke(command_line.app, command)
        assert (done.exit_code, done.stderr) == (2, NONE_SUCH.format("tlh") + "\n")
    monkeypatch.setenv("INTERP_LANGUAGE", "")
    assert languages.chosen() == "en"


def test_a_cell_without_translation_is_named(tmp_path):
    shutil.copy(NOTEBOOKS[0], tmp_path / "11_new.ipynb")
    with pytest.raises(ValueError) as refused:
        prose.notebook(tmp_path / "11_new.ipynb", "zh")
    assert str(refused.value) == "The cell 00-00 of 11_new.ipynb is not in zh: write it into 11_new.md."
    twice = "<!-- cell: a source: 12345678 -->\n一\n" * 2
    with pytest.raises(ValueError, match=r"^The cell a is translated twice; leave one\.$"):
        prose.sections(twice)


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A copy of the notebooks, on which the command works; a function runs it in Chinese."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setenv("INTERP_LANGUAGE", "zh")
    return lambda: CliRunner().invoke(command_line.app, ["notebooks"])


def test_the_chinese_notebooks_stand_in_one_folder_so_their_links_lead_on(house, tmp_path):
    done = house()
    folder = tmp_path / "build" / "notebooks" / "zh"
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{folder}\n", "")
    assert sorted(one.name for one in folder.iterdir()) == [path.name for path in NOTEBOOKS]
    for path in folder.iterdir():
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        links = re.findall(r"\]\(((?!https:)[^)\s]+\.ipynb)\)", text)
        assert links
        assert [link for link in links if not (folder / link).is_file()] == []


def test_what_a_student_changed_is_kept_and_said_and_the_rest_is_made_anew(house, tmp_path):
    house()
    mine, ran, old, foreign = sorted((tmp_path / "build" / "notebooks" / "zh").iterdir())[:4]
    change(mine, source="1 + 1")
    change(ran, execution_count=7)
    change(tmp_path / "notebooks" / old.name, source="2 + 2")
    foreign.write_text("no notebook", encoding="utf-8")
    before = {path: path.read_bytes() for path in (mine, ran, foreign)}
    done = house()
    names = f"{mine.name}, {foreign.name}"
    assert done.stderr == f"Kept as you changed them: {names}; move them away to get fresh ones.\n"
    assert {path: path.read_bytes() for path in before} == before
    assert "2 + 2" in [cell.source for cell in nbformat.read(old, as_version=4).cells]


def change(path, **fields):
    """What a reader does to the first cell of code, and saves."""
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if cell.cell_type == "code").update(fields)
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    ("language", "font", "line"),
    [
        ("zh", "Noto Sans CJK SC", "✓ language: zh, in Noto Sans CJK SC"),
        ("zh", None, "· language: zh, but no font here has its letters, so pictures stay in English → "
         "install Noto Sans CJK (fonts-noto-cjk) and run again"),
        ("tlh", None, f"✗ language: unknown → {NONE_SUCH.format('tlh')}"),
    ],
)  # fmt: skip
def test_the_doctor_looks_for_the_letters_of_another_language(language, font, line, monkeypatch):
    monkeypatch.setattr(glyphs, "font_with", lambda letter: font)
    monkeypatch.setenv("INTERP_LANGUAGE", language)
    assert [str(check) for check in doctor._language()] == [line]
    monkeypatch.delenv("INTERP_LANGUAGE")
    assert list(doctor._language()) == []


def test_english_needs_no_copy(house, tmp_path, monkeypatch):
    monkeypatch.delenv("INTERP_LANGUAGE")
    assert house().stdout == f"{tmp_path / 'notebooks'}\n"
    assert not (tmp_path / "build").exists()
    shutil.rmtree(tmp_path / "notebooks")
    assert house().stderr == "no notebook starts with a number; there are: none.\n"
