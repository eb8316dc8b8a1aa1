"""The Training Bench in real JupyterLab and Chromium: a training begun, paused, resumed and stopped by
clicking, a page closed and opened again, the keyboard, errors, no network. And the Surprise Reader.
"""

import re

import pytest
from notebook_screen import chromium_path, photograph

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]
LIVE = """from pathlib import Path
from interp import widgets
from interp.benches import training_runs
from interp.trainings import live
widgets.TrainingBench(training_runs.of_taps(live.at(Path("live-training"))))"""
STORED = """from interp import widgets
from interp.benches import training_runs
widgets.TrainingBench(training_runs.of_{topic}())"""

READER = """from interp import models, widgets
from interp.benches import reader
widgets.SurpriseReader(reader.bench(models.load("pocket")))"""


def shown(page):
    page.wait_for_selector(".interp-training .finding")
    page.evaluate("document.querySelector('.interp-training').scrollIntoView({block: 'start'})")
    return page


@pytest.fixture(scope="module")
def bench(screen):
    return shown(screen("training", LIVE))


def finding(page):
    return page.locator(".interp-training .finding").inner_text()


def step(page):
    return int(
        re.sub(r"\D", "", re.match(r"step ([\d,]+)", page.locator(".interp-training .done").inner_text())[1])
    )


def wait_for_status(page, status):
    page.wait_for_selector(f".interp-training[data-training={status}]")


def wait_for_step(page, least):
    page.wait_for_function(
        "least => document.querySelector('.interp-training progress').value >= least", arg=least
    )


def wait_for_finding(page, text):
    page.wait_for_function(
        "text => document.querySelector('.interp-training .finding').innerText.includes(text)", arg=text
    )


def test_a_training_is_started_paused_resumed_and_stopped_by_clicking(bench):
    assert finding(bench) == "stored, seed 0: step 1,000 of 1,000"
    bench.get_by_role("button", name="Start", exact=True).click()
    wait_for_status(bench, "training")
    wait_for_finding(bench, "trained here, seed 3: step 50 of ")  # the picture follows by itself
    photograph(bench, "1_training")
    pause = bench.get_by_role("button", name="Pause", exact=True)
    pause.click()
    wait_for_status(bench, "paused")
    at = step(bench)
    news = bench.locator(".interp-training .news").inner_text()
    assert news.startswith(f"Paused at step {at:,} of ")
    bench.wait_for_timeout(700)
    assert step(bench) == at
    bench.get_by_role("button", name="Resume", exact=True).click()
    wait_for_status(bench, "training")
    wait_for_step(bench, at + 60)
    wait_for_finding(bench, f"step {(at // 50 + 1) * 50:,} of ")
    photograph(bench, "2_resumed")
    bench.get_by_role("button", name="Stop", exact=True).click()
    wait_for_status(bench, "stopped")
    assert bench.locator(".interp-training .news").inner_text().startswith("Stopped at step ")


def test_a_page_closed_while_it_trains_shows_the_training_when_it_is_opened_again(bench):
    seed = bench.get_by_label("Seed", exact=True)
    seed.fill("8")
    seed.press("Enter")
    wait_for_status(bench, "training")
    wait_for_step(bench, 60)
    bench.keyboard.press("Control+s")
    bench.wait_for_timeout(1500)
    address = bench.url
    bench.goto("about:blank")
    bench.wait_for_timeout(1000)
    bench.goto(address)
    bench.wait_for_selector(".interp-training .finding", timeout=60_000)
    wait_for_finding(bench, "trained here, seed 8")
    assert step(bench) > 60
    photograph(bench, "3_opened_again")
    if bench.locator(".interp-training").get_attribute("data-training") == "training":
        bench.get_by_role("button", name="Pause", exact=True).click()
    bench.wait_for_selector(".interp-training:not([data-training=training])")


def test_a_new_kernel_finds_the_paused_training_and_goes_on(screen):
    page = shown(screen("second", LIVE))
    assert page.locator(".interp-training .news").inner_text().startswith(("Paused at step", "Finished"))
    before = step(page)
    assert finding(page).startswith("trained here, seed 8: step ")
    if before < 1000:
        page.get_by_role("button", name="Resume", exact=True).click()
        wait_for_step(page, before + 1)
        page.get_by_role("button", name="Pause", exact=True).click()
        wait_for_status(page, "paused")


def test_the_keyboard_moves_along_the_run(bench):
    bench.get_by_label("Run", exact=True).select_option("taps-1")
    wait_for_finding(bench, "stored, seed 1: step 1,000")
    slider = bench.get_by_label("Look at step")
    slider.focus()
    for key in ("Home", "ArrowRight", "ArrowRight"):
        bench.keyboard.press(key)
    wait_for_finding(bench, "stored, seed 1: step 100 of 1,000")
    assert slider.get_attribute("aria-valuetext") == "step 100"
    assert bench.locator(".interp-training .status").inner_text().startswith("stored, seed 1, step 100: ")
    assert bench.locator(".interp-training .samples li").count() > 0
    photograph(bench, "4_slider")


def test_an_error_stands_beneath_its_control_and_the_last_picture_stays(bench):
    bench.get_by_role("button", name="Stop", exact=True).click()
    wait_for_finding(bench, "trained here, seed 8")
    before = finding(bench)
    seed = bench.get_by_label("Seed", exact=True)
    seed.fill("seven")
    seed.press("Enter")
    error = bench.locator(".interp-training .error:visible")
    error.wait_for()
    assert error.inner_text() == "'seven' is no seed: give a whole number such as 3."
    assert seed.get_attribute("aria-invalid") == "true"
    assert finding(bench) == before
    photograph(bench, "5_error")
    seed.fill("3")


@pytest.mark.parametrize(("topic", "text"), [("family", "words read 262,144"), ("belief", "step 2,400")])
def test_stored_runs_have_the_slider_and_no_buttons(screen, topic, text):
    page = shown(screen(topic, STORED.format(topic=topic)))
    assert page.locator(".interp-training .train").is_hidden()
    slider = page.locator(".interp-training input[type=range]")
    slider.fill({"family": "1", "belief": "24"}[topic])
    wait_for_finding(page, text)
    assert page.locator(".interp-training .twins").count() == (1 if topic == "belief" else 0)
    photograph(page, "1_stored")
    assert page.outside == []


def test_the_reader_tells_the_guesses_by_mouse_and_by_keyboard(screen):
    page = screen("reader", READER)
    page.wait_for_selector(".interp-surprise .finding")
    text = page.get_by_label("Your text: which words surprise the model?")
    text.fill("Mary gave a ring to John")
    page.wait_for_function("document.querySelectorAll('.interp-surprise .strip button').length === 6")
    tokens, reading = (
        page.locator(".interp-surprise .strip button"),
        page.locator(".interp-surprise .reading"),
    )
    tokens.nth(3).hover()
    assert reading.inner_text().startswith("“ring”: ")
    assert reading.inner_text().count("%") == 5
    tokens.first.focus()
    page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("“gave”: ")
    page.keyboard.press("End")
    assert reading.inner_text().startswith("“John”: ")
    photograph(page, "1_reader")
    before = page.locator(".interp-surprise .finding").inner_text()
    text.fill(" ")
    error = page.locator(".interp-surprise .error:visible")
    error.wait_for()
    assert error.inner_text().startswith("This text has 0 tokens; a surprise can be read for 1 to ")
    assert page.locator(".interp-surprise .finding").inner_text() == before
    assert page.outside == []


def test_nothing_is_fetched_from_outside(bench):
    assert bench.outside == []
