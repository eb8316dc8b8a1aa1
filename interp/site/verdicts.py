"""What the notebooks saved, read back: every claim beside the models it was tested on, and how firm it is.

Nothing is measured here, and no verdict is made: a cell without a saved claim says so. Refuses: models.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interp import claims
from interp.languages import message, say
from interp.result import Result
from interp.site import story
from interp.site.rendering import MARKS, render_part

NOT_MEASURED, TO_COME = message("not measured"), message("to come")
FIRM, FAIRLY_FIRM = 0.1, 0.3  # half an interval, as a share of its number
ALWAYS = ("glove-6b-100d", "pocket", "pocket-taught", "pocket-bigger", "gpt2")  # a row each, measured or not
NAMED = {"quoted": "named on the left"}  # the figure's caption: it lies with one model and shows several
TAUGHT = "pocket-taught"  # a verdict on it is about our instruments
LEVELS = {"supported": 1.0, "as taught": 1.0, "partly": 0.5, "not supported": -1.0, "instrument failed": -1.0}


def saved(folder: Path) -> list[dict[str, Any]]:
    """The claims saved in a folder of results, each with its `model`, its `number` and its `firmness`."""
    path = folder / "claims.json"
    if not path.is_file():
        return []
    read = json.loads(path.read_text(encoding="utf-8"))
    return [
        {
            **fields,
            "model": read["model"],
            "number": claims.number_text(fields["measured"], fields["interval"]),
            "firmness": say("; ").join(
                told
                for told in (
                    firmness(fields["measured"], fields["interval"]),
                    _verdict_stays(fields.get("variations")),
                )
                if told
            ),
        }
        for fields in read["claims"]
    ]


def _verdict_stays(variations: Mapping[str, Sequence[int]] | None) -> str:
    told = claims.stays_text(variations)
    return say("verdict {stays}", stays=told) if told else ""


def firmness(measured: float | None, interval: Sequence[float] | None) -> str:
    """How well a number is known, in words; "" where there is none.

    It is about the number, not about the test: the half-width of the 95 % interval as a share of the number.
    """
    if measured is None:
        return ""
    if interval is None:
        return say("counted, not estimated")
    low, high = interval
    if low == high:
        return say("every item alike")
    if low <= 0 <= high:
        return say("may be nothing: the interval holds 0")
    reach = (high - low) / 2 / abs(measured)
    if reach < FAIRLY_FIRM:
        return say("firm") if reach < FIRM else say("fairly firm")
    return say("loose")


def read(base: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """All that was saved beneath a folder of results: model -> claim -> its fields."""
    others = sorted(path.parent.name for path in base.glob("*/claims.json"))
    names = dict.fromkeys([*ALWAYS, *others])
    return {name: {fields["id"]: fields for fields in saved(base / name)} for name in names}


def side_by_side(base: Path) -> claims.HtmlTable:
    """A row for each of the article's claims, of whom it is said, and a column for each model."""
    found = _few_columns(read(base))
    rows = [
        {
            "id": name,
            "text": say(story.SAYS[name]),
            "of": say(story.SAID_OF[name]),
            "cells": [_cell(name, found[model]) for model in found],
        }
        for name in story.SAYS
    ]
    return claims.HtmlTable(render_part("sides.html", models=list(found), rows=rows))


def reasons(base: Path, *names: str) -> claims.HtmlTable:
    """What stands behind these claims (all, if none is named): number, control, what would change it."""
    rows = [
        fields
        for by_claim in read(base).values()
        for fields in by_claim.values()
        if not names or fields["id"] in names
    ]
    ordered = sorted(rows, key=lambda fields: int(fields["id"][1:]))
    return claims.HtmlTable(render_part("reasons.html", rows=ordered))


def levels(base: Path, about: Mapping[str, Any]) -> Result:
    """Result[model, claim] of the claims tested: 1 supported or as taught, 0.5 partly, -1 not; NaN where
    there is no such verdict.
    """
    found = _few_columns(read(base))
    tested = [name for name in story.SAYS if any(name in by_claim for by_claim in found.values())]
    values = [
        [LEVELS.get(by_claim.get(name, {}).get("verdict", ""), np.nan) for name in tested]
        for by_claim in found.values()
    ]
    axes = {"model": tuple(found), "claim": tuple(int(name[1:]) for name in tested)}
    return Result(np.array(values), axes, "verdict", "1 holds, 0.5 partly, −1 not", {**about, **NAMED})


def counted(base: Path) -> dict[str, int]:
    """How many of the article's claims have a verdict on some model, how many hold in full on one that was
    not taught them, and how many wait.
    """
    found = read(base)
    tested = {name for by_claim in found.values() for name in by_claim}
    full = {
        name
        for model, by_claim in found.items()
        for name, fields in by_claim.items()
        if model != TAUGHT and fields["verdict"] == "supported"
    }
    return {"tested": len(tested), "in full": len(full), "waiting": len(set(story.SAYS) - tested)}


def _few_columns(found: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The small models of our own making in one column: each was trained for claims of its own."""
    ours = {name: fields for name, fields in found.items() if name.startswith("trained-")}
    rest = {name: fields for name, fields in found.items() if name not in ours}
    return {
        **rest,
        say("our small models"): {key: value for fields in ours.values() for key, value in fields.items()},
    }


def _cell(name: str, by_claim: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    if name in by_claim:
        fields = by_claim[name]
        return {
            "verdict": f"{MARKS.get(fields['verdict'], '')} {say(fields['verdict'])}",
            "number": fields["number"],
        }
    return {"verdict": say(NOT_MEASURED), "number": ""}
