"""A small GPT-2 as one text that a browser reads, and where such texts lie. A hash binds it to its page."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from interp import files
from interp.site import scripts

ENDING, SCRIPT = ".model.js", "living.js"
LARGEST = 6_000_000  # bytes of a pack; a page should open on a phone


@dataclass(frozen=True)
class Pack:
    """A packed model: its name, its text (JSON in ASCII), and the text's SHA-256."""

    name: str
    text: str
    sha256: str

    def script(self) -> str:
        """A classic script that hands the text to the page that loads it; its first line says what it is."""
        name, text = json.dumps(self.name), json.dumps(self.text)
        return f"// {self.name} {self.sha256}\n(globalThis.interpPacks ??= {{}})[{name}] = {text};\n"


@dataclass(frozen=True)
class Beside:
    """A pack that lies beside a page: the model's name, the file as the page names it, its text's SHA-256."""

    name: str
    file: str
    sha256: str


def pack(source: str) -> Pack:
    """The embedded model or folder `source` as a pack.

    Raises ValueError, in one sentence, for a GPT-2 whose settings the browser's forward pass does not know
    and for one whose pack would be larger than `LARGEST` bytes.
    """
    from interp.site import contents  # imports torch

    name, fields = contents.of(source, LARGEST)
    text = json.dumps(fields, separators=(",", ":"))
    return Pack(name, text, hashlib.sha256(text.encode("ascii")).hexdigest())


def write(source: str, folder: Path) -> Path:
    """The file of this model's pack in a folder of pages, with the script that wakes it beside it.

    Raises ValueError as `pack` does, after removing what an earlier model left there.
    """
    try:
        made = pack(source)
    except ValueError:
        _keep_only(None, folder)
        raise
    path = folder / f"{made.name}{ENDING}"
    files.write(folder / SCRIPT, scripts.living().encode())
    files.write(path, made.script().encode("ascii"))
    _keep_only(path, folder)
    return path


def _keep_only(pack: Path | None, folder: Path) -> None:
    for other in set(folder.glob(f"*{ENDING}")) - {pack}:
        other.unlink(missing_ok=True)


def packs_in(folder: Path, at: str = "") -> tuple[Beside, ...]:
    """The packs that lie in a folder; `at` leads there from the page."""
    return tuple(_beside(path, at) for path in sorted(folder.glob(f"*{ENDING}")))


def _beside(path: Path, at: str) -> Beside:
    with path.open(encoding="ascii") as opened:
        name, sha256 = opened.readline().removeprefix("// ").rsplit(" ", 1)
    return Beside(name, f"{at}{path.name}", sha256.strip())
