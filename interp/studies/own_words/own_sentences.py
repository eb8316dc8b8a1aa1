"""A reader's own sentence: checked, written as `Prompts`, its words marked, its twin laid beside it.

The sentences that we write note each spot while they are built. A reader's sentence is only text, so here,
and only here, spots are found afterwards: S1 and S2 are the first and the last mention of the name said
twice, IO the answer where it is said, END the last token. A word of several tokens is marked at its last
one, where the model has read all of it. The marks are for the reader's eye; no number is computed from
them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from unicodedata import normalize

import regex
import torch
from torch import Tensor

from interp import models
from interp.languages import message, say
from interp.models import Bridge, sizes
from interp.prompts import Prompts, asked, meant
from interp.result import Result
from interp.screens.refusals import Refused, beneath
from interp.screens.sentences import Asked, Marked, Pair
from interp.words.letters import isolated, whole

# letters with the marks that may be written after them; 's at the end is not part of a name
WORD = regex.compile(
    r"(?<!\p{L}['’])\p{L}[\p{L}\p{M}]*(?:(?!['’][sS](?![\p{L}\p{M}'’-]))['’-]\p{L}[\p{L}\p{M}]*)*"
)
ENDS_A_SENTENCE = (".", "!", "?", "\n")
ANSWER, AGAINST = message("The answer"), message("The word to weigh it against")
TWICE = message("“{name}” is said twice: S1 marks the first time, S2 the last.")
OFTEN = message("“{name}” is said {number} times: S1 marks the first time, S2 the last.")
NO_NAME = message("No name is said twice in this sentence, so it has no S1 and no S2.")
END = message("END is the last token, where the model answers.")


def written(model: Bridge, prompt: str, answer: str, against: str, *, bos: bool = False) -> Prompts:
    """The sentence as one prompt with the answers "io" (the answer) and "s" (what it is weighed against).

    A last space is left out. Raises ValueError with one sentence for an empty or too long sentence, a
    missing answer or one of several tokens, and twice the same word.
    """
    if not prompt.strip():
        sentence = say(
            "The prompt is empty: write the beginning of a sentence, up to the word to be guessed."
        )
        raise Refused(sentence, "prompt")
    with beneath("prompt"):
        return _as_prompts(model, prompt, asked_words(model, answer, against), bos)


def asked_words(model: Bridge, answer: str, against: str) -> tuple[Asked, Asked]:
    """The tokens that the answer and the word it is weighed against mean, as `prompts.meant` reads them.

    Raises ValueError with one sentence for a missing one, one of several tokens, and twice the same.
    """
    with beneath("answer"):
        first = asked(model.tokenizer, answer, say(ANSWER))
    with beneath("against"):
        second = asked(model.tokenizer, against, say(AGAINST))
    if first.token == second.token:
        word = first.text.strip(" ") or first.text
        sentence = say(
            "The answer and the word to weigh it against are both {word!r}: choose two words.", word=word
        )
        raise Refused(sentence, "against")
    return first, second


def written_twin(model: Bridge, prompts: Prompts, twin: str, answer: str, against: str) -> Prompts:
    """The second sentence of a pair, as `written` writes it.

    Raises ValueError with one sentence if it is missing, the same as the first, or of another length.
    """
    if not twin.strip():
        sentence = say(
            "The second sentence is missing: write the first one again and change a word, such as a name."
        )
        raise Refused(sentence, "twin")
    with beneath("twin"):
        other = _as_prompts(model, twin, asked_words(model, answer, against), prompts.bos)
    problem = _problem(prompts.tokens[0].tolist(), other.tokens[0].tolist(), int(prompts.bos))
    if problem:
        raise Refused(problem, "twin")
    return other


def _as_prompts(model: Bridge, text: str, words: tuple[Asked, Asked], bos: bool) -> Prompts:
    answers = {name: word.text for name, word in zip(("io", "s"), words, strict=True)}
    sentence = ((None, text.rstrip()),)
    return Prompts.write(model.tokenizer, [sentence], answers=[answers], bos=bos, context=sizes(model).n_ctx)


def pair(model: Bridge, prompt: str, twin: str, answer: str, against: str) -> Pair:
    """The sentence and its twin with marks, compared token by token; an empty twin means none yet."""
    sentence = mark(model, prompt, answer, against)
    if not twin.strip():
        return Pair(sentence, None, (), "")
    other = mark(model, twin, answer, against)
    width = max(len(sentence.tokens), len(other.tokens))
    sides = [[*side.tokens, *[None] * (width - len(side.tokens))] for side in (sentence, other)]
    differs = tuple(own != others for own, others in zip(*sides, strict=True))
    ids = [models.encode(model, text.rstrip()) for text in (prompt, twin)]
    return Pair(sentence, other, differs, _problem(ids[0], ids[1], 0))


def mark(model: Bridge, text: str, answer: str, against: str) -> Marked:
    """The tokens of the sentence, each with its mark; a last space is left out."""
    given, text = text, text.rstrip()
    encoded = model.tokenizer(whole(text), add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in encoded["offset_mapping"]]
    marks: list[list[str]] = [[] for _ in starts]
    told, right = _names(text, meant(answer).strip(), meant(against).strip())
    for name, end in (*told, *right):
        marks[_token_at(starts, end)].append(name)
    if marks:
        marks[-1].append("END")
    strings = models.token_strings(model, encoded["input_ids"])
    note = " ".join((_note(text, told), *read_otherwise(model, given)))
    return Marked(tuple(strings), tuple(" ".join(found) for found in marks), note)


def names_in(text: str) -> tuple[str, ...]:
    """The words of a text that look like names, in order, each once: capitals that begin no sentence."""
    names = []
    for found in WORD.finditer(text):
        before = text[: found.start()].rstrip(" \"'“‘")
        starts = not before or before.endswith(ENDS_A_SENTENCE)
        if found[0][0].isupper() and found[0] != "I" and not starts:
            names.append(found[0])
    return tuple(dict.fromkeys(names))


def likeliest(model: Bridge, probability, when: str, most: int = 10) -> Result:
    """Result[token]: the likeliest next tokens, likeliest first; equal strings are told apart by their id."""
    beside = likeliest_beside(model, {when: probability}, most)
    return replace(beside.at(run=when), about={**beside.about, "when": when})


def likeliest_beside(model: Bridge, runs: Mapping[str, Tensor], most: int = 10) -> Result:
    """Result[token, run]: the tokens that are likeliest in any of these runs, likeliest first."""
    probabilities = torch.stack(list(runs.values()), dim=-1)
    ids = probabilities.amax(dim=-1).topk(min(most, len(probabilities))).indices.tolist()
    strings = models.token_strings(model, ids)
    labels = tuple(
        text if strings.count(text) == 1 else f"{text} #{token}"
        for text, token in zip(strings, ids, strict=True)
    )
    return Result(
        probabilities[ids].double().cpu().numpy(),
        {"token": labels, "run": tuple(runs)},
        "probability of the next token",
        "probability",
        models.about(model),
    )


def _problem(own: Sequence[int], other: Sequence[int], bos: int) -> str:
    if list(own) == list(other):
        return say(
            "The two sentences are the same: change a word of the second, such as the name said twice."
        )
    if len(own) != len(other):
        return say(
            "The two sentences have {own} and {other} tokens: each token needs its partner. Exchange single "
            "words that are one token each, such as one name for another.",
            own=len(own) - bos,
            other=len(other) - bos,
        )
    return ""


def _names(text: str, answer: str, against: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(mark, where the word ends) for the name said twice, and for the answer where it is said once more."""
    said: dict[str, list[int]] = {}
    for found in WORD.finditer(text):
        said.setdefault(_key(found[0]), []).append(found.end())
    answer, against = _key(answer), _key(against)
    names = {answer, against, *map(_key, names_in(text))} - {""}
    twice = [name for name in names if len(said.get(name, ())) > 1]
    if not twice:
        return [], []
    repeated = against if against in twice else max(twice, key=lambda name: said[name][-1])
    told = [("S1", said[repeated][0]), ("S2", said[repeated][-1])]
    return told, [("IO", end) for end in said.get(answer, ()) if answer != repeated]


