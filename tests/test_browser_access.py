"""Every widget for every reader, in real JupyterLab and Chromium: axe, narrow windows, large letters."""

import pytest
from notebook_screen import chromium_path, photograph

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

ALL = """from IPython.display import display
from fake_bench import FakeAttentionBench, FakeBench, FakeMapBench, fake_neurons, fake_reader
from fake_lens import FakeLens
from fake_margin import fake_margin
from interp import vectors, widgets
from interp.benches import playground, training_runs
display(widgets.AblationLab(FakeBench()), widgets.AttentionViewer(FakeAttentionBench()),
    widgets.PatchingMap(FakeMapBench()), widgets.LensExplorer(FakeLens()), widgets.MarginNotes(fake_margin()),
    widgets.SurpriseReader(fake_reader()), widgets.NeuronBrowser(fake_neurons()),
    widgets.TrainingBench(training_runs.of_family()),
    widgets.VectorPlayground(playground.bench(vectors.shipped())),
    widgets.Guess("04-04"), widgets.Guess("01-04"))"""
KINDS = ("lab", "attention", "map", "lens", "margin", "surprise", "neurons", "training", "vectors")
SERIOUS = ("serious", "critical")
# What reaches out of a widget sideways, but for what scrolls within a frame of its own.
WIDER = """() => [...document.querySelectorAll('.interp-widget')].flatMap(root => {
  const edge = root.getBoundingClientRect().right + 1;
  const framed = one => { for (let up = one.parentElement; up && up !== root; up = up.parentElement)
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return true; return false; };
  return [...root.querySelectorAll('*')].filter(one => one.getBoundingClientRect().width &&
      one.getBoundingClientRect().right > edge && !framed(one))
    .map(one => `${root.className}: ${one.tagName} ${one.className} +${
      Math.round(one.getBoundingClientRect().right - edge)}`).slice(0, 4);
})"""


@pytest.fixture(scope="module")
def page(screen):
    """A page with every widget, all their tools unfolded."""
    page = screen("access", ALL)
    for kind in KINDS:
        page.wait_for_selector(f".interp-{kind} .status:not(:empty)", state="attached")
    page.locator(".interp-guess").nth(1).wait_for()
    page.evaluate("document.querySelectorAll('.interp-widget .tools > details').forEach(d => d.open = true)")
    return page


def test_axe_finds_nothing_serious(page):
    found = axe_playwright.Axe().run(page, context=".interp-widget")
    serious = [
        f"{one['id']}: {node['target']}"
        for one in found.response["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
    assert serious == []


@pytest.mark.parametrize("width", [360, 720], ids=["360 pixels", "1440 pixels at 200 per cent"])
def test_no_widget_is_wider_than_a_narrow_window(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(f"window.innerWidth === {width}")
    assert page.evaluate(WIDER) == []
    photograph(page, f"1_{width}")
    page.set_viewport_size({"width": 1440, "height": 1080})
