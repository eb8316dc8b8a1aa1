"""The scan against a scan that keeps everything; killed, resumed, merged in any order; what it refuses."""

import errno
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from interp import hooks, models
from interp.methods import scan
from interp.methods.engine.walk import walk
from interp.methods.engine.weights import weights_of
from interp.methods.neurons import output_tokens
from interp.methods.scan import ranking, running, shards
from interp.sites import Neuron, Site

ROOT = Path(__file__).resolve().parent.parent
ALONE = scan.Plan(
    k=4, sample=60, windows_per_shard=7, tokens_per_batch=1, products="plain"
)  # every window runs alone
TOGETHER = scan.Plan(k=4, sample=60, windows_per_shard=7, tokens_per_batch=256, products="plain")
FILES = ("neurons.parquet", "contexts.parquet", "vocabulary.parquet", "scan.json")


@pytest.fixture(scope="module")
def corpus(tiny):
    """Thirty texts of several lengths, three of them twice: ties that are exact."""
    chooser = np.random.default_rng(3)
    words = [" Mary", " John", " store", " gave", " a", " drink", " to", " the", " When", " went"]
    texts = ["".join(chooser.choice(words, size=chooser.integers(2, 40))) for _ in range(30)]
    made = scan.corpus_of(tiny.tokenizer, [*texts, *texts[:3]], name="words", width=24)
    assert len(made) > 33
    assert len({len(made.window(n)) for n in range(len(made))}) > 8
    return made


@pytest.fixture(scope="module")
def everything(tiny, corpus):
    """Every activation of every window, run one by one and kept: window -> [position, layer, neuron]."""
    weights = weights_of(tiny, shards.PRODUCTS["plain"])
    kept = []
    for number in range(len(corpus)):
        layers = [hidden[0] for _, hidden in walk(weights, torch.from_numpy(corpus.window(number))[None])]
        kept.append(torch.stack(layers, dim=1).numpy())
    return kept


def test_the_blocks_of_a_scan_are_those_of_the_model(tiny, corpus, everything):
    sites = [Site("mlp_post", layer) for layer in range(3)]
    for number in range(len(corpus)):
        seen = hooks.record(tiny, torch.from_numpy(corpus.window(number))[None], sites)
        for layer, site in enumerate(sites):
            assert np.allclose(everything[number][:, layer], seen[site][0].numpy(), atol=2e-5)


@pytest.fixture(scope="module")
def table(tiny, corpus, tmp_path_factory):
    return scan.scan(tiny, corpus, tmp_path_factory.mktemp("scan"), plan=ALONE, progress=False)


def best(everything, corpus, layer, neuron, k):
    """(activation, token number, window) of the strongest windows, by sorting everything."""
    peaks = []
    for window, values in enumerate(everything):
        counted = values[corpus.bos :, layer, neuron]
        at = int(np.argmax(counted))
        peaks.append((float(counted[at]), int(corpus.starts[window]) + corpus.bos + at, window))
    return sorted(peaks, key=lambda peak: (-peak[0], peak[1]))[:k]


def test_a_scan_equals_a_scan_that_keeps_everything_exactly(tiny, corpus, everything, table):
    ties = 0
    for layer in range(3):
        for neuron in range(128):
            expected = best(everything, corpus, layer, neuron, 4)
            contexts = [c for c in table.record(Neuron(layer, neuron)).contexts if c.kind == "top"]
            assert [(c.activation, c.window) for c in contexts] == [(v, w) for v, _, w in expected]
            for context, (value, token, window) in zip(contexts, expected, strict=True):
                place = token - int(corpus.starts[window])
                first = place - context.at
                row = everything[window][first : first + len(context.tokens), layer, neuron]
                assert np.array_equal(np.float16(row), np.float16(context.shades))
                assert context.shades[context.at] == np.float16(value)
                ids = corpus.window(window)[first : first + len(context.tokens)].tolist()
                assert context.tokens == tuple(models.token_strings(tiny, ids))
            ties += len({value for value, _, _ in expected}) < 4
    assert ties > 50  # the texts that stand there twice did their work


def test_windows_run_together_give_the_same_contexts(tiny, corpus, everything, tmp_path):
    together = scan.scan(tiny, corpus, tmp_path, plan=TOGETHER, progress=False)
    windows, activations = together.peaks().window, together.peaks().activation
    differ = 0
    for layer in range(3):
        for neuron in range(128):
            expected = best(everything, corpus, layer, neuron, 4)
            assert np.allclose(activations[layer, neuron], [v for v, _, _ in expected], atol=2e-5)
            differ += [w for _, _, w in expected] != windows[layer, neuron].tolist()
    assert differ < 0.15 * 3 * 128  # twins in batches of another width can change places


