"""The Lens Explorer in real JupyterLab and Chromium: mouse, keyboard, errors, no network."""

import pytest
from notebook_screen import ROOT, chromium_path, photograph

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

FAKE = """from fake_lens import FakeLens
from interp import widgets
widgets.LensExplorer(FakeLens(layers={layers}, tokens=tuple({tokens})))"""
POCKET = """from interp import models, widgets
from interp.benches.explorer import bench
widgets.LensExplorer(bench(models.load("pocket")))"""
FEW = ["Q", ":", " Poland", "?", "\n", "A", ":"]


def explorer(screen, name, code, **more):
    page = screen(name, code, **more)
    page.wait_for_selector(".interp-lens .finding")
    page.evaluate("document.querySelector('.interp-lens').scrollIntoView({block: 'start'})")
    return page


@pytest.fixture(scope="module", params=["fake", "pocket"])
def page(request, screen):
    if request.param == "pocket" and not list((ROOT / "interp" / "pocket").glob("model.safetensors")):
        pytest.skip("the pocket model's weights are not here yet")
    code = FAKE.format(layers=8, tokens=FEW) if request.param == "fake" else POCKET
    return explorer(screen, request.param, code)


def finding(page):
    return page.locator(".interp-lens .finding").inner_text()


def reset(page):
    page.get_by_role("button", name="No change").click()
    page.wait_for_function("document.querySelectorAll('.interp-lens .grids .pane').length === 1")
    page.wait_for_function("!document.querySelector('.interp-lens .finding').innerText.includes(';')")


def wait_for_two(page):
    page.wait_for_function("document.querySelectorAll('.interp-lens .grids .pane').length === 2")


def test_a_click_on_a_half_shows_a_second_grid_and_the_first_stays(page):
    reset(page)
    before = page.locator(".interp-lens .pane.clean").inner_text()
    photograph(page, "1_before")
    button = page.locator(".interp-lens button[data-half=mlp4]")
    button.click()
    wait_for_two(page)
    assert page.locator(".interp-lens .pane.clean").inner_text() == before
    assert button.get_attribute("aria-pressed") == "true"
    assert "without mlp4" in page.locator(".interp-lens .status").inner_text()
    photograph(page, "2_after")
    reset(page)


def test_the_keyboard_switches_a_half_and_reads_a_cell(page):
    reset(page)
    page.locator(".interp-lens button[data-half=attn0]").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    wait_for_two(page)
    assert page.evaluate("document.activeElement.dataset.half") == "mlp2"
    reset(page)
    cells = page.locator(".interp-lens .pane.clean button.guess")
    cells.first.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".interp-lens .reading").inner_text().startswith("layer 1, after the layer, at “")
    assert "%" in page.locator(".interp-lens .reading").inner_text()


def test_pointing_at_a_cell_reads_its_five_guesses(page):
    reset(page)
    cell = page.locator(".interp-lens .pane.clean button.guess").last
    cell.hover()
    assert page.locator(".interp-lens .reading").inner_text().endswith(cell.get_attribute("title"))
    assert cell.get_attribute("title").count("%") == 5


def test_the_rows_in_between_come_and_go(page):
    reset(page)
    rows = "document.querySelectorAll('.interp-lens .pane.clean tbody tr').length"
    before = page.evaluate(rows)
    tick = page.get_by_label("between the halves too")
    tick.check()
    page.wait_for_function(f"{rows} === {2 * before}")
    photograph(page, "3_between")
    tick.uncheck()
    page.wait_for_function(f"{rows} === {before}")


def test_an_error_stands_beneath_its_control_and_the_last_result_stays(page):
    reset(page)
    before, box = finding(page), page.get_by_label("Switched off")
    box.fill("mlp99")
    error = page.locator(".interp-lens .error:visible")
    error.wait_for()
    assert error.inner_text().startswith("There is no layer 99")
    assert box.get_attribute("aria-invalid") == "true"
    assert finding(page) == before
    photograph(page, "4_error")
    box.fill("")
    error.wait_for(state="hidden")


def test_a_vector_can_be_put_in(page):
    reset(page)
    page.get_by_label("Put in a vector").select_option("capital")
    wait_for_two(page)
    assert "with the capital vector in layers 4-7" in page.locator(".interp-lens .status").inner_text()
    photograph(page, "5_vector")
    reset(page)


def test_nothing_is_fetched_from_outside(page):
    assert page.outside == []


def test_twelve_layers_and_long_prompts_stay_inside_the_page(screen):
    tokens = [f" word{number}" for number in range(30)]
    page = explorer(screen, "wide", FAKE.format(layers=24, tokens=tokens))
    width = page.evaluate("document.querySelector('.interp-lens').getBoundingClientRect().width")
    for place in page.locator(".interp-lens .scroll").all():
        assert place.bounding_box()["width"] <= width
    photograph(page, "1_wide")
