"""Does pocket GPT-2 do what its card says, and in stages? Every line of the card is measured here.

The thresholds stood here before any model was measured. Prompts use what training never saw: held-out pairs
of names, held-out templates, and for each country the one phrasing in which it was never asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random

import numpy as np
from jaxtyping import Bool
from torch import Tensor

from interp import hooks, models
from interp.methods.ablation import head_ablation
from interp.methods.readout import logits_at_end
from interp.models import Bridge, sizes
from interp.prompts import Prompts
from interp.result import Result
from interp.studies.names import ioi
from interp.words import world
from interp.words.facts import COUNTRIES
from interp.words.ioi import TEMPLATES

PROMPTS = 512
SEEN_TEMPLATES = tuple(at for at in range(len(TEMPLATES)) if at not in world.HELD_OUT_TEMPLATES)
LEAST_PREFERRED, LEAST_DIFFERENCE, LEAST_NEW_TEMPLATE, LEAST_NEW_NAMES = 0.98, 3.0, 0.90, 0.90
LEAST_CAPITALS, LEAST_NEW_PHRASING, LEAST_FROM_PROMPT, LEAST_REPEATED = 0.95, 0.80, 0.80, 0.95
LEAST_SAID_MORE = 0.95  # IO still wins where either name was said more often
EARLY_THIRD, MOST_EARLY = (
    1 / 3,
    0.5,
)  # END may carry half of the swing only when a third of the blocks are done
HEAD_MATTERS, LEAST_BLOCKS, MOST_OF_ONE_HEAD = 0.10, 3.0, 0.70


@dataclass(frozen=True)
class Check:
    """One line of the card: what was measured, and the threshold to reach (or, `at_most`, to stay under)."""

    name: str
    measured: float
    threshold: float
    bos: bool
    n: int
    interval: tuple[float, float] | None = None
    at_most: bool = False

    @property
    def passed(self) -> bool:
        """Whether the threshold is met."""
        return self.measured <= self.threshold if self.at_most else self.measured >= self.threshold


def new_names() -> tuple[tuple[str, str], ...]:
    """All (IO, S) of the names that training never shows as giver or receiver."""
    return tuple(permutations(world.HELD_OUT_NAMES, 2))


def held_out_pairs() -> tuple[tuple[str, str], ...]:
    """All (IO, S) whose two names training never shows as giver and receiver."""
    return tuple(pair for pair in permutations(world.GIFT_NAMES, 2) if world.held_out_pair(*pair))


def gifts(
    model: Bridge, n: int = PROMPTS, *, templates: Sequence[int] = SEEN_TEMPLATES, pairs=None, **more
) -> Prompts:
    """IOI prompts with held-out pairs of names, unless others are given, in templates that training shows."""
    return ioi.prompts(model, n, templates=templates, pairs=pairs or held_out_pairs(), **more)


def behaviour(model: Bridge, *, bos: bool, n: int = PROMPTS, seed: int = 0) -> tuple[Check, ...]:
    """Gifts, facts and repetition, with or without a leading end-of-text token."""
    return (*_gift_checks(model, bos, n, seed), *_fact_checks(model, bos), _repetition(model, bos, seed))


def stages(model: Bridge, *, n: int = 128, seed: int = 0, bos: bool = False) -> Result:
    """Share of the IOI swing that END and S2 carry before each block: Result[layer, spot, prompt]."""
    return ioi.stages(model, gifts(model, n, seed=seed, bos=bos))


def heads(model: Bridge, *, n: int = 128, seed: int = 0, bos: bool = False) -> Result:
    """Share of the logit difference lost when one head is mean-ablated: Result[layer, head, prompt]."""
    prompts = gifts(model, n, seed=seed, bos=bos)
    metric = ioi.logit_difference(prompts)
    effect = head_ablation(model, prompts, metric, reference=ioi.reference(model, prompts, seed=seed))
    clean = ioi.behaviour(model, prompts).at(measure="logit_difference").values.mean()
    return Result(-effect.values / clean, effect.axes, "logit difference lost", "share", effect.about)


def depth(staged: Result, lost: Result, *, bos: bool = False) -> tuple[Check, ...]:
    """Whether the work happens in stages: from the results of `stages` and `heads`."""
    n = staged.about["n"]
    layers = staged.axes["layer"]
    early = [layer for layer in layers if 0 < layer < EARLY_THIRD * len(layers)]
    means, bounds = staged.mean("prompt"), ioi.stages_interval(staged)
    carried, most = max((float(means.at(layer=layer, spot="end")), layer) for layer in early)
    low, high = bounds.at(layer=most, spot="end").values
    share = lost.mean("prompt").values
    blocks = float((share >= HEAD_MATTERS).any(axis=1).sum())
    return (
        Check(
            "END alone carries, before a third of the blocks are done",
            carried,
            MOST_EARLY,
            bos,
            n,
            (float(low), float(high)),
            at_most=True,
        ),
        Check("blocks with a head worth 10 % or more", blocks, LEAST_BLOCKS, bos, n),
        Check("worth of the strongest head", float(share.max()), MOST_OF_ONE_HEAD, bos, n, at_most=True),
    )


def _gift_checks(model: Bridge, bos: bool, n: int, seed: int) -> tuple[Check, ...]:
    def line(name: str, threshold: float, measure: str = "prefers_io", **asked) -> Check:
        does = ioi.behaviour(model, gifts(model, n, seed=seed, bos=bos, **asked))
        return _from_result(name, does, measure, threshold, bos)

    new_templates = tuple(
        line(f"IO preferred, held-out template {at}", LEAST_NEW_TEMPLATE, templates=[at])
        for at in world.HELD_OUT_TEMPLATES
    )
    return (
        line("IO preferred to S, held-out pairs of names", LEAST_PREFERRED),
        line("mean logit difference, nats", LEAST_DIFFERENCE, "logit_difference"),
        line("IO preferred, names never seen in a gift", LEAST_NEW_NAMES, pairs=new_names()),
        *new_templates,
        line("IO preferred where IO was said more often", LEAST_SAID_MORE, extra="IO"),
        line("IO preferred where S was said more often", LEAST_SAID_MORE, extra="S"),
    )


def _from_result(name: str, does: Result, measure: str, threshold: float, bos: bool) -> Check:
    one = does.at(measure=measure)
    low, high = one.interval("prompt").values
    return Check(name, float(one.values.mean()), threshold, bos, does.about["n"], (float(low), float(high)))


def two_questions(country: str, relation: str = "capital") -> str:
    """The article's form, without the answer: another country first (France, or Italy if France is asked)."""
    other = "France" if country != "France" else "Italy"
    first = world.asking(other, relation, 0, COUNTRIES[other][relation])
    return first + world.asking(country, relation, 0, "").rstrip()


