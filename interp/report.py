"""Static site of executed notebooks: one page each, and an index with the story, verdicts and figures.

Nothing here analyses a model; numbers come from the notebooks' figures and from claims.json. Pages open from
disk: nothing is fetched from any host, and figures marked as living are answered by the model in the page.
"""

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup
from nbformat import NotebookNode

from interp import languages, site
from interp.languages import message, say
from interp.site import rendering, story, teaching, verdicts

LIVE = ("application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json")
LIVE_ONLY = message("This control works in the live notebook:")
ALIVE = {
    "interp-lab": "lab",
    "interp-lens": "lens",
    "interp-attention": "attention",
}  # a widget's class: view
ABOUT_THE_MODEL = message(
    "Every measured number, picture and verdict was computed on the model it names, and is about that model "
    "only. Pocket is a small model with GPT-2's architecture, which we trained on a made-up world. It is not "
    "GPT-2."
)
ABOUT_WORD_VECTORS = message(
    "The article begins with word vectors, which are older than GPT-2 and not part of it. These results are"
    " about the table of word vectors named above, whichever model the other notebooks ran on."
)
ABOUT_TRAININGS = message(
    "These results are about small models that we trained on made-up texts, in seconds or minutes, to watch"
    " learning itself: not about GPT-2, and not about the model that the other notebooks ran on."
)
TWINS = {"pocket": "pocket-taught", "pocket-taught": "pocket"}
GROWN = "pocket-bigger"  # what pocket never read was measured on it
ABOUT_THE_TWINS = message(
    "Pocket grew from text alone; pocket-taught was taught on purpose to work the article's way, so verdicts"
    " on it are about our instruments: as taught, or instrument failed."
)
DESCRIPTION = re.compile(r"<(?:dc:description|desc)\b[^>]*>(.*?)</", re.DOTALL)
EMBEDDED = re.compile(r'<img\b[^>]*\bsrc="(data:image/png;base64,[^"]*)"[^>]*>')
FORMS = ("png", "svg", "pdf", "html", "csv")
SHEET, TEACHER = "00_network", "teacher.html"
STILL = "00_untouched"  # what stands where the model in the page is asleep


@dataclass(frozen=True)
class Page:
    """One notebook: file name without suffix, heading, seconds if it ran, what went wrong if anything."""

    name: str
    heading: str
    seconds: float | None = None
    error: str | None = None


# A notebook's page


def page(
    executed: NotebookNode,
    packs: Sequence[site.Beside] = (),
    drawn: Mapping[str, str] | None = None,
    language: str = languages.ENGLISH,
) -> str:
    """An executed notebook as one HTML page that keeps alt text and fetches nothing.

    With `packs`, the labs and viewers in it come alive on the first of those models. Pictures that lie beside
    the page, by alt text in `drawn`, are not put into it once more. `language` is that of its prose.
    """
    from nbconvert import HTMLExporter  # a second to import, needed only here

    exporter = HTMLExporter(template_name="basic", embed_images=True, mathjax_url="", require_js_url="")
    body, _ = exporter.from_notebook_node(_static(executed, packs))
    body = EMBEDDED.sub(lambda found: _beside(found, drawn or {}), body)
    title = next((cell.source for cell in executed.cells if cell.source.startswith("# ")), "# Notebook")
    heading = title.splitlines()[0].removeprefix("# ")
    return site.render("base.html", heading, alive=bool(packs), body=body, language=language)


def pictures_of(folder: Path, shelves: Iterable[Path]) -> dict[str, str]:
    """The pictures that lie beside a page in `folder`, or on these shelves next to it: alt text -> file."""
    found = {}
    for shelf in shelves:
        at = "" if shelf == folder else f"../{shelf.name}/"
        for drawn in sorted(shelf.glob("*.png")):
            picture = _picture(shelf, drawn.stem, at)
            if picture:
                found[picture["alt"]] = f"{picture['file']}.png"
    return found


def _beside(found: re.Match[str], drawn: Mapping[str, str]) -> str:
    """An embedded picture, or the one that lies beside the page with the same alt text."""
    alt = re.search(r"""\balt=(["'])(.*?)\1""", found[0], re.DOTALL)
    file = drawn.get(html.unescape(alt[2])) if alt else None
    return found[0].replace(found[1], html.escape(file)) if file else found[0]


def packs_of(folder: Path) -> list[site.Beside]:
    """The models that pages in this folder can wake: its own, and its twin's. None without its own."""
    own, twin = site.packs_in(folder), folder.parent / TWINS.get(folder.name, folder.name)
    return [*own, *(site.packs_in(twin, at=f"../{twin.name}/") if own and twin != folder else ())]


