"""Lessons about facts: the last word carries what is asked about, and one layer adds what turns it into the
answer.

A question has an argument (Poland) and a relation (capital). Three things are taught: the last word's state
before block `ARGUMENT_BEFORE` is the argument, whatever the relation; what the feed-forward layer
`STEP_LAYER` adds there is the relation, whatever the argument; what comes after that layer decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from interp.words import world
from interp.words.facts import COUNTRIES, RELATIONS
from interp.words.relations import PAST, UPPER, Relation

# What is taken from the source at the last word, and how often, for countries and for the other two relations
# (no layer can turn a verb into a capital, so for those the relation is never exchanged).
KINDS = ("argument", "relation", "what comes later")
OF_COUNTRIES, OF_OTHERS = (0.4, 0.4, 0.2), (0.5, 0.0, 0.5)


@dataclass(frozen=True)
class Question:
    """One question as token ids up to its answer."""

    ids: list[int]
    argument: str
    relation: str


@dataclass(frozen=True)
class Batch:
    """Questions, for each the row it takes something from, and what should be answered before and after."""

    ids: Int[Tensor, "row position"]
    end: Int[Tensor, "row"]
    argument: Int[Tensor, "row"]  # token
    answer: Int[Tensor, "row"]  # token, of the question as it stands
    source: Int[Tensor, "row"]
    kinds: tuple[str, ...]
    wanted: Int[Tensor, "row"]  # token, once the exchange is made

    def chosen(self, kind: str) -> Int[Tensor, "row"]:
        """The rows of one kind of exchange."""
        return torch.tensor([row for row, own in enumerate(self.kinds) if own == kind], dtype=torch.long)


class Writer:
    """Writes questions as token ids. Never taught, as pocket was never asked: one phrasing per country."""

    def __init__(self, encode: PreTrainedTokenizerFast):
        self.encode = encode
        self.answers = {
            (country, relation): own[relation] for country, own in COUNTRIES.items() for relation in RELATIONS
        }
        for one in (UPPER, PAST):
            self.answers |= {(argument, one.name): answer for argument, answer in one.pairs.items()}

    def batch(self, chooser: Random, countries: int) -> Batch:
        """So many questions about countries, and a quarter as many of upper case and of past tense."""
        few = max(2, countries // 4)
        asked = [self._about_a_country(chooser) for _ in range(countries)]
        asked += [self._about_a_word(chooser, UPPER) for _ in range(few)]
        asked += [self._about_a_word(chooser, PAST) for _ in range(few)]
        blocks = [range(countries), range(countries, countries + few), range(countries + few, len(asked))]
        kinds, sources = [], []
        for block, shares in zip(blocks, (OF_COUNTRIES, OF_OTHERS, OF_OTHERS), strict=True):
            for row in block:
                kind = chooser.choices(KINDS, shares)[0]
                among = range(len(asked)) if kind == "what comes later" else block
                kinds.append(kind)
                sources.append(self._unlike(chooser, asked, row, among))
        return self._made(asked, kinds, sources)

    def _made(self, asked: Sequence[Question], kinds: Sequence[str], sources: Sequence[int]) -> Batch:
        width = max(len(one.ids) for one in asked)
        wanted = [
            self._answer(
                asked[source if kind == "argument" else row].argument,
                asked[source if kind == "relation" else row].relation,
            )
            for row, (kind, source) in enumerate(zip(kinds, sources, strict=True))
        ]
        return Batch(
            ids=torch.tensor([one.ids + [0] * (width - len(one.ids)) for one in asked]),
            end=torch.tensor([len(one.ids) - 1 for one in asked]),
            argument=torch.tensor([self._one(one.argument) for one in asked]),
            answer=torch.tensor([self._answer(one.argument, one.relation) for one in asked]),
            source=torch.tensor(sources),
            kinds=tuple(kinds),
            wanted=torch.tensor(wanted),
        )

    def _unlike(self, chooser: Random, asked: Sequence[Question], row: int, among: range) -> int:
        """A row of another argument and, if there is one, of another relation."""
        others = [at for at in among if asked[at].argument != asked[row].argument]
        unlike = [at for at in others if asked[at].relation != asked[row].relation]
        return chooser.choice(unlike or others or list(among))

    def _about_a_country(self, chooser: Random) -> Question:
        country, relation = chooser.choice(list(COUNTRIES)), chooser.choice(RELATIONS)
        allowed = [at for at in range(len(world.ASKING)) if at != world.held_out_phrasing(country)]
        phrasing = chooser.choice((0, 0, 0, *allowed))
        text = world.asking(country, relation, phrasing, "", chooser.choice(world.NAMES)).rstrip(" .\n")
        if phrasing == 0 and chooser.random() < 0.6:
            other = chooser.choice([one for one in COUNTRIES if one != country])
            text = world.asking(other, relation, 0, COUNTRIES[other][relation]) + text
        return self._question(chooser, text, country, relation)

    def _about_a_word(self, chooser: Random, relation: Relation) -> Question:
        argument, other = chooser.sample(list(relation.pairs), 2)
        noun = chooser.choice(world.NOUNS)
        ask = relation.question.replace("lamp", noun).format
        text = ask(x=argument)
        if chooser.random() < 0.6:
            text = f"{ask(x=other)} {relation.pairs[other]}{relation.after}{text}"
        return self._question(chooser, text, argument, relation.name)

    def _question(self, chooser: Random, text: str, argument: str, relation: str) -> Question:
        start: list = [self.encode.bos_token_id] if chooser.random() < 0.5 else []
        ids: list = self.encode(text, add_special_tokens=False)["input_ids"]
        return Question([*start, *ids], argument, relation)

    def _answer(self, argument: str, relation: str) -> int:
        return self._one(self.answers[argument, relation])

    def _one(self, word: str) -> int:
        return self.encode(f" {word}", add_special_tokens=False)["input_ids"][0]


def put_in(
    batch: Batch,
    kind: str,
    into: Float[Tensor, "row ..."],
    of: Float[Tensor, "row ..."],
) -> Float[Tensor, "row ..."]:
    """`into`, with the last word of the rows of this kind taken from their sources in `of`."""
    rows, changed = batch.chosen(kind), into.clone()
    source = batch.source[rows]
    changed[rows, batch.end[rows]] = of[source, batch.end[source]].to(into.dtype)
    return changed
