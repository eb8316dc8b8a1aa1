"""What is published about size: GPT-2's own table, two laws of scale, GPT-3's counts. Quoted only."""

from dataclasses import dataclass

# Radford and others (2019), "Language Models are Unsupervised Multitask Learners", table 3: perplexity on
# WikiText-103, by parameters in the paper's own counts.
GPT2_PERPLEXITY = {117_000_000: 37.50, 345_000_000: 26.37, 762_000_000: 22.05, 1_542_000_000: 17.48}

# Karpathy, nanoGPT (executed): loss on the validation part of OpenWebText, nats per token, by the true number
# of weights. The text is not shipped with ours, so `verify` cannot measure it.
OPENWEBTEXT_LOSS = {124_439_808: 3.12, 354_823_168: 2.84, 774_030_080: 2.67, 1_557_611_200: 2.54}


@dataclass(frozen=True)
class Gpt3:
    """GPT-3's shape (Brown and others 2020, arXiv:2005.14165, table 2.1) and what follows by arithmetic."""

    layers: int = 96
    heads: int = 96
    head_width: int = 128
    weights: float = 175e9
    tokens: float = 300e9

    @property
    def width(self) -> int:
        """Numbers in each word's state."""
        return self.heads * self.head_width

    @property
    def all_heads(self) -> int:
        """Attention heads in all blocks."""
        return self.layers * self.heads

    @property
    def operations(self) -> float:
        """Additions and multiplications of the training: six per weight and token (Kaplan and others)."""
        return 6 * self.weights * self.tokens


def kaplan(size: float | int) -> float:
    """Loss in nats per token by size, text enough (Kaplan and others 2020, arXiv:2001.08361, eq. 1.1)."""
    return (8.8e13 / size) ** 0.076


def chinchilla(size: float | int, tokens: float | int) -> float:
    """Loss in nats per token by size and text (Hoffmann and others 2022, arXiv:2203.15556, eq. 10).

    Besiroglu and others (2024, arXiv:2404.10102) fitted the same points again and got other numbers.
    """
    return 1.69 + 406.4 / size**0.34 + 410.7 / tokens**0.28
