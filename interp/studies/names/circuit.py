"""How much of the task a circuit does: faithful, complete, minimal, and the verdict on C8.

Everything outside the circuit is replaced by its mean over ABC sentences, per template and position
(`methods.circuits`). `F(C)` is the lead that a circuit C keeps on its own, `F(M)` that of the whole model.
Source: Wang et al. 2022 (arXiv:2211.00593), section 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from interp import models
from interp.claims import SENTENCES, ZERO, Again, Claim, decide, shifted
from interp.languages import message
from interp.methods.ablation import sets_ablation
from interp.methods.circuits import Node, circuits_isolated, nodes_removed
from interp.models import Bridge
from interp.prompts import Prompts
from interp.published import circuits, model_of_shape
from interp.result import Result
from interp.sites import Head
from interp.studies.names import ioi
from interp.studies.names.roles import BLOCKS, COPIES, LEAST_PREFERRED, NOTICES, PARTS, ROLES, Roles

# The test of C8, fixed before looking at any model
LEAST_EXPLAINED = 0.80  # share of the lead that the article's heads must keep alone to "explain" it
CONTROL_CIRCUITS, CONTROL_SETS = 20, 200
AGAIN = (2, 3, 4, 5, 6)  # seeds of other sentences, on which the verdict is asked again
LEAST_NEEDED = (
    0.01  # share of the lead that every head of a minimal circuit is worth (Wang et al., section 4.2)
)
# The article's parts, in the article's own roles, and in any role that does the same
STRICT_PARTS = {
    "copy the name": ("name mover",), "block the repeated name": ("S-inhibition",),
    "notice the repetition": ("duplicate token",),
}  # fmt: skip
ARTICLE_PARTS = {"copy the name": COPIES, "block the repeated name": BLOCKS, "notice the repetition": NOTICES}
MOVERS = (*COPIES, "backup name mover")  # what the paper's knock-out silences together
WRITERS = (*MOVERS, "subject suppressor", "other writer")  # all who write about either name, wider than that

ARTICLE_CLAIM = message(
    "Nine heads explain how the model finds the name: three name movers copy it, four "
    "subject-inhibition heads block the repeated name, two duplicate-token heads notice the repetition."
)


@dataclass(frozen=True)
class Task:
    """The prompts of one study, their ABC references and the untouched lead: Result[prompt], nats."""

    prompts: Prompts
    reference: Prompts
    lead: Result
    preferred: float

    @classmethod
    def of(cls, model: Bridge, *, n: int = 60, seed: int = 1, bos: bool = False) -> "Task":
        """`n` prompts of this seed; choose another seed than the one on which the roles were found."""
        prompts = ioi.prompts(model, n, seed=seed, bos=bos)
        does = ioi.behaviour(model, prompts)
        preferred = float(does.at(measure="prefers_io").values.mean())
        return cls(
            prompts, ioi.reference(model, prompts, seed=seed), does.at(measure="logit_difference"), preferred
        )


def lead_kept(
    model: Bridge,
    task: Task,
    circuits: Mapping[str, Sequence[Node]],
    *,
    how: str = "mean",
    progress: bool = True,
) -> Result:
    """F(C), the lead that each circuit keeps when all else is replaced by its mean, or by nothing (`how`
    "zero"): Result[circuit, prompt], nats."""
    ioi.check_reference(model, task.reference)
    metric = ioi.logit_difference(task.prompts)
    change = circuits_isolated(
        model, task.prompts, metric, list(circuits.values()), reference=task.reference, how=how,
        progress=progress,
    )  # fmt: skip
    axes = {"circuit": tuple(circuits), "prompt": change.axes["prompt"]}
    return Result(change.values + task.lead.values, axes, "lead kept", "nats", change.about)


def without(
    model: Bridge, task: Task, sets: Mapping[str, Sequence[Node]], *, progress: bool = True
) -> Result:
    """F(M without K), the lead of the whole model without each set of nodes: Result[set, prompt], nats."""
    ioi.check_reference(model, task.reference)
    metric = ioi.logit_difference(task.prompts)
    change = nodes_removed(
        model, task.prompts, metric, list(sets.values()), reference=task.reference, progress=progress
    )
    axes = {"set": tuple(sets), "prompt": change.axes["prompt"]}
    return Result(change.values + task.lead.values, axes, "lead left", "nats", change.about)


def shares(kept: Result, task: Task) -> tuple[Result, Result]:
    """Share of the lead, and its 95 % interval by bootstrap over prompts: Result[...] and Result[...,
    bound]."""
    whole = task.lead.mean("prompt")
    relative = kept.mean("prompt")
    return (
        Result(
            relative.values / float(whole),
            relative.axes,
            _of_the_lead(kept.quantity),
            "share",
            kept.about,
        ),
        replace(
            kept.interval("prompt", relative_to=task.lead),
            quantity=_of_the_lead(kept.quantity),
            unit="share",
        ),
    )


def article_nodes(model: Bridge, roles: Roles) -> tuple[Node, ...]:
    """The article's heads: the published nine where they are about this model, else those found in its
    three parts."""
    published = published_circuit(model, "article")
    if published is None:
        return roles.nodes(*COPIES, *BLOCKS, *NOTICES)
    return tuple(Node(head, part.spot) for part in published.values() for head in part.heads)


def strict_parts(model: Bridge, roles: Roles) -> dict[str, tuple[Node, ...]]:
    """The article's three parts in the article's own roles: the published nine heads where they are about
    this model, else those found in these roles. A part that nobody plays is empty."""
    published = published_circuit(model, "article")
    if published is None:
        return {part: roles.nodes(*names) for part, names in STRICT_PARTS.items()}
    return {
        part: tuple(Node(head, published[name].spot) for name in names for head in published[name].heads)
        for part, names in STRICT_PARTS.items()
    }


def strict_nodes(model: Bridge, roles: Roles) -> tuple[Node, ...]:
    """The heads of `strict_parts`, in order; none where nobody plays any."""
    return tuple(sorted({node for nodes in strict_parts(model, roles).values() for node in nodes}))


def heads_at(nodes: Sequence[Node]) -> tuple[Head, ...]:
    """The heads of these nodes, each once, in order."""
    return tuple(sorted({node.head for node in nodes}))


def published_circuit(model: Bridge, telling: str = "paper") -> Mapping[str, circuits.Part] | None:
    """The published circuit for a model of this shape, by class of heads; None where none is published."""
    return circuits.circuit(model_of_shape(*models.describe(model).shape), telling)


def beside_published(model: Bridge, roles: Roles) -> dict[str, str]:
    """Found beside published, to be read: role -> hits, misses and extras.

    One line that says so where no circuit is published for a model of this shape.
    """
    published = published_circuit(model)
    if published is None:
        return {"published": f"no circuit for a model of the shape of {models.describe(model).name}"}
    lines = {
        role: _compared(set(roles.heads.get(role, ())), set(part.heads)) for role, part in published.items()
    }
    extra = {role: heads for role, heads in roles.played().items() if role not in published}
    return lines | {
        f"{role} (no class of the paper)": f"extras {', '.join(map(str, heads))}"
        for role, heads in extra.items()
    }


def _compared(found: set[Head], listed: set[Head]) -> str:
    parts = {"hits": found & listed, "misses": listed - found, "extras": found - listed}
    told = (f"{name} {', '.join(map(str, sorted(heads))) or 'none'}" for name, heads in parts.items())
    return "; ".join(told)


def with_controls(model: Bridge, chosen: Mapping[str, Sequence[Node]], *, n: int = 5, seed: int = 0) -> dict:
    """These circuits, and `n` random ones as large as the last of them and at the same words."""
    named = {name: nodes for name, nodes in chosen.items() if nodes}
    last = list(named.values())[-1] if named else ()
    return {**named, **(random_circuits(model, last, n, seed=seed) if last else {})}


def told(kept: Result) -> str:
    """The shares that the named circuits keep, in one sentence; random ones are left out."""
    named = [name for name in kept.axes["circuit"] if not str(name).startswith("random")]
    parts = (f"{name} {float(kept.at(circuit=name)):.0%}" for name in named)
    return f"Share of the lead kept alone: {', '.join(parts)}"


def largest_gap(complete: Result) -> tuple[str, float]:
    """Where circuit and model differ most, and by how many nats, from the result of `completeness`."""
    means = complete.mean("prompt")
    gaps = np.abs(means.at(run="circuit").values - means.at(run="model").values)
    return str(complete.axes["removed"][int(gaps.argmax())]), float(gaps.max())


def spread(hit: Result, k: int = 12) -> Result:
    """`k` of the random sets of a knock-out, evenly from the lowest change to the highest: Result[set],
    nats."""
    hit = hit.mean("prompt")
    ordered = np.sort(hit.values[1:])
    kept = np.linspace(0, len(ordered) - 1, min(k, len(ordered))).round().astype(int)
    labels = tuple(f"rank {at + 1}" for at in kept)
    return Result(ordered[kept], {"set": labels}, hit.quantity, hit.unit, hit.about)


def random_sets(
    model: Bridge, heads: Sequence[Head], n: int, *, seed: int = 0, without: Sequence[Head] = ()
) -> list[list[Head]]:
    """`n` random sets of as many other heads, none of them in `without`; they may overlap. Raises ValueError
    if too few remain.
    """
    others = [head for head in models.every_head(model) if head not in {*heads, *without}]
    if len(others) < len(heads):
        raise ValueError(
            f"A control for {len(heads)} heads needs as many others, but only {len(others)} remain: choose"
            " fewer heads."
        )
    chooser = Random(seed)
    return [chooser.sample(others, len(heads)) for _ in range(n)]


def random_circuits(
    model: Bridge, nodes: Sequence[Node], n: int = CONTROL_CIRCUITS, *, seed: int = 0
) -> dict[str, tuple[Node, ...]]:
    """`n` circuits of as many other heads at the same words, heads drawn at random."""
    heads = [node.head for node in nodes]
    return {
        f"random {at + 1}": tuple(Node(head, node.spot) for head, node in zip(drawn, nodes, strict=True))
        for at, drawn in enumerate(random_sets(model, heads, n, seed=seed))
    }


def completeness(
    model: Bridge, task: Task, roles: Roles, *, random: int = 10, seed: int = 0, progress: bool = True
) -> Result:
    """Does the circuit stand for the model when parts are missing? Result[removed, run, prompt], nats.

    For no part, every role and `random` sets of half of the nodes: the lead of the circuit and of the whole
    model without that part. A complete circuit loses what the model loses. Source: Wang et al. 2022,
    section 4.1.
    """
    nodes, chooser = _nodes(roles), Random(seed)
    removed = {"nothing": ()} | {role: roles.nodes(role) for role in ROLES if roles.heads.get(role)}
    removed |= {f"random {at + 1}": tuple(chooser.sample(nodes, len(nodes) // 2)) for at in range(random)}
    removed = {name: part for name, part in removed.items() if set(part) < set(nodes)}
    left = {name: [node for node in nodes if node not in part] for name, part in removed.items()}
    both = [lead_kept(model, task, left, progress=progress), without(model, task, removed, progress=progress)]
    axes = {"removed": tuple(removed), "run": ("circuit", "model"), "prompt": task.lead.axes["prompt"]}
    return Result(np.stack([one.values for one in both], axis=1), axes, "lead", "nats", both[0].about)


def minimality(model: Bridge, task: Task, roles: Roles, *, progress: bool = True) -> Result:
    """What each node is worth to the circuit: Result[node, prompt], nats.

    |F(C without K and the node) - F(C without K)| with K empty or the rest of its role, whichever shows
    more on average; a head that others stand in for shows its worth only without them. Source: Wang et al.
    2022, section 4.2.
    """
    nodes = _nodes(roles)
    cuts: dict[str, list[Node]] = {"none": list(nodes)}
    for node in nodes:
        peers = _peers(roles, node)
        for name, gone in (("alone", ()), ("last", peers)):
            cuts[f"{node}, {name}, before"] = [other for other in nodes if other not in gone]
            cuts[f"{node}, {name}, after"] = [other for other in nodes if other not in gone and other != node]
    kept = lead_kept(model, task, {name: cut for name, cut in cuts.items() if cut}, progress=progress)
    worth = np.stack([_most_worth(kept, node) for node in nodes])
    axes = {"node": tuple(map(str, nodes)), "prompt": task.lead.axes["prompt"]}
    return Result(worth, axes, "worth to the circuit", "nats", kept.about)


def knock_out(
    model: Bridge,
    task: Task,
    heads: Sequence[Head],
    *,
    sets: int = CONTROL_SETS,
    seed: int = 0,
    without: Sequence[Head] = (),
    how: str = "mean",
    progress: bool = True,
) -> Result:
    """Change in the lead without these heads, and without random sets of as many others: Result[set, prompt],
    nats. No head of `without` is drawn: heads that have a part of their own are no fair control.

    Whole heads are replaced by their mean, or by nothing, at every word. The first set is "these", then
    "random 1" and so on. Raises ValueError if no head is given. Source: Wang et al. 2022, section 3.4.
    """
    if not heads:
        raise ValueError(
            "There is no head to knock out: name at least one, such as those that `roles.find` found."
        )
    drawn = random_sets(model, heads, sets, seed=seed, without=without)
    change = sets_ablation(
        model, task.prompts, ioi.logit_difference(task.prompts), [list(heads), *drawn],
        reference=task.reference, how=how, progress=progress,
    )  # fmt: skip
    labels = ("these", *(f"random {at + 1}" for at in range(sets)))
    return replace(change, axes={"set": labels, "prompt": change.axes["prompt"]})


def beyond(hit: Result) -> tuple[float, int]:
    """From a knock-out: the mean change without these heads, in nats, and how many of the random sets change
    as much or more, either way."""
    means = hit.mean("prompt").values
    return float(means[0]), int((np.abs(means[1:]) >= abs(means[0])).sum())


def needed(shares_: Result, bounds: Result) -> int:
    """How many heads are surely needed: worth `LEAST_NEEDED` or more, the whole interval above zero."""
    return int(((shares_.values >= LEAST_NEEDED) & (bounds.at(bound="low").values > 0)).sum())


@dataclass(frozen=True)
class Kept:
    """What some heads keep alone: a share of the lead, its interval, that of random circuits of as many heads
    at the same words, and which of the article's parts are `played`."""

    heads: tuple[Node, ...] = ()
    explained: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)
    controls: tuple[float, ...] = ()
    played: tuple[str, ...] = ()

    def told(self) -> str:
        """The share beside its controls, and the parts, in words."""
        if not self.heads:
            return "nobody plays any of the three parts"
        beside = f"random ones {min(self.controls):.2f} to {max(self.controls):.2f}"
        return f"keep {self.explained:.2f} ({beside}); parts played: {', '.join(self.played) or 'none'}"


