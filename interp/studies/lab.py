"""The laboratory's arithmetic: one prompt, some heads switched off, what changes. Pure; the widget draws it.

A prompt of one's own has no template, so the baselines are taken without regard to position: `mean` puts each
head's mean output over all words of `REFERENCES` ABC sentences everywhere; `resample` puts, at every
word, the head's output at a word drawn from those sentences (one draw for all heads); `zero` puts
nothing.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from random import Random
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.methods.ablation import check_how
from interp.methods.attribution import head_attribution
from interp.methods.readout import logits_at_end
from interp.prompts import Prompts, single_token
from interp.result import Result
from interp.sites import Head, Site, check_place
from interp.studies import ioi
from interp.words.article import NAME_EXAMPLES

OutputsOf = Callable[[bool], dict[int, Tensor]]  # layer -> Float[Tensor, "word head d_head"]
REFERENCES = 32
TOP = 10
SEED = 0
NOTES = {
    "mean": "Each head switched off puts out its mean over all words of {n} sentences with three "
    "different names.",
    "zero": "Each head switched off writes nothing.",
    "resample": "Each head switched off puts out what it does at words drawn from {n} other sentences.",
}


@dataclass(frozen=True)
class LabState:
    """What the laboratory is asked: a prompt, two words to weigh, heads to switch off, and how."""

    prompt: str
    answer: str
    against: str
    heads: tuple[Head, ...] = ()
    how: str = "mean"
    bos: bool = False

    def to_json(self) -> str:
        """The state as one line of JSON; heads by name, such as "L9H6"."""
        return json.dumps({**asdict(self), "heads": [str(head) for head in self.heads]}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "LabState":
        """The state that `to_json` wrote. Raises ValueError for anything else."""
        try:
            fields = json.loads(text)
            heads = tuple(Head.parse(name) for name in fields.pop("heads"))
            return cls(**fields, heads=heads)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{text!r} is no state of the laboratory: give what to_json wrote.") from error


@dataclass(frozen=True)
class LabAnswer:
    """What came out. Pairs are (before, after); `baseline` and `ablated` are the ten likeliest next
    tokens each.

    `head_effects` is what each head writes towards `answer` and away from `against` before anything is
    switched off: Result[layer, head], nats.
    """

    tokens: tuple[str, ...]
    baseline: Result
    ablated: Result
    logit_difference: tuple[float, float]
    answer_probability: tuple[float, float]
    against_probability: tuple[float, float]
    head_effects: Result
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """A model on the bench, all that a widget needs of it: shape is (layers, heads); `parse` reads JSON."""

    name: str
    shape: tuple[int, int]
    examples: tuple[tuple[str, LabState], ...]
    presets: dict[str, tuple[Head, ...]]
    compute: Callable[[LabState], LabAnswer]
    parse: Callable[[str], LabState] = LabState.from_json


def bench(model: Any) -> Bench:
    """This model's bench. It remembers the last answers, so that going back is instant, and what every head
    does in the reference sentences, so that a click runs one sentence only.
    """
    card = models.describe(model)
    outputs_of = lru_cache(maxsize=2)(partial(_reference_outputs, model))
    remembered = lru_cache(maxsize=64)(partial(compute, model, outputs_of=outputs_of))
    return Bench(card.name, (card.layers, card.heads), examples(model), presets(model), remembered)


def compute(model, state: LabState, *, outputs_of: OutputsOf | None = None) -> LabAnswer:
    """The answer to this state. The same state gives the same answer.

    `outputs_of(bos)` gives what the heads do in the reference sentences, by layer; by default they are run.
    Raises ValueError with one sentence for an empty or too long prompt, a missing answer or one of
    several tokens, twice the same word, an unknown head or an unknown way of switching off.
    """
    _check(model, state)
    prompts = _prompts(model, state)
    before = logits_at_end(model, prompts)[0].double().cpu()
    edits = _edits(prompts, state, outputs_of or partial(_reference_outputs, model))
    after = logits_at_end(model, prompts, *edits)[0].double().cpu()
    words = tuple(int(prompts.answers[name][0]) for name in ("io", "s"))
    probabilities = before.softmax(dim=-1), after.softmax(dim=-1)
    return LabAnswer(
        tokens=tuple(models.token_strings(model, prompts.tokens[0].tolist())),
        baseline=_likeliest(model, probabilities[0], "before"),
        ablated=_likeliest(model, probabilities[1], "after"),
        logit_difference=_pair(logits[words[0]] - logits[words[1]] for logits in (before, after)),
        answer_probability=_pair(probability[words[0]] for probability in probabilities),
        against_probability=_pair(probability[words[1]] for probability in probabilities),
        head_effects=head_attribution(model, prompts).mean("prompt"),
        notes=_notes(state),
    )


def examples(model) -> tuple[tuple[str, LabState], ...]:
    """Labelled states to start from: the article's sentence and its variations."""
    states = [(label, LabState(prompt, answer, against)) for label, prompt, answer, against in NAME_EXAMPLES]
    return tuple((label, state) for label, state in states if _is_usable(model, state))


