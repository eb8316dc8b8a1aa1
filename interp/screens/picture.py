"""What stands on a screen, as one picture: its form, its numbers, and what its caption must say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interp.result import Result


@dataclass(frozen=True, eq=False)
class Picture:
    """The numbers on a screen, and how they are drawn: `form` is a drawing of `figures` such as "bars",
    `options` what it is told besides. `said` are the sentences of the caption: the sentence that was read,
    what is switched off and how; the model is in `result.about`.
    """

    form: str
    title: str
    result: Result
    said: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
