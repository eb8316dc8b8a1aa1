"""Every English word we feed a model. Strings only: no tensors, no tokens, no models."""
