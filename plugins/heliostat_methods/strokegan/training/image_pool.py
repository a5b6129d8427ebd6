"""A history of generated pictures with their codes, from which a discriminator is shown some."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from heliostat_search.supervised.streams import Streams


class ImagePool:
    """Keeps ``size`` pictures; a new one is shown, or with probability 1/2 an old one instead.

    A picture keeps its code, which the released code's pool loses. Draws come from the stream of a
    step. A pool of size 0 shows what comes.
    """

    def __init__(self, size: int, streams: Streams) -> None:
        self.size, self._streams = size, streams
        self._kept: list[tuple[Tensor, Tensor]] = []

    def shown(self, pictures: Tensor, codes: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return pictures (n, C, px, px) and their codes (n, 32) to be judged in a step."""
        if not self.size:
            return pictures, codes
        drawn = self._streams("pool", step)
        old = drawn.random(len(pictures)) < 0.5
        places = drawn.integers(self.size, size=len(pictures))
        shown = []
        for at in range(len(pictures)):
            new = pictures[at].detach().clone(), codes[at].clone()
            if len(self._kept) < self.size:
                self._kept.append(new)
                shown.append(new)
            elif old[at]:
                place = int(places[at])
                shown.append(self._kept[place])
                self._kept[place] = new
            else:
                shown.append(new)
        return torch.stack([one for one, _ in shown]), torch.stack([code for _, code in shown])

    def state(self) -> dict[str, np.ndarray]:
        """Return what is kept, (k, C, px, px) and (k, 32); nothing of an empty pool."""
        if not self._kept:
            return {}
        return {
            "pictures": torch.stack([one for one, _ in self._kept]).cpu().numpy(),
            "codes": torch.stack([code for _, code in self._kept]).cpu().numpy(),
        }

    def load(self, state: dict[str, np.ndarray], device: str) -> None:
        """Keep what a state has."""
        self._kept = []
        if state:
            parts = (torch.from_numpy(np.array(state[k])).to(device) for k in ("pictures", "codes"))
            self._kept = list(zip(*(part.unbind() for part in parts), strict=True))
