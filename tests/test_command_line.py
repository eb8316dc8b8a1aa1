"""The command line: what it says and how it ends: all well, bad input, a failing cell, Ctrl-C."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import interp.__main__ as command_line
from interp import doctor, execution, models, report

ROOT = Path(__file__).resolve().parent.parent
WAIT = 60.0


@pytest.fixture
def run(monkeypatch):
    """Runs the command line in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments):
        return CliRunner().invoke(command_line.app, [str(argument) for argument in arguments])

    return invoke


def saving(name, model="tiny"):
    """A cell that leaves a figure's files, like `Figure.save`, without drawing."""
    ends = ", ".join(map(repr, execution.SUFFIXES))
    return (
        "import os, pathlib\n"
        f"made = pathlib.Path(os.environ['INTERP_FIGURES']).glob('{model}-*')\n"
        "folder = max(made, key=lambda place: place.stat().st_mtime)\n"
        f"for end in ({ends}):\n"
        f"    (folder / f'{name}.{{end}}').write_text('<desc>whole</desc>')\n"
        f"# figure.save('{name}')"
    )


def write(folder, name, *sources):
    folder.mkdir(parents=True, exist_ok=True)
    cells = [new_markdown_cell(f"# {name}"), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder of its own for notebooks and figures; the kernel still finds the library."""
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["doctor", "reproduce", "train-pocket"])
def test_every_command_explains_itself(run, command):
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert all(option in shown.output for option in ("--help", "--model", "--device"))


def test_the_doctor_gives_one_line_for_each_thing_and_ends_well(run, tiny_folder):
    shown = run("doctor", "--model", tiny_folder)
    assert shown.exit_code == 0, shown.output
    for name in ("Python", "torch", "transformer-lens", "model: tiny", "device", "notebook front end"):
        assert name in shown.output
    assert doctor.SYMBOLS["problem"] not in shown.output


def test_the_doctor_names_the_way_out_and_ends_with_2_when_there_is_no_model(run, tmp_path):
    shown = run("doctor", "--model", tmp_path / "nothing")
    assert shown.exit_code == 2
    assert "there is no such folder" in shown.output
    assert "There are three ways out" in shown.output


def test_the_doctor_notices_a_device_that_is_not_there(tiny_folder):
    found = doctor.examine(str(tiny_folder), "abacus")
    assert not found.ready
    assert "✗ device: no abacus here → leave --device out, or choose cpu" in str(found)


def test_the_doctors_report_cannot_carry_markup_into_a_notebook():
    found = doctor.Report((doctor.Check("model", "<script>alert(1)</script>"),))
    assert "<script>" not in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()


def test_reproduce_refuses_a_missing_model_in_one_sentence(run, tmp_path):
    shown = run("reproduce", "--model", tmp_path / "nothing", "--out", tmp_path / "figures")
    assert shown.exit_code == 2
    assert "cannot be loaded: there is no such folder." in shown.output
    assert not (tmp_path / "figures").exists()


def test_reproduce_refuses_a_notebook_that_does_not_exist(run, house, tiny_folder):
    write(house / "notebooks", "00_first", "1")
    shown = run("reproduce", "--model", tiny_folder, "--only", "77")
    assert shown.exit_code == 2
    assert shown.output.strip() == "no notebook starts with 77; there are: 00_first."


def test_reproduce_refuses_a_folder_it_cannot_write_in_one_sentence(run, house, tiny_folder):
    write(house / "notebooks", "00_first", "1")
    (house / "file").write_text("in the way")
    shown = run("reproduce", "--model", tiny_folder, "--out", house / "file")
    assert shown.exit_code == 2
    assert "cannot be written (Not a directory); choose another folder with --out." in shown.output
    assert "Traceback" not in shown.output


def test_a_failing_cell_is_named_and_the_other_notebooks_still_run(run, house, tiny_folder):
    write(house / "notebooks", "00_first", "1 + 1", "1 / 0")
    write(house / "notebooks", "01_second", saving("01_whole"))
    shown = run("reproduce", "--model", tiny_folder)
    assert shown.exit_code == 1
    assert "00_first.ipynb, cell 3 (1 / 0) failed: ZeroDivisionError: division by zero" in shown.output
    made = house / "figures" / models.locate(tiny_folder).name
    assert (made / "01_whole.png").is_file()
    assert (made / "01_second.html").is_file()
    assert not (made / "00_first.html").exists()
    assert "failed: ZeroDivisionError" in (made / "index.html").read_text()


@pytest.mark.slow
def test_two_folders_of_one_name_fill_two_folders(run, house, tiny_folder, tmp_path):
    write(
        house / "notebooks",
        "00_first",
        "import os\nos.environ['INTERP_MODEL']",
        saving("00_whole", "checkpoint-500"),
    )
    for at, bias in (("a", 0.0), ("b", 1.0)):
        model = Path(shutil.copytree(tiny_folder, tmp_path / at / "checkpoint-500"))
        weights = load_file(model / "model.safetensors")
        weights["transformer.ln_f.bias"] += bias
        save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
        shown = run("reproduce", "--model", model, "--out", house / "both")
        assert shown.exit_code == 0, shown.output
    assert len(list((house / "both").glob("checkpoint-500-*/00_first.html"))) == 2


def test_results_of_other_weights_are_left_alone_with_a_sentence(run, house, monkeypatch, tiny_folder):
    monkeypatch.setitem(models.EMBEDDED, "tiny", tiny_folder)
    write(house / "notebooks", "00_first", "1 + 1")
    (house / "figures" / "tiny").mkdir(parents=True)
    (house / "figures" / "tiny" / "weights.sha256").write_text("abcdef0123")
    shown = run("reproduce", "--model", "tiny")
    own = house / "figures" / f"tiny-{models.locate('tiny').sha256[:8]}"
    assert (
        f"{house / 'figures' / 'tiny'} holds results of another model (abcdef01): these go to {own}."
        in shown.output
    )
    assert (own / "00_first.html").is_file()
    assert [file.name for file in (house / "figures" / "tiny").iterdir()] == ["weights.sha256"]


def test_a_promised_figure_that_was_not_made_is_a_failure(run, house, tiny_folder):
    write(house / "notebooks", "00_first", "# figure.save('00_forgotten')")
    shown = run("reproduce", "--model", tiny_folder)
    assert shown.exit_code == 1
    assert "These figures were promised and not made: 00_forgotten." in shown.output


def test_reproduce_prints_the_seconds_of_every_notebook(run, house, tiny_folder):
    write(house / "notebooks", "00_first", saving("00_whole"))
    shown = run("reproduce", "--model", tiny_folder)
    assert shown.exit_code == 0, shown.output
    assert "seconds" in shown.output
    assert "00_first" in shown.output


@pytest.mark.slow
def test_ctrl_c_leaves_finished_figures_whole_and_says_what_is_missing(house, tiny_folder):
    write(house / "notebooks", "00_first", saving("00_whole"))
    write(house / "notebooks", "01_second", "import time\ntime.sleep(600)", saving("01_never"))
    start = "import sys, pathlib, interp.__main__ as m; m.ROOT = pathlib.Path(sys.argv.pop(1)); m.main()"
    child = subprocess.Popen(
        [sys.executable, "-c", start, str(house), "reproduce", "--model", str(tiny_folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    made = house / "figures" / models.locate(tiny_folder).name
    deadline = time.monotonic() + WAIT
    while not (made / "00_first.html").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=WAIT)
    assert child.returncode == 2, said
    assert "stopped by Ctrl-C in 01_second.ipynb; not run to the end: 01_second;" in said
    assert "missing figures: 01_never;" in said
    assert "Traceback" not in said
    assert all((made / f"00_whole.{end}").read_text() == "<desc>whole</desc>" for end in execution.SUFFIXES)
    assert "01_never" in (made / "index.html").read_text()


def test_train_pocket_knows_two_worlds(run):
    shown = run("train-pocket", "--world", "real")
    assert shown.exit_code == 2
    assert shown.output.strip() == "There is no world 'real' to grow from: choose pocket or bigger."


def test_train_pocket_trains_nothing_else(run):
    shown = run("train-pocket", "--model", "gpt2")
    assert shown.exit_code == 2
    assert shown.output.strip() == "train-pocket makes the pocket model, not 'gpt2'; leave --model out."


def test_an_index_escapes_what_others_wrote(tmp_path):
    (tmp_path / "a.svg").write_text("<svg><desc>1 &lt; 2 'quoted'</desc></svg>")
    page = report.Page("00_first", "<b>bold</b>", 1.0)
    text = report.index(tmp_path, "<i>model</i>", [page], ["a", "not_there"], ["b<"])
    assert "<b>bold" not in text
    assert "<i>model" not in text
    assert 'alt="1 &lt; 2 &#39;quoted&#39;"' in text
    assert "b&lt;" in text
    assert "not_there" not in text


def test_an_index_shows_the_saved_claims(tmp_path):
    fields = {
        "id": "C8", "text": "text", "test": "test", "measured": 0.5, "interval": [0.4, 0.6],
        "control": "none", "threshold": "0.3", "verdict": "partly", "figure": None, "published": None,
    }  # fmt: skip
    whole = {"model": "tiny", "weights_sha256": "0", "created_with": {}, "claims": [fields]}
    (tmp_path / "claims.json").write_text(json.dumps(whole))
    text = report.index(tmp_path, "tiny", [report.Page("04_some", "Some")], [])
    assert "0.5 (0.4 to 0.6)" in text
    assert '<span class="chip partly">◐ partly</span> <span>on tiny · fairly firm</span>' in text


def test_a_page_shows_the_pictures_beside_it_and_embeds_the_others(tmp_path):
    mine, other = tmp_path / "pocket", tmp_path / "trained-taps"
    for folder, name, alt in ((mine, "a", 'Bars: "1" &lt; 2'), (other, "b", "Lines")):
        folder.mkdir()
        (folder / f"{name}.svg").write_text(f"<svg><desc>{alt}</desc></svg>")
        (folder / f"{name}.png").write_bytes(b"")
    drawn = report.pictures_of(mine, [mine, other])
    assert drawn == {'Bars: "1" < 2': "a.png", "Lines": "../trained-taps/b.png"}
    outputs = [
        nbformat.v4.new_output(
            "display_data", data={"image/png": "AAAA"}, metadata={"image/png": {"alt": alt}}
        )
        for alt in (*drawn, "Lost")
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
    sources = re.findall(r'<img[^>]* src="([^"]*)"', report.page(notebook, (), drawn).replace("\n", " "))
    assert sources == ["a.png", "../trained-taps/b.png", "data:image/png;base64,AAAA"]
