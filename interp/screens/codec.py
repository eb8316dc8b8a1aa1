"""States as JSON and back: every field is what its annotation says, or one sentence tells which is not.

A field without a value in the JSON takes its default, so states saved before it was added still load.
"""

import json
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

from interp.sites import Head, Neuron

SHOWN = 60  # characters of what was given that a refusal repeats
NAMED = {Head: "no head such as L9H6", Neuron: "no neuron such as L8N1203"}  # written by their names
WANTED = {str: "no text", bool: "neither true nor false", int: "no whole number", float: "no number"}


class State:
    """What a widget is asked. Frozen dataclasses derive from it; `screen` names the widget in refusals."""

    screen: ClassVar[str]


S = TypeVar("S", bound=State)


def write(state: State) -> str:
    """The state as one line of JSON; heads and neurons by name, such as "L9H6"."""
    return json.dumps(plain(state), ensure_ascii=False)


def plain(value: Any) -> Any:
    """What JSON can hold of a state."""
    if type(value) in NAMED:
        return str(value)
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def read(kind: type[S], text: str) -> S:
    """The state that `write` wrote. Raises ValueError, in one sentence, for anything else."""
    return made(kind, parsed(text, kind.screen))


def parsed(text: str, screen: str) -> Any:
    """What the JSON of a state says. Raises ValueError for what is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(_refusal(text, screen, "it is no JSON")) from error


def made(kind: type[S], given: Any) -> S:
    """The state with these fields. Raises ValueError, in one sentence, where one of them is wrong."""
    try:
        return _value(kind, given, "it")
    except ValueError as error:
        raise ValueError(_refusal(given, kind.screen, str(error))) from error


def _refusal(given: Any, screen: str, why: str) -> str:
    told = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return f"{shortened(told)} is no state of {screen}: {why}; give what `state` gave."


def shortened(told: Any) -> str:
    """What was given as a refusal repeats it: quoted, and no longer than `SHOWN`."""
    text = repr(told)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _value(kind: Any, given: Any, where: str) -> Any:
    """`given` as a value of this kind. Raises ValueError that says where it is not."""
    inner = get_args(kind)
    if NoneType in inner:
        return None if given is None else _value(inner[0], given, where)
    if get_origin(kind) is tuple:
        return _several(inner, given, where)
    if kind in NAMED:
        return _named(kind, given, where)
    if is_dataclass(kind):
        return _record(kind, given, where)
    if type(given) is kind or (kind is float and type(given) is int):
        return kind(given)
    raise ValueError(f"{where} is {WANTED[kind]}")


def _several(inner: tuple[Any, ...], given: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(given, list):
        raise ValueError(f"{where} is no list")
    kinds = inner[:1] * len(given) if inner[-1] is ... else inner
    if len(kinds) != len(given):
        raise ValueError(f"{where} has {len(given)} entries, not {len(kinds)}")
    return tuple(
        _value(kind, one, f"{where}[{i}]") for i, (kind, one) in enumerate(zip(kinds, given, strict=True))
    )


def _named(kind: Any, given: Any, where: str) -> Any:
    try:
        return kind.parse(given)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{where} is {NAMED[kind]}") from error


def _record(kind: Any, given: Any, where: str) -> Any:
    if not isinstance(given, dict):
        raise ValueError(f"{where} is no object with fields")
    hints = _hints(kind)
    for name in given:
        if name not in hints:
            raise ValueError(f"{where} has a field {shortened(name)} that nobody knows")
    needed = [one.name for one in fields(kind) if one.default is MISSING]
    for name in needed:
        if name not in given:
            raise ValueError(f"{name} is missing")
    return kind(**{name: _value(hints[name], one, name) for name, one in given.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}
