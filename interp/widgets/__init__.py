"""Controls wired to a pure function and a drawing. The only room that imports anywidget; no tensor enters."""

from interp.widgets.ablation_lab import AblationLab

__all__ = ["AblationLab"]
