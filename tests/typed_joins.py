"""Every widget with the bench that is made for it: pyright checks that what one gives the other takes."""

from interp import vectors, widgets
from interp.benches import (
    attention_view,
    explorer,
    lab,
    margin_notes,
    neuron_browser,
    patching_map,
    playground,
    reader,
    training_runs,
)
from interp.methods import scan
from interp.models import Bridge
from interp.trainings.live import Live
from interp.widgets.conversation import Conversation


def joined(model: Bridge, table: scan.Table) -> list[Conversation]:
    """All nine."""
    return [
        widgets.AblationLab(lab.bench(model)),
        widgets.AttentionViewer(attention_view.bench(model)),
        widgets.LensExplorer(explorer.bench(model)),
        widgets.MarginNotes(margin_notes.bench(model)),
        widgets.NeuronBrowser(neuron_browser.bench(table, model)),
        widgets.PatchingMap(patching_map.bench(model)),
        widgets.SurpriseReader(reader.bench(model)),
        widgets.TrainingBench(training_runs.of_taps(Live())),
        widgets.VectorPlayground(playground.bench(vectors.shipped())),
    ]
