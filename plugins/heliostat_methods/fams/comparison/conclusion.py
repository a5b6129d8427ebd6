"""What a comparison comes to: each contestant's metrics or why there are none, and the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heliostat_methods.fams.comparison.contestants import FAMS, Contestant
from heliostat_methods.fams.comparison.outcome import Judged, Outcome
from heliostat_methods.fams.comparison.trained import Posed
from heliostat_methods.fams.comparison.tuning import Tuned
from heliostat_methods.fams.comparison.verdicts import beside, sentence
from heliostat_methods.fams.estimators.by_name import named
from heliostat_methods.fams.training.measures import CLAMPED, METRICS, Fitted
from heliostat_methods.fams.training.problem import Problem, judged_rows, training_rows


def concluded(
    given: Posed,
    tuned: Sequence[Tuned],
    fitted: Mapping[str, Sequence[Fitted]],
    sweep: Sequence[tuple[Contestant, Sequence[Fitted]]],
) -> Outcome:
    """Return the outcome of all trainings; `fitted`: those of a contestant's seeds, by its name."""
    config = given.config
    whole = {name: _columns(some) for name, some in fitted.items() if not _refusal(some)}
    tests = beside(whole, config.reference) if config.reference in whole else {}
    return Outcome(
        **_of_data(given.problem),
        seeds=config.seeds,
        criterion=config.criterion,
        reference=config.reference,
        of={name: list(what) for name, what in METRICS.items()},
        contestants=[
            _judged(one.contestant, fitted.get(one.contestant.name, []), one, tests)
            for one in tuned
        ],
        sweep=[_judged(one, results, None, {}) for one, results in sweep],
        rounds=[dict(one) for one in fitted[FAMS][0].rounds] if FAMS in fitted else [],
        sentence=sentence(tests, config.reference, config.seeds),
    )


def _of_data(problem: Problem) -> dict[str, Any]:
    sizes = problem.groups.sizes
    # parts are as large in any split
    train, test = (rows(problem, 0, "test") for rows in (training_rows, judged_rows))
    return {
        "dataset": problem.dataset,
        "rows": len(problem.labels),
        "groups": len(problem.names),
        "smallest": int(sizes.min()),
        "median": float(np.median(sizes)),
        "largest": int(sizes.max()),
        "positives": float(problem.labels.mean(dtype=np.float64)),
        "classes": list(problem.classes),
        "note": problem.note,
        "hint": problem.hint,
        "train_rows": len(train.labels),
        "test_rows": len(test.labels),
    }


def _columns(results: Sequence[Fitted]) -> dict[str, list[float]]:
    """Return the metrics that every training has, a column of seeds each."""
    return {
        name: [one.metrics[name] for one in results]
        for name in METRICS
        if all(name in one.metrics for one in results)
    }


def _missing(results: Sequence[Fitted]) -> dict[str, str]:
    """Return why a metric is no column: what was said where it was missing first."""
    found: dict[str, str] = {}
    for one in results:
        found = {**one.missing, **found}
    return {name: found[name] for name in METRICS if name in found}


def _refusal(results: Sequence[Fitted]) -> str:
    told = [(seed, one.refused) for seed, one in enumerate(results) if one.refused]
    if not told:
        return ""
    first, why = told[0]
    some = f"in {len(told)} of {len(results)} trainings, first with seed {first}: "
    return why if len(told) == len(results) else f"{some}{why}"


def _remarks(results: Sequence[Fitted], tuned: Tuned) -> list[str]:
    """Return sentences on what trainings had to bear."""
    told = f"tuning: {tuned.lost} of {tuned.trials} trials had to do without some blocks"
    found = [told] if tuned.lost else []
    for seed, one in enumerate(results):
        held = sum(CLAMPED in measures for measures in one.rounds)
        if one.lost:
            found.append(f"seed {seed}: {one.lost}")
        if held:
            found.append(
                f"seed {seed}: log-variances were held to their bounds in {held} of "
                f"{len(one.rounds)} rounds; a lower lr_posterior may do better"
            )
    return found


def _judged(
    one: Contestant,
    results: Sequence[Fitted],
    tuning: Tuned | None,
    tests: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> Judged:
    """Return a contestant as it was judged; one of the sweep was not tuned and is not tested."""
    tuned = tuning or Tuned(one, 0, 0, None, None, 0.0)
    refused = tuned.refused or _refusal(results)
    usable = [] if refused else results
    return Judged(
        name=one.name,
        label=one.shown,
        sentence=named(one.name).sentence,
        needs_groups=named(one.name).needs_groups,
        parameters=dict(one.parameters),
        trials=tuned.trials,
        failed=tuned.failed,
        chosen=tuned.value,
        default=tuned.default,
        tuning_passes=tuned.passes,
        passes=usable[0].passes if usable else 0.0,
        metrics=_columns(usable) if usable else {},
        missing=_missing(usable),
        refused=refused,
        beside=tests.get(one.name, {}),
        curves=[dict(curve) for curve in usable[0].curves] if usable else [],
        remarks=_remarks(results, tuned),
    )
