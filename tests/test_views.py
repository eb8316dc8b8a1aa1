"""The Attention Viewer and the Patching Map without a browser, and the conversation all widgets share."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fake_bench import (
    FakeAttentionBench,
    FakeBench,
    FakeMapBench,
)
from test_widgets import Text

from interp.result import Result
from interp.screens import codec
from interp.screens.attention import AttentionState
from interp.screens.lab import LabState
from interp.screens.patching import MapState
from interp.sites import Head
from interp.widgets import (
    AblationLab,
    AttentionViewer,
    PatchingMap,
    attention_words,
    patching_words,
    path_words,
)
from interp.widgets import ablation_tools as tools

SET_AS_HTML = (
    "html",
    "ways",
    "comparison",
    "pair",
    "cell",
    "text",
    "paths",
    "cautions",
)  # by the page's scripts
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def viewer():
    return AttentionViewer(FakeAttentionBench())


@pytest.fixture
def patching():
    return PatchingMap(FakeMapBench())


def ask(widget, request=1, **changes):
    """Send what the controls would send."""
    widget.question = {**widget.reply["state"], **changes, "request": request, "view": "v"}
    return widget.reply


def run_errand(widget, **errand):
    """All deliveries of an errand when there is no event loop."""
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), names="delivery")
    widget.errand = {"request": 1, "view": "v", **errand}
    widget.unobserve_all("delivery")
    return seen


# The viewer


def test_the_reading_of_a_word_lists_where_it_looks_most(viewer):
    reply = ask(viewer, head="L5H2")
    assert reply["rows"][9] == "to → When 0.50, gave 0.50, Mary 0.00, and 0.00"
    assert reply["status"] == f"L5H2, {attention_words.MODE_NAMES['weight']}: {reply['rows'][9]}."


def test_cells_fill_the_lower_triangle_only(viewer):
    cells = viewer.reply["cells"]
    assert [len(row) for row in cells] == list(range(1, 11))
    assert cells[9][7] == {"text": "0.50", "shade": 0.5}


def test_scores_are_shaded_within_their_row_and_keep_their_sign(viewer):
    row = ask(viewer, show="score")["cells"][9]
    assert viewer.reply["cells"][0][0]["shade"] == 1.0
    assert (row[7]["text"], row[7]["shade"]) == ("+1.0", 1.0)
    assert (row[1]["text"], row[1]["shade"]) == ("−1.0", 0.0)


def test_thumbnails_hold_every_head_and_change_with_the_sentence_only(viewer):
    before = viewer.thumbnails
    seen = np.frombuffer(base64.b64decode(before), dtype=np.uint8).reshape(8, 4, 10, 10)
    assert seen[0, 0, 0, 0] == 255
    assert seen[3, 2, 9].tolist() == [128, 0, 0, 0, 0, 0, 0, 128, 0, 0]
    ask(viewer, head="L0H1")
    assert viewer.thumbnails == before
    ask(viewer, prompt="Mary and John", query=None)
    assert len(base64.b64decode(viewer.thumbnails)) == 8 * 4 * 3 * 3


def test_a_locked_pair_is_told_with_its_three_numbers_and_words(viewer):
    words = " ".join(Text(ask(viewer, query=9, key=7)["pair"]).words)
    for part in ("L5H2: from “to” to “gave”", "score q·k", "+1.00", "0.50", "50 %", "+1.50", "·<b>"):
        assert part in words
    assert "Click a cell" in ask(viewer, key=None)["pair"]


def test_another_sentence_of_another_length_lets_go_of_the_pair(viewer):
    ask(viewer, query=9, key=7)
    state = ask(viewer, prompt="Mary and John met")["state"]
    assert (state["query"], state["key"]) == (3, None)


def test_another_sentence_of_the_same_length_keeps_the_pair(viewer):
    ask(viewer, query=9, key=7)
    state = ask(viewer, prompt="When Mary and Paul went out, John gave it to")["state"]
    assert (state["query"], state["key"]) == (9, 7)


def test_an_empty_sentence_is_told_and_the_last_result_stays(viewer):
    before = viewer.reply["cells"]
    reply = ask(viewer, prompt=" ")
    assert reply["error"] == {"control": "prompt", "text": "The sentence is empty: write at least one word."}
    assert reply["cells"] == before


def test_the_viewer_warns_that_attention_is_no_explanation(viewer):
    assert viewer.warning.startswith("A look is not a reason.")
    assert viewer.warning in static(viewer)


# The map


def test_the_first_map_is_there_at_once_in_shares_of_the_swing(patching):
    reply = patching.reply
    assert (reply["done"], reply["shares"]) == ({"map": True, "paths": True}, True)
    assert [row[3]["text"] for row in reply["cells"]] == [f"+{share / 8:.2f}" for share in range(8, 0, -1)]
    assert reply["cells"][0][3]["shade"] == 1.0
    assert reply["cells"][4][3]["say"] == (
        "Layer 4, “John” (word 3): the lead goes from +2.00 to 0.00 nats, 50 % of the way to the second "
        "sentence."
    )
    assert reply["cells"][4][0]["say"] == "Layer 4, “When” (word 0): nothing changes."
    assert reply["finding"] == (
        "Lead of “Mary”: +2.00 nats; in the second sentence −2.00. Layer 0, “John” (word 3) carries most: "
        "100 % of the way."
    )


def test_the_beginning_of_text_is_no_word_of_the_sentence(patching):
    screen = patching._screen
    axes = {"layer": (0,), "position": tuple(range(8))}
    result = Result(np.array([[0.0, 0, 0, 0, -2, 0, 0, 0]]), axes, "change", "nats")
    names = [column["name"] for column in patching_words.columns(result, screen.leads)]
    assert names[:2] + names[-1:] == ["beginning of text", "When, word 0", "saw, word 6"]
    say = [cell["say"] for cell in patching_words.cells(result, screen.state, screen.leads)[0]]
    assert say[0] == "Layer 0, beginning of text: nothing changes."
    assert say[4].startswith("Layer 0, “John” (word 3): the lead goes from +2.00 to 0.00 nats")


def test_nats_on_request_without_measuring_again(patching):
    swept = list(patching._bench.swept)
    reply = ask(patching, raw=True)
    assert reply["cells"][0][3]["text"] == "−4.00"
    assert not reply["shares"]
    assert patching._bench.swept == swept


def test_without_a_swing_the_map_is_in_nats_and_says_so():
    reply = PatchingMap(FakeMapBench(leads_of=(2.0, 2.01))).reply
    assert not reply["shares"]
    assert reply["finding"].endswith("There is no swing to share out, so the map is in nats.")


def test_another_kind_begins_empty_and_an_errand_brings_the_rest(patching):
    reply = ask(patching, kind="z")
    assert reply["done"] == {"map": False, "paths": True}
    assert {cell["text"] for row in reply["cells"][:-1] for cell in row} == {""}
    assert reply["cells"][0][2]["say"] == "L0H2: not measured yet."
    *_, last = run_errand(patching, part="map")
    assert last["share"] == 1
    assert last["cells"][0][2]["text"] == "+1.00"
    assert patching.told()["done"]["map"]


def test_a_locked_cell_tells_the_next_words_before_and_after(patching):
    words = " ".join(Text(ask(patching, cell=[4, 3])["cell"]).words)
    assert "Layer 4, “John” (word 3): the lead goes from +2.00 to −1.00 nats." in words
    assert "Before" in words
    assert "Patched" in words
    assert ask(patching, kind="z")["state"]["cell"] is None


# The table of paths


def table_of(html):
    return " ".join(" ".join(Text(html).words).split())


def to_receiver(head, part="q", word=6):
    return {"receiver": {"head": head, "part": part, "word": word}}


def test_the_senders_to_the_last_state_are_there_at_once_strongest_first(patching):
    text = table_of(patching.reply["paths"])
    assert "Strongest path: L7H3 → the last state: −2.00 nats, 50 % of the swing." in text
    assert "Paths to the last state, strongest first" in text
    rows = [attrs["data-head"] for tag, attrs in Text(patching.reply["paths"]).tags if "data-head" in attrs]
    sizes = [0.2 * (int(row[1]) + int(row[3])) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert (len(rows), sizes[0], sizes[-1]) == (path_words.MOST_ROWS, pytest.approx(2.0), pytest.approx(1.4))
    assert "exactly zero" not in text
    assert patching.reply["words"][-2:] == ["John (word 5)", "saw (word 6, END)"]


def test_another_receiver_begins_empty_and_an_errand_brings_the_table(patching):
    swept = len(patching._bench.swept)
    reply = ask(patching, **to_receiver("L6H1"))
    assert reply["done"] == {"map": True, "paths": False}
    *_, last = run_errand(patching, part="paths")
    assert (last["share"], last["status"]) == (
        1,
        "Strongest path: L5H3 → query of L6H1 at “saw”: −1.60 nats, 40 % of the swing.",
    )
    text = table_of(last["paths"])
    assert "L5H0 → query of L6H1 at “saw” +1.00 nats −25 %" in text
    assert "Paths to query of L6H1 at “saw” (word 6), strongest first" in text
    assert "The other 14 senders: at most 0.80 nats each." in text
    assert (
        "Heads in layer 6 and later layers write after L6H1 has read: their paths to it are exactly zero."
        in text
    )
    assert "layer 6" not in text.split("All senders as a table")[1]
    assert set(patching._bench.swept[swept:]) == {f"senders {layer}" for layer in range(8)}


def test_a_half_measured_table_says_so(patching):
    state = codec.made(MapState, {**patching.reply["state"], **to_receiver("L7H0", "v", 5)})
    leads = patching._bench.leads(state)
    steps = [result for _, result in patching._bench.paths(state)]
    assert path_words.finding(steps[0], state, leads) == (
        "Paths to value of L7H0 at “John”: no sender is measured yet."
    )
    assert path_words.finding(steps[1], state, leads) == (
        "Strongest path so far: L6H3 → value of L7H0 at “John”: −1.80 nats, 45 % of the swing."
    )
    assert path_words.remarks(steps[1], state, leads) == [
        "Heads in layer 7 write after L7H0 has read: their paths to it are exactly zero."
    ]


@pytest.mark.parametrize(
    ("receiver", "finding"),
    [
        (to_receiver("L0H2"), "L0H2 is in the first layer, below every sender: it reads the words before any "
                              "head has written, so every path to it is exactly zero."),
        (to_receiver("L5H2", "k", 3), "Up to “John” (word 3) the two sentences are the same, so no head does "
                                      "anything different there: every path is exactly zero."),
    ],
)  # fmt: skip
def test_a_receiver_that_nothing_can_reach_gets_one_sentence_and_no_table(patching, receiver, finding):
    text = ask(patching, **receiver)["paths"]
    assert table_of(text) == finding
    assert "<table" not in text


def test_small_changes_are_told_without_rows(patching):
    state, leads = patching._screen.state, patching._screen.leads
    tiny = patching._screen.paths.result
    tiny = type(tiny)(tiny.values / 1000, tiny.axes, tiny.quantity, tiny.unit)
    assert path_words.finding(tiny, state, leads) == (
        "No head alone moves the lead by 0.005 nats on its path to the last state."
    )
    assert path_words.remarks(tiny, state, leads) == ["The other 32 senders: less than 0.005 nats each."]


def test_without_a_swing_paths_are_in_nats_only():
    reply = PatchingMap(FakeMapBench(leads_of=(2.0, 2.01))).reply
    assert "Strongest path: L7H3 → the last state: −2.00 nats. " in table_of(reply["paths"])
    assert "%" not in table_of(reply["paths"])


def test_a_receiver_moves_to_the_last_word_of_a_shorter_sentence(patching):
    ask(patching, **to_receiver("L6H1"))
    reply = ask(patching, prompt="Mary and John", twin="Mary and Mary", **to_receiver("L6H1"))
    assert (reply["error"], reply["state"]["receiver"]["word"]) == (None, 2)


def test_the_receiver_is_saved_and_loaded_and_in_the_static_twin(patching):
    ask(patching, **to_receiver("L6H1", "k"))
    other = PatchingMap(FakeMapBench())
    other.load(patching.state)
    assert other.state == patching.state
    assert other.reply["done"] == {"map": True, "paths": True}
    assert "L5H3 → key of L6H1 at “saw” −1.60 nats 40 %" in table_of(static(other))


def test_a_map_and_a_table_of_another_sentence_are_measured_apart(patching):
    reply = ask(patching, prompt="When Mary and Paul met, Paul saw", twin="When Mary and Paul met, Mary saw")
    assert reply["done"] == {"map": False, "paths": False}
    run_errand(patching, part="map")
    assert patching.told()["done"] == {"map": True, "paths": False}
    run_errand(patching, part="paths")
    assert patching.told()["done"] == {"map": True, "paths": True}


def test_a_pair_that_does_not_fit_is_shown_token_by_token_and_the_map_stays(patching):
    before = patching.reply["cells"]
    reply = ask(patching, twin="When Mary met")
    assert reply["error"] == {"control": "twin", "text": "The two sentences have other lengths."}
    assert reply["cells"] == before
    assert "–" in Text(reply["pair"]).words


# The lab's tools


def test_kept_state_and_ways_go_along_with_the_question():
    lab = AblationLab(FakeBench())
    kept = {name: value for name, value in lab.reply["state"].items() if name != "kept"}
    reply = ask(lab, heads_text="L5H2", kept=kept, side_by_side=True)
    assert "A, kept" in reply["comparison"]
    assert "−1.84" in reply["ways"]
    other = AblationLab(FakeBench())
    other.load(lab.state)
    assert json.loads(other.state) == json.loads(lab.state)
    assert other.reply["comparison"] == reply["comparison"]


def test_many_sentences_are_told_with_interval_and_share():
    lab = AblationLab(FakeBench())
    state = {**lab.reply["state"], "heads": ["L5H2"]}
    del state["kept"]
    *steps, last = run_errand(lab, part="spread", state=state)
    assert [step["share"] for step in steps] == [0.25, 0.5, 0.75]
    assert last["error"] is None
    assert last["text"].startswith("Without L5H2 the right name leads by 0.7")
    drawing = [attrs for tag, attrs in Text(last["html"]).tags if tag == "svg"]
    assert drawing[0]["role"] == "img"
    assert drawing[0]["aria-label"] == last["text"]
    heights = [
        float(attrs["height"])
        for tag, attrs in Text(last["html"]).tags
        if tag == "rect" and attrs["class"] == "on"
    ]
    assert sum(heights) / max(heights) == pytest.approx(60 / _most_in_a_bin(state), rel=0.05)


def _most_in_a_bin(state):
    *_, (_, result) = FakeBench().spread(codec.made(LabState, state))
    low, high = np.floor(min(0, result.values.min())), np.ceil(result.values.max())
    return np.histogram(result.values[0], np.linspace(low, high, tools.BINS + 1))[0].max()


def test_an_exercise_is_answered_by_the_bench():
    lab = AblationLab(FakeBench())
    state = {name: value for name, value in lab.reply["state"].items() if name != "kept"}
    for heads, right in ((["L5H2"], True), (["L0H0"], False)):
        *_, last = run_errand(lab, part="check", exercise=0, state={**state, "heads": heads})
        assert last["right"] == right


# What they share


def static(widget):
    bundle = widget._repr_mimebundle_()
    return (bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"]


@pytest.mark.parametrize("make", [
    lambda: AblationLab(FakeBench()), lambda: AttentionViewer(FakeAttentionBench()),
    lambda: PatchingMap(FakeMapBench()),
])  # fmt: skip
class TestEveryWidget:
    def test_a_state_is_loaded_from_the_page_and_shown_to_every_view(self, make):
        widget = make()
        widget.question = {"load": widget.state, "request": 3, "view": "v"}
        assert (widget.reply["request"], widget.reply["error"]) == (-1, None)

    @pytest.mark.parametrize("text", ["nonsense", "[]", "", "3"])
    def test_what_is_no_state_is_told_beneath_the_field(self, make, text):
        widget = make()
        before = widget.state
        widget.question = {"load": text, "request": 3, "view": "v"}
        assert widget.reply["request"] == 3
        assert widget.reply["error"]["control"] == "load"
        assert widget.state == before

    def test_the_readers_words_cannot_become_markup(self, make):
        widget = make()
        hostile = {"prompt": HOSTILE, "twin": HOSTILE.replace("1", "2"), "answer": HOSTILE, "query": 0}
        known = {name: value for name, value in hostile.items() if name in widget.reply["state"]}
        reply = ask(widget, **known)
        assert reply["error"] is None
        html = [reply[name] for name in SET_AS_HTML if name in reply] + list(reply["said"].values())
        assert len(html) >= 2
        for text in (*html, static(widget)):
            assert not [tag for tag, _ in Text(text).tags if tag == "img"], text

    def test_without_a_live_front_end_the_result_is_still_there(self, make):
        widget = make()
        assert "When" in static(widget)
        assert "<table" in static(widget) or "<ol" in static(widget)


def test_a_newer_errand_ends_the_older_one_and_stop_ends_all(patching):
    async def twice():
        ask(patching, kind="z")
        patching.errand = {"request": 1, "view": "v", "part": "map"}
        await asyncio.sleep(0)
        patching.errand = {"request": 2, "view": "v", "part": "map"}
        await asyncio.sleep(1.5)
        second = patching.delivery
        patching.errand = {"request": 3, "view": "v", "part": "map"}
        await asyncio.sleep(0)
        number = len(patching._bench.swept)
        patching.errand = {"request": 4, "view": "v", "part": "stop"}
        await asyncio.sleep(0.1)
        return second, number

    with ThreadPoolExecutor(1) as fresh:  # a thread without an event loop: a browser may keep one in this
        second, number = fresh.submit(asyncio.run, twice()).result()
    assert (second["request"], second["share"]) == (2, 1)
    assert len(patching._bench.swept) == number


def test_a_broken_errand_is_told_in_a_sentence(patching, monkeypatch):
    def broken(state):
        raise RuntimeError("out of memory")
        yield

    monkeypatch.setattr(FakeMapBench, "sweep", lambda self, state: broken(state))
    *_, last = run_errand(patching, part="map")
    assert last["error"] == (
        "The model could not answer (RuntimeError: out of memory). The last good result stays."
    )


def test_words_of_the_map_and_the_viewer_are_pure():
    bench = FakeAttentionBench()
    state = AttentionState("a b", Head(0, 1), query=1)
    assert attention_words.status(bench.attention(state), state).startswith("L0H1, weight")
    table = patching_words.text_html(
        list(FakeMapBench().sweep(MapState("a b", "a c", "Mary", "John")))[-1][1],
        MapState("a b", "a c", "Mary", "John"),
        FakeMapBench().leads(MapState("a b", "a c", "Mary", "John")),
    )
    assert table.count("<tr>") == 9


def test_the_map_and_the_viewer_say_first_what_the_model_never_saw(viewer, patching):
    told = ask(viewer, prompt="When Wakanda met", query=None, head="L5H2")
    assert Text(told["said"]["prompt"]).words == ["pocket never saw <Wakanda>."]
    assert told["status"].startswith("pocket never saw <Wakanda>. L5H2")
    reply = ask(patching, prompt="When Wakanda met", twin="When Mary met")
    assert Text(reply["cautions"]).words == ["pocket never saw <Wakanda>."]
    assert reply["finding"].startswith("Measured all the same: Lead of “Mary”")
    assert Text(reply["said"]["against"]).words[:2] == ["asked: ", "·John"]
    assert static(patching).index("never saw") < static(patching).index("Measured all the same")
