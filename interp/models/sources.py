"""Where the weights of a source are: in the project, in a folder, in the hub's cache, or on the hub.

Only this file may touch the network, and only to fetch a hub id that is not cached.
"""

import hashlib
import http.client
import os
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from interp.models import folders
from interp.models.refusals import ModelNotFound

EMBEDDED = {
    "pocket": Path(__file__).parents[1] / "pocket",
    "pocket-taught": Path(__file__).parents[1] / "pocket_taught",
}
_WANTED = (
    "config.json", folders.WEIGHTS, "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"
)  # fmt: skip
_SECONDS_FOR_THE_HUB = 3.0
_NOT_HERE = "it is no folder, not in the cache, and"


@dataclass(frozen=True)
class Source:
    """A model's name and the folder that holds it.

    The name of a folder of one's own ends in the first digits of its weights' hash: two folders called
    `checkpoint-500`, or one called `pocket`, are different models.
    """

    name: str
    folder: Path
    hub_id: str | None = None
    own: bool = False  # a folder that someone pointed at, neither embedded nor from the hub

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of the weights file."""
        with (self.folder / folders.WEIGHTS).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()

    @property
    def asked(self) -> str:
        """What `load` takes to find it again from any working folder."""
        return str(self.folder.resolve()) if self.own else self.hub_id or self.name


def locate(source: str | Path | None = None, *, otherwise: str = "pocket") -> Source:
    """Where the model is that `load(source)` would load, its files checked but not loaded.

    Fetches a hub id that is not cached. Raises ModelNotFound.
    """
    found = _find(str(source)) if source is not None else _find_default(otherwise)
    folders.check(str(found.folder) if found.own else found.asked, found.folder)
    return replace(found, name=f"{found.name}-{found.weights_sha256[:8]}") if found.own else found


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


def _find_default(otherwise: str) -> Source:
    chosen = os.environ.get("INTERP_MODEL")
    if chosen:
        return _find(chosen)
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
    """The cached snapshot of a hub id under either spelling, if it is complete."""
    spellings = (hub_id, f"openai-community/{hub_id}", hub_id.removeprefix("openai-community/"))
    for spelling in spellings:
        home = _hub_cache() / f"models--{spelling.replace('/', '--')}"
        for snapshot in sorted(home.glob("snapshots/*"), key=lambda folder: folder.stat().st_mtime)[::-1]:
            if folders.missing(snapshot) is None:
                return snapshot
    return None


def _hub_cache() -> Path:
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface"
    )
    return Path(os.environ.get("HF_HUB_CACHE") or os.path.join(home, "hub")).expanduser()


def _fetch(hub_id: str) -> Path:
    """The snapshot of a hub id, downloaded by a process of its own: this one stays offline for good."""
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE"):
        raise ModelNotFound(hub_id, f"{_NOT_HERE} HF_HUB_OFFLINE forbids fetching it.")
    folders.parse_config(hub_id, _config_on_the_hub(hub_id))  # a look before the large download
    fetch = (
        "import sys; from huggingface_hub import snapshot_download; "
        "print(snapshot_download(sys.argv[1], allow_patterns=sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", fetch, hub_id, *_WANTED], text=True, stdout=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        raise ModelNotFound(hub_id, "the hub answered, but the download did not finish.")
    return Path(done.stdout.strip().splitlines()[-1])


def _config_on_the_hub(hub_id: str) -> bytes:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    address = f"{endpoint}/{hub_id}/resolve/main/config.json"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS_FOR_THE_HUB) as answer:
            return answer.read()
    except urllib.error.HTTPError as answer:
        raise ModelNotFound(hub_id, f"{_NOT_HERE} the hub answers {answer.code}.") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise ModelNotFound(hub_id, f"{_NOT_HERE} the hub does not answer.") from None
