"""Country -> capital, lower -> upper case, present -> past: how the guess changes from layer to layer (C13).

The conventions of Merullo, Eickhoff and Pavlick 2023 (arXiv:2305.16130v1): everything is read at the last
word; the argument is the word asked about, the answer what must follow; a word of several tokens is followed
by its first piece, and scored by its first piece and as a whole. No `<|endoftext|>` unless asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from interp import hooks, models
from interp.claims import SENTENCES, Again, Claim
from interp.languages import message
from interp.methods import lens, updates
from interp.models import Bridge, sizes
from interp.prompts import Prompts, meant
from interp.result import Result
from interp.sites import Site
from interp.words.relations import CAPITAL, RELATIONS, Relation, list_of

# The test of C13, fixed before looking at any model
AGAIN = (2, 3, 4, 5, 6)  # seeds of other examples in front, with which verdicts are asked again
LEAST_RIGHT = 0.5  # share of questions the model must answer; below, there is nothing to watch
LEAST_LEAD = 0.2  # by so much 1 / rank of the country must exceed that of its capital, before they cross ...
MOST_NOISE = (
    0.2  # ... and neither may be as close as that after the first layer: on average among the first five
)

MARKS = (
    "answer first at the end",
    "argument first somewhere before",
    "noise, argument, answer in this order",
    "put first by a feed-forward layer",
    "put first by attention",
)
CLOSE = ("the word asked about", "its answer", "another word (control)")
SCORES = ("first piece", "whole answer", "log-probability")
C13_TEXT = message(
    "The guess changes layer by layer: noise first, then the country of the question, then its capital."
)


def relation(name: str) -> Relation:
    """A relation by name. Raises ValueError that names those there are."""
    if name not in RELATIONS:
        raise ValueError(f"There is no relation {name!r}: choose from {', '.join(RELATIONS)}.")
    return RELATIONS[name]


def arguments(model: Bridge, name: str = "capital") -> tuple[str, ...]:
    """What can be asked: the arguments whose first piece is not their answer's first piece as well."""
    asked = relation(name)
    return tuple(
        argument
        for argument, answer in asked.pairs.items()
        if _pieces(model, argument)[0] != _pieces(model, answer)[0]
    )


def prompts(
    model: Bridge,
    name: str = "capital",
    *,
    about: Sequence[str] | None = None,
    form: str = "example first",
    bos: bool = False,
    example: int | None = None,
) -> Prompts:
    """One prompt per argument (default: all of them), with answers "argument" and "answer": first pieces.

    `form` is one of `words.relations.FORMS`; `example` a seed that draws another example.
    Raises ValueError for an unknown relation, argument or form.
    """
    asked = relation(name)
    chosen = arguments(model, name) if about is None else tuple(about)
    return _written(
        model, [(asked.text(one, form, example=example), one, asked.answer(one)) for one in chosen], bos
    )


def lists(model: Bridge, name: str, *, about: Sequence[str] | None = None) -> Prompts:
    """Lists without any question that end right before the argument; answers as in `prompts`."""
    asked = relation(name)
    chosen = arguments(model, name) if about is None else tuple(about)
    return _written(model, [(list_of(one), one, asked.answer(one)) for one in chosen], False)


def plain(model: Bridge, texts: Sequence[str]) -> Prompts:
    """These texts as they are, without answers."""
    return Prompts.write(model.tokenizer, [[(None, text)] for text in texts], context=sizes(model).n_ctx)


def _written(model: Bridge, rows: Sequence[tuple[str, str, str]], bos: bool) -> Prompts:
    written = Prompts.write(
        model.tokenizer, [[(None, text)] for text, _, _ in rows], bos=bos, context=sizes(model).n_ctx
    )
    first = {
        role: torch.tensor([_pieces(model, row[place])[0] for row in rows])
        for role, place in (("argument", 1), ("answer", 2))
    }
    return replace(written, answers=first)


def _pieces(model: Bridge, word: str) -> list[int]:
    """The tokens of an answer, as `prompts.meant` reads it. Raises ValueError for an empty one."""
    text = meant(word)
    if not text:
        raise ValueError("The completion is empty: give the word that should follow, such as Warsaw.")
    return models.encode(model, text)


