"""Fetches a model's files from the hub: a program of its own, so that the process that asks stays offline.

`python fetching.py ID REVISION WEIGHTS INDEX SHARDS FILE...` prints, as its last line, the folder that holds
them (0); what the model has instead of safetensors (2); or what it failed by (1). Bars go to the screen.
"""

import sys

NOTHING_TO_READ = 2


def main(hub_id: str, revision: str, weights: str, index: str, shards: str, *others: str) -> int:
    """One file of weights if there is one, else shards, and the other files."""
    try:
        from huggingface_hub import HfApi, snapshot_download

        names = [file.rfilename for file in HfApi().model_info(hub_id, revision=revision).siblings or ()]
        wanted = (weights,) if weights in names else (index, shards) if index in names else ()
        if not wanted:
            other = (name for name in sorted(names) if name.endswith((".bin", ".h5", ".msgpack", ".ckpt")))
            return _tell(next(other, ""), NOTHING_TO_READ)
        return _tell(snapshot_download(hub_id, revision=revision, allow_patterns=[*others, *wanted]), 0)
    except Exception as error:
        return _tell(f"{type(error).__name__}: {error}", 1)


def _tell(line: str, code: int) -> int:
    sys.stdout.write(" ".join(line.split()) + "\n" if code else f"{line}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
