"""Step options by path integral: contracts, markets, engines, and the kernel behind them.

>>> from heliostat_methods.step_options import BlackScholesMarket, down_step, price
>>> option = down_step("call", strike=100, maturity=1, barrier=90, rate=2)
>>> price(option, BlackScholesMarket(spot=100, rate=0.05, dividend=0, vol=0.3)).price
13.4432917043...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliostat_methods.step_options.bridge_weight import BridgeWeightTable
    from heliostat_methods.step_options.contract import (
        StepOption,
        double_step,
        down_step,
        up_step,
    )
    from heliostat_methods.step_options.inversion import LaplaceInverter
    from heliostat_methods.step_options.kernel import PricingKernel
    from heliostat_methods.step_options.market import (
        BasketMarket,
        BlackScholesMarket,
        HestonMarket,
        LocalVolMarket,
        PiecewiseMarket,
    )
    from heliostat_methods.step_options.multilevel import MultilevelEstimator
    from heliostat_methods.step_options.occupation import OccupationDensity
    from heliostat_methods.step_options.paths import PathSampler, PathSettings
    from heliostat_methods.step_options.pricing import price
    from heliostat_methods.step_options.result import Result
    from heliostat_methods.step_options.sharded import ShardedEstimator
    from heliostat_methods.step_options.validation import InvalidInput, Unsupported

_HOME = {
    "BasketMarket": "market",
    "BlackScholesMarket": "market",
    "BridgeWeightTable": "bridge_weight",
    "HestonMarket": "market",
    "InvalidInput": "validation",
    "LaplaceInverter": "inversion",
    "LocalVolMarket": "market",
    "MultilevelEstimator": "multilevel",
    "OccupationDensity": "occupation",
    "PathSampler": "paths",
    "PathSettings": "paths",
    "PiecewiseMarket": "market",
    "PricingKernel": "kernel",
    "Result": "result",
    "ShardedEstimator": "sharded",
    "StepOption": "contract",
    "Unsupported": "validation",
    "double_step": "contract",
    "down_step": "contract",
    "price": "pricing",
    "up_step": "contract",
}

__all__ = [
    "BasketMarket",
    "BlackScholesMarket",
    "BridgeWeightTable",
    "HestonMarket",
    "InvalidInput",
    "LaplaceInverter",
    "LocalVolMarket",
    "MultilevelEstimator",
    "OccupationDensity",
    "PathSampler",
    "PathSettings",
    "PiecewiseMarket",
    "PricingKernel",
    "Result",
    "ShardedEstimator",
    "StepOption",
    "Unsupported",
    "double_step",
    "down_step",
    "price",
    "up_step",
]


def __getattr__(name: str) -> Any:
    # found when first used, so that the plugin's entry point loads no numerical library
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
