"""C7, matchmakers: a head matches queries with keys and moves what stands there; heads specialise and work
in sequence.

Three tests: *specialists* on random words said twice (previous token, same token, the token after it);
*matching*, where only the query changes (*his* becomes *her*) and attention has to move to the other
person; *in sequence*, where heads that look one word back are silenced and heads that need their note must
fail.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from random import Random

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from interp import hooks, models
from interp.claims import Claim
from interp.methods.attention import role_scores, role_scores_by_row
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site, check_place
from interp.studies import ioi
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES, OBJECTS, PLACES
from interp.words.pronouns import FRAMES, PRONOUN_SCENE, PRONOUNS, TWO_WORDS
from interp.words.world import ALL_WORDS

# The thresholds of C7, fixed before looking at any model. Words and frames were changed after a look at
# pocket, which knows neither most of its token ids nor the pronoun sentences tried first.
LEAST_ROLE = 0.40  # share of attention on random words from which a head counts as a specialist
LEAST_ATTENTION = 0.10  # mean attention of a pronoun to the two people together
LEAST_LOST = 0.30  # share of the induction score that must go when the heads before are silent
SHUFFLES, CONTROL_SETS = 200, 20
QUERIES = (
    "pronoun",
    "end",
)  # the words that ask: the pronoun itself, and the one after which the name must come
RARE = 0.95  # quantile over shuffles of the strongest head, which a real one must exceed


def one_match(model, text: str, head: Head, *, word: int = -1) -> Result:
    """How one word of a text asks and what answers: Result[measure, key] for this head.

    `score` is query times key before the softmax, scaled as the model does; `attention` is what softmax
    makes of it, a share of 1. `word` is the position that asks (default: the last). Raises ValueError for a
    head the model does not have.
    """
    check_place(head, models.describe(model))
    prompts = Prompts.write(model.tokenizer, [[(None, text)]], context=model.cfg.n_ctx)
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


def two_questions(model, head: Head) -> Result:
    """The same scene with *he* and with *she*, seen by one head from the last word: Result[measure, giver,
    key].

    `score` and `attention` as in `one_match`; the pronoun's own key is called "he/she".
    """
    told = [one_match(model, PRONOUN_SCENE.replace("{P}", pronoun), head) for pronoun in PRONOUNS.values()]
    keys = tuple(re.sub(r"^(\d+) he$", r"\1 he/she", label) for label in told[0].axes["key"])
    axes = {"measure": told[0].axes["measure"], "giver": tuple(PRONOUNS.values()), "key": keys}
    return replace(told[0], values=np.stack([one.values for one in told], axis=1), axes=axes)


def two_words(model) -> tuple[str, str]:
    """A sentence that ends in two words that belong together, and the pair: the first that this model has as
    single tokens, else the last of `TWO_WORDS`."""
    known = [pair for pair in TWO_WORDS if len(models.encode(model, f" {pair}")) == len(pair.split())]
    pair = (known or list(TWO_WORDS)[-1:])[0]
    return TWO_WORDS[pair], pair


def sentences(model) -> list[tuple[str, str]]:
    """The sentences of this study for a viewer, (label, sentence): *he* gives, *she* gives, two words."""
    gives = [(f"{said} gives", PRONOUN_SCENE.replace("{P}", said)) for said in PRONOUNS.values()]
    sentence, pair = two_words(model)
    return [*gives, (pair, sentence)]


def written(model, text: str, head: Head, k: int = 8) -> Result:
    """What one head writes at the last word of a text, read straight through the unembedding:
    Result[token], nats.

    The `k` tokens it raises most, above the mean token, with the last layer norm's scale of that run. Raises
    ValueError for a head the model does not have.
    """
    prompts = Prompts.write(model.tokenizer, [[(None, text)]], context=model.cfg.n_ctx)
    recorded = hooks.record(model, prompts, [head, Site("ln_final_scale")])
    output = recorded[head][0, -1] @ model.W_O[head.layer, head.head]
    logits = (output - output.mean()) / recorded[Site("ln_final_scale")][0, -1] @ model.W_U
    values, ids = (logits - logits.mean()).double().cpu().topk(k)
    labels = tuple(
        f"{text} #{token}" if count > 1 else text for text, token, count in _counted(model, ids.tolist())
    )
    return Result(np.asarray(values), {"token": labels}, f"written by {head}", "nats", models.about(model))


def meetings(model, n: int = 64, *, seed: int = 0) -> tuple[Prompts, Prompts]:
    """`n` scenes with a man, a woman and then a pronoun, once *he* and once *she*; all else is the same.

    Spots man, woman, pronoun, end. Frames and orders of the two names take turns.
    """
    chooser = Random(seed)
    men, women = (
        [name for name in ioi.name_pool(model) if name in names] for names in (MALE_NAMES, FEMALE_NAMES)
    )
    told = []
    for number in range(n):
        cast = [("man", chooser.choice(men)), ("woman", chooser.choice(women))]
        frame = FRAMES[number % len(FRAMES)].replace("{place}", chooser.choice(PLACES))
        swap = (number // len(FRAMES)) % 2
        told.append((frame.replace("{object}", chooser.choice(OBJECTS)), cast[::-1] if swap else cast))
    he, she = (_told(model, told, pronoun) for pronoun in PRONOUNS.values())
    return he, she


def pronoun_odds(model, n: int = 64, *, seed: int = 0) -> Result:
    """How far a pronoun turns each head: Result[measure, spot, layer, head, prompt].

    `log_odds` is the change in log(attention to the man / attention to the woman) from *she* to *he*, in
    nats: above 0 the head turns to the person who fits, below 0 to the other. It is the change in a
    difference of scores, so that small attention costs no digits. `attention` is the mean share that both
    people get. Seen from the pronoun and from the last word; the names stand before both, so only the query
    differs between the two readings.
    """
    he, she = meetings(model, n, seed=seed)
    (lean_he, share_he), (lean_she, share_she) = _leaning(model, he), _leaning(model, she)
    values = torch.stack([lean_he - lean_she, (share_he + share_she) / 2])
    axes = {
        "measure": ("log_odds", "attention"), "spot": QUERIES, "layer": tuple(range(model.cfg.n_layers)),
        "head": tuple(range(model.cfg.n_heads)), "prompt": tuple(range(n)),
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


def pronoun_heads(odds: Result, *, spot: str | None = None, seed: int = 0) -> tuple[Head, ...]:
    """Heads that look at the two people and turn with the pronoun, either way, more than luck does; strongest
    first. Seen from one of `QUERIES`, or from any."""
    bar, turned = chance_odds(odds, seed=seed), turning(odds)
    ranked = turned.top(turned.values.size, by="size")
    strong = [
        Head(layer, head)
        for (query, layer, head), value in ranked
        if abs(value) > bar and spot in (None, query)
    ]
    return tuple(dict.fromkeys(strong))


def known_words(model, n: int = 16, length: int = 12, *, seed: int = 0) -> Int[Tensor, "prompt position"]:
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


def role_shares(model, *, seed: int = 0) -> Result:
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


def specialists(scores: Result, role: str) -> tuple[Head, ...]:
    """Heads that give at least `LEAST_ROLE` of their attention to this role, strongest first."""
    ranked = scores.at(role=role).top(scores.at(role=role).values.size)
    return tuple(Head(*labels) for labels, value in ranked if value >= LEAST_ROLE)


@dataclass(frozen=True)
class InSequence:
    """Heads in sequence: what `later` heads (induction) still do when `earlier` ones (previous token) are
    silent.

    `left` is Result[silenced, prompt], the mean induction score of `later`; the first entry is "nothing",
    the second "heads that look back", then sets of as many other heads of earlier layers, named by them.
    """

    earlier: tuple[Head, ...]
    later: tuple[Head, ...]
    left: Result

    @property
    def lost(self) -> float:
        """Share of the induction score lost without the earlier heads."""
        return float(self._losses()[0])

    @property
    def lost_without_others(self) -> Result:
        """Share of the induction score lost without each other set: Result[set]."""
        axes = {"set": self.left.axes["silenced"][2:]}
        return Result(self._losses()[1:], axes, "induction score lost", "share", self.left.about)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `lost`, by bootstrap over rows of words."""
        whole, part = (self.left.at(silenced=name) for name in self.left.axes["silenced"][:2])
        low, high = part.interval("prompt", relative_to=whole).values
        return 1 - float(high), 1 - float(low)

    def _losses(self) -> np.ndarray:
        means = self.left.mean("prompt").values
        return 1 - means[1:] / means[0]


