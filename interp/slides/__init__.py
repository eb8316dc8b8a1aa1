"""From a widget to a slide: what is on a screen drawn by `figures`, and all that was saved in a session as
one `slides.html` and one `slides.pptx`.

Refuses: models, tasks, controls.
"""

from interp.languages import message
from interp.slides.deck import collect

__all__ = ["collect"]

HOW = message("The notebook's last cell, slides.collect(), writes them all as slides.html and slides.pptx.")
