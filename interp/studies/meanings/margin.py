"""C6: each block adds notes to each word. What can be read off a word's state, and after which block?

A note is something that follows from the words before and does not stand at the word itself: whether *cash*
is a verb here, when it all happens, whom *she* means, how somebody felt. A probe reads it off the state; it
is fitted on some words or names and tested on others. Controls: labels in random order, and a network that
was never trained. Reading is not using, so a note's direction is also taken out, to see the next word change.
"""

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import torch
from jaxtyping import Bool, Float

from interp import hooks, models
from interp.claims import SENTENCES, Again, Claim, decide
from interp.languages import message
from interp.methods import probes
from interp.methods.readout import LogitDifference, logits_at_end
from interp.models import Bridge, sizes
from interp.models.untrained import untrained
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Site
from interp.studies.meanings import states
from interp.words.bigger import scenes
from interp.words.bigger.notes import Noted, notes
from interp.words.facts import PAST_TENSE

# The test of C6, fixed before looking at any model
SYNTAX, PASSAGE = ("word class", "tense"), ("coreference", "mood", "story")
TASKS = (*SYNTAX, *PASSAGE)
LEAST_LATER = 1.0  # blocks by which notes on the passage come later than notes on grammar
LEAST_READ = 0.3  # by so much the best AUC exceeds one half, or the note is not there at all
SHARE = 0.9  # a note is there where a probe reaches this share of its best
# Sentences for each note (240 at first: few for ten labels); halves of words or names; random directions
SHOWN, SPLITS, RANDOM = 480, 5, 20
TRAINED, SHUFFLED, UNTRAINED = "this model", "random labels", "never trained"
FEWEST = 60  # sentences: with fewer, some labels are not on both sides of a split
C6_TEXT = message(
    "Each block adds notes to each word: early blocks on grammar, later ones on the passage; the state is a"
    " scratch pad."
)


def read_off(model: Bridge, *, seed: int = 0, sentences: int = SHOWN) -> Result:
    """How well every note is read off the state: Result[reader, note, blocks, split], AUC on unseen words.

    Readers: this model, the same with labels in random order, and a network of this shape that was never
    trained. An AUC of several labels is their mean. Raises ValueError for too few sentences.
    """
    if sentences < FEWEST:
        raise ValueError(
            f"A probe needs at least {FEWEST} sentences for each note, not {sentences}: give more."
        )
    bare = untrained(model, seed=seed)
    own = [_curves(model, task, seed, sentences, orders=(False, True)) for task in TASKS]
    random = [_curves(bare, task, seed, sentences)[0] for task in TASKS]
    values = np.array([[plain for plain, _ in own], [mixed for _, mixed in own], random])
    axes = {
        "reader": (TRAINED, SHUFFLED, UNTRAINED),
        "note": TASKS,
        "blocks": states.depths(model),
        "split": tuple(range(SPLITS)),
    }
    about = {**models.about(model), "seed": seed, "n": sentences}
    return Result(values, axes, "read off the state", "AUC", about)


def beside(found: Result) -> Result:
    """Notes on grammar and on the passage as this model has them, and as both controls do: Result[curve,
    blocks], mean over the notes of a kind and the splits.
    """
    curves = {
        f"{kind}, {reader}": np.mean([found.at(note=n, reader=reader).mean("split").values for n in notes], 0)
        for kind, notes in (("grammar", SYNTAX), ("passage", PASSAGE))
        for reader in found.axes["reader"]
    }
    axes = {"curve": tuple(curves), "blocks": found.axes["blocks"]}
    return Result(np.array([*curves.values()]), axes, found.quantity, found.unit, found.about)


def arrivals(found: Result) -> Result:
    """After how many blocks each note is there, at `SHARE` of its best: Result[note, split], blocks."""
    above = found.at(reader=TRAINED).values - 0.5
    there = above >= SHARE * above.max(axis=1, keepdims=True)
    axes = {"note": found.axes["note"], "split": found.axes["split"]}
    return Result(there.argmax(axis=1), axes, "there after so many blocks", "blocks", found.about)


