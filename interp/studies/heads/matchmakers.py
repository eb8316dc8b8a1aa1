"""C7, matchmakers: a head matches queries with keys and moves what stands there; heads specialise and work
in sequence.

Four tests: *specialists* on random words said twice (previous token, same token, the token after it);
*matching*, where only the query changes (*his* becomes *her*) and attention has to move to the person who
fits; *moves*, where heads that look behind an earlier saying are silenced and the word they looked at must
become less likely; *in sequence*, where heads that look one word back are silenced and heads that need their
note must fail.

Silenced means: a head only says what it says on average at that place (mean ablation), and this decides. A
head that looks evenly at all words writes little else, yet later layers count on its average: with nothing in
its place (zero ablation) they break, as if they had needed what it found. So zero is shown, and not judged.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from random import Random
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp import hooks, models
from interp.claims import SENTENCES, ZERO, Again, Claim, decide
from interp.languages import message
from interp.methods.attention import role_scores, role_scores_by_row
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site, check_place
from interp.studies.names import ioi
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, OBJECTS, PLACES
from interp.words.pronouns import FRAMES, OWNED, POSSESSIVES, PRONOUN_SCENE, PRONOUNS, TWO_WORDS
from interp.words.world import ALL_WORDS

# The thresholds of C7, fixed before looking at any model. Words and frames were changed after a look at
# pocket, which knows neither most of its token ids nor the pronoun sentences tried first.
LEAST_ROLE = 0.40  # share of attention on random words from which a head counts as a specialist
LEAST_ATTENTION = 0.10  # mean attention of a pronoun to the two people together
LEAST_LOST = 0.30  # share of the induction score that must go when the heads before are silent
LEAST_MOVED = 0.10  # nats: a tenth of its chance, which the next word must lose when these heads move nothing
SHUFFLES, CONTROL_SETS = 200, 20
ROWS, FEWER = 16, 8  # rows of words on which heads are silenced; fewer where the verdict is asked again
AVERAGED = 64  # rows of words over which a silent head's average is taken, other rows than those tested
WAYS = ("writes its average", "writes nothing")  # what a silent head does: the first decides
AGAIN = (2, 3, 4, 5, 6)  # seeds of other words and scenes, on which the verdict is asked again
QUERIES = ("pronoun", "end", "his")  # who asks: he or she, the word after which a name must come; his or her
RARE = 0.95  # quantile over shuffles of the strongest head, which a real one must exceed


def one_match(model: Bridge, text: str, head: Head, *, word: int = -1) -> Result:
    """How one word of a text asks and what answers: Result[measure, key] for this head.

    `score` is query times key before the softmax, scaled as the model does; `attention` is what softmax
    makes of it, a share of 1. `word` is the position that asks (default: the last). Raises ValueError for a
    head the model does not have.
    """
    check_place(head, models.describe(model))
    prompts = Prompts.write(model.tokenizer, [[(None, text)]], context=sizes(model).n_ctx)
    sites = [Site("scores", head.layer), Site("pattern", head.layer)]
    recorded = hooks.record(model, prompts, sites)
    query = range(int(prompts.length[0]))[word]
    rows = [recorded[site][0, head.head, query, : query + 1].double().cpu() for site in sites]
    labels = tuple(f"{at} {token.strip()}" for at, token in enumerate(_words(model, prompts)[: query + 1]))
    axes = {"measure": ("score", "attention"), "key": labels}
    return Result(np.stack(rows), axes, "what the query finds", "score or share", models.about(model))


def only(match: Result, measure: str) -> Result:
    """The scores or the attention of a match alone, under their own name and unit."""
    named = {"score": ("score: query times key", ""), "attention": ("attention", "share")}
    quantity, unit = named[measure]
    return replace(match.at(measure=measure), quantity=quantity, unit=unit)


def scene(pronoun: str) -> str:
    """The sentence in which he, or she, gives."""
    return PRONOUN_SCENE.replace("{P}", pronoun)


def two_questions(model: Bridge, head: Head) -> Result:
    """The same scene with *he* and with *she*, seen by one head from the last word: Result[measure, giver,
    key].

    `score` and `attention` as in `one_match`; the pronoun's own key is called "he/she".
    """
    told = [one_match(model, scene(pronoun), head) for pronoun in PRONOUNS.values()]
    keys = tuple(re.sub(r"^(\d+) he$", r"\1 he/she", label) for label in told[0].axes["key"])
    axes = {"measure": told[0].axes["measure"], "giver": tuple(PRONOUNS.values()), "key": keys}
    return replace(told[0], values=np.stack([one.values for one in told], axis=1), axes=axes)


def two_words(model: Bridge) -> tuple[str, str]:
    """A sentence that ends in two words that belong together, and the pair: the first that this model has as
    single tokens, else the last of `TWO_WORDS`."""
    known = [pair for pair in TWO_WORDS if len(models.encode(model, f" {pair}")) == len(pair.split())]
    pair = (known or list(TWO_WORDS)[-1:])[0]
    return TWO_WORDS[pair], pair


def sentences(model: Bridge) -> list[tuple[str, str]]:
    """The sentences of this study for a viewer, (label, sentence): *he* gives, *she* gives, two words."""
    gives = [(f"{said} gives", scene(said)) for said in PRONOUNS.values()]
    sentence, pair = two_words(model)
    return [*gives, (pair, sentence)]


def written(model: Bridge, text: str, head: Head, k: int = 8) -> Result:
    """What one head writes at the last word of a text, read straight through the unembedding:
    Result[token], nats.

    The `k` tokens it raises most, above the mean token, with the last layer norm's scale of that run. Raises
    ValueError for a head the model does not have.
    """
    prompts = Prompts.write(model.tokenizer, [[(None, text)]], context=sizes(model).n_ctx)
    recorded = hooks.record(model, prompts, [head, Site("ln_final_scale")])
    output = recorded[head][0, -1] @ model.W_O[head.layer, head.head]
    logits = (output - output.mean()) / recorded[Site("ln_final_scale")][0, -1] @ model.W_U
    values, ids = (logits - logits.mean()).double().cpu().topk(k)
    labels = tuple(
        f"{text} #{token}" if count > 1 else text for text, token, count in _counted(model, ids.tolist())
    )
    return Result(np.asarray(values), {"token": labels}, f"written by {head}", "nats", models.about(model))


def meetings(model: Bridge, n: int = 64, *, seed: int = 0, own: bool = False) -> tuple[Prompts, Prompts]:
    """`n` scenes with a man, a woman and then a pronoun, once *he* and once *she*; all else is the same.

    With `own` they end in *his* or *her*. Spots man, woman, pronoun, end. Frames and orders of the two names
    take turns.
    """
    frames, pronouns = (OWNED, POSSESSIVES) if own else (FRAMES, PRONOUNS)
    chooser = Random(seed)
    men, women = (
        [name for name in ioi.name_pool(model) if name in names] for names in (MALE_NAMES, FEMALE_NAMES)
    )
    told = []
    for number in range(n):
        cast = [("man", chooser.choice(men)), ("woman", chooser.choice(women))]
        frame = frames[number % len(frames)].replace("{place}", chooser.choice(PLACES))
        swap = (number // len(frames)) % 2
        told.append((frame.replace("{object}", chooser.choice(OBJECTS)), cast[::-1] if swap else cast))
    he, she = (_told(model, told, pronoun) for pronoun in pronouns.values())
    return he, she


def pronoun_odds(model: Bridge, n: int = 64, *, seed: int = 0, spots: Sequence[str] = QUERIES) -> Result:
    """How far a pronoun turns each head: Result[measure, spot, layer, head, prompt].

    `log_odds` is the change in log(attention to the man / attention to the woman) from *she* to *he*, in
    nats: above 0 the head turns to the person who fits, below 0 to the other. It is the change in a
    difference of scores, so that small attention costs no digits. `attention` is the mean share that both
    people get. Seen from *he*, from the last word, and from *his*, or from some of them; the names stand
    before them, so only the query differs between the two readings.
    """
    asked: list[tuple[tuple[Prompts, Prompts], Sequence[str]]] = []
    if spots == QUERIES:
        asked.append((meetings(model, n, seed=seed), ("pronoun", "end")))
    asked.append((meetings(model, n, seed=seed, own=True), ("pronoun",)))
    parts = []
    for (he, she), asking in asked:
        (lean_he, share_he), (lean_she, share_she) = (_leaning(model, one, asking) for one in (he, she))
        parts.append(torch.stack([lean_he - lean_she, (share_he + share_she) / 2]))
    values = torch.cat(parts, dim=1)
    axes = {
        "measure": ("log_odds", "attention"), "spot": tuple(spots),
        "layer": tuple(range(sizes(model).n_layers)), "head": tuple(range(sizes(model).n_heads)),
        "prompt": tuple(range(n)),
    }  # fmt: skip
    about = {**models.about(model), "bos": False, "seed": seed, "n": n}
    return Result(np.asarray(values), axes, "what a pronoun looks for", "nats or share", about)


def turning(odds: Result) -> Result:
    """Mean log odds of the heads that look at the two people, the rest at 0: Result[spot, layer, head],
    nats."""
    mean = odds.mean("prompt")
    log_odds, looking = mean.at(measure="log_odds"), mean.at(measure="attention").values >= LEAST_ATTENTION
    return replace(log_odds, values=np.where(looking, log_odds.values, 0.0), unit="nats")


def chance_odds(odds: Result, *, seed: int = 0) -> float:
    """How far luck turns the head that turns most: quantile `RARE` over shuffles of who is the man, in nats.

    In each shuffle the labels of a random half of the scenes are exchanged, the same scenes for every head.
    """
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(SHUFFLES, len(odds.axes["prompt"])))
    log_odds, looking = odds.at(measure="log_odds").values, turning(odds).values != 0
    means = np.einsum("...p,sp->s...", log_odds, signs) / signs.shape[1]
    return float(np.quantile(np.abs(means * looking).reshape(SHUFFLES, -1).max(axis=1), RARE))


def pronoun_heads(
    odds: Result, *, spot: str | None = None, fitting: bool = False, seed: int = 0
) -> tuple[Head, ...]:
    """Heads that look at the two people and turn with the pronoun, more than luck does; strongest first.

    Either way, or only to the person who is `fitting`. Seen from one of `QUERIES`, or from any."""
    bar, turned = chance_odds(odds, seed=seed), turning(odds)
    ranked = turned.top(turned.values.size, by="size")
    strong = [
        Head(layer, head)
        for (query, layer, head), value in ranked
        if (value if fitting else abs(value)) > bar and spot in (None, query)
    ]
    return tuple(dict.fromkeys(strong))


def known_words(
    model: Bridge, n: int = ROWS, length: int = 12, *, seed: int = 0
) -> Int[Tensor, "prompt position"]:
    """`n` rows of `length` random words that are one token of this model, to be said twice by `role_scores`.

    Words, not ids: a small model has seen most ids of its vocabulary rarely or never. No word stands twice
    in a row.
    """
    written = model.tokenizer([f" {word}" for word in ALL_WORDS], add_special_tokens=False)["input_ids"]
    single = [ids[0] for ids in written if len(ids) == 1]
    if len(single) < length:
        raise ValueError(
            f"Only {len(single)} of our words are one token of this model, but {length} are needed:"
            f" choose shorter rows."
        )
    chooser = Random(seed)
    return torch.tensor([chooser.sample(single, length) for _ in range(n)])


def role_shares(model: Bridge, *, seed: int = 0) -> Result:
    """`attention.role_scores` on random known words said twice: Result[role, layer, head], shares of
    attention."""
    return role_scores(model, known_words(model, seed=seed))


def best_per_role(scores: Result, k: int = 5) -> Result:
    """The `k` strongest heads of every role, as one list for a figure: Result[head], labels such as
    "previous L4H11".
    """
    top = [
        (f"{role} {Head(*labels)}", share)
        for role in scores.axes["role"]
        for labels, share in scores.at(role=role).top(k)
    ]
    return Result(
        np.array([share for _, share in top]), {"head": tuple(label for label, _ in top)},
        scores.quantity, scores.unit, scores.about,
    )  # fmt: skip


def specialists(scores: Result, role: str, *, least: float = LEAST_ROLE) -> tuple[Head, ...]:
    """Heads that give at least so much of their attention to this role, strongest first."""
    ranked = scores.at(role=role).top(scores.at(role=role).values.size)
    return tuple(Head(*labels) for labels, value in ranked if value >= least)


@dataclass(frozen=True)
class Silenced:
    """What goes when some heads are silent, beside other sets of as many heads, by both of `WAYS`.

    `left` is Result[way, silenced, prompt]; the first entry of `silenced` is "nothing", the second these
    heads, then the other sets, named by their heads. `share`: the loss is a share of what was there, else a
    difference.
    """

    heads: tuple[Head, ...]
    left: Result
    share: bool

    @property
    def lost(self) -> float:
        """What is lost without these heads, each at its average."""
        return float(self._losses().at(way=WAYS[0]).values[0])

    @property
    def controls(self) -> np.ndarray:
        """The same for every other set."""
        return self._losses().at(way=WAYS[0]).values[1:]

    @property
    def lost_by_zero(self) -> float:
        """What is lost when these heads write nothing: shown, not judged."""
        return float(self._losses().at(way=WAYS[1]).values[0])

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `lost`, by bootstrap over rows of words."""
        whole, part = (self.left.at(way=WAYS[0], silenced=name) for name in self.left.axes["silenced"][:2])
        if self.share:
            low, high = part.interval("prompt", relative_to=whole).values
            return 1 - float(high), 1 - float(low)
        low, high = replace(part, values=whole.values - part.values).interval("prompt").values
        return float(low), float(high)

    def holds(self, least: float) -> bool:
        """Whether at least so much is lost, surely something, and more than without any other set."""
        return decide(self.lost, self.interval, least, list(self.controls)) == "supported"

    def told(self) -> str:
        """What is lost by both ways, and by the average without the other sets, in one sentence."""
        unit = "%" if self.share else " nats"
        lost, zero, low, high = (
            f"{100 * one:.0f}{unit}" if self.share else f"{one:.2f}{unit}"
            for one in (self.lost, self.lost_by_zero, self.controls.min(), self.controls.max())
        )
        whole = re.sub(r" lost$", "", self._losses().quantity)
        return (
            f"Without {_names(self.heads)}, each at its average, {lost} of the {whole} is lost; with nothing"
            f" in their place {zero}. Without other sets of as many heads: {low} to {high}"
        )

    def beside(self, k: int = 9) -> Result:
        """Lost without these heads and without the `k` other sets that cost most, either way: Result[set,
        "a silent head"].
        """
        losses = self._losses()
        costliest = 1 + np.argsort(-losses.values[:, 1:].max(axis=0), kind="stable")[:k]
        kept = [0, *costliest]
        axes = {"set": tuple(losses.axes["set"][at] for at in kept), "a silent head": WAYS}
        return replace(losses, values=losses.values[:, kept].T, axes=axes)

    def _losses(self) -> Result:
        means = self.left.mean("prompt").values  # way silenced
        values = means[:, :1] - means[:, 1:]
        values = values / means[:, :1] if self.share else values
        axes = {"way": WAYS, "set": self.left.axes["silenced"][1:]}
        quantity = f"{self.left.quantity} lost"
        return Result(values, axes, quantity, "share" if self.share else self.left.unit, self.left.about)


