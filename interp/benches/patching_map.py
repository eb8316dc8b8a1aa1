"""Where one sentence becomes its twin: a state of the twin's run put into the sentence's run, place by
place.

The pair differs in a word. `change` is the lead (logit of the answer minus that of the word it is weighed
against) with the twin's state put in, minus the lead without; the swing is the twin's lead minus the
sentence's. A place where change / swing is near 1 carries all that differs, before that layer. Pure; the
Patching Map draws it.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np
from torch import Tensor

from interp import hooks, models
from interp.benches.path_table import check_arrival, paths_into
from interp.benches.stepwise import filled
from interp.benches.untouched import answers, steps
from interp.languages import say
from interp.methods.patching import activation_patching, head_patching
from interp.methods.readout import logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.screens.patching import Cell, Leads, MapBench, MapState, Step
from interp.screens.refusals import beneath
from interp.sites import Site
from interp.studies.names import ioi
from interp.studies.own_words import cautions
from interp.studies.own_words.own_sentences import asked_words, likeliest, pair, written, written_twin
from interp.words.article import NAME_EXAMPLES

KINDS = MappingProxyType(  # what is put in -> the other axis of the map
    {
        "resid_pre": "position",
        "attn_out": "position",
        "mlp_out": "position",
        "z": "head",
        "q": "head",
        "k": "head",
        "v": "head",
    }
)


def bench(model: Bridge) -> MapBench:
    """This model's bench; it remembers the last pairs and cells. Raises ValueError if it can read no
    example; its answers raise it while a hook is in force on the model.
    """
    card = models.describe(model)
    cell_of = answers(cell, model, keep=64)
    return MapBench(
        name=card.name,
        shape=(card.layers, card.heads),
        kinds=KINDS,
        examples=examples(model),
        pair=lambda state: pair(model, state.prompt, state.twin, state.answer, state.against),
        leads=answers(leads, model, keep=16),
        sweep=steps(sweep, model),
        cell=lambda state: cell_of(replace(state, raw=False, receiver=None)),  # it depends on neither
        paths=steps(paths, model),
    )


def examples(model: Bridge) -> tuple[tuple[str, MapState], ...]:
    """The article's sentences with their giver exchanged, as far as the model can read them. Raises
    ValueError if it can read none.
    """
    states = []
    for label, prompt, answer, against in NAME_EXAMPLES:
        start, giver, end = prompt.rpartition(f"{against} gave")
        if giver:
            states.append((label, MapState(prompt, f"{start}{answer} gave{end}", answer, against)))
    usable = tuple((label, state) for label, state in states if _is_usable(model, state))
    if not usable:
        raise ValueError(
            f"{models.describe(model).name} can read none of the {len(states)} examples: each name must be "
            "one token with the space before it. Load a model with GPT-2's or pocket's tokenizer."
        )
    return usable


def leads(model: Bridge, state: MapState) -> Leads:
    """The leads of both sentences. Raises ValueError, in one sentence, for a pair that cannot be laid side by
    side, for answers as in `own_sentences.written`, for an unknown kind, and for a cell or a receiver that is
    not there.
    """
    prompts, donor = _pair_of(model, state)
    metric = ioi.logit_difference(prompts)
    logits = [logits_at_end(model, one).double().cpu() for one in (prompts, donor)]
    own, other = (float(metric(one)[0]) for one in logits)
    asked = asked_words(model, state.answer, state.against)
    texts = state.prompt.rstrip(), state.twin.rstrip()
    told = cautions.before_finding(model, texts, asked, logits[0][0].softmax(dim=-1))
    return Leads(own, other, pair(model, state.prompt, state.twin, state.answer, state.against), asked, told)


def sweep(model: Bridge, state: MapState) -> Iterator[Step]:
    """The map, layer by layer from the last down: steps of (share done, Result[layer, position or head],
    nats).

    The values are changes of the lead; layers not done yet are NaN. While a layer takes long, the last step
    comes again. Raises ValueError as `leads` does.
    """
    prompts, donor = _pair_of(model, state)
    layers, axis = sizes(model).n_layers, KINDS[state.kind]
    width = prompts.tokens.shape[1] if axis == "position" else sizes(model).n_heads
    axes = {"layer": tuple(range(layers)), axis: tuple(range(width))}
    about = {**models.about(model), "kind": state.kind, "bos": state.bos}
    patching = {"part": state.kind} if axis == "head" else {"kind": state.kind}
    patch = partial(
        head_patching if axis == "head" else activation_patching,
        model, prompts, donor, ioi.logit_difference(prompts), progress=False, **patching,
    )  # fmt: skip
    quantity = f"change with {state.kind} of the twin"
    return filled(Result(np.zeros((layers, width)), axes, quantity, "nats", about), patch)


def paths(model: Bridge, state: MapState) -> Iterator[Step]:
    """The table of paths, from the last layer of senders down: steps of (share done, Result[layer, head],
    nats), as in `path_table.paths_into`. Raises ValueError as `leads` does.
    """
    prompts, donor = _pair_of(model, state)
    return paths_into(model, prompts, donor, ioi.logit_difference(prompts), state.receiver)


def cell(model: Bridge, state: MapState) -> Cell:
    """What the locked cell does to the next word. Raises ValueError if none is locked, and as `leads`
    does.
    """
    if state.cell is None:
        raise ValueError(say("No cell is locked: click one."))
    prompts, donor = _pair_of(model, state)
    layer, place = state.cell
    site = Site(state.kind, layer)
    own, given = (hooks.record(model, one, [site])[site] for one in (prompts, donor))
    edit = hooks.Put(site, _mixed(own, given, KINDS[state.kind], place))
    before, after = logits_at_end(model, prompts), logits_at_end(model, prompts, edit)
    lead = float(ioi.logit_difference(prompts)(after.double().cpu())[0])
    shares = [logits[0].double().softmax(dim=-1) for logits in (before, after)]
    return Cell(lead, likeliest(model, shares[0], "before"), likeliest(model, shares[1], "after"))


def _mixed(own: Tensor, given: Tensor, axis: str, place: int) -> Tensor:
    """The sentence's own state with the twin's at one position or head."""
    mixed = own.clone()
    if axis == "position":
        mixed[:, place] = given[:, place]
    else:
        mixed[:, :, place] = given[:, :, place]
    return mixed


def _pair_of(model: Bridge, state: MapState) -> tuple[Prompts, Prompts]:
    if state.kind not in KINDS:
        raise ValueError(f"kind={state.kind!r} cannot be put in. Choose one of: {', '.join(KINDS)}.")
    prompts = written(model, state.prompt, state.answer, state.against, bos=state.bos)
    donor = written_twin(model, prompts, state.twin, state.answer, state.against)
    if state.cell is not None:
        width = prompts.tokens.shape[1] if KINDS[state.kind] == "position" else sizes(model).n_heads
        layer, place = state.cell
        if not (0 <= layer < sizes(model).n_layers and 0 <= place < width):
            raise ValueError(
                f"The cell {state.cell} is not on this map of {sizes(model).n_layers} layers and"
                f" {width} places."
            )
    if state.receiver is not None:
        with beneath("receiver"):
            check_arrival(model, prompts, state.receiver)
    return prompts, donor


def _is_usable(model: Bridge, state: MapState) -> bool:
    try:
        _pair_of(model, state)
    except ValueError:
        return False
    return True
