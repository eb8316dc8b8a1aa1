"""The embedded models examined: pocket's card, pocket-taught with its key, and the two side by side."""
