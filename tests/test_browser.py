"""The Ablation Lab and a figure in real JupyterLab and Chromium: mouse, keyboard, errors, no network."""

import re

import numpy as np
import pytest
from notebook_screen import (
    ROOT,
    chromium_path,
    photograph,
    resized,
    settled_charts,
    tools_of,
)

from interp import figures
from interp.result import Result

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

FAKE = """from fake_bench import FakeBench
from interp import widgets
lab = widgets.AblationLab(FakeBench())
lab"""
POCKET = """from interp import models, widgets
from interp.benches.lab import bench
lab = widgets.AblationLab(bench(models.load("pocket")))
lab"""
FIGURE = """import numpy as np
from IPython.display import display
from interp import figures
from interp.result import Result
values = np.random.default_rng(0).normal(0, 0.1, (8, 4)); values[5, 2] = -1.84
effect = Result(values, {"layer": tuple(range(8)), "head": tuple(range(4))}, "change in logit difference",
"nats", {"model": "pocket", "n": 100, "baseline": "mean"})
display(figures.heatmap(effect, title="Only L5H2 matters: without it the name is no longer preferred"))
display(figures.bars(effect, title="Only L5H2 matters", largest=6))"""


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
    assert name in lab.locator(".interp-lab > [role=status]").inner_text()
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
    assert lab.evaluate("document.activeElement.dataset.ask") == '"John"'  # the other reading of the word
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
    # Not by mouse: replies move the grid, and a press and its release may meet different buttons.
    lab.evaluate("""async () => {
      for (let times = 0; times < 5; times++) for (const head of ["L0H0", "L1H1"]) {
        document.querySelector(`.interp-lab button[data-head=${head}]`).click();
        await new Promise((done) => setTimeout(done, 40));
      }
    }""")
    # States in between may be shown on the way, this one too: the last one stays.
    lab.wait_for_function("""() => {
      const pressed = document.querySelectorAll('.interp-lab .head[aria-pressed=true]');
      const off = [...pressed].map(button => button.dataset.head);
      const said = document.querySelector('.interp-lab > [role=status]').innerText;
      const there = off.join() === 'L0H0,L1H1' && said.endsWith('L0H0, L1H1.');
      window.thereSince = there ? window.thereSince ?? performance.now() : null;
      return there && performance.now() - window.thereSince > 1000;
    }""")


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
    sentence = lab.get_by_label("Sentence: the model guesses the next word")
    right = sentence.input_value()
    sentence.fill("  ")
    error.wait_for()
    assert error.inner_text().startswith("The prompt is empty")
    sentence.fill(right)
    error.wait_for(state="hidden")


def test_nothing_is_fetched_from_outside(lab):
    assert lab.outside == []


@pytest.fixture(scope="module")
def figure(screen):
    """A page with a chart that is never wider than it should be, and one as wide as its column."""
    page = screen("figure", FIGURE)
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot .gtitle').length === 2")
    return page


def test_a_figure_is_drawn_with_its_words_and_table_beneath(figure):
    assert "Only L5H2 matters" in figure.locator(".js-plotly-plot .gtitle").first.text_content()
    figure.get_by_text("Description and data as a table").first.click()
    assert figure.locator(".interp-figure table").first.is_visible()
    figure.wait_for_timeout(500)
    photograph(figure, "1_heatmap")
    figure.get_by_text("Description and data as a table").first.click()
    assert figure.outside == []


def check_sizes(before, now):
    """Heights are as before, rooms as high as their charts, and what is wider than the column scrolls."""
    assert len(now) == len(before) > 0
    for old, new in zip(before, now, strict=True):
        assert new["height"] == pytest.approx(old["height"], abs=2)
        assert new["room"] == pytest.approx(old["height"], abs=2)
        assert new["width"] <= new["column"] + 1 or (new["scrolls"] and new["reached"])


def test_charts_keep_their_height_and_fit_their_column_after_every_resizing(figure):
    before = settled_charts(figure, 2)
    narrow = []
    for step, width in enumerate((1440, 1100, 800, 1500, 1100, 1440)):
        if step in (0, 4):
            figure.keyboard.press("Control+b")
        now = resized(figure, width, number=2)
        check_sizes(before, now)
        narrow.append([chart["width"] for chart in now if chart["width"] <= chart["column"] + 1])
        photograph(figure, f"2_resized_{step}_{width}")
    assert [len(fits) for fits in narrow] == [2, 2, 0, 2, 2, 2]  # 800 pixels with a sidebar are too few
    assert len({fits[1] for fits in narrow if fits}) > 3, "the second chart takes its column's width"
    assert settled_charts(figure) == before


def test_an_exported_chart_keeps_its_height_and_fits_its_page(figure, tmp_path):
    values = np.random.default_rng(0).normal(0, 1, 6)
    result = Result(values, {"head": tuple("abcdef")}, "effect", "nats", {"model": "pocket", "n": 9})
    figures.bars(result, title="Bars").save("bars", folder=tmp_path)
    page = figure.context.browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((tmp_path / "pocket" / "bars.html").as_uri())
    page.wait_for_selector(".js-plotly-plot .gtitle")
    before = settled_charts(page)
    for width in (800, 500, 1400, 1280):
        check_sizes(before, resized(page, width))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert settled_charts(page) == before
    assert sorted(tools_of(page)) == ["Download plot", "Reset axes", "Zoom"]
    page.close()


def test_no_chart_offers_to_upload_itself(figure):
    assert sorted(tools_of(figure)) == ["Download plot", "Reset axes", "Zoom"]


def unfold(page, summary):
    """Open one of the lab's tools, whether it is open or not."""
    tool = page.locator(".interp-lab details.tool", has=page.get_by_text(summary, exact=True))
    if not tool.evaluate("place => place.open"):
        tool.locator("summary").first.click()
    return tool


