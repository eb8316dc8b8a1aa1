"""The circuit as it is wired: which head of the cast tells which other, and how much of the lead runs there.

An arrow is a path (`methods.paths`) from one head, at the word where it plays its part, to the queries, keys
and values of a later one, or straight to the answer. It is worth the share of the lead that goes when the
sender does on this path what it does in the sentence's twin with three other names. Heads that play no part,
on the same paths, say how strong an arrow is by luck.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp import models
from interp.methods.attention import attention_to
from interp.methods.circuits import EVERYWHERE, Node
from interp.methods.paths import Receiver, path_patching
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head
from interp.studies.names import ioi
from interp.studies.names.circuit import ARTICLE_PARTS
from interp.studies.names.roles import LEAST_ATTENTION, NAMED, ROLES, Roles

ANSWER = "the answer"
SPOTS = ("S1+1", "S2", "end")  # in the order of the sentence: nothing flows back
LEAST_ARROW = 0.02  # share of the lead: what an arrow is worth at least, however weak the controls
BEYOND = 0.95  # of the paths from heads without a part, an arrow must be stronger than this share
EXAMPLE = ("Mary", "John")  # the names of the sentence that is drawn beneath, where the model knows them

DOES = {  # what a head of each part does, as a verb
    "name mover": "looks at the right name and writes it",
    "negative name mover": "looks at the right name and writes against it",
    "name copier": "copies a name",
    "backup name mover": "steps in for the copying heads",
    "S-inhibition": "tells later heads which name to avoid",
    "subject suppressor": "writes against the repeated name",
    "duplicate token": "notices that the name was said before",
    "induction": "notices it by the word that follows",
    "previous token": "notes which word came before",
    "other writer": "writes about the names",
}
LINKS = (  # the article's arrows, between its parts
    ("notice the repetition", "block the repeated name"),
    ("block the repeated name", "copy the name"),
    ("copy the name", ANSWER),
)


@dataclass(frozen=True)
class Wiring:
    """The arrows between the nodes of a cast: `shares`, Result[sender, receiver], of the lead (a nan: there
    is no such path); `least`, below which luck would do; `roles` and where each node `looks`, by node."""

    shares: Result
    least: float
    nodes: tuple[Node, ...]
    roles: Mapping[str, str]
    looks: Mapping[str, str]

    def arrows(self) -> list[tuple[str, str, float]]:
        """(sender, receiver, share) of every arrow that luck does not explain, strongest first."""
        found = [(row["sender"], row["receiver"], row["value"]) for row in self.shares.rows()]
        return sorted((one for one in found if abs(one[2]) >= self.least), key=lambda one: -abs(one[2]))

    def chain(self) -> list[tuple[str, float]]:
        """The strongest way to the answer, found backwards: (node, share of the arrow that leaves it)."""
        steps: list[tuple[str, float]] = []
        here = ANSWER
        while found := [arrow for arrow in self.arrows() if arrow[1] == here and arrow[2] > 0]:
            here, _, share = found[0]
            steps.insert(0, (here, share))
        return steps

    def way(self) -> str:
        """The parts along the strongest way, each once, in a few words."""
        parts = dict.fromkeys(self.roles[node] for node, _ in self.chain())
        return " → ".join((*parts, ANSWER)) if parts else "no way that luck does not explain"

    def like_article(self) -> bool:
        """Whether the strongest way passes heads of all three of the article's parts."""
        passed = {node for node, _ in self.chain()}
        return all(passed & set(self._playing(part)) for part in ARTICLE_PARTS)

    def told(self) -> str:
        """The strongest way to the answer in one sentence: who does what, and what each arrow is worth."""
        steps = self.chain()
        if not steps:
            return "No head of the cast tells the answer more than heads without a part do: no way to draw."
        parts = [
            f"{node} {DOES.get(self.roles[node], 'writes')}"
            + (f" and tells {steps[at + 1][0].split(' ')[0]}" if at + 1 < len(steps) else "")
            + f" ({share:.0%} of the lead)"
            for at, (node, share) in enumerate(steps)
        ]
        return f"The strongest way: {'; '.join(parts)}."

    def beside_article(self) -> str:
        """How many of the article's arrows are there, link by link, in one sentence."""
        counted = []
        drawn = {(sender, receiver) for sender, receiver, _ in self.arrows()}
        for start, end in LINKS:
            ends = [ANSWER] if end == ANSWER else self._playing(end)
            possible = [(one, two) for one in self._playing(start) for two in ends if self._is_path(one, two)]
            counted.append(f"{start} → {end}: {len(drawn & set(possible))} of {len(possible)}")
        return f"The article's arrows that are there: {'; '.join(counted)}."

    def drawn(self, over: "Example") -> dict[str, Any]:
        """What `figures.circuit` is told beside the shares, to draw the wiring over a sentence."""
        return {
            "sentence": over.words,
            "stands": {str(node): (over.spots[node.spot], node.head.layer) for node in self.nodes},
            "roles": self.roles,
            "looks": {node: over.spots[spot] for node, spot in self.looks.items()},
            "answer": over.words[over.spots["IO"]],
            "least": self.least,
        }

    def _playing(self, part: str) -> list[str]:
        return [str(node) for node in self.nodes if self.roles[str(node)] in ARTICLE_PARTS[part]]

    def _is_path(self, sender: str, receiver: str) -> bool:
        return bool(np.isfinite(self.shares.at(sender=sender, receiver=receiver).values))