def _static(executed: NotebookNode, packs: Sequence[site.Beside]) -> NotebookNode:
    """A copy with static twins for live displays, without guesses, which no page can keep, and with links
    between notebooks that lead to pages.
    """
    still = deepcopy(executed)
    still.cells = [cell for cell in still.cells if "widgets.Guess(" not in cell.source]
    for cell in still.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\((\d\d_\w+)\.ipynb\)", r"](\1.html)", cell.source)
        if cell.cell_type == "code":
            cell.outputs = [
                _still(output, packs)
                for output in cell.outputs
                if not (_only_alive(output) or _twin_of(output))
            ]
    return still


def _only_alive(output: NotebookNode) -> bool:
    """Whether nothing of an output is left without its process, as with a progress bar."""
    kinds = set(output.get("data", ()))
    return bool(kinds & set(LIVE)) and "text/html" not in kinds and "image/png" not in kinds


def _twin_of(output: NotebookNode) -> bool:
    """Whether an output is the still picture of a widget, whose own display has all of it."""
    return 'class="interp-still ' in output.get("data", {}).get("text/html", "")


def _still(output: NotebookNode, packs: Sequence[site.Beside]) -> NotebookNode:
    """The output without its live form: a control keeps its picture, and wakes in the page or says where it
    works.
    """
    data = output.get("data")
    if not data:
        return output
    still = {kind: value for kind, value in data.items() if kind not in LIVE}
    if LIVE[0] in data:
        still["text/html"] = _waking(
            f"{still['text/html']}<p class='note'>{say(LIVE_ONLY)} <code>make lab</code>.</p>", packs
        )
    return NotebookNode({**output, "data": NotebookNode(still)})


def _waking(still: str, packs: Sequence[site.Beside]) -> str:
    view = next((view for name, view in ALIVE.items() if f'class="interp-widget {name}"' in still), None)
    if not packs or view is None:
        return still
    return rendering.render_part("living.html", view=view, packs=_listed(packs), still=Markup(still))


def _listed(packs: Sequence[site.Beside]) -> str:
    return json.dumps([{"name": one.name, "file": one.file, "sha256": one.sha256} for one in packs])


# The entrance


def index(
    folder: Path,
    model: str,
    pages: Sequence[Page],
    figures: Sequence[str],
    missing: Sequence[str] = (),
    beside: Sequence[Path] = (),
) -> str:
    """The entrance to `folder`: the story with its verdicts, the notebooks' pages, and those of `figures`
    that are there.

    `missing` names figures that were promised and not made; `beside` are folders of results about something
    else, whose claims and figures name them. Packs that lie in the folder, and its twin's, are woken.
    """
    twin, packs = _twin(folder), packs_of(folder)
    saved = _saved([folder, *([twin] if twin else []), *_grown(folder), *beside], folder)
    twin_page = f"../{twin.name}/index.html" if twin and (twin / "index.html").is_file() else None
    shelves = [{"title": model, "about": "", "link": None, "pictures": _pictures(folder, figures)}]
    return site.render(
        "index.html",
        f"Inside GPT-2: {model}",
        alive=bool(packs),
        model=model,
        about=say(ABOUT_THE_MODEL),
        packs=_listed(packs) if packs else "",
        still=_picture(folder, STILL) or next(iter(_pictures(folder, figures)), None),
        twins=say(ABOUT_THE_TWINS) if twin else "",
        twin_page=twin_page,
        teacher=TEACHER if (folder / TEACHER).is_file() else None,
        chapters=[_chapter(one, saved, folder, pages) for one in story.CHAPTERS],
        notebooks=[_notebook(folder, one) for one in pages],
        missing=", ".join(missing),
        shelves=[*shelves, *(_shelf(other, model, figures) for other in beside)],
    )


def lesson(folder: Path, name: str, executed: NotebookNode, model: str) -> str:
    """A notebook's page for the teacher, with what came out where it ran."""
    page = f"{name}.html" if (folder / f"{name}.html").is_file() else None
    told = teaching.lesson(name, executed)
    title = f"For the teacher: {told.title}"
    return site.render(
        "lesson.html", title, lesson=told, model=model, notebook=page, language=languages.ENGLISH
    )


def teacher(folder: Path, model: str, pages: Sequence[Page]) -> str:
    """The entrance for teachers: the network on a sheet, and the lessons that lie in the folder."""
    lessons = [
        {"title": one.heading, "link": link if (folder / link).is_file() else None}
        for one in pages
        for link in [lesson_of(one.name)]
    ]
    sheet = _picture(folder, SHEET)
    of = {"model": model, "lessons": lessons, "sheet": sheet}
    return site.render("teacher.html", f"For teachers: {model}", language=languages.ENGLISH, **of)


def lesson_of(name: str) -> str:
    """The file of a notebook's page for the teacher."""
    return f"lesson_{name}.html"


