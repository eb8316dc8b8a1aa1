"""Where the weights of a folder lie: in one safetensors file, or in shards that an index names."""

import json
from pathlib import Path

from torch import Tensor

from interp.models.refusals import ModelNotFound

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
SHARDS = "model-*-of-*.safetensors"


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files that hold the weights, by name, there or not: the one file, else what the index names."""
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return (folder / WEIGHTS,)
    return tuple(folder / name for name in _shards(folder)) or (folder / INDEX,)


def missing_weights(folder: Path) -> str | None:
    """The first file of weights that a folder lacks, in words; None if all are there."""
    files = weight_files(folder)
    if files == (folder / INDEX,):
        return f"readable {INDEX}"
    absent = next((file.name for file in files if not file.is_file()), None)
    return absent if absent in (None, WEIGHTS) else f"{absent}, which {INDEX} names"


def shapes(source: str, files: tuple[Path, ...]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor in these files, read from their headers; checks their lengths."""
    return {name: shape for name, (_, shape) in _headers(source, files).items()}


def places(source: str, files: tuple[Path, ...]) -> dict[str, Path]:
    """The file that holds each tensor."""
    return {name: file for name, (file, _) in _headers(source, files).items()}


def read(source: str, file: Path, name: str) -> Tensor:
    """One tensor of a file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            return opened.get_tensor(name)
    except SafetensorError as error:
        raise ModelNotFound(source, f"{file.name} is damaged ({error}).") from None


def _shards(folder: Path) -> list[str]:
    """The names in the index; none if it cannot be read or names what is no file beside it."""
    try:
        names = sorted(set(json.loads((folder / INDEX).read_bytes())["weight_map"].values()))
        plain = all(name.endswith(".safetensors") and Path(name).name == name for name in names)
    except (ValueError, AttributeError, TypeError, KeyError):
        return []
    return names if plain else []


def _headers(source: str, files: tuple[Path, ...]) -> dict[str, tuple[Path, tuple[int, ...]]]:
    found: dict[str, tuple[Path, tuple[int, ...]]] = {}
    for file in files:
        for name, shape in _header(source, file).items():
            if name in found:
                raise ModelNotFound(
                    source,
                    f"its weights are damaged: {found[name][0].name} and {file.name} both hold {name}. Keep"
                    f" the shards that {INDEX} belongs to.",
                )
            found[name] = (file, shape)
    return found


def _header(source: str, file: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a file; checks that it has the length that its header says."""
    damaged = ModelNotFound(source, f"{file.name} is damaged: it is cut short or is no safetensors file.")
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        if size > file.stat().st_size:
            raise damaged
        try:
            header = json.loads(opened.read(size))
            header.pop("__metadata__", None)
            end = max(entry["data_offsets"][1] for entry in header.values())
            found = {name: tuple(entry["shape"]) for name, entry in header.items()}
        except (ValueError, AttributeError, TypeError, KeyError):
            raise damaged from None
    if file.stat().st_size != 8 + size + end:
        raise damaged
    return found
