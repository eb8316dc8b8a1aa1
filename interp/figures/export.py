"""Files of a figure: where they go, what makes them whole, how an interrupted run leaves finished ones
intact, and the verdicts that lie beside them.

Refuses: drawing and numbers.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from pathlib import Path

from plotly.graph_objects import Figure as Chart

from interp import claims, files, languages
from interp.figures import charts, markup, theme

UNUSED_TOOLS = ["select2d", "lasso2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d"]
CHART_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "showSendToCloud": False,
    "toImageButtonOptions": {"format": "svg"},
    "modeBarButtonsToRemove": UNUSED_TOOLS,
}
PLOTLY_SCRIPT = "plotly.min.js"
STEADY = ("svg", "csv")  # which git keeps: left as they are if numbers have hardly moved
MARK = "weights.sha256"  # in a folder of results: whose they are


def checked_name(name: str) -> str:
    """The name itself. Raises ValueError unless it is letters, digits, dot, dash and underscore."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise ValueError(
            f"A figure's name is letters, digits, '-' and '_', without folder or ending; this one is "
            f"{name!r}. "
            "Choose one such as 'ioi_head_ablation'."
        )
    return name


def home(about: Mapping[str, object], base: str | Path | None = None) -> Path:
    """The folder for results of this model: <base>/<model>, with its hash where another's are there.

    `about` names `model` and, where there are any, its hashes. A name is not a model: results of another one
    under the same name stay where they are.
    """
    plain, whole = destination(base) / safe_folder(str(about["model"])), identity(about)
    if whole is None or identity_in(plain) in (None, whole, about.get("weights_sha256")):
        return plain
    return plain.with_name(f"{plain.name}-{whole[:8]}")


def identity(about: Mapping[str, object]) -> str | None:
    """The hash of all that makes a model, else of its weights (tables made before have no other); or None."""
    found = about.get("model_sha256") or about.get("weights_sha256")
    return str(found) if found else None


def identity_in(folder: Path) -> str | None:
    """The model whose results lie in a folder, as its mark or its claims say; None if nothing says so."""
    mark, saved = folder / MARK, folder / "claims.json"
    try:
        return mark.read_text().strip() if mark.is_file() else identity(json.loads(saved.read_text()))
    except (OSError, ValueError, AttributeError):
        return None


def safe_folder(model: str) -> str:
    """A folder name for a model, whatever its name holds: two names never give one folder."""
    kept = re.sub(r"[^\w.-]+", "-", model).strip(".-")
    if kept and kept == model:
        return model
    return f"{kept or 'model'}-{hashlib.sha256(model.encode(errors='replace')).hexdigest()[:6]}"


def destination(folder: str | Path | None = None) -> Path:
    """The base folder of figures: the given one, $INTERP_FIGURES, or `figures` beside the nearest `interp`
    package.
    """
    chosen = folder or os.environ.get("INTERP_FIGURES")
    if chosen:
        return Path(chosen)
    here = Path.cwd()
    homes = (place for place in (here, *here.parents) if (place / "interp" / "__init__.py").is_file())
    return next(homes, here) / "figures"


def verdicts(
    about: Mapping[str, object],
    shown: Mapping[str, claims.Claim],
    *others: claims.Claim,
    base: str | Path | None = None,
) -> claims.HtmlTable:
    """The table of these claims, saved among the results of the model of `about`: in `shown` each stands
    under the name of the figure that shows it; `others` have none.

    Raises ValueError for a figure that is not there, and whatever `claims.save` raises.
    """
    folder = home(about, base)
    for name, claim in shown.items():
        if not (folder / f"{checked_name(name)}.svg").is_file():
            raise ValueError(
                f"There is no figure {name!r} in {folder} to show {claim.id}: run the cell that saves it, or "
                "give the name that it is saved under."
            )
    named = [*(replace(claim, figure=name) for name, claim in shown.items()), *others]
    claims.save(named, folder, about)
    return claims.table(named)


def write(folder: Path, name: str, contents: dict[str, bytes], identity: str | None = None) -> None:
    """Write every file whole or not at all; plotly's script and the model's mark lie beside them once.

    Raises OSError naming the folder and the ways out.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / PLOTLY_SCRIPT).exists():
            files.write(folder / PLOTLY_SCRIPT, _plotly_script())
        if identity and not (folder / MARK).exists():
            files.write(folder / MARK, f"{identity}\n".encode())
        for ending, content in contents.items():
            kept = files.write_moved if ending in STEADY else files.write
            kept(folder / f"{name}.{ending}", content)
    except OSError as error:
        raise OSError(
            f"The figure {name!r} cannot be written to {folder}: {error.strerror or error}. Give a folder "
            f"you may "
            "write to with save(name, folder=...) or the environment variable INTERP_FIGURES."
        ) from error


def _plotly_script() -> bytes:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().encode()


def described(svg: bytes, title: str, alt: str) -> bytes:
    """The SVG with its alt text where screen readers look: role, label and description on the root."""
    text = svg.decode().replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    if "<title>" in text:
        return text.replace("</title>", f"</title>\n <desc>{escape(alt)}</desc>", 1).encode()
    start = text.index(">", text.index("<svg ")) + 1
    return (
        f"{text[:start]}\n <title>{escape(title)}</title>\n <desc>{escape(alt)}</desc>{text[start:]}".encode()
    )


def page(chart: Chart, name: str, *, title: str, alt: str, disclosure: str) -> str:
    """A page with the interactive chart, its static twin without JavaScript, and the data; nothing from a
    network.
    """
    html = chart.to_html(
        full_html=False, include_plotlyjs="directory", config=CHART_CONFIG, div_id=f"chart-{name}"
    )
    return markup.render(
        "whole.html",
        language=languages.language(),
        title=title,
        alt=alt,
        font=markup.made(theme.WEB_FONT),
        narrowest=charts.NARROWEST,
        chart=markup.made(html),
        name=name,
        disclosure=markup.made(disclosure),
    )
