"""Which head plays which part in finding the name: roles assigned from a model and the task alone.

The search goes backwards from the answer, as Wang et al. 2022 (arXiv:2211.00593, section 3) did by hand:

1. who writes at the last word, by path patching to the logits: *name movers* look at the right name (IO),
   write it, and raise the lead; *negative name movers* look at it, write against it, and lower the lead;
2. who steers the queries of those, at the last word: *S-inhibition* heads look at the repeated name (S);
3. who feeds keys and values of those, at the repeated name: *duplicate-token* heads look at its first
   mention, *induction* heads at the word after it;
4. who feeds the keys of the induction heads: *previous-token* heads;
5. who writes more of the lead once the name movers are silent: *backup name movers*. Growth is read at the
   last layer norm of the untouched run, so heads that stand before the silent ones cannot pass (the paper
   does not ask for growth; two of its eight, 9.0 and 9.7, could react to none of the name movers).

A model need not do it GPT-2's way, so two parts that GPT-2 does not need have names as well. A *name
copier* looks at a name and writes it, right or wrong: it raises the right name above all other names, but
decides nothing. A *subject suppressor* looks at the repeated name and writes against it directly. Heads
that matter and fit nothing are `other writer`, at the last word (they may be backups as well), or `other
feeder`, anywhere.

The thresholds were set from the published figures of GPT-2 small before any other model was measured; the two
extra parts were named, and the growth of a backup asked for, after a look at pocket, at the same thresholds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods import ablation
from interp.methods.attention import attention_to
from interp.methods.attribution import final_scale, head_attribution
from interp.methods.circuits import EVERYWHERE, Node
from interp.methods.paths import Receiver, path_patching
from interp.methods.readout import Metric, logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head
from interp.studies.names import ioi

LEAST_DIRECT = 0.15  # share of the lead lost by path patching to the logits: the published three and two pass
LEAST_STEERING = 0.05  # the same, by a path through the queries, keys or values of later heads
LEAST_TAKEN_OVER = 0.02  # direct contribution of a backup, as a share of the lead (Wang et al., appendix F)
ROUNDING = 1e-4  # growth below this share of the lead is float noise
LEAST_PREFERRED = 0.75  # share of prompts in which IO must beat S; below, the model does not do the task
FEW = 3  # strongest writers to look at where nobody has a role
LEAST_ATTENTION = (
    0.10  # mean attention to the word that makes the role; an even look over 15 words gives 0.07
)

ROLES = {  # role -> the word it acts at, in the order in which the story is told
    "name mover": "end",
    "negative name mover": "end",
    "name copier": "end",
    "backup name mover": "end",
    "S-inhibition": "end",
    "subject suppressor": "end",
    "duplicate token": "S2",
    "induction": "S2",
    "previous token": "S1+1",
    "other writer": "end",
    "other feeder": EVERYWHERE,
}
COPIES = ("name mover", "name copier")  # the article's name movers, in GPT-2's way and in the other
BLOCKS = ("S-inhibition", "subject suppressor")
WRITING = (*COPIES, "negative name mover", "subject suppressor")  # the parts of a head that writes the lead
NOTICES = ("duplicate token", "induction")
OTHERS = ("other writer", "other feeder")
PARTS = tuple(role for role in ROLES if role not in OTHERS)  # the roles that say what a head does
NAMED = ("IO", "S1", "S1+1", "S2")


@dataclass(frozen=True)
class Roles:
    """Heads by role, and the measurements behind it: by step a Result[layer, head, prompt] in nats.

    A head may play two roles at one word. `nodes` and `of` give each head once.
    """

    heads: Mapping[str, tuple[Head, ...]]
    evidence: Mapping[str, Result] = field(default_factory=dict)
    lead: float = float("nan")  # of the sentences on which they were found, in nats

    def nodes(self, *roles: str) -> tuple[Node, ...]:
        """The heads of these roles, each at the word where its role acts.

        By default of all `PARTS`; where nobody plays any, of the others.
        """
        wanted = roles or (PARTS if self.of(*PARTS) else OTHERS)
        found = {Node(head, ROLES[role]) for role in wanted for head in self.heads.get(role, ())}
        return tuple(sorted(found))

    def of(self, *roles: str) -> tuple[Head, ...]:
        """The heads of these roles, in order."""
        return tuple(sorted({head for role in roles for head in self.heads.get(role, ())}))

    def told(self) -> dict[str, str]:
        """Who plays what, to be read: role -> "L4H0, L4H3, at end"; roles without heads say so."""
        return {
            role: f"{', '.join(map(str, self.heads[role]))}, at {spot}" if self.heads.get(role) else "nobody"
            for role, spot in ROLES.items()
        }

    def presets(self) -> dict[str, tuple[Head, ...]]:
        """The roles that somebody plays, and all of them together, as named choices of heads."""
        return {**self.played(), "the whole cast": self.of(*ROLES)}

    def played(self) -> dict[str, tuple[Head, ...]]:
        """The roles that somebody plays, in the order of `ROLES`."""
        return {role: self.heads[role] for role in ROLES if self.heads.get(role)}


def find(model: Bridge, *, n: int = 60, seed: int = 0, bos: bool = False) -> Roles:
    """The roles of this model's heads on `n` IOI prompts against their ABC twins; roles nobody plays are
    empty.

    Source: Wang et al. 2022, section 3 and appendices B, C, D, F; departures are told in the module.
    """
    prompts = ioi.prompts(model, n, seed=seed, bos=bos)
    return find_on(model, prompts, ioi.reference(model, prompts, seed=seed))


def find_on(model: Bridge, prompts: Prompts, reference: Prompts) -> Roles:
    """As `find`, on these prompts; the first references must be their twins, one to one.

    A model that prefers IO in fewer than `LEAST_PREFERRED` of the prompts has no parts to find. There, and
    where nobody passes, its `FEW` strongest writers are listed as `other writer`, so that one can look at
    them. Raises ValueError for an ABC sentence with a name said twice.
    """
    ioi.check_reference(model, reference)
    search = _Search(model, prompts, reference)
    lead = search.paths("to the logits", at="end")
    found = _parts_played(search, lead) if search.preferred >= LEAST_PREFERRED else {}
    if not any(found.values()):
        found = {"other writer": ioi.strongest_writers(model, prompts, FEW)}
    heads = {role: tuple(sorted(found.get(role, ()))) for role in ROLES}
    return Roles(heads, search.evidence, search.untouched(search.lead))


def _parts_played(search: "_Search", lead: "_Paths") -> dict[str, list[Head]]:
    """The heads of every role, step by step backwards from the answer."""
    name = search.paths("to the right name", at="end", metric=over_other_names(search.model, search.prompts))
    look = search.looks_from("end")
    found = {
        "name mover": [h for h in lead.strong(LEAST_DIRECT) if look.get(h) == "IO" and name.share(h) > 0],
        "negative name mover": [
            h for h in lead.strong(-LEAST_DIRECT) if look.get(h) == "IO" and name.share(h) < 0
        ],
        "subject suppressor": [h for h in lead.strong(LEAST_DIRECT) if look.get(h) == "S2"],
    }
    found["name copier"] = [
        h for h in name.strong(LEAST_DIRECT) if look.get(h) in ("IO", "S1") and h not in found["name mover"]
    ]
    writers = [*found["name mover"], *found["negative name mover"], *found["name copier"]]
    steering = search.paths("to their queries", at="end", receivers=_parts(writers, "q"))
    found["S-inhibition"] = [h for h in steering.strong(LEAST_STEERING) if look.get(h) in ("S1", "S2")]
    blockers = _parts([*found["S-inhibition"], *found["subject suppressor"]], "k", "v")
    early, look = (
        search.paths("to keys and values at S2", at="S2", receivers=blockers),
        search.looks_from("S2"),
    )
    found["duplicate token"] = [h for h in early.strong(LEAST_STEERING) if look.get(h) == "S1"]
    found["induction"] = [h for h in early.strong(LEAST_STEERING) if look.get(h) == "S1+1"]
    pairs = search.paths("to keys at S1+1", at="S1+1", receivers=_parts(found["induction"], "k"))
    look = search.looks_from("S1+1")
    found["previous token"] = [h for h in pairs.strong(LEAST_STEERING) if look.get(h) == "S1"]
    found["backup name mover"] = search.backups(found)
    return found | search.others(found, lead)


def share_lost(roles: Roles, step: str) -> Result:
    """One step of the search as shares of the lead, positive where the head helps: Result[layer, head].

    Raises ValueError for a step that this search did not take.
    """
    if step not in roles.evidence:
        raise ValueError(f"The search took no step {step!r}. Its steps: {', '.join(roles.evidence)}.")
    change = roles.evidence[step].mean("prompt")
    return Result(-change.values / roles.lead, change.axes, "share of the lead lost", "share", change.about)


def over_other_names(model: Bridge, prompts: Prompts) -> Metric:
    """Metric: logit of IO minus the mean logit of the names of the pool that are not in the sentence, in
    nats."""
    pool = ioi.name_tokens(model)
    said = torch.stack([prompts.answers["io"], prompts.answers["s"]], dim=1)
    others = (pool[None] != said[:, :1]) & (pool[None] != said[:, 1:])

    def metric(logits: Float[Tensor, "prompt token"]) -> Float[Tensor, "prompt"]:
        names, outside = logits[:, pool.to(logits.device)], others.to(logits.device)
        right = logits.gather(1, prompts.answers["io"].to(logits.device)[:, None])[:, 0]
        return right - (names * outside).sum(dim=1) / outside.sum(dim=1)

    return metric


@dataclass(frozen=True)
class _Paths:
    """What one step measured, as shares of the untouched metric: positive where the sender helps."""

    shares: np.ndarray  # layer head

    def share(self, head: Head) -> float:
        return float(self.shares[head.layer, head.head])

    def strong(self, least: float) -> list[Head]:
        """Heads that help at least so much; for a negative threshold, that hurt at least so much."""
        beyond = self.shares >= least if least > 0 else self.shares <= least
        return [Head(int(layer), int(head)) for layer, head in np.argwhere(beyond)]


class _Search:
    """What the steps of one search share: prompts, their twins, and the evidence so far."""

    def __init__(self, model: Bridge, prompts: Prompts, reference: Prompts):
        self.model, self.prompts, self.reference = model, prompts, reference
        self.twins = reference.take(range(len(prompts)))
        self.lead = ioi.logit_difference(prompts)
        self.preferred = float(ioi.behaviour(model, prompts).at(measure="prefers_io").values.mean())
        self.evidence: dict[str, Result] = {}

    def paths(
        self,
        name: str,
        *,
        at: str | None,
        receivers: Sequence[Receiver] | None = None,
        metric: Metric | None = None,
    ) -> _Paths:
        """Path patching from every head; nothing, where there is nobody to receive."""
        if receivers is not None and not receivers:
            return _Paths(np.zeros((sizes(self.model).n_layers, sizes(self.model).n_heads)))
        metric = metric or self.lead
        where = {} if receivers is None else {"receivers": receivers, "receiver_at": at}
        effect = path_patching(self.model, self.prompts, self.twins, metric, sender_at=at, **where)
        self.evidence[name] = effect
        return _Paths(-effect.mean("prompt").values / self.untouched(metric))

    def looks_from(self, spot: str) -> dict[Head, str]:
        """For every head, which of the named words before this one it looks at most, if at any."""
        here = self.prompts.spots[spot]
        spots = [other for other in NAMED if bool((self.prompts.spots[other] < here).all())]
        if not spots:
            return {}
        looks = [
            attention_to(self.model, self.prompts, query=spot, key=key).mean("prompt").values for key in spots
        ]
        most, which = np.max(looks, axis=0), np.argmax(looks, axis=0)
        seen = np.argwhere(most >= LEAST_ATTENTION)
        return {Head(int(layer), int(head)): spots[which[layer, head]] for layer, head in seen}

    def backups(self, found: Mapping[str, Sequence[Head]]) -> list[Head]:
        """Heads that write more of the lead, and enough, once those that copy the name are silent at the
        last word, and block nothing."""
        copying = [head for role in COPIES for head in found[role]]
        if not copying:
            return []
        silent = ablation.edits(self.model, self.prompts, copying, reference=self.reference)
        edits = [replace(edit, where=self.prompts.mask("end")) for edit in silent]
        norms = [final_scale(self.model, self.prompts, edits=these) for these in ((), edits)]
        before = head_attribution(self.model, self.prompts)
        self.evidence["written without them"] = head_attribution(self.model, self.prompts, edits=edits)
        after, lead = self.evidence["written without them"], self.untouched(self.lead)
        grown = (after.values * (norms[1] / norms[0]).numpy() - before.values).mean(axis=-1)
        enough = after.mean("prompt").values >= LEAST_TAKEN_OVER * lead
        strong = np.argwhere(enough & (grown > ROUNDING * lead))
        named = {head for role in ("negative name mover", *COPIES, *BLOCKS) for head in found.get(role, ())}
        return [head for head in (Head(int(layer), int(h)) for layer, h in strong) if head not in named]

    def others(self, found: Mapping[str, Sequence[Head]], lead: _Paths) -> dict[str, list[Head]]:
        """Heads that matter and have no role: direct writers, and those that feed the heads at the last
        word."""
        named = {head for heads in found.values() for head in heads}
        explained = {head for role in WRITING for head in found[role]}
        writers = [h for h in lead.strong(LEAST_DIRECT) + lead.strong(-LEAST_DIRECT) if h not in explained]
        last = {head for role, heads in found.items() if ROLES[role] == "end" for head in heads} | set(
            writers
        )
        feeding = self.paths(
            "to the heads at the last word", at=None, receivers=_parts(sorted(last), "q", "k", "v")
        )
        strong = feeding.strong(LEAST_STEERING) + feeding.strong(-LEAST_STEERING)
        return {"other writer": writers, "other feeder": [h for h in strong if h not in named | set(writers)]}

    def untouched(self, metric: Metric) -> float:
        return abs(float(metric(logits_at_end(self.model, self.prompts)).double().mean()))


def _parts(heads: Sequence[Head], *parts: str) -> tuple[Receiver, ...]:
    return tuple(Receiver(head, part) for head in sorted(set(heads)) for part in parts)
