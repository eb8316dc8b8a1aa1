"""A model of the same shape that was never trained: the control for what a random network does as well."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from interp import models
from interp.models import Bridge


def untrained(model: Bridge, *, seed: int = 0) -> Bridge:
    """A model of this shape with this tokenizer and the weights that training begins from, on its device.

    It takes as much room as the model itself, on the disk too while it is made.
    """
    from transformers import GPT2Config, GPT2LMHeadModel  # late: importing it settles the network mode

    card = models.describe(model)
    config = GPT2Config(
        n_layer=card.layers, n_head=card.heads, n_embd=card.d_model, n_inner=card.d_mlp,
        n_positions=card.context, vocab_size=card.vocabulary, bos_token_id=model.tokenizer.bos_token_id,
        eos_token_id=model.tokenizer.eos_token_id,
    )  # fmt: skip
    with TemporaryDirectory(prefix="untrained-") as place, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        folder = Path(place) / "untrained"
        GPT2LMHeadModel(config).save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)
        return models.load(folder, device=card.device)
