"""The test metric during training, over steps and over what those steps cost."""

from __future__ import annotations

from collections.abc import Callable

from heliostat.report import Plot, Section
from heliostat_search.trainings.numbers import Plain, drawable, spread_out
from heliostat_search.trainings.pictures import learning_curve
from heliostat_search.trainings.sections import curves_over_steps
from heliostat_search.trainings.wording import metric_text


def learning_curves(outcome: Plain) -> list[Section]:
    """Return the two pictures; nothing where no training stayed finite."""
    shown = [one for one in outcome["contestants"] if one["course"]["mean"]]
    if not shown:
        return []
    metric = metric_text(outcome)
    log = spread_out([v for one in shown for v in drawable(one["course"]["mean"])])
    several = outcome["seeds"] > 1
    steps = curves_over_steps(outcome, [(one["label"], one["course"]) for one in shown])
    cost = Plot(
        f"Test {metric} over gradient evaluations", "gradient evaluations", metric,
        [learning_curve(one["label"], one["course"], several, _paid(one)) for one in shown],
        log_y=log,
        note="The same over what was computed: a loss that adapts is stretched by its costlier "
        "steps, one that was learned before begins where its learning ended. What leads here is "
        f"worth its price. Compared at equal cost is what stands left of {outcome['budget']:,.0f}; "
        "there each has a rate of its own.",
    )  # fmt: skip
    return [Section("Learning curves", [steps, cost])]


def _paid(one: Plain) -> Callable[[float], float]:
    before, cost = one["before"], one["step_cost"]
    return lambda step: float(before + cost * step)
