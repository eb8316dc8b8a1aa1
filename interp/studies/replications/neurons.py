"""Published neurons measured again: value vectors (Geva et al. 2022), activations on given texts, and the
neurons that tell *she* from *he*.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch

from interp import hooks, models
from interp.methods.neurons import NORMED, neuron_patching, output_tokens
from interp.methods.readout import LogitDifference, logits_at_end
from interp.models import Bridge
from interp.prompts import Prompts, single_token
from interp.published import published
from interp.result import Result
from interp.sites import Neuron

SCENE = " was working because"
WHO = ("The parent", "The man")  # clean, corrupted


def value_vectors(model: Bridge) -> dict[str, Result]:
    """For each listed neuron the probabilities of the listed tokens when its output vector alone passes
    the final layer norm and the unembedding.
    """
    found = {}
    vocabulary = models.describe(model).vocabulary
    for record in _records("value vectors"):
        neuron = Neuron.parse(record.id.rsplit(".", 1)[-1])
        spoken = output_tokens(model, neuron, convention=NORMED, k=vocabulary)
        tokens = record.result.axes["token"]
        values = [float(spoken.at(token=token)) for token in tokens]
        found[record.id] = Result(
            np.array(values), {"token": tokens}, spoken.quantity, spoken.unit, spoken.about
        )
    return found


def activations(model: Bridge) -> dict[str, Result]:
    """The activation of each listed neuron at every position of its text, the beginning-of-text token
    first.
    """
    found = {}
    for record in _records("activations"):
        name, text = _named(record.result.quantity)
        neuron = Neuron.parse(name)
        ids = torch.tensor([[model.tokenizer.bos_token_id, *models.encode(model, text)]])
        values = hooks.record(model, ids, [neuron])[neuron][0].double().cpu().numpy()
        axes = {"position": tuple(range(len(values)))}
        found[record.id] = Result(values, axes, record.result.quantity, "", models.about(model))
    return found


def gender_neurons(model: Bridge) -> dict[str, Result]:
    """What three neurons win back of the difference between *she* and *he*, and that difference itself."""
    clean, corrupted, metric = parent_and_man(model)
    names = ("L5N1777", "L7N3050", "L4N2814")
    shares = neuron_patching(model, clean, corrupted, metric, [Neuron.parse(name) for name in names])
    leads = [float(metric(logits_at_end(model, prompts))) for prompts in (clean, corrupted)]
    lead = Result(np.array(leads), {"prompt": WHO}, "logit of she minus he", "nats", models.about(model))
    return {"patching.gender": shares.mean("prompt"), "patching.gender.lead": lead}


def parent_and_man(model: Bridge) -> tuple[Prompts, Prompts, LogitDifference]:
    """The clean and the corrupted prompt, and the lead of *she* over *he*."""
    clean, corrupted = [Prompts.write(model.tokenizer, [[(None, f"{who}{SCENE}")]], bos=True) for who in WHO]
    she, he = (torch.tensor([single_token(model.tokenizer, word, "The pronoun")]) for word in (" she", " he"))
    return clean, corrupted, LogitDifference(she, he)


def _records(group: str) -> list:
    found = [record for model in ("gpt2", "gpt2-medium") for record in published(model, "neurons")]
    return [record for record in found if record.group == group]


def _named(quantity: str) -> tuple[str, str]:
    """The neuron and the text of a quantity such as "activation of L9N652 on: The following"."""
    match = re.fullmatch(r"activation of (L\d+N\d+) on: (.+)", quantity)
    assert match, quantity
    return match[1], match[2]


MEASURES: Mapping[str, Callable[..., dict[str, Result]]] = MappingProxyType(
    {"value vectors": value_vectors, "activations": activations, "gender neurons": gender_neurons}
)
