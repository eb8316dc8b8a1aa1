"""Pictures by form, from a Result to a Figure: `heatmap`, `bars`, `lines`, `ladder`, `points`, `circuit`,
`network_sheet`, `snippets` and `token_strip`.

A Figure shows itself in a notebook and saves itself as PNG, SVG, PDF, HTML and CSV; `verdicts` saves the
claims that figures show beside them, in the folder that `home` names. Refuses: models and tasks.
"""

from interp.figures.bar_charts import bars
from interp.figures.circuit_maps import circuit
from interp.figures.export import destination, home, verdicts
from interp.figures.figure import Figure
from interp.figures.heatmaps import heatmap
from interp.figures.ladders import ladder
from interp.figures.line_charts import lines
from interp.figures.network_sheets import network_sheet
from interp.figures.point_maps import points
from interp.figures.snippets import snippets
from interp.figures.token_strips import token_strip

__all__ = [
    "Figure", "bars", "circuit", "destination", "heatmap", "home", "ladder", "lines", "network_sheet",
    "points", "snippets", "token_strip", "verdicts",
]  # fmt: skip
