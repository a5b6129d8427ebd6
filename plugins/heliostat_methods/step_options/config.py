"""What can be set: a contract in a market, or a book of them; the engine; the figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from heliostat import ConfigError, MethodConfig
from heliostat_methods.step_options.contracts.market import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import InvalidInput
from heliostat_methods.step_options.engines.coverage import check_covered, covering

Engine = Literal["laplace", "spectral", "occupation", "pde", "path_integral_grid", "mc_naive",
                 "mc_bridge", "rqmc", "mlmc", "metropolis"]  # fmt: skip
PATHS = ("mc_bridge", "mc_naive", "rqmc", "mlmc", "metropolis")
MODELS = ("heston", "piecewise", "local_vol", "basket")
"""Sections that take the place of the Black-Scholes model."""
SAMPLED_ROWS = 20
"""Rows of a book that further engines price again, unless it is said how many."""
Variable = Literal["spot", "strike", "rate", "dividend", "vol", "gamma", "maturity"]


class HestonConfig(MethodConfig):
    """Stochastic variance; takes the place of `vol`."""

    v0: float = Field(..., description="variance today, 1/year")
    kappa: float = Field(..., description="speed of reversion, 1/year")
    theta: float = Field(..., description="long-run variance, 1/year")
    xi: float = Field(..., description="vol of variance")
    corr: float = Field(..., description="correlation of price and variance")


class PiecewiseConfig(MethodConfig):
    """Parameters by intervals of time; takes the place of `rate`, `dividend` and `vol`."""

    times: tuple[float, ...] = Field(..., description="years at which an interval ends, the first "
                                     "begins today and the last never ends")  # fmt: skip
    rate: tuple[float, ...] = Field(..., description="interest rate in each interval, 1/year")
    dividend: tuple[float, ...] = Field(..., description="dividend yield in each, 1/year")
    vol: tuple[float, ...] = Field(..., description="volatility in each")
    charge: tuple[float, ...] | None = Field(
        None, description="factor on the contract's rates in each; 1 if left out"
    )


class LocalVolConfig(MethodConfig):
    """Volatility of price and time: a table, or a form that has volatility `vol` at `level`."""

    form: Literal["file", "cev", "displaced"] = Field(
        "file", description="vol (S/level)^(beta-1), or vol level (S+shift) / (S (level+shift))"
    )
    file: str | None = Field(
        None, description="CSV: first row price levels, first column years, then volatilities"
    )
    level: float | None = Field(None, gt=0, description="price with volatility `vol`; the spot")
    beta: float | None = Field(None, description="cev: 1 is Black-Scholes, 0 normal")
    shift: float | None = Field(None, description="displaced: 0 is Black-Scholes")

    @model_validator(mode="after")
    def _one_form(self) -> LocalVolConfig:
        needed = {"file": "file", "cev": "beta", "displaced": "shift"}
        for form, name in needed.items():
            given = getattr(self, name) is not None
            if form == self.form and not given:
                expected = f"a value: form = {form!r} needs it"
                raise ConfigError(f"local_vol.{name}", None, expected)
            if form != self.form and given:
                raise ConfigError(
                    f"local_vol.{name}", getattr(self, name), f"no value for form = {self.form!r}",
                    f"form = {form!r} takes it",
                )  # fmt: skip
        if self.form == "file" and self.level is not None:
            raise ConfigError("local_vol.level", self.level, "no value beside a file")
        return self


class BasketConfig(MethodConfig):
    """Further assets; the contract's barrier stays on the first one, `spot`, `dividend`, `vol`."""

    spots: tuple[float, ...] = Field(..., description="prices of the other assets")
    dividends: tuple[float, ...] = Field(..., description="their dividend yields, 1/year")
    vols: tuple[float, ...] = Field(..., description="their volatilities")
    correlation: tuple[tuple[float, ...], ...] = Field(..., description="of all assets")
    weights: tuple[float, ...] = Field(..., description="of all assets in the basket")


