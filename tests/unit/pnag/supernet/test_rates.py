import warnings

import pytest
import torch

from heliostat_methods.pnag.supernet.rates import RATES


def of_torch(name: str, steps: int, peak: float) -> list[float]:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], peak)
    if name == "cosine":
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    else:
        # torch puts the peak at 0.3 * steps - 1 and counts its end from the start rate: the same
        # curve is had by shifting the one and scaling the other.
        schedule = torch.optim.lr_scheduler.OneCycleLR(  # type: ignore[assignment]
            optimiser, peak, steps, pct_start=(0.3 * steps + 1) / steps, final_div_factor=1e4 / 25,
            cycle_momentum=False,
        )  # fmt: skip
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(steps):
            found.append(optimiser.param_groups[0]["lr"])
            schedule.step() if len(found) < steps else None
    return found


@pytest.mark.parametrize("name", ["one_cycle", "cosine"])
def test_rates_are_those_of_torch(name: str) -> None:
    steps = 40
    ours = [RATES[name](step, steps, 0.3) for step in range(steps)]
    torch.testing.assert_close(ours, of_torch(name, steps, 0.3), atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize("name", ["one_cycle", "cosine"])
@pytest.mark.parametrize("steps", [1, 2, 3, 1000])
def test_rates_are_between_nothing_and_the_peak(name: str, steps: int) -> None:
    rates = [RATES[name](step, steps, 0.3) for step in range(steps)]
    assert all(0 < rate <= 0.3 for rate in rates)
