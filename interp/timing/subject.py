"""The model on the bench: GPT-2 small's shape, random weights, in a folder that is removed after."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from interp import models
from interp.models import Bridge

SMALL: dict[str, Any] = {"n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 50257, "n_positions": 1024}
QUICK: dict[str, Any] = {"n_layer": 4, "n_head": 4, "n_embd": 64, "vocab_size": 1000, "n_positions": 64}
SEED = 0
SPREAD = 0.02  # GPT-2's own at birth; here of biases and layer norms too


@contextmanager
def random_model(*, quick: bool = False, **sizes: int) -> Iterator[Bridge]:
    """A random model of GPT-2 small's shape, or with `quick` a tiny one, loaded as every other model; `sizes`
    (`n_layer`, `n_embd` ...) instead of that shape's.
    """
    with tempfile.TemporaryDirectory(prefix="interp-bench-") as folder:
        _write(Path(folder), {**(QUICK if quick else SMALL), **sizes})
        yield models.load(folder, device="cpu")


def _write(folder: Path, shape: dict[str, Any]) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=0, eos_token_id=0))
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "ln_" in name and name.endswith("weight") else 0.0
            parameter.normal_(centre, SPREAD, generator=generator)
    model.save_pretrained(folder)
    _write_tokenizer(folder)


def _write_tokenizer(folder: Path) -> None:
    """Bytes and an end of text: the bench writes its prompts as numbers."""
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import BPE
    from transformers.models.gpt2 import GPT2TokenizerFast  # pyright: ignore

    end = "<|endoftext|>"
    letters = [end, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast = GPT2TokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)
    fast.save_pretrained(folder)
