"""Runs that ship: weights as safetensors in half precision, what was measured as JSON, bound by a hash.

Nothing is measured on finer weights than these: `keep` rounds first.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from interp import files
from interp.trainings.network import Network, Shape

FOLDER = Path(__file__).parent / "stored"


def rounded(network: Network) -> Network:
    """The network with its weights as they will be stored; changed in place."""
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(p.half())
    return network


def keep(name: str, network: Network | None, noted: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write a run: `<name>.json`, and `<name>.safetensors` if weights are kept; each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    if network is not None:
        weights = save({key: p.detach().half().contiguous() for key, p in network.named_parameters()})
        noted = {**noted, "weights_sha256": hashlib.sha256(weights).hexdigest()}
        files.write(folder / f"{name}.safetensors", weights)
    files.write(folder / f"{name}.json", (json.dumps(noted, separators=(",", ":")) + "\n").encode())
    return folder / f"{name}.json"


def noted(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What was measured in a stored run. Raises ValueError in one sentence when it is missing or damaged."""
    try:
        whole = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        if isinstance(whole, dict) and "seed" in whole:
            return whole
        why = "it is no stored run"
    except (OSError, ValueError) as error:
        why = type(error).__name__
    raise ValueError(f"The stored run {name} cannot be read from {folder} ({why}): {_again(name)}.")


def network(name: str, vocabulary: int, shape: Shape, folder: Path = FOLDER) -> Network:
    """The weights of a stored run. Raises ValueError when they are missing or not those measured."""
    path = folder / f"{name}.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): {_again(name)}.") from error
    said, found = noted(name, folder).get("weights_sha256", ""), hashlib.sha256(content).hexdigest()
    if said != found:
        raise ValueError(
            f"{path} has the hash {found[:8]}, but the run noted {said[:8]}: it was changed; {_again(name)}."
        )
    made = Network(vocabulary, shape)
    try:
        made.load_state_dict({key: p.float() for key, p in load(content).items()}, strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} does not fit the recipe of {name}: {_again(name)}.") from error
    return made.eval()


def about(topic: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What a Result says about the runs of one topic (taps, family, belief): a name, one hash of all files.

    Raises ValueError when there is none.
    """
    files = sorted(path for path in folder.glob(f"{topic}*") if path.suffix in (".json", ".safetensors"))
    if not files:
        raise ValueError(f"There is no stored run of {topic} in {folder}: {_again(topic)}.")
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.read_bytes())
    return {"model": f"trained-{topic}", "weights_sha256": whole.hexdigest()}


def _again(name: str) -> str:
    return f"make it again with `python -m interp train-{name.partition('-')[0]}`"
