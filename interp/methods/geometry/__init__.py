"""Geometry of word vectors: neighbours, arithmetic, directions and linear readers. Task-free, NumPy only."""
