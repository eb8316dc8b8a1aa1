"""Word vectors from a file of one's own: GloVe, word2vec and fastText text, word2vec binary, safetensors.

What a file is, its first bytes say, not its name. A pickle is refused: loading one can run foreign code.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float
from tqdm.auto import tqdm

from interp.vectors.table import WordVectors

MOST_MEMORY = 1.0  # GB that a table may take without being asked for
BLOCK = 1 << 20
LONGEST_LINE = 1 << 16
SAFETENSORS = ".safetensors"
REFUSED = {
    b"\x80": "a pickle: loading one can run foreign code. Save the vectors as text or safetensors",
    b"PK": "a zip archive (a torch or NumPy file may hold a pickle). Save the vectors as text or safetensors",
    b"\x1f\x8b": "packed with gzip. Unpack it first",
    b"\xba\x16\x4f\x2f": "fastText's own form. Take the .vec file that lies beside it",
}


@dataclass(frozen=True)
class _Form:
    """What the first bytes of a file say: numbers a row, rows promised (0: not said), where rows begin."""

    width: int
    promised: int
    start: int
    binary: bool


def read(file: str | Path, *, first: int | None = None, most_memory: float = MOST_MEMORY) -> WordVectors:
    """The vectors of a file, named after it; `first` keeps so many rows from its top.

    Text is "word number number ..." a line, with or without a first line "rows width"; word2vec's binary form
    has that line. A safetensors file holds `vectors` (and `scale`, where value = vectors x scale), and its
    words stand one a line in a .txt file of the same name beside it. Raises ValueError in one sentence for
    anything else, and before reading where it would take more than `most_memory` GB.
    """
    path = Path(file)
    try:
        if path.suffix == SAFETENSORS:
            return _safetensors(path, first, most_memory)
        with path.open("rb") as opened:
            form = _form(path, opened)
            _check_memory(path, opened, form, first, most_memory)
            opened.seek(form.start)
            rows = _binary_rows(path, opened, form) if form.binary else _text_rows(path, opened, form)
            return _table(path, form, rows, first)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from error


def _form(path: Path, opened: BinaryIO) -> _Form:
    head = opened.read(8)
    if not head.strip():
        raise ValueError(f"{path.name} is empty: a line for each word is wanted, the word and its numbers.")
    for mark, what in REFUSED.items():
        if head.startswith(mark):
            raise ValueError(f"{path.name} is {what}.")
    opened.seek(0)
    line = opened.readline(LONGEST_LINE)
    header = line.split()
    if len(header) == 2 and all(part.isdigit() for part in header):
        promised, width = map(int, header)
        start = opened.tell()
        if width < 1:
            raise ValueError(
                f"The first line of {path.name} promises rows of {width} numbers: give 1 at least."
            )
        return _Form(width, promised, start, _is_binary(opened, width))
    width = len(line.split()) - 1
    if width < 1 or not _numbers(line.split()[1:]):
        raise ValueError(
            f"{path.name} does not begin as a file of word vectors does: a word and its numbers on each line."
        )
    return _Form(width, 0, 0, False)


def _is_binary(opened: BinaryIO, width: int) -> bool:
    """Whether the row after the header is a word and raw numbers, not a line of written ones."""
    piece = opened.readline(LONGEST_LINE)
    return not _numbers(piece.split()[1:]) or b"\0" in piece


def _numbers(parts: list[bytes]) -> bool:
    try:
        return bool([float(part) for part in parts])
    except ValueError:
        return False


def _check_memory(path: Path, opened: BinaryIO, form: _Form, first: int | None, most: float) -> None:
    """Raise before reading when the rows would take more memory than allowed."""
    opened.seek(form.start)
    sample = opened.read(BLOCK)
    lines = sample.count(b"\n")
    row = 4 * form.width + 12 if form.binary else len(sample) / max(1, lines)
    rows = form.promised or int(path.stat().st_size / max(1.0, row))
    wanted = min(rows, first or rows)
    _refuse_size(path, wanted, form.width, most)


def _refuse_size(path: Path, rows: int, width: int, most: float) -> None:
    size = rows * width * 4 / 1e9
    if size > most:
        fit = int(most * 1e9 / (4 * width))
        fit = max(1, fit // 10 ** (len(str(fit)) - 1) * 10 ** (len(str(fit)) - 1))  # a round number
        raise ValueError(
            f"{path.name} holds about {rows:,} words of {width} numbers: {size:.1f} GB of memory. Take the"
            f" first ones with first={fit:_}, or all with most_memory={np.ceil(size):.0f}."
        )


def _text_rows(path: Path, opened: BinaryIO, form: _Form) -> Iterator[tuple[str, np.ndarray]]:
    for number, line in enumerate(opened, start=1 + bool(form.promised or form.start)):
        parts = line.rstrip().rsplit(b" ", form.width) if line.strip() else []
        if not parts:
            continue
        inner = parts[0].split(b" ")  # some tables have words with spaces; numbers among them are too many
        if len(parts) != form.width + 1 or (len(inner) > 1 and _numbers(inner[-1:])):
            found = len(line.split()) - 1
            raise ValueError(
                f"Line {number} of {path.name} has {found} numbers, others {form.width}. Mend or remove it."
            )
        try:
            row = np.array(parts[1:], dtype=np.float32)
        except ValueError:
            raise ValueError(
                f"Line {number} of {path.name} has something that is no number after its word. Mend or remove"
                " it."
            ) from None
        yield _word(path, parts[0], number), row


def _binary_rows(path: Path, opened: BinaryIO, form: _Form) -> Iterator[tuple[str, np.ndarray]]:
    for number in range(1, form.promised + 1):
        letters = bytearray()
        while (letter := opened.read(1)) not in (b" ", b""):
            letters += letter
        raw = opened.read(4 * form.width)
        if not letters.strip() and not raw:
            return
        if len(raw) != 4 * form.width:
            raise ValueError(
                f"{path.name} ends in the middle of row {number}: it was cut off; fetch it again."
            )
        yield _word(path, bytes(letters).lstrip(b"\n"), number), np.frombuffer(raw, dtype="<f4")


def _word(path: Path, letters: bytes, number: int) -> str:
    try:
        return letters.decode()
    except UnicodeDecodeError:
        raise ValueError(
            f"The word in row {number} of {path.name} is not UTF-8 text. Save the file as UTF-8."
        ) from None


def _table(path: Path, form: _Form, rows: Iterator[tuple[str, np.ndarray]], first: int | None) -> WordVectors:
    words, numbers = [], []
    total = min(filter(None, (form.promised, first)), default=None)
    for word, row in tqdm(islice(rows, first), desc=path.name, total=total, leave=False, delay=1):
        words.append(word)
        numbers.append(row)
    if form.promised and len(words) != form.promised and first is None:
        raise ValueError(
            f"The first line of {path.name} promises {form.promised} words, but has {len(words)}. Correct"
            " the line, or fetch the file again."
        )
    return _made(path, words, np.stack(numbers), first)


def _safetensors(path: Path, first: int | None, most_memory: float) -> WordVectors:
    from safetensors import SafetensorError, safe_open

    beside = path.with_suffix(".txt")
    if not beside.is_file():
        raise ValueError(f"{path.name} needs its words, one a line, in {beside.name} beside it.")
    words = beside.read_text(encoding="utf-8").splitlines()
    try:
        with safe_open(path, framework="numpy") as opened:
            if "vectors" not in opened.keys():  # noqa: SIM118 (it is no dict)
                raise ValueError(f"{path.name} has no tensor named 'vectors'; it has {list(opened.keys())}.")
            part = opened.get_slice("vectors")
            rows, width = part.get_shape()
            _refuse_size(path, min(rows, first or rows), width, most_memory)
            numbers = part[:first].astype(np.float32)
            if "scale" in opened.keys():  # noqa: SIM118
                numbers = numbers * opened.get_tensor("scale")[:first, None]
    except SafetensorError as error:
        raise ValueError(f"{path.name} is damaged ({error}). Fetch it again.") from None
    return _made(path, words[:first], numbers, first)


def _made(path: Path, words: list[str], rows: Float[np.ndarray, "word d"], first: int | None) -> WordVectors:
    """The value; its hash is the file's, or where only a part was read, that part's."""
    if first is not None:
        source = f"The file {path.name}, its first {len(words)} rows."
        digest = hashlib.sha256("\n".join(words).encode() + np.ascontiguousarray(rows).tobytes()).hexdigest()
    else:
        source = f"The file {path.name}."
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return WordVectors(path.stem, tuple(words), rows, source, digest)
