"""The still twin of a widget, for where no live one can be: picture, numbers, and how to wake it."""

from base64 import b64encode
from html import escape

from interp.figures import page, words
from interp.languages import message, say
from interp.screens.picture import Picture
from interp.slides import drawing

WAKE = message(
    "This picture shows the widget as it was when its cell ran. To wake it, run the notebook: in JupyterLab, "
    "“Run”, then “Run All Cells”."
)
SMALL = page.Sheet(drawing.SHAPES["16:9"], 80, *drawing.ROOM)
# Where a front end keeps the place of a live widget that is gone, it says “model not found” there. Where the
# notebook is not trusted this rule is left out, and the line stays above the picture.
_PLACE = ".jp-OutputArea-child:has(+ .jp-OutputArea-child .{mark}):not(:has(.interp-widget)){{display:none}}"
LINE = f"""<style>
{_PLACE}
</style><p class="interp-still {{mark}}"><em>{{text}}</em></p>"""
TWIN = (
    f"<style>\n{_PLACE}"
    """
.interp-still table{{border-collapse:collapse;font-size:13px}}
.interp-still td,.interp-still th{{text-align:right;padding:2px 8px}}
</style><div class="interp-still {mark}"><p><em>{wake}</em></p>
<img src="data:image/png;base64,{png}" alt="{alt}" style="max-width:100%">
<details><summary>{summary}</summary><p>{caption}</p>{table}</details></div>"""
)


def twin(picture: Picture, mark: str) -> dict[str, str]:
    """The twin as a notebook's output: HTML, PNG in base64 for paper, and text. `mark` is the class by which
    a live widget finds its own twin and hides it.
    """
    figure = drawing.figure(picture)
    png = b64encode(figure.drawn("png", SMALL)).decode()
    html = TWIN.format(
        mark=mark,
        wake=say(WAKE),
        summary=say("The numbers as a table"),
        png=png,
        alt=escape(figure.alt),
        caption=escape(figure.caption),
        table=words.table(figure.result, None, figure.texts),
    )
    return {"text/html": html, "image/png": png, "text/plain": figure.alt}


def line(text: str, mark: str) -> dict[str, str]:
    """The twin of a control that shows no result: one sentence, with `mark` as in `twin`."""
    return {"text/html": LINE.format(mark=mark, text=escape(text)), "text/plain": text}
