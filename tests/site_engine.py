"""Runs the pages' engine outside a browser, in the node that Playwright brings along, or another one."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from interp import site

READ = 'const readText = (at) => require("node:fs").readFileSync(process.argv[at], "utf8");'
LOAD = "const model = unpack(readText(2), process.argv[3]), data = JSON.parse(readText(4));"


def node_path():
    """A node to run scripts with; None without one."""
    found = find_spec("playwright")
    beside = Path(found.origin).parent / "driver" / "node" if found and found.origin else Path("none")
    return str(beside) if beside.is_file() else shutil.which("node")


def answers(folder, packed, script, data):
    """What `script` writes to `told` (JSON), with the engine loaded, `model` unpacked and `data` given."""
    (folder / "pack.json").write_text(packed.text)
    (folder / "data.json").write_text(json.dumps(data))
    tell = "process.stdout.write(JSON.stringify(told));"
    (folder / "run.cjs").write_text("\n".join([READ, site.engine(), LOAD, script, tell]))
    node = node_path()
    assert node is not None
    done = subprocess.run(
        [node, "run.cjs", "pack.json", packed.sha256, "data.json"],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
