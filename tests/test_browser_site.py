"""The pages opened from disk in Chromium: no host is asked, heads are switched off, odd input is told."""

import re
import shutil

import nbformat
import pytest
from notebook_screen import ROOT, chromium_path, photograph

from interp import execution, models, report, site
from interp.benches import attention_view, explorer, lab
from interp.sites import Head
from interp.studies.heads.one_sentence import leads
from interp.widgets import AblationLab, AttentionViewer, LensExplorer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]
NAMES = ("pocket", "pocket-taught")
LOCAL = ("file:", "blob:", "data:")
PATIENCE = 20_000
AWAKE = {"index": 1, "00_start_here": 3, "teacher": 0, "lesson_00_start_here": 0}  # living figures of a page


def notebook_of(*shown):
    """An executed notebook whose outputs are these widgets."""
    outputs = [widget._repr_mimebundle_() for widget in shown]
    data = [bundle[0] if isinstance(bundle, tuple) else bundle for bundle in outputs]
    cells = [
        nbformat.v4.new_code_cell("show", outputs=[nbformat.v4.new_output("display_data", data=one)])
        for one in data
    ]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A page"), *cells])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What `make reproduce` leaves for pocket and its twin, but for the large pictures."""
    figures = tmp_path_factory.mktemp("pages") / "figures"
    shutil.copytree(ROOT / "figures", figures)
    paths = execution.notebooks(ROOT / "notebooks")
    names = [name for path in paths for name in execution.promised_figures(path)]
    listed = [report.Page(path.stem, execution.heading(path)) for path in paths]
    beside = [one for one in figures.iterdir() if one.is_dir() and one.name not in NAMES]
    for name in reversed(NAMES):
        home = figures / name
        site.write(name, home)
        (home / "index.html").write_text(report.index(home, name, listed, names, beside=beside))
    model, home = models.load("pocket"), figures / "pocket"
    widgets = (
        AblationLab(lab.bench(model)),
        LensExplorer(explorer.bench(model)),
        AttentionViewer(attention_view.bench(model)),
    )
    (home / "00_start_here.html").write_text(report.page(notebook_of(*widgets), report.packs_of(home)))
    lesson = report.lesson(home, paths[0].stem, nbformat.read(paths[0], as_version=4), "pocket")
    (home / report.lesson_of(paths[0].stem)).write_text(lesson)
    (home / report.TEACHER).write_text(report.teacher(home, "pocket", listed))
    return home


