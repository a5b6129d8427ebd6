"""The words of a result: the contract as a sentence, sensitivities with units and meanings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from heliostat_methods.step_options.book.units import UNITS

WIDTH = 80
"""Columns of a terminal that text may take."""


class Sensitivity(NamedTuple):
    """What one derivative of the price is called, its unit, and what it says."""

    title: str
    unit: str
    meaning: str


_MEANINGS = {
    "delta": ("delta", "units of the underlying that hedge"),
    "gamma": ("gamma", "change of delta for underlying + 1"),
    "vega": ("vega", "for vol + 1; 1/100 for a vol point"),
    "theta": ("theta", "a year passes, barriers go their way"),
    "d_rate": ("rho", "for interest + 1; 1/10,000 for a bp"),
    "d_dividend": ("dividend rho", "for dividend yield + 1"),
    "d_strike": ("strike", "for strike + 1"),
    "d_gamma": ("barrier growth", "for growth of all barriers + 1"),
    "d_levels": ("barrier levels", "for each level + 1, lowest first"),
    "d_charge": ("charge", "for + 1/year on all positive rates"),
    "d_rates": ("charges", "for each rate + 1, lowest first"),
    "d_maturity": ("expiry", "for a later expiry; minus theta"),
    "vanna": ("vanna", "change of delta for vol + 1"),
    "volga": ("volga", "change of vega for vol + 1"),
    "charm": ("charm", "change of delta for later expiry"),
    "spot_rate": ("delta by rate", "change of delta for interest + 1"),
    "spot_gamma": ("delta by growth", "change of delta for growth + 1"),
}
SENSITIVITIES = {
    name: Sensitivity(title, UNITS[name], meaning) for name, (title, meaning) in _MEANINGS.items()
} | {
    f"{name}_{side}": Sensitivity(
        f"{name} {side}", UNITS[name], f"from {side} the barrier it is on"
    )
    for name in ("delta", "gamma")
    for side in ("below", "above")
}
"""Derivatives of the price by name, in the order in which they are shown."""

ENGINES = {
    "laplace": "closed form in Laplace space",
    "spectral": "bound states and continuum",
    "occupation": "density of the time beyond the barrier",
    "pde": "finite differences",
    "path_integral_grid": "integrals over a few time slices",
    "mc_bridge": "paths with exact weights between steps",
    "mc_naive": "paths with a sum of the rate: the biased baseline",
    "rqmc": "scrambled Sobol points",
    "mlmc": "paths on several levels of steps",
    "metropolis": "Markov chain over paths",
}

AGREEMENT = (
    "An engine agrees when it differs from the first by less than the bounds of both, a standard "
    "error (std) counting 4.5 times. mc_naive does not know its bias."
)
SWEPT = ("price", "error", "delta", "gamma")
"""Columns of a sweep after the value."""


class SensitivityRow(NamedTuple):
    """One line of a table of sensitivities; `error` is a standard error or empty."""

    title: str
    value: str
    error: str
    unit: str
    meaning: str


def sensitivity_rows(result: Mapping[str, Any]) -> list[SensitivityRow]:
    """Return what a result has of `SENSITIVITIES`, then anything else it has."""
    found: dict[str, Any] = {"delta": result["delta"], "gamma": result["gamma"]}
    found |= result["sensitivities"]
    names = [name for name in SENSITIVITIES if found.get(name) is not None]
    names += [name for name, value in found.items() if value is not None
              and name not in SENSITIVITIES and not name.endswith("_error")]  # fmt: skip
    rows = []
    for name in names:
        title, unit, meaning = SENSITIVITIES.get(name, Sensitivity(name, "", ""))
        error = found.get(f"{name}_error")
        shown = number(found[name], 10 if error is None else 6)
        rows.append(SensitivityRow(title, shown, "" if error is None else f"{error:.1e}", unit,
                                   meaning))  # fmt: skip
    return rows


def sweep_rows(sweep: Mapping[str, Any]) -> list[list[str]]:
    """Return value, price, error, delta and gamma of each value of a sweep."""
    columns = (sweep[name] for name in ("values", "price", "abs_error", "delta", "gamma"))
    return [
        [number(value), price_text(price, error), f"{error:.1e}", number(delta, 6),
         number(gamma, 6)]
        for value, price, error, delta, gamma in zip(*columns, strict=True)
    ]  # fmt: skip


def contract_rows(c: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, value with unit) of a contract and its market, in words."""
    claim = {"call": "call", "put": "put", "digital": "digital, pays 1 above the strike",
             "unit": "unit, pays 1", "asset": "asset, pays the underlying"}[c["kind"]]  # fmt: skip
    rows = [("claim", claim)]
    if c["kind"] in ("call", "put", "digital"):
        rows.append(("strike", number(c["strike"])))
    rows.append(("maturity", f"{number(c['maturity'])} year{'' if c['maturity'] == 1 else 's'}"))
    when = "today" if c["anchor"] == "start" else "at maturity"
    growth = f"growing at {number(c['gamma'])} a year"
    rows.append(("barriers", f"{number(c['barriers'])} {when}, {growth}"))
    rows.append(("charged", "; ".join(regions(c["barriers"], c["rates"]))))
    weight = {
        "proportional": "exp(-sum of rate x time)",
        "simple": "max(1 - rate x time, 0)",
        "delayed": f"1 while less than {c['window']} years are spent",
    }[c["amortisation"]]
    rows.append(("weight", weight if c["knock"] == "out" else f"one minus {weight}"))
    return rows + _market_rows(c)


