"""The comparison: the found loss against the standard one, on test data, over paired seeds.

Both losses are trained at the configured learning rate, and both at the rate that is best for each
on validation data: a scaled loss is a scaled learning rate, so part of what a search finds may be
a rate. Seed k gives all of them the same initial model and batches. The intervals cover these
trainings, not the search nor the split of the data.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from heliostat import Run, Shared
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.expression import LossExpression
from heliostat_methods.evomal.tasks import ProblemData, Trial, TrialScores, train_loss
from heliostat_methods.evomal.training import TrainingConfig
from heliostat_search.statistics import mean_interval, paired

CURVE_POINTS = 25


def compare(
    config: EvoMALConfig,
    data: ProblemData,
    problem: Shared[ProblemData],
    found: LossExpression,
    standard: dict[str, Any],
    run: Run,
) -> dict[str, Any]:
    """Return test metrics of both losses at both rates, with intervals and paired tests."""
    training = TrainingConfig(
        steps=config.test_steps,
        learning_rate=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
        batch_size=config.batch_size,
    )
    steps = tuple(int(s) for s in np.unique(np.linspace(0, config.test_steps, CURVE_POINTS + 1)))
    contestants = []
    tried = {}
    for role, label, loss in (
        ("standard", standard["name"], standard["loss"]),
        ("found", "found", found.to_dict()),
    ):
        factor, tried[role] = _best_rate(config, problem, loss, training, run)
        best = replace(training, learning_rate=training.learning_rate * factor)
        contestants.append((role, label, loss, training))
        contestants.append((f"{role}_best_rate", f"{label}, rate x {factor:g}", loss, best))
    trials = [
        Trial(problem, loss, how, seeds, "test", steps)
        for _, _, loss, how in contestants
        for seeds in _seed_blocks(config)
    ]
    scores = [o.unwrap() for o in run.map(train_loss, trials, shared=problem)]
    each = len(_seed_blocks(config))
    table: list[dict[str, Any]] = []
    values: dict[str, np.ndarray[Any, Any]] = {}
    for i, (role, label, _, how) in enumerate(contestants):
        mine = scores[i * each : (i + 1) * each]
        values[role] = np.concatenate([s.metric for s in mine])
        table.append(
            {
                "role": role,
                "label": label,
                "learning_rate": how.learning_rate,
                **_summary(values[role]),
                "curve": _curve(mine),
            }
        )
    return {
        "metric": data.metric,
        "seeds": config.test_seeds,
        "steps": config.test_steps,
        "curve_steps": list(steps),
        "losses": table,
        "rates_tried": tried,
        "at_same_rate": _paired(values["found"], values["standard"]),
        "at_best_rates": _paired(values["found_best_rate"], values["standard_best_rate"]),
    }


def _seed_blocks(config: EvoMALConfig) -> list[tuple[int, ...]]:
    seeds = tuple(range(config.test_seeds))
    return [seeds[i : i + config.test_block] for i in range(0, len(seeds), config.test_block)]


def _best_rate(
    config: EvoMALConfig,
    problem: Shared[ProblemData],
    loss: dict[str, Any],
    training: TrainingConfig,
    run: Run,
) -> tuple[float, list[list[float]]]:
    """Return the factor with the least mean validation metric; ties go to the one nearest 1."""
    # Seeds of their own, so that the comparison's seeds do not also choose its opponent.
    seeds = tuple(range(config.test_seeds, config.test_seeds + config.test_block))
    trials = [
        Trial(
            problem,
            loss,
            replace(training, learning_rate=training.learning_rate * factor),
            seeds,
            "valid",
        )
        for factor in config.rate_factors
    ]
    scores = [o.unwrap() for o in run.map(train_loss, trials, shared=problem)]
    means = [float(np.mean(s.metric)) for s in scores]
    tried = [[f, m] for f, m in zip(config.rate_factors, means, strict=True)]
    best = min(tried, key=lambda pair: (pair[1], abs(np.log(pair[0])), pair[0]))
    return best[0], tried


def _summary(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    account: dict[str, Any] = {
        "values": [float(v) for v in values],
        "diverged": int(len(values) - len(finite)),
    }
    if len(finite) >= 2:
        interval = mean_interval(finite)
        account |= {"mean": interval.mean, "low": interval.low, "high": interval.high}
    return account


def _paired(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> dict[str, Any] | None:
    """Return the paired difference a - b over the seeds at which neither diverged."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 2:
        return None
    result = paired(a[both], b[both])
    return {
        "n": result.n,
        "difference": asdict(result.difference),
        "t_p": result.t_p,
        "wilcoxon_p": result.wilcoxon_p,
    }


def _curve(scores: list[TrialScores]) -> dict[str, list[float]]:
    curves = np.concatenate([s.curve for s in scores])
    curves[~np.isfinite(curves)] = np.nan
    kept = curves[np.isfinite(curves).all(axis=1)]
    if not len(kept):
        return {"mean": [], "low": [], "high": []}
    mean = kept.mean(axis=0)
    half = np.zeros_like(mean)
    if len(kept) >= 2:
        half = np.array([mean_interval(column).half_width for column in kept.T])
    return {
        "mean": [float(v) for v in mean],
        "low": [float(v) for v in mean - half],
        "high": [float(v) for v in mean + half],
    }
