"""Whether a model's weights are those that were loaded: a hash on a result is a promise about them."""

import torch

from interp.models.bridge import Bridge

SAMPLES = 64  # numbers looked at per tensor: a change through `.data` leaves torch's own count as it was
MOST_NAMED = 3  # tensors that an error names


class Marks:
    """What the tensors of a model looked like when it was loaded: torch's count of changes, the place in
    memory, and a few numbers of each.
    """

    def __init__(self, model: Bridge):
        own = model.original_model
        self._of = id(own)
        self._tensors = {**dict(own.named_parameters()), **dict(own.named_buffers())}
        self._samples = [
            tensor.detach().view(-1)[:: max(1, tensor.numel() // SAMPLES)]
            for tensor in self._tensors.values()
            if tensor.is_contiguous() and tensor.numel()
        ]
        self._seen = self._look()
        self._numbers = self._taken()

    def belong_to(self, model: Bridge) -> bool:
        """Whether they are of this model, not of the one it is a copy of."""
        return self._of == id(model.original_model)

    def alike(self, other: "Marks") -> bool:
        """Whether the numbers looked at are the same in both."""
        return torch.equal(self._numbers, other._numbers)

    def check(self) -> None:
        """Nothing, if all is as it was loaded; else ValueError that names the tensors and the ways out."""
        now = self._look()
        if now == self._seen and torch.equal(self._taken(), self._numbers):
            return
        names = [name for name in now if now[name] != self._seen[name]] or ["a tensor's .data"]
        named = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
        raise ValueError(
            f"The weights of this model were changed after it was loaded (at {named}), so a result would"
            " carry the hash of other weights. Load it again; to try a change, use an edit of hooks (Zero,"
            " Put, Add), or save the changed model in a folder and load that."
        )

    def _look(self) -> dict[str, tuple[int, int]]:
        return {name: (tensor._version, tensor.data_ptr()) for name, tensor in self._tensors.items()}

    def _taken(self) -> torch.Tensor:
        """The numbers looked at, copied in one call: this is asked at every toggle of a head."""
        return torch.cat(self._samples).nan_to_num()
