"""Half a minute of training that can be watched: 100,096 weights learn to repeat, and who gets the gift.

Ten runs are stored: three seeds of the recipe, three with AdamW alone, three with a single block, and a
control that reads the same words in random order.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from random import Random

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.trainings import stored
from interp.trainings.muon import Rates
from interp.trainings.network import Network, Shape, has_bf16
from interp.trainings.run import Batch, Recipe, Run, begin, go_on, word_losses
from interp.trainings.vocabulary import END, Vocabulary
from interp.words import small_world

RECIPE = Recipe("taps", Shape(), Rates(), steps=1000, rows=32)
EVERY = 50  # steps between two looks
SKILLS = ("grammar", "repetition", "receiver")
PROMPTS, LISTS, LENGTH, SAMPLES, TEXTS = 300, 100, 12, 32, 256


@dataclass(frozen=True)
class Variant:
    """One stored run: its recipe, and whether it reads its words in random order."""

    recipe: Recipe
    shuffled: bool = False
    weights: bool = False  # whether they ship


SETTINGS = {
    "taps": RECIPE,
    "taps-adamw": replace(RECIPE, name="taps, AdamW alone", rates=Rates(muon=0.0, adam=4e-3)),
    "taps-one-block": replace(RECIPE, name="taps, one block", shape=Shape(blocks=1)),
}
RUNS = {setting: tuple(f"{setting}-{seed}" for seed in (0, 1, 2)) for setting in SETTINGS}
SEEDS = RUNS["taps"]
VARIANTS = {
    name: Variant(replace(SETTINGS[setting], seed=seed), weights=name == "taps-0")
    for setting, names in RUNS.items()
    for seed, name in enumerate(names)
} | {"taps-shuffled": Variant(replace(RECIPE, name="taps, words shuffled"), shuffled=True, weights=True)}


@cache
def vocabulary() -> Vocabulary:
    """The 109 words of the small world."""
    return Vocabulary(small_world.all_texts())


def rows(
    seed: object, count: int, *, kind: str | None = None, shuffled: bool = False
) -> Int[Tensor, "row position"]:
    """Rows full of texts, the same for the same seed; of one kind, or with their words in random order."""
    chooser, words, found = Random(f"{seed}"), vocabulary(), []
    for _ in range(count):
        ids: list[int] = []
        while len(ids) < RECIPE.shape.context:
            ids += [words[END], *words.encode(small_world.document(chooser, kind))]
        ids = ids[: RECIPE.shape.context]
        if shuffled:
            chooser.shuffle(ids)
        found.append(ids)
    return torch.tensor(found)


def batch(run: Run, *, shuffled: bool = False) -> Batch:
    """The text of the run's next step."""
    return rows(f"{run.recipe.seed} {run.step}", run.recipe.rows, shuffled=shuffled), None


def look(run: Run, *, samples: int = SAMPLES) -> None:
    """Note the loss on held-out text, three skills, and what the network writes by itself."""
    texts = written(run.network, samples)
    found = {
        "step": run.step,
        "seconds": round(run.seconds, 2),
        "loss": loss(run.network),
        "grammar": grammar(texts),
        "repetition": repetition(run.network),
        "receiver": receiver(run.network),
        "samples": [text for text in texts if text][:3],
    }
    run.noted.setdefault("looks", []).append(found)


@torch.no_grad()
def loss(network: Network, *, shuffled: bool = False) -> float:
    """Surprise in nats per word on held-out text."""
    return float(word_losses(network, rows("held out", TEXTS, shuffled=shuffled)).mean())


@torch.no_grad()
def repetition(network: Network) -> float:
    """Share of right first guesses in the second half of lists said twice; the first word is not asked."""
    chooser, words = Random("lists"), vocabulary()
    ids = torch.tensor(
        [[words[END], *words.encode(small_world.twice(chooser, LENGTH))] for _ in range(LISTS)]
    )
    guesses = network(ids).argmax(-1)
    return float((guesses[:, LENGTH + 1 : -1] == ids[:, LENGTH + 2 :]).float().mean())


