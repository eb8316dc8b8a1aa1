"""What a taught model is for: its answer key against what the instruments find.

A verdict on a taught model says nothing about the article: the model was made to do what the article says. It
says whether our instruments find what is known to be there. So claims that were taught read `as taught` or
`instrument failed`; the others are judged as anywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from interp import models
from interp.claims import Claim
from interp.models import Bridge
from interp.pocket_taught.key import ARGUMENT_BEFORE, STEP_LAYER
from interp.result import Result
from interp.sites import Head
from interp.studies.facts import facts, transplants
from interp.studies.names.roles import Roles

# Written after a first look at the shipped weights (8 of 9 heads found, the step in layer 6): not blind
MOST_EXTRA = 1  # heads said to play a taught part although they were not taught it
LEAST_FOUND = 0.5  # of the heads of every role, and of the parts of every other key: more than this


@dataclass(frozen=True)
class Found:
    """The key against what was found: what is in both, only in the key, only found; by part of the key."""

    hits: Mapping[str, tuple[str, ...]]
    misses: Mapping[str, tuple[str, ...]]
    extras: Mapping[str, tuple[str, ...]]

    @property
    def enough(self) -> bool:
        """Whether more than half of every part was found, and at most `MOST_EXTRA` besides."""
        halves = (
            len(own) > LEAST_FOUND * (len(own) + len(self.misses[part])) for part, own in self.hits.items()
        )
        return all(halves) and sum(map(len, self.extras.values())) <= MOST_EXTRA

    def told(self) -> str:
        """The three in one sentence."""
        hits, misses, extras = (_listed(one) for one in (self.hits, self.misses, self.extras))
        whole = sum(len(own) for one in (self.hits, self.misses) for own in one.values())
        count = sum(map(len, self.hits.values()))
        return f"found {count} of {whole} ({hits}); missed: {misses}; not taught but found: {extras}"


def key(model: Bridge) -> dict[str, tuple[Head, ...]]:
    """The heads that were taught each role; empty for a model that was taught nothing."""
    return {role: tuple(map(Head.parse, heads)) for role, heads in (models.taught(model) or {}).items()}


def beside_key(model: Bridge, cast: Roles) -> Found:
    """The heads that the search named for the taught roles, beside those that were taught them."""
    return _beside(key(model), {role: cast.heads.get(role, ()) for role in key(model)})


def judged(claim: Claim, found: Found | None) -> Claim:
    """The claim with the verdict that fits a taught model; unchanged where there is no key (None).

    `as taught`: the test passed and enough of the key was found. Else the instrument failed, since what it
    looks for is there.
    """
    if found is None:
        return claim
    passed = claim.verdict in ("supported", "partly") and found.enough
    return replace(
        claim,
        verdict="as taught" if passed else "instrument failed",
        control=f"{claim.control}; beside the answer key: {found.told()}",
    )


def c8(model: Bridge, claim: Claim, cast: Roles) -> Claim:
    """The verdict on C8, on a taught model as one about the instruments."""
    return judged(claim, beside_key(model, cast) if key(model) else None)


def c13(model: Bridge, claim: Claim, watched: facts.Watched) -> Claim:
    """The verdict on C13: was the country first before the taught layer, and the capital from it on?"""
    if not key(model):
        return claim
    share = facts.firsts(watched).mean("prompt")
    words = share.axes["word"]
    first = {
        f"{word} first after layer {layer}": float(share.at(word=word, layer=layer)) >= LEAST_FOUND
        for word, layers in zip(words, (range(ARGUMENT_BEFORE - 1, STEP_LAYER), (STEP_LAYER,)), strict=True)
        for layer in layers
    }
    return judged(claim, _parts(first))


def c14(model: Bridge, claim: Claim, steps: Sequence[transplants.Step]) -> Claim:
    """The verdict on C14: is the step where it was taught? If not, the instrument failed.

    No vector was taught to work elsewhere. So whether it does is judged as on any model, and the verdict
    stays.
    """
    if not key(model):
        return claim
    found = _parts({
        f"{one.name} in layer {STEP_LAYER}": transplants.step_layer(model, one.name) == STEP_LAYER
        for one in steps
    })  # fmt: skip
    control = f"{claim.control}; the step beside the answer key: {found.told()}; no vector was taught to move"
    return replace(claim, control=control, verdict=claim.verdict if found.enough else "instrument failed")


def check(model: Bridge, answer: Mapping[str, Iterable[str | Head]]) -> str:
    """How many of the heads that a reader names for each role are right, without giving the others away.

    Raises ValueError for a text that names no head, and for a role that was not taught.
    """
    taught = key(model)
    if not taught:
        return (
            f"{models.describe(model).name} was taught nothing, so nobody knows the answer: there is no key."
        )
    wrong = [role for role in answer if role not in taught]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no part that was taught: choose from {', '.join(taught)}.")
    given = {
        role: [head if isinstance(head, Head) else Head.parse(head) for head in answer.get(role, ())]
        for role in taught
    }
    lines = []
    for role, own in taught.items():
        right = len(set(own) & set(given[role]))
        lines.append(f"{role}: {right} of {len(own)} found, {len(set(given[role])) - right} wrong")
    return ". ".join(lines) + "."


def agreement(found: Sequence[Found], seeds: Sequence[int]) -> Result:
    """Hits, misses and extras of several searches: Result[seed, count]."""
    counts = [[sum(map(len, part.values())) for part in (one.hits, one.misses, one.extras)] for one in found]
    axes = {"seed": tuple(seeds), "count": ("hits", "misses", "extras")}
    return Result(np.array(counts, dtype=float), axes, "heads beside the answer key", "heads")


def _beside(taught: Mapping[str, Sequence[Head]], named: Mapping[str, Sequence[Head]]) -> Found:
    def part(chosen) -> dict[str, tuple[str, ...]]:
        return {
            role: tuple(map(str, sorted(chosen(set(own), set(named[role]))))) for role, own in taught.items()
        }

    return Found(part(set.intersection), part(set.difference), part(lambda own, other: other - own))


def _parts(held: Mapping[str, bool]) -> Found:
    """A key of single statements, each of which held or did not."""
    return Found(
        {part: (part,) if held[part] else () for part in held},
        {part: () if held[part] else (part,) for part in held},
        dict.fromkeys(held, ()),
    )


def _listed(parts: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(name for own in parts.values() for name in own) or "none"
