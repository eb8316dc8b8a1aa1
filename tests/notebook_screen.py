"""A real JupyterLab on this computer only, for tests that look at the screen."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90
SCREEN_PATIENCE = 30_000
CHROMIUM_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
HIDDEN_FROM_READERS = ["--hide-scrollbars"]  # Playwright's own: readers have scroll bars, which take room
CHARTS = """() => [...document.querySelectorAll('.js-plotly-plot')].filter(
  chart => chart.closest('.jp-OutputArea-child, figure')  // one that is being put in place has none yet
).map(chart => {
  const drawn = chart.querySelector('.main-svg').getBoundingClientRect();
  const column = chart.closest('.jp-OutputArea-child, figure'), edge = column.getBoundingClientRect();
  const reach = drawn.right - edge.left + column.scrollLeft;
  return {height: drawn.height, room: chart.getBoundingClientRect().height, width: drawn.width,
    column: edge.right - drawn.left - column.scrollLeft,
    scrolls: getComputedStyle(column).overflowX === 'auto', reached: reach <= column.scrollWidth + 1};
})"""


def chromium_path():
    """The browser the tests may use: $INTERP_CHROMIUM, or the one on the path; None without one."""
    named = os.environ.get("INTERP_CHROMIUM")
    return named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


def write_notebook(path, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


@contextmanager
def jupyter_lab(folder):
    """Run JupyterLab on a folder; yields a function from a notebook's name to its address. Stops it at the
    end.
    """
    port, token = _free_port(), secrets.token_hex(16)
    with (Path(folder) / "server.log").open("w") as log:
        server = subprocess.Popen(
            _command(folder, port, token), env=_environment(folder), stdout=log, stderr=log
        )
        try:
            _wait(server, f"http://127.0.0.1:{port}/api/status?token={token}", Path(folder) / "server.log")
            yield (
                lambda name: (
                    f"http://127.0.0.1:{port}/lab/workspaces/{name.split('.')[0]}/tree/{name}?token={token}"
                )
            )
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()


def _command(folder, port, token):
    return [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip


def _environment(folder):
    settings = Path(folder) / "settings"
    news = settings / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True, exist_ok=True)
    quiet = json.dumps({"fetchNews": "false", "checkForUpdates": False})
    (news / "notification.jupyterlab-settings").write_text(quiet)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return {
        **os.environ,
        "PYTHONPATH": paths,
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTER_CONFIG_DIR": str(Path(folder) / "config"),
        "JUPYTER_RUNTIME_DIR": str(Path(folder) / "runtime"),
        "HF_HUB_OFFLINE": "1",
    }


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait(server, address, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab stopped at once:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start within {PATIENCE} seconds:\n{log.read_text()[-2000:]}")


@contextmanager
def opened_browser(playwright_api):
    """Chromium; Playwright allows one in a process."""
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=CHROMIUM_SWITCHES, ignore_default_args=HIDDEN_FROM_READERS
        )
        yield browser
        browser.close()


@contextmanager
def opened_screen(folder, browser):
    """A browser on JupyterLab; yields a function that opens a notebook, runs its only cell and gives its
    page.
    """
    with jupyter_lab(folder) as address:
        context = browser.new_context()  # one for all pages: JupyterLab itself is loaded once

        def opened(name, code, size=(1440, 1080), theme="light"):
            write_notebook(folder / f"{name}.ipynb", code)
            _choose_theme(folder, theme)
            page = context.new_page()
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.set_default_timeout(SCREEN_PATIENCE)
            page.outside, page.kind = [], name
            page.on("request", lambda request: _note_outside(page, request.url))
            page.goto(address(f"{name}.ipynb"))
            page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content")
            page.get_by_text("Kernel status: Idle").first.wait_for(state="attached")
            page.keyboard.press("Control+b")
            run_first_cell(page)
            return page

        yield opened


def close(page):
    """Close a notebook's page and end its kernel, without waiting for it."""
    page.evaluate("""async () => {
      const {baseUrl, token} = JSON.parse(document.getElementById('jupyter-config-data').textContent);
      const asked = {headers: {Authorization: `token ${token}`}, keepalive: true};
      const sessions = await (await fetch(`${baseUrl}api/sessions`, asked)).json();
      const name = decodeURIComponent(location.pathname).split('/').pop();
      for (const {path, id} of sessions)
        if (path === name) fetch(`${baseUrl}api/sessions/${id}`, {...asked, method: 'DELETE'});
    }""")
    page.close()


def _choose_theme(folder, theme):
    place = Path(folder) / "settings" / "@jupyterlab" / "apputils-extension"
    chosen = {"theme": "JupyterLab Dark" if theme == "dark" else "JupyterLab Light"}
    (place / "themes.jupyterlab-settings").write_text(json.dumps(chosen))


def run_first_cell(page):
    """Run the cell; once more if JupyterLab, still starting, did not hear it or asked something."""
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt").first
    for _ in range(5):
        if page.locator(".jp-Dialog").count():
            page.keyboard.press("Escape")
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


def resized(page, width, height=900, number=None):
    """The charts as they stand after the window has got this width, as `CHARTS` measures them, in pixels."""
    page.set_viewport_size({"width": width, "height": height})
    return settled_charts(page, number)


def settled_charts(page, number=None):
    """The charts once two looks, a redraw apart, say the same; with `number`, once there are so many."""
    before = None
    for _ in range(20):
        page.wait_for_timeout(400)
        before, now = page.evaluate(CHARTS), before
        if now and before == now and number in (None, len(now)):
            return now
    raise AssertionError("the charts did not come to rest")


def tools_of(page):
    """What the buttons of the charts' tool bars say."""
    return page.eval_on_selector_all(
        ".js-plotly-plot .modebar-btn", "all => [...new Set(all.map(one => one.getAttribute('data-title')))]"
    )


def photograph(page, name):
    folder = os.environ.get("INTERP_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{page.kind}_{name}.png")
