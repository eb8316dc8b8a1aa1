"""Results about something else than the model: where they lie, and how the index says so."""

import nbformat
import pytest

from interp import claims, execution, report, vectors

CLAIM = claims.Claim("C1", "Near means alike.", "t", 0.9, None, "c", "t", "supported", "glove-6b-100d")


@pytest.fixture
def notebook(tmp_path):
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("one.save('01_one')\ntwo.save('01_two')")]
    )
    made.metadata["interp"] = {"results_beside": ["glove-6b-100d"]}
    path = tmp_path / "01_some.ipynb"
    nbformat.write(made, path)
    return path


def write(folder, name, endings=execution.SUFFIXES):
    folder.mkdir(parents=True, exist_ok=True)
    for end in endings:
        (folder / f"{name}.{end}").write_text("<svg><desc>A picture.</desc></svg>")


def test_a_figure_may_lie_on_any_shelf_of_its_notebook_but_whole(notebook, tmp_path):
    mine, other = execution.shelves(notebook, tmp_path / "pocket")
    assert (mine, other) == (tmp_path / "pocket", tmp_path / "glove-6b-100d")
    assert execution.missing_figures([notebook], mine) == ("01_one", "01_two")
    write(mine, "01_one")
    write(other, "01_two", ("png",))
    assert execution.missing_figures([notebook], mine) == ("01_two",)
    write(other, "01_two")
    assert execution.missing_figures([notebook], mine) == ()


def test_a_notebook_that_names_no_shelf_has_its_models(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "02.ipynb")
    assert execution.shelves(tmp_path / "02.ipynb", tmp_path / "pocket") == (tmp_path / "pocket",)


def test_the_index_keeps_claims_about_word_vectors_apart_from_the_models(tmp_path):
    mine, other = tmp_path / "pocket", tmp_path / "glove-6b-100d"
    mine.mkdir()
    claims.save([CLAIM], other, vectors.shipped().about())
    text = report.index(mine, "pocket", [], [], beside=[other])
    assert '<span class="chip supported">✓ supported</span> <span>on glove-6b-100d' in text
    assert "Word vectors: about glove-6b-100d, not about pocket" in text
    assert 'href="../glove-6b-100d/index.html"' in text
    assert "on pocket" not in text


def test_their_own_page_shows_their_figures_and_claims(tmp_path):
    folder = tmp_path / "glove-6b-100d"
    write(folder, "01_one")
    claims.save([CLAIM], folder, vectors.shipped().about())
    text = report.shelf(folder, ["01_one", "04_other"])
    assert "<h1>What the word vectors glove-6b-100d show</h1>" in text
    assert 'alt="A picture."' in text
    assert "Near means alike." in text
    assert "04_other" not in text