def _fact_checks(model: Bridge, bos: bool) -> tuple[Check, ...]:
    countries = list(COUNTRIES)
    true = [COUNTRIES[country]["capital"] for country in countries]
    false = [true[(at + 11) % len(true)] for at in range(len(true))]
    asked = [two_questions(country) for country in countries]
    lied = [
        f"The capital of {c} is {lie}. {text}" for c, lie, text in zip(countries, false, asked, strict=True)
    ]
    unseen = [world.asking(c, "capital", world.held_out_phrasing(c), "").rstrip(" .\n") for c in countries]
    return (
        _right("capital is the top word, two questions", model, asked, true, LEAST_CAPITALS, bos),
        _right(
            "capital, in a phrasing never seen for that country", model, unseen, true, LEAST_NEW_PHRASING, bos
        ),
        _right(
            "false capital stated first: answers from the prompt", model, lied, false, LEAST_FROM_PROMPT, bos
        ),
    )


def _right(
    name: str, model: Bridge, texts: Sequence[str], answers: Sequence[str], threshold: float, bos: bool
) -> Check:
    right = top_word_is(model, texts, answers, bos=bos)
    axes = {"prompt": tuple(range(len(right)))}
    result = Result(right.double().numpy(), axes, "answered", "share", models.about(model))
    low, high = result.interval("prompt").values
    return Check(name, float(result.values.mean()), threshold, bos, len(right), (float(low), float(high)))


def top_word_is(
    model: Bridge, texts: Sequence[str], answers: Sequence[str], *, bos: bool
) -> Bool[Tensor, "prompt"]:
    """Whether the model's first choice after each text is the answer; both without their joining space."""
    written = Prompts.write(
        model.tokenizer,
        [[(None, text)] for text in texts],
        answers=[{"answer": f" {answer}"} for answer in answers],
        bos=bos,
        context=sizes(model).n_ctx,
    )
    return logits_at_end(model, written).cpu().argmax(dim=-1) == written.answers["answer"]


def _repetition(model: Bridge, bos: bool, seed: int, lists: int = 100, words: int = 12) -> Check:
    """Random words said twice: how often the next word of the second copy is the first choice."""
    chooser = Random(seed)
    said = [[chooser.choice(world.ALL_WORDS) for _ in range(words)] for _ in range(lists)]
    texts = ["".join(f" {word}" for word in once * 2) for once in said]
    prompts = Prompts.write(
        model.tokenizer, [[(None, text)] for text in texts], bos=bos, context=sizes(model).n_ctx
    )
    choice = hooks.run(model, prompts)[0].argmax(dim=-1).cpu()
    second = slice(
        words + bos, 2 * words + bos - 1
    )  # from the second copy's first word on, one word is known
    right = (choice[:, second] == prompts.tokens[:, second.start + 1 : second.stop + 1]).double().numpy()
    shares = Result(
        right.mean(axis=1), {"prompt": tuple(range(lists))}, "predicted", "share", models.about(model)
    )
    low, high = np.asarray(shares.interval("prompt").values)
    name = "repeated random words predicted in the second copy"
    return Check(name, float(shares.values.mean()), LEAST_REPEATED, bos, lists, (float(low), float(high)))
