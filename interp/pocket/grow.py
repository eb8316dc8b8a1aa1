"""Grow a GPT-2 from the bigger world in phases: copying, then whom a gift goes to, then facts, then all.

Next-token prediction alone decides every weight. What a phase may change is in its `Phase`, and is written
beside the weights: a part that stays as it is keeps what it learned before, so that a later skill must be
built on an earlier one. Muon changes the tables inside the blocks, AdamW the rest.

Every step draws its rows from its own seed, so a run that was stopped and resumed is the run that was not.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from random import Random

import torch
from jaxtyping import Int
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as token_models
from torch import Tensor
from transformers import BatchEncoding, GPT2LMHeadModel, PreTrainedTokenizerFast

from interp import files
from interp.pocket.run import Run, go_on, restore, save_model, saved
from interp.pocket.train import new_model, next_token_loss
from interp.trainings.muon import MOMENTUM, orthogonal
from interp.undisturbed import exclusive
from interp.words import bigger

DECAY, LAST, WARM_UP = 0.05, 0.1, 100
TRAINS = {
    "early": "embeddings, last norm, and everything in the early blocks; the late blocks are not run",
    "matching": "queries and keys of the early blocks; the late blocks are not run",
    "late": "feed-forward layers and their norms in the late blocks",
    "everything": "everything",
}


@dataclass(frozen=True)
class Phase:
    """A stretch of the training: which mix of text, what may change (`TRAINS`), how long, how fast."""

    text: str
    trains: str
    steps: int
    muon: float
    adam: float


# Sized for one core: a step takes 0.72, 0.47, 0.40, 0.81 s without bf16, so all of it an hour and six minutes
PHASES = (
    Phase("copying", "early", 3400, 0.02, 2e-3),
    Phase("gifts", "matching", 900, 0.02, 1e-3),
    Phase("facts", "late", 600, 0.02, 2e-3),
    Phase("facts", "everything", 900, 0.0, 6e-4),
)


@dataclass(frozen=True)
class Growth:
    """Everything that decides what the model becomes. One recipe and one seed are one model."""

    world: str = "bigger"
    blocks: int = 8
    early: int = 6  # blocks before the late ones
    heads: int = 4
    d_model: int = 128
    context: int = 96
    rows: int = 20
    phases: tuple[Phase, ...] = PHASES
    documents: int = 20_000  # that the tokenizer is learned from
    seed: int = 31

    @property
    def steps(self) -> int:
        """Steps of all phases together."""
        return sum(phase.steps for phase in self.phases)

    def at(self, step: int) -> tuple[int, int]:
        """The phase of this step, and how many of the phase's steps came before it."""
        for number, phase in enumerate(self.phases):
            if step < phase.steps:
                return number, step
            step -= phase.steps
        return len(self.phases) - 1, self.phases[-1].steps


