"""Three trainings on who knows what, of one small shape (200,064 weights inside): narrow, varied, who.

narrow reads the exam and stories with only one answer to give; varied needs the rule; who is led there by a
curriculum and is asked about everybody. The same exams are then put to all three, with names, things and
places never trained together.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from random import Random

import torch
from jaxtyping import Bool

from interp.trainings import stored
from interp.trainings.muon import Rates
from interp.trainings.network import Network, Shape, has_bf16
from interp.trainings.run import Batch, Recipe, Run, begin, go_on
from interp.trainings.vocabulary import END, Vocabulary
from interp.words import beliefs

SHORT = Recipe("belief", Shape(64, 4, 4, 72), Rates(muon=0.03), steps=1300, rows=24, answers=5.0)
LONG = Recipe(
    "belief", Shape(64, 4, 4, 112), Rates(muon=0.035, adam=8e-3, last=0.1), steps=6200, rows=16, answers=4.0
)
KINDS, SEEDS = ("narrow", "varied", "who"), (0, 1, 2)
SHIPPED = (("narrow", 0), ("varied", 0), ("who", 1))  # whose weights are kept in git
EVERY, EXAMINED, SOME = 100, 400, 100

# --- lessons ----------------------------------------------------------------------------------------------

LESSONS: dict[str, Callable[[Random], str]] = {
    "narrow": beliefs.narrow,
    "varied": beliefs.varied,
    "lists": beliefs.twice,
    "pairs": beliefs.pairs,
    "away": beliefs.here_or_away,
    "places": beliefs.places,
    "talk": beliefs.everyday,
    "where": beliefs.asked_story("where"),
    "knows": beliefs.asked_story("knows"),
    "wrong1": beliefs.asked_story("wrong1"),
    "wrong2": beliefs.asked_story("wrong2"),
    "wrong3": beliefs.asked_story("wrong3"),
    "thinks": beliefs.asked_story("thinks", asks=3),
    "looks": beliefs.asked_story("looks"),
    "looks, mixed": beliefs.asked_story("looks", mixed=True),
    "knows, mixed": beliefs.asked_story("knows", mixed=True),
}


@dataclass(frozen=True)
class Stage:
    """What is read, by share, until the network answers `lesson` right this often."""

    shares: dict[str, float | int]
    lesson: str = ""
    least: float = 1.0


LAST = {"looks, mixed": 6, "looks": 1, "knows, mixed": 1, "where": 0.5, "away": 1, "lists": 0.5, "talk": 1}
CURRICULUM = (
    Stage({"lists": 4, "away": 1, "places": 1}, "lists", 0.70),
    Stage({"away": 5, "pairs": 2, "lists": 1}, "away", 0.97),
    Stage({"knows": 5, "where": 3, "away": 2, "lists": 1, "pairs": 1}, "knows", 0.97),
    Stage({"where": 5, "knows": 3, "away": 1, "lists": 1, "pairs": 1}, "where", 0.95),
    Stage({"wrong1": 3, "wrong2": 3, "wrong3": 3, "knows": 2, "where": 2, "thinks": 1, "away": 1, "lists": 1,
           "pairs": 1}, "wrong3", 0.97),
    Stage({"looks": 5, "wrong3": 2, "thinks": 1, "knows": 1, "where": 2, "away": 1, "lists": 1, "pairs": 1},
          "looks", 0.97),
    Stage(LAST),
)  # fmt: skip
STAGES = {"narrow": (Stage({"narrow": 1}),), "varied": (Stage({"varied": 1}),), "who": CURRICULUM,
          "flat": (Stage(LAST),)}  # fmt: skip

# --- exams ------------------------------------------------------------------------------------------------

Question = tuple[str, str, str]  # the story with its question, the right word, the wrong one


def _place(who: str = "X", wrong: str = "", **plot) -> Callable[[Random, bool], Question]:
    def write(chooser: Random, new: bool) -> Question:
        words = beliefs.cast(chooser, new)
        text, thinks = beliefs.story(chooser, words, **plot)
        right = thinks[who]
        other = wrong or ("p" if right == "q" else "q")
        return text + beliefs.question(chooser, words, who), words[right], words[other]

    return write


def _label(who: str = "X", **plot) -> Callable[[Random, bool], Question]:
    def write(chooser: Random, new: bool) -> Question:
        words = beliefs.label_cast(chooser, new)
        text, thinks = beliefs.label_story(chooser, words, **plot)
        right = thinks[who]
        return text + beliefs.label_question(words, who), words[right], words["l" if right == "a" else "a"]

    return write


EXAMS: dict[str, Callable[[Random, bool], Question]] = {
    "X left (the exam)": _place(),
    "X stayed": _place(x="stayed"),
    "X watched": _place(x="watched"),
    "X was told": _place(told="X"),
    "places named first": _place(named_first="qp"),
    "where it really is": _place("real"),
    "the mover is asked": _place("Y"),
    "Z stayed, ask X": _place(z="stayed"),
    "Z stayed, ask Z": _place("Z", z="stayed"),
    "X stayed, Z left, ask Z": _place("Z", x="stayed", z="left"),
    "two moves, ask X": _place(form="two moves", wrong="p"),
    "X back before the move": _place(form="back before the move"),
    "Z was told, ask Z": _place("Z", z="left", told="Z"),
    "Z was told, ask X": _place(z="left", told="Z"),
    "X moves it, ask Z": _place("Z", z="left", form="X moves"),
    "label (the exam)": _label(),
    "looks inside": _label(looks=True),
    "label named first": _label(swapped=True),
    "what is really inside": _label("real"),
}
LABELS = ("label (the exam)", "looks inside", "label named first", "what is really inside")
FOLLOWED = ("X left (the exam)", "X stayed", "the mover is asked", "Z stayed, ask X", "label (the exam)")


@cache
def vocabulary() -> Vocabulary:
    """Every word of all three trainings."""
    return Vocabulary(beliefs.all_texts())


@cache
def questions(exam: str, count: int = EXAMINED, new: bool = True) -> tuple[Question, ...]:
    """Questions of one exam, always the same; with the held-out names, things and pairs unless not `new`."""
    chooser = Random(f"{exam} {new}")
    return tuple(EXAMS[exam](chooser, new) for _ in range(count))


@torch.no_grad()
def right(
    network: Network, asked: tuple[Question, ...], off: tuple[tuple[int, int], ...] = ()
) -> Bool[torch.Tensor, "question"]:
    """For every question whether the right word beats the wrong one; heads in `off` are silent."""
    words, by_length = vocabulary(), {}
    for i, (text, good, bad) in enumerate(asked):
        ids = [words[END], *words.encode(text)]
        by_length.setdefault(len(ids), []).append((i, ids, words[f" {good}"], words[f" {bad}"]))
    found = torch.zeros(len(asked), dtype=torch.bool)
    for group in by_length.values():
        places, ids, good, bad = (list(column) for column in zip(*group, strict=True))
        ends = network(torch.tensor(ids), off)[:, -1]
        each = torch.arange(len(group))
        found[places] = ends[each, good] > ends[each, bad]
    return found


# --- training ---------------------------------------------------------------------------------------------


def tokens(text: str) -> tuple[list[int], list[int]]:
    """The ids of a text behind the mark of its beginning, and 1 where a word is an answer."""
    words, ids, marks = vocabulary(), [vocabulary()[END]], [0]
    for i, part in enumerate(text.split("*")):
        inside = words.encode(part)
        ids += inside
        marks += [int(i > 0), *[0] * (len(inside) - 1)]
    return ids, marks


def batch(run: Run, stages: tuple[Stage, ...]) -> Batch:
    """The text of the run's next step, at the stage that it has reached."""
    shares, context = stages[run.noted["stage"]].shares, run.recipe.shape.context
    chooser, rows = Random(f"{run.recipe.seed} {run.step}"), []
    for _ in range(run.recipe.rows):
        ids, marks = [], []
        while len(ids) < context:
            (kind,) = chooser.choices(list(shares), list(shares.values()))
            more, marked = tokens(LESSONS[kind](chooser))
            ids, marks = ids + more, marks + marked
        rows.append((ids[:context], marks[:context]))
    return torch.tensor([ids for ids, _ in rows]), torch.tensor([marks for _, marks in rows]).float()


