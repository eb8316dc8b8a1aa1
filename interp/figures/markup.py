"""HTML around a picture, from the templates in `pages/`, where every text is escaped; never by hand.

Refuses: what is written and drawn.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def render(template: str, **told: object) -> str:
    """The HTML of a template. Whatever is `told` is text, unless it is `Markup`: HTML made here before."""
    return _environment().get_template(template).render(told)


def made(html: str) -> Markup:
    """HTML that `render` or plotly made, to be put into a template as it is."""
    return Markup(html)


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "pages")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
