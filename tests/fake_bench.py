"""A bench without a model: the Ablation Lab's tests need answers, not a transformer. Heads have fixed
effects.
"""

import time
from dataclasses import dataclass

import numpy as np

from interp.result import Result
from interp.screens.attention import Attention, AttentionBench, AttentionState
from interp.screens.lab import Exercise, LabAnswer, LabBench, LabState, Verdict
from interp.screens.neurons import BrowserState, Context, NeuronAnswer, NeuronBench, OwnText, Record
from interp.screens.patching import Cell, Leads, MapBench, MapState
from interp.screens.reading import ReaderBench, Reading
from interp.screens.refusals import Refused, beneath
from interp.screens.sentences import Asked, Marked, Pair, ReadWord
from interp.sites import Head, Neuron, check_place

NAMES = (" Mary", " John", " the", " her", " him", " a", " them", " it", " Sam", " me")


def set_up(bench, **values):
    """Give a bench, a frozen value, what a fake of it needs."""
    for name, value in values.items():
        object.__setattr__(bench, name, value)


def fake_asked(typed):
    """Every word is asked after a space, and could be asked without."""
    word = typed.strip()
    return Asked(f" {word}", 0, word, f'"{word}"')


def fake_words(text):
    """Words are tokens; Wakanda is two pieces that nobody has seen."""
    return tuple(
        ReadWord(word, ("Wak", "anda"), False) if word == "Wakanda" else ReadWord(word, (word,), True)
        for word in text.split()
    )


def fake_cautions(text):
    return ("pocket never saw <Wakanda>.",) if "Wakanda" in text else ()


def fake_effects(layers, heads):
    effects = np.random.default_rng(0).normal(0, 0.08, (layers, heads))
    effects[-3, heads // 2], effects[-2, 1], effects[-1, -1] = 1.84, 0.9, -0.6
    return effects


def fake_pair(prompt, twin):
    """Words are tokens, and only END is marked."""

    def marked(text):
        words = text.split()
        return Marked(tuple(words), (*("",) * (len(words) - 1), "END"), "END is the last token.")

    one, two = marked(prompt), marked(twin) if twin.strip() else None
    if two is None:
        return Pair(one, None, (), "")
    longest = range(max(len(one.tokens), len(two.tokens)))
    differs = tuple(one.tokens[i : i + 1] != two.tokens[i : i + 1] for i in longest)
    problem = "" if len(one.tokens) == len(two.tokens) else "The two sentences have other lengths."
    return Pair(one, two, differs, problem)


@dataclass(frozen=True)
class Grid:
    """The model's shape as `sites.check_place` asks for it."""

    name: str
    layers: int
    heads: int
    d_mlp: int = 0


class FakeBench(LabBench):
    """The strongest head of an 8 x 4 grid is L5H2; what a head writes is what its removal costs."""

    def __init__(self, shape=(8, 4)):
        set_up(self, name="pocket", shape=shape, asked=[])

    @property
    def examples(self):
        first = LabState("When Mary and John went to the store, John gave a drink to", "Mary", "John")
        other = LabState("Then Mary and John had a long talk, and Mary gave a ring to", "John", "Mary")
        return (("The article's sentence", first), ("Roles exchanged", other))

    @property
    def presets(self):
        layers, heads = self.shape
        best = (Head(layers - 3, heads // 2), Head(layers - 2, 1))
        return {
            "found here": {"strongest writer": best[:1], "two strongest writers": best},
            "controls": {"three random heads": (Head(0, 0), Head(1, 1), Head(2, 0))},
        }

    exercises = (Exercise("The strongest", "Switch off the strongest head.", "It writes most."),)

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
        yield from fake_steps(3, Verdict(right, "Right: it is." if right else "Not yet: another one."))

    def compute(self, state):
        self.asked.append(state)
        with beneath("heads"):
            for head in state.heads:
                check_place(head, Grid(self.name, *self.shape))
        if not state.prompt.strip():
            raise ValueError(
                "The prompt is empty: write the beginning of a sentence, up to the word to be guessed."
            )
        if not state.answer.strip():
            raise Refused("The answer is missing: write one word, such as Mary.", "answer")
        effects = fake_effects(*self.shape)
        before = 2.6
        after = before - sum(effects[head.layer, head.head] for head in state.heads)
        return LabAnswer(
            tokens=tuple(state.prompt.split()),
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


class FakeAttentionBench(AttentionBench):
    """Head h looks h words back, half of it; the rest goes to the first word. Words are tokens."""

    def __init__(self, shape=(8, 4)):
        set_up(self, name="pocket", shape=shape, asked=[])

    @property
    def examples(self):
        last = AttentionState("When Mary and John went out, John gave it to", Head(5, 2), query=9)
        return (("The article's sentence", last), ("Short", AttentionState("Mary and", query=1)))

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
        return Attention(tokens, *results, fake_cautions(state.prompt))

    def promoted(self, state):
        return Result(np.array([1.5, 0.5]), {"token": (" Mary", " <b>")}, "direct effect", "nats")


class FakeMapBench(MapBench):
    """The lead falls from 2 to -2; each layer carries one share more than the layer above it, at one
    place. Head h of layer l sends -0.2 (h + l) nats to every receiver above it, head 0 the other way.
    """

    def __init__(self, shape=(8, 4), leads_of=(2.0, -2.0), pause=0.0):  # seconds that each layer takes
        kinds = {"resid_pre": "position", "z": "head"}
        set_up(self, name="pocket", shape=shape, kinds=kinds, leads_of=leads_of, pause=pause, swept=[])

    @property
    def examples(self):
        first = MapState(
            "When Mary and John met, John saw", "When Mary and John met, Mary saw", "Mary", "John"
        )
        return (("The article's sentence", first),)

    def pair(self, state):
        return fake_pair(state.prompt, state.twin)

    def leads(self, state):
        found = self.pair(state)
        if found.problem:
            raise Refused(found.problem, "twin")
        asked = fake_asked(state.answer), fake_asked(state.against)
        return Leads(*self.leads_of, found, asked, fake_cautions(state.prompt))

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
        return Cell(-1.0, shares(2.0), shares(-1.0))


def fake_reader():
    """Every word surprises by its length in nats; the likeliest was always "the"."""

    def read(text):
        words = tuple(text.split())
        surprise = Result(
            np.array([float(len(word)) for word in words]),
            {"position": tuple(range(len(words)))},
            "surprise",
            "nats",
        )
        return Reading(words, surprise, (((" the", 0.5),),) * len(words), fake_cautions(text))

    return ReaderBench("pocket", "When Mary and John went to the store", read)


def fake_neurons():
    """Any neuron is excited by one word, and writes two."""

    def compute(state):
        context = Context("top", 1, 2.0, None, (" Mary", " went"), (2.0, 0.5), 0, 1)
        writes = ((" store", 0.5), (" shop", 0.2))
        record = Record(state.neuron, 0.1, 0.2, 0.5, {0.5: 0.0}, writes, ((" river", -0.3),), (context,))
        activations = Result(np.array([0.5, 1.0]), {"position": (0, 1)}, "activation", "")
        own = OwnText((" Mary", " went"), activations, 1, shares(2.0), shares(1.0), ())
        return NeuronAnswer(record, ((Neuron(1, 2), "it writes “store”"),), own, "a corpus of two words.")

    return NeuronBench("pocket", (8, 512), ("places",), BrowserState(Neuron(0, 1)), True, compute)
