"""One prompt, some heads switched off, what changes.

A prompt of one's own has no template, so the baselines are taken without regard to position: `mean` puts each
head's mean output over all words of `REFERENCES` ABC sentences everywhere; `resample` puts, at every
word, the head's output at a word drawn from those sentences (one draw for all heads); `zero` puts
nothing; `twin` puts what the head does in the reader's second sentence, token by token.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.methods.ablation import check_how
from interp.methods.attribution import head_attribution
from interp.methods.engine.toggles import Toggles
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.screens.lab import LabState, Toggled
from interp.screens.refusals import beneath
from interp.sites import Head, Site, check_place
from interp.studies.names import ioi
from interp.studies.own_words.own_sentences import (
    likeliest,
    likeliest_beside,
    written,
    written_twin,
)
from interp.words.article import NAME_EXAMPLES

OutputsOf = Callable[[bool], dict[int, Tensor]]  # layer -> Float[Tensor, "word head d_head"]
SentenceOf = Callable[[str, str, str, bool], "Sentence"]  # of prompt, answer, against, bos
REFERENCES = 32
SEED = 0
TWIN = "twin"


class Sentence:
    """One sentence on the bench: what the model says with every head on, and heads that can be toggled."""

    def __init__(self, model: Bridge, prompt: str, answer: str, against: str, bos: bool):
        self.prompts = written(model, prompt, answer, against, bos=bos)
        self.toggles = Toggles(model, self.prompts)
        self._put: dict[Head, Tensor | None] = {}
        self.before = self.toggles.logits()[0].double().cpu()
        self.head_effects = head_attribution(model, self.prompts).mean("prompt")

    def logits(self, edits: Mapping[Head, hooks.Edit]) -> Float[Tensor, "token"]:
        """The logits at the last word under these edits; only what lies behind a change is computed again."""
        if not edits:
            return self.before
        wanted = {head: edit.value if isinstance(edit, hooks.Put) else None for head, edit in edits.items()}
        for head, value in list(self._put.items()):
            if head not in wanted or not _same(value, wanted[head]):
                self.toggles.remove(head)
                del self._put[head]
        for head in wanted.keys() - self._put.keys():
            self.toggles.put(head, wanted[head])
            self._put[head] = wanted[head]
        return self.toggles.logits()[0].double().cpu()


@dataclass(frozen=True, eq=False)
class Change(Toggled):
    """What the state's heads change, with the `chances` of all next tokens while every head is on."""

    chances: Float[Tensor, "token"]


def changed(
    model: Bridge,
    state: LabState,
    *,
    outputs_of: OutputsOf | None = None,
    sentence_of: SentenceOf | None = None,
) -> Change:
    """What changes without the state's heads. The same state gives the same numbers, to rounding.

    `outputs_of(bos)` gives what the heads do in the reference sentences, by layer; by default they are run.
    `sentence_of` gives the `Sentence` of a prompt, for a bench that keeps it. Raises ValueError with one
    sentence for an empty or too long prompt, a missing answer or one of several tokens, twice the same
    word, an unknown head, an unknown way of switching off, or a second sentence that cannot stand in for
    the first where the heads are to put out what they do there.
    """
    sentence = _sentence(model, state, sentence_of)
    prompts, before = sentence.prompts, sentence.before
    edits = _edits(model, prompts, state, outputs_of or partial(reference_outputs, model))
    after = sentence.logits(edits)
    words = tuple(int(prompts.answers[name][0]) for name in ("io", "s"))
    probabilities = before.softmax(dim=-1), after.softmax(dim=-1)
    return Change(
        tokens=tuple(models.token_strings(model, prompts.tokens[0].tolist())),
        baseline=likeliest(model, probabilities[0], "before"),
        ablated=_with_convention(likeliest(model, probabilities[1], "after"), state),
        logit_difference=_pair(logits[words[0]] - logits[words[1]] for logits in (before, after)),
        answer_probability=_pair(probability[words[0]] for probability in probabilities),
        against_probability=_pair(probability[words[1]] for probability in probabilities),
        head_effects=sentence.head_effects,
        chances=probabilities[0],
    )


