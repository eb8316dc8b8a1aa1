"""What neurons match and what they write, layer by layer: the article's C11 and C12 on the model at hand.

The article takes both from Geva et al. 2020 (arXiv:2012.14913), who studied a 16-layer language model with
a vocabulary of words, trained on WikiText-103. It is no GPT-2, its four famous neurons are in no GPT-2,
and people, not a program, named the patterns there. Here a pattern is counted by a rule, from the top
contexts of a scan.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

import numpy as np
import torch

from interp import hooks, models
from interp.claims import TEXTS, Again, Claim, decide
from interp.languages import message
from interp.methods import scan
from interp.methods.scan import WIDTH, Corpus, Peaks, Table, world_kinds
from interp.methods.scan.shards import AFTER, BEFORE
from interp.models import Bridge, sizes
from interp.result import Result
from interp.sites import Neuron, Site
from interp.words.concepts import CLASSES

PATTERNS = ("one word", "one class of words", "one kind of text", "none of these")
REMOVALS = ("last", "random", "first")
RULES = ("its likeliest word", "any of its ten likeliest")
BATCH = 64
NEURONS_PER_LAYER = 12  # in the test that removes tokens ...
CONTEXTS_PER_NEURON = 3  # ... and how many of its top contexts
SHORTEST = 4  # tokens up to the trigger, so that a first, a last and another one can go

# Fixed before looking at any model
ALIKE = 0.8  # share of a neuron's top contexts that must be alike
LEAST_SHIFT = 0.10  # change in the share between first and last third of the layers, beyond random directions
DIRECTIONS = 512  # random directions per layer, of either kind
AGAIN = (2, 3, 4, 5, 6)  # seeds of other texts, on which the verdicts are asked again ...
TEXTS_AGAIN = 240  # ... and how many of them: all five together are as many as are read at first
CONTROLS = ("random directions", "rotated neurons")
LEAST_AGREEMENT = 0.035  # share of neurons: what Geva et al. found in their best layer, so ours is our best
THEIR_LAST_THIRD = 0.0209  # the mean of their last third, to stand beside ours

C11_TEXT = message(
    "Feed-forward neurons are pattern detectors: early ones match words, late ones match topics."
)
C12_TEXT = message("A matched neuron writes to the state; often it is a tentative guess of the next word.")
C11_PUBLISHED = (
    "another model (16 layers, WikiText-103, no GPT-2; the article's four neurons are its): 73 % of triggers"
    " shallow in layer 1, 22 % in layer 16; semantic 26 % and 56 % (Geva et al. 2020, figure 2)"
)
C12_PUBLISHED = "another model: 0.02 % of neurons in layer 1, 3.5 % in layer 16 (Geva et al. 2020, figure 4)"


def patterns(model: Bridge, table: Table, corpus: Corpus, kinds: Sequence[str] | None = None) -> Result:
    """Which neurons match what: Result[pattern, layer, neuron], 1 for the neuron's pattern, else 0.

    The first of `PATTERNS` of which at least `ALIKE` of the neuron's top contexts are: about the same
    word, about words of one class, in texts of one kind. `kinds` names the kind of every text of the
    corpus; without it, no neuron matches a kind. A rule, not a person, decides, so subtler patterns count
    as "none of these".
    """
    hits = _hits(model, table.peaks(), corpus, kinds)
    first = np.concatenate([hits[:1], hits[1:2] & ~hits[0], hits[2:] & ~hits[0] & ~hits[1]])
    values = np.concatenate([first, ~first.any(axis=0, keepdims=True)]).astype(float)
    axes = {"pattern": PATTERNS, "layer": _layers(table), "neuron": tuple(range(table.d_mlp))}
    return Result(values, axes, "share of neurons", "", _about(table))


def inclusive(model: Bridge, table: Table, corpus: Corpus, kinds: Sequence[str] | None = None) -> Result:
    """As `patterns`, but a neuron counts for every pattern that fits: Result[pattern, layer, neuron], of the
    first three patterns.

    A neuron for one word may be one for a kind of text as well, if that word is said in no other. Counted for
    the first rule only, late neurons would look like topics merely because fewer of them match a word.
    """
    hits = _hits(model, table.peaks(), corpus, kinds)
    axes = {"pattern": PATTERNS[:3], "layer": _layers(table), "neuron": tuple(range(table.d_mlp))}
    return Result(hits.astype(float), axes, "share of neurons", "", _about(table))


def directions(
    model: Bridge, table: Table, corpus: Corpus, kinds: Sequence[str] | None = None, *, seed: int = 0
) -> dict[str, Result]:
    """As `inclusive` for directions that no training has chosen, on the same states: by `CONTROLS`, a
    Result[pattern, layer, neuron] of `DIRECTIONS` per layer.

    What a neuron sees is the state before it, layer-normalised. Random directions are drawn evenly in that
    space. Rotated neurons are the layer's own, all turned together at random: their lengths and the angles
    between them stay.
    """
    peaks = _strongest(model, corpus, _untrained(model, table, seed), table.peaks().window.shape[-1])
    return _controls(_hits(model, peaks, corpus, kinds), table, seed)


def _untrained(model: Bridge, table: Table, seed: int) -> list[torch.Tensor]:
    """Both kinds of `CONTROLS`, layer by layer, one after the other: [d_model direction]."""
    width, chooser = sizes(model).d_model, np.random.default_rng(seed)
    drawn = []
    for layer in range(table.layers):
        own = model.W_in[layer].detach().float().cpu()[:, chooser.permutation(table.d_mlp)[:DIRECTIONS]]
        turn = torch.linalg.qr(torch.from_numpy(chooser.standard_normal((width, width))).float())[0]
        random = torch.from_numpy(chooser.standard_normal((width, DIRECTIONS))).float()
        drawn.append(torch.cat([random, turn @ own], dim=1))
    return drawn


def _controls(hits: np.ndarray, table: Table, seed: int) -> dict[str, Result]:
    """What fits the directions of `_untrained`, taken apart again."""
    parts = hits[..., :DIRECTIONS], hits[..., DIRECTIONS:]
    about = _about(table) | {"seed": seed}
    return {
        name: Result(
            part.astype(float),
            {"pattern": PATTERNS[:3], "layer": _layers(table), "neuron": tuple(range(part.shape[-1]))},
            "share of directions", "", about | {"n": part.shape[-1] * table.layers},
        )
        for name, part in zip(CONTROLS, parts, strict=True)
    }  # fmt: skip


def _hits(model: Bridge, peaks: Peaks, corpus: Corpus, kinds: Sequence[str] | None) -> np.ndarray:
    """Which of the three patterns fits the top contexts: [pattern, layer, neuron]."""
    words, classes = _vocabulary(model)
    tokens = corpus.ids[corpus.starts[peaks.window] + peaks.position]
    of_kind = _numbers(kinds)[corpus.texts[peaks.window]] if kinds else np.full(tokens.shape, -1)
    return np.stack([_alike(one) >= ALIKE for one in (words[tokens], classes[tokens], of_kind)])


def _strongest(model: Bridge, corpus: Corpus, drawn: Sequence[torch.Tensor], k: int) -> Peaks:
    """The `k` windows in which the normalised state lies furthest along each direction [d_model direction],
    one list per layer, and where in them."""
    sites = [Site("resid_mid", layer) for layer in range(len(drawn))]
    best = np.zeros((len(drawn), drawn[0].shape[1], len(corpus)), dtype=np.float32)
    place = np.zeros(best.shape, dtype=np.int32)
    order = sorted(range(len(corpus)), key=lambda window: len(corpus.window(window)))
    for first in range(0, len(order), BATCH):
        some = order[first : first + BATCH]
        rows = [corpus.window(window) for window in some]
        width = max(map(len, rows))
        ids = torch.from_numpy(np.stack([np.pad(row, (0, width - len(row)), mode="edge") for row in rows]))
        at = torch.arange(width)
        outside = (at >= torch.tensor([len(row) for row in rows])[:, None]) | (at < int(corpus.bos))
        seen = hooks.record(model, ids, sites)
        for layer, site in enumerate(sites):
            state = torch.nn.functional.layer_norm(seen[site].float().cpu(), seen[site].shape[-1:])
            along = (state @ drawn[layer]).masked_fill(outside[..., None], -torch.inf)
            value, where = along.max(dim=1)
            best[layer, :, some], place[layer, :, some] = value.numpy(), where.numpy()
    window = np.argsort(-best, axis=-1, kind="stable")[..., :k]
    return Peaks(window, np.take_along_axis(place, window, -1), np.take_along_axis(best, window, -1))


def beside(matched: Result, control: Mapping[str, Result], pattern: str = "one word") -> Result:
    """One pattern in neurons and in the controls: Result[what, layer], shares."""
    named = {"neurons": matched, **control}
    values = np.stack([one.at(pattern=pattern).mean("neuron").values for one in named.values()])
    axes = {"what": tuple(named), "layer": matched.axes["layer"]}
    return Result(values, axes, f"share for {pattern}", "", matched.about)


@dataclass(frozen=True)
class Examples:
    """Contexts to look at: Result[context, place] of activations, the token at each place ("" for none),
    and how many contexts belong to each named neuron.
    """

    activations: Result
    tokens: tuple[tuple[str, ...], ...]
    groups: dict[str, int]
    neurons: tuple[Neuron, ...]


def typical(
    model: Bridge,
    table: Table,
    corpus: Corpus,
    matched: Result,
    kinds: Sequence[str] | None = None,
    *,
    each: int = 2,
) -> tuple[tuple[Neuron, str], ...]:
    """`each` neurons of the first, the middle and the last third of the layers, with what they match.

    By rule: the pattern that is most over-represented in that third, and of its neurons there the ones
    with the largest activations, each matching something else. `matched` comes from `patterns`.
    """
    found: dict[Neuron, str] = {}
    peaks = table.peaks()
    usual = matched.values[:3].mean(axis=(1, 2))
    for layers in np.array_split(np.arange(table.layers), 3):
        part = matched.values[:3, layers]
        pattern = int((part.mean(axis=(1, 2)) - usual).argmax())
        rows, neurons = np.nonzero(part[pattern])
        strongest = np.argsort(-peaks.activation[layers][rows, neurons, 0], kind="stable")
        notes: list[str] = []
        for layer, neuron in zip(layers[rows[strongest]], neurons[strongest], strict=True):
            note = _matched_by(model, corpus, peaks, int(layer), int(neuron), pattern, kinds)
            if note not in notes and len(notes) < each:
                notes.append(note)
                found[Neuron(int(layer), int(neuron))] = note
    return tuple(found.items())


def _matched_by(
    model: Bridge,
    corpus: Corpus,
    peaks: Peaks,
    layer: int,
    neuron: int,
    pattern: int,
    kinds: Sequence[str] | None,
) -> str:
    """What the neuron's top contexts share, in words."""
    windows = peaks.window[layer, neuron]
    if PATTERNS[pattern] == "one kind of text" and kinds:
        return f"texts: {Counter(kinds[int(corpus.texts[w])] for w in windows).most_common(1)[0][0]}"
    tokens = corpus.ids[corpus.starts[windows] + peaks.position[layer, neuron]]
    words = [text.strip().lower() for text in models.token_strings(model, tokens.tolist())]
    if PATTERNS[pattern] == "one word":
        return f"the word {Counter(words).most_common(1)[0][0]}"
    known = {word.lower(): name for word, name in CLASSES.items()}
    return f"words: {Counter(known[word] for word in words if word in known).most_common(1)[0][0]}"


