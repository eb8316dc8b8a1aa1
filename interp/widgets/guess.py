"""The Guess: what the prose asks before a result, as buttons; the answer is kept, and counted by nobody.

It owns the controls only. What is asked stands in the prose (`predictions`); what was guessed, in a small
file (`progress`). Refuses: scores, models.
"""

from pathlib import Path
from typing import Any
from uuid import uuid4

import anywidget
import traitlets

from interp import predictions, progress
from interp.slides import still
from interp.widgets import guess_words as words
from interp.widgets.conversation import Conversation, joined

LONGEST = 300  # letters of a guess in the reader's own words


class Guess(anywidget.AnyWidget):
    """The choices of the prediction in the cell with this id; a field for the reader's own words where it has
    none. The guess is kept beside the notebook, and what came out stands beside it once `finding.check` has
    said it. Raises ValueError, in one sentence, if nothing is asked in such a cell.
    """

    _css = Conversation._css
    _esm = joined("conversation.js", "guess.js")
    asks = traitlets.Dict().tag(sync=True)  # question, choices, what is said
    shown = traitlets.Dict().tag(sync=True)  # the guess, and what is said of it
    wish = traitlets.Dict().tag(sync=True)  # a guess, or to forget them all
    ping = traitlets.Unicode().tag(sync=True)
    twin = traitlets.Unicode().tag(sync=True)
    heard = traitlets.Dict().tag(sync=True)

    def __init__(self, cell: str):
        self._cell, self._asked = cell, predictions.in_cell(cell, Path.cwd())
        self._kept, self._request = progress.here(), 0
        asked = self._asked.prediction
        said = {key: self._say(key, file=progress.FILE) for key in words.ON_CONTROLS}
        asks = {"question": asked.asked, "choices": dict(asked.choices), "said": said, "longest": LONGEST}
        super().__init__(asks=asks, twin=f"interp-still-{uuid4().hex[:12]}")
        self.changed()
        self._kept.listen(self)
        self.observe(self._wished, names="wish")
        self.observe(self._here, names="ping")

    def _say(self, key: str, **fields: object) -> str:
        return words.say(self._asked.prediction.language, key, **fields)

    def changed(self) -> None:
        """Show the guesses as they are kept now."""
        asked, guesses = self._asked.prediction, self._kept.guesses()
        guess = guesses.get(self._cell, "")
        outcome = self._kept.outcomes.get(self._cell, "")
        made = sum(cell in guesses for cell in self._asked.cells)
        why = self._kept.unsaved
        self.shown = {
            "request": self._request,
            "guess": guess,
            "told": words.told(asked.language, guess, outcome, asked.choices),
            "counted": self._say(
                "only counted" if why else "counted",
                made=made,
                all=len(self._asked.cells),
                file=progress.FILE,
            ),
            "any": bool(guesses or why),
            "trouble": self._say("unsaved", file=progress.FILE, why=why) if why else "",
        }

    def _wished(self, change: Any) -> None:
        wish = dict(change["new"])
        self._request = wish.get("request", 0)
        if wish.get("forget"):
            self._kept.forget()
            return
        guess = str(wish.get("guess", "")).strip()[:LONGEST]
        if guess in self._asked.prediction.choices or (guess and not self._asked.prediction.choices):
            self._kept.keep(self._cell, guess)
        else:
            self.changed()

    def _here(self, change: Any) -> None:
        self.heard = {"ping": change["new"]}

    def _ipython_display_(self) -> None:
        """Show the live choices, and beneath them, for where no live ones can be, one sentence."""
        from IPython.display import display

        live = self._repr_mimebundle_()
        display(live[0] if isinstance(live, tuple) else live, raw=True)
        display(still.line(self._still, self.twin), raw=True)

    @property
    def _still(self) -> str:
        guess, choices = self.shown["guess"], self._asked.prediction.choices
        if not guess or (choices and guess not in choices):
            return self._say("still")
        told = f"{guess}, {choices[guess]}" if choices else guess
        return self._say("still yours", guess=told)
