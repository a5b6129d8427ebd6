"""What a row of a book says: contract, market, engine and how many, from the text of its cells."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from heliostat import stored
from heliostat_methods.step_options.book.rows import HESTON
from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    Unsupported,
    choice,
    number,
)
from heliostat_methods.step_options.contracts.volatility_surface import parametric_surface
from heliostat_methods.step_options.engines.coverage import (
    ORDER,
    check_covered,
    covering,
    obstacle,
)

FORMS = ("cev", "displaced")
YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")
MODELS = {"v0": HESTON, "surface": ("surface",), "form": ("form", "level", "beta", "shift")}
"""Columns of a model by the one that says a row has it."""
MOST = 1e100
"""Of a contract; more of them have sums that no float holds."""


@stored("step_options.book_settings")
@dataclass(frozen=True)
class BookSettings:
    """What holds for all rows.

    `given` fills columns that a row leaves empty. `method`: the engine to be preferred where a row
    names none. `surfaces`: tables of volatility by name, at a spot, rate and dividend that rows
    replace; `unreadable` says why there is none. `paths`, `steps` (None: as the model needs) and
    `seed` are for engines that sample. `greeks`: also all sensitivities.
    """

    method: str = "laplace"
    greeks: bool = True
    given: Mapping[str, str] = field(default_factory=dict)
    surfaces: Mapping[str, LocalVolMarket] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    piecewise: PiecewiseMarket | None = None
    paths: int = 1 << 16
    steps: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Terms:
    """One contract in its market, the engine that prices it, and how many there are."""

    option: StepOption
    market: Market
    engine: str
    quantity: float


def read_terms(cells: Mapping[str, str], settings: BookSettings) -> Terms:
    """Return the terms of a row; raises InvalidInput naming the column, Unsupported the engines."""
    own = {name: text for name, text in cells.items() if text}
    _check_model(own, settings)
    # a model of the row takes the place of the configuration's, which is not mixed with it
    given = {} if any(name in own for name in MODELS) else settings.given
    values = {**given, **own}

    def many(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in values.get(name, "").split(";") if part.strip())

    gammas = many("gamma")
    window = values.get("window")
    option = StepOption(
        kind=values.get("kind", ""), strike=_number("strike", values),
        maturity=_number("maturity", values), barriers=many("barriers"),  # type: ignore[arg-type]
        rates=many("rates"),  # type: ignore[arg-type]
        gamma=gammas if len(gammas) > 1 else _number("gamma", values, "0"),  # type: ignore[arg-type]
        anchor=values.get("anchor", "start"), knock=values.get("knock", "out"),
        amortisation=values.get("amortisation", "proportional"),
        window=None if window is None else _number("window", values),
        allow_accrual=_flag("allow_accrual", values),
    )  # fmt: skip
    market = _market(values, option, settings)
    quantity = number("quantity", _number("quantity", values, "1"))
    if abs(quantity) > MOST:
        raise InvalidInput("quantity", quantity, f"at most {MOST:g} on either side of 0")
    return Terms(option, market, _engine(values.get("method"), option, market, settings), quantity)


def _engine(named: str | None, option: StepOption, market: Market, settings: BookSettings) -> str:
    """Return the engine of a row: the one it names, else the preferred one, else one that can."""
    if named is not None and named != "auto":
        choice("method", named, ORDER)
        check_covered(named, option, market)
        return named
    if obstacle(settings.method, option, market) is None:
        return settings.method
    able = covering(option, market)
    if not able:
        check_covered(settings.method, option, market)
    known = [name for name in able if name != "mc_naive"]
    if not known:
        raise Unsupported(
            "method", "", "an engine that knows its error",
            "mc_naive alone can price it, and states no bias: name it in the row to accept that",
        )  # fmt: skip
    return known[0]


def _check_model(own: Mapping[str, str], settings: BookSettings) -> None:
    """Refuse cells that the model of a row would pass over."""
    models = [name for name in MODELS if name in own]
    if len(models) > 1:
        raise InvalidInput(models[1], own[models[1]], f"one model in a row, beside {models[0]}")
    known = models or [name for name in MODELS if name in settings.given]
    for model, names in MODELS.items():
        for name in names:
            if name in own and model not in known:
                beside = f", beside {models[0]}" if models else ""
                raise InvalidInput(name, own[name], f"nothing where {model} is empty{beside}",
                                   f"{name} belongs to {model}")  # fmt: skip
    if models in (["v0"], ["surface"]) and "vol" in own:
        raise InvalidInput("vol", own["vol"], f"nothing beside {models[0]}",
                           f"leave {models[0]} empty for Black-Scholes")  # fmt: skip
    other = {"cev": "shift", "displaced": "beta"}.get(own.get("form", ""))
    if other is not None and other in own:
        raise InvalidInput(other, own[other], f"nothing where form = {own['form']}")


def _market(values: Mapping[str, str], option: StepOption, settings: BookSettings) -> Market:
    models = [name for name in MODELS if name in values]
    spot = _number("spot", values)
    if settings.piecewise is not None and not models:
        return dataclasses.replace(settings.piecewise, spot=spot)
    rate, dividend = _number("rate", values, "0"), _number("dividend", values, "0")
    if "v0" in models:
        return HestonMarket(spot, rate, dividend, *(_number(name, values) for name in HESTON))
    if "surface" in models:
        name = values["surface"]
        if name in settings.unreadable:
            reason = settings.unreadable[name]
            raise InvalidInput("surface", name, "a table of volatilities", reason)
        choice("surface", name, settings.surfaces)
        return dataclasses.replace(settings.surfaces[name], spot=spot, rate=rate, dividend=dividend)
    plain = BlackScholesMarket(spot, rate, dividend, _number("vol", values))
    if "form" not in models:
        return plain
    form = choice("form", values["form"], FORMS)
    needed = {"cev": "beta", "displaced": "shift"}[form]
    level = number("level", _number("level", values, str(spot)), above=0)
    return parametric_surface(
        form, spot, rate, dividend, float(plain.vol), maturity=option.maturity, level=level,
        **{needed: _number(needed, values)},
    )  # fmt: skip


def _number(name: str, values: Mapping[str, str], default: str = "") -> float:
    text = values.get(name, default)
    try:
        found = float(text)
    except ValueError:
        raise InvalidInput(name, text, "a number", _plain_number(text)) from None
    if math.isnan(found):
        raise InvalidInput(name, text, "a number")
    return found


def _plain_number(text: str) -> str:
    """Return a hint at how the number that a text seems to hold is written, or nothing."""
    digits = text.strip(" $%\u20ac\u00a3").replace(" ", "")
    if digits.count(",") == 1 and "." not in digits and len(digits.split(",")[1]) != 3:
        digits = digits.replace(",", ".")
    try:
        found = float(digits.replace(",", ""))
    except ValueError:
        return ""
    if not math.isfinite(found):
        return ""
    return f"write {found / 100 if text.rstrip().endswith('%') else found:.15g}"


def _flag(name: str, values: Mapping[str, str]) -> bool:
    text = values.get(name, "").lower()
    if text not in (*YES, *NO):
        raise InvalidInput(name, text, "true or false")
    return text in YES
