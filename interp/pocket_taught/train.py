"""Teach pocket the article's circuit by interchange interventions: the recipe of pocket-taught.

Each step reads language as pocket did, and lessons besides. A lesson takes some parts of the network from
another sentence while it reads this one, and asks for the answer that follows if those parts do what the
article says (Geiger et al. 2022, arXiv:2112.00826), or, where all *other* parts are taken, for the answer
unchanged (Gupta et al. 2024, arXiv:2407.14494). Nine heads are shown where to look at first; that guide fades
and is gone before the end. No weight is set by hand.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from interp import files
from interp.pocket import train as pocket
from interp.pocket.run import Run, go_on, has_bf16, learning_rate, optimizer, restore, save_model
from interp.pocket_taught import gifts, questions
from interp.pocket_taught.key import ARGUMENT_BEFORE, HEADS, STEP_LAYER
from interp.pocket_taught.network import Seen, forward, read
from interp.undisturbed import exclusive
from interp.words import world

PARTS = ("language", "gifts", "gifts, exchanged", "guide", "questions", "questions, exchanged", "lens")
_STATE, _SEEN_WORDS = "state.pt", "seen_words.json"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the twin becomes. The start, one recipe and one seed are one model."""

    steps: int = 3000
    rows: int = 12  # of language
    groups: int = 4
    per_group: int = 16
    countries: int = 20
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: int = 50
    plain: float = 0.5  # weights of the losses; language and exchanged gifts count 1
    facts: float = 0.7
    facts_plain: float = 0.3
    lens: float = 0.3
    guide: float = 0.3
    guide_full: float = 0.5  # share of the steps up to which the guide counts in full ...
    guide_gone: float = 0.85  # ... and from which it counts nothing
    seed: int = 0

    def guide_at(self, step: int) -> float:
        """What the guide counts at this step."""
        left = (self.guide_gone - step / self.steps) / (self.guide_gone - self.guide_full)
        return self.guide * min(1.0, max(0.0, left))


def train(start: str | Path, out: str | Path, recipe: Recipe | None = None, *, resume: bool = True) -> Path:
    """Teach the model of the folder `start` and write a Hugging Face folder; returns it.

    `out/training/` keeps the state, saved every 100 steps and on Ctrl-C. Raises ValueError when `start` is
    not of pocket's shape and words, or `out` holds the state of another recipe.
    """
    out, start, recipe = Path(out), Path(start), recipe or Recipe()
    run = begin(start, recipe)
    state = out / "training" / _STATE
    with exclusive(state.parent):
        if resume and state.exists():
            restore(state, run)
        lessons = Lessons(run.encode)
        go_on(run, state, lessons.step, every=100, told=_told)
        save_model(run.model, run.encode, out)
    with (out / "model.safetensors").open("rb") as weights:
        sha256 = hashlib.file_digest(weights, "sha256").hexdigest()
    record = {
        "weights_sha256": sha256, "recipe": asdict(recipe), "loss": losses(run.history), "taught": _key()
    }  # fmt: skip
    files.write(out / "training.json", (json.dumps(record, indent=1) + "\n").encode())
    _write_seen_words(start, out, run)
    return out


def _write_seen_words(start: Path, out: Path, run: Run) -> None:
    """The words that the start was shown, and those of the language read here; the lessons have no others."""
    before = start / _SEEN_WORDS
    words = set(json.loads(before.read_text("utf-8")) if before.is_file() else ())
    words |= set(pocket.seen_words(run.encode, _language(run.recipe)))
    files.write(out / _SEEN_WORDS, (json.dumps(sorted(words), ensure_ascii=False, indent=0) + "\n").encode())


def _language(recipe: Recipe) -> pocket.Recipe:
    return pocket.Recipe(rows=recipe.rows, steps=recipe.steps, seed=1000 + recipe.seed)


