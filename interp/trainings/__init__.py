"""Models small enough to be trained while one waits: recipes, resumable runs, and the runs that ship.

Every one is a GPT-2 in architecture and our own in everything else: its words, its texts, its weights.
"""
