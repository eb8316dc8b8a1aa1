"""The plan of the house as a test: who may import whom, and who alone may do what."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import jaxtyping
import pytest
import torch

from interp import plan
from interp.hooks import resume

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "interp"
FILES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# A room may import rooms of a lower floor, and itself. `claims` is a value that the studies return, so it
# stands below them although it is read after them.
FLOORS = {
    "files": -1, "undisturbed": -1, "predictions": -1, "progress": -0.5, "languages": -0.5,
    "words": 0, "sites": 0, "result": 0, "claims": 0, "finding": 0,
    "screens": 0.5,
    "published": 1, "prompts": 1, "models": 1, "vectors": 1, "trainings": 1,
    "pocket": 2, "pocket_bigger": 2,
    "hooks": 2, "pocket_taught": 3,
    "methods": 3,
    "studies": 4,
    "benches": 5,
    "figures": 6, "slides": 6.2, "widgets": 6.4, "site": 6,
    "timing": 7, "card": 7, "doctor": 7, "gpu_check": 8, "execution": 7, "report": 7, "verification": 7,
    "training_commands": 7, "plan": 7,
    "taught_card": 8, "exam_card": 8,
    "__main__": 9,
}  # fmt: skip

# What figures and widgets may see of the house: values only, never a model.
VALUES = {
    "files",
    "languages",
    "result",
    "sites",
    "claims",
    "words",
    "published",
    "screens",
    "predictions",
    "progress",
}
MAY_ALSO = {"figures": set(), "widgets": {"slides"}}  # which draws what a widget shows, and keeps it
TRAINS_THE_MODEL = {
    "interp/pocket/train.py", "interp/pocket/grow.py", "interp/pocket_taught/train.py",
    "interp/pocket_taught/network.py", "interp/trainings/",
}  # fmt: skip
PROVES_THE_MODEL = "interp/models/proof.py"  # once, beside the reference, before anybody may have it
RUNS_OTHERS_LOOPS = "interp/timing/"  # to time TransformerLens' own ways


def source(file):
    return file.read_text(encoding="utf-8")


@cache
def tree_of(file):
    return ast.parse(source(file))


def name_of(file):
    return str(file.relative_to(ROOT))


def room_of(parts):
    """The longest name of a room that these parts of a dotted name begin with."""
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in FLOORS:
            return ".".join(parts[:length])
    return None


def room_of_file(file):
    return room_of(file.relative_to(PACKAGE).with_suffix("").parts)


def imported(file):
    """Every dotted name that a file imports, `from a import b` as both `a` and `a.b`."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)} imports relatively; write the whole name"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(file):
    names = [name.split(".")[1:] for name in imported(file) if name.startswith("interp.")]
    return {room_of(parts) for parts in names} - {None}


def files_outside(*allowed):
    return [file for file in FILES if not name_of(file).startswith(allowed)]


def offenders(files, pattern):
    """The lines of these files that match, as "file:line"; docstrings and comments count too."""
    return [
        f"{name_of(file)}:{number}"
        for file in files
        for number, line in enumerate(source(file).splitlines(), start=1)
        if re.search(pattern, line)
    ]


def importers(files, *packages):
    return [name_of(file) for file in files if any(name.split(".")[0] in packages for name in imported(file))]


def test_every_file_has_a_room():
    assert [name_of(f) for f in FILES if room_of_file(f) is None and f.parent != PACKAGE] == []
    assert [name_of(f) for f in PACKAGE.glob("*.py") if room_of_file(f) is None] == ["interp/__init__.py"]


def test_imports_go_down_only():
    wrong = [
        f"{name_of(file)} imports {room}"
        for file in FILES
        for room in rooms_imported(file)
        if room_of_file(file) and room != room_of_file(file) and FLOORS[room] >= FLOORS[room_of_file(file)]
    ]
    assert wrong == []


def test_the_drawn_plan_is_of_today():
    text = source(PACKAGE / "README.md")
    assert text == plan.drawn(text), "Draw it again: make plan"
    seen = {room: {to for file in FILES if room_of_file(file) == room for to in rooms_imported(file)} - {room}
            for room in FLOORS}  # fmt: skip
    assert {room: set(to) for room, to in plan.arrows().items()} == seen


