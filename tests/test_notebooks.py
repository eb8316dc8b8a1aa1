"""The notebooks: how they are built, and that all of them run offline and leave every file they promise."""

import ast
import html
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from interp import claims, execution, models, predictions, report

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = execution.notebooks(ROOT / "notebooks")
GUESS = re.compile(r"""(from interp import widgets\n\n)?widgets\.Guess\("([\w-]+)"\)""")
MOST_CELLS, MOST_WORDS, MOST_LINES = 40, 1300, 10
FORBIDDEN = re.compile(r"^\s*(def |class |%|!|import torch|from torch|for .*:$|while )", re.MULTILINE)
FETCHED = re.compile(r"<(script|link|img|iframe|source)\b[^>]*(src|href)=[\"']?(https?:)?//")
LIMIT = 2000
pytestmark = pytest.mark.timeout(LIMIT + 60)  # the whole of `reproduce`, on a busy machine

# Put before every other module of a child process: notes and refuses whatever is not this machine.
NO_NETWORK = """
import os, socket
_connect = socket.socket.connect
def connect(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        with open(os.environ["NETWORK_LOG"], "a") as log:
            print(address, file=log)
        raise OSError("no network in tests")
    return _connect(self, address)
socket.socket.connect = connect
"""


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


@named(NOTEBOOKS)
def test_a_notebook_in_git_has_no_outputs_and_no_widget_state(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.outputs or cell.execution_count for cell in cells(path, "code"))
    assert "widgets" not in notebook.metadata


@named(NOTEBOOKS)
def test_a_notebook_is_short_and_holds_no_machinery(path):
    notebook = nbformat.read(path, as_version=4)
    guesses = [cell for cell in cells(path, "code") if GUESS.fullmatch(cell.source)]
    assert len(notebook.cells) - len(guesses) <= MOST_CELLS  # a guess belongs to the cell that asks
    assert sum(len(cell.source.split()) for cell in cells(path, "markdown")) <= MOST_WORDS
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= MOST_LINES, cell.source
        assert not FORBIDDEN.search(cell.source), cell.source