def _token_at(starts: Sequence[int], end: int) -> int:
    """The last token that begins before this place: the letters of several bytes are read whole there."""
    return max(number for number, start in enumerate(starts) if start < end)


def read_otherwise(model: Bridge, given: str) -> tuple[str, ...]:
    """A sentence on each thing that is not read as it was typed: a space at the end, the model's marks."""
    told = []
    if given != given.rstrip():
        one = given.rstrip(" ") == given.rstrip()
        told.append(
            say("A last space was left out: words begin with theirs.")
            if one
            else say("White space at the end was left out: words begin with theirs.")
        )
    special = [mark for mark in dict.fromkeys(model.tokenizer.all_special_tokens) if mark in given]
    told += [
        say("“{mark}” is read as one token, the mark between texts, not letter by letter.", mark=mark)
        for mark in special
    ]
    return tuple(told)


def _key(name: str) -> str:
    """A name however it is typed: one letter, or a letter and its accent."""
    return normalize("NFC", name)


def _note(text: str, told: Sequence[tuple[str, int]]) -> str:
    if not told:
        return f"{say(NO_NAME)} {say(END)}"
    end = told[0][1]
    name = next(found[0] for found in WORD.finditer(text) if found.end() == end)
    number = sum(_key(found[0]) == _key(name) for found in WORD.finditer(text))
    often = say(TWICE if number == 2 else OFTEN, name=isolated(name), number=number)
    return f"{often} {say(END)}"
