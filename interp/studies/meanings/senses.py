"""C4: one word, several vectors. Does the state of *bank* tell which bank is meant, and where does it?

A word is shown after other words that settle its sense, in frames that training never says. If its state
knows the sense, two places with the same sense are more alike than two with different ones, also when the
words that settle it differ. The share of pairs for which that is so is the AUC: one half is guessing.
"""

from dataclasses import dataclass
from random import Random

import numpy as np
from jaxtyping import Bool, Float

from interp import models, vectors
from interp.claims import SENTENCES, Again, Claim, decide
from interp.languages import message
from interp.methods import probes
from interp.models import Bridge
from interp.result import Result
from interp.studies.meanings import states
from interp.words.bigger import lexicon, scenes
from interp.words.ioi import NAMES

# The test of C4, fixed before looking at any model
LEAST_ABOVE_GUESSING = 0.2  # mean AUC of the words' best block, above one half; chosen on other words
DRAWS = 2000
OWN, SWAPPED = "the word itself", "another word in its place"
UNRELATED, RELATED = "unrelated senses", "related senses"
C4_TEXT = message(
    "One word has several vectors: the words around it split its senses, unrelated ones further than related"
    " ones."
)


@dataclass(frozen=True)
class Shown:
    """A word after a cue for one of its senses: the text ends with the word."""

    word: str
    sense: int
    cue: str
    frame: int
    text: str


def shown(word: str, *, instead: str | None = None, seed: int = 0) -> tuple[Shown, ...]:
    """The word after every cue in every frame that training never says; `instead` puts another word there.

    Raises ValueError for a word without two senses here.
    """
    if word not in lexicon.SENSES:
        raise ValueError(f"No senses of {word!r} are known: choose one of {', '.join(lexicon.SENSES)}.")
    chooser = Random(f"{word} {seed}")
    return tuple(
        Shown(
            word,
            which,
            cue,
            carrier,
            scenes.said_of_a_sense(instead or word, cue, carrier, chooser.choice(NAMES)),
        )
        for which, sense in enumerate(lexicon.SENSES[word])
        for cue in sense.cues
        for carrier in range(len(lexicon.CARRIERS))
        if lexicon.held_out_frame(word, cue, carrier)
    )