def legible(found: Result) -> tuple[str, ...]:
    """The notes that can be read: by `LEAST_READ` above guessing, better than off the untrained network."""
    best = found.mean("split").values.max(axis=2)
    rows = zip(found.axes["note"], *best, strict=True)
    return tuple(note for note, own, _, bare in rows if own - 0.5 >= LEAST_READ and own > bare)


def order_told(found: Result) -> str:
    """When each legible note is there, earliest first, and which are not legible, in one sentence."""
    when, there = arrivals(found).mean("split"), legible(found)
    ordered = sorted(there, key=lambda note: float(when.at(note=note)))
    parts = [f"{note}: after {float(when.at(note=note)):.1f} blocks" for note in ordered]
    rest = ", ".join(note for note in TASKS if note not in there)
    return f"{'; '.join([*parts, *([f'not to be read: {rest}'] if rest else [])])}."


@dataclass(frozen=True)
class Note:
    """A direction in the state after a block, between two labels: unit vector, and the middle along it."""

    block: int
    direction: Float[np.ndarray, "d_model"]
    middle: float


def tense_note(model: Bridge, block: int, *, seed: int = 0, sentences: int = SHOWN) -> Note:
    """From present to past, as the difference of the two mean states after this block."""
    return tense_notes(model, seed=seed, sentences=sentences)[block]


def tense_notes(model: Bridge, *, seed: int = 0, sentences: int = SHOWN) -> tuple[Note, ...]:
    """`tense_note` after every block, the first block first, from one reading."""
    known = notes("tense", sentences, seed=seed)
    read = states.at_last_word(model, [one.text for one in known])[1:]
    return tuple(_between(state, known, ("past", "present"), at) for at, state in enumerate(read))


def edited(
    model: Bridge, note: Note, text: str, strength: float
) -> tuple[Float[np.ndarray, "side token"], float]:
    """The chance of every next token before and after the note at the text's last word is edited; and how far
    on the side of the first label (above 0) or the second the word stood, in units of the state.

    The word is moved along the note, until it stands `strength` times as far from the middle: 1 leaves it
    alone, 0 takes the note out. Raises ValueError for a text that cannot be read, or if no note is there.
    """
    if not np.linalg.norm(note.direction) > 0.5:
        raise ValueError(
            "After this block both labels have the same mean state, so there is no note to edit: choose"
            " another block."
        )
    row = Prompts.write(model.tokenizer, [[(None, text)]], context=sizes(model).n_ctx)
    site = Site("resid_post", note.block)
    state = row.at(hooks.record(model, row, [site])[site], "end").double().cpu().numpy()
    own = float(state[0] @ note.direction) - note.middle
    added = torch.tensor((strength - 1) * own * note.direction, dtype=torch.float32)[None, None]
    edit = hooks.Add(site, added, where=row.mask("end"))
    sides = [logits_at_end(model, row, *edits)[0].double().softmax(-1) for edits in ((), (edit,))]
    return torch.stack(sides).cpu().numpy(), own


def erased(model: Bridge, note: Note, *, seed: int = 0, sentences: int = 60) -> Result:
    """How much the right form of the verb loses when the note is taken out at the last word:
    Result[direction, prompt], nats.

    Every state is moved to the middle between the labels, along the note; then along `RANDOM` random
    directions of the same size, whose mean stands beside.
    """
    rows, metric = _verbs(model, seed + 1, sentences)
    site = Site("resid_post", note.block)
    before = metric(logits_at_end(model, rows)).double().cpu().numpy()
    generator = np.random.default_rng(seed)
    state = rows.at(hooks.record(model, rows, [site])[site], "end").double().cpu().numpy()
    shift = (note.middle - state @ note.direction)[:, None]
    others = generator.normal(size=(RANDOM, len(note.direction)))
    ways = [note.direction, *(others / np.linalg.norm(others, axis=1, keepdims=True))]
    lost = np.array([before - _without(model, rows, metric, site, shift * way) for way in ways])
    values = np.stack([lost[0], lost[1:].mean(axis=0)])
    axes = {"direction": ("the note", f"{RANDOM} random directions"), "prompt": tuple(range(len(rows)))}
    about = {**models.about(model), "block": note.block, "seed": seed, "n": len(rows)}
    return Result(values, axes, "lost by the right form", "nats", about)


