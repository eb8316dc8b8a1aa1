"""What must be said of a reader's own words before any finding: words the model never saw, names that are not
in the sentence, answers it hardly gives. And how it reads them: every word with its pieces.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from jaxtyping import Float
from torch import Tensor

from interp import models
from interp.languages import say
from interp.models import Bridge
from interp.screens.sentences import Asked, ReadWord
from interp.studies.own_words.own_sentences import WORD, names_in
from interp.words.ioi import NAMES
from interp.words.letters import isolated, whole

HARDLY = 0.01  # of the model's chance, for all asked words together
MOST_LISTED = 6


def read_words(model: Bridge, text: str) -> tuple[ReadWord, ...]:
    """The words of a text, each with the space before it, as the tokenizer cuts them."""
    encoded = model.tokenizer(whole(text), add_special_tokens=False)
    pairs = zip(encoded.word_ids(), encoded["input_ids"], strict=True)
    known, words = models.seen_words(model), []
    for _, group in groupby(pairs, lambda pair: pair[0]):
        ids = [token for _, token in group]
        word = models.decode(model, ids)
        pieces = tuple(models.token_strings(model, ids))
        words.append(ReadWord(word, pieces, None if known is None else word in known))
    return tuple(words)


def before_finding(
    model: Bridge, texts: Sequence[str], asked: Sequence[Asked], shares: Float[Tensor, "token"]
) -> tuple[str, ...]:
    """All that must be said of these texts and the words weighed on the first; `shares` are the chances of
    the token after it.
    """
    likely = absent_names(model, texts[0], asked, shares) or hardly_given(model, asked, shares)
    return never_seen(model, *texts, *(one.text for one in asked)) + likely


def never_seen(model: Bridge, *texts: str) -> tuple[str, ...]:
    """A sentence on the words of these texts that the model's training never had; nothing without any."""
    words = dict.fromkeys(word for text in texts for word in read_words(model, text) if word.seen is False)
    if not words:
        return ()
    name, spaced = models.describe(model).name, _known_after_a_space(model, list(words))
    told = {"model": name, "words": _listed(words)}
    if len(words) == 1:
        first = say("{model} never saw this word in training: {words}.", **told)
        return (f"{first}{spaced} {say('What follows is not about it.')}",)
    first = say("{model} never saw these words in training: {words}.", **told)
    return (f"{first}{spaced} {say('What follows is not about them.')}",)


def cut_words(model: Bridge, *texts: str) -> tuple[str, ...]:
    """A sentence on the words that are read in several pieces; nothing without any, or where `never_seen`
    speaks.
    """
    words = [word for text in texts for word in read_words(model, text) if len(word.pieces) > 1]
    if not words or models.seen_words(model) is not None:
        return ()
    listed = _listed(dict.fromkeys(words))
    return (say("Read in pieces, because they are not one token: {words}.", words=listed),)


def absent_names(
    model: Bridge, prompt: str, asked: Sequence[Asked], shares: Float[Tensor, "token"] | None = None
) -> tuple[str, ...]:
    """A sentence on asked names that a sentence with other names does not say; nothing without any.

    `shares` are the chances of the next token, to say how little the model gives them.
    """
    names = [one for one in asked if one.text.removeprefix(" ") in NAMES and not _says(prompt, one.text)]
    offered = _names_to_choose(model, prompt)
    if not names or not offered:
        return ()
    told = {"names": _and([one.text.strip() for one in names])}
    known, several = ", ".join(offered[:MOST_LISTED]), len(names) > 1
    if several:
        absent = say("{names} are not in your sentence", **told)
        choose = say("Choose names from it: {known}.", known=known)
    else:
        absent = say("{names} is not in your sentence", **told)
        choose = say("Choose a name from it: {known}.", known=known)
    if shares is None:
        return (f"{say('{first}.', first=absent)} {choose}",)
    total = _percent(sum(float(shares[one.token]) for one in names))
    gives = (
        say("{first}; the model gives the two together {share}.", first=absent, share=total)
        if several
        else say("{first}; the model gives it {share}.", first=absent, share=total)
    )
    return (f"{gives} {choose}",)


def hardly_given(model: Bridge, asked: Sequence[Asked], shares: Float[Tensor, "token"]) -> tuple[str, ...]:
    """A sentence if the model gives all asked words together less than `HARDLY`; else nothing."""
    total = sum(float(shares[one.token]) for one in asked)
    if total >= HARDLY:
        return ()
    words = _and([f"“{_visible(one.text)}”" for one in asked])
    (first,) = models.token_strings(model, [int(shares.argmax())])
    told = {"words": words, "share": _percent(total), "first": _visible(first)}
    return (
        say(
            "The model hardly says {words} here: together {share}. Its first guess is “{first}”, {most}.",
            most=_percent(float(shares.max())),
            **told,
        ),
    )


def _known_after_a_space(model: Bridge, words: Sequence[ReadWord]) -> str:
    known = models.seen_words(model) or frozenset()
    others = [f"“·{word.text}”" for word in words if f" {word.text}" in known]
    told = say("With a space before it, it knows {words}.", words=", ".join(others))
    return f" {told}" if others else ""


def _names_to_choose(model: Bridge, prompt: str) -> list[str]:
    """Names that the sentence says and that are one token after a space; known first names before others."""
    said = list(dict.fromkeys(word for word in WORD.findall(prompt) if word in NAMES)) or names_in(prompt)
    return [name for name in said if len(models.encode(model, f" {name}")) == 1]


def _says(prompt: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name.strip())}\b", prompt) is not None


def _listed(words: Sequence[ReadWord] | dict[ReadWord, None]) -> str:
    listed = [_with_pieces(word) for word in words]
    shown, more = ", ".join(listed[:MOST_LISTED]), len(listed) - MOST_LISTED
    return say("{words} and {number} more", words=shown, number=more) if more > 0 else shown


def _and(texts: Sequence[str]) -> str:
    return say("{first} and {last}", first=texts[0], last=texts[1]) if len(texts) == 2 else " ".join(texts)


def _with_pieces(word: ReadWord) -> str:
    """The word and its pieces; bytes that are no characters are only counted."""
    if len(word.pieces) == 1:
        return f"“{_visible(word.text)}”"
    whole = "".join(word.pieces) == word.text
    pieces = (
        "|".join(map(_visible, word.pieces)) if whole else say("{number} pieces", number=len(word.pieces))
    )
    return f"“{_visible(word.text)}” ({pieces})"


def _visible(text: str) -> str:
    return isolated(text.replace(" ", "·").replace("\n", "↵"))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else say("less than 0.1 %")
