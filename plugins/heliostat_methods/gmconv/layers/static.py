"""Convolutions whose kernel is masked: one width a layer, one an output channel, or a circle.

``y = conv(x, W * G(sigma), b)``. Each class is torch's convolution of the same rank: state dicts
hold ``weight`` and ``bias`` as ever and one more entry, ``sigma`` (what is stored, see
`masks.parametrisation`); a state dict of the plain layer lacks that alone. The masks add nothing to
what a layer can compute: W can undo any mask that is nowhere 0. They change how it is found.

Source: Chen et al. 2023, "Gaussian mask convolution", arXiv 2302.04544; docs/methods/gmconv.md.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from heliostat_methods.gmconv.layers.masked_weight import (
    kernel_mask,
    masked_weight,
    times_mask,
)
from heliostat_methods.gmconv.layers.transforms import traced
from heliostat_methods.gmconv.layers.weight_cache import MaskedWeightCache
from heliostat_methods.gmconv.masks.circle import circle_mask
from heliostat_methods.gmconv.masks.parametrisation import SigmaParam, sigma_of, stored_for
from heliostat_methods.gmconv.masks.settings import Mask, MaskSettings
from heliostat_methods.gmconv.masks.taps import checked_kernel_size, squared_distances
from heliostat_search.spare_memory import SpareMemory


class MaskedConvolution(_ConvNd):
    """What the three ranks share; it comes before torch's class, so that they are both.

    In evaluation without gradients the masked kernel is kept. It is made anew when weight or sigma
    change in place, are loaded, moved or replaced, and after every call of ``train`` or ``eval``;
    weights changed through ``.data`` during evaluation need one such call.
    """

    settings: MaskSettings
    sigma: Tensor | None
    r2: Tensor
    taps: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
        padding: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True,
        padding_mode: str = "zeros", device: Any = None, dtype: Any = None, *,
        sigma_init: float = 5.0, sigma_param: SigmaParam = "raw", learn_sigma: bool = True,
        per_channel: bool = False, mask: Mask = "gaussian", check_finite: bool = False,
    ) -> None:  # fmt: skip
        settings = MaskSettings(
            sigma_init, sigma_param, learn_sigma, per_channel, mask, check_finite
        )
        checked_kernel_size(kernel_size)
        # torch's convolution of this rank, whose arguments are these and not those of its base.
        torch_layer: Any = super()
        torch_layer.__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._mask(settings)

    @classmethod
    def from_convolution(cls, convolution: _ConvNd, settings: MaskSettings) -> Self:
        """Return a layer with the parameters, hooks and mode of a plain one, which it shares."""
        layer = cls.__new__(cls)
        layer.__dict__.update(convolution.__dict__)
        # Registering sigma is not to change the plain layer.
        layer._parameters, layer._buffers = dict(layer._parameters), dict(layer._buffers)
        layer._non_persistent_buffers_set = set(layer._non_persistent_buffers_set)
        layer._mask(settings)
        return layer

    def effective_sigma(self) -> Tensor:
        """Return the widths in use, () or (C_out,), at least 0.01.

        Raises ``ValueError`` for a circular mask, and ``FloatingPointError`` where ``check_finite``
        is set and one is NaN or infinite.
        """
        if self.sigma is None:
            raise ValueError("mask must be 'gaussian' for a layer to have a sigma, got 'circle'")
        sigma = sigma_of(self.sigma, self.settings.sigma_param)
        self._check_finite()
        return sigma

    def mask(self) -> Tensor:
        """Return the mask, (*kernel), or (C_out, *kernel) for a width a channel; float32 or 64."""
        if self.sigma is None:
            return self.taps.to(torch.promote_types(self.weight.dtype, torch.float32))
        return kernel_mask(self.sigma, self.r2, self.settings.sigma_param)

    def masked_weight(self) -> Tensor:
        """Return W * G(sigma), (C_out, C_in / groups, *kernel), differentiable in both."""
        return self._masked(overwrite=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of (batch, C_in, *size) with the masked kernel."""
        return self._conv_forward(input, self._current_weight(), self.bias)

    def shipped(self) -> _ConvNd:
        """Return the form that inference runs: folded."""
        return self.folded()

    def folded(self) -> _ConvNd:
        """Return torch's layer with the masked kernel as its weight: the same output, bit by bit.

        Its weight is its own; bias, hooks and mode are shared. Raises ``ValueError`` for a sigma
        that is NaN.
        """
        with torch.no_grad():
            weight = self.masked_weight().detach()
        if self.sigma is not None and bool(self.sigma.isnan().any()):
            raise ValueError(f"sigma must be a number to be folded, got {self.sigma.tolist()!r}")
        plain = _PLAIN[self.weight.dim() - 2]
        layer = plain.__new__(plain)
        left_out = ("settings", "_cache", "_spare")
        layer.__dict__.update({k: v for k, v in self.__dict__.items() if k not in left_out})
        own = ("sigma", "r2", "taps")
        layer._parameters = {k: v for k, v in self._parameters.items() if k not in own}
        layer._buffers = {k: v for k, v in self._buffers.items() if k not in own}
        layer._non_persistent_buffers_set = self._non_persistent_buffers_set - set(own)
        layer.weight = nn.Parameter(weight.clone(), requires_grad=self.weight.requires_grad)
        return layer

    def reset_parameters(self) -> None:
        """Draw weight and bias as torch does, and set sigma to its start."""
        super().reset_parameters()
        if "settings" in self.__dict__:
            self.start_sigma()

    def start_sigma(self) -> None:
        """Set sigma to its start."""
        if self.sigma is not None:
            nn.init.constant_(self.sigma, self._start())

    def train(self, mode: bool = True) -> Self:
        """Set the mode, and forget the masked kernel that is kept."""
        self._cache.clear()
        self._spare.clear()
        return super().train(mode)

    def extra_repr(self) -> str:
        """Return the settings, for ``print(module)``."""
        s, usual = self.settings, MaskSettings()
        names = [n for n in MaskSettings.__dataclass_fields__ if getattr(s, n) != getattr(usual, n)]
        shown = ["sigma_init", *(n for n in names if n != "sigma_init")]
        if s.mask == "circle":
            shown = ["mask"]
        plain: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return ", ".join([plain, *(f"{n}={getattr(s, n)!r}" for n in shown)])

    def _mask(self, settings: MaskSettings) -> None:
        self.settings, self._cache, self._spare = settings, MaskedWeightCache(), SpareMemory()
        if settings.mask == "circle":
            self.register_parameter("sigma", None)
            taps = circle_mask(self.kernel_size, device=self.weight.device)
            self.register_buffer("taps", taps, persistent=False)
            return
        shape = (self.out_channels,) if settings.per_channel else ()
        sigma = torch.full(shape, self._start(), dtype=self.weight.dtype, device=self.weight.device)
        if settings.learn_sigma:
            self.sigma = nn.Parameter(sigma)
        else:
            self.register_buffer("sigma", sigma)
        r2 = squared_distances(self.kernel_size, device=self.weight.device)
        self.register_buffer("r2", r2, persistent=False)

    def _start(self) -> float:
        return stored_for(self.settings.sigma_init, self.settings.sigma_param)

    def _masked(self, overwrite: bool, spare: SpareMemory | None = None) -> Tensor:
        if self.sigma is None:
            return times_mask(self.weight, self.taps.to(self.weight.dtype))
        how = self.settings.sigma_param
        return masked_weight(
            self.weight, self.sigma, self.r2, how, overwrite=overwrite, spare=spare
        )

    def _check_finite(self) -> None:
        sigma = self.sigma
        if self.settings.check_finite and sigma is not None and not bool(sigma.isfinite().all()):
            raise FloatingPointError(f"sigma must be finite, got {sigma.tolist()!r}")

    def _current_weight(self) -> Tensor:
        self._check_finite()
        parts = (self.weight,) if self.sigma is None else (self.weight, self.sigma)
        followed = torch.is_grad_enabled() and any(part.requires_grad for part in parts)
        if self.training or followed or traced():
            # The convolution alone reads it, so the backward pass may write over its gradient.
            return self._masked(overwrite=True, spare=self._spare)
        return self._cache.get(parts, self.masked_weight)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self._cache.clear()
        self._spare.clear()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        # Squared distances are exact in float32 and not in 16 bits, and a layer that was built on
        # no device has none yet.
        device = self.weight.device
        if self.sigma is None:
            self.taps = circle_mask(self.kernel_size, device=device)
        else:
            self.r2 = squared_distances(self.kernel_size, device=device)
        return self


class GMConv1d(MaskedConvolution, nn.Conv1d):
    """``nn.Conv1d`` with a masked kernel; arguments of `GMConv2d`."""


class GMConv2d(MaskedConvolution, nn.Conv2d):
    """``nn.Conv2d`` with a masked kernel.

    Arguments of ``nn.Conv2d``, and by name those of `MaskSettings`: ``sigma_init=5.0``,
    ``sigma_param="raw"``, ``learn_sigma=True``, ``per_channel=False``, ``mask="gaussian"``,
    ``check_finite=False``. The mask counts taps, whatever the dilation. Kernels of even size are
    allowed; a narrow mask leaves little of them, for no tap lies in their centre. Raises
    ``ValueError`` for settings and kernel sizes that are not so, and in the forward pass what
    `effective_sigma` raises.
    """


class GMConv3d(MaskedConvolution, nn.Conv3d):
    """``nn.Conv3d`` with a masked kernel; arguments of `GMConv2d`."""


_PLAIN: dict[int, type[_ConvNd]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