def guesses(model: Bridge, state: LabState, *, most: int = 6) -> Result:
    """The `most` likeliest next tokens of both runs together: Result[token, run], run "baseline" and "without
    L5H2". Raises ValueError as `changed` does.
    """
    sentence = _sentence(model, state, None)
    edits = _edits(model, sentence.prompts, state, partial(reference_outputs, model))
    without = f"without {' and '.join(map(str, state.heads)) or 'nothing'}"
    runs = {"baseline": sentence.before, without: sentence.logits(edits)}
    beside = likeliest_beside(model, {run: logits.softmax(dim=-1) for run, logits in runs.items()}, most)
    return _with_convention(beside, state)


def leads(
    model: Bridge,
    state: LabState,
    sets: Sequence[Sequence[Head]],
    *,
    outputs_of: OutputsOf | None = None,
    sentence_of: SentenceOf | None = None,
) -> Iterator[float]:
    """The logit difference of this sentence without each of these sets of heads, one after another, in nats.

    The heads of the state do not count; its way of switching off does. Raises ValueError as `changed` does.
    """
    sentence = _sentence(model, state, sentence_of)
    prompts = sentence.prompts
    everything = replace(state, heads=tuple(head for heads in sets for head in heads))
    edits = _edits(model, prompts, everything, outputs_of or partial(reference_outputs, model))
    answer, against = (int(prompts.answers[name][0]) for name in ("io", "s"))
    for heads in sets:
        logits = sentence.logits({head: edits[head] for head in sorted(set(heads))})
        yield float(logits[answer] - logits[against])


def examples(model: Bridge) -> tuple[tuple[str, LabState], ...]:
    """Labelled states to start from: the article's sentence and its variations."""
    states = [(label, LabState(prompt, answer, against)) for label, prompt, answer, against in NAME_EXAMPLES]
    return tuple((label, state) for label, state in states if _is_usable(model, state))


def check_state(model: Bridge, state: LabState) -> None:
    """Nothing, if the state's heads and its way of switching off exist; else ValueError."""
    if state.how != TWIN:
        with beneath("how"):
            check_how(state.how)
    with beneath("heads"):
        for head in state.heads:
            check_place(head, models.describe(model))


def reference_outputs(model: Bridge, bos: bool) -> dict[int, Float[Tensor, "word head d_head"]]:
    """Head outputs of every layer at every word of the ABC sentences, padding left out."""
    originals = ioi.prompts(model, REFERENCES, seed=SEED, bos=bos)
    sentences = ioi.reference(model, originals, seed=SEED).take(torch.arange(REFERENCES))
    sites = {layer: Site("z", layer) for layer in range(sizes(model).n_layers)}
    recorded = hooks.record(model, sentences, list(sites.values()))
    return {
        layer: recorded[site][sentences.real().to(recorded[site].device)] for layer, site in sites.items()
    }


def _sentence(model: Bridge, state: LabState, sentence_of: SentenceOf | None) -> Sentence:
    check_state(model, state)
    asked = state.prompt, state.answer, state.against, state.bos
    return sentence_of(*asked) if sentence_of else Sentence(model, *asked)


def _edits(model: Bridge, prompts: Prompts, state: LabState, outputs_of: OutputsOf) -> dict[Head, hooks.Edit]:
    heads = sorted(set(state.heads))
    if state.how == TWIN:
        twin = written_twin(model, prompts, state.twin, state.answer, state.against)
        recorded = hooks.record(model, twin, heads)
        return {head: hooks.Put(head, recorded[head]) for head in heads}
    if not heads or state.how == "zero":
        return {head: hooks.Zero(head) for head in heads}
    outputs = outputs_of(state.bos)
    if state.how == "mean":
        return {head: hooks.Put(head, outputs[head.layer][:, head.head].mean(dim=0)) for head in heads}
    width, words = prompts.tokens.shape[1], len(outputs[0])
    drawn = torch.randint(words, (width,), generator=torch.Generator().manual_seed(SEED))
    return {head: hooks.Put(head, outputs[head.layer][drawn, head.head][None]) for head in heads}


def _with_convention(ablated: Result, state: LabState) -> Result:
    return replace(ablated, about={**ablated.about, "baseline": state.how}) if state.heads else ablated


def _same(value: Tensor | None, other: Tensor | None) -> bool:
    if value is None or other is None:
        return value is other
    return torch.equal(value, other)


def _pair(values) -> tuple[float, float]:
    before, after = (float(value) for value in values)
    return before, after


def _is_usable(model: Bridge, state: LabState) -> bool:
    try:
        check_state(model, state)
        written(model, state.prompt, state.answer, state.against, bos=state.bos)
    except ValueError:
        return False
    return True