def in_sequence(model, scores: Result, *, seed: int = 1) -> InSequence:
    """Do induction heads need the heads that look one word back before them? Both made to write nothing in
    turn.

    Specialists where there are some, else the strongest head of each habit. Raises ValueError for a model
    of one layer, in which no head stands before another.
    """
    if model.cfg.n_layers < 2:
        raise ValueError("Heads in sequence need two layers; this model has one. Choose a deeper model.")
    later = specialists(scores, "induction") or _strongest(scores, "induction", range(1, model.cfg.n_layers))
    last = max(max(head.layer for head in later), 1)
    earlier = tuple(head for head in specialists(scores, "previous") if head.layer < last)
    earlier = earlier or _strongest(scores, "previous", range(last))
    rows = known_words(model, seed=seed)
    sets = {"nothing": (), "heads that look back": earlier, **_other_sets(model, earlier, later, last, seed)}
    left = [_induction(model, rows, later, heads) for heads in sets.values()]
    axes = {"silenced": tuple(sets), "prompt": tuple(range(len(rows)))}
    about = {**scores.about, "baseline": "zero", "seed": seed, "n": len(rows)}
    return InSequence(earlier, later, Result(np.stack(left), axes, "induction score", "share", about))


def c7(model, scores: Result, odds: Result, sequence: InSequence) -> Claim:
    """The verdict on C7: supported where all three tests hold, partly where some do."""
    turned = pronoun_heads(odds)
    special = {role: specialists(scores, role) for role in ("previous", "induction")}
    controls = sequence.lost_without_others.values
    holds = (
        all(special.values()),
        bool(turned),
        all(special.values())
        and sequence.lost >= LEAST_LOST
        and sequence.interval[0] > 0
        and sequence.lost > controls.max(),
    )
    return Claim(
        id="C7",
        text="A head matches queries with keys and then moves information; heads specialise, and they work in"
        " sequence.",
        test="Three tests. Specialists: heads that look one word back and heads that look behind an"
        " earlier saying"
        f" of the same word, on random words said twice ({_names(special['previous'])};"
        f" {_names(special['induction'])})."
        f" Matching: heads that turn from one person to the other when only the pronoun changes"
        f" ({_names(turned)})."
        " Sequence: share of the induction score lost when the heads that look one word back write nothing.",
        measured=sequence.lost,
        interval=sequence.interval,
        control=f"{len(controls)} sets of as many other heads lose {controls.min():.2f} to"
        f" {controls.max():.2f}; a pronoun"
        f" turns a head by up to {np.abs(turning(odds).values).max():.2f} nats, with shuffled labels by"
        f" {chance_odds(odds):.2f}",
        threshold=f"specialists: at least {LEAST_ROLE:.0%} of the attention; matching: more than"
        f" {RARE:.0%} of the shuffles;"
        f" sequence: at least {LEAST_LOST:.0%} lost, interval above zero, more than every control. All three:"
        " supported; some: partly",
        verdict="supported" if all(holds) else "partly" if any(holds) else "not supported",
        model=models.describe(model).name,
        published="gpt2: previous-token heads L4H11 and L2H2, induction heads L5H5 and L6H9 (Wang et"
        " al. 2022)",
    )


