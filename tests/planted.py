"""A GPT-2 whose heads have known roles, because we wrote its weights: the answer sheet for the search.

Four layers of four heads; the feed-forward layers write nothing. The residual stream holds separate notes:
which name stands here, at which position, and what the heads have noted about it.

    L0H0 previous token     notes the name of the word before
    L0H1 duplicate token    notes which name was said before, where it is said again
    L1H0 induction          notes the same, found behind the first saying
    L2H0 S-inhibition       carries that note from the second saying to the last word
    L3H0 name mover         copies a name to the last word, the less, the more it is inhibited
    all other heads         write nothing
"""

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from interp.sites import Head

NAMES, POSITIONS, D_HEAD, HEADS, LAYERS = 24, 32, 64, 4, 4
WIDTH = D_HEAD * HEADS
ROLES = {
    "name mover": (Head(3, 0),), "S-inhibition": (Head(2, 0),), "induction": (Head(1, 0),),
    "duplicate token": (Head(0, 1),), "previous token": (Head(0, 0),),
}  # fmt: skip
BLOCKERS, RIVAL = ROLES["S-inhibition"], Head(3, 3)

# Where the notes stand in the residual stream
NAME, PREVIOUS, REPEATED, INHIBITED = (slice(start, start + NAMES) for start in (0, 24, 48, 72))
POSITION, LAST, ALWAYS = slice(96, 96 + POSITIONS), 128, 129
PLACE = slice(97, 97 + NAMES)  # positions after the first, which queries that find nothing look at


def planted(tokenizer, names, note=NAME, blockers=BLOCKERS, rival=0.0):
    """The model; `names` are its `NAMES` first names, each one token with its leading space.

    What is noted of the name said before, and then inhibited, is the `NAME` or its `PLACE`; the induction
    head can note names only and is silent in the other model. `blockers` are the S-inhibition heads, all
    alike; with a `rival` weight, `RIVAL` copies the repeated name.
    """
    config = GPT2Config(n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, n_positions=POSITIONS,
                        vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=0,
                        zeros_on_purpose=True)  # fmt: skip
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(1.0 if "ln_" in name and name.endswith("weight") else 0.0)
        _embed(model, tokenizer, names)
        one = torch.eye(POSITIONS)
        _head(model, Head(0, 0), [(POSITION, one[:, [*range(1, POSITIONS), 0]], POSITION, one, 3.0)],
              (NAME, PREVIOUS, 0.12))  # fmt: skip
        _head(model, Head(0, 1), [(NAME, None, NAME, None, 2.0), (POSITION, None, POSITION, None, -2.0)],
              (note, REPEATED, 0.12), sink=1.0)  # fmt: skip
        if note == NAME:
            _head(
                model, Head(1, 0), [(NAME, None, PREVIOUS, None, 3.0)], (PREVIOUS, REPEATED, 0.12), sink=1.0
            )
        for blocker in blockers:
            _head(model, blocker, [(slice(LAST, LAST + 1), None, REPEATED, torch.ones(NAMES, 1), 3.0)],
                  (REPEATED, INHIBITED, 0.12), sink=0.5)  # fmt: skip
        _head(model, Head(3, 0), [(slice(LAST, LAST + 1), None, NAME, torch.ones(NAMES, 1), 1.0),
                                  (INHIBITED, None, note, None, -0.12)], (NAME, NAME, 0.5))  # fmt: skip
        if rival:
            _head(model, RIVAL, [(slice(LAST, LAST + 1), None, REPEATED, torch.ones(NAMES, 1), 3.0)],
                  (NAME, NAME, rival), sink=0.5)  # fmt: skip
    return model


def _embed(model, tokenizer, names):
    words, positions = model.transformer.wte.weight, model.transformer.wpe.weight
    for number, name in enumerate(names):
        words[tokenizer.encode(f" {name}")[0], number] = 1.0
    words[tokenizer.encode(" to")[0], LAST] = 1.0
    positions[:, POSITION], positions[:, ALWAYS] = torch.eye(POSITIONS), 1.0


def _head(model, head, matches, moves, sink=0.0):
    """`matches`: (query notes, their mixing, key notes, their mixing, weight); `moves`: (from, to, weight).

    With a `sink`, a query that finds nothing looks at the first word, where no name stands.
    """
    attention = model.transformer.h[head.layer].attn
    query, key, value = (attention.c_attn.weight[:, part * WIDTH : (part + 1) * WIDTH] for part in range(3))
    start = head.head * D_HEAD
    at = start
    for asks, mix, answers, other_mix, weight in matches:
        asked = torch.eye(asks.stop - asks.start) if mix is None else mix
        answered = torch.eye(answers.stop - answers.start) if other_mix is None else other_mix
        query[asks, at : at + asked.shape[1]] = weight * asked
        key[answers, at : at + answered.shape[1]] = answered
        at += asked.shape[1]
    query[ALWAYS, at], key[POSITION.start, at] = sink, 1.0
    source, target, weight = moves
    value[source, start : start + NAMES] = torch.eye(NAMES)
    attention.c_proj.weight[start : start + NAMES, target] = weight * torch.eye(NAMES)
