"""Samplers of Optuna behind `run`: ask ahead, tell in an order that no worker decides.

Optuna only proposes. Trials are evaluated through `run`, as tasks (`minimize`) or as sub-searches
of their own (`minimize_search`); up to `run.lookahead` of them (or `at_once`) are under way at a
time, and they are told in virtual finish order. So one process, any number of workers and any
number of kills and resumes give equal trials: a resume tells the sampler again what the journal
holds.

A trial that failed is told as failed; one with a value that is missing or not a number counts as
the worst in every objective, and is neither the best nor a member of the front.
"""

from __future__ import annotations

import inspect
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from heliostat.contract import Outcome, Resources, Run, SharedData, Task
from heliostat.errors import (
    ConfigError,
    Key,
    MisuseError,
    PluginError,
    TooManyFailures,
    did_you_mean,
)
from heliostat_search.pareto import front
from heliostat_search.strategies.space import Space, from_optuna, to_optuna, to_show

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

Params = Mapping[str, Any]

SAMPLERS: Mapping[str, str] = {
    "tpe": "tree-structured Parzen estimator; trials under way count as bad ones",
    "gp": "Gaussian process with expected improvement",
    "cmaes": "CMA-ES (numbers only; needs the package cmaes)",
    "nsga2": "NSGA-II, for several objectives",
    "nsga3": "NSGA-III, for many objectives",
    "qmc": "scrambled Sobol points",
    "random": "independent draws, the baseline of all others",
}
"""Sampler: what it is."""

TRIALS_KIND = "trials"
"""The kind of the product that a search leaves; `heliostat export --optuna` reads it."""
FEWEST_TO_GIVE_UP = 8


@dataclass(frozen=True)
class Trial:
    """One trial: its parameters, and a value for each objective, or why it has none."""

    number: int
    params: dict[str, Any]
    values: tuple[float, ...] | None = None
    failure: str = ""


@dataclass(frozen=True)
class Trials:
    """All trials of a search in the order of asking; `objectives` gives "min" or "max" by name."""

    objectives: dict[str, str]
    trials: tuple[Trial, ...]

    @property
    def complete(self) -> list[Trial]:
        """The trials that have values."""
        return [trial for trial in self.trials if trial.values is not None]

    @property
    def defined(self) -> list[Trial]:
        """The trials whose values are all numbers."""
        return [trial for trial in self.complete if not any(map(math.isnan, trial.values or ()))]

    @property
    def undefined(self) -> dict[str, int]:
        """In how many complete trials an objective was no number, of those where it was not."""
        columns = zip(*(trial.values or () for trial in self.complete), strict=True)
        counts = [sum(map(math.isnan, column)) for column in columns]
        return {name: n for name, n in zip(self.objectives, counts, strict=False) if n}

    @property
    def front(self) -> list[Trial]:
        """The trials, by the first objective, whose values are numbers that no other dominates."""
        done = self.defined
        if not done:
            return []
        return [done[i] for i in front([self.losses(trial) for trial in done])]

    @property
    def best(self) -> Trial | None:
        """The first trial that is best in the first objective, None when none has numbers."""
        ranked = sorted(self.defined, key=lambda t: (*self.losses(t), t.number))
        return ranked[0] if ranked else None

    def losses(self, trial: Trial) -> tuple[float, ...]:
        """Return a complete trial's values, all to be minimised; all infinite if one is NaN."""
        return losses(trial.values or (), list(self.objectives.values()))


