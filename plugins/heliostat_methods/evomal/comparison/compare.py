"""The comparison: the found loss against the standard one and others, on test data, paired seeds.

Both losses are trained at the configured learning rate, and both at the rate that is best for each
on validation data: a scaled loss is a scaled learning rate, so part of what a search finds may be
a rate. Seed k gives all of them the same initial model and batches. The intervals cover these
trainings, not the search nor the split of the data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliostat import Run, Shared
from heliostat_methods.evomal.comparison.contestants import Contestant
from heliostat_methods.evomal.comparison.outcome import (
    ComparedLoss,
    Comparison,
    Curve,
    ReferenceTest,
)
from heliostat_methods.evomal.comparison.paired_seeds import OverSeeds, PairedTest
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.searches.settings import comparison_training, needs
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import (
    LossTraining,
    LossTrainingSettings,
    TrainedScores,
    train_loss,
)
from heliostat_search.statistics import mean_interval

CURVE_POINTS = 25


def compare(
    config: EvoMALConfig, posed: Posed, which: int, contestants: Sequence[Contestant], run: Run
) -> Comparison:
    """Return test metrics of the losses, with intervals, and paired tests against the first.

    The standard and the found loss are trained at both rates, references at their best one. Rows
    are called by role, `_best_rate` appended at the best rate.
    """
    training = comparison_training(config)
    spread = np.linspace(0, config.test_steps, CURVE_POINTS + 1)
    steps = tuple(int(s) for s in np.unique(spread.astype(int)))
    losses = tuple(one.loss for one in contestants)
    settings = run.share(LossTrainingSettings(losses, training, steps))
    entries: list[tuple[str, str, int, float]] = []
    tried = _rates_tried(config, posed, which, contestants, settings, run)
    for i, one in enumerate(contestants):
        # ties go to the factor nearest 1
        factor = min(
            tried[_name(one, i)], key=lambda pair: (pair[1], abs(np.log(pair[0])), pair[0])
        )[0]
        if one.role != "reference":
            entries.append((one.role, one.label, i, 1.0))
        tuned = f"{one.label}, rate x {factor:g}"
        entries.append((f"{_name(one, i)}_best_rate", tuned, i, factor))
    blocks = _seed_blocks(config)
    trainings = [
        LossTraining(posed.problems, settings, which, loss, factor, seeds, "test")
        for _, _, loss, factor in entries
        for seeds in blocks
    ]
    scores = _trained(trainings, config, posed, run, losses=len(contestants))
    rows: list[ComparedLoss] = []
    for i, (role, label, _, factor) in enumerate(entries):
        mine = scores[i * len(blocks) : (i + 1) * len(blocks)]
        said = OverSeeds.of(np.concatenate([s.metric for s in mine]))
        rate = training.learning_rate * factor
        rows.append(
            ComparedLoss(role, label, rate, said.values, said.diverged, said.mean,
                         said.low, said.high, _curve(mine))
        )  # fmt: skip
    values = {one.role: one.values for one in rows}

    def against(first: str, second: str) -> PairedTest | None:
        return PairedTest.between(values[first], values[second]) if first in values else None

    return Comparison(
        metric=posed.group[which].metric,
        seeds=config.test_seeds,
        steps=config.test_steps,
        curve_steps=steps,
        losses=tuple(rows),
        rates_tried=tried,
        references=tuple(
            ReferenceTest(one.label, against(f"{_name(one, i)}_best_rate", "standard_best_rate"))
            for i, one in enumerate(contestants)
            if one.role == "reference"
        ),
        at_same_rate=against("found", "standard"),
        at_best_rates=against("found_best_rate", "standard_best_rate"),
    )


def _name(one: Contestant, place: int) -> str:
    return f"reference{place}" if one.role == "reference" else one.role


def _seed_blocks(config: EvoMALConfig) -> list[tuple[int, ...]]:
    seeds = tuple(range(config.test_seeds))
    return [seeds[i : i + config.test_block] for i in range(0, len(seeds), config.test_block)]


def _rates_tried(
    config: EvoMALConfig,
    posed: Posed,
    which: int,
    contestants: Sequence[Contestant],
    settings: Shared[LossTrainingSettings],
    run: Run,
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return (factor, mean validation metric) of every rate tried for each contestant."""
    # Seeds of their own, so that the comparison's seeds do not also choose its opponent.
    seeds = tuple(range(config.test_seeds, config.test_seeds + config.test_block))
    trainings = [
        LossTraining(posed.problems, settings, which, loss, factor, seeds, "valid")
        for loss in range(len(contestants))
        for factor in config.rate_factors
    ]
    each = len(config.rate_factors)
    told = {"losses": len(contestants), "rates": each}
    means = [float(np.mean(s.metric)) for s in _trained(trainings, config, posed, run, **told)]
    return {
        _name(one, i): tuple(
            zip(config.rate_factors, means[i * each : (i + 1) * each], strict=True)
        )
        for i, one in enumerate(contestants)
    }


def _trained(
    trainings: list[LossTraining], config: EvoMALConfig, posed: Posed, run: Run, **told: float
) -> list[TrainedScores]:
    """Run the trainings, reporting before the first, which may take long, and on the way."""
    scores, trained = [], 0
    resources = needs(config, posed.group)
    run.report(0, of=len(trainings), **told, trained=0.0)
    for outcome in run.stream(
        train_loss, trainings, shared=trainings[0].handles, resources=resources
    ):
        scores.append(outcome.unwrap())
        trained += len(trainings[len(scores) - 1].seeds)
        run.report(len(scores), of=len(trainings), **told, trained=float(trained))
    return scores


def _curve(scores: list[TrainedScores]) -> Curve:
    curves = np.concatenate([s.curve for s in scores])
    curves[~np.isfinite(curves)] = np.nan
    kept = curves[np.isfinite(curves).all(axis=1)]
    if not len(kept):
        return Curve()
    mean = kept.mean(axis=0)
    half = np.zeros_like(mean)
    if len(kept) >= 2:
        half = np.array([mean_interval(column).half_width for column in kept.T])
    mean_, low, high = (tuple(float(v) for v in part) for part in (mean, mean - half, mean + half))
    return Curve(mean_, low, high)
