"""A bench without a model: the Ablation Lab's tests need answers, not a transformer. Heads have fixed
effects.
"""

import json
import time
from dataclasses import asdict, dataclass, field

import numpy as np

from interp.result import Result
from interp.sites import Head

NAMES = (" Mary", " John", " the", " her", " him", " a", " them", " it", " Sam", " me")


@dataclass(frozen=True)
class FakeState:
    prompt: str
    answer: str
    against: str
    heads: tuple[Head, ...] = ()
    how: str = "mean"
    bos: bool = False
    twin: str = ""

    def to_json(self):
        return json.dumps({**asdict(self), "heads": [str(head) for head in self.heads]})

    @classmethod
    def from_json(cls, text):
        fields = json.loads(text)
        return cls(**{**fields, "heads": tuple(Head.parse(name) for name in fields["heads"])})


@dataclass(frozen=True)
class FakeAsked:
    text: str
    other: str = ""
    instead: str = ""


@dataclass(frozen=True)
class FakeWord:
    text: str
    pieces: tuple[str, ...]
    seen: bool | None = None


def fake_asked(typed):
    """Every word is asked after a space, and could be asked without."""
    word = typed.strip()
    return FakeAsked(f" {word}", word, f'"{word}"')


def fake_words(text):
    """Words are tokens; Wakanda is two pieces that nobody has seen."""
    return tuple(
        FakeWord(word, ("Wak", "anda"), False) if word == "Wakanda" else FakeWord(word, (word,), True)
        for word in text.split()
    )


def fake_cautions(text):
    return ("pocket never saw <Wakanda>.",) if "Wakanda" in text else ()


@dataclass(frozen=True)
class FakeAnswer:
    baseline: Result
    ablated: Result
    logit_difference: tuple[float, float]
    answer_probability: tuple[float, float]
    against_probability: tuple[float, float]
    head_effects: Result
    notes: tuple[str, ...]
    asked: tuple[FakeAsked, FakeAsked]
    words: tuple[FakeWord, ...]
    cautions: tuple[str, ...]