@dataclass(frozen=True)
class InSequence(Silenced):
    """Heads in sequence: the induction score that the `later` heads keep when `heads` before them, which look
    one word back, are silent."""

    later: tuple[Head, ...] = ()


Tested = TypeVar("Tested", bound=Silenced)


def decided_by(way: str, found: Tested) -> Tested:
    """The same as if this way of silencing decided, the only one or one of both."""
    values = found.left.values[[found.left.axes["way"].index(way)] * len(WAYS)]
    return replace(found, left=replace(found.left, values=values, axes={**found.left.axes, "way": WAYS}))


def in_sequence(
    model: Bridge, scores: Result, *, seed: int = 1, n: int = ROWS, ways: Sequence[str] = WAYS
) -> InSequence:
    """Do induction heads need the heads that look one word back before them? Both silenced in turn.

    Specialists where there are some, else the strongest head of each habit. Raises ValueError for a model
    of one layer, in which no head stands before another.
    """
    if sizes(model).n_layers < 2:
        raise ValueError("Heads in sequence need two layers; this model has one. Choose a deeper model.")
    later = specialists(scores, "induction") or _strongest(
        scores, "induction", range(1, sizes(model).n_layers)
    )
    last = max(max(head.layer for head in later), 1)
    earlier = tuple(head for head in specialists(scores, "previous") if head.layer < last)
    earlier = earlier or _strongest(scores, "previous", range(last))
    rows = known_words(model, n, seed=seed)
    sets = {"nothing": (), "heads that look back": earlier, **_other_sets(model, earlier, later, last, seed)}
    left = _without(model, sets, seed, lambda *edits: _induction(model, rows, later, edits), ways)
    about = {**scores.about, "baseline": "mean, beside zero", "seed": seed, "n": len(rows)}
    axes = {"way": tuple(ways), "silenced": tuple(sets), "prompt": tuple(range(len(rows)))}
    return InSequence(earlier, Result(left, axes, "induction score", "share", about), True, later)


