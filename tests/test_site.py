"""The model in the page: the same tokens, logits and sentences as in Python, in half precision."""

import json
import re
import shutil
from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from site_engine import answers, node_path

from interp import hooks, models, site
from interp.benches import explorer, lab
from interp.screens import codec
from interp.screens.lab import LabState
from interp.screens.sentences import Asked
from interp.site import scripts
from interp.sites import Head, Site
from interp.studies.heads.one_sentence import reference_outputs
from interp.studies.own_words.own_sentences import written
from interp.widgets import ablation_view, wording
from interp.words.ioi import NAMES, OBJECTS, PLACES, TEMPLATES

needs_node = pytest.mark.skipif(node_path() is None, reason="no node: install playwright, which brings one")
SENTENCES, ROUNDING = 200, 2e-4  # nats that two orders of adding float32 numbers may differ by
MARY = "When Mary and John went to the store, John gave a drink to"
ODD = (
    "", " ", "  two  spaces ", "tab\tand\nlines\n\n\nend ", "naïve café Ångström", "日本語 und Русский",
    "it's we'll they'd I'M", "😀 👩‍👩‍👧", "<script>alert(1)</script>", "a<|endoftext|>b <|endoftext|>",
    "1,234.56 ½ ²", "\u00a0non\u00a0breaking\u2003em\u3000wide\u0085next\ufeffmark", "don’t “quote” –—…",
    "When Mary and John", "_under_score_", "e\u0301 combining", "\u200bzero", "Q: What?\nA:", "١٢٣ ٤",
)  # fmt: skip


@pytest.fixture(scope="module", params=["pocket", "pocket-taught"])
def packed(request):
    """A model, its pack, and the same model with its weights rounded to half precision."""
    if not (models.EMBEDDED[request.param] / "model.safetensors").is_file():
        pytest.skip(f"{request.param} has no weights here")
    return models.load(request.param), site.pack(request.param)


