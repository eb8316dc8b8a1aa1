"""Sentences of the article that a notebook or widget starts from, with the two words it weighs against
each other.

Source: Lee & Trott 2023, "Large language models, explained with a minimum of math and jargon".
"""

# label, prompt, the answer, the word it is weighed against
NAME_EXAMPLES = (
    (
        "the article's sentence",
        "When Mary and John went to the store, John gave a drink to",
        " Mary",
        " John",
    ),
    ("the names exchanged", "When John and Mary went to the store, Mary gave a drink to", " John", " Mary"),
    ("the other order", "When John and Mary went to the store, John gave a drink to", " Mary", " John"),
    ("nobody is repeated", "When Mary and John went to the store, Paul gave a drink to", " Mary", " John"),
)