@torch.no_grad()
def receiver(network: Network) -> float:
    """Share of gifts between pairs of names never trained in which the receiver beats the giver."""
    return sum(_receiver_leads(network)) / PROMPTS


@cache
def receiver_prompts() -> tuple[tuple[list[int], int, int], ...]:
    """Gifts between pairs never trained: the ids up to the answer, the receiver's id, the giver's."""
    chooser, words, prompts = Random("receivers"), vocabulary(), []
    for _ in range(PROMPTS):
        who, giver = chooser.choice(small_world.HELD_OUT)
        ids = [words[END], *words.encode(small_world.gift_prompt(chooser, who, giver))]
        prompts.append((ids, words[f" {who}"], words[f" {giver}"]))
    return tuple(prompts)


def _receiver_leads(network: Network) -> list[bool]:
    by_length: dict[int, list] = {}
    for prompt in receiver_prompts():
        by_length.setdefault(len(prompt[0]), []).append(prompt)
    leads = []
    for group in by_length.values():
        ends = network(torch.tensor([ids for ids, _, _ in group]))[:, -1]
        leads += [bool(end[who] > end[giver]) for end, (_, who, giver) in zip(ends, group, strict=True)]
    return leads


@torch.no_grad()
def written(network: Network, count: int, seed: int = 0) -> list[str]:
    """Finished texts that the network writes by drawing one word after another; "" where it found no end."""
    source, words = torch.Generator().manual_seed(seed), vocabulary()
    ids = torch.full((count, 1), words[END])
    for _ in range(RECIPE.shape.context - 1):
        chances = network(ids)[:, -1].softmax(-1)
        ids = torch.cat([ids, torch.multinomial(chances, 1, generator=source)], 1)
    parts = [words.decode(row[1:]).split(END) for row in ids.tolist()]
    return [part[0] if len(part) > 1 else "" for part in parts]


def grammar(texts: list[str]) -> float:
    """Share of written texts that are whole sentences of the small world; lists do not count. 0 if none."""
    prose = [text for text in texts if text and not small_world.is_list(text)]
    return sum(map(small_world.is_grammatical, prose)) / max(1, len(prose))


def train(
    name: str,
    folder: Path | None = None,
    *,
    steps: int | None = None,
    until: Callable[[], bool] = lambda: False,
) -> Run:
    """The run of this name, from its saved state or from the start; stops early when `until` says so."""
    variant = VARIANTS[name]
    recipe = variant.recipe if steps is None else replace(variant.recipe, steps=steps)
    run = begin(recipe, len(vocabulary()))
    text = partial(batch, shuffled=variant.shuffled)
    return go_on(run, text, folder, every=EVERY, measure=look, until=until)


def untrained(seed: int = 0) -> Network:
    """The first weights of a seed, before any step."""
    return Network(len(vocabulary()), RECIPE.shape, seed)


@torch.no_grad()
def surprise(network: Network, ids: Int[Tensor, "row position"]) -> Float[Tensor, "row next"]:
    """Nats at every word of these rows but the first."""
    return word_losses(network, ids)


def train_all(states: Path, folder: Path = stored.FOLDER, *, steps: int | None = None) -> Iterator[Path]:
    """Every stored run again, each path as soon as it is written."""
    for name, variant in VARIANTS.items():
        run = train(name, states / name, steps=steps)
        kept = stored.rounded(run.network) if variant.weights else None
        noted = {"seed": run.recipe.seed, "recipe": asdict(run.recipe), "weights": run.network.weights,
                 "shuffled": variant.shuffled, "bf16": has_bf16(), "seconds": round(run.seconds, 1),
                 **run.noted, "losses": [round(one, 4) for one in run.losses[::10]]}  # fmt: skip
        yield stored.keep(name, kept, noted, folder)


def load(name: str = "taps-0", folder: Path = stored.FOLDER) -> Network:
    """The weights of a stored run. Raises ValueError when they are missing or were changed."""
    return stored.network(name, len(vocabulary()), VARIANTS[name].recipe.shape, folder)
