"""Inside GPT-2: instruments that test sentences about language models on a real network.

Importing the package does no work and imports nothing heavy: `interp.models.load` decides about the
network before the model libraries are imported.
"""