def regions(barriers: list[float], rates: list[float]) -> list[str]:
    """Return each region with its rate, such as "5/year below 90"."""
    pairs = zip(rates, _places(barriers), strict=True)
    return [f"{'knocked out' if math.isinf(rate) else f'{number(rate)}/year'} {place}"
            for rate, place in pairs]  # fmt: skip


def _places(barriers: list[float]) -> list[str]:
    where = [f"below {number(barriers[0])}"]
    where += [f"from {number(a)} to {number(b)}"
              for a, b in itertools.pairwise(barriers)]  # fmt: skip
    return [*where, f"above {number(barriers[-1])}"]


def contract_sentence(c: Mapping[str, Any]) -> str:
    """Return a contract and its market in words, such as a trader would say them."""
    strike = f" struck at {number(c['strike'])}" if c["kind"] in ("call", "put", "digital") else ""
    claim = {"call": "call", "put": "put", "digital": "digital call that pays 1",
             "unit": "claim of 1", "asset": "claim of the underlying"}[c["kind"]]  # fmt: skip
    years = f"{number(c['maturity'])} year{'' if c['maturity'] == 1 else 's'}"
    return f"A {claim}{strike}, {years} to run, {_charges(c)}{_growth(c)}. {_market_words(c)}."


def _charges(c: Mapping[str, Any]) -> str:
    places = list(zip(c["rates"], _places(c["barriers"]), strict=True))
    charged = [f"{number(rate)}/year {place}" for rate, place in places
               if rate and not math.isinf(rate)]  # fmt: skip
    ended = [place for rate, place in places if math.isinf(rate)]
    inside = " and ".join(place for rate, place in places if rate)
    if not charged and not ended:
        return "never charged"
    if c["amortisation"] == "delayed":
        text = f"lost once {number(c['window'])} years were spent {inside}"
    else:
        parts = [f"charged {' and '.join(charged)}"] if charged else []
        parts += [f"knocked out {' and '.join(ended)}"] if ended else []
        text = ", ".join(parts)
        if c["amortisation"] == "simple":
            text += " in equal parts of the claim"
    return f"paying what is lost when {text}" if c["knock"] == "in" else text


def _growth(c: Mapping[str, Any]) -> str:
    at = "" if c["anchor"] == "start" else " at maturity"
    if not any(c["gamma"]) if isinstance(c["gamma"], list | tuple) else not c["gamma"]:
        return ""
    many = "s" if len(c["barriers"]) > 1 else ""
    verb = "" if many else "s"
    return f" ({'level' + many + at + ', ' if at else ''}barrier{many} grow{verb} at " + (
        f"{number(c['gamma'])} a year)"
    )


