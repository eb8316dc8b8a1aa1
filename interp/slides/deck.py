"""What was saved in a session, as slides: one page that needs no network, and one file for PowerPoint or
Impress.
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pptx import Presentation
from pptx.util import Emu, Inches

from interp import files
from interp.figures import words
from interp.finding import Finding, told
from interp.languages import message, say
from interp.screens.picture import Picture
from interp.slides import drawing

NOTHING = message(
    "Nothing was saved in this session: unfold “Save and load” beneath a widget, press “Keep for the "
    "slides”, and run this cell again."
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides</title><style>
body{{margin:0;font:18px/1.45 system-ui,"DejaVu Sans",sans-serif;color:#1a1a1a;background:#fff}}
section{{min-height:100vh;box-sizing:border-box;padding:1vh 1vw;break-after:page}}
img{{display:block;margin:0 auto;max-width:100%;max-height:92vh}}
h2{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}
summary{{cursor:pointer;min-height:24px}}pre{{white-space:pre-wrap;overflow-wrap:anywhere}}
table{{border-collapse:collapse}}th,td{{padding:2px 10px;text-align:right;border-bottom:1px solid #d4d4d4}}
.scroll{{overflow-x:auto}}@media print{{details{{display:none}}}}
</style></head><body><main><h1 hidden>Slides</h1>
{slides}
</main></body></html>
"""
SLIDE = """<section><h2>{title}</h2><img src="data:image/png;base64,{png}" alt="{alt}">
<details><summary>Numbers, and the state to open it again</summary><div class="scroll">{table}</div>
<pre>{state}</pre></details></section>"""
BLANK = 6  # the number of the library's layout without any text
_KEPT: list["Slide"] = []  # of this session, in order


@dataclass(frozen=True)
class Slide:
    """A picture as it was saved: drawn, described, with its numbers as HTML and the state that opens it."""

    title: str
    alt: str
    caption: str
    table: str
    state: str
    png: bytes
    inches: tuple[float, float]


def keep(picture: Picture, state: str, shape: str, larger: bool) -> int:
    """Draw the picture and keep it for the slides, once; how many are kept now."""
    figure, sheet = drawing.figure(picture), drawing.sheet(shape, larger)
    table = words.table(figure.result, None, figure.texts)
    png = figure.drawn("png", sheet)
    slide = Slide(figure.title, figure.alt, figure.caption, table, state, png, sheet.inches)
    if slide not in _KEPT:
        _KEPT.append(slide)
    return len(_KEPT)


def collect(folder: str | Path = ".", name: str = "slides") -> Finding:
    """Write all that was saved in this session as <name>.html and <name>.pptx; where they are, in a sentence.

    Raises OSError in one sentence where the folder cannot be written; what was saved stays kept.
    """
    if not _KEPT:
        return told(say(NOTHING))
    places = [Path(folder) / f"{name}.{ending}" for ending in ("html", "pptx")]
    try:
        places[0].parent.mkdir(parents=True, exist_ok=True)
        for place, content in zip(places, (_page(_KEPT), _powerpoint(_KEPT)), strict=True):
            files.write(place, content)
    except OSError as error:
        raise OSError(
            f"The slides cannot be written to {Path(folder).resolve()}: {error.strerror or error}. What you "
            "saved is still kept: give a folder you may write to, as in slides.collect('/tmp')."
        ) from error
    where = {"number": len(_KEPT), "page": places[0].resolve(), "show": places[1].name}
    if len(_KEPT) == 1:
        return told(say("One picture is in {page} and {show} beside it.", **where))
    return told(say("{number} pictures are in {page} and {show} beside it.", **where))


def _page(slides: Sequence[Slide]) -> bytes:
    drawn = (
        SLIDE.format(
            title=escape(one.title),
            png=b64encode(one.png).decode(),
            alt=escape(one.alt),
            table=one.table,
            state=escape(one.state),
        )
        for one in slides
    )
    return PAGE.format(slides="\n".join(drawn)).encode()


def _powerpoint(slides: Sequence[Slide]) -> bytes:
    """A slide for each picture, as large as fits, with its caption and state in the notes."""
    show = Presentation()
    wide, high = (Inches(side) for side in drawing.SHAPES["16:9"])
    show.slide_width, show.slide_height = wide, high
    for one in slides:
        slide = show.slides.add_slide(show.slide_layouts[BLANK])
        scale = min(wide / one.inches[0], high / one.inches[1])
        size = [Emu(round(side * scale)) for side in one.inches]
        placed = slide.shapes.add_picture(io.BytesIO(one.png), Emu((wide - size[0]) // 2), Emu(0), *size)
        placed.name = one.title
        (described,) = placed._element.xpath("./p:nvPicPr/p:cNvPr")  # the library cannot say it otherwise
        described.set("descr", one.alt)
        notes = slide.notes_slide.notes_text_frame
        assert notes is not None  # the library's own template has one
        notes.text = f"{one.title}\n{one.caption}\n\n{one.state}"
    whole = io.BytesIO()
    show.save(whole)
    return whole.getvalue()
