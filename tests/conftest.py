"""What all tests share: a small random GPT-2 in a folder, the pocket model, and no network."""

import ipaddress
import os
import shutil
import socket
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

from interp import models
from interp.words import ioi
from interp.words.pronouns import POSSESSIVES, PRONOUNS

LAYERS, HEADS, WIDTH, CONTEXT = 3, 4, 32, 64
os.environ.pop("INTERP_LANGUAGE", None)  # the tests read English; those that do not say so
MAY_USE_LOOPBACK = ("test_notebooks", "test_command_line", "test_browser", "test_cluster", "test_hub")


class NetworkForbidden(OSError):
    """A test tried to reach the network: to the code under test it looks like a machine without one."""


@pytest.fixture(autouse=True)
def network_attempts(request, monkeypatch):
    """The addresses that the test tried to reach; reaching them fails."""
    attempts = []
    loopback = request.module.__name__.startswith(MAY_USE_LOOPBACK) or request.node.get_closest_marker(
        "browser"
    )

    def guarded(real, address_of):
        def call(*args, **kwargs):
            address = address_of(*args)
            if isinstance(address, (str, bytes)) and str(address).startswith("/"):
                return real(*args, **kwargs)  # a socket in the file system
            if not (loopback and _is_loopback(address)):
                attempts.append(address)
                raise NetworkForbidden(f"a test tried to reach {address!r}")
            return real(*args, **kwargs)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect, lambda s, a: a))
    monkeypatch.setattr(socket, "getaddrinfo", guarded(socket.getaddrinfo, lambda host, *rest, **more: host))
    return attempts


def _is_loopback(address):
    host = address[0] if isinstance(address, tuple) else address
    try:
        return host in (None, "localhost", "") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out slow and browser tests and later seeds")


def pytest_collection_modifyitems(config, items):
    """The executed notebooks first, since they take longest; browser tests last. With --quick: leave out, and
    count, what is slow, needs Chromium or repeats with another seed.
    """
    # Playwright keeps an event loop running in its process: errands that follow would wait for it for ever.
    items.sort(
        key=lambda item: (item.get_closest_marker("browser") is not None, item.path.stem != "test_notebooks")
    )
    if not config.getoption("--quick"):
        return
    reasons, seeds = {}, {}
    for item in items:
        seed = getattr(item, "callspec", None) and item.callspec.params.get("seed")
        repeats = seed is not None and seeds.setdefault((item.path, item.originalname), seed) != seed
        reason = next((mark for mark in ("browser", "slow") if item.get_closest_marker(mark)), None)
        if reason or repeats:
            reasons[item] = reason or "later seeds"
    config.left_out = Counter(reasons.values())
    if hasattr(config, "workeroutput"):  # one of several processes: the one that writes the end is told
        config.workeroutput["left_out"] = dict(config.left_out)
    config.hook.pytest_deselected(items=list(reasons))
    items[:] = [item for item in items if item not in reasons]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A worker is done; each of them collected, and left out, the same tests."""
    node.config.left_out = Counter(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter, config):
    """Say what --quick left out, so that nobody takes it for the whole suite."""
    left_out = getattr(config, "left_out", None)
    if left_out:
        counts = ", ".join(f"{reason}: {n}" for reason, n in sorted(left_out.items()))
        unchecked = "" if config.getoption("--jaxtyping-packages") else " and every check of shapes"
        said = f"--quick left out {left_out.total()} tests ({counts}){unchecked}; run all: make test"
        terminalreporter.write_line(said)


def pytest_configure():
    torch.set_num_threads(1)
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="cache-")  # what was proven elsewhere is not known


def pytest_unconfigure():
    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A folder with a random GPT-2 in Hugging Face form; every word of the IOI task is one token."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer = tokenizer_of(_sentences())
    tokenizer.save_pretrained(folder)
    config = GPT2Config(n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, n_positions=CONTEXT,
                        vocab_size=len(tokenizer),
                        bos_token_id=0, eos_token_id=0)  # fmt: skip
    torch.manual_seed(0)
    disturbed(GPT2LMHeadModel(config)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    """The random GPT-2 of `tiny_folder`, loaded through `models.load` as an embedded model called tiny."""
    models.EMBEDDED["tiny"] = tiny_folder
    model = models.load("tiny")
    card = models.describe(model)
    assert (card.layers, card.heads, card.d_model, card.context) == (LAYERS, HEADS, WIDTH, CONTEXT)
    assert card.vocabulary < 2000
    words = [f" {word}" for word in ioi.NAMES + ioi.PLACES + ioi.OBJECTS]
    assert all(len(models.encode(model, word)) == 1 for word in words)
    return model


@pytest.fixture(scope="session")
def narrow(tmp_path_factory):
    """A narrow random GPT-2 with GPT-2's own tokenizer, where it is, and the heads of GPT-2 small."""
    tokenizer = Path(__file__).parents[2] / "shared" / "gpt2-tokenizer"
    if not (tokenizer / "vocab.json").is_file():
        pytest.skip("GPT-2's own tokenizer does not stand beside this project")
    folder = tmp_path_factory.mktemp("models") / "narrow"
    GPT2TokenizerFast.from_pretrained(tokenizer).save_pretrained(folder)
    torch.manual_seed(3)
    disturbed(GPT2LMHeadModel(GPT2Config(n_embd=48, n_positions=64))).save_pretrained(folder)
    return models.load(folder)


