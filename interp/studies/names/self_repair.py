"""Self-repair: when the heads that copy the name are silent, others step in, and the loss is smaller than
it should be.

The lead is a sum of direct contributions (`methods.attribution`), so the change in the lead splits exactly
into what the silent heads no longer write, what everything else writes differently, and what the last layer
norm does: it divides the same states by less, which raises every part. The first two are read at the norm of
the untouched run. Source: Wang et al.
2022 (arXiv:2211.00593), section 3.4; McGrath et al. 2023 (arXiv:2307.15771), "the hydra effect".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from interp import hooks
from interp.methods import ablation
from interp.methods.attribution import component_attribution, final_scale, head_attribution
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.sites import Head

PARTS = ("silenced heads", "other heads", "feed-forward layers", "last layer norm")


@dataclass(frozen=True)
class Repair:
    """What changed when `silent` were replaced by their mean at the last word, in nats of the lead.

    `parts` is Result[part, prompt]: "silenced heads", "other heads", "feed-forward layers" and "last layer
    norm"; they add up to the change in the lead. `heads` is Result[layer, head, prompt]: how much more each
    head writes than before, at the untouched norm; heads before the silent ones write exactly the same.
    `norm` is the mean ratio of the norm's divisor, after to before.
    """

    silent: tuple[Head, ...]
    parts: Result
    heads: Result
    norm: float

    @property
    def expected(self) -> float:
        """The change in the lead if nobody else had reacted."""
        return float(self.parts.at(part="silenced heads").mean("prompt"))

    @property
    def actual(self) -> float:
        """The change in the lead that was measured."""
        return float(self.parts.values.sum(axis=0).mean())

    @property
    def repaired(self) -> float:
        """Share of the expected loss that did not happen: 0 none, 1 all; negative where others made it
        worse."""
        return 1 - self.actual / self.expected

    def told(self) -> str:
        """The finding in one sentence."""
        if self.expected >= 0:
            return f"The silent heads wrote {-self.expected:+.1f} nats of the lead: there is no loss to mend"
        should = f"{-self.expected:.1f} nats of the lead should go"
        if self.actual > 0:
            return f"{should}; instead it grows by {self.actual:.1f}"
        what = f"mend {self.repaired:.0%} of it" if self.repaired >= 0 else f"add {-self.repaired:.0%} to it"
        return f"{should}; the others {what}"

    def helpers_told(self, k: int = 3) -> str:
        """Who steps in most, and the norm, in one sentence."""
        named = ", ".join(f"{head} {more:+.2f}" for head, more in self.stepping_in(k))
        return f"Stepping in most: {named} nats. The last layer norm divides by {self.norm:.0%} of before."

    def stepping_in(self, k: int = 5) -> list[tuple[Head, float]]:
        """The heads that write most more than before, with how much, in nats; the silent ones left out."""
        ranked = [
            (Head(*labels), more) for labels, more in self.heads.mean("prompt").top(self.heads.values.size)
        ]
        return [(head, more) for head, more in ranked if head not in self.silent][:k]


def repair(
    model: Bridge, prompts: Prompts, heads: Sequence[Head], *, reference: Prompts | None = None
) -> Repair:
    """What the rest of the model does when these heads are replaced by their mean at the last word.

    Raises ValueError if no head is named, or as `ablation.head_values` does.
    """
    if not heads:
        raise ValueError(
            "There is no head to silence: name at least one, such as those that `roles.find` found."
        )
    silent = tuple(sorted(set(heads)))
    edits = [
        replace(edit, where=prompts.mask("end"))
        for edit in ablation.edits(model, prompts, silent, reference=reference)
    ]
    divisors = [final_scale(model, prompts, edits=these) for these in ((), edits)]
    ratio = (divisors[1] / divisors[0]).numpy()
    heads_more = _change(head_attribution, model, prompts, edits, ratio)
    layers_more = _change(component_attribution, model, prompts, edits, ratio)
    whole = _change(component_attribution, model, prompts, edits, np.ones_like(ratio))
    return Repair(
        silent,
        _parts(whole, layers_more, heads_more, silent),
        replace(heads_more, quantity="written more than before"),
        float(ratio.mean()),
    )


def _change(
    attribution, model: Bridge, prompts: Prompts, edits: Sequence[hooks.Edit], ratio: np.ndarray
) -> Result:
    """What is written under the edits, times the norm's ratio of each prompt, minus what was written."""
    before, after = attribution(model, prompts), attribution(model, prompts, edits=edits)
    about = {**after.about, "baseline": "mean"}
    return replace(after, values=after.values * ratio - before.values, about=about)


def _parts(whole: Result, layers: Result, heads: Result, silent: Sequence[Head]) -> Result:
    of_heads = heads.values.sum(axis=(0, 1))
    silenced = sum(heads.at(layer=head.layer, head=head.head).values for head in silent)
    names = np.array([str(name) for name in layers.axes["component"]])
    feed_forward = layers.values[np.char.startswith(names, "mlp")].sum(axis=0)
    norm = whole.values.sum(axis=0) - of_heads - feed_forward
    values = np.stack([silenced, of_heads - silenced, feed_forward, norm])
    axes = {"part": PARTS, "prompt": whole.axes["prompt"]}
    return Result(values, axes, "change in what is written towards the name", "nats", whole.about)