def test_means_sparsity_and_quantiles_are_those_of_the_activations(corpus, everything, table):
    whole = np.concatenate([values[corpus.bos :] for values in everything])
    assert len(whole) == corpus.tokens == table.about["tokens"]
    mean = table.neurons["mean"].to_numpy().reshape(3, 128)
    assert np.allclose(mean, whole.mean(axis=0), atol=1e-5)
    chosen = sorted(ALONE.sampled(corpus))
    flat = np.concatenate(everything)[chosen, 1, 5].astype(np.float16).astype(np.float64)
    record = table.record(Neuron(1, 5))
    assert np.allclose(list(record.quantiles.values()), np.quantile(flat, list(record.quantiles)), atol=1e-3)
    assert abs(record.active - (flat > 0).mean()) < 1e-6
    assert abs(record.sparsity - (1 - np.abs(flat).mean() ** 2 / np.square(flat).mean())) < 1e-4


def test_the_sample_is_seeded_leaves_out_the_start_mark_and_labels_its_examples(corpus, everything, table):
    chosen = ALONE.sampled(corpus)
    assert len(set(chosen.tolist())) == 60
    assert not set(chosen.tolist()) & set(corpus.starts[:-1].tolist())
    assert np.array_equal(chosen, ALONE.sampled(corpus))
    contexts = table.record(Neuron(2, 9)).contexts
    sample = np.sort(np.concatenate(everything)[chosen, 2, 9].astype(np.float16))
    middle = [c for c in contexts if c.kind == "middle"]
    assert [round(c.share, 2) for c in middle] == [0.99, 0.95, 0.9, 0.75, 0.5]
    assert [np.float16(c.activation) for c in middle] == [
        sample[int(s * 60)] for s in (0.99, 0.95, 0.9, 0.75, 0.5)
    ]
    random = [c.activation for c in contexts if c.kind == "random"]
    assert random == [np.float16(np.concatenate(everything)[token, 2, 9]) for token in chosen[:5]]


def test_a_table_knows_what_a_neuron_writes_and_who_writes_a_word(tiny, table):
    record, direct = table.record(Neuron(0, 11)), output_tokens(tiny, Neuron(0, 11), k=10)
    assert np.allclose([nats for _, nats in record.writes], direct.values, atol=1e-5)
    word = record.writes[0][0]
    assert (Neuron(0, 11), pytest.approx(record.writes[0][1])) in table.writers(word, most=400)
    strengths = [nats for _, nats in table.writers(word, most=400)]
    assert strengths == sorted(strengths, reverse=True)
    assert table.writers("no such word") == ()


def test_keys_order_by_activation_then_by_the_earlier_token():
    values = torch.tensor([1.5, -0.0, 0.0, -2.25, 1.5, 3e-39, -1e30])
    tokens = torch.tensor([7, 3, 2, 0, 4, 9, 5])
    made = ranking.sort_keys(values, tokens)
    assert made.argsort(descending=True).tolist() == [4, 0, 5, 2, 1, 3, 6]
    assert torch.equal(ranking.activation_of(made), values)
    assert torch.equal(ranking.token_of(made), tokens)
    assert ranking.token_of(torch.tensor([ranking.NOTHING])).item() == -1


def test_pieces_merge_alike_in_any_order_and_a_piece_twice_changes_no_context(tiny, corpus):
    pieces = [shards.scan_shard(tiny, corpus, ALONE, n) for n in range(ALONE.shards(corpus))]
    forwards, backwards = shards.merged(pieces), shards.merged(pieces[::-1])
    for name in ("keys", "sampled", "sample"):
        assert torch.equal(getattr(forwards, name), getattr(backwards, name))
    assert torch.equal(forwards.shades.nan_to_num(-9), backwards.shades.nan_to_num(-9))
    nested = shards.merged([shards.merged(pieces[:2]), shards.merged(pieces[2:])])
    assert torch.equal(nested.keys, forwards.keys)


