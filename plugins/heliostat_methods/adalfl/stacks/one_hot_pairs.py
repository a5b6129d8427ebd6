"""Pairs of probabilities and one-hot labels: a ReLU network without biases needs few of them.

Such a network is homogeneous, z(s p, s y) = s z(p, y) for s > 0 under the same masks. So all pairs
(p, 0) are multiples of (1, 0), and of B rows and C classes B + 1 pairs remain: each row's pair with
label 1, and (1, 0). At p = 0, where the ReLU's slope is 0 by convention and here is not, the
softmax's own slope is 0.
"""

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.rectified_pairs import RectifiedPairs


def is_one_hot(y: Tensor) -> bool:
    """Return whether every column of (R, C, B) is one 1 among zeros."""
    total = y.sum(1)
    return torch.equal(y * y, y) and torch.equal(total, torch.ones_like(total))


class OneHotPairs:
    """The passes of R ReLU networks over B C pairs each, as those of `RectifiedPairs`."""

    def __init__(self) -> None:
        self._networks = RectifiedPairs()
        self._pairs: Tensor | None = None

    def forward(self, layers: list[Tensor], p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and dz/dp (R, C, B) for predictions p and one-hot labels y (R, C, B)."""
        self.p, self.y = p, y
        pairs = self._room(p)
        torch.sum(p * y, 1, out=pairs[:, 0, :-1])
        z, rise = self._networks.forward_pairs(layers, pairs)
        z, rise = z.unsqueeze(1), rise.unsqueeze(1)
        # lerp with weights 0 and 1 is exact.
        along = (p * z[:, :, -1:]).lerp_(z[:, :, :-1], y)
        return along, torch.lerp(rise[:, :, -1:], rise[:, :, :-1], y)

    def by_weights(self, c: Tensor, t: Tensor) -> list[Tensor]:
        """Return each layer's derivative of ``sum_n c_n z_n + t_n dz_n/dp``; c, t are (R, C, B).

        c and t may be overwritten.
        """
        first = t.addcmul_(c, self.p)
        hot = first * self.y
        w = c.new_zeros(len(c), 2, c.shape[2] + 1)
        torch.sum(hot, 1, out=w[:, 0, :-1])
        torch.sum(first.sub_(hot), (1, 2), out=w[:, 0, -1])
        torch.sum(c.mul_(self.y), 1, out=w[:, 1, :-1])
        return self._networks.by_weights_along(w)

    def _room(self, p: Tensor) -> Tensor:
        shape, old = (len(p), 2, p.shape[2] + 1), self._pairs
        if (
            old is None or old.shape != shape or old.dtype != p.dtype or old.device != p.device
            or old.is_inference() != p.is_inference()
        ):  # fmt: skip
            old = self._pairs = p.new_ones(shape, requires_grad=False)
            old[:, 1, -1] = 0.0
        return old
