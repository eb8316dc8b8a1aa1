"""C19 and C21: who passes the exam, who passes its twins, and what is left of "it understands".

A twin is a story that differs in one thing, and whose right answer is known. Everything here is about the
small models of `trainings.belief`, of our own making. The exams were listed before training; the two
thresholds were written when the stored runs' scores had been seen.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from interp.claims import TRAININGS, Again, Claim, decide
from interp.languages import message
from interp.methods import ngram
from interp.published import beliefs as published
from interp.result import Result
from interp.trainings import belief, stored
from interp.words import beliefs

# The short name of a story in pictures, and the exam it is in `trainings.belief`
NAMED = {
    "exam": "X left (the exam)", "X stayed": "X stayed", "X watched": "X watched",
    "X was told": "X was told", "places first": "places named first", "where really": "where it really is",
    "ask mover": "the mover is asked", "Z stayed: X": "Z stayed, ask X", "Z stayed: Z": "Z stayed, ask Z",
    "Z left: Z": "X stayed, Z left, ask Z",
    "two moves": "two moves, ask X", "X back early": "X back before the move",
    "Z told: Z": "Z was told, ask Z", "Z told: X": "Z was told, ask X", "X moves: Z": "X moves it, ask Z",
    "label": "label (the exam)", "looks inside": "looks inside", "label first": "label named first",
    "truly inside": "what is really inside",
}  # fmt: skip
EXAM, MOVER = "exam", "ask mover"
TWINS, NEVER_TRAINED, LABELS = tuple(NAMED)[1:10], tuple(NAMED)[10:15], tuple(NAMED)[15:]
STORIES = (EXAM, *TWINS, *NEVER_TRAINED)
RUNS = tuple(f"{kind} {seed}" for kind in (*belief.KINDS, "flat") for seed in belief.SEEDS)
HANSES = ("narrow", "varied")
LEAST_EXAM, LEAST_DROP = 0.95, 0.5
BASELINE_ROWS, BASELINE_QUESTIONS, HEAD_QUESTIONS = 3000, 200, 200
DRAWING = ("draw", "circle", "horn", "unicorn")
C19_TEXT = message(
    "Large models pass tests of what somebody believes, small ones fail; critics say: Clever Hans, right"
    " answers for the wrong reasons."
)
C21_TEXT = message("GPT-4 drew a unicorn in TikZ and put the horn back in its place.")


def about() -> dict:
    """What a Result says about these runs."""
    return stored.about("belief")


@cache
def scores(kinds: tuple[str, ...] = (*belief.KINDS, "flat"), stories: tuple[str, ...] = STORIES) -> Result:
    """Share of right answers of the stored runs of these kinds: Result[run, story]; guessing gives a half."""
    names = tuple(run for run in RUNS if run.startswith(kinds))
    each = [_noted(run) for run in names]
    values = [[one["scores"][NAMED[story]] / one["questions"] for story in stories] for one in each]
    axes = {"run": names, "story": stories}
    return Result(np.array(values), axes, "right answers", "share", about() | {"n": each[0]["questions"]})


def labels() -> Result:
    """The same for the article's bag with the wrong label; the third training never read about labels."""
    return scores(HANSES, LABELS)


def worst(kinds: tuple[str, ...], stories: tuple[str, ...] = TWINS) -> float:
    """The lowest share among these stories and the runs of these kinds that pass the exam."""
    table = scores(kinds, stories)
    return min(float(table.at(run=run).values.min()) for run in table.axes["run"] if run in passed())


def passed() -> tuple[str, ...]:
    """The runs that pass the exam."""
    exam = scores().at(story=EXAM)
    return tuple(run for run, share in zip(RUNS, exam.values, strict=True) if share >= LEAST_EXAM)


