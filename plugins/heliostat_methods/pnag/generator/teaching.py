"""The finished generator: taught by all that is known, then asked for budgets in between.

By policy gradient as the paper has it, then by the best of what was evaluated (`imitation`). On
NAS-Bench-Graph's cora, after 200 evaluations, the first alone said the cheapest for all budgets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.pnag.descent.schedule import Descent
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.budget_embedding import log_spaced
from heliostat_methods.pnag.generator.evaluator import ArchitectureEvaluator
from heliostat_methods.pnag.generator.evaluator_training import EvaluatorTraining, train_evaluator
from heliostat_methods.pnag.generator.imitation import Imitation, train_imitation
from heliostat_methods.pnag.generator.inference import generate
from heliostat_methods.pnag.generator.knots import place_knots
from heliostat_methods.pnag.generator.policy import PolicyTraining, train_policy
from heliostat_methods.pnag.generator.rewards import Reward, pareto_reward, sound
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Streams = Callable[..., np.random.Generator]
SAMPLES = 64
"""Architectures drawn for a budget, for the case that its likeliest one does not fit it."""


@dataclass(frozen=True)
class TeachingSettings:
    """How evaluator and generator are trained on what a search has left."""

    knots: int = 5
    widths: tuple[int, ...] = (128, 128)
    evaluator: EvaluatorTraining = field(
        default_factory=lambda: EvaluatorTraining(Descent(epochs=300))
    )
    policy: PolicyTraining = field(default_factory=lambda: PolicyTraining(steps=120))
    imitation: Imitation = field(default_factory=Imitation)


@dataclass(frozen=True, eq=False)
class Taught:
    """A generator that has been taught, the budgets it knows, and what ranks what it says."""

    generator: ArchitectureGenerator
    budgets: tuple[float, float]
    reward: Reward

    def spread(self, count: int) -> NDArray[np.float64]:
        """Return budgets evenly spaced in log cost over those that it knows."""
        found: NDArray[np.float64] = log_spaced(*self.budgets, count)
        return found

    def candidates(self, budget: float, rng: np.random.Generator) -> Archs:
        """Return the likeliest architecture for a budget, then samples, the best ranked first.

        Who knows what they cost takes the first that fits.
        """
        likeliest = generate(self.generator, budget, verify=False)
        drawn = generate(
            self.generator, budget, SAMPLES, mode="sample", verify=False, evaluator=self.reward,
            rng=rng,
        )  # fmt: skip
        found: Archs = np.concatenate([likeliest.archs, drawn.archs])
        return found


def taught(
    space: SearchSpace, archs: Archs, accuracy: NDArray[np.float64], cost: NDArray[np.float64],
    settings: TeachingSettings, streams: Streams,
) -> Taught:  # fmt: skip
    """Return a generator taught by architectures (n, decisions) with accuracy and cost (n,)."""
    knots = place_knots(accuracy, cost, settings.knots).values
    encoding = space.encode(archs)
    evaluator = ArchitectureEvaluator(
        encoding.shape[1], knots, streams("evaluator weights"), settings.widths
    )
    train_evaluator(evaluator, encoding, accuracy, cost, settings.evaluator, streams("ranking"))
    generator = ArchitectureGenerator(space.decisions, knots, streams("generator weights"))

    def encode(rows: Archs) -> NDArray[np.float64]:
        return space.encode(rows).astype(np.float64)

    reward = sound(space, pareto_reward(evaluator, encode), knots)
    train_policy(generator, reward, settings.policy, streams("policy"))
    train_imitation(generator, archs, accuracy, cost, settings.imitation, streams("imitation"))
    # the knots of a narrow front begin below its cheapest, where no answer could fit
    least = max(float(knots[0]), float(cost.min()))
    return Taught(generator, (least, float(knots[-1])), reward)
