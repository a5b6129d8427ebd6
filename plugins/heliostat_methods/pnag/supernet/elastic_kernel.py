"""One depthwise filter bank for several kernel sizes (Cai et al. 2020, "Once-for-all", section 3).

A smaller filter is the centre of the next larger one under a learned linear map, which all channels
share: 7 -> 5 by a 25 x 25 matrix, 5 -> 3 by 9 x 9, both the identity at the start.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat.errors import ConfigError
from heliostat_methods.pnag.supernet.parameters import he_normal


class ElasticKernel(nn.Module):
    """Filters (channels, 1, k, k) for every size k of some odd sizes."""

    def __init__(self, channels: int, sizes: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.sizes = tuple(sorted(set(sizes), reverse=True))
        for size in self.sizes:
            if size < 1 or size % 2 == 0:
                raise ConfigError("kernel", size, "an odd number of pixels, as 3, 5 or 7")
        largest = self.sizes[0]
        self.weight = he_normal((channels, 1, largest, largest), largest**2, generator)
        self.maps = nn.ParameterDict(
            {str(size): nn.Parameter(torch.eye(size * size)) for size in self.sizes[1:]}
        )

    def filters(self, size: int, start: int, end: int) -> Tensor:
        """Return the filters of a range of channels for one size."""
        weight = self.weight[start:end]
        for larger, smaller in zip(self.sizes, self.sizes[1:], strict=False):
            if larger == size:
                break
            cut = (larger - smaller) // 2
            centre = weight[:, :, cut : cut + smaller, cut : cut + smaller]
            mapped = F.linear(centre.reshape(end - start, -1), self.maps[str(smaller)])
            weight = mapped.view(end - start, 1, smaller, smaller)
        return weight

    @torch.no_grad()
    def reorder(self, order: Tensor) -> None:
        """Bring channels into another order."""
        self.weight.copy_(self.weight[order])