@dataclass(frozen=True)
class Verdict:
    """What the claim C8 is decided from: `strict`, heads in the article's own roles. Beside it `own`: heads
    that do the same in any way, found by their effect on this very task; shown, not judged."""

    strict: Kept
    own: Kept
    preferred: float


def measure_c8(model: Bridge, task: Task, roles: Roles, *, seed: int = 0, progress: bool = True) -> Verdict:
    """How much of the lead the article's heads keep alone, in its roles and in this model's own, beside as
    many random heads at the same words."""
    own = {part: roles.nodes(*names) for part, names in ARTICLE_PARTS.items()}
    both = [_kept(model, task, roles, parts, seed, progress) for parts in (strict_parts(model, roles), own)]
    return Verdict(both[0], both[1], task.preferred)


def _kept(
    model: Bridge,
    task: Task,
    roles: Roles,
    parts: Mapping[str, tuple[Node, ...]],
    seed: int,
    progress: bool,
    how: str = "mean",
) -> Kept:
    nodes = tuple(sorted({node for part in parts.values() for node in part}))
    if not nodes:
        return Kept()
    circuits = {"article": nodes, **random_circuits(model, nodes, seed=seed)}
    share, bounds = shares(lead_kept(model, task, circuits, how=how, progress=progress), task)
    low, high = bounds.at(circuit="article").values
    played = tuple(
        name for name, part in parts.items() if costs(model, task, roles, part, seed=seed, how=how)
    )
    controls = tuple(float(value) for value in share.values[1:])
    return Kept(nodes, float(share.at(circuit="article")), (float(low), float(high)), controls, played)