@pytest.fixture(scope="session")
def pocket():
    """The embedded model; tests that need it are skipped only if its weights are absent."""
    if not (models.EMBEDDED["pocket"] / "model.safetensors").is_file():
        pytest.skip("the pocket model has no weights here: make them with `python -m interp train-pocket`")
    return models.load("pocket")


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests of this process that look at the screen."""
    import notebook_screen

    playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with notebook_screen.opened_browser(playwright_api) as opened:
        yield opened


@pytest.fixture(scope="session")
def desk(tmp_path_factory, browser):
    """JupyterLab in the browser."""
    import notebook_screen

    with notebook_screen.opened_screen(tmp_path_factory.mktemp("desk"), browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def screen(desk, request):
    """A function that opens a notebook in JupyterLab, runs its only cell and gives its page; pages and
    kernels end with the module.
    """
    import notebook_screen

    pages = []

    def opened(name, *cell, **more):
        pages.append(desk(f"{request.module.__name__}_{name}", *cell, **more))
        pages[-1].kind = name
        return pages[-1]

    yield opened
    for page in pages:
        notebook_screen.close(page)


@pytest.fixture
def tokens(tiny):
    """Two prompts of seven random tokens."""
    return torch.randint(1, 250, (2, 7), generator=torch.Generator().manual_seed(1))


def _sentences():
    words = ioi.NAMES + ioi.PLACES + ioi.OBJECTS
    filled = [
        template.format(A="Mary", B="John", place="store", object="drink") for template in ioi.TEMPLATES
    ]
    asked = [f" {word}" for pair in PRONOUNS.values() for word in (pair, pair.capitalize())]
    asked += [f" {word}" for word in POSSESSIVES.values()]
    return [f" {word}" for word in words] * 20 + filled * 20 + asked * 20


def tokenizer_of(sentences):
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(sentences, trainers.BpeTrainer(
        vocab_size=2000, show_progress=False, special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))  # fmt: skip
    end = "<|endoftext|>"
    return GPT2TokenizerFast(tokenizer_object=bpe, bos_token=end, eos_token=end, unk_token=end)


def disturbed(model):
    """The model with weights large enough to matter, and biases and layer norms far from trivial."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.3 if parameter.ndim == 1 else 0.2
            centre = 1.0 if "ln_" in name and name.endswith("weight") else 0.0
            parameter.copy_(centre + scale * torch.randn(parameter.shape))
    return model
