"""What do the heads that block the repeated name tell the others: *which* name it is, or *where* it stands?

Six sentences differ from the original in the name that is repeated, in the place of its first mention, or
in both. The blocking heads' outputs at the last word are taken from each; the lead then shows what their
message was worth. Original order, IO before S: "A and B ... B". Source: Wang et al. 2022 (arXiv:2211.00593),
section 3.2 and appendix A, figure 9.
"""

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import torch

from interp.methods.circuits import Node, nodes_patched
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head
from interp.studies.names import ioi
from interp.studies.names.circuit import Task, published_circuit
from interp.studies.names.roles import BLOCKS, Roles

# What each sentence says of the original: S_tok of the repeated name, S_pos of its first place
TOKEN = {"original": 1, "random": 0, "inverted": -1}
POSITION = {"original": 1, "inverted": -1}
SIGNALS = ("position", "token")


def counterfactuals(model: Bridge, prompts: Prompts, *, seed: int = 0) -> dict[tuple[str, str], Prompts]:
    """(token, position) -> the sentences that carry these two signals; ("original", "original") is as given.

    From "A and B ... B": inverted position "B and A ... B"; random token "C and D ... D"; inverted token "B
    and A ... A"; both inverted "A and B ... A". C and D are two names of the pool that are not in the
    sentence, the same in both places. `spots` and `answers` are those of the original.
    """
    io, s = prompts.answers["io"], prompts.answers["s"]
    chooser, pool = Random(seed), ioi.name_tokens(model).tolist()
    others = [
        chooser.sample([name for name in pool if name not in pair], 2)
        for pair in zip(io.tolist(), s.tolist(), strict=True)
    ]
    twice_by_token = {"original": (s, io), "random": torch.tensor(others).T, "inverted": (io, s)}
    told = {}
    for token, (twice, once) in twice_by_token.items():
        for position in POSITION:
            first = {"S1": twice, "IO": once} if position == "original" else {"S1": once, "IO": twice}
            told[token, position] = ioi.renamed(model, prompts, {**first, "S2": twice})
    return told


def measure(model: Bridge, task: Task, heads: Sequence[Head], *, seed: int = 0) -> Result:
    """The lead with these heads' outputs at the last word from each sentence: Result[token, position,
    prompt], nats.

    All heads together; everything else is run on the original sentences. Labels as in `TOKEN` and `POSITION`.
    Raises ValueError if no head is named.
    """
    if not heads:
        raise ValueError(
            "No head blocks the repeated name, so there is no message to read: name at least one head, or"
            " look at the evidence of the search."
        )
    told = counterfactuals(model, task.prompts, seed=seed)
    nodes = [Node(head, "end") for head in heads]
    change = nodes_patched(
        model, task.prompts, list(told.values()), ioi.logit_difference(task.prompts), nodes
    )
    axes = {"token": tuple(TOKEN), "position": tuple(POSITION), "prompt": task.lead.axes["prompt"]}
    values = (change.values + task.lead.values).reshape(len(TOKEN), len(POSITION), -1)
    about = {**change.about, "seed": seed, "heads": [str(head) for head in heads]}
    return Result(values, axes, "lead", "nats", about)


def fit(measured: Result) -> Result:
    """What each signal is worth: a and b of lead = a S_pos + b S_tok, Result[signal, prompt], nats.

    Least squares without a constant, as in the paper: S_pos is 1 or -1, S_tok is 1, 0 or -1. The fit of the
    mean lead is the mean over prompts; `interval("prompt")` gives its interval.
    """
    worth = np.tensordot(np.linalg.pinv(_design()), _flat(measured), axes=1)
    axes = {"signal": SIGNALS, "prompt": measured.axes["prompt"]}
    return Result(worth, axes, "worth of the signal", "nats", measured.about)


def misfit(measured: Result) -> float:
    """Mean distance of the six mean leads from the fit, as a share of the untouched lead."""
    means = _flat(measured).mean(axis=-1)
    fitted = _design() @ fit(measured).mean("prompt").values
    return float(np.abs(means - fitted).mean() / abs(means[0]))


def blockers(model: Bridge, roles: Roles) -> tuple[Head, ...]:
    """The heads that block the repeated name: the published S-inhibition heads where they are about this
    model, else those found."""
    published: Mapping | None = published_circuit(model)
    return roles.of(*BLOCKS) if published is None else published["S-inhibition"].heads


def _design() -> np.ndarray:
    """[sentence, signal], in the order of `measure`."""
    return np.array([[position, token] for token in TOKEN.values() for position in POSITION.values()], float)


def _flat(measured: Result) -> np.ndarray:
    return measured.values.reshape(len(TOKEN) * len(POSITION), -1)
