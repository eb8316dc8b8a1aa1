"""All widgets in real JupyterLab: two views follow each other, and a kernel that is gone is said at once."""

import os
import signal

import pytest
import test_browser_neurons
from notebook_screen import chromium_path, photograph

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]
folder = test_browser_neurons.folder

CELL = """import os
from fake_bench import FakeAttentionBench, FakeBench, FakeMapBench
from fake_lens import FakeLens
from IPython.display import display
from interp import models, vectors, widgets
from interp.methods import scan
from interp.benches import neuron_browser
from interp.benches import reader, training_runs
from interp.benches import playground
print("process", os.getpid())
for one in (widgets.AblationLab(FakeBench()), widgets.AttentionViewer(FakeAttentionBench()),
            widgets.PatchingMap(FakeMapBench(pause=0.05)), widgets.LensExplorer(FakeLens()),
            widgets.NeuronBrowser(neuron_browser.bench(scan.Table({folder!r}))),
            widgets.VectorPlayground(playground.bench(vectors.shipped())),
            widgets.TrainingBench(training_runs.of_belief()),
            widgets.SurpriseReader(reader.bench(models.load("pocket")))):
    display(one, one)"""
GONE = (
    "Python was restarted or has stopped: what you chose and the last result stay; to go on, run the notebook"
    " again."
)
SILENT = (
    "Python does not answer: wait if another cell is running; if it has stopped, run the notebook again (what"
    " you chose and the last result stay)."
)
# What a reader sees of both views: the text, but for what is said about Python, and what the controls hold.
BOTH = r"""root => [...document.querySelectorAll(root)].map(view => {
  const said = view.querySelectorAll('.busy, .status');
  said.forEach(one => { one.hidden = true; });
  const text = view.innerText.replace(/\s+/g, ' ');
  said.forEach(one => { one.hidden = false; });
  return JSON.stringify([text, [...view.querySelectorAll('input, textarea, select, button')].map(
    one => [one.type === 'checkbox' || one.type === 'radio' ? one.checked : one.value,
      one.getAttribute('aria-pressed')])]);
})"""
ALIKE = f"root => {{ const [one, two] = ({BOTH})(root); return one === two; }}"
BUSY = "root => [...document.querySelectorAll(root + ' .busy')].map(one => one.innerText)"


def press(place):
    return lambda view: view.locator(place).first.click()


def write(label, text):
    return lambda view: view.get_by_label(label, exact=True).first.fill(text)


def choose(label, number):
    return lambda view: view.get_by_label(label, exact=True).first.select_option(index=number)


# The widget's root, two things a reader does, and how each is seen in a view.
WIDGETS = {
    "lab": (".interp-lab", press("button[data-head=L5H2]"), press("button[data-head=L1H1]")),
    "viewer": (".interp-attention", press(".thumb[data-head=L1H1]"), press(".thumb[data-head=L2H0]")),
    "map": (".interp-map", press(".cell[data-row='4'][data-column='3']"), press("input[type=checkbox]")),
    "lens": (".interp-lens", press("button[data-half=mlp1]"), press("button[data-half=attn2]")),
    "neurons": (
        ".interp-neurons",
        write("Neuron (layer and number)", "L1N7"),
        write("Neuron (layer and number)", "L2N9"),
    ),
    "vectors": (".interp-vectors", write("a", "girl"), write("b", "paris")),
    "training": (".interp-training", choose("Run", 1), choose("Run", 2)),
    "surprise": (
        ".interp-surprise",
        write("Your text: which words surprise the model?", "Mary gave a ring to John"),
        write("Your text: which words surprise the model?", "John went to the store"),
    ),
}
each_widget = pytest.mark.parametrize("name", WIDGETS)


@pytest.fixture(scope="module")
def twice(screen, folder):
    """Every widget in two views on one page."""
    page = screen("twice", CELL.format(folder=folder))
    for root, *_ in WIDGETS.values():
        page.wait_for_function("root => document.querySelectorAll(root).length === 2", arg=root)
        page.wait_for_function(ALIKE, arg=root)
    return page


def view(page, name, number):
    return page.locator(WIDGETS[name][0]).nth(number)


def wait_until_other(page, root, before):
    """Both views, once they are alike and show something else."""
    changed = f"([root, before]) => {{ const [a, b] = ({BOTH})(root); return a === b && a !== before; }}"
    page.wait_for_function(changed, arg=[root, before])
    return page.evaluate(BOTH, root)[0]