@named(NOTEBOOKS)
def test_a_notebook_says_what_it_needs_and_where_its_limits_are(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert text.startswith("# ")
    first = cells(path, "markdown")[0].source
    assert all(f"**{word}**" in first for word in ("Time", "Level", "Needs"))
    assert "**Goal" in text
    assert "## Limits and sources" in text
    assert "INTERP_MODEL" in "\n".join(cell.source for cell in cells(path, "code"))


@named(NOTEBOOKS)
def test_after_every_figure_the_text_says_what_to_see_and_before_the_first_the_reader_predicts(path):
    sequence = nbformat.read(path, as_version=4).cells
    drawn = [i for i, cell in enumerate(sequence) if cell.cell_type == "code" and ".save(" in cell.source]
    shown = [i for i in drawn if "figures." in sequence[i].source]
    assert shown
    for index in shown:
        after = next(cell.source for cell in sequence[index:] if cell.cell_type == "markdown")
        assert after.startswith("**What to see.**"), sequence[index].source
    before = "\n".join(cell.source for cell in sequence[: shown[0]])
    assert "**Predict.**" in before


@named(NOTEBOOKS)
def test_every_prediction_is_kept_before_its_result_and_stands_beside_it(path):
    """Right behind the cell that asks, and in the check of what came out where there are choices."""
    sequence = nbformat.read(path, as_version=4).cells
    asked = {cell.id: predictions.in_text(cell.source) for cell in sequence if cell.cell_type == "markdown"}
    asked = {cell: found for cell, found in asked.items() if found}
    kept = [(before.id, after.source) for before, after in itertools.pairwise(sequence) if before.id in asked]
    assert [(cell, GUESS.fullmatch(source)[2]) for cell, source in kept] == [(cell, cell) for cell in asked]
    code = "\n".join(cell.source for cell in cells(path, "code"))
    checked = re.findall(r"""guess="([\w-]+)", A=""", code)
    assert checked == [cell for cell, (one,) in asked.items() if one.choices]
    assert code.count("Guess(") == len(asked)
    assert code.count("finding.check(") == len(checked)


PROSE_AS_PYTHON = (
    ast.Constant,
    ast.JoinedStr,
    ast.BinOp,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.ListComp,
    ast.DictComp,
)


@named(NOTEBOOKS)
def test_no_cell_ends_with_a_text_or_a_list_that_python_would_show_in_quotes_and_brackets(path):
    ends = [ast.parse(cell.source).body[-1] for cell in cells(path, "code")]
    shown = [end.value for end in ends if isinstance(end, ast.Expr)]
    assert [ast.unparse(one) for one in shown if isinstance(one, PROSE_AS_PYTHON)] == []
    calls = [ast.unparse(one.func) for one in shown if isinstance(one, ast.Call)]
    assert [call for call in calls if re.search(r"\.join$|(^|\.)(about|introduce)$", call)] == []


def unknown_names(code):
    """What ruff says of names that nothing in this code makes; pyproject leaves that to pyright, which reads
    no notebooks."""
    ruff = ("ruff", "check", "--isolated", "--select", "F821,F401", "--output-format", "concise", "-")
    done = subprocess.run([sys.executable, "-m", *ruff], input=code, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return [line for line in done.stdout.splitlines() if re.search(r" F(821|401) ", line)]


@named(NOTEBOOKS)
def test_every_name_in_a_cell_was_made_and_every_import_is_used(path):
    assert unknown_names("\n".join(cell.source for cell in cells(path, "code"))) == []


def test_a_name_that_nothing_made_is_found():
    (found,) = unknown_names("import os\nprint(os.sep, about)")
    assert "`about`" in found


@named(NOTEBOOKS)
def test_links_between_notebooks_lead_somewhere(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert link.startswith("https://") or (path.parent / link).is_file(), link


def test_the_first_lines_lead_from_each_notebook_to_the_one_before_and_after():
    path = [path for path in NOTEBOOKS if path.stem[2] == "_"]  # 04b stands beside the way
    for before, after in itertools.pairwise(path):
        links = [re.sub(r"\s+", " ", cells(one, "markdown")[0].source) for one in (before, after)]
        assert re.search(rf"Next: \[[^]]+\]\({after.name}\)", links[0]), links[0]
        assert re.search(rf"Back: \[[^]]+\]\({before.name}\)", links[1]), links[1]


def test_the_first_notebook_leads_to_every_other():
    text = "\n".join(cell.source for cell in cells(NOTEBOOKS[0], "markdown"))
    assert [path.name for path in NOTEBOOKS[1:] if f"]({path.name})" not in text] == []


def reproduce(source, out, *, limit=LIMIT):
    """Runs the command line with the network refused; the finished process and the log of what was tried."""
    (out / "site").mkdir(parents=True)
    (out / "site" / "sitecustomize.py").write_text(NO_NETWORK)
    log = out / "network.log"
    path = os.pathsep.join((str(out / "site"), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "NETWORK_LOG": str(log), "INTERP_MODEL": "nowhere"}
    options = ["--model", str(source), "--out", str(out / "figures")]
    command = [sys.executable, "-m", "interp", "reproduce", *options]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit, check=False
    )
    return done, log


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory, request):
    """Where `reproduce` wrote, for pocket if its weights are here and else for the tiny random model."""
    has_pocket = (models.EMBEDDED["pocket"] / "model.safetensors").is_file()
    source = "pocket" if has_pocket else request.getfixturevalue("tiny_folder")
    out = tmp_path_factory.mktemp("reproduced")
    done, log = reproduce(source, out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not log.exists(), log.read_text()
    return out / "figures" / Path(source).name


@pytest.mark.slow
@named(NOTEBOOKS)
def test_reproduce_leaves_every_promised_figure_in_every_form(reproduced, path):
    promised = execution.promised_figures(path)
    assert promised
    for name in promised:
        (shelf,) = [one for one in execution.shelves(path, reproduced) if (one / f"{name}.png").is_file()]
        sizes = {end: (shelf / f"{name}.{end}").stat().st_size for end in execution.SUFFIXES}
        assert all(sizes.values()), (name, sizes)
        assert re.search(r"<desc>\S", (shelf / f"{name}.svg").read_text(encoding="utf-8"))
        assert len((shelf / f"{name}.csv").read_text(encoding="utf-8").splitlines()) > 1


@pytest.mark.slow
def test_reproduce_saves_the_claims_with_their_verdicts(reproduced):
    saved = json.loads((reproduced / "claims.json").read_text(encoding="utf-8"))
    assert set(saved) >= {"model", "weights_sha256", "created_with", "claims"}
    c8 = next(claim for claim in saved["claims"] if claim["id"] == "C8")
    assert c8["verdict"] in claims.VERDICTS
    assert (reproduced / f"{c8['figure']}.svg").is_file()
    assert c8["verdict"] in (reproduced / "claims.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_pages_open_from_disk_without_any_host_and_with_alt_text(reproduced):
    pages = [reproduced / f"{path.stem}.html" for path in NOTEBOOKS] + [reproduced / "index.html"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not FETCHED.search(text), page
        assert "@import" not in text
        images = re.findall(r"<img\b[^>]*>", text)
        assert images
        assert all(re.search(r"alt=([\"'])(?!\1).+?\1", image) for image in images), page


@pytest.mark.slow
@named(NOTEBOOKS)
def test_no_cell_of_an_executed_notebook_shows_a_python_value_as_prose(reproduced, path):
    text = (reproduced / f"{path.stem}.html").read_text(encoding="utf-8")
    assert "output_markdown" in text
    assert python_shown(text) == []


def python_shown(page):
    """What the page shows as Python writes it: in quotes, brackets or braces."""
    plain = re.findall(r"<div class=\"output_text [^>]*>\s*<pre>(.*?)</pre>", page, re.DOTALL)
    return [text for text in map(html.unescape, plain) if text.strip().startswith(("'", '"', "[", "{", "("))]


@pytest.mark.parametrize("value", ["'a'", '"it\'s"', "['a', 'b']", "{'a': 1}", "('a', 'b')"])
def test_a_python_value_on_a_page_is_seen(value):
    shown = nbformat.v4.new_output("execute_result", data={"text/plain": value}, execution_count=1)
    page = report.page(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[shown])]))
    assert python_shown(page) == [value]


@pytest.mark.slow
def test_every_link_of_the_index_leads_to_a_file(reproduced):
    text = (reproduced / "index.html").read_text(encoding="utf-8")
    links = [html.unescape(link) for link in re.findall(r'(?:href|src)="([^"#]+)"', text)]
    assert len(links) > len(NOTEBOOKS)
    assert [link for link in links if not (reproduced / link).is_file()] == []


@pytest.mark.slow
def test_an_executed_page_shows_the_lab_as_a_still_picture(reproduced):
    text = (reproduced / "00_start_here.html").read_text(encoding="utf-8")
    assert "This control works in the live notebook" in text
    assert "application/vnd" not in text
