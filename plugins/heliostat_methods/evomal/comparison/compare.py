"""The comparison: the found loss against the standard one and others, on test data, paired seeds.

Both losses are trained at the configured learning rate, and both at the rate that is best for each
on validation data: a scaled loss is a scaled learning rate, so part of what a search finds may be
a rate. Seed k gives all of them the same initial model and batches. The intervals cover these
trainings, not the search nor the split of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from heliostat import Run, Shared
from heliostat_methods.evomal.comparison.contestants import Contestant
from heliostat_methods.evomal.comparison.paired_seeds import paired_difference, summary
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.learners.training import TrainingConfig
from heliostat_methods.evomal.searches.settings import comparison_training, needs, settled
from heliostat_methods.evomal.tasks import Problems, Trial, TrialScores, train_loss
from heliostat_search.statistics import mean_interval

CURVE_POINTS = 25


def compare(
    config: EvoMALConfig,
    data: ProblemData,
    problems: Shared[Problems],
    which: int,
    contestants: Sequence[Contestant],
    run: Run,
) -> dict[str, Any]:
    """Return test metrics of the losses, with intervals, and paired tests against the first.

    The standard and the found loss are trained at both rates, references at their best one. Rows
    are called by role, `_best_rate` appended at the best rate.
    """
    config = settled(config, (data,))
    training = comparison_training(config)
    spread = np.linspace(0, config.test_steps, CURVE_POINTS + 1)
    steps = tuple(int(s) for s in np.unique(spread.astype(int)))
    entries: list[tuple[str, Contestant, TrainingConfig]] = []
    tried = _rates_tried(config, problems, which, contestants, training, run)
    for i, one in enumerate(contestants):
        # ties go to the factor nearest 1
        factor = min(
            tried[_name(one, i)], key=lambda pair: (pair[1], abs(np.log(pair[0])), pair[0])
        )[0]
        best = replace(training, learning_rate=training.learning_rate * factor)
        if one.role != "reference":
            entries.append((one.role, one, training))
        tuned = replace(one, label=f"{one.label}, rate x {factor:g}")
        entries.append((f"{_name(one, i)}_best_rate", tuned, best))
    blocks = _seed_blocks(config)
    trials = [
        Trial(problems, which, one.loss, how, seeds, "test", steps)
        for _, one, how in entries
        for seeds in blocks
    ]
    scores = _trained(trials, problems, config, run, losses=len(contestants))
    table: list[dict[str, Any]] = []
    values: dict[str, np.ndarray[Any, Any]] = {}
    for i, (role, one, how) in enumerate(entries):
        mine = scores[i * len(blocks) : (i + 1) * len(blocks)]
        values[role] = np.concatenate([s.metric for s in mine])
        table.append(
            {
                "role": role,
                "label": one.label,
                "learning_rate": how.learning_rate,
                **summary(values[role]),
                "curve": _curve(mine),
            }
        )
    comparison: dict[str, Any] = {
        "metric": data.metric,
        "seeds": config.test_seeds,
        "steps": config.test_steps,
        "curve_steps": list(steps),
        "losses": table,
        "rates_tried": tried,
        "references": [
            {"label": one.label,
             "test": paired_difference(
                 values[f"{_name(one, i)}_best_rate"], values["standard_best_rate"])}
            for i, one in enumerate(contestants) if one.role == "reference"
        ],
    }  # fmt: skip
    if "found" in values:
        comparison["at_same_rate"] = paired_difference(values["found"], values["standard"])
        comparison["at_best_rates"] = paired_difference(
            values["found_best_rate"], values["standard_best_rate"]
        )
    return comparison


def _name(one: Contestant, place: int) -> str:
    return f"reference{place}" if one.role == "reference" else one.role


def _seed_blocks(config: EvoMALConfig) -> list[tuple[int, ...]]:
    seeds = tuple(range(config.test_seeds))
    return [seeds[i : i + config.test_block] for i in range(0, len(seeds), config.test_block)]


def _rates_tried(
    config: EvoMALConfig,
    problems: Shared[Problems],
    which: int,
    contestants: Sequence[Contestant],
    training: TrainingConfig,
    run: Run,
) -> dict[str, list[list[float]]]:
    """Return (factor, mean validation metric) of every rate tried for each contestant."""
    # Seeds of their own, so that the comparison's seeds do not also choose its opponent.
    seeds = tuple(range(config.test_seeds, config.test_seeds + config.test_block))
    plans = [
        replace(training, learning_rate=training.learning_rate * factor)
        for factor in config.rate_factors
    ]
    trials = [
        Trial(problems, which, one.loss, plan, seeds, "valid")
        for one in contestants
        for plan in plans
    ]
    told = {"losses": len(contestants), "rates": len(plans)}
    means = [float(np.mean(s.metric)) for s in _trained(trials, problems, config, run, **told)]
    each = len(plans)
    return {
        _name(one, i): [
            [f, m]
            for f, m in zip(config.rate_factors, means[i * each : (i + 1) * each], strict=True)
        ]
        for i, one in enumerate(contestants)
    }


def _trained(
    trials: list[Trial],
    problems: Shared[Problems],
    config: EvoMALConfig,
    run: Run,
    **told: float,
) -> list[TrialScores]:
    """Run the trials, reporting before the first, which may take long, and on the way."""
    scores, trained = [], 0
    run.report(0, of=len(trials), **told, trained=0.0)
    for outcome in run.stream(train_loss, trials, shared=problems, resources=needs(config)):
        scores.append(outcome.unwrap())
        trained += len(trials[len(scores) - 1].seeds)
        run.report(len(scores), of=len(trials), **told, trained=float(trained))
    return scores


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
