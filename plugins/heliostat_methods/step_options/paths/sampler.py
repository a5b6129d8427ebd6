"""What is simulated: a contract, a model and the settings of its paths, as one plain value.

Column 0 of a sample is the weighted payoff, the others are control variates of known means. Chunks
of paths can be drawn anywhere, in any order.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.closed_form.black_scholes import geometric_basket, vanilla
from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import averaged
from heliostat_methods.step_options.contracts.validation import InvalidInput, Unsupported, Vector
from heliostat_methods.step_options.paths.settings import PathSettings
from heliostat_methods.step_options.paths.step_plan import (
    HEAVY,
    first_asset,
    own_tilt,
    path_plan,
    surface_steps,
)
from heliostat_methods.step_options.paths.unseen import Worth, touching, worth


@stored("step_options.path_sampler")
@dataclass(frozen=True)
class PathSampler:
    """A contract, a model, settings and a seed: all that decides a path's sample.

    `sample(first, count)` draws paths first .. first + count - 1 and depends on nothing else.
    """

    option: StepOption
    market: Market
    settings: PathSettings
    seed: int

    def __post_init__(self) -> None:
        o, s, market = self.option, self.settings, self.market
        if np.ndim(o.strike) or np.ndim(market.spot):
            raise InvalidInput("strike", o.strike, "one spot and one strike for Monte Carlo")
        if o.knock != "out":
            raise InvalidInput("knock", o.knock, "out (in = vanilla - out is taken outside)")
        if o.common_gamma is None:
            raise Unsupported("gamma", o.gamma, "one growth rate for Monte Carlo", 'use "pde"')
        if s.weights != "naive" and o.amortisation != "proportional":
            raise Unsupported(
                "amortisation", o.amortisation, "proportional for weights by steps",
                "use method=occupation, or mc_naive with many steps",
            )  # fmt: skip
        if s.weights == "knock_out":
            if len(o.barriers) != 1 or sum(o.charged) != 1:
                raise Unsupported("barriers", o.barriers, "one barrier, charged on one side")
            if not isinstance(market, BlackScholesMarket):
                raise Unsupported("weights", s.weights, "bridge or naive for this model")
        if not isinstance(market, BlackScholesMarket | PiecewiseMarket):
            if len(o.barriers) != 1 or o.amortisation != "proportional":
                raise Unsupported(
                    "barriers", o.barriers, "one barrier, proportional, for this model"
                )
            if s.strata > 1 or s.tilt:
                raise Unsupported("settings", s, "no strata and no tilt for this model")
        self.steps  # noqa: B018  refuses a drift that no path can follow

    @property
    def drawn(self) -> PathSettings:
        """The settings of the paths: with a tilt where the claim would be out of their reach."""
        if self.settings.tilt or not isinstance(self.market, BlackScholesMarket | PiecewiseMarket):
            return self.settings
        return dataclasses.replace(self.settings, tilt=own_tilt(self.option, self.market))

    @property
    def steps(self) -> int:
        """How many steps a path has: as many as were asked for, and as its drift needs."""
        option, market, s = self.option, self.market, self.drawn
        naive = s.weights == "naive"
        if isinstance(market, LocalVolMarket | HestonMarket):
            return s.steps if naive else surface_steps(option, market, s.steps)
        if isinstance(market, BasketMarket):
            return len(path_plan(option, first_asset(market), s.steps))
        return len(path_plan(option, market, s.steps, tilt=s.tilt, naive=naive))

    @property
    def worth(self) -> tuple[Worth, ...]:
        """What paths of each target are worth."""
        return (worth(self.option, self.market),)

    @property
    def unseen(self) -> float:
        """How likely a path is to meet a barrier, or 1 where there is no bound."""
        return touching(self.option, self.market)

    @property
    def positive(self) -> bool:
        """No column has negative samples."""
        return True

    @property
    def group(self) -> int:
        """Consecutive paths that make one sample; `first` and `count` are multiples of it."""
        return self.settings.strata

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the leading columns, which are to be estimated."""
        return ("price",)

    @property
    def control_names(self) -> tuple[str, ...]:
        """Names of the columns after the targets.

        Heston and local volatility use the discounted asset only: their schemes keep its mean,
        while their own vanilla price has a bias that a vanilla control would carry into the answer.
        Where ln S_T deviates much the asset's mean lives on paths that nobody draws.
        """
        market = self.market
        if not self.settings.controls:
            return ()
        if isinstance(market, BasketMarket):
            return ("geometric", *(f"asset {i + 1}" for i in range(len(market.spots))))
        if isinstance(market, LocalVolMarket | HestonMarket):
            return ("asset",)
        deviation = averaged(market, self.option.maturity).vol * math.sqrt(self.option.maturity)
        return ("vanilla", "asset") if deviation <= HEAVY else ("vanilla",)

    @property
    def control_means(self) -> tuple[float, ...]:
        """Exact means of the control columns."""
        option, market, T = self.option, self.market, self.option.maturity
        if not self.settings.controls:
            return ()
        if isinstance(market, BasketMarket):
            geometric = geometric_basket(market, option.kind, float(option.strike), T)
            carried = zip(market.spots, market.dividends, strict=True)
            return (geometric, *(s * math.exp(-q * T) for s, q in carried))
        if isinstance(market, LocalVolMarket | HestonMarket):
            return (market.spot * math.exp(-market.dividend * T),)
        mean = averaged(market, T)
        asset = float(mean.spot) * math.exp(-mean.dividend * T)
        return (float(vanilla(option, market)), asset)[: len(self.control_names)]

    def sample(self, first: int, count: int) -> Vector:
        """Return columns (targets and controls, count / group) of `count` paths from `first`."""
        if count % self.group or first % self.group:
            raise InvalidInput("count", count, f"a multiple of strata = {self.group}")
        option, market = self.option, self.market
        drawn = self.drawn, self.seed, first, count
        # numba compiles what it imports, and a sampler is made to check a configuration too
        if isinstance(market, BlackScholesMarket):
            from heliostat_methods.step_options.paths.black_scholes import sample_black_scholes

            columns = sample_black_scholes(option, market, *drawn)
        elif isinstance(market, PiecewiseMarket):
            from heliostat_methods.step_options.paths.piecewise import sample_piecewise

            columns = sample_piecewise(option, market, *drawn)
        elif isinstance(market, BasketMarket):
            from heliostat_methods.step_options.paths.basket import sample_basket

            columns = sample_basket(option, market, *drawn)
        else:
            from heliostat_methods.step_options.paths.volatility import sample_volatility

            columns = sample_volatility(option, market, *drawn)
        return columns[: 1 + len(self.control_names)]
