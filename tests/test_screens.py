"""What widgets are asked, as JSON: states of before still load, everything else is refused in a sentence."""

import json
from pathlib import Path

import pytest

from interp.screens import codec
from interp.screens.attention import AttentionState
from interp.screens.lab import SavedState
from interp.screens.lens import ExplorerState
from interp.screens.neurons import BrowserState
from interp.screens.patching import MapState
from interp.screens.reading import ReaderState
from interp.screens.training import TrainingState
from interp.screens.vectors import PlaygroundState

SAVED = json.loads((Path(__file__).parent / "saved_states.json").read_text(encoding="utf-8"))
KINDS = {
    "AblationLab": SavedState,
    "PatchingMap": MapState,
    "AttentionViewer": AttentionState,
    "LensExplorer": ExplorerState,
    "NeuronBrowser": BrowserState,
    "SurpriseReader": ReaderState,
    "TrainingBench": TrainingState,
    "VectorPlayground": PlaygroundState,
}


@pytest.mark.parametrize("widget", KINDS)
def test_states_saved_by_the_first_widgets_still_load_and_are_written_with_all_their_fields(widget):
    for text in SAVED[widget]:
        state = codec.read(KINDS[widget], text)
        told = json.loads(text)
        again = json.loads(codec.write(state))
        assert {name: again[name] for name in told} == told
        assert codec.read(KINDS[widget], codec.write(state)) == state
