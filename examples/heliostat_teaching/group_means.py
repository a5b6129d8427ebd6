"""A bilevel loop with `share`: groups fit themselves, an upper level pulls them together."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from heliostat import MethodConfig, MethodSpec, Metric, Run, Shared, TaskContext


class GroupMeansConfig(MethodConfig):
    """Regress many small groups whose coefficients resemble each other."""

    groups: int = Field(6, ge=2, description="number of groups")
    samples: int = Field(12, ge=3, description="samples in each group")
    rounds: int = Field(10, ge=1, description="rounds of the upper level")
    pull: float = Field(1.0, ge=0, description="weight of the common coefficients")


def fit_group(item: tuple[int, Shared[Any]], ctx: TaskContext) -> dict[str, Any]:
    """Ridge regression of one group towards the common coefficients."""
    group, center = item
    theta, pull, samples = ctx.shared(center)
    rng = ctx.rng("data", group)  # by name: the same data in every round, on every worker
    own = np.array([1.0, -2.0, 0.5]) + 0.2 * rng.standard_normal(3)
    x = rng.standard_normal((samples, 3))
    y = x @ own + 0.3 * rng.standard_normal(samples)
    left = x.T @ x + pull * np.eye(3)
    fitted = np.linalg.solve(left, x.T @ y + pull * theta)
    return {"theta": fitted, "loss": float(np.mean((y - x @ fitted) ** 2))}


def search(config: GroupMeansConfig, run: Run) -> dict[str, Any]:
    """Alternate: fit all groups around the center, move the center to their mean."""
    step, (theta, loss) = run.restore((0, (np.zeros(3), float("nan"))))
    for t in range(step, config.rounds):
        center = run.share((theta, config.pull, config.samples))
        items = [(group, center) for group in range(config.groups)]
        fits = [outcome.unwrap() for outcome in run.map(fit_group, items, shared=center)]
        theta = np.mean([fit["theta"] for fit in fits], axis=0)
        loss = float(np.mean([fit["loss"] for fit in fits]))
        run.report(t + 1, of=config.rounds, count=(t + 1) * config.groups, loss=loss)
        run.checkpoint(t + 1, (theta, loss))
    run.save("center", theta)
    return {"theta": theta, "loss": loss}


METHOD = MethodSpec(
    name="group_means",
    summary="bilevel regression of groups around a common center",
    paper="textbook",
    config=GroupMeansConfig,
    search=search,
    outputs={"loss": Metric("min")},
    presets={"smoke": {"rounds": 4}, "demo": {"rounds": 50}},
    unit="fits",
)
