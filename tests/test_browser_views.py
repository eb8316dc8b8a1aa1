"""The Attention Viewer and the Patching Map in real JupyterLab: hover, lock by mouse and keyboard, a cell,
stop.
"""

import pytest
from notebook_screen import ROOT, chromium_path, photograph

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

CELLS = {
    ("viewer", "fake"): "from fake_bench import FakeAttentionBench\nfrom interp import widgets\n"
    "widgets.AttentionViewer(FakeAttentionBench((12, 12)))",
    ("viewer", "pocket"): "from interp import models, widgets\nfrom interp.benches import attention_view\n"
    "widgets.AttentionViewer(attention_view.bench(models.load('pocket')))",
    ("map", "fake"): "from fake_bench import FakeMapBench\nfrom interp import widgets\n"
    "widgets.PatchingMap(FakeMapBench((12, 12)))",
    ("map", "slow"): "from fake_bench import FakeMapBench\nfrom interp import widgets\n"
    "widgets.PatchingMap(FakeMapBench(pause=0.25))",
    ("map", "pocket"): "from interp import models, widgets\nfrom interp.benches import patching_map\n"
    "widgets.PatchingMap(patching_map.bench(models.load('pocket')))",
}
ROOTS = {"viewer": ".interp-attention", "map": ".interp-map"}


def opened_widget(screen, widget, model):
    if model == "pocket" and not list((ROOT / "interp" / "pocket").glob("**/*.safetensors")):
        pytest.skip("the pocket model's weights are not here yet")
    theme = "dark" if model == "fake" else "light"
    page = screen(f"{widget}_{model}", CELLS[widget, model], theme=theme)
    page.wait_for_selector(f"{ROOTS[widget]} .cell, {ROOTS[widget]} .look")
    page.evaluate(f"document.querySelector('{ROOTS[widget]}').scrollIntoView({{block: 'start'}})")
    return page


@pytest.fixture(scope="module", params=["fake", "pocket"])
def viewer(request, screen):
    return opened_widget(screen, "viewer", request.param)


@pytest.fixture(scope="module", params=["fake", "pocket"])
def patching(request, screen):
    return opened_widget(screen, "map", request.param)


@pytest.fixture(scope="module")
def slow(screen):
    """A map whose layers take a quarter of a second each."""
    return opened_widget(screen, "map", "slow")


def look(page, query, key):
    return page.locator(f".interp-attention .look[data-row='{query}'][data-column='{key}']")


def test_hovering_reads_and_leaving_returns_to_the_locked_word(viewer):
    reading = viewer.locator(".interp-attention .reading")
    before = reading.inner_text()
    look(viewer, 4, 1).hover()
    assert reading.inner_text().split(":")[0] != before.split(":")[0]
    assert " → " in reading.inner_text()
    viewer.locator(".interp-attention h3").first.hover()
    viewer.wait_for_function("before => document.querySelector('.reading').innerText === before", arg=before)
    photograph(viewer, "1_open")


def test_a_click_locks_a_pair_and_escape_lets_it_go(viewer):
    look(viewer, 5, 2).click()
    viewer.wait_for_selector(".interp-attention .pair-place dl.numbers")
    assert look(viewer, 5, 2).get_attribute("aria-pressed") == "true"
    photograph(viewer, "2_locked")
    viewer.wait_for_function("document.activeElement.dataset.row === '5'")
    viewer.keyboard.press("Escape")
    viewer.wait_for_selector(".interp-attention .pair-place dl.numbers", state="detached")


def test_the_keyboard_locks_too(viewer):
    viewer.locator(".interp-attention .look[tabindex='0']").focus()
    for key in ("PageDown", "Home", "ArrowRight"):
        viewer.keyboard.press(key)
    assert viewer.evaluate("document.activeElement.dataset.column") == "1"
    viewer.keyboard.press("Enter")
    viewer.wait_for_selector(".interp-attention .pair-place dl.numbers")
    assert viewer.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    viewer.keyboard.press("Escape")
    viewer.wait_for_selector(".interp-attention .pair-place dl.numbers", state="detached")


def test_another_head_and_the_scores_are_shown_at_once(viewer):
    title = viewer.locator(".interp-attention .outcome h3")
    viewer.locator(".interp-attention .thumb[data-head=L3H1]").click()
    viewer.wait_for_function(
        "document.querySelector('.interp-attention .outcome h3').innerText.startsWith('L3H1')"
    )
    viewer.get_by_label("Show", exact=True).select_option("score")
    viewer.wait_for_function(
        "document.querySelector('.interp-attention .outcome h3').innerText.includes('score')"
    )
    assert title.inner_text() == "L3H1: score q·k before the softmax"
    photograph(viewer, "3_scores")
    viewer.get_by_label("Show", exact=True).select_option("weight")


def test_the_viewer_tells_an_empty_sentence_and_fetches_nothing(viewer):
    sentence = viewer.get_by_label("Sentence", exact=True)
    right = sentence.input_value()
    sentence.fill(" ")
    error = viewer.locator(".interp-attention .error:visible")
    error.wait_for()
    assert error.inner_text() == "The sentence is empty: write at least one word."
    sentence.fill(right)
    error.wait_for(state="hidden")
    assert viewer.outside == []


def test_a_cell_is_read_on_focus_and_told_in_words_on_a_click(patching):
    cell = patching.locator(".interp-map .cell[data-row='4'][data-column='3']")
    cell.hover()
    reading = patching.locator(".interp-map .reading")
    assert reading.inner_text().startswith("Layer 4, ")
    cell.click()
    patching.locator(".interp-map .pane.ablated").wait_for()
    assert cell.get_attribute("aria-pressed") == "true"
    patching.wait_for_timeout(300)
    photograph(patching, "1_cell")


