"""What the interactive charts share: paper, fonts, a title that wraps, text that cannot become markup.

Refuses: results.
"""

from collections.abc import Sequence
from html import escape

from plotly.graph_objects import Figure as Chart
from plotly.graph_objects import Layout

from interp.figures import page, theme

TITLE_WIDTH, TITLE_SIZE, TEXT_SIZE = 600, 20, 15  # the width leaves room for the tool bar
NARROWEST = TITLE_WIDTH + 20  # pixels: in a narrower column a chart scrolls


def shown(text: object) -> str:
    """Text as plotly shows it letter by letter: its markup characters escaped."""
    return escape(str(text), quote=False)


def stacked(text: str, room: float | int) -> str:
    """Text in lines at most `room` points wide, as plotly shows them."""
    return "<br>".join(map(shown, page.wrapped(text, room, TEXT_SIZE * 1.2)))


def chart(traces: Sequence[object], title: str, *, height: int = 480) -> Chart:
    """A chart in the house style around the traces; the title is wrapped to the narrowest notebook."""
    lines = page.balanced(title, TITLE_WIDTH, TITLE_SIZE, bold=True)
    head = 40 + 26 * len(lines)
    layout = Layout(
        template="none",
        height=height + head,
        title={
            "text": f"<b>{'<br>'.join(map(shown, lines))}</b>",
            "x": 0.01,
            "xanchor": "left",
            "y": 1 - 18 / (height + head),
            "yanchor": "top",
            "font": {"size": TITLE_SIZE},
        },
        margin={"t": head, "l": 16, "r": 24, "b": 16},
        font={"family": theme.WEB_FONT, "size": TEXT_SIZE, "color": theme.INK},
        paper_bgcolor=theme.PAPER,
        plot_bgcolor=theme.PAPER,
        hoverlabel={"font": {"size": TEXT_SIZE}, "bgcolor": theme.PAPER},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": -0.2, "yanchor": "top"},
    )
    return Chart(data=list(traces), layout=layout)


def axis(title: str, *, room: float | int = TITLE_WIDTH, **more: object) -> dict[str, object]:
    """One axis in the house style, its title at most `room` points long; margins grow to fit its labels."""
    return {
        "title": {"text": stacked(title, room), "standoff": 12},
        "automargin": True,
        "ticklabelstandoff": 6,
        "gridcolor": "#ECECEC",
        "zeroline": False,
        "showline": False,
        "ticks": "",
        **more,
    }
