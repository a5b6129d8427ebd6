"""A convolution whose mask the input says: one width a sample, or one a sample and channel.

::

    z_n     = mean over places of x_n                      (C_in,)
    u_n     = ReLU(A1 z_n + a1)                            (h,),  h = max(4, C_in // reduction)
    sigma_n = softplus(A2 u_n + a2) + 0.01                 (1,) or (C_out,)
    y_n     = conv(x_n, W * G(sigma_n), b)

A2 = 0 at first, so that all samples have ``sigma_init`` and the layer is a static one. The form is
a reconstruction in the manner of squeeze-and-excitation [R]: the paper's own could not be read.
"""

from __future__ import annotations

from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat_methods.gmconv.layers.sample_kernels import convolve_samples
from heliostat_methods.gmconv.layers.transforms import holds_numbers, traced
from heliostat_methods.gmconv.masks.gaussian import SMALLEST_SIGMA
from heliostat_methods.gmconv.masks.parametrisation import stored_for
from heliostat_methods.gmconv.masks.settings import check_sigma_init
from heliostat_methods.gmconv.masks.taps import checked_kernel_size, squared_distances

REDUCTION = 4
LEAST_HIDDEN = 4


class DynamicGMConv2d(nn.Conv2d):
    """``nn.Conv2d`` under a mask for each sample.

    Arguments of ``nn.Conv2d``, and by name ``sigma_init`` (width of all samples at first, in taps,
    above 0.01), ``reduction`` (input channels for a hidden unit of what predicts widths),
    ``per_channel`` (a width for each output channel) and ``check_finite``. ``last_sigma``: widths
    of the last forward pass, (N, 1) or (N, C_out), detached, None before. Widths are predicted in
    float32 or wider, under autocast as well. Raises ``ValueError`` for arguments that are not so,
    and ``FloatingPointError`` in a forward pass with ``check_finite`` that predicts a width which
    is NaN or infinite.
    """

    r2: Tensor
    last_sigma: Tensor | None

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
        padding: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True,
        padding_mode: Any = "zeros", device: Any = None, dtype: Any = None, *,
        sigma_init: float = 5.0, reduction: int = REDUCTION, per_channel: bool = False,
        check_finite: bool = False,
    ) -> None:  # fmt: skip
        checked_kernel_size(kernel_size)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._predict(sigma_init, reduction, per_channel, check_finite)

    @classmethod
    def from_convolution(
        cls, convolution: nn.Conv2d, sigma_init: float = 5.0, reduction: int = REDUCTION,
        per_channel: bool = False, check_finite: bool = False,
        generator: torch.Generator | None = None,
    ) -> Self:  # fmt: skip
        """Return a layer with the parameters, hooks and mode of a plain one, which it shares.

        ``generator`` draws A1; default: torch's global one.
        """
        layer = cls.__new__(cls)
        layer.__dict__.update(convolution.__dict__)
        layer._parameters, layer._buffers = dict(layer._parameters), dict(layer._buffers)
        layer._modules = dict(layer._modules)
        layer._non_persistent_buffers_set = set(layer._non_persistent_buffers_set)
        layer._predict(sigma_init, reduction, per_channel, check_finite, generator)
        return layer

    def predicted_sigma(self, x: Tensor) -> Tensor:
        """Return widths for inputs (N, C_in, H, W): (N, 1) or (N, C_out), above 0.01."""
        exact = torch.promote_types(self.weight.dtype, torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            z = x.mean((2, 3), dtype=exact)
            u = F.relu(_linear(self.squeeze, z))
            sigma = F.softplus(_linear(self.predict, u)) + SMALLEST_SIGMA
        if self.check_finite and not bool(sigma.isfinite().all()):
            row = int((~sigma.isfinite()).any(1).nonzero()[0])
            raise FloatingPointError(
                f"sigma must be finite, got {sigma[row].tolist()!r} for sample {row} of the batch"
            )
        return sigma

    def convolve(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return (N, C_out, H_out, W_out) under given widths, (N, 1) or (N, C_out)."""
        padding = self.padding
        if self.padding_mode != "zeros" or isinstance(padding, str):
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            x, padding = F.pad(x, self._reversed_padding_repeated_twice, mode=mode), (0, 0)
        stride, dilation = cast(Any, self.stride), cast(Any, self.dilation)
        r2 = self.r2.to(sigma.dtype)
        return convolve_samples(
            x, self.weight, sigma, r2, self.bias, stride, cast(Any, padding), dilation, self.groups
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of (N, C_in, H, W), or of one sample (C_in, H, W)."""
        x = input if input.dim() == 4 else input.unsqueeze(0)
        sigma = self.predicted_sigma(x)
        if not traced() and holds_numbers(detached := sigma.detach()):
            self.last_sigma = detached
        if len(x) == 0:
            # A convolution of no group is none; without samples the plain one has the same shape.
            empty: Tensor = self._conv_forward(x, self.weight, self.bias)
            return empty
        y: Tensor = self.convolve(x, sigma)
        return y if input.dim() == 4 else y.squeeze(0)

    def extra_repr(self) -> str:
        """Return the settings, for ``print(module)``."""
        shown = f"sigma_init={self.sigma_init!r}, reduction={self.reduction}"
        plain: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{plain}, {shown}, per_channel={self.per_channel}"

    def start_sigma(self, generator: torch.Generator | None = None) -> None:
        """Draw A1 and a1 as ``nn.Linear`` does, and set A2 and a2 so that all have sigma_init."""
        bound = self.in_channels**-0.5  # what kaiming_uniform_ with a = sqrt(5) comes to
        for drawn in self.squeeze.parameters():
            nn.init.uniform_(drawn, -bound, bound, generator=generator)
        nn.init.zeros_(self.predict.weight)
        nn.init.constant_(self.predict.bias, stored_for(self.sigma_init, "softplus"))

    def _predict(
        self, sigma_init: float, reduction: int, per_channel: bool, check_finite: bool,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        check_sigma_init(sigma_init)
        stored_for(sigma_init, "softplus")
        if isinstance(reduction, bool) or not isinstance(reduction, int) or reduction < 1:
            raise ValueError(f"reduction must be a positive whole number, got {reduction!r}")
        self.sigma_init, self.reduction = sigma_init, reduction
        self.per_channel, self.check_finite = per_channel, check_finite
        hidden = max(LEAST_HIDDEN, self.in_channels // reduction)
        widths = self.out_channels if per_channel else 1
        like: dict[str, Any] = {"dtype": self.weight.dtype, "device": self.weight.device}
        # On no device nothing is drawn; `start_sigma` draws what is kept.
        self.squeeze = nn.Linear(self.in_channels, hidden, dtype=like["dtype"], device="meta")
        self.predict = nn.Linear(hidden, widths, dtype=like["dtype"], device="meta")
        for linear in (self.squeeze, self.predict):
            linear.to_empty(device=like["device"])
            linear.train(self.training)
        self.start_sigma(generator)
        self.register_buffer(
            "r2", squared_distances(self.kernel_size, device=like["device"]), persistent=False
        )
        self.last_sigma = None

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        super().reset_parameters()
        if "squeeze" in self._modules:
            self.start_sigma()

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        # Squared distances are exact in float32 and not in 16 bits.
        self.r2 = squared_distances(self.kernel_size, device=self.weight.device)
        return self


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """Return the layer in the type of ``x``."""
    return F.linear(x, layer.weight.to(x.dtype), layer.bias.to(x.dtype))
