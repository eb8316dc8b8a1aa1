"""Static site of executed notebooks: one page each, and an index with the claims and the figures.

Nothing here analyses a model; numbers come from the notebooks' figures and from claims.json. Pages open from
disk: no script, font or style is fetched from anywhere.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from interp import claims

LIVE = ("application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json")
LIVE_ONLY = "<p class='note'>This control works in the live notebook: <code>make lab</code>.</p>"
ABOUT_THE_MODEL = (
    "A popular article says what single parts of GPT-2 do. These pages test it: every measured number, "
    "picture and verdict was computed on the model named above and is about that model only. "
    "<em>pocket</em> is a small model with GPT-2's architecture, which we trained on a made-up world."
)
ABOUT_WORD_VECTORS = (
    "The article begins with word vectors, which are older than GPT-2 and not part of it. These results are"
    " about the table of word vectors named above, whichever model the other notebooks ran on."
)
ABOUT_TRAININGS = (
    "These results are about small models that we trained on made-up texts, in seconds or minutes, to watch"
    " learning itself: not about GPT-2, and not about the model that the other notebooks ran on."
)
TWINS = {"pocket": "pocket-taught", "pocket-taught": "pocket"}
ABOUT_THE_TWINS = (
    "<em>pocket</em> grew from text alone; <em>pocket-taught</em> was taught on purpose to work the article's"
    " way, so verdicts on it are about our instruments: <em>as taught</em> or <em>instrument failed</em>."
)
DESCRIPTION = re.compile(r"<(?:dc:description|desc)\b[^>]*>(.*?)</", re.DOTALL)

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
p, li { max-width: 75ch; }
pre { background: #f5f5f5; padding: .6rem; white-space: pre-wrap; font: 14px/1.4 ui-monospace, monospace; }
img, svg { max-width: 100%; height: auto; }
figure { margin: 1rem 0; }
figcaption, .note { color: #4d4d4d; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: left; vertical-align: top; }
.prompt, .anchor-link { display: none; }
a { color: #004e8c; }
"""


@dataclass(frozen=True)
class Page:
    """One notebook: file name without suffix, heading, seconds if it ran, what went wrong if anything."""

    name: str
    heading: str
    seconds: float | None = None
    error: str | None = None


def page(executed: NotebookNode) -> str:
    """An executed notebook as one self-contained HTML page that keeps alt text and fetches nothing."""
    from nbconvert import HTMLExporter  # a second to import, needed only here

    exporter = HTMLExporter(template_name="basic", embed_images=True, mathjax_url="", require_js_url="")
    body, _ = exporter.from_notebook_node(_static(executed))
    title = next((cell.source for cell in executed.cells if cell.source.startswith("# ")), "# Notebook")
    return document(title.splitlines()[0].removeprefix("# "), body)


def _static(executed: NotebookNode) -> NotebookNode:
    """A copy with static twins for live displays and with links between notebooks that lead to pages."""
    still = deepcopy(executed)
    for cell in still.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\((\d\d_\w+)\.ipynb\)", r"](\1.html)", cell.source)
        if cell.cell_type == "code":
            cell.outputs = [_still(output) for output in cell.outputs if not _only_alive(output)]
    return still


def _only_alive(output: NotebookNode) -> bool:
    """Whether nothing of an output is left without its process, as with a progress bar."""
    kinds = set(output.get("data", ()))
    return bool(kinds & set(LIVE)) and "text/html" not in kinds and "image/png" not in kinds


def _still(output: NotebookNode) -> NotebookNode:
    """The output without its live form; a control keeps its picture and says where it works."""
    data = output.get("data")
    if not data:
        return output
    still = {kind: value for kind, value in data.items() if kind not in LIVE}
    if LIVE[0] in data:
        still["text/html"] += LIVE_ONLY
    return NotebookNode({**output, "data": NotebookNode(still)})


def index(
    folder: Path,
    model: str,
    pages: Sequence[Page],
    figures: Sequence[str],
    missing: Sequence[str] = (),
    beside: Sequence[Path] = (),
) -> str:
    """The entrance to `folder`: its claims, the notebooks' pages, and those of `figures` that are there.

    `missing` names figures that were promised and not made; `beside` are folders of results about something
    else, whose claims stand apart.
    """
    parts = [f"<h1>Inside GPT-2: what {html.escape(model)} shows</h1>", f"<p>{ABOUT_THE_MODEL}</p>"]
    parts.append("<h2>Claims and verdicts</h2>")
    parts += [claims_table(folder), *_twin(folder), *(_beside(other, model) for other in beside)]
    parts += ["<h2>Notebooks</h2>", _notebook_list(folder, pages)]
    if missing:
        parts.append(f"<p><strong>Not made:</strong> {html.escape(', '.join(missing))}.</p>")
    return document(f"Inside GPT-2: {model}", "\n".join([*parts, *_figures(folder, figures)]))


