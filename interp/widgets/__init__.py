"""Controls wired to a pure function and a drawing. The only room that imports anywidget; no tensor enters."""

from interp.widgets.ablation_lab import AblationLab
from interp.widgets.attention_viewer import AttentionViewer
from interp.widgets.guess import Guess
from interp.widgets.lens_explorer import LensExplorer
from interp.widgets.margin_notes import MarginNotes
from interp.widgets.neuron_browser import NeuronBrowser
from interp.widgets.patching_map import PatchingMap
from interp.widgets.surprise_reader import SurpriseReader
from interp.widgets.training_bench import TrainingBench
from interp.widgets.vector_playground import VectorPlayground

__all__ = [
    "AblationLab", "AttentionViewer", "Guess", "LensExplorer", "MarginNotes", "NeuronBrowser", "PatchingMap",
    "SurpriseReader", "TrainingBench", "VectorPlayground",
]  # fmt: skip
