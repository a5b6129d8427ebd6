"""What is compared: a kind of convolution with the settings that make it one."""

from __future__ import annotations

from heliostat_methods.gmconv.config import GMConvConfig
from heliostat_methods.gmconv.training.variant import Variant


def contestants(config: GMConvConfig) -> list[Variant]:
    """Return what a configuration compares, in its order; a sweep follows what it varies."""
    found: list[Variant] = []
    for name in config.variants:
        if name == "fixed":
            found += [_made(config, name, f"fixed {_exactly(s)}", s) for s in config.fixed_sigmas]
            continue
        found.append(_made(config, name, name, config.sigma_init))
        if name == "static":
            found += [
                _made(config, name, f"static, sigma x{_exactly(factor)}", config.sigma_init, factor)
                for factor in config.further_rate_factors
            ]
    return found


def _made(
    config: GMConvConfig, kind: str, label: str, sigma: float, factor: float | None = None
) -> Variant:
    return Variant(
        label, kind, sigma, config.sigma_param,  # type: ignore[arg-type]
        config.sigma_rate_factor if factor is None else factor, config.reduction, config.preserve,
    )  # fmt: skip


def _exactly(number: float) -> str:
    """Return a number so that no two of them are written alike."""
    return repr(number).removesuffix(".0")