def moving(
    model: Bridge, scores: Result, *, seed: int = 1, n: int = ROWS, ways: Sequence[str] = WAYS
) -> Silenced:
    """Do heads that look behind an earlier saying move the word that stands there? Log-probability, in nats,
    of the next word in the second saying of random words, when they are silent.

    Specialists where there are some, else the strongest head. The other sets leave out heads that look one
    word back, which feed these.
    """
    heads = specialists(scores, "induction") or _strongest(scores, "induction", range(sizes(model).n_layers))
    rows, feeding = known_words(model, n, seed=seed), specialists(scores, "previous")
    others = _other_sets(model, heads, feeding, sizes(model).n_layers, seed)
    sets = {"nothing": (), "heads that look behind": heads, **others}
    left = _without(model, sets, seed, lambda *edits: _next_word(model, rows, edits), ways)
    about = {**scores.about, "baseline": "mean, beside zero", "seed": seed, "n": len(rows)}
    axes = {"way": tuple(ways), "silenced": tuple(sets), "prompt": tuple(range(len(rows)))}
    return Silenced(heads, Result(left, axes, "log-probability of the next word", "nats", about), False)


def c7(
    model: Bridge, scores: Result, odds: Result, sequence: InSequence, moved: Silenced, *, strict: float = 1.0
) -> Claim:
    """The verdict on C7: supported where all four tests hold, partly where some do. `strict` multiplies the
    thresholds; which heads were silenced stays."""
    turned = pronoun_heads(odds, spot="his", fitting=True)
    special = {role: specialists(scores, role) for role in ("previous", "induction")}
    found = all(specialists(scores, role, least=strict * LEAST_ROLE) for role in special)
    holds = {
        "specialists": found,
        "matching": bool(turned),
        "moves": moved.holds(strict * LEAST_MOVED),
        "sequence": found and sequence.holds(strict * LEAST_LOST),
    }
    passed = [name for name, held in holds.items() if held]
    verdict = "supported" if len(passed) == len(holds) else "partly" if passed else "not supported"
    return Claim(
        id="C7",
        text=message(
            "A head matches queries with keys and then moves information; heads specialise, and they work in"
            " sequence."
        ),
        test=_c7_test(special, turned, moved, passed),
        measured=sequence.lost,
        interval=sequence.interval,
        control=_c7_control(odds, sequence, moved),
        threshold=f"specialists: at least {LEAST_ROLE:.0%} of the attention; matching: to the person who"
        f" fits, more than {RARE:.0%} of the shuffles; moves: at least {LEAST_MOVED:.1f} nats; sequence: at"
        f" least {LEAST_LOST:.0%} lost; both with an interval above zero and more than every control. All"
        " four: supported; some: partly",
        verdict=verdict,
        model=models.describe(model).name,
        published="gpt2: previous-token heads L4H11 and L2H2, induction heads L5H5 and L6H9 (Wang et"
        " al. 2022)",
        because=f"{len(passed)} of 4 tests passed here ({', '.join(passed) or 'none'}), not"
        f" {', '.join(name for name in holds if name not in passed) or 'any other'}; GPT-2 is known to have"
        " heads of both habits, and nobody has published the four tests on it.",
    )


