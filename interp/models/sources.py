"""Where the weights of a source are: in the project, in a folder, in the hub's cache, or on the hub.

Only this file may touch the network, and only to fetch a hub id that is not cached.
"""

import hashlib
import http.client
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from interp.models import folders
from interp.models.refusals import ModelNotFound
from interp.models.weight_files import INDEX, SHARDS, WEIGHTS, weight_files

EMBEDDED = {
    "pocket": Path(__file__).parents[1] / "pocket",
    "pocket-taught": Path(__file__).parents[1] / "pocket_taught",
}
_BESIDE_WEIGHTS = (
    "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "added_tokens.json"
)  # fmt: skip
_WANTED = (*_BESIDE_WEIGHTS, WEIGHTS, INDEX, SHARDS)
_SECONDS_FOR_THE_HUB = 3.0
_NOT_HERE = "it is no folder, not in the cache, and"
_WEB_PAGE = (
    "a web page came instead of a file (a log-in page?). Open the hub in a browser, log in, try again."
)
_ANSWERS = {  # what the hub's numbers mean, and what to do
    401: "this machine has no access to it. Check the name; for a private model set HF_TOKEN.",
    403: "access is forbidden. Ask its owner for access on its page, and set HF_TOKEN.",
    404: "it has no such model. Check the name.",
    416: "a file that was half fetched does not fit. Delete the model's folder in the cache, and try again.",
    429: "there were too many requests. Wait some minutes, or set HF_TOKEN, and try again.",
}
_HUBS_FAULT = "the hub has trouble of its own. Try again later."