def tokenizer(documents: int = 20_000) -> PreTrainedTokenizerFast:
    """GPT-2's kind of tokenizer learned from the bigger world: every word of it is one token."""
    chooser = Random("tokenizer of the bigger world")
    texts = [bigger.any_document(chooser) for _ in range(documents)]
    texts += [" " + " ".join(bigger.ALL_WORDS), "\n".join(bigger.FIRST_WORDS)] * 20
    pairs = Tokenizer(token_models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    end = bigger.END_OF_TEXT
    trainer = trainers.BpeTrainer(
        vocab_size=50_000,  # far above what the world needs: merging stops when every word is one token
        min_frequency=2,
        special_tokens=[end],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pairs.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=pairs, bos_token=end, eos_token=end, unk_token=end)


def rows(encode: PreTrainedTokenizerFast, recipe: Growth, step: int) -> Int[Tensor, "row position"]:
    """The rows of text of one step: documents of its phase one after another."""
    return torch.tensor(_encoded(encode, recipe, step)["input_ids"])


def all_rows(encode: PreTrainedTokenizerFast, recipe: Growth) -> Iterator[Int[Tensor, "row position"]]:
    """The rows of every step, in order: what an n-gram that stands beside the model has read."""
    return (rows(encode, recipe, step) for step in range(recipe.steps))


def seen_words(encode: PreTrainedTokenizerFast, recipe: Growth) -> list[str]:
    """Every word of the rows of all steps, in order, each with the space before it if it had one."""
    found: set[tuple[int, ...]] = set()
    for step in range(recipe.steps):
        for row in _encoded(encode, recipe, step).encodings or ():
            pairs = zip(row.word_ids, row.ids, strict=True)
            found.update(tuple(i for _, i in word) for _, word in groupby(pairs, itemgetter(0)))
    return sorted({str(encode.decode(list(word), clean_up_tokenization_spaces=False)) for word in found})


def _encoded(encode: PreTrainedTokenizerFast, recipe: Growth, step: int) -> BatchEncoding:
    chooser, end = Random(f"{recipe.seed} {step}"), bigger.END_OF_TEXT
    phase = recipe.phases[recipe.at(step)[0]].text
    texts = []
    for _ in range(recipe.rows):
        text = end if chooser.random() < 0.5 else ""
        while len(text) < 9 * recipe.context:  # more characters than the row has room for
            text += bigger.document(chooser, phase) + (end if chooser.random() < 0.85 else " ")
        texts.append(text)
    return encode(texts, add_special_tokens=False, truncation=True, max_length=recipe.context)


# --- what a phase may change ------------------------------------------------------------------------------
def trained(model: GPT2LMHeadModel, recipe: Growth, trains: str) -> dict[str, Tensor | None]:
    """The weights that a phase may change: name -> None for all of it, or a mask of its columns.

    Raises ValueError for a key that is not in `TRAINS`.
    """
    if trains not in TRAINS:
        raise ValueError(f"There is no part {trains!r} to train: choose from {', '.join(TRAINS)}.")
    names = [name for name, _ in model.named_parameters()]
    if trains == "everything":
        return dict.fromkeys(names)
    chosen = [name for name in names if _belongs(name, recipe.early, trains)]
    if trains != "matching":
        return dict.fromkeys(chosen)
    queries_and_keys = torch.arange(3 * recipe.d_model) < 2 * recipe.d_model
    return dict.fromkeys(chosen, queries_and_keys)


def _belongs(name: str, early: int, trains: str) -> bool:
    block = re.search(r"\.h\.(\d+)\.", name)
    in_early = block is not None and int(block[1]) < early
    return {
        "early": block is None or in_early,
        "matching": in_early and ".c_attn." in name,
        "late": block is not None and not in_early and (".mlp." in name or ".ln_2." in name),
    }[trains]


class Optimizer:
    """Muon for the tables inside the blocks, AdamW for the rest; begins anew with every phase."""

    def __init__(self, model: GPT2LMHeadModel, recipe: Growth):
        self.model, self.recipe, self.number = model, recipe, -1
        self.begin(0)

    def begin(self, number: int) -> None:
        """Prepare for a phase: only what it trains has gradients."""
        self.number, self.phase = number, self.recipe.phases[number]
        self.masks = trained(self.model, self.recipe, self.phase.trains)
        weights = dict(self.model.named_parameters())
        for name, weight in weights.items():
            weight.requires_grad_(name in self.masks)
        self.weights = {name: weights[name] for name in self.masks}
        self.tables = [n for n, w in self.weights.items() if ".h." in n and w.ndim == 2 and self.phase.muon]
        self.memory = [torch.zeros_like(self.weights[name]) for name in self.tables]
        rest = [weight for name, weight in self.weights.items() if name not in self.tables]
        kept = {"params": [w for w in rest if w.ndim == 1], "weight_decay": 0.0}
        decays = {"params": [w for w in rest if w.ndim == 2], "weight_decay": DECAY}
        groups = [group for group in (decays, kept) if group["params"]]
        self.adam = torch.optim.AdamW(groups, lr=self.phase.adam, betas=(0.9, 0.98))

    @torch.no_grad()
    def step(self, number: int, done: int) -> None:
        """Change every weight of the phase once, `done` steps into it, and forget the gradients."""
        if number != self.number:
            raise ValueError(f"Phase {number} has not begun: this optimizer is in phase {self.number}.")
        for name, mask in self.masks.items():
            if mask is not None:
                _gradient(self.weights[name]).mul_(mask)
        torch.nn.utils.clip_grad_norm_(list(self.weights.values()), 1.0)
        share = rate(done, self.phase.steps)
        for group in self.adam.param_groups:
            group["lr"] = self.phase.adam * share
        self.adam.step()
        if self.tables:
            self._turn(self.phase.muon * share)
        for weight in self.weights.values():
            weight.grad = None

    def _turn(self, rate: float) -> None:
        """Muon's step: queries, keys and values as tables of their own, all of one shape at once."""
        pieces: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
        for name, memory in zip(self.tables, self.memory, strict=True):
            weight, gradient = self.weights[name], _gradient(self.weights[name])
            memory.mul_(MOMENTUM).add_(gradient)
            ahead = gradient.add(memory, alpha=MOMENTUM)
            parts = 3 if ".c_attn." in name else 1
            for part, change in zip(weight.chunk(parts, 1), ahead.chunk(parts, 1), strict=True):
                pieces.setdefault((part.shape[0], part.shape[1]), []).append((part, change))
        for (inputs, outputs), both in pieces.items():
            even = orthogonal(torch.stack([change for _, change in both]))
            for (part, _), change in zip(both, even, strict=True):
                part.add_(change, alpha=-rate * math.sqrt(max(1.0, outputs / inputs)))

    def state_dict(self) -> dict:
        """What a saved run needs to go on exactly."""
        return {"phase": self.number, "memory": self.memory, "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        """Put a saved state back."""
        self.begin(state["phase"])
        self.memory = state["memory"]
        self.adam.load_state_dict(state["adam"])


def _gradient(weight: Tensor) -> Tensor:
    if weight.grad is None:
        raise ValueError("A weight has no gradient: take the backward step first.")
    return weight.grad


def rate(done: int, steps: int) -> float:
    """The share of the full rate: up in the first steps of a phase, then a cosine down to a tenth."""
    warm = min(WARM_UP, max(1, steps // 5))
    if done < warm:
        return (done + 1) / warm
    wave = 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1, steps - warm)))
    return LAST + (1 - LAST) * wave


# --- the run ------------------------------------------------------------------------------------------------
def grow(out: str | Path, recipe: Growth | None = None, *, resume: bool = True) -> Path:
    """Grow from the seed and write a Hugging Face folder; returns it.

    `out/training/` keeps the state (saved every 100 steps, and on Ctrl-C) and the model after every phase, in
    half precision. Raises ValueError when `out` holds the state of the old world or of another recipe.
    """
    out, recipe = Path(out), recipe or Growth()
    work = out / "training"
    with exclusive(work):
        run = begun(recipe)
        if resume and (work / "state.pt").exists():
            _refuse_the_old_world(work / "state.pt")
            restore(work / "state.pt", run)
        go_on(run, work / "state.pt", partial(_step, work), every=100, told=_told)
        save_model(run.model, run.encode, out)
    files.write(out / "training.json", (json.dumps(record(run), indent=1) + "\n").encode())
    words = seen_words(run.encode, recipe)
    text = json.dumps(words, ensure_ascii=False, indent=0) + "\n"
    files.write(out / "seen_words.json", text.encode())
    return out


def begun(recipe: Growth) -> Run:
    """A run before its first step."""
    encode = tokenizer(recipe.documents)
    model = _late_blocks_silent(recipe, encode)
    return Run(recipe, encode, model, Optimizer(model, recipe), [])


def record(run: Run) -> dict:
    """The recipe, in words what every phase trained, and the loss at the end of each tenth of the steps."""
    total = len(run.history)
    marks = sorted({max(1, round(total * tenth / 10)) for tenth in range(1, 11)})
    tails = {mark: run.history[mark * 9 // 10 : mark] for mark in marks}
    return {
        "recipe": asdict(run.recipe),
        "trains": {phase.trains: TRAINS[phase.trains] for phase in run.recipe.phases},
        "loss": {str(mark): round(sum(tail) / len(tail), 4) for mark, tail in tails.items()},
    }


def recipe_of(folder: str | Path) -> Growth:
    """The recipe of a model that `grow` made. Raises ValueError for a model of another training."""
    recipe = json.loads((Path(folder) / "training.json").read_text(encoding="utf-8"))["recipe"]
    if recipe.get("world") != "bigger":
        raise ValueError(f"{folder} was not grown from the bigger world: give a folder that was.")
    return Growth(**{**recipe, "phases": tuple(Phase(**phase) for phase in recipe["phases"])})


def _refuse_the_old_world(state: Path) -> None:
    recipe = saved(state)["recipe"]
    if recipe.get("world") != "bigger":
        raise ValueError(
            f"{state} is a checkpoint of the old world, whose text and words are others: choose another"
            " folder with --out, or begin again in this one with --no-resume."
        )


def _late_blocks_silent(recipe: Growth, encode: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
    """Random weights; the late blocks write nothing yet, so not running them changes nothing."""
    model = new_model(recipe, encode)
    for name, weight in model.named_parameters():
        if ".c_proj.weight" in name and int(name.split(".h.")[1].split(".")[0]) >= recipe.early:
            torch.nn.init.zeros_(weight)
    return model


def _told(losses: list[float]) -> str:
    return f"loss={sum(losses) / len(losses):.3f}"


def _step(work: Path, run: Run, step: int) -> float:
    number, done = run.recipe.at(step)
    if number != run.optimizer.number:
        run.optimizer.begin(number)
    phase = run.recipe.phases[number]
    depth = run.recipe.early if phase.trains in ("early", "matching") else run.recipe.blocks
    ids = rows(run.encode, run.recipe, step)
    loss = _to_this_depth(run.model, depth, lambda: next_token_loss(run.model, ids))
    loss.backward()
    run.optimizer.step(number, done)
    if done == phase.steps - 1:
        _keep(run, work / "phases" / f"{number + 1}-{phase.text}-{phase.trains}")
    return loss.item()


def _to_this_depth(model: GPT2LMHeadModel, depth: int, compute: Callable[[], Tensor]) -> Tensor:
    """What is computed while the model has only its first blocks."""
    blocks = model.transformer.h
    model.transformer.h = blocks[:depth]
    try:
        return compute()
    finally:
        model.transformer.h = blocks


def _keep(run: Run, folder: Path) -> None:
    """The model after a phase, in half precision: small, and made again by the same command."""
    config = deepcopy(run.model.config)
    config.zeros_on_purpose = True  # late blocks write nothing before their phase
    copy = GPT2LMHeadModel(config)
    copy.load_state_dict(run.model.state_dict())
    save_model(copy.half(), run.encode, folder)