def c7_again(model: Bridge, scores: Result, odds: Result, sequence: InSequence, moved: Silenced) -> Again:
    """C7 asked again, for `claims.firm`: all of it on the words and scenes of each seed of `AGAIN`, heads
    chosen on other words than they are silenced on; and with nothing in the place of silent heads."""

    def asked(seed: int) -> Claim:
        found = role_shares(model, seed=seed)
        on = {"seed": seed + len(AGAIN), "n": FEWER, "ways": WAYS[:1]}
        chain = decided_by(WAYS[0], in_sequence(model, found, **on))
        carry = decided_by(WAYS[0], moving(model, found, **on))
        return c7(model, found, pronoun_odds(model, seed=seed, spots=QUERIES[-1:]), chain, carry)

    by_zero = decided_by(WAYS[1], sequence), decided_by(WAYS[1], moved)
    return {SENTENCES: lambda: map(asked, AGAIN), ZERO: lambda: [c7(model, scores, odds, *by_zero)]}


def _c7_test(
    special: Mapping[str, Sequence[Head]], turned: Sequence[Head], moved: Silenced, passed: Sequence[str]
) -> str:
    return (
        "Four tests; silent heads write their average. Specialists: heads that look one word back and heads"
        " that look behind an earlier saying of the same word, on random words said twice"
        f" ({_names(special['previous'])}; {_names(special['induction'])}). Matching: heads that turn to the"
        f" man when the asking word is “his”, to the woman when it is “her” ({_names(turned)}). Moves:"
        f" log-probability that the next word loses without the heads that look behind"
        f" ({_names(moved.heads)}): {moved.lost:.2f} nats. Sequence (measured): share of the induction score"
        f" lost without the heads that look one word back. Passed: {', '.join(passed) or 'none'}."
    )


