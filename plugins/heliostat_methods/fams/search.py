"""The search: every estimator tuned alike, then trained with several seeds, then compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heliostat import ConfigError, Resources, Run
from heliostat.errors import ResourceError
from heliostat_methods.fams.comparison.contestants import FAMS, Contestant
from heliostat_methods.fams.comparison.outcome import Judged, Outcome
from heliostat_methods.fams.comparison.trained import Posed, Seeds, trained
from heliostat_methods.fams.comparison.tuning import Tuned, tune
from heliostat_methods.fams.comparison.verdicts import beside, sentence
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.estimators.by_name import named
from heliostat_methods.fams.training.measures import METRICS, Fitted
from heliostat_methods.fams.training.problem import judged_rows, posed, training_rows

SEEDS = 2**31


def search(config: FAMSConfig, run: Run) -> dict[str, Any]:
    """Tune, train and compare the estimators of a configuration on its subgroups."""
    _refuse_missing_gpu(config, run)
    _refuse_other_loss(config, run)
    problem = posed(config, run)
    given = Posed(config, problem, run.share(problem))
    seeds = [_seeds(run, number) for number in range(config.seeds)]
    tuned = run.gather(*(tune(given, name, _seeds(run, "tuning")) for name in config.methods))
    usable = [one for one in tuned if not one.refused]
    fitted = dict(
        zip(
            [one.contestant.name for one in usable],
            run.gather(*(_repeated(given, one.contestant, seeds) for one in usable)),
            strict=True,
        )
    )
    sweep = _sweep(given, tuned, seeds, run)
    return _outcome(given, tuned, fitted, sweep, run).plain()


def _refuse_other_loss(config: FAMSConfig, run: Run) -> None:
    """Raise ConfigError before any work for a loss that is for numbers, not for classes."""
    if config.loss is None:
        return
    tasks = tuple(getattr(run.part("loss", config.loss), "tasks", ("classification",)))
    if "classification" not in tasks:
        raise ConfigError(
            "loss", config.loss.name, "a loss for classification", f"it is for {tasks[0]}"
        )


def _seeds(run: Run, name: int | str) -> Seeds:
    return Seeds(run.seed64("split", name) % SEEDS, run.seed64("training", name) % SEEDS)


def _refuse_missing_gpu(config: FAMSConfig, run: Run) -> None:
    if config.device != "cuda":
        return
    try:
        run.require(Resources(gpus=1))
    except ResourceError as error:
        raise ConfigError("device", config.device, "'cpu' or 'auto' here", str(error)) from None


def _repeated(
    given: Posed, one: Contestant, seeds: Sequence[Seeds]
) -> Callable[[Run], list[Fitted]]:
    judgings = [given.judging("test", curves=place == 0) for place in range(len(seeds))]
    return lambda run: trained(given, one, seeds, judgings, run)


def _sweep(
    given: Posed, tuned: Sequence[Tuned], seeds: Sequence[Seeds], run: Run
) -> list[tuple[Contestant, list[Fitted]]]:
    """Return the method with other weights of the divergence, all else as it was tuned."""
    own = next((one.contestant for one in tuned if one.contestant.name == FAMS), None)
    if own is None or not given.config.lambdas:
        return []
    asked = [
        Contestant(FAMS, {**own.parameters, "lam": lam}, f"lambda {lam:g}")
        for lam in given.config.lambdas
    ]
    return list(
        zip(asked, run.gather(*(_repeated(given, one, seeds) for one in asked)), strict=True)
    )


def _outcome(
    given: Posed,
    tuned: Sequence[Tuned],
    fitted: dict[str, list[Fitted]],
    sweep: Sequence[tuple[Contestant, list[Fitted]]],
    run: Run,
) -> Outcome:
    problem, config = given.problem, given.config
    whole = {name: results for name, results in fitted.items() if not _refusal(results)}
    columns = {name: _columns(results) for name, results in whole.items()}
    tests = beside(columns, config.reference) if config.reference in columns else {}
    train, test = (rows(problem, 0, "test") for rows in (training_rows, judged_rows))  # any split
    sizes = problem.groups.sizes
    return Outcome(
        dataset=problem.dataset,
        rows=len(problem.labels),
        groups=len(problem.names),
        smallest=int(sizes.min()),
        median=float(np.median(sizes)),
        largest=int(sizes.max()),
        positives=float(problem.labels.mean(dtype=np.float64)),
        note=problem.note,
        train_rows=len(train.labels),
        test_rows=len(test.labels),
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


def _columns(results: Sequence[Fitted]) -> dict[str, list[float]]:
    return {name: [one.metrics[name] for one in results] for name in METRICS}


def _refusal(results: Sequence[Fitted]) -> str:
    told = [(seed, one.refused) for seed, one in enumerate(results) if one.refused]
    if not told:
        return ""
    first, why = told[0]
    some = f"in {len(told)} of {len(results)} trainings, first with seed {first}: "
    return why if len(told) == len(results) else f"{some}{why}"


def _lost(results: Sequence[Fitted], tuning: Tuned | None) -> list[str]:
    tuned = [] if tuning is None or not tuning.lost else [
        f"tuning: {tuning.lost} of {tuning.trials} trials had to do without some blocks"
    ]  # fmt: skip
    return tuned + [f"seed {seed}: {one.lost}" for seed, one in enumerate(results) if one.lost]


def _judged(
    one: Contestant,
    results: Sequence[Fitted],
    tuning: Tuned | None,
    tests: dict[str, dict[str, dict[str, Any]]],
) -> Judged:
    refused = (tuning.refused if tuning else "") or _refusal(results)
    chosen = named(one.name)
    return Judged(
        name=one.name,
        label=one.shown,
        sentence=chosen.sentence,
        needs_groups=chosen.needs_groups,
        parameters=dict(one.parameters),
        trials=0 if tuning is None else tuning.trials,
        failed=0 if tuning is None else tuning.failed,
        chosen=None if tuning is None else tuning.value,
        default=None if tuning is None else tuning.default,
        tuning_passes=0.0 if tuning is None else tuning.passes,
        passes=0.0 if refused or not results else results[0].passes,
        metrics={} if refused or not results else _columns(results),
        refused=refused,
        beside={} if one.label else tests.get(one.name, {}),
        curves=[dict(curve) for curve in results[0].curves] if results and not refused else [],
        lost=_lost(results, tuning),
    )
