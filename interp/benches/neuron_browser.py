"""What the Neuron Browser shows: one neuron of a scan's table, a search, and the neuron on a text of one's
own.

Pure; the widget draws it. Without a model the table alone answers: contexts, weights and searches, but no
text of one's own.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from interp import hooks, models
from interp.benches.untouched import answers
from interp.languages import message, say
from interp.methods.neurons import reading, token_labels
from interp.methods.readout import logits_at_end
from interp.methods.scan import Table
from interp.models import Bridge
from interp.prompts import Prompts
from interp.result import Result
from interp.screens.neurons import BrowserState, NeuronAnswer, NeuronBench, OwnText
from interp.screens.refusals import beneath
from interp.sites import Neuron, check_place
from interp.studies.neurons.concepts import Best
from interp.studies.own_words import cautions
from interp.studies.own_words.own_sentences import read_otherwise

TOP = 10
MOST_HITS = 12
WAYS = ("nothing", "word", "concept")


STARTED = message(
    "Before your text stands the mark that begins a text: other tools here read the bare sentence, so their"
    " numbers differ a little."
)


def bench(
    table: Table, model: Bridge | None = None, *, concepts: Sequence[Best] = (), first: Neuron | None = None
) -> NeuronBench:
    """The bench of this table; `concepts` are best neurons to be searched for, `model` reads one's own text.

    Raises ValueError if the table was made by another model; its answers raise it while a hook is in force on
    the model, which the table does not know.
    """
    if model is not None:
        own, made = models.describe(model), table.about["weights_sha256"]
        if own.weights_sha256 != made:
            raise ValueError(
                f"The scan in {table.folder} was made by another model: {table.about['model']} with the"
                f" weights {made[:12]}, not {own.weights_sha256[:12]}. Scan this model into another folder."
            )
    best = {one.concept: one for one in concepts}
    answer = answers(lambda model, state: compute(table, model, best, state), model, keep=64)
    start = BrowserState(first or Neuron(0, 0))
    shape = (table.layers, table.d_mlp)
    return NeuronBench(table.name, shape, tuple(best), start, model is not None, answer)


def compute(
    table: Table, model: Bridge | None, concepts: Mapping[str, Best], state: BrowserState
) -> NeuronAnswer:
    """The answer to this state. Raises ValueError, marked for its control, for an unknown neuron, an empty
    text, and a search that finds nothing.
    """
    with beneath("neuron"):
        check_place(state.neuron, table)
    with beneath("search"):
        hits = _hits(table, concepts, state)
    with beneath("text"):
        own = None if model is None else _own_text(model, state)
    about = table.about
    source = say(
        "{windows} windows ({tokens} tokens) of the corpus {corpus}; middle and random examples from "
        "{sampled} random tokens.",
        **{name: about[name] for name in ("windows", "tokens", "corpus", "sampled")},
    )
    return NeuronAnswer(table.record(state.neuron), hits, own, source)


def _hits(table: Table, concepts: Mapping[str, Best], state: BrowserState) -> tuple[tuple[Neuron, str], ...]:
    if state.by not in WAYS:
        raise ValueError(f"by={state.by!r} is not a way to search: choose {', '.join(WAYS)}.")
    if state.by == "nothing" or not state.search.strip():
        return ()
    if state.by == "concept":
        return _concept_hits(concepts, state.search)
    found = table.writers(state.search, MOST_HITS)
    if not found:
        raise ValueError(
            say(
                "No neuron has {word!r} among the ten words it writes most. Try another word.",
                word=state.search.strip(),
            )
        )
    return tuple((neuron, say("{nats:+.2f} nats per unit", nats=nats)) for neuron, nats in found)


def _concept_hits(concepts: Mapping[str, Best], name: str) -> tuple[tuple[Neuron, str], ...]:
    if name not in concepts:
        raise ValueError(
            say(
                "There is no concept {name!r} here. Choose one of: {known}.",
                name=name,
                known=", ".join(concepts) or say("none was probed"),
            )
        )
    best = concepts[name]
    low, high = best.interval
    why = say(
        "AUC {auc:.2f} ({low:.2f} to {high:.2f}); shuffled {control:.2f}",
        auc=best.auc,
        low=low,
        high=high,
        control=best.control,
    )
    return ((best.neuron, why),)


def _own_text(model: Bridge, state: BrowserState) -> OwnText:
    """The neuron on every token, and the next word after the last window with the neuron on and off."""
    text = state.text.rstrip()
    read = reading(model, text, [state.neuron])
    room = models.describe(model).context - 1
    ids = models.encode(model, text)
    last = ids[(len(ids) - 1) // room * room :]
    prompts = Prompts.write(model.tokenizer, [[(None, models.decode(model, last))]], bos=True)
    edits = ([], [hooks.Zero(state.neuron)])
    whole, without = (logits_at_end(model, prompts, *edit)[0].double().cpu().softmax(-1) for edit in edits)
    activations = read.activations.at(neuron=str(state.neuron))
    words = _next(model, whole), _next(model, without)
    told = (say(STARTED), *read_otherwise(model, state.text))
    return OwnText(read.tokens, activations, read.windows, *words, cautions.never_seen(model, text), told)


def _next(model: Bridge, probability) -> Result:
    values, ids = probability.topk(min(TOP, len(probability)))
    axes = {"token": token_labels(model, ids.tolist())}
    return Result(
        np.asarray(values), axes, "probability of the next token", "probability", models.about(model)
    )
