"""Gaussian-mask convolution: kernels under a mask whose width is learned.

>>> import torch
>>> from heliostat_methods.gmconv import convert_gmconv, fold_gmconv, sigma_report
>>> plain = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5), torch.nn.ReLU(), torch.nn.Conv2d(8, 2, 1))
>>> masked = convert_gmconv(plain, sigma_init=2.0).model  # train it as ever, then
>>> [(row.layer, row.sigma, round(row.corner, 3)) for row in sigma_report(masked)]
[('0', 2.0, 0.368)]
>>> images = torch.ones(1, 3, 9, 9)
>>> torch.equal(fold_gmconv(masked).model(images), masked(images))
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.gmconv.converting.convert import (
        Conversion,
        ConvertedLayer,
        SkippedLayer,
        convert_gmconv,
    )
    from heliostat_methods.gmconv.converting.fold import Folding, fold_gmconv
    from heliostat_methods.gmconv.converting.parameter_groups import gmconv_param_groups
    from heliostat_methods.gmconv.converting.sigma_report import SigmaRow, sigma_report
    from heliostat_methods.gmconv.layers.dynamic import DynamicGMConv2d
    from heliostat_methods.gmconv.layers.static import GMConv1d, GMConv2d, GMConv3d
    from heliostat_methods.gmconv.masks.circle import circle_mask
    from heliostat_methods.gmconv.masks.gaussian import gaussian_mask
    from heliostat_methods.gmconv.masks.settings import MaskSettings
    from heliostat_methods.gmconv.receptive_field.analytic import kernel_variance, tower_variance
    from heliostat_methods.gmconv.receptive_field.effective import (
        EffectiveReceptiveField,
        effective_receptive_field,
    )

_HOME = {
    "Conversion": "converting.convert",
    "ConvertedLayer": "converting.convert",
    "DynamicGMConv2d": "layers.dynamic",
    "EffectiveReceptiveField": "receptive_field.effective",
    "Folding": "converting.fold",
    "GMConv1d": "layers.static",
    "GMConv2d": "layers.static",
    "GMConv3d": "layers.static",
    "MaskSettings": "masks.settings",
    "SigmaRow": "converting.sigma_report",
    "SkippedLayer": "converting.convert",
    "circle_mask": "masks.circle",
    "convert_gmconv": "converting.convert",
    "effective_receptive_field": "receptive_field.effective",
    "fold_gmconv": "converting.fold",
    "gaussian_mask": "masks.gaussian",
    "gmconv_param_groups": "converting.parameter_groups",
    "kernel_variance": "receptive_field.analytic",
    "sigma_report": "converting.sigma_report",
    "tower_variance": "receptive_field.analytic",
}

__all__ = [
    "Conversion",
    "ConvertedLayer",
    "DynamicGMConv2d",
    "EffectiveReceptiveField",
    "Folding",
    "GMConv1d",
    "GMConv2d",
    "GMConv3d",
    "MaskSettings",
    "SigmaRow",
    "SkippedLayer",
    "circle_mask",
    "convert_gmconv",
    "effective_receptive_field",
    "fold_gmconv",
    "gaussian_mask",
    "gmconv_param_groups",
    "kernel_variance",
    "sigma_report",
    "tower_variance",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