def examples(table: Table, chosen: Sequence[tuple[Neuron, str]], *, contexts: int = 3) -> Examples:
    """The strongest contexts of these neurons, lined up at the token that excites each most (place 0).

    Activations are shares of the neuron's own largest one, so that neurons can be shown together.
    """
    places = range(-BEFORE, AFTER + 1)
    values, texts, names, groups = [], [], [], {}
    for neuron, note in chosen:
        shown = [one for one in table.record(neuron).contexts if one.kind == "top"][:contexts]
        groups[f"{neuron}\n{note}"] = len(shown)
        for context in shown:
            names.append(f"{neuron} {context.rank + 1}")
            row, line = np.full(len(places), np.nan), [""] * len(places)
            first = BEFORE - context.at
            row[first : first + len(context.tokens)] = np.array(context.shades) / shown[0].activation
            line[first : first + len(context.tokens)] = context.tokens
            values.append(np.maximum(row, 0.0))
            texts.append(tuple(line))
    axes = {"context": tuple(names), "place": tuple(places)}
    result = Result(np.array(values), axes, "activation, share of the neuron's largest", "", _about(table))
    return Examples(result, tuple(texts), groups, tuple(neuron for neuron, _ in chosen))


def removals(model: Bridge, table: Table, corpus: Corpus, *, seed: int = 0) -> Result:
    """How the activation changes when one token before or at the trigger is taken out: Result[removal, layer,
    neuron], (without - with) / with, mean over `CONTEXTS_PER_NEURON` top contexts.

    The last token is the trigger itself; the first is the first of the text; the random one lies between.
    `NEURONS_PER_LAYER` neurons of each layer, drawn with `seed`. Source: Geva et al. 2020, section 3.2.
    """
    peaks, chooser = table.peaks(), Random(seed)
    tasks, rows = [], []
    for layer in range(table.layers):
        for slot, neuron in enumerate(_drawn(corpus, peaks, layer, chooser)):
            for context in _long_enough(corpus, peaks, layer, neuron)[:CONTEXTS_PER_NEURON]:
                window, at = peaks.window[layer, neuron, context], peaks.position[layer, neuron, context]
                prefix = corpus.window(int(window))[: at + 1].tolist()
                others = chooser.randrange(corpus.bos + 1, len(prefix) - 1)
                for removal, place in enumerate((len(prefix) - 1, others, int(corpus.bos))):
                    rows.append(prefix[:place] + prefix[place + 1 :])
                    tasks.append((removal, layer, slot, neuron, peaks.activation[layer, neuron, context]))
    after = at_the_end(model, rows, [(task[1], task[3]) for task in tasks])
    changes = np.zeros((len(REMOVALS), table.layers, NEURONS_PER_LAYER))
    counts = np.zeros_like(changes)
    for (removal, layer, slot, _, before), value in zip(tasks, after, strict=True):
        changes[removal, layer, slot] += (value - before) / before
        counts[removal, layer, slot] += 1
    axes = {"removal": REMOVALS, "layer": _layers(table), "neuron": tuple(range(NEURONS_PER_LAYER))}
    about = _about(table) | {"n": NEURONS_PER_LAYER * table.layers, "seed": seed}
    return Result(changes / np.maximum(counts, 1), axes, "change of the activation", "share", about)