def _c7_control(odds: Result, sequence: InSequence, moved: Silenced) -> str:
    most = float(turning(odds).at(spot="his").values.max())
    others, apart = sequence.controls, moved.controls
    return (
        f"sequence: {len(others)} sets of as many other heads lose {others.min():.2f} to {others.max():.2f};"
        f" with nothing in their place (zero, not judged) the heads lose {sequence.lost_by_zero:.2f}; moves:"
        f" {len(apart)} other sets lose {apart.min():.2f} to {apart.max():.2f} nats, these by zero"
        f" {moved.lost_by_zero:.2f}; “his” turns a head to the person who fits by up to {most:.2f} nats, with"
        f" shuffled labels by {chance_odds(odds):.2f}"
    )


def _counted(model: Bridge, ids: list[int]) -> list[tuple[str, int, int]]:
    strings = models.token_strings(model, ids)
    return [(text, token, strings.count(text)) for text, token in zip(strings, ids, strict=True)]


def _words(model: Bridge, prompts: Prompts) -> list[str]:
    return models.token_strings(model, prompts.tokens[0].tolist())


def _told(model: Bridge, told: Sequence[tuple[str, list[tuple[str, str]]]], pronoun: str) -> Prompts:
    sentences = []
    for frame, ((first, a), (second, b)) in told:
        before, rest = frame.split(" {A}")
        between, rest = rest.split(" {B}")
        middle, after = rest.split(" {P}")
        word = pronoun.capitalize() if middle.endswith(".") else pronoun
        said = [(None, before), (first, f" {a}"), (None, between), (second, f" {b}"), (None, middle),
                ("pronoun", f" {word}"), (None, after)]  # fmt: skip
        sentences.append([part for part in said if part[1]])
    return Prompts.write(model.tokenizer, sentences, context=sizes(model).n_ctx)


