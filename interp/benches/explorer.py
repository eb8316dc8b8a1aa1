"""The Lens Explorer's arithmetic: what every layer would say at every word of a prompt, and after a change.

Pure; the widget draws it. A change is a set of halves of layers switched off (their whole output is zero at
every word), or the update of a relation put in the place of the feed-forward output of some layers.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from interp import hooks, models
from interp.benches.untouched import answers
from interp.languages import message, say
from interp.methods import lens, updates
from interp.models import Bridge, sizes
from interp.prompts import Prompts, asked
from interp.screens.lens import ExplorerAnswer, ExplorerBench, ExplorerState
from interp.screens.refusals import Refused, beneath
from interp.screens.sentences import Asked
from interp.studies.facts import facts, lenses, transplants
from interp.studies.own_words import cautions
from interp.words.relations import CAPITAL, PAST, RELATIONS, UPPER, list_of

MOST_TOKENS = 48
GUESSES = 5
HALVES = {"attn": "attention", "mlp": "feed-forward"}


def bench(model: Bridge) -> ExplorerBench:
    """This model's bench. It remembers its last answers and the updates it has taken.

    What it computes raises ValueError while a hook is in force on the model.
    """
    card = models.describe(model)
    vector_of = answers(_vector, model, keep=len(RELATIONS))
    remembered = answers(partial(compute, vector_of=vector_of), model, keep=32)
    return ExplorerBench(card.name, card.layers, examples(model), tuple(RELATIONS), remembered)


def examples(model: Bridge) -> tuple[tuple[str, ExplorerState], ...]:
    """Labelled states to start from: the article's question, and others this model can read."""
    last = sizes(model).n_layers - 1
    states = (
        (message("the capital of Poland"), ExplorerState(CAPITAL.text("Poland"), "Warsaw")),
        (
            message("the same, answer stated"),
            ExplorerState(CAPITAL.text("Poland", "answer stated"), "Warsaw"),
        ),
        (
            message("a list with China"),
            ExplorerState(list_of("China"), "Beijing", (), "capital", f"{last - 2}-{last}"),
        ),
        (message("a colour in capitals"), ExplorerState(UPPER.text("brown"), "Brown")),
        (message("yesterday"), ExplorerState(PAST.text("swim"), "swam")),
    )
    return tuple((label, state) for label, state in states if _is_usable(model, state))


def compute(
    model: Bridge, state: ExplorerState, *, vector_of: Callable[[str], Any] | None = None
) -> ExplorerAnswer:
    """The answer to this state. The same state gives the same answer.

    Raises ValueError, in one sentence and with the `control` it belongs to, for an empty or too long prompt,
    an answer that is missing or more than one token, a layer that is not there, an unknown update.
    """
    prompts = _prompts(model, state)
    edits = _edits(model, state, vector_of or partial(_vector, model))
    parts = lens.PARTS if state.mids else ("post",)
    tuned = lenses.find(model) if state.tuned else None
    seen = [lens.guesses(model, prompts, *one, k=GUESSES, parts=parts, through=tuned) for one in ((), edits)]
    traced = [lens.trace(model, prompts, *one, parts=parts, through=tuned) for one in ((), edits)]
    ranks, chances = (
        [one.at(measure=measure, word="answer", prompt=0) for one in traced]
        for measure in ("rank", "probability")
    )
    notes = _notes(state, untuned=tuned is not None and tuned.steps == 0)
    followed = _followed(model, state)
    return ExplorerAnswer(
        seen[0], seen[1], (ranks[0], ranks[1]), (chances[0], chances[1]), bool(edits),
        notes + cautions.cut_words(model, state.prompt), followed, cautions.read_words(model, _text(state)),
        cautions.never_seen(model, _text(state), followed.text)
        + cautions.absent_names(model, state.prompt, [followed]),
    )  # fmt: skip


def halves(model: Bridge, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Kind and layer of names such as "mlp5". Raises ValueError for anything else."""
    found = []
    for name in dict.fromkeys(names):
        read = re.fullmatch(r"(attn|mlp)(\d+)", name.strip().lower())
        if not read:
            raise ValueError(
                say(
                    "{name!r} is no half of a layer: write attn or mlp and the layer, such as mlp5.",
                    name=name,
                )
            )
        kind, layer = HALVES[read[1]], int(read[2])
        updates.removal(model, kind, [layer])  # refuses a layer that is not there
        found.append((kind, layer))
    return tuple(found)


def layers_of(model: Bridge, text: str) -> tuple[int, ...]:
    """The layers of a text such as "5" or "4-7". Raises ValueError for anything else."""
    read = re.fullmatch(r"\s*(\d+)\s*(?:[-–]\s*(\d+))?\s*", text)
    if not read:
        raise ValueError(
            say("{text!r} names no layers: write one, such as 5, or a range, such as 4-7.", text=text)
        )
    chosen = tuple(range(int(read[1]), int(read[2] or read[1]) + 1))
    if not chosen:
        raise ValueError(say("{text!r} ends before it begins: write the lower layer first.", text=text))
    updates.removal(model, "feed-forward", chosen)  # refuses layers that are not there
    return chosen


def _prompts(model: Bridge, state: ExplorerState) -> Prompts:
    if not state.prompt.strip():
        raise Refused(say("The prompt is empty: write the beginning of a sentence."), "prompt")
    answers = [{"answer": _followed(model, state).text}]
    most = min(MOST_TOKENS, sizes(model).n_ctx)
    written = Prompts.write(model.tokenizer, [[(None, _text(state))]], bos=state.bos, answers=answers)
    if int(written.length[0]) > most:
        number = int(written.length[0])
        told = say(
            "The prompt has {number} tokens; the explorer shows at most {most}.", number=number, most=most
        )
        raise Refused(told, "prompt")
    return written


def _text(state: ExplorerState) -> str:
    return state.prompt.rstrip(" ")


def _followed(model: Bridge, state: ExplorerState) -> Asked:
    with beneath("answer"):
        return asked(model.tokenizer, state.answer, say("The answer"))


def _edits(model: Bridge, state: ExplorerState, vector_of: Callable[[str], Any]) -> tuple[hooks.Edit, ...]:
    edits: list[hooks.Edit] = []
    if state.update:
        with beneath("update"):
            facts.relation(state.update)
        with beneath("into"):
            into = layers_of(model, state.into)
        edits += updates.transplant(model, vector_of(state.update), into)
    with beneath("off"):
        off = halves(model, state.off)
    for kind, layer in off:
        edits += updates.removal(model, kind, [layer])
    return tuple(edits)


def _vector(model: Bridge, name: str):
    """The update of the relation's first question, at the layer that does most of the step."""
    return transplants.vectors(model, name, transplants.step_layer(model, name))[0]


def _notes(state: ExplorerState, *, untuned: bool) -> tuple[str, ...]:
    notes = []
    if state.off:
        notes.append(say("What is switched off writes nothing at any word, not even its bias."))
    if state.update:
        notes.append(say("The vector replaces the whole feed-forward output of these layers at every word."))
    if untuned:
        notes.append(say("This model has no tuned lens, so the tuned lens is the plain one."))
    return tuple(notes)


def _is_usable(model: Bridge, state: ExplorerState) -> bool:
    try:
        _prompts(model, state)
    except ValueError:
        return False
    return True