SENTENCE = ("John", " wants", " his", " bank", " to", " cash", " the")  # the article's own


def pencilled(model: Bridge, *, seed: int = 0) -> Result:
    """The article's diagram, measured: how verb-like each word of its sentence is, Result[word, blocks].

    From probes on words that are verbs and nouns by turns: +1 is the average verb, -1 the average noun, read
    along the line between the two.
    """
    known = notes("word class", SHOWN, seed=seed)
    states_of = states.at_last_word(model, [one.text for one in known])
    verb = np.array([one.label == "verb" for one in known])
    texts = ["".join(SENTENCE[: at + 1]) for at in range(len(SENTENCE))]
    read = states.at_last_word(model, texts)
    rows = []
    for some, own in zip(states_of[1:], read[1:], strict=True):  # a word vector knows of no sentence
        one, other = some[verb].mean(axis=0), some[~verb].mean(axis=0)
        half = (one - other) / 2
        rows.append((own - (one + other) / 2) @ half / max(float(half @ half), 1e-12))
    axes = {"word": tuple(word.strip() for word in SENTENCE), "blocks": states.depths(model)[1:]}
    about = {**models.about(model), "seed": seed, "text": "".join(SENTENCE)}
    return Result(np.array(rows).T, axes, "from noun to verb", "1: verb, -1: noun", about)


def c6(found: Result, taken: Result, because: str | None = None, *, strict: float = 1.0) -> Claim:
    """Verdict on C6 from `read_off` and `erased`; `because` says why it cannot be tested (`untestable`).

    Supported if the notes on the passage come later and taking a note out costs the right form more than
    random directions do; partly without the second. `strict` multiplies the threshold.
    """
    when, there = arrivals(found), legible(found)
    kinds = [[note for note in kind if note in there] for kind in (SYNTAX, PASSAGE)]
    both = all(kinds)
    later = _later(when, kinds) if both else np.zeros(SPLITS)
    low, high = Result(later, {"split": when.axes["split"]}, "later", "blocks").interval("split").values
    measured, (own, random) = float(later.mean()), taken.mean("prompt").values
    gap = Result(taken.values[0] - taken.values[1], {"prompt": taken.axes["prompt"]}, "gap", "nats")
    uses = float(gap.interval("prompt").at(bound="low")) > 0
    testable = because is None
    missing = [note for note in TASKS if note not in there]
    return Claim(
        id="C6",
        text=C6_TEXT,
        test=(
            f"Probes for {len(TASKS)} notes, tested on unseen words or names: by how many blocks notes on the"
            " passage come later than notes on grammar. And whether a note that is taken out is missed."
        ),
        measured=measured if testable else None,
        interval=(float(low), float(high)) if testable else None,
        control=(
            f"not better than a network never trained, or not legible: {', '.join(missing) or 'none'}; random"
            f" directions taken out cost {random:.2f} nats"
        ),
        threshold=(
            f"at least {LEAST_LATER:g} block later; a note taken out costs more than random ones, else partly"
        ),
        verdict=decide(measured, (float(low), float(high)), strict * LEAST_LATER, testable=testable,
                       complete=uses),
        model=str(found.about["model"]),
        because=because or (
            f"Notes: {order_told(found)} Taking out the note on time costs the right"
            f" form {own:.2f} nats, random directions {random:.2f}."
        ),
    )  # fmt: skip


def c6_again(model: Bridge, block: int, found: Result) -> Again:
    """C6 asked again, for `claims.firm`: with a third of the sentences, drawn by each seed of
    `states.AGAIN`, beside the controls of `found`; the note on time is taken out after `block`.
    """
    few = SHOWN // 3

    def made(seed: int) -> Claim:
        own = [_curves(model, task, seed, few)[0] for task in TASKS]
        read = replace(found, values=np.array([own, *found.values[1:]]))
        note = tense_note(model, block, seed=seed, sentences=few)
        return c6(read, erased(model, note, seed=seed))

    return {SENTENCES: lambda: (made(seed) for seed in states.AGAIN)}