@pytest.fixture(scope="module")
def rounded(packed, tmp_path_factory):
    """The model with the numbers that the pack holds: what is left is the order of adding."""
    source = models.EMBEDDED[models.describe(packed[0]).name]
    folder = tmp_path_factory.mktemp("rounded") / source.name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "training.json"))
    weights = {
        name: values.half().float() for name, values in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return models.load(str(folder))


def random_sentences(model, count, seed=0):
    """Token ids: sentences about gifts, and words in no order, of 1 to 40 tokens."""
    draw, found = Random(seed), []
    for number in range(count):
        if number % 2:
            one, other = draw.sample(NAMES, 2)
            filled = draw.choice(TEMPLATES).format(
                A=one, B=other, place=draw.choice(PLACES), object=draw.choice(OBJECTS)
            )
            found.append(models.encode(model, filled.rsplit(" ", 1)[0]))
        else:
            found.append([draw.randrange(model.cfg.d_vocab) for _ in range(draw.randint(1, 40))])
    return found


def random_sets(model, count, seed=1):
    """Heads to switch off and how, from none to all, each time another number."""
    draw = Random(seed)
    every = [Head(a, b) for a in range(model.cfg.n_layers) for b in range(model.cfg.n_heads)]
    return [
        (draw.sample(every, draw.choice((0, 1, 2, 3, 8, 32))), draw.choice(("zero", "mean")))
        for _ in range(count)
    ]


def centred(logits):
    return logits - logits.mean(axis=1, keepdims=True)


def by_torch(model, cases, means):
    """The logits at the last word. The library's unembedding is centred, which moves all of them alike."""
    return centred(np.stack(
        [
            hooks.run(
                model, torch.tensor([ids]),
                *(
                    hooks.Zero(head) if how == "zero"
                    else hooks.Put(head, means[head.layer, head.head])
                    for head in off
                ),
                last=1,
            )[0][0, 0].numpy()
            for ids, (off, how) in cases
        ]
    ))  # fmt: skip


@needs_node
@pytest.mark.slow
def test_its_logits_are_pytorchs_but_for_half_precision(packed, rounded, tmp_path):
    model, pack = packed
    cases = list(zip(random_sentences(model, SENTENCES), random_sets(model, SENTENCES), strict=True))
    asked = [
        {"ids": ids, "off": [(head.layer, head.head) for head in off], "how": how}
        for ids, (off, how) in cases
    ]
    ways = """const told = data.map(({ ids, off, how }) => {
      const none = new Uint8Array(model.layers * model.heads), some = none.slice(), all = none.slice();
      off.forEach(([layer, head], i) => {
        const at = layer * model.heads + head;
        all[at] = WAYS_OF[how];
        if (i % 2) some[at] = WAYS_OF[how];
      });
      const base = run(model, ids, none), earlier = [base, run(model, ids, some, [base])];
      return Array.from(logits(model, run(model, ids, all, earlier).states.at(-1), ids.length - 1));
    });"""
    own = centred(np.array(answers(tmp_path, pack, ways, asked)))
    outputs = reference_outputs(model, bos=False)
    means = torch.stack([outputs[layer].mean(dim=0) for layer in sorted(outputs)])
    exact, half = by_torch(model, cases, means), by_torch(rounded, cases, means.half().float())
    assert np.abs(own - half).max() < ROUNDING
    gap = np.abs(own - exact).max(axis=1)
    assert (gap <= np.abs(half - exact).max(axis=1) + ROUNDING).all()
    two = np.sort(exact, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] > 2 * gap
    assert clear.mean() > 0.9
    assert (own.argmax(axis=1) == exact.argmax(axis=1))[clear].all()


@needs_node
def test_its_tokens_are_the_tokenizers_on_odd_text(packed, tmp_path):
    model, pack = packed
    draw = Random(2)
    letters = "aeMary Johné 1½\n\t'’.,!?<>|日😀\u00a0\u2009"
    texts = [*ODD, *("".join(draw.choices(letters, k=draw.randint(1, 30))) for _ in range(200))]
    script = """const tokens = tokenizer(model);
    const read = (ids) => ({ ids, strings: ids.map(tokens.string) });
    const told = data.map((text) => read(tokens.encode(text)));"""
    for text, told in zip(texts, answers(tmp_path, pack, script, texts), strict=True):
        ids = models.encode(model, text) if text else []
        assert told["ids"] == ids, repr(text)
        assert told["strings"] == models.token_strings(model, ids), repr(text)


def test_a_pack_is_small_and_names_its_model(packed):
    model, pack = packed
    card = models.describe(model)
    fields = json.loads(pack.text)
    assert len(pack.script()) <= site.LARGEST
    assert pack.script().isascii()
    assert (fields["name"], fields["weights_sha256"]) == (card.name, card.weights_sha256)
    assert fields["tensors"]["means"][1] == [card.layers, card.heads, card.d_model // card.heads]


def without_shares(sentences):
    return [re.sub(r"[\d.]+ %", "some %", one) for one in sentences]


@needs_node
def test_the_lab_says_what_the_notebooks_lab_says(packed, tmp_path):
    model, pack = packed
    states = [
        LabState(MARY, "Mary", "John"),
        LabState(MARY, "Mary", "John", (Head(4, 2), Head(6, 3)), "zero"),
        LabState("Then, Tom saw Zebulon in the zzgarden ", "Tom", '"ing"', (Head(0, 1),), "mean"),
        LabState(MARY, "Paul", "Kate"),
        LabState("the garden the", "France", "Poland"),
        LabState("Then, ليلى saw", "Tom", "Paul"),
    ]
    asked = [{**codec.plain(state), "view": "lab"} for state in states]
    script = "const ask = bench(model), told = data.map((one) => ask(one));"
    for state, own in zip(states, answers(tmp_path, pack, script, asked), strict=True):
        there = lab.compute(model, state)
        assert without_shares(own["cautions"]) == without_shares(there.cautions)
        assert [(one["text"], one["token"], one["instead"]) for one in own["asked"]] == [
            (one.text, one.token, one.instead) for one in there.asked
        ]
        assert [(one["text"], tuple(one["pieces"]), one["seen"]) for one in own["words"]] == [
            (one.text, one.pieces, one.seen) for one in there.words
        ]
        assert own["difference"] == pytest.approx(there.logit_difference, abs=0.02)
        assert own["chances"][0] == pytest.approx(there.answer_probability, abs=0.01)
        assert np.allclose(own["effects"], there.head_effects.values, atol=0.02)
        assert own["likeliest"][1][0][0] == there.ablated.top(1)[0][0][-1]


@needs_node
def test_the_lens_and_the_patterns_are_the_notebooks_too(packed, tmp_path):
    model, pack = packed
    state = explorer.examples(model)[0][1]
    asked = [{"prompt": state.prompt, "answer": state.answer, "view": view} for view in ("lens", "attention")]
    script = """const ask = bench(model), told = data.map((one) => ask(one));
    told[1].patterns = told[1].patterns.map((heads) => heads.map((one) => Array.from(one)));"""
    lens, attention = answers(tmp_path, pack, script, asked)
    there = explorer.compute(model, state)
    assert [one["rank"] for one in lens["traces"][0]] == there.ranks[0].values[0].tolist()
    assert [one["guesses"][0][0] for one in lens["traces"][0]] == there.before.words[0, :, -1, 0].tolist()
    prompts = written(model, state.prompt, state.answer, "John")
    sites = [Site("pattern", layer) for layer in range(model.cfg.n_layers)]
    recorded = hooks.record(model, prompts, sites)
    patterns = torch.stack([recorded[one][0] for one in sites]).flatten(2).numpy()
    assert np.allclose(attention["patterns"], patterns, atol=0.01)


@needs_node
def test_bad_input_gets_the_notebooks_own_sentence(packed, tmp_path):
    model, pack = packed
    states = [
        LabState("  ", "Mary", "John"),
        LabState(MARY, "", "John"),
        LabState(MARY, "Mary", "Mary "),
        LabState(MARY, "it's <b>", "John"),
        LabState(MARY, "Mary", "zzz'\"\n"),
        LabState("word " * 200, "Mary", "John"),
    ]
    asked = [{**codec.plain(state), "view": "lab"} for state in states]
    told = answers(tmp_path, pack, "const ask = bench(model), told = data.map((one) => ask(one));", asked)
    for state, own in zip(states, told, strict=True):
        with pytest.raises(ValueError) as there:
            lab.compute(model, state)
        assert own["error"]["text"] == str(there.value)
    assert [own["error"]["control"] for own in told] == [
        "prompt",
        "answer",
        "against",
        "answer",
        "against",
        "prompt",
    ]


@needs_node
def test_findings_are_worded_as_in_the_notebooks(packed, tmp_path):
    draw = Random(3)
    numbers = [draw.choice((1, 0.01, 8)) * draw.uniform(-3, 3) for _ in range(60)] + [0.0, 0.004, 25.0, -25.0]
    pairs = [(draw.choice(numbers), draw.choice(numbers)) for _ in range(200)]
    heads = [tuple(Head(layer, 2) for layer in range(draw.choice((0, 1, 2, 4, 7)))) for _ in pairs]
    script = """const words = [{ text: " Mary" }, { text: "Mary" }];
    const found = (difference, i) => labFinding(data.heads[i], { asked: words, difference });
    const told = { numbers: data.numbers.map((x) => [times(x), signed(x), percent(Math.abs(x) / 30)]),
      findings: data.pairs.map(found) };"""
    given = {"numbers": numbers, "pairs": pairs, "heads": [list(map(str, off)) for off in heads]}
    told = answers(tmp_path, packed[1], script, given)
    there = [[wording.times(x), wording.signed(x), wording.percent(abs(x) / 30)] for x in numbers]
    assert told["numbers"] == there
    state = LabState(MARY, "Mary", '"Mary"')
    answer = replace(
        lab.compute(packed[0], LabState(MARY, "Mary", "John")), asked=(Asked(" Mary", 1), Asked("Mary", 2))
    )
    for pair, off, own in zip(pairs, heads, told["findings"], strict=True):
        assert own == ablation_view.finding(replace(state, heads=off), replace(answer, logit_difference=pair))


@needs_node
def test_a_threshold_that_is_moved_says_what_the_number_does(packed, tmp_path):
    asked = [[0.5, 0.6, None, None], [0.7, 0.6, 0.5, 0.65], [0.4, 0.6, 0.5, 0.65], [0.55, 0.6, 0.5, 0.65],
             [0.62, 0.6, 0.5, 0.65]]  # fmt: skip
    slider = "document.querySelectorAll"
    text = (scripts.HERE / "thresholds.js").read_text().split(slider)[0]
    script = f"{text}const told = data.map((one) => thresholdSentence(...one));"
    assert answers(tmp_path, packed[1], script, asked) == [
        "A threshold of 0.50: the number reaches it. It is a count, without an interval.",
        "A threshold of 0.70: the number misses it, wherever in its interval it lies.",
        "A threshold of 0.40: the number reaches it, wherever in its interval it lies.",
        "A threshold of 0.55: the number reaches it, but its interval begins below: another sample might have"
        " missed it.",
        "A threshold of 0.62: the number misses it, but its interval ends above: another sample might have"
        " reached it.",
    ]


@needs_node
def test_another_packs_text_is_refused(packed, tmp_path):
    changed = replace(packed[1], sha256="0" * 64)
    with pytest.raises(AssertionError, match="is not the one it was written with"):
        answers(tmp_path, changed, "const told = 1;", [])


def test_models_that_the_page_cannot_run_are_refused_in_one_sentence(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("interp.site.packing.LARGEST", 1000)
    with pytest.raises(ValueError, match=r"has 0 MB of weights, too many for a page of 0 MB: its pages show"):
        site.pack(str(tiny_folder))
    other = shutil.copytree(tiny_folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "activation_function": "relu"}))
    with pytest.raises(
        ValueError, match=r"has activation_function='relu', which the page's forward pass does"
    ):
        site.pack(str(other))


def test_a_configuration_of_the_oldest_kind_is_packed(tiny_folder, tmp_path):
    old = shutil.copytree(tiny_folder, tmp_path / "old")
    config = json.loads((old / "config.json").read_text())
    config["n_ctx"] = config.pop("n_positions")
    config.pop("layer_norm_epsilon", None)
    (old / "config.json").write_text(json.dumps(config))
    fields = json.loads(site.pack(str(old)).text)
    assert (fields["context"], fields["eps"]) == (config["n_ctx"], 1e-5)


def test_the_pages_run_no_inline_script_and_write_no_markup_from_text():
    page = site.render("base.html", "<b>", alive=True, body="<p>made by us</p>")
    assert "<title>&lt;b&gt;</title>" in page
    assert re.findall(r"<script[^>]*>", page) == ['<script defer src="living.js">']
    assert not re.search(r"\son\w+=", page)
    (rule,) = (part for part in site.POLICY.split("; ") if part.startswith("script-src"))
    assert rule == "script-src 'self' file:"
    assert "default-src 'none'" in site.POLICY
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(|https?:", site.living())


def test_what_the_pages_take_from_the_widgets_is_missed_when_it_goes():
    with pytest.raises(
        ValueError, match=r"^The widgets' front end has no 'gone' any more: name what took its"
    ):
        scripts.cut("function here() {\n}\n", "gone")
    assert (
        scripts.cut("const a = 1; // one\nfunction here() {\n  x;\n}\n", "here")
        == "function here() {\n  x;\n}"
    )
