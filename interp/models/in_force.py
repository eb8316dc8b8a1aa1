"""What hangs on a model: every hook that a run (forward) or its gradient (backward) would obey."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.modules import module as everywhere

from interp.models.bridge import Bridge

OWN_TO_THE_MODEL = ("transformer_lens", "transformers")  # whose hooks on torch modules belong to the model
FORWARD = ("_forward_hooks", "_forward_pre_hooks")
BACKWARD = ("_backward_hooks", "_backward_pre_hooks")


def in_force(model: Bridge, kinds: tuple[str, str]) -> Iterator[Any]:
    """What hangs where: the hook itself where it is one of an edit (it has an `edit`), else the name of the
    hook point or module. Hooks that torch calls at every module are named so.
    """
    for kind in kinds:
        if any(map(_is_foreign, getattr(everywhere, f"_global{kind}", {}).values())):
            yield "every module"
    first, second = kinds
    for name, module in _modules(model):
        own = module.__dict__  # torch's own way to an attribute takes longer than a toggle
        if not (own[first] or own[second]):
            continue
        hooks = [hook for kind in kinds for hook in list(own[kind].values())]
        for handle in getattr(
            module, "fwd_hooks" if kinds == FORWARD else "bwd_hooks", ()
        ):  # of a hook point
            yield handle.user_hook if hasattr(handle.user_hook, "edit") else str(module.name)
        if any(map(_is_foreign, hooks)):
            yield name.replace("._original_component", "") or type(module).__name__


def _modules(model: Bridge) -> tuple[tuple[str, torch.nn.Module], ...]:
    """The model's modules with their names, listed once: walking the tree takes longer than a toggle."""
    if "modules_by_name" not in model.__dict__:
        seen: set[torch.nn.Module] = set()
        roots = (model, model.original_model)  # the second holds a few that the bridge does not list
        named = tuple(named for root in roots for named in root.named_modules(seen))
        model.__dict__["modules_by_name"] = named
    return model.__dict__["modules_by_name"]


def _is_foreign(hook: Any) -> bool:
    """Whether somebody hung this hook on a torch module; the libraries hang some of their own at the first
    run, which only listen.
    """
    return str(getattr(hook, "__module__", "")).split(".")[0] not in OWN_TO_THE_MODEL