def scores(model: Bridge, asked: Prompts, answers: Sequence[str], *edits: hooks.Edit) -> Result:
    """How well each prompt is continued by its answer: Result[score, prompt].

    "first piece": 1 where the answer's first token is the first guess; "whole answer": 1 where every token of
    it is, each after the right ones; "log-probability": of the whole answer, nats. Raises ValueError for an
    empty answer, or not one per prompt.
    """
    if len(answers) != len(asked):
        raise ValueError(f"There are {len(asked)} prompts, but {len(answers)} answers. Give one per prompt.")
    pieces = [_pieces(model, answer) for answer in answers]
    extended, rows, positions = _extended(model, asked, pieces)
    last = Site("resid_post", sizes(model).n_layers - 1)
    stream = hooks.record(model, extended, [last], *edits)[last]
    tracked = torch.tensor([piece for one in pieces for piece in one])[:, None]
    found = lens.read(model, stream[rows.to(stream.device), positions.to(stream.device)], tracked=tracked)
    logs = (found.tracked[:, 0].double() - found.total.double()).cpu().numpy()
    first = (found.ranks[:, 0] == 1).double().cpu().numpy()
    starts = np.array([sum(map(len, pieces[:row])) for row in range(len(pieces))], dtype=np.intp)
    values = [first[starts], np.minimum.reduceat(first, starts), np.add.reduceat(logs, starts)]
    axes = {"score": SCORES, "prompt": tuple(range(len(asked)))}
    about = {**models.about(model), "bos": asked.bos, "n": len(asked)}
    return Result(np.stack(values), axes, "score of the answer", "share or nats", about)