@pytest.fixture
def screen(browser):
    """A function that opens a page from disk; at the end no host may have been asked, nothing gone wrong."""
    pages, asked, wrong = [], [], []

    def opened(path, *, width=1280, height=800, awake=1, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.goto(path.as_uri())
        page.kind = path.stem
        pages.append(page)
        if awake:
            for place in page.locator(".living").all()[:awake]:
                place.scroll_into_view_if_needed()
            page.wait_for_function(
                "n => document.querySelectorAll('[data-answered]').length >= n", arg=awake, timeout=PATIENCE
            )
        return page

    yield opened
    for page in pages:
        page.close()
    assert [url for url in asked if not url.startswith(LOCAL)] == []
    assert wrong == []


def finding(page):
    return page.locator("[data-answered] .finding").first.inner_text()


def after(page, act):
    """What is found after an act, once the model has answered."""
    count = "document.querySelector('.living [data-answered]').dataset.answered"
    before = page.evaluate(count)
    act()
    page.wait_for_function(f"before => {count} !== before", arg=before, timeout=PATIENCE)
    return finding(page)


def costliest(count):
    """The heads whose loss costs the article's sentence most, each alone, and the lead without all."""
    model = models.load("pocket")
    state = lab.examples(model)[0][1]
    every = [Head(a, b) for a in range(model.cfg.n_layers) for b in range(model.cfg.n_heads)]
    alone = list(leads(model, state, [[head] for head in every]))
    chosen = [head for _, head in sorted(zip(alone, every, strict=True))[:count]]
    return [str(head) for head in chosen], next(leads(model, state, [chosen]))


@pytest.mark.parametrize("name", ["index", "00_start_here"])
def test_a_click_on_three_heads_makes_mary_john_and_no_host_is_asked(screen, folder, name):
    page = screen(folder / f"{name}.html")
    assert finding(page).startswith("Every head is on: “Mary” is ")
    heads, lead = costliest(3)
    assert lead < -0.5
    for head in heads:
        told = after(page, page.locator(f".living button[data-head={head}]").first.click)
    assert re.match(r"Without .* the model changes its mind: now “John” is [\d.]+ times as likely", told), (
        told
    )
    photograph(page, "flipped")
    assert after(page, page.get_by_role("button", name="All heads on").first.click).startswith("Every head")


def test_the_keyboard_alone_switches_a_head_off_and_undoes_it(screen, folder):
    page = screen(folder / "index.html")
    page.locator(".living button.head").first.focus()
    for key in ["ArrowDown"] * 4 + ["ArrowRight"] * 2:
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.head") == "L4H2"
    assert after(page, lambda: page.keyboard.press("Space")).startswith("Without L4H2")
    assert after(page, lambda: page.keyboard.press("Control+z")).startswith("Every head is on")


def test_each_notebook_view_wakes_and_answers(screen, folder):
    page = screen(folder / "00_start_here.html", awake=3)
    views = page.eval_on_selector_all(".living[data-alive]", "all => all.map(one => one.dataset.view)")
    assert views == ["lab", "lens", "attention"]
    lens, attention = (page.locator(f".living[data-view={view}]") for view in views[1:])
    assert re.match(
        r"“Warsaw” (stays first from layer \d|ends at rank \d+)",
        lens.locator("[data-answered] .finding").inner_text(),
    )
    assert lens.locator("[data-answered] table.still tbody tr").count() == models.load("pocket").cfg.n_layers
    assert attention.locator("table.looks td.look").count() == 14 * 15 // 2
    told = page.locator(".living .where").all_inner_texts()
    assert len(told) == 3
    assert all("runs in this page, in your browser. What you type never leaves it" in text for text in told)


def test_the_twin_answers_too(screen, folder):
    page = screen(folder / "index.html")
    page.locator(".living .choose select").first.select_option("pocket-taught")
    page.wait_for_selector(".living[data-alive=pocket-taught]", timeout=PATIENCE)
    assert "pocket-taught" in page.locator(".living .where").first.inner_text()


def test_a_threshold_can_be_moved(screen, folder):
    page = screen(folder / "index.html")
    claim = page.locator("#C8")
    claim.locator("summary").first.click()
    slider = claim.locator("input[type=range]").first
    slider.focus()
    assert "the number reaches it" in claim.locator(".threshold p").first.inner_text()
    page.keyboard.press("End")
    assert "the number misses it" in claim.locator(".threshold p").first.inner_text()


def test_odd_sentences_are_shown_as_the_model_reads_them_and_never_run(screen, folder):
    page = screen(folder / "index.html")
    sentence = page.locator(".living textarea").first
    told = after(
        page, lambda: sentence.fill("<img src=x onerror=alert(1)> Zebulon gave Mary and John a drink to")
    )
    assert told.startswith("Measured all the same:")
    assert "never saw these words in training" in page.locator(".living .caution").first.inner_text()
    assert page.locator(".living img:visible").count() == 0
    assert page.locator(".living .read.unseen").count() > 3
    good = finding(page)
    error = page.locator(".living .error:visible")
    for text, sentence_told in (
        ("", "The prompt is empty: write the beginning of a sentence, up to the word to be guessed."),
        ("the " * 200, "The prompt has 200 tokens, but the model reads at most 96. Make it shorter by 104."),
    ):
        sentence.fill(text)
        error.filter(has_text=sentence_told[:20]).wait_for(timeout=PATIENCE)
        assert error.inner_text().startswith(sentence_told[:20])
        assert finding(page) == good


@pytest.mark.parametrize("harm", ["another pack", "no pack", "no workers"])
def test_a_model_that_cannot_wake_says_why_and_the_picture_stays(screen, folder, tmp_path, harm):
    there = tmp_path / "pocket"
    shutil.copytree(folder, there)
    pack = there / "pocket.model.js"
    if harm == "another pack":
        pack.write_text(pack.read_text().replace("Mary", "Mari", 1))
    elif harm == "no pack":
        pack.unlink()
    else:
        (there / "living.js").write_text("delete globalThis.Worker;\n" + (there / "living.js").read_text())
    page = screen(there / "index.html", awake=0)
    told = page.locator(".living .asleep")
    told.wait_for(timeout=PATIENCE)
    assert {
        "another pack": "is not the one it was written with (its SHA-256 differs)",
        "no pack": "pocket.model.js is not beside this page",
        "no workers": "This browser lacks Worker, which the model needs",
    }[harm] in told.inner_text()
    assert page.locator(".living > img").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", list(AWAKE))
def test_axe_finds_nothing_serious(screen, folder, name, scheme):
    sync = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page = screen(folder / f"{name}.html", scheme=scheme, awake=AWAKE[name])
    page.eval_on_selector_all("main details", "all => all.forEach(one => { one.open = true; })")
    page.wait_for_timeout(500)
    found = sync.Axe().run(page).response["violations"]
    serious = {
        one["id"]: [node["html"][:120] for node in one["nodes"]][:3]
        for one in found
        if one["impact"] in ("serious", "critical")
    }
    assert serious == {}


@pytest.mark.parametrize("name", list(AWAKE))
def test_nothing_runs_off_a_phone(screen, folder, name):
    page = screen(folder / f"{name}.html", width=360, height=740, awake=AWAKE[name])
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    photograph(page, "phone")
