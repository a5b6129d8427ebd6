"""The memory of a masked kernel, written again once nothing reads what lies in it.

A training step makes a masked kernel and lets go of it. Where kernels are large an allocator gives
such memory back to the system, and its pages are made anew in the next step: for 512 x 512 kernels
of 3 x 3 that takes as long as a third of the convolution.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from heliostat_methods.gmconv.layers.transforms import traced, unwrapped

LEAST = 1 << 20
"""Bytes from which it is worth it; below, an allocator keeps what it has."""
_uses: Any = getattr(torch._C, "_storage_Use_Count", None)


class SpareMemory:
    """At most one piece of memory; copies and pickles have none."""

    def __init__(self) -> None:
        self._storage: torch.UntypedStorage | None = None

    def like(self, weight: Tensor) -> Tensor | None:
        """Return a tensor to write a kernel into, as ``weight`` is laid out; None where none fits.

        Its memory is the last one's if no tensor reads that any more: neither a graph that is still
        to be gone through backwards, nor whoever kept the kernel.
        """
        size = weight.numel() * weight.element_size()
        if _uses is None or size < LEAST or not weight.is_cpu or traced():
            return None
        dense = weight.is_contiguous() or weight.movedim(1, -1).is_contiguous()
        if not dense or not unwrapped(weight):
            return None
        storage, self._storage = self._storage, None  # another thread finds none
        if storage is None or storage.nbytes() != size or _uses(storage._cdata) > 1:
            storage = torch.UntypedStorage(size)  # type: ignore[no-untyped-call]
        made = torch.empty(0, dtype=weight.dtype).set_(storage, 0, weight.size(), weight.stride())
        self._storage = storage
        return made

    def clear(self) -> None:
        """Let go of the memory."""
        self._storage = None

    def __reduce__(self) -> tuple[type[SpareMemory], tuple[()]]:
        return SpareMemory, ()
