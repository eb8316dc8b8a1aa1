"""The Surprise Reader without a browser: what it measures, says, refuses and escapes."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.benches import reader
from interp.sites import Head
from interp.widgets import SurpriseReader
from interp.widgets import surprise_words as words

HOSTILE = '<img src=x onerror="alert(1)">'
TEXT = "Mary went to the store"


@pytest.fixture
def widget(tiny):
    return SurpriseReader(reader.bench(tiny, TEXT))


def ask(widget, text, request=1):
    widget.question = {"text": text, "request": request, "view": "v"}
    return widget.reply


def test_the_surprise_and_the_guesses_are_those_of_the_models_own_logits(tiny):
    found = reader.read(tiny, f" {TEXT} ")
    ids = [tiny.tokenizer.bos_token_id, *models.encode(tiny, TEXT)]
    logits, _ = hooks.run(tiny, torch.tensor([ids]))
    for at, token in enumerate(ids[1:]):
        chances = logits[0, at].double().softmax(-1)
        assert found.surprise.values[at] == pytest.approx(-float(chances[token].log()), abs=1e-5)
        assert found.guesses[at][0][1] == pytest.approx(float(chances.max()), abs=1e-6)
        assert [share for _, share in found.guesses[at]] == sorted(
            (share for _, share in found.guesses[at]), reverse=True
        )
    assert "".join(found.tokens) == TEXT


def test_the_darkest_token_is_the_most_surprising_and_tells_its_guesses(widget, tiny):
    html = ask(widget, TEXT)["html"]
    found = reader.read(tiny, TEXT)
    tints = [int(one) for one in re.findall(r"--tint:(\d+)%", html)]
    assert len(tints) == len(found.tokens)
    assert tints == [round(min(100, 100 * nats / words.DARKEST)) for nats in found.surprise.values]
    assert html.count(". Likeliest here: ") == 2 * len(found.tokens)  # a title, and a name for screen readers
    assert html.count('tabindex="0"') == 1


@pytest.mark.parametrize("text", ["", "   ", "Mary " * 200])
def test_a_text_that_cannot_be_read_is_one_sentence_and_the_last_result_stays(widget, tiny, text):
    before = ask(widget, TEXT)["html"]
    reply = ask(widget, text, 2)
    most = models.describe(tiny).context - 1
    count = len(tiny.tokenizer.encode(text.strip(), add_special_tokens=False))
    assert reply["error"] == {
        "control": "text",
        "text": (
            f"This text has {count} tokens; a surprise can be read for 1 to {most}: write some words, or"
            " fewer."
        ),
    }
    assert reply["html"] == before


def test_while_a_hook_is_in_force_it_refuses(widget, tiny):
    with hooks.intervene(tiny, hooks.Zero(Head(0, 0))):
        assert "hook" in ask(widget, "Mary went")["error"]["text"]
    assert ask(widget, "Mary went", 2)["error"] is None


def test_a_state_goes_out_and_comes_back(widget):
    ask(widget, "Mary “and” John")
    saved, shown = widget.state, widget.reply["html"]
    ask(widget, TEXT, 2)
    widget.load(saved)
    assert (widget.state, widget.reply["html"]) == (saved, shown)
    with pytest.raises(ValueError) as error:
        widget.load("{}")
    assert (
        str(error.value)
        == "'{}' is no state of the Surprise Reader: text is missing; give what `state` gave."
    )


def test_every_token_and_guess_is_escaped_and_the_static_twin_has_no_controls(widget, tiny):
    found = reader.read(tiny, TEXT)
    bad = replace(
        found,
        tokens=(HOSTILE,) * len(found.tokens),
        guesses=(((HOSTILE, 0.5),),) * len(found.tokens),
        cautions=(HOSTILE,),
    )
    for html in (words.result_html(bad), words.twin_html(bad), words.static_html(bad, HOSTILE, "")):
        assert "<img" not in html
    bundle = widget._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "<button" not in bundle["text/html"]
    assert "Likeliest here: " in bundle["text/html"]
    assert bundle["text/plain"] == widget.reply["status"]


def test_words_that_the_model_never_saw_are_said_first(pocket):
    found = reader.read(pocket, "Mary went to Wakanda")
    (told,) = found.cautions
    assert words.result_html(found).startswith('<div class="caution"')
    assert words.status(found).startswith(told)
    assert found.surprise.values[0] > 0
    assert np.isfinite(found.surprise.values).all()
