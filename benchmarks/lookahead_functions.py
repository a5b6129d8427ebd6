"""Functions with known minima, as tasks that worker processes can import."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heliostat import TaskContext
from heliostat_search.strategies.space import Real

# Dixon and Szego 1978: Hartmann's function in six dimensions, least -3.32237
ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann6(params: dict[str, float], ctx: TaskContext) -> float:
    """Return Hartmann's function of six numbers in [0, 1]."""
    x = np.array([params[name] for name in sorted(params)])
    return float(-ALPHA @ np.exp(-np.sum(A * (x - P) ** 2, axis=1)))


def ackley5(params: dict[str, float], ctx: TaskContext) -> float:
    """Return Ackley's function of five numbers in [-5, 5], least 0 (Ackley 1987)."""
    x = np.array([params[name] for name in sorted(params)])
    wave = float(np.mean(np.cos(2 * math.pi * x)))
    return -20 * math.exp(-0.2 * math.sqrt(float(np.mean(x * x)))) - math.exp(wave) + 20 + math.e


FUNCTIONS: dict[str, tuple[Any, dict[str, Real]]] = {
    "hartmann6": (hartmann6, {f"x{i}": Real(0.0, 1.0) for i in range(6)}),
    "ackley5": (ackley5, {f"x{i}": Real(-5.0, 5.0) for i in range(5)}),
}