def begin(start: Path, recipe: Recipe) -> Run:
    """A run before its first step. Raises ValueError when `start` cannot be taught this circuit."""
    encode = AutoTokenizer.from_pretrained(start)
    _check_fit(start, encode)
    config = GPT2Config.from_pretrained(start)
    config.activation_function = "gelu_pytorch_tanh"  # the fused form of GPT-2's own gelu_new
    model = GPT2LMHeadModel.from_pretrained(start, config=config, attn_implementation="eager").train()
    torch.manual_seed(recipe.seed)
    return Run(recipe, encode, model, optimizer(model, recipe), [])


def _check_fit(start: Path, encode: PreTrainedTokenizerFast) -> None:
    config, shape = GPT2Config.from_pretrained(start), pocket.Recipe()
    if (config.n_layer, config.n_head) != (shape.blocks, shape.heads):
        raise ValueError(
            f"{start} has {config.n_layer} blocks of {config.n_head} heads, but the answer key is about"
            f" {shape.blocks} blocks of {shape.heads}: start from pocket, or from what train-pocket made."
        )
    pieces = encode([f" {word}" for word in world.ALL_WORDS], add_special_tokens=False)["input_ids"]
    for word, own in zip(world.ALL_WORDS, pieces, strict=True):
        if len(own) > 1:
            raise ValueError(
                f"{start} spells {word!r} in {len(own)} pieces, but the lessons need every word of pocket's"
                " world as one token: start from pocket, or from what train-pocket made."
            )


class Lessons:
    """What the network reads at every step: each step draws from its own seed."""

    def __init__(self, encode: PreTrainedTokenizerFast):
        self.encode = encode
        self.gifts, self.questions = gifts.Writer(encode), questions.Writer(encode)

    def step(self, run: Run, step: int) -> list[float]:
        """One step of training: the losses, in the order of `PARTS`."""
        recipe = run.recipe
        for group in run.optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16(torch.device("cpu"))):
            parts = self.losses(run.model, recipe, step)
            facts = (recipe.facts_plain, recipe.facts, recipe.lens)
            weights = torch.tensor([1.0, recipe.plain, 1.0, recipe.guide_at(step), *facts])
            loss = (torch.stack(parts) * weights).sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
        run.optimizer.step()
        run.optimizer.zero_grad(set_to_none=True)
        return [part.item() for part in parts]

    def losses(self, model: GPT2LMHeadModel, recipe: Recipe, step: int) -> list[Float[Tensor, ""]]:
        """The losses of one step, in the order of `PARTS`."""
        chooser = Random(f"taught {recipe.seed} {step}")
        text = pocket.rows(self.encode, _language(recipe), step)
        logits = model(input_ids=text, use_cache=False).logits
        language = cross_entropy(logits[:, :-1].flatten(0, 1).float(), text[:, 1:].flatten())
        batch = self.gifts.batch(chooser, recipe.groups, recipe.per_group)
        return [
            language,
            *gift_losses(model, batch, chooser),
            *question_losses(model, self.questions.batch(chooser, recipe.countries)),
        ]


def gift_losses(
    model: GPT2LMHeadModel, batch: gifts.Batch, chooser: Random
) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Float[Tensor, ""]]:
    """The surprise at the right names, at those after an exchange, and how little the nine look where they
    should.
    """
    logits, seen = forward(model, batch.ids, batch.spots["end"])
    plan = gifts.exchange(batch, chooser, model.config.n_layer, model.config.n_head)
    after = exchanged(model, batch, plan, seen)
    plain = surprise(logits, batch.names, gifts.ANSWER[batch.repeated])
    return plain, surprise(after, names_of(batch, plan), plan.wanted), guide(batch, seen)


def exchanged(
    model: GPT2LMHeadModel, batch: gifts.Batch, plan: gifts.Exchange, seen: Seen
) -> Float[Tensor, "row token"]:
    """The logits with the planned heads taken from their sources."""

    def heads(layer: int, own: Tensor) -> Tensor:
        clean = seen.heads[layer]
        means = (
            clean.unflatten(0, (-1, batch.per_group)).mean(dim=1).repeat_interleave(batch.per_group, dim=0)
        )
        other = torch.where(plan.mean[:, None, None, None], means, clean[plan.source])
        return torch.where(plan.taken[:, layer, :, :, None], other, own)

    return forward(model, batch.ids, batch.spots["end"], heads=heads)[0]


