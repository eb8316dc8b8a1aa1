"""The text that a scan reads: any text cut into windows of tokens, with one number for every token.

A window begins anew: no word of another text or window is in its past. It refuses models; it needs a
tokenizer.
"""

import codecs
import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from interp.words import world

WIDTH = 128  # tokens per window at most, the beginning-of-text token included
POCKET_TEXTS = 4000
ENDINGS = (".txt", ".md")
MARKED = (  # the longer mark first: that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"),
)  # fmt: skip
SHORTEST = 2  # tokens; a window of one has nothing before it


@dataclass(frozen=True, eq=False)
class Corpus:
    """Windows of tokens, one after another; a token's number is its place in `ids`."""

    name: str
    ids: np.ndarray  # token
    starts: np.ndarray  # window + 1: where each window begins, and the end
    texts: np.ndarray  # window: the number of the text it was cut from
    bos: bool

    @cached_property
    def sha256(self) -> str:
        """The hash of the tokens and of where the windows begin."""
        digest = hashlib.sha256(f"{self.bos}".encode())
        for part in (self.ids.astype("<i8"), self.starts.astype("<i8")):
            digest.update(part.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def tokens(self) -> int:
        """How many tokens a scan counts: all but the beginning-of-text tokens."""
        return len(self.ids) - self.bos * len(self)

    def window(self, number: int) -> np.ndarray:
        """The ids of one window."""
        return self.ids[self.starts[number] : self.starts[number + 1]]


def corpus(
    tokenizer: Any,
    source: str = "pocket",
    *,
    width: int = WIDTH,
    bos: bool = True,
    limit: int | None = None,
    seed: int = 0,
) -> Corpus:
    """The corpus that `source` names: "pocket" (texts of the pocket world, written with `seed`), a text
    file, a folder of text files, or the name of a Hugging Face dataset with a "text" column (its "train"
    split).

    A file or a row of a dataset is one text; longer texts are cut into windows of `width` tokens. `limit`
    keeps the first so many texts. Raises ValueError, in one sentence, for a source that is not there, is
    empty, or holds no text.
    """
    texts = _texts(source, limit, seed)
    return corpus_of(tokenizer, texts, name=source, width=width, bos=bos)


def corpus_of(
    tokenizer: Any, texts: Iterable[str], *, name: str, width: int = WIDTH, bos: bool = True
) -> Corpus:
    """The corpus made of these texts. Windows of one token are left out, and that is said. Raises ValueError
    if no text has two tokens.
    """
    if width <= bos + SHORTEST:
        raise ValueError(f"A window of {width} tokens is too short: give at least {bos + SHORTEST + 1}.")
    pieces = [(n, window) for n, text in enumerate(texts) for window in _windows(tokenizer, text, width, bos)]
    cut = [(n, window) for n, window in pieces if len(window) >= bos + SHORTEST]
    windows = [window for _, window in cut]
    if windows and len(cut) < len(pieces):
        number = len(pieces) - len(cut)
        what = "1 window of one token" if number == 1 else f"{number} windows of one token"
        warnings.warn(f"Left out {what}: nothing stands before it that could be read.", stacklevel=3)
    if not windows:
        raise ValueError(f"The corpus {name!r} is empty: it holds no text of at least {SHORTEST} tokens.")
    starts = np.cumsum([0, *(len(window) for window in windows)])
    return Corpus(name, np.concatenate(windows).astype(np.int64), starts, np.array([n for n, _ in cut]), bos)


def world_texts(count: int, seed: int = 0) -> list[str]:
    """So many texts of the pocket world; not those it was trained on, whose seeds are others."""
    return [text for _, text in _world(count, seed)]


def world_kinds(count: int, seed: int = 0) -> list[str]:
    """What kind of text each of `world_texts` is, such as "gift" or "news"."""
    return [kind for kind, _ in _world(count, seed)]


def _world(count: int, seed: int) -> list[tuple[str, str]]:
    chooser = Random(f"corpus {seed}")
    kinds, weights = list(world.KINDS), list(world.KINDS.values())
    drawn = []
    for _ in range(count):
        kind = chooser.choices(kinds, weights)[0]
        drawn.append((kind.__name__.replace("_", " "), kind(chooser)))
    return drawn


def _windows(tokenizer: Any, text: str, width: int, bos: bool) -> Iterable[np.ndarray]:
    read = tokenizer(text, add_special_tokens=False, verbose=False, return_offsets_mapping=True)
    ids, first = read["input_ids"], [tokenizer.bos_token_id] * bos
    start = 0
    while start < len(ids):
        stop = _whole_characters(read["offset_mapping"], start, start + width - bos)
        yield np.array(first + ids[start:stop])
        start = stop


def _whole_characters(places: Sequence[tuple[int, int]], start: int, stop: int) -> int:
    """Where a window that would end before token `stop` ends, so that no character is cut: at the last token
    before it that begins a character; at `stop` itself if there is none, a window of one character.
    """
    if stop >= len(places):
        return len(places)
    ends = (end for end in range(stop, start, -1) if places[end][0] >= places[end - 1][1])
    return next(ends, stop)


def _texts(source: str, limit: int | None, seed: int) -> Sequence[str]:
    if source == "pocket":
        return world_texts(POCKET_TEXTS if limit is None else limit, seed)
    path = Path(os.path.expanduser(source))  # raises nothing where there is no home
    if path.is_file():
        return [_read(path)]
    if path.is_dir():
        return _folder(source, path, limit)
    return _dataset(source, limit)


def _folder(source: str, path: Path, limit: int | None) -> list[str]:
    """The texts of a folder; empty files are left out, and that is said."""
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS and file.is_file())
    if not files:
        raise ValueError(f"The folder {source!r} holds no .txt file. Put the texts there, one per file.")
    full = [file for file in files if file.stat().st_size and _decoded(file).strip()]
    if not full:
        raise ValueError(
            f"All {len(files)} files in {source!r} are empty. Give files with some text in them."
        )
    if len(full) < len(files):
        first = next(file for file in files if file not in full)
        number = len(files) - len(full)
        what = "1 empty file" if number == 1 else f"{number} empty files"
        warnings.warn(f"Left out {what}, such as {str(first)!r}.", stacklevel=5)
    return [_read(file) for file in full[:limit]]


def _decoded(file: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 or 32 that begins with its mark; every line ends in \\n."""
    content = file.read_bytes()
    marked = next((name for mark, name in MARKED if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(marked)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The file {str(file)!r} is not text: byte {error.start} is not {marked.upper()}."
            " Give a plain text file."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(file: Path) -> str:
    text = _decoded(file)
    if "\0" in text:
        raise ValueError(f"The file {str(file)!r} is not text: it holds zero bytes. Give a plain text file.")
    if not text.strip():
        raise ValueError(f"The file {str(file)!r} is empty. Give a file with some text in it.")
    return text


def _dataset(name: str, limit: int | None) -> list[str]:
    """The texts of a dataset of the Hugging Face hub; only a name that is neither file nor folder gets
    here.
    """
    import datasets

    try:
        rows = datasets.load_dataset(name, split="train", streaming=True)
        return [row["text"] for row in islice(rows, limit)]
    except KeyError:
        raise ValueError(f"The dataset {name!r} has no column called 'text'. Give one that has.") from None
    except Exception as error:  # the library raises many kinds for a name it cannot reach
        raise ValueError(
            f"{name!r} is no file, no folder, and no dataset that can be fetched ({type(error).__name__})."
            " Give 'pocket', a text file, a folder of .txt files, or a dataset's name with a connection."
        ) from error
