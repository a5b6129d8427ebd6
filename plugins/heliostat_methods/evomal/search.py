"""The search: a loss for every data set (or one for all), then what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from heliostat import ConfigError, Run
from heliostat_methods.evomal.comparison.account import account_of
from heliostat_methods.evomal.comparison.contestants import Contestant, opponents_for
from heliostat_methods.evomal.comparison.outcome import Account
from heliostat_methods.evomal.comparison.records import plain
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.loading import Loaded, load
from heliostat_methods.evomal.searches.by_name import find_losses
from heliostat_methods.evomal.searches.operations import with_operations
from heliostat_methods.evomal.searches.readable import readable
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.study.outcome import Outcome
from heliostat_methods.evomal.tasks import Problems
from heliostat_search.devices import refuse_missing_gpu


def search(config: EvoMALConfig, run: Run) -> Any:
    """Search a loss on every data set, then compare each with the standard and other losses."""
    refuse_missing_gpu(config.device, run)
    config = with_operations(config, run)
    if config.study is not None:
        from heliostat_methods.evomal.study.table import study  # a search alone needs none of it

        return plain(study(config, config.study, run))
    loaded = [load(config, ref, config.model, run) for ref in config.datasets]
    problems = [one.data for one in loaded]
    names = [data.name for data in problems]
    if len(set(names)) < len(names):
        raise ConfigError("datasets", names, "data sets with different names")
    # All that can be refused is asked for before anything is computed.
    opponents = {data.name: opponents_for(config, data.task, run) for data in problems}
    by_name = {one.data.name: one for one in loaded}
    for name, one in by_name.items():
        run.save(f"data-{name}", one.labels.data, kind="data")
    targets = _targets(config, loaded, run)
    for data in (*problems, *(one.data for one in targets)) if config.augment else ():
        if len(data.input_shape) != 3:
            raise ConfigError("augment", config.augment.model_dump() if config.augment else None,
                              "data sets of images", f"{data.name} has none")  # fmt: skip
    if config.together:
        kinds = sorted({data.task for data in problems})
        if len(kinds) > 1:
            raise ConfigError("together", True, "data sets of one kind of task", ", ".join(kinds))
        groups = [tuple(problems)]
    else:
        groups = [(data,) for data in problems]
    accounts = run.gather(
        *(_one_search(config, group, opponents, by_name, targets) for group in groups)
    )
    flat = tuple(account for group in accounts for account in group)
    means = [
        one.comparison.best_of("found").mean
        for one in flat
        if one.comparison is not None and one.comparison.of_found
    ]
    outcome = Outcome(
        baseline=config.baseline,
        problems=flat,
        best_fitness=_mean([one.best[0].fitness for one in flat if one.best]),
        test_metric=_mean([mean for mean in means if mean is not None]),
    )
    return plain(outcome)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _one_search(
    config: EvoMALConfig,
    group: Problems,
    opponents: dict[str, list[Contestant]],
    loaded: dict[str, Loaded],
    targets: list[Loaded],
) -> Callable[[Run], list[Account]]:
    def start(run: Run) -> list[Account]:
        posed = Posed(group, run.share(group), tuple(f"loss-{data.name}" for data in group))
        where = ", ".join(data.name for data in group)
        run.phase(f"{where}: searching")
        found = find_losses(config, posed, run)
        run.phase(f"{where}: shortening")
        found = readable(found, config, posed, run)
        return [
            account_of(config, posed, t, found, opponents[d.name], loaded[d.name], targets, run)
            for t, d in enumerate(group)
        ]

    return start


def _targets(config: EvoMALConfig, loaded: list[Loaded], run: Run) -> list[Loaded]:
    """Return the problems that the losses are tried on afterwards."""
    targets = []
    for i, target in enumerate(config.transfer):
        other = load(config, target.dataset, target.model or config.model, run)
        for data in (one.data for one in loaded):
            if other.data.task != data.task:
                raise ConfigError(
                    f"transfer[{i}].dataset", other.data.name, f"a data set for {data.task}",
                    f"{other.data.name} is for {other.data.task}",
                )  # fmt: skip
        targets.append(other)
    return targets