def test_another_kind_is_measured_layer_by_layer_to_the_end(patching):
    patching.get_by_label("What comes from the second sentence").select_option("z")
    patching.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.interp-map .cell')];"
        " return all.length && document.querySelector('.interp-map thead th').innerText === 'H0'"
        " && all.every(c => c.innerText !== ''); }"
    )
    assert not patching.locator(".interp-map .controls progress").is_visible()
    shares = patching.locator(".interp-map .cell").first.inner_text()
    patching.get_by_label("show nats, not shares").check()
    patching.get_by_text("Change of the lead in nats.").wait_for()
    photograph(patching, "2_heads_in_nats")
    patching.get_by_label("show nats, not shares").uncheck()
    patching.get_by_text("0: nothing changes.").wait_for()
    assert patching.locator(".interp-map .cell").first.inner_text() == shares


def wait_for_paths(page, said):
    """Wait until the table of paths, or the sentence in its place, says this."""
    told = "said => document.querySelector('.interp-map section.paths').innerText.includes(said)"
    page.wait_for_function(told, arg=said)
    page.locator(".interp-map section.paths progress").wait_for(state="hidden")


def test_the_senders_to_a_receiver_are_a_table(patching):
    patching.locator(".interp-map section.paths").scroll_into_view_if_needed()
    wait_for_paths(patching, "→ the last state: ")
    assert not patching.get_by_label("At word", exact=True).is_visible()
    photograph(patching, "4_paths_to_the_end")
    rows = patching.locator(".interp-map table.paths tbody tr")
    strongest = rows.first.locator(".sender").inner_text()
    patching.get_by_label("Receiver", exact=True).select_option("q")
    wait_for_paths(patching, f"query of {strongest} at “")
    assert patching.get_by_label("Head", exact=True).input_value() == strongest
    assert "END" in patching.get_by_label("At word", exact=True).locator("option:checked").inner_text()
    patching.get_by_label("Head", exact=True).select_option("L6H1")
    wait_for_paths(patching, "→ query of L6H1 at “")
    assert 1 <= rows.count() <= 10
    zero = "Heads in layer 6 and later layers write after L6H1 has read: their paths to it are exactly zero."
    assert patching.locator(".interp-map section.paths .notes").inner_text().endswith(zero)
    photograph(patching, "5_paths_to_a_query")


def test_a_sender_becomes_the_receiver_by_keyboard(patching):
    sender = patching.locator(".interp-map table.paths .sender").first
    name = sender.inner_text()
    sender.focus()
    patching.keyboard.press("Enter")
    patching.wait_for_function("document.activeElement.id.endsWith('-head')")
    assert patching.get_by_label("Head", exact=True).input_value() == name
    patching.keyboard.type("L0H1")
    wait_for_paths(patching, "L0H1 is in the first layer, below every sender")
    assert patching.locator(".interp-map table.paths").count() == 0
    photograph(patching, "6_below_every_sender")
    patching.get_by_label("Head", exact=True).select_option("L4H2")
    wait_for_paths(patching, "query of L4H2 at “")
    patching.keyboard.press("Tab")
    patching.keyboard.press("Home")
    wait_for_paths(patching, "(word 0) the two sentences are the same")
    patching.get_by_label("Receiver", exact=True).select_option("")
    wait_for_paths(patching, "→ the last state: ")


def test_the_table_goes_first_when_asked_last_and_the_map_after_it(slow):
    slow.get_by_label("What comes from the second sentence").select_option("z")
    slow.locator(".interp-map .controls progress").wait_for()
    slow.get_by_label("Receiver", exact=True).select_option("q")
    slow.locator(".interp-map section.paths progress").wait_for()
    slow.get_by_text("Strongest path so far").wait_for()
    photograph(slow, "1_under_way")
    wait_for_paths(slow, "their paths to it are exactly zero")
    empty = "[...document.querySelectorAll('.interp-map .cell')].filter(cell => !cell.innerText).length"
    assert slow.evaluate(empty) > 0
    slow.wait_for_function(f"{empty} === 0")
    slow.locator(".interp-map progress").first.wait_for(state="hidden")


def test_a_table_is_stopped_and_measured_to_the_end_later(slow):
    paths = slow.locator(".interp-map section.paths")
    slow.get_by_label("Receiver", exact=True).select_option("v")
    slow.get_by_text("Strongest path so far").wait_for()
    paths.get_by_role("button", name="Stop").click()
    slow.wait_for_timeout(800)
    assert paths.locator(".finding").inner_text().startswith("Strongest path so far: ")
    assert not paths.locator("progress").is_visible()
    photograph(slow, "2_stopped")
    paths.get_by_role("button", name="Measure the rest").click()
    wait_for_paths(slow, "The other ")
    assert paths.locator(".finding").inner_text().startswith("Strongest path: ")
    assert not paths.get_by_role("button", name="Measure the rest").is_visible()


def test_a_pair_that_does_not_fit_is_told_and_the_map_stays(patching):
    second = patching.get_by_label("Second sentence: a word exchanged")
    right, before = second.input_value(), patching.locator(".interp-map .cell").all_inner_texts()
    second.fill("When Mary")
    error = patching.locator(".interp-map .field .error:visible")
    error.wait_for()
    assert error.inner_text().startswith("The two sentences have ")
    assert patching.locator(".interp-map .cell").all_inner_texts() == before
    photograph(patching, "3_refused")
    second.fill(right)
    error.wait_for(state="hidden")
    assert patching.outside == []
