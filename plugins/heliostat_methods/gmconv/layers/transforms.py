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
    if not unwrapped(tensor) or tensor.is_inference():
        return False
    return cast(Any, forward_ad.unpack_dual)(tensor).tangent is None


def unwrapped(tensor: Tensor) -> bool:
    """Say whether a tensor is torch's own type, with memory of its own and no transform around."""
    functions = torch._C._functorch
    return (
        type(tensor) in (Tensor, nn.Parameter)
        and not functions.is_functorch_wrapped_tensor(tensor)
        and not functions.is_legacy_batchedtensor(tensor)
    )


def traced() -> bool:
    """Say whether a compiler, an exporter or a tracer records what is computed now."""
    return torch.compiler.is_compiling() or bool(cast(Any, torch.jit).is_tracing())
