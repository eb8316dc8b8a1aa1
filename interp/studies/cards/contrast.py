"""Another network, another way: the same question asked of two models, side by side.

Pocket learned from text alone, pocket-taught was made to work as the article tells: one behaviour, two
mechanisms. Each function sets a model beside another and says in one computed sentence what differs.
"""

from collections.abc import Sequence

import numpy as np

from interp import models
from interp.methods.ablation import sets_ablation
from interp.methods.attention import attention_to
from interp.models import Bridge
from interp.result import Result
from interp.studies.facts import facts
from interp.studies.heads import matchmakers
from interp.studies.names import ioi
from interp.studies.names.roles import PARTS, Roles

LOOKS = (("S2", "S1"), ("end", "S2"), ("end", "IO"), ("end", "S1"))  # asking word, word looked at


def other_model(model: Bridge):
    """The model to set beside this one: the taught twin beside pocket, else pocket."""
    return models.load("pocket-taught" if models.describe(model).name == "pocket" else "pocket")


def heads_by_part(chosen: Sequence, casts: Sequence[Roles], *, n: int = 40, seed: int = 1) -> Result:
    """What the answer loses without the heads of each part: Result[part, model], shares of the lead.

    The heads of a part are replaced by their mean over ABC sentences. A part that nobody plays costs nothing.
    """
    parts = [part for part in PARTS if any(cast.heads.get(part) for cast in casts)]
    lost = np.array([_lost(model, cast, parts, n, seed) for model, cast in zip(chosen, casts, strict=True)])
    axes = {"part": tuple(parts), "model": _names(chosen)}
    return Result(lost.T, axes, "share of the lead lost", "share", _about(chosen, seed=seed, n=n))


def _lost(model: Bridge, cast: Roles, parts: Sequence[str], n: int, seed: int) -> list[float]:
    prompts = ioi.prompts(model, n, seed=seed)
    metric, played = ioi.logit_difference(prompts), [part for part in parts if cast.heads.get(part)]
    lead = float(ioi.behaviour(model, prompts).at(measure="logit_difference").values.mean())
    change = sets_ablation(
        model, prompts, metric, [cast.heads[part] for part in played],
        reference=ioi.reference(model, prompts, seed=seed), progress=False,
    )  # fmt: skip
    shares = dict(zip(played, -change.mean("prompt").values / lead, strict=True))
    return [float(shares.get(part, 0.0)) for part in parts]


def parts_told(chosen: Sequence, casts: Sequence[Roles]) -> str:
    """Who plays what in each model, in one sentence."""
    told = []
    for name, cast in zip(_names(chosen), casts, strict=True):
        parts = [f"{len(cast.heads[part])} {part}" for part in PARTS if cast.heads.get(part)]
        told.append(f"{name}: {', '.join(parts) or 'nobody'}")
    return "; ".join(told)


def looks(chosen: Sequence, *, n: int = 40, seed: int = 1) -> Result:
    """The strongest look of any head, by where it starts and where it goes: Result[look, model], shares of
    attention.

    From the repeated name (S2) to its first mention (S1), and from the last word (end) to the names.
    """
    strongest = []
    for model in chosen:
        prompts = ioi.prompts(model, n, seed=seed)
        looked = (attention_to(model, prompts, query=query, key=key) for query, key in LOOKS)
        strongest.append([float(one.mean("prompt").values.max()) for one in looked])
    axes = {"look": tuple(f"{query} to {key}" for query, key in LOOKS), "model": _names(chosen)}
    return Result(
        np.array(strongest).T,
        axes,
        "attention of the strongest head",
        "share",
        _about(chosen, seed=seed, n=n),
    )


def habits(chosen: Sequence) -> Result:
    """The strongest head of every habit, on random words said twice: Result[habit, model], shares of
    attention."""
    scores = [matchmakers.role_shares(model) for model in chosen]
    roles = scores[0].axes["role"]
    values = [[float(one.at(role=role).values.max()) for one in scores] for role in roles]
    axes = {"habit": tuple(roles), "model": _names(chosen)}
    return Result(np.array(values), axes, "attention of the strongest head", "share", _about(chosen))


def steps(chosen: Sequence, watched: Sequence[facts.Watched]) -> Result:
    """How each model comes to the answer, in shares of all its questions: Result[mark, model].

    Is the word asked about the first guess somewhere on the way, and which half of a block puts the answer
    first?
    """
    marks = (facts.MARKS[1], *facts.MARKS[3:5])
    shares = [[float(one.marks.at(mark=mark).mean("prompt")) for one in watched] for mark in marks]
    axes = {"mark": marks, "model": _names(chosen)}
    return Result(np.array(shares), axes, "share of the questions", "share", _about(chosen))


def widest(values: Result) -> str:
    """Where two models differ most: the row's label, and both figures, in one sentence."""
    rows, (one, other) = values.axes[next(iter(values.axes))], values.axes["model"]
    at = int(np.abs(values.values[:, 0] - values.values[:, 1]).argmax())
    return f"{rows[at]}: {values.values[at, 0]:.0%} in {one}, {values.values[at, 1]:.0%} in {other}"


def _names(chosen: Sequence) -> tuple[str, ...]:
    return tuple(models.describe(model).name for model in chosen)


def _about(chosen: Sequence, **more) -> dict:
    """Whose numbers: the first model's convention, both names."""
    return {**models.about(chosen[0]), "beside": ", ".join(_names(chosen[1:])), **more}
