"""What is on a screen as a picture for a slide, and its numbers as a table of text. Refuses: choosing what to
show.
"""

from interp import figures
from interp.figures import glyphs, page, theme, words
from interp.figures.figure import Figure
from interp.languages import message, say
from interp.screens.picture import Picture
from interp.screens.refusals import Refused

SHAPES = {"16:9": (40 / 3, 7.5), "4:3": (10.0, 7.5), "1:1": (7.5, 7.5)}  # inches
LARGER = 1.25  # how much larger the type of a presenter's picture is
ROOM = (0.2, 0.16)  # of the height, for title and caption
CITATION = message("From “Inside GPT-2: a popular article about language models, tested claim by claim”")


drawable = glyphs.drawable  # in which a picture is made, so that its words can be drawn


def figure(picture: Picture) -> Figure:
    """The picture as a Figure, with its caption: what was read and changed, model, citation."""
    form = getattr(figures, picture.form)
    caption = " ".join((*picture.said, glyphs.say(CITATION)))
    return form(picture.result, title=picture.title, caption=caption, **picture.options)


def sheet(shape: str, larger: bool = False) -> page.Sheet:
    """The sheet of a shape such as "16:9". With `larger` it is smaller by as much, but has as many dots: so
    its type is larger. Raises Refused for a shape that nobody knows.
    """
    if shape not in SHAPES:
        known = ", ".join(SHAPES)
        raise Refused(
            say("{shape!r} is no shape of a slide: choose one of {known}.", shape=shape, known=known), "take"
        )
    across, up = SHAPES[shape]
    by = LARGER if larger else 1.0
    return page.Sheet((across / by, up / by), round(theme.DOTS_PER_INCH * by), *ROOM)


def table(picture: Picture) -> str:
    """Title, numbers and caption as text; the cells with tabs between them, as spreadsheets take them."""
    drawn = figure(picture)
    return f"{drawn.title}\n\n{words.plain_table(drawn.result, drawn.texts)}\n{drawn.caption}\n"
