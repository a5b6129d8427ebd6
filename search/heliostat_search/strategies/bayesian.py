"""Samplers of Optuna behind `run`: ask ahead, tell in an order that no worker decides.

Optuna only proposes. Trials are evaluated through `run`, as tasks (`minimize`) or as sub-searches
of their own (`minimize_search`); up to `run.lookahead` of them (or `at_once`) are under way at a
time, and they are told in virtual finish order. So one process, any number of workers and any
number of kills and resumes give equal trials: a resume tells the sampler again what the journal
holds.

A search may end before its budget does (`stopping`), trials of sub-searches may be given up on the
way (`pruning`), and parameters may depend on others (`conditions`).

A trial that failed is told as failed; one with a value that is missing or not a number counts as
the worst in every objective, and is neither the best nor a member of the front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.contract import Outcome, Resources, Run, SharedData, Task
from heliostat.errors import ConfigError, Key, MisuseError, TooManyFailures
from heliostat_search.strategies.conditions import NO_CONDITIONS, Conditions
from heliostat_search.strategies.samplers import (
    SAMPLERS,
    Optimiser,
    Params,
    check_sampler,
    losses,
    make_sampler,
)
from heliostat_search.strategies.space import Space
from heliostat_search.strategies.stopping import Stopping, StopRules
from heliostat_search.strategies.trial_run import Pruning, Watch
from heliostat_search.strategies.trials import (
    TRIALS_KIND,
    Trial,
    Trials,
    product_of,
    read_values,
)

__all__ = [
    "FEWEST_TO_GIVE_UP", "SAMPLERS", "TRIALS_KIND", "Optimiser", "Params", "Pruning", "StopRules",
    "Trial", "Trials", "check_sampler", "losses", "make_sampler", "minimize", "minimize_search",
    "read_values",
]  # fmt: skip

FEWEST_TO_GIVE_UP = 8
"""Trials told of which all failed, after which a search ends in an error."""
NO_RULES = StopRules()


def minimize(
    run: Run,
    task: Task[dict[str, Any], Any],
    space: Space,
    trials: int,
    *,
    objectives: Mapping[str, str] | None = None,
    sampler: str = "tpe",
    initial: Sequence[Params] = (),
    cost: Callable[[Params], float] = lambda params: 1.0,
    at_once: int | None = None,
    when: Conditions = NO_CONDITIONS,
    stop: StopRules = NO_RULES,
    shared: SharedData = None,
    resources: Resources | None = None,
    name: str = "trials",
) -> Trials:
    """Search the parameters for which `task(params, ctx)` is best, and save the trials.

    `objectives`: "min" or "max" by name, one called value to be minimised by default. The task
    returns a number, several in that order, or a mapping that holds them. `initial` is tried first.
    `cost` is a trial's expected duration in any unit. `at_once`: how many trials are under way at
    a time, by default `run.lookahead`. `when`: the conditions of parameters that are not always
    there. `stop`: what ends the search early. `name` names the stream and the product.
    Raises TooManyFailures when the first trials all fail.
    """

    def begin(number: int, params: dict[str, Any]) -> Key:
        return run.submit(task, params, cost=cost(params), shared=shared, resources=resources)

    plan = _Plan(space, trials, objectives or VALUE, sampler, initial, at_once, when, stop, name)
    timed = stop.seconds is not None
    return _Search(run, plan, begin, lambda number: run.elapsed() if timed else None).trials()


def minimize_search(
    run: Run,
    search: Callable[[dict[str, Any], Run], Any],
    space: Space,
    trials: int,
    *,
    objectives: Mapping[str, str] | None = None,
    sampler: str = "tpe",
    initial: Sequence[Params] = (),
    cost: Callable[[Params], float] = lambda params: 1.0,
    at_once: int | None = None,
    when: Conditions = NO_CONDITIONS,
    stop: StopRules = NO_RULES,
    pruning: Pruning | None = None,
    name: str = "trials",
) -> Trials:
    """Search the parameters for which a sub-search `search(params, run)` gives the best result.

    As `minimize`, but a trial may use all of `run`, with keys and streams of its own, and may be
    given up by what it reports (`pruning`). Raises ConfigError when trials do not report that.
    """
    plan = _Plan(space, trials, objectives or VALUE, sampler, initial, at_once, when, stop, name)
    if pruning is not None and len(plan.objectives) > 1:
        raise ConfigError("pruning", pruning.metric, "one objective where trials are given up")
    # measured in the trials, so that a limit of time moves no key and changes no trial
    watch = Watch(pruning, timed=stop.seconds is not None)

    def begin(number: int, params: dict[str, Any]) -> Key:
        watched = watch.trial(number, lambda sub: search(params, sub))
        return run.branch(watched, cost=cost(params))

    return _Search(run, plan, begin, watch.seconds.get, watch).trials()


VALUE = {"value": "min"}
"""The objective of a search that names none."""


@dataclass(frozen=True)
class _Plan:
    """What a search of parameters goes by."""

    space: Space
    budget: int
    objectives: Mapping[str, str]
    sampler: str
    initial: Sequence[Params]
    at_once: int | None
    when: Conditions
    stop: StopRules
    name: str

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ConfigError("trials", self.budget, "a positive number")
        if self.at_once is not None and self.at_once < 1:
            raise ConfigError("at_once", self.at_once, "a positive number")


class _Search:
    """One search: its trials asked for ahead, and told one by one in virtual finish order."""

    def __init__(
        self,
        run: Run,
        plan: _Plan,
        begin: Callable[[int, dict[str, Any]], Key],
        seconds: Callable[[int], float | None],
        watch: Watch | None = None,
    ) -> None:
        if run.outstanding:
            raise MisuseError("take all outcomes with next() before a search of parameters begins")
        self._run, self._plan = run, plan
        self._begin, self._seconds, self._watch = begin, seconds, watch
        self._directions = list(plan.objectives.values())
        self._optimiser = Optimiser(
            plan.space,
            self._directions,
            sampler=plan.sampler,
            seed=run.seed64(plan.name, "sampler"),
            initial=plan.initial,
            when=plan.when,
        )
        self._stopping = Stopping(plan.stop, self._directions[0])
        self._params: list[dict[str, Any]] = []
        self._numbers: dict[Key, int] = {}
        self._done: dict[int, Trial] = {}
        self._last: Key = ()
        self._best = math.inf
        self._undefined = self._pruned = 0

    def trials(self) -> Trials:
        """Return all trials, and save them as a product."""
        plan, stopped = self._plan, None
        self._ask()
        while self._run.outstanding:
            trial = self._next()
            complete = self._losses(trial)
            ended = self._stopping.tell(trial.number, complete, self._seconds(trial.number))
            self._give_up_if_all_failed()
            self._report(trial)
            # once all trials of the budget are under way, only a target says more than it does
            if ended and (len(self._params) < plan.budget or ended.rule == "target"):
                stopped = stopped or ended
            if stopped is None:
                self._ask()
        done = tuple(self._done[number] for number in sorted(self._done))
        found = Trials(dict(plan.objectives), done, stopped)
        content = product_of(found, plan.space, plan.sampler)
        self._run.save(plan.name, content, kind=TRIALS_KIND)
        return found

    def _ask(self) -> None:
        most = self._plan.at_once or self._run.lookahead
        while len(self._params) < self._plan.budget and self._run.outstanding < most:
            number, asked = self._optimiser.ask()
            self._numbers[self._begin(number, asked)] = number
            self._params.append(asked)

    def _next(self) -> Trial:
        outcome = self._run.next()
        self._last = outcome.key
        number = self._numbers[outcome.key]
        trial = self._trial(number, outcome)
        self._done[number] = trial
        pruned = None
        if trial.pruned is not None:
            step, value = trial.pruned
            pruned = step, losses([value], self._directions)[0]
        self._optimiser.tell(number, trial.values, pruned=pruned)
        return trial

    def _trial(self, number: int, outcome: Outcome[Any]) -> Trial:
        params = self._params[number]
        ended = None if self._watch is None else self._watch.tell(outcome)
        if outcome.failure is not None:
            return Trial(number, params, None, outcome.failure.kind)
        if ended is None:
            return Trial(number, params, read_values(outcome.value, list(self._plan.objectives)))
        reports = tuple(zip(ended.course.steps, ended.course.values, strict=True))
        if ended.pruned:
            return Trial(number, params, pruned=reports[-1], reports=reports)
        values = read_values(ended.value, list(self._plan.objectives))
        return Trial(number, params, values, reports=reports)

    def _losses(self, trial: Trial) -> tuple[float, ...] | None:
        return None if trial.values is None else losses(trial.values, self._directions)

    def _give_up_if_all_failed(self) -> None:
        done = self._done
        if len(done) == FEWEST_TO_GIVE_UP and all(trial.failed for trial in done.values()):
            first = min(key for key, number in self._numbers.items() if number in done)
            what = done[self._numbers[first]].failure
            raise TooManyFailures(self._last, self._plan.name, len(done), what, at=first)

    def _report(self, trial: Trial) -> None:
        names = self._plan.objectives
        named = zip(names, trial.values or (), strict=False)
        metrics = {name: value for name, value in named if not math.isnan(value)}
        self._undefined += trial.values is not None and len(metrics) < len(names)
        self._pruned += trial.pruned is not None
        if len(names) == 1:
            self._best = min((self._best, *(self._losses(trial) or ())))
            if math.isfinite(self._best):
                metrics["best"] = self._best if self._directions == ["min"] else -self._best
        if self._undefined:
            metrics["no_number"] = self._undefined
        if self._pruned:
            metrics["pruned"] = self._pruned
        told = len(self._done)
        self._run.report(told, of=self._plan.budget, count=told, **metrics)