@dataclass(frozen=True)
class Source:
    """A model's name and the folder that holds it.

    The name of a folder of one's own ends in the first digits of the hash of its weights, configuration and
    tokenizer: two folders called `checkpoint-500`, or one called `pocket`, are different models.
    """

    name: str
    folder: Path
    hub_id: str | None = None
    own: bool = False  # a folder that someone pointed at, neither embedded nor from the hub

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """The one file of weights, or all shards."""
        return weight_files(self.folder)

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        """Hash of each file of weights."""
        return tuple(map(_file_sha256, self.weight_files))

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of the weights file; of several shards, the hash of their hashes in the order of names."""
        first, *more = self.hashes
        return hashlib.sha256(" ".join(self.hashes).encode()).hexdigest() if more else first

    @cached_property
    def sha256(self) -> str:
        """Hash of all that can change an answer: weights, configuration, tokenizer."""
        digest = hashlib.sha256(self.weights_sha256.encode())
        for name in _BESIDE_WEIGHTS:
            if (self.folder / name).is_file():
                content = (self.folder / name).read_bytes()
                digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.hexdigest()

    @property
    def asked(self) -> str:
        """What `load` takes to find it again from any working folder."""
        return str(self.folder.resolve()) if self.own else self.hub_id or self.name


def _file_sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def locate(
    source: str | Path | None = None, *, otherwise: str = "pocket", rather: str | None = None
) -> Source:
    """Where the model is that `load(source)` would load, its files checked but not loaded.

    Fetches a hub id that is not cached, but for `rather`. Raises ModelNotFound.
    """
    found = _find(str(source)) if source is not None else _find_default(otherwise, rather)
    folders.check(str(found.folder) if found.own else found.asked, found.folder)
    return replace(found, name=f"{found.name}-{found.sha256[:8]}") if found.own else found


def _find(source: str) -> Source:
    """The source, fetched from the hub if it must be."""
    if source in EMBEDDED:
        return Source(source, EMBEDDED[source])
    path = Path(source).expanduser()
    if path.is_dir() or source.startswith((".", "/", "~")) or source.count("/") > 1 or not source:
        return Source(path.resolve().name, path, own=True)
    cached = _cached(source)
    folder = cached if cached is not None else _fetch(source)
    return Source(_short_name(source), folder, hub_id=source)


def _find_default(otherwise: str, rather: str | None) -> Source:
    chosen = os.environ.get("INTERP_MODEL")
    if chosen:
        return _find(chosen)
    with suppress(ModelNotFound):  # half a copy is no reason to stop
        if rather and (folder := _cached(rather)) is not None:
            return Source(_short_name(rather), folder, hub_id=rather)
    try:
        return _find("gpt2")
    except ModelNotFound:
        warnings.warn(
            "GPT-2 is neither cached on this machine nor reachable at huggingface.co, so the small"
            f" {otherwise} model is used; set INTERP_MODEL to a folder or a hub id to choose another.",
            stacklevel=4,
        )
        return _find(otherwise)


def _short_name(hub_id: str) -> str:
    return hub_id.removeprefix("openai-community/").replace("/", "--")


def _cached(hub_id: str) -> Path | None:
    """The cached snapshot that `main` names, of a hub id under either spelling; None if there is none.

    Raises ModelNotFound if it is not whole and the hub may not be asked for the rest.
    """
    spellings = (hub_id, f"openai-community/{hub_id}", hub_id.removeprefix("openai-community/"))
    for snapshot in filter(None, map(_snapshot, dict.fromkeys(spellings))):
        lacks = folders.missing(snapshot)
        if lacks is None:
            return snapshot
        if _is_offline():
            raise ModelNotFound(
                hub_id,
                f"the newest copy in the cache has no {lacks}, and HF_HUB_OFFLINE forbids fetching it. Load"
                f" it once with a connection; an older copy in {snapshot.parent} is not taken for it.",
            )
    return None


def _snapshot(hub_id: str) -> Path | None:
    """The folder of what the hub's library has cached of a model's `main`, whole or not."""
    with offline():
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    try:
        found = (try_to_load_from_cache(hub_id, name) for name in ("config.json", WEIGHTS, INDEX))
        return next((Path(file).parent for file in found if isinstance(file, str)), None)
    except HFValidationError:  # no name that the hub could have
        return None


def _is_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE")


@contextmanager
def offline() -> Iterator[None]:
    """HF_HUB_OFFLINE set: the libraries read it once, at import, and every model comes from a folder.

    The variable is put back, so that it keeps meaning what the user meant by it.
    """
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before


def _fetch(hub_id: str) -> Path:
    """The snapshot of a hub id, downloaded by a process of its own: this one stays offline for good."""
    if _is_offline():
        raise ModelNotFound(hub_id, f"{_NOT_HERE} HF_HUB_OFFLINE forbids fetching it.")
    folders.parse_config(hub_id, _config_on_the_hub(hub_id))  # a look before the large download
    fetch = (
        "import sys; from huggingface_hub import snapshot_download; "
        "print(snapshot_download(sys.argv[1], allow_patterns=sys.argv[2:]))"
    )  # its bars go to the screen; what it fails by comes back as the last line, without a traceback
    fetch = f"import sys\ntry:\n    {fetch}\nexcept Exception as error:\n" + (
        "    print(' '.join(f'{type(error).__name__}: {error}'.split())); sys.exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", fetch, hub_id, *_WANTED],
        text=True, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    line = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode != 0:
        raise ModelNotFound(hub_id, _why_not_fetched(line))
    folder = Path(line)
    pages = [name for name in _WANTED if (folder / name).is_file() and _begins_as_page(folder / name)]
    if pages:
        raise ModelNotFound(hub_id, f"for {pages[0]} {_WEB_PAGE} Then delete {folder.parents[1]}.")
    return folder


def _config_on_the_hub(hub_id: str) -> bytes:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    address = f"{endpoint}/{hub_id}/resolve/main/config.json"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS_FOR_THE_HUB) as answer:
            content = answer.read()
    except urllib.error.HTTPError as answer:
        raise ModelNotFound(hub_id, f"{_NOT_HERE} {_meaning(answer.code)}") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise ModelNotFound(hub_id, f"{_NOT_HERE} the hub does not answer.") from None
    if _is_page(content):
        raise ModelNotFound(hub_id, f"{_NOT_HERE} {_WEB_PAGE}")
    return content


def _meaning(code: int) -> str:
    """What an answer of the hub that is no file means, and what to do."""
    known = _ANSWERS.get(code) or (_HUBS_FAULT if code >= 500 else "that is no file. Try again later.")
    return f"the hub answers {code}: {known}"


def _is_page(content: bytes) -> bool:
    return re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml)", content, re.IGNORECASE) is not None


def _begins_as_page(file: Path) -> bool:
    with file.open("rb") as opened:
        return _is_page(opened.read(256))


def _why_not_fetched(told: str) -> str:
    """What stopped a download, from the last lines of the library that fetched."""
    code = re.search(r"(\d{3}) (?:client|server) error|(?:client|server) error '(\d{3})", told, re.IGNORECASE)
    if code:
        return f"{_NOT_HERE} {_meaning(int(code[1] or code[2]))}"
    if "No space left" in told:
        return "the hub answered, but the disk is full. Make room, and try again."
    last = next((line.strip() for line in reversed(told.splitlines()) if line.strip()), "")
    reason = f" ({last.partition(': ')[2] or last})" if last else ""
    return f"the hub answered, but the download did not finish{reason}."
