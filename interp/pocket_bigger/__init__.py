"""A third embedded model, grown from the bigger world: it has met senses, twins and stories.

Weights and card only; `pocket/grow.py` is what grew it, `words/bigger` what it read. On gifts it is behind
pocket, which therefore keeps its place (see the card).
"""