def _market_words(c: Mapping[str, Any]) -> str:
    rows = dict(_market_rows(c))
    spot = f"Underlying {rows.pop('underlying')}"
    names = {"interest rate": "interest", "dividend yield": "dividend"}
    parts = [f"{names.get(name, name)} {text}" for name, text in rows.items()]
    words = ", ".join((spot, *parts)).replace(" a year, continuous", "")
    return words.replace(" per square root of a year", "")


def _market_rows(c: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("underlying", number(c["spot"]))]
    piecewise, surface = c.get("piecewise"), c.get("local_vol")
    if piecewise is not None:
        ends = [f"to {number(t)}" for t in piecewise["times"]] + ["after"]
        for i, end in enumerate(ends):
            parts = [f"rate {number(piecewise['rate'][i])}",
                     f"dividend {number(piecewise['dividend'][i])}",
                     f"vol {number(piecewise['vol'][i])}"]  # fmt: skip
            if piecewise.get("charge") is not None:
                parts.append(f"charge x {number(piecewise['charge'][i])}")
            rows.append((f"years {end}", ", ".join(parts)))
        return rows
    rows += [("interest rate", f"{number(c['rate'])} a year, continuous"),
             ("dividend yield", f"{number(c['dividend'])} a year, continuous")]  # fmt: skip
    if c.get("heston") is not None:
        named = [f"{name} {number(value)}" for name, value in c["heston"].items()]
        rows.append(("Heston variance", ", ".join(named)))
    elif surface is not None:
        if surface["form"] == "file":
            rows.append(("local volatility", f"table {surface['file']}"))
        else:
            name = {"cev": "beta", "displaced": "shift"}[surface["form"]]
            at = surface["level"] if surface["level"] is not None else c["spot"]
            text = f"{surface['form']}, {name} {number(surface[name])}, vol {number(c['vol'])}"
            rows.append(("local volatility", f"{text} at {number(at)}"))
    else:
        rows.append(("volatility", f"{number(c['vol'])} per square root of a year"))
    if c.get("basket") is not None:
        more = c["basket"]
        rows.append(("further assets", f"{number(more['spots'])}, vols {number(more['vols'])}"))
        rows.append(("basket weights", number(more["weights"])))
    return rows


def number(value: Any, digits: int = 10) -> str:
    """Return a number, or several with commas, in `digits` digits; text as it is."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(number(v, digits) for v in value)
    return f"{value:.{digits}g}" if isinstance(value, int | float) else str(value)


def price_text(price: float, error: float) -> str:
    """Return a price with the digits that its error leaves, at most 12."""
    scale = max(abs(price), 1e-300)
    digits = 12 if error <= 0 else math.ceil(math.log10(scale / error)) + 1
    return f"{price:#.{min(max(digits, 2), 12)}g}"


def effort_text(result: Mapping[str, Any]) -> str:
    """Return error^2 x seconds of an engine, and both."""
    found = result["measured"]
    return (f"{result['effort']:.3g} error^2 x seconds: error {found['error']:.2g} in "
            f"{found['seconds']:.2g} s of one core")  # fmt: skip


def error_text(row: Mapping[str, Any]) -> str:
    """Return the stated error of an engine and of which kind it is."""
    if row["std_error"] is not None:
        # engines that sample state two standard errors, and what steps leave out beside them
        bias = row["abs_error"] - 2 * row["std_error"]
        return f"{row['std_error']:.1e} std" + (f", {bias:.1e} bias" if bias > 0 else "")
    return f"{row['abs_error']:.1e} bound"


def bias_text(row: Mapping[str, Any]) -> str:
    """Return what a stated error leaves out; nothing where it is all."""
    return ", beside a bias that is not known" if row["engine"] == "mc_naive" else ""


def verdict(row: Mapping[str, Any]) -> str:
    """Return whether an engine agrees with the first; empty for the first."""
    if "agrees" not in row:
        return ""
    if row["agrees"]:
        return "agrees"
    return "biased by its sum" if row["engine"] == "mc_naive" else "differs"
