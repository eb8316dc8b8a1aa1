"""`python -m interp scan`: what it prints, and one sentence with exit code 2 when it cannot."""

import pytest
from typer.testing import CliRunner

from interp.__main__ import app
from interp.methods import scan

run = CliRunner().invoke


def called(*arguments):
    return run(app, ["scan", *map(str, arguments)])


def test_a_scan_ends_in_a_table_and_says_where(tiny_folder, tmp_path):
    (tmp_path / "corpus.txt").write_text(
        "When Mary and John went to the store, John gave a drink to Mary. " * 9
    )
    done = called(
        "--model", tiny_folder, "--out", tmp_path / "out", "--top", 2, "--corpus", tmp_path / "corpus.txt"
    )
    assert done.exit_code == 0, done.output
    table = scan.Table(tmp_path / "out")
    assert table.about["plan"]["k"] == 2
    said = " ".join(done.output.split())
    assert f"384 neurons over {table.about['tokens']} tokens in {table.about['windows']} windows" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. Give a file with some text in it."),
        (b"\xff\xfa", "is not text: byte 0 is not UTF-8."),
    ],
)
def test_a_file_without_text_is_refused(tiny_folder, tmp_path, content, message):
    (tmp_path / "corpus.txt").write_bytes(content)
    done = called("--model", tiny_folder, "--out", tmp_path / "out", "--corpus", tmp_path / "corpus.txt")
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_a_folder_that_cannot_be_written_is_refused(tiny_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = called("--model", tiny_folder, "--out", tmp_path / "file", "--corpus", "pocket", "--limit", 5)
    assert done.exit_code == 2
    assert "cannot be written" in " ".join(done.output.split())
