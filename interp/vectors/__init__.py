"""Tables of word vectors: one value, `WordVectors`, from many sources, and the questions to ask of them.

`shipped()` is the table that comes along; `read(file)` takes one of your own. A model's own table is made in
`methods.embeddings`. Refuses: models, analysis, drawing; and pickles, always.
"""

from interp.vectors.files import read
from interp.vectors.shipped import City, Occupation, Question, cities, occupations, questions, shipped
from interp.vectors.table import WordVectors

__all__ = [
    "City", "Occupation", "Question", "WordVectors", "cities", "occupations", "questions", "read", "shipped",
]  # fmt: skip
