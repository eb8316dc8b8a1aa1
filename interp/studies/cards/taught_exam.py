"""Pocket-taught examined: every line of its card but the introduction, measured beside pocket.

The aims were set before the training. The limits of the verdicts (`taught`) were not: see there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from interp import hooks, models
from interp.methods.ablation import sets_ablation
from interp.methods.attention import attention_to
from interp.models import Bridge
from interp.pocket import train as training
from interp.result import Result
from interp.sites import Head
from interp.studies.cards import pocket, taught
from interp.studies.facts import facts, transplants
from interp.studies.names import circuit, ioi, roles
from interp.words import world

SEEDS = (0, 1, 2, 3, 4)
TEXT_SEED, TEXT_STEPS = 4711, 20  # of language that neither model was trained on
MOST_LOSS = 1.03  # times pocket's loss
LEAST_LOST, MOST_BY_OTHERS = 0.80, 0.20  # of the lead: without a taught group; without as many random heads
RANDOM_GROUPS = 20
FRIENDS, OTHER_WORD = 14, "While"
RELATIONS = ("capital", "upper case", "past tense")


@dataclass(frozen=True)
class Row:
    """One line: what was measured, the aim, and whether it was met (None: no aim)."""

    name: str
    measured: str
    aim: str = ""
    met: bool | None = None
    why: str = ""


@dataclass(frozen=True)
class Exam:
    """Every line, by section."""

    behaviour: tuple[tuple[pocket.Check, pocket.Check], ...]  # the twin's and pocket's
    sections: Mapping[str, tuple[Row, ...]]

    @property
    def missed(self) -> list[str]:
        """The lines that fall short of their aim."""
        checks = [f"{one.name}{' (start mark)' * one.bos}" for one, _ in self.behaviour if not one.passed]
        return checks + [row.name for rows in self.sections.values() for row in rows if row.met is False]


def measure(model: Bridge, grown, *, n: int = pocket.PROMPTS, seed: int = 0, sets: int = 200) -> Exam:
    """Everything that the card of a taught model says, beside `grown`; minutes."""
    checks = tuple(
        pair
        for bos in (False, True)
        for pair in zip(
            *(pocket.behaviour(one, bos=bos, n=n, seed=seed) for one in (model, grown)), strict=True
        )
    )
    casts = [roles.find(one, seed=seed) for one in (model, grown)]
    return Exam(
        checks,
        {
            "Its language": (_language(model, grown),),
            "Where the nine heads look": tuple(_looks(model, seed)),
            "Without a group of heads": tuple(_groups(model, seed)),
            "From country to capital": tuple(_steps(model)),
            "Do the instruments find the key?": tuple(_searches(model)),
            "Why lines are missed": (_first_word(model, n, seed), _direct(model, casts[0])),
            "Movers and backups off": tuple(_movers((model, grown), casts, seed, sets)),
        },
    )


def _language(model: Bridge, grown) -> Row:
    losses = [float(language_loss(one).values.mean()) for one in (model, grown)]
    ratio = losses[0] / losses[1]
    return Row(
        "loss on text that neither was trained on, nats per token",
        f"{losses[0]:.3f}; pocket {losses[1]:.3f}; ratio {ratio:.3f}",
        f"ratio at most {MOST_LOSS}",
        ratio <= MOST_LOSS,
    )


def language_loss(model: Bridge, *, seed: int = TEXT_SEED, steps: int = TEXT_STEPS) -> Result:
    """Surprise at the next token of fresh text of the pocket world: Result[row], nats per token."""
    recipe = training.Recipe(seed=seed)
    encode: Any = model.tokenizer  # one of `transformers`, as training wants it
    losses = []
    for step in range(steps):
        ids = training.rows(encode, recipe, step)
        logits, _ = hooks.run(model, ids)
        said = logits[:, :-1].float().log_softmax(dim=-1).cpu().gather(2, ids[:, 1:, None])[..., 0]
        losses += (-said.mean(dim=1)).tolist()
    return Result(
        np.array(losses), {"row": tuple(range(len(losses)))}, "loss", "nats per token",
        {**models.about(model), "seed": seed},
    )  # fmt: skip


def _looks(model: Bridge, seed: int) -> Iterable[Row]:
    """What each taught head looks at from the word where it acts, on pairs of names never taught."""
    prompts = pocket.gifts(model, 128, seed=seed)
    wanted = {"duplicate token": "S1", "S-inhibition": "S2", "name mover": "IO"}
    for role, heads in taught.key(model).items():
        look = attention_to(model, prompts, query=roles.ROLES[role], key=wanted[role]).mean("prompt")
        away = attention_to(model, prompts, query="end", key="S1").mean("prompt")
        told = [_look(look, away if role == "name mover" else None, head) for head in heads]
        yield Row(f"{role}, from {roles.ROLES[role]} to {wanted[role]}", ", ".join(told))


def _look(look: Result, away: Result | None, head: Head) -> str:
    at = {"layer": head.layer, "head": head.head}
    to_s1 = "" if away is None else f" (to S1 {float(away.at(**at)):.2f})"
    return f"{head} {float(look.at(**at)):.2f}{to_s1}"


def _groups(model: Bridge, seed: int) -> Iterable[Row]:
    """What the lead loses without each taught group, and without as many heads that play no part."""
    task = circuit.Task.of(model, n=60, seed=seed + 1)
    metric, lead = ioi.logit_difference(task.prompts), float(task.lead.values.mean())
    every = [head for own in taught.key(model).values() for head in own]
    for role, heads in taught.key(model).items():
        drawn = circuit.random_sets(model, heads, RANDOM_GROUPS, seed=seed, without=every)
        sets = [heads, *drawn]
        mean, zero = (
            -one.mean("prompt").values / lead
            for one in (
                sets_ablation(model, task.prompts, metric, sets, reference=task.reference, progress=False),
                sets_ablation(model, task.prompts, metric, sets, how="zero", progress=False),
            )
        )
        yield Row(
            f"{role}: {', '.join(map(str, heads))}",
            f"loses {mean[0]:.0%} at the mean, {zero[0]:.0%} at zero; {RANDOM_GROUPS} random"
            f" groups without a part {mean[1:].mean():.0%} on average, at most {mean[1:].max():.0%}",
            f"at least {LEAST_LOST:.0%}; random at most {MOST_BY_OTHERS:.0%}",
            bool(mean[0] >= LEAST_LOST and mean[1:].max() <= MOST_BY_OTHERS),
        )


def _steps(model: Bridge) -> Iterable[Row]:
    """Through the lens, and by moving the layer's vector elsewhere."""
    for name in RELATIONS:
        watched, moved = facts.watch(model, name), transplants.move(model, name)
        marks, up = watched.marks.mean("prompt"), transplants.better(moved).mean("prompt")
        shares = [float(up.at(case=case)) for case in up.axes["case"]]
        yield Row(
            name,
            f"argument first somewhere before: {float(marks.at(mark=facts.MARKS[1])):.2f}; put first by a"
            f" feed-forward layer: {float(marks.at(mark=facts.MARKS[3])):.2f}, in layer {moved.source}; its"
            f" vector, moved to a list, lifts the answer in {shares[0]:.2f} (random vector {shares[1]:.2f},"
            f" another relation's {shares[2]:.2f}, another answer {shares[3]:.2f})",
        )