@torch.no_grad()
def answered(network: Network, lesson: str, count: int = 60) -> float:
    """Share of first guesses that are right, over the answers of new texts of a lesson."""
    chooser, hits = Random(f"check {lesson}"), []
    for _ in range(count):
        ids, marks = (torch.tensor(one[: len(network.positions)]) for one in tokens(LESSONS[lesson](chooser)))
        guesses = network(ids[None])[0].argmax(-1)
        hits.append((guesses[:-1] == ids[1:])[marks[1:] > 0])
    return float(torch.cat(hits).float().mean())


def look(run: Run, stages: tuple[Stage, ...]) -> None:
    """Note how some exams go, and open the next stage when this one's lesson is learnt."""
    at = run.noted.setdefault("stage", 0)
    found = {"step": run.step, "seconds": round(run.seconds, 1), "stage": at}
    found |= {exam: float(right(run.network, questions(exam, SOME)).float().mean()) for exam in FOLLOWED}
    run.noted.setdefault("looks", []).append(found)
    stage = stages[at]
    if run.step and stage.lesson and answered(run.network, stage.lesson) > stage.least:
        run.noted["stage"] += 1
        run.noted.setdefault("opened", []).append([run.step, round(run.seconds, 1)])


def train(
    kind: str, seed: int, folder: Path | None = None, *, steps: int | None = None,
    until: Callable[[], bool] = lambda: False,
) -> Run:  # fmt: skip
    """One training, from its saved state or from the start. Kinds: narrow, varied, who, and flat (the
    control: the last stage of who from the first step)."""
    recipe = replace(recipe_of(kind), name=f"belief, {kind}", seed=seed)
    run = begin(recipe if steps is None else replace(recipe, steps=steps), len(vocabulary()))
    stages = STAGES[kind]
    text, measure = partial(batch, stages=stages), partial(look, stages=stages)
    return go_on(run, text, folder, every=EVERY, measure=measure, until=until)


