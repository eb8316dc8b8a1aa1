"""What every head of one sentence looks at, what it compares, and what moves. Pure; the Attention Viewer
draws it.

A head's pattern says from where it takes; what it takes is the value. So three numbers stand for each pair
of a query word and a key word: the score (q·k / √d_head, before the softmax), the weight (after it), and
what moves, the length of weight × value × W_O (Kobayashi et al. 2020, arXiv:2004.10102). What moved is read
straight through the unembedding, with the final layer norm's scale of the same run: a direct effect only.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.benches.untouched import answers
from interp.languages import say
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.screens.attention import Attention, AttentionBench, AttentionState
from interp.sites import Head, Site, check_place
from interp.studies.own_words import cautions
from interp.words.article import NAME_EXAMPLES

MOST_TOKENS = 64
PROMOTED = 6
MODES = ("weight", "score", "moved")


def bench(model: Bridge, *, sentences: Sequence[tuple[str, str]] | None = None) -> AttentionBench:
    """This model's bench. A sentence is run once, however many heads are looked at.

    `sentences` are the examples, (label, sentence); by default the article's. Each opens with the head that
    looks most strongly from the last word at one earlier word, the first word and itself left out. Raises
    ValueError if none of them can be read and, as all its answers do, while a hook is in force on the model.
    """
    card = models.describe(model)
    if sentences is None:
        sentences = [(label, prompt) for label, prompt, _, _ in NAME_EXAMPLES]
    remembered = answers(attention, model, keep=8)
    return AttentionBench(
        name=card.name,
        shape=(card.layers, card.heads),
        examples=tuple((label, _opened(remembered, prompt)) for label, prompt in sentences),
        attention=lambda state: remembered(_checked(model, state).prompt, state.bos),
        promoted=answers(promoted, model),
    )


def attention(model: Bridge, prompt: str, bos: bool = False) -> Attention:
    """All heads on this sentence: weight (a share), score and length of what moves (no unit).

    Raises ValueError, in one sentence, for an empty sentence or one of more than `MOST_TOKENS` tokens.
    """
    prompts = _written(model, prompt, bos)
    layers = range(sizes(model).n_layers)
    sites = [Site(kind, layer) for layer in layers for kind in ("scores", "pattern", "v")]
    recorded = hooks.record(model, prompts, sites)
    weight = torch.stack([recorded[Site("pattern", layer)][0] for layer in layers]).double()
    score = torch.stack([recorded[Site("scores", layer)][0] for layer in layers]).double()
    length = torch.stack(
        [_written_by(model, layer, recorded[Site("v", layer)][0]).norm(dim=-1) for layer in layers]
    )
    tokens = tuple(models.token_strings(model, prompts.tokens[0].tolist()))
    results = [
        _result(model, values, quantity, unit, bos)
        for values, quantity, unit in (
            (weight, "attention weight", "share"),
            (score, "score before the softmax", "q·k / √d_head"),
            (weight * length[:, :, None, :], "what moves", "length"),
        )
    ]
    return Attention(tokens, *results, cautions=cautions.never_seen(model, prompt.rstrip()))


def promoted(model: Bridge, state: AttentionState) -> Result:
    """The words that the locked pair pushes up most at the query word: Result[token], in nats of logit.

    Weight × value × W_O, centred, divided by the final layer norm's scale at the query, through the
    unembedding; each word against the mean of all words. Raises ValueError if no pair is locked or the key
    comes later.
    """
    checked = _checked(model, state)
    query, key, head = checked.query, checked.key, checked.head
    if query is None or key is None:
        raise ValueError(say("No pair of words is locked: click a cell of the large map."))
    prompts = _written(model, state.prompt, state.bos)
    v, pattern, scale = Site("v", head.layer), Site("pattern", head.layer), Site("ln_final_scale")
    recorded = hooks.record(model, prompts, [v, pattern, scale])
    written = _written_by(model, head.layer, recorded[v][0])[head.head, key]
    moved = written * recorded[pattern][0, head.head, query, key].double()
    logits = (moved - moved.mean()) / recorded[scale][0, query].double() @ model.W_U.detach().double()
    values, ids = (logits - logits.mean()).topk(min(PROMOTED, len(logits)))
    labels = tuple(models.token_strings(model, ids.tolist()))
    unlike = tuple(
        text if labels.count(text) == 1 else f"{text} #{token}"
        for text, token in zip(labels, ids.tolist(), strict=True)
    )
    about = {**models.about(model), "head": str(head), "bos": state.bos}
    return Result(
        values.cpu().numpy(), {"token": unlike}, say("direct effect on the next word"), "nats", about
    )


def _written_by(
    model: Bridge, layer: int, value: Float[Tensor, "position head d_head"]
) -> Float[Tensor, "head position d_model"]:
    """What each head would write from each word if it looked at nothing else."""
    return torch.einsum("phd,hdm->hpm", value.double(), model.W_O[layer].detach().double())


def _written(model: Bridge, prompt: str, bos: bool) -> Prompts:
    if not prompt.strip():
        raise ValueError(say("The sentence is empty: write at least one word."))
    written = Prompts.write(model.tokenizer, [((None, prompt.rstrip()),)], bos=bos)
    most, number = min(MOST_TOKENS, sizes(model).n_ctx), int(written.length[0])
    if number > most:
        raise ValueError(
            say(
                "The sentence has {number} tokens; the viewer shows at most {most}: make it shorter.",
                number=number,
                most=most,
            )
        )
    return written


def _checked(model: Bridge, state: AttentionState) -> AttentionState:
    """The state, if its head, its number and its pair are in this model and sentence; else ValueError."""
    check_place(state.head, models.describe(model))
    if state.show not in MODES:
        raise ValueError(f"show={state.show!r} is not shown: choose weight, score or moved.")
    number = int(_written(model, state.prompt, state.bos).length[0])
    for name, place in (("query", state.query), ("key", state.key)):
        if place is not None and not 0 <= place < number:
            raise ValueError(f"The {name} word {place} is not in this sentence of {number} tokens.")
    if state.query is not None and state.key is not None and state.key > state.query:
        raise ValueError("A word looks at itself and at earlier words only: choose a key before the query.")
    return state


def _result(model: Bridge, values: Tensor, quantity: str, unit: str, bos: bool) -> Result:
    width = values.shape[-1]
    later = torch.ones(width, width, dtype=torch.bool, device=values.device).triu(1)
    layers, heads, positions = (tuple(range(size)) for size in values.shape[:3])
    axes = {"layer": layers, "head": heads, "query": positions, "key": positions}
    shown = values.masked_fill(later, float("nan")).cpu().numpy()
    return Result(np.asarray(shown), axes, quantity, unit, {**models.about(model), "bos": bos})


def _opened(attention_of: Callable[[str, bool], Attention], prompt: str) -> AttentionState:
    """The state that an example opens with."""
    seen = attention_of(prompt, False)
    last = len(seen.tokens) - 1
    state = AttentionState(prompt, query=last)
    if last < 2:
        return state
    from_last = seen.weight.at(query=last).values[:, :, 1:last]
    layer, head, _ = np.unravel_index(int(np.argmax(from_last)), from_last.shape)
    return replace(state, head=Head(int(layer), int(head)))
