"""The Neuron Browser without a browser: its bench, what it says, how it refuses, what it escapes."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.benches import neuron_browser
from interp.benches.neuron_browser import BrowserState
from interp.methods import scan
from interp.methods.scan import Context
from interp.result import Result
from interp.sites import Neuron
from interp.studies.neurons.concepts import Best
from interp.widgets import NeuronBrowser
from interp.widgets import neuron_words as words

HOSTILE = '<img src=x onerror="alert(1)">'
BEST = Best("country", Neuron(1, 2), 0.9, (0.8, 0.95), 0.5)


@pytest.fixture(scope="module")
def table(tiny, tmp_path_factory):
    texts = [f"When {a} and {b} went to the store" for a in ("Mary", "Amy", "Kate") for b in ("John", "Tom")]
    corpus = scan.corpus_of(tiny.tokenizer, texts, name="words", width=20)
    return scan.scan(tiny, corpus, tmp_path_factory.mktemp("table"), plan=scan.Plan(k=3), progress=False)


@pytest.fixture(scope="module")
def bench(table, tiny):
    return neuron_browser.bench(table, tiny, concepts=[BEST], first=Neuron(2, 5))


@pytest.fixture
def browser(bench):
    return NeuronBrowser(bench)


def ask(browser, request=1, **changes):
    question = {"neuron": "L0N3", "text": "Mary went to", "on": True, "by": "nothing", "search": ""}
    browser.question = {**question, **changes, "request": request, "view": "v"}
    return browser.reply


def test_it_opens_at_its_first_neuron_and_answers_for_another(browser):
    assert browser.reply["status"].startswith("L2N5 is most excited at ")
    reply = ask(browser, neuron="l1n7")
    assert reply["error"] is None
    assert reply["status"].startswith("L1N7 is most excited at ")
    assert json.loads(browser.state)["neuron"] == "L1N7"


def test_the_own_text_is_read_with_the_neuron_on_and_off(bench, tiny):
    state = BrowserState(Neuron(1, 7), "Mary went to", on=False)
    own = bench.compute(state).own
    ids = [tiny.tokenizer.bos_token_id, *models.encode(tiny, "Mary went to")]
    tokens = torch.tensor([ids])
    seen = hooks.record(tiny, tokens, [Neuron(1, 7)])[Neuron(1, 7)][0, 1:]
    assert np.allclose(own.activations.values, seen.numpy(), atol=1e-5)
    for result, edits in ((own.whole, ()), (own.without, (hooks.Zero(Neuron(1, 7)),))):
        logits, _ = hooks.run(tiny, tokens, *edits)
        best = logits[0, -1].softmax(-1).topk(10).values
        assert np.allclose(result.values, best.numpy(), atol=1e-5)
    assert not np.allclose(own.whole.values, own.without.values)


def test_a_search_by_word_finds_its_writers_and_a_concept_its_best_neuron(browser, table):
    word = table.record(Neuron(0, 3)).writes[0][0]
    hits = ask(browser, by="word", search=word)["hits"]
    assert hits.count("data-neuron=") == min(12, len(table.writers(word, 12)))
    hits = ask(browser, by="concept", search="country")["hits"]
    assert 'data-neuron="L1N2"' in hits
    assert "AUC 0.90 (0.80 to 0.95); shuffled 0.50" in hits


@pytest.mark.parametrize(
    ("changes", "control", "text"),
    [
        ({"neuron": "L9"}, "neuron",
         "'L9' is not the name of a neuron: write the layer and the number, such as L8N1203."),
        ({"neuron": "L3N0"}, "neuron",
         "L3N0 is not in this model: tiny has layers 0-2 and neurons 0-127. Choose a neuron such as L2N127."),
        ({"text": " "}, "text", "The text is empty: write at least one word for the neurons to read."),
        ({"by": "word", "search": "xyzzy"}, "search",
         "No neuron has 'xyzzy' among the ten words it writes most. Try another word."),
        ({"by": "concept", "search": "unicorn"}, "search",
         "There is no concept 'unicorn' here. Choose one of: country."),
    ],
)  # fmt: skip
def test_a_bad_input_is_one_sentence_beneath_its_control_and_the_last_result_stays(
    browser, changes, control, text
):
    before = ask(browser)["outcome"]
    reply = ask(browser, request=2, **changes)
    assert reply["error"] == {"control": control, "text": text}
    assert reply["outcome"] == before


def test_a_state_goes_out_and_comes_back(browser):
    ask(browser, neuron="L1N9", text="Mary", on=False)
    saved, shown = browser.state, browser.reply["outcome"]
    ask(browser, request=2, neuron="L0N0")
    browser.load(saved)
    assert (browser.state, browser.reply["outcome"]) == (saved, shown)
    with pytest.raises(ValueError) as error:
        browser.load("{}")
    assert (
        str(error.value)
        == "'{}' is no state of the Neuron Browser: neuron is missing; give what `state` gave."
    )


def test_without_a_model_the_table_alone_answers(table):
    browser = NeuronBrowser(neuron_browser.bench(table))
    reply = ask(browser, text="anything")
    assert reply["error"] is None
    assert reply["text"] == '<p class="note">Give the browser a model to read a text of your own.</p>'


def test_a_table_of_another_model_is_refused(table, pocket):
    with pytest.raises(ValueError) as error:
        neuron_browser.bench(table, pocket)
    assert str(error.value) == (
        f"The scan in {table.folder} was made by another model: tiny with the weights"
        f" {table.about['weights_sha256'][:12]}, not {models.describe(pocket).weights_sha256[:12]}."
        " Scan this model into another folder."
    )


def test_every_token_is_escaped(bench):
    state = BrowserState(Neuron(0, 0))
    answer = bench.compute(state)
    hostile = replace(
        answer.record,
        writes=((HOSTILE, 1.0),),
        contexts=(Context("top", 0, 1.0, None, (HOSTILE,), (1.0,), 0, 0),),
    )
    own = replace(
        answer.own, tokens=(HOSTILE,), activations=Result(np.ones(1), {"position": (0,)}, "activation", "")
    )
    bad = replace(answer, record=hostile, own=own, source=HOSTILE, hits=((Neuron(0, 0), HOSTILE),))
    for html in (words.outcome_html(state, bad), words.text_html(state, bad), words.hits_html(bad)):
        assert "<img" not in html


def test_the_groups_say_what_they_are_and_the_shade_follows_the_activation(bench):
    answer = bench.compute(BrowserState(Neuron(0, 0)))
    context = Context("top", 0, 4.0, None, (" a", " b", " c"), (4.0, 2.0, float("nan")), 0, 0)
    further = replace(context, kind="middle", share=0.9, activation=1.0)
    made = replace(answer, record=replace(answer.record, contexts=(context, further)))
    html = words.outcome_html(BrowserState(Neuron(0, 0)), made)
    assert "not as it usually is" in html
    assert "top 10 %" in html
    assert [part in html for part in ("--tint:100%", "--tint:50%", "not kept")] == [True] * 3


def test_opening_from_the_table_takes_less_than_a_second(pocket, tmp_path):
    corpus = scan.corpus(pocket.tokenizer, "pocket", width=96, limit=60)
    scan.scan(pocket, corpus, tmp_path, progress=False)
    NeuronBrowser(neuron_browser.bench(scan.Table(tmp_path)))  # imports are not counted
    started = time.process_time()
    NeuronBrowser(neuron_browser.bench(scan.Table(tmp_path), first=Neuron(7, 511)))
    assert time.process_time() - started < 1


def test_words_that_the_model_never_saw_are_said_before_the_reading(bench, tiny, monkeypatch):
    monkeypatch.setitem(tiny.__dict__, "seen_words", frozenset({"Mary", " went", " to"}))
    state = BrowserState(Neuron(1, 9), "Mary went to Wakanda")
    answer = bench.compute(state)
    (told,) = answer.own.cautions
    assert told.startswith("tiny never saw this word in training: “·Wakanda” (")
    text = words.text_html(state, answer)
    assert text.startswith(f'<div class="caution" role="note"><p>{told}</p></div>')
    assert told in words.status(state, answer)


def test_how_the_text_was_read_is_said_beside_it(bench):
    (start,) = bench.compute(BrowserState(Neuron(1, 9), "Mary went to")).own.notes
    assert start == neuron_browser.STARTED
    typed = bench.compute(BrowserState(Neuron(1, 9), "<|endoftext|>Mary went to "))
    assert [note.split()[0] for note in typed.own.notes] == ["Before", "A", "“<|endoftext|>”"]
    assert "stands the mark that begins a text" in words.text_html(BrowserState(Neuron(1, 9)), typed)