def costs(
    model: Bridge, task: Task, roles: Roles, nodes: Sequence[Node], *, seed: int = 0, how: str = "mean"
) -> bool:
    """Whether the lead falls without these heads, each at its mean (or writing nothing), surely and by more
    than without any of `CONTROL_CIRCUITS` random sets of as many heads that have no part. No heads, or no
    such set: False."""
    heads = heads_at(nodes)
    apart = {*heads, *roles.of(*PARTS)}
    if not heads or len(models.every_head(model)) - len(apart) < len(heads):
        return False
    hit = knock_out(
        model, task, heads, sets=CONTROL_CIRCUITS, seed=seed, without=tuple(apart), how=how, progress=False
    )
    change, high = hit.mean("prompt").values, hit.at(set="these").interval("prompt").at(bound="high")
    return bool(change[0] < change[1:].min() and float(high) < 0)


def c8_again(model: Bridge, roles: Roles, *, n: int = 40) -> Again:
    """C8 asked again, for `claims.firm`: for the same heads on `n` sentences of each seed of `AGAIN`, and on
    those of the usual seed with nothing in the place of silent heads. What its own cast keeps is left out."""
    name, parts = models.describe(model).name, strict_parts(model, roles)

    def on(task: Task, seed: int = 0, how: str = "mean") -> Claim:
        strict = _kept(model, task, roles, parts, seed, False, how)
        return c8(name, Verdict(strict, Kept(), task.preferred))

    return {
        SENTENCES: lambda: (on(Task.of(model, n=n, seed=seed), seed) for seed in AGAIN),
        ZERO: lambda: [on(Task.of(model, n=n), how="zero")],
    }


