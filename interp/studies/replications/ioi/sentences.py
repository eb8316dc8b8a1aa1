"""The prompts of the published experiments: spots S1, S1+1, IO, S2 and end, answers io and s."""

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import torch

from interp import models
from interp.models import Bridge
from interp.prompts import Prompts
from interp.studies.names import ioi
from interp.words.ioi import TEMPLATES
from interp.words.replications import ARENA, ARENA_NAMES, EIGHT, PAIR

SLOT = re.compile(r" \{[AB]\}")
DRAWN_TEMPLATES = range(7)  # the authors' default uses the first seven, each in both orders
Told = tuple[str, str, str, str]  # frame, order, IO, S


def eight(model: Bridge) -> Prompts:
    """The eight prompts of TransformerLens' demo, `<|endoftext|>` in front."""
    return _written(model, EIGHT, bos=True)


def eight_corrupted(model: Bridge) -> Prompts:
    """Each of the eight exchanged for its twin, in which the other one gives; the answers stay."""
    return _with_tokens_of(eight(model), (1, 0, 3, 2, 5, 4, 7, 6))


def pair(model: Bridge) -> tuple[Prompts, Prompts]:
    """The clean and the corrupted prompt of TransformerLens' Main Demo; the answers are the clean one's."""
    both = _written(model, PAIR, bos=True)
    return both.take([0]), _with_tokens_of(both, (1, 0)).take([0])


def arena(model: Bridge) -> Prompts:
    """ARENA's 25 prompts, without `<|endoftext|>`, right padded, with ARENA's own template numbers."""
    return _arena(model, [(_order(order, io, s)) for _, _, order, _, _, io, s, _ in ARENA])


def arena_reference(model: Bridge) -> Prompts:
    """Their ABC twins, with three other names each; answers and spots are those of the originals.

    One twin says the same name twice, as it does in the exercise.
    """
    twins = _arena(model, [names for *_, names in ARENA])
    original = arena(model)
    return replace(twins, answers=original.answers, spots=original.spots)


def drawn(model: Bridge, n: int, seed: int) -> Prompts:
    """`n` prompts from the authors' frames with ARENA's names, without `<|endoftext|>`: a draw of our own."""
    chooser = Random(seed)
    pairs = [(io, s) for io, s in (chooser.sample(ARENA_NAMES, 2) for _ in range(n))]
    return ioi.prompts(model, n, seed=seed, templates=DRAWN_TEMPLATES, pairs=pairs)


def plain(model: Bridge, text: str, bos: bool) -> Prompts:
    """A text on its own, whose only spot is its end."""
    return Prompts.write(model.tokenizer, [[(None, text)]], bos=bos)


def token(model: Bridge, text: str) -> int:
    """The id of a text that is one token."""
    (only,) = models.encode(model, text)
    return only


def _order(order: str, io: str, s: str) -> tuple[str, str, str]:
    return (io, s, s) if order == "ABBA" else (s, io, s)


def _arena(model: Bridge, names: Sequence[tuple[str, str, str]]) -> Prompts:
    frames = [
        TEMPLATES[t].format(A="{A}", B="{B}", place=place, object=thing)
        for _, t, _, place, thing, *_ in ARENA
    ]
    sentences = [
        _pieces(frame, order, three)
        for frame, (_, _, order, *_), three in zip(frames, ARENA, names, strict=True)
    ]
    answers = [{"io": f" {io}", "s": f" {s}"} for *_, io, s, _ in ARENA]
    return _spotted(model, sentences, answers, [row[0] for row in ARENA], bos=False)


def _written(model: Bridge, told: Sequence[Told], *, bos: bool) -> Prompts:
    sentences = [_pieces(frame, order, _order(order, io, s)) for frame, order, io, s in told]
    answers = [{"io": f" {io}", "s": f" {s}"} for _, _, io, s in told]
    return _spotted(model, sentences, answers, [0] * len(told), bos=bos)


def _pieces(frame: str, order: str, names: tuple[str, str, str]) -> list[tuple[str | None, str]]:
    """The frame filled in order of its slots and cut after the last word before the answer."""
    between = SLOT.split(frame)[:4]
    roles = ("IO", "S1", "S2") if order == "ABBA" else ("S1", "IO", "S2")
    pieces: list[tuple[str | None, str]] = [(None, between[0])]
    for role, name, after in zip(roles, names, between[1:], strict=True):
        pieces += [(role, f" {name}"), (None, after)]
    return pieces


def _spotted(model: Bridge, sentences, answers, template, *, bos: bool) -> Prompts:
    prompts = Prompts.write(model.tokenizer, sentences, answers=answers, template=template, bos=bos)
    return replace(prompts, spots={**prompts.spots, "S1+1": prompts.spots["S1"] + 1})


def _with_tokens_of(prompts: Prompts, partners: Sequence[int]) -> Prompts:
    """Every prompt with its partner's words; spots that stand elsewhere there keep their own position."""
    other = prompts.take(partners)
    if not torch.equal(other.length, prompts.length):
        raise ValueError("The partners differ in length: give twins of equal length.")
    return replace(prompts, tokens=other.tokens, texts=other.texts)
