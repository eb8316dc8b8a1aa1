"""The teacher's pages: every prediction with what came out, minutes that add up, nothing lost."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from interp import execution, report
from interp.site import teaching

NOTEBOOKS = execution.notebooks(Path(__file__).resolve().parent.parent / "notebooks")
FIRST = "# Made\n\n**Time** 12 minutes · **Level** after [00](00_start_here.ipynb) · **Needs** nothing"


def figure(title):
    chart = {"layout": {"title": {"text": f"<b>{title}</b>"}}}
    return new_output("display_data", {teaching.CHART: chart, "text/plain": "alt"})


def said(text):
    return new_output("execute_result", {"text/plain": text})


def made(*cells):
    return new_notebook(cells=[new_markdown_cell(FIRST), *cells])


def ran(*outputs):
    return new_code_cell("x", outputs=list(outputs))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_prediction_of_every_notebook_is_in_its_lesson_and_the_minutes_add_up(path):
    notebook = nbformat.read(path, as_version=4)
    lesson = teaching.lesson(path.stem, notebook)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert lesson.predictions == "\n".join(texts).count("**Predict.**") > 0
    assert sum(part.minutes for part in lesson.parts) == lesson.minutes
    assert [part.title for part in lesson.parts] == [
        teaching.plain(found) for found in re.findall(r"^## (\d+ .+)$", "\n".join(texts), re.MULTILINE)
    ]
    assert lesson.goal
    assert lesson.note
    assert len(lesson.exercises) == "\n".join(texts).count("<summary>Solution</summary>")


def test_the_outcome_is_said_before_the_picture_and_the_picture_before_nothing():
    lesson = teaching.lesson(
        "made",
        made(
            new_markdown_cell("## 1 One\n\n**Predict.** **A** yes, **B** no?"),
            ran(figure("A title&lt;")),
            ran(said("B came out. It is 3.")),
            ran(said("A came out. Of something else.")),
            new_markdown_cell("**What to see.** x\n\n**Predict.** Which\nword?"),
            ran(figure("Mary, 90%")),
            new_markdown_cell("## 2 Two\n\n**Predict.** And now?"),
            ran(said("nothing")),
        ),
    )
    assert [[(step.asked, step.came_out) for step in part.steps] for part in lesson.parts] == [
        [("A yes, B no?", "B came out. It is 3."), ("Which word?", "Mary, 90%")],
        [("And now?", "")],
    ]


def test_a_page_escapes_what_a_model_said_and_names_the_model(tmp_path):
    notebook = made(
        new_markdown_cell("## 1 One\n\n**Predict.** ?"),
        ran(said("A came out. <script>alert(1)</script> & more")),
    )
    page = report.lesson(tmp_path, "made", notebook, "pocket<b>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "pocket&lt;b&gt;" in page


def test_a_notebook_that_has_not_run_has_a_lesson_without_answers(tmp_path):
    page = report.lesson(
        tmp_path, "made", made(new_markdown_cell("## 1 One\n\n**Predict.** Which?")), "pocket"
    )
    assert "nothing computed answers this" in page


def test_the_entrance_links_the_lessons_that_are_there(tmp_path):
    pages = [report.Page("00_start_here", "Start here"), report.Page("01_words", "Words & points")]
    (tmp_path / report.lesson_of("01_words")).write_text("there")
    page = report.teacher(tmp_path, "pocket", pages)
    assert '<a href="lesson_01_words.html">Words &amp; points</a>' in page
    assert "Start here (not run yet" in page
    assert report.lesson_of("00_start_here") not in page


@pytest.mark.parametrize(
    "cells", [[], [new_code_cell("1 + 1")], [new_markdown_cell("Hello"), new_code_cell("x")]]
)
def test_a_reader_s_own_notebook_has_a_lesson_too(tmp_path, cells):
    lesson = teaching.lesson("98_mine", new_notebook(cells=cells))
    assert (lesson.parts, lesson.note, lesson.level) == ((), None, "")
    assert lesson.title in report.lesson(tmp_path, "98_mine", new_notebook(cells=cells), "pocket")


def test_every_notebook_has_a_note_and_every_note_a_notebook():
    assert set(teaching.NOTES) == {
        path.stem.split("_")[0] for path in execution.notebooks(NOTEBOOKS[0].parent)
    }


def test_an_exercise_gives_its_hints_in_steps():
    told = "<details><summary>{}</summary>{}</details>\n"
    steps = told.format("Hint", "Think.") + told.format("More", "<code>x</code>")
    cell = new_markdown_cell(
        f"**1** ★ 5 minutes. Why?\n{steps}{told.format('Solution', 'So.')}\n**2** ★★ How?\n"
        f"{told.format('Hint', 'Look.')}{told.format('Solution', 'Thus.')}"
    )
    found = teaching.lesson("made", made(cell)).exercises
    assert [(one.hint, one.more, one.solution) for one in found] == [
        ("Think.", "x", "So."),
        ("Look.", "", "Thus."),
    ]