def _leaning(model: Bridge, prompts: Prompts, asking: Sequence[str]) -> tuple[Tensor, Tensor]:
    """From each of these spots: score of the man minus the woman, and attention to both: [spot, layer, head,
    prompt]."""
    layers, rows = range(sizes(model).n_layers), torch.arange(len(prompts))
    recorded = hooks.record(
        model, prompts, [Site(kind, layer) for kind in ("scores", "pattern") for layer in layers]
    )

    def at(kind: str, person: str) -> Tensor:
        key = prompts.spots[person]
        seen = [
            torch.stack(
                [recorded[Site(kind, layer)][rows, :, prompts.spots[spot], key].T for layer in layers]
            )
            for spot in asking
        ]
        return torch.stack(seen).double().cpu()

    return at("scores", "man") - at("scores", "woman"), at("pattern", "man") + at("pattern", "woman")


def _other_sets(
    model: Bridge, earlier: Sequence[Head], later: Sequence[Head], last: int, seed: int
) -> dict[str, tuple[Head, ...]]:
    """Sets of as many other heads of earlier layers, each once: all of them, or `CONTROL_SETS` drawn at
    random."""
    others = [
        Head(layer, head) for layer in range(last) for head in range(sizes(model).n_heads)
        if Head(layer, head) not in {*earlier, *later}
    ]  # fmt: skip
    size, chooser = min(len(earlier), len(others)), Random(seed)
    if comb(len(others), size) <= CONTROL_SETS:
        drawn = set(combinations(others, size))
    else:
        drawn = set[tuple[Head, ...]]()
        while len(drawn) < CONTROL_SETS:
            drawn.add(tuple(sorted(chooser.sample(others, size))))
    return {", ".join(map(str, heads)) or "no other head": heads for heads in sorted(drawn)}