class Optimiser:
    """An Optuna sampler in memory, seeded, asked and told by number."""

    def __init__(
        self,
        space: Space,
        directions: Sequence[str],
        *,
        sampler: str = "tpe",
        seed: int = 0,
        initial: Sequence[Params] = (),
        options: Params | None = None,
    ) -> None:
        if not space:
            raise ConfigError("space", {}, "at least one parameter")
        for direction in directions:
            if direction not in ("min", "max"):
                raise ConfigError("direction", direction, "min or max")
        self.space = space
        self.directions = tuple(directions)
        with _quiet():
            import optuna

            self._distributions = {name: d.distribution() for name, d in space.items()}

            self._study = optuna.create_study(
                study_name="trials",
                storage=optuna.storages.InMemoryStorage(),
                sampler=make_sampler(sampler, seed, len(self.directions), options),
                directions=["minimize"] * len(self.directions),
            )
            for params in initial:
                self._study.enqueue_trial({k: to_optuna(space[k], params[k]) for k in space})

    def ask(self) -> tuple[int, dict[str, Any]]:
        """Return number and parameters of the next trial."""
        with _quiet():
            trial = self._study.ask(self._distributions)
        return trial.number, {k: from_optuna(d, trial.params[k]) for k, d in self.space.items()}

    def tell(self, number: int, values: Sequence[float] | None) -> None:
        """Take in a trial's values, None when it failed."""
        from optuna.trial import TrialState

        with _quiet():
            if values is None:
                self._study.tell(number, state=TrialState.FAIL)
            else:
                self._study.tell(number, losses(values, self.directions))


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
    shared: SharedData = None,
    resources: Resources | None = None,
    name: str = "trials",
) -> Trials:
    """Search the parameters for which `task(params, ctx)` is best, and save the trials.

    `objectives`: "min" or "max" by name, one called value to be minimised by default. The task
    returns a number, several in that order, or a mapping that holds them. `initial` is tried first.
    `cost` is a trial's expected duration in any unit. `at_once`: how many trials are under way at
    a time, by default `run.lookahead`. `name` names the stream and the product.
    Raises TooManyFailures when the first trials all fail.
    """

    def begin(params: dict[str, Any]) -> Key:
        return run.submit(task, params, cost=cost(params), shared=shared, resources=resources)

    return _search(
        run, begin, space, trials, objectives or {"value": "min"}, sampler, initial, at_once, name
    )


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
    name: str = "trials",
) -> Trials:
    """Search the parameters for which a sub-search `search(params, run)` gives the best result.

    As `minimize`, but a trial may use all of `run`, with keys and streams of its own.
    """

    def begin(params: dict[str, Any]) -> Key:
        return run.branch(lambda sub: search(params, sub), cost=cost(params))

    return _search(
        run, begin, space, trials, objectives or {"value": "min"}, sampler, initial, at_once, name
    )


def make_sampler(
    name: str, seed: int, objectives: int = 1, options: Params | None = None
) -> BaseSampler:
    """Return a sampler of Optuna whose random state comes from `seed` alone.

    `options`: its class's keyword arguments by name (`population_size`, `n_startup_trials`, ...),
    which replace what is given here. Raises ConfigError for one that it does not have.
    """
    check_sampler(name, objectives)
    made: Callable[..., BaseSampler] = _sampler_class(name)
    given = _defaults(name) | dict(options or {})
    known = list(inspect.signature(made).parameters)
    for option, value in given.items():
        if option not in known or option == "seed":
            raise ConfigError(
                option, value, f"an option of {name}, without seed", did_you_mean(option, known)
            )
    # what numpy's RandomState takes
    return made(seed=seed % 2**32, **given)


def _sampler_class(name: str) -> type[BaseSampler]:
    from optuna import samplers

    classes: Mapping[str, type[BaseSampler]] = {
        "tpe": samplers.TPESampler,
        "gp": samplers.GPSampler,
        "cmaes": samplers.CmaEsSampler,
        "nsga2": samplers.NSGAIISampler,
        "nsga3": samplers.NSGAIIISampler,
        "qmc": samplers.QMCSampler,
        "random": samplers.RandomSampler,
    }
    return classes[name]


def _defaults(name: str) -> dict[str, Any]:
    if name == "tpe":
        # trials under way count as bad ones, so that no two are asked for in the same place
        return {"constant_liar": True}
    if name in ("cmaes", "qmc"):
        return {"warn_independent_sampling": False} | ({"scramble": True} if name == "qmc" else {})
    return {}


def check_sampler(name: str, objectives: int = 1) -> None:
    """Raise ConfigError when there is no such sampler here, or it takes one objective only."""
    if name not in SAMPLERS:
        raise ConfigError("sampler", name, "a sampler", did_you_mean(name, SAMPLERS))
    if name == "cmaes" and objectives > 1:
        raise ConfigError("sampler", name, "tpe, nsga2 or nsga3 for several objectives")
    needs = {"cmaes": "cmaes", "gp": "torch"}.get(name)
    if needs is not None and find_spec(needs) is None:
        raise ConfigError(
            "sampler", name, "a sampler that is installed here", f"it needs: pip install {needs}"
        )


