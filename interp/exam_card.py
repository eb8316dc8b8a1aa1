"""The card of a model grown from the bigger world: old rows, exams, a 5-gram beside. Analyses nothing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from interp import card, files, models
from interp.methods import ngram
from interp.models import Bridge, sizes
from interp.pocket import grow
from interp.studies.cards import exam, pocket

INTRODUCTION = """# A model grown from the bigger world

A small language model with GPT-2's architecture, grown from texts that `words/bigger` writes, by next-word
prediction and nothing else. No weight was set by hand. In some phases parts of it were kept as they were: the
table below says which. It is a model organism, not a small GPT-2.

Every number was measured by `python -m interp card`, which writes this page.
"""
SECOND = """## A second training, which was not taken

It was grown once more from its seed, for one reason: twelve frames for gifts are too few. Gifts were worded
at random, a part of them with words that mean nothing together; 45 % of the second phase were gifts, and it
trained everything in the early blocks; the first was shorter (2800, 1700, 600 and 900 steps, 41 minutes on
one core). The recipe was chosen on six other wordings, in three short runs that began with the first
weights; no wording of training had a word that tells one of the six, or of the eight, from the twelve
frames. The exams were read once, after it.

| right | this model | the second |
|---|---|---|
| gift, outside wordings 1 to 8 | .35 .23 .53 1 .17 .46 .10 .34 | 1 1 .35 .99 1 1 .85 1 |
| IO preferred, held-out templates 5 and 14 | .73 .70 | 1 1 |
| IO preferred, names never seen in a gift | .87 | .99 |
| homonym, polyseme | .94 .95 | .64 .60 |
| whose it is, unseen roles | .99 | .78 |
| what is too big, what is too small | 1 | .56 |
| story: an attribute; one that has changed | .94 .88 | .51 .32 |
| false capital stated first | .94 | .42 |

So open wordings give the gifts, and here they cost the rest. The likeliest reason (looked at, not tested):
with so many words that mean nothing together, copying came late. After 2800 steps the first phase went on
with one of the two names in 14 % of the gifts in its own frames, and of the 3200 steps left the second
phase took 1700. This model is there for senses, twins and stories, so it stays as it is. All rows of the
second, its recipe and its loss are in [second_training.md](second_training.md).
"""
HELD_OUT = """Every item of an exam has a twin with the other answer, which ends in the same four words or in
words that training never puts together. So the 5-gram beside it, counted on all rows of the same training,
can be right about one of two at most. What an exam asks is never said in training: a test looks for it.

To know before reading these figures: evasive answers begin with the country, so the stage "country first" is
put there by text; words of nationality link country and capital before any capital is asked for; answers that
are copied state mostly false values; the early blocks learn surnames while the late ones do not run.
"""

# Rows that a model may miss -> the likeliest reason, from looking at what the first grown model says there
REASONS = {
    "gift, outside wording": (
        "outside the frames it knows, the model copies the name said most, which is the giver's. Letting all"
        " weights of the early blocks learn in the second phase did not change that (tried for 600 steps, on"
        " six other wordings: .00 to .38). The twelve frames are too few: a second training, with gifts"
        " worded at random, got six of the eight (below)"
    ),
    "IO preferred": "as for the outside wordings, what tells the giver hangs on the words around the gift",
    "errand": "the valet comes close behind the friend, whatever the place: where they are is not asked for",
    "whose it is, unseen roles, the world the other way round": (
        "a rule in front is rare in training, and what is usual wins"
    ),
    "he or she": "here the model goes on with a name, not with a pronoun, so what it would say is luck",
    "big, bigger, biggest": "it goes on with a word of the right form, but not of the right adjective",
    "surname": "the early blocks learn surnames before the work is read: the first name alone decides",
    "belief": "it says what is in the bag: training shows true labels, or a belief without a look inside",
}


@dataclass(frozen=True)
class ExamCard:
    """The old rows and the exams."""

    checks: tuple[pocket.Check, ...]
    rows: tuple[exam.Row, ...]
    skews: tuple[exam.Skew, ...] = ()

    @property
    def missed(self) -> tuple[str, ...]:
        """The names of the rows below what was set beforehand."""
        found = [check.name for check in self.checks if not check.passed]
        return tuple(dict.fromkeys([*found, *(row.name for row in self.rows if not row.passed)]))


def is_grown(folder: Path) -> bool:
    """Whether this folder holds a model grown from the bigger world."""
    record = folder / "training.json"
    return record.exists() and json.loads(record.read_text())["recipe"].get("world") == "bigger"


def measure(model: Bridge, folder: Path, *, n: int = pocket.PROMPTS, seed: int = 0) -> ExamCard:
    """Every old row, with and without the start mark, and every exam; some minutes, most for counting."""
    recipe = grow.recipe_of(folder)
    counts = ngram.counted(grow.all_rows(cast(Any, model.tokenizer), recipe), sizes(model).d_vocab)
    checks = card.measure(model, n=n, seed=seed).checks
    return ExamCard(checks, exam.rows(model, counts, seed=seed), exam.skews(model, counts, seed=seed))


def write(measured: ExamCard, model: Bridge, folder: Path) -> Path:
    """Write README.md and measurements.json into `folder`; returns the page."""
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    described = models.describe(model)
    parts = [
        INTRODUCTION,
        _made(described, record),
        _checks(measured.checks),
        _exams(measured.rows),
        _reasons(measured.missed),
        *([SECOND] if grow.recipe_of(folder) == grow.Growth() else []),
        HELD_OUT,
        _skews(measured.skews),
    ]
    page = folder / "README.md"
    files.write(page, "\n".join(parts).encode())
    kept = {
        "weights_sha256": described.weights_sha256,
        "checks": [{**asdict(check), "passed": check.passed} for check in measured.checks],
        "exams": [{**asdict(row), "passed": row.passed} for row in measured.rows],
        "skews": [asdict(one) for one in measured.skews],
    }
    files.write(folder / "measurements.json", (json.dumps(kept, indent=1) + "\n").encode())
    return page


def _made(described: models.ModelCard, record: dict) -> str:
    recipe, trains = record["recipe"], record["trains"]
    size = f"{described.layers} blocks × {described.heads} heads, width {described.d_model}"
    curve = " · ".join(f"{step}: {value:.2f}" for step, value in record["loss"].items())
    phases = "\n".join(
        f"| {number} | {phase['text']} | {trains[phase['trains']]} | {phase['steps']} | {phase['muon']:g} |"
        f" {phase['adam']:g} |"
        for number, phase in enumerate(recipe["phases"], start=1)
    )
    return f"""## How it was made

