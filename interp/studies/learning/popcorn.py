"""The article's bag of popcorn on a whole language model: whose belief is asked, and does that matter?

The wording is that of pocket's own world, because pocket knows no other words. Pocket was trained on the
first two stories, so there its answers are memory of a rule; the last two, in which two people know
different things, it never read.
"""

from random import Random

import numpy as np

from interp import models
from interp.methods.readout import logits_at_end
from interp.models import Bridge
from interp.result import Result
from interp.studies.facts import facts
from interp.words.ioi import FEMALE_NAMES, MALE_NAMES
from interp.words.world import TREATS

STORIES = {
    "she reads the label": ("{she} finds the bag. She reads the label. She", "label"),
    "she looks inside": ("{she} finds the bag. She opens the bag and looks inside. She", "content"),
    "both are there, she is asked": (
        "{she} finds the bag. She reads the label. {he} opens the bag and looks inside. She", "label"),
    "both are there, he is asked": (
        "{she} finds the bag. She reads the label. {he} opens the bag and looks inside. He", "content"),
}  # fmt: skip
FRAME = (
    "Here is a bag filled with {content}. The label on the bag says {label}. {told} believes that the bag is"
    " full of"
)
TELLINGS = 60


def written(seed: int = 0, n: int = TELLINGS) -> dict[str, list[tuple[str, str, str]]]:
    """By story, (text, right word, wrong word); contents and labels swap places in every second telling."""
    chooser, found = Random(seed), {story: [] for story in STORIES}
    for _ in range(n // 2):
        pair = chooser.sample(TREATS, 2)
        she, he = chooser.choice(FEMALE_NAMES), chooser.choice(MALE_NAMES)
        for content, label in (pair, pair[::-1]):
            is_in = {"content": content, "label": label}
            for story, (told, right) in STORIES.items():
                text = FRAME.format(content=content, label=label, told=told.format(she=she, he=he))
                wrong = is_in["label" if right == "content" else "content"]
                found[story].append((text, is_in[right], wrong))
    return found


def answered(model: Bridge, seed: int = 0) -> Result:
    """Whether the right word beats the wrong one: Result[story, telling], 1 or 0, by first tokens."""
    values = []
    for rows in written(seed).values():
        asked = facts.plain(model, [text for text, _, _ in rows])
        logits = logits_at_end(model, asked).cpu()
        good, bad = ([models.encode(model, f" {row[place]}")[0] for row in rows] for place in (1, 2))
        each = range(len(rows))
        values.append([float(logits[i, good[i]] > logits[i, bad[i]]) for i in each])
    axes = {"story": tuple(STORIES), "telling": tuple(range(len(values[0])))}
    about = {**models.about(model), "n": len(values[0])}
    return Result(np.array(values), axes, "right answers", "share", about)
