"""A student's guesses: asked in the prose, kept beside the notebook, not lost, in no headless run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from interp import execution, finding, languages, predictions, progress, report
from interp.languages import prose
from interp.site import teaching
from interp.widgets import Guess

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = execution.notebooks(ROOT / "notebooks")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def guess(widget, letter, request=1):
    widget.wish = {"request": request, "guess": letter}
    return widget.shown


def saved(folder):
    return json.loads((folder / progress.FILE).read_text(encoding="utf-8"))["guesses"]


# What is asked.


def test_the_choices_are_those_of_the_prose_in_its_language():
    (asked,) = predictions.in_text(
        "**What to see.** x\n\n**Predict.** The lead:\n**A** keeps *more*, **B** keeps less (S2)?\n\nMore."
    )
    assert (asked.asked, asked.language) == ("The lead: A keeps more, B keeps less (S2)?", "en")
    assert asked.choices == {"A": "keeps more", "B": "keeps less (S2)"}
    (asked,) = predictions.in_text("**先猜。** 领先会：**A** 保住一半以上，**B** 不到一半？")
    assert (asked.choices, asked.language) == ({"A": "保住一半以上", "B": "不到一半"}, "zh")
    assert predictions.in_text("**Predict** without a full stop, and nothing") == ()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_both_languages_offer_the_same_letters_and_no_empty_choice(path):
    offered = [
        [
            (cell.id, list(one.choices), all(one.choices.values()))
            for cell in prose.notebook(path, language).cells
            if cell.cell_type == "markdown"
            for one in predictions.in_text(cell.source)
        ]
        for language in languages.known()
    ]
    assert offered[0] == offered[1]
    assert offered[0]
    assert all(whole and len(letters) != 1 for _, letters, whole in offered[0])


def test_a_notebook_in_another_language_beside_it_is_asked_first(folder):
    prose.lay_out(ROOT / "notebooks", folder, "zh")
    widget = Guess("04-13")
    assert widget.asks["choices"] == {"A": "我们的嫌疑人", "B": "另一个头"}
    assert guess(widget, "B")["told"] == "你猜的是 B；想改就改。"


@pytest.mark.parametrize("broken", ["", "{}", "no notebook", '{"cells": 5}', "\udcff"])
def test_a_notebook_that_is_none_is_passed_over(folder, broken):
    (folder / "04_mine.ipynb").write_text(broken, encoding="utf-8", errors="surrogateescape")
    assert Guess("04-13").asks["choices"] == {"A": "our suspect", "B": "another head"}


@pytest.mark.parametrize(
    ("cell", "known"),
    [
        ("10-99", "there are 10-03, 10-05, 10-07"),
        ("10-04", "there are 10-03, 10-05, 10-07"),
        ("x-1", "no notebook begins with x_"),
        ("../04-1", "no notebook begins with ../04_"),
        ("", "no notebook begins with _"),
    ],
)
def test_a_cell_that_asks_nothing_is_quoted_and_those_that_ask_are_listed(cell, known):
    with pytest.raises(ValueError) as error:
        Guess(cell)
    said = f"Nothing is asked in a cell {cell!r}: give the id of a cell with **Predict.** ({known})."
    assert str(error.value) == said


# What is kept.


def test_a_guess_is_kept_and_may_be_changed_and_all_widgets_count_it(folder):
    first, other = Guess("10-07"), Guess("04-13")
    assert not (folder / progress.FILE).exists()
    assert (other.shown["told"], other.shown["any"]) == ("Your guess?", False)
    assert guess(other, "A")["told"] == "You guessed A; change it if you like."
    assert guess(other, "B", 2)["guess"] == "B"
    assert guess(first, "  about half  ")["told"] == "Kept; change it if you like."
    assert saved(folder) == {"04-13": "B", "10-07": "about half"}
    assert (
        first.shown["counted"] == "1 of 3 guesses made in this notebook; kept in my_guesses.json beside it."
    )
    assert other.shown["counted"].startswith("1 of 8 guesses")


@pytest.mark.slow
def test_another_process_finds_it(folder):
    guess(Guess("04-13"), "B")
    code = "from interp.widgets import Guess; print(Guess('04-13').shown['told'])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "You guessed B; change it if you like.\n", done.stderr


def test_two_notebooks_that_guess_in_turn_lose_nothing(folder):
    here, other_kernel = progress.Progress(folder), progress.Progress(folder)
    here.keep("01-04", "a map")
    other_kernel.keep("04-13", "B")
    here.keep("04-10", "A")
    assert saved(folder) == {"01-04": "a map", "04-10": "A", "04-13": "B"} == other_kernel.guesses()


@pytest.mark.parametrize("wish", ["C", "", "b", None, 5, ["A"]])
def test_what_is_no_choice_is_not_kept(folder, wish):
    widget = Guess("04-13")
    assert guess(widget, wish)["guess"] == ""
    assert not (folder / progress.FILE).exists()


def test_an_own_guess_is_cut_to_some_lines(folder):
    assert guess(Guess("01-04"), "a" * 10_000)["guess"] == "a" * 300


def test_a_choice_that_the_prose_no_longer_offers_counts_as_none(folder):
    (folder / progress.FILE).write_text('{"guesses": {"04-13": "Q"}}')
    assert Guess("04-13").shown["told"] == "Your guess?"


def test_forgetting_deletes_the_file_and_every_widget_shows_it(folder):
    first, other = Guess("04-10"), Guess("04-13")
    guess(first, "A")
    guess(other, "B")
    first.wish = {"request": 2, "forget": True}
    assert not (folder / progress.FILE).exists()
    assert [one.shown["guess"] for one in (first, other)] == ["", ""]
    assert other.shown["counted"].startswith("0 of 8")


BROKEN = [
    ("", "it is no JSON"),
    ('{"guesses": ', "it is no JSON"),
    ("[" * 100_000, "it holds no guesses"),
    ("[1]", "it holds no guesses"),
    ("{}", "it holds no guesses"),
    ('{"guesses": {"04-13": 5}}', "it holds no guesses"),
    ('{"guesses": "A"}', "it holds no guesses"),
]


@pytest.mark.parametrize(("text", "why"), BROKEN)
def test_a_broken_file_stays_as_it_is_and_the_guess_counts_until_the_end(folder, text, why):
    (folder / progress.FILE).write_text(text)
    widget = Guess("04-13")
    shown = guess(widget, "B")
    assert shown["told"] == "You guessed B; change it if you like."
    assert shown["trouble"] == (
        f"my_guesses.json cannot be read or written ({why}) and was left as it is: your guesses are kept "
        "until Python stops. Move the file, or choose a folder that you may write to."
    )
    assert shown["counted"] == "1 of 8 guesses made in this notebook."
    assert (folder / progress.FILE).read_text() == text
    (folder / progress.FILE).unlink()
    assert guess(widget, "A", 2)["trouble"] == ""
    assert saved(folder) == {"04-13": "A"}


def test_where_nothing_can_be_written_it_is_said_and_the_guess_counts_until_the_end(folder, monkeypatch):
    def refuses(path, content):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(progress.files, "write", refuses)
    shown = guess(Guess("04-13"), "B")
    assert "(Permission denied)" in shown["trouble"]
    assert Guess("04-13").shown["guess"] == "B"
    assert list(folder.iterdir()) == []


# What came out.


def test_the_guess_stands_beside_what_came_out_on_both_sides_and_without_one_nothing_is_said():
    widget = Guess("04-13")
    check = lambda: str(finding.check("By 2.", guess="04-13", A=False, B=True))  # noqa: E731
    assert check() == "B came out. By 2."
    assert widget.shown["told"] == "Your guess?"
    assert guess(widget, "A")["told"] == "You guessed A. B came out."
    assert check() == "B came out. By 2. You guessed A."
    assert str(finding.check("By 2.", A=False, B=True)) == "B came out. By 2."


@pytest.mark.slow
def test_where_notebooks_run_for_others_no_guess_is_in_them(folder):
    """As `reproduce` runs them: not shown, not written."""
    guess(Guess("04-13"), "A")
    cells = [
        "from interp import finding, widgets",
        'widgets.Guess("04-13")',
        'finding.check("By 2.", guess="04-13", A=False, B=True)',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "04_made.ipynb")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    ran = execution.execute(
        folder / "04_made.ipynb", {**os.environ, "PYTHONPATH": str(ROOT)}, lambda *_: None
    )
    texts = [output["data"]["text/plain"] for cell in ran.cells for output in cell.outputs]
    assert texts[-2:] == ["Here a guess is kept when the notebook runs.", "B came out. By 2."]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_guess_is_no_play_and_no_outcome_in_the_teachers_plan():
    shown = nbformat.v4.new_output("display_data", {"text/plain": "Here a guess is kept."})
    cells = [
        nbformat.v4.new_markdown_cell("# Made\n\n**Time** 9 minutes · **Level** x ·"),
        nbformat.v4.new_markdown_cell("## 1 One\n\n**Predict.** **A** yes, **B** no?"),
        nbformat.v4.new_code_cell('widgets.Guess("04-04")', outputs=[shown]),
        nbformat.v4.new_markdown_cell("## 2 Two\n\n**Predict.** **A** yes, **B** no?"),
    ]
    lesson = teaching.lesson("made", nbformat.v4.new_notebook(cells=cells))
    assert [(part.minutes, part.steps[0].came_out) for part in lesson.parts] == [(5, ""), (4, "")]


def test_a_page_that_can_keep_no_guess_does_not_ask_for_one():
    cells = [nbformat.v4.new_markdown_cell("**Predict.** **A** yes, **B** no?"),
             nbformat.v4.new_code_cell('widgets.Guess("04-04")')]  # fmt: skip
    page = report.page(nbformat.v4.new_notebook(cells=cells))
    assert "Guess" not in page
    assert "Predict." in page
