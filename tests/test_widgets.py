"""The Ablation Lab without a browser: what it asks of its bench, what it says, how it refuses."""

import inspect
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_bench import FakeBench

from interp.screens import codec
from interp.screens.lab import LabState
from interp.screens.sentences import Asked, ReadWord
from interp.sites import Head
from interp.widgets import AblationLab, own_words, wording
from interp.widgets import ablation_view as view
from interp.widgets.conversation import Conversation

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def lab():
    return AblationLab(FakeBench())


def ask(lab, request=1, **changes):
    """Send what the controls would send."""
    state = {**json.loads(lab.examples and json.dumps(lab.examples[0]["state"])), "heads_text": "", **changes}
    state.pop("heads", None)
    lab.question = {**state, "request": request, "view": "v"}
    return lab.reply


class Text(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.words, self.tags = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_switching_a_head_off_asks_the_bench_for_that_head_only(lab):
    reply = ask(lab, heads_text="L5H2", how="zero")
    asked = lab._bench.asked[-1]
    assert (asked.heads, asked.how) == ((Head(5, 2),), "zero")
    assert reply["error"] is None
    assert reply["heads"] == ["L5H2"]
    assert reply["status"] == (
        "Without L5H2 the preference gets weaker: “Mary” is 2.1 times as likely as “John”; before it was 13 "
        "times. "
        "Logit difference 2.60 to 0.76. Heads off: L5H2."
    )


def test_python_says_that_it_has_heard_before_it_computes_and_when_it_is_only_asked_whether_it_is_there(lab):
    said = []
    lab.observe(
        lambda change: said.append((change["name"], change["new"])), names=["heard", "reply", "delivery"]
    )
    lab.ping = "are you there?"
    ask(lab, heads_text="L5H2", request=7)
    lab.errand = {"part": "stop", "request": 3, "view": "v"}
    names = [name for name, _ in said]
    assert names == ["heard", "heard", "reply", "heard"]
    heard = [value for name, value in said if name == "heard"]
    assert heard == [{"ping": "are you there?"}, {"view": "v", "question": 7}, {"view": "v", "errand": 3}]


def test_heads_may_be_written_in_any_order_and_twice(lab):
    assert ask(lab, heads_text=" l6h1,L5H2; L5H2 ")["heads"] == ["L5H2", "L6H1"]


@pytest.mark.parametrize(
    ("changes", "control", "text"),
    [
        (
            {"heads_text": "L12H0"},
            "heads",
            "L12H0 is not in this model: pocket has layers 0-7 and heads 0-3. Choose a head such as L7H3.",
        ),
        (
            {"heads_text": "banana"},
            "heads",
            "'banana' is not the name of a head: write the layer and the number, such as L9H6.",
        ),
        (
            {"prompt": "  "},
            "prompt",
            "The prompt is empty: write the beginning of a sentence, up to the word to be guessed.",
        ),
        ({"answer": ""}, "answer", "The answer is missing: write one word, such as Mary."),
    ],
)
def test_bad_input_is_one_sentence_at_its_control_and_the_last_result_stays(lab, changes, control, text):
    good = ask(lab, heads_text="L5H2")
    reply = ask(lab, request=2, **changes)
    assert reply["error"] == {"control": control, "text": text}
    assert reply["status"] == text
    assert (reply["html"], reply["state"]) == (good["html"], good["state"])
    assert json.loads(lab.state)["heads"] == ["L5H2"]


def test_a_broken_bench_is_told_on_screen_and_the_lab_lives_on(lab, monkeypatch):
    def broken(state):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(FakeBench, "compute", lambda self, state: broken(state))
        reply = ask(lab, heads_text="L5H2")
    assert reply["error"]["text"] == (
        "The model could not answer (RuntimeError: out of memory). The last good result stays."
    )
    assert ask(lab, request=2, heads_text="L5H2")["error"] is None


def test_the_state_goes_round_as_json(lab):
    ask(lab, heads_text="L5H2, L6H1", how="resample", prompt="Then Sam and Ann met, Sam gave a ring to")
    other = AblationLab(FakeBench())
    other.load(lab.state)
    assert other.state == lab.state
    assert other.reply["html"] == lab.reply["html"]
    assert other.reply["request"] == -1


def test_loading_an_unknown_head_raises_and_keeps_the_screen(lab):
    before = lab.state
    bad = codec.write(LabState("x", "Mary", "John", (Head(12, 0),)))
    with pytest.raises(
        ValueError, match=r"^L12H0 is not in this model: pocket has layers 0-7 and heads 0-3\."
    ):
        lab.load(bad)
    assert lab.state == before


def test_each_reply_names_its_request_so_that_late_ones_can_be_dropped(lab):
    replies = [
        ask(lab, request=n, heads_text=heads)["request"] for n, heads in ((7, "L0H0"), (8, "bad"), (9, ""))
    ]
    assert replies == [7, 8, 9]


def test_the_grid_has_a_number_and_a_tint_for_every_head(lab):
    effects = lab.reply["effects"]
    assert [len(row) for row in effects] == [4] * 8
    assert effects[5][2] == {"text": "+1.84", "tint": 1.0}
    assert effects[7][3]["text"] == "−0.60"
    assert effects[7][3]["tint"] < 0


def test_both_panes_share_one_scale(lab):
    reply = ask(lab, heads_text="L5H2")
    widths = [
        float(attrs["style"].split(":")[1].rstrip("%"))
        for tag, attrs in Text(reply["html"]).tags
        if tag == "span" and "style" in attrs
    ]
    clean, ablated = widths[:10], widths[10:]
    assert clean[0] == 100.0
    assert ablated[0] == pytest.approx(100 * 0.5452 / 0.7447, abs=0.1)


def test_ranks_that_move_are_marked_with_arrow_and_words(lab):
    html = ask(lab, heads_text="L5H2, L6H1")["html"]
    words = " ".join(Text(html).words)
    assert "▲\u202f1" in words
    assert "▼\u202f1" in words
    assert "John” is 1.2 times as likely as “Mary" in words
    assert "changes its mind" in words


def test_everything_on_screen_is_also_text(lab):
    words = " ".join(Text(ask(lab, heads_text="L5H2")["html"]).words)
    assert "The same as text" in words
    assert ["0.7447", "0.5452"][0] in words


def test_the_readers_words_cannot_become_markup():
    lab = AblationLab(FakeBench())
    reply = ask(lab, prompt=HOSTILE, answer=HOSTILE, against="</p>")
    static = lab._repr_mimebundle_()
    static = (static[0] if isinstance(static, tuple) else static)["text/html"]
    for html in (reply["html"], static):
        assert not [attrs for tag, attrs in Text(html).tags if tag == "img"]
    assert HOSTILE in " ".join(Text(static).words)


def test_without_a_live_front_end_the_result_is_still_there(lab):
    ask(lab, heads_text="L5H2")
    bundle = lab._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "Without L5H2" in bundle["text/html"]
    assert "+1.84 (off)" in bundle["text/html"]
    assert bundle["text/plain"] == lab.reply["status"]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (2.0, 2.0, "Without L0H0 nothing changes: “Mary” is 7.4 times as likely as “John”."),
        (2.0, 3.0, "Without L0H0 the preference gets stronger: “Mary” is 20 times as likely as “John”; "
                   "before it was 7.4 times."),
        (2.0, 0.0, "Without L0H0 the preference gets weaker: “Mary” and “John” are equally likely; "
                   "before it was 7.4 times."),
        (-1.0, 1.0, "Without L0H0 the model changes its mind: now “Mary” is 2.7 times as likely as “John” "
                    "(before, “John” was 2.7 times as likely as “Mary”)."),
    ],
)  # fmt: skip
def test_the_finding_says_what_happened(before, after, sentence):
    state = LabState("p", "Mary", "John", (Head(0, 0),))
    answer = replace(FakeBench().compute(state), logit_difference=(before, after))
    assert view.finding(state, answer) == sentence


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.714, "71 %"), (0.0996, "10 %"), (0.0552, "5.5 %"), (0.00001, "< 0.1 %"), (0.0, "0 %")],
)
def test_chances_are_written_so_that_small_ones_do_not_vanish(share, text):
    assert wording.percent(share) == text


