"""Ways to put layers side by side: residual blocks and parallel branches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad


class Residual(nn.Module):
    """last(body(x) + shortcut(x)) (He et al. 2016a)."""

    def __init__(self, body: nn.Module, shortcut: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut, self.last = body, shortcut, last

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for x (batch, channels, height, width)."""
        out: Tensor = self.last(self.body(x) + self.shortcut(x))
        return out


class PreActivated(nn.Module):
    """body(head(x)) + x, or + shortcut(head(x)) where the shape changes (He et al. 2016b)."""

    def __init__(self, head: nn.Module, body: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.head, self.body, self.shortcut = head, body, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for x (batch, channels, height, width)."""
        active = self.head(x)
        out: Tensor = self.body(active)
        return out + (x if self.shortcut is None else self.shortcut(active))


class PaddedShortcut(nn.Module):
    """A shortcut without parameters: average pooling, then channels of zeros (Han et al. 2017)."""

    def __init__(self, added: int, stride: int) -> None:
        super().__init__()
        self.added = added
        self.pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return x (batch, channels, height, width) pooled, with `added` channels more."""
        return pad(self.pool(x), (0, 0, 0, 0, 0, self.added))


class Branches(nn.Module):
    """All branches see the same input; their channels are put one after the other."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """Return the branches' channels for x (batch, channels, height, width)."""
        return torch.cat([branch(x) for branch in self.branches], 1)
