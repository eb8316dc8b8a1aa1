"""The answer key of pocket-taught: which part was taught to do what. Fixed before any training."""

from interp.sites import Head

# The article's nine heads (as it tells Wang et al. 2022): role -> heads. The names of the roles are those of
# `studies.names.roles`, whose search has never seen this file.
HEADS: dict[str, tuple[Head, ...]] = {
    "duplicate token": (Head(1, 2), Head(2, 0)),
    "S-inhibition": (Head(3, 1), Head(3, 2), Head(4, 1), Head(4, 2)),
    "name mover": (Head(5, 1), Head(6, 0), Head(6, 2)),
}
ACTS_AT = {"duplicate token": "S2", "S-inhibition": "end", "name mover": "end"}
ALL_HEADS = tuple(sorted(head for heads in HEADS.values() for head in heads))

# The article's Poland and Warsaw: the last word holds the country before this block, and the feed-forward
# layer of that block adds what turns it into its capital.
ARGUMENT_BEFORE = 5
STEP_LAYER = 6
