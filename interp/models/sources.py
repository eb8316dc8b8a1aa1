"""Where the weights of a source are: in the project, in a folder, in the hub's cache, or on the hub."""

import hashlib
import os
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from interp.models import folders, hub, memory
from interp.models.hub import HubName
from interp.models.refusals import ModelNotFound
from interp.models.weight_files import weight_files

EMBEDDED = {
    "pocket": Path(__file__).parents[1] / "pocket",
    "pocket-taught": Path(__file__).parents[1] / "pocket_taught",
    "pocket-bigger": Path(__file__).parents[1] / "pocket_bigger",
}


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
        for name in hub.BESIDE_WEIGHTS:
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
    asked = str(found.folder) if found.own else found.asked
    folders.check(asked, found.folder)
    memory.say(asked, folders.configuration(asked, found.folder))
    return replace(found, name=f"{found.name}-{found.sha256[:8]}") if found.own else found


def _find(source: str) -> Source:
    """The source, fetched from the hub if it must be."""
    if source in EMBEDDED:
        return Source(source, EMBEDDED[source])
    path, name = Path(os.path.expanduser(source)), HubName.read(source)  # raises nothing without a home
    if path.is_dir() or source.startswith((".", "/", "~")) or name.model.count("/") > 1 or not name.model:
        return Source(path.resolve().name, path, own=True)
    cached = _cached(source, name)
    folder = cached if cached is not None else hub.fetch(source)
    return Source(name.short, folder, hub_id=source)


def _find_default(otherwise: str, rather: str | None) -> Source:
    chosen = os.environ.get("INTERP_MODEL")
    if chosen:
        return _find(chosen)
    with suppress(ModelNotFound):  # half a copy is no reason to stop
        if rather and (folder := _cached(rather, HubName.read(rather))) is not None:
            return Source(HubName.read(rather).short, folder, hub_id=rather)
    try:
        return _find("gpt2")
    except ModelNotFound:
        warnings.warn(
            f"GPT-2 is neither cached on this machine nor reachable at {hub.host()}, so the small"
            f" {otherwise} model is used; set INTERP_MODEL to a folder or a hub id to choose another.",
            stacklevel=4,
        )
        return _find(otherwise)


def _cached(asked: str, name: HubName) -> Path | None:
    """The cached snapshot of that version of a model under either spelling; None if there is none.

    Raises ModelNotFound if it is not whole and the hub may not be asked for the rest.
    """
    short = name.model.removeprefix("openai-community/")
    spellings = dict.fromkeys((name.model, f"openai-community/{name.model}", short))
    for snapshot in filter(None, (hub.snapshot(replace(name, model=spelt)) for spelt in spellings)):
        lacks = folders.missing(snapshot)
        if lacks is None:
            return snapshot
        if hub.is_offline():
            raise ModelNotFound(
                asked,
                f"the newest copy in the cache has no {lacks}, and HF_HUB_OFFLINE forbids fetching it. Load"
                f" it once with a connection; an older copy in {snapshot.parent} is not taken for it.",
            )
    return None
