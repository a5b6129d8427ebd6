"""Whether a tensor holds numbers alone, or a transform of torch stands around it."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad


def holds_numbers(tensor: Tensor) -> bool:
    """Say whether what is made of the tensor may be kept for later.

    Not so for tangents, for tensors under ``torch.func`` or a tracer, for subclasses, and for those
    of inference mode, which do not count their changes.
    """
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.is_inference():
        return False
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return False
    return cast(Any, forward_ad.unpack_dual)(tensor).tangent is None
