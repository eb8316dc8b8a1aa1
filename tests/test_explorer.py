"""The Lens Explorer without a browser: its arithmetic on real models, what it asks, says and refuses."""

import inspect
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fake_bench import fake_asked
from fake_lens import TOKENS, FakeLens

from interp import hooks
from interp.benches import explorer
from interp.methods import lens
from interp.prompts import Prompts
from interp.result import Result
from interp.screens import codec
from interp.screens.lens import ExplorerAnswer, ExplorerState
from interp.sites import Site
from interp.widgets import LensExplorer
from interp.widgets import lens_words as words
from interp.words.relations import CAPITAL

HOSTILE = '<img src=x onerror="alert(1)">'
ARTICLE = ExplorerState(CAPITAL.text("Poland"), "Warsaw")


# --- the arithmetic -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bench(pocket):
    return explorer.bench(pocket)


def changed(**more):
    return ExplorerState(**{**vars(ARTICLE), **more})


def test_the_grid_is_the_lens_and_the_change_is_a_run_with_the_edits(pocket, bench):
    answer = bench.compute(changed(off=("mlp4", "attn6"), mids=True))
    written = Prompts.write(pocket.tokenizer, [[(None, ARTICLE.prompt)]])
    edits = (hooks.Zero(Site("mlp_out", 4)), hooks.Zero(Site("attn_out", 6)))
    for seen, more in ((answer.before, ()), (answer.after, edits)):
        expected = lens.guesses(pocket, written, *more)
        np.testing.assert_allclose(seen.probability.values, expected.probability.values, atol=1e-6)
        assert (seen.words == expected.words).all()
    assert answer.changed


def test_the_last_row_is_what_the_model_says(pocket, bench):
    answer = bench.compute(ARTICLE)
    written = Prompts.write(pocket.tokenizer, [[(None, ARTICLE.prompt)]])
    shares = hooks.run(pocket, written)[0][0].double().softmax(-1)
    np.testing.assert_allclose(
        answer.before.probability.at(part="post", layer=7, place=1).values, shares.max(-1).values, atol=1e-5
    )
    assert not answer.changed
    np.testing.assert_array_equal(answer.before.probability.values, answer.after.probability.values)


def test_an_update_replaces_the_feed_forward_output(pocket, bench):
    answer = bench.compute(changed(update="capital", into="5-7"))
    vector = explorer._vector(pocket, "capital")
    edits = [hooks.Put(Site("mlp_out", layer), vector) for layer in (5, 6, 7)]
    written = Prompts.write(pocket.tokenizer, [[(None, ARTICLE.prompt)]])
    shares = hooks.run(pocket, written, *edits)[0][0].double().softmax(-1)
    found = answer.after.probability.at(part="post", layer=7, place=1).values
    np.testing.assert_allclose(found, shares.max(-1).values, atol=1e-5)


@pytest.mark.slow
def test_every_example_can_be_computed_through_both_lenses(bench):
    assert len(bench.examples) == 5
    for _, state in bench.examples:
        for tuned in (False, True):
            bench.compute(ExplorerState(**{**vars(state), "tuned": tuned, "mids": tuned}))


def test_the_state_goes_round_as_json():
    state = changed(off=("mlp4",), update="capital", into="4-7", tuned=True)
    assert codec.read(ExplorerState, codec.write(state)) == state


