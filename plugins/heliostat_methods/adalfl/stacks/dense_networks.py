"""Dense networks side by side as a training takes them: nothing is drawn, nothing else is kept."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from heliostat_methods.adalfl.stacks.dense import DenseStack
from heliostat_methods.adalfl.stacks.differentiable import dense_outputs


class DenseNetworks(DenseStack):
    """`Networks` of a `DenseStack`; ``seeds`` start no draws here."""

    def forward(self, x: Tensor, seeds: Sequence[int] = ()) -> Tensor:
        """Return the raw outputs (R, B, C) for a batch (R, B, d), which must stay as it is."""
        return super().forward(x)

    def outputs_of(self, theta: Tensor, x: Tensor, seeds: Sequence[int] = ()) -> Tensor:
        """Return the outputs (R, B, C) at ``theta`` (R, P), with their graph."""
        return dense_outputs(theta, self.widths, x)

    def buffers(self) -> Tensor:
        """Return no numbers, (R, 0)."""
        return self.theta.new_zeros((len(self.theta), 0))

    def load_buffers(self, numbers: Tensor) -> None:
        """Take over nothing."""
