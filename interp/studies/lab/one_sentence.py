"""One prompt, some heads switched off, what changes. Pure; the widget draws it.

A prompt of one's own has no template, so the baselines are taken without regard to position: `mean` puts each
head's mean output over all words of `REFERENCES` ABC sentences everywhere; `resample` puts, at every
word, the head's output at a word drawn from those sentences (one draw for all heads); `zero` puts
nothing; `twin` puts what the head does in the reader's second sentence, token by token.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.methods.ablation import check_how
from interp.methods.attribution import head_attribution
from interp.methods.readout import logits_at_end, measure, streams
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site, check_place
from interp.studies import ioi
from interp.studies.own_sentences import likeliest, written, written_twin
from interp.words.article import NAME_EXAMPLES

OutputsOf = Callable[[bool], dict[int, Tensor]]  # layer -> Float[Tensor, "word head d_head"]
REFERENCES = 32
SEED = 0
TWIN = "twin"
NOTES = {
    "mean": "Each head switched off puts out its mean over all words of {n} sentences with three "
    "different names.",
    "zero": "Each head switched off writes nothing.",
    "resample": "Each head switched off puts out what it does at words drawn from {n} other sentences.",
    TWIN: "Each head switched off puts out what it does in your second sentence, token by token.",
}


@dataclass(frozen=True)
class LabState:
    """What the laboratory is asked: a prompt, two words to weigh, heads to switch off, and how.

    `twin` is the reader's second sentence, empty when there is none.
    """

    prompt: str
    answer: str
    against: str
    heads: tuple[Head, ...] = ()
    how: str = "mean"
    bos: bool = False
    twin: str = ""

    def to_json(self) -> str:
        """The state as one line of JSON; heads by name, such as "L9H6"."""
        return json.dumps({**asdict(self), "heads": [str(head) for head in self.heads]}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "LabState":
        """The state that `to_json` wrote. Raises ValueError for anything else."""
        try:
            fields = json.loads(text)
            heads = tuple(Head.parse(name) for name in fields.pop("heads"))
            texts = [fields[name] for name in ("prompt", "answer", "against")]
            if not all(isinstance(value, str) for value in (*texts, fields.get("twin", ""))):
                raise TypeError("a sentence or a word is no text")
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


def compute(model, state: LabState, *, outputs_of: OutputsOf | None = None) -> LabAnswer:
    """The answer to this state. The same state gives the same answer.

    `outputs_of(bos)` gives what the heads do in the reference sentences, by layer; by default they are run.
    Raises ValueError with one sentence for an empty or too long prompt, a missing answer or one of
    several tokens, twice the same word, an unknown head, an unknown way of switching off, or a second
    sentence that cannot stand in for the first where the heads are to put out what they do there.
    """
    prompts = prompt_of(model, state)
    before = logits_at_end(model, prompts)[0].double().cpu()
    edits = _edits(model, prompts, state, outputs_of or partial(reference_outputs, model))
    after = logits_at_end(model, prompts, *edits)[0].double().cpu()
    words = tuple(int(prompts.answers[name][0]) for name in ("io", "s"))
    probabilities = before.softmax(dim=-1), after.softmax(dim=-1)
    return LabAnswer(
        tokens=tuple(models.token_strings(model, prompts.tokens[0].tolist())),
        baseline=likeliest(model, probabilities[0], "before"),
        ablated=likeliest(model, probabilities[1], "after"),
        logit_difference=_pair(logits[words[0]] - logits[words[1]] for logits in (before, after)),
        answer_probability=_pair(probability[words[0]] for probability in probabilities),
        against_probability=_pair(probability[words[1]] for probability in probabilities),
        head_effects=head_attribution(model, prompts).mean("prompt"),
        notes=_notes(state),
    )


def leads(
    model, state: LabState, sets: Sequence[Sequence[Head]], *, outputs_of: OutputsOf | None = None
) -> Iterator[float]:
    """The logit difference of this sentence without each of these sets of heads, one after another, in nats.

    The heads of the state do not count; its way of switching off does. Every run starts at the first layer
    that changes.
    """
    prompts = prompt_of(model, state)
    metric = ioi.logit_difference(prompts)
    entering = streams(model, prompts, range(model.cfg.n_layers))
    everything = replace(state, heads=tuple(head for heads in sets for head in heads))
    edits = _edits(model, prompts, everything, outputs_of or partial(reference_outputs, model))
    edit_of = {edit.place: edit for edit in edits}
    for heads in sets:
        first = min((head.layer for head in heads), default=0)
        chosen = [edit_of[head] for head in sorted(set(heads))]
        yield float(measure(model, prompts, metric, entering[first], first, *chosen)[0])


def examples(model) -> tuple[tuple[str, LabState], ...]:
    """Labelled states to start from: the article's sentence and its variations."""
    states = [(label, LabState(prompt, answer, against)) for label, prompt, answer, against in NAME_EXAMPLES]
    return tuple((label, state) for label, state in states if _is_usable(model, state))


def prompt_of(model, state: LabState) -> Prompts:
    """The state's sentence, written. Raises ValueError as `compute` does."""
    if state.how != TWIN:
        check_how(state.how)
    for head in state.heads:
        check_place(head, models.describe(model))
    return written(model, state.prompt, state.answer, state.against, bos=state.bos)


def reference_outputs(model, bos: bool) -> dict[int, Float[Tensor, "word head d_head"]]:
    """Head outputs of every layer at every word of the ABC sentences, padding left out."""
    originals = ioi.prompts(model, REFERENCES, seed=SEED, bos=bos)
    sentences = ioi.reference(model, originals, seed=SEED).take(torch.arange(REFERENCES))
    sites = {layer: Site("z", layer) for layer in range(model.cfg.n_layers)}
    recorded = hooks.record(model, sentences, list(sites.values()))
    return {
        layer: recorded[site][sentences.real().to(recorded[site].device)] for layer, site in sites.items()
    }


def _edits(model, prompts: Prompts, state: LabState, outputs_of: OutputsOf) -> list[hooks.Edit]:
    heads = sorted(set(state.heads))
    if state.how == TWIN:
        return _twin_edits(model, prompts, state, heads)
    if not heads or state.how == "zero":
        return [hooks.Zero(head) for head in heads]
    outputs = outputs_of(state.bos)
    if state.how == "mean":
        return [hooks.Put(head, outputs[head.layer][:, head.head].mean(dim=0)) for head in heads]
    width, words = prompts.tokens.shape[1], len(outputs[0])
    drawn = torch.randint(words, (width,), generator=torch.Generator().manual_seed(SEED))
    return [hooks.Put(head, outputs[head.layer][drawn, head.head][None]) for head in heads]


def _twin_edits(model, prompts: Prompts, state: LabState, heads: Sequence[Head]) -> list[hooks.Edit]:
    twin = written_twin(model, prompts, state.twin, state.answer, state.against)
    recorded = hooks.record(model, twin, heads)
    return [hooks.Put(head, recorded[head]) for head in heads]


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
        prompt_of(model, state)
    except ValueError:
        return False
    return True