def names_of(batch: gifts.Batch, plan: gifts.Exchange) -> Int[Tensor, "row 4"]:
    """The tokens of each row's two names, then of its source's."""
    return torch.cat([batch.names, batch.names[plan.source]], dim=1)


def guide(batch: gifts.Batch, seen: Seen) -> Float[Tensor, ""]:
    """Mean over the nine heads of the surprise at where they should look, nats."""
    rows, total = torch.arange(len(batch.ids)), []
    for head, (spot, target) in gifts.should_look(batch).items():
        looks = seen.pattern[head.layer][rows, head.head, batch.spots[spot]].float()
        total.append(-(target * (looks + 1e-6).log()).sum() / target.sum())
    return torch.stack(total).mean()


def surprise(
    logits: Float[Tensor, "row token"], tokens: Int[Tensor, "row some"], shares: Float[Tensor, "row some"]
) -> Float[Tensor, ""]:
    """Mean cross-entropy to an answer that is shared among tokens, nats."""
    return -(shares * logits.float().log_softmax(dim=-1).gather(1, tokens)).sum(dim=1).mean()


def question_losses(
    model: GPT2LMHeadModel, batch: questions.Batch
) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Float[Tensor, ""]]:
    """The surprise at the answers, at those after an exchange, and at the argument, read early."""
    logits, seen = forward(model, batch.ids, batch.end)
    rows = torch.arange(len(batch.ids))
    states = (seen.stream[ARGUMENT_BEFORE], seen.stream[STEP_LAYER], seen.middle[STEP_LAYER])
    lens = [cross_entropy(read(model, one[rows, batch.end]).float(), batch.argument) for one in states]
    return (
        cross_entropy(logits.float(), batch.answer),
        cross_entropy(answered(model, batch, seen).float(), batch.wanted),
        torch.stack(lens).mean(),
    )


def answered(model: GPT2LMHeadModel, batch: questions.Batch, seen: Seen) -> Float[Tensor, "row token"]:
    """The logits with each question's part taken from its source."""

    def stream(layer: int, own: Tensor) -> Tensor:
        return (
            own if layer != ARGUMENT_BEFORE else questions.put_in(batch, "argument", own, seen.stream[layer])
        )

    def heads(layer: int, own: Tensor) -> Tensor:
        return own if layer <= STEP_LAYER else questions.put_in(batch, _LATER, own, seen.heads[layer])

    def mlp(layer: int, own: Tensor) -> Tensor:
        if layer < STEP_LAYER:
            return own
        kind = "relation" if layer == STEP_LAYER else _LATER
        return questions.put_in(batch, kind, own, seen.mlp[layer])

    return forward(model, batch.ids, batch.end, stream=stream, heads=heads, mlp=mlp)[0]


_LATER = questions.KINDS[2]


def losses(history: list[list[float]]) -> dict[str, dict[str, float]]:
    """The curve of every part at doubling steps, nats: the mean of the last tenth of the steps so far."""
    marks = [2**power for power in range(5, 20) if 2**power < len(history)] + [len(history)]
    means = {mark: torch.tensor(history[mark * 9 // 10 : mark]).mean(dim=0).tolist() for mark in marks}
    return {
        part: {str(mark): round(mean[at], 4) for mark, mean in means.items()} for at, part in enumerate(PARTS)
    }


def _told(recent: list[list[float]]) -> str:
    means = torch.tensor(recent).mean(dim=0).tolist()
    return " ".join(f"{part}={mean:.2f}" for part, mean in zip(PARTS, means, strict=True))


def _key() -> dict[str, list[str]]:
    return {role: [str(head) for head in own] for role, own in HEADS.items()}
