"""Six sizes, four amounts of text, three seeds: how the loss falls when models and texts grow.

The language is made up so that its floor is known: after two words a and b there comes, with chance .6, the
one word of a random table, else a word drawn by rank (Zipf). What no model can know is computed, not
measured.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp import files
from interp.trainings.muon import Rates
from interp.trainings.network import Shape
from interp.trainings.run import Recipe, begin, take_step
from interp.undisturbed import exclusive

WIDTHS = (16, 24, 32, 48, 64, 96)
TOKENS = (131_072, 262_144, 524_288, 1_048_576)
SEEDS = (0, 1, 2)
ROWS, CONTEXT, BLOCKS = 16, 32, 2
HELD_OUT, TEXT_SEED = 512, 1000
STORED = Path(__file__).parent / "stored" / "family.json"


@dataclass(frozen=True)
class Language:
    """A source of text whose every chance is known."""

    words: int = 128
    rule: float = 0.6  # chance that the table decides
    zipf: float = 1.3
    seed: int = 0
    shuffled: bool = False  # control: every word by rank alone, so there is nothing to learn from context

    @cached_property
    def ranks(self) -> Float[Tensor, "word"]:
        """The chance of a word that no rule decides."""
        rank = torch.arange(1, self.words + 1, dtype=torch.float64)
        return rank**-self.zipf / (rank**-self.zipf).sum()

    @cached_property
    def table(self) -> Int[Tensor, "word word"]:
        """The word that follows each pair when the rule decides."""
        source = torch.Generator().manual_seed(self.seed)
        return torch.multinomial(self.ranks, self.words**2, True, generator=source).view(self.words, -1)

    @cached_property
    def chances(self) -> Float[Tensor, "word word word"]:
        """The chance of every word after every pair."""
        rule = 0.0 if self.shuffled else self.rule
        chances = (1 - rule) * self.ranks.expand(self.words, self.words, self.words).clone()
        decided = torch.full((self.words, self.words, 1), rule, dtype=torch.float64)
        return chances.scatter_add_(2, self.table[..., None], decided)

    @cached_property
    def pairs(self) -> Float[Tensor, "word word"]:
        """How often each pair stands in long texts."""
        often = torch.full((self.words, self.words), self.words**-2, dtype=torch.float64)
        for _ in range(200):  # far past the point where nothing changes any more
            often = torch.einsum("ab,abc->bc", often, self.chances)
        return often

    @cached_property
    def floor(self) -> float:
        """The entropy per word in nats: the loss of a reader who knows all chances."""
        surprise = -(self.chances * self.chances.log()).sum(2)
        return float((self.pairs * surprise).sum())

    def text(self, rows: int, length: int, seed: int) -> Int[Tensor, "row position"]:
        """Rows of text drawn from the chances."""
        source = torch.Generator().manual_seed(seed)
        first = torch.multinomial(self.pairs.flatten(), rows, True, generator=source)
        words = [first // self.words, first % self.words]
        rule = 0.0 if self.shuffled else self.rule
        while len(words) < length:
            decided = torch.rand(rows, generator=source) < rule
            free = torch.multinomial(self.ranks, rows, True, generator=source)
            words.append(torch.where(decided, self.table[words[-2], words[-1]], free))
        return torch.stack(words, 1)


def recipe(width: int, tokens: int, seed: int) -> Recipe:
    """The frozen recipe of one model of the family; one pass over its text."""
    steps = tokens // (ROWS * CONTEXT)
    rates = Rates(muon=0.03, adam=1.5e-2, decay=0.0, warm_up=max(10, steps // 50), last=0.02)
    shape = Shape(width, BLOCKS, max(1, width // 16), CONTEXT)
    return Recipe(f"family {width} x {tokens}", shape, rates, steps, ROWS, seed, skip=1)


def train(language: Language, width: int, tokens: int, seed: int) -> dict:
    """One model: its size, its text, its seed, its excess over the floor in nats per word."""
    run = begin(recipe(width, tokens, seed), language.words)
    started = time.process_time()
    text = language.text(run.recipe.steps * ROWS, CONTEXT, TEXT_SEED + seed)
    for ids in text.view(-1, ROWS, CONTEXT):
        take_step(run, (ids, None))
    spent = time.process_time() - started
    return {"width": width, "size": run.network.weights, "tokens": run.recipe.steps * ROWS * CONTEXT,
            "seed": seed, "excess": excess(run.network, language), "seconds": round(spent, 2)}  # fmt: skip


@torch.no_grad()
def excess(network: torch.nn.Module, language: Language) -> float:
    """Nats per word above the floor on new text: the mean distance (KL) from the true chances.

    The next word itself does not enter, so its luck makes no noise.
    """
    found = []
    for ids in language.text(HELD_OUT, CONTEXT, seed=5).split(128):
        guess = network(ids)[:, 1:].double().log_softmax(-1)
        true = language.chances[ids[:, :-1], ids[:, 1:]]
        found.append((true * (true.log() - guess)).sum(-1))
    return float(torch.cat(found).mean())


def train_all(
    path: Path, *, language: Language | None = None, widths=WIDTHS, amounts=TOKENS, seeds=SEEDS
) -> Iterator[dict]:
    """Every model that the file does not hold yet, written to it as soon as it is done.

    Raises ValueError if the file is about another language or is damaged, and while another training is
    under way in its folder.
    """
    language = language or Language()
    with exclusive(path.parent):
        yield from _missing(path, language, widths, amounts, seeds)


def _missing(path: Path, language: Language, widths, amounts, seeds) -> Iterator[dict]:
    whole = read(path) if path.exists() else {"language": _named(language), "runs": []}
    if whole["language"] != _named(language):
        raise ValueError(f"{path} is about another language, {whole['language']}: choose another file.")
    done = {(run["width"], run["tokens"], run["seed"]) for run in whole["runs"]}
    for seed in seeds:
        for tokens in amounts:
            for width in widths:
                if (width, tokens, seed) in done:
                    continue
                whole["runs"].append(train(language, width, tokens, seed))
                _write(path, whole)
                yield whole["runs"][-1]


def read(path: Path = STORED) -> dict:
    """The stored family: `language`, and `runs` as `train` returns them. Raises ValueError if damaged."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        if not (whole["runs"] and whole["language"]):
            raise ValueError("empty")
        return whole
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"The family of models cannot be read from {path} ({type(error).__name__}): make it again with"
            " `python -m interp train-family`, or give the file back its old content."
        ) from error


def _named(language: Language) -> dict:
    return {"words": language.words, "rule": language.rule, "zipf": language.zipf, "seed": language.seed,
            "shuffled": language.shuffled, "floor": round(language.floor, 6)}  # fmt: skip


def _write(path: Path, whole: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(run) for run in whole["runs"])
    text = f'{{"language": {json.dumps(whole["language"])},\n"runs": [\n{lines}\n]}}\n'
    files.write(path, text.encode())
