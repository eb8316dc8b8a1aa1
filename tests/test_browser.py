"""The Ablation Lab and a figure in real JupyterLab and Chromium: mouse, keyboard, errors, no network."""

import os
import re
from pathlib import Path

import pytest
from notebook_screen import CHROMIUM_SWITCHES, ROOT, chromium_path, jupyter_lab, write_notebook

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

FAKE = """from fake_bench import FakeBench
from interp import widgets
lab = widgets.AblationLab(FakeBench())
lab"""
POCKET = """from interp import models, widgets
from interp.studies.lab import bench
lab = widgets.AblationLab(bench(models.load("pocket")))
lab"""
FIGURE = """import numpy as np
from interp import figures
from interp.result import Result
values = np.random.default_rng(0).normal(0, 0.1, (8, 4)); values[5, 2] = -1.84
effect = Result(values, {"layer": tuple(range(8)), "head": tuple(range(4))}, "change in logit difference",
"nats", {"model": "pocket", "n": 100, "baseline": "mean"})
figures.heatmap(effect, title="Only L5H2 matters: without it the name is no longer preferred")"""
PATIENCE = 60_000


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """A page in JupyterLab's address space, and a function that opens a notebook and runs its only cell."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyter_lab(folder) as address, playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_SWITCHES)

        def opened(name, code, size=(1440, 1080)):
            write_notebook(folder / f"{name}.ipynb", code)
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.set_default_timeout(PATIENCE)
            page.outside = []
            page.on("request", lambda request: _note_outside(page, request.url))
            page.goto(address(f"{name}.ipynb"))
            page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content")
            page.get_by_text("Kernel status: Idle").first.wait_for(state="attached")
            page.keyboard.press("Control+b")
            run_first_cell(page)
            return page

        yield opened
        browser.close()


def run_first_cell(page):
    """Run the cell; once more if JupyterLab, still starting, did not hear it."""
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt").first
    for _ in range(5):
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(1500)
        if prompt.inner_text().strip() != "[ ]:":
            return
    raise AssertionError("JupyterLab did not run the cell")


def _note_outside(page, url):
    if not re.match(r"(https?|wss?)://127\.0\.0\.1|data:|blob:|about:", url):
        page.outside.append(url)


@pytest.fixture(scope="module", params=["fake", "pocket"])
def lab(request, screen):
    """The lab's page on an answering model, freshly opened."""
    if request.param == "pocket" and not list((ROOT / "interp" / "pocket").glob("**/*.safetensors")):
        pytest.skip("the pocket model's weights are not here yet")
    page = screen(request.param, FAKE if request.param == "fake" else POCKET)
    page.wait_for_selector(".interp-lab .finding")
    page.kind = request.param
    page.evaluate("document.querySelector('.interp-lab').scrollIntoView({block: 'start'})")
    return page


def photograph(page, name):
    folder = os.environ.get("INTERP_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{page.kind}_{name}.png")


def strongest(page):
    """The name of the head that writes most towards the answer, read off the grid."""
    numbers = page.eval_on_selector_all(
        ".interp-lab button.head",
        "all => all.map(b => [b.dataset.head, parseFloat(b.innerText.replace('−', '-'))])",
    )
    return max(numbers, key=lambda pair: pair[1])[0]


def outcome(page):
    return page.locator(".interp-lab .pane.ablated").inner_text(), page.locator(
        ".interp-lab .finding"
    ).inner_text()


def wait_for_change(page, before):
    page.wait_for_function(
        "before => document.querySelector('.interp-lab .finding').innerText !== before", arg=before[1]
    )


def reset(page):
    page.get_by_role("button", name="All heads on").click()
    page.wait_for_function(
        "document.querySelector('.interp-lab .finding').innerText.startsWith('Every head is on')"
    )


def test_a_click_on_the_strongest_head_changes_the_ablated_pane_only(lab):
    reset(lab)
    before, baseline = outcome(lab), lab.locator(".interp-lab .pane.clean").inner_text()
    photograph(lab, "1_before")
    name = strongest(lab)
    button = lab.locator(f".interp-lab button[data-head={name}]")
    button.click()
    wait_for_change(lab, before)
    assert outcome(lab)[0] != before[0]
    assert lab.locator(".interp-lab .pane.clean").inner_text() == baseline
    assert button.get_attribute("aria-pressed") == "true"
    assert name in lab.locator(".interp-lab [role=status]").inner_text()
    lab.mouse.move(5, 5)
    lab.wait_for_timeout(300)
    photograph(lab, "2_after_mouse")
    reset(lab)
    assert outcome(lab) == before


def test_the_keyboard_alone_does_the_same(lab):
    reset(lab)
    before, name = outcome(lab), strongest(lab)
    lab.locator(".interp-lab input[type=text]").nth(1).focus()
    lab.keyboard.press("Tab")
    assert lab.evaluate("document.activeElement.dataset.head") is not None
    layer, head = map(int, re.fullmatch(r"L(\d+)H(\d+)", name).groups())
    for key in ["Home", "PageUp"] + ["ArrowDown"] * layer + ["ArrowRight"] * head:
        lab.keyboard.press(key)
    assert lab.evaluate("document.activeElement.dataset.head") == name
    lab.keyboard.press("Space")
    wait_for_change(lab, before)
    assert lab.evaluate("document.activeElement.dataset.head") == name
    lab.wait_for_timeout(300)
    photograph(lab, "3_after_keyboard")
    lab.keyboard.press("Enter")
    lab.wait_for_function(
        "before => document.querySelector('.interp-lab .finding').innerText === before", arg=before[1]
    )
    assert outcome(lab) == before


def test_quick_clicks_end_in_the_latest_state(lab):
    reset(lab)
    for _ in range(5):
        lab.locator(".interp-lab button[data-head=L0H0]").click()
        lab.locator(".interp-lab button[data-head=L1H1]").click()
    lab.wait_for_function(
        "document.querySelector('.interp-lab [role=status]').innerText.endsWith('L0H0, L1H1.')"
    )
    pressed = lab.eval_on_selector_all(
        ".interp-lab .head[aria-pressed=true]", "all => all.map(b => b.dataset.head)"
    )
    assert pressed == ["L0H0", "L1H1"]


def test_an_error_stands_beneath_its_control_and_the_last_result_stays(lab):
    reset(lab)
    before, box = outcome(lab), lab.get_by_label("Heads that are off")
    box.fill("L12H0")
    error = lab.locator(".interp-lab .error:visible")
    error.wait_for()
    assert "L12H0 is not in this model" in error.inner_text()
    assert box.get_attribute("aria-invalid") == "true"
    assert outcome(lab) == before
    photograph(lab, "4_error")
    box.fill("")
    error.wait_for(state="hidden")
    lab.get_by_label("Sentence: the model guesses the next word").fill("  ")
    error.wait_for()
    assert error.inner_text().startswith("The prompt is empty")


def test_nothing_is_fetched_from_outside(lab):
    assert lab.outside == []


def test_a_figure_is_drawn_with_its_words_and_table_beneath(screen):
    page = screen("figure", FIGURE)
    page.kind = "figure"
    page.wait_for_selector(".js-plotly-plot .gtitle")
    assert "Only L5H2 matters" in page.locator(".js-plotly-plot .gtitle").text_content()
    page.get_by_text("Description and data as a table").first.click()
    assert page.locator(".interp-figure table").first.is_visible()
    page.wait_for_timeout(500)
    photograph(page, "1_heatmap")
    assert page.outside == []
