"""R bias-free networks z(p, y) of pairs with smooth leaky ReLUs, and their mixed derivatives.

Forward over reverse: with ``ad`` the tangents of the layers' inputs for a change t of p and ``e``
the slopes that reach a layer's outputs, the derivative by a layer's weights of
``sum_n c_n z_n + t_n dz_n/dp`` is ``k h^T + d hd^T`` with ``d = act' e`` and
``k = act' (A^T k above) + act'' ad e``.

Rows of a batch run along memory: (R, H, N).
"""

import torch
from torch import Tensor

from heliostat_search.loss_networks import smooth_leaky_relu as act


class SmoothPairs:
    """The passes of R smooth networks over N pairs each; keeps what the last ``forward`` saw."""

    def __init__(self, gamma: float, beta: float) -> None:
        self.bend = (gamma, beta)

    def forward(self, layers: list[Tensor], p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and dz/dp, of the shape of predictions p and labels y (R, ...).

        layers: each one's matrices (R, out, in), the last with out = 1.
        """
        self.layers = layers
        *hidden, last = layers
        h = torch.stack((p.flatten(1), y.flatten(1)), 1)
        self.values, self.inputs, self.slopes = [h], [], []
        for matrix in hidden:
            a = torch.bmm(matrix, h)
            h = act.value(a, *self.bend)
            self.inputs.append(a)
            self.slopes.append(act.slope(a, *self.bend))
            self.values.append(h)
        # What reaches the last hidden layer's outputs is the same for every pair: (R, H, 1).
        self.reaching, self.gradients = [last.mT], [self.slopes[-1] * last.mT]
        for k in range(len(hidden) - 2, -1, -1):
            self.reaching.insert(0, torch.bmm(hidden[k + 1].mT, self.gradients[0]))
            self.gradients.insert(0, self.slopes[k] * self.reaching[0])
        rise = torch.bmm(hidden[0][:, :, :1].mT, self.gradients[0])
        return torch.bmm(last, h).view(p.shape), rise.view(p.shape)

    def by_weights(self, c: Tensor, t: Tensor) -> list[Tensor]:
        """Return each layer's derivative of ``sum_n c_n z_n + t_n dz_n/dp``; shapes as forward's.

        c and t may be overwritten.
        """
        c, t = c.flatten(1), t.flatten(1)
        *hidden, last = self.layers
        moved = [torch.stack((t, torch.zeros_like(t)), 1)]
        tangents = []
        for k, matrix in enumerate(hidden):
            tangents.append(torch.bmm(matrix, moved[-1]))
            moved.append(self.slopes[k] * tangents[-1])
        up = c.unsqueeze(1)
        gradients = [torch.bmm(up, self.values[-1].mT) + moved[-1].sum(2).unsqueeze(1)]
        above = last
        for k in range(len(hidden) - 1, -1, -1):
            bent = act.curvature(self.inputs[k], *self.bend).mul_(tangents[k])
            bent.mul_(self.reaching[k])
            up = torch.bmm(above.mT, up).mul_(self.slopes[k]).add_(bent)
            gradient = torch.bmm(up, self.values[k].mT)
            gradients.insert(0, gradient.baddbmm_(self.gradients[k], moved[k].mT))
            above = hidden[k]
        return gradients
