"""R bias-free networks z(p, y) of pairs with smooth leaky ReLUs, and their mixed derivatives.

Forward over reverse: with ``ad`` the tangents of the layers' inputs for a change t of p and ``e``
the slopes that reach a layer's outputs, the derivative by a layer's weights of
``sum_n c_n z_n + t_n dz_n/dp`` is ``k h^T + d hd^T`` with ``d = act' e``, ``hd = act' ad`` below
and ``k = act' (A^T k above) + act'' ad e``.

Pairs run along memory: (R, H, N).
"""

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.rooms import Rooms

# Torch's softplus is a line beyond its threshold; double precision sees no difference at 40.
_softplus = torch.ops.aten.softplus.out
_LINE = 40.0
_BLOCK = 1 << 17
"""Most numbers of one layer in a block of networks, so that what a block keeps fits a cache."""


class SmoothPairs:
    """The passes of R smooth networks over N pairs each; keeps what the last ``forward`` saw."""

    def __init__(self, gamma: float, beta: float) -> None:
        self._bend = (gamma, beta)
        self._blocks: list[_Block] = []
        self._rows = 1

    def forward(self, layers: list[Tensor], p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and dz/dp, of the shape of predictions p and labels y (R, ...).

        layers: each one's matrices (R, out, in), the last with out = 1.
        """
        pairs = torch.stack((p.flatten(1), y.flatten(1)), 1)
        widest = max(matrix.shape[1] for matrix in layers)
        self._rows = max(1, _BLOCK // (widest * pairs.shape[2]))
        count = -(-len(pairs) // self._rows)
        self._blocks = self._blocks[:count]
        self._blocks += [_Block(*self._bend) for _ in range(count - len(self._blocks))]
        parts = zip(*(torch.split(matrix, self._rows) for matrix in layers), strict=True)
        results = [
            block.forward(list(part), some)
            for block, part, some in zip(
                self._blocks, parts, torch.split(pairs, self._rows), strict=True
            )
        ]
        z, rise = (torch.cat(each) for each in zip(*results, strict=True))
        return z.view(p.shape), rise.view(p.shape)

    def by_weights(self, c: Tensor, t: Tensor) -> list[Tensor]:
        """Return each layer's derivative of ``sum_n c_n z_n + t_n dz_n/dp``; shapes as forward's.

        c and t may be overwritten.
        """
        parts = (torch.split(each.flatten(1), self._rows) for each in (c, t))
        results = [
            block.by_weights(*part)
            for block, part in zip(self._blocks, zip(*parts, strict=True), strict=True)
        ]
        return [torch.cat(each) for each in zip(*results, strict=True)]


class _Block:
    """The passes of a few networks."""

    def __init__(self, gamma: float, beta: float) -> None:
        self.gamma, self.beta = gamma, beta
        self._rooms = Rooms()

    def forward(self, layers: list[Tensor], pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and dz/dp (R, 1, N) for pairs (R, 2, N)."""
        self.layers = layers
        *hidden, last = layers
        gamma, beta = self.gamma, self.beta
        self.values, self.sigmoids, self.slopes = [pairs], [], []
        for k, matrix in enumerate(hidden):
            a = torch.bmm(matrix, self.values[-1], out=self._room("input", k))
            sigmoid = torch.mul(a, beta, out=self._room("sigmoid", k)).sigmoid_()
            value = _softplus(a, beta, _LINE, out=self._room("value", k))
            self.values.append(value.mul_(1.0 - gamma).add_(a, alpha=gamma))
            slope = torch.mul(sigmoid, 1.0 - gamma, out=self._room("slope", k))
            self.slopes.append(slope.add_(gamma))
            self.sigmoids.append(sigmoid)
        # What reaches the last hidden layer's outputs is the same for every pair: (R, H, 1).
        self.reaching: list[Tensor] = [last.mT]
        top = len(hidden) - 1
        self.down = [torch.mul(self.slopes[-1], last.mT, out=self._room("down", top))]
        for k in range(top - 1, -1, -1):
            e = torch.bmm(hidden[k + 1].mT, self.down[0], out=self._room("reaching", k))
            self.reaching.insert(0, e)
            self.down.insert(0, torch.mul(self.slopes[k], e, out=self._room("down", k)))
        return torch.bmm(last, self.values[-1]), torch.bmm(hidden[0][:, :, :1].mT, self.down[0])

    def by_weights(self, c: Tensor, t: Tensor) -> list[Tensor]:
        """Return each layer's derivative of ``sum_n c_n z_n + t_n dz_n/dp``; c and t are (R, N)."""
        *hidden, last = self.layers
        moved, tangents = [torch.stack((t, torch.zeros_like(t)), 1)], []
        for k, matrix in enumerate(hidden):
            tangent = torch.bmm(matrix, moved[-1], out=self._room("tangent", k))
            tangents.append(tangent)
            moved.append(torch.mul(self.slopes[k], tangent, out=self._room("moved", k)))
        up, above = c.unsqueeze(1), last
        gradients = [torch.bmm(up, self.values[-1].mT) + moved[-1].sum(2).unsqueeze(1)]
        bend = (1.0 - self.gamma) * self.beta
        for k in range(len(hidden) - 1, -1, -1):
            sigmoid = self.sigmoids[k]
            bent = torch.addcmul(sigmoid, sigmoid, sigmoid, value=-1.0, out=self._room("bent", k))
            both = tangents[k].mul_(self.reaching[k])
            up = torch.bmm(above.mT, up, out=self._room("up", k)).mul_(self.slopes[k])
            up.addcmul_(bent, both, value=bend)
            gradient = torch.bmm(up, self.values[k].mT)
            gradients.insert(0, gradient.baddbmm_(self.down[k], moved[k].mT))
            above = hidden[k]
        return gradients

    def _room(self, name: str, k: int) -> Tensor:
        pairs = self.values[0]
        shape = (len(pairs), self.layers[k].shape[1], pairs.shape[2])
        return self._rooms.get(f"{name} {k}", shape, pairs)
