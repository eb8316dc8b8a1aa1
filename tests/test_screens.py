"""What widgets are asked, as JSON: states of before still load, everything else is refused in a sentence."""

import json
from pathlib import Path
from random import Random

import pytest
from fake_bench import FakeMapBench
from fake_lens import FakeLens
from fake_margin import fake_margin

from interp import vectors, widgets
from interp.benches import attention_view, lab, neuron_browser, playground, reader, training_runs
from interp.methods import scan
from interp.screens import codec
from interp.screens.attention import AttentionState
from interp.screens.lab import SavedState
from interp.screens.lens import ExplorerState
from interp.screens.margin import MarginState
from interp.screens.neurons import BrowserState
from interp.screens.patching import MapState
from interp.screens.reading import ReaderState
from interp.screens.training import TrainingState
from interp.screens.vectors import PlaygroundState
from interp.widgets.conversation import Conversation

SAVED = json.loads((Path(__file__).parent / "saved_states.json").read_text(encoding="utf-8"))
KINDS = {
    "AblationLab": SavedState,
    "PatchingMap": MapState,
    "AttentionViewer": AttentionState,
    "LensExplorer": ExplorerState,
    "MarginNotes": MarginState,
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


PAIR = '{"prompt": "a", "twin": "b", "answer": "c", "against": "d",'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it is no object with fields"),
        ("{}", "prompt is missing"),
        ('{"prompt": "a", "twin": "b", "answer": "c", "against": 5}', "against is no text"),
        (PAIR + ' "hue": 1}',
         "it has a field 'hue' that nobody knows"),
        (PAIR + ' "raw": 1}', "raw is neither true nor false"),
        (PAIR + ' "cell": [1]}', "cell has 1 entries, not 2"),
        (PAIR + ' "cell": [1, 2.5]}',
         "cell[1] is no whole number"),
        (PAIR + ' "receiver": {"head": "L1H2", "part": "q"}}',
         "word is missing"),
        (PAIR + ' "receiver": {"head": "x", "part": "q", "word": 1}}', "head is no head such as L9H6"),
    ],
)  # fmt: skip
def test_what_is_no_state_is_refused_with_the_field_that_is_wrong(text, why):
    with pytest.raises(ValueError) as error:
        codec.read(MapState, text)
    shown = repr(text) if len(repr(text)) <= codec.SHOWN else repr(text)[: codec.SHOWN] + "…"
    assert str(error.value) == f"{shown} is no state of the Patching Map: {why}; give what `state` gave."


# Any bad state on any widget: one sentence, and the last good result stays.

BAD = (None, True, 5, -1, 1e308, "", "no", "L99H99", [], ["x"], {}, {"a": 1}, "\ud800", "é" * 1_000_000)
MUTATIONS = 64  # of each widget


@pytest.fixture(scope="module")
def all_widgets(pocket, tiny, tmp_path_factory):
    """Every widget, on small models; those with long sweeps on fakes."""
    corpus = scan.corpus_of(tiny.tokenizer, ["When Mary and John went to the store"], name="words", width=20)
    table = scan.scan(tiny, corpus, tmp_path_factory.mktemp("table"), plan=scan.Plan(k=1), progress=False)
    return {
        "AblationLab": widgets.AblationLab(lab.bench(pocket)),
        "AttentionViewer": widgets.AttentionViewer(attention_view.bench(pocket)),
        "LensExplorer": widgets.LensExplorer(FakeLens()),
        "MarginNotes": widgets.MarginNotes(fake_margin()),
        "NeuronBrowser": widgets.NeuronBrowser(neuron_browser.bench(table, tiny)),
        "PatchingMap": widgets.PatchingMap(FakeMapBench()),
        "SurpriseReader": widgets.SurpriseReader(reader.bench(pocket)),
        "TrainingBench": widgets.TrainingBench(training_runs.of_family()),
        "VectorPlayground": widgets.VectorPlayground(playground.bench(vectors.shipped())),
    }


def mutated(text, draw):
    """A saved state with one thing wrong, and what kind of thing."""
    state = json.loads(text)
    name = draw.choice(sorted(state))
    kind = draw.choice(("type", "type", "missing", "unknown", "text", "large"))
    if kind == "type":
        state[name] = draw.choice(BAD)
    elif kind == "missing":
        del state[name]
    elif kind == "unknown":
        state["from a later version"] = draw.choice(BAD)
    written = json.dumps(state)
    if kind == "text":
        return written[: draw.randrange(len(written))] + draw.choice(("", "}", "]", "\0", "nonsense"))
    return "x" * 1_000_000 if kind == "large" else written


@pytest.mark.slow
def test_no_bad_state_says_more_than_a_sentence_or_moves_the_last_good_result(all_widgets):
    draw, refused = Random(0), 0
    for widget in all_widgets.values():
        good, shown = widget.state, widget.on_screen()
        for request in range(MUTATIONS):
            widget.question = {"load": mutated(good, draw), "request": request, "view": "v"}
            error = widget.reply["error"]
            if error is None:
                widget.load(good)
                continue
            refused += 1
            assert error["control"] == "load"
            assert "Error" not in error["text"], error["text"]
            assert len(error["text"]) < 600
            assert "\n" not in error["text"]
            assert (widget.state, widget.on_screen()) == (good, shown)
    assert len(all_widgets) * MUTATIONS >= 500
    assert refused > len(all_widgets) * MUTATIONS / 2


def test_every_widget_is_among_them():
    assert set(KINDS) == {kind.__name__ for kind in Conversation.__subclasses__()}
