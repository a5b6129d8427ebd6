"""Policy gradient: a generator learns to say what is rewarded under each budget.

max E_B E_(alpha ~ pi(.|B)) [R(alpha | B)] + lambda H(pi(.|B)), by REINFORCE (Williams 1992). A rank
loss fixes R only up to a constant of each budget, so without a baseline the gradient has an
arbitrary offset: rewards are standardised among the samples of one budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.descent.adam import Adam
from heliostat_methods.pnag.descent.schedule import HIGHEST_RATE
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.budget_embedding import Draw, draw_budgets, one_of
from heliostat_methods.pnag.generator.rewards import Reward
from heliostat_methods.pnag.spaces.measures import finite

Mode = Literal["ours", "paper"]
LEAST_SPREAD = 1e-6
"""Added to the standard deviation of a budget's rewards."""


@dataclass(frozen=True)
class PolicyTraining:
    """Settings of one training.

    A step takes `samples` architectures of each of `budgets` budgets; `draw` says where budgets
    come from. `entropy` is lambda, which goes straight to `last_entropy` over the steps.
    `baseline`: rewards are standardised by budget; without it they are multiplied by `scale`.
    """

    steps: int = 120
    budgets: int = 8
    samples: int = 8
    rate: float = 5e-3
    entropy: float = 0.1
    last_entropy: float = 0.01
    baseline: bool = True
    scale: float = 1.0
    draw: Draw = "continuous"

    def __post_init__(self) -> None:
        for name in ("steps", "budgets", "samples"):
            if getattr(self, name) < 1:
                raise ConfigError(name, getattr(self, name), "an integer, at least 1")
        for name in ("rate", "scale"):
            if not 0 < getattr(self, name) <= HIGHEST_RATE:
                expected = f"a number above 0, at most {HIGHEST_RATE:g}"
                raise ConfigError(name, getattr(self, name), expected)
        for name in ("entropy", "last_entropy"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ConfigError(name, getattr(self, name), "a number, at least 0")
        one_of("draw", self.draw, ("continuous", "knots"))
        if self.baseline and self.samples < 2:
            raise ConfigError(
                "samples", self.samples, "2 or more of each budget", "or set baseline = false"
            )

    @classmethod
    def of(cls, mode: Mode) -> PolicyTraining:
        """Return the settings of a mode: "ours", or "paper", as the authors' code trains.

        The authors' generator also says decisions that do not exist (`masked = False`).
        """
        one_of("mode", mode, ("ours", "paper"))
        if mode == "ours":
            return cls()
        return cls(
            steps=10_001,
            budgets=1,
            samples=1,
            rate=3e-4,
            entropy=1e-3,
            last_entropy=1e-3,
            baseline=False,
            scale=1e-3,
            draw="knots",
        )

    def entropy_at(self, step: int) -> float:
        """Return lambda in a step, counted from 0."""
        done = step / max(self.steps - 1, 1)
        return self.entropy + (self.last_entropy - self.entropy) * done


@dataclass(frozen=True, eq=False)
class PolicyCurve:
    """Mean reward and mean entropy of each step's samples, (steps,)."""

    reward: NDArray[np.float64]
    entropy: NDArray[np.float64]


def train_policy(
    generator: ArchitectureGenerator,
    reward: Reward,
    settings: PolicyTraining,
    rng: np.random.Generator,
) -> PolicyCurve:
    """Train a generator in place by a reward of architectures under budgets.

    `reward` sees architectures (n, decisions), -1 where a decision does not exist, and budgets
    (n,). Raises DataError for a reward that is not finite or of another length, and ConfigError for
    a rate at which the generator's numbers are no longer finite.
    """
    optimiser = Adam(generator.parameters())
    curve = np.zeros((2, settings.steps))
    for step in range(settings.steps):
        drawn = draw_budgets(generator.budget.knots, settings.budgets, rng, settings.draw)
        budgets = np.repeat(drawn, settings.samples)
        said = generator.sample(budgets, rng)
        rewards = _rewards(reward(said.archs, budgets), len(budgets))
        gains = torch.from_numpy(advantages(rewards, settings)).to(said.log_prob)
        loss = -(gains * said.log_prob).mean() - settings.entropy_at(step) * said.entropy.mean()
        if not bool(torch.isfinite(loss)):
            raise ConfigError("rate", settings.rate, "a smaller rate: the loss is not finite")
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step(settings.rate)
        curve[:, step] = rewards.mean(), float(said.entropy.detach().mean())
    return PolicyCurve(curve[0], curve[1])


def advantages(rewards: NDArray[np.float64], settings: PolicyTraining) -> NDArray[np.float64]:
    """Return what the log-probability of each sample is multiplied by; samples budget by budget."""
    if not settings.baseline:
        return rewards * settings.scale
    of_budget = rewards.reshape(settings.budgets, settings.samples)
    centred = of_budget - of_budget.mean(1, keepdims=True)
    spread = np.sqrt((centred**2).mean(1, keepdims=True))
    result: NDArray[np.float64] = (centred / (spread + LEAST_SPREAD)).reshape(-1)
    return result


def _rewards(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    rewards = finite(values, "reward")
    if len(rewards) != count:
        raise DataError(f"reward: one for each of {count} architectures needed, got {len(rewards)}")
    return rewards