def c8(model_name: str, measured: Verdict, *, strict: float = 1.0) -> Claim:
    """The verdict on C8: supported where heads in the article's own roles alone keep `LEAST_EXPLAINED` of the
    lead, play all three parts and beat every random circuit; partly where they beat every one, but fall short
    of the rest. What the model's own cast keeps is shown beside it. `strict` multiplies the threshold.
    """
    testable, kept = measured.preferred >= LEAST_PREFERRED, measured.strict
    return Claim(
        id="C8",
        text=ARTICLE_CLAIM,
        test=(
            "Only the heads in the article's three roles, name mover, S-inhibition and duplicate token, run"
            f" ({_listing(kept.heads)}), each at its own word; all other heads are replaced by their mean"
            " over sentences with three different names. Share kept of the lead: how far the logit of the"
            " right name (IO, the one said once) is above that of the repeated name (S)."
        ),
        measured=kept.explained if testable else None,
        interval=kept.interval if testable else None,
        control=(
            f"in the article's roles: {kept.told()}; this model's own cast, found by its effect on this"
            f" task and not judged ({_listing(measured.own.heads)}): {measured.own.told()}"
            if testable
            else f"the model prefers IO in {measured.preferred:.0%} of the prompts"
        ),
        threshold=(
            f"supported: at least {LEAST_EXPLAINED:.0%} kept, all three parts played, more than every random"
            " circuit; partly: more than every random circuit; a part is played if the lead falls more"
            f" without it than without any of {CONTROL_CIRCUITS} random sets of as many heads that have no"
            f" part; the model must prefer IO in at least {LEAST_PREFERRED:.0%} of the prompts, else it"
            " cannot be tested"
        ),
        verdict=_decided(kept, testable, strict),
        model=model_name,
        published=(
            "gpt2: the nine heads alone were never measured in print; nearest: the naive circuit without"
            " induction heads keeps 0.5509 of 3.3024, 17 %; the 26 heads of the whole circuit keep 87 % of"
            " the lead (Wang et al. 2022)"
        ),
        because=(
            f"Heads in the article's roles keep {kept.explained:.0%} of the lead and play"
            f" {len(kept.played)} of 3 parts here; GPT-2 small has heads for all three, and 26 heads"
            " together keep 87 %."
            if testable
            else f"This model prefers the right name in only {measured.preferred:.0%} of the sentences."
        ),
    )


