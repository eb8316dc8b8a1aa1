"""Sentences of the article that a notebook or widget starts from, with the two words it weighs against
each other.

Source: Lee & Trott 2023, "Large language models, explained with a minimum of math and jargon".
"""

from interp.languages import message

# label, prompt, the answer, the word it is weighed against
NAME_EXAMPLES = (
    (
        message("the article's sentence"),
        "When Mary and John went to the store, John gave a drink to",
        " Mary",
        " John",
    ),
    (
        message("the names exchanged"),
        "When John and Mary went to the store, Mary gave a drink to",
        " John",
        " Mary",
    ),
    (
        message("the other order"),
        "When John and Mary went to the store, John gave a drink to",
        " Mary",
        " John",
    ),
    (
        message("nobody is repeated"),
        "When Mary and John went to the store, Paul gave a drink to",
        " Mary",
        " John",
    ),
)

# The scene of claims C8 and C9: a thing that a friend would get, or a waiter, at two places
SCENE = "When {A} and {B} went to the {place}, {B} gave {thing} to"
THINGS = ("a drink", "his keys")
SCENE_PLACES = ("store", "restaurant")
