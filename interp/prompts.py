"""Prompts: token ids whose interesting positions have names, written down while the sentence is built.

A position is never searched for afterwards. This room knows tokenizers; it refuses logits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from interp.languages import message, say
from interp.screens.sentences import Asked
from interp.words.letters import whole

Piece = tuple[str | None, str]
QUOTES = '"“”'


@dataclass(frozen=True, eq=False)
class Prompts:
    """A batch of prompts, right padded with the end-of-text id.

    `spots` names positions ("S2", and always "end", the last real token), `answers` names token ids to
    compare, `template` numbers the sentence pattern, `length` counts real tokens (the beginning-of-text
    token included, when `bos`).
    """

    texts: tuple[str, ...]
    tokens: Int[Tensor, "prompt position"]
    spots: dict[str, Int[Tensor, "prompt"]]
    answers: dict[str, Int[Tensor, "prompt"]]
    template: Int[Tensor, "prompt"]
    length: Int[Tensor, "prompt"]
    bos: bool = False

    @classmethod
    def write(
        cls,
        tokenizer: Any,
        sentences: Sequence[Sequence[Piece]],
        *,
        answers: Sequence[Mapping[str, str]] | None = None,
        template: Sequence[int] | None = None,
        bos: bool = False,
        context: int | None = None,
    ) -> "Prompts":
        """The prompts made of these sentences; a sentence is a sequence of pieces (role or None, text).

        A piece with a role becomes a spot of that name. `answers` gives, per sentence, named words such as
        {"io": " Mary"}. Raises ValueError if there is nothing to write, if a role or an answer is not one
        token, if the pieces do not tokenise as the whole sentence does, if the sentences have different
        roles, or if one is longer than `context` tokens.
        """
        if not sentences:
            raise ValueError("There is no prompt to write. Give at least one sentence.")
        _refuse_other_number(len(sentences), answers=answers, template=template)
        ids = [_write_one(tokenizer, pieces, bos, context) for pieces in sentences]
        length = torch.tensor([len(row) for row, _ in ids])
        spots = _columns([found for _, found in ids], "roles")
        return cls(
            texts=tuple("".join(text for _, text in pieces) for pieces in sentences),
            tokens=_pad([row for row, _ in ids], tokenizer.eos_token_id),
            spots=spots | {"end": length - 1},
            answers=_columns([_answer_ids(tokenizer, words) for words in answers or ()], "answers"),
            template=torch.tensor(template if template is not None else [0] * len(ids)),
            length=length,
            bos=bos,
        )

    def at(self, x: Shaped[Tensor, "prompt position *rest"], spot: str) -> Shaped[Tensor, "prompt *rest"]:
        """What `x` holds at the named position of every prompt."""
        position = self._spot(spot).to(x.device)
        return x[torch.arange(len(self), device=x.device), position]

    def mask(self, spot: str) -> Bool[Tensor, "prompt position"]:
        """True at the named position of every prompt, False elsewhere: the `where` of an edit."""
        return torch.arange(self.tokens.shape[1]) == self._spot(spot)[:, None]

    def real(self) -> Bool[Tensor, "prompt position"]:
        """True at the tokens of the prompt, False at the padding."""
        return torch.arange(self.tokens.shape[1]) < self.length[:, None]

    def take(self, index: Sequence[int] | slice | Int[Tensor, "kept"]) -> "Prompts":
        """These prompts only, in this order; the width of the padding stays."""
        kept = torch.arange(len(self))[index if isinstance(index, slice) else torch.as_tensor(index).long()]
        return replace(
            self,
            texts=tuple(self.texts[i] for i in kept.tolist()),
            tokens=self.tokens[kept],
            spots={name: column[kept] for name, column in self.spots.items()},
            answers={name: column[kept] for name, column in self.answers.items()},
            template=self.template[kept],
            length=self.length[kept],
        )

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        width = self.tokens.shape[1]
        return f"Prompts({len(self)} prompts of up to {width} tokens; spots {', '.join(self.spots)})"

    def _spot(self, spot: str) -> Int[Tensor, "prompt"]:
        if spot not in self.spots:
            raise ValueError(f"These prompts have no spot {spot!r}. Their spots are {', '.join(self.spots)}.")
        return self.spots[spot]


def meant(typed: str) -> str:
    """The text that a typed answer means; "" if nothing is typed.

    A word means what follows other words: itself with a space before it. What begins with a space or a sign
    is meant as typed, and so is all that stands in quotes, such as "ing". `\\n` is a line break. The screen's
    own signs are read too: · in front is a space, ↵ a line break. Spaces at the end are left out.
    """
    text = typed.replace("\\n", "\n").replace("↵", "\n")
    if len(text) > 2 and text[0] in QUOTES and text[-1] in QUOTES:
        return text[1:-1]
    text = text.rstrip(" ")
    if text[:1] == "·" and len(text) > 1:
        return f" {text[1:]}"
    return f" {text}" if text[:1].isalnum() else text


def typed_as(text: str) -> str:
    """What to type so that `meant` gives this text."""
    word = text.removeprefix(" ")
    typed = word if meant(word) == text else f'"{text}"'
    return typed.replace("\n", "\\n")


QUOTE_IT = message(
    '{what} {text!r} is {pieces}; it must be one token. {other!r} is one: write "{quoted}", in quotes.'
)
CHOOSE = message("{what} {text!r} is {pieces}; it must be one token. Choose another word.")


def asked(tokenizer: Any, typed: str, what: str) -> Asked:
    """The token that a typed answer means, as `meant` reads it. `what` names its use in errors.

    Raises ValueError for nothing typed, and for a text that is not one token: it shows the pieces, and what
    to type where the text with or without the space is one.
    """
    text = meant(typed)
    if not text:
        raise ValueError(say("{what} is missing: write one word, such as Mary.", what=what))
    other = text.removeprefix(" ") if text.startswith(" ") else f" {text}"
    instead = typed_as(other) if len(_encode(tokenizer, other)) == 1 else ""
    ids = _encode(tokenizer, text)
    if len(ids) != 1:
        quoted = other.replace("\n", "\\n")
        told = {"what": what, "text": text, "pieces": _cut(tokenizer, ids), "other": other, "quoted": quoted}
        raise ValueError(say(QUOTE_IT if instead else CHOOSE, **told))
    return Asked(text, ids[0], other if instead else "", instead)


def single_token(tokenizer: Any, text: str, what: str) -> int:
    """The id of a text that is one token; else ValueError that shows its pieces. `what` names its use."""
    ids = _encode(tokenizer, text)
    if len(ids) != 1:
        raise ValueError(
            say(
                "{what} {text!r} is {pieces}; it must be one token. Choose another word, and mind the space "
                "before it.",
                what=what,
                text=text,
                pieces=_cut(tokenizer, ids),
            )
        )
    return ids[0]


def _cut(tokenizer: Any, ids: Sequence[int]) -> str:
    pieces = ", ".join(repr(tokenizer.decode([i])) for i in ids) or say("none")
    return say("{number} tokens ({pieces})", number=len(ids), pieces=pieces)


def _refuse_other_number(sentences: int, **columns: Sequence | None) -> None:
    for name, column in columns.items():
        if column is not None and len(column) != sentences:
            raise ValueError(
                f"There are {sentences} sentences, but {len(column)} entries in {name!r}."
                " Give one per sentence."
            )


def _write_one(
    tokenizer: Any, pieces: Sequence[Piece], bos: bool, context: int | None
) -> tuple[list[int], dict[str, int]]:
    text = "".join(piece for _, piece in pieces)
    if not text.strip():
        raise ValueError(say("The prompt {text!r} is empty. Write at least one word.", text=text))
    ids, spots = [tokenizer.bos_token_id] * bos, {}
    for role, piece in pieces:
        if role is not None:
            _refuse_role(role, spots)
            spots[role] = len(ids)
        ids += [single_token(tokenizer, piece, f"The word for {role}")] if role else _encode(tokenizer, piece)
    if ids[bos:] != _encode(tokenizer, text):
        cut = " | ".join(piece for _, piece in pieces)
        raise ValueError(
            f"The pieces of {text!r} are not tokenised as the sentence is: {cut}."
            " Cut before a space, never after it or inside a word."
        )
    if context is not None and len(ids) > context:
        raise ValueError(
            say(
                "The prompt has {number} tokens, but the model reads at most {most}. Make it shorter by "
                "{more}.",
                number=len(ids),
                most=context,
                more=len(ids) - context,
            )
        )
    return ids, spots


def _refuse_role(role: str, spots: dict[str, int]) -> None:
    if role == "end":
        raise ValueError('A role cannot be called "end": that spot is always the last token. Rename it.')
    if role in spots:
        raise ValueError(f"The role {role!r} stands twice in one sentence. Give each place its own name.")


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(whole(text), add_special_tokens=False)["input_ids"]) if text else []


def _answer_ids(tokenizer: Any, words: Mapping[str, str]) -> dict[str, int]:
    return {name: single_token(tokenizer, word, f"The answer {name}") for name, word in words.items()}


def _columns(rows: list[dict[str, int]], what: str) -> dict[str, Int[Tensor, "prompt"]]:
    for row in rows:
        if set(row) != set(rows[0]):
            raise ValueError(
                f"All prompts of a batch must have the same {what}; one has"
                f" {_names(rows[0])}, another {_names(row)}."
            )
    return {name: torch.tensor([row[name] for row in rows]) for name in rows[0]} if rows else {}


def _names(row: dict[str, int]) -> str:
    return ", ".join(row) or "none"


def _pad(rows: list[list[int]], padding: int) -> Int[Tensor, "prompt position"]:
    width = max(len(row) for row in rows)
    return torch.tensor([row + [padding] * (width - len(row)) for row in rows])
