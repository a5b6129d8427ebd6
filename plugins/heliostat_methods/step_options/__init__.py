"""Step options by path integral: contracts, markets, engines, and the kernel behind them.

>>> from heliostat_methods.step_options import BlackScholesMarket, down_step, price
>>> option = down_step("call", strike=100, maturity=1, barrier=90, rate=2)
>>> price(option, BlackScholesMarket(spot=100, rate=0.05, dividend=0, vol=0.3)).price
13.4432917043...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract import lazy_names

if TYPE_CHECKING:
    from heliostat_methods.step_options.closed_form.inversion import LaplaceInverter
    from heliostat_methods.step_options.closed_form.occupation import OccupationDensity
    from heliostat_methods.step_options.closed_form.pricing_kernel import PricingKernel
    from heliostat_methods.step_options.contracts.market import (
        BasketMarket,
        BlackScholesMarket,
        HestonMarket,
        LocalVolMarket,
        PiecewiseMarket,
    )
    from heliostat_methods.step_options.contracts.result import Result
    from heliostat_methods.step_options.contracts.step_option import (
        StepOption,
        double_step,
        down_step,
        up_step,
    )
    from heliostat_methods.step_options.contracts.validation import InvalidInput, Unsupported
    from heliostat_methods.step_options.engines.pricing import price
    from heliostat_methods.step_options.monte_carlo.multilevel import MultilevelEstimator
    from heliostat_methods.step_options.monte_carlo.sharded import ShardedEstimator
    from heliostat_methods.step_options.paths.sampler import PathSampler
    from heliostat_methods.step_options.paths.settings import PathSettings
    from heliostat_methods.step_options.weights.bridge import BridgeWeightTable

_HOME = {
    "BasketMarket": "contracts.market",
    "BlackScholesMarket": "contracts.market",
    "BridgeWeightTable": "weights.bridge",
    "HestonMarket": "contracts.market",
    "InvalidInput": "contracts.validation",
    "LaplaceInverter": "closed_form.inversion",
    "LocalVolMarket": "contracts.market",
    "MultilevelEstimator": "monte_carlo.multilevel",
    "OccupationDensity": "closed_form.occupation",
    "PathSampler": "paths.sampler",
    "PathSettings": "paths.settings",
    "PiecewiseMarket": "contracts.market",
    "PricingKernel": "closed_form.pricing_kernel",
    "Result": "contracts.result",
    "ShardedEstimator": "monte_carlo.sharded",
    "StepOption": "contracts.step_option",
    "Unsupported": "contracts.validation",
    "double_step": "contracts.step_option",
    "down_step": "contracts.step_option",
    "price": "engines.pricing",
    "up_step": "contracts.step_option",
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

__getattr__, __dir__ = lazy_names(__name__, _HOME)
