"""Step options for a quant: a soft knock-out, its hedge, its price by other means, its physics.

Run: ``python examples/step_options_tutorial.py`` (a few seconds; the first time more, while kernels
compile). Every number that it prints is explained in docs/methods/step_options.md.
"""

from __future__ import annotations

import numpy as np

from heliostat_methods.step_options import (
    BlackScholesMarket,
    HestonMarket,
    LocalVolMarket,
    PiecewiseMarket,
    PricingKernel,
    StepOption,
    double_step,
    down_step,
    price,
)

market = BlackScholesMarket(spot=100.0, rate=0.05, dividend=0.02, vol=0.3)


def soften_a_knock_out() -> None:
    """A down-and-out call loses everything at 90; a step option loses 5 per year spent below."""
    print("1. A softer barrier: price and delta near the barrier at 90")
    spots = np.array([88.0, 90.0, 92.0, 95.0, 100.0])
    ladder = BlackScholesMarket(spots, 0.05, 0.02, 0.3)
    for rate in (0.0, 5.0, 50.0, 1e8):
        result = price(down_step("call", 100.0, 1.0, 90.0, rate), ladder)
        deltas = " ".join(f"{d:7.3f}" for d in np.asarray(result.delta))
        prices = " ".join(f"{p:7.3f}" for p in np.asarray(result.price))
        print(f"   rate {rate:>11g}: price {prices}   delta {deltas}")
    print("   rate 0 is the vanilla call, an infinite rate the knock-out with its kink in delta.\n")


def hedge() -> None:
    """All sensitivities come from one automatic differentiation through the closed form."""
    option = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.02)
    result = price(option, market, greeks=True)
    print("2. One contract and its sensitivities")
    print(f"   price {result.price:.10f}, error below {result.abs_error_estimate:.1e}")
    for name in ("vega", "d_rate", "d_gamma", "d_charge", "theta", "vanna", "volga"):
        print(f"   {name:<9} {getattr(result, name):+.8f}")
    out_plus_in = result.price + price(
        down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.02, knock="in"), market
    ).price  # fmt: skip
    print(f"   out + in = {out_plus_in:.10f}, the vanilla call\n")


def check_with_other_engines() -> None:
    """Engines that share no code path agree within the errors that they state."""
    option = double_step("call", 100.0, 1.0, (80.0, 125.0), 5.0, gamma=0.02)
    print("3. A double step option by several engines")
    plans = {"laplace": {}, "spectral": {}, "pde": {}, "path_integral_grid": {},
             "mc_bridge": {"n_steps": 1, "seed": 1}, "rqmc": {"seed": 1}}  # fmt: skip
    for name, settings in plans.items():
        result = price(option, market, method=name, **settings)
        print(f"   {name:<20} {result.price:.8f} +- {result.abs_error_estimate:.1e}")
    bound = price(option, market, method="spectral", parts="bound")
    print(f"   bound states alone   {bound.price:.8f}: wrong, the continuum is needed\n")


def leave_black_scholes() -> None:
    """Weights depend on the ends of a step only, so they serve other models as well."""
    heston = HestonMarket(100.0, 0.05, 0.02, v0=0.09, kappa=1.5, theta=0.06, xi=0.4, corr=-0.6)
    option = down_step("call", 100.0, 1.0, 90.0, 5.0)
    result = price(option, heston, method="mc_bridge", n_steps=24, antithetic=True, seed=2)
    print("4. Other models")
    print(f"   Heston: {result.price:.4f} +- {result.std_error:.4f}; a PDE gives 10.6612")
    skew = LocalVolMarket.from_function(
        100.0, 0.05, 0.02, lambda s, t: 0.3 * (s / 100) ** -0.5 + 0 * t,
        horizon=1.0, low=3.0, high=6.5,
    )  # fmt: skip
    paths = price(option, skew, method="mc_bridge", n_steps=32, antithetic=True, seed=3)
    print(f"   a skew: {paths.price:.4f} +- {paths.std_error:.4f} by paths, "
          f"{price(option, skew, method='pde').price:.4f} by finite differences")  # fmt: skip
    # vols that change, with a drift that follows: the closed form by a change of clock
    seasons = PiecewiseMarket(100.0, (0.5,), (0.045, 0.135), (0.0, 0.0), (0.3, 0.3 * 3**0.5),
                              charge=(0.5, 1.5))  # fmt: skip
    closed = price(option, seasons)
    grid = price(option, seasons, method="path_integral_grid", slices=8)
    print(f"   two seasons: {closed.price:.8f}, by time slices {grid.price:.8f}\n")


def invent_a_contract() -> None:
    """Any rates on any regions: here a corridor that pays one per cent a month while inside."""
    stairs = StepOption("call", 100.0, 1.0, (85.0, 95.0, 110.0), (8.0, 2.0, -0.12, 1.0),
                        gamma=0.01, allow_accrual=True)  # fmt: skip
    result = price(stairs, market)
    print("5. A staircase with an accruing corridor")
    print(f"   price {result.price:.8f}, delta {result.delta:.6f}, gamma {result.gamma:.6f}")
    delayed = down_step("call", 100.0, 1.0, 90.0, 1.0, amortisation="delayed", window=0.1)
    print("   dies after 0.1 years below 90 (cumulative Parisian):",
          f"{price(delayed, market, method='occupation').price:.8f}\n")  # fmt: skip


def look_at_the_kernel() -> None:
    """The contract as a potential: bound states, reflection, the propagator."""
    option = double_step("call", 100.0, 1.0, (80.0, 125.0), 5.0)
    kernel = PricingKernel(option, market)
    energies = ", ".join(f"{state.energy:.6f}" for state in kernel.bound_states())
    print("6. The kernel")
    print(f"   bound states of the well: {energies}")
    uneven = StepOption("call", 100.0, 1.0, (75.0, 95.0, 105.0, 130.0), (4.0, 0.0, 6.0, 1.0, 9.0))
    energies = ", ".join(
        f"{state.energy:.6f}" for state in PricingKernel(uneven, market).bound_states()
    )
    found, exact = price(uneven, market, method="spectral"), price(uneven, market)
    print(f"   of two unlike wells:      {energies}")
    print(f"   their states and continuum price {found.price:.10f}, closed form {exact.price:.10f}")
    single = PricingKernel(down_step("call", 100.0, 1.0, 90.0, 5.0), market)
    for energy in (5.1, 6.0, 10.0, 50.0):
        through = float(single.transmission(energy))
        print(f"   energy {energy:>5}: transmission {through:.6f}, "
              f"reflection {float(single.reflection(energy)):.6f}")  # fmt: skip


if __name__ == "__main__":
    soften_a_knock_out()
    hedge()
    check_with_other_engines()
    leave_black_scholes()
    invent_a_contract()
    look_at_the_kernel()
