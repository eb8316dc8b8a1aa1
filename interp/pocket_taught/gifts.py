"""Lessons about gifts: sentences in groups of one frame, and which parts to take from another sentence.

The rows of a group share every word but the names, the place and the thing, so that a word means the same
place in all of them. What `words.world` holds out of pocket's training is held out here too: pairs of names,
four names, two templates.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from interp.pocket_taught.key import ACTS_AT, HEADS
from interp.sites import Head
from interp.words import world
from interp.words.ioi import OBJECTS, PLACES, TEMPLATES

TAUGHT_TEMPLATES = tuple(at for at in range(len(TEMPLATES)) if at not in world.HELD_OUT_TEMPLATES)
NOT_REPEATED = 2
ABC_SHARE = 0.25  # of the rows: a third name gives, and neither of the two is the answer
MIRROR_SHARE = 0.4  # of the sources: the same names, but the other one gives
# P(the first name), P(the second) after a sentence that repeats the first, the second, or neither
ANSWER = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
# What is taken from the source, and how often. A role: some of its heads, where they act. Otherwise every
# head but the nine: at the two words where those act, at all words, or at all words their group's mean.
KINDS = {
    "duplicate token": 0.20, "S-inhibition": 0.20, "name mover": 0.20,
    "others at S2 and end": 0.10, "others": 0.20, "others, mean": 0.10,
}  # fmt: skip
_SLOT = re.compile(r" \{(\w+)\}")


@dataclass(frozen=True)
class Batch:
    """Rows of gift sentences, up to the last "to"; positions of their names, and which name is repeated."""

    ids: Int[Tensor, "row position"]
    names: Int[Tensor, "row 2"]  # the first and the second name
    repeated: Int[Tensor, "row"]  # 0: the first gives, 1: the second, 2: neither
    spots: dict[str, Int[Tensor, "row"]]  # first, second, S2, end
    per_group: int

    def s1(self) -> Int[Tensor, "row"]:
        """Where the repeated name stands first; where none is repeated, the second name."""
        return torch.where(self.repeated == 0, self.spots["first"], self.spots["second"])


@dataclass(frozen=True)
class Exchange:
    """What is taken from which row, and what should be answered then."""

    source: Int[Tensor, "row"]
    taken: Bool[Tensor, "row layer position head"]
    mean: Bool[Tensor, "row"]  # the mean of the group instead of the source
    wanted: Float[Tensor, "row 4"]  # probability of the row's two names, then of the source's
    kinds: tuple[str, ...]


class Writer:
    """Writes gift sentences as token ids. `held_out` takes the pairs of names that are never taught."""

    def __init__(self, encode: PreTrainedTokenizerFast, *, held_out: bool = False):
        self.encode = encode
        self.pairs = [
            (one, other)
            for one in world.GIFT_NAMES
            for other in world.GIFT_NAMES
            if one != other and world.held_out_pair(one, other) == held_out
        ]

    def batch(self, chooser: Random, groups: int, per_group: int) -> Batch:
        """`groups` frames, each filled in `per_group` times; rows 2k and 2k + 1 are mirrors of each other."""
        rows = []
        for _ in range(groups):
            pieces = self._frame(chooser)
            for _ in range(per_group // 2):
                rows += [self._filled(pieces, words) for words in self._mirrors(chooser)]
        width = max(len(row["ids"]) for row in rows)
        ids = torch.tensor([row["ids"] + [0] * (width - len(row["ids"])) for row in rows])
        spots = {spot: torch.tensor([row[spot] for row in rows]) for spot in ("first", "second", "S2", "end")}
        at = torch.arange(len(rows))
        names = torch.stack([ids[at, spots["first"]], ids[at, spots["second"]]], dim=1)
        giver = ids[at, spots["S2"]]
        repeated = torch.full((len(rows),), NOT_REPEATED)
        for name in (0, 1):
            repeated[giver == names[:, name]] = name
        return Batch(ids, names, repeated, spots, per_group)

    def _frame(self, chooser: Random) -> list[str | int]:
        """A sentence as token ids with the names of its slots between them."""
        text = TEMPLATES[chooser.choice(TAUGHT_TEMPLATES)].removesuffix(" {A}")
        for slot in ("{first}", "{second}", "{S2}"):
            text = re.sub(r"\{[AB]\}", slot, text, count=1)
        said = [world.mention(chooser, f"{{said{at}}}") for at in range(chooser.choice((0, 0, 0, 1, 2, 2)))]
        said.sort(key=lambda sentence: sentence.startswith("{"))  # a text never begins with a slot
        text = " ".join([*(s for s in said if not said[0].startswith("{")), text])
        parts = _SLOT.split(text)
        ids = self.encode(parts[::2], add_special_tokens=False)["input_ids"]
        start: list = [self.encode.bos_token_id] if chooser.random() < 0.5 else []
        for own, slot in zip(ids, [*parts[1::2], None], strict=True):
            start += own if slot is None else [*own, slot]
        return start

    def _mirrors(self, chooser: Random) -> list[dict[str, str]]:
        """The words of two rows: the same, but the other name gives; in some rows a third person gives."""
        first, second = chooser.choice(self.pairs)
        others = [name for name in world.GIFT_NAMES if name not in (first, second)]
        words = {
            "first": first,
            "second": second,
            "place": chooser.choice(PLACES),
            "object": chooser.choice(OBJECTS),
        }
        about = chooser.choice((first, second, chooser.choice(others)))
        words |= {"said0": about, "said1": chooser.choice((about, about, first, second))}
        rows = [{**words, "S2": giver} for giver in chooser.sample((first, second), 2)]
        return [
            {**row, "S2": chooser.choice(others)} if chooser.random() < ABC_SHARE else row for row in rows
        ]

    def _filled(self, pieces: Sequence[str | int], words: dict[str, str]) -> dict:
        ids = [self._one(words[piece]) if isinstance(piece, str) else piece for piece in pieces]
        spots = {spot: pieces.index(spot) for spot in ("first", "second", "S2")}
        return {"ids": ids, "end": len(ids) - 1, **spots}

    def _one(self, word: str) -> int:
        (token,) = self.encode(f" {word}", add_special_tokens=False)["input_ids"]
        return token


def exchange(
    batch: Batch, chooser: Random, layers: int, heads: int, kinds: Sequence[str] | None = None
) -> Exchange:
    """For every row, what to take from which other row of its group; `kinds` are drawn unless given.

    Where m of a role's n heads come from the source, m/n of the answer should be the source's: in the place
    of the names for the heads that find the place, in the names themselves for those that copy them. So
    every head of a role counts alike. Where all other heads come from elsewhere, nothing should change.
    """
    n = len(batch.ids)
    kinds = tuple(kinds or chooser.choices(list(KINDS), list(KINDS.values()), k=n))
    source = torch.tensor([_source(row, batch.per_group, chooser) for row in range(n)])
    taken = torch.zeros(n, layers, batch.ids.shape[1], heads, dtype=torch.bool)
    wanted = torch.zeros(n, 4)
    for row, kind in enumerate(kinds):
        own, other = ANSWER[batch.repeated[row]], ANSWER[batch.repeated[source[row]]]
        share = 0.0
        if kind in HEADS:
            drawn = _some(HEADS[kind], chooser)
            share = len(drawn) / len(HEADS[kind])
            for head in drawn:
                taken[row, head.layer, batch.spots[ACTS_AT[kind]][row], head.head] = True
        else:
            taken[row] = _others(batch, row, layers, heads, everywhere=kind != "others at S2 and end")
        at = slice(2, 4) if kind == "name mover" else slice(0, 2)
        wanted[row, :2] = (1 - share) * own
        wanted[row, at] += share * other
    return Exchange(source, taken, torch.tensor([kind == "others, mean" for kind in kinds]), wanted, kinds)


def _source(row: int, per_group: int, chooser: Random) -> int:
    if chooser.random() < MIRROR_SHARE:
        return row ^ 1
    first = row - row % per_group
    return first + (row - first + chooser.randrange(1, per_group)) % per_group


def _some(heads: Sequence[Head], chooser: Random) -> list[Head]:
    """All of them half of the time, else one or more of them."""
    count = len(heads) if chooser.random() < 0.5 else chooser.randrange(1, len(heads) + 1)
    return chooser.sample(list(heads), count)


def _others(
    batch: Batch, row: int, layers: int, heads: int, *, everywhere: bool
) -> Bool[Tensor, "layer position head"]:
    """Every head but the nine, each of those left alone only at the word where it acts."""
    taken = torch.full((layers, batch.ids.shape[1], heads), everywhere)
    taken[:, [int(batch.spots[spot][row]) for spot in ("S2", "end")]] = True
    for role, own in HEADS.items():
        for head in own:
            taken[head.layer, batch.spots[ACTS_AT[role]][row], head.head] = False
    return taken


def should_look(batch: Batch) -> dict[Head, tuple[str, Float[Tensor, "row position"]]]:
    """Where each of the nine should look, from the word where it acts: head -> that word, shares by position.

    Duplicate-token heads at the first of the two equal names, S-inhibition heads at the second, name movers
    at the names by the share of the answer that each has. All zero where there is nothing to look at.
    """
    rows, shape = torch.arange(len(batch.ids)), batch.ids.shape
    at_s1, at_s2, at_names = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
    at_s1[rows, batch.s1()] = (batch.repeated != NOT_REPEATED).float()
    at_s2[rows, batch.spots["S2"]] = 1.0
    for name, spot in enumerate(("first", "second")):
        at_names[rows, batch.spots[spot]] = ANSWER[batch.repeated, name]
    target = {"duplicate token": at_s1, "S-inhibition": at_s2, "name mover": at_names}
    return {head: (ACTS_AT[role], target[role]) for role, own in HEADS.items() for head in own}