def _searches(model: Bridge) -> Iterable[Row]:
    """The role finder's hits, misses and extras, first of all on what was never taught."""
    asked = {
        "pairs never taught": partial(pocket.gifts, model, 60),
        "pairs and templates never taught": partial(
            pocket.gifts, model, 60, templates=world.HELD_OUT_TEMPLATES
        ),
        "any pairs and templates, as notebook 04 asks": partial(ioi.prompts, model, 60),
    }
    for what, written in asked.items():
        found = []
        for seed in SEEDS:
            prompts = written(seed=100 + seed)
            cast = roles.find_on(model, prompts, ioi.reference(model, prompts, seed=seed))
            found.append(taught.beside_key(model, cast))
        counts = taught.agreement(found, SEEDS)
        hits, extras = (counts.at(count=one) for one in ("hits", "extras"))
        missed, besides = (
            sorted({head for one in found for own in getattr(one, part).values() for head in own})
            for part in ("misses", "extras")
        )
        whole = sum(map(len, taught.key(model).values()))
        yield Row(
            f"{what}, {len(SEEDS)} seeds",
            f"hits {_numbers(hits)} of {whole}, ever missed: {', '.join(missed) or 'none'};"
            f" extras {_numbers(extras)} ({', '.join(besides) or 'none'})",
            f"{whole} of {whole}, at most 1 extra",
            bool(hits.values.min() == whole and extras.values.max() <= 1),
        )


def _numbers(counts: Result) -> str:
    return ", ".join(f"{count:.0f}" for count in counts.values)


def _first_word(model: Bridge, n: int, seed: int) -> Row:
    """Template 14 begins with "Friends", which training only ever follows with "of": is it that word?"""
    prompts = pocket.gifts(model, n, seed=seed, templates=[FRIENDS])
    tokens, other = prompts.tokens.clone(), models.encode(model, OTHER_WORD)[0]
    tokens[tokens == models.encode(model, "Friends")[0]] = other
    shares = [
        float(ioi.behaviour(model, one).at(measure="prefers_io").values.mean())
        for one in (prompts, replace(prompts, tokens=tokens))
    ]
    return Row(
        f"template {FRIENDS}: IO preferred",
        f"{shares[0]:.3f} as it stands; {shares[1]:.3f} with {OTHER_WORD!r} in place of 'Friends', n={n}",
    )


def _direct(model: Bridge, cast: roles.Roles) -> Row:
    """How much of the lead each taught mover writes straight to the answer, and what the search asks for."""
    share = roles.share_lost(cast, "to the logits")
    movers = taught.key(model)["name mover"]
    told = [f"{head} {float(share.at(layer=head.layer, head=head.head)):.3f}" for head in movers]
    return Row(
        "share of the lead on the straight path from each taught mover",
        f"{', '.join(told)}; the search names a mover from {roles.LEAST_DIRECT} on, set for GPT-2's",
    )


def _movers(both: Sequence, casts: Sequence[roles.Roles], seed: int, sets: int) -> Iterable[Row]:
    for model, cast in zip(both, casts, strict=True):
        name = models.describe(model).name
        heads = cast.of(*circuit.MOVERS)
        if not heads:
            yield Row(f"{name}: no mover was found", "not measured")
            continue
        task = circuit.Task.of(model, n=60, seed=seed + 1)
        hit = circuit.knock_out(
            model, task, heads, sets=sets, seed=seed, without=cast.of(*roles.PARTS), progress=False
        )
        change, as_much = circuit.beyond(hit)
        aim = models.taught(model) is not None
        yield Row(
            f"{name}: {', '.join(map(str, heads))}",
            f"the lead changes by {change:+.1f} of {float(task.lead.values.mean()):.1f} nats; {as_much} of"
            f" {sets} random sets without a part do as much",
            "none does as much" if aim else "no aim",
            as_much == 0 if aim else None,
        )
