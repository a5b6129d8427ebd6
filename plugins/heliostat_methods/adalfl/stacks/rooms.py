"""Memory for results that the next pass overwrites.

Fresh memory of some hundred kilobytes comes from the system and is cleared page by page, which for
stacks of small networks takes longer than the products that fill it.
"""

from collections.abc import Sequence

from torch import Tensor


class Rooms:
    """Tensors by name, made when first asked for and again when another shape or kind is."""

    def __init__(self) -> None:
        self._tensors: dict[str, Tensor] = {}

    def get(self, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """Return the tensor of that name, of the given shape and the kind of ``like``, unfilled."""
        room = self._tensors.get(name)
        if room is None or tuple(room.shape) != tuple(shape) or not _of_one_kind(room, like):
            room = self._tensors[name] = like.new_empty(shape, requires_grad=False)
        return room


def _of_one_kind(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.device == b.device and a.is_inference() == b.is_inference()