def presets(model) -> dict[str, tuple[Head, ...]]:
    """Named choices of heads. Strongest: writes most towards IO and away from S, mean over 32 IOI prompts."""
    strongest = ioi.strongest_writers(model, ioi.prompts(model, REFERENCES, seed=SEED), 3)
    others = [
        Head(layer, head)
        for layer in range(model.cfg.n_layers)
        for head in range(model.cfg.n_heads)
        if Head(layer, head) not in strongest
    ]
    return {
        "nothing": (),
        "strongest writer": strongest[:1],
        "three strongest writers": strongest,
        "three random heads (control)": tuple(sorted(Random(SEED).sample(others, min(3, len(others))))),
    }


def _check(model, state: LabState) -> None:
    check_how(state.how)
    if not state.prompt.strip():
        raise ValueError(
            "The prompt is empty: write the beginning of a sentence, up to the word to be guessed."
        )
    for head in state.heads:
        check_place(head, models.describe(model))
    if _word(model, state.answer, "answer") == _word(model, state.against, "word to weigh it against"):
        raise ValueError(
            f"The answer and the word to weigh it against are both {state.answer.strip()!r}: choose two "
            "words."
        )


def _word(model, text: str, role: str) -> str:
    """The word as the model would say it next: with a leading space, if it is one token so."""
    if not text.strip():
        raise ValueError(f"The {role} is missing: write one word, such as Mary.")
    word = text.rstrip() if text[0].isspace() else f" {text.rstrip()}"
    single_token(model.tokenizer, word, f"The {role}")
    return word


def _prompts(model, state: LabState) -> Prompts:
    answers = {
        "io": _word(model, state.answer, "answer"),
        "s": _word(model, state.against, "word to weigh it against"),
    }
    sentence = ((None, state.prompt.rstrip()),)
    return Prompts.write(
        model.tokenizer, [sentence], answers=[answers], bos=state.bos, context=model.cfg.n_ctx
    )


def _edits(prompts: Prompts, state: LabState, outputs_of: OutputsOf) -> list[hooks.Edit]:
    heads = sorted(set(state.heads))
    if not heads or state.how == "zero":
        return [hooks.Zero(head) for head in heads]
    outputs = outputs_of(state.bos)
    if state.how == "mean":
        return [hooks.Put(head, outputs[head.layer][:, head.head].mean(dim=0)) for head in heads]
    width, words = prompts.tokens.shape[1], len(outputs[0])
    drawn = torch.randint(words, (width,), generator=torch.Generator().manual_seed(SEED))
    return [hooks.Put(head, outputs[head.layer][drawn, head.head][None]) for head in heads]


def _reference_outputs(model, bos: bool) -> dict[int, Float[Tensor, "word head d_head"]]:
    """Head outputs of every layer at every word of the ABC sentences, padding left out."""
    originals = ioi.prompts(model, REFERENCES, seed=SEED, bos=bos)
    sentences = ioi.reference(model, originals, seed=SEED).take(torch.arange(REFERENCES))
    sites = {layer: Site("z", layer) for layer in range(model.cfg.n_layers)}
    recorded = hooks.record(model, sentences, list(sites.values()))
    return {layer: recorded[site][sentences.real()] for layer, site in sites.items()}


def _likeliest(model, probability: Float[Tensor, "token"], when: str) -> Result:
    """Result[token]: the ten likeliest next tokens, likeliest first; equal strings told apart by their id."""
    values, ids = probability.topk(min(TOP, len(probability)))
    strings = models.token_strings(model, ids.tolist())
    labels = tuple(
        text if strings.count(text) == 1 else f"{text} #{token}"
        for text, token in zip(strings, ids.tolist(), strict=True)
    )
    about = {**models.about(model), "when": when}
    return Result(
        np.asarray(values), {"token": labels}, "probability of the next token", "probability", about
    )


def _pair(values) -> tuple[float, float]:
    before, after = (float(value) for value in values)
    return before, after


def _notes(state: LabState) -> tuple[str, ...]:
    notes = (
        ["A last space was left out: words begin with theirs."]
        if state.prompt != state.prompt.rstrip()
        else []
    )
    if state.heads:
        notes.append(NOTES[state.how].format(n=REFERENCES))
    return tuple(notes)


def _is_usable(model, state: LabState) -> bool:
    try:
        _check(model, state)
        _prompts(model, state)
    except ValueError:
        return False
    return True
