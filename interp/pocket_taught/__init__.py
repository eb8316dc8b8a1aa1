"""Pocket's twin, taught: the same shape and words, but the article's circuit was trained into it.

The folder holds the weights, the card, the answer key (`key.py`) and what taught it: `gifts.py` and
`questions.py` write the lessons, `network.py` runs the network with parts taken from another sentence,
`train.py` is the recipe. `models.load("pocket-taught")` opens it like any other directory.
"""