@pytest.mark.parametrize("name", ["ليلى", "שלום", "a ליאור"])
def test_what_runs_from_right_to_left_keeps_its_place_in_an_english_sentence(name):
    assert wording.word(f" {name}") == f"\u2068{name}\u2069"
    assert wording.visible(f" {name}") == f"\u2068·{name.replace(' ', '·')}\u2069"
    assert not set("\u2068\u2069") & set(wording.visible(" José 王") + wording.word(""))


@pytest.mark.slow
def test_the_widgets_do_not_load_torch_or_the_studies():
    code = (
        "import sys, interp.widgets; "
        "rooms = ('studies', 'benches', 'hooks', 'methods', 'models'); "
        "refused = ('torch', *(f'interp.{room}' for room in rooms)); "
        "print([name for name in refused if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_fetches_nothing_from_a_network():
    folder = Path(inspect.getfile(AblationLab)).parent
    files = [*folder.glob("*.js"), *folder.glob("*.css")]
    assert len(files) >= 4
    for file in files:
        text = file.read_text()
        assert "http" not in text
        assert "@import" not in text


def test_all_widgets_bring_one_sheet_so_that_the_order_they_come_in_cannot_matter():
    kinds = Conversation.__subclasses__()
    assert {kind.__name__ for kind in kinds} == {
        "AblationLab",
        "AttentionViewer",
        "LensExplorer",
        "MarginNotes",
        "NeuronBrowser",
        "PatchingMap",
        "SurpriseReader",
        "TrainingBench",
        "VectorPlayground",
    }
    (sheet,) = {kind._css for kind in kinds}
    files = sorted(Path(inspect.getfile(AblationLab)).parent.glob("*.css"))
    assert sheet.startswith((files[0].parent / "house.css").read_text())
    assert all(file.read_text() in sheet for file in files)


def test_every_rule_of_a_widget_stays_within_it():
    roots = {}
    for file in Path(inspect.getfile(AblationLab)).parent.glob("*.css"):
        rules = re.sub(r"@media[^{]*\{(.*?\})\s*\}", r"\1", file.read_text(), flags=re.DOTALL)
        selectors = re.findall(r"([^{}]+)\{[^{}]*\}", rules)
        outside = re.sub(r"\([^()]*\)", "", ",".join(selectors)).split(",")
        roots[file.name] = {re.match(r"\s*(\.[a-z]+-[a-z]+)?", one)[1] for one in outside}
    assert roots == {
        "house.css": {".interp-widget"},
        "ablation_lab.css": {".interp-lab"},
        "attention_viewer.css": {".interp-attention"},
        "guess.css": {".interp-guess"},
        "lens_explorer.css": {".interp-lens"},
        "margin_notes.css": {".interp-margin"},
        "neuron_browser.css": {".interp-neurons"},
        "patching_map.css": {".interp-map"},
        "surprise_reader.css": {".interp-surprise"},
        "training_bench.css": {".interp-training"},
        "vector_playground.css": {".interp-vectors"},
    }


def test_what_must_be_said_first_stands_before_a_finding_that_is_no_headline(lab):
    reply = ask(lab, prompt="When Wakanda", heads_text="L5H2")
    text = Text(reply["html"])
    assert text.words[0] == "pocket never saw <Wakanda>."
    assert text.words[1].startswith("Measured all the same: Without L5H2 the preference gets weaker")
    assert [attrs["class"] for _, attrs in text.tags if "class" in attrs][:2] == [
        "caution",
        "finding doubtful",
    ]
    assert reply["status"].startswith("pocket never saw <Wakanda>. Measured all the same: Without L5H2")
    classes = [attrs.get("class", "") for _, attrs in Text(ask(lab)["html"]).tags]
    assert [name for name in classes if "finding" in name] == ["finding"]


def test_the_token_asked_is_shown_with_its_space_and_the_other_reading_offered(lab):
    said = ask(lab, answer="Tom", prompt="When Wakanda")["said"]
    assert Text(said["answer"]).words == ["asked: ", "·Tom", " ", "without space"]
    assert [attrs["data-ask"] for tag, attrs in Text(said["answer"]).tags if tag == "button"] == ['"Tom"']
    assert Text(said["prompt"]).words == [
        "When", "Wak", "anda", "3 tokens; “·” is a space · ", "never seen in training",
    ]  # fmt: skip
    static = lab._repr_mimebundle_()
    static = (static[0] if isinstance(static, tuple) else static)["text/html"]
    assert "Asked: ● “·Tom”, ◆ “·John” (“·” is a space)." in " ".join(Text(static).words)


def test_readings_that_only_a_space_tells_apart_are_told_with_it():
    state = LabState("p", "Mary", "John")
    answer = replace(FakeBench().compute(state), asked=(Asked(" Mary", 0), Asked("Mary", 1)))
    assert view.finding(state, answer) == "Every head is on: “·Mary” is 13 times as likely as “Mary”."
    marked = [text for text in Text(view.result_html(state, answer)).words if text.startswith(("● ", "◆ "))]
    assert marked == ["● ·Mary", "● ·Mary"]  # once in each pane; nothing there is “Mary” without its space


def test_bytes_that_are_no_characters_are_counted_not_shown():
    assert Text(own_words.words_html([ReadWord("😀", ("ð", "Ł", "ĺ", "Ģ"), None)])).words[:2] == [
        "😀",
        "4 pieces",
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((" Mary", " John"), ("Mary", "John")),
        (("Mary", " John"), ("Mary", "·John")),
        ((" Mary", "Mary"), ("·Mary", "Mary")),
        (("ing", "ed"), ("ing", "ed")),
    ],
)
def test_a_headline_names_the_tokens_that_were_asked(asked, said):
    assert own_words.names([Asked(text, 0) for text in asked]) == said


def test_an_interrupted_kernel_is_told_on_screen_and_the_lab_lives_on(lab, monkeypatch):
    def interrupted(bench, state):
        raise KeyboardInterrupt

    good = ask(lab, heads_text="L5H2")
    with monkeypatch.context() as patch:
        patch.setattr(type(lab._bench), "compute", interrupted)
        reply = ask(lab, request=2, heads_text="L6H1")
    assert reply["error"]["text"] == (
        "The kernel was interrupted before it could answer. The last good result stays; ask again."
    )
    assert (reply["request"], reply["html"]) == (2, good["html"])
    assert ask(lab, request=3, heads_text="L6H1")["error"] is None
