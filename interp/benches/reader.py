"""What the Surprise Reader shows: how surprising every token of a text is to a model, and what it expected.

Pure; the widget draws it.
"""

import torch

from interp import hooks, models
from interp.benches.untouched import answers
from interp.languages import say
from interp.models import Bridge
from interp.result import Result
from interp.screens.reading import ReaderBench, Reading
from interp.studies.own_words import cautions

GUESSES = 5
TEXT = "Then, Mary and John went to the store. John gave a drink to Mary"


def bench(model: Bridge, first: str = TEXT) -> ReaderBench:
    """The bench of this model. Its answers raise ValueError for a text that cannot be read, and while a hook
    is in force on the model.
    """
    return ReaderBench(models.describe(model).name, first, answers(read, model, keep=16))


def read(model: Bridge, text: str) -> Reading:
    """Any text on any model; its first token is read after the mark of a beginning.

    Raises ValueError for an empty text or one that is longer than the model can read.
    """
    ids = models.encode(model, text.strip())
    most = models.describe(model).context - 1
    if not ids or len(ids) > most:
        raise ValueError(
            say(
                "This text has {number} tokens; a surprise can be read for 1 to {most}: write some words, or "
                "fewer.",
                number=len(ids),
                most=most,
            )
        )
    logits, _ = hooks.run(model, torch.tensor([[model.tokenizer.bos_token_id, *ids]]))
    logs = logits[0, :-1].double().log_softmax(-1).cpu()
    found = -logs.gather(1, torch.tensor(ids)[:, None])[:, 0]
    best, places = logs.exp().topk(min(GUESSES, logs.shape[1]))
    guesses = tuple(
        tuple(zip(models.token_strings(model, row.tolist()), chances.tolist(), strict=True))
        for row, chances in zip(places, best, strict=True)
    )
    axes, about = {"position": tuple(range(len(ids)))}, {**models.about(model), "text": text}
    surprise = Result(found.numpy(), axes, "surprise", "nats", about)
    tokens = tuple(models.token_strings(model, ids))
    return Reading(tokens, surprise, guesses, cautions.never_seen(model, text.strip()))