def in_its_place(word: str) -> str:
    """The word of the control: one that has nothing to do with these cues, the same for every run."""
    words = list(lexicon.SENSES)
    return words[(words.index(word) + len(words) // 2) % len(words)]


def measure(model: Bridge, *, seed: int = 0, mean: bool = False) -> tuple[Result, Result]:
    """How well the state tells two senses apart, Result[shown, blocks, word] (AUC), and how much further
    apart two senses are than two uses of one, Result[blocks, word] (cosine of centred states).

    Pairs with the same cue or the same frame are left out: they would be alike without any sense. Control:
    the same sentences with another word in the word's place. What passes through every word alike tells
    those apart as well. Words of several tokens are read as in `states.at_last_word`.
    """
    both = (read(model, swapped=other, seed=seed, mean=mean) for other in (False, True))
    own, swapped = ([_alike(uses, shown(word, seed=seed)) for word, uses in found.items()] for found in both)
    apart = np.stack([np.stack([_told(*one) for one in found], axis=1) for found in (own, swapped)])
    gaps = np.stack(
        [pairs[:, same].mean(axis=1) - pairs[:, ~same].mean(axis=1) for pairs, same in own], axis=1
    )
    axes, about = {"blocks": states.depths(model), "word": tuple(lexicon.SENSES)}, _about(model, seed)
    return (
        Result(apart, {"shown": (OWN, SWAPPED), **axes}, "told apart by sense", "AUC", about),
        Result(gaps, axes, "two senses further apart than two uses of one", "cosine", about),
    )


def read(
    model: Bridge, *, swapped: bool = False, seed: int = 0, mean: bool = False
) -> dict[str, Float[np.ndarray, "block use d_model"]]:
    """The states of every word's uses after so many blocks, less what all words have in common: that is no
    sense. `swapped` puts another word in the word's place.
    """
    rows = {w: shown(w, instead=in_its_place(w) if swapped else None, seed=seed) for w in lexicon.SENSES}
    whole = states.at_last_word(model, [one.text for row in rows.values() for one in row], mean=mean)
    whole = whole - whole.mean(axis=1, keepdims=True)
    ends = np.cumsum([len(row) for row in rows.values()])[:-1]
    return dict(zip(rows, np.split(whole, ends, axis=1), strict=True))


def told_apart(
    uses: Float[np.ndarray, "block use d_model"], word: str, *, seed: int = 0
) -> Float[np.ndarray, "block"]:
    """How well one word's senses are told apart, from its states of `read`: AUC, as in `measure`."""
    return _told(*_alike(uses, shown(word, seed=seed)))


def at_best(found: Result) -> Result:
    """Every word after as many blocks is best for the other half of the words: Result without the blocks."""
    place = list(found.axes).index("blocks")
    values = np.moveaxis(found.values, place, 0)
    lead = values.reshape(len(values), -1, values.shape[-1])[:, 0]  # the first of `shown`: the word itself
    kept = np.empty(values.shape[1:])
    for half in (0, 1):
        kept[..., half::2] = values[lead[:, 1 - half :: 2].mean(axis=1).argmax()][..., half::2]
    axes = {name: labels for name, labels in found.axes.items() if name != "blocks"}
    return Result(kept, axes, found.quantity, found.unit, found.about)


def homonymy_minus_polysemy(gap: Result, *, seed: int = 0) -> tuple[float, tuple[float, float]]:
    """By how much unrelated senses are further apart than related ones, with a 95 % bootstrap over words."""
    generator = np.random.default_rng(seed)
    one, other = (gap.values[[gap.axes["word"].index(w) for w in kind]] for kind in kinds().values())
    drawn = [
        part[generator.integers(len(part), size=(DRAWS, len(part)))].mean(axis=1) for part in (one, other)
    ]
    low, high = np.quantile(drawn[0] - drawn[1], (0.025, 0.975))
    return float(one.mean() - other.mean()), (float(low), float(high))


def by_kind(gap: Result) -> Result:
    """The gaps with the words of unrelated senses and of related ones as two rows, largest first:
    Result[kind, place].
    """
    rows = [sorted((gap.at(word=w).values.item() for w in kind), reverse=True) for kind in kinds().values()]
    axes = {"kind": tuple(kinds()), "place": tuple(range(1, len(rows[0]) + 1))}
    return Result(np.array(rows), axes, gap.quantity, gap.unit, gap.about)


def kinds_told(gap: Result) -> str:
    """Whether unrelated senses lie further apart than related ones, with the interval, in a few words."""
    further, (low, high) = homonymy_minus_polysemy(gap)
    where = "further apart" if further > 0 else "closer together"
    return f"Unrelated senses lie {abs(further):.3f} {where} than related ones ({low:+.3f} to {high:+.3f})"


def kinds() -> dict[str, tuple[str, ...]]:
    """The words by whether their senses are related."""
    return {UNRELATED: tuple(lexicon.HOMONYMS), RELATED: tuple(lexicon.POLYSEMES)}


def plane(model: Bridge, word: str, blocks: int, *, seed: int = 0) -> Result:
    """The word's uses as points after so many blocks: Result[use, coordinate], along the two directions in
    which they differ most.

    A use is labelled by its number and cue. Raises ValueError for a word or a number that is not there.
    """
    seen = shown(word, seed=seed)
    states.check_depth(model, blocks)
    points = flat(states.at_last_word(model, [one.text for one in seen])[blocks])
    axes = {"use": _uses(seen), "coordinate": ("most different", "next most")}
    quantity = f"uses of {word} after {blocks} blocks"
    return Result(points, axes, quantity, "units of the state", _about(model, seed) | {"n": len(seen)})


def flat(state: Float[np.ndarray, "use d_model"]) -> Float[np.ndarray, "use 2"]:
    """These states as points, along the two directions in which they differ most; equal states are at 0."""
    centred = state - state.mean(axis=0)
    if np.abs(centred).max() <= 1e-9 * np.abs(state).max():
        return np.zeros((len(state), 2))
    _, _, across = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(across[np.arange(2), np.abs(across[:2]).argmax(axis=1)])
    return centred @ across[:2].T * signs


def cued(word: str, *, seed: int = 0) -> dict[str, str]:
    """The sense of each use in `plane`, named by its first cue."""
    seen, senses = shown(word, seed=seed), lexicon.SENSES[word]
    return dict(zip(_uses(seen), (f"{senses[one.sense].cues[0]} …" for one in seen), strict=True))


def frozen(word: str) -> str:
    """What one fixed vector for each word, as in notebook 01, can say of the two senses, in one sentence."""
    table = vectors.shipped()
    unit = dict(zip(table.words, table.unit, strict=True))
    near = [
        np.mean([unit[word] @ unit[cue] for cue in sense.cues if cue in unit])
        for sense in lexicon.SENSES[word]
    ]
    first, other = (sense.cues[0] for sense in lexicon.SENSES[word])
    nearer = first if near[0] >= near[1] else other
    return (
        f"GloVe has one vector for “{word}”, after “{first}” and after “{other}” alike. It lies nearer to"
        f" “{nearer}” and its like ({max(near):.2f} against {min(near):.2f})."
    )


def c4(found: Result, gap: Result, because: str | None = None, *, strict: float = 1.0) -> Claim:
    """Verdict on C4 from `measure`; `because` says why it cannot be tested (`untestable`).

    Supported if both halves hold, partly if the senses split but unrelated ones not surely further.
    `strict` multiplies the threshold.
    """
    best = at_best(found)
    own, control = (best.at(shown=one) for one in (OWN, SWAPPED))
    interval = own.interval("word").values - 0.5
    measured, swapped = float(own.values.mean()) - 0.5, float(control.values.mean()) - 0.5
    _, (low, _) = homonymy_minus_polysemy(at_best(gap))
    testable = because is None
    return Claim(
        id="C4",
        text=C4_TEXT,
        test=(
            f"{len(own.values)} words with two senses, after words that settle the sense, in unseen frames:"
            " how often two uses of one sense are more alike than two of different senses (AUC less one half;"
            " block chosen on other words). And whether unrelated senses lie further apart."
        ),
        measured=measured if testable else None,
        interval=(float(interval[0]), float(interval[1])) if testable else None,
        control=f"another word in its place: {swapped:.3f}; the word vector alone: 0 exactly",
        threshold=(
            f"at least {LEAST_ABOVE_GUESSING} above guessing and above the control; unrelated minus related"
            " senses with an interval above 0, else partly"
        ),
        verdict=decide(measured, (float(interval[0]), float(interval[1])), strict * LEAST_ABOVE_GUESSING,
                       [swapped], testable=testable, complete=low > 0),
        model=str(found.about["model"]),
        because=because or (
            f"The state tells the senses apart with an AUC of {measured + 0.5:.2f} ({swapped + 0.5:.2f} with"
            f" another word in the place). {kinds_told(at_best(gap))}."
        ),
    )  # fmt: skip


def c4_again(model: Bridge) -> Again:
    """C4 asked again, for `claims.firm`: with the names that each seed of `states.AGAIN` draws."""
    return {SENTENCES: lambda: (c4(*measure(model, seed=seed)) for seed in states.AGAIN)}


def untestable(model: Bridge, seed: int = 0) -> str | None:
    """Why C4 cannot be tested on this model, in one sentence; None if it can."""
    return states.untestable(model, [one.text for word in lexicon.SENSES for one in shown(word, seed=seed)])


def _alike(
    uses: Float[np.ndarray, "block use d_model"], seen: tuple[Shown, ...]
) -> tuple[Float[np.ndarray, "block pair"], Bool[np.ndarray, "pair"]]:
    """How alike two uses are, for every pair that counts, and whether the two have one sense."""
    unit = uses / np.maximum(np.linalg.norm(uses, axis=2, keepdims=True), 1e-12)
    pair, same = _pairs(seen)
    return np.round(unit @ unit.swapaxes(1, 2), 9)[:, pair], same  # equal vectors, to the last digit


def _told(
    pairs: Float[np.ndarray, "block pair"], same: Bool[np.ndarray, "pair"]
) -> Float[np.ndarray, "block"]:
    return np.array([probes.auc(cosine, same) for cosine in pairs])


def _pairs(seen: tuple[Shown, ...]) -> tuple[Bool[np.ndarray, "use use"], Bool[np.ndarray, "pair"]]:
    """Which pairs count (each once, with other cues and other frames), and which of those have one sense."""
    cue, frame, sense = (np.array([getattr(one, name) for one in seen]) for name in ("cue", "frame", "sense"))
    pair = np.triu((cue[:, None] != cue) & (frame[:, None] != frame), k=1)
    return pair, (sense[:, None] == sense)[pair]


def _uses(seen: tuple[Shown, ...]) -> tuple[str, ...]:
    return tuple(f"{at} {one.cue}" for at, one in enumerate(seen, start=1))


def _about(model: Bridge, seed: int) -> dict:
    return {**models.about(model), "seed": seed, "n": sum(len(shown(w, seed=seed)) for w in lexicon.SENSES)}
