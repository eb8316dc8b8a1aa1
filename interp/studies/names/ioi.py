"""Indirect object identification: "When Mary and John went to the store, John gave a drink to" -> Mary.

The conventions are those of Wang et al. 2022 (arXiv:2211.00593): names of one token with their leading
space; IO is the name said once, S the name said twice (S1, S2); S1+1 follows S1; `end` is the last word,
after which the model must answer. Baselines come from ABC prompts, the same sentences with three
different names, none of them IO or S, averaged per template and position. A template in its other order
counts as another template: names stand elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from interp import models
from interp.methods.attribution import head_attribution
from interp.methods.patching import residual_shares
from interp.methods.readout import LogitDifference, logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts, single_token
from interp.result import Result
from interp.sites import Head
from interp.words.ioi import NAMES, OBJECTS, PLACES, SAID_MORE, TEMPLATES

ORDERS = ("both", "ABBA", "BABA")
LEAST_NAMES = 6
REFERENCES_PER_TEMPLATE = 8


@dataclass(frozen=True)
class _Sentence:
    template: int
    pieces: tuple[tuple[str | None, str], ...]
    io: str
    s: str


def prompts(
    model: Bridge,
    n: int = 100,
    *,
    seed: int = 0,
    bos: bool = False,
    order: str = "both",
    templates: Sequence[int] | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    extra: str | None = None,
) -> Prompts:
    """`n` sentences with spots IO, S1, S1+1, S2, end and answers io, s, stopping at the last "to".

    Templates and orders take turns, so that each has its share. `templates` are indices into
    `words.ioi.TEMPLATES`, `pairs` are (IO, S) names to choose from; by default any two names that are one
    token. `extra` puts two sentences in front that say IO or S twice more, at the spots "extra1" and
    "extra2". Template numbers 15 up are the ABBA order of 0 to 14. Raises ValueError if fewer than
    `LEAST_NAMES` names are one token, for a name of several tokens, and for an unknown order or template.
    """
    chooser = Random(seed)
    if extra not in (None, "IO", "S"):
        raise ValueError(f"extra={extra!r} is unknown: choose IO, S or None.")
    variants = _variants(order, range(len(TEMPLATES)) if templates is None else templates)
    pairs = _checked_pairs(model, pairs)
    places, objects = _single(model, PLACES, "places", 1), _single(model, OBJECTS, "objects", 1)
    names = [] if pairs else name_pool(model)
    sentences = []
    for number in range(n):
        io, s = chooser.choice(pairs) if pairs else chooser.sample(names, 2)
        template, swap = variants[number % len(variants)]
        place, thing = chooser.choice(places), chooser.choice(objects)
        sentences.append(_sentence(template, swap, io, s, place, thing, extra))
    return _written(model, sentences, bos)


def name_pool(model: Bridge) -> tuple[str, ...]:
    """Names that are one token of this model with their leading space; ValueError if there are too few."""
    return _single(model, NAMES, "names", LEAST_NAMES)


def name_tokens(model: Bridge) -> Int[Tensor, "token"]:
    """The token ids of `name_pool`, with their leading space."""
    return torch.tensor([single_token(model.tokenizer, f" {name}", "The name") for name in name_pool(model)])


def reference(model: Bridge, prompts: Prompts, *, seed: int = 0) -> Prompts:
    """ABC twins: the same sentences with three different random names, none of them the sentence's IO or S.

    The first `len(prompts)` are the twins of the prompts, one to one; further ones follow until every
    template has `REFERENCES_PER_TEMPLATE`. Spots and answers are those of the original sentences. The
    paper's own code lets names collide; this one does not.
    """
    chooser = Random(seed)
    rows = _rows_with_enough(prompts.template.tolist())
    originals = prompts.take(torch.tensor(rows))
    pool = name_tokens(model).tolist()
    drawn = []
    for io, s in zip(originals.answers["io"].tolist(), originals.answers["s"].tolist(), strict=True):
        drawn.append(chooser.sample([name for name in pool if name not in (io, s)], 3))
    new_io, new_s, third = torch.tensor(drawn).T
    names = {"IO": new_io, "S1": new_s, "S2": third}
    for spot in {"extra1", "extra2"} & set(originals.spots):
        said_io = originals.at(originals.tokens, spot) == originals.answers["io"]
        names[spot] = torch.where(said_io, new_io, new_s)
    return renamed(model, originals, names)


def check_reference(model: Bridge, reference: Prompts) -> None:
    """Nothing, if every ABC sentence has three different names at IO, S1 and S2; else ValueError that shows
    one."""
    names = torch.stack([reference.at(reference.tokens, spot) for spot in ("IO", "S1", "S2")], dim=1)
    for row, own in enumerate(names.tolist()):
        if len(set(own)) < len(own):
            twice = next(name for name in own if own.count(name) > 1)
            raise ValueError(
                f"The ABC sentence {reference.texts[row]!r} has the name"
                f" {models.decode(model, [twice]).strip()!r} more than once. Give it three different names,"
                " as ioi.reference does."
            )


def renamed(model: Bridge, prompts: Prompts, names: Mapping[str, Int[Tensor, "prompt"]]) -> Prompts:
    """The prompts with other names, as token ids, at these spots; `answers` and `spots` stay as they were."""
    changed, rows = prompts.tokens.clone(), torch.arange(len(prompts))
    for spot, own in names.items():
        changed[rows, prompts.spots[spot]] = own
    start = int(prompts.bos)
    texts = tuple(
        model.tokenizer.decode(row[start:length].tolist(), clean_up_tokenization_spaces=False)
        for row, length in zip(changed, prompts.length, strict=True)
    )
    return replace(prompts, tokens=changed, texts=texts)


def swapped(model: Bridge, prompts: Prompts) -> Prompts:
    """The same sentences with S2 := IO, so that S is the right answer; `answers` stay as they were."""
    return renamed(model, prompts, {"S2": prompts.answers["io"]})


def logit_difference(prompts: Prompts) -> LogitDifference:
    """Metric: logit of IO minus logit of S at the last word, per prompt, in nats."""
    return LogitDifference(prompts.answers["io"], prompts.answers["s"])


def behaviour(model: Bridge, prompts: Prompts) -> Result:
    """What the model does: Result[measure, prompt] with `logit_difference`, `p_io` and `prefers_io`.

    Nats; probability of IO among all tokens; 1 where IO beats S, else 0. `mean("prompt")` gives the three
    headline figures, `interval("prompt")` their intervals by bootstrap over prompts.
    """
    logits = logits_at_end(model, prompts).double().cpu()
    difference = logit_difference(prompts)(logits)
    probability = logits.softmax(dim=-1)[torch.arange(len(prompts)), prompts.answers["io"]]
    values = torch.stack([difference, probability, (difference > 0).double()])
    axes = {"measure": ("logit_difference", "p_io", "prefers_io"), "prompt": tuple(range(len(prompts)))}
    about = {**models.about(model), "bos": prompts.bos, "n": len(prompts)}
    return Result(np.asarray(values), axes, "behaviour on indirect objects", "nats or share", about)


WAYS = {  # of telling the same scenes: what `prompts` is asked for
    "as usual": {},
    "right name twice more": {"extra": "IO"},
    "wrong name twice more": {"extra": "S"},
    "after the start mark": {"bos": True},
}


def ways(model: Bridge, n: int = 60, *, seed: int = 0) -> Result:
    """Does the model work out who gave, or does it count names? Result[way, prompt], the lead of IO in nats.

    The same names, places and things in every way of `WAYS`. With the right name said twice more it is the
    one said more often. Where "a third person gives", nothing speaks for either name: about zero.
    """
    told = {way: prompts(model, n, seed=seed, **asked) for way, asked in WAYS.items()}
    told["a third person gives"] = _third_gives(model, told["as usual"], seed)
    leads = [behaviour(model, one).at(measure="logit_difference") for one in told.values()]
    axes = {"way": tuple(told), "prompt": tuple(range(n))}
    about = {**leads[0].about, "seed": seed}
    return Result(np.stack([lead.values for lead in leads]), axes, "lead of the right name", "nats", about)


def _third_gives(model: Bridge, prompts: Prompts, seed: int) -> Prompts:
    """The same sentences with a third name at S2."""
    other = reference(model, prompts, seed=seed).take(range(len(prompts)))
    return renamed(model, prompts, {"S2": other.at(other.tokens, "S2")})


def strongest_writers(model: Bridge, prompts: Prompts, k: int) -> tuple[Head, ...]:
    """The `k` heads that write most towards IO and away from S at the last word, strongest first."""
    written = head_attribution(model, prompts).mean("prompt")
    return tuple(Head(*labels) for labels, _ in written.top(k))


def stages(model: Bridge, prompts: Prompts, *, spots: Sequence[str] = ("end", "S2")) -> Result:
    """Where the answer is decided: Result[layer, spot, prompt], share of the swing to the sentences with
    S2 := IO.

    Near 0 at `end`: nothing of the answer stands there yet before that block; near 1: all of it does. The
    interval of a mean share is that of a ratio to S2 before layer 0, which carries the whole swing.
    """
    return residual_shares(model, prompts, swapped(model, prompts), logit_difference(prompts), spots=spots)


def stages_interval(staged: Result) -> Result:
    """95 % intervals of the mean shares of `stages`: Result[layer, spot, bound]."""
    return staged.interval("prompt", relative_to=staged.at(layer=0, spot="S2"))


# --- writing the sentences ---------------------------------------------------------------------------------


def _variants(order: str, templates: Sequence[int]) -> list[tuple[int, bool]]:
    """(template, whether the first two names are swapped) in the order in which they take turns."""
    if order not in ORDERS:
        raise ValueError(f"order={order!r} is unknown: choose both, ABBA or BABA.")
    for template in templates:
        if not 0 <= template < len(TEMPLATES):
            raise ValueError(f"There is no template {template}: choose from 0 to {len(TEMPLATES) - 1}.")
    if not templates:
        raise ValueError(f"No template was given: choose from 0 to {len(TEMPLATES) - 1}.")
    swaps = {"both": (False, True), "ABBA": (True,), "BABA": (False,)}[order]
    return [(template, swap) for swap in swaps for template in templates]


def _sentence(
    template: int, swap: bool, io: str, s: str, place: str, thing: str, extra: str | None
) -> _Sentence:
    """The sentence in pieces, without its last word. Unswapped (BABA), S is said first."""
    frame = TEMPLATES[template].replace("{place}", place).replace("{object}", thing).removesuffix(" {A}")
    before, between, after, rest = frame.replace(" {A}", " {B}").split(" {B}")
    first, second = (("IO", io), ("S1", s)) if swap else (("S1", s), ("IO", io))
    pieces = (
        *_in_front(extra, {"IO": io, "S": s}, before),
        *((first[0], f" {first[1]}"), (None, between), (second[0], f" {second[1]}"), (None, after)),
        *(("S2", f" {s}"), (None, rest)),
    )
    number = template + swap * len(TEMPLATES)
    return _Sentence(number, tuple(piece for piece in pieces if piece[1]), io, s)


def _in_front(extra: str | None, names: dict[str, str], before: str) -> tuple[tuple[str | None, str], ...]:
    """What stands before the first name, with the sentences that say one of the names twice more."""
    if extra is None:
        return ((None, before),)
    start, between, end = SAID_MORE.split(" {X}")
    name = f" {names[extra]}"
    return ((None, start), ("extra1", name), (None, between), ("extra2", name), (None, f"{end} {before}"))


def _written(model: Bridge, sentences: Sequence[_Sentence], bos: bool) -> Prompts:
    written = Prompts.write(
        model.tokenizer,
        [sentence.pieces for sentence in sentences],
        answers=[{"io": f" {sentence.io}", "s": f" {sentence.s}"} for sentence in sentences],
        template=[sentence.template for sentence in sentences],
        bos=bos,
        context=sizes(model).n_ctx,
    )
    return replace(written, spots={**written.spots, "S1+1": written.spots["S1"] + 1})


def _rows_with_enough(templates: Sequence[int]) -> list[int]:
    """Every row once, then rows of each template again until it has `REFERENCES_PER_TEMPLATE`."""
    rows = list(range(len(templates)))
    for template in sorted(set(templates)):
        own = [row for row, other in enumerate(templates) if other == template]
        rows += [own[turn % len(own)] for turn in range(max(0, REFERENCES_PER_TEMPLATE - len(own)))]
    return rows


def _checked_pairs(model: Bridge, pairs: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
    for io, s in pairs or ():
        if io == s:
            raise ValueError(f"The pair ({io!r}, {s!r}) has one name twice: give two different names.")
        for name in (io, s):
            single_token(model.tokenizer, f" {name}", "The name")
    return list(pairs or ())


def _single(model: Bridge, words: Sequence[str], what: str, least: int) -> tuple[str, ...]:
    """Those words that are one token of this model with their leading space."""
    ids = model.tokenizer([f" {word}" for word in words], add_special_tokens=False)["input_ids"]
    found = tuple(word for word, own in zip(words, ids, strict=True) if len(own) == 1)
    if len(found) < least:
        raise ValueError(
            f"Only {len(found)} of the {len(words)} {what} are single tokens of this model, but at least "
            f"{least} are needed: choose a model with a GPT-2 tokenizer, or add words to interp/words/ioi.py."
        )
    return found
