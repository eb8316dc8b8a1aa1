"""The Neuron Browser in real JupyterLab and Chromium: mouse, keyboard, search, errors, no network; and all
five widgets on one page.
"""

import re

import pytest
from notebook_screen import chromium_path, photograph

from interp.figures import theme
from interp.methods import scan

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]
CELL = """from interp import models, widgets
from interp.methods import scan
from interp.sites import Neuron
from interp.benches import neuron_browser
from interp.studies.neurons import concepts
best = [concepts.Best("country", Neuron(0, 232), 0.99, (0.98, 1.0), 0.45)]
model, table = models.load("pocket"), scan.Table({folder!r})
widgets.NeuronBrowser(neuron_browser.bench(table, model, concepts=best, first=Neuron(6, 100)))"""


TOGETHER = """from fake_bench import FakeAttentionBench, FakeBench, FakeMapBench
from fake_lens import FakeLens
from IPython.display import display
from interp import widgets
from interp.methods import scan
from interp.benches import neuron_browser
display(widgets.AblationLab(FakeBench()), widgets.AttentionViewer(FakeAttentionBench()),
widgets.PatchingMap(FakeMapBench()), widgets.LensExplorer(FakeLens()))
widgets.NeuronBrowser(neuron_browser.bench(scan.Table({folder!r})))"""
ROOTS = (".interp-lab", ".interp-attention", ".interp-map", ".interp-lens", ".interp-neurons")
STYLE_TO_THE_END = """place => {
  const all = [...document.querySelectorAll('style')];
  const sheets = all.filter(sheet => sheet.textContent.includes('.interp-widget'));
  if (place < sheets.length) sheets[place].parentElement.append(sheets[place]);
  return sheets.length;
}"""
LOOK = """root => {
  const seen = ['color', 'backgroundColor', 'backgroundImage', 'borderTop', 'borderLeft', 'outline',
    'opacity', 'fontSize', 'fontWeight', 'fontFamily', 'textAlign', 'textDecorationLine', 'whiteSpace',
    'display', 'gridTemplateColumns', 'width', 'height', 'minWidth', 'padding', 'margin',
    'position', 'overflow'];
  const widget = document.querySelector(root + '.interp-widget');
  return [widget, ...widget.querySelectorAll('*')].map(one => {
    const style = getComputedStyle(one);
    return [one.tagName + '.' + one.getAttribute('class'), ...seen.map(name => style[name])].join(' | ');
  });
}"""


@pytest.fixture(scope="module")
def folder(pocket, tmp_path_factory):
    """The table of pocket's neurons over a few texts."""
    place = tmp_path_factory.mktemp("table")
    texts = scan.corpus(pocket.tokenizer, "pocket", width=96, limit=80)
    scan.scan(pocket, texts, place, progress=False)
    return str(place)


@pytest.fixture(scope="module")
def opened(screen, folder):
    page = screen("neurons", CELL.format(folder=folder))
    page.wait_for_selector(".interp-neurons .finding")
    page.evaluate("document.querySelector('.interp-neurons').scrollIntoView({block: 'start'})")
    return page


@pytest.fixture(scope="module")
def together(screen, folder):
    """All five widgets on one page, the lab first; two of its heads and a half of the lens are off."""
    page = screen("together", TOGETHER.format(folder=folder))
    for root in ROOTS:
        page.wait_for_selector(f"{root} :is(.finding, .reading)")
    for head in ("L1H1", "L5H2"):
        page.locator(f".interp-lab button[data-head={head}]").click()
    page.locator(".interp-lens button[data-half=mlp1]").click()
    page.wait_for_function("document.querySelectorAll('.interp-lens .grids .pane').length === 2")
    page.wait_for_function(
        "document.querySelector('.interp-lab .finding').innerText.includes('L1H1 and L5H2')"
    )
    page.mouse.move(5, 5)
    return page


def finding(page):
    return page.locator(".interp-neurons .finding").inner_text()


def wait_for(page, neuron):
    page.wait_for_function(
        "neuron => document.querySelector('.interp-neurons .finding').innerText.startsWith(neuron + ' ')",
        arg=neuron,
    )


def open_neuron(page, neuron):
    page.get_by_label("Neuron (layer and number)").fill(neuron)
    wait_for(page, neuron)


def test_a_neuron_opens_with_three_honest_groups_of_contexts(opened):
    open_neuron(opened, "L6N100")
    assert opened.locator(".interp-neurons .contexts[data-kind=top] li").count() == 10
    assert opened.locator(".interp-neurons .contexts[data-kind=middle] li").count() == 5
    assert opened.locator(".interp-neurons .contexts[data-kind=random] li").count() == 5
    assert opened.locator(".interp-neurons .contexts[data-kind=top] li .peak").count() == 10
    tints = opened.eval_on_selector_all(
        ".interp-neurons .contexts[data-kind=top] .strip > span",
        "all => new Set(all.map(one => one.style.getPropertyValue('--tint'))).size",
    )
    assert tints > 5
    photograph(opened, "1_open")


def test_the_buttons_step_and_draw_at_random(opened):
    open_neuron(opened, "L2N511")
    opened.get_by_role("button", name="next neuron of the layer").click()
    wait_for(opened, "L3N0")
    opened.get_by_role("button", name="previous neuron of the layer").click()
    wait_for(opened, "L2N511")
    opened.get_by_role("button", name="Random neuron").click()
    opened.wait_for_function(
        "!document.querySelector('.interp-neurons .finding').innerText.startsWith('L2N511 ')"
    )
    assert re.match(r"L[0-7]N\d+ ", finding(opened))