@pytest.mark.parametrize(
    ("more", "control", "text"),
    [
        ({"prompt": " \n"}, "prompt", "The prompt is empty: write the beginning of a sentence."),
        (
            {"prompt": "A" + " dog" * 60},
            "prompt",
            "The prompt has 61 tokens; the explorer shows at most 48.",
        ),
        (
            {"answer": ""},
            "answer",
            "The answer is missing: write one word, such as Mary.",
        ),
        (
            {"answer": "Atlantis"},
            "answer",
            None,
        ),
        (
            {"off": ("mlp12",)},
            "off",
            "There is no layer 12: this model has layers 0-7. Choose from these.",
        ),
        (
            {"off": ("banana",)},
            "off",
            "'banana' is no half of a layer: write attn or mlp and the layer, such as mlp5.",
        ),
        (
            {"update": "capital", "into": "seven"},
            "into",
            "'seven' names no layers: write one, such as 5, or a range, such as 4-7.",
        ),
        (
            {"update": "capital", "into": "7-4"},
            "into",
            "'7-4' ends before it begins: write the lower layer first.",
        ),
        (
            {"update": "king", "into": "4"},
            "update",
            "There is no relation 'king': choose from capital, upper case, past tense.",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_knows_its_control(bench, more, control, text):
    with pytest.raises(ValueError) as error:
        bench.compute(changed(**more))
    assert error.value.control == control
    if text is None:
        assert re.match(
            r"The answer ' Atlantis' is \d+ tokens \(.*\); it must be one token\.", str(error.value)
        )
    else:
        assert str(error.value) == text


# --- the widget -----------------------------------------------------------------------------------------


@pytest.fixture
def lab():
    return LensExplorer(FakeLens())


def ask(lab, request=1, **changes):
    """Send what the controls would send."""
    state = {**lab.examples[0]["state"], "off_text": "", **changes}
    state.pop("off", None)
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


def test_switching_a_half_off_asks_for_it_and_says_what_happened(lab):
    reply = ask(lab, off_text="mlp5; attn3")
    assert lab._bench.asked[-1].off == ("mlp5", "attn3")
    assert reply["error"] is None
    assert reply["status"] == (
        "“Warsaw” stays first from layer 4 on; without mlp5, attn3, “Warsaw” stays first from layer 6 on."
        " First guesses at the end: Warsaw, A, A. Changed: Warsaw, A, A."
    )
    assert reply["titles"] == ["As it is", "Changed: without mlp5, attn3"]


def test_without_a_change_there_is_one_grid(lab):
    reply = ask(lab)
    assert len(reply["grids"]) == 1
    assert len(reply["grids"][0]) == 8
    assert [len(row) for row in reply["grids"][0]] == [len(TOKENS)] * 8
    assert reply["grids"][0][7][-1] == {
        "text": "·Warsaw", "shade": 0.9, "list": "·Warsaw 90 %, ·A 5.0 %, ·A 5.0 %, ·A 5.0 %, ·A 5.0 %",
    }  # fmt: skip


def test_the_states_in_between_have_rows_of_their_own(lab):
    reply = ask(lab, mids=True)
    assert [row["text"] for row in reply["rows"]][:4] == ["½L0", "L0", "½L1", "L1"]
    assert reply["rows"][0]["name"] == "layer 0, before feed-forward"
    assert len(reply["grids"][0]) == 16


@pytest.mark.parametrize(
    ("changes", "control", "text"),
    [
        ({"off_text": "mlp12"}, "off", "There is no layer 12: this model has layers 0-7."),
        ({"prompt": " "}, "prompt", "The prompt is empty: write the beginning of a sentence."),
    ],
)
def test_an_error_stands_at_its_control_and_the_last_result_stays(lab, changes, control, text):
    good = ask(lab, off_text="mlp5")
    reply = ask(lab, request=2, **changes)
    assert reply["error"] == {"control": control, "text": text}
    assert (reply["grids"], reply["html"], reply["state"]) == (good["grids"], good["html"], good["state"])


def test_a_saved_state_is_put_back(lab):
    ask(lab, off_text="mlp5", update="capital", into="4-7", mids=True)
    other = LensExplorer(FakeLens())
    other.load(lab.state)
    assert other.state == lab.state
    assert other.reply["grids"] == lab.reply["grids"]


@pytest.mark.parametrize(
    ("ranks", "sentence"),
    [([9, 1, 1], "“x” stays first from layer 1 on."), ([1, 1, 3], "“x” ends at rank 3.")],
)
def test_the_finding_says_from_where_on(ranks, sentence):
    column = Result(np.array([ranks], dtype=float), {"part": ("post",), "layer": (0, 1, 2)}, "rank", "rank")
    seen = FakeLens(layers=3).guesses(("post",), 1, "")
    answer = ExplorerAnswer(
        seen, seen, (column, column), (column, column), False, (), fake_asked("x"), (), ()
    )
    assert words.finding(ExplorerState("p", "x"), answer) == sentence


def test_the_readers_words_cannot_become_markup():
    bench = FakeLens(tokens=("Q", HOSTILE, "?"))
    lab = LensExplorer(bench)
    reply = ask(lab, answer=HOSTILE)
    static = lab._repr_mimebundle_()
    static = (static[0] if isinstance(static, tuple) else static)["text/html"]
    for html in (reply["html"], static):
        assert not [attrs for tag, attrs in Text(html).tags if tag == "img"]
    assert HOSTILE in "".join(Text(static).words)


def test_without_a_live_front_end_both_grids_are_still_there(lab):
    ask(lab, off_text="mlp5")
    bundle = lab._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].count('<table class="still">') == 2
    assert bundle["text/plain"] == lab.reply["status"]


def test_the_page_fetches_nothing_from_a_network():
    folder = Path(inspect.getfile(LensExplorer)).parent
    for name in ("lens_explorer.js", "lens_explorer.css"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "http" not in text
        assert "@import" not in text


def test_what_goes_to_the_screen_is_json(lab):
    assert json.loads(json.dumps(ask(lab, off_text="mlp5"))) == lab.reply


def test_the_token_followed_is_said_and_an_unseen_country_comes_first(pocket, bench):
    answer = bench.compute(changed(prompt="The capital of Wakanda is"))
    assert answer.asked.text == " Warsaw"
    assert answer.cautions == (
        "pocket never saw this word in training: “·Wakanda” (·W|ak|an|da). What follows is not about it.",
    )
    text = words.result_html(changed(), answer)
    assert text.index("never saw") < text.index("Measured all the same: “Warsaw”")
    assert '<p class="finding doubtful">' in text
    assert words.status(changed(), answer).startswith("pocket never saw")


def test_a_sign_is_followed_as_it_is_typed(pocket, bench):
    answer = bench.compute(changed(answer="\\n"))
    token = pocket.tokenizer("\n", add_special_tokens=False)["input_ids"]
    logits = hooks.run(pocket, Prompts.write(pocket.tokenizer, [[(None, ARTICLE.prompt)]]))[0][0, -1]
    assert [answer.asked.token] == token
    assert answer.ranks[0].at(part="post", layer=7).values == 1 + int((logits > logits[token[0]]).sum())
    assert "Rank of “↵” as the next word" in words.result_html(changed(), answer)


def test_how_the_prompt_and_the_answer_are_read_is_told_beside_them(lab):
    said = ask(lab, prompt="The capital of Wakanda")["said"]
    assert Text(said["prompt"]).words[:6] == [
        "The",
        "capital",
        "of",
        "Wak",
        "anda",
        "5 tokens; “·” is a space · ",
    ]
    assert [attrs["data-ask"] for tag, attrs in Text(said["answer"]).tags if tag == "button"] == ['"Warsaw"']
