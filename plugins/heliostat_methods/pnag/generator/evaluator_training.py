"""How an evaluator learns: pairs of a batch ranked under one budget drawn for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.descent.perceptron import clip_gradients
from heliostat_methods.pnag.descent.schedule import AUTHORS_DESCENT, Descent, held_out
from heliostat_methods.pnag.generator.budget_embedding import Draw, draw_budgets, one_of
from heliostat_methods.pnag.generator.evaluator import ArchitectureEvaluator
from heliostat_methods.pnag.generator.labels import Ties, pareto_labels
from heliostat_methods.pnag.generator.ranking import KINDS, Kind, kendall_tau, pairwise_rank_loss
from heliostat_methods.pnag.spaces.measures import accuracies, costs, same_length


@dataclass(frozen=True)
class EvaluatorTraining:
    """Settings. `clip`: largest norm of a gradient. `held_out`: share that tau is measured on."""

    descent: Descent = field(default_factory=Descent)
    clip: float = 1.0
    kind: Kind = "logistic"
    draw: Draw = "continuous"
    ties: Ties = 0
    held_out: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.clip) and self.clip > 0):
            raise ConfigError("clip", self.clip, "a number above 0")
        one_of("kind", self.kind, KINDS)
        one_of("draw", self.draw, ("continuous", "knots"))


AUTHORS_EVALUATOR = EvaluatorTraining(
    Descent(
        epochs=200,
        optimiser="sgd",
        rate=AUTHORS_DESCENT.rate,
        weight_decay=AUTHORS_DESCENT.weight_decay,
        cosine_epochs=AUTHORS_DESCENT.cosine_epochs,
    ),
    draw="knots",
    ties="minus_one",
    held_out=0.2,
)
"""As the authors' code trains: the rate falls over 1,000 epochs, of which 200 are made. The paper
itself states the hinge ([R], not checked against its text)."""


@dataclass(frozen=True)
class EvaluatorFit:
    """Mean loss of each epoch, tau on what was held out, and batches that had no pair.

    `kendall`: mean over the knots of the agreement with the labels there, None without samples held
    out or without a pair of them. An epoch's loss is None where none of its batches had a pair.
    """

    losses: tuple[float | None, ...]
    kendall: float | None
    undefined: int


def train_evaluator(
    evaluator: ArchitectureEvaluator,
    encoding: NDArray[np.float32],
    accuracy: ArrayLike,
    cost: ArrayLike,
    settings: EvaluatorTraining,
    rng: np.random.Generator,
) -> EvaluatorFit:
    """Train an evaluator in place on encodings (n, features) with accuracy and cost (n,).

    Raises DataError for no samples, an accuracy that is no fraction, a cost that is not above 0,
    and ConfigError for a rate at which the scores are no longer numbers.
    """
    samples = _samples(encoding, accuracies(accuracy), costs(cost))
    kept, rest = held_out(len(samples.cost), settings.held_out, rng)
    trained = samples.at(kept)
    optimiser = settings.descent.start(evaluator.parameters())
    losses: list[float | None] = []
    undefined = 0
    for epoch in range(settings.descent.epochs):
        terms = []
        for rows in settings.descent.batches(len(kept), rng):
            budget = draw_budgets(evaluator.budget.knots, 1, rng, settings.draw)[0]
            loss = _batch_loss(evaluator, trained.at(rows), budget, settings)
            if loss is None:
                undefined += 1
                continue
            clip_gradients(evaluator.parameters(), settings.clip)
            optimiser.step(settings.descent.rate_in(epoch))
            terms.append(loss)
        losses.append(float(np.mean(terms)) if terms else None)
    return EvaluatorFit(tuple(losses), _agreement(evaluator, samples.at(rest)), undefined)


@dataclass(frozen=True, eq=False)
class _Samples:
    encoding: NDArray[np.float32]
    accuracy: NDArray[np.float64]
    cost: NDArray[np.float64]

    def at(self, rows: NDArray[np.int64]) -> _Samples:
        return _Samples(self.encoding[rows], self.accuracy[rows], self.cost[rows])


def _samples(
    encoding: NDArray[np.float32], accuracy: NDArray[np.float64], cost: NDArray[np.float64]
) -> _Samples:
    same_length(accuracy=accuracy, cost=cost)
    if len(cost) == 0:
        raise DataError("encoding: no architecture, expected one at least to learn from")
    if encoding.ndim != 2 or len(encoding) != len(cost):
        raise DataError(f"encoding ({len(cost)}, features) needed, got {encoding.shape}")
    return _Samples(encoding, accuracy, cost)


def _batch_loss(
    evaluator: ArchitectureEvaluator, batch: _Samples, budget: float, settings: EvaluatorTraining
) -> float | None:
    """Return a batch's loss, its gradients left with the parameters; None without a pair."""
    labels = pareto_labels(batch.accuracy, batch.cost, budget, settings.ties)
    if not labels.any():
        return None
    inputs = torch.from_numpy(batch.encoding).to(evaluator.budget.vectors)
    scores = evaluator(inputs, budget)
    if not bool(torch.isfinite(scores).all()):
        raise ConfigError(
            "rate", settings.descent.rate, "a smaller rate: scores are no longer finite"
        )
    loss = pairwise_rank_loss(scores, labels, settings.kind)
    loss.value.backward()  # type: ignore[no-untyped-call]
    return float(loss.value.detach())


def _agreement(evaluator: ArchitectureEvaluator, samples: _Samples) -> float | None:
    if len(samples.cost) == 0:
        return None
    found = []
    for budget in evaluator.budget.knots:
        labels = pareto_labels(samples.accuracy, samples.cost, float(budget))
        found.append(kendall_tau(evaluator.score(samples.encoding, budget), labels))
    known = [tau for tau in found if tau is not None]
    return float(np.mean(known)) if known else None