def test_a_search_by_word_finds_neurons_that_open_with_a_click(opened):
    opened.get_by_label("Find by the word it speaks for").fill("Paris")
    hit = opened.locator(".interp-neurons .hits button").first
    hit.wait_for()
    name = hit.inner_text()
    hit.click()
    wait_for(opened, name)
    assert opened.locator(".interp-neurons .weights .token", has_text="Paris").count() > 0
    photograph(opened, "2_search")


def test_a_search_by_concept_names_its_control(opened):
    opened.get_by_label("or by concept").select_option("country")
    opened.wait_for_function("document.querySelectorAll('.interp-neurons .hits li').length === 1")
    assert opened.locator(".interp-neurons .hits li").inner_text().replace("\n", " ") == (
        "L0N232 AUC 0.99 (0.98 to 1.00); shuffled 0.45"
    )
    opened.get_by_label("or by concept").select_option("")


def test_the_keyboard_switches_the_neuron_off_and_the_prediction_answers(opened):
    open_neuron(opened, "L7N381")
    text = opened.get_by_label("Your own text", exact=True)
    text.fill("Jane met Henry at the office. Jane had")
    opened.wait_for_function("document.querySelectorAll('.interp-neurons .own .strip > span').length === 9")
    before = opened.locator(".interp-neurons .pane.clean").inner_text()
    text.press("Tab")
    opened.keyboard.press("Space")
    opened.wait_for_function(
        "document.querySelector('.interp-neurons .pane.ablated h4').innerText.startsWith('Neuron off')"
    )
    assert opened.locator(".interp-neurons .pane.clean").inner_text() == before
    assert opened.locator(".interp-neurons .pane.ablated").inner_text() != before
    assert (
        "Without it the likeliest next word"
        in opened.locator(".interp-neurons [role=status].status").inner_text()
    )
    photograph(opened, "3_off")
    opened.keyboard.press("Space")
    opened.wait_for_function(
        "document.querySelector('.interp-neurons .pane.ablated').getClientRects().length === 0"
    )


def test_an_error_stands_beneath_its_control_and_the_last_result_stays(opened):
    open_neuron(opened, "L1N1")
    before = finding(opened)
    box = opened.get_by_label("Neuron (layer and number)")
    box.fill("L8N0")
    error = opened.locator(".interp-neurons .error:visible")
    error.wait_for()
    assert error.inner_text() == (
        "L8N0 is not in this model: pocket has layers 0-7 and neurons 0-511. Choose a neuron such as L7N511."
    )
    assert box.get_attribute("aria-invalid") == "true"
    assert finding(opened) == before
    photograph(opened, "4_error")
    open_neuron(opened, "L1N2")
    opened.get_by_label("Find by the word it speaks for").fill("xyzzy")
    error.wait_for()
    assert error.inner_text().startswith("No neuron has 'xyzzy' among the ten words it writes most.")
    opened.get_by_label("Find by the word it speaks for").fill("")
    error.wait_for(state="hidden")
    opened.get_by_label("Your own text", exact=True).fill(" ")
    error.wait_for()
    assert error.inner_text() == "The text is empty: write at least one word for the neurons to read."
    opened.get_by_label("Your own text", exact=True).fill("Mary went to the")
    error.wait_for(state="hidden")


def test_a_long_text_is_read_in_windows_and_says_so(opened):
    opened.get_by_label("Your own text", exact=True).fill("Mary gave John a ring. " * 30)
    note = opened.locator(".interp-neurons .own .note", has_text="windows")
    note.wait_for()
    assert "it was read in 2 windows, each begun anew" in note.inner_text()


def test_nothing_is_fetched_from_outside(opened):
    assert opened.outside == []


def colours(css):
    """Every rgb(...) of a computed value as #rrggbb."""
    return [
        f"#{int(red):02x}{int(green):02x}{int(blue):02x}"
        for red, green, blue in re.findall(r"rgb\((\d+), (\d+), (\d+)\)", css)
    ]


@pytest.mark.parametrize("last", range(2 * len(ROOTS)))  # a widget's still picture has a sheet of its own
def test_what_is_off_can_be_read_whichever_widget_came_last(together, last):
    assert together.evaluate(STYLE_TO_THE_END, last) == 2 * len(ROOTS)
    pressed = together.eval_on_selector_all(
        ":is(.interp-lab .head, .interp-lens .half)[aria-pressed=true]",
        "all => all.map(one => [one.className, getComputedStyle(one).color,"
        " getComputedStyle(one).backgroundImage])",
    )
    assert len(pressed) == 3
    for name, text, background in pressed:
        assert background.startswith("repeating-linear-gradient("), name
        for stripe in colours(background):
            assert theme.contrast(*colours(text), stripe) >= 4.5, name
    if last == len(ROOTS) - 1:
        together.evaluate("document.querySelector('.interp-lab .grid').scrollIntoView({block: 'center'})")
        photograph(together, "1_off")


def test_every_widget_looks_the_same_whichever_came_last(together):
    looks = []
    for last in range(len(ROOTS)):
        together.evaluate(STYLE_TO_THE_END, last)
        looks.append([together.evaluate(LOOK, root) for root in ROOTS])
    assert all(len(widget) > 20 for widget in looks[0])
    for other in looks[1:]:
        for root, widget, again in zip(ROOTS, looks[0], other, strict=True):
            assert again == widget, root
