"""What can be set: a contract in a market, or a book of them; the engine; the figures."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from heliostat import ConfigError, MethodConfig
from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    Market,
)
from heliostat_methods.step_options.validation import InvalidInput

Engine = Literal["laplace", "spectral", "occupation", "pde", "path_integral_grid", "mc_naive",
                 "mc_bridge", "rqmc", "mlmc", "metropolis"]  # fmt: skip
Variable = Literal["spot", "strike", "rate", "dividend", "vol", "gamma", "maturity"]


class HestonConfig(MethodConfig):
    """Stochastic variance; takes the place of `vol`."""

    v0: float = Field(..., description="variance today, 1/year")
    kappa: float = Field(..., description="speed of reversion, 1/year")
    theta: float = Field(..., description="long-run variance, 1/year")
    xi: float = Field(..., description="vol of variance")
    corr: float = Field(..., description="correlation of price and variance")


class BasketConfig(MethodConfig):
    """Further assets; the contract's barrier stays on the first one, `spot`, `dividend`, `vol`."""

    spots: tuple[float, ...] = Field(..., description="prices of the other assets")
    dividends: tuple[float, ...] = Field(..., description="their dividend yields, 1/year")
    vols: tuple[float, ...] = Field(..., description="their volatilities")
    correlation: tuple[tuple[float, ...], ...] = Field(..., description="of all assets")
    weights: tuple[float, ...] = Field(..., description="of all assets in the basket")


class StepOptionsConfig(MethodConfig):
    """Price a step option, a sweep or a book, by one engine or by several that must agree."""

    method: Engine = Field("laplace", description="the engine whose price is the result")
    cross_check: tuple[Engine, ...] = Field((), description="further engines that have to agree")
    book: str | None = Field(None, description="CSV or Parquet file of contracts, one a row")
    sweep: Variable | None = Field(None, description="what varies in a sweep")
    sweep_values: tuple[float, ...] = Field((), description="the values it takes")
    figures: bool = Field(False, description="tabulate prices, kernel and convergence")
    greeks: bool = Field(True, description="all sensitivities of the contract")

    kind: Literal["call", "put", "digital", "unit", "asset"] = Field("call", description="claim")
    strike: float = Field(100.0, description="strike")
    maturity: float = Field(1.0, description="years")
    barriers: tuple[float, ...] = Field((90.0,), description="levels in increasing order")
    rates: tuple[float, ...] = Field((5.0, 0.0), description="1/year in each region, lowest first")
    gamma: float | tuple[float, ...] = Field(0.02, description="growth of the barriers, 1/year")
    anchor: Literal["start", "maturity"] = Field("start", description="when the levels hold")
    knock: Literal["out", "in"] = Field("out", description="weight, or one minus weight")
    amortisation: Literal["proportional", "simple", "delayed"] = Field(
        "proportional", description="how occupation time is charged"
    )
    window: float | None = Field(None, description="years of a delayed contract")
    allow_accrual: bool = Field(False, description="accept negative rates")

    spot: float = Field(100.0, description="price of the underlying")
    rate: float = Field(0.05, description="interest rate, 1/year, continuous")
    dividend: float = Field(0.0, description="dividend yield, 1/year")
    vol: float = Field(0.3, description="volatility, per square root of a year")
    heston: HestonConfig | None = Field(None, description="stochastic variance instead of vol")
    basket: BasketConfig | None = Field(None, description="further assets of a basket claim")

    steps: int = Field(1, ge=1, le=10_000, description="time steps of Monte Carlo")
    n_paths: int | None = Field(
        None, gt=0, description="paths of Monte Carlo; 2^20, or with a target at most 2^34"
    )
    target_se: float | None = Field(None, gt=0, description="stop at this standard error")
    chunk: int = Field(1 << 18, ge=64, description="paths in one task: part of the result")
    antithetic: bool = Field(False, description="pairs of mirrored paths")
    controls: bool = Field(True, description="control variates")
    strata: int = Field(1, ge=1, description="strata of the final value")
    tilt: float = Field(0.0, description="importance sampling: shift in standard deviations")
    book_block: int = Field(500, ge=1, description="rows in one task: part of the result")

    @field_validator("cross_check", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _valid(self) -> StepOptionsConfig:
        # ConfigError goes through pydantic unchanged, so that the message names the field
        try:
            option, market = self.option(), self.market()
            if self.method in ("mc_bridge", "mc_naive") and self.book is None:
                from heliostat_methods.step_options.paths import Simulation, control_means

                control_means(Simulation(_out(option), market, self.path_settings(), 0))
        except InvalidInput as error:
            raise ConfigError(error.field, error.got, error.expected, error.hint) from None
        if self.book is not None and self.method != "laplace":
            raise ConfigError("method", self.method, "laplace for a book")
        if self.heston is not None and self.basket is not None:
            raise ConfigError("basket", "a basket", "either heston or basket")
        if (self.sweep is None) != (not self.sweep_values):
            raise ConfigError("sweep", self.sweep, "a variable together with sweep_values")
        if self.sweep is not None and (self.heston or self.basket):
            raise ConfigError("sweep", self.sweep, "a sweep under Black-Scholes")
        if self.chunk % self.strata:
            raise ConfigError("chunk", self.chunk, f"a multiple of strata = {self.strata}")
        if self.target_se is not None and self.method not in ("mc_bridge", "mc_naive"):
            raise ConfigError("target_se", self.target_se, "method mc_bridge or mc_naive")
        return self

    def option(self, **changes: Any) -> StepOption:
        """Return the contract, some fields changed."""
        names = ("kind", "strike", "maturity", "barriers", "rates", "gamma", "anchor", "knock",
                 "amortisation", "window", "allow_accrual")  # fmt: skip
        return StepOption(**({name: getattr(self, name) for name in names} | changes))

    def market(self, **changes: Any) -> Market:
        """Return the model, some fields changed."""
        v = {name: getattr(self, name) for name in ("spot", "rate", "dividend", "vol")} | changes
        if self.heston is not None:
            h = self.heston
            return HestonMarket(v["spot"], v["rate"], v["dividend"], h.v0, h.kappa, h.theta,
                                h.xi, h.corr)  # fmt: skip
        if self.basket is not None:
            b = self.basket
            return BasketMarket(
                (v["spot"], *b.spots), v["rate"], (v["dividend"], *b.dividends),
                (v["vol"], *b.vols), b.correlation, b.weights,
            )  # fmt: skip
        return BlackScholesMarket(**v)

    @property
    def most_paths(self) -> int:
        """Where Monte Carlo stops at the latest."""
        if self.n_paths is not None:
            return self.n_paths
        return 1 << 20 if self.target_se is None else 1 << 34

    def path_settings(self, method: str | None = None) -> Any:
        """Return the settings of Monte Carlo paths."""
        from heliostat_methods.step_options.paths import PathSettings

        weights = "naive" if (method or self.method) == "mc_naive" else "bridge"
        return PathSettings(weights, self.steps, self.antithetic, self.controls, self.strata,
                            self.tilt)  # fmt: skip


def _out(option: StepOption) -> StepOption:
    import dataclasses

    return dataclasses.replace(option, knock="out")
