"""Optuna's samplers, seeded and in memory: asked for parameters, told what became of them."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from heliostat.errors import ConfigError, did_you_mean
from heliostat_search.strategies.conditions import (
    NO_CONDITIONS,
    Conditions,
    check_conditions,
    in_order,
    is_active,
)
from heliostat_search.strategies.space import Space, from_optuna, to_optuna

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
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
        when: Conditions = NO_CONDITIONS,
    ) -> None:
        if not space:
            raise ConfigError("space", {}, "at least one parameter")
        for direction in directions:
            if direction not in ("min", "max"):
                raise ConfigError("direction", direction, "min or max")
        check_conditions(space, when)
        self.space = space
        self.directions = tuple(directions)
        self._when = when
        with quiet():
            import optuna

            self._asked: dict[int, optuna.Trial] = {}

            self._distributions = {name: d.distribution() for name, d in space.items()}

            self._study = optuna.create_study(
                study_name="trials",
                storage=optuna.storages.InMemoryStorage(),
                sampler=make_sampler(sampler, seed, len(self.directions), options),
                directions=["minimize"] * len(self.directions),
            )
            for params in initial:
                told = {k: to_optuna(d, params[k]) for k, d in space.items() if k in params}
                self._study.enqueue_trial(told)

    def ask(self) -> tuple[int, dict[str, Any]]:
        """Return number and parameters of the next trial, those whose conditions hold."""
        with quiet():
            if self._when:
                trial = self._study.ask()
                params = self._one_by_one(trial)
            else:
                trial = self._study.ask(self._distributions)
                params = {k: from_optuna(d, trial.params[k]) for k, d in self.space.items()}
        self._asked[trial.number] = trial
        return trial.number, params

    def _one_by_one(self, trial: optuna.Trial) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in in_order(self.space, self._when):
            if is_active(self._when.get(name, {}), found):
                proposed = _suggested(trial, name, self._distributions[name])
                found[name] = from_optuna(self.space[name], proposed)
        return found

    def tell(
        self,
        number: int,
        values: Sequence[float] | None,
        *,
        pruned: tuple[int, float] | None = None,
    ) -> None:
        """Take in a trial's values, None when it failed; `pruned`: its last step and loss there."""
        from optuna.trial import TrialState

        trial = self._asked.pop(number)
        with quiet():
            if pruned is not None:
                step, loss = pruned
                trial.report(loss, step)
                self._study.tell(number, state=TrialState.PRUNED)
            elif values is None:
                self._study.tell(number, state=TrialState.FAIL)
            else:
                self._study.tell(number, losses(values, self.directions))


def _suggested(trial: optuna.Trial, name: str, wanted: BaseDistribution) -> Any:
    """Return a trial's value for one parameter."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(wanted, FloatDistribution):
        return trial.suggest_float(name, wanted.low, wanted.high, log=wanted.log, step=wanted.step)
    if isinstance(wanted, IntDistribution):
        return trial.suggest_int(name, wanted.low, wanted.high, log=wanted.log, step=wanted.step)
    assert isinstance(wanted, CategoricalDistribution)
    return trial.suggest_categorical(name, wanted.choices)


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


def losses(values: Sequence[float], directions: Sequence[str]) -> tuple[float, ...]:
    """Return values that are all to be minimised; all infinite if one is not a number."""
    if any(math.isnan(value) for value in values):
        return (math.inf,) * len(directions)
    return tuple(v if d == "min" else -v for v, d in zip(values, directions, strict=True))


@contextmanager
def quiet() -> Iterator[None]:
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
