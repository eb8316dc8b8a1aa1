"""The card of pocket-taught: measured by `studies.cards.taught_exam`, written as Markdown."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from interp import files, models
from interp.card import SOURCES, goal, value
from interp.models import Bridge
from interp.studies.cards import pocket, taught
from interp.studies.cards.taught_exam import Exam, Row
from interp.studies.names import roles

INTRODUCTION = """# Pocket-taught

The twin of [pocket](../pocket/README.md): the same shape, the same words, the same behaviour, another way of
working. Pocket grew from text alone. The twin was then *taught* to work the way the article tells, by
interchange interventions: parts of the network were taken from another sentence while it read this one, and
it had to answer as it should if those parts do what the article says. **A verdict on it tests our
instruments, not the article:** the article's circuit is there because we put it there. Claims that were
taught therefore read *as taught* or *instrument failed*, never *supported*.

Every number below was measured by `python -m interp card --model pocket-taught`, which writes this page.
"""
LIMITS = """## What was taught, and what was not

Taught: the nine heads and the two layers of the answer key; which words the heads look at, for the first part
of the training only (that guide is gone before the end); that the last word reads as the country before the
layer that answers. Not taught: everything outside the key, among it pronouns (C7), what makes a name likely
at all (C9), memory against looking up (C15), simple facts (C16), and that a vector of the
step can be moved elsewhere. How much must be found for *as taught* was written down after a first look at
these weights; the aims above were set before the training. What training never shows pocket, it never shows
the twin: one pair of names in five, four names, templates 5 and 14, one phrasing per country. The key is one
choice among many; it is not GPT-2's circuit, which has 26 heads in seven classes. Texts: CC BY 4.0; weights
and code: MIT.
"""


def write(exam: Exam, model: Bridge, folder: Path) -> Path:
    """Write README.md and measurements.json into `folder`; returns the page."""
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    parts = [
        INTRODUCTION,
        SOURCES,
        _made(models.describe(model), record),
        _key_table(model),
        _behaviour(exam.behaviour),
    ]
    parts += [_section(title, rows) for title, rows in exam.sections.items()]
    page = folder / "README.md"
    files.write(page, "\n".join([*parts, LIMITS]).encode())
    measured = {
        "weights_sha256": models.describe(model).weights_sha256,
        "checks": [{**asdict(check), "passed": check.passed} for check, _ in exam.behaviour],
        "sections": {title: [asdict(row) for row in rows] for title, rows in exam.sections.items()},
    }
    files.write(folder / "measurements.json", (json.dumps(measured, indent=1) + "\n").encode())
    return page


def _made(described: models.ModelCard, record: dict) -> str:
    recipe = record["recipe"]
    curves = [
        f"- {part}: " + " · ".join(f"{step}: {loss:.2f}" for step, loss in curve.items())
        for part, curve in record["loss"].items()
    ]
    return f"""## How it was made

- From pocket's weights, {recipe["steps"]} steps, seed {recipe["seed"]}: {recipe["rows"]} rows of language,
  {recipe["groups"]} groups of {recipe["per_group"]} gift sentences, {recipe["countries"]} questions about
  countries and a quarter as many about upper case and past tense. AdamW, peak rate {recipe["learning_rate"]}.
- The guide for the nine heads' attention counts {recipe["guide"]} until {recipe["guide_full"]:.0%} of the
  steps, then fades; from {recipe["guide_gone"]:.0%} on it counts nothing.
- Again: `python -m interp train-taught` (the shipped run: 19 minutes on one core, other programs beside it).
- Weights: sha256 `{described.weights_sha256}`.

Loss by step, nats (mean of the last tenth of the steps):

{chr(10).join(curves)}
"""


def _key_table(model: Bridge) -> str:
    rows = [
        f"| {role} | {', '.join(map(str, heads))} | {roles.ROLES[role]} |"
        for role, heads in taught.key(model).items()
    ]
    key = f"""| the country stands at the last word | before block {taught.ARGUMENT_BEFORE} | end |
| what turns it into its capital is added | feed-forward layer {taught.STEP_LAYER} | end |
"""
    head = "## The answer key\n\n| part | taught to | acts at |\n|---|---|---|"
    return "\n".join([head, *rows, key])


def _behaviour(pairs: Sequence[tuple[pocket.Check, pocket.Check]]) -> str:
    head = "| measured | pocket-taught | pocket | set beforehand |\n|---|---|---|---|"
    rows = [
        f"| {own.name}{', after the start mark' * own.bos} | {value(own)} | {value(other)} | {goal(own)} |"
        for own, other in pairs
    ]
    return "\n".join(["## What it does, beside pocket\n", head, *rows, ""])


def _section(title: str, rows: Sequence[Row]) -> str:
    lines = [f"## {title}\n", "| what | measured | aim |", "|---|---|---|"]
    for row in rows:
        mark = {True: "met", False: "**missed**", None: ""}[row.met]
        lines.append(f"| {row.name} | {row.measured} | {', '.join(filter(None, (row.aim, mark)))} |")
    return "\n".join([*lines, ""])
