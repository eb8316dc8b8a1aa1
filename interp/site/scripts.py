"""The scripts of the pages, joined from this folder's files. Refuses: models."""

from pathlib import Path

HERE = Path(__file__).parent
ENGINE = ("unpack.js", "tokens.js", "gpt2.js", "wording.js", "own_words.js", "bench.js")


def _joined(*names: str) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


def engine() -> str:
    """Pack, tokenizer and forward pass as one classic script."""
    return _joined(*ENGINE)
