"""From a widget to a slide, without a browser: what is sent, what is drawn, what the deck holds."""

import base64
import io
import json
import re

import nbformat
import numpy as np
import pytest
from fake_bench import FakeBench, FakeMapBench
from PIL import Image
from pptx import Presentation

from interp import report, slides
from interp.result import Result
from interp.screens.picture import Picture
from interp.slides import deck, drawing, still
from interp.widgets import AblationLab, PatchingMap

LARGE_DOTS = {"16:9": (1920, 1080), "4:3": (1440, 1080), "1:1": (1080, 1080)}


@pytest.fixture
def lab():
    lab = AblationLab(FakeBench())
    lab.question = {
        **json.loads(codec_of(lab)), "heads_text": "L5H2, L6H1", "request": 1, "view": "v",
    }  # fmt: skip
    return lab


@pytest.fixture
def empty(monkeypatch):
    """A session in which nothing is kept yet."""
    monkeypatch.setattr(deck, "_KEPT", [])


def codec_of(lab):
    state = json.loads(lab.state)
    return json.dumps({name: one for name, one in state.items() if name != "heads"})


def taken(widget, monkeypatch, **wish):
    """What the widget sends to the page that asks, after it said that it heard."""
    sent = []
    monkeypatch.setattr(widget, "send", lambda told, buffers=None: sent.append((told, buffers or [b""])))
    wish = {"as": "png", "view": "v", "request": 3, "shape": "16:9", "larger": False, **wish}
    widget._handle_custom_msg(wish, [])
    assert sent[0][0] == {"view": "v", "request": 3, "heard": True}
    (told, (content,)) = sent[1]
    assert (told.pop("view"), told.pop("request")) == ("v", 3)
    return told, content


def test_the_picture_holds_the_numbers_of_both_panes(lab):
    picture, answer = lab.picture(), lab._screen.answer
    for side, shown in (("baseline", answer.baseline), ("ablated", answer.ablated)):
        for token in picture.result.axes["token"]:
            assert float(picture.result.at(token=token, model=side)) == float(shown.at(token=token))
    assert picture.result.axes["token"] == (" Mary", " John", " the", " her")
    assert picture.title == lab.reply["status"].split(" Logit difference")[0]


def test_its_caption_says_the_sentence_the_heads_the_method_the_model_and_the_source(lab):
    assert drawing.figure(lab.picture()).caption == (
        "After “When Mary and John went to the store, John gave a drink to”. Heads off: L5H2, L6H1; such a "
        "head puts out its average. Logit difference: from +2.60 to −0.14 nats. A dash: not among the 10 "
        "likeliest. From “Inside GPT-2: a popular article about language models, tested claim by claim”. "
        "Model: pocket."
    )


