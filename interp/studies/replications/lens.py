"""The Poland trace, its arithmetic and its transplants, under the conventions of Merullo et al. 2023.

No `<|endoftext|>`; everything at the last word; a transplanted vector replaces the whole feed-forward output
of the blocks `REPLACED` at every position.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp import models
from interp.methods import lens, updates
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.published import Published, published
from interp.result import Result

_POLAND = "Q: What is the capital of Poland?\nA:"
_SOMALIA = "Q: What is the capital of Somalia?\nA: Mogadishu\n"
_COLOURS = (
    "Q: On the floor, I see a silver keychain, a red pair of sunglasses, a gold sheet of paper, a black dog"
    " leash, and a blue cat toy. What color is the keychain?\nA: Silver\n"
    "Q: On the table, you see a brown sheet of paper, a red fidget spinner, a blue pair of sunglasses, a teal"
    " dog leash, and a gold cup. What color is the sheet of paper?\nA:"
)
_PAST = "Today I abandon. Yesterday I abandoned. Today I abolish. Yesterday I"
PROMPTS = MappingProxyType({
    "poland": f"Q: What is the capital of France?\nA: Paris\n{_POLAND}",
    "poland, one question": _POLAND,
    "poland, both stated":
        f"The capital of Somalia is Mogadishu.\nThe capital of Poland is Warsaw.\n{_SOMALIA}{_POLAND}",
    "brown": _COLOURS,
    "list with china": "table mug free China table mug free China table mug free",
})  # fmt: skip
# where each update comes from: prompt and block
SOURCES = MappingProxyType({
    "capital": (PROMPTS["poland"], 19), "upper case": (_COLOURS, 19), "past tense": (_PAST, 18),
})  # fmt: skip
TEN = 10  # guesses that the source lists
REPLACED = tuple(range(18, 24))
# the list without its last argument, the answer, and the update that is put in
TRANSPLANTS = MappingProxyType({
    "china": (PROMPTS["list with china"], " Beijing", "capital"),
    "turkey": ("ada Middle Although Turkey ada Middle Although Turkey ada Middle Although",
               " Ankara", "capital"),
    "bread": ("returning ensus machine bread returning ensus machine bread returning ensus machine",
              " Bread", "upper case"),
    "crouch": ("returning ensus machine crouch returning ensus machine crouch returning ensus machine",
               " Crouch", "upper case"),
    "devise": ("Harry Story ] devise Harry Story ] devise Harry Story ]", " devised", "past tense"),
})  # fmt: skip
MOVED = MappingProxyType({15: 1.0, 16: 1.0, 17: 1.0, 18: 1.0, 19: -1.0, 20: -2.0, 21: -3.0, 22: -4.0})


def traces(model: Bridge) -> dict[str, Result]:
    """The first guess after every block of the five prompts: Result[layer], token ids."""
    found = {}
    for name, text in PROMPTS.items():
        ids = _first(model, lens.states(model, _one(model, text), parts=("post",)))
        found[f"lens.{name}"] = _listed(model, f"lens.{name}", ids.cpu().numpy())
    return found


def lists(model: Bridge) -> dict[str, Result]:
    """The ten first guesses after the blocks, and around the feed-forward layer of block 19: token ids."""
    after = lens.states(model, _one(model, PROMPTS["poland"]), parts=("post",)).values[0, :, 0, 0]
    held = lens.states(model, _one(model, PROMPTS["brown"]), parts=("mid", "post"))
    around = held.values[:, SOURCES["upper case"][1], 0, 0]
    labels = _record("lens.poland, ten guesses").result.axes["layer"]
    both = {"lens.poland, ten guesses": after[list(labels)], "lens.brown, ten guesses": around}
    return {
        name: _listed(model, name, lens.read(model, states, k=TEN).ids.cpu().numpy())
        for name, states in both.items()
    }


def arithmetic(model: Bridge) -> dict[str, Result]:
    """Lens-space arithmetic with the update of block 19: first guesses as token ids."""
    asked, layer = _one(model, PROMPTS["poland"]), SOURCES["capital"][1]
    held, own = lens.states(model, asked, parts=("post",)), update(model, "capital")
    without = updates.shifted(model, held, own, {layer: -1.0}).values[0, layer, 0, 0]
    moved = _first(model, updates.shifted(model, held, own, MOVED))
    names = ("lens.poland without its update", "lens.poland with the update moved")
    both = (lens.read(model, without, k=TEN).ids, moved)
    return {name: _listed(model, name, ids.cpu().numpy()) for name, ids in zip(names, both, strict=True)}


def transplants(model: Bridge) -> dict[str, Result]:
    """1 / rank of the answer in the five lists, without and with the vector: Result[case, layer]."""
    found = {}
    for name, (text, answer, source) in TRANSPLANTS.items():
        piece = torch.tensor(models.encode(model, answer)[:1])
        asked = Prompts(**{**vars(_one(model, text)), "answers": {"answer": piece}})
        edits = updates.transplant(model, update(model, source), REPLACED)
        ranks = [
            lens.trace(model, asked, *edit, parts=("post",)).at(
                measure="rank", part="post", word="answer", prompt=0
            )
            for edit in ((), edits)
        ]
        both = np.stack([1 / one.values for one in ranks])
        found[f"transplant.{name}"] = _listed(model, f"transplant.{name}", both)
    return found


def vectors(model: Bridge) -> dict[str, Result]:
    """Lengths and cosines of the three updates."""
    three = {name: update(model, name).double() for name in SOURCES}
    norms = [float(vector.norm()) for vector in three.values()]
    pairs = (("capital", "upper case"), ("capital", "past tense"), ("upper case", "past tense"))
    cosines = [float(torch.cosine_similarity(three[one], three[other], dim=0)) for one, other in pairs]
    both = {"update norms": norms, "update cosines": cosines}
    return {name: _listed(model, name, np.array(values)) for name, values in both.items()}


def update(model: Bridge, name: str) -> Float[Tensor, "d_model"]:
    """What the feed-forward layer of this task's block wrote at the end of its prompt."""
    text, layer = SOURCES[name]
    return updates.captured(model, _one(model, text), [layer])[0, 0]


MEASURES: Mapping[str, Callable[..., dict[str, Result]]] = MappingProxyType({
    "lens traces": traces, "lens lists": lists, "lens arithmetic": arithmetic, "transplants": transplants,
    "o-vectors": vectors,
})  # fmt: skip


def _one(model: Bridge, text: str) -> Prompts:
    return Prompts.write(model.tokenizer, [[(None, text)]], context=sizes(model).n_ctx)


def _first(model: Bridge, held: lens.States) -> Int[Tensor, "layer"]:
    return lens.read(model, held.values).ids[0, :, 0, 0, 0]


def _record(name: str) -> Published:
    return next(one for one in published("gpt2-medium", "lens") if one.id == name)


def _listed(model: Bridge, name: str, values: np.ndarray) -> Result:
    """The measured values at the labels that are published, where only some layers are."""
    record = _record(name)
    axes = record.result.axes
    *_, (last, labels) = axes.items()
    kept = values[..., list(labels)] if last == "layer" else values[..., : len(labels)]
    return Result(kept, axes, record.result.quantity, record.result.unit, models.about(model))