def _extended(model: Bridge, asked: Prompts, pieces: Sequence[list[int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens with all but the last piece appended, and the prompt and position before every piece."""
    width = max(int(n) + len(one) - 1 for n, one in zip(asked.length, pieces, strict=True))
    tokens = torch.full((len(asked), width), model.tokenizer.eos_token_id)
    rows, positions = [], []
    for row, (length, one) in enumerate(zip(asked.length.tolist(), pieces, strict=True)):
        tokens[row, :length] = asked.tokens[row, :length]
        tokens[row, length : length + len(one) - 1] = torch.tensor(one[:-1], dtype=tokens.dtype)
        rows += [row] * len(one)
        positions += range(length - 1, length - 1 + len(one))
    return tokens, torch.tensor(rows), torch.tensor(positions)


@dataclass(frozen=True)
class Watched:
    """Many questions of one relation, watched through the lens: the trace, the marks, and a control.

    `trace` is `lens.trace`; `marks` is Result[mark, prompt] of 0 and 1; `control` is the trace when another
    argument of the list is taken for the argument.
    """

    name: str
    arguments: tuple[str, ...]
    trace: Result
    marks: Result
    control: Result


def watch(
    model: Bridge,
    name: str = "capital",
    *,
    form: str = "example first",
    bos: bool = False,
    example: int | None = None,
    through=None,
) -> Watched:
    """All arguments of a relation, asked in this form and followed from layer to layer."""
    chosen = arguments(model, name)
    asked = prompts(model, name, form=form, bos=bos, example=example)
    traced = lens.trace(model, asked, through=through)
    others = replace(asked, answers={**asked.answers, "argument": asked.answers["argument"].roll(1)})
    control = lens.trace(model, others, through=through)
    return Watched(name, chosen, traced, marks(traced), control)


def marks(trace: Result) -> Result:
    """What happens on the way of every prompt: Result[mark, prompt], 1 = it does; see `MARKS`.

    The third mark asks for all three stages in order: layers with neither word first, then the argument
    first, right up to the layer from which on the answer stays first.
    """
    first = trace.at(measure="rank", part="post", word="argument").values == 1  # layer prompt
    found = updates.stages(trace)
    rows = []
    for one, stage in enumerate(found):
        there = stage.application is not None
        rows.append([
            there,
            bool(first[: stage.application if there else None, one].any()),
            there and bool(stage.argument) and stage.argument[0] > 0,
            there and stage.by == "feed-forward",
            there and stage.by == "attention",
        ])  # fmt: skip
    axes = {"mark": MARKS, "prompt": trace.axes["prompt"]}
    values = np.array(rows, dtype=float).T
    return Result(values, axes, "share of the questions", "share", trace.about)


def first_layer(trace: Result) -> Result:
    """The layer from which on the answer stays first: Result[prompt]; nan where it does not."""
    found = [stage.application for stage in updates.stages(trace)]
    values = np.array([np.nan if layer is None else layer for layer in found], dtype=float)
    axes = {"prompt": trace.axes["prompt"]}
    return Result(values, axes, "layer from which the answer stays first", "layer", trace.about)


def firsts(watched: Watched) -> Result:
    """Which word is the first guess after every block: Result[word, layer, prompt], 1 = it is."""
    ranks = watched.trace.at(measure="rank", part="post")  # layer word prompt
    values = np.moveaxis(ranks.values == 1, 1, 0)
    axes = {
        "word": ("the word asked about", "its answer"), "layer": ranks.axes["layer"],
        "prompt": ranks.axes["prompt"],
    }  # fmt: skip
    return Result(values, axes, "share in which it is the first guess", "share", ranks.about)


def closeness(watched: Watched) -> Result:
    """How close three words are after every block, in the answered questions: Result[word, layer, prompt] of
    1 / rank: 1 = first, 0.2 = fifth."""
    right = watched.marks.at(mark=MARKS[0]).values == 1
    named = (watched.trace, "argument"), (watched.trace, "answer"), (watched.control, "argument")
    ranks = [one.at(measure="rank", part="post", word=word).values[:, right] for one, word in named]
    axes = {"word": CLOSE, "layer": watched.trace.axes["layer"], "prompt": tuple(range(int(right.sum())))}
    about = {**watched.trace.about, "n": int(right.sum())}
    return Result(1 / np.stack(ranks), axes, "closeness of the word (1 / rank)", "", about)


@dataclass(frozen=True)
class Crossing:
    """Where the word asked about leads before its answer does: the lead in 1 / rank after block `layer`.

    The layer is chosen on every other question; `lead`, its interval and `beyond`, the interval of the lead
    over another argument, are measured on the rest. `noise`: neither word was close after the first block.
    `crosses`: the answer leads after the last block.
    """

    layer: int
    lead: float
    interval: tuple[float, float]
    beyond: tuple[float, float]
    noise: bool
    crosses: bool

    def judged(self, strict: float = 1.0) -> str:
        """Supported where the lead is large, after noise, and is lost to the answer; partly where it is
        smaller or there is no noise; not supported where the word asked about is never ahead. `strict`
        multiplies the threshold of the lead."""
        if self.interval[0] <= 0 or self.beyond[0] <= 0 or not self.crosses:
            return "not supported"
        return "supported" if self.lead >= strict * LEAST_LEAD and self.noise else "partly"


def crossing(watched: Watched) -> Crossing:
    """Do the lines of the word asked about and of its answer cross, in the answered questions?

    Raises ValueError for fewer than four of them.
    """
    close = closeness(watched)
    if len(close.axes["prompt"]) < 4:
        raise ValueError(
            f"The model answers {len(close.axes['prompt'])} of these questions; a crossing needs at least 4."
        )
    argument, answer, other = close.values  # layer prompt
    lead = argument - answer
    layer = int(lead[:, ::2].mean(axis=1).argmax())
    rest = [
        Result(one[layer, 1::2], {"prompt": close.axes["prompt"][1::2]}, "lead", "")
        for one in (lead, argument - other)
    ]
    noise = max(float(one[0].mean()) for one in (argument, answer)) < MOST_NOISE
    measured, crosses = float(rest[0].values.mean()), bool(lead[-1].mean() < 0)
    return Crossing(layer, measured, _bounds(rest[0]), _bounds(rest[1]), noise, crosses)


def who(seen: Sequence[Watched]) -> Result:
    """Which half of a block puts the answer first: Result[relation, who], among the answered questions."""
    rows = [[float(among_right(one, mark).values.sum()) for mark in MARKS[3:5]] for one in seen]
    answered = [max(1.0, one.marks.at(mark=MARKS[0]).values.sum()) for one in seen]
    axes = {"relation": tuple(one.name for one in seen), "who": ("a feed-forward layer", "attention")}
    values = np.array(rows) / np.array(answered)[:, None]
    return Result(values, axes, "share of the answered questions", "share", seen[0].trace.about)


def arrivals(model: Bridge, name: str = "capital", *, through=None) -> Result:
    """The layer from which the answer stays first, in several ways of asking: Result[way, prompt].

    An answer that is not first at the end counts as the number of layers. `through` is a tuned lens.
    """
    ways = {
        "one example first": {},
        "no example": {"form": "one question"},
        "answer stated before": {"form": "answer stated"},
        "after the start mark": {"bos": True},
        "tuned lens": {"through": through},
    }
    layers = [first_layer(watch(model, name, **asked).trace) for asked in ways.values()]
    values = np.nan_to_num(np.stack([one.values for one in layers]), nan=sizes(model).n_layers)
    axes = {"way": tuple(ways), "prompt": layers[0].axes["prompt"]}
    return Result(values, axes, "layer from which the answer stays first", "", layers[0].about)


def among_right(watched: Watched, mark: str, marked: Result | None = None) -> Result:
    """One mark among the questions the model answers: Result[prompt]. Empty where it answers none."""
    right = watched.marks.at(mark=MARKS[0]).values == 1
    chosen = (watched.marks if marked is None else marked).at(mark=mark)
    kept = tuple(label for label, is_right in zip(chosen.axes["prompt"], right, strict=True) if is_right)
    about = {**chosen.about, "n": len(kept)}
    return Result(chosen.values[right], {"prompt": kept}, chosen.quantity, chosen.unit, about)


def c13(watched: Watched, *, strict: float = 1.0) -> Claim:
    """Do the lines of country and capital cross, in the answered questions: noise, country, capital? `strict`
    multiplies the threshold."""
    right = float(watched.marks.at(mark=MARKS[0]).mean("prompt"))
    testable = right >= LEAST_RIGHT and right * len(watched.arguments) >= 4
    found = crossing(watched) if testable else None
    staged = float(among_right(watched, MARKS[2]).mean("prompt")) if found else 0.0
    return Claim(
        id="C13",
        text=C13_TEXT,
        test=(
            "Lens at the last word of questions with one example: 1 / rank of the country minus 1 / rank of "
            "its capital, at the layer where the country leads most. The layer was chosen on every other "
            "answered country, the lead is measured on the rest."
            + (
                f" It is layer {found.layer}; noise before: {'yes' if found.noise else 'no'}."
                if found
                else ""
            )
        ),
        measured=found.lead if found else None,
        interval=found.interval if found else None,
        control=(
            f"the country beyond another country: {found.beyond[0]:+.2f} to {found.beyond[1]:+.2f}; all "
            f"three stages in a row in {staged:.0%} of the countries; answered: {right:.0%}"
            if found
            else f"answered: {right:.0%}"
        ),
        threshold=(
            f"supported: a lead of at least {LEAST_LEAD}, interval above zero, beyond another country, both "
            f"words below {MOST_NOISE} after the first layer, and the capital ahead at the end; partly: the "
            f"country leads by less, or without noise; at least {LEAST_RIGHT:.0%} answered, else it cannot "
            "be tested"
        ),
        verdict=found.judged(strict) if found else "cannot be tested on this model",
        model=str(watched.trace.about["model"]),
        published=(
            "gpt2-medium, Poland: blocks 0-14 noise, 15-18 Poland, 19-23 Warsaw (Merullo et al. 2023)"
        ),
        because=(
            f"At layer {found.layer} the country's 1 / rank is {abs(found.lead):.2f} "
            f"{'above' if found.lead > 0 else 'below'} its capital's; in GPT-2 medium it comes first from"
            " layer 15 to 18, and the capital from 19 on."
            if found
            else f"Too few countries are answered ({right:.0%}) to watch the guess change."
        ),
    )


def c13_again(model: Bridge) -> Again:
    """C13 asked again, for `claims.firm`: behind the examples that each seed of `AGAIN` draws."""
    return {SENTENCES: lambda: (c13(watch(model, example=seed)) for seed in AGAIN)}


def _bounds(result: Result) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over prompts; of a single prompt, the prompt itself."""
    if len(result.axes["prompt"]) < 2:
        return float(result.values.mean()), float(result.values.mean())
    low, high = result.interval("prompt").values
    return float(low), float(high)


def capital_of(country: str) -> str:
    """The capital of a country. Raises ValueError for a country we do not know."""
    return CAPITAL.answer(country)