class LadderConfig(MethodConfig):
    """Prices with all spots and vols moved, as a heat map."""

    spots: tuple[float, ...] = Field(
        (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2), description="factors on the spot"
    )
    vols: tuple[float, ...] = Field(
        (-0.1, -0.05, 0.0, 0.05, 0.1), description="what is added to the volatility"
    )

    @model_validator(mode="after")
    def _increasing(self) -> LadderConfig:
        for name, values, above in (("spots", self.spots, 0.0), ("vols", self.vols, -math.inf)):
            for i, value in enumerate(values):
                least = max(above, values[i - 1]) if i else above
                if not (math.isfinite(value) and value > least):
                    raise ConfigError(f"ladder.{name}[{i}]", value, f"a number above {least:g}")
            if not values:
                raise ConfigError(f"ladder.{name}", values, "at least one number")
        return self


class StepOptionsConfig(MethodConfig):
    """Price a step option, a sweep or a book, by one engine or by several that must agree."""

    method: Engine = Field(
        "laplace",
        description="the engine whose price is the result: laplace, spectral, occupation, "
        "pde, path_integral_grid, mc_bridge, mc_naive, rqmc, mlmc or metropolis",
    )
    cross_check: tuple[Engine, ...] = Field((), description="further engines, which have to agree")
    cross_check_rows: int | None = Field(
        None, ge=1, description=f"rows of a book that are priced again; {SAMPLED_ROWS} by default"
    )
    book: str | None = Field(None, description="CSV or Parquet file of contracts, one a row")
    by: tuple[str, ...] | None = Field(
        None, description="columns of a book, such as desk, whose equal cells are summed"
    )
    book_output: Literal["csv", "parquet"] | None = Field(
        None, description="how the table of a book is written; as the book itself if left out"
    )
    ladder: LadderConfig | None = Field(
        None, description="table spots (factors), vols (added): prices with both moved, a heat map"
    )
    sweep: Variable | None = Field(
        None, description="what varies: spot, strike, rate, dividend, vol, gamma or maturity"
    )
    sweep_values: tuple[float, ...] = Field((), description="the values it takes")
    effort: bool | None = Field(
        None, description="measure error^2 x seconds of the engine on one core, a goal to be tuned"
    )
    figures: bool = Field(False, description="tabulate prices, kernel and convergence")
    greeks: bool = Field(True, description="all sensitivities of the contract")

    kind: Literal["call", "put", "digital", "unit", "asset"] = Field(
        "call", description="claim: call, put, digital (1 above the strike), unit (1), asset (S)"
    )
    strike: float = Field(100.0, description="strike")
    maturity: float = Field(1.0, description="years")
    barriers: tuple[float, ...] = Field(
        (90.0,), description="levels in increasing order, one or more"
    )
    rates: tuple[float, ...] = Field((5.0, 0.0), description="1/year in each region, lowest first")
    gamma: float | tuple[float, ...] = Field(0.02, description="growth of the barriers, 1/year")
    anchor: Literal["start", "maturity"] = Field(
        "start", description="when the levels hold: start or maturity"
    )
    knock: Literal["out", "in"] = Field("out", description="out pays the weight, in one minus it")
    amortisation: Literal["proportional", "simple", "delayed"] = Field(
        "proportional",
        description="proportional exp(-rate time), simple max(1 - rate time, 0), "
        "delayed 1 while less than window is spent",
    )
    window: float | None = Field(None, description="years of a delayed contract")
    allow_accrual: bool = Field(False, description="accept negative rates")

    spot: float = Field(100.0, description="price of the underlying")
    rate: float = Field(0.05, description="interest rate, 1/year, continuous")
    dividend: float = Field(0.0, description="dividend yield, 1/year")
    vol: float = Field(0.3, description="volatility, per square root of a year")
    heston: HestonConfig | None = Field(
        None, description="table v0, kappa, theta, xi, corr in place of vol"
    )
    piecewise: PiecewiseConfig | None = Field(
        None, description="table times, rate, dividend, vol, charge: constant in each time interval"
    )
    local_vol: LocalVolConfig | None = Field(
        None,
        description="table file; or form (cev, displaced), level, beta, shift: vol by price, time",
    )
    basket: BasketConfig | None = Field(
        None,
        description="table spots, dividends, vols, correlation, weights: a claim on several assets",
    )

    steps: int = Field(1, ge=1, le=10_000, description="time steps of Monte Carlo")
    n_paths: int | None = Field(
        None, gt=0, description="paths of Monte Carlo; 2^20, or with a target at most 2^34"
    )
    target_se: float | None = Field(None, gt=0, description="stop at this standard error")
    chunk: int = Field(
        1 << 18, ge=64, le=1 << 30, description="paths in one task: part of the result"
    )
    antithetic: bool = Field(False, description="pairs of mirrored paths")
    controls: bool = Field(True, description="control variates")
    strata: int = Field(1, ge=1, le=1 << 20, description="strata of the final value")
    tilt: float = Field(0.0, description="importance sampling: shift in standard deviations")
    book_block: int = Field(500, ge=1, description="rows in one task: part of the result")

    @field_validator("cross_check", "by", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _valid(self) -> StepOptionsConfig:
        # ConfigError goes through pydantic unchanged, so that the message names the field
        models = [name for name in MODELS if getattr(self, name) is not None]
        if len(models) > 1:
            raise ConfigError(models[1], f"a {models[1]} model", f"one of {' and '.join(models)}")
        if self.book is not None and self.basket is not None:
            raise ConfigError("basket", "a basket", "one underlying for each row of a book")
        self._check_book_fields()
        try:
            option, market = self.option(), self.market()
            if self.book is None:
                check_covered(self.method, option, market)
                for name in self.cross_check:
                    self._check_cross(name, option, market)
            if self.method in ("mc_bridge", "mc_naive") and self.book is None:
                from heliostat_methods.step_options.paths.sampler import PathSampler

                PathSampler(_out(option), market, self.path_settings(), 0)
            self._check_sweep(models)
            if self.ladder is not None and self.book is None:
                check_covered(self.table_engine(), option, market)
        except InvalidInput as error:
            raise ConfigError(error.field, error.got, error.expected, error.hint) from None
        if self.chunk % self.strata:
            raise ConfigError("chunk", self.chunk, f"a multiple of strata = {self.strata}")
        if self.target_se is not None and self.method not in ("mc_bridge", "mc_naive"):
            raise ConfigError("target_se", self.target_se, "method mc_bridge or mc_naive")
        return self

    def _check_book_fields(self) -> None:
        for name in ("by", "book_output", "cross_check_rows"):
            if self.book is None and getattr(self, name) is not None:
                raise ConfigError(name, getattr(self, name), "a book beside it")
        if self.cross_check_rows is not None and not self.cross_check:
            raise ConfigError("cross_check_rows", self.cross_check_rows, "engines in cross_check")
        for name in ("sweep", "figures", "effort"):
            if self.book is not None and getattr(self, name):
                raise ConfigError(name, getattr(self, name), "one contract, not a book")
        if self.ladder is None:
            return
        models = [name for name in MODELS if getattr(self, name) is not None]
        if models and self.book is None:
            raise ConfigError("ladder", f"a {models[0]} model", "Black-Scholes")
        least = min(self.ladder.vols)
        if self.book is None and self.vol + least <= 0:
            expected = f"more than {-self.vol:g}, since vol = {self.vol:g}"
            raise ConfigError("ladder.vols[0]", least, expected)

    @staticmethod
    def _check_cross(name: str, option: StepOption, market: Market) -> None:
        try:
            check_covered(name, option, market)
        except InvalidInput as error:
            expected = f"engines that can price it; {name}: {error.field}, {error.expected}"
            raise InvalidInput("cross_check", name, expected, error.hint) from None

    def _check_sweep(self, models: list[str]) -> None:
        if (self.sweep is None) != (not self.sweep_values):
            raise ConfigError("sweep", self.sweep, "a variable together with sweep_values")
        if models and self.sweep is not None:
            if self.method in PATHS:
                expected = f"a deterministic engine, not {self.method}"
                raise ConfigError("sweep", self.sweep, expected)
            if models[0] == "piecewise" and self.sweep in ("rate", "dividend", "vol"):
                expected = "spot, strike, gamma or maturity: the others are given by intervals"
                raise ConfigError("sweep", self.sweep, expected)
            if self.local_vol is not None and self.local_vol.file and self.sweep == "vol":
                expected = "another variable: the file has the volatility"
                raise ConfigError("sweep", self.sweep, expected)
        for value in self.sweep_values:
            change = {str(self.sweep): value}
            of_market = self.sweep in ("spot", "rate", "dividend", "vol")
            option = self.option(**({} if of_market else change))
            market = self.market(**(change if of_market else {}))
            check_covered(self.table_engine(), option, market)

    def table_engine(self) -> str:
        """Return the engine of a sweep or ladder: one that does not sample."""
        if self.method not in PATHS:
            return self.method
        able = covering(self.option(), self.market())
        return next((name for name in able if name not in PATHS), "laplace")

    def option(self, **changes: Any) -> StepOption:
        """Return the contract, some fields changed."""
        names = ("kind", "strike", "maturity", "barriers", "rates", "gamma", "anchor", "knock",
                 "amortisation", "window", "allow_accrual")  # fmt: skip
        return StepOption(**({name: getattr(self, name) for name in names} | changes))

    def market(self, **changes: Any) -> Market:
        """Return the model, some fields changed; its numbers, not the path of a file they are in.

        Raises InvalidInput naming the section and the field.
        """
        v = {name: getattr(self, name) for name in ("spot", "rate", "dividend", "vol")} | changes
        section = next((name for name in MODELS if getattr(self, name) is not None), None)
        if section is None:
            return BlackScholesMarket(**v)
        try:
            return self._model(v)
        except InvalidInput as error:
            field = error.field
            own = field.split("[")[0] not in (*v, section) or section == "piecewise"
            if own and field != "spot" and not field.startswith(section):
                field = f"{section}.{field}"
            raise InvalidInput(field, error.got, error.expected, error.hint) from None

    def _model(self, v: dict[str, Any]) -> Market:
        if self.heston is not None:
            h = self.heston
            return HestonMarket(v["spot"], v["rate"], v["dividend"], h.v0, h.kappa, h.theta,
                                h.xi, h.corr)  # fmt: skip
        if self.piecewise is not None:
            p = self.piecewise
            return PiecewiseMarket(v["spot"], p.times, p.rate, p.dividend, p.vol, p.charge)
        if self.local_vol is not None:
            return self._surface(self.local_vol, v)
        b = self.basket
        assert b is not None
        return BasketMarket(
            (v["spot"], *b.spots), v["rate"], (v["dividend"], *b.dividends),
            (v["vol"], *b.vols), b.correlation, b.weights,
        )  # fmt: skip

    def _surface(self, surface: LocalVolConfig, v: dict[str, Any]) -> Market:
        from heliostat_methods.step_options.contracts.volatility_surface import (
            parametric_surface,
            surface_from_file,
        )

        if surface.file is not None:
            return surface_from_file(v["spot"], v["rate"], v["dividend"], Path(surface.file))
        BlackScholesMarket(**v)  # checks the numbers by their names
        return parametric_surface(
            surface.form, **v, maturity=self.maturity, level=surface.level or self.spot,
            beta=surface.beta or 0.0, shift=surface.shift or 0.0,
        )  # fmt: skip

    @property
    def most_paths(self) -> int:
        """Where Monte Carlo stops at the latest."""
        if self.n_paths is not None:
            return self.n_paths
        return 1 << 20 if self.target_se is None else 1 << 34

    def path_settings(self, method: str | None = None) -> Any:
        """Return the settings of Monte Carlo paths."""
        from heliostat_methods.step_options.paths.settings import PathSettings

        weights = "naive" if (method or self.method) == "mc_naive" else "bridge"
        return PathSettings(weights, self.steps, self.antithetic, self.controls, self.strata,
                            self.tilt)  # fmt: skip


def _out(option: StepOption) -> StepOption:
    import dataclasses

    return dataclasses.replace(option, knock="out")
