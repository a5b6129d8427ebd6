"""Memory of tensors that were let go of, written again once nothing reads what lies in it.

Where tensors are large an allocator gives their memory back to the system, and its pages are made
anew for the next one: for an output of 512 x 3072 that takes longer than the lookups that fill it.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

LEAST = 1 << 20
"""Bytes from which it is worth it; below, an allocator keeps what it has."""
_storage: Any = torch.UntypedStorage
_uses: Any = getattr(torch._C, "_storage_Use_Count", None)
_HELD_HERE = 3
"""References to a storage while it is looked at: the list's, a variable's, the count's own."""


class SpareMemory:
    """At most so many pieces of memory, the last ones used; copies and pickles have none.

    A piece is taken again if no tensor lies on it, no graph waits for it, nobody holds its storage
    and no other process shares it. What is made is an ordinary tensor of the caller's.
    """

    def __init__(self, pieces: int = 1) -> None:
        self.pieces = pieces
        self._storages: list[torch.UntypedStorage] = []
        self._lock = threading.Lock()

    def empty(
        self, size: Sequence[int], stride: Sequence[int] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:  # fmt: skip
        """Return a tensor on the CPU of any content; ``stride`` is that of one without gaps."""
        needed = math.prod(size) * dtype.itemsize
        if _uses is None or needed < LEAST:
            if stride is None:
                return torch.empty(size, dtype=dtype)
            return torch.empty_strided(size, stride, dtype=dtype)
        if stride is None:
            stride = [math.prod(size[i + 1 :]) for i in range(len(size))]
        if not self._lock.acquire(blocking=False):  # another thread's, or lost when it was forked
            return torch.empty_strided(size, stride, dtype=dtype)
        try:
            storage = self._spare(needed) or _storage(needed)
            self._storages = [*self._storages, storage][-self.pieces :]
            return torch.empty(0, dtype=dtype).set_(storage, 0, size, stride)
        finally:
            self._lock.release()

    def clear(self) -> None:
        """Let go of the memory."""
        self._storages = []

    def __len__(self) -> int:
        return len(self._storages)

    def __reduce__(self) -> tuple[type[SpareMemory], tuple[int]]:
        return SpareMemory, (self.pieces,)

    def _spare(self, needed: int) -> torch.UntypedStorage | None:
        for i in range(len(self._storages)):
            storage = self._storages[i]
            if storage.nbytes() != needed or storage.is_shared() or _uses(storage._cdata) > 1:
                continue
            if sys.getrefcount(storage) <= _HELD_HERE:
                return self._storages.pop(i)
        return None
