"""One picture of one Result: interactive in the notebook, static everywhere else, exported with its numbers.

Every front end finds something it can show: JupyterLab takes the plotly chart, nbconvert the HTML figure with
alt text, GitHub that or the SVG, LaTeX the PDF, a terminal the words. There is no bare PNG: given one,
plotly's JupyterLab extension shows it and leaves the chart out. Nothing is fetched from a network. Refuses:
models, choosing colours.
"""

import base64
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from PIL import Image
from plotly.graph_objects import Figure as Chart

from interp.figures import charts, export, glyphs, markup, page, theme, words
from interp.result import Result

SCREEN_DOTS_PER_INCH = 100

# JupyterLab resizes its charts itself, in a room as high as its content: made responsive, the chart's frame
# would take its height from that room, and the room from the frame.
NOTEBOOK_CONFIG = {**export.CHART_CONFIG, "responsive": False}
# While a window narrows, a scroll bar stands in the room and plotly reads its height as the chart's: it
# stands around the room instead, and there alone a chart scrolls that is wider than the column.
NOTEBOOK_STYLE = (
    "<style>.jp-OutputArea-child:has(>.jp-RenderedPlotly){overflow-x:auto}"
    f".jp-OutputArea-output.jp-RenderedPlotly{{overflow:visible;min-width:{charts.NARROWEST}px}}"
    ".jp-RenderedPlotly .plot-img{max-width:100%}</style>"
)
TABLE_STYLE = (
    "<style>.interp-figure table{border-collapse:collapse;font-size:13px}"
    ".interp-figure th,.interp-figure td{padding:2px 8px;text-align:right;border-bottom:1px solid #d4d4d4}"
    ".interp-figure img{max-width:100%;height:auto;background:#fff}.interp-figure{margin:0;max-width:60em}"
    ".interp-figure summary{cursor:pointer;padding:4px 0}.interp-figure "
    ".scroll{overflow:auto;max-height:24em}"
    "</style>"
)


@dataclass(frozen=True)
class Figure:
    """A picture: `matplotlib(caption)` draws the static twin, `plotly()` the interactive one, both from
    `result`.
    """

    result: Result
    title: str
    caption: str
    alt: str
    matplotlib: Callable[[str], Canvas]
    plotly: Callable[[], Chart]
    interval: Result | None = None
    texts: Sequence[Sequence[str]] | None = None  # that stand in the cells, in the shape of the values

    def save(self, name: str, folder: str | Path | None = None) -> "Figure":
        """Write <name>.png, .svg, .pdf, .html and .csv under figures/<model>/, and return the figure itself.

        The base folder is `folder`, else $INTERP_FIGURES, else `figures` beside the package the working
        folder lies in. SVG, PDF, PNG and CSV repeat byte by byte. Raises ValueError for a name with folders
        in it, OSError in one sentence when the folder cannot be written.
        """
        about = {**self.result.about, "model": words.model_name(self.result)}
        files = self._files(export.checked_name(name))
        export.write(export.home(about, folder), name, files, export.identity(about))
        return self

    @cached_property
    def _printed(self) -> dict[str, bytes]:
        """The drawing with its caption, for paper: saved and shown, so drawn once."""
        canvas = settled(self.matplotlib(self.caption))
        svg = export.described(render(canvas, "svg", self.title), self.title, self.alt)
        return {"png": render(canvas, "png"), "pdf": render(canvas, "pdf", self.title), "svg": svg}

    def drawn(self, kind: str, sheet: page.Sheet) -> bytes:
        """The drawing with its caption as bytes of a "png" or "svg", on a sheet of another size."""
        with page.on(sheet):
            canvas = settled(self.matplotlib(self.caption))
            if kind == "png":
                return render(canvas, kind, dots=sheet.dots)
            return export.described(render(canvas, kind, self.title), self.title, self.alt)

    def _page(self, name: str) -> str:
        told = {"title": self.title, "alt": self.alt, "disclosure": self.disclosure()}
        return export.page(self.plotly(), name, **told)

    def _files(self, name: str) -> dict[str, bytes]:
        table = words.comma_separated(self.result, self.interval).encode()
        return {**self._printed, "csv": table, "html": self._page(name).encode()}

    def disclosure(self) -> str:
        """HTML: the caption, and folded away the description and the numbers as a table."""
        return markup.render(
            "beneath.html",
            style=markup.made(TABLE_STYLE),
            summary=glyphs.say("Description and data as a table"),
            caption=self.caption,
            alt=self.alt,
            table=markup.made(words.table(self.result, self.interval, self.texts)),
        )

    def _picture(self, png: bytes) -> str:
        source = base64.b64encode(png).decode()
        return f'<img src="data:image/png;base64,{source}" alt="{escape(self.alt)}" style="max-width:100%">'

    def _shown(self, below: str, label: str) -> dict[str, object]:
        png = render(settled(self.matplotlib("")), "png", dots=SCREEN_DOTS_PER_INCH)
        chart = json.loads(str(self.plotly().to_json()))
        return {
            "application/vnd.plotly.v1+json": {**chart, "config": NOTEBOOK_CONFIG},
            "text/html": f'<figure class="interp-figure">{self._picture(png)}{below}</figure>',
            "image/svg+xml": self._printed["svg"].decode(),
            "application/pdf": base64.b64encode(self._printed["pdf"]).decode(),
            "text/plain": label,
        }

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:  # signature set by IPython
        return self._shown(f"<figcaption>{self.disclosure()}</figcaption>", self.alt)

    def _ipython_display_(self) -> None:
        """Show the chart, then caption and table beneath it: a front end with the chart drops its HTML."""
        from IPython.display import display

        display(self._shown("", self.alt), raw=True)
        beneath = NOTEBOOK_STYLE + self.disclosure()
        display({"text/html": beneath, "text/plain": self.caption}, raw=True)


def settled(canvas: Canvas) -> Canvas:
    """The drawing with its layout computed and held, so that every format shows the same one.

    Twice, because the second pass of the layout engine moves what the first one placed (turned labels).
    """
    with glyphs.drawing(canvas, say=True):
        canvas.draw_without_rendering()
        canvas.draw_without_rendering()
        canvas.set_layout_engine("none")
    return canvas


def render(canvas: Canvas, kind: str, title: str = "", dots: int = theme.DOTS_PER_INCH) -> bytes:
    """The settled drawing as bytes of a "png", "svg" or "pdf" that are the same on every run.

    Not by `savefig`, which draws everything once more to lay it out.
    """
    about = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None, "Title": title},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Title": title},
    }
    sheet = io.BytesIO()
    with glyphs.drawing(canvas):
        canvas.set_dpi(dots)
        _writer(canvas, kind)(sheet, metadata=about[kind])
    return _of_few_colours(sheet) if kind == "png" else sheet.getvalue()


def _writer(canvas: Canvas, kind: str) -> Callable[..., object]:
    if kind == "png":
        return FigureCanvasAgg(canvas).print_png
    return FigureCanvasPdf(canvas).print_pdf if kind == "pdf" else FigureCanvasSVG(canvas).print_svg


def _of_few_colours(sheet: io.BytesIO) -> bytes:
    """The picture with the 256 colours that fit it best: a third of the bytes, and no eye sees it."""
    small = io.BytesIO()
    full = Image.open(sheet).convert("RGB")
    few = full.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(small, "png", dpi=full.info.get("dpi"))
    return small.getvalue()
