"""The Margin Notes in real JupyterLab and Chromium, by keyboard alone."""

import pytest
from notebook_screen import chromium_path, photograph

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

NOTES = """from fake_margin import fake_margin
from interp import widgets
widgets.MarginNotes(fake_margin())"""


@pytest.fixture(scope="module")
def notes(screen):
    page = screen("margin", NOTES)
    page.wait_for_selector(".interp-margin .finding")
    return page


def told(page, text):
    """Wait until a finding says this."""
    page.locator(".interp-margin .finding", has_text=text).wait_for()


def test_the_slider_leads_back_to_the_word_vector_block_by_block(notes):
    photograph(notes, "1_opened")
    slider = notes.get_by_label("Blocks it went through")
    slider.focus()
    for text in ("After 2 blocks", "After 1 block", "Before the first block all 4 uses of “bank” are one"):
        notes.keyboard.press("ArrowLeft")
        told(notes, text)
    assert slider.get_attribute("aria-valuetext") == "before the first block"
    photograph(notes, "2_word_vector")


def test_the_note_is_turned_round_by_keyboard_and_an_empty_sentence_is_said_beneath(notes):
    notes.get_by_label("How strong the note is").focus()
    for text in ("turned round, 0.5 times as strong", "turned round, the first guess is “walks”"):
        notes.keyboard.press("ArrowLeft")
        told(notes, text)
    notes.get_by_label("A sentence that ends before its verb").fill("")
    error = notes.locator(".interp-margin .error:visible")
    error.wait_for()
    assert error.inner_text() == "The prompt is empty."
    photograph(notes, "3_turned")
    assert notes.outside == []