def fold_all(page):
    page.evaluate("document.querySelectorAll('.interp-lab details').forEach(d => { d.open = false; })")


def choose_preset(page, group):
    """Choose the last preset of a group; gives its heads as its label names them."""
    chooser = page.get_by_label("Switch off a group")
    option = chooser.locator(f"optgroup[label='{group}'] option").last
    chooser.select_option(value=option.get_attribute("value"))
    return option.text_content().rsplit(": ")[-1]


def test_a_preset_changes_the_ablated_pane_and_undo_restores_it(lab):
    reset(lab)
    before = outcome(lab)
    names = choose_preset(lab, "found here")
    wait_for_change(lab, before)
    after = outcome(lab)
    assert after[0] != before[0]
    assert lab.get_by_label("Heads that are off").input_value() == names
    photograph(lab, "5_preset")
    lab.get_by_role("button", name="Undo").click()
    wait_for_change(lab, after)
    assert outcome(lab) == before
    lab.get_by_role("button", name="Redo").click()
    wait_for_change(lab, before)
    assert outcome(lab) == after
    lab.locator(".interp-lab .grid button[tabindex='0']").focus()
    lab.keyboard.press("Control+z")
    wait_for_change(lab, after)
    assert outcome(lab) == before


def test_a_kept_state_stands_beside_the_one_on_screen(lab):
    reset(lab)
    tool = unfold(lab, "Compare two choices of heads")
    name = strongest(lab)
    tool.get_by_role("button", name="Keep this state as A").click()
    tool.get_by_text("A, kept").wait_for()
    lab.locator(f".interp-lab button[data-head={name}]").click()
    lab.wait_for_function(
        "name => [...document.querySelectorAll('.interp-lab table.wide td')].some(c => c.innerText === name)",
        arg=name,
    )
    cells = tool.locator("tr", has_text="heads off").locator("td").all_inner_texts()
    assert cells == ["none", name]
    tool.scroll_into_view_if_needed()
    photograph(lab, "6_compare")
    tool.get_by_role("button", name="Forget A").click()
    tool.get_by_text("Keep a state as A.").wait_for()
    fold_all(lab)


def test_the_ways_stand_side_by_side_and_follow_the_heads(lab):
    reset(lab)
    tool = unfold(lab, "Average, nothing, another sentence: side by side")
    tool.locator("table").wait_for()
    assert {row.split()[-1] for row in tool.locator("tbody tr").all_inner_texts()} == {"0.00"}
    lab.locator(f".interp-lab button[data-head={strongest(lab)}]").click()
    lab.wait_for_function(
        "() => ![...document.querySelectorAll('.interp-lab .tool[open] tbody tr')]"
        ".some(r => r.innerText.trim().endsWith(' 0.00') || r.innerText.trim().endsWith('\\t0.00'))"
    )
    fold_all(lab)


def test_many_sentences_are_measured_on_request_and_a_change_marks_them(lab):
    reset(lab)
    lab.locator(f".interp-lab button[data-head={strongest(lab)}]").click()
    tool = unfold(lab, "The same heads in many sentences")
    tool.get_by_role("button", name="Measure").click()
    tool.locator("svg.spread").wait_for()
    assert "60 sentences" in tool.locator(".told").inner_text()
    tool.scroll_into_view_if_needed()
    photograph(lab, "7_spread")
    reset(lab)
    lab.wait_for_selector(".interp-lab .errand.outdated svg.spread")
    fold_all(lab)


def test_the_students_own_pair_is_checked_and_can_be_put_in(lab):
    reset(lab)
    tool = unfold(lab, "A pair of sentences of your own")
    second = tool.get_by_label("Second sentence: the same number of tokens")
    second.fill("When Mary and John went to")
    tool.locator(".error:visible").wait_for()
    photograph(lab, "8_pair_refused")
    radio = lab.get_by_label("my second sentence")
    assert not radio.is_visible()
    second.fill("When Mary and John went to the store, Mary gave a drink to")
    tool.locator(".fits").wait_for()
    assert tool.locator(".fits").inner_text().endswith("1 different.")
    radio.wait_for()
    tool.scroll_into_view_if_needed()
    photograph(lab, "9_pair")
    second.fill("")
    tool.locator(".fits").wait_for(state="hidden")
    fold_all(lab)


def test_an_exercise_is_checked_by_the_model_and_a_state_is_saved_and_loaded(lab):
    reset(lab)
    tool = unfold(lab, "Exercises")
    card = tool.locator(".card").first
    lab.locator(f".interp-lab button[data-head={strongest(lab)}]").click()
    lab.wait_for_function("name => document.querySelector('.interp-lab .finding').innerText.includes(name)",
                          arg=strongest(lab))  # fmt: skip
    card.get_by_role("button", name="Check").click()
    card.locator(".told:not(:empty)").wait_for()
    lab.wait_for_function("/^(Right|Not yet)/.test(document.querySelector('.card .told').innerText)")
    tool.scroll_into_view_if_needed()
    photograph(lab, "10_exercises")
    saved = unfold(lab, "Save and load")
    text, after = saved.get_by_label("This state as JSON").input_value(), outcome(lab)
    reset(lab)
    saved.get_by_label("A saved state").fill(text)
    saved.get_by_role("button", name="Load").click()
    lab.wait_for_function(
        "after => document.querySelector('.interp-lab .finding').innerText === after", arg=after[1]
    )
    saved.get_by_label("A saved state").fill("nonsense")
    saved.get_by_role("button", name="Load").click()
    saved.locator(".error:visible").wait_for()
    assert outcome(lab) == after
    fold_all(lab)
