"""The Guess in real JupyterLab: by mouse and keyboard, kept over a restart, beside what came out."""

import pytest
from notebook_screen import chromium_path, photograph, run_first_cell

from interp import progress
from interp.widgets.guess_words import SAID

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

GUESSES = """from IPython.display import display
from interp import finding, widgets
display(widgets.Guess("04-13"), widgets.Guess("04-04"), widgets.Guess("01-04"))
finding.check("By 2 nats.", guess="04-13", A=False, B=True)"""


@pytest.fixture(scope="module")
def page(screen):
    page = screen("guess", GUESSES)
    page.locator(".interp-guess").nth(2).wait_for()
    return page


def widget(page, at):
    return page.locator(".interp-guess").nth(at)


def told(page, at, text):
    """Wait until the widget says this."""
    widget(page, at).locator(".told", has_text=text).wait_for()


def test_a_guess_is_made_by_mouse_or_keyboard_and_stands_beside_what_came_out(page):
    told(page, 0, SAID["ask"])
    assert widget(page, 0).get_by_role("button", name="Forget my guesses").count() == 0
    widget(page, 0).get_by_role("button", name="A our suspect").click()
    told(page, 0, "You guessed A. B came out.")
    choice = widget(page, 1).get_by_role("button", name="A keeps more than half")
    choice.focus()
    page.keyboard.press("Enter")
    told(page, 1, "You guessed A; change it if you like.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    told(page, 1, "You guessed B; change it if you like.")
    assert choice.get_attribute("aria-pressed") == "false"
    widget(page, 2).get_by_label(SAID["own"]).fill("a map of the world, dd")
    page.keyboard.press("Enter")
    told(page, 2, SAID["kept"])
    assert widget(page, 0).get_by_text("2 of 8 guesses made in this notebook").count() == 1
    assert page.locator(".jp-CodeCell").count() == 1  # no key was the notebook's
    group = widget(page, 0).get_by_role("group").first
    assert group.get_attribute("aria-label") == "The greatest loss will be: A our suspect, B another head?"
    photograph(page, "1_guessed")


def test_after_a_restart_that_is_said_and_run_again_the_guesses_are_there(page):
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_text("Restart Kernel…", exact=True).click()
    page.locator(".jp-Dialog button", has_text="Restart").click()
    told(page, 0, SAID["gone"])
    run_first_cell(page)
    told(page, 0, "You guessed A. B came out.")
    told(page, 1, "You guessed B; change it if you like.")
    assert widget(page, 2).get_by_label(SAID["own"]).input_value() == "a map of the world, dd"
    page.get_by_text("B came out. By 2 nats. You guessed A.", exact=True).wait_for()
    photograph(page, "2_again")


def test_one_button_forgets_them_all_after_it_asked(page):
    widget(page, 1).get_by_role("button", name="Forget my guesses").click()
    photograph(page, "3_sure")
    page.keyboard.press("Escape")
    told(page, 0, "You guessed A. B came out.")
    widget(page, 1).get_by_role("button", name="Forget my guesses").press("Enter")
    widget(page, 1).get_by_role("button", name="Forget them").click()
    for at in (0, 1, 2):
        told(page, at, SAID["ask"])
    assert page.get_by_role("button", name="Forget my guesses").count() == 0
    assert page.outside == []


def test_where_no_kernel_is_one_sentence_stands_in_its_place(page):
    stills = page.locator(".interp-still")
    assert stills.count() == 3
    assert not stills.first.is_visible()
    assert stills.first.text_content() == "Your guess: A, our suspect"


def test_the_file_lies_beside_the_notebook_and_is_gone_when_forgotten(page, screen):
    """Seen from another notebook of the folder, before and after."""
    look = f"from pathlib import Path\nprint('kept:', Path({progress.FILE!r}).exists())"
    other = screen("other", look)
    other.get_by_text("kept: False").wait_for()
    widget(page, 0).get_by_role("button", name="A our suspect").click()
    told(page, 0, "You guessed A. B came out.")
    run_first_cell(other)
    other.get_by_text("kept: True").wait_for()
