"""From an open Ablation Lab to a slide, by mouse and by keyboard, in real JupyterLab and Chromium."""

import io
import re

import pytest
from notebook_screen import chromium_path, photograph
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

LAB = """from fake_bench import FakeBench
from interp import widgets
lab = widgets.AblationLab(FakeBench())
lab"""
SHARES = """() => [...document.querySelectorAll('.interp-lab .pane')].map(pane => Object.fromEntries(
  [...pane.querySelectorAll('li')].map(line => [line.querySelector('.token').innerText.replace(/^[●◆] /, ''),
    parseFloat(line.querySelector('.share').innerText.replace('< ', ''))])))"""


@pytest.fixture(scope="module")
def lab(screen):
    """The Lab with one head off, its "Save and load" unfolded."""
    page = screen("slides", LAB)
    page.wait_for_selector(".interp-lab .finding")
    page.locator(".interp-lab button[data-head=L5H2]").click()
    page.wait_for_function(
        "document.querySelector('.interp-lab .finding').innerText.startsWith('Without L5H2')"
    )
    page.get_by_text("Save and load").click()
    return page


def saved(page, act):
    """The bytes of the file that this act saves."""
    with page.expect_download() as download:
        act()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_picture_saved_by_mouse_holds_the_numbers_of_the_screen(lab):
    name, content = saved(lab, lab.get_by_role("button", name="Save as SVG").click)
    assert name == "AblationLab.svg"
    drawn = re.findall(r">([^<>]+)</text>", content.decode())
    for pane in lab.evaluate(SHARES):
        for token in ("·Mary", "·John"):
            assert f"{pane[token] / 100:.2f}" in drawn
    assert lab.locator(".interp-lab .finding").inner_text().split(": ")[1][:30] in " ".join(drawn)
    assert lab.locator(".take .told").inner_text() == "Saved as AblationLab.svg."


def test_the_keyboard_alone_saves_a_picture_and_keeps_a_slide(lab):
    lab.locator(".interp-lab summary", has_text="Save and load").focus()
    lab.keyboard.press("Tab")
    assert lab.evaluate("document.activeElement.textContent") == "Save as PNG"
    name, content = saved(lab, lambda: lab.keyboard.press("Enter"))
    assert (name, Image.open(io.BytesIO(content)).size) == ("AblationLab.png", (1920, 1080))
    for _ in range(3):
        lab.keyboard.press("Tab")
    lab.keyboard.press("Space")
    lab.get_by_text("Kept: 1 in this session.").wait_for()
    photograph(lab, "1_saved")


def test_the_presenter_view_folds_the_controls_away_and_escape_brings_them_back(lab):
    lab.get_by_role("button", name="Presenter view", exact=True).click()
    lab.get_by_text("Leave the presenter view").wait_for()
    assert not lab.locator(".interp-lab .controls").is_visible()
    assert lab.locator(".interp-lab .presented").inner_text().startswith("After “When Mary and John")
    photograph(lab, "2_presenter")
    lab.keyboard.press("Escape")
    lab.locator(".interp-lab .controls").wait_for()
    assert lab.evaluate("document.activeElement.textContent") == "Presenter view"


def test_a_shape_that_python_refuses_is_said_beneath_and_the_screen_stays(lab):
    lab.evaluate("document.querySelector('.take select').append(new Option('5:1', '5:1'))")
    lab.get_by_label("Shape").select_option("5:1")
    lab.get_by_role("button", name="Save as PNG").click()
    error = lab.locator(".take .error:visible")
    error.wait_for()
    assert error.inner_text() == "'5:1' is no shape of a slide: choose one of 16:9, 4:3, 1:1."
    assert lab.locator(".interp-lab .finding").inner_text().startswith("Without L5H2")
    assert lab.outside == []