def _counted(model, ids: list[int]) -> list[tuple[str, int, int]]:
    strings = models.token_strings(model, ids)
    return [(text, token, strings.count(text)) for text, token in zip(strings, ids, strict=True)]


def _words(model, prompts: Prompts) -> list[str]:
    return models.token_strings(model, prompts.tokens[0].tolist())


def _told(model, told: Sequence[tuple[str, list[tuple[str, str]]]], pronoun: str) -> Prompts:
    sentences = []
    for frame, ((first, a), (second, b)) in told:
        before, rest = frame.split(" {A}")
        between, rest = rest.split(" {B}")
        middle, after = rest.split(" {P}")
        word = pronoun.capitalize() if middle.endswith(".") else pronoun
        sentences.append(
            [(None, before), (first, f" {a}"), (None, between), (second, f" {b}"), (None, middle),
             ("pronoun", f" {word}"), (None, after)]
        )  # fmt: skip
    return Prompts.write(model.tokenizer, sentences, context=model.cfg.n_ctx)


def _leaning(model, prompts: Prompts) -> tuple[Tensor, Tensor]:
    """From each of `QUERIES`: score of the man minus the woman, and attention to both: [spot, layer, head,
    prompt]."""
    layers, rows = range(model.cfg.n_layers), torch.arange(len(prompts))
    recorded = hooks.record(
        model, prompts, [Site(kind, layer) for kind in ("scores", "pattern") for layer in layers]
    )

    def at(kind: str, person: str) -> Tensor:
        key = prompts.spots[person]
        seen = [
            torch.stack(
                [recorded[Site(kind, layer)][rows, :, prompts.spots[spot], key].T for layer in layers]
            )
            for spot in QUERIES
        ]
        return torch.stack(seen).double().cpu()

    return at("scores", "man") - at("scores", "woman"), at("pattern", "man") + at("pattern", "woman")


def _other_sets(
    model, earlier: Sequence[Head], later: Sequence[Head], last: int, seed: int
) -> dict[str, tuple[Head, ...]]:
    """Sets of as many other heads of earlier layers, each once: all of them, or `CONTROL_SETS` drawn at
    random."""
    others = [
        Head(layer, head) for layer in range(last) for head in range(model.cfg.n_heads)
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


def _induction(model, rows: torch.Tensor, later: Sequence[Head], silenced: Sequence[Head]) -> np.ndarray:
    """Mean induction score of these heads, row by row, while others write nothing."""
    scores = role_scores_by_row(model, rows, *(hooks.Zero(head) for head in silenced)).at(role="induction")
    return np.mean([scores.at(layer=head.layer, head=head.head).values for head in later], axis=0)


def _strongest(scores: Result, role: str, layers: Sequence[int]) -> tuple[Head, ...]:
    ranked = scores.at(role=role).top(scores.at(role=role).values.size)
    return tuple(Head(*labels) for labels, _ in ranked if labels[0] in layers)[:1]


def _names(heads: Sequence[Head]) -> str:
    return (
        ", ".join(map(str, heads[:6])) + (f" and {len(heads) - 6} more" if len(heads) > 6 else "") or "none"
    )
