"""The recipes of CONTRIBUTING.md: their own code, put where they say, does what they promise."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"<!-- (file|cell): (\S+) -->\n```(?:python|js)\n(.*?)```", re.DOTALL)
CHART = """
import numpy as np
from interp.figures.dot_charts import dots
from interp.result import Result
about = {"model": "pocket", "n": 3}
found = Result(np.array([0.1, 0.9, 0.4]), {"word": ("a", "b", "c")}, "probability", "probability", about)
dots(found, title="Three words").save("dots", "made")
"""


SHAPES = "tests/test_architecture.py::test_shapes_are_checked_while_these_tests_run"  # wants a model
WIDGET = """
from interp import hooks
from interp.sites import Head
model = models.load("pocket")
widget = NextWord(next_word.bench(model))
first = widget.state, widget.reply["html"]
assert widget.reply["status"].startswith("Likeliest next: “Mary”, "), widget.reply["status"]
widget.question = {"text": "The capital of France is", "request": 1, "view": "v"}
assert widget.reply["status"].startswith("Likeliest next: “Paris”, "), widget.reply["status"]
shown = widget.reply["html"]
widget.question = {"text": " ", "request": 2, "view": "v"}
said = {"control": "text", "text": "The prompt '' is empty. Write at least one word."}
assert (widget.reply["error"], widget.reply["html"]) == (said, shown)
with hooks.intervene(model, hooks.Zero(Head(0, 0))):
    widget.question = {"text": "The capital", "request": 3, "view": "v"}
assert "Hooks are in force" in widget.reply["error"]["text"]
widget.load(first[0])
assert (widget.state, widget.reply["html"]) == first
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the package with everything the recipes say to write."""
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "interp", house / "interp", ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    notebooks = {}
    for kind, place, code in BLOCK.findall(text):
        if kind == "file":
            assert not (house / place).exists()
            (house / place).parent.mkdir(exist_ok=True)
            (house / place).write_text(code, encoding="utf-8")
        else:
            notebooks.setdefault(place, []).append(nbformat.v4.new_code_cell(code.rstrip()))
    for place, cells in notebooks.items():
        (house / place).parent.mkdir(exist_ok=True)
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), house / place)
    return house


def run(house, *command):
    done = subprocess.run(
        [sys.executable, *command], cwd=house, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_claim_of_the_recipe_is_measured_drawn_and_saved(house):
    run(house, "-m", "interp", "reproduce", "--model", "pocket", "--only", "98", "--out", "made")
    (claim,) = json.loads((house / "made/pocket/claims.json").read_text(encoding="utf-8"))["claims"]
    assert (claim["id"], claim["verdict"]) == ("C99", "supported")
    assert claim["measured"] > 0.9
    assert (house / "made/pocket/98_preferred.svg").is_file()


@pytest.mark.slow
def test_the_chart_of_the_recipe_is_drawn_in_every_form(house):
    run(house, "-c", CHART)
    made = house / "made/pocket"
    assert all((made / f"dots.{ending}").stat().st_size for ending in ("png", "svg", "pdf", "html", "csv"))
    assert "Dot chart" in (made / "dots.svg").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_widget_of_the_recipe_answers_refuses_and_is_saved(house):
    with (house / "interp/widgets/__init__.py").open("a", encoding="utf-8") as names:
        names.write("\nfrom interp.widgets.next_word import NextWord\n")
    (cell,) = nbformat.read(house / "notebooks/97_next_word.ipynb", as_version=4).cells
    run(house, "-c", cell.source + WIDGET)
    script = (house / "interp/widgets/next_word.js").read_text(encoding="utf-8")
    parts = (house / "interp/widgets/conversation.js").read_text(encoding="utf-8")
    ours = set(re.findall(r"(?<![.\w])([a-z]\w+)\(", script)) - {"render", "fill", "show"}
    assert {name for name in ours if f"function {name}(" not in parts} == set()


@pytest.mark.slow
def test_the_recipes_keep_to_the_plan_of_the_house(house):
    (house / "tests").mkdir()
    shutil.copy(ROOT / "tests/test_architecture.py", house / "tests")
    quiet = ("--noconftest", "--override-ini", "addopts=", "--deselect", SHAPES)
    run(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", *quiet, "tests/test_architecture.py")


def test_the_code_of_the_recipes_is_clean(house):
    places = [
        str(house / place)
        for kind, place, _ in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())
        if kind == "file" and place.endswith(".py")
    ]
    assert len(places) == 6
    run(house, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), *places)
    run(house, "-m", "ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml"), *places)
