"""C20: prediction is a good teacher because the world is predictable. Surprise in nats, word by word.

The text of the small world beside what counting can do; and any text on any model.
"""

from functools import cache

import numpy as np
import torch

from interp import hooks
from interp.claims import TEXTS, Again, Claim, decide
from interp.languages import message
from interp.models import Bridge
from interp.result import Result
from interp.studies.learning import taps as learning
from interp.trainings import stored, taps
from interp.words import small_world

ROWS = 64
LEAST_SAVED = 0.3
AGAIN = (2, 3, 4, 5, 6)  # seeds of other texts, on which the verdict is asked again
READERS = ("no context", "5-gram", "network")
C20_TEXT = message("Language is predictable because the world is, so prediction is a good teacher.")
COFFEE, SWEET = "I like my coffee with cream and", " sugar"
GIFT = learning.EXAMPLE + learning.RIGHT + "."


@cache
def by_kind() -> Result:
    """Mean surprise on held-out text of each kind: Result[kind, reader], nats per word.

    `no context` and `5-gram` counted the text that the network was trained on.
    """
    network, values = taps.load(), []
    for kind in small_world.KINDS:
        each = _readers(taps.rows(f"surprise {kind}", ROWS, kind=kind), network)
        values.append([float(one.mean()) for one in each])
    axes = {"kind": small_world.KINDS, "reader": READERS}
    return Result(np.array(values), axes, "surprise", "nats per word", learning.about() | {"n": ROWS})


@cache
def saved(shuffled: bool = False, seed: int | None = None) -> Result:
    """The share of the surprise that context takes away from a reader: Result[reader, row].

    As a control: words in random order, by readers trained on such text. `seed` writes other texts.
    """
    network = taps.load("taps-shuffled" if shuffled else "taps-0")
    alone, *others = _readers(taps.rows(f"surprise{seed or ''}", ROWS, shuffled=shuffled), network, shuffled)
    share = np.stack([1 - one.mean(1) / alone.mean(1) for one in others])
    axes = {"reader": READERS[1:], "row": tuple(range(ROWS))}
    return Result(share, axes, "surprise taken away by context", "share", learning.about() | {"n": ROWS})


def beside() -> Result:
    """What context takes away, reader by reader, in order and in shuffled text: Result[reader, text]."""
    both = [saved(shuffled).mean("row").values for shuffled in (False, True)]
    axes = {"reader": READERS[1:], "text": ("in order", "shuffled")}
    return Result(np.stack(both, 1), axes, "surprise taken away by context", "share", learning.about())


def in_gift(text: str = GIFT) -> Result:
    """The network's surprise at every word of a text of the small world: Result[position]."""
    ids = torch.tensor([[taps.vocabulary()["<|end|>"], *taps.vocabulary().encode(text)]])
    values = learning.word_surprise(taps.load(), ids)[0]
    return Result(
        np.array(values), {"position": tuple(range(len(values)))}, "surprise", "nats", learning.about()
    )


def words_of(text: str) -> tuple[str, ...]:
    """The tokens of a text of the small world."""
    words = taps.vocabulary()
    return tuple(words.words[i] for i in words.encode(text))


def rank(model: Bridge, text: str = COFFEE, word: str = SWEET) -> int | None:
    """The place of a word among the guesses after a text, 1 the first; None if it is not one token."""
    wanted = model.tokenizer.encode(word, add_special_tokens=False)
    if len(wanted) != 1:
        return None
    ids = [model.tokenizer.bos_token_id, *model.tokenizer.encode(text, add_special_tokens=False)]
    logits = hooks.run(model, torch.tensor([ids]), last=1)[0][0, -1]
    return int((logits > logits[wanted[0]]).sum()) + 1


def c20(shuffled: bool = False, *, strict: float = 1.0, seed: int | None = None) -> Claim:
    """The verdict: how much surprise context takes away where there is a world, and where there is none.

    With `shuffled` the two change places: the text without a world is put to the test, to see it fail.
    `strict` multiplies the threshold; `seed` asks of other texts.
    """
    mine, other = (saved(which, seed).at(reader="network") for which in (shuffled, not shuffled))
    low, high = map(float, mine.interval("row").values)
    measured, interval = float(mine.values.mean()), (low, high)
    kinds, counting = by_kind(), float(saved(shuffled, seed).at(reader="5-gram").values.mean())
    control = float(other.values.mean())
    skills = {name: stored.noted(name)["looks"][-1]["receiver"] for name in ("taps-0", "taps-shuffled")}
    each = "; ".join(
        f"{kind} {', '.join(f'{value:.2f}' for value in row)}"
        for kind, row in zip(kinds.axes["kind"], kinds.values, strict=True)
    )
    return Claim(
        id="C20",
        text=C20_TEXT,
        model=learning.about()["model"],
        measured=measured,
        interval=interval,
        verdict=decide(measured, interval, strict * LEAST_SAVED, (control, counting), complete=False),
        test=(
            "Share of the surprise at a word that its context takes away, on new text of a small world of our"
            f" own making (interval over {ROWS} rows). Nats per word without context, by 5-gram, by network:"
            f" {each}. What was learnt: the receiver beats the giver in {skills['taps-0']:.2f} of gifts,"
            f" after shuffled text in {skills['taps-shuffled']:.2f}. At most partly: a made-up world is"
            " predictable because we made it so."
        ),
        control=(
            f"the same words {'in order' if shuffled else 'shuffled'}: {control:.2f}; 5-gram of the same"
            f" text: {counting:.2f}"
        ),
        threshold=f"at least {LEAST_SAVED}, above both controls; partly, since the world is ours",
        published="no figure: the article argues",
    )


def c20_again() -> Again:
    """C20 asked again, for `claims.firm`: of the texts of each seed of `AGAIN`."""
    return {TEXTS: lambda: (c20(seed=seed) for seed in AGAIN)}


def _readers(ids: torch.Tensor, network, shuffled: bool = False) -> list[np.ndarray]:
    """Surprise at every word but the first, by three readers: [row, position] each."""
    table, rows = learning.counted(shuffled), ids.numpy()
    often = np.bincount(learning.training_text(shuffled).numpy().ravel(), minlength=table.vocabulary) + 0.5
    alone = -np.log(often / often.sum())
    five = [[-table.scores(row[:at].tolist())[row[at]] for at in range(1, len(row))] for row in rows]
    return [alone[rows[:, 1:]], np.array(five), learning.word_surprise(network, ids)]