def test_a_scan_that_was_stopped_goes_on_and_ends_in_the_same_table(tiny, corpus, table, tmp_path):
    ran = []

    def stops_after_two(plan, numbers):
        for number in numbers:
            if len(ran) == 2:
                raise KeyboardInterrupt
            ran.append(number)
            yield number, shards.scan_shard(tiny, corpus, plan, number)

    with pytest.raises(KeyboardInterrupt):
        scan.scan(tiny, corpus, tmp_path, plan=ALONE, workers=stops_after_two, progress=False)
    assert len(list(tmp_path.glob("shard-*.npz"))) == 2
    rest = []

    def notes(plan, numbers):
        for number in sorted(numbers, reverse=True):  # any order will do
            rest.append(number)
            yield number, shards.scan_shard(tiny, corpus, plan, number)

    scan.scan(tiny, corpus, tmp_path, plan=ALONE, workers=notes, progress=False)
    assert sorted(ran + rest) == list(range(ALONE.shards(corpus)))
    assert same_files(tmp_path, table.folder)


def test_a_scan_goes_on_with_the_products_it_was_begun_with(tiny, corpus, tmp_path):
    begun = replace(ALONE, products="packed")

    def stops(plan, numbers):
        yield 0, shards.scan_shard(tiny, corpus, plan, 0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan.scan(tiny, corpus, tmp_path, plan=begun, workers=stops, progress=False)
    done = scan.scan(tiny, corpus, tmp_path, plan=replace(ALONE, products=""), progress=False)
    assert done.about["plan"]["products"] == "packed"


def test_a_finished_table_is_opened_and_nothing_runs_again(tiny, corpus, table):
    def never(plan, numbers):
        raise AssertionError("it ran")

    again = scan.scan(tiny, corpus, table.folder, plan=ALONE, workers=never, progress=False)
    assert again.about == table.about
    assert sorted(file.name for file in table.folder.iterdir()) == sorted(FILES)


@pytest.mark.slow
def test_a_scan_killed_at_a_random_moment_and_run_again_gives_the_same_table(tmp_path):
    command = ["scan", "--model", "pocket", "--limit", "120", "--windows-per-shard", "10", "--out"]
    (tmp_path / "killed").mkdir()
    environment = {"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}

    def run(name):
        line = [sys.executable, "-m", "interp", *command, str(tmp_path / name)]
        return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    killed = run("killed")
    while not list((tmp_path / "killed").glob("shard-*.npz")):
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    time.sleep(float(np.random.default_rng().uniform(0, 0.1)))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    left = len(list((tmp_path / "killed").glob("shard-*.npz")))
    assert 0 < left < 12
    assert run("killed").wait() == 0
    # Which products are faster is decided by a trial in each process: here both must use the same.
    begun = scan.Plan(**json.loads((tmp_path / "killed" / "scan.json").read_text())["plan"])
    pocket = models.load("pocket")
    text = scan.corpus(pocket.tokenizer, limit=120)
    scan.scan(pocket, text, tmp_path / "whole", plan=begun, progress=False)
    assert same_files(tmp_path / "killed", tmp_path / "whole")


def test_a_full_disk_is_one_sentence_and_what_was_written_stays(tiny, corpus, tmp_path, monkeypatch):
    save, calls = np.savez, []

    def full(file, **arrays):
        calls.append(file)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(file, **arrays)

    monkeypatch.setattr(running.np, "savez", full)
    with pytest.raises(OSError) as error:
        scan.scan(tiny, corpus, tmp_path, plan=ALONE, progress=False)
    shards_in_all = ALONE.shards(corpus)
    assert str(error.value) == (
        f"The scan cannot write to {tmp_path} (No space left on device). 2 of {shards_in_all} shards are safe"
        " there: make room and run it again, and it goes on with the rest."
    )
    assert len(list(tmp_path.iterdir())) == 2


def test_a_table_of_another_model_is_refused_by_its_hash(table):
    with pytest.raises(ValueError) as error:
        scan.Table(table.folder, weights_sha256="f" * 64)
    assert str(error.value) == (
        f"The scan in {table.folder} was made by another model: tiny with the weights"
        f" {table.about['weights_sha256'][:12]}, not ffffffffffff. Scan this model into another folder."
    )


def test_a_folder_without_a_finished_scan_is_refused(tmp_path):
    with pytest.raises(ValueError) as error:
        scan.Table(tmp_path)
    assert str(error.value) == (
        f"There is no finished scan in {tmp_path}. Make one with `python -m interp scan`."
    )
    (tmp_path / "scan.json").write_text("{")
    with pytest.raises(ValueError) as error:
        scan.Table(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'scan.json'} is damaged or of another version. Delete it and scan again."
    )


def test_a_neuron_that_the_table_does_not_have_is_refused(table):
    with pytest.raises(ValueError) as error:
        table.record(Neuron(3, 0))
    assert str(error.value) == (
        "L3N0 is not in this model: tiny has layers 0-2 and neurons 0-127. Choose a neuron such as L2N127."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file {file!r} is empty. Give a file with some text in it."),
        (b"ab\xff", "The file {file!r} is not text: byte 2 is not UTF-8. Give a plain text file."),
        (b"ab\0cd", "The file {file!r} is not text: it holds zero bytes. Give a plain text file."),
    ],
)
def test_a_file_without_text_is_refused(tiny, tmp_path, content, message):
    file = tmp_path / "corpus.txt"
    file.write_bytes(content)
    with pytest.raises(ValueError) as error:
        scan.corpus(tiny.tokenizer, str(file))
    assert str(error.value) == message.format(file=str(file))


