"""The card of pocket GPT-2: measured by `studies.cards.pocket`, written as Markdown. It analyses nothing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from interp import figures, files, models
from interp.figures.figure import Figure
from interp.models import Bridge
from interp.result import Result
from interp.studies.cards import pocket
from interp.studies.names import ioi

FOLDER = Path(__file__).parent / "pocket"

INTRODUCTION = """# Pocket GPT-2

A small language model with GPT-2's architecture (`GPT2LMHeadModel`, byte-level tokens with their leading
space, tied unembedding). We trained it on short texts that [`words/world.py`](../words/world.py) writes, by
next-word prediction and nothing else; no weight was set by hand. It is a model organism, not a small GPT-2:
it is here so that everything works offline, with circuits that were really learned.

Every number under "What it does" and below was measured by `python -m interp card`, which writes this page.
Repeat it on any machine.
"""

SOURCES = """\
Three sources, three uses. GPT-2 is what the article is about. *Pocket*, grown from text alone, shows offline
how a network finds its own way. *Pocket-taught*, taught on purpose to work the article's way, is the answer
key.
"""

LIMITS = """## What it can and cannot show

It can show how a network that learned from text alone solves these tasks, where in the network the work is
done, and what breaks when a part is removed. It cannot show anything about GPT-2 itself: another model,
trained on real text, may solve the same task in another way. It knows some 500 words; other words are spelled
in pieces and mean nothing to it. Its facts are true but few. Where a line above says *missed*, the model
falls short of what we had set before measuring.

Training never shows it: one pair of names in five as giver and receiver; four names as giver or receiver at
all; templates 5 and 14 of the fifteen; one phrasing per country. Texts: CC BY 4.0; weights and code: MIT.
"""


@dataclass(frozen=True)
class Card:
    """What is on the card: the lines, and the two results that its pictures draw."""

    checks: tuple[pocket.Check, ...]
    stages: Result
    lost: Result

    def figures(self) -> dict[str, Figure]:
        """The stage profile and the worth of every head, by the name they are saved under."""
        staged, share = self.stages.mean("prompt"), self.lost.mean("prompt")
        (layer, head), most = share.top(1)[0]
        layers, end = staged.axes["layer"], staged.at(spot="end").values
        half = next((at for at, carried in zip(layers, end, strict=True) if carried >= 0.5), "the end")
        return {
            "pocket_stages": figures.lines(
                staged,
                along="layer",
                interval=ioi.stages_interval(self.stages),
                guides={"half": 0.5},
                title=f"END carries half of the answer from layer {half} on, of {len(layers)} layers",
                caption="Put in before each layer. S2: the repeated name; END: the last word.",
            ),
            "pocket_heads": figures.heatmap(
                share, title=f"The head worth most, L{layer}H{head}, carries {most:.0%} of the lead"
            ),
        }


def measure(model: Bridge, *, n: int = pocket.PROMPTS, seed: int = 0) -> Card:
    """Everything on the card, with and without the start mark; some minutes on two cores."""
    checks, results = [], []
    for bos in (False, True):
        staged, lost = pocket.stages(model, seed=seed, bos=bos), pocket.heads(model, seed=seed, bos=bos)
        checks += pocket.behaviour(model, bos=bos, n=n, seed=seed)
        checks += pocket.depth(staged, lost, bos=bos)
        results.append((staged, lost))
    return Card(tuple(checks), *results[0])


def write(card: Card, model: Bridge, folder: Path = FOLDER) -> Path:
    """Write README.md and measurements.json into `folder`; returns the page."""
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    described = models.describe(model)
    parts = [
        INTRODUCTION,
        SOURCES,
        _facts(described, record),
        _table(card.checks),
        _stages(card.stages),
        LIMITS,
    ]
    page = folder / "README.md"
    files.write(page, "\n".join(parts).encode())
    rows = [{**asdict(check), "passed": check.passed} for check in card.checks]
    measured = {"weights_sha256": described.weights_sha256, "checks": rows}
    files.write(folder / "measurements.json", (json.dumps(measured, indent=1) + "\n").encode())
    return page


def _facts(card: models.ModelCard, record: dict) -> str:
    recipe, loss = record["recipe"], record["loss"]
    size = f"{card.layers} blocks × {card.heads} heads, width {card.d_model}, {card.vocabulary} tokens"
    curve = " · ".join(f"{step}: {value:.2f}" for step, value in loss.items())
    return f"""## How it was made

- Shape: {size}, context {card.context}.
- Text: {recipe["steps"]} steps of {recipe["rows"]} rows of {recipe["context"]} tokens, written as they are
  read; one row in two begins with `<|endoftext|>`.
- AdamW, peak rate {recipe["learning_rate"]}, weight decay {recipe["weight_decay"]}, seed {recipe["seed"]}.
- Loss by step, nats per token: {curve}.
- Weights: sha256 `{card.weights_sha256}`.
- Again from its seed, with checkpoints at log-spaced steps: `python -m interp train-pocket`.
- Beside it, `tuned_lens.safetensors`: one affine map per block, so that early states can be read; again
  from its seed: `python -m interp tune-lens`.
- Beside it, `seen_words.json`: every word of its training rows, so that widgets can say what it never saw.
"""


def _table(checks: Sequence[pocket.Check]) -> str:
    plain = {check.name: check for check in checks if not check.bos}
    marked = {check.name: check for check in checks if check.bos}
    rows = [
        f"| {name} | {value(plain[name])} | {value(marked[name])} | {goal(plain[name])} |" for name in plain
    ]
    head = "| measured | without `<|endoftext|>` | with it | set beforehand |\n|---|---|---|---|"
    return "\n".join(["## What it does\n", head, *rows, ""])


def value(check: pocket.Check) -> str:
    """What was measured, as a cell of the table: interval, size, and whether it was missed."""
    interval = f" ({check.interval[0]:.3g} to {check.interval[1]:.3g})" if check.interval else ""
    return f"{check.measured:.3g}{interval}, n={check.n}{'' if check.passed else ', **missed**'}"


def goal(check: pocket.Check) -> str:
    """What was set beforehand, as a cell of the table."""
    return f"{'at most' if check.at_most else 'at least'} {check.threshold:g}"


def _share(means: Result, bounds: Result, layer: int, spot: str) -> str:
    low, high = bounds.at(layer=layer, spot=spot).values
    return f"{float(means.at(layer=layer, spot=spot)):.2f} ({low:.2f} to {high:.2f})"


def _stages(staged: Result) -> str:
    means, bounds = staged.mean("prompt"), ioi.stages_interval(staged)
    rows = [
        f"| {layer} | {' | '.join(_share(means, bounds, layer, spot) for spot in ('S2', 'end'))} |"
        for layer in staged.axes["layer"]
    ]
    text = f"""## Where the work is done

The share of the answer that one word carries, when its state before a block is taken from the sentence with
the other giver (activation patching, n={staged.about["n"]}; in brackets 95 % intervals).

| before block | S2 | END |
|---|---|---|"""
    picture = "\n![Share carried by S2 and END before each block](../../figures/pocket/pocket_stages.svg)\n"
    return "\n".join([text, *rows, picture])