def agreement(table: Table, corpus: Corpus) -> Result:
    """Whether a neuron writes the word that follows its best trigger: Result[rule, layer, neuron], 1 or 0.

    Written: output vector times unembedding, the likeliest word or any of the ten likeliest. A trigger at
    the end of its window has no next word and counts as 0. Source: Geva et al. 2020, section 4.2.
    """
    return _agreement(table, table.peaks(), corpus)


def _agreement(table: Table, peaks: Peaks, corpus: Corpus) -> Result:
    following, written = _following(peaks, corpus), _written(table)
    values = np.stack([written[..., 0] == following, (written == following[..., None]).any(axis=-1)])
    axes = {"rule": RULES, "layer": _layers(table), "neuron": tuple(range(table.d_mlp))}
    return Result(values.astype(float), axes, "share of neurons", "", _about(table))


def agreement_by_chance(table: Table, corpus: Corpus) -> Result:
    """As `agreement` when every neuron is paired with the triggers of all neurons of its layer in turn:
    Result[rule, layer], exact.
    """
    return _by_chance(table, table.peaks(), corpus)


def _by_chance(table: Table, peaks: Peaks, corpus: Corpus) -> Result:
    following, written = _following(peaks, corpus), _written(table)
    values = np.zeros((len(RULES), table.layers))
    for layer in range(table.layers):
        next_words = Counter(following[layer].tolist())
        next_words.pop(-1, None)
        for rule, words in enumerate((written[layer, :, :1], written[layer])):
            said = Counter(words.ravel().tolist())
            pairs = sum(said[word] * count for word, count in next_words.items())
            values[rule, layer] = pairs / table.d_mlp**2
    axes = {"rule": RULES, "layer": _layers(table)}
    return Result(values, axes, "share of neurons by chance", "", _about(table))


