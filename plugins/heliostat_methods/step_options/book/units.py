"""Units of what is found of a contract, by name; `price` stands for the unit of the spot."""

from __future__ import annotations

UNITS = {
    "price": "price", "value": "price", "abs_error": "price", "std_error": "price",
    "delta": "1", "gamma": "1/price", "vega": "price", "theta": "price/year",
    "d_rate": "price year", "d_dividend": "price year", "d_strike": "1", "d_gamma": "price year",
    "d_levels": "1", "d_charge": "price year", "d_rates": "price year",
    "d_maturity": "price/year", "vanna": "1", "volga": "price", "charm": "1/year",
    "spot_rate": "year", "spot_gamma": "year", "delta_below": "1", "delta_above": "1",
    "gamma_below": "1/price", "gamma_above": "1/price",
}  # fmt: skip
