"""A third-party optimiser through `map`: scipy's differential evolution calls us for its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from pydantic import Field

from heliostat import MethodConfig, MethodSpec, Metric, Run, TaskContext


class CurveFitConfig(MethodConfig):
    """Fit a damped oscillation to noisy points."""

    points: int = Field(60, ge=8, description="measured points")
    noise: float = Field(0.05, ge=0, description="standard deviation of the noise")
    generations: int = Field(12, ge=1, description="generations of differential evolution")
    population: int = Field(8, ge=5, description="members for each of the three parameters")


def oscillation(t: np.ndarray[Any, Any], parameters: Iterable[float]) -> np.ndarray[Any, Any]:
    """Return the damped oscillation at times t (seconds) for (decay, frequency, phase)."""
    decay, frequency, phase = parameters
    curve: np.ndarray[Any, Any] = np.exp(-decay * t) * np.cos(2 * np.pi * frequency * t + phase)
    return curve


def misfit(item: tuple[float, ...], ctx: TaskContext) -> float:
    """Return the mean squared residual of one set of parameters."""
    data = ctx.shared()
    return float(np.mean((data["y"] - oscillation(data["t"], item)) ** 2))


def search(config: CurveFitConfig, run: Run) -> dict[str, Any]:
    """Run scipy's optimiser unchanged; `workers=` hands each generation to `run.map`."""
    # half a second: not for every command that lists methods, nor for a worker
    from scipy.optimize import differential_evolution

    t = np.linspace(0.0, 4.0, config.points)
    truth = (0.5, 1.3, 0.4)
    y = oscillation(t, truth) + config.noise * run.rng("noise").standard_normal(config.points)
    data = run.share({"t": t, "y": y})
    generation = 0

    def evaluate(function: Callable[..., Any], members: Iterable[Any]) -> list[float]:
        nonlocal generation
        items = [tuple(float(x) for x in member) for member in members]
        values = [outcome.unwrap() for outcome in run.map(misfit, items, shared=data)]
        run.report(generation, of=config.generations, count=len(values), best=min(values))
        generation += 1
        return values

    found = differential_evolution(
        lambda parameters: 0.0,
        bounds=[(0.0, 2.0), (0.5, 3.0), (-1.0, 1.0)],
        rng=run.rng("optimiser"),
        maxiter=config.generations,
        popsize=config.population,
        updating="deferred",
        polish=False,
        workers=evaluate,
    )
    return {"parameters": [float(x) for x in found.x], "misfit": float(found.fun)}


METHOD = MethodSpec(
    name="curve_fit",
    summary="scipy's differential evolution, unchanged, on any number of workers",
    paper="textbook",
    config=CurveFitConfig,
    search=search,
    outputs={"misfit": Metric("min")},
    presets={"smoke": {"generations": 4}, "demo": {}},
    unit="candidates",
)