def _decided(kept: Kept, testable: bool, strict: float) -> str:
    complete = kept.explained >= shifted(LEAST_EXPLAINED, strict) and len(kept.played) == len(STRICT_PARTS)
    if testable and not kept.heads:
        return "not supported"  # nobody plays any of the three parts
    return decide(kept.explained, kept.interval, 0.0, kept.controls, testable=testable, complete=complete)


def _of_the_lead(quantity: str) -> str:
    return f"share of the {quantity}" if quantity.startswith("lead") else f"{quantity}, of the lead"


def _listing(nodes: Sequence[Node]) -> str:
    return ", ".join(map(str, nodes)) or "none was found"


def _nodes(roles: Roles) -> tuple[Node, ...]:
    if not roles.nodes():
        raise ValueError("The cast has no heads, so it is no circuit: look at the evidence of the search.")
    return roles.nodes()


def _peers(roles: Roles, node: Node) -> tuple[Node, ...]:
    """The other nodes of the roles that this node's head plays at its word."""
    mine = [role for role in ROLES if node.head in roles.heads.get(role, ()) and ROLES[role] == node.spot]
    return tuple(other for other in roles.nodes(*mine) if other != node)


def _most_worth(kept: Result, node: Node) -> np.ndarray:
    def worth(name: str) -> np.ndarray:
        cuts = [f"{node}, {name}, {when}" for when in ("before", "after")]
        if any(cut not in kept.axes["circuit"] for cut in cuts):
            return np.zeros(len(kept.axes["prompt"]))
        before, after = (kept.at(circuit=cut).values for cut in cuts)
        return before - after

    return max((worth("alone"), worth("last")), key=lambda change: abs(change.mean()))