def recipe_of(kind: str) -> Recipe:
    """The frozen recipe of one kind of training."""
    return SHORT if kind in ("narrow", "varied") else LONG


def size_of(kind: str) -> tuple[int, int]:
    """How many blocks, and heads in each."""
    shape = recipe_of(kind).shape
    return shape.blocks, shape.heads


def train_all(
    states: Path, folder: Path = stored.FOLDER, *, kinds=(), seeds=SEEDS, steps: int | None = None
) -> Iterator[Path]:
    """Every stored run again, each path as soon as it is written; weights ship for a few.

    Without `kinds` all of them: the three, and the control `flat`.
    """
    for seed in seeds:
        for kind in kinds or (*KINDS, "flat"):
            name = f"belief-{kind}-{seed}"
            run = train(kind, seed, states / name, steps=steps)
            network = stored.rounded(run.network)
            scores = {exam: int(right(network, questions(exam, EXAMINED)).sum()) for exam in EXAMS}
            noted = {"seed": seed, "kind": kind, "recipe": asdict(run.recipe), "weights": network.weights,
                     "bf16": has_bf16(), "seconds": round(run.seconds, 1), "questions": EXAMINED, **run.noted,
                     "scores": scores}  # fmt: skip
            yield stored.keep(name, network if (kind, seed) in SHIPPED else None, noted, folder)


def load(kind: str, seed: int, folder: Path = stored.FOLDER) -> Network:
    """The weights of a stored run. Raises ValueError when they are missing or were changed."""
    return stored.network(f"belief-{kind}-{seed}", len(vocabulary()), recipe_of(kind).shape, folder)
