"""The Lens Explorer's arithmetic: what every layer would say at every word of a prompt, and after a change.

Pure; the widget draws it. A change is a set of halves of layers switched off (their whole output is zero at
every word), or the update of a relation put in the place of the feed-forward output of some layers.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from interp import hooks, models
from interp.benches.untouched import answers
from interp.methods import lens, updates
from interp.methods.lens import Guesses
from interp.prompts import Asked, Prompts, asked
from interp.result import Result
from interp.studies.facts import facts, lenses, transplants
from interp.studies.own_words import cautions
from interp.studies.own_words.cautions import ReadWord
from interp.words.relations import CAPITAL, PAST, RELATIONS, UPPER, list_of

MOST_TOKENS = 48
GUESSES = 5
HALVES = {"attn": "attention", "mlp": "feed-forward"}


@dataclass(frozen=True)
class ExplorerState:
    """What the explorer is asked.

    `off` are halves of layers such as "mlp5" or "attn4"; `update` is a relation whose vector is put into the
    layers `into` ("" for none); `mids` shows the states before the feed-forward halves as well; `tuned` reads
    through the tuned lens; `bos` puts the start mark in front.
    """

    prompt: str
    answer: str
    off: tuple[str, ...] = ()
    update: str = ""
    into: str = ""
    mids: bool = False
    tuned: bool = False
    bos: bool = False

    def to_json(self) -> str:
        """The state as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "ExplorerState":
        """The state that `to_json` wrote. Raises ValueError for anything else."""
        try:
            fields = json.loads(text)
            return cls(**{**fields, "off": tuple(fields.get("off", ()))})
        except (json.JSONDecodeError, TypeError, AttributeError) as error:
            raise ValueError(f"{text!r} is no state of the explorer: give what to_json wrote.") from error


@dataclass(frozen=True)
class ExplorerAnswer:
    """What came out, before and after the change; `changed` says whether there is one.

    The traces are Result[part, layer] of the answer's rank and probability at the last word. `asked` is the
    token that is followed, `words` the prompt as it is read, `cautions` what must be said before any finding.
    """

    before: Guesses
    after: Guesses
    ranks: tuple[Result, Result]
    chances: tuple[Result, Result]
    changed: bool
    notes: tuple[str, ...]
    asked: Asked
    words: tuple[ReadWord, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """A model on the bench: its number of layers, examples, relations with an update, the pure `compute`."""

    name: str
    layers: int
    examples: tuple[tuple[str, ExplorerState], ...]
    updates: tuple[str, ...]
    compute: Callable[[ExplorerState], ExplorerAnswer]
    parse: Callable[[str], ExplorerState] = ExplorerState.from_json


def bench(model: Any) -> Bench:
    """This model's bench. It remembers its last answers and the updates it has taken.

    What it computes raises ValueError while a hook is in force on the model.
    """
    card = models.describe(model)
    vector_of = answers(_vector, model, keep=len(RELATIONS))
    remembered = answers(partial(compute, vector_of=vector_of), model, keep=32)
    return Bench(card.name, card.layers, examples(model), tuple(RELATIONS), remembered)


def examples(model) -> tuple[tuple[str, ExplorerState], ...]:
    """Labelled states to start from: the article's question, and others this model can read."""
    last = model.cfg.n_layers - 1
    states = (
        ("the capital of Poland", ExplorerState(CAPITAL.text("Poland"), "Warsaw")),
        ("the same, answer stated", ExplorerState(CAPITAL.text("Poland", "answer stated"), "Warsaw")),
        (
            "a list with China",
            ExplorerState(list_of("China"), "Beijing", (), "capital", f"{last - 2}-{last}"),
        ),
        ("a colour in capitals", ExplorerState(UPPER.text("brown"), "Brown")),
        ("yesterday", ExplorerState(PAST.text("swim"), "swam")),
    )
    return tuple((label, state) for label, state in states if _is_usable(model, state))


def compute(model, state: ExplorerState, *, vector_of: Callable[[str], Any] | None = None) -> ExplorerAnswer:
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


def halves(model, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Kind and layer of names such as "mlp5". Raises ValueError for anything else."""
    found = []
    for name in dict.fromkeys(names):
        read = re.fullmatch(r"(attn|mlp)(\d+)", name.strip().lower())
        if not read:
            raise ValueError(
                f"{name!r} is no half of a layer: write attn or mlp and the layer, such as mlp5."
            )
        kind, layer = HALVES[read[1]], int(read[2])
        updates.removal(model, kind, [layer])  # refuses a layer that is not there
        found.append((kind, layer))
    return tuple(found)


def layers_of(model, text: str) -> tuple[int, ...]:
    """The layers of a text such as "5" or "4-7". Raises ValueError for anything else."""
    read = re.fullmatch(r"\s*(\d+)\s*(?:[-–]\s*(\d+))?\s*", text)
    if not read:
        raise ValueError(f"{text!r} names no layers: write one, such as 5, or a range, such as 4-7.")
    chosen = tuple(range(int(read[1]), int(read[2] or read[1]) + 1))
    if not chosen:
        raise ValueError(f"{text!r} ends before it begins: write the lower layer first.")
    updates.removal(model, "feed-forward", chosen)  # refuses layers that are not there
    return chosen


def _prompts(model, state: ExplorerState) -> Prompts:
    if not state.prompt.strip():
        raise _told("prompt", "The prompt is empty: write the beginning of a sentence.")
    answers = [{"answer": _followed(model, state).text}]
    most = min(MOST_TOKENS, model.cfg.n_ctx)
    written = Prompts.write(model.tokenizer, [[(None, _text(state))]], bos=state.bos, answers=answers)
    if int(written.length[0]) > most:
        number = int(written.length[0])
        raise _told("prompt", f"The prompt has {number} tokens; the explorer shows at most {most}.")
    return written


def _text(state: ExplorerState) -> str:
    return state.prompt.rstrip(" ")


def _followed(model, state: ExplorerState) -> Asked:
    return _from("answer", asked, model.tokenizer, state.answer, "The answer")


def _edits(model, state: ExplorerState, vector_of: Callable[[str], Any]) -> tuple[hooks.Edit, ...]:
    edits: list[hooks.Edit] = []
    if state.update:
        _from("update", facts.relation, state.update)
        into = _from("into", layers_of, model, state.into)
        edits += updates.transplant(model, vector_of(state.update), into)
    for kind, layer in _from("off", halves, model, state.off):
        edits += updates.removal(model, kind, [layer])
    return tuple(edits)


def _vector(model, name: str):
    """The update of the relation's first question, at the layer that does most of the step."""
    return transplants.vectors(model, name, transplants.step_layer(model, name))[0]


def _notes(state: ExplorerState, *, untuned: bool) -> tuple[str, ...]:
    notes = []
    if state.off:
        notes.append("What is switched off writes nothing at any word, not even its bias.")
    if state.update:
        notes.append("The vector replaces the whole feed-forward output of these layers at every word.")
    if untuned:
        notes.append("This model has no tuned lens, so the tuned lens is the plain one.")
    return tuple(notes)


def _from(control: str, function: Callable, *given: Any) -> Any:
    """What the function gives; its ValueError belongs to this control."""
    try:
        return function(*given)
    except ValueError as error:
        error.control = control  # type: ignore[attr-defined]
        raise


def _told(control: str, sentence: str) -> ValueError:
    error = ValueError(sentence)
    error.control = control  # type: ignore[attr-defined]
    return error


def _is_usable(model, state: ExplorerState) -> bool:
    try:
        _prompts(model, state)
    except ValueError:
        return False
    return True
