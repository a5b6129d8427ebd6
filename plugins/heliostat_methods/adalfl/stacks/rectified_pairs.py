"""R bias-free ReLU networks z(p, y) of pairs: values, slopes by p, and mixed derivatives.

With its masks held a ReLU network without biases is linear, z = a . (p, y). So the derivative by
the weights of ``sum_n c_n z_n + t_n dz_n/dp`` is that of ``sum_n a_n . w_n`` with the pairs
``w_n = (c_n p_n + t_n, c_n y_n)``: one linear pass of w under the kept masks, and each layer's
gradient is (slopes of z) times (that pass). Moreover z is homogeneous, z(s p, s y) = s z(p, y) for
s > 0 with the same masks, so that all pairs (p, 0) with p > 0 are one.

Rows of a batch run along memory: (R, H, N).
"""

import torch
from torch import Tensor

_masked = torch.ops.aten.threshold_backward.grad_input


class RectifiedPairs:
    """The passes of R ReLU networks over N pairs each; keeps what the last ``forward`` saw.

    ``layers``: each layer's matrices (R, out, in), the last one with out = 1.
    """

    def __init__(self) -> None:
        self._rooms: dict[str, Tensor] = {}

    def forward(self, layers: list[Tensor], p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return z and dz/dp, both (R, N), for predictions p and labels y (R, N)."""
        self.layers, self.pairs = layers, torch.stack((p, y), 1)
        *hidden, last = layers
        self.values: list[Tensor] = []
        h = self.pairs
        for k, matrix in enumerate(hidden):
            h = torch.bmm(matrix, h, out=self._room(f"value {k}", matrix, h)).relu_()
            self.values.append(h)
        z = torch.bmm(last, h)
        # Of the last hidden layer nothing but the mask is used from here on.
        self.on = h.sign_()
        # The output's weights multiply rows of the layer before, not the masks of every pair.
        self.scaled = hidden[-1] * last.mT
        self.slopes: list[Tensor] = []
        before, g = self.scaled, self.on
        for k in range(len(hidden) - 2, -1, -1):
            g = torch.bmm(before.mT, g, out=self._room(f"slope {k}", before.mT, g))
            self.slopes.insert(0, _masked(g, self.values[k], 0.0, grad_input=g))
            before = hidden[k]
        return z[:, 0], torch.bmm(before[:, :, :1].mT, g)[:, 0]

    def by_weights(self, c: Tensor, t: Tensor) -> list[Tensor]:
        """Return each layer's derivative of ``sum_n c_n z_n + t_n dz_n/dp``; c and t are (R, N)."""
        *hidden, last = self.layers
        w = self.pairs * c.unsqueeze(1)
        w[:, 0] += t
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
        # Fresh memory of this size would come from the system and be cleared, page by page.
        shape = torch.Size((len(left), left.shape[1], right.shape[2]))
        room = self._rooms.get(name)
        if room is None or room.shape != shape or not _of_one_kind(room, left):
            room = self._rooms[name] = left.new_empty(shape)
        return room


def _of_one_kind(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.device == b.device and a.is_inference() == b.is_inference()
