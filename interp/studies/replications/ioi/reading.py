"""What the replications share: logit difference, direct contributions and zeroing as the sources have them.

The sources fold value biases into the output bias. A head's output there is ours minus its own value bias,
because the rows of a pattern sum to 1; so a z of zero there is our z equal to b_V.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks, models
from interp.methods.readout import logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head, Site
from interp.studies.names import ioi


def zero(model: Bridge, prompts: Prompts, head: Head) -> hooks.Put:
    """The edit that does what a z of zero at the end does once value biases are folded away."""
    return hooks.Put(head, model.b_V[head.layer, head.head].detach(), where=prompts.mask("end"))


def differences(model: Bridge, prompts: Prompts, *edits: hooks.Edit) -> Float[Tensor, "prompt"]:
    """Logit of IO minus logit of S at the end of every prompt, under these edits."""
    return ioi.logit_difference(prompts)(logits_at_end(model, prompts, *edits)).double().cpu()


def written_by_heads(
    model: Bridge, prompts: Prompts, *edits: hooks.Edit
) -> Float[Tensor, "layer head prompt"]:
    """Each head's direct contribution to the logit difference, value bias left out, that run's own scale."""
    layers = range(sizes(model).n_layers)
    sites = [Site("z", layer) for layer in layers]
    recorded = hooks.record(model, prompts, [*sites, Site("ln_final_scale")], *edits)
    outputs = torch.stack([prompts.at(recorded[site], "end") for site in sites]) - model.b_V[:, None]
    towards = direction(model, prompts) / prompts.at(recorded[Site("ln_final_scale")], "end").double()
    written = torch.einsum("lphd,lhdm,pm->lhp", outputs.double(), model.W_O.double(), towards)
    return written.cpu()


def writing(model: Bridge, prompts: Prompts, heads: Sequence[Head]) -> Float[Tensor, "head name prompt"]:
    """What heads write at the end along the unembedding of IO and of S: value bias and scaling left out."""
    recorded = hooks.record(model, prompts, heads)
    written = []
    for head in heads:
        output = prompts.at(recorded[head], "end") - model.b_V[head.layer, head.head]
        written.append(output.double() @ model.W_O[head.layer, head.head].detach().double())
    states = torch.stack(written)
    names = torch.stack([_unembedding(model, prompts, name) for name in ("io", "s")])
    return torch.einsum("hpm,npm->hnp", states, names).cpu()


def of_head(measured: Result, head: Head) -> np.ndarray:
    """The numbers of one head."""
    return measured.at(layer=head.layer, head=head.head).values


def result(model: Bridge, values: Iterable, **axes: Iterable) -> Result:
    """These numbers with these axes, on this model; quantity and unit are those of the published record."""
    if not isinstance(values, np.ndarray):
        values = np.asarray(values.cpu() if isinstance(values, Tensor) else [float(one) for one in values])
    labels = {name: tuple(names) for name, names in axes.items()}
    return Result(values, labels, "measured again", "as published", models.about(model))


def by_head(model: Bridge, values: Iterable) -> Result:
    """These numbers with the axes layer and head."""
    return result(model, values, layer=range(sizes(model).n_layers), head=range(sizes(model).n_heads))


def direction(model: Bridge, prompts: Prompts) -> Float[Tensor, "prompt d_model"]:
    """W_U[IO] - W_U[S] of every prompt, centred as the final layer norm centres what it reads."""
    difference = _unembedding(model, prompts, "io") - _unembedding(model, prompts, "s")
    return difference - difference.mean(dim=-1, keepdim=True)


def _unembedding(model: Bridge, prompts: Prompts, answer: str) -> Float[Tensor, "prompt d_model"]:
    ids = prompts.answers[answer].to(model.W_U.device)
    return model.W_U.detach()[:, ids].T.double()