def find(model: Bridge, cast: Roles, sentences: Prompts, *, seed: int = 0) -> Wiring:
    """The wiring of these heads on these sentences against their twins.

    Nodes at every word are left out: they stand nowhere. Raises ValueError for a cast without heads at a
    named word. Source: Wang et al. 2022 (arXiv:2211.00593), section 3 and figure 2.
    """
    nodes = tuple(sorted(node for node in cast.nodes() if node.spot != EVERYWHERE))
    if not nodes:
        raise ValueError("The cast has no heads at a named word, so there is nothing to draw between them.")
    twins = ioi.reference(model, sentences, seed=seed).take(range(len(sentences)))
    lead = float(ioi.behaviour(model, sentences).at(measure="logit_difference").mean("prompt"))
    unplayed = [head for head in models.every_head(model) if head not in cast.of(*ROLES)]
    shares = np.full((len(nodes), len(nodes) + 1), np.nan)
    luck: list[float] = []
    for column, receiver in enumerate((*nodes, None)):
        for spot in SPOTS:
            found = _into(model, sentences, twins, receiver, spot)
            if found is None:
                continue
            for row, node in enumerate(nodes):
                if node.spot == spot and _below(node.head, receiver):
                    shares[row, column] = -found[node.head.layer, node.head.head] / lead
            luck += [found[head.layer, head.head] / lead for head in unplayed if _below(head, receiver)]
    least = max(LEAST_ARROW, float(np.quantile(np.abs(luck), BEYOND))) if luck else LEAST_ARROW
    axes = {"sender": tuple(map(str, nodes)), "receiver": (*map(str, nodes), ANSWER)}
    about = {**models.about(model), "bos": sentences.bos, "n": len(sentences), "seed": seed}
    result = Result(shares, axes, "share of the lead along the path", "share", about)
    return Wiring(result, least, nodes, _part_of(cast, nodes), _looks(model, sentences, nodes))


def _into(
    model: Bridge, sentences: Prompts, twins: Prompts, receiver: Node | None, spot: str
) -> np.ndarray | None:
    """Mean change of the lead, [layer, head], from every head at `spot`; None where nothing can arrive."""
    metric = ioi.logit_difference(sentences)
    if receiver is None:
        if spot != "end":
            return None
        change = path_patching(model, sentences, twins, metric, sender_at=spot, progress=False)
        return change.mean("prompt").values
    if receiver.head.layer == 0 or SPOTS.index(spot) > SPOTS.index(receiver.spot):
        return None
    parts = ("q", "k", "v") if spot == receiver.spot else ("k", "v")
    change = path_patching(
        model, sentences, twins, metric, progress=False, sender_at=spot, receiver_at=spot,
        receivers=[Receiver(receiver.head, part) for part in parts],
        senders=[head for head in models.every_head(model) if _below(head, receiver)],
    )  # fmt: skip
    return change.mean("prompt").values


def _below(head: Head, receiver: Node | None) -> bool:
    return receiver is None or head.layer < receiver.head.layer


def _part_of(cast: Roles, nodes: Sequence[Node]) -> dict[str, str]:
    """The first part, in the order of the story, that each node plays."""
    return {
        str(node): next(
            role
            for role, spot in ROLES.items()
            if spot == node.spot and node.head in cast.heads.get(role, ())
        )
        for node in nodes
    }


def _looks(model: Bridge, sentences: Prompts, nodes: Sequence[Node]) -> dict[str, str]:
    """The named word that each node looks at most, from its own word, if it does at all."""
    by_spot = {spot: _looked_at(model, sentences, spot) for spot in {node.spot for node in nodes}}
    looks = {}
    for node in nodes:  # in their order: a set's order is another in each process
        own = {key: share[node.head.layer, node.head.head] for key, share in by_spot[node.spot].items()}
        most = max(own, key=lambda key: own[key], default=None)
        if most is not None and own[most] >= LEAST_ATTENTION:
            looks[str(node)] = most
    return looks


def _looked_at(model: Bridge, sentences: Prompts, spot: str) -> dict[str, np.ndarray]:
    """Mean attention from one named word, [layer, head], by each named word that stands before it."""
    keys = [key for key in NAMED if bool((sentences.spots[key] < sentences.spots[spot]).all())]
    return {key: attention_to(model, sentences, query=spot, key=key).mean("prompt").values for key in keys}


@dataclass(frozen=True)
class Example:
    """A sentence to draw beneath: its words, and which of them is which spot."""

    words: tuple[str, ...]
    spots: Mapping[str, int]


def example(model: Bridge) -> Example:
    """The article's sentence with its spots; with two other names, where the model does not know its own."""
    pool = ioi.name_pool(model)
    io, s = EXAMPLE if set(EXAMPLE) <= set(pool) else pool[:2]
    pieces = [
        (None, "When"), ("IO", f" {io}"), (None, " and"), ("S1", f" {s}"), (None, " went to the store,"),
        ("S2", f" {s}"), (None, " gave a drink to"),
    ]  # fmt: skip
    one = Prompts.write(model.tokenizer, [pieces])
    words = tuple(models.decode(model, [token]).strip() for token in one.tokens[0].tolist())
    spots = {spot: int(one.spots[spot][0]) for spot in ("IO", "S1", "S2")}
    return Example(words, {**spots, "S1+1": spots["S1"] + 1, "end": len(words) - 1})