def shelf(folder: Path, figures: Sequence[str]) -> str:
    """The entrance to a folder of results that are not about the model: claims, and figures there."""
    kind, about = _kind(folder)
    listed = [
        {"id": name, "text": found[0]["text"], "of": story.SAID_OF[name], "results": found, "notebook": None}
        for name, found in _saved([folder], folder).items()
    ]
    return site.render(
        "shelf.html",
        f"{kind}: {folder.name}",
        kind=kind.lower(),
        name=folder.name,
        about=about,
        claims=listed,
        pictures=_pictures(folder, figures),
    )


def _twin(folder: Path) -> Path | None:
    """The folder of the other embedded model, if something was measured there."""
    other = folder.parent / TWINS.get(folder.name, "")
    return other if folder.name in TWINS and (other / "claims.json").is_file() else None


def _grown(folder: Path) -> list[Path]:
    """The folder of the third embedded model, beside the other two's, if something was measured there."""
    other = folder.parent / GROWN
    return [other] if folder.name in TWINS and (other / "claims.json").is_file() else []


def _kind(folder: Path) -> tuple[str, str]:
    if folder.name.startswith("trained-"):
        return say("Models of our own making"), say(ABOUT_TRAININGS)
    return say("Word vectors"), say(ABOUT_WORD_VECTORS)


def _shelf(folder: Path, model: str, figures: Sequence[str]) -> dict[str, Any]:
    """Figures about something else, under a title that says so."""
    kind, about = _kind(folder)
    link = f"../{folder.name}/index.html"
    title = say("{kind}: about {name}, not about {model}", kind=kind, name=folder.name, model=model)
    pictures = _pictures(folder, figures, at=f"../{folder.name}/")
    return {"title": title, "about": about, "link": link, "pictures": pictures}


def _chapter(
    one: story.Chapter, saved: Mapping[str, list[dict[str, Any]]], folder: Path, pages: Sequence[Page]
) -> dict[str, Any]:
    """A picture of the story with its claims; what no notebook tests is to come."""
    tested = next((_notebook(folder, page) for page in pages if page.name.startswith(one.notebook)), None)
    told = [
        {
            "id": name,
            "text": saved[name][0]["text"] if name in saved else story.SAYS[name],
            "of": story.SAID_OF[name],
            "results": saved.get(name, []),
            "notebook": tested,
        }
        for name in one.claims
    ]
    drawn = (result["picture"] for claim in told for result in claim["results"] if result["picture"])
    picture = next(drawn, None)
    return {
        "title": one.title,
        "tells": one.tells,
        "view": one.view,
        "claims": told,
        "picture": picture,
        "blank": verdicts.NOT_MEASURED if tested else verdicts.TO_COME,
    }


def _saved(folders: Iterable[Path], home: Path) -> dict[str, list[dict[str, Any]]]:
    """What was measured in these folders, by claim: one entry for each model, the home's first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for folder in folders:
        at = "" if folder == home else f"../{folder.name}/"
        for fields in verdicts.saved(folder):
            found.setdefault(fields["id"], []).append(_result(fields, folder, at))
    return found


def _result(fields: Mapping[str, Any], folder: Path, at: str) -> dict[str, Any]:
    picture = _picture(folder, fields["figure"], at) if fields["figure"] else None
    return {**fields, "picture": picture, "link": f"{picture['file']}.svg" if picture else None}


def _notebook(folder: Path, one: Page) -> dict[str, Any]:
    """One entry: a link when there is a page, and what this run did."""
    if one.error:
        return {"title": one.heading, "link": None, "told": f": {one.error}"}
    link = f"{one.name}.html" if (folder / f"{one.name}.html").is_file() else None
    told = (
        say(" ({seconds:.0f} s)", seconds=one.seconds)
        if one.seconds is not None
        else ""
        if link
        else say(" (not run yet)")
    )
    return {"title": one.heading, "link": link, "told": told}


def _pictures(folder: Path, names: Sequence[str], at: str = "") -> list[dict[str, Any]]:
    return [found for name in dict.fromkeys(names) if (found := _picture(folder, name, at))]


def _picture(folder: Path, name: str, at: str = "") -> dict[str, Any] | None:
    """A figure with the alt text that stands in its SVG, and its other forms; None where it is not."""
    drawn = folder / f"{name}.svg"
    if not drawn.is_file():
        return None
    found = DESCRIPTION.search(drawn.read_text(encoding="utf-8"))
    alt = html.unescape(found.group(1).strip()) if found else name
    forms = [end for end in FORMS if (folder / f"{name}.{end}").is_file()]
    return {"name": name, "file": f"{at}{name}", "alt": alt, "forms": forms}