- Shape: {size}, {described.vocabulary} tokens, context {described.context}; the first
  {recipe["early"]} blocks are the early ones. Seed {recipe["seed"]}.
- Text: {recipe["rows"]} rows of {recipe["context"]} tokens a step.
- Loss by step, nats per token: {curve}.
- Weights: sha256 `{described.weights_sha256}`.
- Again from its seed: `python -m interp train-pocket --world bigger`.

What each phase read, and what it could change; everything else stayed as it was:

| phase | text | trained | steps | Muon's rate | AdamW's rate |
|---|---|---|---|---|---|
{phases}
"""


def _checks(checks: Sequence[pocket.Check]) -> str:
    plain, marked = ({c.name: c for c in checks if c.bos == bos} for bos in (False, True))
    rows = [
        f"| {name} | {card.value(plain[name])} | {card.value(marked[name])} | {card.goal(plain[name])} |"
        for name in plain
    ]
    head = "| measured | without `<|endoftext|>` | with it | set beforehand |\n|---|---|---|---|"
    return "\n".join(["## What it does\n", head, *rows, ""])


def _exams(rows: Sequence[exam.Row]) -> str:
    head = "| exam | claim | right | 5-gram | set beforehand |\n|---|---|---|---|---|"
    return "\n".join(["## Exams\n", head, *map(_line, rows), ""])


def _reasons(missed: Sequence[str]) -> str:
    """The likeliest reason of each kind of miss."""
    kinds = {key: why for key, why in REASONS.items() if any(name.startswith(key) for name in missed)}
    lines = [f"- *{key}*: {why}." for key, why in kinds.items()]
    return (
        "\n".join(["What was missed, and the likeliest reason (looked at, not tested):\n", *lines, ""])
        if lines
        else ""
    )


def _skews(skews: Sequence[exam.Skew]) -> str:
    head = "| who | planted in the text | in the model | 5-gram |\n|---|---|---|---|"
    title = "## How often *he* follows, in a sentence that training never says\n"
    return "\n".join([title, head, *map(_skewed, skews), ""])


def _skewed(one: exam.Skew) -> str:
    (low, high), counted = one.interval, "" if one.counted is None else f"{one.counted:.2f}"
    found = f"{one.measured:.2f} ({low:.2f} to {high:.2f}), n={one.n}"
    return f"| {one.who} | {one.planted:.2f} | {found} | {counted} |"


def _line(row: exam.Row) -> str:
    low, high = row.interval
    missed = "" if row.passed else ", **missed**"
    counted = "" if row.counted is None else f"{row.counted:.2f}"
    return (
        f"| {row.name} | {row.claim} | {row.measured:.3g} ({low:.3g} to {high:.3g}), n={row.n}{missed} |"
        f" {counted} | at least {row.least:g} |"
    )
