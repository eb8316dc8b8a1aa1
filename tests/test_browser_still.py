"""A notebook with a widget whose kernel is gone, reopened in JupyterLab, trusted and not: nothing blank."""

import pytest
from notebook_screen import chromium_path, photograph

from interp.slides import still

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no Chromium: install one or set INTERP_CHROMIUM"),
]

LAB = """from fake_bench import FakeBench
from interp import widgets
widgets.AblationLab(FakeBench())"""
SERVER = """const {baseUrl, token} = JSON.parse(document.getElementById('jupyter-config-data').textContent);
const asked = {headers: {Authorization: `token ${token}`}};
const file = decodeURIComponent(location.pathname).split('/').pop();"""
END_KERNEL = f"""async () => {{ {SERVER}
  const sessions = await (await fetch(`${{baseUrl}}api/sessions`, asked)).json();
  for (const {{path, id}} of sessions)
    if (path === file) await fetch(`${{baseUrl}}api/sessions/${{id}}`, {{...asked, method: 'DELETE'}});
}}"""
COPY_UNTRUSTED = f"""async () => {{ {SERVER}
  const whole = await (await fetch(`${{baseUrl}}api/contents/${{file}}`, asked)).json();
  const [cell] = whole.content.cells;
  cell.source += ' # from somebody else';
  delete cell.metadata.trusted;
  const body = JSON.stringify({{type: 'notebook', format: 'json', content: whole.content}});
  const put = await fetch(`${{baseUrl}}api/contents/other_${{file}}`, {{...asked, method: 'PUT', body}});
  return put.ok;
}}"""
VISIBLE = """() => [...document.querySelectorAll('.jp-OutputArea-child')]
  .filter(one => getComputedStyle(one).display !== 'none').map(one => one.innerText)"""


@pytest.fixture(scope="module")
def page(screen):
    """A notebook with a live Lab, saved."""
    page = screen("still", LAB)
    page.wait_for_selector(".interp-lab button.head")
    page.wait_for_selector(".interp-still", state="attached")
    page.keyboard.press("Control+s")
    page.wait_for_selector(".jp-Notebook")
    page.wait_for_function(f"""async () => {{ {SERVER}
      const whole = await (await fetch(`${{baseUrl}}api/contents/${{file}}`, asked)).json();
      return whole.content?.cells?.[0].outputs?.length === 2; }}""")
    return page


def check_twin(page):
    """The picture is there with its words and its numbers, and how to wake the widget. JupyterLab may open
    the notebook before again, in a tab behind.
    """
    twin = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .interp-still")
    twin.wait_for()
    assert still.WAKE in twin.inner_text()
    picture = twin.locator("img")
    assert picture.evaluate("one => one.complete && one.naturalWidth") > 1000
    assert picture.get_attribute("alt").startswith(
        "Bar chart: Every head is on: “Mary” is 13 times as likely"
    )
    assert twin.locator("td").count() > 3


def test_beside_a_live_widget_its_still_picture_is_hidden(page):
    assert not page.locator(".interp-still").is_visible()
    assert page.locator(".interp-lab").count() == 1


def test_reopened_without_its_kernel_the_picture_stands_in_for_the_widget(page):
    page.evaluate(END_KERNEL)
    page.reload()
    check_twin(page)
    page.wait_for_function(f"!({VISIBLE})().some(text => text.includes('Loading widget'))")
    assert not [text for text in page.evaluate(VISIBLE) if "model not found" in text]
    photograph(page, "1_reopened")


def test_in_a_notebook_that_is_not_trusted_too(page):
    assert page.evaluate(COPY_UNTRUSTED)
    name = page.url.split("?")[0].rsplit("/", 1)[1]
    page.goto(page.url.replace(name, f"other_{name}"))
    check_twin(page)
    assert page.locator(".interp-lab script, .interp-still script").count() == 0
    assert not [text for text in page.evaluate(VISIBLE) if "model not found" in text]
    photograph(page, "2_untrusted")