def rules() -> Result:
    """What simple rules would answer: Result[rule, story], shares of right answers."""
    grams = {f"5-gram, {kind}": _counted(kind) for kind in HANSES}
    values = []
    for story in STORIES:
        asked = belief.questions(NAMED[story], BASELINE_QUESTIONS)
        found = [
            [text.index(f" {good}") < text.index(f" {bad}") for text, good, bad in asked],
            [text.rindex(f" {good}") > text.rindex(f" {bad}") for text, good, bad in asked],
            [_put_in(text) == good for text, good, _ in asked],
            *([_prefers(gram, *question) for question in asked] for gram in grams.values()),
        ]
        values.append([np.mean(one) for one in found])
    axes = {"rule": ("first place", "last place", "where it was put", *grams), "story": STORIES}
    return Result(np.array(values).T, axes, "right answers", "share", about() | {"n": BASELINE_QUESTIONS})


def _put_in(text: str) -> str:
    """The place in the first sentence that puts the thing somewhere."""
    return text.split(" puts the ")[1].split(" in the ")[1].split(".")[0]


def _noted(run: str) -> dict:
    return stored.noted(f"belief-{run.replace(' ', '-')}")


def _counted(kind: str) -> ngram.Ngram:
    run = belief.begin(belief.recipe_of(kind), len(belief.vocabulary()))
    run.noted["stage"] = 0
    rows = []
    for _ in range(BASELINE_ROWS // run.recipe.rows):
        rows.append(belief.batch(run, belief.STAGES[kind])[0])
        run.losses.append(0.0)  # so that the next rows are new ones
    return ngram.counted(rows, len(belief.vocabulary()))


def _prefers(gram: ngram.Ngram, text: str, good: str, bad: str) -> float:
    words = belief.vocabulary()
    said = gram.scores(words.encode(text))
    gap = said[words[f" {good}"]] - said[words[f" {bad}"]]
    return 0.5 if abs(gap) < 1e-9 else float(gap > 0)


def learning(story: str = MOVER, runs: Sequence[str] = ("who 0", "who 1", "who 2", "flat 0")) -> Result:
    """How a kind of story was learnt: Result[run, step], shares of 100 questions, every 200 steps."""
    each = [_noted(run)["looks"][::2] for run in runs]
    values = [[look[NAMED[story]] for look in looks] for looks in each]
    axes = {"run": tuple(runs), "step": tuple(look["step"] for look in each[0])}
    return Result(np.array(values), axes, "right answers", "share", about())


def opened() -> dict[str, list[int]]:
    """At which step each curriculum went on to its next stage, by run; seven stages are six openings."""
    names = [run for run in RUNS if run.startswith("who")]
    return {run: [step for step, _ in _noted(run).get("opened", [])] for run in names}


@cache
def without_head(story: str = MOVER, run: tuple[str, int] = ("who", 1)) -> Result:
    """How many answers stay right when one head is silent: Result[block, head], shares."""
    network, asked = belief.load(*run), belief.questions(NAMED[story], HEAD_QUESTIONS)
    blocks, heads = belief.size_of(run[0])
    values = [
        [float(belief.right(network, asked, ((block, head),)).float().mean()) for head in range(heads)]
        for block in range(blocks)
    ]
    axes = {"block": tuple(range(blocks)), "head": tuple(range(heads))}
    whole = about() | {"n": HEAD_QUESTIONS}
    return Result(np.array(values), axes, f"right answers: {story}", "share", whole)


def needed(run: tuple[str, int] = ("who", 1)) -> tuple[int, int]:
    """The head (block, head) whose silence costs most when the mover is asked."""
    values = without_head(run=run).values
    block, head = np.unravel_index(int(values.argmin()), values.shape)
    return int(block), int(head)


def looked_at(head: tuple[int, int], story: str = MOVER, run: tuple[str, int] = ("who", 1)) -> Result:
    """Where one head looks from the last word: Result[word], mean shares.

    Words: the right place, the wrong one, the asked name in the question, the same name before.
    """
    network, words = belief.load(*run), belief.vocabulary()
    found = []
    for text, good, bad in belief.questions(NAMED[story], 60):
        ids = [words["<|end|>"], *words.encode(text)]
        share = network.looks(torch.tensor([ids]))[head[0], 0, head[1], -1].numpy()
        name = next(i for i in reversed(range(len(ids))) if words.words[ids[i]].strip() in beliefs.NAMES)
        at = {"right place": words[f" {good}"], "wrong place": words[f" {bad}"]}
        places = [[i for i, one in enumerate(ids) if one == want] for want in at.values()]
        before = [i for i in range(name) if ids[i] == ids[name]]
        found.append([share[one].sum() for one in (*places, [name], before)])
    axes = {"word": ("right place", "wrong place", "the asked name", "the same name before")}
    return Result(np.mean(found, axis=0), axes, "share of attention from the last word", "share", about())


def revised() -> Result:
    """Published scores, first and later: Result[model, version]. Not measured here."""
    axes = {"model": published.MODELS, "version": tuple(published.SCORES)}
    values = np.array(list(published.SCORES.values())).T
    return Result(values, axes, "published: stories solved", "share", about() | {"quoted": "GPT-1 to GPT-4"})


def drops(kinds: Sequence[str] = HANSES, *, seed: int | None = None) -> Result:
    """How far each run that passes the exam falls on its worst twin: Result[run], differences of shares. Runs
    of all seeds, or of one."""
    table, end = scores(), "" if seed is None else f" {seed}"
    names = [run for run in passed() if run.startswith(tuple(kinds)) and run.endswith(end)]
    values = [
        float(table.at(run=run, story=EXAM)) - min(float(table.at(run=run, story=twin)) for twin in TWINS)
        for run in names
    ]
    return Result(np.array(values), {"run": tuple(names)}, "exam minus worst twin", "share", about())


def c19(
    kinds: Sequence[str] = HANSES,
    controls: Sequence[str] = ("who",),
    *,
    strict: float = 1.0,
    seed: int | None = None,
) -> Claim:
    """The verdict on the critics' half: passing the exam says little. The half about scale is not tested, so
    it is partly at most.

    `kinds` are the trainings suspected, `controls` those taught who is asked; of all seeds, or of one.
    `strict` multiplies the threshold.
    """
    fell, fair = drops(kinds, seed=seed), drops(controls, seed=seed)
    low, high = np.round(fell.interval("run").values, 9) if len(fell.values) > 1 else (0.0, 0.0)
    measured = float(fell.values.mean()) if fell.values.size else 0.0
    control = float(fair.values.mean()) if fair.values.size else 0.0
    late = [run for run in RUNS if run.startswith("who") and run not in passed()]
    return Claim(
        id="C19",
        text=C19_TEXT,
        model=about()["model"],
        measured=measured,
        interval=(float(low), float(high)),
        verdict=decide(measured, (low, high), strict * LEAST_DROP, [control], complete=False),
        test=(
            f"{len(fell.values)} models of our own making ({', '.join(kinds)}) that pass the exam: the exam's"
            f" share minus that of the worst of {len(TWINS)} twins, new names, things and places. Whether"
            " scale brings the skill is not tested: they have one size."
        ),
        control=(
            f"{len(fair.values)} that were taught who is asked fall by {control:.2f};"
            f" {', '.join(late) or 'none'} of them failed the exam"
        ),
        threshold=f"a drop of at least {LEAST_DROP}, above the control's; without a test of scale: partly",
        published=(
            "Kosinski: GPT-4 95 % at first (2023), 75 % with controls (2024); Ullman 2023: small changes"
            " break it"
        ),
    )


def c19_again() -> Again:
    """C19 asked again, for `claims.firm`: of the runs of each seed alone."""
    return {TRAININGS: lambda: (c19(seed=seed) for seed in belief.SEEDS)}


def c21() -> Claim:
    """The verdict on the unicorn: whether our models have any of the words that a drawing needs."""
    words = belief.vocabulary().words
    known = [word for word in DRAWING if f" {word}" in words]
    return Claim(
        id="C21",
        text=C21_TEXT,
        model=about()["model"],
        measured=None,
        interval=None,
        verdict=decide(0.0, (0.0, 0.0), 1.0, testable=len(known) == len(DRAWING)),
        test=(
            f"Of the words {', '.join(DRAWING)} the {len(words)} words of our models hold {len(known)}. A"
            " drawing needs a model that writes programs; GPT-2 writes none, and GPT-4's weights are closed."
        ),
        control="none",
        threshold="all of these words known, else it cannot be tested",
        published="Bubeck and others 2023 (arXiv:2303.12712), one model, drawings chosen by the authors",
    )
