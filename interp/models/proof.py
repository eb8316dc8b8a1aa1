"""Proof that a model is what its files say: TransformerLens' run of it beside that of `transformers`.

The libraries ignore some switches of a configuration without a word, and fill in what a file lacks. So a
model is run once on a few words by both, and refused where they differ. What held is remembered in the
user's cache, by weights, configuration, device and versions, and is not done again.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.models import folders
from interp.models.refusals import ModelNotFound
from interp.models.sources import Source

MOST_GAP = 1e-3  # nats, between two runs in float32 of one model; float sums in another order give 1e-5
_ROWS, _LENGTH, _SEED = 2, 8, 0
_CHECKS = 3  # raised when more is checked: what was shown before is shown again
_LIBRARIES = ("torch", "transformers", "transformer-lens")


class Proof:
    """What is to be shown about one source on one kind of device, and whether it was shown before."""

    def __init__(self, source: Source, device: torch.device):
        self.source, self.device = source, device
        config = (source.folder / "config.json").read_bytes()
        versions = [version(library) for library in _LIBRARIES]
        facts = json.dumps([_CHECKS, source.sha256, device.type, versions]).encode()
        notes = _notes()
        self._note = notes and notes / hashlib.sha256(facts + config).hexdigest()

    @property
    def remembered(self) -> bool:
        """Whether this was shown before, under this user's name, for the same bytes."""
        return self._note is not None and os.path.isfile(self._note)  # False where it may not be read

    def remember(self) -> None:
        """Note that it held; where nothing can be written, it is shown again next time."""
        with suppress(OSError):
            if self._note is not None:
                self._note.parent.mkdir(parents=True, exist_ok=True)
                self._note.touch()

    def check_files(self) -> None:
        """Nothing, if the weights are those that the hub sent, and whole; else ModelNotFound."""
        for file, came in zip(self.source.weight_files, self.source.hashes, strict=True):
            blob = file.resolve()
            if blob.parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", blob.name) and blob.name != came:
                raise ModelNotFound(
                    self.source.asked,
                    f"its weights are damaged: their hash begins with {came[:8]}, and the hub sent a file"
                    f" with {blob.name[:8]}. Delete {blob}; the next load fetches it again.",
                )
        folders.check_numbers(self.source.asked, self.source.folder)

    def run(self, model: Callable[..., Any]) -> Float[Tensor, "prompt position token"]:
        """Log-probabilities of a few seeded tokens under this model, a bridge or one of `transformers`."""
        config = folders.configuration(self.source.asked, self.source.folder)
        chance = torch.Generator().manual_seed(_SEED)
        size = (_ROWS, min(config["n_positions"], _LENGTH))
        words = torch.randint(config["vocab_size"], size, generator=chance).to(self.device)
        with torch.no_grad():
            answer = model(words)
        return getattr(answer, "logits", answer).double().log_softmax(-1)

    def check(
        self,
        expected: Float[Tensor, "prompt position token"],
        came: Float[Tensor, "prompt position token"],
    ) -> None:
        """Nothing, if these log-probabilities agree; else ModelNotFound with the likely reason."""
        gap = float((expected - came).abs().nan_to_num(float("inf")).max())
        most = MOST_GAP * min(1.0, float(expected.std()))  # answers that hardly differ would hide a wrong run
        if gap <= most:
            return
        raise ModelNotFound(
            self.source.asked,
            f"TransformerLens and transformers disagree about it by {gap:.1g} nats on the same words (at most"
            f" {most:.1g} is rounding). {self._likely_reason()}",
        )

    def _likely_reason(self) -> str:
        config = folders.configuration(self.source.asked, self.source.folder)
        if not config.get("scale_attn_weights", True):
            return "Likely reason: config.json says scale_attn_weights: false, which TransformerLens ignores."
        return "The reason is not known; a number measured on it could not be trusted."


def _notes() -> Path | None:
    """Where it is noted what was shown: in the user's cache, which outlives a copy of this project; None for
    a user without a home.
    """
    cache = os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return None if cache.startswith("~") else Path(cache) / "inside-gpt2" / "proven"