def shelf(folder: Path, figures: Sequence[str]) -> str:
    """The entrance to a folder of results that are not about the model: claims, and figures there."""
    kind, about, name = *_kind(folder), html.escape(folder.name)
    parts = [f"<h1>What the {kind.lower()} {name} show</h1>", f"<p>{about}</p>"]
    parts += ["<h2>Claims and verdicts</h2>", claims_table(folder)]
    return document(f"{kind}: {folder.name}", "\n".join([*parts, *_figures(folder, figures)]))


def _twin(folder: Path) -> list[str]:
    """On the page of one embedded model, what the other shows: one behaviour, two mechanisms."""
    other = folder.parent / TWINS.get(folder.name, "")
    if folder.name not in TWINS or not (other / "claims.json").is_file():
        return []
    there = (other / "index.html").is_file()
    page = f" <a href='../{other.name}/index.html'>Its own page</a> shows the figures." if there else ""
    return [f"<h2>Its twin: {other.name}</h2><p>{ABOUT_THE_TWINS}{page}</p>{claims_table(other)}"]


def _beside(folder: Path, model: str) -> str:
    """The claims of a folder of results that are not about the model, under a heading that says so."""
    kind, about, name = *_kind(folder), html.escape(folder.name)
    return (
        f"<h2>{kind}: about {name}, not about {html.escape(model)}</h2><p>{about}"
        f" <a href='../{name}/index.html'>Their own page</a> shows the figures.</p>{claims_table(folder)}"
    )


def _kind(folder: Path) -> tuple[str, str]:
    if folder.name.startswith("trained-"):
        return "Models of our own making", ABOUT_TRAININGS
    return "Word vectors", ABOUT_WORD_VECTORS


def _figures(folder: Path, names: Sequence[str]) -> list[str]:
    there = [name for name in names if (folder / f"{name}.svg").is_file()]
    return ["<h2>Figures</h2>", *(_figure(folder, name) for name in there)]


def claims_table(folder: Path) -> str:
    """The claims saved in `folder` as an HTML table, or a sentence saying that there are none."""
    path = folder / "claims.json"
    if not path.is_file():
        return "<p>No claim has been tested here yet.</p>"
    saved = json.loads(path.read_text(encoding="utf-8"))
    return claims.table(_claim(fields, saved["model"]) for fields in saved["claims"])


def _claim(fields: Mapping[str, Any], model: str) -> claims.Claim:
    interval = tuple(fields["interval"]) if fields["interval"] else None
    return claims.Claim(**{**fields, "interval": interval, "model": model})


def _notebook_list(folder: Path, pages: Sequence[Page]) -> str:
    return f"<ul>{''.join(f'<li>{_notebook(folder, one)}</li>' for one in pages)}</ul>"


def _notebook(folder: Path, one: Page) -> str:
    """One entry: a link when there is a page, and what this run did."""
    title = html.escape(one.heading)
    if one.error:
        return f"{title}: {html.escape(one.error)}"
    if (folder / f"{one.name}.html").is_file():
        title = f"<a href='{one.name}.html'>{title}</a>"
    return f"{title} ({one.seconds:.0f} s)" if one.seconds is not None else f"{title} (not in this run)"


def _figure(folder: Path, name: str) -> str:
    """One figure with the alt text that stands in its SVG, and links to its other forms."""
    found = DESCRIPTION.search((folder / f"{name}.svg").read_text(encoding="utf-8"))
    alt = html.escape(html.unescape(found.group(1).strip())) if found else name
    forms = [end for end in ("png", "svg", "pdf", "html", "csv") if (folder / f"{name}.{end}").is_file()]
    links = " · ".join(f"<a href='{name}.{end}'>{end.upper()}</a>" for end in forms)
    return f"<figure><img src='{name}.svg' alt='{alt}'><figcaption>{name}: {links}</figcaption></figure>"


def document(title: str, body: str) -> str:
    """A whole HTML page around `body`."""
    head = f"<meta charset='utf-8'><title>{html.escape(title)}</title>"
    view = "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    style = f"<style>{STYLE}</style>"
    return (
        f"<!doctype html>\n<html lang='en'><head>{head}{view}{style}</head>\n<body>\n{body}\n</body></html>\n"
    )
