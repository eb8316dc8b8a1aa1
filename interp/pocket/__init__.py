"""Pocket GPT-2: a small model of GPT-2's architecture, trained by us on `words.world`, and shipped here.

The folder holds the weights, the tokenizer, the card and `train.py` that made them. `models.load("pocket")`
opens it like any other directory; `studies.cards.pocket` measures every line of the card.
"""
