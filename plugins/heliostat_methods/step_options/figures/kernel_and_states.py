"""The pricing kernel of a well: densities, their bound parts and the bound states."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat_methods.step_options.closed_form.pricing_kernel import PricingKernel
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.figures.price_functions import MARKET


def kernel_figure() -> dict[str, Any]:
    """Return densities from inside and outside the well, their bound parts, and the states.

    A low rate, so that the well is shallow and the continuum can be seen.
    """
    option = StepOption("call", 100.0, 1.0, (80.0, 125.0), (1.0, 0.0, 1.0))
    market = BlackScholesMarket(**MARKET)
    kernel = PricingKernel(option, market)
    centre = float(kernel.breaks[1]) / 2
    spot = np.geomspace(40.0, 250.0, 161)
    z = np.log(spot / option.barriers[0]) / market.vol
    states = kernel.bound_states()
    starts = []
    for label, at, note in (
        ("the centre of the well, 100", 100.0, "The bound states carry most of it."),
        ("outside the well, 65", 65.0, "Bound states alone are wrong: most of it is continuum."),
    ):
        z0 = float(np.log(at / option.barriers[0]) / market.vol)
        bound = sum(np.exp(-state.energy) * state(z0 - centre) * state(z - centre)
                    for state in states)  # fmt: skip
        starts.append({
            "label": label,
            "note": note,
            "density": [float(x) for x in kernel.density(z0, z, 1.0)],
            "bound": [float(x) for x in np.asarray(bound)],
        })  # fmt: skip
    return {
        "spot": [float(x) for x in spot],
        "barriers": list(option.barriers),
        "starts": starts,
        "energies": [state.energy for state in states],
        "states": [[float(x) for x in state(z - centre)] for state in states],
    }