def c11(matched: Result, control: Mapping[str, Result], *, strict: float = 1.0) -> Claim:
    """Verdict on C11: are there more word neurons early, and more topic neurons late, beyond what directions
    show that no training has chosen? `matched` from `inclusive`, `control` from `directions`.

    One of the two alone makes it `partly`. Without texts of known kinds topics cannot be told. `strict`
    multiplies the threshold.
    """
    early, late = _thirds(matched)
    halves = {"one word": (early, late), "one kind of text": (late, early)}
    found = {pattern: _beyond(matched, control, pattern, *where) for pattern, where in halves.items()}
    holds = [value >= strict * LEAST_SHIFT and interval[0] > 0 for value, interval in found.values()]
    verdict = "supported" if all(holds) else "partly" if any(holds) else "not supported"
    (words, interval), (topics, around) = found.values()
    shifts = ", ".join(
        f"{pattern}: {name} {_shift(one, pattern, *where)[0]:+.3f}"
        for pattern, where in halves.items()
        for name, one in {"neurons": matched, **control}.items()
    )
    return Claim(
        id="C11",
        text=C11_TEXT,
        test=(
            f"Share of neurons whose top contexts are at least {ALIKE:.0%} about one word, first third of the"
            " layers minus last third, beyond the same of directions that no training has chosen (measured);"
            " and of those in one kind of text, last third minus first, beyond the same:"
            f" {topics:+.3f} ({around[0]:+.3f} to {around[1]:+.3f}). A neuron counts for both if both fit."
        ),
        measured=words,
        interval=interval,
        control=f"differences without taking anything off: {shifts}",
        threshold=(
            f"each at least {LEAST_SHIFT:.2f} beyond the stronger control, its interval above zero; one"
            " alone: partly"
        ),
        verdict=verdict,
        model=matched.about["model"],
        published=C11_PUBLISHED,
        because=(
            f"Beyond directions that no training has chosen, word neurons are {words:+.3f} more early than"
            f" late, text neurons {topics:+.3f} more late than early: {sum(holds)} of 2 by at least"
            f" {LEAST_SHIFT:.2f}; in the article's model people, not rules, named the patterns, and no such"
            " control was published."
        ),
    )