def fake_effects(layers, heads):
    effects = np.random.default_rng(0).normal(0, 0.08, (layers, heads))
    effects[-3, heads // 2], effects[-2, 1], effects[-1, -1] = 1.84, 0.9, -0.6
    return effects


@dataclass(frozen=True)
class FakeExercise:
    name: str
    task: str
    hint: str


@dataclass(frozen=True)
class FakeVerdict:
    right: bool
    text: str


@dataclass(frozen=True)
class FakeMarked:
    tokens: tuple[str, ...]
    marks: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class FakePair:
    sentence: FakeMarked
    twin: FakeMarked | None
    differs: tuple[bool, ...]
    problem: str


def fake_pair(prompt, twin):
    """Words are tokens, and only END is marked."""

    def marked(text):
        words = text.split()
        return FakeMarked(tuple(words), (*("",) * (len(words) - 1), "END"), "END is the last token.")

    one, two = marked(prompt), marked(twin) if twin.strip() else None
    if two is None:
        return FakePair(one, None, (), "")
    longest = range(max(len(one.tokens), len(two.tokens)))
    differs = tuple(one.tokens[i : i + 1] != two.tokens[i : i + 1] for i in longest)
    problem = "" if len(one.tokens) == len(two.tokens) else "The two sentences have other lengths."
    return FakePair(one, two, differs, problem)


@dataclass
class FakeBench:
    """The strongest head of an 8 x 4 grid is L5H2; what a head writes is what its removal costs."""

    shape: tuple[int, int] = (8, 4)
    name: str = "pocket"
    asked: list = field(default_factory=list)

    @property
    def examples(self):
        first = FakeState("When Mary and John went to the store, John gave a drink to", "Mary", "John")
        other = FakeState("Then Mary and John had a long talk, and Mary gave a ring to", "John", "Mary")
        return (("The article's sentence", first), ("Roles exchanged", other))

    @property
    def presets(self):
        layers, heads = self.shape
        best = (Head(layers - 3, heads // 2), Head(layers - 2, 1))
        return {
            "found here": {"strongest writer": best[:1], "two strongest writers": best},
            "controls": {"three random heads": (Head(0, 0), Head(1, 1), Head(2, 0))},
        }

    exercises = (FakeExercise("The strongest", "Switch off the strongest head.", "It writes most."),)

    def parse(self, text):
        return FakeState.from_json(text)

    def pair(self, state):
        return fake_pair(state.prompt, state.twin)

    def ways(self, state):
        change = -effect_of(self.shape, state.heads)
        values = np.array([[2.6 + factor * change, factor * change] for factor in (1.0, 1.2, 0.9)])
        axes = {"how": ("mean", "zero", "resample"), "measure": ("logit difference", "change")}
        return Result(values, axes, "lead without the heads", "nats")

    def spread(self, state):
        on = np.random.default_rng(1).normal(2.6, 1.0, 60)
        off = on - effect_of(self.shape, state.heads)
        axes = {"heads": ("on", "off"), "prompt": tuple(range(60))}
        yield from fake_steps(
            4, Result(np.stack([on, off]), axes, "logit difference", "nats", {"baseline": state.how})
        )

    def check(self, exercise, state):
        right = [str(head) for head in state.heads] == [f"L{self.shape[0] - 3}H{self.shape[1] // 2}"]
        yield from fake_steps(3, FakeVerdict(right, "Right: it is." if right else "Not yet: another one."))

    def compute(self, state):
        self.asked.append(state)
        if not state.prompt.strip():
            raise ValueError(
                "The prompt is empty: write the beginning of a sentence, up to the word to be guessed."
            )
        if not state.answer.strip():
            raise ValueError("The answer is missing: write one word, such as Mary.")
        effects = fake_effects(*self.shape)
        before = 2.6
        after = before - sum(effects[head.layer, head.head] for head in state.heads)
        return FakeAnswer(
            baseline=shares(before),
            ablated=shares(after),
            logit_difference=(before, after),
            answer_probability=(chance(before), chance(after)),
            against_probability=(0.8 - chance(before), 0.8 - chance(after)),
            head_effects=Result(
                effects,
                {"layer": tuple(range(self.shape[0])), "head": tuple(range(self.shape[1]))},
                "direct contribution to the logit difference",
                "nats",
            ),
            notes=("Heads that are off are replaced by their mean.",) if state.heads else (),
            asked=(fake_asked(state.answer), fake_asked(state.against)),
            words=fake_words(state.prompt),
            cautions=fake_cautions(state.prompt),
        )


def effect_of(shape, heads):
    return sum(fake_effects(*shape)[head.layer, head.head] for head in heads)


def chance(difference):
    return 0.8 / (1 + np.exp(-difference))


def shares(difference):
    rest = np.array([0.05, 0.04, 0.03, 0.025, 0.02, 0.01, 0.008, 0.0005])
    values = np.array([chance(difference), 0.8 - chance(difference), *rest])
    order = np.argsort(-values, kind="stable")
    labels = tuple(NAMES[i] for i in order)
    return Result(values[order], {"token": labels}, "probability of the next token", "probability")


def fake_steps(number, value):
    for step in range(1, number):
        yield step / number, None
    yield 1.0, value


@dataclass(frozen=True)
class FakeAttentionState:
    prompt: str
    head: Head = Head(0, 0)  # noqa: RUF009
    show: str = "weight"
    query: int | None = None
    key: int | None = None

    def to_json(self):
        return json.dumps({**asdict(self), "head": str(self.head)})

    @classmethod
    def from_json(cls, text):
        fields = json.loads(text)
        return cls(**{**fields, "head": Head.parse(fields["head"])})


@dataclass(frozen=True)
class FakeAttention:
    tokens: tuple[str, ...]
    weight: Result
    score: Result
    moved: Result
    cautions: tuple[str, ...]


@dataclass
class FakeAttentionBench:
    """Head h looks h words back, half of it; the rest goes to the first word. Words are tokens."""

    shape: tuple[int, int] = (8, 4)
    asked: list = field(default_factory=list)

    @property
    def examples(self):
        last = FakeAttentionState("When Mary and John went out, John gave it to", Head(5, 2), query=9)
        return (("The article's sentence", last), ("Short", FakeAttentionState("Mary and", query=1)))

    def parse(self, text):
        return FakeAttentionState.from_json(text)

    def attention(self, state):
        if not state.prompt.strip():
            raise ValueError("The sentence is empty: write at least one word.")
        self.asked.append(state)
        tokens = tuple(f" {word}" for word in state.prompt.split())
        width = len(tokens)
        weight = np.zeros((*self.shape, width, width))
        for head in range(self.shape[1]):
            for query in range(width):
                weight[:, head, query, max(0, query - head)] += 0.5
                weight[:, head, query, 0] += 0.5
        weight[..., np.triu(np.ones((width, width), dtype=bool), 1)] = np.nan
        sizes = (*self.shape, width, width)
        axes = {
            name: tuple(range(size))
            for name, size in zip(("layer", "head", "query", "key"), sizes, strict=True)
        }
        parts = (weight, 4 * weight - 1, 2 * weight)
        results = [Result(part, axes, "of a look", "share") for part in parts]
        return FakeAttention(tokens, *results, fake_cautions(state.prompt))

    def promoted(self, state):
        return Result(np.array([1.5, 0.5]), {"token": (" Mary", " <b>")}, "direct effect", "nats")


@dataclass(frozen=True)
class FakeArrival:
    head: Head
    part: str
    word: int


@dataclass(frozen=True)
class FakeMapState:
    prompt: str
    twin: str
    answer: str = "Mary"
    against: str = "John"
    kind: str = "resid_pre"
    cell: tuple[int, int] | None = None
    raw: bool = False
    receiver: FakeArrival | None = None

    def to_json(self):
        receiver = self.receiver and {**asdict(self.receiver), "head": str(self.receiver.head)}
        return json.dumps({**asdict(self), "receiver": receiver})

    @classmethod
    def from_json(cls, text):
        fields = json.loads(text)
        cell, receiver = fields.pop("cell", None), fields.pop("receiver", None)
        if receiver is not None:
            receiver = FakeArrival(**{**receiver, "head": Head.parse(receiver["head"])})
        return cls(**fields, cell=None if cell is None else tuple(cell), receiver=receiver)


@dataclass(frozen=True)
class FakeLeads:
    sentence: float
    twin: float
    pair: FakePair
    asked: tuple[FakeAsked, FakeAsked]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class FakeCell:
    lead: float
    before: Result
    after: Result


@dataclass
class FakeMapBench:
    """The lead falls from 2 to -2; each layer carries one share more than the layer above it, at one
    place. Head h of layer l sends -0.2 (h + l) nats to every receiver above it, head 0 the other way.
    """

    shape: tuple[int, int] = (8, 4)
    kinds: dict = field(default_factory=lambda: {"resid_pre": "position", "z": "head"})
    leads_of: tuple[float, float] = (2.0, -2.0)
    pause: float = 0.0  # seconds that each layer takes
    swept: list = field(default_factory=list)

    @property
    def examples(self):
        first = FakeMapState("When Mary and John met, John saw", "When Mary and John met, Mary saw")
        return (("The article's sentence", first),)

    def parse(self, text):
        return FakeMapState.from_json(text)

    def pair(self, state):
        return fake_pair(state.prompt, state.twin)

    def leads(self, state):
        found = self.pair(state)
        if found.problem:
            raise ValueError(found.problem)
        asked = fake_asked(state.answer), fake_asked(state.against)
        return FakeLeads(*self.leads_of, found, asked, fake_cautions(state.prompt))

    def sweep(self, state):
        axis = self.kinds[state.kind]
        width = self.shape[1] if axis == "head" else len(state.prompt.split())
        values = np.full((self.shape[0], width), np.nan)
        axes = {"layer": tuple(range(self.shape[0])), axis: tuple(range(width))}
        for done, layer in enumerate(reversed(range(self.shape[0])), start=1):
            time.sleep(self.pause)
            self.swept.append(layer)
            values[layer] = 0.0
            values[layer, width // 2] = (self.leads_of[1] - self.leads_of[0]) * done / self.shape[0]
            yield done / self.shape[0], Result(values, axes, "change", "nats")

    def paths(self, state):
        layers, heads = self.shape
        top = layers if state.receiver is None else state.receiver.head.layer
        values = np.full(self.shape, np.nan)
        axes = {"layer": tuple(range(layers)), "head": tuple(range(heads))}
        for done, layer in enumerate(reversed(range(layers)), start=1):
            time.sleep(self.pause)
            self.swept.append(f"senders {layer}")
            values[layer] = -0.2 * (np.arange(heads) + layer) if layer < top else 0.0
            values[layer, 0] *= -1
            yield done / layers, Result(values, axes, "change by paths", "nats")

    def cell(self, state):
        return FakeCell(-1.0, shares(2.0), shares(-1.0))
