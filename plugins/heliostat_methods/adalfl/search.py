"""The search: losses begun, a rate chosen for each contestant, then paired trainings compared."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

from heliostat import ConfigError, Run
from heliostat_methods.adalfl.comparison.concluding import Found, concluded
from heliostat_methods.adalfl.comparison.contestants import Contestant, contestants
from heliostat_methods.adalfl.comparison.products import save_losses
from heliostat_methods.adalfl.comparison.trained import (
    Posed,
    begin_losses,
    trainings,
    valid_curves,
)
from heliostat_methods.adalfl.config import AdaLFLConfig
from heliostat_methods.adalfl.tasks import Settings
from heliostat_search.devices import refuse_missing_gpu
from heliostat_search.supervised.problem import Problem, posed
from heliostat_search.trainings.choosing import Choice, choose
from heliostat_search.trainings.rates import checkpoints


def search(config: AdaLFLConfig, run: Run) -> dict[str, Any]:
    """Begin, tune, train and compare the losses of a configuration."""
    refuse_missing_gpu(config.device, run)
    some = contestants(config)
    loaded = posed(run, config.dataset, config.model, config.fractions, config.metric)
    _refuse_other_losses(some, loaded.problem, run)
    settings = _settings(config, some)
    given = Posed(config, loaded.problem, run.share(loaded.problem), settings, run.share(settings))
    begin_losses(given, some, run)
    cost_at = [_cost_place(config, one, settings.measured_at) for one in some]
    choices = _choices(given, some, cost_at, run)
    found = _compared(given, some, choices, run)
    save_losses(given, some, choices, found, run)
    return concluded(given, some, choices, found, cost_at, loaded.remarks).plain()


def _settings(config: AdaLFLConfig, some: Sequence[Contestant]) -> Settings:
    costs = [step for one in some if (step := _cost_step(config, one)) is not None]
    measured_at = sorted(dict.fromkeys([*checkpoints(config.steps), *costs]))
    last = config.snapshots - 1
    drawn_at = dict.fromkeys(round(config.steps * k / last) for k in range(config.snapshots))
    return Settings(
        config.learning_rate, config.momentum, config.nesterov, config.weight_decay,
        config.batch_size, config.steps, config.rate_drops, tuple(measured_at), tuple(drawn_at),
        config.on_divergence,
    )  # fmt: skip


def _cost_step(config: AdaLFLConfig, one: Contestant) -> int | None:
    """Return the steps that cost as much as the whole training with the task's own loss."""
    step = int((config.steps - one.before) / one.step_cost)
    return step if step >= 1 else None


def _cost_place(config: AdaLFLConfig, one: Contestant, steps: Sequence[int]) -> int | None:
    step = _cost_step(config, one)
    return None if step is None else bisect.bisect_left(steps, step)


def _choices(
    given: Posed, some: Sequence[Contestant], cost_at: Sequence[int | None], run: Run
) -> list[Choice]:
    config = given.config
    run.phase(f"{given.problem.name}: choosing rates")

    def valid(asked: Sequence[tuple[int, float]]) -> list[Any]:
        pairs = [(some[i], factor) for i, factor in asked]
        found = trainings(given, pairs, given.choosing, False, run)
        run.report(len(asked), count=len(asked))
        return [valid_curves(blocks) for blocks in found]

    return choose(len(some), given.steps, config.rate_factors, config.rate_growths, valid, cost_at)


def _compared(
    given: Posed, some: Sequence[Contestant], choices: Sequence[Choice], run: Run
) -> list[Found]:
    run.phase(f"{given.problem.name}: comparing")
    asked = [(i, factor) for i, choice in enumerate(choices) for factor in choice.factors]
    pairs = [(some[i], factor) for i, factor in asked]
    found: list[dict[float, Any]] = [{} for _ in some]
    for (i, factor), blocks in zip(
        asked, trainings(given, pairs, given.paired, True, run), strict=True
    ):
        found[i][factor] = blocks
    return list(found)


def _refuse_other_losses(some: Sequence[Contestant], problem: Problem, run: Run) -> None:
    """Raise ConfigError before any work for a loss of the other kind of task."""
    for one in some:
        if one.frozen is None:
            continue
        part = run.part("loss", one.frozen)
        tasks = tuple(getattr(part, "tasks", (problem.task,)))
        if problem.task not in tasks:
            place = one.name.removeprefix("reference")
            raise ConfigError(
                f"references[{place}]", one.frozen.name, f"a loss for {problem.task}",
                f"it is for {' and '.join(tasks)}; {problem.name} is for {problem.task}",
            )  # fmt: skip