def test_the_source_is_what_the_citation_file_calls_it():
    from test_architecture import ROOT

    (title,) = re.findall(r'^title: "(.*)"$', (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert f"From “{title}”" == drawing.CITATION


@pytest.mark.parametrize("larger", [False, True])
@pytest.mark.parametrize("shape", LARGE_DOTS)
def test_a_sheet_has_the_dots_of_its_shape(shape, larger):
    sheet = drawing.sheet(shape, larger)
    assert tuple(side * sheet.dots for side in sheet.inches) == pytest.approx(LARGE_DOTS[shape])


def test_a_png_has_the_size_of_its_sheet(lab, monkeypatch):
    told, content = taken(lab, monkeypatch, shape="1:1", larger=True)
    assert told == {"error": None, "told": "Saved as AblationLab.png.", "file": "AblationLab.png"}
    assert Image.open(io.BytesIO(content)).size == LARGE_DOTS["1:1"]


def test_an_svg_holds_the_numbers_as_text_and_says_what_it_shows(lab, monkeypatch):
    told, content = taken(lab, monkeypatch, **{"as": "svg"})
    assert told["file"] == "AblationLab.svg"
    text = content.decode()
    assert all(f">{number}<" in text for number in ("0.74", "0.37", "0.06", "0.43"))
    assert f'aria-label="{drawing.figure(lab.picture()).alt}"' in text


def test_the_table_is_text_with_tabs(lab, monkeypatch):
    told, content = taken(lab, monkeypatch, **{"as": "table"})
    assert told == {"error": None, "told": "The table is copied."}
    lines = content.decode().splitlines()
    assert lines[2:5] == ["token \\ model\tbaseline\tablated", "·Mary\t0.744689\t0.372046",
                          "·John\t0.0553107\t0.427954"]  # fmt: skip
    assert lines[-1] == drawing.figure(lab.picture()).caption


def test_an_unknown_shape_and_a_broken_drawing_are_one_sentence(lab, monkeypatch):
    told, _ = taken(lab, monkeypatch, shape="5:1")
    assert told == {"error": "'5:1' is no shape of a slide: choose one of 16:9, 4:3, 1:1."}
    monkeypatch.setattr(lab, "picture", lambda: 1 / 0)
    told, _ = taken(lab, monkeypatch)
    assert told["error"].endswith("(ZeroDivisionError: division by zero). The last good result stays.")


def test_a_long_sentence_and_hostile_words_are_drawn_all_the_same(lab, monkeypatch):
    lab.question = {
        **json.loads(codec_of(lab)),
        "prompt": "<b>$x$ & " * 300,
        "heads_text": "L5H2",
        "request": 2,
    }
    assert lab.reply["error"] is None
    told, content = taken(lab, monkeypatch, **{"as": "svg", "shape": "1:1", "larger": True})
    assert told["error"] is None
    assert b"<b>" not in content


def test_a_session_becomes_a_page_and_a_file_for_powerpoint(lab, monkeypatch, tmp_path, empty):
    assert str(slides.collect(tmp_path)) == deck.NOTHING
    told, _ = taken(lab, monkeypatch, **{"as": "slides"})
    assert told == {"error": None, "told": f"Kept: 1 in this session. {slides.HOW}"}
    taken(lab, monkeypatch, **{"as": "slides"})  # the same once more: kept once
    told, _ = taken(lab, monkeypatch, **{"as": "slides", "shape": "1:1"})
    assert told["told"].startswith("Kept: 2 in")
    assert str(slides.collect(tmp_path / "new")) == (
        f"2 pictures are in {tmp_path / 'new' / 'slides.html'} and slides.pptx beside it."
    )
    page = (tmp_path / "new" / "slides.html").read_text()
    assert page.count("<img ") == page.count("alt=") == 2
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    shown = Presentation(str(tmp_path / "new" / "slides.pptx")).slides
    assert [one.shapes[0].image.size for one in shown] == [(1920, 1080), (1080, 1080)]
    figure = drawing.figure(lab.picture())
    assert (
        shown[0].notes_slide.notes_text_frame.text == f"{figure.title}\n{figure.caption}\n\n{lab.labelled()}"
    )
    again = AblationLab(FakeBench())
    again.load(shown[0].notes_slide.notes_text_frame.text.splitlines()[-1])
    assert again.state == lab.state


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_lost(lab, monkeypatch, tmp_path, empty):
    taken(lab, monkeypatch, **{"as": "slides"})
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as error:
        slides.collect(tmp_path / "file")
    assert str(error.value) == (
        f"The slides cannot be written to {tmp_path / 'file'}: File exists. What you saved is still "
        "kept: give a folder you may write to, as in slides.collect('/tmp')."
    )
    assert str(slides.collect(tmp_path)).startswith("One picture is in")


def test_a_state_of_another_model_is_refused_beneath_its_control_and_the_screen_stays(lab):
    before, state = lab.on_screen(), json.loads(lab.labelled())
    assert state["model"] == "pocket"
    lab.question = {"load": json.dumps({**state, "model": "gpt2"}), "request": 5, "view": "v"}
    assert lab.reply["error"] == {
        "control": "load",
        "text": "This state was saved of the model 'gpt2', but this widget asks 'pocket': open it in a "
        'widget on that model, or take its "model" out to try it here.',
    }
    assert lab.on_screen() == before
    lab.load(lab.labelled())


def test_a_map_that_is_not_measured_yet_can_be_drawn(monkeypatch):
    widget = PatchingMap(FakeMapBench())
    told, _ = taken(widget, monkeypatch)
    assert told["file"] == "PatchingMap.png"
    table, _ = taken(widget, monkeypatch, **{"as": "table"})
    assert table["error"] is None


def displayed(widget, monkeypatch):
    """What a notebook gets when a cell ends with the widget."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    widget._ipython_display_()
    return shown


def test_a_widget_shows_its_still_twin_beneath_itself(lab, monkeypatch):
    live, twin = displayed(lab, monkeypatch)
    figure = drawing.figure(lab.picture())
    assert "application/vnd.jupyter.widget-view+json" in live
    assert set(twin) == {"text/html", "image/png", "text/plain"}
    assert f'<div class="interp-still {lab.twin}"><p><em>{still.WAKE}</em></p>' in twin["text/html"]
    assert f'alt="{figure.alt}"' in twin["text/html"]
    assert "<td>0.744689</td><td>0.372046</td>" in twin["text/html"]
    assert twin["text/plain"] == figure.alt
    assert Image.open(io.BytesIO(base64.b64decode(twin["image/png"]))).size == (1066, 600)


def test_two_widgets_hide_their_own_twins_only(lab):
    assert lab.twin != AblationLab(FakeBench()).twin


def test_hostile_words_are_escaped_in_a_twin():
    hostile = '<img src=x onerror="alert(1)">'
    axes = {"token": (hostile, "b")}
    result = Result(np.array([0.5, 0.2]), axes, hostile, "share", {"model": hostile})
    html = still.twin(Picture("bars", hostile, result, (hostile,)), "mark")["text/html"]
    assert html.count("<img") == 1
    assert "&lt;img" in html


def test_a_page_of_the_report_holds_a_widget_once(lab, monkeypatch):
    live, twin = displayed(lab, monkeypatch)
    outputs = [nbformat.v4.new_output("display_data", data=data) for data in (live, twin)]
    cells = [nbformat.v4.new_markdown_cell("# A page"), nbformat.v4.new_code_cell("lab", outputs=outputs)]
    page = report.page(nbformat.v4.new_notebook(cells=cells), [])
    assert page.count('class="interp-widget interp-lab"') == 1
    assert "interp-still" not in page
