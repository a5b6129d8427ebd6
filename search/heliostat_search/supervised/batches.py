"""Batches by their step: rows are shuffled anew every epoch, and a step knows its epoch.

So a training that goes on in the middle needs no generator's state, and trainings that share a seed
see the same rows in the same order, whatever their loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from heliostat_search.supervised.streams import Streams


class Batches:
    """Row numbers of one part for a stack of runs; the last, incomplete batch of an epoch is left.

    ``replicas[r]`` gives the streams of run r, of which ``name`` is used. A part of fewer rows than
    a batch is one batch, in its own order.
    """

    def __init__(
        self, replicas: Sequence[Streams], name: str, rows: int, size: int, device: str = "cpu"
    ) -> None:
        if rows < 1:
            raise ValueError(f"{name}: got {rows} rows; expected at least 1")
        if size < 1:
            raise ValueError(f"batch_size: got {size}; expected at least 1")
        self._replicas, self._name, self._rows = replicas, name, rows
        self.size, self._device = min(size, rows), device
        self._whole = size >= rows
        self._in_epoch = rows // self.size
        self._epoch, self._orders = -1, torch.empty(0, dtype=torch.int64)

    def at(self, step: int) -> Tensor:
        """Return the rows of a step, (R, B)."""
        epoch, place = divmod(step, self._in_epoch)
        if epoch != self._epoch:
            orders = [self._order(streams, epoch) for streams in self._replicas]
            self._orders = torch.from_numpy(np.stack(orders)).to(self._device)
            self._epoch = epoch
        return self._orders[:, place * self.size : (place + 1) * self.size]

    def _order(self, streams: Streams, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        if self._whole:
            return np.arange(self._rows)
        return streams(self._name, epoch).permutation(self._rows)
