"""The lens beside TransformerLens' own: every layer read at every word of one prompt."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.methods import lens
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.timing.rows import Row, compare, row

WORDS = 16  # tokens of the prompt
TRACKED = (5, 7)  # token ids that are followed
GUESSES = 10
SEED = 0


def rows(model: Bridge, quick: bool) -> Iterator[Row]:
    """Two words followed through all states, and the first ten guesses at all of them.

    The library's lens runs the model, keeps everything and reads every state in full, also for two words. The
    gap is in nats: of the lead of one word over the other, and of the guesses' log-probabilities.
    """
    yield _tracked(model, rounds=3 if quick else 7)
    yield _first(model, rounds=3 if quick else 7)


def _tracked(model: Bridge, rounds: int) -> Row:
    from transformer_lens.tools.analysis import logit_lens

    batch = _prompt(model)

    def fast() -> Float[Tensor, "part layer prompt position word"]:
        held = lens.states(model, batch, parts=("post",), spot=None)
        words = torch.tensor(TRACKED).expand(*held.values.shape[:-1], -1)
        return lens.tracked_logits(model, held.values, words)

    def loop() -> Float[Tensor, "layer prompt position word"]:
        found = logit_lens(model, batch.tokens, positions=None, vocab=list(TRACKED))
        return found.readout.values[1:]  # its first row is the embedding

    leads = [read[..., 0] - read[..., 1] for read in (fast()[0], loop())]
    timed = compare([loop] * rounds, fast, rounds=rounds)
    note = f"{len(TRACKED)} words at all layers of one prompt of {WORDS}; library: logit_lens with vocab"
    return row("lens", timed, 1, fast, gap=_gap(*leads), unit="nats", note=note)


def _first(model: Bridge, rounds: int) -> Row:
    from transformer_lens.tools.analysis import logit_lens

    batch = _prompt(model)

    def fast() -> lens.Guesses:
        return lens.guesses(model, batch, k=GUESSES, parts=("post",))

    def loop() -> Float[Tensor, "layer prompt position token"]:
        found = logit_lens(model, batch.tokens, positions=None, top_k=GUESSES, return_type="log_probs")
        return found.readout.values[1:]

    mine = torch.as_tensor(np.array(fast().probability.values[0])).log()
    timed = compare([loop] * rounds, fast, rounds=rounds)
    note = (
        f"the first {GUESSES} guesses at all layers and words of one prompt of {WORDS}; library: logit_lens"
    )
    theirs = loop()[:, 0].topk(GUESSES, dim=-1).values
    return row("lens_guesses", timed, 1, fast, gap=_gap(mine, theirs), unit="nats", note=note)


def _prompt(model: Bridge) -> Prompts:
    """One random prompt."""
    generator = torch.Generator().manual_seed(SEED)
    tokens = torch.randint(1, sizes(model).d_vocab, (1, WORDS), generator=generator)
    length = torch.tensor([WORDS])
    return Prompts(
        texts=("random tokens",), tokens=tokens, spots={"end": length - 1}, answers={},
        template=torch.zeros(1, dtype=torch.long), length=length,
    )  # fmt: skip


def _gap(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).abs().max())
