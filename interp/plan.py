"""The plan of the house as a picture, drawn from the imports into README.md beside this file (`make plan`).

It draws what is there; whether an arrow may be there is the architecture test's to say.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from interp import files

HOUSE = Path(__file__).parent
BEGIN, END = "<!-- drawn by `make plan` -->\n", "<!-- end of the drawing -->"
Arrows = Mapping[str, frozenset[str]]  # room -> the rooms that it imports


def arrows(house: Path = HOUSE) -> Arrows:
    """Every room, a folder or a file directly within the package, and the rooms that it imports."""
    found: dict[str, set[str]] = {}
    for file in sorted(house.rglob("*.py")):
        room = file.relative_to(house).with_suffix("").parts[0]
        if room != "__init__":
            found.setdefault(room, set()).update(_imported(file, house.name))
    return {room: frozenset(to & found.keys() - {room}) for room, to in found.items()}


def fewest(all_arrows: Arrows) -> Arrows:
    """Without the arrows that others imply: who imports `studies` stands above all that it stands on."""
    return {
        room: frozenset(
            one for one in to if not any(one in _below(other, all_arrows) for other in to - {one})
        )
        for room, to in all_arrows.items()
    }


def mermaid(few: Arrows, house: Path = HOUSE) -> str:
    """The picture as a block that GitHub and Jupyter draw; rooms that are folders end in a slash."""
    lines = ["```mermaid", "flowchart TD"]
    for room in sorted(few):
        lines.append(f'    {room.strip("_")}["{room}{"/" if (house / room).is_dir() else ".py"}"]')
    lines += [f"    {room.strip('_')} --> {' & '.join(sorted(to))}" for room, to in sorted(few.items()) if to]
    return "\n".join([*lines, "```"]) + "\n"


def drawn(text: str) -> str:
    """A README with the picture of today between its two marks. Raises ValueError if a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The README has no place for the plan: write {BEGIN.strip()} and {END} in it.")
    return f"{before}{BEGIN}{mermaid(fewest(arrows()))}{END}{after}"


def _imported(file: Path, package: str) -> Iterator[str]:
    """The first name after the package's in every import of a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [one.name for one in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name}" for name in names]
        yield from (name.split(".")[1] for name in names if name.startswith(f"{package}."))


def _below(room: str, all_arrows: Arrows) -> frozenset[str]:
    return all_arrows[room].union(*(_below(one, all_arrows) for one in all_arrows[room]))


if __name__ == "__main__":
    readme = HOUSE / "README.md"
    files.write(readme, drawn(readme.read_text(encoding="utf-8")).encode())
