"""What is compared: an estimator with the parameters that a tuning chose, or a bilevel training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat import Resources
from heliostat_methods.fams.config import FAMSConfig, FAMSSettings
from heliostat_methods.fams.estimators.by_name import named
from heliostat_search.devices import device_resources
from heliostat_search.strategies.space import Integer, Space

FAMS = "fams"


@dataclass(frozen=True)
class Contestant:
    """An estimator by name, with the parameters that differ from its defaults."""

    name: str
    parameters: Mapping[str, Any]
    label: str = ""

    @property
    def shown(self) -> str:
        """What tables call it."""
        return self.label or self.name


def space_of(config: FAMSConfig, name: str) -> Space:
    """Return what is tuned of an estimator; rounds of the bilevel method are at most those set."""
    space = dict(named(name).space)
    if name != FAMS:
        return space
    rounds = config.fams.rounds
    if rounds == 1:  # no range
        return {field: one for field, one in space.items() if field != "rounds"}
    return {**space, "rounds": Integer(max(1, rounds // 8), rounds, log=True)}


def defaults_of(config: FAMSConfig, name: str) -> dict[str, Any]:
    """Return the first trial: the parameters untuned, or the nearest values that are tried."""
    space = space_of(config, name)
    made = vars(config.fams) if name == FAMS else named(name).create().get_params()
    return {field: _nearest(dimension, made[field]) for field, dimension in space.items()}


def _nearest(dimension: Any, value: Any) -> Any:
    """Return a value of a range; no penalty is not on a logarithmic one, the least is."""
    return value if dimension.holds(value) else min(max(value, dimension.low), dimension.high)


def fixed_of(config: FAMSConfig, name: str) -> dict[str, Any]:
    """Return the parameters that a configuration sets for all estimators that have them."""
    known = named(name).load()._get_param_names()
    return {"hidden": list(config.hidden)} if "hidden" in known else {}


def fams_settings(config: FAMSConfig, parameters: Mapping[str, Any]) -> FAMSSettings:
    """Return the bilevel method's settings with tuned parameters in place of its own."""
    return config.fams.model_copy(update=dict(parameters))


def resources(config: FAMSConfig) -> Resources | None:
    """Return what a training needs of a worker."""
    return device_resources(config.device)
