"""What a generator proposes that was trained, across all budgets, on what is known.

A round: knots on the front's range of costs, the evaluator ranks what is known, the generator
learns a few steps by policy gradient, says architectures for many budgets; these, mutants of them
and children of the front are ranked at every knot, the best of each knot in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.budget_embedding import Interpolation, draw_budgets
from heliostat_methods.pnag.generator.evaluator import ArchitectureEvaluator
from heliostat_methods.pnag.generator.evaluator_training import (
    AUTHORS_EVALUATOR,
    EvaluatorTraining,
    train_evaluator,
)
from heliostat_methods.pnag.generator.knots import Spacing, place_knots
from heliostat_methods.pnag.generator.policy import Mode, PolicyTraining, train_policy
from heliostat_methods.pnag.generator.ranking import Kind
from heliostat_methods.pnag.generator.rewards import (
    Absolute,
    Reward,
    absolute_reward,
    pareto_reward,
    sound,
)
from heliostat_methods.pnag.searchers.candidates import moved, parents
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.searcher import Cost, Streams
from heliostat_methods.pnag.searchers.surrogate import Means
from heliostat_methods.pnag.spaces.moves import mutate
from heliostat_methods.pnag.spaces.space import Archs, SearchSpace

Rewarded = Literal["pareto"] | Absolute
Budgets = Literal["joint", "independent"]
NEAR = 1.001
"""Factor between the two knots that stand for one budget."""


@dataclass(frozen=True)
class GeneratorSettings:
    """How a generator is trained, and the ablations.

    `knots`: K. `budgets`: one generator for all, or one for each knot with a Kth of the steps.
    `reward`: the evaluator's rank, or MnasNet's or TuNAS's formula of predicted accuracy and cost.
    `samples`: architectures said a round. `epochs`: of the evaluator. `mode` "paper" trains both as
    the authors' code does, whatever else is set of that.
    """

    knots: int = 10
    spacing: Spacing = "front"
    budgets: Budgets = "joint"
    reward: Rewarded = "pareto"
    interpolation: Interpolation = "linear"
    loss: Kind = "logistic"
    masked: bool = True
    baseline: bool = True
    entropy: float = 0.1
    rate: float = 5e-3
    steps: int = 80
    samples: int = 256
    epochs: int = 150
    width: int = 128
    mode: Mode = "ours"

    @property
    def policy(self) -> PolicyTraining:
        """How the generator is trained."""
        if self.mode == "paper":
            return PolicyTraining.of("paper")
        return PolicyTraining(
            steps=self.steps, rate=self.rate, entropy=self.entropy,
            last_entropy=self.entropy, baseline=self.baseline,
        )  # fmt: skip

    @property
    def evaluator(self) -> EvaluatorTraining:
        """How the evaluator is trained."""
        if self.mode == "paper":
            return replace(AUTHORS_EVALUATOR, kind=self.loss)
        usual = EvaluatorTraining(kind=self.loss)
        return replace(usual, descent=replace(usual.descent, epochs=self.epochs))


class GeneratorProposals:
    """Evaluator and generators that go on from round to round."""

    def __init__(
        self, settings: GeneratorSettings, space: SearchSpace, streams: Streams, cost: Cost | None
    ) -> None:
        self._settings, self._space, self._cost = settings, space, cost
        self._streams = streams
        self._generators: list[ArchitectureGenerator] = []
        self._rounds = 0

    def __call__(self, memory: Memory, count: int) -> Archs:
        """Return up to `count` architectures that were not asked for."""
        with one_thread():
            rng = self._streams("generator", self._rounds)
            self._rounds += 1
            known = memory.known
            knots = place_knots(
                known.accuracy, known.cost, self._settings.knots, self._settings.spacing
            ).values
            evaluator = self._evaluator(memory, knots, rng)
            self._train(memory, evaluator, knots, rng)
            said = self._said(knots, rng)
            rate = 1 / len(self._space.decisions)
            front = known.archs[parents(memory.points)]
            pool = memory.fresh(np.concatenate([
                said, mutate(self._space, said, rate, rng),
                moved(self._space, front, self._settings.samples, rng),
            ]))  # fmt: skip
            if len(pool) == 0:
                return pool
            return pool[self._best(pool, evaluator, knots, count)]

    def _evaluator(
        self, memory: Memory, knots: NDArray[np.float64], rng: np.random.Generator
    ) -> ArchitectureEvaluator:
        known, settings = memory.known, self._settings
        encoding = self._space.encode(known.archs)
        widths = (512, 512) if settings.mode == "paper" else (settings.width, settings.width)
        made = ArchitectureEvaluator(
            encoding.shape[1], knots, rng, widths, interpolation=settings.interpolation
        )
        train_evaluator(made, encoding, known.accuracy, known.cost, settings.evaluator, rng)
        return made

    def _train(
        self,
        memory: Memory,
        evaluator: ArchitectureEvaluator,
        knots: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        settings = self._settings
        reward = self._reward(memory, evaluator)
        places = [knots] if settings.budgets == "joint" else [
            np.array([knot / NEAR, knot]) for knot in knots]  # fmt: skip
        if not self._generators:
            self._generators = [
                ArchitectureGenerator(
                    self._space.decisions, place, rng, interpolation=settings.interpolation,
                    masked=settings.masked and settings.mode != "paper",
                )
                for place in places
            ]  # fmt: skip
        policy = settings.policy
        policy = replace(policy, steps=max(1, policy.steps // len(places)))
        for generator, place in zip(self._generators, places, strict=True):
            generator.budget.move(place)
            train_policy(generator, sound(self._space, reward, knots), policy, rng)

    def _reward(self, memory: Memory, evaluator: ArchitectureEvaluator) -> Reward:
        if self._settings.reward == "pareto":
            return pareto_reward(evaluator, lambda archs: self._space.encode(archs).astype(float))
        means = Means(self._space, memory, self._cost)
        return absolute_reward(means.accuracy, means.cost, self._settings.reward)

    def _said(self, knots: NDArray[np.float64], rng: np.random.Generator) -> Archs:
        count = max(1, self._settings.samples // len(self._generators))
        with torch.no_grad():
            said = [
                one.sample(draw_budgets(one.budget.knots, count, rng), rng).archs
                for one in self._generators
            ]
        archs = self._space.canonical(np.concatenate(said))
        return archs[self._space.valid(archs)]

    def _best(
        self,
        pool: Archs,
        evaluator: ArchitectureEvaluator,
        knots: NDArray[np.float64],
        count: int,
    ) -> NDArray[np.int64]:
        """Return the places of the best of each knot in turn; what is known not to fit last."""
        encoding = self._space.encode(pool)
        scores = np.stack([evaluator.score(encoding, knot) for knot in knots])
        if self._cost is not None:
            over = self._cost(pool)[None] > knots[:, None]
            scores = np.where(over, scores - 2 * np.ptp(scores) - 1, scores)
        orders = np.argsort(-scores, axis=1, kind="stable")
        # the knots by which a batch is smaller than K are spread as well
        turn = orders.T[:, _spread(len(knots), count)].ravel()
        _, first = np.unique(turn, return_index=True)
        return turn[np.sort(first)][:count]


def _spread(knots: int, count: int) -> NDArray[np.int64]:
    if count >= knots:
        return np.arange(knots)
    return np.unique(np.linspace(0, knots - 1, count).round().astype(np.int64))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, so that sums have one order, and leave its setting as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