@each_widget
def test_two_views_of_one_widget_follow_each_other(twice, name):
    root, first, second = WIDGETS[name]
    before = twice.evaluate(BOTH, root)[0]
    first(view(twice, name, 0))
    after = wait_until_other(twice, root, before)
    second(view(twice, name, 1))
    wait_until_other(twice, root, after)


def test_a_bad_input_is_told_in_its_own_view_and_the_other_keeps_its_state(twice):
    root = WIDGETS["lab"][0]
    sentence = view(twice, "lab", 0).get_by_label("Sentence: the model guesses the next word")
    right, other = sentence.input_value(), twice.evaluate(BOTH, root)[1]
    sentence.fill(" ")
    view(twice, "lab", 0).locator(".field .error:visible").wait_for()
    assert twice.evaluate(BOTH, root)[1] == other
    sentence.fill(right)
    twice.wait_for_function(ALIKE, arg=root)


def test_a_sweep_of_one_view_is_watched_and_stopped_in_the_other(twice):
    one, other = (view(twice, "map", number) for number in (0, 1))
    one.get_by_label("What comes from the second sentence").select_option("z")
    other.locator(".controls progress").wait_for()
    other.get_by_role("button", name="Stop").first.click()
    for each in (one, other):
        each.get_by_role("button", name="Measure the rest").first.wait_for()
    other.get_by_role("button", name="Measure the rest").first.click()
    for each in (one, other):
        each.locator("progress").first.wait_for(state="hidden")
        each.get_by_role("button", name="Measure the rest").first.wait_for(state="hidden")
    full = "root => [...document.querySelectorAll(root + ' .cell')].every(cell => cell.innerText)"
    assert twice.evaluate(full, WIDGETS["map"][0])
    twice.mouse.move(5, 5)
    twice.wait_for_function(ALIKE, arg=WIDGETS["map"][0])


def test_a_kernel_that_does_not_answer_is_said_within_five_seconds_and_what_was_asked_is_not_lost(twice):
    process = int(twice.locator(".jp-OutputArea-output pre").first.inner_text().split()[1])
    root, finding = WIDGETS["lab"][0], view(twice, "lab", 0).locator(".finding")
    before = finding.inner_text()
    os.kill(process, signal.SIGSTOP)
    try:
        view(twice, "lab", 0).locator("button[data-head=L0H0]").click()
        twice.wait_for_function(f"root => ({BUSY})(root)[0] === {SILENT!r}", arg=root, timeout=5000)
        assert finding.inner_text() == before
        photograph(twice, "1_silent")
    finally:
        os.kill(process, signal.SIGCONT)
    twice.wait_for_function(f"root => ({BUSY})(root).every(text => !text)", arg=root)
    assert "L0H0" in finding.inner_text()
    twice.wait_for_function(ALIKE, arg=root)


@pytest.fixture(scope="module")
def restarted(twice):
    """The same page after "Restart Kernel", and what its views showed before."""
    before = {root: twice.evaluate(BOTH, root) for root, *_ in WIDGETS.values()}
    twice.get_by_role("menuitem", name="Kernel", exact=True).click()
    twice.get_by_role("menuitem", name="Restart Kernel…").click()
    twice.get_by_role("button", name="Confirm Kernel Restart").click()
    return twice, before


@each_widget
def test_after_a_restart_every_view_says_so_and_keeps_its_state(restarted, name):
    page, before = restarted
    root, _, act = WIDGETS[name]
    said = f"root => ({BUSY})(root).every(text => text === {GONE!r})"
    page.wait_for_function(said, arg=root, timeout=5000)
    assert page.evaluate(BOTH, root) == before[root]
    act(view(page, name, 1))
    page.wait_for_timeout(1500)
    assert page.evaluate(BUSY, root) == [GONE, GONE]
    photograph(page, f"2_gone_{name}")


def test_long_work_after_a_restart_ends_with_the_same_sentence(restarted):
    page, _ = restarted
    lab = view(page, "lab", 0)
    lab.get_by_text("The same heads in many sentences").click()
    lab.get_by_role("button", name="Measure").click()
    lab.get_by_text(GONE).nth(1).wait_for(timeout=5000)
    assert not lab.locator(".errand progress:visible").count()
    assert page.outside == []
