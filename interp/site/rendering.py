"""Pages from templates: every word is escaped, and a page may load nothing but what lies beside it."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from interp import claims
from interp.languages import language, say
from interp.site import scripts
from interp.site.packing import SCRIPT

# No inline script, no host, nothing sent. Styles may be inline: the widgets' still pictures bring theirs.
POLICY = (
    "default-src 'none'; script-src 'self' file:; worker-src blob:; img-src 'self' file: data:;"
    " style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'; trusted-types interp"
)
MARKS = {
    "supported": "✓", "partly": "◐", "not supported": "✗", "as taught": "✓", "instrument failed": "✗",
    "cannot be tested on this model": "–", "about another model": "–", "to come": "…", "not measured": "–",
}  # fmt: skip


def render(template: str, title: str, *, alive: bool = False, body: str = "", **told: Any) -> str:
    """A whole page. `body` is HTML made by nbconvert; everything in `told` is text. With `alive`, the page
    loads the script that wakes its living figures.
    """
    style = (scripts.sheet() if alive else "") + scripts.page_sheet()
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            policy=POLICY,
            style=Markup(style),
            script=SCRIPT if alive else None,
            body=Markup(body),
            marks=MARKS,
            **{"language": language(), **told},
        )
    )


def render_part(template: str, **told: Any) -> str:
    """A piece of HTML for a page or a notebook; everything in `told` is text."""
    return _environment().get_template(template).render(left=claims.READABLE, **told)


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(scripts.HERE / "pages")
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["say"] = say
    return made