def _search(
    run: Run,
    begin: Callable[[dict[str, Any]], Key],
    space: Space,
    trials: int,
    objectives: Mapping[str, str],
    sampler: str,
    initial: Sequence[Params],
    at_once: int | None,
    name: str,
) -> Trials:
    if trials < 1:
        raise ConfigError("trials", trials, "a positive number")
    if at_once is not None and at_once < 1:
        raise ConfigError("at_once", at_once, "a positive number")
    if run.outstanding:
        raise MisuseError("take all outcomes with next() before a search of parameters begins")
    optimiser = Optimiser(
        space,
        list(objectives.values()),
        sampler=sampler,
        seed=run.seed64(name, "sampler"),
        initial=initial,
    )
    params: list[dict[str, Any]] = []
    numbers: dict[Key, int] = {}
    done: dict[int, Trial] = {}
    best, undefined = math.inf, 0
    most = at_once or run.lookahead
    for told in range(1, trials + 1):
        while len(params) < trials and run.outstanding < most:
            number, asked = optimiser.ask()
            numbers[begin(asked)] = number
            params.append(asked)
        outcome = run.next()
        number = numbers[outcome.key]
        trial = _trial(number, params[number], outcome, objectives)
        done[number] = trial
        optimiser.tell(number, trial.values)
        if told == FEWEST_TO_GIVE_UP and all(t.values is None for t in done.values()):
            first = min(numbers, key=numbers.__getitem__)
            what = done[numbers[first]].failure
            raise TooManyFailures(outcome.key, name, told, what, at=first)
        named = zip(objectives, trial.values or (), strict=False)
        metrics = {name: value for name, value in named if not math.isnan(value)}
        undefined += trial.values is not None and len(metrics) < len(objectives)
        if metrics and len(objectives) == 1:
            (direction,) = objectives.values()
            best = min(best, *losses(trial.values or (), [direction]))
            metrics["best"] = best if direction == "min" else -best
        if undefined:
            metrics["no_number"] = undefined
        run.report(told, of=trials, count=told, **metrics)
    found = Trials(dict(objectives), tuple(done[number] for number in sorted(done)))
    run.save(name, _product(found, space, sampler), kind=TRIALS_KIND)
    return found


def _trial(
    number: int, params: dict[str, Any], outcome: Outcome[Any], objectives: Mapping[str, str]
) -> Trial:
    if outcome.failure is not None:
        return Trial(number, params, None, outcome.failure.kind)
    return Trial(number, params, read_values(outcome.value, list(objectives)))


def read_values(result: Any, names: Sequence[str]) -> tuple[float, ...]:
    """Return the value of each objective in a number, a sequence in that order, or a mapping.

    None, a result that there is not, is NaN: it counts as the worst. Raises PluginError when a name
    is missing or a value is anything else than a number.
    """
    if isinstance(result, Mapping):
        for name in names:
            if name not in result:
                hint = did_you_mean(name, [str(key) for key in result])
                raise PluginError(f"a trial's result has no {name!r}; {hint}")
        values = [result[name] for name in names]
    else:
        values = list(result) if isinstance(result, Sequence | np.ndarray) else [result]
    if len(values) != len(names):
        raise PluginError(f"a trial gave {len(values)} values for {len(names)} objectives")
    values = [math.nan if value is None else value for value in values]
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bool | np.bool_) or not isinstance(
            value, int | float | np.integer | np.floating
        ):
            raise PluginError(f"{name} = {value!r} in a trial's result: expected a number")
    return tuple(float(value) for value in values)


def losses(values: Sequence[float], directions: Sequence[str]) -> tuple[float, ...]:
    """Return values that are all to be minimised; all infinite if one is not a number."""
    if any(math.isnan(value) for value in values):
        return (math.inf,) * len(directions)
    return tuple(v if d == "min" else -v for v, d in zip(values, directions, strict=True))


def _product(found: Trials, space: Space, sampler: str) -> bytes:
    """Return the trials as JSON that needs nothing of this package to be read."""
    from optuna.distributions import distribution_to_json

    with _quiet():
        shown = {k: distribution_to_json(d.shown()) for k, d in space.items()}
    content = {
        "sampler": sampler,
        "objectives": [[name, direction] for name, direction in found.objectives.items()],
        "space": shown,
        "trials": [
            {
                "number": trial.number,
                "params": {k: to_show(d, trial.params[k]) for k, d in space.items()},
                "values": None if trial.values is None else [repr(v) for v in trial.values],
                "failure": trial.failure,
            }
            for trial in found.trials
        ],
    }
    return json.dumps(content, indent=1).encode()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's remarks off the terminal, and leave its settings as they were."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
