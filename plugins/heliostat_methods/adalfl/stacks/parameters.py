"""Parameters that passes view and refer to: how they lie, and whether they were written since."""

from torch import Tensor


class Unwritten:
    """A tensor that a pass refers to rather than copies, and how to tell that it was written to.

    torch counts the writes to a tensor and to its views, except for those that inference mode made.
    """

    def __init__(self, name: str, tensor: Tensor) -> None:
        self.name = name
        self.tensor = tensor
        self.version = _version(tensor)

    def check(self) -> None:
        """Raise ``RuntimeError`` if the tensor was written in place since."""
        if _version(self.tensor) != self.version:
            raise RuntimeError(
                f"{self.name}: written in place since the pass that refers to it; "
                "assign another tensor instead, or repeat the pass"
            )


def check_rows(name: str, tensor: Tensor) -> None:
    """Raise ``ValueError`` unless each row of a matrix runs along memory, so that views fit."""
    if tensor.shape[1] > 1 and tensor.stride(1) != 1:
        raise ValueError(
            f"{name}: strides {tensor.stride()}; expected rows without gaps, "
            f"as {name}.contiguous() has them"
        )


def check_kind(name: str, tensor: Tensor, like: Tensor) -> None:
    """Raise ``ValueError`` unless a tensor has the type and the device of the parameters."""
    if tensor.dtype != like.dtype or tensor.device != like.device:
        raise ValueError(
            f"{name}: {tensor.dtype} on {tensor.device}; expected {like.dtype} on {like.device}, "
            "as the parameters are"
        )


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version
