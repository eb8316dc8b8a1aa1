"""Who sends to a receiver: how far the path from each head alone to one place moves the answer.

The receiver is the last state, from which the next word is read, or the query, key or value of one head at
one word. A sender does what it does in the twin; all other heads are held, so its change reaches the
receiver along the residual stream only (and through feed-forward layers). Pure; the Patching Map draws it.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from interp import models
from interp.benches.stepwise import filled
from interp.languages import say
from interp.methods.paths import Receiver, path_patching
from interp.methods.readout import Metric
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.screens import codec
from interp.screens.patching import Arrival, Step
from interp.sites import check_place

SPOT = "receiver"


def check_arrival(model: Bridge, prompts: Prompts, arrival: Arrival) -> None:
    """Nothing, if the model has this head and the one prompt this word; else ValueError."""
    check_place(Receiver(arrival.head, arrival.part).head, models.describe(model))
    words = int(prompts.length[0]) - prompts.bos
    if not 0 <= arrival.word < words:
        raise ValueError(
            say(
                "The receiver's word {word} is not in this sentence of {words} tokens: choose one from 0 to "
                "{last}.",
                word=arrival.word,
                words=words,
                last=words - 1,
            )
        )


def paths_into(
    model: Bridge, prompts: Prompts, donor: Prompts, metric: Metric, arrival: Arrival | None
) -> Iterator[Step]:
    """Steps of (share done, Result[layer, head], nats), from the last layer of senders down: the change of
    the metric when a head alone does what it does on the donor, along its path to the receiver.

    Both are one prompt; None is the last state. Senders in or above the receiver's layer, and words before
    the first that differs, give exactly 0. Conventions, source and errors as in `path_patching`, and as in
    `check_arrival`.
    """
    place = {}
    if arrival is not None:
        check_arrival(model, prompts, arrival)
        spot = torch.tensor([arrival.word + prompts.bos])
        prompts = replace(prompts, spots={**prompts.spots, SPOT: spot})
        place = {"receivers": [Receiver(arrival.head, arrival.part)], "receiver_at": SPOT}
    layers, heads = sizes(model).n_layers, sizes(model).n_heads
    axes = {"layer": tuple(range(layers)), "head": tuple(range(heads))}
    about = {
        **models.about(model), "bos": prompts.bos, "n": 1, "freeze_mlps": False,
        "receiver": "last state" if arrival is None else codec.plain(arrival),
    }  # fmt: skip
    empty = Result(
        np.zeros((layers, heads)), axes, "change along the path from each head alone", "nats", about
    )
    return filled(empty, partial(path_patching, model, prompts, donor, metric, progress=False, **place))