def _beyond(
    matched: Result, control: Mapping[str, Result], pattern: str, more: Sequence[int], less: Sequence[int]
) -> tuple[float, tuple[float, float]]:
    """A shift minus that of the stronger control, with its interval by bootstrap over neurons and
    directions. A control that goes the other way adds nothing."""
    stronger = max(control.values(), key=lambda one: _shift(one, pattern, more, less)[0])
    value, drawn = _shifts(matched, pattern, more, less)
    other, others = _shifts(stronger, pattern, more, less)
    taken = others[::-1] if other > 0 else np.zeros_like(others)
    low, high = np.quantile(drawn - taken, (0.025, 0.975))
    return value - max(other, 0.0), (float(low), float(high))


def c12(agrees: Result, chance: Result, *, strict: float = 1.0) -> Claim:
    """Verdict on C12: does what neurons write agree with the next word of their best trigger, in the best
    layer, as in the published study's best layer?

    The layer is chosen on every other neuron, and the share is measured on the rest. A model that was not
    trained on these texts cannot be tested on them. `strict` multiplies the threshold.
    """
    one, luck = agrees.at(rule=RULES[0]).values, chance.at(rule=RULES[0]).values
    layer = int(one[:, ::2].mean(axis=1).argmax())
    values, control = one[layer, 1::2], float(luck[layer])
    interval, measured = _interval(values), float(values.mean())
    _, late = _thirds(agrees)
    corpus, name = str(agrees.about.get("corpus", "")), str(agrees.about["model"])
    testable = corpus != "pocket" or name in models.EMBEDDED
    return Claim(
        id="C12",
        text=C12_TEXT,
        test=(
            f"Share of neurons in the best layer (layer {agrees.axes['layer'][layer]}, chosen on the other"
            " half of the neurons) whose likeliest written word is the next word of their best trigger."
            + ("" if testable else " The texts are of the pocket world, which this model never read.")
        ),
        measured=measured if testable else None,
        interval=interval if testable else None,
        control=(
            f"the triggers of other neurons of the same layer: {control:.3f}; mean of the last third of the"
            f" layers: {float(one[list(late)].mean()):.3f}, published {THEIR_LAST_THIRD:.3f}"
        ),
        threshold=(f"at least {LEAST_AGREEMENT:.1%} of the neurons, and the interval above the control"),
        verdict=decide(
            measured, (interval[0] - control, interval[1] - control), strict * LEAST_AGREEMENT, [control],
            testable=testable,
        ),
        model=name,
        published=C12_PUBLISHED,
        because=(
            f"In the best layer {measured:.1%} of the neurons speak for the next word, {control:.1%} by"
            f" luck; in the published model's best layer {LEAST_AGREEMENT:.1%} did."
            if testable
            else "The texts are of the pocket world, which this model never read: it needs texts of its own."
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Other:
    """What C11 and C12 are decided from, on other texts: as from `inclusive`, `directions`, `agreement` and
    `agreement_by_chance`."""

    matched: Result
    control: Mapping[str, Result]
    agrees: Result
    luck: Result


def on_other_texts(model: Bridge, table: Table, seed: int, *, n: int = TEXTS_AGAIN) -> Other:
    """The same measured on `n` other texts of the pocket world, in one reading and without a scan.

    A neuron is most excited where the normalised state lies furthest along its input weights: its bias adds
    the same everywhere, and GELU keeps the order of what excites.
    """
    other = scan.corpus(model.tokenizer, width=min(WIDTH, sizes(model).n_ctx), limit=n, seed=seed)
    kinds, untrained = world_kinds(n, seed), _untrained(model, table, seed)
    own = [model.W_in[layer].detach().float().cpu() for layer in range(table.layers)]
    both = [torch.cat(pair, dim=1) for pair in zip(own, untrained, strict=True)]
    peaks = _strongest(model, other, both, table.peaks().window.shape[-1])
    hits = _hits(model, peaks, other, kinds)
    axes = {"pattern": PATTERNS[:3], "layer": _layers(table), "neuron": tuple(range(table.d_mlp))}
    matched = Result(hits[..., : table.d_mlp].astype(float), axes, "share of neurons", "", _about(table))
    mine = Peaks(*(part[:, : table.d_mlp] for part in (peaks.window, peaks.position, peaks.activation)))
    control = _controls(hits[..., table.d_mlp :], table, seed)
    return Other(matched, control, _agreement(table, mine, other), _by_chance(table, mine, other))


def again(model: Bridge, table: Table) -> tuple[Again, Again]:
    """C11 and C12 asked again, for `claims.firm`: on the other texts of each seed of `AGAIN`, which are read
    once for both. Nothing where the table is not of texts of the pocket world."""
    if table.about.get("corpus", "pocket") != "pocket":
        return {}, {}

    @cache
    def read(seed: int) -> Other:
        return on_other_texts(model, table, seed)

    return (
        {TEXTS: lambda: (c11(read(seed).matched, read(seed).control) for seed in AGAIN)},
        {TEXTS: lambda: (c12(read(seed).agrees, read(seed).luck) for seed in AGAIN)},
    )


def _vocabulary(model: Bridge) -> tuple[np.ndarray, np.ndarray]:
    """For every token the number of its word (without space and case) and of its class, -1 for none."""
    strings = models.token_strings(model, range(models.describe(model).vocabulary))
    bare = [text.strip().lower() for text in strings]
    known = {word.lower(): name for word, name in CLASSES.items()}
    classes = np.array([known.get(word) or "" for word in bare])
    _, numbers = np.unique(classes, return_inverse=True)
    return np.unique(bare, return_inverse=True)[1], np.where(classes == "", -1, numbers)


def _numbers(names: Sequence[str]) -> np.ndarray:
    return np.unique(np.asarray(names), return_inverse=True)[1]


def _alike(numbers: np.ndarray) -> np.ndarray:
    """The largest share of the last axis that holds one and the same number; -1 is never alike."""
    equal = (numbers[..., :, None] == numbers[..., None, :]) & (numbers[..., :, None] >= 0)
    return equal.sum(axis=-1).max(axis=-1) / numbers.shape[-1]


def _long_enough(corpus: Corpus, peaks: Peaks, layer: int, neuron: int) -> np.ndarray:
    """The top contexts of a neuron that have enough tokens before the trigger and a positive activation."""
    length = peaks.position[layer, neuron] + 1 - corpus.bos
    return np.flatnonzero((length >= SHORTEST) & (peaks.activation[layer, neuron] > 0))


def _drawn(corpus: Corpus, peaks: Peaks, layer: int, chooser: Random) -> list[int]:
    able = [n for n in range(peaks.window.shape[1]) if len(_long_enough(corpus, peaks, layer, n))]
    return chooser.sample(able, min(NEURONS_PER_LAYER, len(able)))


def at_the_end(
    model: Bridge, rows: list[list[int]], places: list[tuple[int, int]], *edits: hooks.Edit
) -> np.ndarray:
    """The activation of one (layer, neuron) at the last token of each row, under these edits."""
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    found = np.zeros(len(rows))
    for first in range(0, len(order), BATCH):
        some = order[first : first + BATCH]
        width = len(rows[some[-1]])
        ids = torch.tensor([[*rows[row], *[rows[row][-1]] * (width - len(rows[row]))] for row in some])
        layers = sorted({places[row][0] for row in some})
        seen = hooks.record(model, ids, [Site("mlp_post", layer) for layer in layers], *edits)
        for line, row in enumerate(some):
            layer, neuron = places[row]
            found[row] = float(seen[Site("mlp_post", layer)][line, len(rows[row]) - 1, neuron])
    return found


def _following(peaks: Peaks, corpus: Corpus) -> np.ndarray:
    """The token after each neuron's best trigger, [layer, neuron]; -1 at the end of a window."""
    place = corpus.starts[peaks.window[..., 0]] + peaks.position[..., 0] + 1
    ends = corpus.starts[peaks.window[..., 0] + 1]
    return np.where(place < ends, corpus.ids[np.minimum(place, len(corpus.ids) - 1)], -1)


def _written(table: Table) -> np.ndarray:
    """The ten tokens each neuron writes most, [layer, neuron, rank]."""
    flat = np.stack(table.neurons["writes"].to_numpy())
    return flat.reshape(table.layers, table.d_mlp, -1)


def _thirds(result: Result) -> tuple[tuple[int, ...], tuple[int, ...]]:
    layers = result.axes["layer"]
    third = max(1, len(layers) // 3)
    return layers[:third], layers[-third:]


def _shift(
    matched: Result, pattern: str, more: Sequence[int], less: Sequence[int]
) -> tuple[float, tuple[float, float]]:
    """Share of neurons in some layers minus that in others, with its interval by bootstrap over neurons."""
    value, drawn = _shifts(matched, pattern, more, less)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return value, (float(low), float(high))


def _shifts(
    matched: Result, pattern: str, more: Sequence[int], less: Sequence[int]
) -> tuple[float, np.ndarray]:
    """The same difference, and as it comes out for neurons drawn again: [draw]."""
    values = matched.at(pattern=pattern).values
    many, few = values[list(more)].ravel(), values[list(less)].ravel()
    generator = np.random.default_rng(0)
    drawn = [part[generator.integers(len(part), size=(2000, len(part)))].mean(axis=1) for part in (many, few)]
    return float(many.mean() - few.mean()), drawn[0] - drawn[1]


def _interval(values: np.ndarray) -> tuple[float, float]:
    generator = np.random.default_rng(0)
    means = values[generator.integers(len(values), size=(2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _layers(table: Table) -> tuple[int, ...]:
    return tuple(range(table.layers))


def _about(table: Table) -> dict:
    names = ("model", "weights_sha256", "model_sha256", "folding", "bos", "corpus", "tokens")
    known = {name: table.about[name] for name in names if name in table.about}  # older tables have one hash
    return known | {"n": table.d_mlp * table.layers}
