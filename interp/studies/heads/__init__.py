"""Heads: what they look at (C7), and which of them an answer hangs on."""
