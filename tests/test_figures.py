"""Figures: numbers read back from both twins, words around them, files that repeat byte by byte."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image, ImageChops

from interp import figures
from interp.claims import Claim
from interp.figures import export, glyphs, network_sheets, page, theme, words
from interp.figures import figure as module
from interp.figures.figure import settled
from interp.figures.line_charts import spread
from interp.result import Result

ABOUT = {"model": "somebody/pocket", "n": 500, "baseline": "mean", "seed": 0}
HOSTILE = "<img src=x onerror=alert(1)> & $x$"
SAVE_TWICE = """
import sys
sys.path.insert(0, {tests!r})
from test_figures import heads, profile
from interp import figures
figures.heatmap(heads(), title="Two heads").save("heads", {folder!r})
lines, interval = profile()
figures.lines(lines, title="Stages", interval=interval).save("stages", {folder!r})
"""


def heads():
    values = np.linspace(-1.0, 0.5, 12).reshape(3, 4)
    return Result(
        values, {"layer": (0, 1, 2), "head": (0, 1, 2, 3)}, "change in logit difference", "nats", ABOUT
    )


def profile():
    values = np.array([[0.0, 0.2, 0.9], [1.0, 0.6, 0.1]])
    axes = {"spot": ("end", "S2"), "layer": (0, 1, 2)}
    interval = np.stack([values - 0.05, values + 0.05], axis=1)
    limits = {"spot": axes["spot"], "bound": ("low", "high"), "layer": axes["layer"]}
    return Result(values, axes, "share of the swing", "", ABOUT), Result(
        interval, limits, "share of the swing", "", ABOUT
    )


def one(values=(1.0, -0.5, 0.2), labels=(" Mary", " John", " the")):
    return Result(np.array(values), {"token": labels}, "logit", "nats", ABOUT)


def rungs(values=(0.2, float("nan"), 0.9)):
    return Result(np.array(values), {"layer": (0, 1, 2)}, "probability of the guess", "probability", ABOUT)


def spots():
    axes = {"token": (" Mary", " John", " the"), "coordinate": ("across", "up")}
    return Result(np.array([[0.1, 1.0], [-0.4, 0.2], [0.6, -0.3]]), axes, "place", "", ABOUT)


WIRED = {
    "sentence": ("Mary", "John", "to"),
    "stands": {"L0H1": (1, 0), "L2H0": (2, 2)},
    "roles": {"L0H1": "notices", "L2H0": "copies"},
    "looks": {"L2H0": 0},
    "answer": "Mary",
    "least": 0.05,
}


def wires():
    axes = {"sender": ("L0H1", "L2H0"), "receiver": ("L0H1", "L2H0", "the answer")}
    nan = float("nan")
    return Result(np.array([[nan, 0.4, nan], [nan, nan, -0.2]]), axes, "share of the lead", "share", ABOUT)


def parts():
    return Result(np.array([50.0, 8, 2, 2, 32]), {"part": network_sheets.PARTS}, "count", "", ABOUT)


def every_figure():
    lines, interval = profile()
    return (
        figures.heatmap(heads(), title="Two heads"),
        figures.lines(lines, title="Stages", interval=interval),
        figures.bars(one(), title="Words"),
        figures.token_strip(one(), title="Strip"),
        figures.ladder(
            rungs(), (" A", " Poland", " Warsaw"), title="Ladder", marked={" Poland": "the country"}
        ),
        figures.points(spots(), title="Points", groups={" Mary": "names", " John": "names"}),
        figures.circuit(wires(), title="Circuit", **WIRED),
        figures.network_sheet(parts(), sentence=("Mary", "gave"), title="Network"),
    )


def texts(canvas):
    return [text.get_text() for text in canvas.findobj(lambda artist: hasattr(artist, "get_text"))]


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_both_heatmaps_show_the_results_numbers():
    figure = figures.heatmap(heads(), title="Two heads")
    mesh = figure.matplotlib("").axes[0].collections[0]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).ravel(), heads().values.ravel())
    trace = figure.plotly().data[0]
    np.testing.assert_array_equal(np.array(trace.z, float), heads().values)
    assert trace.text[0][0] == "−1.00"
    assert trace.customdata[2][3] == "L2H3"


def test_a_diverging_scale_is_symmetric_about_white_and_a_positive_one_starts_at_zero():
    trace = figures.heatmap(heads(), title="t").plotly().data[0]
    assert (trace.zmin, trace.zmax) == (-1.0, 1.0)
    colours = theme.hex_colours(np.array([-1.0, 0.0, 1.0]))
    assert theme.luminance(colours[1]) > 0.9
    assert colours[0] != colours[2]
    _, low, high = theme.plotly_scale(np.array([0.2, 0.7]))
    assert (low, high) == (0.0, 0.7)


def test_lines_and_whiskers_stand_where_result_and_interval_say():
    lines, interval = profile()
    drawn = figures.lines(lines, title="t", interval=interval).plotly().data
    curves = [trace for trace in drawn if trace.mode == "lines+markers"]
    assert [list(curve.y) for curve in curves] == lines.values.tolist()
    assert max(drawn[0].y) == pytest.approx(0.95)
    limits = Result(
        np.array([[0.8, -0.7, 0.1], [1.3, -0.4, 0.3]]),
        {"bound": ("low", "high"), **one().axes},
        "logit",
        "nats",
    )
    bar = figures.bars(one(), title="t", interval=limits).plotly().data[0]
    np.testing.assert_allclose(bar.error_x.array, [0.3, 0.1, 0.1])
    np.testing.assert_allclose(bar.error_x.arrayminus, [0.2, 0.2, 0.1])


def test_the_largest_bars_are_chosen_by_size_and_named_as_heads():
    bar = figures.bars(heads(), title="t", largest=2).plotly().data[0]
    assert list(bar.customdata) == ["L0H0", "L0H1"]
    assert list(bar.x) == pytest.approx([-1.0, heads().values[0, 1]])


def test_roles_keep_their_colours():
    assert theme.role_colour("three random heads (control)", 0) == theme.CONTROL
    assert theme.role_colour("without L5H2", 0) == theme.ABLATED
    assert theme.role_colour("clean", 3) == theme.CLEAN


def test_series_of_bars_stay_apart_on_a_grey_printer():
    """The colours of two series can be one grey: the second has lines from end to end of its bar."""
    both = Result(np.array([[1.0, 1.0]]), {"part": ("a",), "model": ("one", "two")}, "share", "", ABOUT)
    picture = Image.open(io.BytesIO(figures.bars(both, title="t")._printed["png"])).convert("RGB")
    pixels = np.asarray(picture).reshape(picture.height, picture.width, 3)
    lined = []
    for colour in (theme.SERIES[0], theme.SERIES[1]):
        rgb = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        here = (np.abs(pixels.astype(int) - rgb) < 6).all(axis=2)
        widest = here[int(here.sum(axis=1).argmax())].nonzero()[0]  # the row that has most of this colour
        lined.append((np.diff(widest) > 1).sum())
    assert lined[0] <= 1  # the legend's key may stand in the same row
    assert lined[1] > 10
    chart = figures.bars(both, title="t").plotly()
    assert [trace.marker.pattern.shape for trace in chart.data] == ["", "/"]
    alone = figures.bars(both.at(model="two"), title="t").plotly()
    assert [trace.marker.pattern.shape for trace in alone.data] == [""]


def test_bars_take_a_role_reach_a_common_end_and_say_how_many_were_left_out():
    figure = figures.bars(one(), title="t", role="control", reach=9, largest=1)
    trace, axis = figure.plotly().data[0], figure.plotly().layout.xaxis
    assert set(trace.marker.color) == {theme.CONTROL}
    assert axis.range[1] > 9
    assert figure.caption.startswith("The 1 largest of 3.")


def test_small_numbers_beside_large_ones_do_not_read_zero():
    result = Result(np.array([0.9, 0.003]), {"token": (" a", " b")}, "probability", "probability")
    assert list(figures.bars(result, title="t").plotly().data[0].text) == ["0.900", "0.003"]
    assert words.measure(result) == "probability"


def test_titles_carry_true_minus_signs_and_lines_of_like_length():
    assert words.typeset("by -3.28 nats, arXiv 22-11 and L-1") == "by −3.28 nats, arXiv 22-11 and L-1"
    title = "Without the strongest head the probability goes from 96 to 93"
    lines = page.balanced(title, 700, theme.TITLE, bold=True)
    assert len(lines) == len(page.wrapped(title, 700, theme.TITLE, bold=True))
    assert len(lines[-1]) > 15


def test_text_in_cells_is_readable_on_every_colour_of_both_scales():
    shades = [*theme.hex_colours(np.linspace(-1, 1, 201)), *theme.hex_colours(np.linspace(0, 1, 201))]
    assert min(theme.contrast(theme.ink_on(shade), shade) for shade in shades) >= 4.5
    assert min(theme.contrast(colour, theme.PAPER) for colour in (*theme.SERIES, theme.CONTROL)) >= 3.0


def test_a_long_title_wraps_and_no_text_leaves_the_slide():
    title = "Without this head the model no longer knows who gets the drink and says the wrong name " * 2
    lines, interval = profile()
    for figure in (
        figures.heatmap(heads(), title=title, caption=title),
        figures.lines(lines, title=title, interval=interval),
        figures.bars(one(), title=title),
        figures.token_strip(one(), title=title),
    ):
        canvas = figure.matplotlib(figure.caption)
        canvas.draw_without_rendering()
        drawn, (wide, high) = canvas.get_tightbbox(), canvas.get_size_inches()
        assert min(drawn.x0, drawn.y0) >= 0.1, figure.alt[:20]
        assert wide - drawn.x1 >= 0.1, figure.alt[:20]
        assert high - drawn.y1 >= 0.1, figure.alt[:20]


def test_a_long_measure_is_broken_in_the_interactive_chart_too():
    told = "log-probability lost without the feed-forward layer of this block"
    result = Result(np.arange(3.0), {"layer": (0, 1, 2)}, told, "nats")
    beside = figures.lines(result, title="t").plotly().layout.yaxis.title.text
    assert beside.replace("<br>", " ") == f"{told} (nats)"
    assert beside.count("<br>") in (1, 2)


def test_turned_labels_leave_the_caption_free():
    labels = tuple(f"a-long-label-{at}" for at in range(15))
    result = Result(np.ones((4, 15)), {"row": tuple("abcd"), "concept": labels}, "share", "", ABOUT)
    figure = figures.heatmap(result, title="Long labels are turned and take room below", caption="A caption.")
    canvas = settled(figure.matplotlib(figure.caption))
    below = canvas.axes[0].xaxis.label.get_window_extent()
    notes = [text for text in canvas.texts if text.get_text().startswith("A caption.")]
    assert notes
    assert below.y0 > notes[0].get_window_extent().y1


def test_wrapping_loses_no_letter_and_keeps_the_width():
    text = "a sentence with averyverylongwordwithoutanyspace in it"
    lines = page.wrapped(text, 150, 20)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(page.text_width(line, 20) for line in lines) <= 150


def test_line_names_stand_apart_and_keep_their_order():
    moved = spread([0.0, 0.01, 0.02, 1.0], 0.1)
    assert np.diff(moved).min() >= 0.1 - 1e-9
    assert spread([], 0.1) == []


def test_the_caption_tells_n_interval_baseline_and_model():
    lines, interval = profile()
    figure = figures.lines(lines, title="t", interval=interval, caption="Patched before each layer.")
    assert (
        figure.caption
        == "Patched before each layer. n = 500. Band: 95 % interval. Switched off by mean ablation. "
        "Model: pocket."
    )


def test_the_alt_text_tells_kind_finding_axes_and_extremes():
    assert figures.heatmap(heads(), title="Two heads matter.").alt == (
        "Heat map: Two heads matter. It shows change in logit difference (nats) by layer from 0 to 2; head "
        "from 0 to 3. "
        "Highest: L2H3 at 0.50; lowest: L0H0 at −1.00."
    )


def test_the_alt_text_stays_in_one_line():
    labels = (" Mary\n", "\n\n", "a\nb")
    drawn = figures.bars(one(labels=labels), title="Line\nbreaks.")
    assert drawn.alt == (
        "Bar chart: Line breaks. It shows logit (nats) by token from  Mary↵ to a↵b. "
        "Highest: ·Mary↵ at 1.00; lowest: ↵↵ at −0.50."
    )
    assert "\n" not in drawn._repr_mimebundle_()["text/plain"]
    assert len(words.alt(one(labels=("a\r\n", "\u2028", "\x0b")), "T\r\nt", "Bar chart").splitlines()) == 1


def test_a_rich_display_carries_chart_static_picture_alt_text_and_table():
    for figure in every_figure():
        bundle = figure._repr_mimebundle_()
        json.dumps(bundle)
        assert bundle["application/vnd.plotly.v1+json"]["data"]
        assert bundle["image/svg+xml"].startswith("<?xml")
        assert bundle["text/plain"] == figure.alt
        tags = Tags(bundle["text/html"]).tags
        (image,) = [attrs for tag, attrs in tags if tag == "img"]
        assert image["alt"] == figure.alt
        assert image["src"].startswith("data:image/png;base64,")
        assert {"figure", "figcaption", "details", "table"} <= {tag for tag, _ in tags}


def test_a_notebook_shows_the_table_beneath_the_chart_once(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    figures.heatmap(heads(), title="Two heads")._ipython_display_()
    assert [html.count("<table") for html in (bundle["text/html"] for bundle in shown)] == [0, 1]
    assert "application/vnd.plotly.v1+json" in shown[0]
    assert "image/png" not in shown[0], "plotly's JupyterLab extension would show it instead of the chart"


def test_no_chart_is_sent_to_a_service_and_a_notebook_resizes_its_own(tmp_path):
    figure = figures.heatmap(heads(), title="Two heads").save("heads", tmp_path)
    config = figure._repr_mimebundle_()["application/vnd.plotly.v1+json"]["config"]
    page = (tmp_path / "pocket" / "heads.html").read_text()
    assert (config["showSendToCloud"], config["responsive"]) == (False, False)
    assert '"showSendToCloud": false' in page
    assert '"responsive": true' in page


def test_a_heatmap_of_few_columns_is_no_wider_than_its_cells_need():
    widths = [
        figures.heatmap(
            Result(np.ones((2, n)), {"layer": (0, 1), "head": tuple(range(n))}, "effect", "nats"), title="t"
        )
        .plotly()
        .layout.width
        for n in (2, 4, 6, 7)
    ]
    assert widths == [620, 620, 750, None], "620 fits beside a sidebar at 1100 pixels; None: its column's"


def test_save_writes_five_files_and_they_hold_what_they_promise(tmp_path):
    lines, interval = profile()
    figure = figures.lines(lines, title="Stages", interval=interval)
    assert figure.save("stages", tmp_path) is figure
    folder = tmp_path / "pocket"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["plotly.min.js", *(f"stages.{end}" for end in ("csv", "html", "pdf", "png", "svg"))]
    assert (folder / "stages.png").read_bytes()[16:24] == (1920).to_bytes(4) + (1080).to_bytes(4)
    svg = (folder / "stages.svg").read_text()
    assert "Stages</text>" in svg
    assert f'aria-label="{figure.alt}"' in svg
    pdf = (folder / "stages.pdf").read_bytes()
    assert b"/FontFile2" in pdf, "a TrueType font is embedded"
    assert b"/Type3" not in pdf
    rows = list(csv.reader(io.StringIO((folder / "stages.csv").read_text())))
    assert rows[0] == ["spot", "layer", "share of the swing", "low", "high"]
    assert rows[3] == ["end", "2", "0.9", "0.85", "0.95"]


def test_the_saved_page_fetches_nothing_and_tells_its_data_without_javascript(tmp_path):
    figure = figures.heatmap(heads(), title="Two heads").save("heads", tmp_path)
    html = (tmp_path / "pocket" / "heads.html").read_text()
    tags = Tags(html).tags
    sources = [attrs[key] for _, attrs in tags for key in ("src", "href") if key in attrs]
    assert sorted(sources) == ["heads.png", "plotly.min.js"]
    assert "cdn" not in html
    assert figure.alt in html
    assert ("html", {"lang": "en"}) in tags


@pytest.mark.slow
def test_svg_and_csv_repeat_byte_by_byte_in_another_process(tmp_path):
    for name, hash_seed in (("first", "1"), ("second", "2")):
        code = SAVE_TWICE.format(tests=os.path.dirname(__file__), folder=str(tmp_path / name))
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    for path in (tmp_path / "first").rglob("*.*"):
        assert (
            path.read_bytes() == (tmp_path / "second" / path.relative_to(tmp_path / "first")).read_bytes()
        ), path.name


def test_hostile_text_stays_text_everywhere(tmp_path):
    result = one(labels=(HOSTILE, "</script>", " $a_1$"))
    for draw in (figures.bars, figures.token_strip):
        figure = draw(result, title=HOSTILE, caption=HOSTILE).save("hostile", tmp_path)
        html = figure._repr_mimebundle_()["text/html"] + (tmp_path / "pocket" / "hostile.html").read_text()
        assert "<img src=x" not in html
        harmless = draw(one(), title="t").save("harmless", tmp_path)
        safe = harmless._repr_mimebundle_()["text/html"] + (tmp_path / "pocket" / "harmless.html").read_text()
        assert [tag for tag, _ in Tags(html).tags] == [tag for tag, _ in Tags(safe).tags]
        assert any("$x$" in text for text in texts(figure.matplotlib("")))
        assert "<img" not in figure.plotly().layout.title.text


def test_impossible_pictures_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=re.escape(
        "heatmap draws a Result with 2 axes; this one has token (3). Average or pick first, for example "
        "result.mean('prompt') or result.at(layer=0)."
    )):  # fmt: skip
        figures.heatmap(one(), title="t")
    with pytest.raises(
        ValueError, match=r"^token_strip got 2 tokens for 3 numbers. Give one token for each number.$"
    ):
        figures.token_strip(one(), title="t", tokens=["a", "b"])
    with pytest.raises(ValueError, match=re.escape(
        "There is no axis 'step' to draw along; this Result has token. Choose one."
    )):  # fmt: skip
        figures.lines(one(), title="t", along="step")
    with pytest.raises(
        ValueError,
        match=r"^The interval has axes token \(3\), but the picture needs token \(3\), bound \(2\)\.",
    ):
        figures.bars(one(), title="t", interval=one())
    with pytest.raises(
        ValueError, match=re.escape("this one is '../x'. Choose one such as 'ioi_head_ablation'.")
    ):
        figures.bars(one(), title="t").save("../x", tmp_path)


def test_an_unwritable_folder_is_told_with_the_way_out(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(OSError, match=re.escape(
        f"The figure 'x' cannot be written to {blocked / 'pocket'}: Not a directory. Give a folder you may "
        f"write to "
        "with save(name, folder=...) or the environment variable INTERP_FIGURES."
    )):  # fmt: skip
        figures.bars(one(), title="t").save("x", blocked)


def test_an_interrupted_save_leaves_the_finished_file_whole(tmp_path, monkeypatch):
    figure = figures.bars(one(), title="t").save("x", tmp_path)
    whole = (tmp_path / "pocket" / "x.svg").read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("interp.files.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        figure.save("x", tmp_path)
    assert (tmp_path / "pocket" / "x.svg").read_bytes() == whole
    assert not list((tmp_path / "pocket").glob("*.partial"))


def test_figures_go_beside_the_package_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("INTERP_FIGURES", raising=False)
    (tmp_path / "interp").mkdir()
    (tmp_path / "interp" / "__init__.py").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    figures.bars(one(), title="t").save("x")
    assert (tmp_path / "figures" / "pocket" / "x.csv").exists()
    monkeypatch.setenv("INTERP_FIGURES", str(tmp_path / "elsewhere"))
    figures.bars(one(), title="t").save("x")
    assert (tmp_path / "elsewhere" / "pocket" / "x.csv").exists()


def test_results_of_other_weights_under_one_name_stay_where_they_are(tmp_path):
    def of(weights):
        return replace(one(), about={**one().about, "weights_sha256": weights})

    first, second = ("0" * 64, "1" * 64)
    for weights in (first, second, first):
        figures.bars(of(weights), title=f"weights {weights[0]}").save("x", tmp_path)
    folders = {place.name: (place / "x.svg").read_text() for place in tmp_path.iterdir()}
    assert set(folders) == {"pocket", "pocket-11111111"}
    assert "weights 0" in folders["pocket"]
    assert "weights 1" in folders["pocket-11111111"]


def of_words(*words):
    about = {"model": "pocket", "n": 1}
    return Result(np.arange(1.0, len(words) + 1), {"token": words}, "probability", "probability", about)


@pytest.mark.parametrize(("word", "named"), [("王", "“王”"), ("王 nǐ 好", "“好”, “王”")])
def test_letters_without_a_font_are_said_once_and_stay_in_the_table(tmp_path, monkeypatch, word, named):
    monkeypatch.setattr(glyphs, "OTHERS", ())
    with pytest.warns(UserWarning) as told:
        figures.bars(of_words(word, "Mary"), title="Two words").save("x", tmp_path)
    assert len(told) == 1
    assert str(told[0].message).startswith(f"No font here has {named}: the picture shows a box instead")
    assert "fonts-noto-cjk" in str(told[0].message)
    assert word in (tmp_path / "pocket" / "x.csv").read_text(encoding="utf-8")


def test_another_installed_font_lends_its_letters_to_that_picture_alone(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr(glyphs, "OTHERS", ("STIXGeneral",))
    lacking = set(glyphs._charmap("STIXGeneral")) - set(glyphs._charmap(theme.FONT))
    letter = next(chr(code) for code in sorted(lacking) if chr(code).isalpha())
    for name, word in (("lent", letter), ("own", "John")):
        figures.bars(of_words(word, "Mary"), title="Two words").save(name, tmp_path)
    assert not recwarn.list
    assert "STIXGeneral" in (tmp_path / "pocket" / "lent.svg").read_text(encoding="utf-8")
    assert "STIXGeneral" not in (tmp_path / "pocket" / "own.svg").read_text(encoding="utf-8")
    lent = (tmp_path / "pocket" / "lent.png").read_bytes()
    monkeypatch.setattr(glyphs, "OTHERS", ())
    with pytest.warns(UserWarning, match="shows a box instead"):
        figures.bars(of_words(letter, "Mary"), title="Two words").save("lent", tmp_path)
    assert (tmp_path / "pocket" / "lent.png").read_bytes() != lent, "no box in the printed picture either"


def test_a_font_installed_after_matplotlib_made_its_list_is_found(monkeypatch):
    manager = glyphs.font_manager.fontManager
    (late,) = (
        one for one in manager.ttflist if one.name == "STIXGeneral" and one.fname.endswith("STIXGeneral.ttf")
    )
    kept = [one for one in manager.ttflist if one.name != "STIXGeneral"]
    monkeypatch.setattr(manager, "ttflist", kept)
    monkeypatch.setattr(glyphs.font_manager, "findSystemFonts", lambda: [late.fname, __file__])
    for remembered in (glyphs._charmap, glyphs._has, glyphs._look_again):
        remembered.cache_clear()
    assert glyphs._has("STIXGeneral", "\u2200")
    assert not glyphs._has("No Such Font", "a")


def test_one_weights_file_with_two_configurations_has_two_folders(tmp_path):
    about = {"model": "gpt2", "weights_sha256": "0" * 64}
    for whole in ("1" * 64, "2" * 64):
        figures.bars(replace(one(), about={**one().about, **about, "model_sha256": whole}), title="t").save(
            "x", tmp_path
        )
    assert {place.name for place in tmp_path.iterdir()} == {"gpt2", "gpt2-22222222"}


def test_the_claims_of_a_folder_say_whose_it_is_where_no_figure_was_saved(tmp_path):
    (tmp_path / "pocket").mkdir()
    (tmp_path / "pocket" / "claims.json").write_text(json.dumps({"weights_sha256": "0" * 64}))
    about = {"model": "pocket", "weights_sha256": "2" * 64}
    assert export.home(about, tmp_path) == tmp_path / "pocket-22222222"
    assert export.home({**about, "weights_sha256": "0" * 64}, tmp_path) == tmp_path / "pocket"
    (tmp_path / "pocket" / "claims.json").write_text("{")
    assert export.home(about, tmp_path) == tmp_path / "pocket"


def test_verdicts_lie_beside_the_figures_that_show_them_by_name(tmp_path):
    about = {"model": "pocket", "weights_sha256": "2" * 64, "model_sha256": "3" * 64}
    (tmp_path / "pocket").mkdir()
    (tmp_path / "pocket" / export.MARK).write_text("0" * 64)  # another model of this name
    figures.bars(replace(one(), about=about), title="t").save("01_map", tmp_path)
    shown, unseen = (
        Claim(name, "<Near>", "t", 0.9, None, "c", "t", "supported", "pocket") for name in ("C1", "C2")
    )
    table = figures.verdicts(about, {"01_map": shown}, unseen, base=tmp_path)
    saved = json.loads((tmp_path / "pocket-33333333" / "claims.json").read_text(encoding="utf-8"))["claims"]
    assert [(row["id"], row["figure"]) for row in saved] == [("C1", "01_map"), ("C2", None)]
    assert "&lt;Near&gt;" in table._repr_html_()
    with pytest.raises(ValueError) as error:
        figures.verdicts(about, {"01_map": unseen, "01_mapp": shown}, base=tmp_path)
    assert str(error.value) == (
        f"There is no figure '01_mapp' in {tmp_path / 'pocket-33333333'} to show C1: run the cell that saves"
        " it, or give the name that it is saved under."
    )
    assert json.loads((tmp_path / "pocket-33333333" / "claims.json").read_text())["claims"] == saved


def test_two_names_never_give_one_folder():
    names = ("模型", "модель", "model", "a b", "a-b", "a/b", "-", "", "..", "pocket", "Pocket ", "é")
    folders = [export.safe_folder(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(folder and not set(folder) & set("/\\ ") and folder.strip(".") for folder in folders)
    assert [export.safe_folder(name) for name in ("gpt2", "org--fine.tuned_2")] == [
        "gpt2",
        "org--fine.tuned_2",
    ]


def test_numbers_have_a_true_minus_and_no_negative_zero():
    assert theme.number(-1.5, 2) == "−1.50"
    assert theme.number(-0.001, 2, signed=True) == "0.00"
    assert theme.number(0.5, 1, signed=True) == "+0.5"
    assert theme.number(float("nan"), 2) == "–"


def test_a_table_of_two_axes_is_a_grid_with_headings():
    tags = Tags(words.table(heads())).tags
    assert sum(tag == "td" for tag, _ in tags) == 12
    assert sum(attrs.get("scope") == "row" for tag, attrs in tags if tag == "th") == 3


def test_a_ladder_says_every_word_in_picture_file_and_alt_text():
    drawn = figures.ladder(
        rungs(), (" A", " Poland", HOSTILE), title="Ladder", marked={" Poland": "the country"}
    )
    texts = [text.get_text() for text in drawn.matplotlib("").axes[0].texts]
    assert {"layer 1", "·Poland", "the country", "something else", "20%", "90%"} <= set(texts)
    assert "nan%" not in texts
    rows = list(csv.reader(io.StringIO(words.comma_separated(drawn.result, None))))
    assert rows[:3] == [["layer", "value"], ["0 ·A", "0.2"], ["1 ·Poland", "nan"]]
    assert "layer 1: ·Poland" in drawn.alt
    assert "<img" not in json.dumps(drawn.plotly().to_plotly_json(), default=str)


def test_a_quoted_figure_names_the_model_of_its_source():
    about = {"model": "pocket", "quoted": "gpt2-medium"}
    result = Result(np.array([0.5]), {"layer": (0,)}, "share", "", about)
    assert words.caption(result, "") == "Model: gpt2-medium."
    assert words.model_name(result) == "pocket"


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        ((" Mary", " John"), ("Mary", "John")),
        ((" Mary", "."), ("·Mary", ".")),
        (("When", " Mary"), ("When", "·Mary")),
        ((" Mary", "  John"), ("Mary", "·John")),
        ((" Mary", " "), ("·Mary", "·")),
        ((" Mary", "\n"), ("·Mary", "↵")),
    ],
)
def test_the_dot_for_a_space_goes_where_all_words_have_it_and_stays_where_only_some_have(tokens, shown):
    values = np.array([0.6, 0.3])
    bars = figures.bars(Result(values, {"token": tokens}, "probability", "probability"), title="Guesses")
    strip = figures.token_strip(Result(values, {"token": tokens}, "looks", ""), title="Sentence")
    grid = Result(np.stack([values, values]), {"layer": (0, 1), "token": tokens}, "looks", "")
    across, line = figures.heatmap(grid, title="Looks"), figures.lines(grid, along="token", title="Looks")
    assert [text.get_text() for text in bars.matplotlib("").axes[0].get_yticklabels()] == list(shown)
    assert bars.plotly().layout.yaxis.ticktext == shown
    assert {*shown} <= {text.get_text() for text in strip.matplotlib("").axes[0].texts}
    assert across.plotly().layout.xaxis.ticktext == line.plotly().layout.xaxis.ticktext == shown
    assert f"Highest: {shown[0]} at 0.60" in bars.alt
    assert bars.result.axes["token"] == tokens


def test_a_ladder_without_chances_has_no_bars():
    nothing = figures.ladder(rungs((np.nan,) * 3), (" A", " B", " C"), title="Quoted")
    shown = nothing.matplotlib("").axes[0]
    assert not any("%" in text.get_text() for text in shown.texts)
    assert nothing.plotly().data[0].text == ("A", "B", "C")


def test_a_ladder_wants_a_word_for_every_layer():
    message = "ladder got 2 words for 3 numbers. Give one word for each number."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        figures.ladder(rungs(), ("a", "b"), title="Ladder")


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (" Mary", "·Mary"), ("where it was put", "where it was put"), ("  two", "··two"), ("a  b", "a··b"),
        (" ", "·"), ("end ", "end·"), (" the\n", "·the↵"),
    ],
)  # fmt: skip
def test_spaces_are_made_visible_where_they_could_be_missed(token, shown):
    assert theme.visible(token) == shown


def test_a_png_has_few_colours_and_every_one_is_near_its_own(tmp_path, monkeypatch):
    drawn = figures.heatmap(heads(), title="Heads")
    few = Image.open(io.BytesIO(module.render(settled(drawn.matplotlib("")), "png")))
    monkeypatch.setattr(module, "_of_few_colours", io.BytesIO.getvalue)
    full = Image.open(io.BytesIO(module.render(settled(drawn.matplotlib("")), "png"))).convert("RGB")
    assert few.size == full.size
    assert len(few.getcolors()) <= 256
    gaps = ImageChops.difference(few.convert("RGB"), full).getextrema()
    assert max(high for _, high in gaps) <= 24


def test_a_circuit_draws_an_arrow_per_strong_path_dashed_against_the_answer():
    from matplotlib.patches import FancyArrowPatch

    drawn = settled(figures.circuit(wires(), title="T", **{**WIRED, "looks": {}}).matplotlib(""))
    arrows = [one for one in drawn.axes[0].patches if isinstance(one, FancyArrowPatch)]
    assert sorted(arrow.get_linestyle() in ("-", "solid") for arrow in arrows) == [False, True]
    assert [arrow.get_linewidth() for arrow in arrows] == sorted(arrow.get_linewidth() for arrow in arrows)
    none = settled(figures.circuit(wires(), title="T", **{**WIRED, "looks": {}, "least": 0.5}).matplotlib(""))
    assert not [one for one in none.axes[0].patches if isinstance(one, FancyArrowPatch)]


def test_a_circuit_refuses_a_sender_that_stands_nowhere():
    with pytest.raises(ValueError, match=r"^circuit was told no place or role of 'L2H0'\. Give each"):
        figures.circuit(wires(), title="T", **{**WIRED, "stands": {"L0H1": (1, 0)}})
