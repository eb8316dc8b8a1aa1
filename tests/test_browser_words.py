"""A reader's own sentences in real JupyterLab: what the model never saw, names that are not there, the token
asked.
"""

import pytest
from notebook_screen import ROOT, chromium_path, photograph
from test_browser import POCKET as LAB
from test_browser_lens import POCKET as LENS

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
    pytest.mark.skipif(
        not (ROOT / "interp" / "pocket" / "model.safetensors").is_file(), reason="pocket has no weights here"
    ),
]


def opened(screen, name, code, place):
    page = screen(name, code)
    page.wait_for_selector(f"{place} .finding")
    page.evaluate("place => document.querySelector(place).scrollIntoView({block: 'start'})", place)
    return page


@pytest.fixture(scope="module")
def lab(screen):
    return opened(screen, "own_lab", LAB, ".interp-lab")


@pytest.fixture(scope="module")
def lens(screen):
    return opened(screen, "own_lens", LENS, ".interp-lens")


def typed(page, label, text, told):
    """The cautions on screen once they say this, after a text was typed."""
    page.get_by_label(label).fill(text)
    page.wait_for_function(
        "told => [...document.querySelectorAll('.caution p')].some(p => p.innerText.includes(told))", arg=told
    )
    return page.locator(".caution p").all_inner_texts()


def weight(page):
    return int(
        page.locator(".interp-widget .finding").evaluate("place => getComputedStyle(place).fontWeight")
    )


def is_above(page, upper, lower):
    tops = [page.locator(place).first.bounding_box()["y"] for place in (upper, lower)]
    return tops[0] < tops[1]


def test_names_that_are_not_in_the_sentence_are_said_before_any_finding(lab):
    sentence = "Sentence: the model guesses the next word"
    assert (weight(lab), lab.locator(".caution").count()) == (650, 0)
    told = typed(lab, sentence, "When Amy and Tom went to the store, Tom gave a drink to", "not in your")
    assert len(told) == 1
    assert told[0].startswith("Mary and John are not in your sentence; the model gives the two together ")
    assert told[0].endswith(" Choose names from it: Amy, Tom.")
    assert lab.locator(".finding").inner_text().startswith("Measured all the same: Every head is on: ")
    assert weight(lab) == 400
    assert is_above(lab, ".caution", ".finding")
    photograph(lab, "1_names")
    lab.get_by_label("● It should say").fill("Amy")
    lab.get_by_label("◆ rather than").fill("Tom")
    lab.locator(".caution").wait_for(state="detached")
    assert weight(lab) == 650


@pytest.mark.parametrize(
    ("name", "sentence", "told"),
    [
        ("2_wakanda", "The capital of Wakanda is", "“·Wakanda” (·W|ak|an|da)"),
        ("3_emoji", "When Mary 😀 and John met, John saw", "“·😀” (5 pieces)"),
        ("4_french", "Marie et Jean sont au magasin", "“Marie” (Mar|i|e)"),
        ("5_chinese", "玛丽和约翰去商店", "“玛丽和约翰去商店” (24 pieces)"),
        ("6_markup", "Mary saw <img src=x onerror=alert(1)>", "“·<” (·|<)"),
    ],
)
def test_what_pocket_never_saw_is_said_first_with_its_pieces(lab, name, sentence, told):
    (first, *_) = typed(lab, "Sentence: the model guesses the next word", sentence, told)
    assert first.startswith("pocket never saw ")
    assert weight(lab) == 400
    assert lab.locator(".interp-lab .read.unseen").count() > 0
    assert lab.locator(".interp-lab img").count() == 0
    photograph(lab, name)


def test_the_token_asked_is_shown_and_the_other_reading_is_one_click_away(lab):
    lab.get_by_label("Sentence: the model guesses the next word").fill("Mary met John. Then John met")
    answer = lab.get_by_label("● It should say")
    said = lab.locator(f"#{answer.get_attribute('id')}-said")
    answer.fill("Mary")
    said.get_by_text("·Mary", exact=True).wait_for()
    said.get_by_role("button", name="without space").click()
    said.get_by_role("button", name="with a space").wait_for()
    assert (answer.input_value(), said.locator("b").inner_text()) == ('"Mary"', "Mary")
    answer.fill("\\n")
    said.get_by_text("↵", exact=True).wait_for()
    answer.fill("ing")
    lab.locator(".error", has_text="'ing' is one: write \"ing\", in quotes.").wait_for()
    assert said.inner_text() == ""
    photograph(lab, "7_asked")
    answer.fill('"ing"')
    said.get_by_text("ing", exact=True).wait_for()


def test_the_lens_says_what_it_follows_and_what_pocket_never_saw(lens):
    photograph(lens, "1_before")
    told = typed(lens, "Prompt: what would each layer say next?", "The capital of Wakanda is", "Wakanda")
    assert told == [
        "pocket never saw this word in training: “·Wakanda” (·W|ak|an|da). What follows is not about it."
    ]
    assert weight(lens) == 400
    assert is_above(lens, ".caution", ".finding")
    assert lens.locator(".said b").inner_text() == "·Warsaw"
    photograph(lens, "2_wakanda")


def test_nothing_is_fetched_from_outside(lab, lens):
    assert lab.outside + lens.outside == []
