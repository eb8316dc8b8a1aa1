"""Make pocket GPT-2 again from its seed: text from `words.world`, next-word prediction, nothing else.

Every step draws its rows from its own seed, so a run that was stopped and resumed sees the same text as one
that never stopped. Float sums differ between machines, so another machine makes a sibling, not a twin: the
card's figures are those of the shipped weights.
"""

import json
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as token_models
from torch import Tensor
from transformers import AutoTokenizer, BatchEncoding, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from interp import files
from interp.pocket.run import Run, go_on, has_bf16, learning_rate, optimizer, restore, save_model
from interp.undisturbed import exclusive
from interp.words import world


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the model becomes. One recipe and one seed are one model."""

    blocks: int = 8
    heads: int = 4
    d_model: int = 128
    context: int = 96
    rows: int = 36
    steps: int = 8000
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: int = 150
    seed: int = 20


def tokenizer(seed: int = 0, documents: int = 20_000) -> PreTrainedTokenizerFast:
    """GPT-2's kind of tokenizer (byte-level pairs, words with their leading space) learned from the world."""
    chooser = Random(f"tokenizer {seed}")
    texts = [world.document(chooser) for _ in range(documents)]
    texts += [" " + " ".join(world.ALL_WORDS)] * 20
    pairs = Tokenizer(token_models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=50_000,  # far above what the world needs: merging stops when every word is one token
        min_frequency=2,
        special_tokens=[world.END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pairs.train_from_iterator(texts, trainer)
    end = world.END_OF_TEXT
    return PreTrainedTokenizerFast(tokenizer_object=pairs, bos_token=end, eos_token=end, unk_token=end)


def rows(encode: PreTrainedTokenizerFast, recipe: Recipe, step: int) -> Int[Tensor, "row position"]:
    """The rows of text of one step: documents one after another, with and without end-of-text before them."""
    return torch.tensor(_encoded(encode, recipe, step)["input_ids"])


def seen_words(encode: PreTrainedTokenizerFast, recipe: Recipe) -> list[str]:
    """Every word of the rows of all steps, in order, each with the space before it if it had one.

    A word is what the tokenizer cuts on its own, so signs and line breaks are words too. Minutes for pocket.
    """
    found: set[tuple[int, ...]] = set()
    for step in range(recipe.steps):
        for row in _encoded(encode, recipe, step).encodings or ():
            pairs = zip(row.word_ids, row.ids, strict=True)
            found.update(tuple(i for _, i in word) for _, word in groupby(pairs, itemgetter(0)))
    return sorted({str(encode.decode(list(word), clean_up_tokenization_spaces=False)) for word in found})


def write_seen_words(folder: str | Path) -> Path:
    """Write beside a trained model which words its training showed it; returns the file.

    The recipe is that of the folder's training.json, the tokenizer the folder's own.
    """
    folder = Path(folder)
    recipe = Recipe(**json.loads((folder / "training.json").read_text())["recipe"])
    words = seen_words(AutoTokenizer.from_pretrained(folder), recipe)
    file = folder / "seen_words.json"
    files.write(file, (json.dumps(words, ensure_ascii=False, indent=0) + "\n").encode())
    return file


def _encoded(encode: PreTrainedTokenizerFast, recipe: Recipe, step: int) -> BatchEncoding:
    chooser = Random(f"{recipe.seed} {step}")
    end = world.END_OF_TEXT
    texts = []
    for _ in range(recipe.rows):
        text = end if chooser.random() < 0.5 else ""
        while len(text) < 9 * recipe.context:  # more characters than the row has room for
            text += world.document(chooser) + (end if chooser.random() < 0.85 else " ")
        texts.append(text)
    return encode(texts, add_special_tokens=False, truncation=True, max_length=recipe.context)


@runtime_checkable
class Shape(Protocol):
    """What every recipe of a new model says about its size, and the seed of its first weights."""

    @property
    def seed(self) -> int: ...
    @property
    def d_model(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def context(self) -> int: ...


def new_model(recipe: Shape, encode: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
    """A GPT-2 with random weights, for the tokens of this world."""
    torch.manual_seed(recipe.seed)
    end = encode.get_vocab()[world.END_OF_TEXT]
    config = GPT2Config(
        vocab_size=len(encode), n_positions=recipe.context, n_embd=recipe.d_model, n_layer=recipe.blocks,
        n_head=recipe.heads, bos_token_id=end, eos_token_id=end,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        # the fused form of GPT-2's own gelu_new; below, the attention that is fastest for short rows
        activation_function="gelu_pytorch_tanh",
    )  # fmt: skip
    config._attn_implementation = "eager"  # what `attn_implementation=` sets, before the model is built
    return GPT2LMHeadModel(config).train()


def next_token_loss(model: GPT2LMHeadModel, ids: Int[Tensor, "row position"]) -> Float[Tensor, ""]:
    """Mean surprise at the next token, nats."""
    with torch.autocast(ids.device.type, torch.bfloat16, enabled=has_bf16(ids.device)):
        logits = model(input_ids=ids, use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())


def checkpoint_steps(recipe: Recipe) -> tuple[int, ...]:
    """Log-spaced steps at which a copy is kept: 0, 1, 2, 4, ... and the last."""
    doubling = [0, *(2**power for power in range(recipe.steps.bit_length()) if 2**power < recipe.steps)]
    return (*doubling, recipe.steps)


def train(
    out: str | Path, recipe: Recipe | None = None, *, resume: bool = True, device: str | None = None
) -> Path:
    """Train from the seed and write a Hugging Face folder; returns it.

    `out/training/` keeps the state (saved every 500 steps, and on Ctrl-C) and the log-spaced checkpoints
    (`out/training/checkpoints/step-N`), each a folder that `models.load` opens. Raises ValueError when `out`
    holds the state of another recipe.
    """
    out, work = Path(out), Path(out) / "training"
    with exclusive(work):
        run = _begin(
            recipe or Recipe(), torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        )
        if resume and (work / "state.pt").exists():
            restore(work / "state.pt", run)
        go_on(run, work / "state.pt", partial(_step, work), every=500, told=_told)
        for folder in (work / "checkpoints" / f"step-{run.recipe.steps}", out):
            save_model(run.model, run.encode, folder)
    record = {"recipe": asdict(run.recipe), "loss": losses(run.history, run.recipe)}
    files.write(out / "training.json", (json.dumps(record, indent=1) + "\n").encode())
    write_seen_words(out)
    return out


def _begin(recipe: Recipe, device: torch.device) -> Run:
    encode = tokenizer()
    model = new_model(recipe, encode)
    torch.nn.Module.to(model, device)
    return Run(recipe, encode, model, optimizer(model, recipe), [])


def _told(losses: list[float]) -> str:
    return f"loss={sum(losses) / len(losses):.3f}"


def _step(work: Path, run: Run, step: int) -> float:
    recipe = run.recipe
    if step in checkpoint_steps(recipe):
        save_model(run.model, run.encode, work / "checkpoints" / f"step-{step}")
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, step)
    ids = rows(run.encode, recipe, step).to(run.model.device)
    loss = next_token_loss(run.model, ids)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    return loss.item()


def losses(history: list[float], recipe: Recipe) -> dict[str, float]:
    """The loss curve at log-spaced steps, nats per token: the mean of the last tenth of the steps so far."""
    marks = [mark for mark in checkpoint_steps(recipe) if 0 < mark <= len(history)]
    tails = {mark: history[mark * 9 // 10 : mark] for mark in marks}
    return {str(mark): round(sum(tail) / len(tail), 4) for mark, tail in tails.items()}