def test_a_folder_is_its_text_files_and_a_long_text_is_cut_into_windows(tiny, tmp_path):
    (tmp_path / "a.txt").write_text(" Mary" * 30)
    (tmp_path / "b.txt").write_text(" John" * 5)
    made = scan.corpus(tiny.tokenizer, str(tmp_path), width=11)
    assert [len(made.window(n)) for n in range(len(made))] == [11, 11, 11, 6]
    assert made.tokens == 35
    with pytest.raises(ValueError) as error:
        scan.corpus(tiny.tokenizer, str(tmp_path / "a.txt").replace("a.txt", ""), limit=0)
    assert "is empty: it holds no text of at least 2 tokens." in str(error.value)
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError) as error:
        scan.corpus(tiny.tokenizer, str(tmp_path / "none"))
    assert str(error.value) == (
        f"The folder {str(tmp_path / 'none')!r} holds no .txt file. Put the texts there, one per file."
    )


@pytest.mark.slow
def test_a_name_that_is_nothing_here_and_cannot_be_fetched_is_refused(tiny, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else it is asked for 20 s
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError) as error:
        scan.corpus(tiny.tokenizer, "no/such-dataset")
    assert str(error.value).startswith(
        "'no/such-dataset' is no file, no folder, and no dataset that can be fetched"
    )


def test_the_scan_says_what_it_was_made_of(table, corpus):
    about = json.loads((table.folder / "scan.json").read_text())
    assert (about["model"], about["corpus"], about["windows"]) == ("tiny", "words", len(corpus))
    assert (about["corpus_sha256"], about["plan"]["k"]) == (corpus.sha256, 4)


def same_files(one, other):
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)


class TestOwnFiles:
    @pytest.mark.parametrize("sign", ["é", "王", "🙂", "e\u0301"])
    @pytest.mark.parametrize("width", [5, 6, 7, 9])
    def test_no_window_cuts_a_character(self, tiny, sign, width):
        made = scan.corpus_of(tiny.tokenizer, [f"ab {sign}c{sign * 12}d"], name="own", width=width, bos=False)
        windows = [made.window(n).tolist() for n in range(len(made))]
        assert all(len(window) <= width for window in windows)
        assert all("\ufffd" not in models.decode(tiny, window) for window in windows)

    @pytest.mark.parametrize(
        "content",
        [
            b"Mary sang.\r\nJohn too.", b"Mary sang.\rJohn too.", "\ufeffMary sang.\nJohn too.".encode(),
            "Mary sang.\r\nJohn too.".encode("utf-16"), "Mary sang.\nJohn too.".encode("utf-32"),
        ],
    )  # fmt: skip
    def test_line_ends_and_encodings_give_one_corpus(self, tiny, tmp_path, content):
        (tmp_path / "a.txt").write_bytes(content)
        plain = scan.corpus_of(tiny.tokenizer, ["Mary sang.\nJohn too."], name="plain")
        assert scan.corpus(tiny.tokenizer, str(tmp_path / "a.txt")).sha256 == plain.sha256

    def test_windows_of_one_token_are_left_out_and_said(self, tiny):
        with pytest.warns(UserWarning, match=r"^Left out 2 windows of one token: nothing stands before it"):
            made = scan.corpus_of(tiny.tokenizer, [" Mary", " Mary went", " John"], name="own")
        assert (len(made), made.texts.tolist()) == (1, [1])

    def test_a_folder_gives_its_texts_and_says_what_it_leaves_out(self, tiny, tmp_path):
        for name in ("a.TXT", "b.md", "c.txt"):
            (tmp_path / name).write_text("Mary sang." if name != "c.txt" else " \n")
        with pytest.warns(UserWarning, match=r"^Left out 1 empty file, such as .*c\.txt'\.$"):
            assert len(scan.corpus(tiny.tokenizer, str(tmp_path))) == 2
