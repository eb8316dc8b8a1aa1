"""What all widgets share: a question gets a reply, an errand gets deliveries, trouble becomes a sentence.

A question is answered at once. An errand is long work: it runs step by step between other messages, its
deliveries say how far it is, and a newer errand (or "stop") ends it. Refuses: tensors, computing.
"""

import asyncio
import json
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import anywidget
import traitlets

from interp import slides
from interp.languages import for_script, language, message, say
from interp.screens import codec
from interp.screens.picture import Picture
from interp.screens.refusals import Refused
from interp.slides import deck, drawing, still

_HERE = Path(__file__).parent
STOPPED = message("The kernel was interrupted before it could answer. The last good result stays; ask again.")
_BREATH = 0.005  # seconds in which the kernel may take other messages between two steps
_MOST_SAID = 500  # characters of an error: the middle of one that repeats a long input is left out
_BETWEEN_REPORTS = 0.1  # seconds between two reports of progress


def joined(*names: str) -> str:
    """The text of these files of this folder, one after another."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def listed(examples: Sequence[tuple[str, codec.State]]) -> list[dict[str, Any]]:
    """Labelled states as the page takes them."""
    return [{"label": say(label), "state": codec.plain(state)} for label, state in examples]


def of_model(state: str, name: str) -> str:
    """A saved state without its model's name. Raises ValueError if it is another model's."""
    try:
        told = json.loads(state)
        saved = told.pop("model")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return state  # without a name; or no state at all, which its reader says
    if saved != name:
        shown = codec.shortened(saved)
        raise ValueError(
            say(
                "This state was saved of the model {saved}, but this widget asks {asked!r}: open it in a "
                'widget on that model, or take its "model" out to try it here.',
                saved=shown,
                asked=name,
            )
        )
    return json.dumps(told, ensure_ascii=False)


class Conversation(anywidget.AnyWidget):
    """A widget that answers. Subclasses say how to `respond`, what is `on_screen`, and how to `work`.

    Whatever goes wrong is told as one sentence with the control it belongs to, and the last good result
    stays.
    """

    # Every widget brings one and the same sheet. A front end adds one for each kind of widget, in the order
    # they come: house and own rules alone, added last, would put the house's above the other widgets' own.
    _css = joined("house.css", *sorted({file.name for file in _HERE.glob("*.css")} - {"house.css"}))
    controls: tuple[str, ...] = ("prompt",)  # the first takes what belongs to no other
    question = traitlets.Dict().tag(sync=True)
    reply = traitlets.Dict().tag(sync=True)
    errand = traitlets.Dict().tag(sync=True)
    delivery = traitlets.Dict().tag(sync=True)
    ping = traitlets.Unicode().tag(sync=True)
    twin = traitlets.Unicode().tag(sync=True)  # by which a live view finds its still picture, and hides it
    language = traitlets.Unicode().tag(sync=True)  # of what is said; empty: English
    catalogue = traitlets.Dict().tag(sync=True)  # the messages of the scripts in it
    heard = traitlets.Dict().tag(sync=True)  # said before any computing, and to a ping: Python is there

    def __init__(self, **traits: Any):
        self._view = ""
        script = str(getattr(self, "_esm", ""))  # each kind of widget has its own
        traits.setdefault("catalogue", for_script(script))
        traits.setdefault("language", language())
        traits.setdefault("twin", f"interp-still-{uuid4().hex[:12]}")
        self._under_way: asyncio.Task | None = None
        super().__init__(**traits)
        self.observe(self._answer, names="question")
        self.observe(self._set_out, names="errand")
        self.observe(self._here, names="ping")
        self.on_msg(self._take_along)

    @property
    def state(self) -> str:
        """The state of the result on screen, as JSON."""
        raise NotImplementedError

    def respond(self, question: dict[str, Any]) -> None:
        """Take the question in: compute, and remember what is to be on screen. Raises ValueError."""
        raise NotImplementedError

    def on_screen(self) -> dict[str, Any]:
        """The last good result as the front end shows it."""
        raise NotImplementedError

    def work(self, errand: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The deliveries of an errand, each with the `share` that is done. Raises ValueError."""
        raise NotImplementedError

    def take(self, state: str) -> None:
        """Take a saved state in, as `respond` takes a question. Raises ValueError."""
        raise NotImplementedError

    def picture(self) -> Picture:
        """The last good result as one picture, with what its caption must say."""
        raise NotImplementedError

    @property
    def model_name(self) -> str:
        """The model, or the source of the words, that this widget asks."""
        raise NotImplementedError

    def load(self, state: str) -> None:
        """Put a saved state on screen. Raises ValueError, in one sentence, when it cannot be read or
        computed, or was saved of another model.
        """
        self.take(of_model(state, self.model_name))
        self.reply = self.told()

    def labelled(self) -> str:
        """The state of the result on screen as JSON, with the model's name: what is saved."""
        return json.dumps({"model": self.model_name, **json.loads(self.state)}, ensure_ascii=False)

    def told(self, request: int = -1) -> dict[str, Any]:
        """The reply that shows the last good result; request -1: asked by nobody, shown by every view."""
        saved = {"state": json.loads(self.state), "json": self.labelled()}
        caption = " ".join(self.picture().said)
        said = {"request": request, "view": self._view, "error": None, "caption": caption}
        return {**said, **saved, **self.on_screen()}

    def _answer(self, change: Any) -> None:
        question = dict(change["new"])
        request, self._view = question.pop("request", 0), question.pop("view", "")
        self.heard = {"view": self._view, "question": request}
        try:
            if "load" in question:
                self.load(question["load"])
            else:
                self.respond(question)
                self.reply = self.told(request)
        except (Exception, KeyboardInterrupt) as error:  # a traceback would vanish in the browser's log
            trouble = self._trouble(error, "load" if "load" in question else None)
            self.reply = {**self.told(request), "error": trouble, "status": trouble["text"]}

    def _take_along(self, _: Any, wish: dict[str, Any], __: Any) -> None:
        """Send what is on screen as a file or a table, or keep it for the slides; or one sentence why not."""
        label = {name: wish.get(name) for name in ("view", "request")}
        self.send({**label, "heard": True})
        try:
            parcel, content = self._parcel(wish["as"], wish["shape"], bool(wish["larger"]))
            self.send({**label, "error": None, **parcel}, [content])
        except (Exception, KeyboardInterrupt) as error:  # as in _answer
            self.send({**label, "error": self._trouble(error)["text"]})

    def _parcel(self, kind: str, shape: str, larger: bool) -> tuple[dict[str, Any], bytes]:
        """What the page needs to know of what it asked for, and its bytes."""
        picture, name = self._drawable(), type(self).__name__
        if kind == "slides":
            number = deck.keep(picture, self.labelled(), shape, larger)
            told = say("Kept: {number} in this session.", number=number)
            return {"told": f"{told} {say(slides.HOW)}"}, b""
        if kind == "table":
            return {"told": say("The table is copied.")}, drawing.table(picture).encode()
        content = drawing.figure(picture).drawn(kind, drawing.sheet(shape, larger))
        return {"told": say("Saved as {file}.", file=f"{name}.{kind}"), "file": f"{name}.{kind}"}, content

    def _drawable(self) -> Picture:
        """The picture in words that a font here can draw."""
        with drawing.drawable():
            return self.picture()

    def _here(self, change: Any) -> None:
        self.heard = {"ping": change["new"]}

    def _trouble(self, error: BaseException, control: str | None = None) -> dict[str, str]:
        """The control an error belongs beneath, and its sentence; without one, the control it names."""
        text = str(error)
        if isinstance(error, KeyboardInterrupt):  # the kernel's stop button
            text = say(STOPPED)
        elif not isinstance(error, ValueError):
            text = say(
                "The model could not answer ({kind}: {error}). The last good result stays.",
                kind=type(error).__name__,
                error=error,
            )
        if len(text) > _MOST_SAID:
            text = f"{text[: _MOST_SAID // 2]} … {text[-_MOST_SAID // 2 :]}"
        named = error.control if isinstance(error, Refused) else None
        own = named if named in self.controls else self.controls[0]
        return {"control": control or own, "text": text}

    def _set_out(self, change: Any) -> None:
        """Leave the errand that is under way, and begin this one."""
        if self._under_way is not None:
            self._under_way.cancel()
            self._under_way = None
        errand = dict(change["new"])
        self.heard = {"view": errand.get("view"), "errand": errand.get("request")}
        if errand.get("part") == "stop":
            return
        deliveries = self._delivered(errand)
        try:
            self._under_way = asyncio.get_running_loop().create_task(self._walk(deliveries))
        except RuntimeError:  # no loop, as in a plain script: nobody to wait for
            for delivery in deliveries:
                self.delivery = delivery

    async def _walk(self, deliveries: Generator[dict[str, Any], None, None]) -> None:
        reported = 0.0
        with closing(deliveries):
            for delivery in deliveries:
                if delivery["share"] >= 1 or time.monotonic() - reported > _BETWEEN_REPORTS:
                    self.delivery, reported = delivery, time.monotonic()
                await asyncio.sleep(_BREATH)

    def _delivered(self, errand: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        label = {name: errand.get(name) for name in ("request", "view", "part")}
        try:
            for delivery in self.work(errand):
                yield {**label, "error": None, **delivery}
        except (Exception, KeyboardInterrupt) as error:  # as in _answer
            yield {**label, "share": 1.0, "error": self._trouble(error)["text"]}

    def _ipython_display_(self) -> None:
        """Show the live widget, and beneath it its still twin: a front end without the live one, such as
        JupyterLab after the kernel is gone, takes nothing else from the widget's own display.
        """
        from IPython.display import display

        live = self._repr_mimebundle_()
        display(live[0] if isinstance(live, tuple) else live, raw=True)
        display(still.twin(self._drawable(), self.twin), raw=True)

    @staticmethod
    def with_static(bundle: Any, html: str, plain: str) -> Any:
        """The live widget's display with the same result as HTML and as text beside it."""
        static = {"text/html": html, "text/plain": plain}
        if isinstance(bundle, tuple):
            return {**bundle[0], **static}, bundle[1]
        return {**(bundle or {}), **static}