def _without(
    model: Bridge,
    sets: Mapping[str, Sequence[Head]],
    seed: int,
    measure: Callable[..., np.ndarray],
    ways: Sequence[str] = WAYS,
) -> np.ndarray:
    """A measure without each set of heads, by these of `WAYS`: [way, set, prompt]."""
    words = known_words(model, AVERAGED, seed=seed + AVERAGED)
    every = sorted({head for heads in sets.values() for head in heads})
    recorded = hooks.record(model, torch.cat([words, words], dim=1), every)
    average = {head: recorded[head].mean(dim=0) for head in every}
    edits = {WAYS[0]: lambda head: hooks.Put(head, average[head]), WAYS[1]: hooks.Zero}
    return np.stack([
        np.stack([measure(*map(edits[way], heads)) for heads in sets.values()]) for way in ways
    ])  # fmt: skip


def _induction(
    model: Bridge, rows: Tensor, later: Sequence[Head], edits: Sequence[hooks.Edit]
) -> Float[np.ndarray, "prompt"]:
    """Mean induction score of these heads, row by row, under these edits."""
    scores = role_scores_by_row(model, rows, *edits).at(role="induction")
    return np.mean([scores.at(layer=head.layer, head=head.head).values for head in later], axis=0)


def _next_word(model: Bridge, rows: Tensor, edits: Sequence[hooks.Edit]) -> Float[np.ndarray, "prompt"]:
    """Mean log-probability of the next word in the second saying, row by row, under these edits."""
    length = rows.shape[1]
    logits = hooks.run(model, torch.cat([rows, rows], dim=1), *edits)[0][:, length:-1]
    logs = logits.double().log_softmax(dim=-1).cpu()
    return np.asarray(logs.gather(-1, rows[:, 1:, None])[..., 0].mean(dim=1))


def _strongest(scores: Result, role: str, layers: Sequence[int]) -> tuple[Head, ...]:
    ranked = scores.at(role=role).top(scores.at(role=role).values.size)
    return tuple(Head(*labels) for labels, _ in ranked if labels[0] in layers)[:1]


def _names(heads: Sequence[Head]) -> str:
    return (
        ", ".join(map(str, heads[:6])) + (f" and {len(heads) - 6} more" if len(heads) > 6 else "") or "none"
    )