def untestable(model: Bridge, *, seed: int = 0) -> str | None:
    """Why C6 cannot be tested on this model, in one sentence; None if it can."""
    return states.untestable(model, [one.text for task in TASKS for one in notes(task, SHOWN, seed=seed)])


def _curves(
    model: Bridge, task: str, seed: int, sentences: int, *, orders: tuple[bool, ...] = (False,)
) -> Float[np.ndarray, "order block split"]:
    """The AUC of one note, with its labels, and (True) with its labels in random order."""
    known = notes(task, sentences, seed=seed)
    state = states.at_last_word(model, [one.text for one in known])
    labels = _one_for_each(known)
    splits = [_train(known, split) for split in range(SPLITS)]
    return np.array([
        [[_auc(some, labels, train, shuffled) for train in splits] for some in state]
        for shuffled in orders
    ])  # fmt: skip


def _one_for_each(known: tuple[Noted, ...]) -> Bool[np.ndarray, "label token"]:
    """For every label, which texts have it."""
    return np.array([[one.label == label for one in known] for label in sorted({one.label for one in known})])


def _train(known: tuple[Noted, ...], split: int) -> Bool[np.ndarray, "token"]:
    """Half of the words or names, drawn for this split: no group is on both sides."""
    groups = sorted({one.group for one in known})
    chosen = set(Random(f"split {split}").sample(groups, len(groups) // 2))
    return np.array([one.group in chosen for one in known])


def _auc(
    state: Float[np.ndarray, "token d"], labels: Bool[np.ndarray, "label token"],
    train: Bool[np.ndarray, "token"], shuffled: bool,
) -> float:  # fmt: skip
    """The mean AUC over the labels of which both sides have some, on the tokens that are not in `train`."""
    taught = probes.shuffled(labels, train) if shuffled else labels
    scores = np.round(probes.fitted(state, taught, train), 9)  # where all states are one, ties and not noise
    pairs = [(score[~train], label[~train]) for score, label in zip(scores, labels, strict=True)]
    return float(np.mean([probes.auc(s, label) for s, label in pairs if 0 < label.sum() < len(label)]))


def _later(when: Result, kinds: list[list[str]]) -> Float[np.ndarray, "split"]:
    syntax, passage = (np.mean([when.at(note=note).values for note in kind], axis=0) for kind in kinds)
    return passage - syntax


def _between(
    state: Float[np.ndarray, "text d_model"], known: tuple[Noted, ...], labels: tuple[str, str], block: int
) -> Note:
    one, other = (state[[noted.label == label for noted in known]].mean(axis=0) for label in labels)
    direction = (one - other) / max(float(np.linalg.norm(one - other)), 1e-12)
    return Note(block, direction, float((one + other) / 2 @ direction))


def _verbs(model: Bridge, seed: int, sentences: int) -> tuple[Prompts, LogitDifference]:
    """Sentences that end before the verb, and the lead of its right form over the other."""
    texts, answers, number = [], [], 0
    while len(texts) < sentences:
        chooser = Random(f"verb {seed} {number}")
        number += 1
        tense, verb = chooser.choice(("past", "present")), chooser.choice(tuple(PAST_TENSE))
        forms = [models.encode(model, f" {scenes.form(verb, one)}")[0] for one in ("past", "present")]
        if forms[0] != forms[1]:
            said = scenes.in_time(chooser, scenes.INSIDE, verb, tense)
            texts.append(said.removesuffix(f" {scenes.form(verb, tense)}."))
            answers.append(forms if tense == "past" else forms[::-1])
    rows = Prompts.write(model.tokenizer, [[(None, text)] for text in texts], context=sizes(model).n_ctx)
    return rows, LogitDifference(*torch.tensor(answers).T)


def _without(
    model: Bridge,
    rows: Prompts,
    metric: LogitDifference,
    site: Site,
    change: Float[np.ndarray, "prompt d_model"],
) -> np.ndarray:
    """The metric when this is added to the state of the last word."""
    added = torch.tensor(change, dtype=torch.float32)[:, None]
    edit = hooks.Add(site, added, where=rows.mask("end"))
    return metric(logits_at_end(model, rows, edit)).double().cpu().numpy()
