"""R bias-free ReLU networks z(p, y) of pairs: values, slopes by p, and mixed derivatives.

With its masks held a ReLU network without biases is linear, z = a . (p, y). So the derivative by
the weights of ``sum_n c_n z_n + t_n dz_n/dp`` is that of ``sum_n a_n . w_n`` with the pairs
``w_n = (c_n p_n + t_n, c_n y_n)``: one linear pass of w under the kept masks, and each layer's
gradient is (slopes of z) times (that pass).

Pairs run along memory: (R, H, N).
"""

import torch
from torch import Tensor

from heliostat_methods.adalfl.stacks.rooms import Rooms

_masked = torch.ops.aten.threshold_backward.grad_input


class RectifiedPairs:
    """The passes of R ReLU networks over N pairs each; keeps what the last pass upward saw."""

    def __init__(self) -> None:
        self._rooms = Rooms()

    def forward(self, layers: list[Tensor], p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and dz/dp, of the shape of predictions p and labels y (R, ...).

        layers: each one's matrices (R, out, in), the last with out = 1.
        """
        z, rise = self.forward_pairs(layers, torch.stack((p.flatten(1), y.flatten(1)), 1))
        return z.view(p.shape), rise.view(p.shape)

    def by_weights(self, c: Tensor, t: Tensor) -> list[Tensor]:
        """Return each layer's derivative of ``sum_n c_n z_n + t_n dz_n/dp``; shapes as forward's.

        c and t may be overwritten.
        """
        w = self.pairs * c.flatten(1).unsqueeze(1)
        w[:, 0] += t.flatten(1)
        return self.by_weights_along(w)

    def forward_pairs(self, layers: list[Tensor], pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and dz/dp (R, N) for pairs (R, 2, N), which must stay as they are."""
        self.layers, self.pairs = layers, pairs
        *hidden, last = layers
        self.values: list[Tensor] = []
        h = pairs
        for k, matrix in enumerate(hidden):
            h = torch.bmm(matrix, h, out=self._room(f"value {k}", matrix, h)).relu_()
            self.values.append(h)
        z = torch.bmm(last, h)
        # Of the last hidden layer nothing but the mask is used from here on.
        self.on = h.sign_()
        # The output's weights multiply rows of the layer before, not the masks of every pair.
        before, g = hidden[-1] * last.mT, self.on
        self.slopes: list[Tensor] = []
        for k in range(len(hidden) - 2, -1, -1):
            g = torch.bmm(before.mT, g, out=self._room(f"slope {k}", before.mT, g))
            self.slopes.insert(0, _masked(g, self.values[k], 0.0, grad_input=g))
            before = hidden[k]
        return z[:, 0], torch.bmm(before[:, :, :1].mT, g)[:, 0]

    def by_weights_along(self, w: Tensor) -> list[Tensor]:
        """Return each layer's derivative of ``sum_n a_n . w_n``, w (R, 2, N)."""
        *hidden, last = self.layers
        gradients, x = [], w
        for k, matrix in enumerate(hidden[:-1]):
            gradients.append(torch.bmm(self.slopes[k], x.mT))
            x = torch.bmm(matrix, x, out=self._room(f"moved {k}", matrix, x))
            _masked(x, self.values[k], 0.0, grad_input=x)
        # sum_n on_n x_n^T holds the last two layers' gradients: scaled by the output's weights it
        # is one, and multiplied with its own layer's the other.
        shared = torch.bmm(self.on, x.mT)
        gradients.append(shared * last.mT)
        gradients.append((shared * hidden[-1]).sum(2).unsqueeze(1))
        return gradients

    def _room(self, name: str, left: Tensor, right: Tensor) -> Tensor:
        return self._rooms.get(name, (len(left), left.shape[1], right.shape[2]), left)
