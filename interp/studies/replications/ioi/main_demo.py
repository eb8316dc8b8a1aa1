"""TransformerLens' Main_Demo measured again: one clean and one corrupted prompt, weights and losses."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from interp import hooks
from interp.methods import attention, copying
from interp.methods.readout import logits_at_end
from interp.models import Bridge
from interp.result import Result
from interp.sites import Head
from interp.studies.replications.ioi import sentences
from interp.studies.replications.ioi.reading import result
from interp.words.replications import ABSTRACT, CLAIRE, HELLO

SILENCED = Head(0, 8)
ROWS, LENGTH, IDS = 10, 50, (1000, 10_000)  # of the demo's random tokens; its seed is unknown


def claire(model: Bridge) -> dict[str, Result]:
    """What `<|endoftext|>` in front is worth where the first name is two tokens without a space before it."""
    chosen, other = (sentences.token(model, name) for name in (" Claire", " Mary"))
    logits = [logits_at_end(model, sentences.plain(model, CLAIRE, bos=bos))[0] for bos in (True, False)]
    leads = [one[chosen] - one[other] for one in logits]
    return {"claire/logit_difference": result(model, leads, start=("with <|endoftext|>", "without"))}


def weights(model: Bridge) -> dict[str, Result]:
    """The unembedding's bias of two names, and how far each head's OV circuit keeps what it reads."""
    names = (" John", " Mary")
    biases = model.b_U.detach()[[sentences.token(model, name) for name in names]]
    kept = copying.eigenvalue_scores(model)
    return {"weights/unembedding_bias": result(model, biases, token=names), "weights/eigenvalue_scores": kept}


def losses(model: Bridge) -> dict[str, Result]:
    """The loss of two texts, and of the second with one head's values zeroed at every position."""
    hello, abstract = (sentences.plain(model, text, bos=True) for text in (HELLO, ABSTRACT))
    silent = hooks.Put(SILENCED, model.b_V[SILENCED.layer, SILENCED.head].detach())
    return {
        "loss/hello": result(model, [loss(model, hello.tokens)], text=(HELLO,)),
        "loss/zeroed": result(
            model,
            [loss(model, abstract.tokens), loss(model, abstract.tokens, silent)],
            **{"head 0.8": ("on", "off")},
        ),
    }


def roles(model: Bridge) -> dict[str, Result]:
    """Induction scores on random tokens drawn as the demo draws them."""
    once = torch.randint(*IDS, (ROWS, LENGTH), generator=torch.Generator().manual_seed(0))
    return {"roles/main": attention.role_scores(model, once).at(role="induction")}


def loss(model: Bridge, tokens: Tensor, *edits: hooks.Edit) -> Float[Tensor, ""]:
    """Mean negative log-probability of every token but the first."""
    predicted = hooks.run(model, tokens, *edits)[0][:, :-1].double().log_softmax(dim=-1)
    own = predicted.gather(-1, tokens[:, 1:, None].to(predicted.device))
    return -own.mean()


MEASURES: dict[str, Callable] = {"claire": claire, "weights": weights, "loss": losses, "roles/main": roles}