def test_an_arrow_that_others_imply_is_not_drawn():
    few = plan.fewest({"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()})
    assert few == {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset()}
    with pytest.raises(ValueError, match=r"^The README has no place for the plan: write <!-- drawn by `make"):
        plan.drawn("# A page")


def test_no_files_import_one_another_in_a_circle():
    """At any depth, also where an import stands within a function; a package's own `__init__` aside."""
    files = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in FILES}
    files = {name.removesuffix(".__init__"): file for name, file in files.items()}
    arrows = {
        name: {one for one in imported(file) if one in files and not f"{name}.".startswith(f"{one}.")}
        for name, file in files.items()
    }
    while ends := {name for name, to in arrows.items() if not to & arrows.keys()}:
        arrows = {name: to for name, to in arrows.items() if name not in ends}
    circle = {name for name in arrows if any(name in to for to in arrows.values())}
    assert sorted(circle) == []


@pytest.mark.parametrize("drawing_room", ["figures", "widgets"])
def test_pictures_and_controls_see_values_only(drawing_room):
    files = [file for file in FILES if room_of_file(file) == drawing_room]
    assert files
    assert (
        set().union(*map(rooms_imported, files)) - VALUES - MAY_ALSO[drawing_room] - {drawing_room} == set()
    )
    assert importers(files, "torch", "transformers", "transformer_lens") == []


def test_only_the_sites_spell_hook_names():
    spelled = r"blocks\.(\{|\d)|['\"/.]hook_(?!name\b)[a-z]"
    spelled += r"|\bhook_(resid|z|q|k|v|mlp|attn|embed|pos|pattern|pre|post|scale)\b"
    prose = {"interp/hooks.py"}  # one docstring names the trap it avoids
    assert [
        line
        for line in offenders(files_outside("interp/sites.py"), spelled)
        if line.split(":")[0] not in prose
    ] == []
    literals = [
        node.value
        for node in ast.walk(ast.parse(source(PACKAGE / "hooks.py")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
    ]
    assert [text for text in literals if re.search(spelled, text)] == []


def test_only_the_hooks_and_the_engine_execute_a_model():
    """The engine computes with a model's weights, which one of its files reads; bridges run in hooks."""
    reads_the_weights = "interp/methods/engine/weights.py"
    assert offenders([PACKAGE / "methods" / "engine" / "weights.py"], r"\bmodel\(|\.forward\(") == []
    files = files_outside(
        "interp/hooks.py",
        reads_the_weights,
        RUNS_OTHERS_LOOPS,
        PROVES_THE_MODEL,
        *TRAINS_THE_MODEL,
        "interp/models/bridge.py",  # the type: it names the runners
    )
    executes = (
        r"run_with_(hooks|cache)|\.hooks\(|\badd_(perma_)?hook\(|register_forward|\.blocks\b(?!\.\{)"
        r"|\b(model|bridge|network)\((?!\))|\.(forward|generate)\("
    )
    assert offenders(files, executes) == []


def test_every_model_has_its_type():
    """A parameter that takes a model is annotated, so pyright checks what is read of it."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nameless = [
        f"{name_of(file)}:{argument.lineno}"
        for file in FILES
        for node in ast.walk(tree_of(file))
        if isinstance(node, functions)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if argument.arg in ("model", "bridge", "loaded")
        and (argument.annotation is None or ast.unparse(argument.annotation) == "Any")
    ]
    assert nameless == []


def test_the_parts_of_a_model_are_read_by_its_runners_only():
    """All others read its sizes, its tokenizer and its stacked weights, as `models.bridge` lists them."""
    readers = ("interp/models/", "interp/hooks.py", "interp/methods/engine/weights.py")
    trainers = (*TRAINS_THE_MODEL, "interp/pocket/run.py")
    parts = r"\bmodel\.(blocks|ln_final|unembed|original_model|buffers|named_modules|state_dict|__dict__)\b"
    assert offenders(files_outside(*readers, *trainers), parts) == []


def test_the_sizes_of_a_model_are_told_in_one_room():
    """Others ask `models.sizes` or `models.describe`; the engine reads switches that are no sizes."""
    readers = ("interp/models/", "interp/methods/engine/weights.py")
    assert offenders(files_outside(*readers), r"\.cfg\b") == []


def test_only_the_figures_draw():
    allowed = ("interp/figures", "interp/doctor.py")  # the doctor asks for the fonts
    assert importers(files_outside(*allowed), "matplotlib", "plotly") == []
    assert offenders(FILES, r"\bpyplot\b|\.show\(\)") == []


def test_only_the_widgets_import_widgets():
    assert importers(files_outside("interp/widgets/"), "ipywidgets", "anywidget") == []


def test_only_models_and_training_know_the_model_libraries():
    allowed = ("interp/models/", "interp/pocket/", "interp/pocket_taught/", RUNS_OTHERS_LOOPS)
    assert importers(files_outside(*allowed), "transformers", "transformer_lens", "huggingface_hub") == []


def test_words_hold_no_tensors():
    assert importers([f for f in FILES if room_of_file(f) == "words"], "torch", "numpy", "transformers") == []


def test_annotations_are_not_postponed():
    """Postponed annotations can make the shape checks skip silently."""
    assert offenders(FILES, r"^from __future__ import annotations") == []


def test_the_library_does_not_print():
    calls = [
        f"{name_of(file)}:{node.lineno}"
        for file in files_outside("interp/__main__.py", "interp/pocket/train.py", "interp/pocket/measure.py")
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def test_a_question_fits_in_a_folder():
    folders = [folder for folder in (PACKAGE / "studies").iterdir() if folder.name != "__pycache__"]
    modules = {folder.name: len(list(folder.glob("[!_]*.py"))) for folder in folders if folder.is_dir()}
    assert {name: count for name, count in modules.items() if count > 8} == {}
    assert [file.name for file in folders if file.is_file()] == ["__init__.py"]


def test_no_file_is_a_drawer():
    assert [name_of(file) for file in FILES if file.stem in ("utils", "helpers", "misc", "common")] == []


def test_the_state_of_the_process_is_left_alone():
    trainers = ("models/untrained.py", "pocket/grow.py", "pocket/train.py", "pocket_taught/train.py")
    seeds_itself = [PACKAGE / trainer for trainer in trainers]
    found = offenders(
        FILES, r"set_grad_enabled|^\s*global |torch\.manual_seed|np\.random\.seed|import \*|except:"
    )
    assert found == offenders(seeds_itself, r"torch\.manual_seed")


@pytest.mark.slow  # a quick run checks no shapes
def test_shapes_are_checked_while_these_tests_run(tiny):
    with pytest.raises(jaxtyping.TypeCheckError):
        resume(tiny, torch.zeros(3), 0)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_asks_and_calls_and_nothing_more(notebook):
    cells = [c for c in json.loads(source(notebook))["cells"] if c["cell_type"] == "code"]
    for cell in cells:
        code = "".join(cell["source"])
        lines = [line for line in code.splitlines() if line.strip()]
        assert not re.search(r"^\s*(async )?(def|class)\b", code, re.MULTILINE), code
        assert not re.search(r"^\s*(import|from) torch\b|^\s*[%!]", code, re.MULTILINE), code
        assert len(lines) <= 10, f"this cell has {len(lines)} lines:\n{code}"
        assert cell["outputs"] == [], f"outputs are build products; strip them:\n{code}"


WRITES = re.compile(
    r"\.write_(text|bytes)\(|\bsave_file\(|torch\.save\([^,]+, (?!content\))|\bopen\([^)]*[\"'][wa]b?[\"']"
)
ASIDE = {"interp/files.py", "interp/timing/subject.py"}  # the second: a throw-away folder of the bench


def test_only_files_writes_files():
    """So that whatever is killed, or finds the disk full, leaves no half file."""
    found = {f"{name_of(file)}: {line.strip()}" for file in FILES if name_of(file) not in ASIDE
             for line in source(file).splitlines() if WRITES.search(line)}  # fmt: skip
    assert found == {
        'interp/methods/scan/running.py: with path.open("wb") as file:'
    }  # beside, by `replacing`
